/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The machine's network interfaces: counters, state and addresses by netlink, speed by /sys.
 *
 * Threads: one. */
#ifndef HOST_INTERFACES_H
#define HOST_INTERFACES_H

struct interfaces;

struct interfaces *interfaces_new(void);
/* NULL is allowed. */
void interfaces_free(struct interfaces *interfaces);

#endif
