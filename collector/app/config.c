/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config.h"

#include "common/log.h"
#include "common/xalloc.h"
#include "proto/keys.h"
#include "proto/limits.h"
#include "sla/contract.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- single values --- */

static bool is_address(int family, const char *text, size_t size)
{
    char copy[INET6_ADDRSTRLEN];
    uint8_t address[16];
    if (size >= sizeof copy) {
        return false;
    }
    memcpy(copy, text, size);
    copy[size] = '\0';
    return inet_pton(family, copy, address) == 1;
}

static bool is_port(const char *text)
{
    char *end;
    if (*text < '0' || *text > '9') {
        return false;
    }
    unsigned long port = strtoul(text, &end, 10);
    return *end == '\0' && port <= UINT16_MAX;
}

/* ZeroMQ would take anything else for the name of a network interface. */
static int check_listen(const char *value, char *reason, size_t reason_size)
{
    static const char tcp[] = "tcp://";
    static const char ipc[] = "ipc:///";
    if (strncmp(value, ipc, sizeof ipc - 1) == 0 && value[sizeof ipc - 1] != '\0') {
        return 0;
    }
    const char *host = value + sizeof tcp - 1;
    const char *colon = strrchr(value, ':');
    bool good = strncmp(value, tcp, sizeof tcp - 1) == 0 && colon > host && is_port(colon + 1);
    if (good) {
        size_t size = (size_t)(colon - host);
        good = (size == 1 && host[0] == '*') || is_address(AF_INET, host, size) ||
               (size > 2 && host[0] == '[' && host[size - 1] == ']' &&
                is_address(AF_INET6, host + 1, size - 2));
    }
    if (!good) {
        (void)snprintf(reason, reason_size,
                       "is not tcp://ADDRESS:PORT (a numeric address, [...] around one of IPv6, "
                       "or *) nor ipc:///PATH");
        return -EINVAL;
    }
    return 0;
}

static int check_address(const char *value, char *reason, size_t reason_size)
{
    if (is_address(AF_INET, value, strlen(value)) || is_address(AF_INET6, value, strlen(value))) {
        return 0;
    }
    (void)snprintf(reason, reason_size, "is not a numeric address");
    return -EINVAL;
}

/* --- agents --- */

#define AGENT(field) .offset = offsetof(struct collector_agent, field)

static const struct config_field agent_fields[] = {
    {.key = "name",
     .type = CONFIG_STRING,
     AGENT(name),
     .required = true,
     .min = 1,
     .max = PROTO_NAME_MAX,
     .help = "what the pages call it, unique"},
    {.key = "curve_key",
     .type = CONFIG_STRING,
     AGENT(curve_key),
     .required = true,
     .check = keys_check_curve_public,
     .help = "its public key of the link (beffroi keys show FILE), in quotes"},
    {.key = "sign_key",
     .type = CONFIG_STRING,
     AGENT(sign_key),
     .check = keys_check_sign_public,
     .help = "its public key of signatures; without it what it states cannot be verified"},
    {0},
};

static const struct config_schema agent_schema = {
    .name = "agent",
    .size = sizeof(struct collector_agent),
    .fields = agent_fields,
    .place_offset = offsetof(struct collector_agent, place),
    .present_offset = SIZE_MAX,
};

/* One value of an agent that must be unique. */
struct unique {
    const char *value;
    size_t number; /* of the agent */
    int line;
};

static int compare_unique(const void *left, const void *right)
{
    const struct unique *a = left;
    const struct unique *b = right;
    int rc = strcmp(a->value, b->value);
    return rc != 0 ? rc : (a->number > b->number) - (a->number < b->number);
}

static const char *field_of(const struct collector_agent *agent, size_t offset)
{
    const char *value;
    memcpy(&value, (const char *)agent + offset, sizeof value);
    return value;
}

static void check_unique(const struct config_list *list, const struct config_field *field,
                         struct config_error_sink *errors)
{
    const struct collector_agent *agents = list->items;
    struct unique *values = xcalloc(list->count + 1, sizeof *values);
    size_t n = 0;
    for (size_t i = 0; i < list->count; i++) {
        const char *value = field_of(&agents[i], field->offset);
        if (value != NULL) {
            values[n++] = (struct unique){value, i, agents[i].place.line};
        }
    }
    qsort(values, n, sizeof *values, compare_unique);
    for (size_t i = 1; i < n; i++) {
        if (strcmp(values[i - 1].value, values[i].value) == 0) {
            char *key = xasprintf("agents[%zu].%s", values[i].number, field->key);
            config_error_at(errors, values[i].line, key, values[i].value,
                            "the agent of line %d has the same", values[i - 1].line);
            free(key);
        }
    }
    free(values);
}

static void check_config(const void *object, struct config_error_sink *errors)
{
    const struct collector_config *config = object;
    for (const struct config_field *field = agent_fields; field->key != NULL; field++) {
        check_unique(&config->agents, field, errors);
    }
}

/* --- the whole --- */

#define FIELD(field) .offset = offsetof(struct collector_config, field)
/* A mapping's own fields, counted from where it begins. */
#define WITHIN(map, field)                                                                         \
    .offset = offsetof(struct collector_config, map.field) - offsetof(struct collector_config, map)

static const struct config_field http_fields[] = {
    {.key = "enabled",
     .type = CONFIG_BOOL,
     WITHIN(http, enabled),
     .fallback = "true",
     .help = "serve the pages, the API and /metrics"},
    {.key = "address",
     .type = CONFIG_STRING,
     WITHIN(http, address),
     .fallback = "127.0.0.1",
     .check = check_address,
     .help = "numeric address to listen on; a proxy with TLS belongs in front of any other"},
    {.key = "port",
     .type = CONFIG_INTEGER,
     WITHIN(http, port),
     .fallback = "8460",
     .min = 0,
     .max = UINT16_MAX,
     .help = "port to listen on; 0: the system chooses"},
    {0},
};

static const struct config_field journal_fields[] = {
    {.key = "segment",
     .type = CONFIG_SIZE,
     WITHIN(journal, segment_bytes),
     .fallback = "16MiB",
     .min = 1 << 20,
     .max = 1 << 30,
     .help = "a file of the journal grows to so much, 1MiB to 1GiB; whole files are deleted"},
    {.key = "reserve",
     .type = CONFIG_SIZE,
     WITHIN(journal, reserve_bytes),
     .fallback = "64MiB",
     .min = 0,
     .max = INT64_C(1) << 40,
     .help = "with less than this free, agents are told to wait: the rest is for working it off"},
    {0},
};

static const struct config_field rrd_fields[] = {
    {.key = "flush_after",
     .type = CONFIG_DURATION,
     WITHIN(rrd, flush_after_ms),
     .fallback = "30s",
     .min = 1000,
     .max = 3600000,
     .help = "samples wait so long in memory before they go to their file, at most; a page that "
             "is asked for does not wait"},
    {.key = "flush_rows",
     .type = CONFIG_INTEGER,
     WITHIN(rrd, flush_rows),
     .fallback = "360",
     .min = 1,
     .max = 10000,
     .help = "or until there are so many of one object"},
    {.key = "checkpoint",
     .type = CONFIG_DURATION,
     WITHIN(rrd, checkpoint_ms),
     .fallback = "60s",
     .min = 1000,
     .max = 3600000,
     .help = "every so often all files are brought to disk and the journal is cut"},
    {0},
};

static const struct config_field talkers_fields[] = {
    {.key = "retention",
     .type = CONFIG_DURATION,
     WITHIN(talkers, retention_ms),
     .fallback = "30d",
     .min = 0,
     .max = INT64_C(400) * 86400000,
     .help = "reports are deleted when they are so old, at least 1h; 0s: none are kept at all"},
    {0},
};

/* A job of every hour cannot keep a promise of less. */
static void check_talkers(const void *object, struct config_error_sink *errors)
{
    const struct collector_talkers *talkers = object;
    if (talkers->retention_ms > 0 && talkers->retention_ms < 3600000) {
        config_error_at(errors, 0, "retention", NULL,
                        "must be at least 1h, or 0s to keep no reports at all");
    }
}

static const struct config_choice levels[] = {
    {"error", LOG_LEVEL_ERROR},
    {"warn", LOG_LEVEL_WARN},
    {"info", LOG_LEVEL_INFO},
    {"debug", LOG_LEVEL_DEBUG},
    {0},
};

static const struct config_field log_fields[] = {
    {.key = "level",
     .type = CONFIG_CHOICE,
     WITHIN(log, level),
     .fallback = "info",
     .choices = levels,
     .help = "error: someone must act; warn: data at risk; info: life cycle; debug"},
    {0},
};

#define MAP_SCHEMA(map)                                                                            \
    static const struct config_schema map##_schema = {                                             \
        .name = #map,                                                                              \
        .size = sizeof(((struct collector_config *)0)->map),                                       \
        .fields = map##_fields,                                                                    \
        .place_offset = SIZE_MAX,                                                                  \
        .present_offset = SIZE_MAX,                                                                \
    }

static const struct config_schema talkers_schema = {
    .name = "talkers",
    .size = sizeof(struct collector_talkers),
    .fields = talkers_fields,
    .place_offset = offsetof(struct collector_talkers, place),
    .present_offset = SIZE_MAX,
    .check = check_talkers,
};

MAP_SCHEMA(http);
MAP_SCHEMA(journal);
MAP_SCHEMA(rrd);
MAP_SCHEMA(log);

static const struct config_field fields[] = {
    {.key = "data",
     .type = CONFIG_STRING,
     FIELD(data),
     .required = true,
     .min = 1,
     .max = PATH_MAX - 256, /* room for the longest path below it */
     .help = "folder of everything that is stored; relative paths are meant from this file"},
    {.key = "listen",
     .type = CONFIG_STRING,
     FIELD(listen),
     .fallback = "tcp://127.0.0.1:8461",
     .check = check_listen,
     .help = "where agents connect: tcp://ADDRESS:PORT, * for every address, port 0: the system "
             "chooses"},
    {.key = "keys",
     .type = CONFIG_STRING,
     FIELD(keys),
     .required = true,
     .min = 1,
     .max = PATH_MAX - 256,
     .help = "the collector's own key file (beffroi keys new FILE)"},
    {.key = "user",
     .type = CONFIG_STRING,
     FIELD(user),
     .min = 1,
     .max = 32,
     .help = "started as root, become this user before anything else"},
    {.key = "http", .type = CONFIG_MAP, FIELD(http), .schema = &http_schema, .help = "the pages"},
    {.key = "agents",
     .type = CONFIG_LIST,
     FIELD(agents),
     .schema = &agent_schema,
     .help = "who may deliver; everybody else is turned away"},
    {.key = "contract",
     .type = CONFIG_STRING,
     FIELD(contract),
     .min = 1,
     .max = PATH_MAX - 256,
     .help = "file of the contract that availability is measured against; default: none"},
    {.key = "journal",
     .type = CONFIG_MAP,
     FIELD(journal),
     .schema = &journal_schema,
     .help = "what has come in and is not worked off yet"},
    {.key = "rrd",
     .type = CONFIG_MAP,
     FIELD(rrd),
     .schema = &rrd_schema,
     .help = "the files behind the graphs"},
    {.key = "talkers",
     .type = CONFIG_MAP,
     FIELD(talkers),
     .schema = &talkers_schema,
     .help = "the heaviest hosts, prefixes and services of metered traffic (beffroi top)"},
    {.key = "log",
     .type = CONFIG_MAP,
     FIELD(log),
     .schema = &log_schema,
     .help = "what is written to standard error"},
    {0},
};

const struct config_schema collector_config_schema = {
    .name = "collector",
    .size = sizeof(struct collector_config),
    .fields = fields,
    .place_offset = SIZE_MAX,
    .present_offset = SIZE_MAX,
    .check = check_config,
};

/* `file` as seen from the folder of `base`; caller frees. */
static char *resolve(const char *file, const char *base)
{
    const char *slash = strrchr(base, '/');
    if (file[0] == '/') {
        return xstrdup(file);
    }
    return slash == NULL ? xstrdup(file) : xasprintf("%.*s/%s", (int)(slash - base), base, file);
}

static int check_contract(const char *file, const char *base, struct config_errors *errors)
{
    struct sla_contract *contract = NULL;
    char *path = resolve(file, base);
    int rc = sla_contract_load(path, &contract, errors);
    if (rc == 0) {
        sla_contract_free(contract);
    }
    free(path);
    return rc;
}

int collector_config_load(const char *path, struct collector_config *config,
                          struct config_errors *errors)
{
    int rc = config_load(path, &collector_config_schema, config, errors);
    if (rc != 0) {
        return rc;
    }
    if (config->contract != NULL) {
        rc = check_contract(config->contract, path, errors);
    }
    if (rc != 0) {
        collector_config_free(config);
    }
    return rc;
}

static void make_absolute(char **file, const char *base)
{
    if (*file == NULL) {
        return;
    }
    char *path = resolve(*file, base);
    char *here = path[0] == '/' ? NULL : getcwd(NULL, 0);
    free(*file);
    /* Without a working folder (it was deleted) the path stays as it is, and opening it fails. */
    *file = here == NULL ? path : xasprintf("%s/%s", here, path);
    if (here != NULL) {
        free(path);
        free(here);
    }
}

void collector_config_resolve(struct collector_config *config, const char *path)
{
    make_absolute(&config->data, path);
    make_absolute(&config->keys, path);
    make_absolute(&config->contract, path);
}

void collector_config_free(struct collector_config *config)
{
    config_free(&collector_config_schema, config);
}
