/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proto/keys.h"

#include "common/xalloc.h"
#include "support.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static int set_up(void **state)
{
    *state = folder_make();
    return keys_init();
}

static int tear_down(void **state)
{
    folder_remove(*state);
    return 0;
}

static void write_file(const char *path, const char *text, size_t size, mode_t mode)
{
    (void)unlink(path); /* of the case before */
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static size_t read_file(const char *path, char *text, size_t room)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t size = fread(text, 1, room - 1, file);
    text[size] = '\0';
    (void)fclose(file); /* read only */
    return size;
}

static void test_save_and_load(void **state)
{
    char *path = xasprintf("%s/agent.key", (char *)*state);
    struct keys *keys = keys_generate();
    assert_non_null(keys);
    mode_t old = umask(0777); /* even so the owner can read it */
    assert_int_equal(keys_save(keys, path), 0);
    umask(old);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0400);
    assert_int_equal(keys_save(keys, path), -EEXIST);

    struct keys *loaded = NULL;
    char reason[128];
    assert_int_equal(keys_load(path, &loaded, reason, sizeof reason), 0);
    assert_string_equal(keys_curve_public(loaded), keys_curve_public(keys));
    assert_string_equal(keys_curve_secret(loaded), keys_curve_secret(keys));
    assert_string_equal(keys_sign_public(loaded), keys_sign_public(keys));
    assert_memory_equal(keys_sign_public_bytes(loaded), keys_sign_public_bytes(keys), 32);

    /* What one signs the other verifies. */
    uint8_t signature[KEYS_SIGNATURE_SIZE];
    keys_sign(loaded, "word", 4, signature);
    assert_int_equal(keys_verify(keys_sign_public_bytes(keys), "word", 4, signature), 0);
    keys_free(loaded);

    /* A failed save leaves the file that was there as it was. */
    struct keys *others = keys_generate();
    assert_string_not_equal(keys_curve_public(others), keys_curve_public(keys));
    assert_string_not_equal(keys_sign_public(others), keys_sign_public(keys));
    assert_int_equal(keys_save(others, path), -EEXIST);
    assert_int_equal(keys_load(path, &loaded, reason, sizeof reason), 0);
    assert_string_equal(keys_curve_public(loaded), keys_curve_public(keys));
    keys_free(loaded);
    keys_free(others);
    keys_free(keys);
    keys_free(NULL);
    free(path);
}

static void test_file_is_text(void **state)
{
    char *path = xasprintf("%s/key", (char *)*state);
    struct keys *keys = keys_generate();
    assert_int_equal(keys_save(keys, path), 0);
    char text[2048];
    read_file(path, text, sizeof text);
    char curve_public[64] = "", curve_secret[64] = "", sign_public[64] = "", sign_secret[64] = "";
    int end = 0;
    assert_int_equal(sscanf(text,
                            "curve-public: %63s\ncurve-secret: %63s\nsign-public: "
                            "%63s\nsign-secret: %63s%n",
                            curve_public, curve_secret, sign_public, sign_secret, &end),
                     4);
    assert_string_equal(text + end, "\n");
    assert_string_equal(curve_public, keys_curve_public(keys));
    assert_string_equal(curve_secret, keys_curve_secret(keys));
    assert_string_equal(sign_public, keys_sign_public(keys));
    keys_free(keys);
    free(path);
}

static int load(const char *path, char reason[128])
{
    struct keys *keys = NULL;
    int rc = keys_load(path, &keys, reason, 128);
    keys_free(keys);
    return rc;
}

static void test_permissions(void **state)
{
    char *path = xasprintf("%s/key", (char *)*state);
    char *link = xasprintf("%s/link", (char *)*state);
    char *fifo = xasprintf("%s/fifo", (char *)*state);
    char reason[128];
    assert_int_equal(load(path, reason), -ENOENT);
    struct keys *keys = keys_generate();
    assert_int_equal(keys_save(keys, path), 0);
    keys_free(keys);
    static const mode_t open_modes[] = {0440, 0404, 0640, 0604, 0410, 0402, 0777};
    for (size_t i = 0; i < sizeof open_modes / sizeof open_modes[0]; i++) {
        assert_int_equal(chmod(path, open_modes[i]), 0);
        assert_int_equal(load(path, reason), -EPERM);
        assert_non_null(strstr(reason, "mode"));
    }
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(load(path, reason), 0);
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(load(link, reason), -ELOOP);
    assert_int_equal(mkfifo(fifo, 0400), 0);
    assert_int_equal(load(fifo, reason), -EBADMSG); /* and does not wait for a writer */
    assert_non_null(strstr(reason, "regular"));
    assert_int_equal(load(*state, reason), -EBADMSG);
    assert_int_equal(load("/tmp/beffroi-no/such/folder", reason), -ENOENT);
    free(fifo);
    free(link);
    free(path);
}

static void test_broken_files(void **state)
{
    char *path = xasprintf("%s/key", (char *)*state);
    char *other_path = xasprintf("%s/other", (char *)*state);
    char good[2048], other[2048], text[2048], reason[128];
    struct keys *keys = keys_generate();
    assert_int_equal(keys_save(keys, path), 0);
    struct keys *others = keys_generate();
    assert_int_equal(keys_save(others, other_path), 0);
    size_t size = read_file(path, good, sizeof good);
    assert_int_equal(read_file(other_path, other, sizeof other), size);

    for (size_t n = 0; n < size; n++) { /* cut anywhere */
        write_file(path, good, n, 0400);
        assert_int_equal(load(path, reason), -EBADMSG);
        assert_true(reason[0] != '\0');
    }
    static const char odd[] = {'\0', '\n', ' ', '~', 'A', '0', '\x80'};
    /* Any byte another. The last character of the secret curve key holds two bits that X25519
     * ignores (RFC 7748 §5): a change there may be the same key. */
    size_t ignored = (size_t)(strstr(good, "sign-public") - good) - 2;
    for (size_t i = 0; i < size; i++) {
        for (size_t k = 0; k < sizeof odd; k++) {
            memcpy(text, good, size);
            text[i] = odd[k];
            if (text[i] != good[i] && i != ignored) {
                write_file(path, text, size, 0400);
                assert_int_equal(load(path, reason), -EBADMSG);
                assert_null(strstr(reason, keys_curve_secret(keys)));
            }
        }
    }
    for (int i = 0; i < 4; i++) { /* any line another's */
        memcpy(text, good, size);
        size_t at = 0;
        for (int k = 0; k < i; k++) {
            at += strcspn(good + at, "\n") + 1;
        }
        memcpy(text + at, other + at, strcspn(good + at, "\n"));
        write_file(path, text, size, 0400);
        assert_int_equal(load(path, reason), -EBADMSG);
        assert_non_null(strstr(reason, "pair"));
    }
    memcpy(text, good, size);
    memset(text + size, '\n', sizeof text - size);
    write_file(path, text, size + 1, 0400);
    assert_int_equal(load(path, reason), -EBADMSG);
    assert_non_null(strstr(reason, "more"));
    write_file(path, text, sizeof text, 0400);
    assert_int_equal(load(path, reason), -EBADMSG);
    assert_non_null(strstr(reason, "over"));
    write_file(path, good, size, 0400);
    assert_int_equal(load(path, reason), 0);
    keys_free(keys);
    keys_free(others);
    free(other_path);
    free(path);
}

static void test_parse(void **state)
{
    (void)state;
    uint8_t key[32];
    char reason[128] = "";
    struct keys *keys = keys_generate();
    assert_int_equal(keys_parse_sign_public(keys_sign_public(keys), key), 0);
    assert_memory_equal(key, keys_sign_public_bytes(keys), 32);
    assert_int_equal(keys_check_sign_public(keys_sign_public(keys), reason, sizeof reason), 0);
    assert_int_equal(keys_check_curve_public(keys_curve_public(keys), reason, sizeof reason), 0);
    keys_free(keys);
    assert_string_equal(reason, "");

    /* The example in libzmq's manual of zmq_setsockopt. */
    static const uint8_t example[] = {0xbb, 0x88, 0x47, 0x1d, 0x65, 0xe2, 0x65, 0x9b,
                                      0x30, 0xc5, 0x5a, 0x53, 0x21, 0xce, 0xbb, 0x5a,
                                      0xab, 0x2b, 0x70, 0xa3, 0x98, 0x64, 0x5c, 0x26,
                                      0xdc, 0xa2, 0xb2, 0xfc, 0xb4, 0x3f, 0xc5, 0x18};
    assert_int_equal(keys_parse_curve_public("Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", key), 0);
    assert_memory_equal(key, example, sizeof example);

    static const char *const bad_curve[] = {
        "",
        "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hI",
        "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hIDD",
        "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hI ",
        "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hI\xe9",
        "#####w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID", /* over 32 bits */
    };
    for (size_t i = 0; i < sizeof bad_curve / sizeof bad_curve[0]; i++) {
        assert_int_equal(keys_parse_curve_public(bad_curve[i], key), -EINVAL);
        assert_int_equal(keys_check_curve_public(bad_curve[i], reason, sizeof reason), -EINVAL);
        assert_non_null(strstr(reason, "Z85"));
    }
    static const char *const bad_sign[] = {
        "",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",  /* no padding */
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=", /* bits that are not there */
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", /* 33 bytes */
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==", /* 31 bytes */
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA-AA=", /* the URL alphabet */
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA AA=",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\xc3\xa9\x41=", /* no letters at all */
    };
    for (size_t i = 0; i < sizeof bad_sign / sizeof bad_sign[0]; i++) {
        assert_int_equal(keys_parse_sign_public(bad_sign[i], key), -EINVAL);
        assert_int_equal(keys_check_sign_public(bad_sign[i], reason, sizeof reason), -EINVAL);
        assert_non_null(strstr(reason, "base64"));
    }
}

/* Ed25519 as RFC 8032 §7.1 has it (test 3), SHA-256 as FIPS 180-4's example. */
static void test_known_answers(void **state)
{
    (void)state;
    static const uint8_t sign_public[32] = {0xfc, 0x51, 0xcd, 0x8e, 0x62, 0x18, 0xa1, 0xa3,
                                            0x8d, 0xa4, 0x7e, 0xd0, 0x02, 0x30, 0xf0, 0x58,
                                            0x08, 0x16, 0xed, 0x13, 0xba, 0x33, 0x03, 0xac,
                                            0x5d, 0xeb, 0x91, 0x15, 0x48, 0x90, 0x80, 0x25};
    uint8_t signature[64] = {0x62, 0x91, 0xd6, 0x57, 0xde, 0xec, 0x24, 0x02, 0x48, 0x27, 0xe6,
                             0x9c, 0x3a, 0xbe, 0x01, 0xa3, 0x0c, 0xe5, 0x48, 0xa2, 0x84, 0x74,
                             0x3a, 0x44, 0x5e, 0x36, 0x80, 0xd7, 0xdb, 0x5a, 0xc3, 0xac, 0x18,
                             0xff, 0x9b, 0x53, 0x8d, 0x16, 0xf2, 0x90, 0xae, 0x67, 0xf7, 0x60,
                             0x98, 0x4d, 0xc6, 0x59, 0x4a, 0x7c, 0x15, 0xe9, 0x71, 0x6e, 0xd2,
                             0x8d, 0xc0, 0x27, 0xbe, 0xce, 0xea, 0x1e, 0xc4, 0x0a};
    assert_int_equal(keys_verify(sign_public, "\xaf\x82", 2, signature), 0);
    assert_int_equal(keys_verify(sign_public, "\xaf\x83", 2, signature), -EBADMSG);
    assert_int_equal(keys_verify(sign_public, "\xaf\x82", 1, signature), -EBADMSG);
    signature[63] ^= 1;
    assert_int_equal(keys_verify(sign_public, "\xaf\x82", 2, signature), -EBADMSG);

    static const uint8_t expected[] = {0xba, 0x78, 0x16, 0xbf};
    uint8_t hash[KEYS_HASH_SIZE];
    keys_hash("abc", 3, hash);
    assert_memory_equal(hash, expected, sizeof expected);

    /* SipHash-2-4-128 of its authors' vectors: key 00 01 … 0f, messages "" and 00. */
    static const uint8_t short_expected[][KEYS_SHORT_HASH_SIZE] = {
        {0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d, 0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02,
         0x93},
        {0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34, 0x76, 0x59, 0x11, 0x9b, 0x22, 0xfc,
         0x45},
    };
    uint8_t key[KEYS_SHORT_KEY_SIZE];
    uint8_t short_hash[KEYS_SHORT_HASH_SIZE];
    for (size_t i = 0; i < sizeof key; i++) {
        key[i] = (uint8_t)i;
    }
    for (size_t size = 0; size < 2; size++) {
        keys_short_hash("", size, key, short_hash); /* the NUL is the second message */
        assert_memory_equal(short_hash, short_expected[size], sizeof short_hash);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_save_and_load, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_file_is_text, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_permissions, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_broken_files, set_up, tear_down),
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_known_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
