/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "rrd/graph.h"

#include "common/xalloc.h"
#include "proto/limits.h"
#include "rrd/file.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <rrd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TITLE_MAX = 160, /* characters; a wider one runs out of the picture */
    LEGEND_MAX = 40, /* characters; librrd keeps 200 bytes of a legend */
    LEGEND_MIN = 12, /* so that narrow legends do not squeeze the table's head */
    COLUMN = 11,     /* "%8.2lf" and a space and the prefix and a space */
    OPTIONS = 48,    /* arguments that are no lines */
    PER_LINE = 16,   /* arguments of one line at most */
    AVERAGES_S =
        31 * 86400, /* the 5-minute averages end here: then maxima have files of their own */
};

/* Earlier times librrd reads as dates ("20010101"); nothing was measured then. */
static const int64_t FROM_MIN_S = 1000000000;
static const int64_t TO_MAX_S = 4102444800;
static const int64_t RANGE_MAX_S = (int64_t)3660 * 86400;

#define NBSP "\xc2\xa0" /* librrd strips plain spaces before its control codes */

struct args {
    int n;
    size_t room;
    char **text;
};

static void add(struct args *args, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct args *args, const char *format, ...)
{
    va_list list;
    char *text = NULL;
    if ((size_t)args->n + 1 >= args->room) {
        abort(); /* the room is counted in rrd_graph_png */
    }
    va_start(list, format);
    if (vasprintf(&text, format, list) < 0) {
        abort(); /* out of memory, as xalloc has it */
    }
    va_end(list);
    args->text[args->n++] = text;
}

/* --- texts --- */

/* Bytes of the UTF-8 character at `text`, 0 if it is none. */
static size_t character_size(const char *text)
{
    uint8_t first = (uint8_t)text[0];
    size_t size = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first > 0xf4 || first < 0x20 || first == 0x7f) {
        return 0;
    }
    for (size_t i = 1; i < size; i++) {
        if (((uint8_t)text[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    uint8_t second = size > 2 ? (uint8_t)text[1] : 0;
    bool bad = (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
               (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f);
    return bad ? 0 : size;
}

/* Text that librrd shows as it is: valid UTF-8 without control characters, at most `max`
 * characters, padded with spaces that it keeps to `width`. In an `argument` a colon is escaped and
 * a backslash, which librrd cannot show at a text's end, becomes a slash. */
static char *clean(const char *text, size_t max, size_t width, bool argument)
{
    char *out = xmalloc((max > width ? max : width) * 4 + 1);
    size_t n = 0;
    size_t characters = 0;
    while (*text != '\0' && characters < max) {
        size_t size = character_size(text);
        if (size == 0) {
            out[n++] = '?';
            text++;
        } else if (argument && *text == '\\') {
            out[n++] = '/';
            text++;
        } else {
            if (argument && *text == ':') {
                out[n++] = '\\';
            }
            memcpy(out + n, text, size);
            n += size;
            text += size;
        }
        characters++;
    }
    for (; characters < width; characters++) {
        memcpy(out + n, NBSP, 2);
        n += 2;
    }
    out[n] = '\0';
    return out;
}

static size_t characters_of(const char *text)
{
    size_t n = 0;
    for (; *text != '\0'; text++) {
        n += ((uint8_t)*text & 0xc0) != 0x80;
    }
    return n;
}

/* A path within a DEF: librrd only knows an escaped colon. */
static char *escape_path(const char *path)
{
    char *out = xmalloc(strlen(path) * 2 + 1);
    size_t n = 0;
    for (; *path != '\0'; path++) {
        if (*path == ':') {
            out[n++] = '\\';
        }
        out[n++] = *path;
    }
    out[n] = '\0';
    return out;
}

/* --- arguments --- */

static void add_options(struct args *args, const struct rrd_graph *graph)
{
    static const char *const colours[] = {
        "BACK#FFFFFF",  "CANVAS#FFFFFF", "SHADEA#FFFFFF", "SHADEB#FFFFFF", "GRID#E4E4E4",
        "MGRID#CCCCCC", "FONT#1A1A1A",   "AXIS#444444",   "ARROW#444444",  "FRAME#444444",
    };
    char *title = clean(graph->title, TITLE_MAX, 0, false);
    char *axis = clean(graph->axis, LEGEND_MAX, 0, false);
    add(args, "graph");
    add(args, "-");
    add(args, "--imgformat=PNG");
    add(args, "--start=%" PRId64, graph->from.ms / 1000);
    add(args, "--end=%" PRId64, graph->to.ms / 1000);
    add(args, "--width=%d", graph->width_px);
    add(args, "--height=%d", graph->height_px);
    add(args, "--base=%d", graph->base);
    add(args, "--title=%s", title);
    add(args, "--vertical-label=%s", axis);
    add(args, "--slope-mode");
    add(args, "--border=0");
    add(args, "--disable-rrdtool-tag");
    for (size_t i = 0; i < sizeof colours / sizeof *colours; i++) {
        add(args, "--color=%s", colours[i]);
    }
    if (!isnan(graph->lower)) {
        add(args, "--lower-limit=%.6f", graph->lower);
    }
    if (!isnan(graph->upper)) {
        add(args, "--upper-limit=%.6f", graph->upper);
    }
    free(axis);
    free(title);
}

static void add_data(struct args *args, const struct rrd_graph *graph, size_t i, bool maxima)
{
    const struct rrd_graph_line *line = &graph->lines[i];
    char *path = escape_path(graph->path);
    add(args, "DEF:d%zu=%s:%s:AVERAGE", i, path, line->source);
    add(args, "CDEF:v%zu=d%zu,%.12f,*", i, i, line->factor);
    if (maxima) {
        add(args, "DEF:x%zu=%s:%s:MAX", i, path, line->source);
        add(args, "CDEF:y%zu=x%zu,%.12f,*", i, i, line->factor);
    }
    if (line->negative) {
        add(args, "CDEF:n%zu=v%zu,-1,*", i, i);
    }
    add(args, "VDEF:l%zu=v%zu,LAST", i, i);
    add(args, "VDEF:a%zu=v%zu,AVERAGE", i, i);
    add(args, "VDEF:m%zu=%c%zu,MAXIMUM", i, maxima ? 'y' : 'v', i);
    free(path);
}

static void add_line(struct args *args, const struct rrd_graph_line *line, size_t i, size_t width)
{
    char *legend = clean(line->legend, LEGEND_MAX, width, true);
    const char *stack = line->stack ? ":STACK" : "";
    char drawn = line->negative ? 'n' : 'v';
    if (line->area) {
        add(args, "AREA:%c%zu#%06" PRIX32 ":%s\\g%s", drawn, i, line->colour & 0xffffff, legend,
            stack);
    } else {
        add(args, "LINE1.5:%c%zu#%06" PRIX32 ":%s\\g%s", drawn, i, line->colour & 0xffffff, legend,
            stack);
    }
    add(args, "GPRINT:l%zu:%%8.2lf %%s" NBSP "\\g", i);
    add(args, "GPRINT:a%zu:%%8.2lf %%s" NBSP "\\g", i);
    add(args, "GPRINT:m%zu:%%8.2lf %%s\\l", i);
    free(legend);
}

static void add_table_head(struct args *args, size_t width)
{
    static const char *const columns[] = {"Last", "Average", "Maximum"};
    char text[LEGEND_MAX * 2 + 4 * COLUMN * 2 + 16];
    size_t n = 0;
    /* Two more: librrd puts them before a legend, for the coloured box. */
    for (size_t i = 0; i < width + 2; i++) {
        n += (size_t)snprintf(text + n, sizeof text - n, NBSP);
    }
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = strlen(columns[i]); k < COLUMN - 3; k++) {
            n += (size_t)snprintf(text + n, sizeof text - n, NBSP);
        }
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", columns[i],
                              i < 2 ? NBSP NBSP NBSP : "");
    }
    add(args, "COMMENT:%s\\l", text);
}

/* --- drawing --- */

static bool is_sound(const struct rrd_graph *graph)
{
    int64_t from_s = graph->from.ms / 1000;
    int64_t to_s = graph->to.ms / 1000;
    bool sound = from_s >= FROM_MIN_S && to_s <= TO_MAX_S && to_s > from_s &&
                 to_s - from_s <= RANGE_MAX_S && graph->width_px >= 100 &&
                 graph->width_px <= 4000 && graph->height_px >= 50 && graph->height_px <= 2000 &&
                 (graph->base == 1000 || graph->base == 1024) && graph->n_lines >= 1 &&
                 graph->n_lines <= PROTO_METRICS_MAX;
    for (size_t i = 0; sound && i < graph->n_lines; i++) {
        const char *name = graph->lines[i].source;
        size_t size = strlen(name);
        sound = size >= 1 && size < RRD_NAME_SIZE && isfinite(graph->lines[i].factor) &&
                strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == size;
    }
    return sound && !isinf(graph->lower) && !isinf(graph->upper);
}

static int take_image(const struct args *args, unsigned char **png, size_t *size, char *reason,
                      size_t reason_size)
{
    int error = -EIO;
    rrd_clear_error();
    /* librrd 1.7 wants char **, 1.9 const char **: void * is both. */
    rrd_info_t *info = rrd_graph_v(args->n, (void *)args->text);
    for (const rrd_info_t *item = info; item != NULL && error != 0; item = item->next) {
        if (strcmp(item->key, "image") == 0 && item->type == RD_I_BLO) {
            *size = item->value.u_blo.size;
            *png = xmemdup(item->value.u_blo.ptr, *size);
            error = 0;
        }
    }
    rrd_info_free(info);
    if (error != 0) {
        (void)snprintf(reason, reason_size, "%s",
                       rrd_test_error() ? rrd_get_error() : "librrd made no picture");
    }
    return error;
}

int rrd_graph_png(const struct rrd_graph *graph, unsigned char **png, size_t *size, char *reason,
                  size_t reason_size)
{
    if (!is_sound(graph)) {
        (void)snprintf(reason, reason_size, "size, range or lines are out of bounds");
        return -EINVAL;
    }
    int error = rrd_file_check(graph->path, NULL, reason, reason_size);
    if (error != 0) {
        return error;
    }
    struct args args = {.room = OPTIONS + graph->n_lines * PER_LINE};
    args.text = xcalloc(args.room, sizeof *args.text);
    bool maxima = graph->to.ms - graph->from.ms > (int64_t)AVERAGES_S * 1000;
    size_t width = LEGEND_MIN;
    add_options(&args, graph);
    for (size_t i = 0; i < graph->n_lines; i++) {
        size_t characters = characters_of(graph->lines[i].legend);
        width = characters > width ? characters : width;
        add_data(&args, graph, i, maxima);
    }
    width = width > LEGEND_MAX ? LEGEND_MAX : width;
    add_table_head(&args, width);
    for (size_t i = 0; i < graph->n_lines; i++) {
        add_line(&args, &graph->lines[i], i, width);
    }
    error = take_image(&args, png, size, reason, reason_size);
    for (int i = 0; i < args.n; i++) {
        free(args.text[i]);
    }
    free(args.text);
    return error;
}
