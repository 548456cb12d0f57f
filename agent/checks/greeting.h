/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a server says first, judged: does it match what is expected, is it SMTP's (RFC 5321 sections
 * 3.1 and 4.2) or IMAP's (RFC 9051 section 7.1) greeting of a server that serves? Pure.
 *
 * down: "no-match" (not what `expect` asks for), "service-unavailable" (the server says itself that
 * it does not serve), "protocol" (no such greeting), "connection-closed" (it hung up without a
 * word), "timeout" (nothing, or nothing whole, in time).
 *
 * Value 0 is the connect time, value 1 the time from the connection to the greeting. */
#ifndef CHECKS_GREETING_H
#define CHECKS_GREETING_H

#include "checks/config.h"
#include "pattern.h"
#include "stream.h"

enum { GREETING_SIZE_MAX = 8192 }; /* of one is read; RFC 5321 asks for lines of up to 512 */

/* What a check says and expects, made ready once. */
struct greeting {
    struct pattern *pattern; /* NULL: anything will do */
    uint8_t *send;           /* NULL: nothing */
    size_t send_size;
};
/* NULL: the pattern is none (the schema lets no such one through). */
struct greeting *greeting_new(const struct check_config *config);
void greeting_free(struct greeting *greeting);

/* Of enum stream_judge's form; the context is a struct greeting. Without a pattern any byte will
 * do for the first. */
enum stream_step greeting_judge_any(void *greeting, const struct stream_view *view,
                                    struct verdict *verdict);
enum stream_step greeting_judge_smtp(void *greeting, const struct stream_view *view,
                                     struct verdict *verdict);
enum stream_step greeting_judge_imap(void *greeting, const struct stream_view *view,
                                     struct verdict *verdict);

#endif
