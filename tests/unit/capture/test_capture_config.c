/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The keys of `capture:`, their bounds, and what the errors say. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void parse(const char *text, struct capture_config *config)
{
    struct config_errors errors = {0};
    int rc = config_parse("t", text, strlen(text), &capture_config_schema, config, &errors);
    if (rc != 0) {
        config_errors_print(stderr, &errors);
    }
    assert_int_equal(rc, 0);
}

static void defaults(void **state)
{
    struct capture_config config;
    (void)state;
    parse("interface: eth0\n", &config);
    assert_int_equal(config.interval_ms, 10000);
    assert_false(config.promiscuous);
    assert_int_equal(config.buffer_bytes, 16 * 1024 * 1024);
    assert_int_equal(config.workers, 1);
    assert_int_equal(config.flows, 65536);
    assert_null(config.filter);
    assert_int_equal(config.own.count, 0);
    assert_int_equal(config.clients, CAPTURE_TRUNCATE);
    assert_int_equal(config.services.count, 0);
    assert_int_equal(config.talkers.interval_ms, 60000);
    assert_int_equal(config.talkers.top, 20);
    assert_false(config.ipfix.present);
    assert_int_equal(capture_config_count(&config), 1);
    assert_string_equal(capture_config_interface(&config, 0), "eth0");
    char *check = capture_config_check_name(&config, 0);
    assert_string_equal(check, "capture");
    free(check);
    assert_true(capture_config_has_check(&config, "capture"));
    assert_false(capture_config_has_check(&config, "capture/eth0"));
    config.present = false; /* as where the mapping is not there */
    assert_false(capture_config_has_check(&config, "capture"));
    config_free(&capture_config_schema, &config);
}

static void everything(void **state)
{
    static const char text[] = "interfaces: [eth0, eth1]\n"
                               "interval: 5s\n"
                               "promiscuous: true\n"
                               "buffer: 64MiB\n"
                               "workers: 16\n"
                               "flows: 131072\n"
                               "filter: not port 4739\n"
                               "own: [192.0.2.0/24, \"2001:db8::/32\", 198.51.100.7]\n"
                               "clients: hash\n"
                               "services:\n"
                               "  - {name: web, ports: 443}\n"
                               "  - {name: app, protocol: udp, ports: 8000-8010}\n"
                               "  - {name: m3ua, protocol: sctp, ports: 2905}\n"
                               "talkers: {interval: 5m, top: 100}\n"
                               "ipfix: {collector: \"192.0.2.9:4739\", domain: 7}\n";
    struct capture_config config;
    struct service_range ranges[SERVICES_OWN_MAX];
    (void)state;
    parse(text, &config);
    assert_int_equal(config.workers, 16);
    assert_int_equal(config.clients, CAPTURE_HASH);
    assert_string_equal(config.filter, "not port 4739");
    assert_int_equal(config.talkers.interval_ms, 300000);
    assert_int_equal(config.talkers.top, 100);
    assert_true(config.ipfix.present);
    assert_string_equal(config.ipfix.collector, "192.0.2.9:4739");
    assert_int_equal(config.ipfix.domain, 7);
    assert_int_equal(capture_config_count(&config), 2);
    assert_string_equal(capture_config_interface(&config, 1), "eth1");
    assert_true(capture_config_has_check(&config, "capture/eth1"));
    assert_false(capture_config_has_check(&config, "capture"));
    char *check = capture_config_check_name(&config, 1);
    assert_string_equal(check, "capture/eth1");
    free(check);
    assert_int_equal(config_services(&config, ranges), 3);
    assert_string_equal(ranges[0].name, "web");
    assert_int_equal(ranges[0].protocol, IPPROTO_TCP);
    assert_int_equal(ranges[0].first, 443);
    assert_int_equal(ranges[0].last, 443);
    assert_int_equal(ranges[1].protocol, IPPROTO_UDP);
    assert_int_equal(ranges[1].first, 8000);
    assert_int_equal(ranges[1].last, 8010);
    assert_int_equal(ranges[2].protocol, IPPROTO_SCTP);
    struct privacy *privacy = config_privacy(&config);
    static const uint8_t own[16] = {[10] = 0xff, [11] = 0xff, 198, 51, 100, 7};
    static const uint8_t other[16] = {[10] = 0xff, [11] = 0xff, 198, 51, 100, 8};
    assert_true(privacy_is_own(privacy, own));
    assert_false(privacy_is_own(privacy, other));
    struct talker_key key;
    privacy_key(privacy, 1700000000, other, &key);
    assert_int_equal(key.kind, TALKER_HASH);
    privacy_free(privacy);
    /* The normal form is read again to the same. */
    char *printed = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&printed, &size);
    config_print(out, &capture_config_schema, &config);
    assert_int_equal(fclose(out), 0);
    struct capture_config again;
    parse(printed, &again);
    assert_string_equal(again.filter, config.filter);
    assert_int_equal(again.services.count, 3);
    assert_int_equal(again.interfaces.count, 2);
    free(printed);
    config_free(&capture_config_schema, &again);
    config_free(&capture_config_schema, &config);
}

/* Each has one error, at this key, with these words. */
static void errors_name_their_key(void **state)
{
    static const struct {
        const char *text;
        const char *key;
        const char *words;
    } wrong[] = {
        {"interval: 10s\n", "interface", "give it, or interfaces"},
        {"interface: a\ninterfaces: [b]\n", "interfaces", "give one of them"},
        {"interfaces: [a, b, a]\n", "interfaces", "twice"},
        {"interfaces: [a/b]\n", "interfaces[0]", "no name of a network interface"},
        {"interfaces: [abcdefghijklmnop]\n", "interfaces[0]", "no name of a network interface"},
        {"interface: ../eth0\n", "interface", "no name of a network interface"},
        {"interface: a\ninterval: 1ms\n", "interval", "1s"},
        {"interface: a\nbuffer: 1kB\n", "buffer", ""},
        {"interface: a\nworkers: 17\n", "workers", "16"},
        {"interface: a\nworkers: 0\n", "workers", "1"},
        {"interface: a\nflows: 10\n", "flows", "1024"},
        {"interface: a\nown: [192.0.2.1/24]\n", "own[0]", ""},
        {"interface: a\nown: [host]\n", "own[0]", ""},
        {"interface: a\nclients: full\n", "clients", "truncate"},
        {"interface: a\nservices: [{name: w, ports: 0}]\n", "services[0].ports",
         "443 or 8000-8010"},
        {"interface: a\nservices: [{name: w, ports: 70000}]\n", "services[0].ports", "port"},
        {"interface: a\nservices: [{name: w, ports: 20-10}]\n", "services[0].ports", "port"},
        {"interface: a\nservices: [{name: w, ports: \"1-2-3\"}]\n", "services[0].ports", "port"},
        {"interface: a\nservices: [{name: w, ports: x}]\n", "services[0].ports", "port"},
        {"interface: a\nservices: [{name: \"a b\", ports: 1}]\n", "services[0].name", "letters"},
        {"interface: a\nservices: [{name: w, protocol: icmp, ports: 1}]\n", "services[0].protocol",
         "sctp"},
        {"interface: a\nservices: [{ports: 1}]\n", "services[0].name", ""},
        {"interface: a\ntalkers: {top: 101}\n", "talkers.top", "100"},
        {"interface: a\ntalkers: {interval: 1ms}\n", "talkers.interval", ""},
        {"interface: a\nipfix: {domain: 1}\n", "ipfix.collector", ""},
        {"interface: a\nipfix: {collector: \"host:1\"}\n", "ipfix.collector", "192.0.2.1:4739"},
        {"interface: a\nsnaplen: 64\n", "snaplen", ""},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct capture_config config;
        struct config_errors errors = {0};
        assert_int_equal(config_parse("t", wrong[i].text, strlen(wrong[i].text),
                                      &capture_config_schema, &config, &errors),
                         -EINVAL);
        assert_int_equal(errors.count, 1);
        assert_string_equal(errors.errors[0].key, wrong[i].key);
        assert_non_null(strstr(errors.errors[0].reason, wrong[i].words));
        config_errors_clear(&errors);
    }
}

static void filters_are_checked_by_libpcap(void **state)
{
    char reason[256] = "";
    (void)state;
    assert_int_equal(capture_check_filter("not port 4739 and vlan", reason, sizeof reason), 0);
    assert_int_equal(capture_check_filter("prot 4739", reason, sizeof reason), -EINVAL);
    assert_true(strlen(reason) > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(everything),
        cmocka_unit_test(errors_name_their_key),
        cmocka_unit_test(filters_are_checked_by_libpcap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
