/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "give_up.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void give_up(const char *what, const char *reason)
{
    (void)fprintf(stderr, "beffroi-simulate-traffic: %s: %s\n", what, reason);
    exit(1);
}

void *room_for(size_t n, size_t size)
{
    void *room = calloc(n, size);
    if (room == NULL) {
        give_up("memory", strerror(errno));
    }
    return room;
}
