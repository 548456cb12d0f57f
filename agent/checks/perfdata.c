/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "perfdata.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_MAX = 63 }; /* printf's %f of a double may have 300 digits; no measurement has */

/* Units of the guidelines. Their KB is check_disk's, of 1,024 bytes. */
static const struct {
    const char *name;
    const char *unit;
    double factor;
} units[] = {
    {"", "1", 1},
    {"%", "ratio", 0.01},
    {"s", "s", 1},
    {"ms", "s", 1e-3},
    {"us", "s", 1e-6},
    {"ns", "s", 1e-9},
    {"B", "bytes", 1},
    {"KB", "bytes", 1024},
    {"MB", "bytes", 1048576},
    {"GB", "bytes", 1073741824},
    {"TB", "bytes", 1099511627776},
    {"KiB", "bytes", 1024},
    {"MiB", "bytes", 1048576},
    {"GiB", "bytes", 1073741824},
    {"TiB", "bytes", 1099511627776},
};

/* --- bytes --- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && is_blank(*at)) {
        at++;
    }
    return at;
}

static const char *find_blank(const char *at, const char *end)
{
    while (at < end && !is_blank(*at)) {
        at++;
    }
    return at;
}

static const char *find_byte(const char *at, const char *end, char wanted)
{
    const char *found = at < end ? memchr(at, wanted, (size_t)(end - at)) : NULL;
    return found != NULL ? found : end;
}

static struct plugin_span span(const char *from, const char *to)
{
    return (struct plugin_span){from, (size_t)(to - from)};
}

void plugin_output_split(const char *bytes, size_t size, struct plugin_output *output)
{
    const char *end = bytes + size;
    const char *line_end = find_byte(bytes, end, '\n');
    const char *bar = find_byte(bytes, line_end, '|');
    const char *text_end = bar;
    bytes = skip_blanks(bytes, bar);
    while (text_end > bytes && is_blank(text_end[-1])) {
        text_end--;
    }
    output->text = span(bytes, text_end);
    output->perfdata[0] = span(bar < line_end ? bar + 1 : line_end, line_end);
    bar = find_byte(line_end, end, '|');
    output->perfdata[1] = span(bar < end ? bar + 1 : end, end);
}

/* --- one item --- */

/* Behind the "="; NULL: there is no label. */
static const char *take_quoted_label(const char *at, const char *end, struct perfdata_item *item)
{
    size_t size = 0;
    for (at++; at < end && size < PERFDATA_LABEL_MAX; at++) {
        if (*at == '\'') {
            if (at + 1 < end && at[1] == '\'') { /* two are one that belongs to the label */
                at++;
            } else {
                item->label[size] = '\0';
                return size > 0 && at + 1 < end && at[1] == '=' ? at + 2 : NULL;
            }
        }
        if (*at == '\0') {
            return NULL;
        }
        item->label[size++] = *at;
    }
    return NULL;
}

static const char *take_label(const char *at, const char *end, struct perfdata_item *item)
{
    if (*at == '\'') {
        return take_quoted_label(at, end, item);
    }
    const char *token_end = find_blank(at, end);
    const char *equals = find_byte(at, token_end, '=');
    size_t size = (size_t)(equals - at);
    if (equals == token_end || size == 0 || size > PERFDATA_LABEL_MAX) {
        return NULL;
    }
    memcpy(item->label, at, size);
    item->label[size] = '\0';
    return equals + 1;
}

static const char *skip_digits(const char *at, const char *end)
{
    while (at < end && is_digit(*at)) {
        at++;
    }
    return at;
}

/* Behind the number, of which `number` gets a copy; NULL: there is none. *is_whole: digits only. */
static const char *take_number(const char *at, const char *end, char number[NUMBER_MAX + 1],
                               bool *is_whole)
{
    const char *begin = at;
    *is_whole = *at != '-';
    at += *at == '-' ? 1 : 0;
    const char *digits = at;
    at = skip_digits(at, end);
    size_t n_digits = (size_t)(at - digits);
    if (at < end && *at == '.') {
        const char *fraction = at + 1;
        at = skip_digits(fraction, end);
        n_digits += (size_t)(at - fraction);
        *is_whole = false;
    }
    if (n_digits == 0) {
        return NULL;
    }
    if (at + 1 < end && (*at == 'e' || *at == 'E')) {
        const char *exponent = at + (at[1] == '-' || at[1] == '+' ? 2 : 1);
        const char *behind = skip_digits(exponent, end);
        if (behind > exponent) { /* else it is a unit */
            at = behind;
            *is_whole = false;
        }
    }
    size_t size = (size_t)(at - begin);
    if (size > NUMBER_MAX) {
        return NULL;
    }
    memcpy(number, begin, size);
    number[size] = '\0';
    return at;
}

static int set_counter(const char *number, bool is_whole, struct perfdata_item *item)
{
    char *end;
    errno = 0;
    unsigned long long value = strtoull(number, &end, 10);
    if (!is_whole || errno != 0) {
        return -EINVAL;
    }
    item->type = METRIC_COUNTER;
    item->value.counter = value;
    item->unit[0] = '1';
    item->unit[1] = '\0';
    return 0;
}

static int set_gauge(const char *number, struct perfdata_item *item)
{
    char *end;
    double value = strtod(number, &end);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(units[i].name, item->unit) == 0) {
            memcpy(item->unit, units[i].unit, strlen(units[i].unit) + 1);
            value *= units[i].factor;
            break;
        }
    } /* else the plugin's own: "Cel", "V" */
    item->value.gauge = value;
    return isfinite(value) ? 0 : -EINVAL;
}

/* What stands before the first ";". */
static int take_value(const char *at, const char *end, struct perfdata_item *item)
{
    char number[NUMBER_MAX + 1];
    bool is_whole = false;
    item->type = METRIC_GAUGE;
    item->is_known = true;
    item->value.gauge = 0;
    if (at == end) {
        return -EINVAL;
    }
    if (end - at == 1 && *at == 'U') { /* the plugin could not find it out; of what unit? */
        item->is_known = false;
        item->unit[0] = '\0';
        return 0;
    }
    at = take_number(at, end, number, &is_whole);
    if (at == NULL || end - at > PERFDATA_UNIT_MAX) {
        return -EINVAL;
    }
    for (const char *unit = at; unit < end; unit++) {
        if (!is_letter(*unit) && *unit != '%' && *unit != '/') {
            return -EINVAL; /* also a decimal comma */
        }
    }
    memcpy(item->unit, at, (size_t)(end - at));
    item->unit[end - at] = '\0';
    return strcmp(item->unit, "c") == 0 ? set_counter(number, is_whole, item)
                                        : set_gauge(number, item);
}

int perfdata_next(const char **at, const char *end, struct perfdata_item *item)
{
    const char *begin = skip_blanks(*at, end);
    *at = begin;
    if (begin == end) {
        return 0;
    }
    const char *value = take_label(begin, end, item);
    if (value == NULL) {
        *at = find_blank(begin, end);
        return -EINVAL;
    }
    *at = find_blank(value, end);
    int rc = take_value(value, find_byte(value, *at, ';'), item);
    return rc == 0 ? 1 : rc;
}
