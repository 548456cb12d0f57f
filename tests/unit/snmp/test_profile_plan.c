/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Profiles made into plans: each key's effect, the shipped profiles, and which one a device gets.
 */
#include "common/xalloc.h"
#include "plans.h"
#include "profile_config.h"
#include "snmp/profile.h"
#include "test_profile_support.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* The shipped profiles and those of a text, "---" between them. */
static struct config_list load(const char *text)
{
    struct config_list profiles;
    struct config_errors errors = {0};
    char folder[] = "/tmp/beffroi-plans-XXXXXX";
    char *path = folder;
    struct config_strings paths = {1, &path};
    int n = 0;
    assert_non_null(mkdtemp(folder));
    for (const char *at = text; at != NULL;) {
        const char *end = strstr(at, "---\n");
        size_t size = end != NULL ? (size_t)(end - at) : strlen(at);
        char *name = xasprintf("%s/%d.yaml", folder, n++);
        FILE *file = fopen(name, "w");
        assert_non_null(file);
        assert_int_equal(fwrite(at, 1, size, file), size);
        fclose(file);
        free(name);
        at = end != NULL ? end + 4 : NULL;
    }
    int rc = snmp_profiles_load(&paths, NULL, &profiles, &errors);
    config_errors_print(stderr, &errors);
    assert_int_equal(rc, 0);
    while (n > 0) {
        char *name = xasprintf("%s/%d.yaml", folder, --n);
        unlink(name);
        free(name);
    }
    rmdir(folder);
    return profiles;
}

/* The profiles are gone when the plans are used. */
static struct plans *make(const char *text)
{
    struct config_list profiles = load(text);
    struct plans *plans = plans_new(&profiles);
    assert_non_null(plans);
    snmp_profiles_free(&profiles);
    return plans;
}

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

static const struct plan_table *table_of(const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->n_tables; i++) {
        if (strcmp(plan->tables[i].name, name) == 0) {
            return &plan->tables[i];
        }
    }
    fail_msg("%s has no table %s", plan->name, name);
    return NULL;
}

static void want_sound(const struct plan *plan)
{
    char *fault = plan_fault(plan);
    if (fault != NULL) {
        fail_msg("%s: %s", plan->name, fault);
    }
}

/* --- making --- */

static void every_key_has_its_effect(void **state)
{
    char *text = read_data("profile_full.yaml");
    char *expected = read_data("profile_full.txt");
    struct plans *plans = make(text);
    const struct plan *plan = plans_choose(plans, "full-1", NULL, NULL);
    char *printed = NULL;
    size_t size = 0;
    (void)state;
    want_sound(plan);
    FILE *out = open_memstream(&printed, &size);
    assert_non_null(out);
    plan_print(out, plan);
    fclose(out);
    assert_string_equal(printed, expected);
    free(printed);
    plans_free(plans);
    free(expected);
    free(text);
}

static void shipped_profiles_make_plans(void **state)
{
    struct config_list profiles;
    struct config_errors errors = {0};
    struct config_strings none = {0};
    const char *name;
    size_t n = 0;
    (void)state;
    assert_int_equal(snmp_profiles_load(&none, NULL, &profiles, &errors), 0);
    struct plans *plans = plans_new(&profiles);
    assert_non_null(plans);
    snmp_profiles_free(&profiles);
    for (; (name = snmp_profile_shipped_name(n)) != NULL; n++) {
        size_t size = 0;
        const char *text = snmp_profile_shipped(name, &size);
        const struct plan *plan = plans_choose(plans, name, NULL, NULL);
        assert_non_null(text);
        assert_int_equal(strlen(text), size);  /* the whole file, and a NUL */
        assert_string_equal(plan->name, name); /* a file is called as its profile */
        want_sound(plan);
    }
    assert_true(n >= 10);
    assert_null(snmp_profile_shipped("nothing", &(size_t){0}));
    plans_free(plans);
}

/* Of issue and wire: what an interface is must never change by an edit of a file. */
static void an_interface_is_what_it_is(void **state)
{
    static const char *const metrics[] = {"in_octets",
                                          "out_octets",
                                          "in_ucast_packets",
                                          "out_ucast_packets",
                                          "in_multicast_packets",
                                          "out_multicast_packets",
                                          "in_broadcast_packets",
                                          "out_broadcast_packets",
                                          "in_discards",
                                          "out_discards",
                                          "in_errors",
                                          "out_errors",
                                          "oper_status",
                                          "admin_status",
                                          "speed_bps",
                                          "in_nucast_packets",
                                          "out_nucast_packets",
                                          "in_unknown_protos"};
    static const char *const labels[] = {"if_name", "if_descr",     "if_alias",
                                         "if_type", "phys_address", "if_mtu"};
    struct plans *plans = make("profile: x\ninclude: [if-mib]\n");
    const struct plan_table *table =
        table_of(plans_choose(plans, "generic", NULL, NULL), "if-mib/interface");
    (void)state;
    assert_string_equal(table->kind, "interface");
    assert_string_equal(table->index_label, "if_index");
    assert_int_equal(table->n_metrics, sizeof metrics / sizeof *metrics);
    for (size_t i = 0; i < table->n_metrics; i++) {
        assert_string_equal(table->metrics[i].metric.name, metrics[i]);
        assert_int_equal(table->metrics[i].optional, i >= 15);
        assert_int_equal(table->metrics[i].metric.type,
                         i >= 12 && i <= 14 ? METRIC_GAUGE : METRIC_COUNTER);
    }
    assert_int_equal(table->n_labels, sizeof labels / sizeof *labels);
    for (size_t i = 0; i < table->n_labels; i++) {
        assert_string_equal(table->labels[i].key, labels[i]);
    }
    assert_string_equal(table->columns[table->metrics[0].sources[0].column].text,
                        "1.3.6.1.2.1.31.1.1.1.6");
    assert_string_equal(table->columns[table->metrics[0].sources[1].column].text,
                        "1.3.6.1.2.1.2.2.1.10");
    assert_int_equal(table->rate_metric, 14);
    plans_free(plans);
}

/* In the first group of each cycle, octets in and out, and the time of the last discontinuity. */
static void octets_come_first_and_together(void **state)
{
    struct plans *plans = make("profile: x\ninclude: [if-mib]\n");
    const struct plan_table *table =
        table_of(plans_choose(plans, "x", NULL, NULL), "if-mib/interface");
    const struct plan_group *first = table->groups;
    (void)state;
    while (first->when == PLAN_FIXED) {
        first++;
    }
    assert_int_equal(first->n_columns, 5);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(first->columns[i], table->metrics[i].sources[0].column);
    }
    assert_int_equal(first->columns[4], table->discontinuity);
    assert_int_equal(first[1].n_columns, PLAN_GROUP_COLUMNS);
    plans_free(plans);
}

/* --- the manual --- */

static char *read_manual(void)
{
    char *text = xcalloc(1, 65536);
    FILE *file = fopen(TEST_SOURCE_ROOT "/docs/profiles.md", "r");
    assert_non_null(file);
    assert_true(fread(text, 1, 65535, file) > 0);
    fclose(file);
    return text;
}

static void the_manuals_example_works(void **state)
{
    char *manual = read_manual();
    char *text = strstr(manual, "```yaml\n");
    (void)state;
    assert_non_null(text);
    text += strlen("```yaml\n");
    char *end = strstr(text, "```");
    assert_non_null(end);
    *end = '\0';
    struct plans *plans = make(text);
    const struct plan *plan = plans_choose(plans, NULL, "1.3.6.1.4.1.318.1.3.27", "a UPS");
    want_sound(plan);
    assert_string_equal(plan->name, "ups");
    assert_int_equal(table_of(plan, "ups/output")->n_metrics, 4);
    assert_string_equal(table_of(plan, "ups/battery")->names[0].template, "all");
    plans_free(plans);
    free(manual);
}

static void want_documented(const char *manual, const struct config_schema *schema)
{
    for (const struct config_field *field = schema->fields; field->key != NULL; field++) {
        char *key = xasprintf("`%s`", field->key);
        assert_non_null(field->help);
        if (strstr(manual, key) == NULL) {
            fail_msg("%s of %s is not in docs/profiles.md", key, schema->name);
        }
        free(key);
        if (field->schema != NULL) {
            want_documented(manual, field->schema);
        }
    }
}

static void every_key_is_documented(void **state)
{
    char *manual = read_manual();
    const char *name;
    (void)state;
    want_documented(manual, &snmp_profile_schema);
    for (size_t n = 0; (name = snmp_profile_shipped_name(n)) != NULL; n++) {
        char *row = xasprintf("| `%s` |", name);
        if (strstr(manual, row) == NULL) {
            fail_msg("%s is not in docs/profiles.md", name);
        }
        free(row);
    }
    free(manual);
}

/* --- including --- */

static void a_diamond_counts_once(void **state)
{
#define ONE(name_, more_)                                                                          \
    "profile: " name_ "\n" more_                                                                   \
    "tables: [{name: t, kind: k, names: [\"{index}\"], rows: [1.3.1]}]\n"
    static const char *const expected[] = {"bottom/t", "left/t", "right/t", "top/t"};
    struct plans *plans = make(ONE("top", "include: [left, right]\n") "---\n" ONE(
        "right", "include: [bottom]\n") "---\n" ONE("left",
                                                    "include: [bottom]\n") "---\n" ONE("bottom",
                                                                                       ""));
    const struct plan *plan = plans_choose(plans, "top", NULL, NULL);
    (void)state;
    want_sound(plan);
    assert_int_equal(plan->n_tables, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(plan->tables[i].name, expected[i]);
    }
    assert_ptr_equal(plan, plans_choose(plans, "top", "1.3.6.1.4.1.9", "x"));
    plans_free(plans);
}

static void watched_scalars_are_shared(void **state)
{
    struct plans *plans =
        make("profile: w\ninclude: [if-mib, entity-sensor]\n"
             "tables:\n"
             "  - {name: a, kind: k, names: [\"{index}\"], rows: [1.3.1],"
             " last_change: .1.3.6.1.2.1.47.1.4.1.0}\n"
             "  - {name: b, kind: k, names: [\"{index}\"], rows: [1.3.1], last_change: 1.3.9.0}\n");
    const struct plan *plan = plans_choose(plans, "w", NULL, NULL);
    const struct plan *alone = plans_choose(plans, "entity-sensor", NULL, NULL);
    (void)state;
    want_sound(plan);
    assert_int_equal(plan->n_watched, 3);
    assert_int_equal(table_of(plan, "if-mib/interface")->last_change, 0);
    assert_int_equal(table_of(plan, "entity-sensor/sensor")->last_change, 1);
    assert_int_equal(table_of(plan, "w/a")->last_change, 1);
    assert_int_equal(table_of(plan, "w/b")->last_change, 2);
    assert_int_equal(table_of(alone, "entity-sensor/sensor")->last_change, 0);
    plans_free(plans);
}

/* --- choosing --- */

#define FOR(name_, match_) "profile: " name_ "\nmatch: {" match_ "}\ninclude: [if-mib]\n"

static void want_plan(struct plans *plans, const char *expected, const char *id, const char *descr)
{
    assert_string_equal(plans_choose(plans, NULL, id, descr)->name, expected);
}

static void the_best_match_wins(void **state)
{
    static const char text[] =
        FOR("vendor", "sys_object_id: [1.3.6.1.4.1.9999, .1.3.6.1.4.1.8888]") "---\n" FOR(
            "model",
            "sys_object_id: [1.3.6.1.4.1.9999.1.5]") "---\n" FOR("system",
                                                                 "sys_descr: \"OS "
                                                                 "1[0-9]$\"") "---\n" FOR("both",
                                                                                          "sys_"
                                                                                          "object_"
                                                                                          "id: "
                                                                                          "[1.3.6."
                                                                                          "1.4.1."
                                                                                          "9999], "
                                                                                          "sys_"
                                                                                          "descr: "
                                                                                          "Router");
    struct plans *plans = make(text);
    (void)state;
    want_plan(plans, "vendor", "1.3.6.1.4.1.9999.2", "Switch");
    want_plan(plans, "vendor", ".1.3.6.1.4.1.8888", NULL);
    want_plan(plans, "model", "1.3.6.1.4.1.9999.1.5.7", "Router OS 12");
    want_plan(plans, "model", "1.3.6.1.4.1.9999.1.5", "");
    want_plan(plans, "both", "1.3.6.1.4.1.9999.1", "A Router");
    want_plan(plans, "both", "1.3.6.1.4.1.9999.1.50", "A Router OS 12");
    want_plan(plans, "system", "1.3.6.1.4.1.7777", "Some OS 12");
    want_plan(plans, "system", NULL, "Some OS 12");
    want_plan(plans, "generic", "1.3.6.1.4.1.99990", "Some OS 120");
    want_plan(plans, "generic", "1.3.6.1.4.1", "Router");
    want_plan(plans, "generic", NULL, NULL);
    want_plan(plans, "generic", "no oid", NULL);
    want_plan(plans, "cisco", "1.3.6.1.4.1.9.1.634", "Cisco IOS");
    want_plan(plans, "net-snmp", "1.3.6.1.4.1.8072.3.2.10", "Linux");
    plans_free(plans);
}

static void a_name_wins_over_a_match(void **state)
{
    struct plans *plans = make(FOR("vendor", "sys_object_id: [1.3.6.1.4.1.9999]"));
    (void)state;
    assert_string_equal(plans_choose(plans, "if-mib", "1.3.6.1.4.1.9999", NULL)->name, "if-mib");
    assert_string_equal(plans_choose(plans, "gone", "1.3.6.1.4.1.9999", NULL)->name, "vendor");
    plans_free(plans);
}

static void of_equals_the_later_one(void **state)
{
    struct plans *plans = make(FOR("mine", "sys_object_id: [1.3.6.1.4.1.9]"));
    (void)state;
    want_plan(plans, "mine", "1.3.6.1.4.1.9.1.1", NULL);
    plans_free(plans);
}

/* --- refusing --- */

static void want_no_plans(const char *text, bool with_generic)
{
    struct snmp_profile_config profiles[2];
    struct config_errors errors = {0};
    static const char generic[] = "profile: generic\nscalars: [{name: s, kind: k, metrics: [{name: "
                                  "m, oid: 1.3.6.0}]}]\n";
    struct config_list list = {with_generic ? 2 : 1, profiles};
    assert_int_equal(
        config_parse("t", text, strlen(text), &snmp_profile_schema, &profiles[0], &errors), 0);
    assert_int_equal(
        config_parse("g", generic, sizeof generic - 1, &snmp_profile_schema, &profiles[1], &errors),
        0);
    errno = 0;
    assert_null(plans_new(&list));
    assert_int_equal(errno, EINVAL);
    config_free(&snmp_profile_schema, &profiles[0]);
    config_free(&snmp_profile_schema, &profiles[1]);
}

static void what_was_not_checked_is_refused(void **state)
{
    (void)state;
    want_no_plans("profile: a\ninclude: [nothing]\n", true);
    want_no_plans("profile: a\ninclude: [generic, generic2]\n", true);
    want_no_plans("profile: a\nscalars: [{name: s, kind: k, metrics: [{name: m, oid: 1.3.6.0}]}]\n",
                  false);
    want_no_plans("profile: a\ninclude: [generic]\n"
                  "scalars: [{name: s, kind: k, metrics: [{name: m, oid: 1.3.6.0}]}]\n",
                  true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_has_its_effect),
        cmocka_unit_test(shipped_profiles_make_plans),
        cmocka_unit_test(an_interface_is_what_it_is),
        cmocka_unit_test(octets_come_first_and_together),
        cmocka_unit_test(the_manuals_example_works),
        cmocka_unit_test(every_key_is_documented),
        cmocka_unit_test(a_diamond_counts_once),
        cmocka_unit_test(watched_scalars_are_shared),
        cmocka_unit_test(the_best_match_wins),
        cmocka_unit_test(a_name_wins_over_a_match),
        cmocka_unit_test(of_equals_the_later_one),
        cmocka_unit_test(what_was_not_checked_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
