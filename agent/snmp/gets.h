/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Reads scalars by GET, a few in each request: says what to ask next and judges each reply. What a
 * device does not have is an exception (SNMPv2c), or costs the whole request an error with the
 * index of the first one (SNMPv1): the rest is asked again. Each answer settles at least one.
 *
 * Pure: no input or output, no clock. */
#ifndef SNMP_GETS_H
#define SNMP_GETS_H

#include "counts.h"
#include "pdu.h"
#include "walk.h"

enum { GETS_MAX = 64 };

struct gets {
    struct snmp_counts *counts;
    struct walk_sink sink; /* its index is empty */
    size_t n;
    struct oid_view names[GETS_MAX];
    enum column_end ends[GETS_MAX];
    /* The request under way. */
    size_t n_asked;
    size_t asked[REQUEST_NAMES_MAX];
};

/* 1 to GETS_MAX names, whose memory must outlive it. */
void gets_begin(struct gets *gets, const struct oid_view *names, size_t n,
                const struct walk_sink *sink, struct snmp_counts *counts);
/* The next request, of at most so many names (at least 1). False: all are settled. */
bool gets_ask(struct gets *gets, size_t names_max, struct request *request);
/* The answer to the last request. */
enum walk_step gets_take(struct gets *gets, const struct reply *reply);
/* Give up those of the last request, or all that are open. */
void gets_cut_asked(struct gets *gets);
void gets_cut_all(struct gets *gets);

#endif
