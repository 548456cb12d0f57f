/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Against net-snmp's own agent: what it says of this machine's interfaces is what arrives, and its
 * end and return are seen. Skipped where there is no snmpd. */
#include "device.h"
#include "session.h"
#include "support.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { INTERVAL_MS = 400, TIMEOUT_MS = 80, LIMIT_MS = 15000 };

static const char snmpd_path[] = "/usr/sbin/snmpd";

struct fixture {
    uv_loop_t loop;
    struct recorder *recorder;
    struct device *device;
    struct snmp_device_config config;
    char folder[64];
    char address[64];
    pid_t snmpd;
    enum outcome awaited;
};

/* A port that was free a moment ago. */
static uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    close(fd);
    return ntohs(address.sin_port);
}

static void write_config(const char *folder)
{
    char path[128];
    snprintf(path, sizeof path, "%s/test.conf", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "rocommunity secret 127.0.0.1\nsysName tower\nsysDescr The bell tower\n");
    assert_int_equal(fclose(file), 0);
}

static pid_t start_snmpd(const char *folder, const char *address)
{
    char config[128];
    char endpoint[80];
    snprintf(config, sizeof config, "%s/test.conf", folder);
    snprintf(endpoint, sizeof endpoint, "udp:%s", address);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, 0);
        dup2(null, 1);
        dup2(null, 2);
        setenv("SNMP_PERSISTENT_DIR", folder, 1);
        setenv("MIBS", "", 1);
        unsetenv("LD_PRELOAD");
        execl(snmpd_path, snmpd_path, "-f", "-C", "-c", config, "-Ln", "-I",
              "-smux,-hrSWRunTable,-hrSWInstalledTable", endpoint, (char *)NULL);
        _exit(127);
    }
    return pid;
}

static void stop_snmpd(struct fixture *fixture)
{
    if (fixture->snmpd > 0) {
        kill(fixture->snmpd, SIGKILL);
        waitpid(fixture->snmpd, NULL, 0);
        fixture->snmpd = 0;
    }
}

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    *state = fixture;
    if (access(snmpd_path, X_OK) != 0) {
        return 0;
    }
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/test_snmpd.XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->address, sizeof fixture->address, "127.0.0.1:%u", free_port());
    write_config(fixture->folder);
    uv_loop_init(&fixture->loop);
    fixture->recorder = recorder_new();
    fixture->config = (struct snmp_device_config){.name = "tower",
                                                  .address = fixture->address,
                                                  .snmp = {.present = true,
                                                           .community = "secret",
                                                           .interval_ms = INTERVAL_MS,
                                                           .timeout_ms = TIMEOUT_MS,
                                                           .retries = 1}};
    session_library_init();
    fixture->snmpd = start_snmpd(fixture->folder, fixture->address);
    fixture->device = device_start(&fixture->loop, &fixture->config, &fixture->recorder->sink);
    return 0;
}

static void remove_folder(const char *folder)
{
    DIR *open = opendir(folder);
    const struct dirent *entry;
    while (open != NULL && (entry = readdir(open)) != NULL) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        (void)unlink(path); /* "." and ".." refuse */
    }
    closedir(open);
    rmdir(folder);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    if (fixture->device != NULL) {
        device_stop(fixture->device);
        finish_loop(&fixture->loop);
        stop_snmpd(fixture);
        recorder_free(fixture->recorder);
        remove_folder(fixture->folder);
    }
    free(fixture);
    return 0;
}

static bool has_outcome(void *context)
{
    const struct fixture *fixture = context;
    size_t n = fixture->recorder->n_results;
    return n > 0 && fixture->recorder->results[n - 1].result.outcome == fixture->awaited;
}

static bool await(struct fixture *fixture, enum outcome outcome)
{
    fixture->awaited = outcome;
    return run_until(&fixture->loop, has_outcome, fixture, LIMIT_MS);
}

static bool has_loopback(void *context)
{
    const struct fixture *fixture = context;
    return recorder_row(fixture->recorder, "interface", "lo") != NULL;
}

/* --- asked a second way, with the tools of the same package --- */

/* A counter of "lo" as snmpget sees it, or false when there is no snmpget. */
static bool snmpget(const struct fixture *fixture, const char *column, const char *index,
                    uint64_t *value)
{
    char command[256];
    char line[128] = "";
    snprintf(command, sizeof command, "MIBS= snmpget -v2c -c secret -Oqv -On %s %s.%s 2>/dev/null",
             fixture->address, column, index);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    bool good = fgets(line, sizeof line, pipe) != NULL;
    pclose(pipe);
    *value = strtoull(line, NULL, 10);
    return good;
}

static void interfaces_are_what_snmpd_says(void **state)
{
    struct fixture *fixture = *state;
    uint64_t before = 0;
    uint64_t after = 0;
    if (fixture->device == NULL) {
        skip();
    }
    assert_true(await(fixture, OUTCOME_UP));
    assert_true(run_until(&fixture->loop, has_loopback, fixture, LIMIT_MS));
    const struct object *lo = recorder_object(fixture->recorder, "interface", "lo");
    const char *index = object_label(lo, "if_index");
    assert_string_equal(object_label(lo, "if_type"), "24"); /* softwareLoopback */
    assert_string_equal(object_label(lo, "source"), "snmp");
    assert_string_equal(lo->device, "tower");
    bool can_ask = snmpget(fixture, "1.3.6.1.2.1.31.1.1.1.6", index, &before);
    recorder_forget(fixture->recorder);
    assert_true(run_until(&fixture->loop, has_loopback, fixture, LIMIT_MS));
    const struct row *row = recorder_row(fixture->recorder, "interface", "lo");
    uint64_t octets = row->values[0].counter;
    /* 64-bit octets, packets and states are there; nothing is marked but the widened ones. */
    assert_int_equal(row->unknown_mask & 0x3ff, 0);
    assert_int_equal(row->discontinuity_mask & 0x0f, 0);
    assert_float_equal(row->values[8].gauge, 1, 0);
    if (can_ask) {
        assert_true(snmpget(fixture, "1.3.6.1.2.1.31.1.1.1.6", index, &after));
        print_message("%" PRIu64 " <= %" PRIu64 " <= %" PRIu64 "\n", before, octets, after);
        assert_true(before > 0);
        assert_in_range(octets, before, after);
    }
    const struct object *system = recorder_object(fixture->recorder, "device", "system");
    assert_string_equal(object_label(system, "sys_name"), "tower");
    assert_string_equal(object_label(system, "sys_descr"), "The bell tower");
    assert_string_equal(object_label(system, "sys_object_id"), "1.3.6.1.4.1.8072.3.2.10");
    double uptime = recorder_row(fixture->recorder, "device", "system")->values[0].gauge;
    assert_true(uptime >= 0 && uptime < 60);
    assert_int_equal(device_counts(fixture->device)->n[COUNT_WALKS_CUT], 0);
    assert_int_equal(device_counts(fixture->device)->n[COUNT_BAD_TYPE], 0);
    assert_int_equal(device_counts(fixture->device)->n[COUNT_OID_MISMATCH], 0);
}

static void its_end_and_return_are_seen(void **state)
{
    struct fixture *fixture = *state;
    if (fixture->device == NULL) {
        skip();
    }
    assert_true(await(fixture, OUTCOME_UP));
    stop_snmpd(fixture);
    assert_true(await(fixture, OUTCOME_DOWN));
    size_t n = fixture->recorder->n_results;
    assert_string_equal(fixture->recorder->results[n - 1].reason, "timeout");
    fixture->snmpd = start_snmpd(fixture->folder, fixture->address);
    assert_true(await(fixture, OUTCOME_UP));
    recorder_forget(fixture->recorder);
    assert_true(run_until(&fixture->loop, has_loopback, fixture, LIMIT_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(interfaces_are_what_snmpd_says, setup, teardown),
        cmocka_unit_test_setup_teardown(its_end_and_return_are_seen, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
