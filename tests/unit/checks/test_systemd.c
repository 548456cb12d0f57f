/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What systemctl says of a unit, in its own words; and what is said when it cannot. */
#include "local_support.h"
#include "unit_state.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { LONG_MS = 15000, ACTIVE = 0, RESTARTS = 1 };

static void states_become_outcomes(void **state)
{
    static const struct {
        const char *text;
        enum outcome outcome;
        const char *reason;
        const char *detail;
        int known;
        int active;
    } cases[] = {
        {"Result=success\nNRestarts=3\nLoadState=loaded\nActiveState=active\nSubState=running\n",
         OUTCOME_UP, "", "active (running)", 3, 1},
        {"LoadState=loaded\nActiveState=active\nSubState=exited", OUTCOME_UP, "", "active (exited)",
         1, 1},
        {"LoadState=loaded\nActiveState=reloading\nSubState=reload\nNRestarts=0\n", OUTCOME_UP, "",
         "reloading (reload)", 3, 1},
        {"LoadState=loaded\nActiveState=activating\nSubState=start\nNRestarts=0\n",
         OUTCOME_DEGRADED, "unit-activating", "activating (start)", 3, 0},
        {"Result=exit-code\nLoadState=loaded\nActiveState=activating\nSubState=auto-restart\n"
         "NRestarts=7\n",
         OUTCOME_DOWN, "unit-failed", "activating (auto-restart), result: exit-code", 3, 0},
        {"ActiveState=failed\nSubState=failed\nResult=signal\n", OUTCOME_DOWN, "unit-failed",
         "failed (failed), result: signal", 1, 0},
        {"LoadState=masked\nActiveState=inactive\nSubState=dead\n", OUTCOME_DOWN, "unit-inactive",
         "inactive (dead), masked", 1, 0},
        {"ActiveState=deactivating\nSubState=stop-sigterm\n", OUTCOME_DOWN, "unit-deactivating",
         "deactivating (stop-sigterm)", 1, 0},
        {"ActiveState=dreaming\nNRestarts=\n", OUTCOME_UNKNOWN, "unit-state", "dreaming ()", 1, 0},
        {"LoadState=not-found\nActiveState=inactive\nSubState=dead\n", OUTCOME_UNKNOWN, "no-unit",
         "systemd knows no unit of that name", 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct verdict verdict = {0};
        assert_int_equal(unit_state_read(cases[i].text, strlen(cases[i].text), &verdict), 0);
        assert_int_equal(verdict.outcome, cases[i].outcome);
        assert_string_equal(verdict.reason, cases[i].reason);
        assert_string_equal(verdict.detail, cases[i].detail);
        assert_int_equal(verdict.known, cases[i].known);
        assert_int_equal((int)verdict.values[ACTIVE], cases[i].active);
    }
    struct verdict verdict = {0};
    assert_int_equal(unit_state_read(cases[0].text, strlen(cases[0].text), &verdict), 0);
    assert_int_equal((int)verdict.values[RESTARTS], 3);
}

static void other_words_are_none(void **state)
{
    static const char *const cases[] = {
        "",
        "ActiveState",
        "ActiveState=",
        "\n\n",
        "XActiveState=active\n",
        "ActiveState=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
        "System has not been booted with systemd as init system (PID 1). Can't operate.\n",
    };
    struct verdict verdict = {0};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(unit_state_read(cases[i], strlen(cases[i]), &verdict), -EINVAL);
    }
    assert_int_equal(unit_state_read("ActiveState=act\0ive", 19, &verdict), -EINVAL);
    assert_int_equal(unit_state_read(NULL, 0, &verdict), -EINVAL);
}

/* A folder with a systemctl of our own, first in the PATH. */
struct stand_in {
    char folder[40];
    char path[64];
};

static void stand_in_open(struct stand_in *stand_in, const char *script)
{
    *stand_in = (struct stand_in){.folder = "/tmp/beffroi-systemctl-XXXXXX"};
    assert_non_null(mkdtemp(stand_in->folder));
    assert_int_equal(chmod(stand_in->folder, 0755), 0);
    (void)snprintf(stand_in->path, sizeof stand_in->path, "%s/systemctl", stand_in->folder);
    FILE *file = fopen(stand_in->path, "w");
    assert_non_null(file);
    fprintf(file, "#!/bin/sh\n%s\n", script);
    fclose(file);
    assert_int_equal(chmod(stand_in->path, 0755), 0);
    assert_int_equal(setenv("PATH", stand_in->folder, 1), 0);
}

static void stand_in_close(struct stand_in *stand_in)
{
    (void)unlink(stand_in->path);
    (void)rmdir(stand_in->folder);
}

static struct verdict ask(const char *script, int64_t timeout_ms)
{
    struct stand_in stand_in;
    struct bench bench;
    const struct check_config config = {.name = "u",
                                        .type = CHECK_SYSTEMD,
                                        .unit = (char *)"nginx.service",
                                        .interval_ms = 60000,
                                        .timeout_ms = LONG_MS};
    stand_in_open(&stand_in, script);
    bench_open(&bench, &check_type_systemd);
    struct verdict verdict = run_turn(&bench, &config, timeout_ms);
    bench_close(&bench);
    stand_in_close(&stand_in);
    return verdict;
}

static void systemctl_is_asked(void **state)
{
    (void)state;
    struct verdict verdict =
        ask("[ \"$1\" = show ] && [ \"$3\" = -- ] && [ \"$4\" = nginx.service ] "
            "&& echo ActiveState=failed; echo SubState=failed",
            LONG_MS);
    assert_int_equal(verdict.outcome, OUTCOME_DOWN);
    assert_string_equal(verdict.reason, "unit-failed");
    assert_true(verdict.time.ms > 0);
    verdict = ask("exec /bin/sleep 1000", 200);
    assert_int_equal(verdict.outcome, OUTCOME_UNKNOWN);
    assert_string_equal(verdict.reason, "systemctl-timeout");
    verdict = ask("kill -9 $$", LONG_MS);
    assert_string_equal(verdict.reason, "systemctl-failed");
}

static void without_systemd_it_is_unknown(void **state)
{
    bool is_booted = access("/run/systemd/system", F_OK) == 0;
    (void)state;
    struct verdict verdict = ask("echo Failed to connect >&2; exit 1", LONG_MS);
    assert_int_equal(verdict.outcome, OUTCOME_UNKNOWN);
    assert_string_equal(verdict.reason, is_booted ? "systemctl-failed" : "no-systemd");
    assert_int_equal(verdict.known, 0);

    struct bench bench;
    const struct check_config config = {.name = "u", .type = CHECK_SYSTEMD, .unit = (char *)"x"};
    assert_int_equal(setenv("PATH", "relative::/nowhere", 1), 0);
    bench_open(&bench, &check_type_systemd);
    verdict = run_turn(&bench, &config, LONG_MS);
    assert_string_equal(verdict.reason, "no-systemd");
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_become_outcomes),
        cmocka_unit_test(other_words_are_none),
        cmocka_unit_test(systemctl_is_asked),
        cmocka_unit_test(without_systemd_it_is_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
