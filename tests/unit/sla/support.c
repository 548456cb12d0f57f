/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

struct sla_contract *contract_of(const char *text)
{
    struct sla_contract *contract = NULL;
    struct config_errors errors = {0};
    if (sla_contract_parse("test.yaml", text, strlen(text), &contract, &errors) != 0) {
        config_errors_print(stderr, &errors);
        fail_msg("the contract does not load:\n%s", text);
    }
    return contract;
}

struct wall at(const char *text)
{
    struct wall time;
    assert_int_equal(wall_parse(text, &time), 0);
    return time;
}

void add_run(struct sla_input *input, const char *check, const char *first, const char *last,
             int64_t interval_ms, int outcome)
{
    struct sla_run run = {
        .first = at(first), .last = at(last), .interval_ms = interval_ms, .outcome = outcome};
    assert_int_equal(sla_input_add_run(input, "d", check, &run), 0);
}

json_t *report_of(const struct sla_contract *contract, const struct sla_input *input,
                  const char *from, const char *to, const char *now, json_t **service)
{
    char reason[200] = "";
    json_t *report = sla_report(contract, input, (struct sla_interval){at(from), at(to)}, at(now),
                                NULL, reason, sizeof reason);
    if (report == NULL) {
        fail_msg("no report: %s", reason);
    }
    *service = json_array_get(json_object_get(report, "services"), 0);
    assert_non_null(*service);
    return report;
}

static const json_t *value_at(const json_t *object, const char *key, const char *inner)
{
    const json_t *value = json_object_get(object, key);
    if (inner != NULL) {
        value = json_object_get(value, inner);
    }
    if (value == NULL) {
        fail_msg("no %s.%s", key, inner != NULL ? inner : "");
    }
    return value;
}

int64_t int_at(const json_t *object, const char *key, const char *inner)
{
    const json_t *value = value_at(object, key, inner);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

const char *text_at(const json_t *object, const char *key, const char *inner)
{
    const json_t *value = value_at(object, key, inner);
    return json_is_null(value) ? "null" : json_string_value(value);
}

struct random random_begin(void)
{
    const char *given = getenv("BEFFROI_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    print_message("BEFFROI_TEST_SEED=%llu\n", (unsigned long long)seed);
    return (struct random){seed * UINT64_C(2685821657736338717) + 1};
}

int64_t random_below(struct random *random, int64_t limit)
{
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    uint64_t value = random->state * UINT64_C(2685821657736338717);
    return (int64_t)((value >> 1) % (uint64_t)limit);
}
