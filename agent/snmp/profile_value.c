/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "profile_value.h"

#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* One sub-identifier at *at, which is set behind it. */
static bool read_id(const char **at, unsigned long *id)
{
    const char *start = *at;
    uint64_t value = 0;
    while (is_digit(**at) && value <= UINT32_MAX) {
        value = value * 10 + (uint64_t)(**at - '0');
        (*at)++;
    }
    *id = (unsigned long)value;
    return *at > start && value <= UINT32_MAX && !(*start == '0' && *at > start + 1);
}

const char *profile_read_oid(const char *text, unsigned long ids[PROFILE_OID_IDS_MAX], size_t *n)
{
    const char *at = text + (text[0] == '.' ? 1 : 0);
    unsigned long first[2] = {0};
    size_t count = 0;
    for (;;) {
        unsigned long id;
        if (!read_id(&at, &id)) {
            return "must be an OID in numbers, such as 1.3.6.1.2.1.2.2.1.10";
        }
        if (count == PROFILE_OID_IDS_MAX) {
            return "is longer than 96 numbers: no index would fit behind it";
        }
        if (count < 2) {
            first[count] = id;
        }
        if (ids != NULL) {
            ids[count] = id;
        }
        count++;
        if (*at == '\0') {
            break;
        }
        if (*at != '.') {
            return "must be an OID in numbers, such as 1.3.6.1.2.1.2.2.1.10";
        }
        at++;
    }
    if (count < 2 || first[0] > 2 || (first[0] < 2 && first[1] > 39)) {
        return "no OID begins so";
    }
    if (n != NULL) {
        *n = count;
    }
    return NULL;
}

bool profile_oid_is_under(struct oid_view oid, struct oid_view prefix)
{
    if (oid.n < prefix.n) {
        return false;
    }
    for (size_t i = 0; i < prefix.n; i++) {
        if (oid.ids[i] != prefix.ids[i]) {
            return false;
        }
    }
    return true;
}

bool profile_read_number(const char *text, int64_t *value)
{
    const char *digits = text + (text[0] == '-' ? 1 : 0);
    char *end = NULL;
    if (!is_digit(*digits)) {
        return false;
    }
    errno = 0;
    long long number = strtoll(text, &end, 10);
    *value = number;
    return errno == 0 && *end == '\0';
}

bool profile_is_name(const char *text, size_t max_bytes)
{
    size_t size = strlen(text);
    return size > 0 && size <= max_bytes && text[0] >= 'a' && text[0] <= 'z' &&
           text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

int profile_next_key(const char **at, const char **key, size_t *key_size)
{
    const char *brace = *at + strcspn(*at, "{}");
    if (*brace == '\0') {
        *at = brace;
        return 0;
    }
    size_t size = strcspn(brace + 1, "{}");
    if (*brace == '}' || brace[1 + size] != '}' || size == 0) {
        return -EINVAL;
    }
    *key = brace + 1;
    *key_size = size;
    *at = brace + size + 2;
    return 1;
}

/* Each + doubles what it repeats when glibc compiles it: a+++… is 2^n. */
enum { PLUS_MAX = 8 };

/* Repetition counts outside of brackets; a backslash before a digit anywhere; too many of +. */
static const char *costly_part(const char *text)
{
    bool bracket = false;
    unsigned n_plus = 0;
    for (const char *c = text; *c != '\0'; c++) {
        n_plus += *c == '+' ? 1 : 0; /* wherever it stands: brackets have their own mazes */
        if (n_plus > PLUS_MAX) {
            return "must not have more than 8 of +";
        }
        if (*c == '\\' && !bracket) {
            if (is_digit(c[1])) {
                return "must not refer back (\\1)";
            }
            c += c[1] != '\0' ? 1 : 0;
        } else if (bracket) {
            bracket = *c != ']';
        } else if (*c == '[') {
            bracket = true;
            c += c[1] == '^' ? 1 : 0;
            c += c[1] == ']' ? 1 : 0; /* the first one in brackets stands for itself */
        } else if (*c == '{') {
            return "must not count repetitions ({n,m})";
        }
    }
    return NULL;
}

const char *profile_expression_fault(const char *text)
{
    regex_t expression;
    const char *fault = costly_part(text);
    if (fault != NULL) {
        return fault;
    }
    if (strlen(text) > PROFILE_EXPRESSION_MAX_BYTES) {
        return "is too long";
    }
    if (regcomp(&expression, text, REG_EXTENDED | REG_NOSUB) != 0) {
        return "is no POSIX extended regular expression";
    }
    regfree(&expression);
    return NULL;
}
