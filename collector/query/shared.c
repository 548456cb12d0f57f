/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the threads of a process share: librrd's turn, answers that took long, and the memory of
 * what store was asked to write lately. A flush of everything rewrites every file that has rows
 * waiting: pages that are brought up to date every few seconds must not make that the store's only
 * work. */
#include "internal.h"

#include "common/xalloc.h"
#include "control/control.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    FLUSH_MS = 5000,  /* a page waits so long for the newest rows, no longer */
    FRESH_MS = 2000,  /* so long after a flush a page is new enough */
    AWAY_MS = 10000,  /* a store that let a page wait is left alone for so long */
    REMEMBERED = 512, /* objects; two that meet in one place forget each other */
    ANSWERS = 128,    /* likewise */
};

struct flushed {
    uint64_t name; /* hash */
    struct mono time;
    bool is_set;
};

struct kept_answer {
    char *name; /* NULL: none */
    json_t *answer;
};

struct query_shared {
    pthread_mutex_t rrd;
    pthread_mutex_t flush; /* of all that follows */
    struct flushed everything;
    struct flushed objects[REMEMBERED];
    struct mono away_until;
    pthread_mutex_t answering; /* of what follows */
    struct kept_answer answers[ANSWERS];
};

struct query_shared *query_shared_new(void)
{
    struct query_shared *shared = xcalloc(1, sizeof *shared);
    (void)pthread_mutex_init(&shared->rrd, NULL); /* cannot fail for a plain one */
    (void)pthread_mutex_init(&shared->flush, NULL);
    (void)pthread_mutex_init(&shared->answering, NULL);
    return shared;
}

void query_shared_free(struct query_shared *shared)
{
    if (shared != NULL) {
        for (size_t i = 0; i < ANSWERS; i++) {
            free(shared->answers[i].name);
            json_decref(shared->answers[i].answer);
        }
        (void)pthread_mutex_destroy(&shared->answering);
        (void)pthread_mutex_destroy(&shared->flush);
        (void)pthread_mutex_destroy(&shared->rrd);
        free(shared);
    }
}

void query_rrd_lock(struct query_shared *shared)
{
    (void)pthread_mutex_lock(&shared->rrd);
}

void query_rrd_unlock(struct query_shared *shared)
{
    (void)pthread_mutex_unlock(&shared->rrd);
}

/* FNV-1a over the three names with their ends. */
static uint64_t hash_names(const char *device, const char *kind, const char *name)
{
    const char *const names[] = {device, kind, name};
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (const char *c = names[i];; c++) {
            hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
            if (*c == '\0') {
                break;
            }
        }
    }
    return hash;
}

/* Copies in and out: the counts of references are not ours to share between threads. */
json_t *query_recall(struct query_shared *shared, const char *name)
{
    json_t *answer = NULL;
    (void)pthread_mutex_lock(&shared->answering);
    const struct kept_answer *kept = &shared->answers[hash_names(name, "", "") % ANSWERS];
    if (kept->name != NULL && strcmp(kept->name, name) == 0) {
        answer = json_deep_copy(kept->answer);
    }
    (void)pthread_mutex_unlock(&shared->answering);
    return answer;
}

void query_remember(struct query_shared *shared, const char *name, const json_t *answer)
{
    (void)pthread_mutex_lock(&shared->answering);
    struct kept_answer *kept = &shared->answers[hash_names(name, "", "") % ANSWERS];
    free(kept->name);
    json_decref(kept->answer);
    kept->answer = json_deep_copy(answer);
    kept->name = kept->answer != NULL ? xstrdup(name) : NULL;
    (void)pthread_mutex_unlock(&shared->answering);
}

static bool is_fresh(const struct flushed *flushed, uint64_t name, struct mono now)
{
    return flushed->is_set && flushed->name == name &&
           mono_elapsed_ms(flushed->time, now) < FRESH_MS;
}

/* As control_ask: 0 if store has answered, whatever it says. */
static int ask_flush(const char *path, const char *device, const char *kind, const char *name)
{
    json_t *request = device == NULL ? json_pack("{s:s}", "request", "flush")
                                     : json_pack("{s:s, s:s, s:s, s:s}", "request", "flush",
                                                 "device", device, "kind", kind, "object", name);
    json_t *answer = NULL;
    int rc = request == NULL ? -EINVAL : control_ask(path, request, FLUSH_MS, &answer);
    json_decref(answer);
    json_decref(request);
    return rc;
}

void query_flush(const struct query_sources *sources, const char *device, const char *kind,
                 const char *name)
{
    struct query_shared *shared = sources->shared;
    uint64_t hash = device != NULL ? hash_names(device, kind, name) : 0;
    (void)pthread_mutex_lock(&shared->flush);
    struct mono now = clock_mono();
    struct flushed *slot =
        device != NULL ? &shared->objects[hash % REMEMBERED] : &shared->everything;
    if (!is_fresh(&shared->everything, 0, now) && !is_fresh(slot, hash, now) &&
        mono_elapsed_ms(now, shared->away_until) <= 0) {
        int rc = ask_flush(sources->store_control_path, device, kind, name);
        if (rc == 0) {
            *slot = (struct flushed){hash, clock_mono(), true};
        } else if (rc == -ETIMEDOUT) {
            shared->away_until = mono_add_ms(clock_mono(), AWAY_MS);
        }
    }
    (void)pthread_mutex_unlock(&shared->flush);
}
