/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The metering of one interface: its sources, lanes, rows and reports, on the loop of a worker.
 *
 * Opening needs CAP_NET_RAW and the file system. Then: metering_prepare starts the threads, which
 * read nothing yet; metering_start sets them going. Between them the process gives up its power.
 *
 * Threads: the loop's thread. */
#ifndef CAPTURE_METERING_H
#define CAPTURE_METERING_H

#include "capture/capture.h"
#include "sample/sink.h"
#include "watch.h"
#include <uv.h>

struct metering;

/* `config` and `watch` (of the same interface) outlive the handle. 0; -EPERM, -ENODEV, -ENETDOWN,
 * or another -errno; with a reason of one sentence that says what to do. */
int metering_open(struct metering **metering, const struct capture_config *config,
                  const char *interface, struct watch *watch, char *reason, size_t reason_size);
/* 0 or -errno. */
int metering_prepare(struct metering *metering);

typedef void metering_end(void *context, const char *reason);
/* Meters into `sink`: rows each interval, at the times of the schedule's grid. `device` names the
 * agent's machine. `on_end` is called once if the interface goes away, goes down or changes its
 * name, or reading from it fails; the handle is then only good to be closed. 0 or -errno. */
int metering_start(struct metering *metering, uv_loop_t *loop, const char *device,
                   const struct sample_sink *sink, metering_end *on_end, void *context);
/* Ends within a second, whether frames come or not. No call-back after it. NULL is allowed. */
void metering_close(struct metering *metering);

#endif
