/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a device said, for people: a line about the device, then a table of each kind of object.
 * Metrics that are 0 or not known in all rows of a table are left out. What devices say is shown
 * without its control characters.
 *
 * Pure but for the stream. */
#ifndef AGENT_POLL_TEXT_H
#define AGENT_POLL_TEXT_H

#include "poll_result.h"
#include <stdio.h>

void poll_text_print(FILE *out, const struct poll_result *result, bool timed, bool coloured);

#endif
