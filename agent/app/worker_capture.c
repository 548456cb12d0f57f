/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * beffroi-agent-capture: a worker that meters an interface; and, handed over by beffroi-agent, the
 * command `beffroi-agent meter`, which needs the same code and nothing else. It also answers
 * whether a text is a filter (filter_check.h). */
#include "capture/capture.h"
#include "filter_check.h"
#include "meter_main.h"
#include "worker_enter.h"

#include <stdio.h>
#include <string.h>

static int check_filter(const char *filter)
{
    char reason[256];
    if (capture_check_filter(filter, reason, sizeof reason) == 0) {
        return 0;
    }
    puts(reason);
    return 1;
}

int main(int argc, char *argv[])
{
    if (argc > 1 && strcmp(argv[1], "meter") == 0) {
        return meter_main(argc - 1, argv + 1);
    }
    if (argc == 3 && strcmp(argv[1], FILTER_CHECK_ARGUMENT) == 0) {
        return check_filter(argv[2]);
    }
    return worker_enter("agent/capture", argc) ? capture_worker_main() : WORKER_USAGE;
}
