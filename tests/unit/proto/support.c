/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support.h"

#include "common/xalloc.h"
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

/* --- numbers: xorshift64* --- */

struct dice dice_new(void)
{
    const char *given = getenv("TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    print_message("TEST_SEED=%llu\n", (unsigned long long)seed);
    return (struct dice){seed * UINT64_C(0x9e3779b97f4a7c15) | 1};
}

uint64_t dice_any(struct dice *dice)
{
    uint64_t x = dice->state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    dice->state = x;
    return x * UINT64_C(0x2545f4914f6cdd1d);
}

uint64_t dice_below(struct dice *dice, uint64_t n)
{
    return (dice_any(dice) >> 11) % n;
}

uint64_t dice_wild(struct dice *dice)
{
    switch (dice_below(dice, 4)) {
    case 0:
        return dice_below(dice, 300);
    case 1:
        return UINT64_MAX - dice_below(dice, 3);
    default:
        return dice_any(dice) >> dice_below(dice, 64);
    }
}

/* --- things --- */

char *random_text(struct dice *dice, size_t size_min, size_t size_max)
{
    static const char *const characters[] = {"a", "Z", "7", "-",  "/", " ",
                                             "é", "ß", "—", "報", "🔔"};
    size_t size = size_min + dice_below(dice, size_max - size_min);
    char *text = xcalloc(1, size + 1);
    for (size_t used = 0; used < size;) {
        const char *next = characters[dice_below(dice, sizeof characters / sizeof characters[0])];
        size_t length = strlen(next);
        if (used + length <= size) {
            memcpy(text + used, next, length);
            used += length;
        }
    }
    return text;
}

struct wall random_time(struct dice *dice)
{
    const int64_t end = INT64_C(253402300800000);
    switch (dice_below(dice, 8)) {
    case 0:
        return (struct wall){0};
    case 1:
        return (struct wall){end - 1};
    case 2:
        return (struct wall){(int64_t)dice_below(dice, (uint64_t)end)};
    default:
        return (struct wall){INT64_C(1790000000000) + (int64_t)dice_below(dice, 600000)};
    }
}

struct object *random_object(struct dice *dice, uint32_t number)
{
    struct object *object = xcalloc(1, sizeof *object);
    size_t n_metrics = dice_below(dice, 4) == 0 ? PROTO_METRICS_MAX : dice_below(dice, 6);
    size_t n_labels = dice_below(dice, 8) == 0 ? PROTO_LABELS_MAX : dice_below(dice, 4);
    struct metric *metrics = xcalloc(n_metrics + 1, sizeof *metrics);
    struct label *labels = xcalloc(n_labels + 1, sizeof *labels);
    for (size_t i = 0; i < n_metrics; i++) {
        metrics[i].name = xasprintf("m%zu_%0*d", i, (int)dice_below(dice, 15) + 1, 0);
        metrics[i].unit = random_text(dice, 1, 12);
        metrics[i].type = dice_below(dice, 2) == 0 ? METRIC_COUNTER : METRIC_GAUGE;
    }
    for (size_t i = 0; i < n_labels; i++) {
        char *rest = random_text(dice, 0, 8);
        labels[i].key = xasprintf("%zu:%s", i, rest);
        labels[i].value = random_text(dice, 0, i == 0 ? PROTO_LABEL_MAX + 1 : 8);
        free(rest);
    }
    *object = (struct object){
        .number = number,
        .device = random_text(dice, 1, PROTO_NAME_MAX + 1),
        .kind = random_text(dice, 1, 9),
        .name = random_text(dice, 1, PROTO_NAME_MAX + 1),
        .interval_ms = PROTO_INTERVAL_MIN_MS +
                       (int64_t)dice_below(dice, PROTO_INTERVAL_MAX_MS - PROTO_INTERVAL_MIN_MS + 1),
        .metrics = metrics,
        .n_metrics = n_metrics,
        .labels = labels,
        .n_labels = n_labels,
    };
    return object;
}

void object_free(struct object *object)
{
    for (size_t i = 0; i < object->n_metrics; i++) {
        free((void *)object->metrics[i].name);
        free((void *)object->metrics[i].unit);
    }
    for (size_t i = 0; i < object->n_labels; i++) {
        free((void *)object->labels[i].key);
        free((void *)object->labels[i].value);
    }
    free((void *)object->metrics);
    free((void *)object->labels);
    free((void *)object->device);
    free((void *)object->kind);
    free((void *)object->name);
    free(object);
}

struct row random_row(struct dice *dice, const struct object *object, struct wall time,
                      union value values[PROTO_METRICS_MAX])
{
    uint64_t bits = object->n_metrics == PROTO_METRICS_MAX ? UINT64_MAX
                                                           : (UINT64_C(1) << object->n_metrics) - 1;
    for (size_t i = 0; i < object->n_metrics; i++) {
        if (object->metrics[i].type == METRIC_COUNTER) {
            values[i].counter = dice_wild(dice);
        } else {
            values[i].gauge = (double)(int64_t)dice_wild(dice) / 1024;
        }
    }
    return (struct row){
        .object = object->number,
        .time = time,
        .status = (enum row_status)(ROW_OK + dice_below(dice, 4)),
        .unknown_mask = dice_below(dice, 2) == 0 ? 0 : dice_any(dice) & bits,
        .discontinuity_mask = dice_below(dice, 4) != 0 ? 0 : dice_any(dice) & bits,
        .values = values,
    };
}

/* --- wire --- */

static void put(struct bytes *bytes, const void *from, size_t size)
{
    if (bytes->size + size > bytes->room) {
        bytes->room = 2 * (bytes->size + size) + 64;
        bytes->at = xrealloc(bytes->at, bytes->room);
    }
    if (size > 0) {
        memcpy(bytes->at + bytes->size, from, size);
    }
    bytes->size += size;
}

void put_varint(struct bytes *bytes, uint64_t value)
{
    do {
        uint8_t byte = (uint8_t)((value & 0x7f) | (value >= 0x80 ? 0x80 : 0));
        put(bytes, &byte, 1);
        value >>= 7;
    } while (value != 0);
}

void put_number(struct bytes *bytes, uint32_t field, uint64_t value)
{
    put_varint(bytes, field << 3);
    put_varint(bytes, value);
}

void put_signed(struct bytes *bytes, uint32_t field, int64_t value)
{
    put_number(bytes, field, (uint64_t)value << 1 ^ (value < 0 ? UINT64_MAX : 0));
}

void put_bytes(struct bytes *bytes, uint32_t field, const void *from, size_t size)
{
    put_varint(bytes, field << 3 | 2);
    put_varint(bytes, size);
    put(bytes, from, size);
}

void put_text(struct bytes *bytes, uint32_t field, const char *text)
{
    put_bytes(bytes, field, text, strlen(text));
}

void put_message(struct bytes *bytes, uint32_t field, struct bytes *inner)
{
    put_bytes(bytes, field, inner->at, inner->size);
    bytes_free(inner);
}

void bytes_free(struct bytes *bytes)
{
    free(bytes->at);
    *bytes = (struct bytes){0};
}

/* --- folders --- */

char *folder_make(void)
{
    char *folder = xstrdup("/tmp/beffroi-proto-XXXXXX");
    assert_non_null(mkdtemp(folder));
    return folder;
}

void folder_remove(char *folder)
{
    DIR *entries = opendir(folder);
    assert_non_null(entries);
    for (const struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        char *path = xasprintf("%s/%s", folder, entry->d_name);
        (void)unlink(path); /* . and .. refuse */
        free(path);
    }
    closedir(entries);
    assert_int_equal(rmdir(folder), 0);
    free(folder);
}
