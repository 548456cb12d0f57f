/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config_internal.h"

#include "common/xalloc.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* "checks[2].url". As deep as the nesting that the YAML reader allows. */
static char *path_text(const struct config_path *path)
{
    if (path == NULL) {
        return xstrdup("");
    }
    char *up = path_text(path->up);
    char *text = NULL;
    if (path->key == NULL) {
        text = xasprintf("%s[%zu]", up, path->index);
    } else {
        /* A schema check may name "[2].url" relative to a list. */
        bool dot = up[0] != '\0' && path->key[0] != '[';
        text = xasprintf("%s%s%s", up, dot ? "." : "", path->key);
    }
    free(up);
    return text;
}

static void append(struct config_errors *errors, struct config_error error)
{
    errors->errors = xreallocarray(errors->errors, errors->count + 1, sizeof *errors->errors);
    errors->errors[errors->count++] = error;
}

void config_sink_add(struct config_error_sink *sink, int line, const struct config_path *path,
                     const char *value, size_t value_size, char *reason)
{
    sink->found++;
    if (sink->found > CONFIG_ERRORS_MAX) {
        free(reason);
        return;
    }
    append(sink->errors, (struct config_error){
                             .file = xstrdup(sink->file),
                             .line = line,
                             .key = path_text(path),
                             .value = config_show(value, value != NULL ? value_size : 0),
                             .reason = reason,
                         });
}

static char *format_reason(const char *format, va_list arguments)
    __attribute__((format(printf, 1, 0)));
static char *format_reason(const char *format, va_list arguments)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        abort(); /* only out of memory */
    }
    (void)vfprintf(out, format, arguments); /* to memory */
    (void)fclose(out);
    return text;
}

void config_errors_add(struct config_errors *errors, const char *file, int line, const char *key,
                       const char *value, const char *reason_format, ...)
{
    va_list arguments;
    va_start(arguments, reason_format);
    append(errors, (struct config_error){
                       .file = xstrdup(file),
                       .line = line,
                       .key = xstrdup(key),
                       .value = config_show(value, value != NULL ? strlen(value) : 0),
                       .reason = format_reason(reason_format, arguments),
                   });
    va_end(arguments);
}

void config_error_at(struct config_error_sink *sink, int line, const char *key, const char *value,
                     const char *reason_format, ...)
{
    va_list arguments;
    va_start(arguments, reason_format);
    char *text = format_reason(reason_format, arguments);
    va_end(arguments);
    struct config_path path = {.up = sink->path, .key = key};
    bool own = key == NULL || key[0] == '\0';
    config_sink_add(sink, line != 0 ? line : sink->line, own ? sink->path : &path, value,
                    value != NULL ? strlen(value) : 0, text);
}

void config_sink_finish(struct config_error_sink *sink)
{
    struct config_error *found = sink->errors->errors + sink->first;
    size_t count = sink->errors->count - sink->first;
    /* By insertion: stable, and errors come nearly sorted. */
    for (size_t i = 1; i < count; i++) {
        struct config_error error = found[i];
        size_t at = i;
        for (; at > 0 && found[at - 1].line > error.line; at--) {
            found[at] = found[at - 1];
        }
        found[at] = error;
    }
    if (sink->found > CONFIG_ERRORS_MAX) {
        append(sink->errors,
               (struct config_error){
                   .file = xstrdup(sink->file),
                   .key = xstrdup(""),
                   .value = xstrdup(""),
                   .reason = xasprintf("and %zu more", sink->found - CONFIG_ERRORS_MAX),
               });
    }
}

void config_errors_print(FILE *out, const struct config_errors *errors)
{
    for (size_t i = 0; i < errors->count; i++) {
        const struct config_error *error = &errors->errors[i];
        fprintf(out, "%s:", error->file);
        if (error->line > 0) {
            fprintf(out, "%d:", error->line);
        }
        if (error->key[0] != '\0') {
            fprintf(out, " %s:", error->key);
        }
        if (error->value[0] != '\0') {
            fprintf(out, " \"%s\":", error->value);
        }
        fprintf(out, " %s\n", error->reason);
    }
}

void config_errors_clear(struct config_errors *errors)
{
    for (size_t i = 0; i < errors->count; i++) {
        free(errors->errors[i].file);
        free(errors->errors[i].key);
        free(errors->errors[i].value);
        free(errors->errors[i].reason);
    }
    free(errors->errors);
    *errors = (struct config_errors){0};
}
