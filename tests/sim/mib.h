/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What each simulated device has: the system group, and IF-MIB's ifTable and ifXTable with every
 * column for every port (RFC 3418, RFC 2863). All devices have the same objects, so that their
 * names are encoded only once; the values are functions of device, port, column and time, so that
 * a test can compute them for itself (README.md of this folder).
 *
 * Pure. */
#ifndef SIM_MIB_H
#define SIM_MIB_H

#include "ber.h"

struct mib;

struct mib *mib_new(uint32_t n_ports, uint64_t seed);
void mib_free(struct mib *mib);

/* Objects are numbered in lexicographic order; this is the number after the last. */
size_t mib_end(const struct mib *mib);
/* The object of exactly this name, or mib_end. */
size_t mib_find(const struct mib *mib, const struct oid *name);
/* The first object after this name, or mib_end. */
size_t mib_after(const struct mib *mib, const struct oid *name);
/* Does SNMPv1 have no type for it? */
bool mib_is_counter64(const struct mib *mib, size_t number);

/* Whose values, and when. */
struct mib_moment {
    uint32_t device;
    int64_t counting_ms; /* how long the counters have been counting */
    int64_t running_ms;  /* how long sysUpTime has */
};
/* Writes one varbind. */
void mib_put(const struct mib *mib, size_t number, const struct mib_moment *moment,
             struct ber_out *out);
/* The same name with endOfMibView. */
void mib_put_end(const struct mib *mib, size_t number, struct ber_out *out);

#endif
