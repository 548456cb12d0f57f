/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The log: one line an event on standard error, "time level topic: message key=value …". Whoever
 * stops an error's journey logs it, once; libraries below do not log. error = someone must act,
 * warn = data at risk, info = life cycle, debug = developer. Never a secret.
 *
 * Threads: safe from every thread; one line is one write(2). */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include "common/clock.h"
#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* The program's part as every line names it ("agent", "collector/store"); copied, cut at 63 bytes.
 */
void log_open(const char *part, enum log_level level);
void log_set_level(enum log_level level);
/* "error", "warn", "info" or "debug"; false when the name is none of these. */
bool log_level_parse(const char *name, enum log_level *level);

/* Control characters of the message are written as \xHH, so that foreign bytes cannot forge a
 * line. A message is cut at 1,000 bytes. */
void log_write(enum log_level level, const char *topic, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(topic, ...) log_write(LOG_LEVEL_ERROR, topic, __VA_ARGS__)
#define log_warn(topic, ...)  log_write(LOG_LEVEL_WARN, topic, __VA_ARGS__)
#define log_info(topic, ...)  log_write(LOG_LEVEL_INFO, topic, __VA_ARGS__)
#define log_debug(topic, ...) log_write(LOG_LEVEL_DEBUG, topic, __VA_ARGS__)

/* For what a peer can cause at will: true at most once per interval; `*suppressed` then holds how
 * many were held back since the last true. Zero-initialise; the owner keeps one per cause. */
struct log_limit {
    struct mono last;
    uint64_t held;
    bool used;
};
bool log_limit_allow(struct log_limit *limit, int64_t interval_ms, uint64_t *suppressed);

#endif
