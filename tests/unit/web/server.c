/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "server.h"

#include "common/xalloc.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void draw_if_asked(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "--part") == 0 && strcmp(argv[2], "draw") == 0) {
        web_draw_main();
    }
}

static void start(struct served *served, const char *contract)
{
    static const char *const agents[] = {"agent-a", "agent-b", "agent-c", NULL};
    char reason[256] = "";
    (void)signal(SIGPIPE, SIG_IGN);
    served->options = (struct web_options){
        .address = "127.0.0.1",
        .port = 0,
        .data_directory = served->bed->folder,
        .ledger_path = served->bed->ledger_path,
        .talkers_path = served->bed->talkers_path,
        .talkers_retention_ms = 30 * (int64_t)DAY_MS,
        .rrd_directory = served->bed->rrd_directory,
        .intake_control_path = served->bed->other_path,
        .store_control_path = served->bed->store_path,
        .supervisor_control_path = served->bed->other_path,
        .contract_path = contract,
        .agents = agents,
        .program = "/proc/self/exe",
    };
    if (web_open(&served->web, &served->options, reason, sizeof reason) != 0) {
        fail_msg("%s", reason);
    }
    served->port = web_port(served->web);
    assert_int_not_equal(served->port, 0);
}

int open_served(void **state)
{
    struct served *served = xcalloc(1, sizeof *served);
    void *bed = NULL;
    (void)open_bed(&bed);
    served->bed = bed;
    put_city(served->bed);
    start(served, served->bed->contract_path);
    *state = served;
    return 0;
}

int open_bare(void **state)
{
    struct served *served = xcalloc(1, sizeof *served);
    void *bed = NULL;
    (void)open_bed(&bed);
    served->bed = bed;
    start(served, NULL);
    *state = served;
    return 0;
}

int close_served(void **state)
{
    struct served *served = *state;
    void *bed = served->bed;
    web_close(served->web);
    (void)close_bed(&bed);
    free(served);
    return 0;
}
