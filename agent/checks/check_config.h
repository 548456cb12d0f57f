/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a check's web address says: taken apart once, by libcurl's own parser, so that what is
 * resolved is what is asked. */
#ifndef CHECKS_CHECK_CONFIG_H
#define CHECKS_CHECK_CONFIG_H

#include <stddef.h>
#include <stdint.h>

/* `*host` (without brackets) is malloc'ed. 0, or -EINVAL with a reason: not http or https, no
 * host, a user name in it, or a host that is not ASCII. */
int check_parse_url(const char *url, char **host, uint16_t *port, char *reason, size_t reason_size);

#endif
