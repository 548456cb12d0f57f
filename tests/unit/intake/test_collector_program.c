/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The real beffroi-collector: what it says of good and bad configurations and command lines, and a
 * life of it from start to stop. */
#include "common/xalloc.h"
#include "control/control.h"
#include "proto/keys.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { TEXT_MAX = 64 * 1024, DEADLINE_MS = 20000, LOOK_MS = 20 };

/* --- running it --- */

struct ending {
    int status;
    char out[TEXT_MAX];
    char err[TEXT_MAX];
};

static void read_file(const char *path, char text[TEXT_MAX])
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail_msg("%s: %s", path, strerror(errno));
    }
    size_t size = fread(text, 1, TEXT_MAX - 1, file);
    text[size] = '\0';
    (void)fclose(file);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* Starts it in a folder, its output in the files `out` and `err` of `output`. */
static pid_t start(const char *folder, const char *output, const char *const *arguments)
{
    char *out = xasprintf("%s/out", output);
    char *err = xasprintf("%s/err", output);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const char *argv[16] = {COLLECTOR_PROGRAM};
        for (size_t i = 0; arguments[i] != NULL && i < 14; i++) {
            argv[i + 1] = arguments[i];
        }
        int out_fd = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        int err_fd = open(err, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (chdir(folder) != 0 || dup2(out_fd, 1) < 0 || dup2(err_fd, 2) < 0 ||
            close(out_fd) != 0 || close(err_fd) != 0) {
            _exit(127);
        }
        (void)execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    free(out);
    free(err);
    return pid;
}

static int finish(pid_t pid)
{
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static const struct ending *run(const char *folder, const char *const *arguments)
{
    static struct ending ending;
    char *output = make_folder();
    ending.status = finish(start(folder, output, arguments));
    char *path = xasprintf("%s/out", output);
    read_file(path, ending.out);
    free(path);
    path = xasprintf("%s/err", output);
    read_file(path, ending.err);
    free(path);
    remove_folder(output);
    return &ending;
}

#define RUN(folder, ...) run(folder, (const char *const[]){__VA_ARGS__, NULL})

/* --- configurations --- */

static void read_golden(const char *name, char text[TEXT_MAX])
{
    char *path = xasprintf("%s/%s", TEST_DATA_DIR, name);
    read_file(path, text);
    free(path);
}

static void normal_forms_are_golden(void **state)
{
    static const char *const names[] = {"minimal", "full"};
    static char golden[TEXT_MAX];
    (void)state; /* reads the data folder only */
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *yaml = xasprintf("%s.yaml", names[i]);
        char *normal = xasprintf("%s.normal", names[i]);
        read_golden(normal, golden);
        const struct ending *ending = RUN(TEST_DATA_DIR, "-c", yaml, "-nv");
        assert_string_equal(ending->err, "");
        assert_string_equal(ending->out, golden);
        assert_int_equal(ending->status, 0);
        ending = RUN(TEST_DATA_DIR, "-c", normal, "-nv"); /* it parses to itself */
        assert_string_equal(ending->out, golden);
        ending = RUN(TEST_DATA_DIR, "--config", yaml, "-n");
        assert_non_null(strstr(ending->out, "configuration is good"));
        assert_int_equal(ending->status, 0);
        free(normal);
        free(yaml);
    }
}

/* Each line of `err` begins with the line of `golden` at its place. */
static void assert_errors(const char *err, const char *golden)
{
    while (*golden != '\0') {
        size_t size = strcspn(golden, "\n");
        if (strncmp(err, golden, size) != 0) {
            fail_msg("expected %.*s\ngot %s", (int)size, golden, err);
        }
        golden += size + (golden[size] == '\n');
        size = strcspn(err, "\n");
        err += size + (err[size] == '\n');
    }
    assert_string_equal(err, "");
}

static void errors_name_their_places(void **state)
{
    static const char *const names[] = {"bad", "twice", "bad-contract"};
    static char golden[TEXT_MAX];
    (void)state; /* reads the data folder only */
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *yaml = xasprintf("%s.yaml", names[i]);
        char *errors = xasprintf("%s.errors", names[i]);
        read_golden(errors, golden);
        const struct ending *ending = RUN(TEST_DATA_DIR, "-c", yaml, "-n");
        assert_errors(ending->err, golden);
        assert_string_equal(ending->out, "");
        assert_int_equal(ending->status, 1);
        free(errors);
        free(yaml);
    }
    const struct ending *ending = RUN(TEST_DATA_DIR, "-c", "nowhere.yaml");
    assert_non_null(strstr(ending->err, "nowhere.yaml: "));
    assert_int_equal(ending->status, 1);
}

/* The example without its prose, and without the lines that have no default, is the defaults. */
static void example_is_the_defaults(void **state)
{
    static char golden[TEXT_MAX];
    static char text[TEXT_MAX];
    (void)state; /* has a folder of its own */
    const struct ending *ending = RUN("/", "--print-example");
    assert_int_equal(ending->status, 0);
    size_t used = (size_t)snprintf(text, sizeof text,
                                   "data: /var/lib/beffroi\nkeys: /etc/beffroi/collector.key\n");
    for (const char *line = ending->out; *line != '\0';) {
        size_t size = strcspn(line, "\n");
        size_t indent = strspn(line, " ");
        bool is_key = indent < size && line[indent] == '#' && line[indent + 1] != ' ';
        if (is_key && memchr(line, '<', size) == NULL && strncmp(line, "#agents", 7) != 0) {
            used += (size_t)snprintf(text + used, sizeof text - used, "%.*s%.*s\n", (int)indent,
                                     line, (int)(size - indent - 1), line + indent + 1);
        }
        line += size + (line[size] == '\n');
    }
    char *folder = make_folder();
    char *path = xasprintf("%s/example.yaml", folder);
    write_file(path, text);
    read_golden("minimal.normal", golden);
    ending = RUN(folder, "-c", path, "-nv");
    assert_string_equal(ending->err, "");
    assert_string_equal(ending->out, golden);
    free(path);
    remove_folder(folder);
}

/* --- command lines --- */

static void command_lines(void **state)
{
    static const struct {
        const char *arguments[5];
        int status;
        const char *out;
        const char *err;
    } cases[] = {
        {{"--help"}, 0, "usage: beffroi-collector", ""},
        {{"-h"}, 0, "Exit status:", ""},
        {{"--version"}, 0, "beffroi-collector " BEFFROI_VERSION "\n", ""},
        {{NULL}, 2, "", "-c FILE is missing"},
        {{"-n"}, 2, "", "-c FILE is missing"},
        {{"-c"}, 2, "", "usage:"},
        {{"--nonsense"}, 2, "", "usage:"},
        {{"-c", "minimal.yaml", "-v"}, 2, "", "-v goes with -n"},
        {{"-c", "minimal.yaml", "-n", "more"}, 2, "", "an argument too many"},
        {{"--part", "nonsense"}, 2, "", "there is no part nonsense"},
        {{"--part", "intake"}, 1, "", "started by the collector itself"},
    };
    (void)state; /* reads the data folder only */
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct ending *ending = run(TEST_DATA_DIR, cases[i].arguments);
        assert_int_equal(ending->status, cases[i].status);
        assert_non_null(strstr(ending->out, cases[i].out));
        assert_non_null(strstr(ending->err, cases[i].err));
        assert_int_equal(ending->out[0] == '\0', cases[i].out[0] == '\0');
        assert_int_equal(ending->err[0] == '\0', cases[i].err[0] == '\0');
    }
}

/* --- a life --- */

struct home {
    char *folder;
    char *config;
};

static int make_home(void **state)
{
    struct home *home = xcalloc(1, sizeof *home);
    assert_int_equal(keys_init(), 0);
    home->folder = make_folder();
    home->config = xasprintf("%s/collector.yaml", home->folder);
    write_file(home->config, "data: d/a\nkeys: key\nlisten: \"tcp://127.0.0.1:0\"\n"
                             "http: {port: 0}\n");
    *state = home;
    return 0;
}

static int remove_home(void **state)
{
    struct home *home = *state;
    free(home->config);
    remove_folder(home->folder);
    free(home);
    return 0;
}

static void make_key(const struct home *home)
{
    char *path = xasprintf("%s/key", home->folder);
    struct keys *keys = keys_generate();
    assert_int_equal(keys_save(keys, path), 0);
    keys_free(keys);
    free(path);
}

static void cannot_start_and_says_why(void **state)
{
    const struct home *home = *state;
    const struct ending *ending = RUN("/", "-c", home->config);
    assert_int_equal(ending->status, 1);
    assert_non_null(strstr(ending->err, "the key file cannot be used"));
    assert_non_null(strstr(ending->err, "beffroi keys new"));
    make_key(home);
    char *file = xasprintf("%s/d", home->folder);
    write_file(file, "in the way");
    ending = RUN("/", "-c", home->config);
    assert_int_equal(ending->status, 1);
    assert_non_null(strstr(ending->err, "cannot use the folder"));
    free(file);
}

static bool file_is_there(const struct home *home, const char *name)
{
    char *path = xasprintf("%s/d/a/%s", home->folder, name);
    bool there = access(path, F_OK) == 0;
    free(path);
    return there;
}

static void wait_for(const struct home *home, const char *name, bool there)
{
    const struct timespec moment = {.tv_nsec = LOOK_MS * 1000000L};
    for (int i = 0; i < DEADLINE_MS / LOOK_MS; i++) {
        if (file_is_there(home, name) == there) {
            return;
        }
        (void)nanosleep(&moment, NULL); /* polling */
    }
    char *path = xasprintf("%s/err", home->folder);
    static char text[TEXT_MAX];
    read_file(path, text);
    fail_msg("%s does not %s:\n%s", name, there ? "come" : "go", text);
}

static json_t *read_endpoints(const struct home *home)
{
    char *path = xasprintf("%s/d/a/run/endpoints.json", home->folder);
    json_t *endpoints = json_load_file(path, 0, NULL);
    free(path);
    assert_non_null(endpoints);
    return endpoints;
}

/* A figure of the supervisor's about a part. */
static double ask_supervisor(const struct home *home, const char *name, const char *part)
{
    struct stats stats = {0};
    json_t *response = NULL;
    json_t *request = json_pack("{s:s}", "request", "stats");
    char *path = xasprintf("%s/d/a/run/supervisor.sock", home->folder);
    double value = -1;
    assert_int_equal(control_ask(path, request, DEADLINE_MS, &response), 0);
    assert_int_equal(control_stats_decode(response, &stats), 0);
    for (size_t i = 0; i < stats.count; i++) {
        if (strcmp(stats.values[i].name, name) == 0 &&
            strcmp(stats.values[i].label_value, part) == 0) {
            value = stats.values[i].value;
        }
    }
    stats_clear(&stats);
    json_decref(response);
    json_decref(request);
    free(path);
    return value;
}

static void assert_log(const struct home *home, const char *text)
{
    static char log[TEXT_MAX];
    char *path = xasprintf("%s/err", home->folder);
    read_file(path, log);
    if (strstr(log, text) == NULL) {
        fail_msg("no \"%s\" in:\n%s", text, log);
    }
    free(path);
}

static void lives_and_stops(void **state)
{
    const struct home *home = *state;
    make_key(home);
    pid_t pid = start("/", home->folder, (const char *const[]){"-c", home->config, NULL});
    wait_for(home, "run/endpoints.json", true);
    json_t *endpoints = read_endpoints(home);
    const char *listen = json_string_value(json_object_get(endpoints, "listen"));
    const char *http = json_string_value(json_object_get(endpoints, "http"));
    assert_non_null(listen);
    assert_non_null(http);
    assert_int_equal(strncmp(listen, "tcp://127.0.0.1:", 16), 0);
    assert_int_equal(strncmp(http, "http://127.0.0.1:", 17), 0);
    assert_log(home, "collector ready");
    json_decref(endpoints);
    static const char *const there[] = {"journal", "rrd", "quarantine", "dead-letter", "ledger.db"};
    for (size_t i = 0; i < sizeof there / sizeof there[0]; i++) {
        assert_true(file_is_there(home, there[i]));
    }

    /* A second one of the same folder does not start, and harms nobody. */
    const struct ending *second = RUN("/", "-c", home->config);
    assert_int_equal(second->status, 1);
    char *owner = xasprintf("another collector (pid %ld)", (long)pid);
    assert_non_null(strstr(second->err, owner));
    free(owner);

    /* A part that dies comes back. */
    double part = ask_supervisor(home, "beffroi_part_pid", "intake");
    assert_true(part > 1);
    assert_true(ask_supervisor(home, "beffroi_part_restarts_total", "intake") == 0);
    assert_int_equal(kill((pid_t)part, SIGKILL), 0);
    wait_for(home, "run/endpoints.json", false);
    wait_for(home, "run/endpoints.json", true);
    assert_true(ask_supervisor(home, "beffroi_part_restarts_total", "intake") == 1);
    assert_true(ask_supervisor(home, "beffroi_part_up", "intake") == 1);
    assert_true(ask_supervisor(home, "beffroi_part_pid", "intake") != part);
    assert_true(ask_supervisor(home, "beffroi_part_restarts_total", "store") == 0);

    assert_int_equal(kill(pid, SIGTERM), 0);
    assert_int_equal(finish(pid), 0);
    assert_false(file_is_there(home, "run/endpoints.json"));
    assert_false(file_is_there(home, "run/intake.sock"));
    assert_false(file_is_there(home, "run/supervisor.sock"));
    assert_log(home, "stopped");
}

/* Killed with -9, its parts end by themselves, and the next one waits for them. */
static void killed_and_started_again(void **state)
{
    const struct home *home = *state;
    make_key(home);
    pid_t pid = start("/", home->folder, (const char *const[]){"-c", home->config, NULL});
    wait_for(home, "run/endpoints.json", true);
    int status;
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    char *old = xasprintf("%s/d/a/run/endpoints.json", home->folder);
    assert_int_equal(unlink(old), 0); /* so that waiting for it means the new one */
    free(old);
    pid = start("/", home->folder, (const char *const[]){"-c", home->config, NULL});
    wait_for(home, "run/endpoints.json", true);
    assert_true(ask_supervisor(home, "beffroi_part_restarts_total", "intake") == 0);
    assert_true(ask_supervisor(home, "beffroi_part_restarts_total", "store") == 0);
    assert_int_equal(kill(pid, SIGINT), 0);
    assert_int_equal(finish(pid), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normal_forms_are_golden),
        cmocka_unit_test(errors_name_their_places),
        cmocka_unit_test(example_is_the_defaults),
        cmocka_unit_test(command_lines),
        cmocka_unit_test_setup_teardown(cannot_start_and_says_why, make_home, remove_home),
        cmocka_unit_test_setup_teardown(lives_and_stops, make_home, remove_home),
        cmocka_unit_test_setup_teardown(killed_and_started_again, make_home, remove_home),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
