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

/* "in_octets 1.2 k, …": an object's newest values, each with its unit. */
void page_put_values(const struct web_request *request, struct html *page, const json_t *object);
/* The graph of an object as a picture; `graph` is an id. */
void page_put_graph(const struct web_request *request, struct html *page, const json_t *object,
                    const char *graph, const char *title, const char *from, int width_px,
                    int height_px);

#endif
