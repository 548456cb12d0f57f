/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Does a peer's text match a check's regular expression (POSIX, extended)? Compiled once, and asked
 * so that the time is linear in the text: a peer cannot hold up the loop with what it sends.
 *
 * Threads: one at a time for each pattern. */
#ifndef CHECKS_PATTERN_H
#define CHECKS_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

struct pattern;

/* 0, or -EINVAL with a reason. References to what a group matched (\1) are refused: they cost
 * exponential time. */
int pattern_check(const char *text, char *reason, size_t reason_size);
/* NULL: it is none (pattern_check). */
struct pattern *pattern_new(const char *text);
/* NULL is allowed. */
void pattern_free(struct pattern *pattern);
/* Is there a match anywhere in it? "." stands for a newline too, "^" and "$" for the ends of the
 * whole text. */
bool pattern_matches(const struct pattern *pattern, const char *text);

#endif
