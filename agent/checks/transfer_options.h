/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What libcurl is told of a transfer, but for its call-backs.
 *
 * Threads: no state. */
#ifndef CHECKS_TRANSFER_OPTIONS_H
#define CHECKS_TRANSFER_OPTIONS_H

#include "transfer.h"

#include <curl/curl.h>

/* For CURLOPT_RESOLVE. NULL: out of memory, or the name is too long. */
struct curl_slist *transfer_list_addresses(const char *host, uint16_t port,
                                           const struct target *target);
/* URL, method, body and time, and what is the same for all. The handle is fresh or reset. */
CURLcode transfer_set_options(CURL *easy, const struct transfer_order *order);

#endif
