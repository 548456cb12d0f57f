/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a device said, as JSON for scripts (beffroi-agent(8), poll).
 *
 * Pure but for the stream. */
#ifndef AGENT_POLL_JSON_H
#define AGENT_POLL_JSON_H

#include "poll_result.h"
#include <stdio.h>

/* One object, without a line's end: {"device": …, "objects": […]}. `timed`: with the time of the
 * report as its first member. A value that is not known is absent. */
void poll_json_print(FILE *out, const struct poll_result *result, bool timed);

#endif
