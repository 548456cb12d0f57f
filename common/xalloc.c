/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/xalloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Says where without allocating: stdio may want memory for its first buffer. */
static void die(const char *function, const void *caller, size_t count, size_t size)
{
    char line[160];
    int n = snprintf(line, sizeof line, "out of memory: %s of %zu * %zu bytes, called from %p\n",
                     function, count, size, caller);
    if (n > 0 && (size_t)n < sizeof line) {
        (void)!write(STDERR_FILENO, line, (size_t)n); /* abort follows: no one to tell */
    }
    abort();
}

#define DIE(count, size) die(__func__, __builtin_return_address(0), count, size)

/* NULL from malloc(0) would read as a failure. */
static size_t at_least_one(size_t size)
{
    return size > 0 ? size : 1;
}

void *xmalloc(size_t size)
{
    void *memory = malloc(at_least_one(size));
    if (memory == NULL) {
        DIE(1, size);
    }
    return memory;
}

void *xcalloc(size_t count, size_t size)
{
    void *memory = calloc(at_least_one(count), at_least_one(size));
    if (memory == NULL) {
        DIE(count, size);
    }
    return memory;
}

void *xrealloc(void *old, size_t size)
{
    void *memory = realloc(old, at_least_one(size));
    if (memory == NULL) {
        DIE(1, size);
    }
    return memory;
}

void *xreallocarray(void *old, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) {
        DIE(count, size);
    }
    void *memory = realloc(old, at_least_one(total));
    if (memory == NULL) {
        DIE(count, size);
    }
    return memory;
}

char *xstrdup(const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL) {
        DIE(1, strlen(text));
    }
    return copy;
}

char *xstrndup(const char *text, size_t size_max)
{
    char *copy = strndup(text, size_max);
    if (copy == NULL) {
        DIE(1, size_max);
    }
    return copy;
}

void *xmemdup(const void *bytes, size_t size)
{
    void *copy = malloc(at_least_one(size));
    if (copy == NULL) {
        DIE(1, size);
    }
    if (size > 0) {
        memcpy(copy, bytes, size); /* `bytes` may be NULL when there are none */
    }
    return copy;
}

char *xasprintf(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int n = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (n < 0) {
        DIE(1, 0);
    }
    return text;
}
