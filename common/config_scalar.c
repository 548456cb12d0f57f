/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * One value, from its text and back. Numbers are a sign, digits, perhaps decimals, and a unit of a
 * table; everything is integers. */
#include "config_internal.h"

#include "common/xalloc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    DECIMALS_MAX = 6,
    REASON_SIZE = 256, /* for a field's own check */
};

struct unit {
    const char *name;
    int64_t scale;
};
/* From the smallest up; the first unit is the one that zero is written in, for durations the
 * second. */
static const struct unit duration_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {0},
};
static const struct unit size_units[] = {
    {"", 1},
    {"KiB", INT64_C(1) << 10},
    {"MiB", INT64_C(1) << 20},
    {"GiB", INT64_C(1) << 30},
    {"TiB", INT64_C(1) << 40},
    {0},
};
static const struct unit no_units[] = {{"", 1}, {0}};
static const struct unit decimal_units[] = {{"", 1000000}, {0}};

/* How the numeric types are written. */
struct notation {
    const struct unit *units;
    size_t zero_unit;  /* which unit 0 is written in */
    bool negative;     /* also where no bound says so */
    const char *shape; /* what to write instead of something else */
};
static const struct notation notations[] = {
    [CONFIG_INTEGER] = {no_units, 0, true, "must be a whole number, such as 42"},
    [CONFIG_DURATION] = {duration_units, 1, false,
                         "must be a whole number and a unit (ms, s, m, h or d), such as 90s"},
    [CONFIG_SIZE] = {size_units, 0, false,
                     "must be a whole number of bytes, or of KiB, MiB, GiB or TiB, such as 16MiB"},
    [CONFIG_DECIMAL] = {decimal_units, 0, true,
                        "must be a number with at most six decimals, such as 99.95"},
};

const char *config_type_name(const struct config_field *field)
{
    static const char *const names[] = {
        [CONFIG_BOOL] = "true or false",  [CONFIG_INTEGER] = "a whole number",
        [CONFIG_DURATION] = "a duration", [CONFIG_SIZE] = "a size",
        [CONFIG_DECIMAL] = "a number",    [CONFIG_STRING] = "text",
        [CONFIG_CHOICE] = "a choice",     [CONFIG_MAP] = "a mapping",
        [CONFIG_LIST] = "a list",         [CONFIG_STRING_LIST] = "a list",
    };
    return names[field->type];
}

static const struct notation *notation_of(const struct config_field *field)
{
    bool numeric = field->type == CONFIG_INTEGER || field->type == CONFIG_DURATION ||
                   field->type == CONFIG_SIZE || field->type == CONFIG_DECIMAL;
    return numeric ? &notations[field->type] : NULL;
}

static bool is_unbounded(const struct config_field *field)
{
    return field->min == 0 && field->max == 0;
}

/* A positive min alone bounds one side only. */
static int64_t upper_bound(const struct config_field *field)
{
    return is_unbounded(field) || (field->max == 0 && field->min > 0) ? INT64_MAX : field->max;
}

static int64_t lower_bound(const struct config_field *field, const struct notation *notation)
{
    if (is_unbounded(field)) {
        return notation->negative ? INT64_MIN : 0;
    }
    return field->min;
}

void config_count_bounds(const struct config_field *field, size_t *min, size_t *max)
{
    bool text = field->type == CONFIG_STRING || field->type == CONFIG_STRING_LIST;
    bool list = field->type == CONFIG_LIST || field->type == CONFIG_STRING_LIST;
    assert(text || list);
    *min = list ? 0 : 1;
    *max = list ? CONFIG_ITEMS_MAX : CONFIG_STRING_MAX_BYTES;
    if (!is_unbounded(field)) {
        assert(field->min >= 0 && upper_bound(field) >= field->min);
        *min = (size_t)field->min;
        *max = field->max == 0 ? *max : (size_t)field->max;
    }
}

const char config_hidden[] = "********";

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Writing */

/* The magnitude of INT64_MIN does not fit in int64_t. */
static uint64_t magnitude_of(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

static char *write_decimal(int64_t value)
{
    uint64_t magnitude = magnitude_of(value);
    char *text =
        xasprintf("%s%llu.%06llu", value < 0 ? "-" : "", (unsigned long long)(magnitude / 1000000),
                  (unsigned long long)(magnitude % 1000000));
    size_t size = strlen(text);
    while (text[size - 1] == '0') {
        size--;
    }
    text[text[size - 1] == '.' ? size - 1 : size] = '\0';
    return text;
}

static char *write_number(const struct config_field *field, int64_t value)
{
    const struct notation *notation = notation_of(field);
    if (field->type == CONFIG_DECIMAL) {
        return write_decimal(value);
    }
    const struct unit *unit = &notation->units[value == 0 ? notation->zero_unit : 0];
    for (const struct unit *next = notation->units; value != 0 && next->name != NULL; next++) {
        unit = value % next->scale == 0 ? next : unit;
    }
    return xasprintf("%lld%s", (long long)(value / unit->scale), unit->name);
}

static const char *choice_name(const struct config_field *field, int value)
{
    for (const struct config_choice *choice = field->choices; choice->name != NULL; choice++) {
        if (choice->value == value) {
            return choice->name;
        }
    }
    return NULL;
}

char *config_scalar_write(const struct config_field *field, const void *at)
{
    const char *name = NULL;
    if (notation_of(field) != NULL) {
        return write_number(field, *(const int64_t *)at);
    }
    if (field->type == CONFIG_BOOL) {
        name = *(const bool *)at ? "true" : "false";
    } else if (field->type == CONFIG_CHOICE) {
        name = choice_name(field, *(const int *)at);
    } else {
        assert(field->type == CONFIG_STRING);
        name = *(char *const *)at;
    }
    return name != NULL ? xstrdup(name) : NULL;
}

void config_scalar_free(const struct config_field *field, char *text)
{
    if (field->secret && text != NULL) {
        explicit_bzero(text, strlen(text));
    }
    free(text);
}

static char *count_range(const struct config_field *field)
{
    size_t min;
    size_t max;
    const char *unit = field->type == CONFIG_STRING ? "byte" : "item";
    config_count_bounds(field, &min, &max);
    if (min == max) {
        return xasprintf("%zu %s%s", min, unit, min == 1 ? "" : "s");
    }
    return xasprintf("%zu to %zu %ss", min, max, unit);
}

char *config_scalar_range(const struct config_field *field)
{
    const struct notation *notation = notation_of(field);
    if (notation == NULL) {
        bool counted = field->type == CONFIG_STRING || field->type == CONFIG_STRING_LIST ||
                       field->type == CONFIG_LIST;
        return counted ? count_range(field) : NULL;
    }
    int64_t min = lower_bound(field, notation);
    int64_t max = upper_bound(field);
    char *low = write_number(field, min);
    char *high = write_number(field, max);
    char *range = NULL;
    if (min == max) {
        range = xstrdup(low);
    } else if (min != INT64_MIN && max != INT64_MAX) {
        range = xasprintf("%s to %s", low, high);
    } else if (min != INT64_MIN) {
        range = xasprintf("at least %s", low);
    } else if (max != INT64_MAX) {
        range = xasprintf("at most %s", high);
    }
    free(low);
    free(high);
    return range;
}

/* Reading numbers */

/* A number as it is written: sign, digits, perhaps a point and digits, blanks, a unit. */
struct numeral {
    bool negative;
    const char *whole;
    size_t whole_size;
    const char *fraction; /* NULL: no point */
    size_t fraction_size;
    const char *unit; /* the rest, without blanks before it */
    size_t unit_size;
};

static size_t digits_at(const char *text)
{
    size_t size = 0;
    while (is_digit(text[size])) {
        size++;
    }
    return size;
}

static struct numeral split_numeral(const char *text)
{
    struct numeral numeral = {.negative = text[0] == '-'};
    text += numeral.negative ? 1 : 0;
    numeral.whole = text;
    numeral.whole_size = digits_at(text);
    text += numeral.whole_size;
    if (text[0] == '.') {
        numeral.fraction = text + 1;
        numeral.fraction_size = digits_at(text + 1);
        text += 1 + numeral.fraction_size;
    }
    numeral.unit = text + strspn(text, " ");
    numeral.unit = numeral.unit[0] != '\0' ? numeral.unit : text; /* blanks alone are refused */
    numeral.unit_size = strlen(numeral.unit);
    return numeral;
}

/* False on overflow. */
static bool scale_numeral(const struct numeral *numeral, int64_t scale, int64_t *value)
{
    uint64_t magnitude = 0;
    uint64_t unit = (uint64_t)scale;
    for (size_t i = 0; i < numeral->whole_size; i++) {
        uint64_t digit = (uint64_t)(numeral->whole[i] - '0');
        if (__builtin_mul_overflow(magnitude, UINT64_C(10), &magnitude) ||
            __builtin_add_overflow(magnitude, digit, &magnitude)) {
            return false;
        }
    }
    if (__builtin_mul_overflow(magnitude, unit, &magnitude)) {
        return false;
    }
    for (size_t i = 0; i < numeral->fraction_size; i++) {
        unit /= 10;
        if (__builtin_add_overflow(magnitude, (uint64_t)(numeral->fraction[i] - '0') * unit,
                                   &magnitude)) {
            return false;
        }
    }
    if (magnitude > (uint64_t)INT64_MAX + (numeral->negative ? 1 : 0)) {
        return false;
    }
    *value = (int64_t)(numeral->negative ? 0 - magnitude : magnitude);
    return true;
}

/* What is wrong with a unit that the table does not have; NULL: nothing better to say than the
 * notation's shape. */
static const char *unit_fault(const struct config_field *field, const struct numeral *numeral)
{
    static const char *const decimal_sizes[] = {"k",  "K",  "M",  "G",  "T",  "kB",
                                                "KB", "MB", "GB", "TB", "kb", "B"};
    if (field->type == CONFIG_DURATION && numeral->unit_size == 0) {
        return "needs a unit: ms, s, m, h or d";
    }
    for (size_t i = 0; i < sizeof decimal_sizes / sizeof decimal_sizes[0]; i++) {
        if (field->type == CONFIG_SIZE && strcmp(numeral->unit, decimal_sizes[i]) == 0) {
            return "units are KiB, MiB, GiB and TiB (of 1,024 each); bytes have none";
        }
    }
    if (field->type == CONFIG_DECIMAL && numeral->unit[0] == ',') {
        return "decimals follow a point, not a comma";
    }
    return NULL;
}

static const char *numeral_fault(const struct config_field *field, const struct numeral *numeral)
{
    bool decimal = field->type == CONFIG_DECIMAL;
    if (numeral->whole_size == 0) {
        return notations[field->type].shape;
    }
    if (numeral->whole_size > 1 && numeral->whole[0] == '0') {
        return "must not begin with a zero";
    }
    if (numeral->fraction != NULL && !decimal) {
        return field->type == CONFIG_INTEGER ? notations[field->type].shape
                                             : "must be a whole number: write it in a smaller unit";
    }
    if (numeral->fraction != NULL && numeral->fraction_size == 0) {
        return notations[field->type].shape;
    }
    if (numeral->fraction_size > DECIMALS_MAX) {
        return "has more than six decimals";
    }
    return NULL;
}

static char *out_of_range(const struct config_field *field)
{
    char *range = config_scalar_range(field);
    char *reason = range != NULL ? xasprintf("must be %s", range) : xstrdup("is too large");
    free(range);
    return reason;
}

static char *read_number(const struct config_field *field, const char *text, int64_t *value)
{
    const struct notation *notation = notation_of(field);
    struct numeral numeral = split_numeral(text);
    const char *fault = numeral_fault(field, &numeral);
    const struct unit *unit = notation->units;
    while (unit->name != NULL && strcmp(unit->name, numeral.unit) != 0) {
        unit++;
    }
    if (fault == NULL && unit->name == NULL) {
        fault = unit_fault(field, &numeral);
        fault = fault != NULL ? fault : notation->shape;
    }
    if (fault != NULL) {
        return xstrdup(fault);
    }
    if (!scale_numeral(&numeral, unit->scale, value) || *value < lower_bound(field, notation) ||
        *value > upper_bound(field)) {
        return out_of_range(field);
    }
    return NULL;
}

/* Reading words and texts */

static char *read_bool(const char *text, bool *value)
{
    if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0) {
        return xstrdup("must be true or false");
    }
    *value = text[0] == 't';
    return NULL;
}

static char *read_choice(const struct config_field *field, const char *text, int *value)
{
    size_t count = 0;
    for (const struct config_choice *choice = field->choices; choice->name != NULL; choice++) {
        if (strcmp(choice->name, text) == 0) {
            *value = choice->value;
            return NULL;
        }
        count++;
    }
    for (const struct config_choice *alias = field->aliases; alias != NULL && alias->name != NULL;
         alias++) {
        if (strcasecmp(alias->name, text) == 0) {
            *value = alias->value;
            return NULL;
        }
    }
    const char **names = xcalloc(count + 1, sizeof *names);
    for (size_t i = 0; i < count; i++) {
        names[i] = field->choices[i].name;
    }
    const char *nearest = config_nearest(text, names, count);
    char *all = config_join(names, count);
    char *reason = nearest == NULL
                       ? xasprintf("must be one of %s", all)
                       : xasprintf("must be one of %s; did you mean \"%s\"?", all, nearest);
    free(all);
    free(names);
    return reason;
}

static char *read_string(const struct config_field *field, const char *text, size_t size,
                         char **value)
{
    size_t min = 1;
    size_t max = CONFIG_STRING_MAX_BYTES;
    if (field->type == CONFIG_STRING) { /* a list's bounds are of its count */
        config_count_bounds(field, &min, &max);
    }
    for (size_t i = 0; i < size;) {
        uint32_t code = 0;
        size_t taken = config_utf8_next(text + i, size - i, &code);
        if (taken == 0) {
            return xstrdup("is not UTF-8");
        }
        if (config_is_control(code)) {
            return xasprintf("holds a control character (U+%04X)", code);
        }
        i += taken;
    }
    if (size == 0 && min > 0) {
        return xstrdup("must not be empty");
    }
    if (size < min || size > max) {
        return xasprintf("must be %zu to %zu bytes long, is %zu", min, max, size);
    }
    if (field->secret && strcmp(text, config_hidden) == 0) {
        return xasprintf("%s stands for a secret that is not shown: it is none itself", text);
    }
    *value = xstrndup(text, size);
    return NULL;
}

char *config_scalar_read(const struct config_field *field, const char *text, size_t size, void *at)
{
    char own_reason[REASON_SIZE] = "";
    char *reason = NULL;
    char *string = NULL;
    bool is_string = field->type == CONFIG_STRING || field->type == CONFIG_STRING_LIST;
    if (is_string) {
        reason = read_string(field, text, size, &string);
    } else if (field->type == CONFIG_BOOL) {
        reason = read_bool(text, at);
    } else if (field->type == CONFIG_CHOICE) {
        reason = read_choice(field, text, at);
    } else {
        reason = read_number(field, text, at);
    }
    if (reason == NULL && strlen(text) != size) {
        reason = xstrdup("holds a control character (U+0000)");
    }
    if (reason == NULL && field->check != NULL &&
        field->check(text, own_reason, sizeof own_reason) != 0) {
        own_reason[sizeof own_reason - 1] = '\0';
        reason = xstrdup(own_reason[0] != '\0' ? own_reason : "is refused");
    }
    if (is_string && reason != NULL) {
        config_scalar_free(field, string);
    } else if (is_string) {
        memcpy(at, &string, sizeof string);
    }
    return reason;
}
