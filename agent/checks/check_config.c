/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check_config.h"
#include "checks/checks.h"

#include "common/xalloc.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *url_part(CURLU *parsed, CURLUPart what, unsigned flags)
{
    char *part = NULL;
    return curl_url_get(parsed, what, &part, flags) == CURLUE_OK ? part : NULL;
}

/* NULL when it is good. */
static const char *url_fault(const char *host, const char *user, const char *scheme)
{
    if (scheme == NULL || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0)) {
        return "must begin with http:// or https://";
    }
    if (host == NULL || host[0] == '\0') {
        return "has no host";
    }
    if (user != NULL) {
        return "must not hold a user name or password: addresses are shown to everyone";
    }
    for (const char *at = host; *at != '\0'; at++) {
        if (*at <= ' ' || *at > '~') {
            return "its host must be ASCII (an international name in its xn-- form)";
        }
    }
    return NULL;
}

int check_parse_url(const char *url, char **host, uint16_t *port, char *reason, size_t reason_size)
{
    CURLU *parsed = curl_url();
    if (parsed == NULL) {
        snprintf(reason, reason_size, "out of memory");
        return -EINVAL;
    }
    const char *fault = "is not a web address";
    char *name = NULL;
    char *user = NULL;
    char *scheme = NULL;
    char *port_text = NULL;
    if (curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK) {
        name = url_part(parsed, CURLUPART_HOST, 0);
        user = url_part(parsed, CURLUPART_USER, 0);
        scheme = url_part(parsed, CURLUPART_SCHEME, 0);
        port_text = url_part(parsed, CURLUPART_PORT, CURLU_DEFAULT_PORT);
        fault = url_fault(name, user, scheme);
        if (fault == NULL && port_text == NULL) {
            fault = "has no port";
        }
    }
    if (fault == NULL) {
        size_t size = strlen(name);
        bool bracketed = size > 2 && name[0] == '[' && name[size - 1] == ']';
        *host = bracketed ? xstrndup(name + 1, size - 2) : xstrdup(name);
        *port = (uint16_t)strtoul(port_text, NULL, 10); /* libcurl has checked its range */
    } else {
        snprintf(reason, reason_size, "%s", fault);
    }
    curl_free(name);
    curl_free(user);
    curl_free(scheme);
    curl_free(port_text);
    curl_url_cleanup(parsed);
    return fault == NULL ? 0 : -EINVAL;
}

static int check_url(const char *value, char *reason, size_t reason_size)
{
    char *host;
    uint16_t port;
    int rc = check_parse_url(value, &host, &port, reason, reason_size);
    if (rc == 0) {
        free(host);
    }
    return rc;
}

/* Which keys a type asks for; every other one of these is refused. */
struct type_keys {
    const char *type;
    bool host;
    bool port;
    bool url;
    bool status; /* may be given */
};
static const struct type_keys type_keys[] = {
    [CHECK_ICMP] = {.type = "icmp", .host = true},
    [CHECK_TCP] = {.type = "tcp", .host = true, .port = true},
    [CHECK_HTTP] = {.type = "http", .url = true, .status = true},
};

static void demand(struct config_error_sink *errors, const struct type_keys *keys, const char *key,
                   bool wanted, bool given)
{
    if (wanted && !given) {
        config_error_at(errors, 0, key, NULL, "a check of type %s needs it", keys->type);
    } else if (given && !wanted) {
        config_error_at(errors, 0, key, NULL, "does not belong to a check of type %s", keys->type);
    }
}

static void check_object(const void *object, struct config_error_sink *errors)
{
    const struct check_config *config = object;
    const struct type_keys *keys = &type_keys[config->type];
    demand(errors, keys, "host", keys->host, config->host != NULL);
    demand(errors, keys, "port", keys->port, config->port != 0);
    demand(errors, keys, "url", keys->url, config->url != NULL);
    if (!keys->status && config->status != 0) {
        demand(errors, keys, "status", false, true);
    }
    if (config->status != 0 && config->status < 100) {
        config_error_at(errors, 0, "status", NULL, "must be 100 to 599, or 0 for any 200 to 399");
    }
    if (config->timeout_ms >= config->interval_ms) {
        config_error_at(errors, 0, "timeout", NULL, "must be shorter than the interval");
    }
}

static const struct config_choice types[] = {
    {"icmp", CHECK_ICMP},
    {"tcp", CHECK_TCP},
    {"http", CHECK_HTTP},
    {0},
};

#define FIELD(name) .offset = offsetof(struct check_config, name)

static const struct config_field fields[] = {
    {.key = "name",
     .type = CONFIG_STRING,
     FIELD(name),
     .required = true,
     .min = 1,
     .max = PROTO_NAME_MAX,
     .help = "the check's name, unique within its device"},
    {.key = "device",
     .type = CONFIG_STRING,
     FIELD(device),
     .min = 1,
     .max = PROTO_NAME_MAX,
     .help = "whose check it is; default: the agent's own device"},
    {.key = "type",
     .type = CONFIG_CHOICE,
     FIELD(type),
     .required = true,
     .choices = types,
     .help = "icmp (echo), tcp (connect) or http (GET)"},
    {.key = "host",
     .type = CONFIG_STRING,
     FIELD(host),
     .min = 1,
     .max = 253,
     .help = "icmp, tcp: name or address to ask"},
    {.key = "port",
     .type = CONFIG_INTEGER,
     FIELD(port),
     .min = 0,
     .max = UINT16_MAX,
     .help = "tcp: port to connect to"},
    {.key = "url",
     .type = CONFIG_STRING,
     FIELD(url),
     .min = 1,
     .max = PROTO_LABEL_MAX,
     .check = check_url,
     .help = "http: address to get, http:// or https://"},
    {.key = "status",
     .type = CONFIG_INTEGER,
     FIELD(status),
     .min = 0,
     .max = 599,
     .help = "http: the status code that is right; 0: any of 200 to 399"},
    {.key = "interval",
     .type = CONFIG_DURATION,
     FIELD(interval_ms),
     .fallback = "60s",
     .min = 1000,
     .max = 86400000,
     .help = "time from one check to the next, 1s to 1d"},
    {.key = "timeout",
     .type = CONFIG_DURATION,
     FIELD(timeout_ms),
     .fallback = "5s",
     .min = 100,
     .max = 3600000,
     .help = "how long to wait for an answer; shorter than the interval"},
    {0},
};

const struct config_schema check_config_schema = {
    .name = "check",
    .size = sizeof(struct check_config),
    .fields = fields,
    .place_offset = offsetof(struct check_config, place),
    .present_offset = SIZE_MAX,
    .check = check_object,
};

/* A check by what must be unique. */
struct named_check {
    const char *device;
    const char *name;
    int line;
};

static int compare_names(const struct named_check *a, const struct named_check *b)
{
    int rc = strcmp(a->name, b->name);
    return rc != 0 ? rc : strcmp(a->device, b->device);
}

static int compare(const void *left, const void *right)
{
    const struct named_check *a = left;
    const struct named_check *b = right;
    int rc = compare_names(a, b);
    return rc != 0 ? rc : (a->line > b->line) - (a->line < b->line);
}

void checks_check_unique(const struct config_list *list, const char *device,
                         struct config_error_sink *errors)
{
    const struct check_config *items = list->items;
    struct named_check *sorted = xcalloc(list->count + 1, sizeof *sorted);
    for (size_t i = 0; i < list->count; i++) {
        sorted[i] = (struct named_check){items[i].device != NULL ? items[i].device : device,
                                         items[i].name, items[i].place.line};
    }
    qsort(sorted, list->count, sizeof *sorted, compare);
    for (size_t i = 1; i < list->count; i++) {
        if (compare_names(&sorted[i - 1], &sorted[i]) == 0) {
            config_error_at(errors, sorted[i].line, "checks", sorted[i].name,
                            "device %s has a check of this name already (line %d)",
                            sorted[i].device, sorted[i - 1].line);
        }
    }
    free(sorted);
}
