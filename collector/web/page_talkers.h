/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The section of a metered interface's page that names its heaviest talkers. */
#ifndef WEB_PAGE_TALKERS_H
#define WEB_PAGE_TALKERS_H

#include "frame.h"

/* The three lists over the last so many seconds. */
void page_put_talkers(const struct web_request *request, struct html *page, const char *device,
                      const char *interface, int64_t seconds);

#endif
