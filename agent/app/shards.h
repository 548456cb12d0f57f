/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Which worker polls which device. A device stays where it is when others come and go; with one
 * worker more, only the devices that it takes over move (rendezvous hashing).
 *
 * Pure. */
#ifndef AGENT_SHARDS_H
#define AGENT_SHARDS_H

#include "config.h"

/* How many workers the configuration asks for; 0: it has no device. */
size_t shards_count(const struct agent_config *config);
/* From 0 to below `count` (at least 1), by the name alone. */
size_t shards_of(const char *device, size_t count);

/* What the worker of a shard is told: struct snmp_share's text, malloc'ed, to be freed with
 * shards_free_text. NULL: none of the devices are its. */
char *shards_print(const struct agent_config *config, size_t shard, size_t count, size_t *size);
/* Wipes it first: it holds passphrases. NULL is allowed. */
void shards_free_text(char *text, size_t size);

#endif
