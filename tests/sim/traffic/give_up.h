/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The generator has nothing to save when something goes wrong: it says so and ends. */
#ifndef SIM_TRAFFIC_GIVE_UP_H
#define SIM_TRAFFIC_GIVE_UP_H

#include <stddef.h>

/* "beffroi-simulate-traffic: WHAT: REASON", and exit status 1. */
_Noreturn void give_up(const char *what, const char *reason);
/* n * size bytes of zeros, n >= 1; never NULL. */
void *room_for(size_t n, size_t size);

#endif
