/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "worker_enter.h"

#include "common/lean.h"
#include "common/log.h"
#include "sample/channel.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>

bool worker_enter(const char *log_name, int argc)
{
    if (argc > 1 || fcntl(CHANNEL_FD, F_GETFD) < 0) {
        (void)fputs("This program is a part of beffroi-agent, which starts it; see "
                    "beffroi-agent(8).\n",
                    stderr);
        return false;
    }
    lean_begin();
    log_open(log_name, LOG_LEVEL_INFO);
    /* None of these can fail. Ctrl-C reaches the whole group: main says when to end. */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    return true;
}
