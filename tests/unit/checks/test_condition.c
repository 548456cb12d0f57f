/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Conditions, what confirms an alert, and web addresses: texts of the configuration. */
#include "checks/condition.h"
#include "checks/config.h"
#include "confirm.h"
#include "url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct metric metrics[] = {
    {"rtt", "s", METRIC_GAUGE},       {"loss", "ratio", METRIC_GAUGE},
    {"days_left", "d", METRIC_GAUGE}, {"size", "bytes", METRIC_GAUGE},
    {"status", "1", METRIC_GAUGE},
};

static int parse(const char *text, struct condition *condition, char reason[256])
{
    return condition_parse(text, metrics, sizeof metrics / sizeof metrics[0], condition, reason,
                           256);
}

static void numbers_have_units(void **state)
{
    static const struct {
        const char *text;
        size_t metric;
        double threshold;
        double good;
        double bad;
    } cases[] = {
        {"response < 800 ms", 0, 0.8, 0.79, 0.8}, {"rtt<=800ms", 0, 0.8, 0.8, 0.81},
        {"loss <= 20 %", 1, 0.2, 0.2, 0.21},      {"loss < 0.5", 1, 0.5, 0, 0.5},
        {"days_left > 14", 2, 14, 15, 14},        {"days_left >= 336 h", 2, 14, 14, 13.9},
        {"size >= 1 KiB", 3, 1024, 1024, 1023},   {"size < 2GiB", 3, 2147483648.0, 0, 3e9},
        {"status == 204", 4, 204, 204, 200},      {"status != 500", 4, 500, 200, 500},
        {" rtt > -1.5e0 s", 0, -1.5, 0, -2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct condition condition;
        char reason[256] = "";
        if (strstr(cases[i].text, "e0") != NULL) {
            assert_int_not_equal(parse(cases[i].text, &condition, reason), 0);
            continue; /* no exponents: they look like units */
        }
        assert_int_equal(parse(cases[i].text, &condition, reason), 0);
        assert_int_equal(condition.metric, cases[i].metric);
        assert_true(condition.threshold > cases[i].threshold * 0.999999999 - 1e-12 &&
                    condition.threshold < cases[i].threshold * 1.000000001 + 1e-12);
        assert_true(condition_holds(&condition, cases[i].good));
        assert_false(condition_holds(&condition, cases[i].bad));
    }
}

static void bad_ones_say_why(void **state)
{
    static const struct {
        const char *text;
        const char *part; /* of the reason */
    } cases[] = {
        {"", "must be like"},
        {"speed < 3", "rtt, loss, days_left, size, status"},
        {"rtt 3", "needs one of"},
        {"rtt < ", "number"},
        {"rtt < inf", "number"},
        {"rtt < 0x10", "number"},
        {"rtt < 3 parsecs", "no unit"},
        {"rtt < 3 KiB", "rtt is in s"},
        {"status < 3 s", "status is in 1"},
        {"rtt < 3 s or more", "after the unit"},
        {"rtt < 3 abcdefghijklmnopqrstuvwxyz", "after the unit"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct condition condition;
        char reason[256] = "";
        assert_int_not_equal(parse(cases[i].text, &condition, reason), 0);
        print_message("%s: %s\n", cases[i].text, reason);
        assert_non_null(strstr(reason, cases[i].part));
    }
}

static void broken_one_is_described(void **state)
{
    struct condition condition;
    char reason[256];
    char text[128];
    (void)state;
    assert_int_equal(parse("response < 800 ms", &condition, reason), 0);
    condition_describe(&condition, metrics, 0.9125, text, sizeof text);
    assert_string_equal(text, "rtt is 0.9125 s, not response < 800 ms");
}

/* What is polled tells its unit only when it is polled. */
static void unit_may_be_known_later(void **state)
{
    static const struct {
        const char *text;
        const char *unit; /* in the end */
        double threshold; /* 0: not of that kind */
    } cases[] = {
        {"value < 8 Mbit/s", "octets/s", 1e6},
        {"value < 1 MiB/s", "bit/s", 8388608},
        {"value <= 50 %", "ratio", 0.5},
        {"value > 2 KiB", "octets", 2048},
        {"value < 60", "Cel", 60},
        {"value < 1 h", "min", 60},
        {"value < 8 Mbit/s", "packets/s", 0},
        {"value < 60 s", "Cel", 0},
        {"value < 8 Mbit/s", "octets", 0},
    };
    struct metric metric = {"value", NULL, METRIC_GAUGE};
    struct condition condition;
    char reason[256];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        metric.unit = NULL;
        assert_int_equal(condition_parse(cases[i].text, &metric, 1, &condition, reason, 256), 0);
        metric.unit = cases[i].unit;
        int rc = condition_parse(cases[i].text, &metric, 1, &condition, reason, 256);
        assert_int_equal(rc == 0, cases[i].threshold > 0);
        if (rc == 0) {
            assert_true(condition.threshold > cases[i].threshold * 0.999999 &&
                        condition.threshold < cases[i].threshold * 1.000001);
        } else {
            assert_non_null(strstr(reason, cases[i].unit));
        }
    }
    metric.unit = NULL;
    assert_int_not_equal(condition_parse("value < 8 parsecs", &metric, 1, &condition, reason, 256),
                         0);
    assert_int_not_equal(condition_parse("response < 8 s", &metric, 1, &condition, reason, 256), 0);
}

static void alert_needs_enough_bad_results(void **state)
{
    struct confirm confirm;
    (void)state;
    confirm_begin(&confirm, NULL);
    assert_false(confirm_is_wanted(&confirm));
    confirm_begin(&confirm, "2 of 3");
    assert_true(confirm_is_wanted(&confirm));
    assert_false(confirm_take(&confirm, OUTCOME_DOWN));
    assert_false(confirm_take(&confirm, OUTCOME_UP));
    assert_true(confirm_take(&confirm, OUTCOME_DEGRADED));
    assert_true(confirm_take(&confirm, OUTCOME_UNKNOWN)); /* nothing new */
    assert_false(confirm_take(&confirm, OUTCOME_UP));
    confirm_begin(&confirm, "64 of 64");
    for (int i = 0; i < 63; i++) {
        assert_false(confirm_take(&confirm, OUTCOME_DOWN));
    }
    assert_true(confirm_take(&confirm, OUTCOME_DOWN));
    assert_false(confirm_take(&confirm, OUTCOME_UP));
}

static void addresses_are_plain_or_refused(void **state)
{
    static const struct {
        const char *url;
        const char *host; /* NULL: refused */
        uint16_t port;
    } cases[] = {
        {"http://a.example", "a.example", 80},
        {"https://a.example/x?y#z", "a.example", 443},
        {"HTTPS://a_b-c.d:8443/", "a_b-c.d", 8443},
        {"http://[2001:db8::1]:81/", "2001:db8::1", 81},
        {"http://192.0.2.1?x@y", "192.0.2.1", 80},
        {"ftp://a/", NULL, 0},
        {"http://", NULL, 0},
        {"http:///x", NULL, 0},
        {"http://u:p@a/", NULL, 0},
        {"http://a@b", NULL, 0},
        {"http://[::1", NULL, 0},
        {"http://[a]/", NULL, 0},
        {"http://a:/", NULL, 0},
        {"http://a:0/", NULL, 0},
        {"http://a:65536/", NULL, 0},
        {"http://a:99999999999999999999/", NULL, 0},
        {"http://a\\@b/", NULL, 0},
        {"http://a/x y", NULL, 0},
        {"http://a/\\", NULL, 0},
        {"http://\xc3\xa9.example/", NULL, 0},
        {"http://a%2e/", NULL, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char host[URL_HOST_MAX + 1] = "";
        char reason[256] = "";
        uint16_t port = 0;
        int rc = url_split(cases[i].url, host, &port, reason, sizeof reason);
        assert_int_equal(rc == 0, cases[i].host != NULL);
        if (rc == 0) {
            assert_string_equal(host, cases[i].host);
            assert_int_equal(port, cases[i].port);
        } else {
            assert_true(strlen(reason) > 10);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_units),
        cmocka_unit_test(bad_ones_say_why),
        cmocka_unit_test(broken_one_is_described),
        cmocka_unit_test(unit_may_be_known_later),
        cmocka_unit_test(alert_needs_enough_bad_results),
        cmocka_unit_test(addresses_are_plain_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
