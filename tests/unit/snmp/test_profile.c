/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The texts of a profile, its rules, and the loading of files and folders. */
#include "common/xalloc.h"
#include "profile_config.h"
#include "profile_value.h"
#include "snmp/profile.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* --- texts --- */

static void oids_are_read(void **state)
{
    unsigned long ids[PROFILE_OID_IDS_MAX];
    size_t n = 0;
    (void)state;
    assert_null(profile_read_oid(".1.3.6.1.4294967295.0", ids, &n));
    assert_int_equal(n, 6);
    assert_int_equal(ids[0], 1);
    assert_true(ids[4] == 4294967295UL);
    assert_int_equal(ids[5], 0);
    assert_null(profile_read_oid("2.999", ids, &n));
    assert_null(profile_read_oid("0.39", ids, &n));
    static const char *const bad[] = {"",
                                      ".",
                                      "1",
                                      "1.",
                                      "..1.3",
                                      "1..3",
                                      "1.3.x",
                                      "1.3 ",
                                      " 1.3",
                                      "-1.3",
                                      "0.40",
                                      "3.1",
                                      "1.3.00",
                                      "1.3.01",
                                      "1.3.+1",
                                      "iso.3",
                                      "1.3.1.",
                                      "1,3",
                                      "1.3.4294967296",
                                      "1.3.99999999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (profile_read_oid(bad[i], ids, &n) == NULL) {
            fail_msg("\"%s\" is taken for an OID", bad[i]);
        }
    }
}

static void long_oids_leave_room_for_an_index(void **state)
{
    char text[2 * (PROFILE_OID_IDS_MAX + 2)] = "1.3";
    size_t n = 0;
    unsigned long ids[PROFILE_OID_IDS_MAX];
    (void)state;
    for (size_t i = 2; i < PROFILE_OID_IDS_MAX; i++) {
        memcpy(text + strlen(text), ".7", 3);
    }
    assert_null(profile_read_oid(text, ids, &n));
    assert_int_equal(n, PROFILE_OID_IDS_MAX);
    memcpy(text + strlen(text), ".7", 3);
    assert_non_null(profile_read_oid(text, ids, &n));
}

static void numbers_have_64_bits(void **state)
{
    int64_t value = 0;
    (void)state;
    assert_true(profile_read_number("-9223372036854775808", &value));
    assert_true(value == INT64_MIN);
    assert_true(profile_read_number("4294967295", &value));
    assert_true(value == INT64_C(4294967295));
    assert_false(profile_read_number("9223372036854775808", &value));
    assert_false(profile_read_number("", &value));
    assert_false(profile_read_number("-", &value));
    assert_false(profile_read_number("+1", &value));
    assert_false(profile_read_number("1x", &value));
    assert_false(profile_read_number("0x10", &value));
}

static void expressions_are_bounded(void **state)
{
    static const char *const good[] = {
        "^Cisco (IOS|NX-OS)", "a\\.b", "[{}]+", "[]{x]", "x\\{2\\}", "[^]{]x*", "a+b+c+d+e+f+g+h+i",
    };
    static const char *const bad[] = {
        "(",
        "a{2}",
        "(a)\\1",
        "[a]{1,255}",
        "*[",
        "[^]]{3}",
        "a|(b",
        "a+b+c+d+e+f+g+h+i+",
        "[^]a]+++++++++",
    };
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (profile_expression_fault(good[i]) != NULL) {
            fail_msg("\"%s\": %s", good[i], profile_expression_fault(good[i]));
        }
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (profile_expression_fault(bad[i]) == NULL) {
            fail_msg("\"%s\" is taken", bad[i]);
        }
    }
}

/* --- one file --- */

static char *read_data(const char *name)
{
    char *path = xasprintf("%s/%s", TEST_DATA_DIR, name);
    char *text = xcalloc(1, 65536);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_true(fread(text, 1, 65535, file) > 0);
    fclose(file);
    free(path);
    return text;
}

static char *told(const struct config_errors *errors)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    config_errors_print(out, errors);
    fclose(out);
    return text;
}

static void compare_errors(const char *file, const char *expected_file)
{
    struct snmp_profile_config profile;
    struct config_errors errors = {0};
    char *text = read_data(file);
    char *expected = read_data(expected_file);
    assert_int_equal(
        config_parse(file, text, strlen(text), &snmp_profile_schema, &profile, &errors), -EINVAL);
    char *found = told(&errors);
    assert_string_equal(found, expected);
    config_errors_clear(&errors);
    free(found);
    free(expected);
    free(text);
}

static void bad_values_are_told(void **state)
{
    (void)state;
    compare_errors("profile_errors.yaml", "profile_errors.txt");
}

static void broken_rules_are_told(void **state)
{
    (void)state;
    compare_errors("profile_rules.yaml", "profile_rules.txt");
}

/* The only error of a text, without its file. */
static void expect_error(const char *text, const char *expected)
{
    struct snmp_profile_config profile;
    struct config_errors errors = {0};
    assert_int_equal(config_parse("t", text, strlen(text), &snmp_profile_schema, &profile, &errors),
                     -EINVAL);
    char *found = told(&errors);
    assert_string_equal(found, expected);
    free(found);
    config_errors_clear(&errors);
}

static void rules_of_the_whole_file(void **state)
{
    (void)state;
    expect_error("profile: a\n", "t:1: reads nothing: no tables, scalars or include\n");
    expect_error("profile: a\ninclude: [b, a]\n",
                 "t:1: include: \"a\": a profile cannot hold itself\n");
    expect_error("profile: a\n"
                 "tables:\n"
                 "  - {name: x, kind: k, names: [\"{index}\"], rows: [1.3.1]}\n"
                 "scalars:\n"
                 "  - {name: x, kind: k, metrics: [{name: m, oid: 1.3.1.0}]}\n",
                 "t:5: scalars: \"x\": has the name of another one (line 3)\n");
}

static void columns_are_limited(void **state)
{
    char *text =
        xasprintf("profile: a\ntables:\n  - name: x\n    kind: k\n    names: [\"{index}\"]\n"
                  "    metrics:\n");
    (void)state;
    for (int i = 0; i < 64; i++) {
        char *more = xasprintf("%s      - {name: m%d, oid: 1.3.%d}\n", text, i, i);
        free(text);
        text = more;
    }
    struct snmp_profile_config profile;
    struct config_errors errors = {0};
    assert_int_equal(config_parse("t", text, strlen(text), &snmp_profile_schema, &profile, &errors),
                     0);
    config_free(&snmp_profile_schema, &profile);
    char *more = xasprintf("%s    labels: [{key: l, oid: 1.3.999}]\n", text);
    assert_int_equal(config_parse("t", more, strlen(more), &snmp_profile_schema, &profile, &errors),
                     -EINVAL);
    assert_int_equal(errors.count, 1);
    assert_non_null(strstr(errors.errors[0].reason, "64 columns"));
    config_errors_clear(&errors);
    free(more);
    free(text);
}

static void the_normal_form_reads_again(void **state)
{
    struct snmp_profile_config profile;
    struct config_errors errors = {0};
    char *text = read_data("profile_full.yaml");
    char *prints[2] = {NULL, NULL};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const char *from = i == 0 ? text : prints[0];
        size_t size = 0;
        assert_int_equal(
            config_parse("full", from, strlen(from), &snmp_profile_schema, &profile, &errors), 0);
        FILE *out = open_memstream(&prints[i], &size);
        assert_non_null(out);
        config_print(out, &snmp_profile_schema, &profile);
        fclose(out);
        config_free(&snmp_profile_schema, &profile);
    }
    assert_string_equal(prints[0], prints[1]);
    assert_non_null(strstr(prints[0], "scale: 0.001"));
    free(prints[0]);
    free(prints[1]);
    free(text);
}

/* --- files and folders --- */

struct folder {
    char path[64];
    char *config;
};

static int make_folder(void **state)
{
    struct folder *folder = xcalloc(1, sizeof *folder);
    snprintf(folder->path, sizeof folder->path, "/tmp/beffroi-profiles-XXXXXX");
    if (mkdtemp(folder->path) == NULL) {
        return -1;
    }
    folder->config = xasprintf("%s/agent.yaml", folder->path);
    char *inner = xasprintf("%s/more", folder->path);
    int rc = mkdir(inner, 0700);
    free(inner);
    *state = folder;
    return rc;
}

static int remove_folder(void **state)
{
    struct folder *folder = *state;
    char *command = xasprintf("rm -rf %s", folder->path);
    int rc = system(command);
    free(command);
    free(folder->config);
    free(folder);
    return rc;
}

static void write_file(const struct folder *folder, const char *name, const char *text)
{
    char *path = xasprintf("%s/%s", folder->path, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    fclose(file);
    free(path);
}

/* With the shipped ones. Errors, without the folder's name; the caller frees. NULL: none. */
static char *load(const struct folder *folder, char *path, struct config_list *profiles)
{
    struct config_errors errors = {0};
    struct config_strings paths = {path != NULL ? 1 : 0, &path};
    int rc = snmp_profiles_load(&paths, folder->config, profiles, &errors);
    assert_int_equal(rc, errors.count > 0 ? -EINVAL : 0);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    for (size_t i = 0; i < errors.count; i++) {
        const struct config_error *error = &errors.errors[i];
        const char *file = strstr(error->file, folder->path) == error->file
                               ? error->file + strlen(folder->path) + 1
                               : error->file;
        fprintf(out, "%s:%d: %s: \"%s\": %s\n", file, error->line, error->key, error->value,
                error->reason);
    }
    fclose(out);
    config_errors_clear(&errors);
    if (size == 0) {
        free(text);
        return NULL;
    }
    return text;
}

static const struct snmp_profile_config *find(const struct config_list *profiles, const char *name)
{
    const struct snmp_profile_config *items = profiles->items;
    for (size_t i = 0; i < profiles->count; i++) {
        if (strcmp(items[i].profile, name) == 0) {
            return &items[i];
        }
    }
    return NULL;
}

#define TABLE "tables: [{name: t, kind: k, names: [\"{index}\"], rows: [1.3.1]}]\n"

static void folders_are_read_in_order(void **state)
{
    const struct folder *folder = *state;
    struct config_list profiles;
    write_file(folder, "more/20.yaml", "profile: own\ndescription: second\n" TABLE);
    write_file(folder, "more/10.yaml", "profile: own\ndescription: first\n" TABLE);
    write_file(folder, "more/30.yaml", "profile: if-mib\ndescription: mine\n" TABLE);
    write_file(folder, "more/note.txt", "no: profile\n");
    write_file(folder, "more/.40.yaml", "no: profile\n");
    assert_null(load(folder, "more", &profiles));
    assert_string_equal(find(&profiles, "own")->description, "second");
    assert_string_equal(find(&profiles, "if-mib")->description, "mine");
    assert_true(snmp_profiles_have(&profiles, "generic"));
    assert_false(snmp_profiles_have(&profiles, "note"));
    size_t n = 0;
    while (snmp_profile_shipped_name(n) != NULL) {
        n++;
    }
    assert_int_equal(profiles.count, n + 1);
    snmp_profiles_free(&profiles);
    assert_int_equal(profiles.count, 0);
}

static void one_file_beside_the_configuration(void **state)
{
    const struct folder *folder = *state;
    struct config_list profiles;
    write_file(folder, "mine.yaml", "profile: mine\n" TABLE);
    assert_null(load(folder, "mine.yaml", &profiles));
    assert_true(snmp_profiles_have(&profiles, "mine"));
    snmp_profiles_free(&profiles);
    char *absolute = xasprintf("%s/mine.yaml", folder->path);
    assert_null(load(folder, absolute, &profiles));
    assert_true(snmp_profiles_have(&profiles, "mine"));
    snmp_profiles_free(&profiles);
    free(absolute);
}

static void bad_files_are_told_by_line(void **state)
{
    const struct folder *folder = *state;
    struct config_list profiles;
    write_file(folder, "more/1.yaml", "profile: one\ncolor: red\n" TABLE);
    write_file(folder, "more/2.yaml", "profile: two\n\ntables: nothing\n");
    char *errors = load(folder, "more", &profiles);
    assert_string_equal(errors, "more/1.yaml:2: color: \"\": unknown key; \"profile\" has profile, "
                                "description, match, include, tables, scalars\n"
                                "more/2.yaml:3: tables: \"nothing\": must be a list, is text\n");
    free(errors);
    snmp_profiles_free(&profiles);
    errors = load(folder, "nowhere.yaml", &profiles);
    assert_string_equal(errors,
                        "nowhere.yaml:0: : \"\": cannot be read: No such file or directory\n");
    free(errors);
    snmp_profiles_free(&profiles);
}

static void includes_exist_and_do_not_turn(void **state)
{
    const struct folder *folder = *state;
    struct config_list profiles;
    write_file(folder, "more/1.yaml", "# above\nprofile: one\ninclude: [two]\n");
    write_file(folder, "more/2.yaml", "profile: two\ninclude: [if-mib, three]\n");
    write_file(folder, "more/3.yaml", "profile: three\ninclude: [one]\n");
    write_file(folder, "more/4.yaml", "profile: four\ninclude: [one]\n");
    write_file(folder, "more/5.yaml", "profile: five\ninclude: [nothing]\n");
    write_file(folder, "more/6.yaml", "profile: six\ninclude: [five]\n");
    char *errors = load(folder, "more", &profiles);
    assert_string_equal(errors, "more/1.yaml:2: include: \"three\": includes turn in a circle: it "
                                "includes this profile\n"
                                "more/2.yaml:1: include: \"one\": includes turn in a circle: it "
                                "includes this profile\n"
                                "more/3.yaml:1: include: \"two\": includes turn in a circle: it "
                                "includes this profile\n"
                                "more/5.yaml:1: include: \"nothing\": there is no such profile\n");
    free(errors);
    snmp_profiles_free(&profiles);
}

static char *many_tables(const char *profile, int n)
{
    char *text = xasprintf("profile: %s\ntables:\n", profile);
    for (int i = 0; i < n; i++) {
        char *more =
            xasprintf("%s  - {name: t%d, kind: k, names: [\"{index}\"], rows: [1.3.1]}\n", text, i);
        free(text);
        text = more;
    }
    return text;
}

static void limits_hold_for_all_that_is_included(void **state)
{
    const struct folder *folder = *state;
    struct config_list profiles;
    char *text = many_tables("many", 63);
    write_file(folder, "more/1.yaml", text);
    free(text);
    text = many_tables("two", 2);
    write_file(folder, "more/2.yaml", text);
    free(text);
    write_file(folder, "more/3.yaml", "profile: both\ninclude: [many, two]\n");
    write_file(folder, "more/4.yaml",
               "profile: watched\n"
               "tables:\n"
               "  - {name: a, kind: k, names: [\"{index}\"], rows: [1.3.1],"
               " last_change: 1.3.1.0}\n"
               "  - {name: b, kind: k, names: [\"{index}\"], rows: [1.3.1],"
               " last_change: 1.3.2.0}\n"
               "  - {name: c, kind: k, names: [\"{index}\"], rows: [1.3.1],"
               " last_change: .1.3.1.0}\n"
               "  - {name: d, kind: k, names: [\"{index}\"], rows: [1.3.1],"
               " last_change: 1.3.3.0}\n"
               "  - {name: e, kind: k, names: [\"{index}\"], rows: [1.3.1],"
               " last_change: 1.3.4.0}\n");
    write_file(folder, "more/5.yaml", "profile: watches\ninclude: [watched, if-mib]\n");
    write_file(folder, "more/6.yaml",
               "profile: same\ninclude: [host-resources]\n"
               "scalars: [{name: x, kind: system, metrics: [{name: m, oid: 1.3.1.0}]}]\n");
    char *errors = load(folder, "more", &profiles);
    assert_string_equal(
        errors, "more/3.yaml:1: : \"\": with all that it includes it has more than 64 tables and "
                "scalars\n"
                "more/5.yaml:1: : \"\": with all that it includes it has more than 4 different "
                "last_change\n"
                "more/6.yaml:1: : \"\": two scalars make the object \"all\" of kind \"system\"\n");
    free(errors);
    snmp_profiles_free(&profiles);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(oids_are_read),
        cmocka_unit_test(long_oids_leave_room_for_an_index),
        cmocka_unit_test(numbers_have_64_bits),
        cmocka_unit_test(expressions_are_bounded),
        cmocka_unit_test(bad_values_are_told),
        cmocka_unit_test(broken_rules_are_told),
        cmocka_unit_test(rules_of_the_whole_file),
        cmocka_unit_test(columns_are_limited),
        cmocka_unit_test(the_normal_form_reads_again),
        cmocka_unit_test_setup_teardown(folders_are_read_in_order, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(one_file_beside_the_configuration, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(bad_files_are_told_by_line, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(includes_exist_and_do_not_turn, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(limits_hold_for_all_that_is_included, make_folder,
                                        remove_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
