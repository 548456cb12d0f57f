/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rrd/names.h"

#include "proto/keys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
    SOURCE_MAX = RRD_NAME_SIZE - 1,
    HASHED_FRONT = 12, /* with "_" and six digits: 19 */
};

static bool is_vowel(char c)
{
    return c != '\0' && strchr("aeiou", c) != NULL;
}

/* Takes the vowels out of the `n` bytes of a word but the first; returns how many are left. */
static size_t squeeze_word(char *word, size_t n)
{
    size_t kept = n > 0 ? 1 : 0;
    for (size_t i = 1; i < n; i++) {
        if (!is_vowel(word[i])) {
            word[kept++] = word[i];
        }
    }
    return kept;
}

/* False: it does not fit without its vowels either. */
static bool shorten(const char *metric, char name[RRD_NAME_SIZE])
{
    char text[PROTO_METRIC_NAME_MAX + 1];
    size_t size = strlen(metric);
    size_t end = size; /* of the word in turn */
    memcpy(text, metric, size + 1);
    while (size > SOURCE_MAX && end > 0) {
        size_t begin = end;
        while (begin > 0 && text[begin - 1] != '_') {
            begin--;
        }
        size_t kept = squeeze_word(text + begin, end - begin);
        memmove(text + begin + kept, text + end, size - end + 1);
        size -= end - begin - kept;
        end = begin > 0 ? begin - 1 : 0;
    }
    if (size <= SOURCE_MAX) {
        memcpy(name, text, size + 1);
    }
    return size <= SOURCE_MAX;
}

static void hash_name(const char *metric, char name[RRD_NAME_SIZE])
{
    uint8_t hash[KEYS_HASH_SIZE];
    keys_hash(metric, strlen(metric), hash);
    (void)snprintf(name, RRD_NAME_SIZE, "%.*s_%02x%02x%02x", HASHED_FRONT, metric, hash[0], hash[1],
                   hash[2]); /* 19 bytes */
}

static bool is_metric_name(const char *name)
{
    size_t size = strlen(name);
    return size >= 1 && size <= PROTO_METRIC_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == size;
}

/* Has one of the first `n`, other than the i-th, the i-th's name? */
static bool is_taken(char names[PROTO_METRICS_MAX][RRD_NAME_SIZE], size_t n, size_t i)
{
    for (size_t k = 0; k < n; k++) {
        if (k != i && strcmp(names[k], names[i]) == 0) {
            return true;
        }
    }
    return false;
}

int rrd_names(const struct metric *metrics, size_t n_metrics,
              char names[PROTO_METRICS_MAX][RRD_NAME_SIZE])
{
    bool collides[PROTO_METRICS_MAX];
    if (n_metrics < 1 || n_metrics > PROTO_METRICS_MAX) {
        return -EINVAL;
    }
    for (size_t i = 0; i < n_metrics; i++) {
        if (!is_metric_name(metrics[i].name)) {
            return -EINVAL;
        }
        if (!shorten(metrics[i].name, names[i])) {
            hash_name(metrics[i].name, names[i]);
        }
    }
    /* First all are looked at, then changed: the order of the metrics says nothing. */
    for (size_t i = 0; i < n_metrics; i++) {
        collides[i] = strlen(metrics[i].name) > SOURCE_MAX && is_taken(names, n_metrics, i);
    }
    for (size_t i = 0; i < n_metrics; i++) {
        if (collides[i]) {
            hash_name(metrics[i].name, names[i]);
        }
    }
    for (size_t i = 0; i < n_metrics; i++) {
        if (is_taken(names, i, i)) {
            return -EINVAL;
        }
    }
    return 0;
}

size_t rrd_names_find(char names[PROTO_METRICS_MAX][RRD_NAME_SIZE], size_t n_names,
                      const char *metric)
{
    char wanted[2][RRD_NAME_SIZE] = {"", ""};
    if (!is_metric_name(metric)) {
        return n_names;
    }
    /* The hashed form is nobody else's, so it is asked for first. */
    if (strlen(metric) > SOURCE_MAX) {
        hash_name(metric, wanted[0]);
    }
    (void)shorten(metric, wanted[1]); /* else it is empty, as no data source is */
    for (size_t form = 0; form < 2; form++) {
        for (size_t i = 0; i < n_names; i++) {
            if (wanted[form][0] != '\0' && strcmp(names[i], wanted[form]) == 0) {
                return i;
            }
        }
    }
    return n_names;
}
