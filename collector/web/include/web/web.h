/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The pages, the JSON API and /metrics, over HTTP. Reads the ledger and the RRD files, never
 * writes; asks store to flush before it draws.
 *
 * Threads: requests are answered by a small pool of threads that share nothing but these options
 * and a query_shared. SIGPIPE must be ignored. */
#ifndef WEB_WEB_H
#define WEB_WEB_H

#include <stddef.h>
#include <stdint.h>

struct web_options {
    const char *address; /* numeric: "127.0.0.1", "::1" */
    uint16_t port;       /* 0: the system chooses */
    const char *data_directory;
    const char *ledger_path;
    const char *talkers_path;
    int64_t talkers_retention_ms; /* 0: none are kept */
    const char *rrd_directory;
    const char *intake_control_path;
    const char *store_control_path;
    const char *supervisor_control_path;
    const char *contract_path; /* NULL: none */
    const char *const *agents; /* the configured ones, NULL after the last; NULL: not known */
    const char *program;       /* of this binary, to start `--part draw` */
};

struct web;

/* The options' contents must outlive the handle. 0 or -errno with a reason. */
int web_open(struct web **web, const struct web_options *options, char *reason, size_t reason_size);
uint16_t web_port(const struct web *web);
void web_close(struct web *web);

/* The process `beffroi-collector --part draw`: one JSON request on standard input, one PNG on
 * standard output (exit 0), or an enum web_draw_exit and a line in the log. A crash of librrd stays
 * here. */
enum web_draw_exit {
    WEB_DRAW_OK = 0,
    WEB_DRAW_FAILED = 1,
    WEB_DRAW_NOTHING = 2, /* no such file, or nothing in it of what is asked for */
    WEB_DRAW_RANGE = 3,   /* the range cannot be drawn */
};
_Noreturn void web_draw_main(void);

#endif
