/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which worker polls which device: as many as wanted, evenly, and nobody moves without need. */
#include "common/xalloc.h"
#include "shards.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { DEVICES = 4000 };

static const char *name_of(size_t i)
{
    static char name[32];
    snprintf(name, sizeof name, "sw-%zu", i);
    return name;
}

static void a_worker_for_each_thousand(void **state)
{
    static const struct {
        size_t devices;
        int64_t workers;
        size_t count;
    } cases[] = {
        {0, 0, 0},    {0, 4, 0},    {1, 0, 1}, {1000, 0, 1}, {1001, 0, 2},
        {2000, 0, 2}, {2001, 0, 3}, {5, 4, 4}, {5, 64, 64},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct agent_config config = {.devices = {.count = cases[i].devices},
                                      .snmp = {.workers = cases[i].workers}};
        assert_int_equal(shards_count(&config), cases[i].count);
    }
}

static void shares_are_even(void **state)
{
    enum { SHARDS = 8 };
    size_t counts[SHARDS] = {0};
    (void)state;
    for (size_t i = 0; i < DEVICES; i++) {
        counts[shards_of(name_of(i), SHARDS)]++;
    }
    for (size_t i = 0; i < SHARDS; i++) {
        assert_in_range(counts[i], DEVICES / SHARDS * 8 / 10, DEVICES / SHARDS * 12 / 10);
    }
}

static void a_device_stays_where_it_is(void **state)
{
    size_t moved = 0;
    (void)state;
    for (size_t i = 0; i < DEVICES; i++) {
        size_t before = shards_of(name_of(i), 4);
        size_t after = shards_of(name_of(i), 5);
        assert_true(after == before || after == 4); /* only to the new one */
        moved += after != before ? 1 : 0;
    }
    assert_in_range(moved, DEVICES / 5 * 8 / 10, DEVICES / 5 * 12 / 10);
    /* For ever: another figure would move the devices of everybody who upgrades. */
    assert_int_equal(shards_of("sw-1", 1), 0);
    assert_int_equal(shards_of("sw-1", 64), 19);
    assert_int_equal(shards_of("h\xc3\xb4tel-de-ville", 64), 61);
}

/* All devices are in the shares, each once, with what was in the file of its passphrase. */
static void shares_are_the_whole(void **state)
{
    enum { N = 50, SHARDS = 4 };
    struct snmp_device_config devices[N] = {0};
    bool seen[N] = {false};
    (void)state;
    for (size_t i = 0; i < N; i++) {
        devices[i] = (struct snmp_device_config){
            .name = xstrdup(name_of(i)),
            .address = (char *)(uintptr_t) "192.0.2.1",
            .snmp = {.present = true,
                     .version = SNMP_CONFIG_V3,
                     .user = (char *)(uintptr_t) "u",
                     .auth = {.present = true,
                              .protocol = SNMP_AUTH_SHA256,
                              .passphrase_file = (char *)(uintptr_t) "file",
                              .passphrase = (char *)(uintptr_t) "12345678"},
                     .interval_ms = 30000,
                     .timeout_ms = 1000,
                     .retries = 2,
                     .repetitions = 10}};
    }
    struct agent_config config = {
        .user = (char *)(uintptr_t) "nobody",
        .devices = {.count = N, .items = devices},
        .snmp = {.requests_per_second = 77},
    };
    for (size_t shard = 0; shard < SHARDS; shard++) {
        struct snmp_share share;
        struct config_errors errors = {0};
        size_t size = 0;
        char *text = shards_print(&config, shard, SHARDS, &size);
        assert_non_null(text);
        assert_int_equal(config_parse("share", text, size, &snmp_share_schema, &share, &errors), 0);
        assert_string_equal(share.user, "nobody");
        assert_int_equal(share.requests_per_second, 77);
        for (size_t i = 0; i < share.devices.count; i++) {
            const struct snmp_device_config *device =
                &((const struct snmp_device_config *)share.devices.items)[i];
            size_t n = strtoul(device->name + strlen("sw-"), NULL, 10);
            assert_true(n < N && !seen[n]);
            seen[n] = true;
            assert_null(device->snmp.auth.passphrase_file);
            assert_string_equal(device->snmp.auth.passphrase, "12345678");
        }
        config_free(&snmp_share_schema, &share);
        shards_free_text(text, size);
    }
    for (size_t i = 0; i < N; i++) {
        assert_true(seen[i]);
        free(devices[i].name);
    }
    config.devices.count = 0;
    size_t size = 0;
    assert_null(shards_print(&config, 0, 1, &size));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_worker_for_each_thousand),
        cmocka_unit_test(shares_are_even),
        cmocka_unit_test(a_device_stays_where_it_is),
        cmocka_unit_test(shares_are_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
