/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check_type.h"

#include "common/xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* In the order of its metrics (config.c). */
enum { VALUE_AGE, VALUE_SIZE };

struct file_probe {
    uv_fs_t stat;
    struct wall started;
    probe_done *done; /* NULL: cancelled */
    void *context;
};

static void judge(const struct file_probe *probe, struct verdict *verdict)
{
    const uv_stat_t *file = &probe->stat.statbuf;
    int error = probe->stat.result < 0 ? (int)-probe->stat.result : 0;
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

static void on_stat(uv_fs_t *stat)
{
    struct file_probe *probe = stat->data;
    if (probe->done != NULL) {
        struct verdict verdict = {.time = probe->started};
        judge(probe, &verdict);
        probe->done(probe->context, &verdict);
    }
    uv_fs_req_cleanup(stat);
    free(probe);
}

static void *start(void *shared, const struct probe_order *order)
{
    (void)shared;
    struct file_probe *probe = xcalloc(1, sizeof *probe);
    probe->started = clock_wall();
    probe->done = order->done;
    probe->context = order->context;
    probe->stat.data = probe;
    if (uv_fs_stat(order->loop, &probe->stat, order->config->path, on_stat) != 0) {
        free(probe);
        return NULL;
    }
    return probe;
}

static void cancel(void *pointer)
{
    struct file_probe *probe = pointer;
    probe->done = NULL;
    (void)uv_cancel((uv_req_t *)&probe->stat); /* else it ends by itself */
}

const struct check_type check_type_file = {.id = CHECK_FILE, .start = start, .cancel = cancel};
