/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * beffroi-agent-snmp: a worker that polls its share of the devices. */
#include "snmp/snmp.h"
#include "worker_enter.h"

int main(int argc, char *argv[])
{
    (void)argv;
    return worker_enter("agent/snmp", argc) ? snmp_worker_main() : WORKER_USAGE;
}
