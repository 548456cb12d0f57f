/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "plans.h"

#include "common/xalloc.h"
#include "plans_columns.h"
#include "plans_table.h"
#include "profile_include.h"
#include "profile_value.h"

#include <assert.h>
#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

/* A profile with its own tables made; those that it includes are others'. */
struct part {
    char *name;
    bool matches; /* it has a `match` */
    size_t n_prefixes;
    struct oid_view *prefixes;
    bool has_expression;
    regex_t expression;
    size_t n_tables;
    struct plan_table *tables;
    struct oid_view *last_changes; /* [n_tables] */
    size_t n_order;
    size_t *order;     /* the parts of its plan, itself last */
    struct plan *plan; /* NULL: not needed yet */
};

struct plans {
    struct plans_memory memory;
    size_t n;
    struct part *parts;
    size_t generic;
};

/* --- making the parts --- */

static bool make_match(struct plans *plans, const struct profile_match_config *config,
                       struct part *part)
{
    part->matches = config->present;
    part->n_prefixes = config->sys_object_id.count;
    part->prefixes = plans_memory_take(&plans->memory, part->n_prefixes, sizeof *part->prefixes);
    for (size_t i = 0; i < part->n_prefixes; i++) {
        part->prefixes[i] = plans_copy_oid(&plans->memory, config->sys_object_id.items[i]);
    }
    if (config->sys_descr != NULL) {
        part->has_expression =
            profile_expression_fault(config->sys_descr) == NULL &&
            regcomp(&part->expression, config->sys_descr, REG_EXTENDED | REG_NOSUB) == 0;
        return part->has_expression;
    }
    return true;
}

static bool make_tables(struct plans *plans, const struct snmp_profile_config *config,
                        struct part *part)
{
    const struct profile_table_config *tables = config->tables.items;
    const struct profile_scalar_config *scalars = config->scalars.items;
    size_t n = config->tables.count + config->scalars.count;
    part->tables = plans_memory_take(&plans->memory, n, sizeof *part->tables);
    part->last_changes = plans_memory_take(&plans->memory, n, sizeof *part->last_changes);
    for (size_t i = 0; i < config->tables.count; i++, part->n_tables++) {
        if (!plans_make_table(&tables[i], config->profile, &plans->memory, NULL,
                              &part->tables[part->n_tables], &part->last_changes[part->n_tables])) {
            return false;
        }
    }
    for (size_t i = 0; i < config->scalars.count; i++, part->n_tables++) {
        if (!plans_make_scalar(&scalars[i], config->profile, &plans->memory, NULL,
                               &part->tables[part->n_tables])) {
            return false;
        }
    }
    return true;
}

static bool make_order(struct plans *plans, const struct config_list *profiles, size_t number)
{
    struct part *part = &plans->parts[number];
    int error;
    size_t by;
    const char *culprit;
    part->order = plans_memory_take(&plans->memory, profiles->count, sizeof *part->order);
    part->n_order = profile_order(profiles, number, part->order, &error, &by, &culprit);
    char *fault = profile_whole_fault(profiles, part->order, part->n_order);
    bool good = part->n_order > 0 && fault == NULL;
    free(fault);
    return good;
}

struct plans *plans_new(const struct config_list *profiles)
{
    const struct snmp_profile_config *items = profiles->items;
    struct plans *plans = xcalloc(1, sizeof *plans);
    plans->generic = profile_find(profiles, "generic");
    plans->parts = plans_memory_take(&plans->memory, profiles->count, sizeof *plans->parts);
    if (plans->generic == SIZE_MAX) {
        goto refuse;
    }
    for (size_t i = 0; i < profiles->count; i++) {
        plans->n++;
        plans->parts[i].name = plans_memory_text(&plans->memory, items[i].profile);
        if (!make_match(plans, &items[i].match, &plans->parts[i]) ||
            !make_tables(plans, &items[i], &plans->parts[i]) || !make_order(plans, profiles, i)) {
            goto refuse;
        }
    }
    return plans;

refuse:
    plans_free(plans);
    errno = EINVAL;
    return NULL;
}

void plans_free(struct plans *plans)
{
    if (plans == NULL) {
        return;
    }
    for (size_t i = 0; i < plans->n; i++) {
        if (plans->parts[i].has_expression) {
            regfree(&plans->parts[i].expression);
        }
    }
    plans_memory_free(&plans->memory);
    free(plans);
}

/* --- putting a plan together --- */

static size_t watch(struct plan *plan, struct oid_view oid)
{
    for (size_t i = 0; i < plan->n_watched; i++) {
        if (plan->watched[i].n == oid.n && profile_oid_is_under(plan->watched[i], oid)) {
            return i;
        }
    }
    assert(plan->n_watched < PLAN_WATCHED_MAX); /* profile_whole_fault */
    plan->watched[plan->n_watched] = oid;
    return plan->n_watched++;
}

static const struct plan *plan_of(struct plans *plans, struct part *root)
{
    size_t n = 0;
    if (root->plan != NULL) {
        return root->plan;
    }
    for (size_t i = 0; i < root->n_order; i++) {
        n += plans->parts[root->order[i]].n_tables;
    }
    struct plan *plan = plans_memory_take(&plans->memory, 1, sizeof *plan);
    plan->name = root->name;
    plan->tables = plans_memory_take(&plans->memory, n, sizeof *plan->tables);
    for (size_t i = 0; i < root->n_order; i++) {
        const struct part *part = &plans->parts[root->order[i]];
        for (size_t k = 0; k < part->n_tables; k++) {
            struct plan_table *table = &plan->tables[plan->n_tables++];
            *table = part->tables[k]; /* what it points to is the same for all plans */
            if (part->last_changes[k].n > 0) {
                table->last_change = watch(plan, part->last_changes[k]);
            }
        }
    }
    root->plan = plan;
    return plan;
}

/* --- choosing --- */

/* How well a profile fits; greater is better, 0: not. */
static size_t fitness(const struct part *part, struct oid_view id, const char *sys_descr)
{
    size_t longest = 0;
    if (!part->matches) {
        return 0;
    }
    for (size_t i = 0; i < part->n_prefixes; i++) {
        if (part->prefixes[i].n > longest && profile_oid_is_under(id, part->prefixes[i])) {
            longest = part->prefixes[i].n;
        }
    }
    if (part->n_prefixes > 0 && longest == 0) {
        return 0;
    }
    if (part->has_expression &&
        (sys_descr == NULL || regexec(&part->expression, sys_descr, 0, NULL, 0) != 0)) {
        return 0;
    }
    return 2 * longest + (part->has_expression ? 1 : 0);
}

const struct plan *plans_choose(struct plans *plans, const char *profile, const char *sys_object_id,
                                const char *sys_descr)
{
    unsigned long ids[PROFILE_OID_IDS_MAX];
    struct oid_view id = {ids, 0};
    size_t best = plans->generic;
    size_t best_fitness = 0;
    if (sys_object_id != NULL && profile_read_oid(sys_object_id, ids, &id.n) != NULL) {
        id.n = 0;
    }
    for (size_t i = 0; i < plans->n; i++) {
        if (profile != NULL && strcmp(plans->parts[i].name, profile) == 0) {
            return plan_of(plans, &plans->parts[i]);
        }
        size_t fits = fitness(&plans->parts[i], id, sys_descr);
        if (fits > 0 && fits >= best_fitness) { /* of equals the later one, which is the user's */
            best = i;
            best_fitness = fits;
        }
    }
    return plan_of(plans, &plans->parts[best]);
}
