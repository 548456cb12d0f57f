/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Whether a file is there, how old and how large it is. A dead network file system holds whoever
 * asks, for as long as it likes: then the answer is unknown, in time, and the thread that waits is
 * the only one that the check ever takes. */
#include "check_type.h"

#include "common/xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* In the order of its metrics (config.c). */
enum { VALUE_AGE, VALUE_SIZE };

/* Of a check, over all its turns. */
struct file_check {
    struct looking *looking; /* a thread is still asking, perhaps for an earlier turn */
    bool is_released;
};

/* What the thread needs, which may outlive the probe and the check. */
struct looking {
    uv_fs_t stat;
    struct file_check *check;
    struct file_probe *probe; /* NULL: nobody waits for it any more */
};

struct file_probe {
    uv_timer_t timer;
    struct looking *looking; /* NULL: an earlier turn's is still under way */
    struct wall started;
    int64_t timeout_ms;
    probe_done *done;
    void *context;
};

static void *prepare(const struct check_config *config)
{
    (void)config;
    struct file_check **check = xcalloc(1, sizeof(check[0]));
    check[0] = xcalloc(1, sizeof *check[0]);
    return check;
}

static void release(void *prepared)
{
    struct file_check **check = prepared;
    if (check[0]->looking != NULL) {
        check[0]->is_released = true; /* the thread's end frees it */
    } else {
        free(check[0]);
    }
    free(check);
}

static void judge(const struct file_probe *probe, const uv_fs_t *stat, struct verdict *verdict)
{
    const uv_stat_t *file = &stat->statbuf;
    int error = stat->result < 0 ? (int)-stat->result : 0;
    switch (error) {
    case 0:
        verdict->values[VALUE_AGE] = (double)(probe->started.ms - file->st_mtim.tv_sec * 1000 -
                                              file->st_mtim.tv_nsec / 1000000) /
                                     1e3;
        verdict->values[VALUE_SIZE] = (double)file->st_size;
        verdict->known = 1U << VALUE_AGE | 1U << VALUE_SIZE;
        verdict_set(verdict, OUTCOME_UP, "", "%s", "");
        break;
    case ENOENT:
    case ENOTDIR:
        verdict_set(verdict, OUTCOME_DOWN, "no-file", "there is no such file");
        break;
    case EACCES:
    case EPERM:
        verdict_set(verdict, OUTCOME_UNKNOWN, "no-permission", "the agent may not look there");
        break;
    default:
        verdict_set(verdict, OUTCOME_UNKNOWN, "resource", "%s", strerror(error));
        break;
    }
}

static void on_timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void end_probe(struct file_probe *probe)
{
    if (probe->looking != NULL) {
        probe->looking->probe = NULL;
    }
    uv_close((uv_handle_t *)&probe->timer, on_timer_closed);
}

static void on_stat(uv_fs_t *stat)
{
    struct looking *looking = stat->data;
    struct file_probe *probe = looking->probe;
    looking->check->looking = NULL;
    if (looking->check->is_released) {
        free(looking->check);
    }
    if (probe != NULL) {
        struct verdict verdict = {.time = probe->started};
        judge(probe, stat, &verdict);
        probe->done(probe->context, &verdict);
        end_probe(probe);
    }
    uv_fs_req_cleanup(stat);
    free(looking);
}

static void on_timeout(uv_timer_t *timer)
{
    struct file_probe *probe = timer->data;
    struct verdict verdict = {.time = probe->started};
    /* One that no thread has taken yet can be called back: it waits for threads that others hold.
     */
    bool is_queued = probe->looking != NULL && uv_cancel((uv_req_t *)&probe->looking->stat) == 0;
    if (is_queued) {
        verdict_set(&verdict, OUTCOME_UNKNOWN, "agent-overloaded",
                    "other files held the agent's threads all the time");
    } else {
        verdict_set(&verdict, OUTCOME_UNKNOWN, "file-timeout",
                    "the file system gave no answer in %lld ms", (long long)probe->timeout_ms);
    }
    probe->done(probe->context, &verdict);
    end_probe(probe);
}

/* False: it cannot be asked. */
static bool look(uv_loop_t *loop, const char *path, struct file_check *check,
                 struct file_probe *probe)
{
    struct looking *looking = xcalloc(1, sizeof *looking);
    looking->check = check;
    looking->probe = probe;
    looking->stat.data = looking;
    if (uv_fs_stat(loop, &looking->stat, path, on_stat) != 0) {
        free(looking);
        return false;
    }
    check->looking = looking;
    probe->looking = looking;
    return true;
}

static void *start(void *shared, const struct probe_order *order)
{
    (void)shared;
    struct file_check *const *check = order->prepared;
    struct file_probe *probe = xcalloc(1, sizeof *probe);
    probe->started = clock_wall();
    probe->timeout_ms = order->timeout_ms;
    probe->done = order->done;
    probe->context = order->context;
    if (check[0]->looking == NULL && !look(order->loop, order->config->path, check[0], probe)) {
        free(probe);
        return NULL;
    }
    (void)uv_timer_init(order->loop, &probe->timer); /* cannot fail */
    probe->timer.data = probe;
    uv_update_time(order->loop);
    (void)uv_timer_start(&probe->timer, on_timeout, (uint64_t)order->timeout_ms, 0); /* likewise */
    return probe;
}

static void cancel(void *pointer)
{
    struct file_probe *probe = pointer;
    if (probe->looking != NULL) {
        (void)uv_cancel((uv_req_t *)&probe->looking->stat); /* else it ends by itself */
    }
    end_probe(probe);
}

const struct check_type check_type_file = {
    .id = CHECK_FILE, .prepare = prepare, .release = release, .start = start, .cancel = cancel};
