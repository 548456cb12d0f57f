/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Programs that behave and programs that do not: what is said of them, what they may, and that
 * nothing of them is left. */
#include "local_support.h"
#include "runner.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { LONG_MS = 15000 };

/* In the order of its metrics. */
enum { RUNTIME, EXIT, REFUSED };

static struct check_config config_of(char **items, size_t n)
{
    return (struct check_config){.name = "c",
                                 .type = CHECK_COMMAND,
                                 .interval_ms = 60000,
                                 .timeout_ms = LONG_MS,
                                 .command = {n, items}};
}

static struct verdict run_shell(struct bench *bench, const char *script, int64_t timeout_ms)
{
    char *items[] = {(char *)"/bin/sh", (char *)"-c", (char *)(uintptr_t)script};
    struct check_config config = config_of(items, 3);
    return run_turn(bench, &config, timeout_ms);
}

static struct verdict run_program(struct bench *bench, const char *program, const char *argument)
{
    char *items[] = {(char *)(uintptr_t)program, (char *)(uintptr_t)argument};
    struct check_config config = config_of(items, argument != NULL ? 2 : 1);
    return run_turn(bench, &config, LONG_MS);
}

static void exit_status_is_the_outcome(void **state)
{
    static const struct {
        const char *script;
        enum outcome outcome;
        const char *reason;
        const char *detail;
        int status;
    } cases[] = {
        {"echo 'OK - fine|a=1'", OUTCOME_UP, "", "OK - fine", 0},
        {"printf 'WARNING \\303\\251t\\303\\251\\nmore'; exit 1", OUTCOME_DEGRADED,
         "plugin-warning", "WARNING \xc3\xa9t\xc3\xa9", 1},
        {"echo CRITICAL; exit 2", OUTCOME_DOWN, "plugin-critical", "CRITICAL", 2},
        {"echo what; exit 3", OUTCOME_UNKNOWN, "plugin-unknown", "what", 3},
        {"exit 4", OUTCOME_UNKNOWN, "plugin-exit", "exit status 4, and not a word", 4},
        {"exit 255", OUTCOME_UNKNOWN, "plugin-exit", "exit status 255, and not a word", 255},
        {"echo no such option >&2; exit 2", OUTCOME_DOWN, "plugin-critical", "no such option", 2},
        {"true", OUTCOME_UP, "", "", 0},
    };
    struct bench bench;
    (void)state;
    bench_open(&bench, &check_type_command);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wall before = clock_wall();
        struct verdict verdict = run_shell(&bench, cases[i].script, LONG_MS);
        assert_int_equal(verdict.outcome, cases[i].outcome);
        assert_string_equal(verdict.reason, cases[i].reason);
        assert_string_equal(verdict.detail, cases[i].detail);
        assert_int_equal(verdict.known, 1 << RUNTIME | 1 << EXIT | 1 << REFUSED);
        assert_int_equal((int)verdict.values[EXIT], cases[i].status);
        assert_true(verdict.values[RUNTIME] > 0 && verdict.values[RUNTIME] < 15);
        assert_true(verdict.time.ms >= before.ms && verdict.time.ms <= clock_wall().ms);
    }
    assert_int_equal(bench.recorder->n_rows, 1); /* perfdata */
    assert_string_equal(bench.recorder->objects[0].device, "self");
    bench_close(&bench);
}

static void bad_ends_are_unknown(void **state)
{
    static const struct {
        const char *script;
        const char *reason;
        const char *part; /* of the detail */
        int64_t timeout_ms;
    } cases[] = {
        {"kill -SEGV $$", "plugin-signal", "signal 11", LONG_MS},
        {"kill -KILL $$", "plugin-signal", "signal 9", LONG_MS},
        {"sleep 1000", "plugin-timeout", "did not end in 0.2 s", 200},
        {"echo OK; sleep 1000", "plugin-timeout", "did not end", 200},
        {"trap '' TERM INT HUP; sleep 1000; sleep 1000", "plugin-timeout", "did not end", 200},
        {"exec head -c 100000000 /dev/zero", "plugin-output", "over 1048576 bytes", LONG_MS},
        {"exec head -c 100000000 /dev/zero >&2", "plugin-output", "over 1048576 bytes", LONG_MS},
        {"yes", "plugin-output", "over 1048576 bytes", LONG_MS},
    };
    struct bench bench;
    (void)state;
    bench_open(&bench, &check_type_command);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct verdict verdict = run_shell(&bench, cases[i].script, cases[i].timeout_ms);
        assert_int_equal(verdict.outcome, OUTCOME_UNKNOWN);
        assert_string_equal(verdict.reason, cases[i].reason);
        assert_non_null(strstr(verdict.detail, cases[i].part));
        assert_int_equal(verdict.known, 1 << RUNTIME);
    }
    bench_close(&bench);
}

static void program_must_be_there(void **state)
{
    char folder[] = "/tmp/beffroi-command-XXXXXX";
    char path[64];
    struct bench bench;
    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chmod(folder, 0755), 0);
    (void)snprintf(path, sizeof path, "%s/plain", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("#!/nowhere/sh\n", file);
    fclose(file);
    assert_int_equal(chmod(path, 0644), 0);
    bench_open(&bench, &check_type_command);

    struct verdict verdict = run_program(&bench, "/nowhere/check_x", NULL);
    assert_int_equal(verdict.outcome, OUTCOME_UNKNOWN);
    assert_string_equal(verdict.reason, "no-program");
    assert_non_null(strstr(verdict.detail, "/nowhere/check_x"));
    assert_int_equal(verdict.known, 0);
    assert_string_equal(run_program(&bench, path, NULL).reason, "no-permission");
    assert_int_equal(chmod(path, 0755), 0);
    assert_string_equal(run_program(&bench, path, NULL).reason, "no-program"); /* its interpreter */

    char *items[] = {(char *)"/bin/true"};
    struct check_config config = config_of(items, 1);
    config.user = (char *)"no-such-user-here";
    assert_string_equal(run_turn(&bench, &config, LONG_MS).reason, "no-user");
    config.user = (char *)(geteuid() == 0 ? "daemon" : "root");
    verdict = run_turn(&bench, &config, LONG_MS);
    assert_string_equal(verdict.reason, geteuid() == 0 ? "" : "no-permission");
    bench_close(&bench);
    (void)unlink(path);
    (void)rmdir(folder);
}

static void program_has_no_power(void **state)
{
    struct bench bench;
    char text[64];
    (void)state;
    bench_open(&bench, &check_type_command);
    struct verdict power = run_shell(
        &bench, "grep -E '^(Cap|NoNewPrivs)' /proc/self/status | tr -s '\\n\\t' ' '", LONG_MS);
    const char *kept = power.detail;
    assert_non_null(strstr(kept, "CapInh: 0000000000000000 CapPrm: 0000000000000000 "
                                 "CapEff: 0000000000000000"));
    assert_non_null(strstr(kept, "CapAmb: 0000000000000000 NoNewPrivs: 1"));
    if (geteuid() == 0) {
        assert_non_null(strstr(kept, "CapBnd: 0000000000000000"));
    }
    struct verdict who = run_shell(&bench, "echo $(id -u) $(id -G)", LONG_MS);
    if (geteuid() == 0) {
        const struct passwd *nobody = getpwnam("nobody");
        assert_non_null(nobody);
        (void)snprintf(text, sizeof text, "%u %u", nobody->pw_uid, nobody->pw_gid);
        assert_string_equal(who.detail, text);
    } else {
        (void)snprintf(text, sizeof text, "%u ", geteuid());
        assert_memory_equal(who.detail, text, strlen(text));
    }
    bench_close(&bench);
}

static void program_has_an_empty_world(void **state)
{
    struct bench bench;
    struct verdict verdict;
    (void)state;
    int leaked = fcntl(STDIN_FILENO, F_DUPFD, 20); /* not close-on-exec */
    assert_true(leaked >= 20);
    assert_int_equal(setenv("BEFFROI_SECRET", "x", 1), 0);
    (void)signal(SIGHUP, SIG_IGN); /* as the worker does */
    bench_open(&bench, &check_type_command);
    verdict = run_program(&bench, "/bin/cat", "/proc/self/environ");
    assert_string_equal(
        verdict.detail,
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\xef\xbf\xbd"
        "LANG=C");
    /* The fourth is the listing itself. */
    verdict =
        run_shell(&bench, "echo $(ls /proc/self/fd) $(pwd) $(readlink /proc/self/fd/0)", LONG_MS);
    assert_string_equal(verdict.detail, "0 1 2 3 / /dev/null");
    verdict = run_shell(&bench, "echo $(ps -o pgid=,sid= -p $$) $$", LONG_MS);
    long group;
    long session;
    long self;
    assert_int_equal(sscanf(verdict.detail, "%ld %ld %ld", &group, &session, &self), 3);
    assert_true(group == self && session == self);
    verdict =
        run_shell(&bench, "echo $(ulimit -c) $(ulimit -n) $(ulimit -v) $(ulimit -t)", LONG_MS);
    assert_string_equal(verdict.detail, "0 256 524288 16");
    verdict = run_shell(&bench, "grep -E '^Sig(Blk|Ign)' /proc/self/status | tr -s '\\n\\t' ' '",
                        LONG_MS);
    assert_string_equal(verdict.detail, "SigBlk: 0000000000000000 SigIgn: 0000000000000000");
    bench_close(&bench);
    close(leaked);
}

static void memory_is_bounded(void **state)
{
    struct bench bench;
    (void)state;
    bench_open(&bench, &check_type_command);
    char *items[] = {(char *)"/bin/sh", (char *)"-c",
                     (char *)"head -c 100000000 /dev/zero | tail -c 99999999 >/dev/null"};
    struct check_config config = config_of(items, 3);
    config.memory_max_bytes = 32 << 20;
    struct verdict verdict = run_turn(&bench, &config, LONG_MS);
    assert_string_equal(verdict.reason, "plugin-warning"); /* tail's exit status 1 */
    assert_non_null(strstr(verdict.detail, "memory exhausted"));
    bench_close(&bench);
}

/* --- what is left --- */

struct crowd {
    char folder[32];
    pid_t pids[8];
    size_t n;
};

static void crowd_open(struct crowd *crowd)
{
    *crowd = (struct crowd){.folder = "/tmp/beffroi-crowd-XXXXXX"};
    assert_non_null(mkdtemp(crowd->folder));
    assert_int_equal(chmod(crowd->folder, 0777), 0);
}

/* Reads the numbers that a script has written to FOLDER/pids; how many there are. */
static size_t crowd_read(struct crowd *crowd)
{
    char path[64];
    long pid;
    (void)snprintf(path, sizeof path, "%s/pids", crowd->folder);
    FILE *file = fopen(path, "r");
    crowd->n = 0;
    while (file != NULL && crowd->n < 8 && fscanf(file, "%ld\n", &pid) == 1) {
        crowd->pids[crowd->n++] = (pid_t)pid;
    }
    if (file != NULL) {
        fclose(file);
    }
    return crowd->n;
}

static bool has_three(void *context)
{
    return crowd_read(context) == 3;
}

static bool is_gone(void *context)
{
    const struct crowd *crowd = context;
    for (size_t i = 0; i < crowd->n; i++) {
        if (kill(crowd->pids[i], 0) == 0 || errno != ESRCH) {
            return false;
        }
    }
    return true;
}

static void crowd_close(struct crowd *crowd)
{
    char path[64];
    (void)snprintf(path, sizeof path, "%s/pids", crowd->folder);
    (void)unlink(path);
    (void)rmdir(crowd->folder);
}

/* A child, one in a session of its own, and one whose parent has gone on purpose. */
#define CROWD                                                                                      \
    "p() { echo $1 >>%s/pids; }\n"                                                                 \
    "sleep 1000 & p $!\n"                                                                          \
    "setsid sh -c 'echo $$ >>%s/pids; exec sleep 1000' &\n"                                        \
    "(setsid sh -c 'echo $$ >>%s/pids; exec sleep 1000' & )\n"                                     \
    "while [ $(wc -l <%s/pids) -lt 3 ]; do sleep 0.01; done\n"

static void crowd_script(const struct crowd *crowd, const char *end, char *script, size_t size)
{
    const char *folder = crowd->folder;
    int used = snprintf(script, size, CROWD "%s", folder, folder, folder, folder, end);
    assert_true(used > 0 && (size_t)used < size);
}

static void nothing_is_left_of_it(void **state)
{
    static const struct {
        const char *end;
        const char *reason;
        int64_t timeout_ms;
    } cases[] = {
        {"sleep 1000", "plugin-timeout", 500},
        {"echo OK", "", LONG_MS}, /* while its children still hold its standard output */
        {"yes", "plugin-output", LONG_MS},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench bench;
        struct crowd crowd;
        char script[512];
        crowd_open(&crowd);
        bench_open(&bench, &check_type_command);
        crowd_script(&crowd, cases[i].end, script, sizeof script);
        struct verdict verdict = run_shell(&bench, script, cases[i].timeout_ms);
        assert_string_equal(verdict.reason, cases[i].reason);
        assert_int_equal(crowd_read(&crowd), 3);
        assert_true(run_until(&bench.loop, is_gone, &crowd, TURN_LIMIT_MS));
        bench_close(&bench);
        crowd_close(&crowd);
    }
}

static void cancelled_one_is_gone(void **state)
{
    struct bench bench;
    struct crowd crowd;
    struct turn turn;
    char script[512];
    char *items[] = {(char *)"/bin/sh", (char *)"-c", script};
    struct check_config config = config_of(items, 3);
    (void)state;
    crowd_open(&crowd);
    bench_open(&bench, &check_type_command);
    crowd_script(&crowd, "sleep 1000", script, sizeof script);
    turn_prepare(&turn, &bench, &config);
    turn_start(&turn, LONG_MS);
    assert_true(run_until(&bench.loop, has_three, &crowd, TURN_LIMIT_MS));
    turn_cancel(&turn);
    turn_release(&turn);
    assert_true(run_until(&bench.loop, is_gone, &crowd, TURN_LIMIT_MS));
    assert_int_equal(turn.verdict.outcome, 0); /* no call-back */
    bench_close(&bench);
    crowd_close(&crowd);
}

static void nothing_outlives_the_end(void **state)
{
    struct bench bench;
    struct crowd crowd;
    struct turn turn;
    char script[512];
    char *items[] = {(char *)"/bin/sh", (char *)"-c", script};
    struct check_config config = config_of(items, 3);
    (void)state;
    crowd_open(&crowd);
    bench_open(&bench, &check_type_command);
    crowd_script(&crowd, "sleep 1000", script, sizeof script);
    turn_prepare(&turn, &bench, &config);
    turn_start(&turn, LONG_MS);
    assert_true(run_until(&bench.loop, has_three, &crowd, TURN_LIMIT_MS));
    turn_cancel(&turn);
    turn_release(&turn);
    bench_close(&bench);
    assert_true(is_gone(&crowd)); /* at once: the process ends now */
    crowd_close(&crowd);
}

static void so_many_run_at_once(void **state)
{
    enum { HOLDERS = RUNNER_MAX };
    struct bench bench;
    struct turn holders[HOLDERS];
    struct turn late;
    char *sleeping[] = {(char *)"/bin/sleep", (char *)"1000"};
    char *quick[] = {(char *)"/bin/true"};
    struct check_config hold = config_of(sleeping, 2);
    struct check_config config = config_of(quick, 1);
    (void)state;
    bench_open(&bench, &check_type_command);
    for (size_t i = 0; i < HOLDERS; i++) {
        turn_prepare(&holders[i], &bench, &hold);
        turn_start(&holders[i], LONG_MS);
    }
    turn_prepare(&late, &bench, &config);
    turn_start(&late, 50);
    turn_wait(&late);
    assert_int_equal(late.verdict.outcome, OUTCOME_UNKNOWN);
    assert_string_equal(late.verdict.reason, "agent-overloaded");
    assert_int_equal(late.verdict.known, 0);
    /* One that waits can be cancelled, and one gets the place that becomes free. */
    turn_start(&late, LONG_MS);
    turn_cancel(&late);
    turn_start(&late, LONG_MS);
    turn_cancel(&holders[0]);
    turn_wait(&late);
    assert_int_equal(late.verdict.outcome, OUTCOME_UP);
    turn_release(&late);
    turn_release(&holders[0]);
    for (size_t i = 1; i < HOLDERS; i++) {
        assert_non_null(holders[i].probe);
        turn_cancel(&holders[i]);
        turn_release(&holders[i]);
    }
    bench_close(&bench); /* while they end */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exit_status_is_the_outcome), cmocka_unit_test(bad_ends_are_unknown),
        cmocka_unit_test(program_must_be_there),      cmocka_unit_test(program_has_no_power),
        cmocka_unit_test(program_has_an_empty_world), cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(nothing_is_left_of_it),      cmocka_unit_test(cancelled_one_is_gone),
        cmocka_unit_test(nothing_outlives_the_end),   cmocka_unit_test(so_many_run_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
