/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the tests of journal and intake share: a folder of their own, batches, and a disk that fails
 * on demand. */
#ifndef TEST_INTAKE_SUPPORT_H
#define TEST_INTAKE_SUPPORT_H

#include "proto/batch.h"

/* A fresh folder. Caller frees with remove_folder. */
char *make_folder(void);
void remove_folder(char *folder);

/* The stream whose bytes are all `byte`. */
struct stream_position position_of(uint8_t byte, uint64_t epoch, uint64_t sequence);
/* An encoded batch with a gap record of `rows` lost rows. Caller frees. */
uint8_t *make_batch(const struct stream_position *position, uint64_t rows, size_t *size);

/* The program is linked with --wrap for these calls. Each fails with its errno while that is not
 * 0. */
struct bad_disk {
    int fdatasync_errno;
    int pwritev_errno;
    int ftruncate_errno;
    uint64_t free_bytes; /* what statvfs says; 0: the truth */
    /* Told of every call, before and after it was carried out: 'w' and 'W' of pwritev, 's' and 'S'
     * of fdatasync. */
    void (*witness)(char event);
};
extern struct bad_disk bad_disk;

#endif
