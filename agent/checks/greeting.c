/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "greeting.h"

#include "common/xalloc.h"
#include "escape.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { VALUE_BANNER = 1 };

/* As much of what came as a detail has room for. */
enum { QUOTE_MAX = 120 };

struct greeting *greeting_new(const struct check_config *config)
{
    struct greeting *greeting = xcalloc(1, sizeof *greeting);
    char reason[128];
    if (config->expect != NULL) {
        greeting->pattern = pattern_new(config->expect);
        if (greeting->pattern == NULL) {
            free(greeting);
            return NULL;
        }
    }
    if (config->send != NULL) {
        greeting->send = xcalloc(strlen(config->send) + 1, 1);
        /* The schema lets none through that cannot be read. */
        (void)escape_decode(config->send, greeting->send, &greeting->send_size, reason,
                            sizeof reason);
    }
    return greeting;
}

void greeting_free(struct greeting *greeting)
{
    if (greeting == NULL) {
        return;
    }
    pattern_free(greeting->pattern);
    free(greeting->send);
    free(greeting);
}

/* --- what they share --- */

/* A NUL among the bytes is seen as a blank: what is behind it counts too. */
static bool matches(const struct greeting *greeting, const uint8_t *bytes, size_t size)
{
    if (greeting->pattern == NULL) {
        return true;
    }
    char *text = xcalloc(size + 1, 1);
    for (size_t i = 0; i < size; i++) {
        text[i] = bytes[i] != '\0' ? (char)bytes[i] : ' ';
    }
    bool is_match = pattern_matches(greeting->pattern, text);
    free(text);
    return is_match;
}

static void set_down(struct verdict *verdict, const char *reason, const char *what,
                     const uint8_t *bytes, size_t size)
{
    /* The first line; what is not printable in it is made so by verdict_set. */
    const uint8_t *end = size > 0 ? memchr(bytes, '\n', size) : NULL;
    size_t shown = end != NULL ? (size_t)(end - bytes) : size;
    if (shown > 0 && bytes[shown - 1] == '\r') {
        shown--;
    }
    verdict_set(verdict, OUTCOME_DOWN, reason, "%s\"%.*s\"%s", what,
                (int)(shown < QUOTE_MAX ? shown : QUOTE_MAX), size > 0 ? (const char *)bytes : "",
                shown < size ? " ..." : "");
}

static enum stream_step set_up(const struct stream_view *view, struct verdict *verdict,
                               enum stream_step step)
{
    /* One that was only looked at in the end came at a time that nobody knows. */
    if (view->state != STREAM_LATE) {
        verdict->values[VALUE_BANNER] = view->talk_s;
        verdict->known |= 1U << VALUE_BANNER;
    }
    verdict_set(verdict, OUTCOME_UP, "", "%s", "");
    return step;
}

/* Nothing that can be judged has come. */
static enum stream_step set_unfinished(const struct stream_view *view, struct verdict *verdict)
{
    switch (view->state) {
    case STREAM_OPEN:
        return STREAM_WAIT;
    case STREAM_CLOSED:
        if (view->size == 0) {
            verdict_set(verdict, OUTCOME_DOWN, "connection-closed",
                        "closed by the server before it said anything");
        } else {
            set_down(verdict, "protocol", "closed by the server after ", view->bytes, view->size);
        }
        break;
    case STREAM_FULL:
        set_down(verdict, "protocol", "no end of the greeting in 8 KiB: ", view->bytes, view->size);
        break;
    case STREAM_LATE:
        if (view->size == 0) {
            verdict_set(verdict, OUTCOME_DOWN, "timeout",
                        "connected, and then nothing came in time");
        } else {
            set_down(verdict, "timeout", "only a part came in time: ", view->bytes, view->size);
        }
        break;
    }
    return STREAM_HANG_UP;
}

/* --- any --- */

enum stream_step greeting_judge_any(void *context, const struct stream_view *view,
                                    struct verdict *verdict)
{
    const struct greeting *greeting = context;
    bool is_line = view->size > 0 && memchr(view->bytes, '\n', view->size) != NULL;
    if (view->size > 0 && matches(greeting, view->bytes, view->size)) {
        return set_up(view, verdict, STREAM_HANG_UP);
    }
    if (view->size == 0 || view->state == STREAM_OPEN || (view->state == STREAM_LATE && !is_line)) {
        return set_unfinished(view, verdict);
    }
    set_down(verdict, "no-match", "", view->bytes, view->size);
    return STREAM_HANG_UP;
}

/* --- SMTP --- */

/* A line of a reply: the last one, one before it, none at all, one without an end yet. */
enum line { LINE_LAST, LINE_MORE, LINE_NONE, LINE_UNFINISHED };

/* Of the line that begins at `at`; *next is behind it. */
static enum line read_line(const struct stream_view *view, size_t at, size_t *next)
{
    const uint8_t *line = view->bytes + at;
    const uint8_t *end = at < view->size ? memchr(line, '\n', view->size - at) : NULL;
    if (end == NULL) {
        return LINE_UNFINISHED;
    }
    size_t size = (size_t)(end - line);
    *next = at + size + 1;
    if (size > 0 && line[size - 1] == '\r') {
        size--;
    }
    for (size_t i = 0; i < 3; i++) {
        if (i >= size || line[i] < '0' || line[i] > '9') {
            return LINE_NONE;
        }
    }
    if (size == 3 || line[3] == ' ') {
        return LINE_LAST;
    }
    return line[3] == '-' ? LINE_MORE : LINE_NONE;
}

/* All lines of a reply have the same code (RFC 5321 section 4.2.1). */
static enum line read_reply(const struct stream_view *view, size_t *size)
{
    size_t at = 0;
    enum line line = LINE_MORE;
    while (line == LINE_MORE) {
        line = read_line(view, at, size);
        if (line != LINE_UNFINISHED && line != LINE_NONE &&
            memcmp(view->bytes, view->bytes + at, 3) != 0) {
            line = LINE_NONE;
        }
        at = *size;
    }
    return line;
}

static enum stream_step judge_reply(const struct greeting *greeting, const struct stream_view *view,
                                    size_t size, struct verdict *verdict)
{
    const uint8_t *code = view->bytes;
    if (code[0] == '4' || code[0] == '5') {
        set_down(verdict, "service-unavailable", "", view->bytes, size);
    } else if (memcmp(code, "220", 3) != 0) {
        set_down(verdict, "protocol", "no code of a greeting: ", view->bytes, size);
    } else if (!matches(greeting, view->bytes, size)) {
        set_down(verdict, "no-match", "", view->bytes, size);
    } else {
        return set_up(view, verdict, STREAM_FAREWELL);
    }
    return STREAM_FAREWELL;
}

enum stream_step greeting_judge_smtp(void *context, const struct stream_view *view,
                                     struct verdict *verdict)
{
    size_t size = 0;
    switch (read_reply(view, &size)) {
    case LINE_LAST:
        return judge_reply(context, view, size, verdict);
    case LINE_NONE:
        set_down(verdict, "protocol", "no greeting of SMTP: ", view->bytes, view->size);
        return STREAM_HANG_UP;
    case LINE_MORE:
    case LINE_UNFINISHED:
        break;
    }
    return set_unfinished(view, verdict);
}

/* --- IMAP --- */

static bool begins_with(const uint8_t *bytes, size_t size, const char *word)
{
    size_t n = strlen(word);
    return size > n && strncasecmp((const char *)bytes, word, n) == 0 &&
           (bytes[n] == ' ' || bytes[n] == '\r' || bytes[n] == '\n');
}

enum stream_step greeting_judge_imap(void *context, const struct stream_view *view,
                                     struct verdict *verdict)
{
    const struct greeting *greeting = context;
    const uint8_t *bytes = view->bytes;
    const uint8_t *end = view->size > 0 ? memchr(bytes, '\n', view->size) : NULL;
    if (end == NULL) {
        return set_unfinished(view, verdict);
    }
    size_t size = (size_t)(end - bytes) + 1;
    if (begins_with(bytes, size, "* BYE")) {
        set_down(verdict, "service-unavailable", "", bytes, size);
        return STREAM_HANG_UP; /* it hangs up itself */
    }
    if (!begins_with(bytes, size, "* OK") && !begins_with(bytes, size, "* PREAUTH")) {
        set_down(verdict, "protocol", "no greeting of IMAP: ", bytes, size);
        return STREAM_HANG_UP;
    }
    if (!matches(greeting, bytes, size)) {
        set_down(verdict, "no-match", "", bytes, size);
        return STREAM_FAREWELL;
    }
    return set_up(view, verdict, STREAM_FAREWELL);
}
