/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Shared by the tests of the availability rules: contracts from text, times, and reports. */
#ifndef TEST_SLA_SUPPORT_H
#define TEST_SLA_SUPPORT_H

#include "sla/report.h"

/* The contract of a text that must be good. */
struct sla_contract *contract_of(const char *text);
/* "2026-06-10T00:00:00+02:00" */
struct wall at(const char *text);
void add_run(struct sla_input *input, const char *check, const char *first, const char *last,
             int64_t interval_ms, int outcome);
/* The report of the contract's only service (the caller's), and the service within it. */
json_t *report_of(const struct sla_contract *contract, const struct sla_input *input,
                  const char *from, const char *to, const char *now, json_t **service);
int64_t int_at(const json_t *object, const char *key, const char *inner);
const char *text_at(const json_t *object, const char *key, const char *inner);

/* xorshift64*: the same numbers from the same seed everywhere. */
struct random {
    uint64_t state;
};
/* Of BEFFROI_TEST_SEED or of the clock; printed. */
struct random random_begin(void);
int64_t random_below(struct random *random, int64_t limit);

#endif
