/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * beffroi-agent-capture: a worker that meters an interface. */
#include "capture/capture.h"
#include "worker_enter.h"

int main(int argc, char *argv[])
{
    (void)argv;
    return worker_enter("agent/capture", argc) ? capture_worker_main() : WORKER_USAGE;
}
