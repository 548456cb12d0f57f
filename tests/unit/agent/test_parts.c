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

/* The dynamic linker's own list of what it would load has none of these (NULL-terminated). */
static void check_load(const char *path, const char *const unwanted[])
{
    char line[512];
    bool saw_libc = false;
    char *command = xasprintf("LD_TRACE_LOADED_OBJECTS=1 '%s'", path);
    FILE *out = popen(command, "r");
    assert_non_null(out);
    while (fgets(line, sizeof line, out) != NULL) {
        saw_libc = saw_libc || strstr(line, "libc.so") != NULL;
        for (size_t i = 0; unwanted[i] != NULL; i++) {
            if (strstr(line, unwanted[i]) != NULL) {
                fail_msg("%s loads %s", path, unwanted[i]);
            }
        }
    }
    assert_int_equal(pclose(out), 0);
    assert_true(saw_libc);
    free(command);
}

static void workers_load_little(void **state)
{
    static const struct {
        const char *part;
        const char *unwanted[8];
    } parts[] = {
        {"snmp", {"libzmq", "libcurl", "libpcap", "libcares", NULL}},
        {"capture", {"libzmq", "libcurl", "libnetsnmp", "libcares", NULL}},
        {"net", {"libzmq", "libcurl", "libnetsnmp", "libpcap", "libssl", "libgnutls", NULL}},
        {"web", {"libzmq", "libnetsnmp", "libpcap", "libcares", NULL}},
        {"local", {"libzmq", "libcurl", "libnetsnmp", "libpcap", "libssl", "libgnutls", NULL}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        char reason[512] = "";
        char *path = part_find(parts[i].part, reason, sizeof reason);
        assert_non_null(path);
        check_load(path, parts[i].unwanted);
        free(path);
    }
}

/* What samples and polls is not in it, only the link. */
static void main_loads_only_the_link(void **state)
{
    static const char *const unwanted[] = {"libnetsnmp", "libcurl",   "libpcap",    "libcares",
                                           "libssl",     "libgnutls", "libseccomp", NULL};
    (void)state;
    char *folder = folder_of_self();
    char *path = xasprintf("%s/beffroi-agent", folder);
    check_load(path, unwanted);
    free(path);
    free(folder);
}

/* The command line of another program, as it was given. */
static void commands_are_handed_over(void **state)
{
    static const char *const commands[] = {"poll", "meter"};
    (void)state;
    char *folder = folder_of_self();
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        char line[512] = "";
        char *wanted = xasprintf("usage: beffroi-agent %s", commands[i]);
        char *command = xasprintf("'%s/beffroi-agent' %s --help", folder, commands[i]);
        FILE *out = popen(command, "r");
        assert_non_null(out);
        assert_non_null(fgets(line, sizeof line, out));
        while (fgetc(out) != EOF) {
        }
        assert_int_equal(pclose(out), 0);
        assert_ptr_equal(strstr(line, wanted), line);
        free(command);
        free(wanted);
    }
    free(folder);
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
        cmocka_unit_test(beside_this_program),
        cmocka_unit_test(missing),
        cmocka_unit_test(installed),
        cmocka_unit_test(workers_load_little),
        cmocka_unit_test(main_loads_only_the_link),
        cmocka_unit_test(commands_are_handed_over),
        cmocka_unit_test(not_for_people),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
