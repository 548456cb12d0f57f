/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Asking the collector over its HTTP API (docs/api.md).
 *
 * Threads: none. */
#ifndef CLI_COLLECTOR_H
#define CLI_COLLECTOR_H

#include "cli.h"
#include <jansson.h>

/* Parameters are given as name, value, name, value … NULL; a pair whose value is NULL is left out.
 * All return an enum cli_exit, and have complained when it is not CLI_OK. */

/* A JSON object: a new reference. */
int collector_get_json(const struct cli *cli, const char *path, const char *const *parameters,
                       json_t **answer);
/* Bytes of the given content type: malloc'ed. */
int collector_get_bytes(const struct cli *cli, const char *path, const char *const *parameters,
                        const char *content_type, void **bytes, size_t *size);

#endif
