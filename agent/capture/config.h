/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the meter needs, from a configuration that was checked.
 *
 * Threads: no state. */
#ifndef CAPTURE_CONFIG_H
#define CAPTURE_CONFIG_H

#include "capture/capture.h"
#include "meter/privacy.h"
#include "meter/services.h"
#include "proto/limits.h"

/* The configured services in their order; returns how many. */
size_t config_services(const struct capture_config *config,
                       struct service_range ranges[SERVICES_OWN_MAX]);
/* The caller frees with privacy_free. */
struct privacy *config_privacy(const struct capture_config *config);

#endif
