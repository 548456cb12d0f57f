/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config_rules.h"

#include "checks/condition.h"
#include "checks/config.h"
#include "common/xalloc.h"
#include "escape.h"
#include "pattern.h"
#include "url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- values --- */

int check_parse_confirm(const char *text, unsigned *bad, unsigned *of, char *reason,
                        size_t reason_size)
{
    enum { OF_MAX = 64 };
    char rest;
    if (sscanf(text, "%3u of %3u%c", bad, of, &rest) != 2 || *bad < 1 || *of < *bad ||
        *of > OF_MAX) {
        (void)snprintf(reason, reason_size,
                       "must be like \"2 of 3\": so many bad results among the last so many, at "
                       "most 64");
        return -EINVAL;
    }
    return 0;
}

int rule_confirm(const char *value, char *reason, size_t reason_size)
{
    unsigned bad;
    unsigned of;
    return check_parse_confirm(value, &bad, &of, reason, reason_size);
}

int rule_url(const char *value, char *reason, size_t reason_size)
{
    char host[URL_HOST_MAX + 1];
    uint16_t port;
    return url_split(value, host, &port, reason, reason_size);
}

int rule_send(const char *value, char *reason, size_t reason_size)
{
    size_t size;
    uint8_t *bytes = xcalloc(strlen(value) + 1, 1);
    int rc = escape_decode(value, bytes, &size, reason, reason_size);
    free(bytes);
    return rc;
}

/* A domain name as it travels: labels of 1 to 63 plain characters (a name of another alphabet in
 * its xn-- form); "." is the root. */
int rule_query(const char *value, char *reason, size_t reason_size)
{
    enum { LABEL_MAX = 63 };
    const char *at = strcmp(value, ".") == 0 ? "" : value;
    while (*at != '\0') {
        size_t size = strcspn(at, ".");
        for (size_t i = 0; i < size; i++) {
            if (at[i] <= ' ' || at[i] > '~' || at[i] == '\\') {
                size = 0;
            }
        }
        if (size == 0 || size > LABEL_MAX) {
            (void)snprintf(reason, reason_size,
                           "must be a domain name: parts of 1 to 63 characters of ASCII with dots "
                           "between them");
            return -EINVAL;
        }
        at += size + (at[size] == '.' ? 1 : 0);
    }
    return 0;
}

int rule_header(const char *value, char *reason, size_t reason_size)
{
    static const char token[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ"; /* RFC 9110 section 5.6.2 */
    size_t size = strspn(value, token);
    if (size == 0 || value[size] != ':' || strpbrk(value, "\r\n") != NULL) {
        (void)snprintf(reason, reason_size, "must be one line like \"Name: value\"");
        return -EINVAL;
    }
    return 0;
}

int rule_absolute(const char *value, char *reason, size_t reason_size)
{
    if (value[0] != '/') {
        (void)snprintf(reason, reason_size, "must be an absolute path");
        return -EINVAL;
    }
    return 0;
}

/* systemd.unit(5). No pattern: it would be several units. */
int rule_unit(const char *value, char *reason, size_t reason_size)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  ":-_.\\@";
    if (value[strspn(value, letters)] != '\0') {
        (void)snprintf(reason, reason_size, "must be a unit's name, like \"nginx.service\"");
        return -EINVAL;
    }
    return 0;
}

int rule_rcode(const char *value, char *reason, size_t reason_size)
{
    static const char *const names[] = {"NOERROR",  "FORMERR", "SERVFAIL",
                                        "NXDOMAIN", "NOTIMP",  "REFUSED"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], value) == 0) {
            return 0;
        }
    }
    (void)snprintf(reason, reason_size,
                   "must be NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP or REFUSED");
    return -EINVAL;
}

/* --- the object as a whole --- */

/* Which types take a key, and which of them need it. */
#define BIT(type) (1U << (type))

enum {
    ASKED_HOST = BIT(CHECK_ICMP) | BIT(CHECK_TCP) | BIT(CHECK_TLS) | BIT(CHECK_DNS) |
                 BIT(CHECK_NTP) | BIT(CHECK_SMTP) | BIT(CHECK_IMAP),
    ASKED_PORT = ASKED_HOST & ~BIT(CHECK_ICMP),
    ASKED = ASKED_HOST | BIT(CHECK_HTTP),
    GREETING = BIT(CHECK_TCP) | BIT(CHECK_SMTP) | BIT(CHECK_IMAP),
    WEB = BIT(CHECK_HTTP) | BIT(CHECK_TLS),
};

struct key {
    const char *key;
    unsigned takes; /* bit: type */
    unsigned needs;
    bool given;
};

static void check_keys(const struct key *keys, size_t n_keys, const struct check_config *config,
                       struct config_error_sink *errors)
{
    const char *type = check_facts(config->type)->name;
    for (size_t i = 0; i < n_keys; i++) {
        unsigned bit = BIT(config->type);
        if ((keys[i].needs & bit) != 0 && !keys[i].given) {
            config_error_at(errors, 0, keys[i].key, NULL, "a check of type %s needs it", type);
        } else if (keys[i].given && (keys[i].takes & bit) == 0) {
            config_error_at(errors, 0, keys[i].key, NULL, "does not belong to a check of type %s",
                            type);
        }
    }
}

static void check_conditions(const struct config_strings *conditions, const char *key,
                             const struct check_config *config, struct config_error_sink *errors)
{
    const struct check_facts *type = check_facts(config->type);
    struct metric metrics[CHECK_METRICS_MAX];
    memcpy(metrics, type->metrics, sizeof metrics);
    if (config->type == CHECK_VALUE) {
        metrics[0].unit = NULL; /* that of the polled metric, known once it is polled */
    }
    for (size_t i = 0; i < conditions->count; i++) {
        struct condition condition;
        char reason[256];
        /* A plugin's values have names that only it knows. */
        if (condition_parse(conditions->items[i], metrics, type->n_metrics, &condition, reason,
                            sizeof reason) != 0) {
            config_error_at(errors, 0, key, conditions->items[i], "%s", reason);
        }
    }
}

/* What names the server in a handshake is written as in an address. */
static void check_tls_name(const struct check_config *config, struct config_error_sink *errors)
{
    const char *key = config->server_name != NULL ? "server_name" : "host";
    const char *name = config->server_name != NULL ? config->server_name : config->host;
    char host[URL_HOST_MAX + 1];
    char reason[128];
    uint16_t port;
    if (config->type != CHECK_TLS || name == NULL) {
        return;
    }
    char *url = xasprintf(strchr(name, ':') != NULL ? "https://[%s]/" : "https://%s/", name);
    if (strchr(name, '/') != NULL || url_split(url, host, &port, reason, sizeof reason) != 0) {
        config_error_at(errors, 0, key, name,
                        "must be a name in ASCII (an international one in its xn-- form) or an "
                        "address");
    }
    free(url);
}

void rule_object(const void *object, struct config_error_sink *errors)
{
    const struct check_config *c = object;
    const unsigned http = BIT(CHECK_HTTP);
    const unsigned dns = BIT(CHECK_DNS);
    const unsigned value = BIT(CHECK_VALUE);
    const unsigned command = BIT(CHECK_COMMAND);
    const struct key keys[] = {
        {"host", ASKED_HOST, ASKED_HOST, c->host != NULL},
        {"port", ASKED_PORT, BIT(CHECK_TCP), c->port != 0},
        {"family", ASKED, 0, c->family != CHECK_FAMILY_ANY},
        {"echoes", BIT(CHECK_ICMP), 0, c->echoes != 0},
        {"send", BIT(CHECK_TCP), 0, c->send != NULL},
        {"expect", GREETING, 0, c->expect != NULL},
        {"url", http, http, c->url != NULL},
        {"method", http, 0, c->method != CHECK_GET},
        {"headers", http, 0, c->headers.count > 0},
        {"body", http, 0, c->body != NULL},
        {"status", http, 0, c->status != 0},
        {"body_match", http, 0, c->body_match != NULL},
        {"header_match", http, 0, c->header_match != NULL},
        {"redirects", http, 0, c->redirects != 0},
        {"size_max", http, 0, c->size_max_bytes != 0},
        {"ca_file", WEB, 0, c->ca_file != NULL},
        {"server_name", BIT(CHECK_TLS), 0, c->server_name != NULL},
        {"tls_min", WEB, 0, c->tls_min != CHECK_TLS_ANY},
        {"query", dns, dns, c->query != NULL},
        {"record", dns, 0, c->record != CHECK_RECORD_A},
        {"answers", dns, 0, c->answers.count > 0},
        {"rcode", dns, 0, c->rcode != NULL},
        {"kind", value, value, c->kind != NULL},
        {"object", value, value, c->object != NULL},
        {"metric", value, value, c->metric != NULL},
        {"unit", BIT(CHECK_SYSTEMD), BIT(CHECK_SYSTEMD), c->unit != NULL},
        {"path", BIT(CHECK_FILE), BIT(CHECK_FILE), c->path != NULL},
        {"command", command, command, c->command.count > 0},
        {"user", command, 0, c->user != NULL},
        {"memory_max", command, 0, c->memory_max_bytes != 0},
    };
    check_keys(keys, sizeof keys / sizeof keys[0], c, errors);
    check_conditions(&c->degraded_unless, "degraded_unless", c, errors);
    check_conditions(&c->down_unless, "down_unless", c, errors);
    if (c->status != 0 && c->status < 100) {
        config_error_at(errors, 0, "status", NULL, "must be 100 to 599, or 0 for any 200 to 399");
    }
    if (c->body != NULL && c->method != CHECK_POST) {
        config_error_at(errors, 0, "body", NULL, "belongs to method: post");
    }
    if (c->body_match != NULL && c->method == CHECK_HEAD) {
        config_error_at(errors, 0, "body_match", NULL, "an answer to HEAD has no body");
    }
    check_tls_name(c, errors);
    if (c->type == CHECK_COMMAND && c->command.count > 0 && c->command.items[0][0] != '/') {
        config_error_at(errors, 0, "command", c->command.items[0],
                        "must begin with the absolute path of a program");
    }
    if (c->type == CHECK_VALUE && c->degraded_unless.count + c->down_unless.count == 0) {
        config_error_at(errors, 0, "down_unless", NULL,
                        "a check of type value needs it, or degraded_unless: on \"value\"");
    }
    if (c->timeout_ms >= c->interval_ms) {
        config_error_at(errors, 0, "timeout", NULL, "must be shorter than the interval");
    }
}

/* --- names --- */

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
