/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The files of agent/profiles/ in the program: made by cmake/embed.cmake. */
#ifndef SNMP_PROFILE_SHIPPED_H
#define SNMP_PROFILE_SHIPPED_H

#include <stddef.h>

struct profile_shipped {
    const char *name; /* the file's, without .yaml */
    const unsigned char *text;
    size_t size;
};

extern const struct profile_shipped profile_shipped[];
extern const size_t profile_n_shipped;

#endif
