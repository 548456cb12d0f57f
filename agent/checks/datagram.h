/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A question in one datagram and its answer in another: what dns and ntp have in common. Asks up to
 * DATAGRAM_TRIES times, evenly over the time-out and over the target's addresses, each time from a
 * port of its own that the kernel draws, and listens to that address alone.
 *
 * Answers are dated by when the kernel took them, not by when we came to read them.
 *
 * Threads: the loop's thread. */
#ifndef CHECKS_DATAGRAM_H
#define CHECKS_DATAGRAM_H

#include "verdict.h"
#include <uv.h>

enum { DATAGRAM_TRIES = 3, DATAGRAM_REQUEST_MAX = 512, DATAGRAM_SIZE_MAX = 4096 };

struct datagram_answer {
    const uint8_t *bytes;
    size_t size;
    unsigned number;      /* the try that it belongs to, from 0 */
    size_t address;       /* which of the target's was asked */
    int64_t sent_wall_ns; /* since 1970, CLOCK_REALTIME */
    double elapsed_s;     /* from sending to arrival */
};

struct datagram_order {
    uv_loop_t *loop;
    const struct target *target; /* copied */
    int64_t timeout_ms;
    /* Writes what a try sends; its size, or 0: it cannot ("resource"). */
    size_t (*write)(void *asker, unsigned number, uint8_t request[DATAGRAM_REQUEST_MAX]);
    /* false: that is no answer to our question, and nothing is decided by it. Else sets outcome,
     * reason, detail and values. */
    bool (*judge)(void *asker, const struct datagram_answer *answer, struct verdict *verdict);
    void *asker;
    probe_done *done;
    void *context;
};

struct datagram;
struct datagram *datagram_start(const struct datagram_order *order);
/* No call-back after it. */
void datagram_cancel(struct datagram *datagram);

#endif
