/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The command line as people and scripts use it: the program itself, against pages of a city whose
 * time stands still. */
#include "server.h"

#include "common/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { ARGUMENTS_MAX = 16, TEXT_MAX = 64 * 1024 };

struct run {
    int status;
    char out[TEXT_MAX];
    char error[TEXT_MAX];
};

static void read_file(const char *path, char text[TEXT_MAX])
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, TEXT_MAX - 1, file)] = '\0';
    assert_int_equal(fclose(file), 0);
}

/* `beffroi WORDS…`, with an environment of its own; NULL ends the words. */
static const struct run *run_with(const struct served *served, const char *extra_environment,
                                  const char *const *words)
{
    static struct run run;
    char *argv[ARGUMENTS_MAX + 2] = {(char *)(uintptr_t) "beffroi"};
    char *collector = xasprintf("BEFFROI_COLLECTOR=http://127.0.0.1:%u/", (unsigned)served->port);
    char *const environment[] = {(char *)(uintptr_t) "TZ=UTC", (char *)(uintptr_t) "TERM=xterm",
                                 collector, (char *)(uintptr_t)extra_environment, NULL};
    char *out = xasprintf("%s/out", served->bed->folder);
    char *error = xasprintf("%s/error", served->bed->folder);
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status = 0;
    for (size_t i = 0; words[i] != NULL; i++) {
        assert_true(i < ARGUMENTS_MAX);
        argv[i + 1] = (char *)(uintptr_t)words[i];
    }
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out,
                                                      O_WRONLY | O_CREAT | O_TRUNC, 0600),
                     0);
    assert_int_equal(posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, error,
                                                      O_WRONLY | O_CREAT | O_TRUNC, 0600),
                     0);
    assert_int_equal(posix_spawn(&pid, BEFFROI, &actions, NULL, argv, environment), 0);
    (void)posix_spawn_file_actions_destroy(&actions); /* frees only */
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    run.status = WEXITSTATUS(status);
    read_file(out, run.out);
    read_file(error, run.error);
    free(error);
    free(out);
    free(collector);
    return &run;
}

#define RUN(served, ...) run_with(served, NULL, (const char *const[]){__VA_ARGS__, NULL})

static void must_have(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("\"%s\" is not in\n%s", part, text);
    }
}

/* --- options --- */

static void wrong_usage_exits_2(void **state)
{
    static const struct {
        const char *words[6];
        const char *says;
    } cases[] = {
        {{NULL}, "usage: beffroi VERB"},
        {{"fetch"}, "unknown verb: fetch"},
        {{"status", "all"}, "one argument too many: all"},
        {{"status", "--what"}, "unknown option: --what"},
        {{"status", "--format"}, "--format needs a value"},
        {{"status", "--format", "xml"}, "--format: xml: must be text or json"},
        {{"status", "--colour=often"}, "--colour: often: must be auto, always or never"},
        {{"device", "a", "b"}, "one argument too many: b"},
        {{"graph", "sw-1/interface/eth0"}, "-o FILE.png"},
        {{"graph", "-o", "x.png"}, "-o FILE.png"},
        {{"graph", "sw-1/eth0", "-o", "x.png"}, "must be DEVICE/KIND/NAME"},
        {{"graph", "/interface/eth0", "-o", "x.png"}, "must be DEVICE/KIND/NAME"},
        {{"sla"}, "say show or check, and --contract FILE"},
        {{"sla", "show"}, "say show or check, and --contract FILE"},
        {{"sla", "print", "--contract", "x"}, "say show or check"},
        {{"top", "a", "b", "c"}, "one argument too many: c"},
        {{"top", "--last", "1h", "--to", "now"}, "--last does not go with --from and --to"},
        {{"top", "--last", "soon"}, "from must be a time"},
        {{"top", "--list", "ports"}, "list must be hosts, prefixes or services"},
        {{"top", "-n", "many"}, "n must be a number"},
        {{"keys", "new"}, "say new or show, and a file"},
        {{"keys", "forge", "x"}, "say new or show, and a file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct run *run = run_with(*state, NULL, cases[i].words);
        assert_int_equal(run->status, 2);
        assert_string_equal(run->out, "");
        must_have(run->error, cases[i].says);
    }
}

static void help_and_version_are_answers(void **state)
{
    static const char *const verbs[] = {"status", "device", "graph", "top", "sla", "keys"};
    const struct run *run = RUN(*state, "--help");
    assert_int_equal(run->status, 0);
    must_have(run->out, "--colour WHEN");
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        run = RUN(*state, verbs[i], "--help");
        assert_int_equal(run->status, 0);
        must_have(run->out, verbs[i]);
        assert_string_equal(run->error, "");
    }
    run = RUN(*state, "--version");
    assert_string_equal(run->out, "beffroi " BEFFROI_VERSION "\n");
}

static void two_dashes_end_the_options(void **state)
{
    const struct run *run = RUN(*state, "device", "--", "--format");
    assert_int_equal(run->status, 2);
    must_have(run->error, "there is no device --format; the collector knows:\n  <b>\"&'\n  sw-1\n");
}

/* --- what the verbs print --- */

static const char status_text[] =
    "ALARM: The part intake does not answer: no data is taken in.\n"
    "ALARM: The part store does not answer: graphs and states are not brought up to date.\n"
    "ALARM: The supervisor does not answer.\n"
    "Problems: 2\n"
    "STATE    DEVICE  CHECK  REASON   SINCE                         FOR  DETAIL\n"
    "down     sw-1    snmp   timeout  2026-01-15 11:50:00 +0000  10 min  no <answer> in 2 s\n"
    "unknown  <b>\"&'  ping   no-data  2026-01-15 11:50:00 +0000  10 min  -\n"
    "\n"
    "SERVICE      STATE  SINCE                      AVAILABILITY  TARGET  MEETS\n"
    "citizen web  up     2026-01-15 11:00:10 +0000     97.9167 %  99.9 %  no\n"
    "network      down   2026-01-15 11:50:00 +0000      0.0000 %  99.5 %  no\n"
    "\n"
    "DEVICE  STATE    SINCE                      OBJECTS  CHECKS\n"
    "<b>\"&'  unknown  2026-01-15 11:50:00 +0000        1       1\n"
    "sw-1    down     2026-01-15 11:50:00 +0000        1       1\n"
    "web-1   up       2026-01-15 11:00:10 +0000        0       1\n"
    "\n"
    "AGENT    STATE   LAST HEARD\n"
    "agent-a  ok      2026-01-15 11:59:58 +0000\n"
    "agent-b  silent  2026-01-15 11:50:00 +0000\n"
    "agent-c  never   -\n";

static void status_is_for_people_and_scripts(void **state)
{
    const struct run *run = RUN(*state, "status");
    assert_string_equal(run->out, status_text);
    assert_string_equal(run->error, "");
    assert_int_equal(run->status, 1);
    run = RUN(*state, "status", "--format=json");
    json_t *json = json_loads(run->out, JSON_REJECT_DUPLICATES, NULL);
    assert_int_equal(json_array_size(json_object_get(json, "problems")), 2);
    json_decref(json);
    assert_int_equal(run->status, 1);
}

static void colour_is_as_asked(void **state)
{
    assert_null(strchr(RUN(*state, "status")->out, '\033')); /* no terminal */
    assert_null(strchr(RUN(*state, "status", "--colour", "never")->out, '\033'));
    must_have(RUN(*state, "status", "--colour=always")->out, "\033[1;31mdown\033[0m");
    must_have(
        run_with(*state, "NO_COLOR=1", (const char *[]){"device", "--colour=always", NULL})->out,
        "\033[1;31mdown\033[0m"); /* asked for by hand */
}

static void device_lists_and_details(void **state)
{
    const struct run *run = RUN(*state, "device");
    assert_int_equal(run->status, 0);
    assert_string_equal(run->out, "DEVICE  STATE    SINCE                      OBJECTS\n"
                                  "<b>\"&'  unknown  2026-01-15 11:50:00 +0000        1\n"
                                  "sw-1    down     2026-01-15 11:50:00 +0000        1\n"
                                  "web-1   up       2026-01-15 11:00:10 +0000        0\n");
    run = RUN(*state, "device", "sw-1");
    assert_int_equal(run->status, 0);
    assert_string_equal(
        run->out,
        "sw-1: down\n"
        "\n"
        "CHECK  OUTCOME  REASON   SINCE\n"
        "snmp   down     timeout  2026-01-15 11:50:00 +0000\n"
        "\n"
        "KIND       NAME  STATUS  LAST ROW                   NEWEST VALUES\n"
        "interface  eth0  ok      2026-01-15 11:59:55 +0000  in_octets=1 k octets/s  out_octets=50 "
        "octets/s  oper_status=up  speed_bps=-  in_multicast_packets=100 packets/s  "
        "queue_drops_of_the_vendor=10 packets/s\n");
    run = RUN(*state, "device", "sw-1", "--format", "json");
    json_t *json = json_loads(run->out, JSON_REJECT_DUPLICATES, NULL);
    assert_string_equal(json_string_value(json_object_get(json, "state")), "down");
    assert_int_equal(json_array_size(json_object_get(json, "objects")), 1);
    json_decref(json);
    assert_int_equal(RUN(*state, "device", "nobody")->status, 2);
}

static void sla_is_computed_here(void **state)
{
    const struct served *served = *state;
    const char *contract = served->bed->contract_path;
    const char *period = "2026-01-15T00:00/2026-01-15T13:00";
    const struct run *run = RUN(served, "sla", "show", "--contract", contract, "--period", period,
                                "--service", "citizen web");
    assert_string_equal(run->error, "");
    assert_int_equal(run->status, 0);
    assert_string_equal(
        run->out,
        "Ville & Co\n"
        "2026-01-15T00:00:00+01:00 to 2026-01-15T13:00:00+01:00 (Europe/Paris)\n"
        "\n"
        "citizen web: 92.3060 % (92.2847 to 92.3274), target 99.9 %, meets: no\n"
        "  unknown 10.0 s down 3600.0 s up 43190.0 s; coverage 99.9786 %\n"
        "  outage 1: 2026-01-15 10:00:10 +0000 to 2026-01-15 11:00:10 +0000, 3600.0 s (between "
        "3590.0 and 3610.0 s)\n"
        "  policy: {\"degraded_weight\":\"0\",\"hours\":null,\"ignore_outages_shorter_ms\":0,"
        "\"initial_state\":\"last_before\",\"minimum_notice_ms\":0,\"planned\":\"remove\","
        "\"planned_quota_ms\":0,\"planned_quota_per\":\"month\",\"sample_valid_ms\":0,"
        "\"unknown\":\"exclude\"}\n");
    /* What the API says of the collector's own contract is the same. */
    char path[256];
    (void)snprintf(path, sizeof path, "%s/report.json", served->bed->folder);
    run =
        RUN(served, "sla", "show", "--contract", contract, "--period", period, "--format", "json");
    json_t *ours = json_loads(run->out, JSON_REJECT_DUPLICATES, NULL);
    struct query_failure failure = {0};
    json_t *theirs =
        query_sla(&served->bed->sources, period, NULL, (struct wall){NOW_MS}, &failure);
    assert_non_null(ours);
    assert_true(json_equal(ours, theirs));
    json_decref(theirs);
    json_decref(ours);
    run = RUN(served, "sla", "show", "--contract", contract, "--period", "someday");
    assert_int_equal(run->status, 2);
    must_have(run->error, "--period: someday");
    assert_int_equal(
        RUN(served, "sla", "show", "--contract", contract, "--service", "mail")->status, 2);
}

static void contracts_are_checked_without_a_collector(void **state)
{
    const struct served *served = *state;
    const struct run *run =
        run_with(served, "BEFFROI_COLLECTOR=http://127.0.0.1:1",
                 (const char *[]){"sla", "check", "--contract", served->bed->contract_path, NULL});
    assert_int_equal(run->status, 0);
    must_have(run->out, "citizen web");
    run = RUN(served, "sla", "check", "--contract", "/nowhere.yaml");
    assert_int_equal(run->status, 4);
    must_have(run->error, "/nowhere.yaml");
}

static void graph_writes_a_picture(void **state)
{
    const struct served *served = *state;
    char file[256];
    char bytes[8] = "";
    (void)snprintf(file, sizeof file, "%s/eth0.png", served->bed->folder);
    const struct run *run = RUN(served, "graph", "sw-1/interface/eth0", "-o", file, "--from",
                                "-20m", "--width", "200", "--format", "json");
    assert_string_equal(run->error, "");
    assert_int_equal(run->status, 0);
    must_have(run->out, "\"size_bytes\": ");
    FILE *png = fopen(file, "r");
    assert_non_null(png);
    assert_int_equal(fread(bytes, 1, sizeof bytes, png), sizeof bytes);
    assert_int_equal(fclose(png), 0);
    assert_memory_equal(bytes, "\x89PNG\r\n\x1A\n", sizeof bytes);
    run = RUN(served, "graph", "sw-1/interface/eth0", "-o", "-");
    assert_int_equal(run->status, 0);
    assert_memory_equal(run->out, "\x89PNG", 4);
    run = RUN(served, "graph", "sw-1/interface/eth9", "-o", file);
    assert_int_equal(run->status, 2);
    must_have(run->error, "no such graph");
    run = RUN(served, "graph", "sw-1/interface/eth0", "-o", file, "--width", "5");
    assert_int_equal(run->status, 2);
    must_have(run->error, "width must be a number");
    assert_int_equal(RUN(served, "graph", "sw-1/interface/eth0", "-o", "/nowhere/x.png")->status,
                     4);
}

static void keys_are_made_once(void **state)
{
    const struct served *served = *state;
    char path[256];
    char made[TEXT_MAX];
    struct stat status;
    (void)snprintf(path, sizeof path, "%s/agent.key", served->bed->folder);
    const struct run *run = RUN(served, "keys", "new", path);
    assert_int_equal(run->status, 0);
    must_have(run->out, "curve_key: \"");
    (void)snprintf(made, sizeof made, "%s", run->out);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0077, 0);
    assert_string_equal(RUN(served, "keys", "show", path)->out, made);
    run = RUN(served, "keys", "new", path);
    assert_int_equal(run->status, 4);
    must_have(run->error, "never overwritten");
    assert_int_equal(RUN(served, "keys", "show", served->bed->contract_path)->status, 4);
}

/* --- top --- */

static const char top_text[] =
    "Heaviest hosts of sw-1 eth0, 2026-01-15 11:00:00 +0000 to 2026-01-15 12:00:00 +0000\n"
    "Total 20.0 kB, metered for 2 min, reports: 2\n"
    "\n"
    "HOST             BYTES   SHARE  PACKETS       RATE    ± ERROR\n"
    "192.0.2.7      12.0 kB  60.0 %      120  800 bit/s    ± 200 B\n"
    /* It was not named in the first, of which the last one that is named has 6,000. */
    "2001:db8::/48  1.00 kB   5.0 %   1.50 k   67 bit/s  ± 6.00 kB\n";

static void top_says_who_fills_a_link(void **state)
{
    const struct served *served = *state;
    static const struct talker_item first[] = {{"192.0.2.7", 6000, 60, 100},
                                               {"2001:db8::/48", 1000, 1500, 0}};
    static const struct talker_item second[] = {{"192.0.2.7", 6000, 60, 100}};
    struct object traffic = make_traffic("sw-1", "eth0");
    const struct run *run = RUN(served, "top");
    assert_int_equal(run->status, 1);
    assert_string_equal(run->out, "Nothing was recorded: no agent meters an interface (capture: in "
                                  "its configuration).\n");
    put_object(served->bed, "agent-a", &traffic, 0);
    put_talkers(served->bed, "sw-1", "eth0", TALKERS_HOSTS, NOW_MS, 0, first, 2);
    put_talkers(served->bed, "sw-1", "eth0", TALKERS_HOSTS, NOW_MS - MINUTE_MS, 0, second, 1);
    run = RUN(served, "top", "sw-1", "eth0");
    assert_string_equal(run->error, "");
    assert_string_equal(run->out, top_text);
    assert_int_equal(run->status, 0);
    run = RUN(served, "top", "--last=90s", "-n", "1");
    assert_int_equal(run->status, 0);
    must_have(run->out, "Heaviest hosts of all devices (all interfaces), 2026-01-15 11:58:30");
    assert_null(strstr(run->out, "2001:db8::/48"));
    run = RUN(served, "top", "sw-1", "--list", "services", "--format", "json");
    assert_int_equal(run->status, 1);
    json_t *json = json_loads(run->out, JSON_REJECT_DUPLICATES, NULL);
    assert_string_equal(json_string_value(json_object_get(json, "nothing")), "no-data");
    json_decref(json);
    run = RUN(served, "top", "--from", "-2h", "--to", "2026-01-15T11:00:00Z");
    assert_int_equal(run->status, 1);
    assert_string_equal(run->out, "Nothing was recorded: no report ended in that span; the newest "
                                  "report ended at 2026-01-15 12:00:00 +0000.\n");
    run = RUN(served, "top", "nobody");
    assert_int_equal(run->status, 1);
    must_have(run->out, "no interface of that device is metered");
}

/* --- collectors that are not there, or not collectors --- */

static void no_collector_exits_3(void **state)
{
    static const char *const verbs[][6] = {
        {"status", "--collector", "http://127.0.0.1:1"},
        {"device", "--collector", "http://127.0.0.1:1/"},
        {"graph", "a/b/c", "-o", "/dev/null", "--collector=http://127.0.0.1:1"},
        {"top", "--collector", "http://127.0.0.1:1"},
        {"status", "--collector", "file:///etc/passwd"},
        {"status", "--collector", "not a URL"},
    };
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        const struct run *run = run_with(*state, NULL, verbs[i]);
        assert_int_equal(run->status, 3);
        assert_string_equal(run->out, "");
        must_have(run->error, "does not answer");
    }
}

/* Answers one connection with the given bytes, in a process of its own. */
static pid_t answer_once(uint16_t *port, const char *bytes, size_t size)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    int listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(listening >= 0);
    assert_int_equal(bind(listening, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listening, 4), 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        char request[4096];
        (void)alarm(30);
        int peer = accept(listening, NULL, NULL);
        (void)!read(peer, request, sizeof request); /* whatever it is */
        (void)!write(peer, bytes, size);
        _exit(0);
    }
    assert_int_equal(close(listening), 0);
    return pid;
}

static void strange_answers_exit_3(void **state)
{
    static const struct {
        const char *answer;
        int status;
        const char *says;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>", 3, "not a collector's page"},
        {"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n[1]", 3, "cannot be read"},
        {"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"a\"", 3, "cannot be read"},
        {"HTTP/1.1 500 Oops\r\nContent-Type: text/plain\r\n\r\nno", 3, "HTTP status 500"},
        {"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\n\r\n", 3, "HTTP status 301"},
        {"HTTP/1.1 503 Busy\r\nContent-Type: application/json\r\n\r\n"
         "{\"error\": \"the \\u001b[31mledger\\u009b is away\"}",
         3, "the ?[31mledger?? is away"},
        {"garbage", 3, "does not answer"},
        {"", 3, "does not answer"},
        {"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"problems\": [{\"device\": "
         "\"a\\u001b]0;x\\u0007b\", \"outcome\": 5}], \"devices\": 7, \"agents\": [null]}",
         1, ""},
    };
    const struct served *served = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char url[64];
        uint16_t port = 0;
        pid_t pid = answer_once(&port, cases[i].answer, strlen(cases[i].answer));
        (void)snprintf(url, sizeof url, "http://127.0.0.1:%u", (unsigned)port);
        const struct run *run = RUN(served, "status", "--collector", url);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        if (run->status != cases[i].status) {
            fail_msg("%zu: exit %d: %s%s", i, run->status, run->out, run->error);
        }
        must_have(run->error, cases[i].says);
        assert_null(strchr(run->error, '\033'));
        assert_null(strchr(run->out, '\033'));
    }
}

static void all_well_exits_0(void **state)
{
    static const char answer[] =
        "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\n\r\n"
        "{\"collector\": {\"alarms\": []}, \"problems\": [], \"services\": [{\"service\": \"s\", "
        "\"state\": \"up\", \"since\": null, \"target_pct\": \"99\", \"availability_pct\": null, "
        "\"meets\": null}], \"devices\": [], \"agents\": [{\"agent\": \"a\", \"state\": \"ok\", "
        "\"received\": \"2026-01-15T11:59:58.5Z\"}]}";
    char url[64];
    uint16_t port = 0;
    pid_t pid = answer_once(&port, answer, sizeof answer - 1);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%u///", (unsigned)port);
    const struct run *run = RUN(*state, "status", "--collector", url);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_string_equal(run->error, "");
    assert_int_equal(run->status, 0);
    must_have(run->out, "Problems: none\n");
    must_have(run->out, "s        up     -                 -    99 %  -\n");
}

int main(int argc, char **argv)
{
    draw_if_asked(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(wrong_usage_exits_2, open_served, close_served),
        cmocka_unit_test_setup_teardown(help_and_version_are_answers, open_served, close_served),
        cmocka_unit_test_setup_teardown(two_dashes_end_the_options, open_served, close_served),
        cmocka_unit_test_setup_teardown(status_is_for_people_and_scripts, open_served,
                                        close_served),
        cmocka_unit_test_setup_teardown(colour_is_as_asked, open_served, close_served),
        cmocka_unit_test_setup_teardown(device_lists_and_details, open_served, close_served),
        cmocka_unit_test_setup_teardown(sla_is_computed_here, open_served, close_served),
        cmocka_unit_test_setup_teardown(contracts_are_checked_without_a_collector, open_served,
                                        close_served),
        cmocka_unit_test_setup_teardown(graph_writes_a_picture, open_served, close_served),
        cmocka_unit_test_setup_teardown(top_says_who_fills_a_link, open_served, close_served),
        cmocka_unit_test_setup_teardown(keys_are_made_once, open_served, close_served),
        cmocka_unit_test_setup_teardown(no_collector_exits_3, open_served, close_served),
        cmocka_unit_test_setup_teardown(strange_answers_exit_3, open_bare, close_served),
        cmocka_unit_test_setup_teardown(all_well_exits_0, open_bare, close_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
