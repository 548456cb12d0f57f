/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One case of the shared file of availability cases as a contract, its input, and its period. */
#ifndef TEST_SLA_CASES_H
#define TEST_SLA_CASES_H

#include "sla/report.h"

struct case_bed {
    struct sla_contract *contract;
    struct sla_input *input;
    struct sla_interval period;
    struct wall now;
};

/* True with a bed; false with a reason when the language cannot say the case. */
bool case_open(const json_t *json, struct case_bed *bed, char *reason, size_t reason_size);
void case_close(struct case_bed *bed);

#endif
