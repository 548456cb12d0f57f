/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a profile is with all that it includes.
 *
 * Pure. */
#ifndef SNMP_PROFILE_INCLUDE_H
#define SNMP_PROFILE_INCLUDE_H

#include "profile_config.h"

/* The number of the profile of that name; SIZE_MAX: there is none. */
size_t profile_find(const struct config_list *profiles, const char *name);

/* The profiles that number `root` consists of, itself last: what it includes in the order of the
 * file, each before those that include it and only once. `order` has room for all profiles. Returns
 * how many; 0: an include does not exist (-ENOENT in *error) or turns in a circle (-ELOOP), with
 * the profile that names it and the name in *by and *culprit. */
size_t profile_order(const struct config_list *profiles, size_t root, size_t *order, int *error,
                     size_t *by, const char **culprit);

/* What is wrong with the tables of these profiles taken together (limits of a plan, two objects of
 * one name); NULL: nothing. The caller frees. */
char *profile_whole_fault(const struct config_list *profiles, const size_t *order, size_t n);

#endif
