/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The agent's sampler of its own machine, without an agent: for each line of standard input one
 * sample, as a line of JSON, or its cost. Arguments: names of processes to count. With CHRONY_PORT
 * in the environment, the chronyd there is asked, and waited for a second at most. */
#include "host_at.h"

#include "chrony.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { OBJECTS_MAX = 4096 };

struct printer {
    uint32_t n;
    struct object objects[OBJECTS_MAX];
    bool first;
    bool quiet;
    uint64_t n_rows;
};

static uint32_t define(void *context, const struct object *object)
{
    struct printer *printer = context;
    for (uint32_t i = 0; i < printer->n; i++) {
        if (object_same_name(&printer->objects[i], object) &&
            object_same_shape(&printer->objects[i], object)) {
            return i + 1;
        }
    }
    if (printer->n == OBJECTS_MAX) {
        return 0;
    }
    printer->objects[printer->n++] = object_copy(object);
    return printer->n;
}

static void print_text(const char *text)
{
    putchar('"');
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            putchar('\\');
        }
        putchar(*text);
    }
    putchar('"');
}

static void print_values(const struct object *object, const struct row *row)
{
    for (size_t i = 0; i < object->n_metrics; i++) {
        printf("%s", i > 0 ? ", " : "");
        print_text(object->metrics[i].name);
        if ((row->unknown_mask >> i & 1) != 0) {
            printf(": null");
        } else if (object->metrics[i].type == METRIC_COUNTER) {
            printf(": %" PRIu64, row->values[i].counter);
        } else {
            printf(": %.17g", row->values[i].gauge);
        }
    }
}

static void print_row(void *context, const struct row *row)
{
    struct printer *printer = context;
    const struct object *object = &printer->objects[row->object - 1];
    printer->n_rows++;
    if (printer->quiet) {
        return;
    }
    printf("%s{\"kind\": \"%s\", \"name\": ", printer->first ? "" : ", ", object->kind);
    print_text(object->name);
    printf(", \"status\": %d, \"labels\": {", (int)row->status);
    for (size_t i = 0; i < object->n_labels; i++) {
        printf("%s", i > 0 ? ", " : "");
        print_text(object->labels[i].key);
        printf(": ");
        print_text(object->labels[i].value);
    }
    printf("}, \"values\": {");
    print_values(object, row);
    printf("}}");
    printer->first = false;
}

static int64_t cpu_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now); /* exists on Linux */
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* "cost N": N samples, of which only the processor time is told. */
static void tell_cost(struct printer *printer, struct host *host, long n)
{
    printer->quiet = true;
    printer->n_rows = 0;
    int64_t before = cpu_ns();
    for (long i = 0; i < n; i++) {
        host_sample(host, clock_wall());
    }
    printf("{\"samples\": %ld, \"rows\": %" PRIu64 ", \"cpu_us_per_sample\": %.1f}\n", n,
           printer->n_rows, (double)(cpu_ns() - before) / 1000 / (double)n);
    printer->quiet = false;
}

static void on_late(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

/* Until one more row came. */
static void wait_for_chrony(uv_loop_t *loop, const struct printer *printer)
{
    uint64_t n = printer->n_rows;
    bool late = false;
    uv_timer_t timer;
    (void)uv_timer_init(loop, &timer); /* cannot fail */
    timer.data = &late;
    (void)uv_timer_start(&timer, on_late, 1000, 0); /* cannot fail */
    while (!late && printer->n_rows == n) {
        (void)uv_run(loop, UV_RUN_ONCE); /* says only whether more is to come */
    }
    uv_close((uv_handle_t *)&timer, NULL);
    (void)uv_run(loop, UV_RUN_NOWAIT); /* as above */
}

int main(int argc, char *argv[])
{
    static struct printer printer;
    const struct sample_sink sink = {.context = &printer, .define = define, .row = print_row};
    const struct host_config config = {
        .enabled = true,
        .interval_ms = 3600000, /* only when it is told to */
        .processes = {.count = (size_t)(argc - 1), .items = argv + 1},
    };
    const char *chrony_port = getenv("CHRONY_PORT");
    const struct host_place place = {
        .root = "",
        .systemctl = "systemctl",
        .chrony_port =
            (uint16_t)(chrony_port != NULL ? strtol(chrony_port, NULL, 10) : CHRONY_PORT),
    };
    char line[64];
    uv_loop_t loop;
    if (uv_loop_init(&loop) != 0) {
        return 1;
    }
    struct host *host = host_open_at(&loop, &config, "machine", &sink, &place);
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (strncmp(line, "cost ", 5) == 0) {
            tell_cost(&printer, host, strtol(line + 5, NULL, 10));
        } else {
            printer.first = true;
            putchar('[');
            host_sample(host, clock_wall());
            if (chrony_port != NULL) {
                wait_for_chrony(&loop, &printer);
            }
            puts("]");
        }
        (void)fflush(stdout);
    }
    host_close(host);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    for (uint32_t i = 0; i < printer.n; i++) {
        object_clear(&printer.objects[i]);
    }
    return uv_loop_close(&loop) == 0 ? 0 : 1;
}
