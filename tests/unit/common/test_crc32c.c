/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The checksum against the vectors of RFC 3720 B.4, and its two ways against each other. */
#include "common/crc32c.h"
#include "crc32c_hardware.h"
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void the_rfcs_vectors_hold(void **state)
{
    (void)state;
    uint8_t bytes[32];
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(crc32c(0, "", 0), 0);
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(crc32c(0, bytes, sizeof bytes), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(crc32c(0, bytes, sizeof bytes), 0x62a8ab43);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)i;
    }
    assert_int_equal(crc32c(0, bytes, sizeof bytes), 0x46dd794e);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(31 - i);
    }
    assert_int_equal(crc32c(0, bytes, sizeof bytes), 0x113fdb5c);
    assert_int_equal(~crc32c_table(~0u, bytes, sizeof bytes), 0x113fdb5c);
}

static void table_and_hardware_agree(void **state)
{
    (void)state;
    if (!crc32c_hardware_here()) {
        print_message("this processor has no CRC-32C instruction\n");
        skip();
    }
    enum { BYTES = 4096, ROUNDS = 2000 };
    struct random random = random_seeded();
    uint8_t *bytes = malloc(BYTES);
    assert_non_null(bytes);
    for (size_t i = 0; i < BYTES; i++) {
        bytes[i] = (uint8_t)random_next(&random);
    }
    for (int i = 0; i < ROUNDS; i++) {
        size_t from = random_below(&random, BYTES);
        size_t size = random_below(&random, BYTES - from + 1);
        uint32_t start = (uint32_t)random_next(&random);
        assert_int_equal(crc32c_hardware(start, bytes + from, size),
                         crc32c_table(start, bytes + from, size));
    }
    free(bytes);
}

static void it_can_be_continued(void **state)
{
    (void)state;
    const char text[] = "the town's watchman, its bell, and the chest of its charters";
    uint32_t whole = crc32c(0, text, sizeof text);
    for (size_t cut = 0; cut <= sizeof text; cut++) {
        assert_int_equal(crc32c(crc32c(0, text, cut), text + cut, sizeof text - cut), whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rfcs_vectors_hold),
        cmocka_unit_test(table_and_hardware_agree),
        cmocka_unit_test(it_can_be_continued),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
