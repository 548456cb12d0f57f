/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "profile_include.h"

#include "common/xalloc.h"
#include "plan.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

size_t profile_find(const struct config_list *profiles, const char *name)
{
    const struct snmp_profile_config *items = profiles->items;
    for (size_t i = 0; i < profiles->count; i++) {
        if (strcmp(items[i].profile, name) == 0) {
            return i;
        }
    }
    return SIZE_MAX;
}

enum state { NEW, OPEN, DONE };

struct visit {
    size_t profile;
    size_t next; /* of its includes */
};

/* By depth first, on a stack of our own: a chain may be as long as there are profiles. */
size_t profile_order(const struct config_list *profiles, size_t root, size_t *order, int *error,
                     size_t *by, const char **culprit)
{
    const struct snmp_profile_config *items = profiles->items;
    enum state *states = xcalloc(profiles->count, sizeof *states);
    struct visit *stack = xcalloc(profiles->count, sizeof *stack);
    size_t depth = 1;
    size_t n = 0;
    *error = 0;
    stack[0].profile = root;
    states[root] = OPEN;
    while (depth > 0 && *error == 0) {
        struct visit *top = &stack[depth - 1];
        const struct config_strings *include = &items[top->profile].include;
        if (top->next == include->count) {
            states[top->profile] = DONE;
            order[n++] = top->profile;
            depth--;
            continue;
        }
        *by = top->profile;
        *culprit = include->items[top->next++];
        size_t found = profile_find(profiles, *culprit);
        if (found == SIZE_MAX) {
            *error = -ENOENT;
        } else if (states[found] == OPEN) {
            *error = -ELOOP;
        } else if (states[found] == NEW) {
            states[found] = OPEN;
            stack[depth++] = (struct visit){.profile = found};
        }
    }
    free(states);
    free(stack);
    return *error == 0 ? n : 0;
}

/* --- all tables together --- */

static const char *without_dot(const char *oid)
{
    return oid + (oid[0] == '.' ? 1 : 0);
}

/* Adds those that are not there yet; at most one more than a plan can have. */
static void collect_watched(const struct snmp_profile_config *profile,
                            const char *watched[PLAN_WATCHED_MAX + 1], size_t *n)
{
    const struct profile_table_config *tables = profile->tables.items;
    for (size_t i = 0; i < profile->tables.count; i++) {
        bool known = tables[i].last_change == NULL;
        for (size_t k = 0; k < *n && !known; k++) {
            known = strcmp(watched[k], without_dot(tables[i].last_change)) == 0;
        }
        if (!known && *n <= PLAN_WATCHED_MAX) {
            watched[(*n)++] = without_dot(tables[i].last_change);
        }
    }
}

static char *scalar_fault(const struct profile_scalar_config *const *scalars, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < i; k++) {
            if (strcmp(scalars[i]->kind, scalars[k]->kind) == 0 &&
                strcmp(scalars[i]->object, scalars[k]->object) == 0) {
                return xasprintf("two scalars make the object \"%s\" of kind \"%s\"",
                                 scalars[i]->object, scalars[i]->kind);
            }
        }
    }
    return NULL;
}

char *profile_whole_fault(const struct config_list *profiles, const size_t *order, size_t n)
{
    const struct snmp_profile_config *items = profiles->items;
    const struct profile_scalar_config *scalars[PROFILE_TABLES_MAX];
    const char *watched[PLAN_WATCHED_MAX + 1];
    size_t n_scalars = 0;
    size_t n_watched = 0;
    size_t n_tables = 0;
    for (size_t i = 0; i < n; i++) {
        const struct snmp_profile_config *profile = &items[order[i]];
        const struct profile_scalar_config *own = profile->scalars.items;
        n_tables += profile->tables.count + profile->scalars.count;
        if (n_tables > PROFILE_TABLES_MAX) {
            return xasprintf("with all that it includes it has more than %d tables and scalars",
                             PROFILE_TABLES_MAX);
        }
        for (size_t k = 0; k < profile->scalars.count; k++) {
            scalars[n_scalars++] = &own[k];
        }
        collect_watched(profile, watched, &n_watched);
    }
    if (n_watched > PLAN_WATCHED_MAX) {
        return xasprintf("with all that it includes it has more than %d different last_change",
                         PLAN_WATCHED_MAX);
    }
    return scalar_fault(scalars, n_scalars);
}
