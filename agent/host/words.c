/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "words.h"

#include <string.h>

bool words_next_line(struct proc_text *text, struct proc_text *line)
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

struct proc_text words_next(struct proc_text *line)
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

bool words_equal(struct proc_text word, const char *text)
{
    size_t size = (size_t)(word.end - word.at);
    return size == strlen(text) && memcmp(word.at, text, size) == 0;
}

bool words_number(struct proc_text word, uint64_t *number)
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

bool words_next_number(struct proc_text *line, uint64_t *number)
{
    return words_number(words_next(line), number);
}

bool words_decimal(struct proc_text word, double *decimal)
{
    const char *point =
        word.at == word.end ? NULL : memchr(word.at, '.', (size_t)(word.end - word.at));
    uint64_t whole;
    uint64_t part = 0;
    double scale = 1;
    if (point != NULL) {
        if (word.end - point > 10 ||
            !words_number((struct proc_text){point + 1, word.end}, &part)) {
            return false;
        }
        for (const char *at = point + 1; at != word.end; at++) {
            scale *= 10;
        }
    }
    if (!words_number((struct proc_text){word.at, point == NULL ? word.end : point}, &whole)) {
        return false;
    }
    *decimal = (double)whole + (double)part / scale;
    return true;
}

bool words_next_decimal(struct proc_text *line, double *decimal)
{
    return words_decimal(words_next(line), decimal);
}
