/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Notices when one stream is sent by two connections at the same time: a cloned machine, whose
 * twin's batches look like duplicates and would be lost in silence. A connection that dies leaves
 * what it had on the way, so a few messages from the old one after the new one began mean nothing;
 * an agent has at most 8 batches on the way, twins go on for ever.
 *
 * Threads: a handle belongs to one thread. */
#ifndef INTAKE_TWIN_WATCH_H
#define INTAKE_TWIN_WATCH_H

#include "proto/link.h"

enum {
    TWIN_RETURNS = 20, /* of the other connection: over twice what can be on the way */
    TWIN_WITHIN_MS = 5 * 60 * 1000,
};

struct twin_watch;

struct twin_watch *twin_watch_new(void);
/* A message of the stream came from the peer. True: this is the TWIN_RETURNS-th return within the
 * time; it is counted anew afterwards. */
bool twin_watch_see(struct twin_watch *watch, const uint8_t stream[PROTO_STREAM_SIZE],
                    const struct link_peer *peer);
void twin_watch_free(struct twin_watch *watch);

#endif
