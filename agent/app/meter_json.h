/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What was metered as one JSON object on a line (docs/traffic.md has its members).
 *
 * Threads: no state. */
#ifndef AGENT_METER_JSON_H
#define AGENT_METER_JSON_H

#include "capture/run.h"
#include <stdio.h>

/* With its newline. `top`: how many of each list, at most. */
void meter_json_print(FILE *out, const struct capture_document *document,
                      const struct services *service_names, size_t top);

/* "2026-11-24T10:00:00.123456789Z" of a time since 1970; at least 32 bytes. */
void meter_format_time(int64_t time_ns, char *text, size_t size);

#endif
