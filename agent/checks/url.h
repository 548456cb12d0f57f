/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What a check's web address says. Only plain ones are taken, on which every parser agrees (RFC
 * 3986: http or https, a name of letters, digits, ".", "-" and "_" or an address, perhaps a port,
 * and printable ASCII behind it), so that what is resolved is what is asked.
 *
 * Pure. */
#ifndef CHECKS_URL_H
#define CHECKS_URL_H

#include <stddef.h>
#include <stdint.h>

enum { URL_HOST_MAX = 253 };

/* `host` (without brackets, with NUL) and port. 0, or -EINVAL with a reason. */
int url_split(const char *url, char host[URL_HOST_MAX + 1], uint16_t *port, char *reason,
              size_t reason_size);

#endif
