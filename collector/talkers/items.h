/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A report's items as a blob of a few kilobytes: each is its key with a NUL behind it, then bytes,
 * packets and error as base-128 numbers, the low seven bits first.
 *
 * Pure. */
#ifndef TALKERS_ITEMS_H
#define TALKERS_ITEMS_H

#include "proto/model.h"

enum { TALKER_ITEMS_MAX_BYTES = PROTO_TALKERS_MAX * (PROTO_NAME_MAX + 1 + 3 * 10) };

/* At most PROTO_TALKERS_MAX items with valid keys; returns the size. */
size_t talker_items_encode(const struct talker_item *items, size_t n_items,
                           uint8_t bytes[TALKER_ITEMS_MAX_BYTES]);
/* The keys point into `bytes`. 0 or -EBADMSG. */
int talker_items_decode(const uint8_t *bytes, size_t size,
                        struct talker_item items[PROTO_TALKERS_MAX], size_t *n_items);

#endif
