/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "page_talkers.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN = 10, COLUMNS = 720, STEP_MIN_S = 10 };

static const struct {
    const char *list;
    enum word title; /* of the table */
    enum word key;   /* of its first column */
} lists[] = {
    {"hosts", WORD_TOP_HOSTS, WORD_TOP_HOST},
    {"prefixes", WORD_TOP_PREFIXES, WORD_TOP_PREFIX},
    {"services", WORD_TOP_SERVICES, WORD_TOP_SERVICE},
};

static void put_share(const struct web_request *request, struct html *page, const json_t *share)
{
    char percent[32];
    if (!json_is_number(share)) {
        frame_percent(request, page, NULL);
        return;
    }
    (void)snprintf(percent, sizeof percent, "%.1f", 100 * json_number_value(share));
    json_t *text = json_string(percent);
    frame_percent(request, page, text);
    json_decref(text);
}

static void put_entry(const struct web_request *request, struct html *page, const json_t *entry)
{
    static const struct {
        const char *key;
        const char *unit;
    } cells[] = {{"packets", "packets"}, {"bits_per_second", "bit/s"}, {"error_bytes", "bytes"}};
    html_put(page, "<tr><th scope=\"row\">$</th><td class=\"n\">", frame_text(entry, "key"));
    frame_value(request, page, json_number_value(json_object_get(entry, "bytes")), "bytes");
    html_put(page, "</td><td class=\"n\">");
    put_share(request, page, json_object_get(entry, "share"));
    html_put(page, "</td>");
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        html_put(page, "<td class=\"n\">");
        frame_value(request, page, json_number_value(json_object_get(entry, cells[i].key)),
                    cells[i].unit);
        html_put(page, "</td>");
    }
    html_put(page, "</tr>\n");
}

static void put_nothing(const struct web_request *request, struct html *page, const char *nothing)
{
    static const struct {
        const char *nothing;
        enum word word;
    } reasons[] = {
        {"not-kept", WORD_TOP_NOT_KEPT},
        {"older-than-retention", WORD_TOP_TOO_OLD},
    };
    enum word said = WORD_TOP_NO_DATA;
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        said = strcmp(reasons[i].nothing, nothing) == 0 ? reasons[i].word : said;
    }
    html_put(page, "<p class=\"soft\">$</p>\n", word(request->language, said));
}

static void put_list(const struct web_request *request, struct html *page, const json_t *answer,
                     enum word key)
{
    const int titles[] = {(int)key,       WORD_RIGHT, WORD_TOP_BYTES, WORD_RIGHT,
                          WORD_TOP_SHARE, WORD_RIGHT, WORD_PACKETS,   WORD_RIGHT,
                          WORD_TOP_RATE,  WORD_RIGHT, WORD_TOP_ERROR, WORDS};
    size_t i;
    const json_t *entry;
    frame_table(request, page, titles);
    json_array_foreach(json_object_get(answer, "top"), i, entry)
    {
        put_entry(request, page, entry);
    }
    frame_table_end(page);
}

void page_put_talkers(const struct web_request *request, struct html *page, const char *device,
                      const char *interface, int64_t seconds)
{
    /* As the graphs beside them: up to date to a column of a picture. */
    int64_t step_ms = 1000 * (seconds / COLUMNS > STEP_MIN_S ? seconds / COLUMNS : STEP_MIN_S);
    struct wall to = {request->now.ms / step_ms * step_ms};
    html_put(page, "<h2>$</h2>\n", word(request->language, WORD_TOP));
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct query_failure failure = {.error = QUERY_OK};
        const struct query_top wanted = {.device = device,
                                         .interface = interface,
                                         .list = lists[i].list,
                                         .from = {to.ms - seconds * 1000},
                                         .to = to,
                                         .most = SHOWN,
                                         .may_be_remembered = true};
        json_t *answer = query_top(request->sources, &wanted, request->now, &failure);
        html_put(page, "<h3>$</h3>\n", word(request->language, lists[i].title));
        if (answer == NULL) {
            html_put(page, "<p class=\"warning\">$</p>\n", failure.reason);
        } else if (json_array_size(json_object_get(answer, "top")) == 0) {
            put_nothing(request, page, frame_text(answer, "nothing"));
        } else {
            put_list(request, page, answer, lists[i].key);
        }
        json_decref(answer);
    }
    html_put(page, "<p class=\"soft\">$</p>\n", word(request->language, WORD_TOP_EXPLAINED));
}
