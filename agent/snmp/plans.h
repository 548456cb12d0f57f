/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Makes plans of profiles and finds the one for a device.
 *
 * Threads: the loop's thread. */
#ifndef SNMP_PLANS_H
#define SNMP_PLANS_H

#include "common/config.h"
#include "plan.h"

struct plans;

/* The profiles (struct snmp_profile_config, checked as by snmp_profiles_load) are not needed after
 * it. NULL when they break a rule that snmp_profiles_load would have refused, with errno EINVAL. */
struct plans *plans_new(const struct config_list *profiles);
/* The plan for a device: of the profile that is named, else of the one that matches best: the
 * longest sysObjectID prefix, then one with a sysDescr expression; else of the profile "generic".
 * Made when it is first needed; lives as long as `plans`. Never NULL. */
const struct plan *plans_choose(struct plans *plans, const char *profile, const char *sys_object_id,
                                const char *sys_descr);
void plans_free(struct plans *plans);

#endif
