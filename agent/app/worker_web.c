/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * beffroi-agent-web: a worker that asks web servers, and looks at certificates. */
#include "check_type.h"
#include "checks/checks.h"
#include "worker_enter.h"

static const struct check_type *const types[] = {
    &check_type_http,
    &check_type_tls,
};

int main(int argc, char *argv[])
{
    (void)argv;
    return worker_enter("agent/web", argc)
               ? checks_worker_main(CHECK_PART_WEB, types, sizeof types / sizeof types[0])
               : WORKER_USAGE;
}
