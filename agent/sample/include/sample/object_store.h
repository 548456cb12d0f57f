/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The objects that samplers have announced, whole, by name and by number: what makes the same
 * object keep its number, tells the metrics of a row, and lets the batch in the main process repeat
 * every definition. (A worker's channel, which announces once, keeps less: object_index.h.)
 *
 * Threads: one. */
#ifndef SAMPLE_OBJECT_STORE_H
#define SAMPLE_OBJECT_STORE_H

#include "proto/model.h"

struct object_store;

struct stored_object {
    struct object object; /* a copy, with its number; not to be cleared */
};

struct object_store *object_store_new(void);
void object_store_free(struct object_store *store);

/* The stored object with this device, kind, name, interval, metrics and labels; NULL: none. */
struct stored_object *object_store_find(struct object_store *store, const struct object *object);
/* The stored object with this device, kind and name, whatever its metrics and labels. */
struct stored_object *object_store_named(struct object_store *store, const struct object *object);
/* Stores a copy under the next number. An object of the same name with other metrics or labels is
 * forgotten. NULL: PROTO_OBJECTS_MAX numbers are used up. */
struct stored_object *object_store_add(struct object_store *store, const struct object *object);
/* NULL when no such number is stored (any more). */
struct stored_object *object_store_get(struct object_store *store, uint32_t number);
/* How many numbers were given; some may not be stored any more. */
uint32_t object_store_count(const struct object_store *store);

#endif
