/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A store that answers "flush" on a thread of its own, and remembers what it was asked. */
#ifndef TEST_WEB_FAKE_STORE_H
#define TEST_WEB_FAKE_STORE_H

#include <stddef.h>

struct fake_store;

struct fake_store *fake_store_open(const char *path);
/* How often it was asked for everything, and for one object. */
size_t fake_store_all(const struct fake_store *store);
size_t fake_store_one(const struct fake_store *store);
/* "device kind object" of the last flush of one object. Only when nobody asks. */
const char *fake_store_last(const struct fake_store *store);
void fake_store_close(struct fake_store *store);

#endif
