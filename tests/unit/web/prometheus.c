/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "prometheus.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SEEN_MAX = 512, LINE_MAX_BYTES = 1024 };

struct reader {
    char family[256];
    int expect; /* 0: HELP or a sample, 1: TYPE, 2: the first sample */
    size_t n_families;
    char families[SEEN_MAX][256];
    size_t n_samples;
    char samples[SEEN_MAX][512]; /* with their labels */
};

static size_t name_size(const char *text)
{
    size_t size = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_:0123456789");
    return text[0] >= '0' && text[0] <= '9' ? 0 : size;
}

static bool read_help(struct reader *reader, const char *line)
{
    size_t size = name_size(line);
    if (reader->expect != 0 || size == 0 || size >= sizeof reader->family || line[size] != ' ' ||
        reader->n_families == SEEN_MAX) {
        return false;
    }
    memcpy(reader->family, line, size);
    reader->family[size] = '\0';
    for (size_t i = 0; i < reader->n_families; i++) {
        if (strcmp(reader->families[i], reader->family) == 0) {
            return false;
        }
    }
    memcpy(reader->families[reader->n_families++], reader->family, size + 1);
    for (const char *c = line; *c != '\0'; c++) {
        if (*c == '\\' && c[1] != '\\' && c[1] != 'n') {
            return false;
        }
        c += *c == '\\';
    }
    reader->expect = 1;
    return true;
}

static bool read_type(struct reader *reader, const char *line)
{
    size_t size = strlen(reader->family);
    bool good = reader->expect == 1 && strncmp(line, reader->family, size) == 0 &&
                (strcmp(line + size, " counter") == 0 || strcmp(line + size, " gauge") == 0);
    reader->expect = 2;
    return good;
}

/* Behind {key="value"}; NULL: wrong. */
static const char *skip_labels(const char *at)
{
    size_t size = name_size(at + 1);
    at += 1 + size;
    if (size == 0 || strncmp(at, "=\"", 2) != 0) {
        return NULL;
    }
    for (at += 2; *at != '"'; at++) {
        if (*at == '\0' || (*at == '\\' && strchr("\\\"n", at[1]) == NULL)) {
            return NULL;
        }
        at += *at == '\\';
    }
    return at[1] == '}' ? at + 2 : NULL;
}

static bool read_sample(struct reader *reader, const char *line)
{
    size_t size = name_size(line);
    const char *end = line + size;
    if (reader->expect == 1 || size == 0 || strlen(reader->family) != size ||
        strncmp(line, reader->family, size) != 0 || reader->n_samples == SEEN_MAX) {
        return false;
    }
    end = *end == '{' ? skip_labels(end) : end;
    if (end == NULL || *end != ' ') {
        return false;
    }
    char *sample = reader->samples[reader->n_samples];
    (void)snprintf(sample, sizeof reader->samples[0], "%.*s", (int)(end - line), line);
    for (size_t i = 0; i < reader->n_samples; i++) {
        if (strcmp(reader->samples[i], sample) == 0) {
            return false;
        }
    }
    reader->n_samples++;
    reader->expect = 0;
    char *number_end = NULL;
    (void)strtod(end + 1, &number_end); /* only its end is of interest */
    return number_end != end + 1 && *number_end == '\0';
}

int prometheus_check(const char *text)
{
    struct reader *reader = calloc(1, sizeof *reader);
    bool good = reader != NULL;
    while (good && *text != '\0') {
        char line[LINE_MAX_BYTES];
        size_t size = strcspn(text, "\n");
        good = text[size] == '\n' && size < sizeof line;
        if (!good) {
            break;
        }
        memcpy(line, text, size);
        line[size] = '\0';
        good = strncmp(line, "# HELP ", 7) == 0   ? read_help(reader, line + 7)
               : strncmp(line, "# TYPE ", 7) == 0 ? read_type(reader, line + 7)
                                                  : read_sample(reader, line);
        text += size + 1;
    }
    int n = good && reader->expect == 0 ? (int)reader->n_samples : -1;
    free(reader);
    return n;
}
