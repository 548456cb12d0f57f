/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is told of an address, and of a service. */
#include "meter/privacy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

enum { DAY_S = 86400 };

static struct privacy_range range_of(const char *text)
{
    struct privacy_range range;
    char reason[128] = "";
    if (privacy_range_parse(text, &range, reason, sizeof reason) != 0) {
        fail_msg("%s %s", text, reason);
    }
    return range;
}

static void assert_told(struct privacy *privacy, const char *address, const char *wanted)
{
    struct talker_key key;
    char text[PRIVACY_TEXT_MAX];
    struct privacy_range range = range_of(address);
    privacy_key(privacy, 0, range.address, &key);
    privacy_print(&key, text);
    assert_string_equal(text, wanted);
}

static void ranges(void **state)
{
    static const struct {
        const char *text;
        const char *reason;
    } wrong[] = {
        {"", "no IPv4 or IPv6 range"},
        {"192.0.2", "no IPv4 or IPv6 range"},
        {"host", "no IPv4 or IPv6 range"},
        {"192.0.2.0/", "0 to 32"},
        {"192.0.2.0/33", "0 to 32"},
        {"192.0.2.0/-1", "0 to 32"},
        {"192.0.2.0/8x", "0 to 32"},
        {"2001:db8::/129", "0 to 128"},
        {"192.0.2.1/24", "bits set behind its prefix of /24"},
        {"2001:db8::1/32", "bits set behind its prefix of /32"},
        {"/24", "no IPv4 or IPv6 range"},
        {"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa/12", "no IPv4 or IPv6 range"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct privacy_range range;
        char reason[128] = "";
        assert_int_equal(privacy_range_parse(wrong[i].text, &range, reason, sizeof reason),
                         -EINVAL);
        assert_non_null(strstr(reason, wrong[i].reason));
    }
    assert_int_equal(range_of("192.0.2.0/24").bits, 120);
    assert_int_equal(range_of("192.0.2.7").bits, 128);
    assert_int_equal(range_of("0.0.0.0/0").bits, 96);
    assert_int_equal(range_of("2001:db8::/32").bits, 32);
    assert_int_equal(range_of("::/0").bits, 0);
}

static void clients_are_told_as_their_network(void **state)
{
    (void)state;
    struct privacy *privacy = privacy_new(PRIVACY_TRUNCATE, NULL, 0);
    assert_told(privacy, "192.0.2.77", "192.0.2.0/24");
    assert_told(privacy, "10.1.2.3", "10.1.2.0/24");
    assert_told(privacy, "2001:db8:1:2:3:4:5:6", "2001:db8:1::/48");
    assert_told(privacy, "fe80::1:2ff:fe03:405", "fe80::/48");
    assert_told(privacy, "224.0.0.251", "224.0.0.251");
    assert_told(privacy, "255.255.255.255", "255.255.255.255");
    assert_told(privacy, "ff02::fb", "ff02::fb");
    assert_told(privacy, "127.0.0.1", "127.0.0.1");
    assert_told(privacy, "::1", "::1");
    assert_told(privacy, "::", "::");
    assert_told(privacy, "0.0.0.0", "0.0.0.0");
    privacy_free(privacy);
}

static void own_servers_are_told_in_full(void **state)
{
    (void)state;
    const struct privacy_range own[] = {range_of("192.0.2.64/26"), range_of("2001:db8:5::/64")};
    struct privacy *privacy = privacy_new(PRIVACY_TRUNCATE, own, 2);
    assert_told(privacy, "192.0.2.64", "192.0.2.64");
    assert_told(privacy, "192.0.2.127", "192.0.2.127");
    assert_told(privacy, "192.0.2.128", "192.0.2.0/24");
    assert_told(privacy, "192.0.2.63", "192.0.2.0/24");
    assert_told(privacy, "2001:db8:5::1", "2001:db8:5::1");
    assert_told(privacy, "2001:db8:5:1::1", "2001:db8:5::/48");
    assert_true(privacy_is_own(privacy, own[0].address));
    privacy_free(privacy);
    privacy = privacy_new(PRIVACY_FULL, NULL, 0);
    assert_told(privacy, "192.0.2.77", "192.0.2.77");
    privacy_free(privacy);
}

static struct talker_key hash_at(struct privacy *privacy, int64_t time_s, const char *address)
{
    struct talker_key key;
    struct privacy_range range = range_of(address);
    privacy_key(privacy, time_s, range.address, &key);
    assert_int_equal(key.kind, TALKER_HASH);
    return key;
}

static bool same(struct talker_key a, struct talker_key b)
{
    return memcmp(a.bytes, b.bytes, sizeof a.bytes) == 0;
}

static void hashes_last_a_day(void **state)
{
    char text[PRIVACY_TEXT_MAX];
    (void)state;
    const struct privacy_range own = range_of("198.51.100.0/24");
    struct privacy *privacy = privacy_new(PRIVACY_HASH, &own, 1);
    struct privacy *another = privacy_new(PRIVACY_HASH, &own, 1);
    struct talker_key first = hash_at(privacy, DAY_S, "192.0.2.77");
    assert_true(same(first, hash_at(privacy, 2 * DAY_S - 1, "192.0.2.77")));
    assert_false(same(first, hash_at(privacy, DAY_S, "192.0.2.78")));
    assert_false(same(first, hash_at(another, DAY_S, "192.0.2.77")));
    struct talker_key second = hash_at(privacy, 2 * DAY_S, "192.0.2.77");
    assert_false(same(first, second));
    /* The old key is gone: a clock that steps back does not bring it back. */
    assert_true(same(second, hash_at(privacy, DAY_S, "192.0.2.77")));
    assert_told(privacy, "198.51.100.9", "198.51.100.9");
    privacy_print(&first, text);
    assert_int_equal(strlen(text), 5 + 32);
    assert_memory_equal(text, "hash:", 5);
    privacy_free(another);
    privacy_free(privacy);
}

static void services_as_text(void **state)
{
    static const struct {
        uint8_t bytes[4];
        const char *text;
    } cases[] = {
        {{6, 0, 1, 0xbb}, "tcp/443"},
        {{17, 0, 0, 53}, "udp/53"},
        {{132, 0, 0x0b, 0x59}, "sctp/2905"},
        {{1, 0, 0, 0}, "icmp"},
        {{58, 0, 0, 0}, "icmp6"},
        {{50, 0, 0, 0}, "esp"},
        {{103, 0, 0, 0}, "protocol/103"},
        {{0, 0, 0, 0}, "protocol/0"},
        {{6, 0, 0xff, 0xff}, "tcp/65535"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct talker_key key = {.kind = TALKER_SERVICE};
        char text[PRIVACY_TEXT_MAX];
        memcpy(key.bytes, cases[i].bytes, 4);
        privacy_print(&key, text);
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges),
        cmocka_unit_test(clients_are_told_as_their_network),
        cmocka_unit_test(own_servers_are_told_in_full),
        cmocka_unit_test(hashes_last_a_day),
        cmocka_unit_test(services_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
