/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "seglog_files.h"

#include "common/xalloc.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_DIGITS = 16 };

static const struct {
    const char *folder;
    const char *suffix;
} kinds[] = {
    [SEGLOG_LOG] = {"", ".log"},
    [SEGLOG_NEW] = {"", ".new"},
    [SEGLOG_TAIL] = {"quarantine/", ".log"},
    [SEGLOG_WHOLE] = {"quarantine/", ".whole"},
};

char *seglog_path(const char *directory, enum seglog_file file, uint64_t number)
{
    return xasprintf("%s/%s%016" PRIx64 "%s", directory, kinds[file].folder, number,
                     kinds[file].suffix);
}

/* Only names that seglog_path writes: any other file is not ours. */
static bool parse_name(const char *name, const char *suffix, uint64_t *number)
{
    *number = 0;
    for (int i = 0; i < NUMBER_DIGITS; i++) {
        unsigned digit;
        if (name[i] >= '0' && name[i] <= '9') {
            digit = (unsigned)(name[i] - '0');
        } else if (name[i] >= 'a' && name[i] <= 'f') {
            digit = (unsigned)(name[i] - 'a') + 10;
        } else {
            return false;
        }
        *number = *number << 4 | digit;
    }
    return strcmp(name + NUMBER_DIGITS, suffix) == 0;
}

static int compare_numbers(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left;
    uint64_t b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

int seglog_list(const char *directory, enum seglog_file file, uint64_t **numbers, size_t *count)
{
    *numbers = NULL;
    *count = 0;
    DIR *folder = opendir(directory);
    if (folder == NULL) {
        return -errno;
    }
    size_t capacity = 0;
    int error = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (entry == NULL) {
            error = -errno;
            break;
        }
        uint64_t number;
        /* 0 and the last number stand for "before" and "after" all segments; neither is made. */
        if (!parse_name(entry->d_name, kinds[file].suffix, &number) || number == 0 ||
            number == UINT64_MAX) {
            continue;
        }
        if (*count == capacity) {
            capacity = capacity > 0 ? capacity * 2 : 16;
            *numbers = xreallocarray(*numbers, capacity, sizeof **numbers);
        }
        (*numbers)[(*count)++] = number;
    }
    (void)closedir(folder); /* only read */
    if (error != 0) {
        free(*numbers);
        *numbers = NULL;
        *count = 0;
        return error;
    }
    if (*count > 0) {
        qsort(*numbers, *count, sizeof **numbers, compare_numbers);
    }
    return 0;
}
