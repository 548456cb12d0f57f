/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fake_store.h"

#include "common/xalloc.h"
#include "control/control.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fake_store {
    uv_loop_t loop;
    uv_async_t stop;
    pthread_t thread;
    struct control_server *server;
    _Atomic size_t all;
    _Atomic size_t one;
    char last[512];
};

static json_t *on_request(void *context, const json_t *request)
{
    struct fake_store *store = context;
    const char *device = json_string_value(json_object_get(request, "device"));
    const char *name = json_string_value(json_object_get(request, "request"));
    if (name == NULL || strcmp(name, "flush") != 0) {
        return json_pack("{s:s}", "error", "only flush is known here");
    }
    if (device == NULL) {
        store->all++;
    } else {
        (void)snprintf(store->last, sizeof store->last, "%s %s %s", device,
                       json_string_value(json_object_get(request, "kind")),
                       json_string_value(json_object_get(request, "object")));
        store->one++;
    }
    return json_pack("{s:b}", "ok", 1);
}

static void on_stop(uv_async_t *async)
{
    struct fake_store *store = async->data;
    control_server_close(store->server);
    uv_close((uv_handle_t *)async, NULL);
}

static void *run(void *context)
{
    struct fake_store *store = context;
    (void)uv_run(&store->loop, UV_RUN_DEFAULT); /* to the end of all handles */
    return NULL;
}

struct fake_store *fake_store_open(const char *path)
{
    struct fake_store *store = xcalloc(1, sizeof *store);
    assert_int_equal(uv_loop_init(&store->loop), 0);
    assert_int_equal(uv_async_init(&store->loop, &store->stop, on_stop), 0);
    store->stop.data = store;
    assert_int_equal(control_server_open(&store->server, &store->loop, path, on_request, store), 0);
    assert_int_equal(pthread_create(&store->thread, NULL, run, store), 0);
    return store;
}

size_t fake_store_all(const struct fake_store *store)
{
    return store->all;
}

size_t fake_store_one(const struct fake_store *store)
{
    return store->one;
}

const char *fake_store_last(const struct fake_store *store)
{
    return store->last;
}

void fake_store_close(struct fake_store *store)
{
    assert_int_equal(uv_async_send(&store->stop), 0);
    assert_int_equal(pthread_join(store->thread, NULL), 0);
    assert_int_equal(uv_loop_close(&store->loop), 0);
    free(store);
}
