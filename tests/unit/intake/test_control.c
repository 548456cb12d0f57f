/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The control socket against askers that are well behaved, rude, slow, gone or many. */
#include "common/clock.h"
#include "common/xalloc.h"
#include "control/control.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

enum { TURNS_MAX = 5000, BIG = 900 * 1024 };

struct place {
    char *folder;
    char *path;
    uv_loop_t loop;
    struct control_server *server;
    int asked;
};

static json_t *handle(void *context, const json_t *request)
{
    struct place *place = context;
    const char *name = json_string_value(json_object_get(request, "request"));
    place->asked++;
    if (name != NULL && strcmp(name, "big") == 0) {
        char *text = xmalloc(BIG + 1);
        memset(text, 'x', BIG);
        text[BIG] = '\0';
        json_t *response = json_pack("{s:s}", "text", text);
        free(text);
        return response;
    }
    if (name != NULL && strcmp(name, "too big") == 0) {
        json_t *list = json_array();
        for (int i = 0; i < CONTROL_LINE_MAX / 8; i++) {
            json_array_append_new(list, json_integer(10000000));
        }
        return json_pack("{s:o}", "list", list);
    }
    return json_pack("{s:s?}", "heard", name);
}

static int set_up(void **state)
{
    struct place *place = xcalloc(1, sizeof *place);
    place->folder = make_folder();
    place->path = xasprintf("%s/c.sock", place->folder);
    assert_int_equal(uv_loop_init(&place->loop), 0);
    assert_int_equal(control_server_open(&place->server, &place->loop, place->path, handle, place),
                     0);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    struct place *place = *state;
    clock_replace(NULL);
    control_server_close(place->server);
    assert_int_equal(uv_run(&place->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&place->loop), 0);
    assert_int_equal(access(place->path, F_OK), -1);
    remove_folder(place->folder);
    free(place->path);
    free(place);
    return 0;
}

/* --- a client without manners --- */

static int dial(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

/* Sends all while the loop turns, until the peer hangs up. */
static void say(struct place *place, int fd, const char *bytes, size_t size)
{
    for (int i = 0; size > 0 && i < TURNS_MAX; i++) {
        ssize_t n = send(fd, bytes, size, MSG_NOSIGNAL);
        if (n > 0) {
            bytes += n;
            size -= (size_t)n;
        } else if (errno != EAGAIN) {
            return;
        }
        (void)uv_run(&place->loop, UV_RUN_NOWAIT);
    }
}

/* All that comes until the peer ends the connection; fails if it does not. */
static char *hear(struct place *place, int fd, size_t *size)
{
    char *text = xmalloc(2 * CONTROL_LINE_MAX);
    *size = 0;
    for (int i = 0; i < TURNS_MAX; i++) {
        (void)uv_run(&place->loop, UV_RUN_NOWAIT);
        ssize_t n = recv(fd, text + *size, 2 * CONTROL_LINE_MAX - 1 - *size, 0);
        if (n > 0) {
            *size += (size_t)n;
        } else if (n == 0 || errno == ECONNRESET) {
            text[*size] = '\0';
            return text;
        } else {
            struct pollfd moment = {.fd = fd, .events = POLLIN};
            (void)poll(&moment, 1, 1); /* both ends are in this thread */
        }
    }
    fail_msg("the server did not end the connection");
    return text;
}

static void assert_answer(struct place *place, const char *bytes, size_t size, const char *wanted)
{
    int fd = dial(place->path);
    size_t got;
    say(place, fd, bytes, size);
    char *text = hear(place, fd, &got);
    assert_string_equal(text, wanted);
    free(text);
    close(fd);
}

#define NOT_AN_OBJECT "{\"error\":\"a request is one JSON object on one line\"}\n"
#define TOO_LONG      "{\"error\":\"the request is too long\"}\n"

static void requests_are_answered(void **state)
{
    struct place *place = *state;
    assert_answer(place, "{\"request\":\"a\"}\n", 16, "{\"heard\":\"a\"}\n");
    assert_answer(place, "{}\r\n", 4, "{\"heard\":null}\n");
    assert_answer(place, "{}\n{\"request\":\"b\"}\n", 20, "{\"heard\":null}\n"); /* one each */
    assert_int_equal(place->asked, 3);
}

static void nonsense_is_told_so(void **state)
{
    struct place *place = *state;
    static const char *const lines[] = {
        "\n",        "nonsense\n",         "[1]\n", "\"stats\"\n", "{\"a\":1,\"a\":2}\n", "{} {}\n",
        "{\"a\":\n", "{\"a\":\"\xff\"}\n",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        assert_answer(place, lines[i], strlen(lines[i]), NOT_AN_OBJECT);
    }
    assert_answer(place, "{}\0\n", 4, NOT_AN_OBJECT);
    char *deep = xmalloc(100001);
    memset(deep, '[', 100000);
    deep[100000] = '\n';
    assert_answer(place, deep, 100001, NOT_AN_OBJECT);
    free(deep);
    assert_int_equal(place->asked, 0);
}

static void long_lines_are_refused(void **state)
{
    struct place *place = *state;
    size_t size = CONTROL_LINE_MAX + 4096;
    char *line = xmalloc(size);
    memset(line, ' ', size);
    line[0] = '{';
    line[1] = '}';
    line[CONTROL_LINE_MAX - 1] = '\n'; /* the longest that is allowed */
    assert_answer(place, line, CONTROL_LINE_MAX, "{\"heard\":null}\n");
    line[CONTROL_LINE_MAX - 1] = ' ';
    line[CONTROL_LINE_MAX] = '\n';
    assert_answer(place, line, CONTROL_LINE_MAX + 1, TOO_LONG);
    line[CONTROL_LINE_MAX] = ' ';
    assert_answer(place, line, size, TOO_LONG); /* without any end */
    free(line);
    assert_int_equal(place->asked, 1);
}

static void long_answers_become_an_error(void **state)
{
    struct place *place = *state;
    assert_answer(place, "{\"request\":\"too big\"}\n", 22,
                  "{\"error\":\"the answer is too long\"}\n");
    int fd = dial(place->path);
    size_t size;
    say(place, fd, "{\"request\":\"big\"}\n", 18);
    char *text = hear(place, fd, &size);
    assert_true(size > BIG && text[size - 1] == '\n');
    free(text);
    close(fd);
}

static void whoever_leaves_is_forgotten(void **state)
{
    struct place *place = *state;
    for (int i = 0; i < 30; i++) {
        int fd = dial(place->path);
        /* Before the request, within it, and before the answer. */
        say(place, fd, "{\"request\":\"big\"}\n", i % 3 == 0 ? 0 : i % 3 == 1 ? 5 : 18);
        close(fd);
        (void)uv_run(&place->loop, UV_RUN_NOWAIT);
    }
    place->asked = 0;
    requests_are_answered(state);
}

/* True when the peer has ended the connection. */
static bool is_ended(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, MSG_PEEK);
    return n == 0 || (n < 0 && errno == ECONNRESET);
}

static void turn(struct place *place, int times)
{
    for (int i = 0; i < times; i++) {
        (void)uv_run(&place->loop, UV_RUN_NOWAIT);
    }
}

static void too_many_are_turned_away(void **state)
{
    struct place *place = *state;
    int fds[CONTROL_CONNECTIONS_MAX + 10];
    size_t n = sizeof fds / sizeof fds[0];
    for (size_t i = 0; i < n; i++) {
        fds[i] = dial(place->path);
        turn(place, 3);
    }
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(is_ended(fds[i]), i >= CONTROL_CONNECTIONS_MAX);
    }
    close(fds[0]);
    turn(place, 3);
    requests_are_answered(state);
    for (size_t i = 1; i < n; i++) {
        close(fds[i]);
    }
}

/* --- those who sleep --- */

static struct mono fake_now;

static struct mono fake_mono(void *context)
{
    (void)context; /* one clock for all */
    return fake_now;
}

static struct wall fake_wall(void *context)
{
    (void)context; /* likewise */
    return (struct wall){0};
}

static void wait_until_ended(struct place *place, int fd, bool drain)
{
    char bytes[65536];
    for (int i = 0; i < TURNS_MAX; i++) {
        (void)uv_run(&place->loop, UV_RUN_ONCE); /* the server's own timer wakes it */
        while (drain && recv(fd, bytes, sizeof bytes, 0) > 0) {
        }
        if (is_ended(fd)) {
            return;
        }
    }
    fail_msg("the server did not end the connection");
}

static void sleepers_are_closed(void **state)
{
    struct place *place = *state;
    static const struct clock_source source = {.mono = fake_mono, .wall = fake_wall};
    clock_replace(&source);
    int silent = dial(place->path);
    int deaf = dial(place->path);
    say(place, deaf, "{\"request\":\"big\"}\n", 18);
    turn(place, 5);
    assert_int_equal(place->asked, 1);
    fake_now = mono_add_ms(fake_now, CONTROL_IDLE_MS - 1);
    uint64_t until = uv_hrtime() + UINT64_C(300000000); /* longer than the server looks away */
    while (uv_hrtime() < until) {
        (void)uv_run(&place->loop, UV_RUN_ONCE);
    }
    assert_false(is_ended(silent));
    int late = dial(place->path); /* its time begins now */
    turn(place, 3);
    fake_now = mono_add_ms(fake_now, 1);
    wait_until_ended(place, silent, false);
    wait_until_ended(place, deaf, true);
    assert_false(is_ended(late));
    close(silent);
    close(deaf);
    close(late);
}

/* --- the socket file --- */

static void stale_socket_is_replaced_and_a_live_one_not(void **state)
{
    struct place *place = *state;
    struct control_server *second = NULL;
    struct stat status;
    assert_int_equal(control_server_open(&second, &place->loop, place->path, handle, place),
                     -EADDRINUSE);
    requests_are_answered(state);

    char *stale = xasprintf("%s/stale.sock", place->folder);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", stale);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    close(fd);
    mode_t old = umask(0077);
    assert_int_equal(control_server_open(&second, &place->loop, stale, handle, place), 0);
    (void)umask(old);
    assert_int_equal(stat(stale, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0660);
    control_server_close(second);
    free(stale);
}

static void other_files_are_left_alone(void **state)
{
    struct place *place = *state;
    struct control_server *second = NULL;
    char *file = xasprintf("%s/file", place->folder);
    int fd = open(file, O_CREAT | O_WRONLY, 0600);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(control_server_open(&second, &place->loop, file, handle, place), -EEXIST);
    assert_int_equal(access(file, F_OK), 0);
    free(file);
    char *nowhere = xasprintf("%s/no/such", place->folder);
    assert_int_equal(control_server_open(&second, &place->loop, nowhere, handle, place), -ENOENT);
    free(nowhere);
}

/* --- asking --- */

struct question {
    const char *path;
    const char *request;
    int64_t timeout_ms;
    int rc;
    json_t *response;
    uv_async_t *done;
};

static void ask_in_thread(void *argument)
{
    struct question *question = argument;
    json_t *request = json_pack("{s:s}", "request", question->request);
    question->rc = control_ask(question->path, request, question->timeout_ms, &question->response);
    json_decref(request);
    uv_async_send(question->done);
}

static void on_done(uv_async_t *done)
{
    uv_close((uv_handle_t *)done, NULL);
    uv_stop(done->loop);
}

static void ask(struct place *place, struct question *question)
{
    uv_thread_t thread;
    uv_async_t done;
    question->done = &done;
    assert_int_equal(uv_async_init(&place->loop, &done, on_done), 0);
    assert_int_equal(uv_thread_create(&thread, ask_in_thread, question), 0);
    (void)uv_run(&place->loop, UV_RUN_DEFAULT);
    (void)uv_run(&place->loop, UV_RUN_NOWAIT); /* the handle's end */
    uv_thread_join(&thread);
}

static void asking_works_with_long_paths_too(void **state)
{
    struct place *place = *state;
    struct question question = {.path = place->path, .request = "big", .timeout_ms = 10000};
    ask(place, &question);
    assert_int_equal(question.rc, 0);
    assert_int_equal(json_string_length(json_object_get(question.response, "text")), BIG);
    json_decref(question.response);

    char *deep = xstrdup(place->folder);
    for (int i = 0; i < 8; i++) {
        char *deeper = xasprintf("%s/a-folder-with-a-long-name", deep);
        assert_int_equal(mkdir(deeper, 0700), 0);
        free(deep);
        deep = deeper;
    }
    char *path = xasprintf("%s/c.sock", deep);
    assert_true(strlen(path) > sizeof((struct sockaddr_un *)0)->sun_path);
    struct control_server *server = NULL;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(control_server_open(&server, &place->loop, path, handle, place), 0);
        question = (struct question){.path = path, .request = "far", .timeout_ms = 10000};
        ask(place, &question);
        assert_int_equal(question.rc, 0);
        assert_string_equal(json_string_value(json_object_get(question.response, "heard")), "far");
        json_decref(question.response);
        control_server_close(server);
        assert_int_equal(access(path, F_OK), -1);
    }
    free(path);
    free(deep);
}

static void asking_nobody_fails(void **state)
{
    struct place *place = *state;
    json_t *request = json_object();
    json_t *response = NULL;
    char *path = xasprintf("%s/nobody.sock", place->folder);
    assert_int_equal(control_ask(path, request, 1000, &response), -ENOENT);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(control_ask(path, request, 1000, &response), -ECONNREFUSED);
    /* It listens, but never answers; with a full backlog it does not even accept. */
    assert_int_equal(listen(fd, 0), 0);
    for (int i = 0; i < 3; i++) {
        uint64_t before = uv_hrtime();
        assert_int_equal(control_ask(path, request, 30, &response), -ETIMEDOUT);
        assert_in_range((uv_hrtime() - before) / 1000000, 29, 5000);
    }
    close(fd);
    free(path);
    json_decref(request);
}

#define SPACES "                "

struct liar {
    int fd;
    const char *answer;
    size_t repeat;
};

static void lie(void *argument)
{
    struct liar *liar = argument;
    char request[256];
    int fd = accept(liar->fd, NULL, NULL);
    (void)!read(fd, request, sizeof request); /* whatever it is */
    for (size_t i = 0; i < liar->repeat; i++) {
        if (send(fd, liar->answer, strlen(liar->answer), MSG_NOSIGNAL) < 0) {
            break; /* it had enough */
        }
    }
    close(fd);
}

static void strange_answers_are_refused(void **state)
{
    struct place *place = *state;
    struct liar liars[] = {{0, "", 0},        {0, "nonsense\n", 1}, {0, "[]\n", 1},
                           {0, "{\"a\":", 1}, {0, "{} {}", 1},      {0, SPACES, 100000}};
    char *path = xasprintf("%s/liar.sock", place->folder);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    json_t *request = json_object();
    for (size_t i = 0; i < sizeof liars / sizeof liars[0]; i++) {
        uv_thread_t thread;
        json_t *response = NULL;
        liars[i].fd = fd;
        assert_int_equal(uv_thread_create(&thread, lie, &liars[i]), 0);
        assert_int_equal(control_ask(path, request, 10000, &response), -EBADMSG);
        assert_null(response);
        uv_thread_join(&thread);
    }
    json_decref(request);
    close(fd);
    free(path);
}

/* --- figures --- */

static void figures_come_back_the_same(void **state)
{
    (void)state; /* needs no socket */
    struct stats out = {0};
    struct stats in = {0};
    stats_add(&out, STAT_COUNTER, "beffroi_a_total", "One \"thing\".", 9007199254740992.0);
    stats_add_labelled(&out, STAT_GAUGE, "beffroi_b", "Other.", "agent", "h\xc3\xb4te", 0.25);
    stats_add_labelled(&out, STAT_GAUGE, "beffroi_b", "Other.", "agent", "\xff", -1);
    stats_add(&out, STAT_GAUGE, "beffroi_c", "Not known.", (double)NAN);
    json_t *response = control_stats_encode(&out);
    char *text = json_dumps(response, JSON_COMPACT);
    json_decref(response);
    response = json_loads(text, 0, NULL);
    assert_int_equal(control_stats_decode(response, &in), 0);
    assert_int_equal(in.count, 4);
    assert_string_equal(in.values[0].name, "beffroi_a_total");
    assert_string_equal(in.values[0].help, "One \"thing\".");
    assert_int_equal(in.values[0].type, STAT_COUNTER);
    assert_true(in.values[0].value == 9007199254740992.0);
    assert_null(in.values[0].label_key);
    assert_int_equal(in.values[1].type, STAT_GAUGE);
    assert_string_equal(in.values[1].label_key, "agent");
    assert_string_equal(in.values[1].label_value, "h\xc3\xb4te");
    assert_true(in.values[1].value == 0.25);
    assert_string_equal(in.values[2].label_value, "(not UTF-8)");
    assert_true(isnan(in.values[3].value));
    json_decref(response);
    free(text);
    stats_clear(&in);
    stats_clear(&out);
}

static void strange_figures_are_refused(void **state)
{
    (void)state; /* needs no socket */
    static const char *const texts[] = {
        "{}",
        "{\"stats\":{}}",
        "{\"stats\":[1]}",
        "{\"stats\":[{\"name\":\"a\",\"help\":\"b\",\"type\":\"gauge\"}]}",
        "{\"stats\":[{\"name\":1,\"help\":\"b\",\"type\":\"gauge\",\"value\":1}]}",
        "{\"stats\":[{\"name\":\"a\",\"help\":\"b\",\"type\":\"other\",\"value\":1}]}",
        "{\"stats\":[{\"name\":\"a\",\"help\":\"b\",\"type\":\"gauge\",\"value\":\"1\"}]}",
        ("{\"stats\":[{\"name\":\"a\",\"help\":\"b\",\"type\":\"gauge\",\"value\":1,"
         "\"label_key\":\"k\"}]}"),
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct stats stats = {0};
        json_t *response = json_loads(texts[i], 0, NULL);
        assert_non_null(response);
        assert_int_equal(control_stats_decode(response, &stats), -EBADMSG);
        json_decref(response);
        stats_clear(&stats);
    }
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
#define WITH_SERVER(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_SERVER(requests_are_answered),
        WITH_SERVER(nonsense_is_told_so),
        WITH_SERVER(long_lines_are_refused),
        WITH_SERVER(long_answers_become_an_error),
        WITH_SERVER(whoever_leaves_is_forgotten),
        WITH_SERVER(too_many_are_turned_away),
        WITH_SERVER(sleepers_are_closed),
        WITH_SERVER(stale_socket_is_replaced_and_a_live_one_not),
        WITH_SERVER(other_files_are_left_alone),
        WITH_SERVER(asking_works_with_long_paths_too),
        WITH_SERVER(asking_nobody_fails),
        WITH_SERVER(strange_answers_are_refused),
        cmocka_unit_test(figures_come_back_the_same),
        cmocka_unit_test(strange_figures_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
