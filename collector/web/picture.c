/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * /graph.png. Each graph is drawn by a process of its own: librrd 1.7.2 draws one at a time, leaks,
 * and may crash on a damaged file; none of that reaches the pages. */
#include "reply.h"
#include "routes.h"
#include "web/web.h"

#include "common/xalloc.h"
#include "rrd/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum {
    DRAW_MS = 10000,
    PNG_MAX = 16 * 1024 * 1024,
    WIDTH_PX = 720,
    HEIGHT_PX = 220,
};

struct child {
    pid_t pid;
    int in;  /* its standard input, to write */
    int out; /* its standard output, to read */
};

static int start_child(const char *program, struct child *child)
{
    char *const argv[] = {(char *)(uintptr_t)program, "--part", "draw", NULL};
    posix_spawn_file_actions_t actions;
    int in[2];
    int out[2];
    if (pipe2(in, O_CLOEXEC) != 0) {
        return -errno;
    }
    if (pipe2(out, O_CLOEXEC) != 0) {
        int rc = -errno;
        (void)close(in[0]);
        (void)close(in[1]);
        return rc;
    }
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc == 0) {
        rc = posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
        rc = rc != 0 ? rc : posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
        rc = rc != 0 ? rc : posix_spawn(&child->pid, program, &actions, NULL, argv, environ);
        (void)posix_spawn_file_actions_destroy(&actions); /* frees only */
    }
    (void)close(in[0]);
    (void)close(out[1]);
    if (rc != 0) {
        (void)close(in[1]);
        (void)close(out[0]);
        return -rc;
    }
    child->in = in[1];
    child->out = out[0];
    return 0;
}

/* Reads to the end or the deadline. 0 or -errno. */
static int read_all(int fd, struct mono deadline, char **bytes, size_t *size)
{
    char *buffer = NULL;
    size_t used = 0;
    for (;;) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        int64_t left_ms = mono_elapsed_ms(clock_mono(), deadline);
        int ready = left_ms <= 0 ? 0 : poll(&wait, 1, (int)left_ms);
        if (ready < 0 && errno == EINTR) {
            continue;
        }
        if (ready <= 0 || used >= PNG_MAX) {
            free(buffer);
            return ready == 0 ? -ETIMEDOUT : -EFBIG;
        }
        enum { PIECE = 64 * 1024 };
        buffer = xrealloc(buffer, used + PIECE);
        ssize_t n = read(fd, buffer + used, PIECE);
        if (n < 0 && errno != EINTR) {
            free(buffer);
            return -errno;
        }
        if (n == 0) {
            *bytes = buffer;
            *size = used;
            return 0;
        }
        used += n > 0 ? (size_t)n : 0;
    }
}

static int finish_child(const struct child *child, bool kill_it)
{
    int status = 0;
    (void)close(child->out);
    if (kill_it) {
        (void)kill(child->pid, SIGKILL); /* not waited for yet: it is still ours */
    }
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

static int meaning_of(int status)
{
    if (!WIFEXITED(status)) {
        return -EIO; /* it crashed */
    }
    switch (WEXITSTATUS(status)) {
    case WEB_DRAW_OK:
        return 0;
    case WEB_DRAW_NOTHING:
        return -ENODATA;
    case WEB_DRAW_RANGE:
        return -EINVAL;
    default: /* any number */
        return -EIO;
    }
}

/* Has the order drawn. 0 with a malloc'ed PNG, or -errno: -ENODATA there is nothing to draw,
 * -EINVAL not over that range, -EIO it failed. */
static int draw(const char *program, const json_t *order, char **png, size_t *size)
{
    struct child child;
    struct mono deadline = mono_add_ms(clock_mono(), DRAW_MS);
    char *text = json_dumps(order, JSON_COMPACT);
    int rc = text == NULL ? -ENOMEM : start_child(program, &child);
    if (rc != 0) {
        free(text);
        return rc;
    }
    /* Far below what a pipe holds, so it never blocks. SIGPIPE is ignored in this process. */
    ssize_t written = write(child.in, text, strlen(text));
    (void)written; /* a child that is gone shows at the read */
    (void)close(child.in);
    free(text);
    rc = read_all(child.out, deadline, png, size);
    int status = finish_child(&child, rc != 0);
    if (rc == 0) {
        rc = meaning_of(status);
        rc = rc == 0 && *size == 0 ? -EIO : rc;
        if (rc != 0) {
            free(*png);
        }
    }
    return rc;
}

/* The object's graph of that id, or its first; NULL: it has no such graph, or is not known (then
 * the file alone decides what is drawn). A new reference. */
static json_t *find_graph(const struct web_request *request, const char *device, const char *kind,
                          const char *name, const char *id)
{
    struct query_failure failure;
    json_t *graphs = query_graphs(request->sources, device, kind, name, &failure);
    json_t *found = NULL;
    size_t i;
    json_t *graph;
    json_array_foreach(graphs, i, graph)
    {
        const char *its = json_string_value(json_object_get(graph, "id"));
        if (found == NULL && (id == NULL || strcmp(its, id) == 0)) {
            found = json_incref(graph);
        }
    }
    json_decref(graphs);
    return found;
}

static json_t *make_order(struct web_request *request, const char *path, const char *kind,
                          const char *title)
{
    struct wall from;
    struct wall to;
    int64_t width = 0;
    int64_t height = 0;
    const char *zone = request->sources->contract != NULL
                           ? sla_contract_timezone(request->sources->contract)
                           : "UTC";
    if (!request_time(request, "from", "-1h", &from) || !request_time(request, "to", "now", &to) ||
        !request_number(request, "width", WIDTH_PX, 100, 4000, &width) ||
        !request_number(request, "height", HEIGHT_PX, 50, 2000, &height)) {
        return NULL;
    }
    const char *graph = request_text(request, "graph");
    if (from.ms >= to.ms) {
        request->failure = (struct query_failure){QUERY_BAD_PARAMETER, "from must be before to"};
        return NULL;
    }
    /* Never NULL: all texts are UTF-8. */
    return json_pack("{s:s, s:s, s:s*, s:s, s:I, s:I, s:I, s:I, s:s}", "path", path, "kind", kind,
                     "graph", graph, "title", title, "from_ms", (json_int_t)from.ms, "to_ms",
                     (json_int_t)to.ms, "width_px", (json_int_t)width, "height_px",
                     (json_int_t)height, "timezone", zone);
}

static void fail_drawing(struct web_request *request, int rc)
{
    static const struct {
        int rc;
        struct query_failure failure;
    } failures[] = {
        {-ENODATA, {QUERY_NOT_FOUND, "there is no such graph, or nothing to draw yet"}},
        {-EINVAL,
         {QUERY_BAD_PARAMETER, "from and to must be at most ten years apart, and after 2001"}},
        {-ETIMEDOUT, {QUERY_UNAVAILABLE, "the graph took too long"}},
    };
    request->failure = (struct query_failure){
        QUERY_UNAVAILABLE, "the graph could not be drawn; the collector's log says why"};
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        if (failures[i].rc == rc) {
            request->failure = failures[i].failure;
        }
    }
}

int route_graph(struct web_request *request)
{
    char *png = NULL;
    size_t size = 0;
    const char *device = request_need(request, "device");
    const char *kind = device != NULL ? request_need(request, "kind") : NULL;
    const char *name = kind != NULL ? request_need(request, "name") : NULL;
    if (name == NULL) {
        return reply_failure_json(request);
    }
    char *path = rrd_path(request->sources->rrd_directory, device, kind, name);
    char *title = xasprintf("%s · %s", device, name);
    json_t *order = make_order(request, path, kind, title);
    free(title);
    free(path);
    if (order == NULL) {
        return reply_failure_json(request);
    }
    json_t *graph = find_graph(request, device, kind, name, request_text(request, "graph"));
    if (graph != NULL) {
        (void)json_object_set_new(order, "chosen", graph);
    }
    query_flush(request->sources, device, kind, name);
    int rc = draw(request->program, order, &png, &size);
    json_decref(order);
    if (rc != 0) {
        fail_drawing(request, rc);
        return reply_failure_json(request);
    }
    return reply_png(request, png, size);
}
