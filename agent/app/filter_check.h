/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Is a text of the configuration a filter of packets? Only libpcap knows, and only the program that
 * captures loads it: so that one is asked.
 *
 * Threads: one. */
#ifndef AGENT_FILTER_CHECK_H
#define AGENT_FILTER_CHECK_H

#include <stddef.h>

/* The argument by which beffroi-agent-capture is asked; the filter is the next one. It ends with 0,
 * or with 1 and the reason as a line on standard output. */
#define FILTER_CHECK_ARGUMENT "check-filter"

/* Waits for the answer. 0, or -EINVAL with a reason. */
int filter_check(const char *filter, char *reason, size_t reason_size);

#endif
