/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether a thing may travel: the one place where the bounds of limits.h are held against it, used
 * before it is written and after it was read.
 *
 * Pure. Each function returns NULL when all is good, else what is wrong, in a few constant words.
 */
#ifndef PROTO_ITEM_CHECK_H
#define PROTO_ITEM_CHECK_H

#include "proto/model.h"

/* 1970-01-01 to the last millisecond of 9999, the years that ISO 8601 writes with four digits. */
bool item_time_is_valid(struct wall time);
bool item_outcome_is_known(int64_t outcome);

const char *item_check_object(const struct object *object);
/* What can be said of a row without its definition. */
const char *item_check_row(uint32_t object, struct wall time, int status);
const char *item_check_result(const struct result *result);
const char *item_check_observation(const struct observation *observation);
const char *item_check_gap(const struct gap *gap);
/* What can be said of it without its object's definition. */
const char *item_check_talkers(const struct talker_report *report);

#endif
