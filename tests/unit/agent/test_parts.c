/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Where the workers' programs are found, and that they load no more than their work needs. */
#include "parts.h"

#include "common/supervisor.h"
#include "common/xalloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char *folder_of_self(void)
{
    char *self = supervisor_self_path();
    assert_non_null(self);
    *strrchr(self, '/') = '\0';
    return self;
}

static void beside_this_program(void **state)
{
    char reason[512] = "";
    (void)state;
    char *folder = folder_of_self();
    char *wanted = xasprintf("%s/beffroi-agent-snmp", folder);
    char *path = part_find("snmp", reason, sizeof reason);
    assert_non_null(path);
    assert_string_equal(path, wanted);
    free(path);
    free(wanted);
    free(folder);
}

static void missing(void **state)
{
    char reason[512] = "";
    (void)state;
    assert_null(part_find("nonsense", reason, sizeof reason));
    char *folder = folder_of_self();
    assert_non_null(strstr(reason, "beffroi-agent-nonsense"));
    assert_non_null(strstr(reason, folder));
    assert_non_null(strstr(reason, "libexec/beffroi"));
    assert_non_null(strstr(reason, "No such file"));
    free(folder);
}

/* Takes over the text. */
static void run(char *command)
{
    assert_int_equal(system(command), 0);
    free(command);
}

/* A copy of this test in sbin/, and a part in libexec/. */
static void installed(void **state)
{
    char folder[] = "/tmp/beffroi-parts-XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(folder));
    char *self = supervisor_self_path();
    run(xasprintf("mkdir -p '%s/sbin' '%s/libexec/beffroi'", folder, folder));
    run(xasprintf("cp '%s' '%s/sbin/copy'", self, folder));
    run(xasprintf("install -m 755 /dev/null '%s/libexec/beffroi/beffroi-agent-snmp'", folder));
    char *command = xasprintf("'%s/sbin/copy' --find snmp", folder);
    char line[512] = "";
    FILE *out = popen(command, "r");
    assert_non_null(out);
    assert_non_null(fgets(line, sizeof line, out));
    assert_int_equal(pclose(out), 0);
    char *wanted = xasprintf("%s/sbin/../libexec/beffroi/beffroi-agent-snmp\n", folder);
    assert_string_equal(line, wanted);
    run(xasprintf("chmod 644 '%s/libexec/beffroi/beffroi-agent-snmp'", folder));
    assert_int_not_equal(system(command), 0); /* there, but not to be executed */
    run(xasprintf("rm -r '%s'", folder));
    free(wanted);
    free(command);
    free(self);
}

/* The dynamic linker's own list of what it would load. */
static void workers_load_little(void **state)
{
    static const char *const parts[] = {"snmp", "capture"};
    (void)state;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char reason[512] = "";
        char line[512];
        bool saw_libc = false;
        char *path = part_find(parts[i], reason, sizeof reason);
        assert_non_null(path);
        char *command = xasprintf("LD_TRACE_LOADED_OBJECTS=1 '%s'", path);
        FILE *out = popen(command, "r");
        assert_non_null(out);
        while (fgets(line, sizeof line, out) != NULL) {
            saw_libc = saw_libc || strstr(line, "libc.so") != NULL;
            assert_null(strstr(line, "libzmq"));
            assert_null(strstr(line, "libcurl"));
        }
        assert_int_equal(pclose(out), 0);
        assert_true(saw_libc);
        free(command);
        free(path);
    }
}

static void not_for_people(void **state)
{
    char reason[512] = "";
    (void)state;
    char *path = part_find("snmp", reason, sizeof reason);
    assert_non_null(path);
    char *command = xasprintf("'%s' 3<&- 2>&1", path);
    char line[512] = "";
    FILE *out = popen(command, "r");
    assert_non_null(out);
    assert_non_null(fgets(line, sizeof line, out));
    assert_non_null(strstr(line, "part of beffroi-agent"));
    int status = pclose(out);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 2);
    free(command);
    free(path);
}

int main(int argc, char *argv[])
{
    if (argc == 3 && strcmp(argv[1], "--find") == 0) {
        char reason[512];
        char *path = part_find(argv[2], reason, sizeof reason);
        if (path == NULL) {
            return EXIT_FAILURE;
        }
        puts(path);
        free(path);
        return EXIT_SUCCESS;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beside_this_program), cmocka_unit_test(missing),
        cmocka_unit_test(installed),           cmocka_unit_test(workers_load_little),
        cmocka_unit_test(not_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
