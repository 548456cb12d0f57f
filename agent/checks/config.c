/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "checks/config.h"

#include "checks/condition.h"
#include "common/xalloc.h"
#include "escape.h"
#include "pattern.h"
#include "url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- what is known of a type --- */

#define RTT                                                                                        \
    {                                                                                              \
        "rtt", "s", METRIC_GAUGE                                                                   \
    }

static const struct check_facts facts[CHECK_TYPES] = {
    [CHECK_ICMP] = {"icmp",
                    CHECK_PART_NET,
                    CHECK_ASKS_HOST,
                    0,
                    5,
                    {RTT,
                     {"rtt_min", "s", METRIC_GAUGE},
                     {"rtt_max", "s", METRIC_GAUGE},
                     {"jitter", "s", METRIC_GAUGE},
                     {"loss", "ratio", METRIC_GAUGE}}},
    [CHECK_TCP] =
        {"tcp", CHECK_PART_NET, CHECK_ASKS_HOST, 0, 2, {RTT, {"banner", "s", METRIC_GAUGE}}},
    [CHECK_HTTP] = {"http",
                    CHECK_PART_WEB,
                    CHECK_ASKS_URL,
                    0,
                    7,
                    {{"total", "s", METRIC_GAUGE},
                     {"dns", "s", METRIC_GAUGE},
                     {"connect", "s", METRIC_GAUGE},
                     {"tls", "s", METRIC_GAUGE},
                     {"first_byte", "s", METRIC_GAUGE},
                     {"status", "1", METRIC_GAUGE},
                     {"size", "bytes", METRIC_GAUGE}}},
    [CHECK_TLS] = {"tls",
                   CHECK_PART_WEB,
                   CHECK_ASKS_HOST,
                   443,
                   6,
                   {{"total", "s", METRIC_GAUGE},
                    {"connect", "s", METRIC_GAUGE},
                    {"days_left", "d", METRIC_GAUGE},
                    {"version", "1", METRIC_GAUGE},
                    {"handshake", "s", METRIC_GAUGE},
                    {"chain_days_left", "d", METRIC_GAUGE}}},
    [CHECK_DNS] = {"dns",
                   CHECK_PART_NET,
                   CHECK_ASKS_HOST,
                   53,
                   4,
                   {RTT,
                    {"answers", "1", METRIC_GAUGE},
                    {"rcode", "1", METRIC_GAUGE},
                    {"ttl", "s", METRIC_GAUGE}}},
    [CHECK_NTP] = {"ntp",
                   CHECK_PART_NET,
                   CHECK_ASKS_HOST,
                   123,
                   4,
                   {RTT,
                    {"offset", "s", METRIC_GAUGE},
                    {"stratum", "1", METRIC_GAUGE},
                    {"root_distance", "s", METRIC_GAUGE}}},
    [CHECK_SMTP] =
        {"smtp", CHECK_PART_NET, CHECK_ASKS_HOST, 25, 2, {RTT, {"banner", "s", METRIC_GAUGE}}},
    [CHECK_IMAP] =
        {"imap", CHECK_PART_NET, CHECK_ASKS_HOST, 143, 2, {RTT, {"banner", "s", METRIC_GAUGE}}},
    [CHECK_VALUE] = {"value",
                     CHECK_PART_MAIN,
                     CHECK_ASKS_NOBODY,
                     0,
                     2,
                     {{"value", "1", METRIC_GAUGE}, {"age", "s", METRIC_GAUGE}}},
    [CHECK_SYSTEMD] = {"systemd",
                       CHECK_PART_LOCAL,
                       CHECK_ASKS_NOBODY,
                       0,
                       2,
                       {{"active", "1", METRIC_GAUGE}, {"restarts", "1", METRIC_GAUGE}}},
    [CHECK_FILE] = {"file",
                    CHECK_PART_LOCAL,
                    CHECK_ASKS_NOBODY,
                    0,
                    2,
                    {{"age", "s", METRIC_GAUGE}, {"size", "bytes", METRIC_GAUGE}}},
    [CHECK_COMMAND] = {"command",
                       CHECK_PART_LOCAL,
                       CHECK_ASKS_NOBODY,
                       0,
                       3,
                       {{"runtime", "s", METRIC_GAUGE},
                        {"exit", "1", METRIC_GAUGE},
                        {"refused", "1", METRIC_GAUGE}}},
};

const struct check_facts *check_facts(int type)
{
    return &facts[type];
}

const char *check_part_name(enum check_part part)
{
    static const char *const names[CHECK_PARTS] = {"net", "web", "local", "main"};
    return names[part];
}

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

static int check_confirm(const char *value, char *reason, size_t reason_size)
{
    unsigned bad;
    unsigned of;
    return check_parse_confirm(value, &bad, &of, reason, reason_size);
}

static int check_url(const char *value, char *reason, size_t reason_size)
{
    char host[URL_HOST_MAX + 1];
    uint16_t port;
    return url_split(value, host, &port, reason, reason_size);
}

static int check_send(const char *value, char *reason, size_t reason_size)
{
    size_t size;
    uint8_t *bytes = xcalloc(strlen(value) + 1, 1);
    int rc = escape_decode(value, bytes, &size, reason, reason_size);
    free(bytes);
    return rc;
}

/* A domain name as it travels: labels of 1 to 63 plain characters (a name of another alphabet in
 * its xn-- form); "." is the root. */
static int check_query(const char *value, char *reason, size_t reason_size)
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

static int check_header(const char *value, char *reason, size_t reason_size)
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

static int check_absolute(const char *value, char *reason, size_t reason_size)
{
    if (value[0] != '/') {
        (void)snprintf(reason, reason_size, "must be an absolute path");
        return -EINVAL;
    }
    return 0;
}

/* systemd.unit(5). No pattern: it would be several units. */
static int check_unit(const char *value, char *reason, size_t reason_size)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                  ":-_.\\@";
    if (value[strspn(value, letters)] != '\0') {
        (void)snprintf(reason, reason_size, "must be a unit's name, like \"nginx.service\"");
        return -EINVAL;
    }
    return 0;
}

static int check_rcode(const char *value, char *reason, size_t reason_size)
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
    const char *type = facts[config->type].name;
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
    const struct check_facts *type = &facts[config->type];
    struct metric metrics[CHECK_METRICS_MAX];
    memcpy(metrics, type->metrics, sizeof metrics);
    if (config->type == CHECK_VALUE) {
        metrics[0].unit = NULL; /* that of the polled metric, known once it is polled */
    }
    for (size_t i = 0; i < conditions->count; i++) {
        struct condition condition;
        char reason[256];
        /* A plugin's values have names that only it knows. */
        if (condition_parse(conditions->items[i], metrics, type->n_metrics, &condition,
                            reason, sizeof reason) != 0) {
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

static void check_object(const void *object, struct config_error_sink *errors)
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

/* --- the table --- */

static const struct config_choice types[] = {
    {"icmp", CHECK_ICMP},
    {"tcp", CHECK_TCP},
    {"http", CHECK_HTTP},
    {"tls", CHECK_TLS},
    {"dns", CHECK_DNS},
    {"ntp", CHECK_NTP},
    {"smtp", CHECK_SMTP},
    {"imap", CHECK_IMAP},
    {"value", CHECK_VALUE},
    {"systemd", CHECK_SYSTEMD},
    {"file", CHECK_FILE},
    {"command", CHECK_COMMAND},
    {0},
};
static const struct config_choice families[] = {
    {"any", CHECK_FAMILY_ANY}, {"ipv4", CHECK_FAMILY_IPV4}, {"ipv6", CHECK_FAMILY_IPV6}, {0}};
static const struct config_choice methods[] = {
    {"get", CHECK_GET}, {"head", CHECK_HEAD}, {"post", CHECK_POST}, {0}};
static const struct config_choice tls_versions[] = {
    {"any", CHECK_TLS_ANY}, {"1.2", CHECK_TLS_1_2}, {"1.3", CHECK_TLS_1_3}, {0}};
static const struct config_choice records[] = {
    {"A", CHECK_RECORD_A},         {"AAAA", CHECK_RECORD_AAAA},
    {"CNAME", CHECK_RECORD_CNAME}, {"MX", CHECK_RECORD_MX},
    {"NS", CHECK_RECORD_NS},       {"PTR", CHECK_RECORD_PTR},
    {"SOA", CHECK_RECORD_SOA},     {"SRV", CHECK_RECORD_SRV},
    {"TXT", CHECK_RECORD_TXT},     {0}};

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
     .help = "what is asked: icmp, tcp, http, tls, dns, ntp, smtp, imap; or looked at: value, "
             "systemd, file, command"},
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
    {.key = "degraded_unless",
     .type = CONFIG_STRING_LIST,
     FIELD(degraded_unless),
     .max = 8,
     .help = "conditions that a good answer must meet too, like \"response < 800 ms\""},
    {.key = "down_unless",
     .type = CONFIG_STRING_LIST,
     FIELD(down_unless),
     .max = 8,
     .help = "conditions without which it is no good answer"},
    {.key = "confirm",
     .type = CONFIG_STRING,
     FIELD(confirm),
     .max = 16,
     .check = check_confirm,
     .help = "how many bad results among how many confirm an alert: \"2 of 3\"; availability "
             "counts from the first"},
    {.key = "host",
     .type = CONFIG_STRING,
     FIELD(host),
     .min = 1,
     .max = 253,
     .help = "icmp, tcp, tls, dns, ntp, smtp, imap: name or address to ask"},
    {.key = "port",
     .type = CONFIG_INTEGER,
     FIELD(port),
     .min = 0,
     .max = UINT16_MAX,
     .help = "port to ask; tcp needs it, the others have their own"},
    {.key = "family",
     .type = CONFIG_CHOICE,
     FIELD(family),
     .fallback = "any",
     .choices = families,
     .help = "which of a name's addresses are asked: any, ipv4 or ipv6"},
    {.key = "echoes",
     .type = CONFIG_INTEGER,
     FIELD(echoes),
     .min = 0,
     .max = 20,
     .help = "icmp: echo requests of one check, at most 20; 0: 3"},
    {.key = "send",
     .type = CONFIG_STRING,
     FIELD(send),
     .min = 1,
     .max = 1024,
     .check = check_send,
     .help = "tcp: what is sent first; \\r, \\n, \\t, \\\\ and \\xHH as in C"},
    {.key = "expect",
     .type = CONFIG_STRING,
     FIELD(expect),
     .min = 1,
     .max = 1024,
     .check = pattern_check,
     .help = "tcp, smtp, imap: extended regular expression that what comes must match"},
    {.key = "url",
     .type = CONFIG_STRING,
     FIELD(url),
     .min = 1,
     .max = PROTO_LABEL_MAX,
     .check = check_url,
     .help = "http: address to get, http:// or https://"},
    {.key = "method",
     .type = CONFIG_CHOICE,
     FIELD(method),
     .fallback = "get",
     .choices = methods,
     .help = "http: get, head or post"},
    {.key = "headers",
     .type = CONFIG_STRING_LIST,
     FIELD(headers),
     .max = 32,
     .check = check_header,
     .help = "http: header fields of the request, like \"Accept: text/html\""},
    {.key = "body",
     .type = CONFIG_STRING,
     FIELD(body),
     .min = 1,
     .max = 1024,
     .help = "http: what a post sends"},
    {.key = "status",
     .type = CONFIG_INTEGER,
     FIELD(status),
     .min = 0,
     .max = 599,
     .help = "http: the status code that is right; 0: any of 200 to 399"},
    {.key = "body_match",
     .type = CONFIG_STRING,
     FIELD(body_match),
     .min = 1,
     .max = 1024,
     .check = pattern_check,
     .help = "http: extended regular expression that the body must match"},
    {.key = "header_match",
     .type = CONFIG_STRING,
     FIELD(header_match),
     .min = 1,
     .max = 1024,
     .check = pattern_check,
     .help = "http: one that a header line of the answer (\"name: value\") must match"},
    {.key = "redirects",
     .type = CONFIG_INTEGER,
     FIELD(redirects),
     .min = 0,
     .max = 20,
     .help = "http: how many redirections are followed, at most 20"},
    {.key = "size_max",
     .type = CONFIG_SIZE,
     FIELD(size_max_bytes),
     .min = 0,
     .max = INT64_C(1) << 30,
     .help = "http: a larger body is down; 0: 1MiB are read, and what follows is left"},
    {.key = "ca_file",
     .type = CONFIG_STRING,
     FIELD(ca_file),
     .min = 1,
     .max = 1024,
     .check = check_absolute,
     .help = "http, tls: certificates to trust (PEM) in place of the system's"},
    {.key = "server_name",
     .type = CONFIG_STRING,
     FIELD(server_name),
     .min = 1,
     .max = 253,
     .help = "tls: the name that the certificate must be for; default: the host"},
    {.key = "tls_min",
     .type = CONFIG_CHOICE,
     FIELD(tls_min),
     .fallback = "any",
     .choices = tls_versions,
     .help = "http, tls: the oldest protocol that is good: any, 1.2 or 1.3"},
    {.key = "query",
     .type = CONFIG_STRING,
     FIELD(query),
     .min = 1,
     .max = 253,
     .check = check_query,
     .help = "dns: the name to ask for"},
    {.key = "record",
     .type = CONFIG_CHOICE,
     FIELD(record),
     .fallback = "A",
     .choices = records,
     .help = "dns: A, AAAA, CNAME, MX, NS, PTR, SOA, SRV or TXT"},
    {.key = "answers",
     .type = CONFIG_STRING_LIST,
     FIELD(answers),
     .max = 32,
     .help = "dns: what must be among the answers, as dig +short shows it"},
    {.key = "rcode",
     .type = CONFIG_STRING,
     FIELD(rcode),
     .max = 16,
     .check = check_rcode,
     .help = "dns: the response code that is right; default: NOERROR"},
    {.key = "kind",
     .type = CONFIG_STRING,
     FIELD(kind),
     .min = 1,
     .max = PROTO_NAME_MAX,
     .help = "value: kind of the object that is looked at (interface, sensor, filesystem, ...)"},
    {.key = "object",
     .type = CONFIG_STRING,
     FIELD(object),
     .min = 1,
     .max = PROTO_NAME_MAX,
     .help = "value: its name"},
    {.key = "metric",
     .type = CONFIG_STRING,
     FIELD(metric),
     .min = 1,
     .max = PROTO_NAME_MAX,
     .help = "value: which of its metrics; of a counter, its rate per second"},
    {.key = "unit",
     .type = CONFIG_STRING,
     FIELD(unit),
     .min = 1,
     .max = 255,
     .check = check_unit,
     .help = "systemd: the unit that must be active"},
    {.key = "path",
     .type = CONFIG_STRING,
     FIELD(path),
     .min = 1,
     .max = 1024,
     .check = check_absolute,
     .help = "file: the file that must be there"},
    {.key = "command",
     .type = CONFIG_STRING_LIST,
     FIELD(command),
     .max = 64,
     .help = "command: program and its arguments, run without a shell; exit 0 up, 1 degraded, 2 "
             "down, else unknown"},
    {.key = "user",
     .type = CONFIG_STRING,
     FIELD(user),
     .min = 1,
     .max = 64,
     .help = "command: whom it is run as when the agent is started as root; default: nobody"},
    {.key = "memory_max",
     .type = CONFIG_SIZE,
     FIELD(memory_max_bytes),
     .min = 0,
     .max = INT64_C(1) << 40,
     .help = "command: address space it may use; 0: 512MiB"},
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

static const struct config_field share_fields[] = {
    {.key = "device", .type = CONFIG_STRING, .offset = offsetof(struct checks_share, device)},
    {.key = "user", .type = CONFIG_STRING, .offset = offsetof(struct checks_share, user)},
    {.key = "checks",
     .type = CONFIG_LIST,
     .offset = offsetof(struct checks_share, checks),
     .schema = &check_config_schema},
    {0},
};
const struct config_schema checks_share_schema = {
    .name = "checks worker",
    .size = sizeof(struct checks_share),
    .fields = share_fields,
    .place_offset = SIZE_MAX,
    .present_offset = SIZE_MAX,
};

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
