/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "local_support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void bench_open(struct bench *bench, const struct check_type *type)
{
    memset(bench, 0, sizeof *bench);
    bench->type = type;
    assert_int_equal(uv_loop_init(&bench->loop), 0);
    bench->recorder = recorder_new();
    if (type->open != NULL) {
        bench->shared = type->open(&bench->loop);
        assert_non_null(bench->shared);
    }
}

void bench_close(struct bench *bench)
{
    if (bench->shared != NULL) {
        bench->type->close(bench->shared);
    }
    finish_loop(&bench->loop);
    recorder_free(bench->recorder);
}

void turn_prepare(struct turn *turn, struct bench *bench, const struct check_config *config)
{
    *turn = (struct turn){.bench = bench, .config = config};
    if (bench->type->prepare != NULL) {
        turn->prepared = bench->type->prepare(config);
        assert_non_null(turn->prepared);
    }
}

static void on_done(void *context, const struct verdict *verdict)
{
    struct turn *turn = context;
    turn->verdict = *verdict;
    turn->probe = NULL;
}

void turn_start(struct turn *turn, int64_t timeout_ms)
{
    const struct probe_order order = {
        .loop = &turn->bench->loop,
        .config = turn->config,
        .prepared = turn->prepared,
        .timeout_ms = timeout_ms,
        .device = "self",
        .sink = &turn->bench->recorder->sink,
        .done = on_done,
        .context = turn,
    };
    turn->verdict = (struct verdict){0};
    turn->probe = turn->bench->type->start(turn->bench->shared, &order);
    assert_non_null(turn->probe);
}

static bool has_ended(void *context)
{
    return ((const struct turn *)context)->probe == NULL;
}

void turn_wait(struct turn *turn)
{
    assert_true(run_until(&turn->bench->loop, has_ended, turn, TURN_LIMIT_MS));
}

void turn_cancel(struct turn *turn)
{
    turn->bench->type->cancel(turn->probe);
    turn->probe = NULL;
}

void turn_release(struct turn *turn)
{
    if (turn->prepared != NULL) {
        turn->bench->type->release(turn->prepared);
    }
}

struct verdict run_turn(struct bench *bench, const struct check_config *config, int64_t timeout_ms)
{
    struct turn turn;
    turn_prepare(&turn, bench, config);
    turn_start(&turn, timeout_ms);
    turn_wait(&turn);
    turn_release(&turn);
    return turn.verdict;
}
