/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "frame.h"

#include "reply.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* U+202F before the per cent sign, U+2013 where there is nothing. */
#define NARROW_SPACE "\xE2\x80\xAF"
#define NOTHING      "\xE2\x80\x93"

const char *frame_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

struct html *frame_begin(const struct web_request *request, const char *title, int live_s)
{
    enum language language = request->language;
    const char *code = language_code(language);
    const char *contract =
        request->sources->contract != NULL ? sla_contract_title(request->sources->contract) : "";
    char every[16];
    (void)snprintf(every, sizeof every, "%d", live_s);
    struct html *page = html_new();
    html_put(page,
             "<!doctype html>\n<html lang=\"$\"><head><meta charset=\"utf-8\">"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
             "<title>$ · Beffroi</title><link rel=\"stylesheet\" href=\"/style.css\">"
             "<link rel=\"icon\" href=\"data:,\">"
             "<script src=\"/live.js\" defer></script></head>\n<body>",
             code, title);
    html_put(page, "<a class=\"skip\" href=\"#content\">$</a><header><strong>Beffroi</strong>",
             word(language, WORD_SKIP));
    html_put(page,
             "<span>$</span><nav><a href=\"/?lang=$\">$</a><a href=\"/sla?lang=$\">$</a></nav>",
             contract, code, word(language, WORD_OVERVIEW), code, word(language, WORD_LEVELS));
    html_put(page,
             "<span class=\"langs\"><a href=\"/?lang=en\" hreflang=\"en\" lang=\"en\">English</a> "
             "<a href=\"/?lang=fr\" hreflang=\"fr\" lang=\"fr\">Français</a></span></header>\n");
    html_put(page, "<main id=\"content\"");
    if (live_s > 0) {
        html_put(page, " data-live=\"$\"", every);
    }
    html_put(page, "><h1>$</h1>\n", title);
    return page;
}

int frame_end(const struct web_request *request, struct html *page, unsigned status)
{
    char now[WALL_TEXT_SIZE];
    json_t *time = json_string(wall_format_utc(request->now, now));
    html_put(page, "<p class=\"soft\">$ ", word(request->language, WORD_AS_OF));
    frame_time(request, page, time);
    html_put(page,
             "</p></main>\n<footer><p id=\"stale\" role=\"alert\" hidden>$</p>"
             "<p>Beffroi $</p></footer></body></html>\n",
             word(request->language, WORD_STALE), BEFFROI_VERSION);
    json_decref(time);
    return reply_html(request, status, page);
}

int frame_failure(const struct web_request *request)
{
    struct html *page = frame_begin(request, word(request->language, WORD_ERROR), 0);
    html_put(page, "<p class=\"alarm\">$</p>", request->failure.reason);
    return frame_end(request, page, reply_status_of(request->failure.error));
}

void frame_state(const struct web_request *request, struct html *page, const char *state)
{
    if (state == NULL || state[0] == '\0') {
        html_put(page, NOTHING);
        return;
    }
    html_put(page, "<span class=\"state state-$\">$</span>", state,
             state_word(request->language, state));
}

/* "2026-11-24T09:07:29.123+01:00" as people read it: "2026-11-24 09:07:29 +01:00". */
static void write_for_people(const char *iso, char *text, size_t size)
{
    const char *date_end = strchr(iso, 'T');
    const char *clock = date_end != NULL ? date_end + 1 : iso;
    size_t seconds_end = strcspn(clock, ".Z+-");
    const char *offset = clock + strcspn(clock, "Z+-");
    (void)snprintf(text, size, "%.*s %.*s %s", (int)(clock - iso > 0 ? clock - iso - 1 : 0), iso,
                   (int)seconds_end, clock, offset[0] == 'Z' ? "UTC" : offset);
}

void frame_time(const struct web_request *request, struct html *page, const json_t *time)
{
    struct wall wall;
    char iso[WALL_TEXT_SIZE];
    char local[WALL_TEXT_SIZE];
    const char *text = json_string_value(time);
    if (text == NULL || wall_parse(text, &wall) != 0) {
        html_put(page, NOTHING);
        return;
    }
    write_for_people(sla_zone_format(request->zone, wall, iso), local, sizeof local);
    html_put(page, "<time class=\"when\" datetime=\"$\">$</time>", text, local);
}

void frame_duration(struct html *page, int64_t seconds)
{
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    enum { UNITS = sizeof units / sizeof *units };
    char text[64];
    size_t i = 0;
    while (i + 1 < UNITS && seconds < units[i].seconds) {
        i++;
    }
    int used = snprintf(text, sizeof text, "%lld %s", (long long)(seconds / units[i].seconds),
                        units[i].name);
    int64_t rest = i + 1 < UNITS ? seconds % units[i].seconds / units[i + 1].seconds : 0;
    if (rest > 0) {
        (void)snprintf(text + used, sizeof text - (size_t)used, " %lld %s", (long long)rest,
                       units[i + 1].name);
    }
    html_put(page, "<span class=\"when\">$</span>", text);
}

/* The decimal sign of the language, in place. */
static void localise(enum language language, char *number)
{
    char *point = language == LANGUAGE_FRENCH ? strchr(number, '.') : NULL;
    if (point != NULL) {
        *point = ',';
    }
}

void frame_percent(const struct web_request *request, struct html *page, const json_t *percent)
{
    char text[64];
    const char *figure = json_string_value(percent);
    if (figure == NULL) {
        html_put(page, NOTHING);
        return;
    }
    (void)snprintf(text, sizeof text, "%s", figure);
    localise(request->language, text);
    html_put(page, "$" NARROW_SPACE "%", text);
}

void frame_value(const struct web_request *request, struct html *page, const json_t *value,
                 const char *unit, bool is_rate)
{
    static const char *const prefixes[] = {"", "k", "M", "G", "T", "P"};
    char text[48];
    size_t prefix = 0;
    if (!json_is_number(value)) {
        html_put(page, NOTHING);
        return;
    }
    double shown = json_number_value(value);
    while (fabs(shown) >= 1000 && prefix + 1 < sizeof prefixes / sizeof *prefixes) {
        shown /= 1000;
        prefix++;
    }
    (void)snprintf(text, sizeof text, prefix == 0 ? "%.4g" : "%.3g", shown);
    localise(request->language, text);
    html_put(page, "$ $$$", text, prefixes[prefix], strcmp(unit, "1") == 0 ? "" : unit,
             is_rate ? "/s" : "");
}

void frame_meets(const struct web_request *request, struct html *page, const json_t *meets)
{
    if (!json_is_boolean(meets)) {
        html_put(page, NOTHING);
        return;
    }
    html_put(page, "<span class=\"state state-$\">$</span>", json_is_true(meets) ? "up" : "down",
             word(request->language, json_is_true(meets) ? WORD_YES : WORD_NO));
}

void frame_table(const struct web_request *request, struct html *page, const enum word *titles)
{
    html_put(page, "<div class=\"scroll\"><table><thead><tr>");
    for (; *titles != WORDS; titles++) {
        html_put(page, "<th scope=\"col\">$</th>", word(request->language, *titles));
    }
    html_put(page, "</tr></thead><tbody>\n");
}

void frame_table_end(struct html *page)
{
    html_put(page, "</tbody></table></div>\n");
}
