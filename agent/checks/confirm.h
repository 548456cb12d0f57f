/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Are the last results bad often enough to wake somebody? For alerts alone: an outage begins with
 * its first bad result, confirmed or not. An unknown result is neither good nor bad, and passed
 * over.
 *
 * Threads: no state of its own. */
#ifndef CHECKS_CONFIRM_H
#define CHECKS_CONFIRM_H

#include "proto/model.h"

struct confirm {
    unsigned bad; /* 0: not wanted */
    unsigned of;
    uint64_t last; /* bit 0: the newest was bad */
};

/* `text` as in the configuration, "2 of 3"; NULL: not wanted. */
void confirm_begin(struct confirm *confirm, const char *text);
bool confirm_is_wanted(const struct confirm *confirm);
/* Takes a result: is it confirmed now that it is bad? */
bool confirm_take(struct confirm *confirm, enum outcome outcome);

#endif
