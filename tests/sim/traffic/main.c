/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * beffroi-simulate-traffic: captures of made-up traffic of which everything is known, for tests and
 * benchmarks. README.md of this folder tells what is in them. */
#include "capture_file.h"
#include "give_up.h"
#include "heap.h"
#include "plan.h"
#include "truth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int64_t BEGIN_NS = INT64_C(1750000000) * 1000000000; /* 2025-06-15T15:06:40Z */

struct generator {
    struct options options;
    struct plan plan;
    struct heap heap;
    struct capture_file file;
    struct truth truth;
    struct frame frame;
    uint32_t *silent; /* flows that have said all */
    size_t n_silent;
};

static void write_step(struct generator *generator, struct flow *flow, const struct step *step)
{
    int64_t tick_ns = generator->file.tick_ns;
    int64_t time_ns = BEGIN_NS + step->time_ns / tick_ns * tick_ns;
    frame_build(&generator->frame, &generator->plan.hosts, flow, step, generator->options.link,
                generator->options.snaplen);
    if (generator->frame.captured < generator->frame.headers) {
        give_up("--snaplen", "too small for the headers of this mix");
    }
    capture_file_add(&generator->file, time_ns, &generator->frame);
    truth_add(&generator->truth, flow, step, &generator->frame, time_ns, tick_ns);
}

/* The earliest flow's next packet. */
static int64_t advance(struct generator *generator)
{
    struct heap_entry first = generator->heap.entries[0];
    struct flow *flow = &generator->plan.flows[first.flow];
    if (flow->at_step < flow->n_steps) {
        write_step(generator, flow, &flow->steps[flow->at_step++]);
    }
    if (flow->at_step == flow->n_steps && !plan_next(&generator->plan, flow, first.time_ns)) {
        generator->silent[generator->n_silent++] = first.flow;
        heap_drop_first(&generator->heap);
        return first.time_ns;
    }
    heap_move_first(&generator->heap, flow->steps[flow->at_step].time_ns);
    return first.time_ns;
}

/* All flows have said all, and there are packets left to write: some go on. */
static void revive(struct generator *generator, int64_t now_ns)
{
    enum { SOME = 16, PACKETS = 40 };
    size_t n = SOME + generator->options.n_flows / SOME;
    for (size_t i = 0; i < n && generator->n_silent > 0; i++) {
        size_t at = dice_range(&generator->plan.dice, 0, (uint32_t)generator->n_silent - 1);
        uint32_t number = generator->silent[at];
        generator->silent[at] = generator->silent[--generator->n_silent];
        struct flow *flow = &generator->plan.flows[number];
        if (plan_revive(&generator->plan, flow, PACKETS)) {
            heap_push(&generator->heap, now_ns, number);
        }
    }
}

static void generate(struct generator *generator)
{
    int64_t now_ns = 0;
    uint32_t n_flows = generator->options.n_flows;
    generator->silent = room_for(n_flows, sizeof *generator->silent);
    heap_new(&generator->heap, n_flows);
    for (uint32_t i = 0; i < n_flows; i++) {
        heap_push(&generator->heap, plan_begin_ns(&generator->plan), i);
    }
    while (generator->truth.all.packets < generator->options.n_packets) {
        if (generator->heap.n > 0) {
            now_ns = advance(generator);
        } else if (generator->n_silent > 0) {
            revive(generator, now_ns);
        } else {
            give_up("--packets", "this mix has nobody who would say so much");
        }
    }
}

static char *path_of(const char *prefix, const char *ending)
{
    size_t size = strlen(prefix) + strlen(ending) + 1;
    char *path = room_for(size, 1);
    (void)snprintf(path, size, "%s%s", prefix, ending);
    return path;
}

int main(int argc, char *argv[])
{
    static struct generator generator;
    options_read(argc, argv, &generator.options);
    char *capture =
        path_of(generator.options.prefix, generator.options.pcapng ? ".pcapng" : ".pcap");
    char *truth = path_of(generator.options.prefix, ".json");
    plan_new(&generator.plan, &generator.options);
    capture_file_begin(&generator.file, capture, &generator.options);
    generate(&generator);
    capture_file_end(&generator.file);
    truth_write(&generator.truth, &generator.plan, truth, capture);
    truth_free(&generator.truth);
    plan_free(&generator.plan);
    free(generator.heap.entries);
    free(generator.silent);
    free(capture);
    free(truth);
    return 0;
}
