/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The JSON API of docs/api.md: parameters in, a query's answer out. */
#include "reply.h"
#include "routes.h"

#include <string.h>

enum {
    ROWS_DEFAULT = 600,
    ROWS_MAX = 5000,
    TOP_DEFAULT = 20,
    TOP_MAX = 1000,
    STATEMENTS_DEFAULT = 5000,
    STATEMENTS_MAX = 10000, /* 6 MB of JSON */
};

static int answer_or_failure(struct web_request *request, json_t *answer)
{
    return answer != NULL ? reply_json(request, 200, answer) : reply_failure_json(request);
}

int route_status(struct web_request *request)
{
    return answer_or_failure(request,
                             query_status(request->sources, request->now, &request->failure));
}

int route_objects(struct web_request *request)
{
    int64_t latest = 0;
    json_t *answer = NULL;
    if (request_number(request, "latest", 0, 0, 1, &latest)) {
        answer = query_objects(request->sources, request_text(request, "device"),
                               request_text(request, "kind"), latest == 1, request->now,
                               &request->failure);
    }
    return answer_or_failure(request, answer);
}

/* The three parameters that name an object; false: the failure is filled in. */
static bool need_object(struct web_request *request, const char *names[3])
{
    static const char *const keys[] = {"device", "kind", "name"};
    for (size_t i = 0; i < 3; i++) {
        names[i] = request_need(request, keys[i]);
        if (names[i] == NULL) {
            return false;
        }
    }
    return true;
}

int route_object(struct web_request *request)
{
    const char *names[3];
    json_t *answer = NULL;
    if (need_object(request, names)) {
        answer = query_object(request->sources, names[0], names[1], names[2], request->now,
                              &request->failure);
    }
    return answer_or_failure(request, answer);
}

int route_series(struct web_request *request)
{
    const char *names[3];
    struct wall from;
    struct wall to;
    int64_t rows = 0;
    json_t *answer = NULL;
    if (need_object(request, names) && request_time(request, "from", "-1h", &from) &&
        request_time(request, "to", "now", &to) &&
        request_number(request, "rows", ROWS_DEFAULT, 1, ROWS_MAX, &rows)) {
        answer = query_series(request->sources, names[0], names[1], names[2], from, to,
                              (size_t)rows, &request->failure);
    }
    return answer_or_failure(request, answer);
}

int route_runs(struct web_request *request)
{
    struct wall from;
    struct wall to;
    json_t *answer = NULL;
    if (request_time(request, "from", "-1d", &from) && request_time(request, "to", "now", &to)) {
        answer =
            query_runs(request->sources, request_text(request, "device"),
                       request_text(request, "check"), from, to, request->now, &request->failure);
    }
    return answer_or_failure(request, answer);
}

int route_statements(struct web_request *request)
{
    struct query_evidence wanted = {.device = request_text(request, "device"),
                                    .check = request_text(request, "check")};
    json_t *answer = NULL;
    if (wanted.device == NULL &&
        (request_text(request, "from") != NULL || request_text(request, "to") != NULL)) {
        request->failure =
            (struct query_failure){QUERY_BAD_PARAMETER, "from and to need a device and a check"};
    } else if (request_time(request, "from", "1970-01-01T00:00:00Z", &wanted.from) &&
               request_time(request, "to", "9999-12-31T00:00:00Z", &wanted.to) &&
               request_number(request, "after", 0, 0, INT64_MAX, &wanted.after) &&
               request_number(request, "n", STATEMENTS_DEFAULT, 1, STATEMENTS_MAX, &wanted.most)) {
        answer = query_statements(request->sources, &wanted, &request->failure);
    }
    return answer_or_failure(request, answer);
}

int route_sla(struct web_request *request)
{
    const char *period = request_text(request, "period");
    return answer_or_failure(
        request, query_sla(request->sources, period != NULL ? period : "this-month",
                           request_text(request, "service"), request->now, &request->failure));
}

int route_top(struct web_request *request)
{
    const char *list = request_text(request, "list");
    struct query_top wanted = {.device = request_text(request, "device"),
                               .interface = request_text(request, "interface"),
                               .list = list != NULL ? list : "hosts"};
    int64_t most = 0;
    json_t *answer = NULL;
    if (request_time(request, "from", "-1h", &wanted.from) &&
        request_time(request, "to", "now", &wanted.to) &&
        request_number(request, "n", TOP_DEFAULT, 1, TOP_MAX, &most)) {
        wanted.most = (size_t)most;
        answer = query_top(request->sources, &wanted, request->now, &request->failure);
    }
    return answer_or_failure(request, answer);
}
