/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the tests of common/ share: a folder of their own, whole files, and numbers from a seed. */
#ifndef TEST_COMMON_SUPPORT_H
#define TEST_COMMON_SUPPORT_H

#include <stddef.h>
#include <stdint.h>

/* A fresh folder; in memory where there is one, for a test makes many durable writes. The caller
 * gives it back to remove_folder, which frees it. */
char *make_folder(void);
void remove_folder(char *folder);
/* folder/name; the caller frees it. */
char *path_in(const char *folder, const char *name);

/* The whole file; the caller frees it. A missing file fails the test. */
uint8_t *read_file(const char *path, size_t *size);
void write_file(const char *path, const void *bytes, size_t size);

/* xorshift64*: the same numbers for the same seed everywhere. */
struct random {
    uint64_t state;
};
uint64_t random_next(struct random *random);
uint64_t random_below(struct random *random, uint64_t limit);
/* TEST_SEED from the environment or a new one; printed, so that a failure can be had again. */
struct random random_seeded(void);

#endif
