/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Watches the life of a network interface from outside of the capture: whether it is there, up, and
 * still the one that was opened, and what its driver dropped. All of its sockets are made when it
 * is opened, so that it goes on in a confined process. It needs no privilege (rtnetlink(7)).
 *
 * Threads: one. */
#ifndef CAPTURE_WATCH_H
#define CAPTURE_WATCH_H

#include <stdint.h>

struct watch;

enum watch_state {
    WATCH_UP,
    WATCH_DOWN,    /* there, but not up */
    WATCH_GONE,    /* no interface has this name */
    WATCH_ANOTHER, /* one that has the name now is not the one that was bound */
};

/* The interface need not be there. 0 or -errno. */
int watch_open(struct watch **watch, const char *interface);
/* Becomes readable when some interface changed: then call watch_look. */
int watch_fd(const struct watch *watch);
/* Forgets what came on the descriptor, and looks. */
enum watch_state watch_look(struct watch *watch);
/* From now on the interface that has the name at this time is meant. 0, or -ENODEV. */
int watch_bind(struct watch *watch);
/* Frames that the interface of watch_bind lost before the kernel saw them, since watch_bind: what
 * its driver counts as missed and as overrun. The last known number where it cannot be asked. */
uint64_t watch_interface_dropped(struct watch *watch);
/* NULL is allowed. */
void watch_close(struct watch *watch);

#endif
