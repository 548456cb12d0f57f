/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The routes that are not pages. Each answers one request and returns what libmicrohttpd wants. */
#ifndef WEB_ROUTES_H
#define WEB_ROUTES_H

#include "request.h"

int route_metrics(struct web_request *request);
int route_graph(struct web_request *request);
int route_status(struct web_request *request);
int route_objects(struct web_request *request);
int route_object(struct web_request *request);
int route_series(struct web_request *request);
int route_runs(struct web_request *request);
int route_statements(struct web_request *request);
int route_sla(struct web_request *request);
int route_top(struct web_request *request);

#endif
