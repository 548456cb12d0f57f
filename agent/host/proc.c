/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "proc.h"

#include <errno.h>
#include <string.h>

enum {
    MODES_AT_LEAST = 8,      /* guest time came with 2.6.24, that of nice ones with 2.6.33 */
    CPU_NUMBER_MAX = 100000, /* NR_CPUS is at most 8,192 */
    AVERAGES = 3,
};

static bool parse_cpu(struct proc_text line, struct proc_cpu *cpu)
{
    struct proc_text word = words_next(&line);
    uint64_t number;
    if (word.end - word.at < 3 || memcmp(word.at, "cpu", 3) != 0) {
        return false;
    }
    word.at += 3;
    cpu->number = -1;
    if (word.at != word.end) {
        if (!words_number(word, &number) || number > CPU_NUMBER_MAX) {
            return false;
        }
        cpu->number = (int32_t)number;
    }
    cpu->missing = 0;
    for (size_t i = 0; i < PROC_CPU_MODES; i++) {
        if (!words_next_number(&line, &cpu->ticks[i])) {
            if (i < MODES_AT_LEAST) {
                return false;
            }
            cpu->ticks[i] = 0;
            cpu->missing |= UINT64_C(1) << i;
        }
    }
    return true;
}

bool proc_next_cpu(struct proc_text *text, struct proc_cpu *cpu)
{
    struct proc_text line;
    while (words_next_line(text, &line)) {
        if (parse_cpu(line, cpu)) {
            return true;
        }
    }
    return false;
}

int proc_parse_load(const char *text, size_t size, double loads[PROC_LOADS], uint64_t *threads)
{
    struct proc_text line = {text, text + size};
    for (size_t i = 0; i < PROC_LOADS; i++) {
        if (!words_next_decimal(&line, &loads[i])) {
            return -EBADMSG;
        }
    }
    struct proc_text word = words_next(&line); /* "runnable/all" */
    const char *slash =
        word.at == word.end ? NULL : memchr(word.at, '/', (size_t)(word.end - word.at));
    if (slash == NULL || !words_number((struct proc_text){slash + 1, word.end}, threads)) {
        *threads = UINT64_MAX;
    }
    return 0;
}

int proc_parse_uptime(const char *text, size_t size, double *seconds)
{
    struct proc_text line = {text, text + size};
    return words_next_decimal(&line, seconds) ? 0 : -EBADMSG;
}

/* "avg10=51.05 avg60=39.46 avg300=25.78 total=9017955058" */
static void parse_stalls(struct proc_text line, double *values, uint64_t *missing, size_t first)
{
    static const char *const keys[] = {"avg10=", "avg60=", "avg300=", "total="};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        struct proc_text word = words_next(&line);
        size_t size = strlen(keys[i]);
        double value;
        if ((size_t)(word.end - word.at) <= size || memcmp(word.at, keys[i], size) != 0) {
            return;
        }
        word.at += size;
        if (words_decimal(word, &value)) {
            values[first + i] = i < AVERAGES ? value / 100 : value;
            *missing &= ~(UINT64_C(1) << (first + i));
        }
    }
}

int proc_parse_pressure(const char *text, size_t size, double values[PROC_PRESSURES],
                        uint64_t *missing)
{
    static const uint64_t all = (UINT64_C(1) << PROC_PRESSURES) - 1;
    struct proc_text rest = {text, text + size};
    struct proc_text line;
    *missing = all;
    memset(values, 0, PROC_PRESSURES * sizeof values[0]);
    while (words_next_line(&rest, &line)) {
        struct proc_text kind = words_next(&line);
        if (words_equal(kind, "some")) {
            parse_stalls(line, values, missing, 0);
        } else if (words_equal(kind, "full")) {
            parse_stalls(line, values, missing, AVERAGES + 1);
        }
    }
    return *missing == all ? -EBADMSG : 0;
}

size_t proc_parse_numbers(const char *text, size_t size, uint64_t *numbers, size_t n)
{
    struct proc_text rest = {text, text + size};
    struct proc_text line;
    size_t found = 0;
    if (words_next_line(&rest, &line)) {
        while (found < n && words_next_number(&line, &numbers[found])) {
            found++;
        }
    }
    return found;
}

/* The fields of stat after the name, from the third of proc(5) on. */
static bool parse_process_fields(struct proc_text line, struct proc_process *process)
{
    enum { STATE = 3, USER = 14, SYSTEM, THREADS = 20, START = 22, RSS = 24 };
    uint64_t user = 0;
    uint64_t system = 0;
    bool good = true;
    for (int field = STATE; field <= RSS && good; field++) {
        struct proc_text word = words_next(&line);
        switch (field) {
        case USER:
            good = words_number(word, &user);
            break;
        case SYSTEM:
            good = words_number(word, &system);
            break;
        case THREADS:
            good = words_number(word, &process->threads);
            break;
        case START:
            good = words_number(word, &process->start_ticks);
            break;
        case RSS:
            good = words_number(word, &process->rss_pages);
            break;
        default:
            good = word.at != word.end; /* some are negative */
        }
    }
    return good && !__builtin_add_overflow(user, system, &process->cpu_ticks);
}

int proc_parse_process(const char *text, size_t size, struct proc_process *process)
{
    const char *open = size == 0 ? NULL : memchr(text, '(', size);
    /* A name may hold blanks, brackets and newlines: it ends at the last one. */
    const char *close = open == NULL ? NULL : memrchr(open, ')', (size_t)(text + size - open));
    if (close == NULL) {
        return -EBADMSG;
    }
    size_t length = (size_t)(close - open - 1);
    length = length < sizeof process->name ? length : sizeof process->name - 1;
    if (length == 0 || memchr(open + 1, '\0', length) != NULL) {
        return -EBADMSG;
    }
    memcpy(process->name, open + 1, length);
    process->name[length] = '\0';
    struct proc_text rest = {close + 1, text + size};
    struct proc_text line;
    return words_next_line(&rest, &line) && parse_process_fields(line, process) ? 0 : -EBADMSG;
}
