/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Secrets: where they are shown and where not. And other spellings of choices. */
#include "support.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct key {
    char *passphrase;
    char *comment;
    int protocol;
};
struct holder {
    struct config_list keys;
};

static int check_passphrase(const char *value, char *reason, size_t reason_size)
{
    (void)snprintf(reason, reason_size, "must not begin with a blank");
    return value[0] == ' ' ? -EINVAL : 0;
}

static const struct config_choice protocols[] = {{"aes128", 1}, {"aes256", 2}, {0}};
static const struct config_choice spellings[] = {
    {"aes", 1}, {"aes128", 1}, {"aes-128", 1}, {"aes-256", 2}, {0}};

static const struct config_field key_fields[] = {
    {.key = "passphrase",
     .type = CONFIG_STRING,
     .offset = offsetof(struct key, passphrase),
     .secret = true,
     .min = 8,
     .max = 20,
     .check = check_passphrase},
    {.key = "comment", .type = CONFIG_STRING, .offset = offsetof(struct key, comment)},
    {.key = "protocol",
     .type = CONFIG_CHOICE,
     .offset = offsetof(struct key, protocol),
     .fallback = "aes128",
     .choices = protocols,
     .aliases = spellings},
    {0},
};
static const struct config_schema key_schema = {
    .name = "key",
    .size = sizeof(struct key),
    .fields = key_fields,
    .place_offset = SIZE_MAX,
    .present_offset = SIZE_MAX,
};
static const struct config_field holder_fields[] = {
    {.key = "keys",
     .type = CONFIG_LIST,
     .offset = offsetof(struct holder, keys),
     .schema = &key_schema},
    {0},
};
static const struct config_schema holder_schema = {
    .name = "holder",
    .size = sizeof(struct holder),
    .fields = holder_fields,
    .place_offset = SIZE_MAX,
    .present_offset = SIZE_MAX,
};

/* What is said of a text that is refused; the caller frees. */
static char *refusal_of(const char *text)
{
    struct holder holder;
    struct config_errors errors = {0};
    char *told = NULL;
    size_t size = 0;
    assert_int_equal(config_parse("f", text, strlen(text), &holder_schema, &holder, &errors),
                     -EINVAL);
    FILE *out = open_memstream(&told, &size);
    assert_non_null(out);
    config_errors_print(out, &errors);
    fclose(out);
    config_errors_clear(&errors);
    return told;
}

static void parse(const char *text, struct holder *holder)
{
    struct config_errors errors = {0};
    if (config_parse("f", text, strlen(text), &holder_schema, holder, &errors) != 0) {
        config_errors_print(stderr, &errors);
        fail();
    }
}

static void no_error_quotes_a_secret(void **state)
{
    static const struct {
        const char *text;
        const char *reason;
    } cases[] = {
        {"keys: [{passphrase: s3cr3t}]",
         "f:1: keys[0].passphrase: must be 8 to 20 bytes long, is 6\n"},
        {"keys: [{passphrase: s3cr3ts3cr3ts3cr3ts3cr3t}]",
         "f:1: keys[0].passphrase: must be 8 to 20 bytes long, is 24\n"},
        {"keys: [{passphrase: \" s3cr3ts3cr3t\"}]",
         "f:1: keys[0].passphrase: must not begin with a blank\n"},
        {"keys: [{passphrase: \"s3cr3t\\x01s3cr3t\"}]",
         "f:1: keys[0].passphrase: holds a control character (U+0001)\n"},
        {"keys: [{passphrase: s3cr3ts3cr3t, passphrase: s3cr3tbutother}]",
         "f:1: keys[0].passphrase: this key is repeated; first on line 1\n"},
        {"keys: [{passphrase: [s3cr3ts3cr3t]}]",
         "f:1: keys[0].passphrase: must be text, is a list\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *told = refusal_of(cases[i].text);
        assert_string_equal(told, cases[i].reason);
        assert_null(strstr(told, "s3cr3t"));
        free(told);
    }
    char *told = refusal_of("keys: [{comment: \"a\\x01\"}]"); /* no secret: it is quoted */
    assert_non_null(strstr(told, "a\\x01"));
    free(told);
}

static char *print_public(const struct holder *holder)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    config_print_public(out, &holder_schema, holder);
    fclose(out);
    return text;
}

static void people_see_asterisks(void **state)
{
    struct holder holder;
    size_t size = 0;
    (void)state;
    parse("keys: [{passphrase: s3cr3ts3cr3t, comment: c}, {comment: d}]", &holder);
    char *whole = support_print(&holder_schema, &holder, &size);
    assert_string_equal(whole, "keys:\n"
                               "  - passphrase: s3cr3ts3cr3t\n"
                               "    comment: c\n"
                               "    protocol: aes128\n"
                               "  - comment: d\n"
                               "    protocol: aes128\n");
    char *public = print_public(&holder);
    assert_string_equal(public, "keys:\n"
                                "  - passphrase: \"********\"\n"
                                "    comment: c\n"
                                "    protocol: aes128\n"
                                "  - comment: d\n"
                                "    protocol: aes128\n");
    char *told = refusal_of(public);
    assert_string_equal(told, "f:2: keys[0].passphrase: ******** stands for a secret that is not "
                              "shown: it is none itself\n");
    free(told);
    free(public);
    free(whole);
    config_free(&holder_schema, &holder);
}

static void other_spellings_are_taken_and_not_shown(void **state)
{
    static const struct {
        const char *text;
        int value;
    } cases[] = {{"aes128", 1}, {"AES", 1}, {"Aes-128", 1}, {"AES128", 1}, {"aes-256", 2}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[64];
        struct holder holder;
        size_t size;
        (void)snprintf(text, sizeof text, "keys: [{protocol: %s}]", cases[i].text);
        parse(text, &holder);
        assert_int_equal(((struct key *)holder.keys.items)->protocol, cases[i].value);
        char *printed = support_print(&holder_schema, &holder, &size);
        assert_string_equal(printed, cases[i].value == 1 ? "keys:\n  - protocol: aes128\n"
                                                         : "keys:\n  - protocol: aes256\n");
        free(printed);
        config_free(&holder_schema, &holder);
    }
    /* Only the spelling that is written has no other case of its own. */
    char *told = refusal_of("keys: [{protocol: AES256}]");
    assert_string_equal(told, "f:1: keys[0].protocol: \"AES256\": must be one of aes128, aes256; "
                              "did you mean \"aes256\"?\n");
    free(told);
}

static void errors_can_be_added_later(void **state)
{
    struct config_errors errors = {0};
    char *told = NULL;
    size_t size = 0;
    (void)state;
    config_errors_add(&errors, "file", 7, "a.b", "x\ny", "is %d too many", 3);
    config_errors_add(&errors, "file", 0, "", NULL, "is odd");
    FILE *out = open_memstream(&told, &size);
    assert_non_null(out);
    config_errors_print(out, &errors);
    fclose(out);
    assert_string_equal(told, "file:7: a.b: \"x\\x0ay\": is 3 too many\nfile: is odd\n");
    free(told);
    config_errors_clear(&errors);
}

/* --- wiping: the test stands between the library and free --- */

void __real_free(void *memory);
void __wrap_free(void *memory);

static const void *watched;
static char seen_at_free[32];

void __wrap_free(void *memory)
{
    if (memory != NULL && memory == watched) {
        memcpy(seen_at_free, memory, 12);
        watched = NULL;
    }
    __real_free(memory);
}

static void freed_secrets_are_wiped(void **state)
{
    static const char zeros[12];
    struct holder holder;
    (void)state;
    parse("keys: [{passphrase: s3cr3ts3cr3t, comment: s3cr3ts3cr3t}]", &holder);
    const struct key *key = holder.keys.items;
    watched = key->passphrase;
    memset(seen_at_free, 'x', sizeof seen_at_free);
    config_free(&holder_schema, &holder);
    assert_null(watched);
    assert_memory_equal(seen_at_free, zeros, sizeof zeros);
    parse("keys: [{passphrase: s3cr3ts3cr3t, comment: s3cr3ts3cr3t}]", &holder);
    watched = ((const struct key *)holder.keys.items)->comment; /* no secret */
    config_free(&holder_schema, &holder);
    assert_memory_equal(seen_at_free, "s3cr3ts3cr3t", sizeof zeros);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_error_quotes_a_secret),
        cmocka_unit_test(people_see_asterisks),
        cmocka_unit_test(other_spellings_are_taken_and_not_shown),
        cmocka_unit_test(errors_can_be_added_later),
        cmocka_unit_test(freed_secrets_are_wiped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
