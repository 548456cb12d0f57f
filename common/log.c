/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/log.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PART_SIZE = 64,
    TOPIC_MAX = 63,
    MESSAGE_MAX = 1000,
    LINE_MAX_BYTES = PIPE_BUF, /* so much one write(2) puts into a pipe without mixing */
};

static const char *const level_names[] = {
    [LOG_LEVEL_ERROR] = "error",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_DEBUG] = "debug",
};
/* Red, yellow, none, dim. */
static const char *const level_colours[] = {
    [LOG_LEVEL_ERROR] = "\033[31m",
    [LOG_LEVEL_WARN] = "\033[33m",
    [LOG_LEVEL_INFO] = "",
    [LOG_LEVEL_DEBUG] = "\033[2m",
};

/* Part and colour are set by log_open, before threads start. */
static char log_part[PART_SIZE];
static bool log_coloured;
static atomic_int log_limit_level = LOG_LEVEL_INFO;

void log_open(const char *part, enum log_level level)
{
    (void)snprintf(log_part, sizeof log_part, "%s", part);
    const char *no_colour = getenv("NO_COLOR");
    log_coloured = isatty(STDERR_FILENO) == 1 && (no_colour == NULL || no_colour[0] == '\0');
    log_set_level(level);
}

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&log_limit_level, (int)level, memory_order_relaxed);
}

bool log_level_parse(const char *name, enum log_level *level)
{
    for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++) {
        if (strcmp(name, level_names[i]) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

/* --- a line in the making --- */

struct line {
    char bytes[LINE_MAX_BYTES];
    size_t size; /* one byte stays free for the line feed */
};

/* All of it or, where the line is full, nothing. */
static bool line_add(struct line *line, const char *bytes, size_t size)
{
    if (size >= sizeof line->bytes - line->size) {
        return false;
    }
    memcpy(line->bytes + line->size, bytes, size);
    line->size += size;
    return true;
}

static void line_add_text(struct line *line, const char *text)
{
    (void)line_add(line, text, strlen(text)); /* the prefix always fits */
}

/* Bytes of the UTF-8 sequence (RFC 3629) at `p` that may be shown as it is; 0: a control character,
 * C1 included, or no UTF-8. */
static size_t printable(const char *p, size_t size)
{
    const unsigned char *u = (const unsigned char *)p;
    if (u[0] < 0x80) {
        return u[0] >= 0x20 && u[0] != 0x7f ? 1 : 0;
    }
    size_t length = u[0] >= 0xf0 ? 4 : u[0] >= 0xe0 ? 3 : 2;
    if (u[0] < 0xc2 || u[0] > 0xf4 || length > size) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((u[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool overlong = (u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xf0 && u[1] < 0x90);
    bool outside = (u[0] == 0xed && u[1] >= 0xa0) || (u[0] == 0xf4 && u[1] >= 0x90);
    bool control = u[0] == 0xc2 && u[1] < 0xa0;
    return overlong || outside || control ? 0 : length;
}

static void line_add_foreign(struct line *line, const char *text, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    while (size > 0) {
        size_t n = printable(text, size);
        bool fits;
        if (n > 0) {
            fits = line_add(line, text, n);
        } else {
            unsigned byte = (unsigned char)*text;
            const char escape[] = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
            fits = line_add(line, escape, sizeof escape);
            n = 1;
        }
        if (!fits) {
            return;
        }
        text += n;
        size -= n;
    }
}

/* The message's size once it is cut, without half a character at its end. */
static size_t cut(const char *message, size_t size)
{
    if (size <= MESSAGE_MAX) {
        return size;
    }
    size = MESSAGE_MAX;
    while (size > MESSAGE_MAX - 3 && ((unsigned char)message[size] & 0xc0) == 0x80) {
        size--;
    }
    return size;
}

static void line_begin(struct line *line, enum log_level level, const char *topic)
{
    char time[WALL_TEXT_SIZE];
    line_add_text(line, wall_format_utc(clock_wall(), time));
    line_add_text(line, " ");
    line_add_text(line, log_coloured ? level_colours[level] : "");
    line_add_text(line, level_names[level]);
    line_add_text(line, log_coloured ? "\033[0m" : "");
    line_add_text(line, " ");
    const char *part = log_part[0] != '\0' ? log_part : program_invocation_short_name;
    line_add_foreign(line, part, strnlen(part, PART_SIZE - 1));
    line_add_text(line, " ");
    line_add_foreign(line, topic, strnlen(topic, TOPIC_MAX));
    line_add_text(line, ": ");
}

void log_write(enum log_level level, const char *topic, const char *format, ...)
{
    if ((int)level > atomic_load_explicit(&log_limit_level, memory_order_relaxed)) {
        return;
    }
    int saved_errno = errno; /* the caller may still want to look at it */
    /* Four bytes more than are shown: enough to see where the last character begins. */
    char message[MESSAGE_MAX + 5];
    va_list arguments;
    va_start(arguments, format);
    int n = vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (n < 0) {
        n = snprintf(message, sizeof message, "(a message that cannot be formatted)");
    }
    struct line line = {.size = 0};
    line_begin(&line, level, topic);
    line_add_foreign(&line, message, cut(message, (size_t)n));
    line.bytes[line.size++] = '\n';
    while (write(STDERR_FILENO, line.bytes, line.size) < 0 && errno == EINTR) {
    }
    errno = saved_errno;
}

bool log_limit_allow(struct log_limit *limit, int64_t interval_ms, uint64_t *suppressed)
{
    struct mono now = clock_mono();
    if (limit->used && mono_elapsed_ms(limit->last, now) < interval_ms) {
        limit->held++;
        return false;
    }
    *suppressed = limit->held;
    *limit = (struct log_limit){.last = now, .used = true};
    return true;
}
