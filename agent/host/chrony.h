/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Asks the machine's chronyd, if there is one, how far its clock is off: the "tracking" question of
 * chrony's control protocol (version 6, UDP port 323 on loopback), which any local user may ask.
 * Where nobody answers, the question is repeated once a minute.
 *
 * Threads: the loop's thread. */
#ifndef HOST_CHRONY_H
#define HOST_CHRONY_H

#include "book.h"
#include <uv.h>

enum { CHRONY_PORT = 323, CHRONY_QUESTION_SIZE = 104 };

struct chrony_tracking {
    double offset_s; /* what is to be added to the clock to be right */
    double rms_offset_s;
    double frequency_ppm;
    double root_delay_s;
    double root_dispersion_s;
    uint16_t stratum;
    bool synchronised;
};

/* The question with this sequence number, and the answer to it: 0, -EBADMSG, or -EAGAIN when it is
 * no answer to that question. Pure. */
void chrony_ask(uint32_t sequence, uint8_t question[CHRONY_QUESTION_SIZE]);
int chrony_decode(const uint8_t *bytes, size_t size, uint32_t sequence,
                  struct chrony_tracking *tracking);

struct chrony;

/* Rows go to `book`, which must outlive the handle. */
struct chrony *chrony_open(uv_loop_t *loop, uint16_t port, struct book *book);
/* Asks once. The row comes with the answer; one without values once an answer stays away. */
void chrony_sample(struct chrony *chrony, struct wall time);
/* No row after it; the memory goes when the loop has closed its handle. NULL is allowed. */
void chrony_close(struct chrony *chrony);

#endif
