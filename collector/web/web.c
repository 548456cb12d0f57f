/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "web/web.h"

#include "common/log.h"
#include "common/xalloc.h"
#include "graphs/assets.h"
#include "pages.h"
#include "reply.h"
#include "routes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    THREADS = 4,
    CONNECTIONS_MAX = 512,
    CONNECTIONS_PER_ADDRESS = 256, /* a proxy in front is one address */
    IDLE_S = 30,
    CONNECTION_MEMORY = 32 * 1024, /* a request's headers */
    /* Nothing here takes a body. So much of one is read and thrown away, so that whoever sent it
     * gets an answer; a longer one closes the connection. */
    BODY_MAX = 64 * 1024,
};

struct web {
    struct MHD_Daemon *daemon;
    struct query_sources sources;
    struct sla_contract *contract;
    const struct sla_zone *zone;
    const char *program;
};

struct route {
    const char *path;
    int (*answer)(struct web_request *request);
    bool is_page; /* its failures are shown as one */
};

static const struct route routes[] = {
    {"/", page_overview, true},
    {"/device", page_device, true},
    {"/object", page_object, true},
    {"/sla", page_sla, true},
    {"/graph.png", route_graph, false},
    {"/metrics", route_metrics, false},
    {"/api/v1/status", route_status, false},
    {"/api/v1/objects", route_objects, false},
    {"/api/v1/object", route_object, false},
    {"/api/v1/series", route_series, false},
    {"/api/v1/runs", route_runs, false},
    {"/api/v1/statements", route_statements, false},
    {"/api/v1/sla", route_sla, false},
    {"/api/v1/top", route_top, false},
};

static const struct {
    const char *path;
    const char *type;
} assets[] = {
    {"/style.css", "text/css; charset=utf-8"},
    {"/live.js", "text/javascript; charset=utf-8"},
    {"/icon.svg", "image/svg+xml"},
};

static int answer_unknown(struct web_request *request)
{
    request->failure.error = QUERY_NOT_FOUND;
    (void)snprintf(request->failure.reason, sizeof request->failure.reason, "there is no page %s",
                   request->path);
    return strncmp(request->path, "/api/", 5) == 0 ? reply_failure_json(request)
                                                   : frame_failure(request);
}

static const struct route *find_route(const char *path)
{
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        if (strcmp(routes[i].path, path) == 0) {
            return &routes[i];
        }
    }
    return NULL;
}

static int answer(struct web_request *request)
{
    const struct route *route = find_route(request->path);
    if (!request_check(request)) {
        return route != NULL && route->is_page ? frame_failure(request)
                                               : reply_failure_json(request);
    }
    if (route != NULL) {
        return route->answer(request);
    }
    for (size_t i = 0; i < sizeof assets / sizeof *assets; i++) {
        const struct graph_asset *asset =
            strcmp(assets[i].path, request->path) == 0 ? graph_asset(request->path + 1) : NULL;
        if (asset != NULL) {
            return reply_asset(request, asset->bytes, asset->size, assets[i].type);
        }
    }
    return answer_unknown(request);
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection,
                                  const char *path, const char *method, const char *version,
                                  const char *upload, size_t *upload_size, void **state)
{
    struct web *web = context;
    (void)version;
    (void)upload;
    /* libmicrohttpd calls a first time with the headers; answering then would close a connection
     * that could serve more. The state counts the calls' bytes, from 1. */
    uintptr_t seen = (uintptr_t)*state;
    if (seen == 0 || *upload_size > 0) {
        seen += seen == 0 ? 1 : *upload_size;
        *state = (void *)seen;
        *upload_size = 0;
        return seen <= BODY_MAX ? MHD_YES : MHD_NO;
    }
    struct web_request request = {
        .connection = connection,
        .path = path,
        .now = clock_wall(),
        .language = request_language(connection),
        .sources = &web->sources,
        .zone = web->zone,
        .program = web->program,
    };
    bool is_head = strcmp(method, MHD_HTTP_METHOD_HEAD) == 0; /* the library leaves out the body */
    if (!is_head && strcmp(method, MHD_HTTP_METHOD_GET) != 0) {
        return (enum MHD_Result)reply_json(&request, MHD_HTTP_METHOD_NOT_ALLOWED,
                                           json_pack("{s:s}", "error", "only GET is served here"));
    }
    return (enum MHD_Result)answer(&request);
}

__attribute__((format(printf, 2, 0))) static void on_log(void *context, const char *format,
                                                         va_list arguments)
{
    char text[512];
    (void)context;
    (void)vsnprintf(text, sizeof text, format, arguments);
    text[strcspn(text, "\n")] = '\0';
    log_debug("web", "%s", text);
}

/* The address and port as a socket address. 0 or -EINVAL. */
static int parse_address(const char *address, uint16_t port, struct sockaddr_storage *out)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
    memset(out, 0, sizeof *out);
    if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        return 0;
    }
    if (inet_pton(AF_INET6, address, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        return 0;
    }
    return -EINVAL;
}

static int load_contract(const char *path, struct sla_contract **contract, char *reason,
                         size_t reason_size)
{
    struct config_errors errors = {0};
    int rc = sla_contract_load(path, contract, &errors);
    if (rc != 0 && errors.count > 0) {
        const struct config_error *first = &errors.errors[0];
        (void)snprintf(reason, reason_size, "%s:%d: %s: %s", first->file, first->line, first->key,
                       first->reason);
    }
    config_errors_clear(&errors);
    return rc;
}

static int start_daemon(struct web *web, const struct web_options *options, char *reason,
                        size_t reason_size)
{
    struct sockaddr_storage address;
    if (parse_address(options->address, options->port, &address) != 0) {
        (void)snprintf(reason, reason_size, "%s is not a numeric IPv4 or IPv6 address",
                       options->address);
        return -EINVAL;
    }
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG;
    flags |= address.ss_family == AF_INET6 ? MHD_USE_IPv6 : 0U;
    errno = 0;
    web->daemon = MHD_start_daemon(
        flags, options->port, NULL, NULL, on_request, web, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
        MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&address, MHD_OPTION_THREAD_POOL_SIZE,
        (unsigned)THREADS, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)CONNECTIONS_PER_ADDRESS,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
    if (web->daemon == NULL) {
        int error = errno != 0 ? errno : EIO;
        (void)snprintf(reason, reason_size, "cannot listen on %s port %u: %s", options->address,
                       (unsigned)options->port, strerror(error));
        return -error;
    }
    return 0;
}

int web_open(struct web **out, const struct web_options *options, char *reason, size_t reason_size)
{
    struct web *web = xcalloc(1, sizeof *web);
    int rc = 0;
    web->program = options->program;
    if (options->contract_path != NULL) {
        rc = load_contract(options->contract_path, &web->contract, reason, reason_size);
    }
    web->sources = (struct query_sources){
        .ledger_path = options->ledger_path,
        .talkers_path = options->talkers_path,
        .talkers_retention_ms = options->talkers_retention_ms,
        .rrd_directory = options->rrd_directory,
        .intake_control_path = options->intake_control_path,
        .store_control_path = options->store_control_path,
        .supervisor_control_path = options->supervisor_control_path,
        .contract = web->contract,
        .agents = options->agents,
        .shared = query_shared_new(),
    };
    if (rc == 0) {
        web->zone =
            sla_zone_get(web->contract != NULL ? sla_contract_timezone(web->contract) : "UTC");
        if (web->zone == NULL) {
            (void)snprintf(reason, reason_size, "no time zone data: install the package tzdata");
            rc = -ENOENT;
        }
    }
    if (rc == 0) {
        rc = start_daemon(web, options, reason, reason_size);
    }
    if (rc != 0) {
        web_close(web);
        return rc;
    }
    *out = web;
    return 0;
}

uint16_t web_port(const struct web *web)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(web->daemon, MHD_DAEMON_INFO_BIND_PORT);
    return info != NULL ? info->port : 0;
}

void web_close(struct web *web)
{
    if (web == NULL) {
        return;
    }
    if (web->daemon != NULL) {
        MHD_stop_daemon(web->daemon);
    }
    query_shared_free(web->sources.shared);
    sla_contract_free(web->contract);
    free(web);
}
