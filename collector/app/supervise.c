/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervise.h"

#include "common/log.h"
#include "common/supervisor.h"
#include "common/xalloc.h"
#include "control/control.h"
#include "part.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOPIC "collector"

enum {
    PARTS = 3,
    SIGNALS = 3,
    LOOK_MS = 50,     /* between two looks for whether the parts are ready */
    GRACE_MS = 25000, /* each; systemd waits 90 s for all */
};

struct overseer;

struct overseen {
    struct overseer *overseer;
    const struct part *part;
    struct supervisor_child *child; /* NULL: is not to run */
    bool reports;                   /* writes run/NAME.json once it listens */
};

struct overseer {
    const struct layout *layout;
    char *text; /* the configuration's normal form */
    size_t text_size;
    char *program;
    uv_loop_t loop;
    uv_signal_t signals[SIGNALS];
    uv_timer_t look;
    struct supervisor *supervisor;
    struct control_server *control;
    struct overseen parts[PARTS];
    bool stopping;
};

/* --- ready? --- */

static void on_look(uv_timer_t *timer)
{
    struct overseer *overseer = timer->data;
    json_t *endpoints = json_object();
    bool ready = true;
    for (size_t i = 0; i < PARTS && ready; i++) {
        const struct overseen *overseen = &overseer->parts[i];
        if (overseen->child == NULL || !overseen->reports) {
            continue;
        }
        json_t *own = layout_read(overseer->layout, overseen->part->name);
        ready = own != NULL && supervisor_child_pid(overseen->child) != 0;
        if (ready) {
            (void)json_object_update(endpoints, own); /* both are objects */
        }
        json_decref(own);
    }
    if (!ready) {
        json_decref(endpoints);
        return;
    }
    const char *listen = json_string_value(json_object_get(endpoints, "listen"));
    const char *http = json_string_value(json_object_get(endpoints, "http"));
    log_info(TOPIC, "collector ready listen=%s http=%s", listen == NULL ? "" : listen,
             http == NULL ? "off" : http);
    (void)uv_timer_stop(timer); /* always succeeds */
    int rc = layout_write(overseer->layout, "endpoints", endpoints);
    if (rc != 0) {
        log_warn(TOPIC, "cannot write endpoints.json: %s path=%s", strerror(-rc),
                 overseer->layout->run);
    }
}

static void look_again(struct overseer *overseer)
{
    /* Fails only without a call-back. */
    (void)uv_timer_start(&overseer->look, on_look, LOOK_MS, LOOK_MS);
}

/* --- parts --- */

static int make_channel(void *context)
{
    const struct overseen *overseen = context;
    return part_make_config(overseen->overseer->text, overseen->overseer->text_size);
}

static void on_part_exit(void *context, int64_t status, int term_signal)
{
    const struct overseen *overseen = context;
    struct overseer *overseer = overseen->overseer;
    (void)status; /* the supervisor logs both */
    (void)term_signal;
    if (overseen->reports) {
        layout_remove(overseer->layout, overseen->part->name);
        layout_remove(overseer->layout, "endpoints");
        if (!overseer->stopping) {
            look_again(overseer);
        }
    }
}

static void start_part(struct overseen *overseen)
{
    struct overseer *overseer = overseen->overseer;
    const char *const argv[] = {overseer->program, "--part", overseen->part->name, NULL};
    const struct supervisor_command command = {.name = overseen->part->name,
                                               .argv = argv,
                                               .make_channel = make_channel,
                                               .on_exit = on_part_exit,
                                               .context = overseen};
    overseen->child = supervisor_start(overseer->supervisor, &command);
}

static void start_parts(struct overseer *overseer, const struct collector_config *config)
{
    const struct {
        const struct part *part;
        bool reports;
        bool wanted;
    } table[PARTS] = {{&part_store, false, true},
                      {&part_intake, true, true},
                      {&part_web, true, config->http.enabled}};
    layout_remove(overseer->layout, "endpoints");
    for (size_t i = 0; i < PARTS; i++) {
        overseer->parts[i] = (struct overseen){
            .overseer = overseer, .part = table[i].part, .reports = table[i].reports};
        layout_remove(overseer->layout, table[i].part->name); /* of another time */
        if (table[i].wanted) {
            start_part(&overseer->parts[i]);
        }
    }
}

/* --- control --- */

static void add_part_stats(const struct overseen *overseen, struct stats *stats)
{
    const char *name = overseen->part->name;
    int pid = supervisor_child_pid(overseen->child);
    stats_add_labelled(stats, STAT_COUNTER, "beffroi_part_restarts_total",
                       "Times that a part of the collector was started again.", "part", name,
                       (double)supervisor_child_restarts(overseen->child));
    stats_add_labelled(stats, STAT_GAUGE, "beffroi_part_up",
                       "1 while a part of the collector runs.", "part", name, pid != 0 ? 1 : 0);
    stats_add_labelled(stats, STAT_GAUGE, "beffroi_part_pid",
                       "Process number of a part of the collector, 0 while it does not run.",
                       "part", name, (double)pid);
}

static json_t *answer(void *context, const json_t *request)
{
    const struct overseer *overseer = context;
    const char *name = json_string_value(json_object_get(request, "request"));
    if (name == NULL || strcmp(name, "stats") != 0) {
        return json_pack("{s:s}", "error", "the supervisor knows the request stats");
    }
    struct stats stats = {0};
    for (size_t i = 0; i < PARTS; i++) {
        if (overseer->parts[i].child != NULL) {
            add_part_stats(&overseer->parts[i], &stats);
        }
    }
    json_t *response = control_stats_encode(&stats);
    stats_clear(&stats);
    return response;
}

/* --- stopping --- */

static void close_handles(struct overseer *overseer)
{
    control_server_close(overseer->control);
    overseer->control = NULL;
    for (size_t i = 0; i < SIGNALS; i++) {
        uv_close((uv_handle_t *)&overseer->signals[i], NULL);
    }
    uv_close((uv_handle_t *)&overseer->look, NULL);
}

static void on_all_ended(void *context)
{
    close_handles(context);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct overseer *overseer = handle->data;
    if (overseer->stopping) {
        return;
    }
    overseer->stopping = true;
    log_info(TOPIC, "stopping signal=%d", number);
    (void)uv_timer_stop(&overseer->look); /* always succeeds */
    supervisor_stop(overseer->supervisor, GRACE_MS, on_all_ended, overseer);
}

/* --- the whole --- */

static int open_handles(struct overseer *overseer)
{
    static const int numbers[SIGNALS] = {SIGTERM, SIGINT, SIGHUP};
    for (size_t i = 0; i < SIGNALS; i++) {
        int rc = uv_signal_init(&overseer->loop, &overseer->signals[i]);
        if (rc != 0) {
            log_error(TOPIC, "cannot watch for signals: %s", uv_strerror(rc));
            return rc; /* the process ends */
        }
        overseer->signals[i].data = overseer;
        (void)uv_signal_start(&overseer->signals[i], on_signal, numbers[i]); /* known signals */
    }
    (void)uv_timer_init(&overseer->loop, &overseer->look); /* always succeeds */
    overseer->look.data = overseer;
    int rc = control_server_open(&overseer->control, &overseer->loop,
                                 overseer->layout->supervisor_socket, answer, overseer);
    if (rc != 0) {
        log_error(TOPIC, "cannot listen on %s: %s", overseer->layout->supervisor_socket,
                  strerror(-rc));
        close_handles(overseer);
        (void)uv_run(&overseer->loop, UV_RUN_DEFAULT); /* to close them */
    }
    return rc;
}

static char *print_config(const struct collector_config *config, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    if (out == NULL) {
        return NULL;
    }
    config_print(out, &collector_config_schema, config);
    if (fclose(out) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

int supervise(const struct collector_config *config, const struct layout *layout)
{
    struct overseer overseer = {.layout = layout};
    int status = 1;
    overseer.program = supervisor_self_path();
    overseer.text = print_config(config, &overseer.text_size);
    if (overseer.program == NULL || overseer.text == NULL) {
        log_error(TOPIC, "cannot find the program's own file (is /proc there?) or out of memory");
        goto out;
    }
    int rc = uv_loop_init(&overseer.loop);
    if (rc != 0) {
        log_error(TOPIC, "cannot make an event loop: %s", uv_strerror(rc));
        goto out;
    }
    if (open_handles(&overseer) == 0) {
        overseer.supervisor = supervisor_new(&overseer.loop);
        start_parts(&overseer, config);
        look_again(&overseer);
        (void)uv_run(&overseer.loop, UV_RUN_DEFAULT); /* until nothing is left in it */
        supervisor_free(overseer.supervisor);
        log_info(TOPIC, "stopped");
        status = 0;
    }
    (void)uv_loop_close(&overseer.loop); /* the process ends */
out:
    free(overseer.text);
    free(overseer.program);
    return status;
}
