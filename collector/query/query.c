/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "query/query.h"

#include "common/stats.h"
#include "control/control.h"
#include "internal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { STATS_MS = 1000 };

/* A text that was cut in the middle of a character loses what is left of it. */
static void trim_character(char *text, size_t room)
{
    size_t end = strlen(text);
    if (end + 1 < room) {
        return;
    }
    while (end > 0 && ((unsigned char)text[end - 1] & 0xC0) == 0x80) {
        end--;
    }
    if (end > 0 && ((unsigned char)text[end - 1] & 0x80) != 0) {
        end--;
    }
    text[end] = '\0';
}

void *query_fail(struct query_failure *failure, enum query_error error, const char *format, ...)
{
    va_list arguments;
    failure->error = error;
    va_start(arguments, format);
    (void)vsnprintf(failure->reason, sizeof failure->reason, format, arguments);
    va_end(arguments);
    trim_character(failure->reason, sizeof failure->reason);
    return NULL;
}

int query_view_open(const struct query_sources *sources, struct ledger_view **view,
                    struct query_failure *failure)
{
    char reason[160] = "";
    *view = NULL;
    int rc = ledger_view_open(view, sources->ledger_path, reason, sizeof reason);
    if (rc == -ENOENT) {
        *view = NULL;
        return 0; /* store will make it */
    }
    if (rc == 0) {
        rc = ledger_view_begin(*view);
        if (rc != 0) {
            ledger_view_close(*view);
            *view = NULL;
        }
    }
    if (rc != 0) {
        (void)query_fail(failure, QUERY_UNAVAILABLE, "the ledger cannot be read: %s",
                         reason[0] != '\0' ? reason : strerror(-rc));
        return -1;
    }
    return 0;
}

void query_view_close(struct ledger_view *view)
{
    if (view != NULL) {
        ledger_view_end(view);
        ledger_view_close(view);
    }
}

json_t *query_time(struct wall time)
{
    char text[WALL_TEXT_SIZE];
    return time.ms == 0 ? json_null() : json_string(wall_format_utc(time, text));
}

int query_compare_outcomes(const char *a, const char *b)
{
    static const char *const order[] = {"down", "degraded", "unknown", "up"};
    enum { OUTCOMES = sizeof order / sizeof *order };
    int rank[2] = {OUTCOMES, OUTCOMES};
    for (int i = 0; i < OUTCOMES; i++) {
        if (strcmp(a, order[i]) == 0) {
            rank[0] = i;
        }
        if (strcmp(b, order[i]) == 0) {
            rank[1] = i;
        }
    }
    return rank[0] - rank[1];
}

static bool part_stats(const char *path, struct stats *stats)
{
    json_t *request = json_pack("{s:s}", "request", "stats");
    json_t *answer = NULL;
    bool good = control_ask(path, request, STATS_MS, &answer) == 0 &&
                control_stats_decode(answer, stats) == 0;
    json_decref(answer);
    json_decref(request);
    return good;
}

void query_stats(const struct query_sources *sources, struct stats *stats)
{
    const struct {
        const char *part;
        const char *path;
    } parts[] = {
        {"supervisor", sources->supervisor_control_path},
        {"intake", sources->intake_control_path},
        {"store", sources->store_control_path},
    };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        bool answers = part_stats(parts[i].path, stats);
        stats_add_labelled(stats, STAT_GAUGE, "beffroi_part_answers",
                           "1 if the part answers on its control socket.", "part", parts[i].part,
                           answers ? 1 : 0);
    }
}
