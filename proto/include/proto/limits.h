/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The bounds of everything that travels. A peer that sends more is refused, never truncated. */
#ifndef PROTO_LIMITS_H
#define PROTO_LIMITS_H

enum {
    PROTO_STREAM_SIZE = 16,
    PROTO_METRICS_MAX = 64, /* the masks of a row are 64 bits wide */
    PROTO_LABELS_MAX = 32,
    PROTO_NAME_MAX = 255,       /* bytes of device, kind, object, unit, label key */
    PROTO_METRIC_NAME_MAX = 63, /* the longest of MIB-II is half of it */
    PROTO_LABEL_MAX = 1024,     /* bytes of a label's value: ifAlias is 64, sysDescr 255 */
    PROTO_DETAIL_MAX = 512,
    PROTO_REASON_MAX = 64,
    PROTO_TALKERS_MAX = 100,             /* items of one talker report */
    PROTO_OBJECTS_MAX = 1 << 20,         /* of one (stream, epoch) */
    PROTO_BATCH_ITEMS_MAX = 100000,      /* definitions + rows + observations + gaps of a batch */
    PROTO_BATCH_TARGET = 256 * 1024,     /* an agent closes a batch at this size */
    PROTO_MESSAGE_MAX = 4 * 1024 * 1024, /* ZMQ_MAXMSGSIZE on both sides */
    /* A worker's report: the largest definition of all (63 kB) and a row fit it, and it fits a
     * SOCK_SEQPACKET buffer of 208 KiB. */
    PROTO_REPORT_MAX = 72 * 1024,
    PROTO_INTERVAL_MIN_MS = 100,
    PROTO_INTERVAL_MAX_MS = 86400000,
};

#endif
