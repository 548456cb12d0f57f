/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Disks and what is mounted. */
#include "proc.h"

#include <string.h>

enum { SECTOR_SIZE = 512 }; /* of /proc/diskstats, whatever the disk's is */

/* Where each value stands, in Documentation/admin-guide/iostats.rst's order from 0. */
static const struct {
    uint8_t field;
    bool sectors;
} places[PROC_DISK_VALUES] = {
    [DISK_READS] = {0, false},         [DISK_READ_BYTES] = {2, true},
    [DISK_WRITES] = {4, false},        [DISK_WRITE_BYTES] = {6, true},
    [DISK_IO_MS] = {9, false},         [DISK_WEIGHTED_MS] = {10, false},
    [DISK_READ_MS] = {3, false},       [DISK_WRITE_MS] = {7, false},
    [DISK_READS_MERGED] = {1, false},  [DISK_WRITES_MERGED] = {5, false},
    [DISK_QUEUE] = {8, false},         [DISK_DISCARDS] = {11, false},
    [DISK_DISCARD_BYTES] = {13, true}, [DISK_FLUSHES] = {15, false},
};
enum { FIELDS_AT_LEAST = 11, FIELDS = 16 };

static bool parse_disk(struct proc_text line, struct proc_disk *disk)
{
    uint64_t fields[FIELDS];
    uint64_t number;
    size_t n = 0;
    if (!words_next_number(&line, &number) || !words_next_number(&line, &number)) {
        return false;
    }
    struct proc_text name = words_next(&line);
    size_t size = (size_t)(name.end - name.at);
    if (size == 0 || size >= sizeof disk->name || memchr(name.at, '\0', size) != NULL) {
        return false;
    }
    while (n < FIELDS && words_next_number(&line, &fields[n])) {
        n++;
    }
    if (n < FIELDS_AT_LEAST) {
        return false;
    }
    disk->missing = 0;
    for (size_t i = 0; i < PROC_DISK_VALUES; i++) {
        disk->values[i] = places[i].field < n ? fields[places[i].field] : 0;
        if (places[i].field >= n) {
            disk->missing |= UINT64_C(1) << i;
        } else if (places[i].sectors &&
                   __builtin_mul_overflow(disk->values[i], UINT64_C(1) * SECTOR_SIZE,
                                          &disk->values[i])) {
            return false;
        }
    }
    memcpy(disk->name, name.at, size);
    disk->name[size] = '\0';
    return true;
}

bool proc_next_disk(struct proc_text *text, struct proc_disk *disk)
{
    struct proc_text line;
    while (words_next_line(text, &line)) {
        if (parse_disk(line, disk)) {
            return true;
        }
    }
    return false;
}

static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

/* Blank, tab, newline, backslash and # stand as \ooo (fs/proc_namespace.c, mangle). */
static bool unescape(struct proc_text word, char *text, size_t text_size)
{
    size_t n = 0;
    while (word.at != word.end) {
        if (n + 1 >= text_size) {
            return false;
        }
        if (*word.at == '\\' && word.end - word.at >= 4 && word.at[1] <= '3' &&
            is_octal(word.at[1]) && is_octal(word.at[2]) && is_octal(word.at[3])) {
            text[n++] =
                (char)((word.at[1] - '0') << 6 | (word.at[2] - '0') << 3 | (word.at[3] - '0'));
            word.at += 4;
        } else {
            text[n++] = *word.at++;
        }
    }
    text[n] = '\0';
    return n > 0 && strlen(text) == n;
}

static bool has_option(struct proc_text options, const char *wanted)
{
    while (options.at != options.end) {
        const char *comma = memchr(options.at, ',', (size_t)(options.end - options.at));
        const char *end = comma == NULL ? options.end : comma;
        if (words_equal((struct proc_text){options.at, end}, wanted)) {
            return true;
        }
        options.at = comma == NULL ? options.end : comma + 1;
    }
    return false;
}

bool proc_next_mount(struct proc_text *text, struct proc_mount *mount)
{
    struct proc_text line;
    while (words_next_line(text, &line)) {
        (void)words_next(&line); /* what is mounted */
        if (unescape(words_next(&line), mount->point, sizeof mount->point) &&
            unescape(words_next(&line), mount->type, sizeof mount->type)) {
            struct proc_text options = words_next(&line);
            /* ext4 says the second one since Linux 6.15, once it has met an error. */
            mount->read_only = has_option(options, "ro") || has_option(options, "emergency_ro");
            return true;
        }
    }
    return false;
}
