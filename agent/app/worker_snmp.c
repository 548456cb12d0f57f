/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * beffroi-agent-snmp: a worker that polls its share of the devices; and, handed over by
 * beffroi-agent, the command `beffroi-agent poll`, which needs the same code. */
#include "poll.h"
#include "snmp/snmp.h"
#include "worker_enter.h"

#include <string.h>

int main(int argc, char *argv[])
{
    if (argc > 1 && strcmp(argv[1], "poll") == 0) {
        return poll_main(argc - 1, argv + 1);
    }
    return worker_enter("agent/snmp", argc) ? snmp_worker_main() : WORKER_USAGE;
}
