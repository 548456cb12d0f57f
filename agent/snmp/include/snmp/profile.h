/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Profiles: what is read of which devices, as YAML files that people write (docs/profiles.md).
 * Main reads and checks them, and hands them to the workers, which may open no file.
 *
 * Threads: no state. */
#ifndef SNMP_PROFILE_H
#define SNMP_PROFILE_H

#include "common/config.h"

/* One file, as it stands (struct snmp_profile_config, profile_config.h). */
extern const struct config_schema snmp_profile_schema;

/* The shipped profiles (compiled in from agent/profiles/), then those of the files and of the
 * folders' *.yaml in the order of their names; a relative path is that of the configuration's
 * folder. A later profile replaces an earlier one of the same name. All are checked one by one and
 * together (includes exist and do not turn in circles; limits of plan.h). 0, or -EINVAL with all
 * errors added, each with file and line. The list is freed by snmp_profiles_free in both cases. */
int snmp_profiles_load(const struct config_strings *paths, const char *config_path,
                       struct config_list *profiles, struct config_errors *errors);
void snmp_profiles_free(struct config_list *profiles);
/* Is there one of that name? */
bool snmp_profiles_have(const struct config_list *profiles, const char *name);
/* The text of a shipped profile; NULL: there is none of that name. n from 0: all of them. */
const char *snmp_profile_shipped(const char *name, size_t *size);
const char *snmp_profile_shipped_name(size_t n);

#endif
