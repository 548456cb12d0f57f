/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What all pages have in common: head, navigation, states, times, durations, values.
 *
 * Threads: as html.h. */
#ifndef WEB_FRAME_H
#define WEB_FRAME_H

#include "html.h"
#include "request.h"

/* Everything up to and including <main> and the heading; `live_s` > 0: brought up to date every so
 * many seconds. `state`: the heading is in its colour; NULL: in none. */
struct html *frame_begin(const struct web_request *request, const char *title, const char *state,
                         int live_s);
/* The rest; sends the page. */
int frame_end(const struct web_request *request, struct html *page, unsigned status);
/* The request's failure as a page. */
int frame_failure(const struct web_request *request);

/* A state as coloured words. */
void frame_state(const struct web_request *request, struct html *page, const char *state);
/* An API time in the contract's zone with its offset, as a <time>; "–" when null. */
void frame_time(const struct web_request *request, struct html *page, const json_t *time);
/* "2 h 5 min": the two greatest units. */
void frame_duration(const struct web_request *request, struct html *page, int64_t seconds);
/* "2 h 5 min 3.042 s": exact. */
void frame_exact(const struct web_request *request, struct html *page, int64_t ms);
/* "99.9500 %", in French "99,9500 %"; "–" when null. */
void frame_percent(const struct web_request *request, struct html *page, const json_t *percent);
/* A metric's or a graph's value with a prefix and the unit: "12.3 Mbit/s", "1.2 GiB", "3.4 ms";
 * "–" when it is not finite. */
void frame_value(const struct web_request *request, struct html *page, double value,
                 const char *unit);
/* The same of an object's metric of the API, "–" when it has none of that name: counters are rates,
 * octets are shown as bits; a number that stands for a state is its word. */
void frame_metric(const struct web_request *request, struct html *page, const json_t *object,
                  const char *metric);
/* yes, no, or – for null. */
void frame_meets(const struct web_request *request, struct html *page, const json_t *meets);
/* <table> with a header row; `titles` ends with WORDS. A title that stands after WORD_RIGHT is of a
 * column of numbers. Closed by frame_table_end. */
enum { WORD_RIGHT = WORDS + 1 };
void frame_table(const struct web_request *request, struct html *page, const int *titles);
void frame_table_end(struct html *page);
const char *frame_text(const json_t *object, const char *key); /* never NULL */

#endif
