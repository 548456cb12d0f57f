/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The heaviest talkers, written: one SQLite file (WAL, synchronous=FULL) of its own beside the
 * ledger, because these are records that are kept for a while and then deleted, where the ledger
 * never forgets. Store is its only writer; everybody else reads (view.h).
 *
 * A report is known by its stream, device, object, list and times: put again (the journal is read
 * again after a crash) it replaces itself. So whoever commits here before it moves its own position
 * on loses nothing and doubles nothing.
 *
 * Threads: a handle belongs to one thread. */
#ifndef TALKERS_WRITER_H
#define TALKERS_WRITER_H

#include "proto/model.h"

struct talker_writer;

/* Opens or makes the file and brings its schema up to date. 0; -EBADMSG: another program's file, a
 * damaged one, or of a newer version; or another -errno; with a reason. */
int talker_writer_open(struct talker_writer **writer, const char *path, char *reason,
                       size_t reason_size);
/* NULL is allowed; what was not committed is undone. */
void talker_writer_close(struct talker_writer *writer);

/* What puts stands between begin and commit (or rollback). A failure other than -EINVAL makes the
 * transaction worthless: later calls and commit fail too. */
int talker_writer_begin(struct talker_writer *writer);
int talker_writer_commit(struct talker_writer *writer); /* after -errno all since begin is undone */
void talker_writer_rollback(struct talker_writer *writer);
bool talker_writer_is_open(const struct talker_writer *writer); /* between begin and its end */

/* `object` is the report's, by name. 0; -EINVAL: a number over INT64_MAX; or another -errno. */
int talker_writer_put(struct talker_writer *writer, const char *agent,
                      const uint8_t stream[PROTO_STREAM_SIZE], const struct object *object,
                      const struct talker_report *report);

/* Deletes at most `most` of the reports that ended before, for good: their bytes are overwritten,
 * and the room is given back to the disk by and by. In a transaction of its own: not between begin
 * and commit. `*deleted` less than `most`: none is left. 0 or -errno with nothing deleted. */
int talker_writer_delete(struct talker_writer *writer, struct wall before, size_t most,
                         size_t *deleted);
/* Of the file, without its log. 0 or -errno. */
int talker_writer_bytes(struct talker_writer *writer, uint64_t *bytes);

#endif
