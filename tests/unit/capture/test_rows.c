/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Summaries into rows and reports. */
#include "gather.h"
#include "rows.h"
#include "support.h"

#include "common/xalloc.h"
#include "meter/privacy.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t seed[16] = {7};
static const struct service_range services[] = {
    {"web", IPPROTO_TCP, 80, 80}, {"mail", IPPROTO_TCP, 25, 25}, {"web", IPPROTO_TCP, 443, 443}};

static struct summary *make_summary(void)
{
    return summary_new(64, 64, 64, seed);
}

static struct rows *make_rows(struct book *book, bool has_ipfix)
{
    const struct rows_options options = {
        .sink = &book->sink,
        .device = "host",
        .interface = "eth0",
        .interval_ms = 10000,
        .offload = "gro,tso",
        .link_type = "EN10MB",
        .services = services,
        .n_services = 3,
        .has_ipfix = has_ipfix,
    };
    return rows_new(&options);
}

static uint64_t traffic(struct book *book, const char *metric)
{
    return book_counter(book, "traffic", "eth0", metric);
}

static void counters_are_sums_over_intervals(void **state)
{
    struct book *book = book_new();
    struct summary *summary = make_summary();
    struct rows *rows = make_rows(book, false);
    (void)state;
    struct traffic_totals *totals = &summary->totals;
    totals->all = (struct traffic_count){100, 60000, 50000};
    totals->l3[L3_IPV4] = (struct traffic_count){70, 40000, 38000};
    totals->l3[L3_IPV6] = (struct traffic_count){20, 19000, 12000};
    totals->l3[L3_ARP] = (struct traffic_count){9, 900, 0};
    totals->l3[L3_OTHER] = (struct traffic_count){1, 100, 0};
    totals->l4[L4_TCP] = (struct traffic_count){50, 30000, 1};
    totals->l4[L4_UDP] = (struct traffic_count){20, 10000, 1};
    totals->l4[L4_ICMP] = (struct traffic_count){3, 300, 1};
    totals->l4[L4_ICMP6] = (struct traffic_count){4, 400, 1};
    totals->l4[L4_6IN4] = (struct traffic_count){5, 500, 1};
    totals->l4[L4_OSPF] = (struct traffic_count){6, 600, 1};
    totals->l4[L4_NONE] = (struct traffic_count){1000, 1000, 1000};
    totals->tags[TAGS_8100] = (struct traffic_count){11, 1100, 1};
    totals->tags[TAGS_88A8] = (struct traffic_count){1, 100, 1};
    totals->tags[TAGS_QINQ] = (struct traffic_count){2, 200, 1};
    totals->sizes[0] = 60;
    totals->sizes[7] = 2;
    totals->truncated = 77; /* what a snapshot cuts off behind the headers is no fault */
    totals->fragments_non_first = 8;
    totals->offloaded = 4;
    totals->packets_estimated = 140;
    totals->exits[EXIT_EMPTY] = 1;
    totals->exits[EXIT_TCP_TRUNCATED] = 2;
    totals->exits[EXIT_IPV4_IHL] = 4;
    totals->exits[EXIT_TCP_OPTION] = 8;
    totals->exits[EXIT_GRE_UNKNOWN] = 16;
    for (uint64_t turn = 1; turn <= 2; turn++) {
        const struct rows_interval interval = {.time = {INT64_C(1000) * (int64_t)turn},
                                               .summary = summary};
        rows_send(rows, &interval);
        assert_int_equal(traffic(book, "octets"), 60000 * turn);
        assert_int_equal(traffic(book, "packets"), 100 * turn);
        assert_int_equal(traffic(book, "ip_octets"), 50000 * turn);
        assert_int_equal(traffic(book, "ipv4_octets"), 40000 * turn);
        assert_int_equal(traffic(book, "ipv6_packets"), 20 * turn);
        assert_int_equal(traffic(book, "arp_octets"), 900 * turn);
        assert_int_equal(traffic(book, "other_packets"), 1 * turn);
        assert_int_equal(traffic(book, "tcp_octets"), 30000 * turn);
        assert_int_equal(traffic(book, "udp_packets"), 20 * turn);
        assert_int_equal(traffic(book, "icmp_octets"), 700 * turn);
        assert_int_equal(traffic(book, "icmp_packets"), 7 * turn);
        assert_int_equal(traffic(book, "other_ip_octets"), 1100 * turn);
        assert_int_equal(traffic(book, "vlan_packets"), 12 * turn);
        assert_int_equal(traffic(book, "qinq_octets"), 200 * turn);
        assert_int_equal(traffic(book, "size_to_64"), 60 * turn);
        assert_int_equal(traffic(book, "size_above_9216"), 2 * turn);
        assert_int_equal(traffic(book, "fragments"), 8 * turn);
        assert_int_equal(traffic(book, "offloaded"), 4 * turn);
        assert_int_equal(traffic(book, "packets_estimated"), 140 * turn);
        assert_int_equal(traffic(book, "truncated"), 3 * turn);
        assert_int_equal(traffic(book, "malformed"), 12 * turn);
        assert_int_equal(traffic(book, "unread"), 16 * turn);
    }
    const struct book_object *object = book_find(book, "traffic", "eth0");
    assert_string_equal(object->labels,
                        "interface=eth0 source=capture offload=gro,tso link=EN10MB");
    assert_int_equal(object->n_rows, 2);
    assert_int_equal(object->row.time.ms, 2000);
    assert_int_equal(object->row.status, ROW_OK);
    /* The first row of a process: its counters are no continuation. */
    for (size_t i = 0; i < object->n_metrics; i++) {
        assert_int_equal(object->first_discontinuity >> i & 1,
                         object->metrics[i].type == METRIC_COUNTER);
    }
    assert_int_equal(object->row.discontinuity_mask, 0);
    assert_null(book_find(book, "traffic-ipfix", "eth0"));
    rows_free(rows);
    summary_free(summary);
    book_free(book);
}

static void metrics_have_good_names(void **state)
{
    struct book *book = book_new();
    struct rows *rows = make_rows(book, true);
    (void)state;
    assert_int_equal(book->n_objects, 7); /* with two services */
    for (size_t i = 0; i < book->n_objects; i++) {
        const struct book_object *object = &book->objects[i];
        for (size_t m = 0; m < object->n_metrics; m++) {
            /* rrdtool takes 19 characters; hardly more, as the file's name for it is a hash then.
             */
            assert_non_null(object->metrics[m].name);
            assert_true(strlen(object->metrics[m].name) <= 20);
            assert_non_null(object->metrics[m].unit);
            for (size_t before = 0; before < m; before++) {
                assert_string_not_equal(object->metrics[m].name, object->metrics[before].name);
            }
        }
    }
    rows_free(rows);
    book_free(book);
}

static void drops_make_an_interval_doubtful(void **state)
{
    struct book *book = book_new();
    struct summary *summary = make_summary();
    struct rows *rows = make_rows(book, false);
    struct rows_interval interval = {.time = {1000}, .summary = summary};
    const struct book_object *object = book_find(book, "traffic", "eth0");
    (void)state;
    rows_send(rows, &interval);
    assert_true(book_is_unknown(book, "traffic", "eth0", "drop_ratio")); /* of nothing */
    summary->totals.all.packets = 990;
    interval.dropped = 7;
    interval.interface_dropped = 3;
    rows_send(rows, &interval); /* one in a hundred exactly */
    assert_int_equal(object->row.status, ROW_OK);
    assert_true(book_gauge(book, "traffic", "eth0", "drop_ratio") == 0.01);
    interval.dropped = 7 + 8;
    interval.interface_dropped = 3 + 3;
    rows_send(rows, &interval);
    assert_int_equal(object->row.status, ROW_DEGRADED);
    assert_int_equal(book_find(book, "traffic-tcp", "eth0")->row.status, ROW_DEGRADED);
    assert_int_equal(traffic(book, "dropped"), 15);
    assert_int_equal(traffic(book, "interface_dropped"), 6);
    rows_send(rows, &interval); /* no new ones */
    assert_int_equal(object->row.status, ROW_OK);
    rows_free(rows);
    summary_free(summary);
    book_free(book);
}

static void percentiles_of_nothing_are_unknown(void **state)
{
    static const char *const tcp[] = {"retransmission_ratio", "reordered_ratio", "rtt_server_p50",
                                      "rtt_server_p90",       "rtt_server_p99",  "rtt_client_p50",
                                      "rtt_client_p90",       "rtt_client_p99"};
    struct book *book = book_new();
    struct summary *summary = make_summary();
    struct rows *rows = make_rows(book, false);
    struct rows_interval interval = {.time = {1000}, .summary = summary};
    (void)state;
    rows_send(rows, &interval);
    for (size_t i = 0; i < sizeof tcp / sizeof tcp[0]; i++) {
        assert_true(book_is_unknown(book, "traffic-tcp", "eth0", tcp[i]));
    }
    assert_true(book_is_unknown(book, "traffic-dns", "eth0", "response_time_p90"));
    assert_false(book_is_unknown(book, "traffic-tcp", "eth0", "syns"));
    summary->tcp.syns = 5;
    summary->tcp.data_segments = 200;
    summary->tcp.retransmissions = 3;
    for (int i = 1; i <= 100; i++) {
        histogram_add(&summary->tcp.rtt_server, i * INT64_C(1000000)); /* 1 to 100 ms */
    }
    histogram_add(&summary->dns.response_time, 20000000);
    summary->dns.rcodes[3] = 4;
    summary->dns.rcodes[9] = 2;
    rows_send(rows, &interval);
    assert_int_equal(book_counter(book, "traffic-tcp", "eth0", "syns"), 5);
    assert_true(book_gauge(book, "traffic-tcp", "eth0", "retransmission_ratio") == 0.015);
    double p50 = book_gauge(book, "traffic-tcp", "eth0", "rtt_server_p50");
    double p99 = book_gauge(book, "traffic-tcp", "eth0", "rtt_server_p99");
    assert_true(p50 > 0.049 && p50 < 0.051);
    assert_true(p99 > 0.097 && p99 < 0.101);
    assert_true(book_is_unknown(book, "traffic-tcp", "eth0", "rtt_client_p50"));
    double dns = book_gauge(book, "traffic-dns", "eth0", "response_time_p99");
    assert_true(dns > 0.0196 && dns < 0.0204);
    assert_int_equal(book_counter(book, "traffic-dns", "eth0", "nxdomain"), 4);
    assert_int_equal(book_counter(book, "traffic-dns", "eth0", "rcode_other"), 2);
    rows_free(rows);
    summary_free(summary);
    book_free(book);
}

static void vlans_as_they_are_seen(void **state)
{
    struct book *book = book_new();
    struct summary *summary = make_summary();
    struct rows *rows = make_rows(book, false);
    struct rows_interval interval = {.time = {1000}, .summary = summary};
    (void)state;
    summary->totals.vlans[7] = (struct traffic_count){3, 300, 250};
    rows_send(rows, &interval);
    struct book_object *object = book_find(book, "traffic-vlan", "eth0/7");
    assert_int_equal(object->n_rows, 1);
    summary->totals.vlans[7] = (struct traffic_count){0};
    summary->totals.vlans[0] = (struct traffic_count){1, 64, 46};
    interval.time.ms = 2000;
    rows_send(rows, &interval);
    /* One that came later was 0 before. */
    object = book_find(book, "traffic-vlan", "eth0/0");
    assert_int_equal(object->n_rows, 2);
    assert_int_equal(object->first.ms, 1000);
    assert_int_equal(object->first_discontinuity, 7);
    assert_int_equal(object->row.discontinuity_mask, 0);
    assert_int_equal(book_counter(book, "traffic-vlan", "eth0/7", "octets"), 300);
    assert_int_equal(book_counter(book, "traffic-vlan", "eth0/7", "ip_octets"), 250);
    assert_int_equal(book_find(book, "traffic-vlan", "eth0/7")->n_rows, 2); /* silent, not gone */
    assert_int_equal(book_counter(book, "traffic-vlan", "eth0/0", "packets"), 1);
    assert_null(book_find(book, "traffic-vlan", "eth0/1"));
    for (unsigned id = 0; id < VLAN_IDS; id++) { /* a scan */
        summary->totals.vlans[id].packets = 1;
    }
    size_t before = book->n_objects;
    rows_send(rows, &interval);
    rows_send(rows, &interval);
    assert_int_equal(book->n_objects, before - 2 + ROWS_VLANS_MAX);
    rows_free(rows);
    summary_free(summary);
    book_free(book);
}

static void services_of_one_name_are_one(void **state)
{
    struct book *book = book_new();
    struct summary *summary = make_summary();
    struct rows *rows = make_rows(book, true);
    struct rows_interval interval = {
        .time = {1000}, .summary = summary, .ipfix = {.records = 5, .dropped_records = 1}};
    (void)state;
    summary->own_services[0] = (struct traffic_count){.packets = 1, .ip_bytes = 100};
    summary->own_services[1] = (struct traffic_count){.packets = 2, .ip_bytes = 200};
    summary->own_services[2] = (struct traffic_count){.packets = 4, .ip_bytes = 400};
    rows_send(rows, &interval);
    assert_int_equal(book_counter(book, "traffic-service", "eth0/web", "ip_octets"), 500);
    assert_int_equal(book_counter(book, "traffic-service", "eth0/web", "packets"), 5);
    assert_int_equal(book_counter(book, "traffic-service", "eth0/mail", "packets"), 2);
    assert_int_equal(book_find(book, "traffic-service", "eth0/web")->n_rows, 1);
    assert_int_equal(book_counter(book, "traffic-ipfix", "eth0", "records"), 5);
    assert_int_equal(book_counter(book, "traffic-ipfix", "eth0", "dropped_records"), 1);
    rows_free(rows);
    summary_free(summary);
    book_free(book);
}

static void flows_now_and_ever(void **state)
{
    struct book *book = book_new();
    struct summary *summary = make_summary();
    struct rows *rows = make_rows(book, false);
    struct rows_interval interval = {.time = {1000}, .summary = summary};
    (void)state;
    summary->flows = (struct flow_counts){.added = 10, .evicted = 1, .active = 8, .used = 9};
    rows_send(rows, &interval);
    rows_send(rows, &interval);
    assert_int_equal(book_counter(book, "traffic-flows", "eth0", "added"), 20);
    assert_int_equal(book_counter(book, "traffic-flows", "eth0", "evicted"), 2);
    assert_true(book_gauge(book, "traffic-flows", "eth0", "active") == 8);
    assert_true(book_gauge(book, "traffic-flows", "eth0", "used") == 9);
    rows_free(rows);
    summary_free(summary);
    book_free(book);
}

/* --- reports --- */

static void add_talkers(struct summary *summary)
{
    struct talker_key host = {.kind = TALKER_ADDRESS};
    struct talker_key prefix = {.kind = TALKER_PREFIX};
    struct talker_key service = {.bytes = {IPPROTO_TCP, 0, 443 >> 8, 443 & 255},
                                 .kind = TALKER_SERVICE};
    memcpy(host.bytes, (const uint8_t[16]){[10] = 0xff, [11] = 0xff, 192, 0, 2, 7}, 16);
    memcpy(prefix.bytes, (const uint8_t[16]){[10] = 0xff, [11] = 0xff, 192, 0, 2, 0}, 16);
    talkers_add(summary->hosts, &host, 1000, 10);
    talkers_add(summary->prefixes, &prefix, 1100, 11);
    talkers_add(summary->services, &service, 1200, 12);
    host.bytes[15] = 8;
    talkers_add(summary->hosts, &host, 900, 9);
    summary->totals.all.ip_bytes = 5000;
}

static void reports_gather_over_intervals(void **state)
{
    struct book *book = book_new();
    struct summary *summary = make_summary();
    struct services *names = services_new("/nonexistent", services, 3);
    const uint32_t number =
        book->sink.define(book, &(struct object){.device = "host", .kind = "traffic", .name = "x"});
    const struct gather_options options = {.sink = &book->sink,
                                           .object = number,
                                           .interval_ms = 3000,
                                           .top = 1,
                                           .service_names = names};
    struct gather *gather = gather_new(&options, (struct wall){1000});
    (void)state;
    for (int64_t to_ms = 2000; to_ms <= 6000; to_ms += 1000) {
        summary_clear(summary);
        add_talkers(summary);
        gather_add(gather, summary, (struct wall){to_ms});
    }
    assert_int_equal(book->n_reports, 3);
    const struct book_report *hosts = &book->reports[0];
    assert_int_equal(hosts->report.list, TALKERS_HOSTS);
    assert_int_equal(hosts->report.from.ms, 1000);
    assert_int_equal(hosts->report.to.ms, 4000);
    assert_int_equal(hosts->report.total_ip_bytes, 15000);
    assert_int_equal(hosts->report.n_items, 1); /* of two */
    assert_int_equal(hosts->report.error_bound_bytes, 0);
    assert_string_equal(hosts->first_key, "192.0.2.7");
    assert_int_equal(hosts->first.ip_bytes, 3000);
    assert_int_equal(hosts->first.packets, 30);
    assert_string_equal(book->reports[1].first_key, "192.0.2.0/24");
    assert_int_equal(book->reports[1].report.list, TALKERS_PREFIXES);
    assert_string_equal(book->reports[2].first_key, "tcp/443 web");
    assert_int_equal(book->reports[2].report.list, TALKERS_SERVICES);
    /* The next begins anew; nothing is told of an interval without traffic. */
    gather_add(gather, summary, (struct wall){7000});
    assert_int_equal(book->n_reports, 6);
    assert_int_equal(book->reports[3].report.from.ms, 4000);
    assert_int_equal(book->reports[3].first.ip_bytes, 3000);
    assert_int_equal(book->reports[3].report.total_ip_bytes, 15000);
    summary_clear(summary);
    gather_add(gather, summary, (struct wall){10000});
    assert_int_equal(book->n_reports, 6);
    gather_free(gather);
    services_free(names);
    summary_free(summary);
    book_free(book);
}

static void reports_after_a_clock_that_was_set_back(void **state)
{
    struct book *book = book_new();
    struct summary *summary = make_summary();
    struct services *names = services_new("/nonexistent", NULL, 0);
    const uint32_t number =
        book->sink.define(book, &(struct object){.device = "host", .kind = "traffic", .name = "x"});
    struct gather_options options = {.sink = &book->sink,
                                     .object = number,
                                     .interval_ms = 3000,
                                     .top = 20,
                                     .service_names = names};
    struct gather *gather = gather_new(&options, (struct wall){100000});
    (void)state;
    add_talkers(summary);
    for (int64_t to_ms = 1000; to_ms <= 4000; to_ms += 1000) {
        gather_add(gather, summary, (struct wall){to_ms});
    }
    assert_int_equal(book->n_reports, 3);
    assert_true(book->reports[0].report.from.ms < book->reports[0].report.to.ms);
    assert_int_equal(book->reports[0].first.ip_bytes, 4000);
    gather_free(gather);
    book->sink.talkers = NULL; /* a sink that wants none */
    gather = gather_new(&options, (struct wall){0});
    gather_add(gather, summary, (struct wall){5000});
    assert_int_equal(book->n_reports, 3);
    gather_free(gather);
    services_free(names);
    summary_free(summary);
    book_free(book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_are_sums_over_intervals),
        cmocka_unit_test(metrics_have_good_names),
        cmocka_unit_test(drops_make_an_interval_doubtful),
        cmocka_unit_test(percentiles_of_nothing_are_unknown),
        cmocka_unit_test(vlans_as_they_are_seen),
        cmocka_unit_test(services_of_one_name_are_one),
        cmocka_unit_test(flows_now_and_ever),
        cmocka_unit_test(reports_gather_over_intervals),
        cmocka_unit_test(reports_after_a_clock_that_was_set_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
