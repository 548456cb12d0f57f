/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Temperatures and fans of the kernel's hwmon class (Documentation/hwmon/sysfs-interface.rst). The
 * files stay open; that chips came or went is looked for once a minute, and when one fails.
 *
 * Threads: one. */
#ifndef HOST_SENSORS_H
#define HOST_SENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sensors;

struct sensors *sensors_new(void);
/* NULL is allowed. */
void sensors_free(struct sensors *sensors);

/* "-5000\n" as a number; false: it is none, or not within 32 bits. Pure. */
bool sensors_parse_value(const char *text, size_t size, int32_t *value);

#endif
