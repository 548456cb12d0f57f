/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "dead_letter.h"

#include "common/durable.h"
#include "common/xalloc.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX ".batch"

enum { LETTER_MODE = 0640 };

struct letter {
    char *name; /* of the file */
    uint64_t size;
    struct timespec time;
};

struct dead_letters {
    char *directory;
    size_t files_max;
    uint64_t bytes_max;
    size_t count;
    struct letter *letters; /* oldest first */
    uint64_t bytes;
    uint64_t dropped;
};

static char *letter_path(const struct dead_letters *letters, const char *name)
{
    return xasprintf("%s/%s", letters->directory, name);
}

static void push(struct dead_letters *letters, char *name, uint64_t size, struct timespec time)
{
    letters->letters =
        xreallocarray(letters->letters, letters->count + 1, sizeof *letters->letters);
    letters->letters[letters->count++] = (struct letter){name, size, time};
    letters->bytes += size;
}

static void forget(struct dead_letters *letters, size_t i)
{
    letters->bytes -= letters->letters[i].size;
    free(letters->letters[i].name);
    letters->count--;
    memmove(letters->letters + i, letters->letters + i + 1,
            (letters->count - i) * sizeof *letters->letters);
}

static int drop_oldest(struct dead_letters *letters)
{
    char *path = letter_path(letters, letters->letters[0].name);
    int rc = unlink(path) == 0 || errno == ENOENT ? 0 : -errno;
    free(path);
    if (rc == 0) {
        forget(letters, 0);
        letters->dropped++;
    }
    return rc;
}

/* --- what is there already --- */

static void count_file(struct dead_letters *letters, const char *name)
{
    struct stat status;
    size_t length = strlen(name);
    size_t suffix = sizeof SUFFIX - 1;
    if (length <= suffix || strcmp(name + length - suffix, SUFFIX) != 0) {
        return;
    }
    char *path = letter_path(letters, name);
    if (lstat(path, &status) == 0 && S_ISREG(status.st_mode)) {
        push(letters, xstrdup(name), (uint64_t)status.st_size, status.st_mtim);
    }
    free(path);
}

static int by_time(const void *left, const void *right)
{
    const struct letter *a = left;
    const struct letter *b = right;
    if (a->time.tv_sec != b->time.tv_sec) {
        return a->time.tv_sec < b->time.tv_sec ? -1 : 1;
    }
    return (a->time.tv_nsec > b->time.tv_nsec) - (a->time.tv_nsec < b->time.tv_nsec);
}

static int scan(struct dead_letters *letters)
{
    DIR *folder = opendir(letters->directory);
    if (folder == NULL) {
        return -errno;
    }
    for (const struct dirent *item = readdir(folder); item != NULL; item = readdir(folder)) {
        count_file(letters, item->d_name);
    }
    (void)closedir(folder); /* read-only */
    if (letters->count > 0) {
        qsort(letters->letters, letters->count, sizeof *letters->letters, by_time);
    }
    return 0;
}

int dead_letter_open(struct dead_letters **out, const char *directory, size_t files_max,
                     uint64_t bytes_max)
{
    struct dead_letters *letters = xcalloc(1, sizeof *letters);
    letters->directory = xstrdup(directory);
    letters->files_max = files_max;
    letters->bytes_max = bytes_max;
    int rc = durable_make_folder(directory);
    if (rc == 0) {
        rc = scan(letters);
    }
    if (rc != 0) {
        dead_letter_close(letters);
        return rc;
    }
    *out = letters;
    return 0;
}

/* --- saving --- */

int dead_letter_save(struct dead_letters *letters, const char *name, const uint8_t *bytes,
                     size_t size)
{
    if (size > letters->bytes_max) {
        return -EFBIG;
    }
    char *file = xasprintf("%s" SUFFIX, name);
    for (size_t i = letters->count; i-- > 0;) {
        if (strcmp(letters->letters[i].name, file) == 0) {
            forget(letters, i);
        }
    }
    int rc = 0;
    while (rc == 0 && (letters->count >= letters->files_max ||
                       (letters->count > 0 && letters->bytes + size > letters->bytes_max))) {
        rc = drop_oldest(letters);
    }
    char *path = letter_path(letters, file);
    if (rc == 0) {
        rc = durable_replace(path, bytes, size, LETTER_MODE);
    }
    if (rc == 0) {
        push(letters, file, size, (struct timespec){0});
        file = NULL; /* the list's now */
    } else {
        count_file(letters, file); /* an older letter of the name may still be there */
    }
    free(path);
    free(file);
    return rc;
}

size_t dead_letter_count(const struct dead_letters *letters)
{
    return letters->count;
}

uint64_t dead_letter_bytes(const struct dead_letters *letters)
{
    return letters->bytes;
}

uint64_t dead_letter_dropped(const struct dead_letters *letters)
{
    return letters->dropped;
}

void dead_letter_close(struct dead_letters *letters)
{
    if (letters == NULL) {
        return;
    }
    for (size_t i = 0; i < letters->count; i++) {
        free(letters->letters[i].name);
    }
    free(letters->letters);
    free(letters->directory);
    free(letters);
}
