/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * beffroi-agent-local: a worker that looks at what is on this machine. */
#include "check_type.h"
#include "checks/checks.h"
#include "worker_enter.h"

static const struct check_type *const types[] = {
    &check_type_systemd,
    &check_type_file,
    &check_type_command,
};

int main(int argc, char *argv[])
{
    (void)argv;
    return worker_enter("agent/local", argc)
               ? checks_worker_main(CHECK_PART_LOCAL, types, sizeof types / sizeof types[0])
               : WORKER_USAGE;
}
