/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "request.h"

#include "proto/model.h"

#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 1024 };

static bool refuse(struct web_request *request, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(struct web_request *request, const char *format, ...)
{
    va_list arguments;
    request->failure.error = QUERY_BAD_PARAMETER;
    va_start(arguments, format);
    (void)vsnprintf(request->failure.reason, sizeof request->failure.reason, format, arguments);
    va_end(arguments);
    return false;
}

/* text_sanitize changes nothing in what may travel. */
static bool is_clean(const char *text, size_t size)
{
    char clean[3 * TEXT_MAX + 1]; /* U+FFFD has three bytes */
    if (size > TEXT_MAX) {
        return false;
    }
    size_t length = text_sanitize((const uint8_t *)text, size, clean, sizeof clean);
    return length == size && memcmp(text, clean, size) == 0;
}

struct checking {
    struct web_request *request;
    bool good;
};

static enum MHD_Result check_one(void *context, enum MHD_ValueKind kind, const char *name,
                                 size_t name_size, const char *value, size_t value_size)
{
    struct checking *checking = context;
    (void)kind; /* one was asked for */
    if (!is_clean(name, name_size)) {
        checking->good = refuse(checking->request, "a parameter's name is not text");
    } else if (value != NULL && !is_clean(value, value_size)) {
        checking->good = refuse(checking->request,
                                "%.40s is not text: UTF-8 without control characters, at most "
                                "1024 bytes",
                                name_size <= 40 ? name : "a parameter");
    }
    return checking->good ? MHD_YES : MHD_NO;
}

bool request_check(struct web_request *request)
{
    struct checking checking = {request, true};
    (void)MHD_get_connection_values_n(request->connection, MHD_GET_ARGUMENT_KIND, check_one,
                                      &checking);
    return checking.good;
}

struct listing {
    void (*each)(void *context, const char *name, const char *value);
    void *context;
};

static enum MHD_Result list_one(void *context, enum MHD_ValueKind kind, const char *name,
                                const char *value)
{
    const struct listing *listing = context;
    (void)kind; /* one was asked for */
    listing->each(listing->context, name, value != NULL ? value : "");
    return MHD_YES;
}

void request_each(const struct web_request *request,
                  void (*each)(void *context, const char *name, const char *value), void *context)
{
    struct listing listing = {each, context};
    (void)MHD_get_connection_values(request->connection, MHD_GET_ARGUMENT_KIND, list_one, &listing);
}

const char *request_text(const struct web_request *request, const char *name)
{
    const char *text =
        MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
    return text != NULL && text[0] != '\0' ? text : NULL;
}

const char *request_need(struct web_request *request, const char *name)
{
    const char *text = request_text(request, name);
    if (text == NULL) {
        (void)refuse(request, "the parameter %s is missing", name);
    }
    return text;
}

/* "-90s": that long before now. */
static bool parse_before(const char *text, struct wall now, struct wall *time)
{
    static const struct {
        char letter;
        int64_t ms;
    } units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}};
    char *end = NULL;
    errno = 0;
    long long count = text[0] == '-' ? strtoll(text + 1, &end, 10) : -1;
    if (errno != 0 || count < 0 || count > 100LL * 366 * 86400 || end == text + 1 ||
        text[1] < '0' || text[1] > '9') {
        return false;
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (end[0] == units[i].letter && end[1] == '\0') {
            time->ms = now.ms - count * units[i].ms;
            return true;
        }
    }
    return false;
}

bool request_time(struct web_request *request, const char *name, const char *fallback,
                  struct wall *time)
{
    const char *text = request_text(request, name);
    text = text != NULL ? text : fallback;
    if (strcmp(text, "now") == 0) {
        *time = request->now;
        return true;
    }
    if (parse_before(text, request->now, time) || wall_parse(text, time) == 0) {
        return true;
    }
    return refuse(request,
                  "%s must be a time like 2026-11-24T10:00:00Z, now, -90s, -30m, -6h or -2d", name);
}

bool request_number(struct web_request *request, const char *name, int64_t fallback, int64_t min,
                    int64_t max, int64_t *number)
{
    const char *text = request_text(request, name);
    char *end = NULL;
    *number = fallback;
    if (text == NULL) {
        return true;
    }
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < min || value > max) {
        return refuse(request, "%s must be a number from %" PRId64 " to %" PRId64, name, min, max);
    }
    *number = value;
    return true;
}

enum language request_language(struct MHD_Connection *connection)
{
    const char *wanted = MHD_lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, "lang");
    enum language language;
    if (wanted != NULL && language_parse(wanted, &language)) {
        return language;
    }
    wanted = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Accept-Language");
    return wanted != NULL ? language_accepted(wanted) : LANGUAGE_ENGLISH;
}
