/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The capture as a file: pcap (draft-ietf-opsawg-pcap) or pcapng (draft-ietf-opsawg-pcapng), in
 * this machine's byte order. */
#ifndef SIM_TRAFFIC_CAPTURE_FILE_H
#define SIM_TRAFFIC_CAPTURE_FILE_H

#include "frame.h"
#include "options.h"

#include <stdio.h>

struct capture_file {
    FILE *out;
    bool pcapng;
    int64_t tick_ns; /* of its time stamps */
};

/* As libpcap calls it. */
const char *capture_file_link_name(enum link link);
void capture_file_begin(struct capture_file *file, const char *path, const struct options *options);
/* `time_ns` since 1970, a multiple of tick_ns. */
void capture_file_add(struct capture_file *file, int64_t time_ns, const struct frame *frame);
void capture_file_end(struct capture_file *file);

#endif
