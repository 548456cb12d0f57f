/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The spool's small memory: what was acknowledged and where the chain of statements stood, replaced
 * as a whole (new file, fsync, rename, fsync of the folder). */
#ifndef AGENT_SPOOL_LEDGER_H
#define AGENT_SPOOL_LEDGER_H

#include "spool.h"

struct spool_ledger {
    struct stream_position acknowledged;
    struct seglog_position resume; /* where the batch after it begins */
    struct wall acknowledged_at;   /* when the acknowledgement came; 0: none did */
    uint64_t first; /* what is missing before this sequence was told of; 0: nothing is */
    struct stream_position written; /* the last batch of the spool when this was saved */
    struct spool_chain chain;       /* the state after it */
};

/* 0; -ENOENT: there is none; -EBADMSG: damaged; -ENOTSUP: of a newer version. */
int spool_ledger_load(const char *path, struct spool_ledger *ledger);
int spool_ledger_save(const char *path, const struct spool_ledger *ledger);

#endif
