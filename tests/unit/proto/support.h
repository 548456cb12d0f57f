/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the tests of proto/ share: a seeded source of numbers, random things that may travel, and a
 * hand that writes protobuf fields as no encoder of ours would. */
#ifndef TEST_PROTO_SUPPORT_H
#define TEST_PROTO_SUPPORT_H

#include "proto/batch.h"

/* --- numbers --- */
struct dice {
    uint64_t state;
};
/* From TEST_SEED in the environment or the clock; printed. */
struct dice dice_new(void);
uint64_t dice_any(struct dice *dice);
uint64_t dice_below(struct dice *dice, uint64_t n);
/* Any 64-bit number, small ones and the extremes as often as others. */
uint64_t dice_wild(struct dice *dice);

/* --- things --- */
/* Text of `size_min` to `size_max` - 1 bytes with characters of one to four bytes; the caller
 * frees. */
char *random_text(struct dice *dice, size_t size_min, size_t size_max);
struct wall random_time(struct dice *dice);
/* To be freed with object_free. */
struct object *random_object(struct dice *dice, uint32_t number);
void object_free(struct object *object);
/* A row with values of its own in `values`. */
struct row random_row(struct dice *dice, const struct object *object, struct wall time,
                      union value values[PROTO_METRICS_MAX]);

/* --- wire --- */
struct bytes {
    uint8_t *at;
    size_t size;
    size_t room;
};
void put_varint(struct bytes *bytes, uint64_t value);
void put_number(struct bytes *bytes, uint32_t field, uint64_t value);
void put_signed(struct bytes *bytes, uint32_t field, int64_t value); /* zigzag, sint64 */
void put_bytes(struct bytes *bytes, uint32_t field, const void *from, size_t size);
void put_text(struct bytes *bytes, uint32_t field, const char *text);
/* Appends `inner` as a field and frees it. */
void put_message(struct bytes *bytes, uint32_t field, struct bytes *inner);
void bytes_free(struct bytes *bytes);

/* A temporary folder; removed with all its files by folder_remove. */
char *folder_make(void);
void folder_remove(char *folder);

#endif
