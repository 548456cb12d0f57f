/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which devices a configuration may hold, and what is said of those that it may not. */
#include "address.h"
#include "snmp/snmp.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct holder {
    struct config_list devices;
};
static void check_holder(const void *object, struct config_error_sink *errors)
{
    const struct holder *holder = object;
    snmp_check_unique(&holder->devices, errors);
}
static const struct config_field holder_fields[] = {
    {.key = "devices",
     .type = CONFIG_LIST,
     .offset = offsetof(struct holder, devices),
     .schema = &snmp_device_config_schema},
    {0},
};
static const struct config_schema holder_schema = {
    .name = "holder",
    .size = sizeof(struct holder),
    .fields = holder_fields,
    .place_offset = SIZE_MAX,
    .present_offset = SIZE_MAX,
    .check = check_holder,
};

/* The file's text; the caller frees. */
static char *read_data(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", TEST_DATA_DIR, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *text = calloc(1, 65536);
    assert_non_null(text);
    assert_true(fread(text, 1, 65535, file) > 0);
    fclose(file);
    return text;
}

static void good_devices_are_taken(void **state)
{
    static const char text[] =
        "devices:\n"
        "  - name: sw-1\n"
        "    address: 192.0.2.10\n"
        "    snmp: {community: public}\n"
        "  - name: sw-2\n"
        "    address: \"[2001:db8::1]:1161\"\n"
        "    snmp: {version: 2c, community: c, interval: 10s, timeout: 500ms,"
        " retries: 0}\n";
    struct holder holder;
    struct config_errors errors = {0};
    (void)state;
    assert_int_equal(config_parse("test", text, sizeof text - 1, &holder_schema, &holder, &errors),
                     0);
    const struct snmp_device_config *devices = holder.devices.items;
    assert_int_equal(holder.devices.count, 2);
    assert_true(devices[0].snmp.present);
    assert_int_equal(devices[0].snmp.version, SNMP_CONFIG_V2C);
    assert_int_equal(devices[0].snmp.interval_ms, 30000);
    assert_int_equal(devices[0].snmp.timeout_ms, 1000);
    assert_int_equal(devices[0].snmp.retries, 2);
    assert_int_equal(devices[1].snmp.retries, 0);
    assert_int_equal(devices[1].snmp.timeout_ms, 500);
    config_free(&holder_schema, &holder);
}

static void errors_are_told(void **state)
{
    struct holder holder;
    struct config_errors errors = {0};
    char *text = read_data("errors.yaml");
    char *expected = read_data("errors.txt");
    char *told = NULL;
    size_t size = 0;
    (void)state;
    assert_int_not_equal(
        config_parse("errors.yaml", text, strlen(text), &holder_schema, &holder, &errors), 0);
    FILE *out = open_memstream(&told, &size);
    assert_non_null(out);
    config_errors_print(out, &errors);
    fclose(out);
    assert_string_equal(told, expected);
    config_errors_clear(&errors);
    free(told);
    free(text);
    free(expected);
}

static void doubled_names_are_told(void **state)
{
    static const char text[] = "devices:\n"
                               "  - {name: a, address: 192.0.2.1, snmp: {community: c}}\n"
                               "  - {name: b, address: 192.0.2.1, snmp: {community: c}}\n"
                               "  - {name: a, address: 192.0.2.2, snmp: {community: c}}\n";
    struct holder holder;
    struct config_errors errors = {0};
    (void)state;
    assert_int_not_equal(
        config_parse("test", text, sizeof text - 1, &holder_schema, &holder, &errors), 0);
    assert_int_equal(errors.count, 1);
    assert_int_equal(errors.errors[0].line, 4);
    assert_string_equal(errors.errors[0].value, "a");
    config_errors_clear(&errors);
}

static void printed_it_parses_again(void **state)
{
    static const char text[] = "name: sw-1\naddress: 192.0.2.10:1161\nsnmp: {community: public}\n";
    struct snmp_device_config config;
    struct snmp_device_config again;
    struct config_errors errors = {0};
    char *printed = NULL;
    size_t size = 0;
    (void)state;
    assert_int_equal(
        config_parse("test", text, sizeof text - 1, &snmp_device_config_schema, &config, &errors),
        0);
    FILE *out = open_memstream(&printed, &size);
    assert_non_null(out);
    config_print(out, &snmp_device_config_schema, &config);
    fclose(out);
    assert_int_equal(
        config_parse("printed", printed, size, &snmp_device_config_schema, &again, &errors), 0);
    assert_string_equal(again.address, "192.0.2.10:1161");
    assert_string_equal(again.snmp.community, "public");
    assert_int_equal(again.snmp.interval_ms, config.snmp.interval_ms);
    config_free(&snmp_device_config_schema, &config);
    config_free(&snmp_device_config_schema, &again);
    free(printed);
}

static void addresses_are_parsed(void **state)
{
    static const struct {
        const char *text;
        int family; /* 0: refused */
        unsigned port;
    } cases[] = {
        {"192.0.2.10", AF_INET, 161},
        {"192.0.2.10:1", AF_INET, 1},
        {"192.0.2.10:65535", AF_INET, 65535},
        {"[2001:db8::1]", AF_INET6, 161},
        {"[::1]:1161", AF_INET6, 1161},
        {"192.0.2.10:0", 0, 0},
        {"192.0.2.10:65536", 0, 0},
        {"192.0.2.10:999999999999", 0, 0},
        {"192.0.2.10:16x", 0, 0},
        {"192.0.2.10:", 0, 0},
        {"192.0.2.256", 0, 0},
        {"192.0.2", 0, 0},
        {"2001:db8::1", 0, 0},
        {"[2001:db8::1", 0, 0},
        {"[2001:db8::1]1161", 0, 0},
        {"[192.0.2.10]", 0, 0},
        {"[fe80::1%eth0]", 0, 0},
        {"switch.example", 0, 0},
        {"switch.example:161", 0, 0},
        {"", 0, 0},
        {"[]", 0, 0},
        {"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]", 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct sockaddr_storage address;
        char reason[128] = "";
        int rc = address_parse(cases[i].text, &address, reason, sizeof reason);
        print_message("%s: %s\n", cases[i].text, reason);
        assert_int_equal(rc == 0, cases[i].family != 0);
        assert_int_equal(rc != 0, reason[0] != '\0');
        if (rc == 0) {
            in_port_t port = cases[i].family == AF_INET6
                                 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                 : ((struct sockaddr_in *)&address)->sin_port;
            assert_int_equal(address.ss_family, cases[i].family);
            assert_int_equal(ntohs(port), cases[i].port);
        }
    }
}

static void addresses_are_compared(void **state)
{
    static const char *const texts[] = {"192.0.2.1", "192.0.2.1:162", "192.0.2.2",
                                        "[::1]",     "[::1]:162",     "[::2]"};
    enum { N = 6 };
    struct sockaddr_storage addresses[N];
    char reason[128];
    (void)state;
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(address_parse(texts[i], &addresses[i], reason, sizeof reason), 0);
    }
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < N; j++) {
            assert_int_equal(
                address_same((struct sockaddr *)&addresses[i], (struct sockaddr *)&addresses[j]),
                i == j);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_devices_are_taken), cmocka_unit_test(errors_are_told),
        cmocka_unit_test(doubled_names_are_told), cmocka_unit_test(printed_it_parses_again),
        cmocka_unit_test(addresses_are_parsed),   cmocka_unit_test(addresses_are_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
