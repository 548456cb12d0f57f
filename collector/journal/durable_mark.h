/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * How far the journal is on disk, as its writer tells its readers: DIR/durable. A reader goes no
 * further, for what is not on disk yet can vanish with a power cut and its place be taken by
 * another entry, which the reader would then believe to have applied.
 *
 * The file itself is not synced: after a power cut it is missing or says too little, and the
 * writer sets it right when it opens. Layout (little-endian): u64 segment, u64 offset, u32 CRC-32C.
 *
 * Threads: no state. */
#ifndef JOURNAL_DURABLE_MARK_H
#define JOURNAL_DURABLE_MARK_H

#include "common/seglog.h"

/* All return 0 or -errno. Read: -ENOENT: no mark yet; -EAGAIN: just being written, ask again. */
int durable_mark_write(const char *directory, struct seglog_position end);
int durable_mark_read(const char *directory, struct seglog_position *end);

#endif
