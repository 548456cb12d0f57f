/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sla/figures.h"

#include <stdio.h>

/* A period of SLA_YEAR_MIN to SLA_YEAR_MAX has 2.2e12 ms: in millionths that is a quarter of what
 * 63 bits hold. Products of two such numbers take 128. */
typedef __int128 wide; /* the one name for it: neither standard nor 80 columns know another */

struct sla_fraction sla_availability(const int64_t class_ms[SLA_CLASSES],
                                     const struct sla_policy *policy)
{
    int64_t total =
        class_ms[SLA_CLASS_UP] + class_ms[SLA_CLASS_DOWN] + class_ms[SLA_CLASS_DEGRADED];
    if (policy->planned == SLA_PLANNED_CREDIT) {
        total += class_ms[SLA_CLASS_PLANNED];
    }
    return (struct sla_fraction){
        .numerator = (total - class_ms[SLA_CLASS_DOWN]) * SLA_MILLION -
                     policy->degraded_weight * class_ms[SLA_CLASS_DEGRADED],
        .denominator = total * SLA_MILLION,
    };
}

int sla_fraction_compare(struct sla_fraction a, struct sla_fraction b)
{
    wide left = (wide)a.numerator * b.denominator;
    wide right = (wide)b.numerator * a.denominator;
    return (left > right) - (left < right);
}

bool sla_fraction_meets(struct sla_fraction fraction, int64_t target)
{
    struct sla_fraction least = {target, INT64_C(100) * SLA_MILLION};
    return sla_fraction_compare(fraction, least) >= 0;
}

const char *sla_fraction_percent(struct sla_fraction fraction, char text[SLA_PERCENT_SIZE])
{
    enum { DECIMALS = 10000, WHOLE = 100 * DECIMALS };
    wide twice = (wide)2 * fraction.numerator * WHOLE + fraction.denominator;
    int64_t rounded = (int64_t)(twice / ((wide)2 * fraction.denominator));
    if (rounded >= WHOLE && fraction.numerator < fraction.denominator) {
        rounded = WHOLE - 1;
    }
    (void)snprintf(text, SLA_PERCENT_SIZE, "%d.%04d", (int)(rounded / DECIMALS),
                   (int)(rounded % DECIMALS));
    return text;
}
