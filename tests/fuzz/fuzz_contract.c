/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any text as a contract: it is refused with reasons, or its normal form reads again to the same,
 * and a report of it sums. */
#include "sla/contract.h"
#include "sla/report.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Larger contracts find nothing new, only slower. */
enum { SIZE_MAX_BYTES = 16384, MINUTE_MS = 60000 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static char *print(const struct sla_contract *contract)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        abort();
    }
    sla_contract_print(out, contract);
    (void)fclose(out); /* memory */
    return text;
}

static void check_round_trip(const struct sla_contract *contract)
{
    struct sla_contract *again = NULL;
    struct config_errors errors = {0};
    char *once = print(contract);
    if (sla_contract_parse("again", once, strlen(once), &again, &errors) != 0) {
        config_errors_print(stderr, &errors);
        abort();
    }
    char *twice = print(again);
    if (strcmp(once, twice) != 0) {
        abort();
    }
    free(once);
    free(twice);
    sla_contract_free(again);
}

/* A week with the change to summer time; every check up, down and silent in turn. */
static void check_report(const struct sla_contract *contract)
{
    static const struct wall start = {INT64_C(1774396800000)}; /* 2026-03-25 */
    const struct sla_interval week = {start, {start.ms + INT64_C(7) * 1440 * MINUTE_MS}};
    struct sla_input *input = sla_input_new();
    char reason[256] = "";
    const char *device;
    const char *check;
    for (size_t i = 0; i < sla_contract_services(contract); i++) {
        for (size_t k = 0; sla_contract_service_check(contract, i, k, &device, &check); k++) {
            for (int64_t hour = (int64_t)k; hour < 200; hour += 30) {
                struct sla_run run = {.first = {start.ms + hour * 60 * MINUTE_MS},
                                      .last = {start.ms + (hour + 25) * 60 * MINUTE_MS},
                                      .interval_ms = MINUTE_MS,
                                      .outcome = 1 + (int)(hour / 10 % 4)};
                if (sla_input_add_run(input, device, check, &run) != 0) {
                    abort();
                }
            }
        }
    }
    json_t *report = sla_report(contract, input, week, week.to, NULL, reason, sizeof reason);
    json_t *states = sla_states(contract, input, week.to);
    if (report == NULL || states == NULL ||
        json_array_size(states) != sla_contract_services(contract)) {
        fprintf(stderr, "%s\n", reason);
        abort();
    }
    json_decref(report);
    json_decref(states);
    sla_input_free(input);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct sla_contract *contract = NULL;
    struct config_errors errors = {0};
    if (size > SIZE_MAX_BYTES) {
        return 0;
    }
    if (sla_contract_parse("fuzz", (const char *)bytes, size, &contract, &errors) != 0) {
        if (errors.count == 0 || contract != NULL) {
            abort();
        }
        config_errors_clear(&errors);
        return 0;
    }
    check_round_trip(contract);
    check_report(contract);
    sla_contract_free(contract);
    return 0;
}
