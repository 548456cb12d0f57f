/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The pages. Each answers one request and returns what libmicrohttpd wants. */
#ifndef WEB_PAGES_H
#define WEB_PAGES_H

#include "frame.h"

enum { PAGE_LIVE_SECONDS = 5 };

int page_overview(struct web_request *request); /* / */
int page_device(struct web_request *request);   /* /device?device=D */
int page_object(struct web_request *request);   /* /object?device=D&kind=K&name=N&range=R */
int page_sla(struct web_request *request);      /* /sla?period=P */

#endif
