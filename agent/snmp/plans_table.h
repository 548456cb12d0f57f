/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Makes one table of a plan from one table (or the scalars of one object) of a profile: columns
 * without doubles, what refers to them, and the groups in which they are read.
 *
 * It is also the check of a profile's tables: what cannot be made is an error of the file. */
#ifndef SNMP_PLANS_TABLE_H
#define SNMP_PLANS_TABLE_H

#include "plan.h"
#include "plans_memory.h"
#include "profile_config.h"

/* Everything is of `memory`. `errors` may be NULL; each error names the line of what it is about.
 * False: there were some, and the table is not to be used. `profile` is the first part of its name.
 * `last_change`: the scalar that changes when rows come and go, to which the plan gives a number;
 * n 0: none. */
bool plans_make_table(const struct profile_table_config *config, const char *profile,
                      struct plans_memory *memory, struct config_error_sink *errors,
                      struct plan_table *table, struct oid_view *last_change);
bool plans_make_scalar(const struct profile_scalar_config *config, const char *profile,
                       struct plans_memory *memory, struct config_error_sink *errors,
                       struct plan_table *table);

#endif
