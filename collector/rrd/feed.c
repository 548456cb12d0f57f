/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "feed.h"

#include "common/xalloc.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <rrd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    /* Rows of one call of librrd: past some sixty a call costs nothing more per row. */
    BATCH_ROWS = 128,
    VALUE_TEXT = 26, /* ":-1.2345678901234567e-308" */
    TIME_TEXT = 32,
};

/* Larger gauges overflow once they are multiplied by seconds and summed. */
static const double GAUGE_MAX = 1e300;

/* What one data source holds after the last row; mirrors the image's head. */
struct source {
    bool counter;
    int64_t heartbeat_ms;
    bool read;        /* counters: the last reading is known … */
    uint64_t reading; /* … and this */
    bool in_step;     /* something of the step in progress is known */
};

struct feed {
    struct rrd_image *image;
    size_t n;
    int64_t step_ms;
    int64_t last_ms;
    struct source sources[RRD_SOURCES_MAX];
    /* The calls in the making. */
    size_t n_args;
    const char *args[BATCH_ROWS];
    struct queued {
        size_t row;                      /* its index */
        struct rrd_update_result before; /* the sums without it */
    } queued[BATCH_ROWS];
    char *text; /* BATCH_ROWS * arg_size bytes */
    size_t arg_size;
    uint8_t *head; /* the image's head before an edge */
    struct rrd_update_result sums;
    char *reason;
    size_t reason_size;
};

/* One row as it stands to the file's state. */
struct plan {
    const struct rrd_row *row;
    bool has[RRD_SOURCES_MAX];   /* a value to write, else U */
    bool known[RRD_SOURCES_MAX]; /* its rate over (last, row] is known */
    bool edge;                   /* not one of a uniform run: goes alone, with repairs */
    bool boundary;               /* needs the update at the first step boundary */
};

static void read_state(struct feed *feed)
{
    const uint8_t *bytes = feed->image->bytes;
    const struct rrd_header *header = &feed->image->header;
    feed->last_ms = rrd_header_last_ms(bytes, header);
    for (size_t i = 0; i < feed->n; i++) {
        struct source *source = &feed->sources[i];
        const char *reading = rrd_header_reading(bytes, header, i);
        source->read = source->counter && reading[0] >= '0' && reading[0] <= '9';
        source->reading = source->read ? strtoull(reading, NULL, 10) : 0;
        double value;
        int64_t unknown_s;
        rrd_header_step_get(bytes, header, i, &value, &unknown_s);
        source->in_step = !isnan(value);
    }
}

static struct feed *feed_new(struct rrd_image *image, char *reason, size_t reason_size)
{
    struct feed *feed = xcalloc(1, sizeof *feed);
    feed->image = image;
    feed->n = image->header.n_sources;
    feed->step_ms = image->header.step_s * 1000;
    feed->arg_size = TIME_TEXT + feed->n * VALUE_TEXT;
    feed->text = xmalloc(BATCH_ROWS * feed->arg_size);
    feed->head = xmalloc(image->header.size);
    feed->reason = reason;
    feed->reason_size = reason_size;
    for (size_t i = 0; i < feed->n; i++) {
        feed->sources[i].counter = rrd_header_is_counter(image->bytes, i);
        feed->sources[i].heartbeat_ms = rrd_header_heartbeat_ms(image->bytes, i);
    }
    read_state(feed);
    return feed;
}

/* --- text --- */

static size_t write_time(char *text, size_t size, int64_t ms)
{
    int n = snprintf(text, size, "%" PRId64, ms / 1000);
    if (ms % 1000 != 0) {
        /* Half a microsecond more, so that cutting the binary fraction leaves the millisecond. */
        n += snprintf(text + n, size - (size_t)n, ".%03d0005", (int)(ms % 1000));
    }
    return (size_t)n;
}

static size_t write_gauge(char *text, size_t size, double value)
{
    size_t n = (size_t)snprintf(text, size, ":%.17g", value);
    for (char *p = text + 1; p < text + n; p++) {
        if (strchr("0123456789+-e", *p) == NULL) {
            *p = '.'; /* whatever the process's locale writes there */
        }
    }
    return n;
}

static size_t write_value(char *text, size_t size, bool has, bool counter, union value value)
{
    if (!has) {
        return (size_t)snprintf(text, size, ":U");
    }
    if (counter) {
        return (size_t)snprintf(text, size, ":%" PRIu64, value.counter);
    }
    return write_gauge(text, size, value.gauge);
}

/* The counter's reading at `at_ms`, if it grew evenly from the last row to this one. */
static uint64_t interpolate(const struct feed *feed, size_t i, const struct plan *plan,
                            int64_t at_ms)
{
    uint64_t from = feed->sources[i].reading;
    uint64_t grown = plan->row->values[i].counter - from;
    double share = (double)(at_ms - feed->last_ms) / (double)(plan->row->time.ms - feed->last_ms);
    double part = floor((double)grown * share);
    /* 2^64 as a double does not fit back: the rounded product may reach it. */
    return part >= (double)grown ? from + grown : from + (uint64_t)part;
}

static void write_arg(char *text, size_t size, const struct feed *feed, const struct plan *plan)
{
    size_t used = write_time(text, size, plan->row->time.ms);
    for (size_t i = 0; i < feed->n; i++) {
        /* After a gap that was cut at a boundary, the rest of it must stay unknown too. */
        bool has = plan->has[i] && (feed->sources[i].counter || !plan->boundary || plan->known[i]);
        used += write_value(text + used, size - used, has, feed->sources[i].counter,
                            plan->row->values[i]);
    }
}

static void write_boundary(char *text, size_t size, const struct feed *feed,
                           const struct plan *plan, int64_t at_ms)
{
    size_t used = write_time(text, size, at_ms);
    for (size_t i = 0; i < feed->n; i++) {
        union value value = plan->row->values[i];
        if (feed->sources[i].counter && plan->known[i]) {
            value.counter = interpolate(feed, i, plan, at_ms);
        }
        used +=
            write_value(text + used, size - used, plan->known[i], feed->sources[i].counter, value);
    }
}

/* --- calls --- */

static int call_librrd(struct feed *feed, int n, const char **args)
{
    rrd_clear_error();
    if (rrd_updatex_r(feed->image->path, NULL, RRD_SKIP_PAST_UPDATES, n, args) == 0) {
        return 0;
    }
    (void)snprintf(feed->reason, feed->reason_size, "%s", rrd_get_error());
    return -EIO;
}

/* librrd stopped at one row of the batch and kept those before it: the head tells where. Goes on
 * after that row. */
static size_t resume(struct feed *feed, const struct rrd_row *rows)
{
    read_state(feed);
    size_t k = 0;
    while (k + 1 < feed->n_args && rows[feed->queued[k].row].time.ms <= feed->last_ms) {
        k++;
    }
    feed->sums = feed->queued[k].before;
    feed->sums.refused++;
    feed->n_args = 0;
    return feed->queued[k].row + 1;
}

/* --- repairs of the image's head --- */

/* Before a row: known time follows unknown time within one step. */
static void repair_before(struct feed *feed, const struct plan *plan)
{
    int64_t elapsed_ms = feed->last_ms % feed->step_ms;
    double seconds = (double)(plan->row->time.ms - feed->last_ms) / 1000.0;
    for (size_t i = 0; i < feed->n; i++) {
        if (!plan->known[i] || feed->sources[i].in_step || elapsed_ms == 0) {
            continue;
        }
        double rate =
            feed->sources[i].counter
                ? (double)(plan->row->values[i].counter - feed->sources[i].reading) / seconds
                : plan->row->values[i].gauge;
        int64_t lost_ms = elapsed_ms % 1000;
        rrd_header_step_set(feed->image->bytes, &feed->image->header, i,
                            lost_ms == 0 ? NAN : rate * (double)lost_ms / 1000.0,
                            elapsed_ms / 1000);
    }
}

/* After a row that crossed no boundary: unknown time followed known time within one step. */
static void repair_after(struct feed *feed, const struct plan *plan, int64_t before_ms)
{
    int64_t lost_ms = (plan->row->time.ms - before_ms) % 1000;
    int64_t elapsed_ms = before_ms % feed->step_ms;
    if (plan->row->time.ms / feed->step_ms != before_ms / feed->step_ms) {
        return;
    }
    for (size_t i = 0; i < feed->n; i++) {
        if (plan->known[i] || !feed->sources[i].in_step) {
            continue;
        }
        double value;
        int64_t unknown_s;
        rrd_header_step_get(feed->image->bytes, &feed->image->header, i, &value, &unknown_s);
        int64_t known_ms =
            elapsed_ms - (unknown_s * 1000 - (plan->row->time.ms - before_ms - lost_ms));
        value = known_ms > 0 ? value * (double)(known_ms + lost_ms) / (double)known_ms : NAN;
        rrd_header_step_set(feed->image->bytes, &feed->image->header, i, value, unknown_s);
    }
}

/* --- rows --- */

static void plan_row(const struct feed *feed, const struct rrd_row *row, struct plan *plan)
{
    *plan = (struct plan){.row = row};
    int64_t interval_ms = row->time.ms - feed->last_ms;
    plan->boundary = row->time.ms / feed->step_ms - feed->last_ms / feed->step_ms > 1 &&
                     feed->last_ms % feed->step_ms != 0;
    plan->edge = plan->boundary;
    for (size_t i = 0; i < feed->n; i++) {
        const struct source *source = &feed->sources[i];
        bool fresh = (row->discontinuity_mask >> i & 1) == 0;
        plan->has[i] = (row->unknown_mask >> i & 1) == 0;
        if (source->counter) {
            plan->known[i] =
                plan->has[i] && source->read && fresh && row->values[i].counter >= source->reading;
        } else {
            double gauge = row->values[i].gauge;
            plan->has[i] = plan->has[i] && isfinite(gauge) && fabs(gauge) <= GAUGE_MAX;
            plan->known[i] = plan->has[i];
        }
        plan->known[i] = plan->known[i] && interval_ms <= source->heartbeat_ms;
        plan->edge = plan->edge || plan->known[i] != source->in_step || (!fresh && source->read);
    }
}

static int apply_edge(struct feed *feed, const struct plan *plan)
{
    const struct rrd_header *header = &feed->image->header;
    char *text = feed->text;
    const char *args[2] = {text, text + feed->arg_size};
    int64_t before_ms = feed->last_ms;
    int n = 0;
    memcpy(feed->head, feed->image->bytes, header->size);
    for (size_t i = 0; i < feed->n; i++) {
        if (feed->sources[i].counter && (plan->row->discontinuity_mask >> i & 1) != 0) {
            rrd_header_forget_reading(feed->image->bytes, header, i);
        }
    }
    repair_before(feed, plan);
    if (plan->boundary) {
        write_boundary(text, feed->arg_size, feed, plan,
                       (before_ms / feed->step_ms + 1) * feed->step_ms);
        n++;
    }
    write_arg(text + (size_t)n * feed->arg_size, feed->arg_size, feed, plan);
    int error = call_librrd(feed, n + 1, args);
    if (error == 0) {
        repair_after(feed, plan, before_ms);
    } else {
        /* Rows that an archive may have got lie after its pointer again and are written over. */
        memcpy(feed->image->bytes, feed->head, header->size);
    }
    read_state(feed);
    return error;
}

static void queue_row(struct feed *feed, const struct plan *plan, size_t index)
{
    char *text = feed->text + feed->n_args * feed->arg_size;
    write_arg(text, feed->arg_size, feed, plan);
    feed->args[feed->n_args] = text;
    feed->queued[feed->n_args++] = (struct queued){.row = index, .before = feed->sums};
    feed->last_ms = plan->row->time.ms;
    for (size_t i = 0; i < feed->n; i++) {
        feed->sources[i].read = feed->sources[i].counter && plan->has[i];
        feed->sources[i].reading = feed->sources[i].read ? plan->row->values[i].counter : 0;
    }
}

/* Hand over what is queued before row `next`. Returns the row to go on with. */
static size_t flush_queue(struct feed *feed, const struct rrd_row *rows, size_t next)
{
    if (feed->n_args > 0) {
        if (call_librrd(feed, (int)feed->n_args, feed->args) != 0) {
            return resume(feed, rows);
        }
        feed->n_args = 0;
        read_state(feed);
    }
    return next;
}

static size_t feed_row(struct feed *feed, const struct rrd_row *rows, size_t i)
{
    const struct rrd_row *row = &rows[i];
    if (row->time.ms < 1 || row->time.ms / 1000 > RRD_TIME_MAX_S) {
        feed->sums.refused++;
        return i + 1;
    }
    if (row->time.ms <= feed->last_ms) {
        feed->sums.skipped++;
        return i + 1;
    }
    struct plan plan;
    plan_row(feed, row, &plan);
    if (feed->n_args == BATCH_ROWS || (plan.edge && feed->n_args > 0)) {
        return flush_queue(feed, rows, i); /* the state may differ now: the row is planned anew */
    }
    if (!plan.edge) {
        queue_row(feed, &plan, i);
        feed->sums.written++;
    } else if (apply_edge(feed, &plan) == 0) {
        feed->sums.written++;
    } else {
        feed->sums.refused++;
    }
    return i + 1;
}

void rrd_feed(struct rrd_image *image, const struct rrd_row *rows, size_t n_rows,
              struct rrd_update_result *result, char *reason, size_t reason_size)
{
    struct feed *feed = feed_new(image, reason, reason_size);
    for (size_t i = 0; i < n_rows || feed->n_args > 0;) {
        i = i < n_rows ? feed_row(feed, rows, i) : flush_queue(feed, rows, n_rows);
    }
    result->written += feed->sums.written;
    result->skipped += feed->sums.skipped;
    result->refused += feed->sums.refused;
    free(feed->head);
    free(feed->text);
    free(feed);
}
