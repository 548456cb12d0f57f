/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Files that name their numbers. */
#include "proc.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* A search through the wanted fields that begins where the last one ended. */
struct search {
    const struct proc_field *fields;
    size_t n;
    size_t next;
    uint64_t *values;
    uint64_t missing;
};

static struct search begin(const struct proc_field *fields, size_t n, uint64_t *values)
{
    assert(n > 0 && n <= PROC_FIELDS_MAX);
    memset(values, 0, n * sizeof values[0]);
    return (struct search){
        .fields = fields, .n = n, .values = values, .missing = UINT64_MAX >> (PROC_FIELDS_MAX - n)};
}

static int finish(const struct search *search, uint64_t *missing)
{
    *missing = search->missing;
    return search->missing == UINT64_MAX >> (PROC_FIELDS_MAX - search->n) ? -EBADMSG : 0;
}

/* The wanted field of this group and name, or n. */
static size_t find(struct search *search, struct proc_text group, struct proc_text name)
{
    for (size_t i = 0; i < search->n; i++) {
        size_t at = (search->next + i) % search->n;
        const struct proc_field *field = &search->fields[at];
        if (words_equal(name, field->name) &&
            (field->group == NULL || words_equal(group, field->group))) {
            search->next = at + 1;
            return at;
        }
    }
    return search->n;
}

static bool wants_group(const struct search *search, struct proc_text group)
{
    for (size_t i = 0; i < search->n; i++) {
        if (words_equal(group, search->fields[(search->next + i) % search->n].group)) {
            return true;
        }
    }
    return false;
}

static void take(struct search *search, size_t at, uint64_t value)
{
    if (at < search->n) {
        search->values[at] = value;
        search->missing &= ~(UINT64_C(1) << at);
    }
}

int proc_parse_lines(const char *text, size_t size, const struct proc_field *fields, size_t n,
                     uint64_t *values, uint64_t *missing)
{
    struct proc_text rest = {text, text + size};
    struct search search = begin(fields, n, values);
    struct proc_text line;
    while (search.missing != 0 && words_next_line(&rest, &line)) {
        struct proc_text name = words_next(&line);
        size_t at = find(&search, name, name);
        uint64_t value;
        if (at == n || !words_next_number(&line, &value)) {
            continue;
        }
        if (name.end[-1] == ':' && (!words_equal(words_next(&line), "kB") ||
                                    __builtin_mul_overflow(value, UINT64_C(1024), &value))) {
            continue;
        }
        take(&search, at, value);
    }
    return finish(&search, missing);
}

/* Names and numbers of one group, word by word. */
static void take_pair(struct search *search, struct proc_text names, struct proc_text numbers)
{
    struct proc_text group = words_next(&names);
    for (;;) {
        struct proc_text name = words_next(&names);
        struct proc_text number = words_next(&numbers);
        uint64_t value;
        if (name.at == name.end || number.at == number.end) {
            return;
        }
        size_t at = find(search, group, name);
        if (at < search->n && words_number(number, &value)) {
            take(search, at, value);
        }
    }
}

int proc_parse_pairs(const char *text, size_t size, const struct proc_field *fields, size_t n,
                     uint64_t *values, uint64_t *missing)
{
    struct proc_text rest = {text, text + size};
    struct search search = begin(fields, n, values);
    struct proc_text names;
    while (search.missing != 0 && words_next_line(&rest, &names)) {
        struct proc_text peek = names;
        struct proc_text group = words_next(&peek);
        struct proc_text before = rest;
        struct proc_text numbers;
        if (!words_next_line(&rest, &numbers)) {
            break;
        }
        struct proc_text again = words_next(&numbers);
        if (again.end - again.at != group.end - group.at ||
            memcmp(again.at, group.at, (size_t)(group.end - group.at)) != 0) {
            rest = before; /* not its pair: the next line may begin one */
        } else if (wants_group(&search, group)) {
            take_pair(&search, names, numbers);
        }
    }
    return finish(&search, missing);
}

int proc_parse_groups(const char *text, size_t size, const struct proc_field *fields, size_t n,
                      uint64_t *values, uint64_t *missing)
{
    struct proc_text rest = {text, text + size};
    struct search search = begin(fields, n, values);
    struct proc_text line;
    while (search.missing != 0 && words_next_line(&rest, &line)) {
        struct proc_text group = words_next(&line);
        for (;;) {
            struct proc_text name = words_next(&line);
            uint64_t value;
            if (name.at == name.end || !words_next_number(&line, &value)) {
                break;
            }
            take(&search, find(&search, group, name), value);
        }
    }
    return finish(&search, missing);
}
