/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What was metered, for people: on a terminal in colour.
 *
 * Threads: no state. */
#ifndef AGENT_METER_TEXT_H
#define AGENT_METER_TEXT_H

#include "capture/run.h"
#include <stdio.h>

void meter_text_print(FILE *out, const struct capture_document *document,
                      const struct services *service_names, size_t top, bool coloured);

#endif
