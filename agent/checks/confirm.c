/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "confirm.h"

#include "checks/config.h"

enum { WORD_BITS = 64 };

void confirm_begin(struct confirm *confirm, const char *text)
{
    char reason[128];
    *confirm = (struct confirm){0};
    if (text != NULL &&
        check_parse_confirm(text, &confirm->bad, &confirm->of, reason, sizeof reason) != 0) {
        *confirm = (struct confirm){0}; /* the schema lets none through */
    }
}

bool confirm_is_wanted(const struct confirm *confirm)
{
    return confirm->bad > 0;
}

bool confirm_take(struct confirm *confirm, enum outcome outcome)
{
    uint64_t window = confirm->of == WORD_BITS ? UINT64_MAX : (UINT64_C(1) << confirm->of) - 1;
    if (outcome != OUTCOME_UNKNOWN) {
        confirm->last = (confirm->last << 1 | (outcome != OUTCOME_UP ? 1 : 0)) & window;
    }
    return (unsigned)__builtin_popcountll(confirm->last) >= confirm->bad;
}
