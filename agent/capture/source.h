/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Frames from an interface or a capture file straight into a meter. The only file that touches
 * libpcap.
 *
 * Threads: a source belongs to one thread at a time; it may be opened in another. */
#ifndef CAPTURE_SOURCE_H
#define CAPTURE_SOURCE_H

#include "meter/meter.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct source;

/* Is this text a filter (pcap-filter(7))? 0, or -EINVAL with libpcap's reason. */
int source_check_filter(const char *filter, char *reason, size_t reason_size);

struct source_options {
    bool promiscuous;    /* of an interface: also frames that are not for this machine */
    int64_t ring_bytes;  /* of an interface: the kernel's ring */
    const char *filter;  /* NULL: every frame */
    uint16_t *fanout_id; /* of an interface: the group of sources that share its frames, a flow
                            always to the same one (packet(7), PACKET_FANOUT_HASH). *fanout_id 0:
                            makes a new group and sets it. NULL: gets every frame itself */
};

/* 0; -EPERM; -ENODEV; -ENETDOWN; -EINVAL: the filter; -EIO; with a reason. Needs CAP_NET_RAW. */
int source_open_interface(struct source **source, const char *interface,
                          const struct source_options *options, char *reason, size_t reason_size);
/* A file in pcap or pcapng format; "-": standard input. 0; -ENOENT …; -EBADMSG: it is none;
 * -EINVAL: the filter; with a reason that names the file. */
int source_open_file(struct source **source, const char *path, const struct source_options *options,
                     char *reason, size_t reason_size);

/* The link type as libpcap names it: "EN10MB", "IEEE802_11_RADIO" …; "DLT_299" where it has no
 * name. Valid as long as the source. */
const char *source_link_name(const struct source *source);
/* False: its frames are counted by their bytes, and nothing more is known of them. */
bool source_is_decoded(const struct source *source);
/* Becomes readable when frames wait (interfaces). */
int source_fd(const struct source *source);
/* Of a file: how much of it was read, about. */
uint64_t source_bytes_read(const struct source *source);
/* Of a file: its size; 0: not known (a pipe). */
uint64_t source_file_bytes(const struct source *source);

/* Of an interface: frames with an earlier time stamp are not metered, until the first that is not
 * earlier. Of a group of sources all get each frame until the last one has joined. */
void source_skip_until(struct source *source, int64_t time_ns);
/* Of a file: called before the first frame at or after `limit_ns` is metered; returns the next
 * limit (INT64_MAX: none). */
typedef int64_t source_limit(void *context, int64_t time_ns);
void source_set_limit(struct source *source, int64_t limit_ns, source_limit *on_limit,
                      void *context);

/* Meters at most `most` frames: those that wait (interfaces: without waiting), the next ones
 * (files). Returns how many; -ENODATA: the file's end; or another -errno with a reason, for a file
 * with its name and the frame's number: the source is of no use any more. */
int source_read(struct source *source, struct meter *meter, int most, char *reason,
                size_t reason_size);
/* Frames that the kernel dropped since the source was opened because its ring was full: 64 bits,
 * though it counts in 32. Of a file 0. */
uint64_t source_dropped(struct source *source);
/* `total` continued: a counter of 32 bits, which may have wrapped once, was `before` and is `now`.
 */
uint64_t source_continue_count(uint64_t total, uint32_t before, uint32_t now);
/* NULL is allowed. */
void source_close(struct source *source);

#endif
