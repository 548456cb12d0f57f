/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a worker remembers of the objects that it announces. Once an object's definition was handed
 * on, this is a hash of its name and one of its shape (keyed: devices choose names), and which
 * metrics it has: some 32 bytes, where its labels alone take several hundred. A worker of 2,000
 * switches has 100,000 of them.
 *
 * Threads: one. */
#ifndef SAMPLE_OBJECT_INDEX_H
#define SAMPLE_OBJECT_INDEX_H

#include "proto/model.h"

struct object_index;

struct object_index *object_index_new(void);
/* NULL is allowed. */
void object_index_free(struct object_index *index);

/* The number of the object with this device, kind, name, interval, metrics and labels; 0: none. */
uint32_t object_index_find(const struct object_index *index, const struct object *object);
/* Gives it the next number, and keeps a copy until it is announced. An object of the same name with
 * other metrics or labels is forgotten. 0: PROTO_OBJECTS_MAX numbers are used up. */
uint32_t object_index_add(struct object_index *index, const struct object *object);

/* What a row needs: an object that has its number and metrics, and no more. False: no such number
 * is known (any more). The metrics live until the object is forgotten. */
bool object_index_get(const struct object_index *index, uint32_t number, struct object *object);
/* The copy of an object that is not announced yet, with its number; NULL: it is, or not known. */
const struct object *object_index_copy(const struct object_index *index, uint32_t number);
/* Its definition was handed on: the copy goes. */
void object_index_announced(struct object_index *index, uint32_t number);
/* The next object after that number which has no metrics, so that no row will ever bring its
 * definition along, and is not announced yet; 0: none. Looks at every object. */
uint32_t object_index_next_bare(const struct object_index *index, uint32_t after);

#endif
