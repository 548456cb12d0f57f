/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the configuration says of a check: one mapping with the keys of its type, and what is known
 * of a type without running it. Needs none of the libraries that checks stand on, so that the main
 * process, which only hands checks on to its workers, maps none of them.
 *
 * Threads: no state. */
#ifndef CHECKS_CONFIG_H
#define CHECKS_CONFIG_H

#include "common/config.h"
#include "proto/model.h"

#include <stdbool.h>

enum check_type_id {
    CHECK_ICMP,
    CHECK_TCP,
    CHECK_HTTP,
    CHECK_TLS,
    CHECK_DNS,
    CHECK_NTP,
    CHECK_SMTP,
    CHECK_IMAP,
    CHECK_VALUE,
    CHECK_SYSTEMD,
    CHECK_FILE,
    CHECK_COMMAND,
    CHECK_TYPES,
};

/* Who runs it. What reads a server's bytes does so in a process without key, privilege or disk, and
 * a process maps only the libraries that its own checks need. */
enum check_part {
    CHECK_PART_NET,   /* beffroi-agent-net: icmp, tcp, dns, ntp, smtp, imap */
    CHECK_PART_WEB,   /* beffroi-agent-web: http, tls */
    CHECK_PART_LOCAL, /* beffroi-agent-local: systemd, file, command */
    CHECK_PART_MAIN,  /* the main process, which sees every row: value */
    CHECK_PARTS,
};

enum check_family { CHECK_FAMILY_ANY, CHECK_FAMILY_IPV4, CHECK_FAMILY_IPV6 };
enum check_method { CHECK_GET, CHECK_HEAD, CHECK_POST };
enum check_tls_version { CHECK_TLS_ANY, CHECK_TLS_1_2, CHECK_TLS_1_3 };
/* The numbers are the protocol's (RFC 1035, RFC 3596, RFC 2782). */
enum check_record {
    CHECK_RECORD_A = 1,
    CHECK_RECORD_NS = 2,
    CHECK_RECORD_CNAME = 5,
    CHECK_RECORD_SOA = 6,
    CHECK_RECORD_PTR = 12,
    CHECK_RECORD_MX = 15,
    CHECK_RECORD_TXT = 16,
    CHECK_RECORD_AAAA = 28,
    CHECK_RECORD_SRV = 33,
};

/* An item of `checks:`. Keys that do not belong to its type are refused, and so are absent ones
 * that it needs. */
struct check_config {
    struct config_place place;
    char *name;   /* unique within its device */
    char *device; /* whose check it is; default: the agent's own device */
    int type;     /* enum check_type_id */
    int64_t interval_ms;
    int64_t timeout_ms;
    struct config_strings degraded_unless; /* conditions (condition.h) on the type's metrics */
    struct config_strings down_unless;
    char *confirm;  /* "2 of 3": bad results of so many that confirm; NULL: the first */
    char *host;     /* name or address: icmp, tcp, tls, dns, ntp, smtp, imap */
    int64_t port;   /* 0: the type's own */
    int family;     /* enum check_family: which of a name's addresses are asked */
    int64_t echoes; /* icmp */
    char *send;     /* tcp: what is said first; \r, \n, \t, \\ and \xHH as in C */
    char *expect;   /* tcp, smtp, imap: POSIX extended regular expression */
    char *url;      /* http */
    int method;     /* http: enum check_method */
    struct config_strings headers; /* http: of the request, "Name: value" */
    char *body;                    /* http: of a POST */
    int64_t status;                /* http: 0: any 200 to 399 */
    char *body_match;              /* http: POSIX extended regular expression */
    char *header_match;            /* http: likewise, of a line "name: value" */
    int64_t redirects;             /* http: how many are followed */
    int64_t size_max_bytes;        /* http: of the body */
    char *ca_file;                 /* http, tls: certificates to trust; NULL: the system's */
    char *server_name;             /* tls: NULL: the host */
    int tls_min;                   /* http, tls: enum check_tls_version */
    char *query;                   /* dns: the name that is asked for */
    int record;                    /* dns: enum check_record */
    struct config_strings answers; /* dns: each must be among what comes back */
    char *rcode;                   /* dns: "NOERROR", "NXDOMAIN" … */
    char *kind;                    /* value: of which object */
    char *object;                  /* value */
    char *metric;                  /* value */
    char *unit;                    /* systemd */
    char *path;                    /* file */
    struct config_strings command; /* command: program and arguments, without a shell */
    char *user;                    /* command: whom to run it as; NULL: nobody */
    int64_t memory_max_bytes;      /* command: of address space */
};
extern const struct config_schema check_config_schema;

/* For the check of the configuration that holds the list: reports names that a device has twice.
 * `device` is the default one. */
void checks_check_unique(const struct config_list *list, const char *device,
                         struct config_error_sink *errors);

/* What the workers of a part are told. */
struct checks_share {
    char *device; /* the default one */
    char *user;   /* whom to become; NULL: nobody else */
    struct config_list checks;
};
extern const struct config_schema checks_share_schema;

enum check_whom { CHECK_ASKS_NOBODY, CHECK_ASKS_HOST, CHECK_ASKS_URL };

enum { CHECK_METRICS_MAX = 8 };

/* Of a type. */
struct check_facts {
    const char *name;
    enum check_part part;
    enum check_whom whom;
    uint16_t port; /* the default; 0: none */
    size_t n_metrics;
    struct metric metrics[CHECK_METRICS_MAX]; /* the first one is also called "response" in
                                                 conditions, where its unit is "s" */
};
const struct check_facts *check_facts(int type);
/* "net", "web", "local", "main": also the workers' names and, but for main, the end of their
 * programs' (beffroi-agent-…). */
const char *check_part_name(enum check_part part);

/* "2 of 3": 0, or -EINVAL with a reason: not two numbers of 1 to 100, or the first is greater. */
int check_parse_confirm(const char *text, unsigned *bad, unsigned *of, char *reason,
                        size_t reason_size);

#endif
