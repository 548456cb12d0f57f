/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which checks a configuration may hold. */
#include "checks/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Parses one check; returns the number of errors and the first one's key and reason. */
static size_t parse(const char *text, struct check_config *config, char *first, size_t first_size)
{
    struct config_errors errors = {0};
    int rc = config_parse("test", text, strlen(text), &check_config_schema, config, &errors);
    size_t count = errors.count;
    assert_int_equal(rc == 0, count == 0);
    first[0] = '\0';
    if (count > 0) {
        snprintf(first, first_size, "%s: %s", errors.errors[0].key, errors.errors[0].reason);
    }
    config_errors_clear(&errors);
    return count;
}

static void good_checks_are_taken(void **state)
{
    struct check_config config;
    char first[256];
    (void)state;
    assert_int_equal(parse("name: web\ntype: http\nurl: https://a.example/x\nstatus: 204\n",
                           &config, first, sizeof first),
                     0);
    assert_int_equal(config.type, CHECK_HTTP);
    assert_int_equal(config.interval_ms, 60000);
    assert_int_equal(config.timeout_ms, 5000);
    assert_int_equal(config.status, 204);
    assert_null(config.device);
    config_free(&check_config_schema, &config);
    assert_int_equal(parse("name: t\ntype: tls\nhost: 2001:db8::1\nserver_name: a.example\n",
                           &config, first, sizeof first),
                     0);
    config_free(&check_config_schema, &config);
    assert_int_equal(parse("name: p\ntype: icmp\nhost: 192.0.2.1\n", &config, first, sizeof first),
                     0);
    config_free(&check_config_schema, &config);
    assert_int_equal(parse("name: t\ntype: tcp\nhost: a\nport: 25\ninterval: 1s\ntimeout: 999ms\n",
                           &config, first, sizeof first),
                     0);
    config_free(&check_config_schema, &config);
    assert_int_equal(parse("name: v\ntype: value\nkind: interface\nobject: lo\nmetric: in_octets\n"
                           "down_unless: [\"value < 8 Mbit/s\"]\n",
                           &config, first, sizeof first),
                     0);
    config_free(&check_config_schema, &config);
    assert_int_equal(parse("name: u\ntype: systemd\nunit: \"getty@tty1.service\"\n", &config, first,
                           sizeof first),
                     0);
    config_free(&check_config_schema, &config);
}

static void bad_checks_are_refused(void **state)
{
    static const struct {
        const char *text;
        const char *key;
    } cases[] = {
        {"name: a\ntype: icmp\n", "host"},
        {"name: a\ntype: tcp\nhost: b\n", "port"},
        {"name: a\ntype: tcp\nport: 1\n", "host"},
        {"name: a\ntype: http\n", "url"},
        {"name: a\ntype: icmp\nhost: b\nport: 1\n", "port"},
        {"name: a\ntype: icmp\nhost: b\nurl: http://b/\n", "url"},
        {"name: a\ntype: tcp\nhost: b\nport: 1\nstatus: 200\n", "status"},
        {"name: a\ntype: http\nurl: http://b/\nhost: b\n", "host"},
        {"name: a\ntype: http\nurl: http://b/\nstatus: 42\n", "status"},
        {"name: a\ntype: http\nurl: ftp://b/\n", "url"},
        {"name: a\ntype: http\nurl: http://user:secret@b/\n", "url"},
        {"name: a\ntype: http\nurl: no address\n", "url"},
        {"name: a\ntype: http\nurl: http://b:99999/\n", "url"},
        {"name: a\ntype: icmp\nhost: b\ninterval: 5s\n", "timeout"},
        {"name: a\ntype: icmp\nhost: b\ninterval: 2d\n", "interval"},
        {"name: a\ntype: tcp\nhost: b\nport: 65536\n", "port"},
        {"name: a\ntype: gopher\nhost: b\n", "type"},
        {"name: a\ntype: dns\nhost: b\n", "query"},
        {"name: a\ntype: dns\nhost: b\nquery: c\nrcode: NOWHERE\n", "rcode"},
        {"name: a\ntype: tcp\nhost: b\nport: 1\nexpect: \"(\"\n", "expect"},
        {"name: a\ntype: file\npath: b\n", "path"},
        {"name: a\ntype: command\ncommand: [ls]\n", "command"},
        {"name: a\ntype: systemd\n", "unit"},
        {"name: a\ntype: systemd\nunit: \"nginx*\"\n", "unit"},
        {"name: a\ntype: value\nkind: b\nobject: c\nmetric: d\ndown_unless: [\"value < 3 "
         "parsecs\"]\n",
         "down_unless"},
        {"name: a\ntype: icmp\nhost: b\ndown_unless: [\"size > 1\"]\n", "down_unless"},
        {"name: a\ntype: icmp\nhost: b\nconfirm: 3 of 2\n", "confirm"},
        {"name: a\ntype: http\nurl: http://b/\nbody: c\n", "body"},
        {"name: a\ntype: http\nurl: http://b/\nheaders: [no colon]\n", "headers"},
        {"name: a\ntype: http\nurl: http://b/\nheaders: [\"A: b\\nC: d\"]\n", "headers"},
        {"name: a\ntype: http\nurl: http://b/\nbody_match: '(a)\\1'\n", "body_match"},
        {"name: a\ntype: http\nurl: http://b/\nheader_match: '[a'\n", "header_match"},
        {"name: a\ntype: http\nurl: http://b/\nmethod: head\nbody_match: a\n", "body_match"},
        {"name: a\ntype: tls\nhost: b\nserver_name: c/d\n", "server_name"},
        {"name: a\ntype: tls\nhost: b@c\n", "host"},
        {"name: a\ntype: tls\nhost: b\nca_file: c.pem\n", "ca_file"},
        {"name: a\ntype: tls\nhost: b\nurl: https://b/\n", "url"},
        {"name: a\ntype: value\nkind: b\nobject: c\nmetric: d\n", "down_unless"},
        {"type: icmp\nhost: b\n", "name"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct check_config config;
        char first[256];
        assert_int_equal(parse(cases[i].text, &config, first, sizeof first), 1);
        print_message("%s\n", first);
        assert_memory_equal(first, cases[i].key, strlen(cases[i].key));
        assert_null(strstr(first, "secret"));
    }
}

static void printed_it_parses_again(void **state)
{
    struct check_config config;
    struct check_config again;
    char first[256];
    char *text = NULL;
    size_t size = 0;
    (void)state;
    assert_int_equal(parse("name: p\ntype: icmp\nhost: b\n", &config, first, sizeof first), 0);
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    config_print(out, &check_config_schema, &config);
    fclose(out);
    assert_int_equal(parse(text, &again, first, sizeof first), 0);
    assert_string_equal(again.host, "b");
    config_free(&check_config_schema, &config);
    config_free(&check_config_schema, &again);
    free(text);
}

struct list_holder {
    struct config_list checks;
};
static void check_holder(const void *object, struct config_error_sink *errors)
{
    const struct list_holder *holder = object;
    checks_check_unique(&holder->checks, "self", errors);
}
static const struct config_field holder_fields[] = {
    {.key = "checks",
     .type = CONFIG_LIST,
     .offset = offsetof(struct list_holder, checks),
     .schema = &check_config_schema},
    {0},
};
static const struct config_schema holder_schema = {
    .name = "holder",
    .size = sizeof(struct list_holder),
    .fields = holder_fields,
    .place_offset = SIZE_MAX,
    .present_offset = SIZE_MAX,
    .check = check_holder,
};

static void names_are_unique_within_a_device(void **state)
{
    static const char text[] = "checks:\n"
                               "  - name: a\n"
                               "    type: icmp\n"
                               "    host: h\n"
                               "  - name: a\n"
                               "    device: other\n"
                               "    type: icmp\n"
                               "    host: h\n"
                               "  - name: a\n"
                               "    device: self\n"
                               "    type: icmp\n"
                               "    host: h\n";
    struct list_holder holder;
    struct config_errors errors = {0};
    (void)state;
    assert_int_not_equal(
        config_parse("test", text, sizeof text - 1, &holder_schema, &holder, &errors), 0);
    assert_int_equal(errors.count, 1);
    assert_in_range(errors.errors[0].line, 9, 12);
    config_errors_clear(&errors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_checks_are_taken),
        cmocka_unit_test(bad_checks_are_refused),
        cmocka_unit_test(printed_it_parses_again),
        cmocka_unit_test(names_are_unique_within_a_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
