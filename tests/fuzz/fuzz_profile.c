/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any text as a profile: it is refused with reasons, or its normal form reads again to the same,
 * and its plan keeps the promises of plan.h. */
#include "common/xalloc.h"
#include "plans.h"
#include "profile_config.h"
#include "profile_include.h"
#include "snmp/profile.h"
#include "test_profile_support.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Larger profiles find nothing new, only slower. */
enum { SIZE_MAX_BYTES = 16384 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What a profile may include, and what devices fall back to. */
static const char *const others[] = {
    "profile: generic\ninclude: [part]\n",
    "profile: part\nscalars: [{name: s, kind: k, metrics: [{name: m, oid: 1.3.6.1.0}]}]\n",
};
enum { N_OTHERS = sizeof others / sizeof *others };

static char *print(const struct snmp_profile_config *profile)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        abort();
    }
    config_print(out, &snmp_profile_schema, profile);
    (void)fclose(out); /* memory */
    return text;
}

static void parse(const char *text, struct snmp_profile_config *profile)
{
    struct config_errors errors = {0};
    if (config_parse("ours", text, strlen(text), &snmp_profile_schema, profile, &errors) != 0) {
        config_errors_print(stderr, &errors);
        abort();
    }
}

static void check_round_trip(const struct snmp_profile_config *profile)
{
    struct snmp_profile_config again;
    char *once = print(profile);
    parse(once, &again);
    char *twice = print(&again);
    if (strcmp(once, twice) != 0) {
        abort();
    }
    config_free(&snmp_profile_schema, &again);
    free(once);
    free(twice);
}

static void check_plan(const struct plan *plan)
{
    char *fault = plan_fault(plan);
    if (fault != NULL) {
        fprintf(stderr, "%s\n", fault);
        abort();
    }
}

/* The profile beside ours, of which it replaces one of its name. Once its own rules hold, there is
 * one reason left not to make plans: what it includes. */
static void check_plans(const struct snmp_profile_config *profile)
{
    struct snmp_profile_config items[N_OTHERS + 1];
    struct config_list list = {0, items};
    size_t order[N_OTHERS + 1];
    bool good = true;
    for (size_t i = 0; i < N_OTHERS; i++) {
        parse(others[i], &items[list.count++]);
        if (strcmp(items[list.count - 1].profile, profile->profile) == 0) {
            config_free(&snmp_profile_schema, &items[--list.count]);
        }
    }
    size_t n_ours = list.count;
    items[list.count++] = *profile;
    struct plans *plans = plans_new(&list);
    for (size_t i = 0; i < list.count; i++) {
        int error;
        size_t by;
        const char *culprit;
        size_t n = profile_order(&list, i, order, &error, &by, &culprit);
        char *fault = profile_whole_fault(&list, order, n);
        good = good && n > 0 && fault == NULL;
        free(fault);
    }
    if ((plans != NULL) != good) {
        abort();
    }
    for (size_t i = 0; i < n_ours; i++) {
        config_free(&snmp_profile_schema, &items[i]);
    }
    if (plans != NULL) {
        const char *id =
            profile->match.sys_object_id.count > 0 ? profile->match.sys_object_id.items[0] : "";
        check_plan(plans_choose(plans, profile->profile, NULL, NULL));
        check_plan(plans_choose(plans, NULL, id, profile->profile));
        plans_free(plans);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct snmp_profile_config profile;
    struct config_errors errors = {0};
    if (size > SIZE_MAX_BYTES) {
        return 0;
    }
    if (config_parse("fuzz", (const char *)bytes, size, &snmp_profile_schema, &profile, &errors) !=
        0) {
        if (errors.count == 0) {
            abort();
        }
        config_errors_clear(&errors);
        return 0;
    }
    check_round_trip(&profile);
    check_plans(&profile);
    config_free(&snmp_profile_schema, &profile);
    return 0;
}
