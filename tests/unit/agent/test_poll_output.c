/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What `beffroi-agent poll` prints: numbers to the last digit, texts that no device can break out
 * of, devices that do not mix however their rows come. */
#include "json_writer.h"
#include "poll_json.h"
#include "poll_result.h"
#include "poll_text.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* --- the writer --- */

static char *text;
static size_t text_size;

static FILE *open_text(void)
{
    free(text);
    text = NULL;
    FILE *out = open_memstream(&text, &text_size);
    assert_non_null(out);
    return out;
}

static void numbers_are_exact(void **state)
{
    static const struct {
        double number;
        const char *text;
    } doubles[] = {
        {0, "0"},
        {-0.0, "0"},
        {1, "1"},
        {-7, "-7"},
        {1e10, "10000000000"},
        {9007199254740992.0, "9007199254740992"}, /* 2^53 */
        {-9007199254740992.0, "-9007199254740992"},
        {9007199254740994.0, "9007199254740994"}, /* beyond it: sixteen digits are enough */
        {18446744073709551616.0, "1.8446744073709552e+19"},
        {0.1, "0.1"},
        {0.30000000000000004, "0.30000000000000004"},
        {21.5, "21.5"},
        {1.0 / 3, "0.3333333333333333"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {DBL_TRUE_MIN, "4.94065645841247e-324"},
        {NAN, "null"},
        {INFINITY, "null"},
        {-INFINITY, "null"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof doubles / sizeof doubles[0]; i++) {
        struct json_writer json = {.out = open_text()};
        json_double(&json, doubles[i].number);
        fclose(json.out);
        assert_string_equal(text, doubles[i].text);
    }
    struct json_writer json = {.out = open_text()};
    json_begin_array(&json);
    json_unsigned(&json, UINT64_MAX);
    json_unsigned(&json, (uint64_t)INT64_MAX + 1);
    json_unsigned(&json, (UINT64_C(1) << 53) + 1);
    json_unsigned(&json, 0);
    json_end_array(&json);
    fclose(json.out);
    assert_string_equal(text, "[18446744073709551615,9223372036854775808,9007199254740993,0]");
}

static void texts_stay_texts(void **state)
{
    static const struct {
        const char *text;
        const char *json;
    } cases[] = {
        {"", "\"\""},
        {"a\"b\\c/", "\"a\\\"b\\\\c/\""},
        {"\x01\n\x1b[31m\x1f\x7f", "\"\\u0001\\u000a\\u001b[31m\\u001f\\u007f\""},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x94", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x94\x94\""},
        {"\xff", "\"\\ufffd\""},
        {"\xc3", "\"\\ufffd\""},            /* cut */
        {"\xe2\x82", "\"\\ufffd\\ufffd\""}, /* cut */
        {"\xf0\x9f\x94", "\"\\ufffd\\ufffd\\ufffd\""},
        {"\xc0\x80", "\"\\ufffd\\ufffd\""}, /* overlong */
        {"\xe0\x80\x80", "\"\\ufffd\\ufffd\\ufffd\""},
        {"\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\""}, /* a surrogate */
        {"\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\""},
        {"caf\xe9 au lait", "\"caf\\ufffd au lait\""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct json_writer json = {.out = open_text()};
        json_string(&json, cases[i].text);
        fclose(json.out);
        assert_string_equal(text, cases[i].json);
    }
}

/* --- devices --- */

static const struct metric port_metrics[] = {
    {"in_octets", "octets", METRIC_COUNTER},  {"out_octets", "octets", METRIC_COUNTER},
    {"in_errors", "packets", METRIC_COUNTER}, {"oper_status", "1", METRIC_GAUGE},
    {"speed_bps", "bit/s", METRIC_GAUGE},
};
enum { PORT_METRICS = 5 };

static uint32_t define_port(const struct sample_sink *sink, const char *device, const char *name,
                            const char *index, const char *alias)
{
    const struct label labels[] = {
        {"if_index", index}, {"if_name", name}, {"if_alias", alias}, {"source", "snmp"}};
    const struct object object = {.device = device,
                                  .kind = "interface",
                                  .name = name,
                                  .interval_ms = 30000,
                                  .metrics = port_metrics,
                                  .n_metrics = PORT_METRICS,
                                  .labels = labels,
                                  .n_labels = 4};
    return sink->define(sink->context, &object);
}

static void send_port(const struct sample_sink *sink, uint32_t number, uint64_t octets,
                      uint64_t unknown)
{
    const union value values[PORT_METRICS] = {
        {.counter = octets}, {.counter = 5}, {.counter = 0}, {.gauge = 1}, {.gauge = 1e9}};
    const struct row row = {.object = number,
                            .time = {1000},
                            .status = unknown != 0 ? ROW_PARTIAL : ROW_OK,
                            .unknown_mask = unknown,
                            .values = values};
    sink->row(sink->context, &row);
}

static void send_others(const struct sample_sink *sink, const char *device)
{
    static const struct metric uptime = {"uptime", "s", METRIC_GAUGE};
    const struct label neighbour[] = {
        {"index", "0.7.1"}, {"local_port", "p\"1"}, {"protocol", "lldp"}, {"source", "snmp"}};
    const struct label route[] = {{"index", "4.192.0.2.1"}};
    const struct label scalar[] = {{"location", "3.1"}};
    const struct object objects[] = {
        {.device = device,
         .kind = "device",
         .name = "system",
         .interval_ms = 30000,
         .metrics = &uptime,
         .n_metrics = 1,
         .labels = scalar,
         .n_labels = 1},
        {.device = device,
         .kind = "neighbour",
         .name = "n",
         .interval_ms = 30000,
         .labels = neighbour,
         .n_labels = 4},
        {.device = device,
         .kind = "route",
         .name = "r",
         .interval_ms = 30000,
         .metrics = &uptime,
         .n_metrics = 1,
         .labels = route,
         .n_labels = 1},
        {.device = device, .kind = "check", .name = "snmp", .interval_ms = 30000},
    };
    const union value value = {.gauge = 12.5};
    for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++) {
        struct row row = {.object = sink->define(sink->context, &objects[i]),
                          .time = {1000},
                          .status = i == 2 ? ROW_FAILED : ROW_OK,
                          .unknown_mask = i == 2 ? 1 : 0,
                          .values = &value};
        sink->row(sink->context, &row);
    }
}

static const struct snmp_device_config devices[] = {{.name = (char *)(uintptr_t) "sw-2"},
                                                    {.name = (char *)(uintptr_t) "sw-1"}};
static const struct config_list list = {.count = 2, .items = (void *)(uintptr_t)devices};

static const struct snmp_report good = {.device = "sw-2",
                                        .address = "192.0.2.2:161",
                                        .status = SNMP_STATUS_PARTIAL,
                                        .reason = "cut",
                                        .sys_name = "core",
                                        .sys_object_id = "1.3.6.1.4.1.9",
                                        .sys_descr = "two\r\nlines \x1b[2J\xc2\x9bX",
                                        .has_uptime = true,
                                        .uptime_s = 93784.25,
                                        .profile = "generic"};
static const struct snmp_report silent = {.device = "sw-1",
                                          .address = "[2001:db8::1]:161",
                                          .status = SNMP_STATUS_TIMEOUT,
                                          .reason = "no answer",
                                          .sys_name = "",
                                          .sys_object_id = "",
                                          .sys_descr = "",
                                          .profile = ""};

static struct poll_collector *collect(bool once)
{
    struct poll_collector *collector = poll_collector_new(&list, once);
    const struct sample_sink *sink = poll_collector_sink(collector);
    uint32_t mine = define_port(sink, "sw-2", "ge1", "10001", "to the \xc3\xa9glise");
    uint32_t other = define_port(sink, "sw-1", "ge1", "1", "");
    assert_true(mine != 0 && other != 0 && mine != other);
    assert_int_equal(define_port(sink, "sw-2", "ge1", "10001", "to the \xc3\xa9glise"), mine);
    assert_int_equal(define_port(sink, "unasked", "ge1", "1", ""), 0);
    send_port(sink, mine, UINT64_MAX, 0);
    send_port(sink, other, 7, 0);
    send_port(sink, define_port(sink, "sw-2", "ge2", "10002", ""), 8, 1 << 0 | 1 << 4);
    send_others(sink, "sw-2");
    send_port(sink, 0, 1, 0); /* of an object that was refused */
    send_port(sink, 12345, 1, 0);
    return collector;
}

static void take(struct poll_collector *collector, const struct snmp_report *report, bool json,
                 bool timed)
{
    struct poll_result result;
    size_t place = 99;
    assert_true(poll_collector_take(collector, report, &result, &place));
    assert_int_equal(place, report == &silent ? 1 : 0);
    result.time.ms = 0;
    FILE *out = open_text();
    if (json) {
        poll_json_print(out, &result, timed);
    } else {
        poll_text_print(out, &result, timed, false);
    }
    fclose(out);
    poll_collector_forget(collector, place);
}

static void a_device_is_one_object(void **state)
{
    (void)state;
    struct poll_collector *collector = collect(true);
    take(collector, &good, true, false);
    assert_string_equal(
        text, "{\"device\":\"sw-2\",\"address\":\"192.0.2.2:161\",\"status\":\"partial\","
              "\"reason\":\"cut\",\"sys_name\":\"core\",\"sys_object_id\":\"1.3.6.1.4.1.9\","
              "\"sys_descr\":\"two\\u000d\\u000alines \\u001b[2J\xc2\x9bX\",\"uptime_s\":93784.25,"
              "\"profile\":\"generic\","
              "\"neighbours\":[{\"protocol\":\"lldp\",\"local_port\":\"p\\\"1\"}],"
              "\"objects\":["
              "{\"kind\":\"interface\",\"name\":\"ge1\",\"index\":10001,\"status\":\"ok\","
              "\"labels\":{\"if_name\":\"ge1\",\"if_alias\":\"to the \xc3\xa9glise\"},"
              "\"metrics\":{\"in_octets\":18446744073709551615,\"out_octets\":5,\"in_errors\":0,"
              "\"oper_status\":1,\"speed_bps\":1000000000}},"
              "{\"kind\":\"interface\",\"name\":\"ge2\",\"index\":10002,\"status\":\"partial\","
              "\"labels\":{\"if_name\":\"ge2\",\"if_alias\":\"\"},"
              "\"metrics\":{\"out_octets\":5,\"in_errors\":0,\"oper_status\":1}},"
              "{\"kind\":\"device\",\"name\":\"system\",\"index\":null,\"status\":\"ok\","
              "\"labels\":{\"location\":\"3.1\"},\"metrics\":{\"uptime\":12.5}},"
              "{\"kind\":\"route\",\"name\":\"r\",\"index\":\"4.192.0.2.1\",\"status\":\"failed\","
              "\"labels\":{},\"metrics\":{}}]}");
    poll_collector_free(collector);
}

static void devices_do_not_mix(void **state)
{
    (void)state;
    struct poll_collector *collector = collect(true);
    take(collector, &silent, true, true);
    assert_string_equal(
        text,
        "{\"time\":\"1970-01-01T00:00:00Z\",\"device\":\"sw-1\",\"address\":\"[2001:db8::1]:161\","
        "\"status\":\"timeout\",\"reason\":\"no answer\",\"sys_name\":\"\",\"sys_object_id\":\"\","
        "\"sys_descr\":\"\",\"uptime_s\":null,\"profile\":\"\",\"neighbours\":[],\"objects\":["
        "{\"kind\":\"interface\",\"name\":\"ge1\",\"index\":1,\"status\":\"ok\","
        "\"labels\":{\"if_name\":\"ge1\",\"if_alias\":\"\"},"
        "\"metrics\":{\"in_octets\":7,\"out_octets\":5,\"in_errors\":0,\"oper_status\":1,"
        "\"speed_bps\":1000000000}}]}");
    take(collector, &silent, true, false);
    assert_non_null(strstr(text, "\"objects\":[]}")); /* taken is taken */
    struct poll_result result;
    size_t place;
    const struct snmp_report unasked = {.device = "unasked"};
    assert_false(poll_collector_take(collector, &unasked, &result, &place));
    poll_collector_free(collector);
}

static void objects_stay_from_cycle_to_cycle(void **state)
{
    (void)state;
    struct poll_collector *collector = collect(false);
    const struct sample_sink *sink = poll_collector_sink(collector);
    uint32_t number = define_port(sink, "sw-1", "ge1", "1", "");
    take(collector, &silent, true, false);
    send_port(sink, number, 8, 0); /* not defined again */
    take(collector, &silent, true, false);
    assert_non_null(strstr(text, "\"in_octets\":8"));
    assert_null(strstr(text, "\"in_octets\":7"));
    /* Another alias: another number; a row of the old object that comes late belongs to nobody. */
    uint32_t renamed = define_port(sink, "sw-1", "ge1", "1", "new");
    assert_int_not_equal(renamed, number);
    send_port(sink, number, 9, 0);
    send_port(sink, renamed, 10, 0);
    take(collector, &silent, true, false);
    assert_null(strstr(text, "\"in_octets\":9"));
    assert_non_null(strstr(text, "\"if_alias\":\"new\""));
    poll_collector_free(collector);
}

static void people_get_tables(void **state)
{
    (void)state;
    struct poll_collector *collector = collect(true);
    take(collector, &good, false, false);
    assert_string_equal(
        text, "sw-2 192.0.2.2:161: partial, name core, up 1d 2h 3m, profile generic\n"
              "  cut\n"
              "  two??lines ?[2J??X\n"
              "\n"
              "  interface             in_octets  out_octets  oper_status   speed_bps  if_alias\n"
              "  ge1        18446744073709551615           5           up  1000000000  to the "
              "\xc3\xa9glise\n"
              "  ge2                           -           5           up           -\n"
              "\n"
              "  device  uptime\n"
              "  system    12.5\n"
              "\n"
              "  neighbour  local_port  protocol\n"
              "  n          p\"1         lldp\n"
              "\n"
              "  route\n"
              "  r\n"
              "\n");
    take(collector, &silent, false, true);
    assert_non_null(strstr(text, "1970-01-01T00:00:00Z sw-1 [2001:db8::1]:161: timeout\n"));
    poll_collector_free(collector);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_exact),
        cmocka_unit_test(texts_stay_texts),
        cmocka_unit_test(a_device_is_one_object),
        cmocka_unit_test(devices_do_not_mix),
        cmocka_unit_test(objects_stay_from_cycle_to_cycle),
        cmocka_unit_test(people_get_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
