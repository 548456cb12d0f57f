/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * DNS messages made by hand for the tests. */
#ifndef TEST_CHECKS_DNS_BUILD_H
#define TEST_CHECKS_DNS_BUILD_H

#include <stddef.h>
#include <stdint.h>

struct dns_build {
    uint8_t bytes[8192];
    size_t size;
};

/* Header and question of the answer to a query (at least its question is whole); no records yet.
 * `flags` on top of "response". */
void dns_build_reply(struct dns_build *build, const uint8_t *query, size_t query_size,
                     unsigned flags);
/* A record of the answer section. Owner "" is the name that was asked for. */
void dns_build_record(struct dns_build *build, const char *owner, unsigned type, uint32_t ttl_s,
                      const void *data, size_t size);
/* One whose data is a number of plain bytes (a preference, a port) and a name. */
void dns_build_named(struct dns_build *build, const char *owner, unsigned type, uint32_t ttl_s,
                     const void *before, size_t before_size, const char *name);
/* "a.example" as it travels; its size. */
size_t dns_build_name(uint8_t *at, const char *name);

#endif
