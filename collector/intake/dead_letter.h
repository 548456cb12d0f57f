/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The dead-letter folder: batches that were refused because they do not decode, for people to look
 * at. Its sender drops a refused batch, so the copy here is the last one; but a broken sender must
 * not fill the disk, so the folder is bounded and the oldest make room.
 *
 * Threads: a handle belongs to one thread. */
#ifndef INTAKE_DEAD_LETTER_H
#define INTAKE_DEAD_LETTER_H

#include <stddef.h>
#include <stdint.h>

struct dead_letters;

/* Makes the folder, and counts what is in it. 0 or -errno. */
int dead_letter_open(struct dead_letters **letters, const char *directory, size_t files_max,
                     uint64_t bytes_max);
/* Durable when it returns 0. `name` is a file name without its ".batch"; a letter of the same name
 * is replaced, so that one sent again takes no more room. -EFBIG: larger than the whole folder. */
int dead_letter_save(struct dead_letters *letters, const char *name, const uint8_t *bytes,
                     size_t size);
size_t dead_letter_count(const struct dead_letters *letters);
uint64_t dead_letter_bytes(const struct dead_letters *letters);
/* How many were deleted to make room since it was opened. */
uint64_t dead_letter_dropped(const struct dead_letters *letters);
void dead_letter_close(struct dead_letters *letters);

#endif
