/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The small texts of a profile: OIDs, whole numbers, names, name templates, sysDescr expressions.
 *
 * Pure. */
#ifndef SNMP_PROFILE_VALUE_H
#define SNMP_PROFILE_VALUE_H

#include "pdu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    /* Sub-identifiers of a column or instance: what is left of OID_IDS_MAX when the longest index
     * that a table takes (32) follows. */
    PROFILE_OID_IDS_MAX = OID_IDS_MAX - 32,
    PROFILE_EXPRESSION_MAX_BYTES = 255,
};

/* "1.3.6.1.2.1.1.3.0", with or without a dot before it: 2 to PROFILE_OID_IDS_MAX numbers without
 * leading zeros. NULL with `ids` and `*n` filled; or what is wrong. `ids` may be NULL. */
const char *profile_read_oid(const char *text, unsigned long ids[PROFILE_OID_IDS_MAX], size_t *n);
/* Is `oid` equal to `prefix` or below it? */
bool profile_oid_is_under(struct oid_view oid, struct oid_view prefix);

/* A whole number of 64 bits with sign; false: it is none. */
bool profile_read_number(const char *text, int64_t *value);

/* [a-z][a-z0-9_]*, at most `max_bytes`. */
bool profile_is_name(const char *text, size_t max_bytes);

/* The next "{key}" of a template at or after *at, which is set behind it. 1: found; 0: there is
 * none; -EINVAL: braces that do not pair, or hold nothing. */
int profile_next_key(const char **at, const char **key, size_t *key_size);

/* What is wrong with a sysDescr expression; NULL: nothing. It is a POSIX extended one without back
 * references and {n,m}, whose cost in memory and time nothing bounds. */
const char *profile_expression_fault(const char *text);

#endif
