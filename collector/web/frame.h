/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What all pages have in common: head, navigation, states, times, durations, values.
 *
 * Threads: as html.h. */
#ifndef WEB_FRAME_H
#define WEB_FRAME_H

#include "html.h"
#include "request.h"

/* Everything up to and including <main>; `live_s` > 0: brought up to date every so many seconds. */
struct html *frame_begin(const struct web_request *request, const char *title, int live_s);
/* The rest; sends the page. */
int frame_end(const struct web_request *request, struct html *page, unsigned status);
/* The request's failure as a page. */
int frame_failure(const struct web_request *request);

/* A state as coloured words. */
void frame_state(const struct web_request *request, struct html *page, const char *state);
/* An API time in the contract's zone with its offset, as a <time>; "–" when null. */
void frame_time(const struct web_request *request, struct html *page, const json_t *time);
/* "2 h 5 min" */
void frame_duration(struct html *page, int64_t seconds);
/* "99.9500 %", in French "99,9500 %"; "–" when null. */
void frame_percent(const struct web_request *request, struct html *page, const json_t *percent);
/* A number with a prefix, and its unit: "12.3 Mbit/s". */
void frame_value(const struct web_request *request, struct html *page, const json_t *value,
                 const char *unit, bool is_rate);
/* yes, no, or – for null. */
void frame_meets(const struct web_request *request, struct html *page, const json_t *meets);
/* <table> with a header row; `titles` ends with WORDS. Closed by frame_table_end. */
void frame_table(const struct web_request *request, struct html *page, const enum word *titles);
void frame_table_end(struct html *page);
const char *frame_text(const json_t *object, const char *key); /* never NULL */

#endif
