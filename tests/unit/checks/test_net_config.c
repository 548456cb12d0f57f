/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What may stand in `send` and `query`. */
#include "checks/config.h"
#include "escape.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void escapes_are_read(void **state)
{
    uint8_t bytes[64];
    size_t size;
    char reason[128];
    static const char *const wrong[] = {"\\", "a\\q", "\\x", "\\x4", "\\x4g", "\\xg4"};
    (void)state;
    assert_int_equal(escape_decode("a\\r\\n\\t\\\\\\x00\\xfF", bytes, &size, reason, sizeof reason),
                     0);
    assert_int_equal(size, 7);
    assert_memory_equal(bytes, "a\r\n\t\\\0\xff", 7);
    assert_int_equal(escape_decode("", bytes, &size, reason, sizeof reason), 0);
    assert_int_equal(size, 0);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(escape_decode(wrong[i], bytes, &size, reason, sizeof reason), -EINVAL);
        assert_non_null(strstr(reason, "backslash"));
    }
}

static size_t errors_of(const char *format, const char *value)
{
    struct config_errors errors = {0};
    struct check_config config;
    char text[1024];
    snprintf(text, sizeof text, "%s'%s'\n", format, value);
    int rc = config_parse("test", text, strlen(text), &check_config_schema, &config, &errors);
    size_t count = errors.count;
    config_errors_clear(&errors);
    if (rc == 0) {
        config_free(&check_config_schema, &config);
    }
    return count;
}

static void values_are_looked_at(void **state)
{
    static const char dns[] = "name: a\ntype: dns\nhost: b\nquery: ";
    static const char tcp[] = "name: a\ntype: tcp\nhost: b\nport: 1\nsend: ";
    static const char *const good[] = {
        ".", "org", "www.example.org", "www.example.org.", "_dmarc.a", "1.2.0.192.in-addr.arpa"};
    static const char *const bad[] = {"a..b",
                                      ".a",
                                      "a b",
                                      "caf\xc3\xa9.fr",
                                      "a\\.b",
                                      "..",
                                      "a1234567890123456789012345678901234567890123456789012345678"
                                      "90123.b"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_int_equal(errors_of(dns, good[i]), 0);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(errors_of(dns, bad[i]), 1);
    }
    assert_int_equal(errors_of(tcp, "a\\r\\n"), 0);
    assert_int_equal(errors_of(tcp, "a\\b"), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_are_read),
        cmocka_unit_test(values_are_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
