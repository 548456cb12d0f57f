/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Meters the packets of one network interface: bytes and packets by protocol, into rows of kind
 * "traffic". libpcap only in source.c; the decoder is pure. Runs inside the capture worker process,
 * which opens the interface first and then gives up every privilege before it reads a packet. */
#ifndef CAPTURE_CAPTURE_H
#define CAPTURE_CAPTURE_H

#include "common/config.h"
#include "sample/sink.h"
#include <uv.h>

/* `capture:` of the agent's configuration. */
struct capture_config {
    bool present;
    char *interface;
    int64_t interval_ms;
    bool promiscuous;     /* default false */
    int64_t buffer_bytes; /* kernel ring, default 16 MiB */
};
extern const struct config_schema capture_config_schema;

struct capture;

/* Opens the interface (needs CAP_NET_RAW). 0, or -EPERM, -ENODEV … with a reason of one sentence
 * that says what to do. */
int capture_open(struct capture **capture, const struct capture_config *config, char *reason,
                 size_t reason_size);
/* Starts metering on the loop into `sink`: the object of kind "traffic" named as the interface, a
 * row each interval. `device` names the agent's machine. Call after the privileges are gone.
 * `on_end` is called once if the interface goes away; the handle is then only good to be closed. 0
 * or -errno. */
int capture_start(struct capture *capture, uv_loop_t *loop, const char *device,
                  const struct sample_sink *sink, void (*on_end)(void *context, const char *reason),
                  void *context);
/* No call-back after it. NULL is allowed. */
void capture_close(struct capture *capture);

/* What the process `beffroi-agent-capture` does from its start to its end: takes the
 * channel on CHANNEL_FD, opens the interface, confines itself, meters until its loop is stopped
 * (SIGTERM, or main is gone). Its configuration text is a mapping with `device:`, `capture:` and
 * `user:` (whom to become), as the agent's own. Returns the exit status; without CAP_NET_RAW it
 * says so once in the log and as the check "capture" of outcome unknown, reason "no-permission",
 * stays, and tries again every minute. */
int capture_worker_main(void);

#endif
