/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The pages' words in each language. Names from devices and contracts stay as they are.
 *
 * Threads: constant data. */
#ifndef WEB_WORDS_H
#define WEB_WORDS_H

#include <stdbool.h>

enum language { LANGUAGE_ENGLISH, LANGUAGE_FRENCH };
enum { LANGUAGES = 2 };

enum word {
    WORD_OVERVIEW,
    WORD_LEVELS,
    WORD_SKIP,
    WORD_STALE,
    WORD_PAUSED,
    WORD_AS_OF,
    WORD_PROBLEM_ONE,
    WORD_PROBLEM_MANY,
    WORD_NO_PROBLEM,
    WORD_NO_CHECK,
    WORD_NO_CHECKS_YET,
    WORD_SERVICES,
    WORD_SERVICE,
    WORD_DEVICES,
    WORD_DEVICE,
    WORD_CHECKS,
    WORD_CHECK,
    WORD_OBJECTS,
    WORD_OBJECT,
    WORD_AGENTS,
    WORD_AGENT,
    WORD_PARTS,
    WORD_PART,
    WORD_RESTARTS,
    WORD_STATE,
    WORD_SINCE,
    WORD_FOR,
    WORD_REASON,
    WORD_DETAIL,
    WORD_CAUSE,
    WORD_MONTH_SO_FAR,
    WORD_TARGET,
    WORD_MEETS,
    WORD_YES,
    WORD_NO,
    WORD_LAST_HEARD,
    WORD_LAST_ROW,
    WORD_NEWEST_VALUES,
    WORD_LABELS,
    WORD_GRAPHS,
    WORD_RANGE,
    WORD_PERIOD,
    WORD_SHOW,
    WORD_AVAILABILITY,
    WORD_BETWEEN,
    WORD_COVERAGE,
    WORD_OUTAGES,
    WORD_OUTAGE_FROM,
    WORD_OUTAGE_TO,
    WORD_DURATION,
    WORD_STILL_OPEN,
    WORD_CLASSES,
    WORD_POLICY,
    WORD_POLICY_HOURS,
    WORD_POLICY_PLANNED,
    WORD_POLICY_UNKNOWN,
    WORD_POLICY_INITIAL,
    WORD_POLICY_WEIGHT,
    WORD_POLICY_SAMPLE,
    WORD_POLICY_IGNORE,
    WORD_POLICY_NOTICE,
    WORD_POLICY_QUOTA,
    WORD_ROUND_THE_CLOCK,
    WORD_OWN_INTERVAL,
    WORD_NOT_DECIDABLE,
    WORD_NO_FIGURE,
    WORD_NO_OUTAGE,
    WORD_NO_OUTAGE_SEEN,
    WORD_TO,
    WORD_PROVISIONAL,
    WORD_NO_CONTRACT,
    WORD_NOTHING_YET,
    WORD_ERROR,
    WORD_THIS_MONTH,
    WORD_LAST_MONTH,
    WORD_TODAY,
    WORD_YESTERDAY,
    WORD_LAST_24H,
    WORD_LAST_7D,
    WORD_QUARTER,
    WORD_YEAR,
    WORD_VALUE,
    WORD_METRIC,
    WORD_STATUS,
    WORD_PACKETS,
    WORD_TOP,
    WORD_TOP_HOSTS,
    WORD_TOP_HOST,
    WORD_TOP_PREFIXES,
    WORD_TOP_PREFIX,
    WORD_TOP_SERVICES,
    WORD_TOP_SERVICE,
    WORD_TOP_BYTES,
    WORD_TOP_SHARE,
    WORD_TOP_RATE,
    WORD_TOP_ERROR,
    WORD_TOP_NOT_KEPT,
    WORD_TOP_TOO_OLD,
    WORD_TOP_NO_DATA,
    WORD_TOP_EXPLAINED,
    WORDS,
};

const char *word(enum language language, enum word which);
/* "en", "fr". */
const char *language_code(enum language language);
bool language_parse(const char *code, enum language *language);
/* The best of an Accept-Language header (RFC 9110 §12.5.4), English when none fits. */
enum language language_accepted(const char *header);
/* A state or class ("up", "down", "outside_hours" …) in words; itself when there is none. */
const char *state_word(enum language language, const char *state);
/* A kind of objects as a heading ("interface": "Interfaces"); itself when there is none. */
const char *kind_word(enum language language, const char *kind);
/* A title or legend of the graph definitions (graphs/graphs.h, English); itself when there is none.
 */
const char *graph_word(enum language language, const char *text);

#endif
