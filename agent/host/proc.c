/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proc.h"

#include <errno.h>
#include <string.h>

enum { SECTOR_SIZE = 512 }; /* of /proc/diskstats, whatever the disk's is */

/* --- words of a line --- */

static bool next_line(struct proc_text *text, struct proc_text *line)
{
    if (text->at == text->end) {
        return false;
    }
    const char *end = memchr(text->at, '\n', (size_t)(text->end - text->at));
    line->at = text->at;
    line->end = end == NULL ? text->end : end;
    text->at = end == NULL ? text->end : end + 1;
    return true;
}

/* The next word between blanks; empty at the end of the line. */
static struct proc_text next_word(struct proc_text *line)
{
    struct proc_text word;
    while (line->at != line->end && (*line->at == ' ' || *line->at == '\t')) {
        line->at++;
    }
    word.at = line->at;
    while (line->at != line->end && *line->at != ' ' && *line->at != '\t') {
        line->at++;
    }
    word.end = line->at;
    return word;
}

static bool word_is(struct proc_text word, const char *text)
{
    size_t size = (size_t)(word.end - word.at);
    return size == strlen(text) && memcmp(word.at, text, size) == 0;
}

static bool parse_number(struct proc_text word, uint64_t *number)
{
    if (word.at == word.end) {
        return false;
    }
    *number = 0;
    for (; word.at != word.end; word.at++) {
        if (*word.at < '0' || *word.at > '9' ||
            __builtin_mul_overflow(*number, UINT64_C(10), number) ||
            __builtin_add_overflow(*number, (uint64_t)(*word.at - '0'), number)) {
            return false;
        }
    }
    return true;
}

static bool next_number(struct proc_text *line, uint64_t *number)
{
    return parse_number(next_word(line), number);
}

/* "0.52", whatever the locale. */
static bool next_decimal(struct proc_text *line, double *decimal)
{
    struct proc_text word = next_word(line);
    const char *point = memchr(word.at, '.', (size_t)(word.end - word.at));
    uint64_t whole;
    uint64_t part = 0;
    double scale = 1;
    if (point != NULL) {
        if (word.end - point > 10 ||
            !parse_number((struct proc_text){point + 1, word.end}, &part)) {
            return false;
        }
        for (const char *at = point + 1; at != word.end; at++) {
            scale *= 10;
        }
    }
    if (!parse_number((struct proc_text){word.at, point == NULL ? word.end : point}, &whole)) {
        return false;
    }
    *decimal = (double)whole + (double)part / scale;
    return true;
}

/* --- the files --- */

int proc_parse_cpu(const char *text, size_t size, uint64_t ticks[PROC_CPU_MODES])
{
    struct proc_text rest = {text, text + size};
    struct proc_text line;
    while (next_line(&rest, &line)) {
        if (!word_is(next_word(&line), "cpu")) {
            continue;
        }
        for (size_t i = 0; i < PROC_CPU_MODES; i++) {
            if (!next_number(&line, &ticks[i])) {
                return -EBADMSG;
            }
        }
        return 0;
    }
    return -EBADMSG;
}

int proc_parse_memory(const char *text, size_t size, uint64_t bytes[PROC_MEMORY_VALUES],
                      uint64_t *missing)
{
    static const char *const keys[PROC_MEMORY_VALUES] = {
        "MemTotal:", "MemFree:", "MemAvailable:", "Buffers:", "Cached:", "SwapTotal:", "SwapFree:"};
    static const uint64_t all = (UINT64_C(1) << PROC_MEMORY_VALUES) - 1;
    struct proc_text rest = {text, text + size};
    struct proc_text line;
    *missing = all;
    while (next_line(&rest, &line)) {
        struct proc_text key = next_word(&line);
        for (size_t i = 0; i < PROC_MEMORY_VALUES; i++) {
            uint64_t kib;
            if (word_is(key, keys[i]) && next_number(&line, &kib) &&
                word_is(next_word(&line), "kB") && kib <= UINT64_MAX / 1024) {
                bytes[i] = kib * 1024;
                *missing &= ~(UINT64_C(1) << i);
                break;
            }
        }
    }
    return *missing == all ? -EBADMSG : 0;
}

int proc_parse_load(const char *text, size_t size, double loads[PROC_LOADS])
{
    struct proc_text line = {text, text + size};
    for (size_t i = 0; i < PROC_LOADS; i++) {
        if (!next_decimal(&line, &loads[i])) {
            return -EBADMSG;
        }
    }
    return 0;
}

/* Fields as Documentation/admin-guide/iostats.rst numbers them, from 1. */
static bool parse_disk(struct proc_text line, struct proc_disk *disk)
{
    enum { READS, READ_SECTORS = 2, WRITES = 4, WRITE_SECTORS = 6, IO_MS = 9, WEIGHTED_MS, FIELDS };
    uint64_t fields[FIELDS];
    uint64_t number;
    if (!next_number(&line, &number) || !next_number(&line, &number)) {
        return false;
    }
    struct proc_text name = next_word(&line);
    size_t size = (size_t)(name.end - name.at);
    if (size == 0 || size >= sizeof disk->name || memchr(name.at, '\0', size) != NULL) {
        return false;
    }
    for (size_t i = 0; i < FIELDS; i++) {
        if (!next_number(&line, &fields[i])) {
            return false;
        }
    }
    if (fields[READ_SECTORS] > UINT64_MAX / SECTOR_SIZE ||
        fields[WRITE_SECTORS] > UINT64_MAX / SECTOR_SIZE) {
        return false;
    }
    memcpy(disk->name, name.at, size);
    disk->name[size] = '\0';
    disk->values[0] = fields[READS];
    disk->values[1] = fields[READ_SECTORS] * SECTOR_SIZE;
    disk->values[2] = fields[WRITES];
    disk->values[3] = fields[WRITE_SECTORS] * SECTOR_SIZE;
    disk->values[4] = fields[IO_MS];
    disk->values[5] = fields[WEIGHTED_MS];
    return true;
}

bool proc_next_disk(struct proc_text *text, struct proc_disk *disk)
{
    struct proc_text line;
    while (next_line(text, &line)) {
        if (parse_disk(line, disk)) {
            return true;
        }
    }
    return false;
}

static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

/* Blank, tab, newline, backslash and # stand as \ooo (fs/proc_namespace.c, mangle). */
static bool unescape(struct proc_text word, char *text, size_t text_size)
{
    size_t n = 0;
    while (word.at != word.end) {
        if (n + 1 >= text_size) {
            return false;
        }
        if (*word.at == '\\' && word.end - word.at >= 4 && word.at[1] <= '3' &&
            is_octal(word.at[1]) && is_octal(word.at[2]) && is_octal(word.at[3])) {
            text[n++] =
                (char)((word.at[1] - '0') << 6 | (word.at[2] - '0') << 3 | (word.at[3] - '0'));
            word.at += 4;
        } else {
            text[n++] = *word.at++;
        }
    }
    text[n] = '\0';
    return n > 0 && strlen(text) == n;
}

static bool has_option(struct proc_text options, const char *wanted)
{
    while (options.at != options.end) {
        const char *comma = memchr(options.at, ',', (size_t)(options.end - options.at));
        const char *end = comma == NULL ? options.end : comma;
        if (word_is((struct proc_text){options.at, end}, wanted)) {
            return true;
        }
        options.at = comma == NULL ? options.end : comma + 1;
    }
    return false;
}

bool proc_next_mount(struct proc_text *text, struct proc_mount *mount)
{
    struct proc_text line;
    while (next_line(text, &line)) {
        (void)next_word(&line); /* what is mounted */
        if (unescape(next_word(&line), mount->point, sizeof mount->point) &&
            unescape(next_word(&line), mount->type, sizeof mount->type)) {
            mount->read_only = has_option(next_word(&line), "ro");
            return true;
        }
    }
    return false;
}
