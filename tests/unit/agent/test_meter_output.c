/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command line of `beffroi-agent meter`, and what it prints of a made-up summary. */
#include "meter_json.h"
#include "meter_options.h"
#include "meter_text.h"

#include "common/xalloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static struct meter_cli_options options; /* large */

static int parse(char reason[256], const char *const *words)
{
    char *argv[16] = {(char *)(uintptr_t) "meter"};
    int argc = 1;
    reason[0] = '\0';
    for (; words[argc - 1] != NULL; argc++) {
        argv[argc] = (char *)(uintptr_t)words[argc - 1];
    }
    return meter_options_parse(argc, argv, &options, reason, 256);
}

static void right_ones(void **state)
{
    char reason[256];
    (void)state;
    assert_int_equal(parse(reason, WORDS("--read", "-")), 0);
    assert_string_equal(options.file, "-");
    assert_int_equal(options.format, METER_TEXT);
    assert_int_equal(options.top, 20);
    assert_false(options.exact_addresses);
    assert_int_equal(parse(reason, WORDS("-i", "eth0", "--interval", "10", "--for", "1.5min",
                                         "--format", "json", "--top", "5", "--promiscuous")),
                     0);
    assert_string_equal(options.interface, "eth0");
    assert_int_equal(options.interval_ms, 10000);
    assert_int_equal(options.duration_ms, 90000);
    assert_int_equal(options.format, METER_JSON);
    assert_int_equal(options.top, 5);
    assert_true(options.promiscuous);
    assert_int_equal(parse(reason, WORDS("--read", "f", "--interval", "250ms", "--own",
                                         "192.0.2.0/24", "--own", "2001:db8::/32", "--flows",
                                         "4096", "--exact-addresses", "--filter", "tcp")),
                     0);
    assert_int_equal(options.interval_ms, 250);
    assert_int_equal(options.n_own, 2);
    assert_int_equal(options.flows, 4096);
    assert_true(options.exact_addresses);
    assert_string_equal(options.filter, "tcp");
    assert_int_equal(parse(reason, WORDS("--help")), 0);
    assert_true(options.help);
}

static void wrong_ones(void **state)
{
    static const struct {
        const char *words[6];
        const char *reason;
    } cases[] = {
        {{NULL}, "what shall be metered"},
        {{"--read", "f", "-i", "eth0"}, "what shall be metered"},
        {{"--read"}, "needs a value: --read"},
        {{"--read", "f", "--format", "xml"}, "text or json, not xml"},
        {{"--read", "f", "--interval", "0"}, "--interval is a time of 1ms to 24h"},
        {{"--read", "f", "--interval", "nan"}, "--interval is a time"},
        {{"--read", "f", "--interval", "1d"}, "not 1d"},
        {{"--read", "f", "--interval", ""}, "--interval is a time"},
        {{"--read", "f", "--for", "1s"}, "go with -i"},
        {{"--read", "f", "--top", "-1"}, "0 to 1000, not -1"},
        {{"--read", "f", "--top", "1001"}, "0 to 1000"},
        {{"--read", "f", "--flows", "10"}, "1024 to 16777216"},
        {{"--read", "f", "--own", "192.0.2.1/24"}, "bits set behind"},
        {{"--read", "f", "--own", "x"}, "--own x: is no IPv4"},
        {{"--read", "f", "more"}, "not understood: more"},
        {{"--what"}, "no such option: --what"},
        {{"-z"}, "no such option: -z"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char reason[256];
        assert_int_equal(parse(reason, cases[i].words), -EINVAL);
        if (strstr(reason, cases[i].reason) == NULL) {
            fail_msg("\"%s\" does not hold \"%s\"", reason, cases[i].reason);
        }
    }
}

/* --- printing --- */

static const int64_t START_NS = INT64_C(1700000000123456789);

static struct summary *make_summary(void)
{
    static const uint8_t seed[16] = {1};
    struct summary *summary = summary_new(64, 64, 64, seed);
    struct traffic_totals *totals = &summary->totals;
    struct talker_key service = {.bytes = {6, 0, 1, 0xbb}, .kind = TALKER_SERVICE};
    struct talker_key host = {.bytes = {[10] = 0xff, 0xff, 192, 0, 2, 7}, .kind = TALKER_ADDRESS};
    totals->all = (struct traffic_count){3, 300, UINT64_C(18446744073709551615)};
    totals->l3[L3_IPV4] = (struct traffic_count){2, 200, 150};
    totals->l4[L4_TCP] = (struct traffic_count){2, 200, 150};
    totals->tags[TAGS_QINQ] = (struct traffic_count){1, 100, 80};
    totals->vlans[42] = (struct traffic_count){1, 100, 80};
    totals->exits[EXIT_IPV4_IHL] = 7;
    totals->truncated = 4;
    totals->fragments_non_first = 5;
    totals->packets_estimated = 9;
    totals->offloaded = 1;
    summary->flows = (struct flow_counts){.added = 2, .active = 3, .used = 3};
    summary->tcp.retransmissions = 11;
    summary->tcp.data_segments = 100;
    summary->tcp.handshakes = 1;
    histogram_add(&summary->tcp.rtt_server, 20000000);
    summary->dns.queries = 6;
    summary->dns.rcodes[3] = 2;
    summary->first_ns = START_NS;
    summary->last_ns = START_NS + INT64_C(2000000000);
    talkers_add(summary->hosts, &host, 123, 4);
    talkers_add(summary->services, &service, 99, 2);
    return summary;
}

static const char *text_of(const json_t *root, const char *key)
{
    const json_t *value = json_object_get(root, key);
    assert_true(json_is_string(value));
    return json_string_value(value);
}

static json_int_t number_of(const json_t *root, const char *first, const char *second,
                            const char *third)
{
    const json_t *value = root;
    const char *const path[] = {first, second, third};
    for (size_t i = 0; i < 3 && path[i] != NULL; i++) {
        value = json_object_get(value, path[i]);
    }
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static char *print(const struct capture_document *document, bool json, size_t top)
{
    struct services *services = services_new("/nonexistent/services", NULL, 0);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    if (json) {
        meter_json_print(out, document, services, top);
    } else {
        meter_text_print(out, document, services, top, false);
    }
    assert_int_equal(fclose(out), 0);
    services_free(services);
    return text;
}

static void as_json(void **state)
{
    (void)state;
    struct summary *summary = make_summary();
    struct capture_document document = {.name = "a \"file\"",
                                        .is_file = true,
                                        .link_type = "EN10MB",
                                        .is_decoded = true,
                                        .summary = summary,
                                        .error = "cut short"};
    char *text = print(&document, true, 20);
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);       /* one line */
    assert_non_null(strstr(text, "\"ip_bytes\":18446744073709551615,")); /* exact */
    char *exact = strstr(text, "18446744073709551615");
    memcpy(exact, "00000000000000000001" + 19, 1); /* jansson's integers are signed */
    memmove(exact + 1, exact + 20, strlen(exact + 20) + 1);
    json_error_t error;
    json_t *root = json_loads(text, 0, &error);
    assert_non_null(root);
    assert_string_equal(text_of(root, "file"), "a \"file\"");
    assert_string_equal(text_of(root, "link_type"), "EN10MB");
    assert_string_equal(text_of(root, "first"), "2023-11-14T22:13:20.123456789Z");
    assert_string_equal(text_of(root, "last"), "2023-11-14T22:13:22.123456789Z");
    assert_string_equal(text_of(root, "error"), "cut short");
    assert_int_equal(number_of(root, "packets", NULL, NULL), 3);
    assert_int_equal(number_of(root, "truncated", NULL, NULL), 4);
    assert_int_equal(number_of(root, "l3", "ipv4", "ip_bytes"), 150);
    assert_int_equal(number_of(root, "l3", "other", "packets"), 0);
    assert_int_equal(number_of(root, "l4", "tcp", "packets"), 2);
    assert_int_equal(number_of(root, "l4", "esp", "packets"), 0);
    assert_int_equal(number_of(root, "vlan", "qinq", "wire_bytes"), 100);
    assert_int_equal(number_of(root, "vlan", "8100", "packets"), 0);
    assert_int_equal(number_of(root, "vlan_ids", "42", "packets"), 1);
    assert_int_equal(json_object_size(json_object_get(root, "vlan_ids")), 1);
    assert_int_equal(number_of(root, "fragments_non_first", NULL, NULL), 5);
    assert_int_equal(number_of(root, "flows", NULL, NULL), 3);
    assert_int_equal(number_of(root, "tcp", "retransmissions", NULL), 11);
    assert_int_equal(number_of(root, "decode_exits", "ipv4_ihl", NULL), 7);
    assert_int_equal(json_object_size(json_object_get(root, "decode_exits")), 1);
    const json_t *rtt = json_object_get(json_object_get(root, "tcp"), "rtt_us");
    assert_int_equal(number_of(rtt, "server", "n", NULL), 1);
    double p50 = json_number_value(json_object_get(json_object_get(rtt, "server"), "p50"));
    assert_true(p50 > 19600 && p50 < 20400);
    assert_true(json_is_null(json_object_get(json_object_get(rtt, "client"), "p50")));
    assert_int_equal(number_of(root, "dns", "rcodes", "nxdomain"), 2);
    const json_t *host = json_array_get(json_object_get(root, "top_hosts"), 0);
    assert_string_equal(text_of(host, "address"), "192.0.2.7");
    assert_int_equal(number_of(host, "ip_bytes", NULL, NULL), 123);
    assert_int_equal(number_of(host, "error", NULL, NULL), 0);
    const json_t *service = json_array_get(json_object_get(root, "top_services"), 0);
    assert_string_equal(text_of(service, "service"), "tcp/443");
    assert_true(json_is_null(json_object_get(service, "name")));
    assert_null(json_object_get(root, "from"));
    json_decref(root);
    free(text);
    summary_free(summary);
}

static void an_interval_of_an_interface(void **state)
{
    static const uint8_t seed[16] = {1};
    (void)state;
    struct summary *summary = summary_new(64, 64, 64, seed);
    struct capture_document document = {.name = "eth0",
                                        .link_type = "EN10MB",
                                        .is_decoded = true,
                                        .summary = summary,
                                        .has_interval = true,
                                        .from_ns = INT64_C(1700000000000000000),
                                        .to_ns = INT64_C(1700000010000000000),
                                        .kernel_dropped = 5,
                                        .interface_dropped = 6};
    char *text = print(&document, true, 0);
    json_error_t error;
    json_t *root = json_loads(text, 0, &error);
    assert_non_null(root);
    assert_string_equal(text_of(root, "interface"), "eth0");
    assert_string_equal(text_of(root, "from"), "2023-11-14T22:13:20.000000000Z");
    assert_string_equal(text_of(root, "to"), "2023-11-14T22:13:30.000000000Z");
    assert_true(json_is_null(json_object_get(root, "first")));
    assert_int_equal(number_of(root, "kernel_dropped", NULL, NULL), 5);
    assert_int_equal(number_of(root, "interface_dropped", NULL, NULL), 6);
    assert_int_equal(json_array_size(json_object_get(root, "top_hosts")), 0);
    json_decref(root);
    free(text);
    text = print(&document, false, 20);
    assert_non_null(strstr(text, "11 packets were dropped"));
    assert_non_null(strstr(text, "doubtful"));
    free(text);
    summary_free(summary);
}

static void for_people(void **state)
{
    static const char *const wanted[] = {
        "file.pcap (EN10MB) 2023-11-14T22:13:20Z to 2023-11-14T22:13:22Z",
        "3 packets, 300 B on the wire, 1.20 kbit/s",
        "1 frames are several packets in one",
        "vlan 42",
        "3 flows, 2 of them new",
        "11 sent again (11.00 %)",
        "round trip to the servers: 20 ms (p50)",
        "nxdomain 2",
        "192.0.2.7",
        "tcp/443",
        "ipv4_ihl 7",
    };
    (void)state;
    struct summary *summary = make_summary();
    struct capture_document document = {.name = "file.pcap",
                                        .is_file = true,
                                        .link_type = "EN10MB",
                                        .is_decoded = true,
                                        .summary = summary};
    char *text = print(&document, false, 20);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        if (strstr(text, wanted[i]) == NULL) {
            fail_msg("no \"%s\" in:\n%s", wanted[i], text);
        }
    }
    assert_null(strchr(text, '\033'));
    free(text);
    document.is_decoded = false;
    document.link_type = "IEEE802_11_RADIO";
    text = print(&document, false, 20);
    assert_non_null(strstr(text, "frames of link type IEEE802_11_RADIO are only counted"));
    free(text);
    summary_free(summary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(right_ones), cmocka_unit_test(wrong_ones),
        cmocka_unit_test(as_json),    cmocka_unit_test(an_interval_of_an_interface),
        cmocka_unit_test(for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
