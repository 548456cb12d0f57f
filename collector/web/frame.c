/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "frame.h"

#include "graphs/graphs.h"
#include "reply.h"

#include <inttypes.h>
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

struct link {
    struct html *page;
    bool first;
};

static void put_parameter(void *context, const char *name, const char *value)
{
    struct link *link = context;
    if (strcmp(name, "lang") != 0) {
        html_put(link->page, link->first ? "?^=^" : "&amp;^=^", name, value);
        link->first = false;
    }
}

/* The same page in each language. */
static void put_languages(const struct web_request *request, struct html *page)
{
    static const char *const names[LANGUAGES] = {"English", "Français"};
    html_put(page, "<span class=\"langs\">");
    for (int i = 0; i < LANGUAGES; i++) {
        const char *code = language_code((enum language)i);
        struct link link = {page, true};
        html_put(page, "<a href=\"$", request->path);
        request_each(request, put_parameter, &link);
        html_put(page, link.first ? "?lang=$\"" : "&amp;lang=$\"", code);
        html_put(page, (enum language)i == request->language ? " aria-current=\"true\"" : "");
        html_put(page, " hreflang=\"$\" lang=\"$\">$</a> ", code, code, names[i]);
    }
    html_put(page, "</span>");
}

static void put_navigation(const struct web_request *request, struct html *page)
{
    static const struct {
        const char *path;
        enum word name;
    } places[] = {{"/", WORD_OVERVIEW}, {"/sla", WORD_LEVELS}};
    html_put(page, "<nav>");
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        html_put(page, "<a href=\"$?lang=$\"", places[i].path, language_code(request->language));
        html_put(page,
                 strcmp(request->path, places[i].path) == 0 ? " aria-current=\"page\">$</a>"
                                                            : ">$</a>",
                 word(request->language, places[i].name));
    }
    html_put(page, "</nav>");
}

struct html *frame_begin(const struct web_request *request, const char *title, const char *state,
                         int live_s)
{
    enum language language = request->language;
    const char *contract =
        request->sources->contract != NULL ? sla_contract_title(request->sources->contract) : "";
    struct html *page = html_new();
    html_put(page,
             "<!doctype html>\n<html lang=\"$\"><head><meta charset=\"utf-8\">"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
             "<title>$ · Beffroi</title><link rel=\"stylesheet\" href=\"/style.css\">"
             "<link rel=\"icon\" href=\"/icon.svg\" type=\"image/svg+xml\">"
             "<script src=\"/live.js\" defer></script></head>\n<body>",
             language_code(language), title);
    html_put(page,
             "<a class=\"skip\" href=\"#content\">$</a><header><strong>Beffroi</strong>"
             "<span>$</span>",
             word(language, WORD_SKIP), contract);
    put_navigation(request, page);
    put_languages(request, page);
    html_put(page, "</header>\n<p id=\"stale\" role=\"alert\" hidden data-paused=\"$\">$</p>",
             word(language, WORD_PAUSED), word(language, WORD_STALE));
    html_put(page, "<main id=\"content\" tabindex=\"-1\"");
    if (live_s > 0) {
        char every[16];
        (void)snprintf(every, sizeof every, "%d", live_s);
        html_put(page, " data-live=\"$\"", every);
    }
    html_put(page, "><h1");
    if (state != NULL) {
        html_put(page, " class=\"state-$\"", state);
    }
    html_put(page, ">$</h1>\n", title);
    return page;
}

int frame_end(const struct web_request *request, struct html *page, unsigned status)
{
    char now[WALL_TEXT_SIZE];
    json_t *time = json_string(wall_format_utc(request->now, now));
    html_put(page, "<p class=\"soft\">$ ", word(request->language, WORD_AS_OF));
    frame_time(request, page, time);
    html_put(page, "</p></main>\n<footer><p>Beffroi $</p></footer></body></html>\n",
             BEFFROI_VERSION);
    json_decref(time);
    return reply_html(request, status, page);
}

int frame_failure(const struct web_request *request)
{
    struct html *page = frame_begin(request, word(request->language, WORD_ERROR), NULL, 0);
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

static const struct {
    int64_t seconds;
    const char *name[LANGUAGES];
} durations[] = {{86400, {"d", "j"}}, {3600, {"h", "h"}}, {60, {"min", "min"}}, {1, {"s", "s"}}};
enum { DURATIONS = sizeof durations / sizeof *durations };

void frame_duration(const struct web_request *request, struct html *page, int64_t seconds)
{
    char text[64];
    size_t i = 0;
    while (i + 1 < DURATIONS && seconds < durations[i].seconds) {
        i++;
    }
    int used = snprintf(text, sizeof text, "%" PRId64 " %s", seconds / durations[i].seconds,
                        durations[i].name[request->language]);
    int64_t rest =
        i + 1 < DURATIONS ? seconds % durations[i].seconds / durations[i + 1].seconds : 0;
    if (rest > 0) {
        (void)snprintf(text + used, sizeof text - (size_t)used, " %" PRId64 " %s", rest,
                       durations[i + 1].name[request->language]);
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

void frame_exact(const struct web_request *request, struct html *page, int64_t ms)
{
    char text[96] = "";
    size_t used = 0;
    for (size_t i = 0; i + 1 < DURATIONS; i++) {
        int64_t unit_ms = durations[i].seconds * 1000;
        if (ms >= unit_ms) {
            /* 19 digits and the names: it fits. */
            used += (size_t)snprintf(text + used, sizeof text - used, "%" PRId64 " %s ",
                                     ms / unit_ms, durations[i].name[request->language]);
            ms %= unit_ms;
        }
    }
    char seconds[32];
    (void)snprintf(seconds, sizeof seconds, ms % 1000 != 0 ? "%.3f" : "%.0f", (double)ms / 1000);
    localise(request->language, seconds);
    if (ms != 0 || used == 0) {
        (void)snprintf(text + used, sizeof text - used, "%s s", seconds);
    } else {
        text[used - 1] = '\0'; /* the blank */
    }
    html_put(page, "<span class=\"when\">$</span>", text);
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

/* How a unit is shown: its sign, the step of its prefixes (0: none), and whether it is divided
 * below 1. */
struct unit {
    const char *name;
    const char *sign;
    double step;
    bool small;
    double factor;
};

static const struct unit *find_unit(const char *name)
{
    static const struct unit units[] = {
        {"bytes", "B", 1024, false, 1},
        {"bytes/s", "B/s", 1024, false, 1},
        {"octets/s", "bit/s", 1000, false, 8},
        {"octets", "o", 1000, false, 1},
        {"s", "s", 1000, true, 1},
        {"seconds", "s", 1000, true, 1},
        {"ratio", "%", 0, false, 100},
        {"% of one CPU", "%", 0, false, 1},
        {"% of the time", "%", 0, false, 1},
        {"% of all", "%", 0, false, 1},
        {"number", "", 0, false, 1},
        {"celsius", "°C", 0, false, 1},
        {"V", "V", 1000, true, 1},
        {"A", "A", 1000, true, 1},
        {"W", "W", 1000, true, 1},
        {"rpm", "rpm", 0, false, 1},
        {"dBm", "dBm", 0, false, 1},
        {"m3/min", "m³/min", 0, false, 1},
        {"days", "d", 0, false, 1},
        {"1", "", 1000, false, 1},
        {"1/s", "/s", 1000, false, 1},
        {"inodes", "", 1000, false, 1},
        {"batches", "", 1000, false, 1},
        {"packets/s", "/s", 1000, false, 1},
        {"frames/s", "/s", 1000, false, 1},
        {"operations/s", "/s", 1000, false, 1},
        {"runnable tasks", "", 0, false, 1},
    };
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(units[i].name, name) == 0) {
            return &units[i];
        }
    }
    return NULL;
}

/* Three significant digits, but never an exponent. */
static void write_number(double value, char *text, size_t size)
{
    double magnitude = fabs(value);
    int decimals = magnitude >= 100 || value == 0 ? 0 : magnitude >= 10 ? 1 : 2;
    (void)snprintf(text, size, "%.*f", decimals, value);
    if (strchr(text, '.') != NULL) {
        size_t end = strlen(text);
        while (text[end - 1] == '0') {
            text[--end] = '\0';
        }
        if (text[end - 1] == '.') {
            text[end - 1] = '\0';
        }
    }
}

void frame_value(const struct web_request *request, struct html *page, double value,
                 const char *unit)
{
    static const char *const prefixes[] = {"µ", "m", "", "k", "M", "G", "T", "P"};
    enum { ONE = 2, PREFIXES = sizeof prefixes / sizeof *prefixes };
    const struct unit other = {unit, unit, 1000, false, 1};
    const struct unit *known = find_unit(unit);
    size_t prefix = ONE;
    char text[64];
    if (!isfinite(value)) {
        html_put(page, NOTHING);
        return;
    }
    known = known != NULL ? known : &other;
    /* A gauge may be any number; past this one only digits would come. */
    double shown = fmax(fmin(value * known->factor, 1e18), -1e18);
    while (known->step > 0 && fabs(shown) >= known->step && prefix + 1 < PREFIXES) {
        shown /= known->step;
        prefix++;
    }
    while (known->small && fabs(shown) < 1 && shown != 0 && prefix > 0) {
        shown *= known->step;
        prefix--;
    }
    write_number(shown, text, sizeof text);
    localise(request->language, text);
    bool binary = known->step == 1024 && prefix > ONE;
    const char *sign = prefixes[prefix];
    html_put(page, "<span class=\"when\">$" NARROW_SPACE "$$$</span>", text,
             binary && sign[0] == 'k' ? "K" : sign, binary ? "i" : "", known->sign);
}

static const json_t *find_metric(const json_t *object, const char *name)
{
    size_t i;
    const json_t *metric;
    json_array_foreach(json_object_get(object, "metrics"), i, metric)
    {
        if (strcmp(frame_text(metric, "name"), name) == 0) {
            return metric;
        }
    }
    return NULL;
}

void frame_metric(const struct web_request *request, struct html *page, const json_t *object,
                  const char *metric)
{
    const json_t *known = find_metric(object, metric);
    const json_t *latest = json_object_get(json_object_get(object, "latest"), metric);
    double value = json_is_number(latest) ? json_number_value(latest) : (double)NAN;
    const char *said = graph_value_word(frame_text(object, "kind"), metric, value);
    char unit[300]; /* a unit has at most 255 bytes */
    bool is_rate = strcmp(frame_text(known, "type"), "counter") == 0;
    if (said != NULL) {
        html_put(page, "$", graph_word(request->language, said));
        return;
    }
    (void)snprintf(unit, sizeof unit, "%s%s", frame_text(known, "unit"), is_rate ? "/s" : "");
    frame_value(request, page, value, unit);
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

void frame_table(const struct web_request *request, struct html *page, const int *titles)
{
    bool right = false;
    html_put(page, "<div class=\"scroll\"><table><thead><tr>");
    for (; *titles != WORDS; titles++) {
        if (*titles == WORD_RIGHT) {
            right = true;
            continue;
        }
        html_put(page, right ? "<th scope=\"col\" class=\"n\">$</th>" : "<th scope=\"col\">$</th>",
                 word(request->language, (enum word) * titles));
        right = false;
    }
    html_put(page, "</tr></thead><tbody>\n");
}

void frame_table_end(struct html *page)
{
    html_put(page, "</tbody></table></div>\n");
}
