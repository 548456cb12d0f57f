/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "unit_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* In the order of the type's metrics (config.c). */
enum { VALUE_ACTIVE, VALUE_RESTARTS };

enum property { LOAD, ACTIVE, SUB, RESULT, RESTARTS, PROPERTIES };

enum { WORD_MAX = 31 };

static const char *const names[PROPERTIES] = {
    [LOAD] = "LoadState", [ACTIVE] = "ActiveState", [SUB] = "SubState",
    [RESULT] = "Result",  [RESTARTS] = "NRestarts",
};

struct words {
    char text[PROPERTIES][WORD_MAX + 1];
};

static void take_line(const char *line, size_t size, struct words *words)
{
    for (size_t i = 0; i < PROPERTIES; i++) {
        size_t name_size = strlen(names[i]);
        if (size <= name_size || line[name_size] != '=' || memcmp(line, names[i], name_size) != 0) {
            continue;
        }
        size_t word_size = size - name_size - 1;
        if (word_size <= WORD_MAX && memchr(line, '\0', size) == NULL) {
            memcpy(words->text[i], line + name_size + 1, word_size);
            words->text[i][word_size] = '\0';
        }
    }
}

static void read_words(const char *bytes, size_t size, struct words *words)
{
    *words = (struct words){0};
    while (size > 0) {
        const char *line_end = memchr(bytes, '\n', size);
        size_t line_size = line_end != NULL ? (size_t)(line_end - bytes) : size;
        take_line(bytes, line_size, words);
        size_t taken = line_end != NULL ? line_size + 1 : line_size;
        bytes += taken;
        size -= taken;
    }
}

static void set_values(const struct words *words, bool is_active, struct verdict *verdict)
{
    const char *restarts = words->text[RESTARTS];
    verdict->values[VALUE_ACTIVE] = is_active ? 1 : 0;
    verdict->known |= 1U << VALUE_ACTIVE;
    if (restarts[0] != '\0' && strspn(restarts, "0123456789") == strlen(restarts)) {
        verdict->values[VALUE_RESTARTS] = strtod(restarts, NULL);
        verdict->known |= 1U << VALUE_RESTARTS;
    }
}

static void judge(const struct words *words, struct verdict *verdict)
{
    /* systemd's own words, in the order of its source. */
    static const struct {
        const char *state;
        enum outcome outcome;
        const char *reason;
    } states[] = {
        {"active", OUTCOME_UP, ""},
        {"reloading", OUTCOME_UP, ""},
        {"refreshing", OUTCOME_UP, ""},
        {"inactive", OUTCOME_DOWN, "unit-inactive"},
        {"failed", OUTCOME_DOWN, "unit-failed"},
        {"activating", OUTCOME_DEGRADED, "unit-activating"},
        {"deactivating", OUTCOME_DOWN, "unit-deactivating"},
        {"maintenance", OUTCOME_DEGRADED, "unit-maintenance"},
    };
    const char *active = words->text[ACTIVE];
    const char *result = words->text[RESULT];
    enum outcome outcome = OUTCOME_UNKNOWN;
    const char *reason = "unit-state";
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++) {
        if (strcmp(states[i].state, active) == 0) {
            outcome = states[i].outcome;
            reason = states[i].reason;
        }
    }
    if (strcmp(active, "activating") == 0 && strcmp(words->text[SUB], "auto-restart") == 0) {
        outcome = OUTCOME_DOWN;
        reason = "unit-failed";
    }
    bool has_result = result[0] != '\0' && strcmp(result, "success") != 0;
    verdict_set(verdict, outcome, reason, "%s (%s)%s%s%s", active, words->text[SUB],
                strcmp(words->text[LOAD], "masked") == 0 ? ", masked" : "",
                has_result ? ", result: " : "", has_result ? result : "");
}

int unit_state_read(const char *bytes, size_t size, struct verdict *verdict)
{
    struct words words;
    read_words(bytes, size, &words);
    if (words.text[ACTIVE][0] == '\0') {
        return -EINVAL;
    }
    if (strcmp(words.text[LOAD], "not-found") == 0) {
        verdict_set(verdict, OUTCOME_UNKNOWN, "no-unit", "systemd knows no unit of that name");
        return 0;
    }
    judge(&words, verdict);
    set_values(&words, verdict->outcome == OUTCOME_UP, verdict);
    return 0;
}
