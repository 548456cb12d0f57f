/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * beffroi-agent-net: a worker that asks services over the network, but for the web. */
#include "check_type.h"
#include "checks/checks.h"
#include "worker_enter.h"

static const struct check_type *const types[] = {
    &check_type_icmp, &check_type_tcp,  &check_type_dns,
    &check_type_ntp,  &check_type_smtp, &check_type_imap,
};

int main(int argc, char *argv[])
{
    (void)argv;
    return worker_enter("agent/net", argc)
               ? checks_worker_main(CHECK_PART_NET, types, sizeof types / sizeof types[0])
               : WORKER_USAGE;
}
