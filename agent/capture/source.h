/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Frames from an interface or a file. The only file that touches libpcap.
 *
 * Threads: one. */
#ifndef CAPTURE_SOURCE_H
#define CAPTURE_SOURCE_H

#include "decode.h"
#include <stdbool.h>

struct source;

typedef void source_frame(void *context, enum decode_link link, const uint8_t *frame,
                          size_t captured, size_t length);

/* An interface, not promiscuous unless asked. 0; -EPERM; -ENODEV; -ENETDOWN; -ENOTSUP: a link type
 * that is not decoded; -EIO; with a reason. */
int source_open_interface(struct source **source, const char *interface, bool promiscuous,
                          int buffer_bytes, char *reason, size_t reason_size);
/* A capture file, pcap or pcapng. 0; -ENOENT …; -EBADMSG; with a reason. */
int source_open_file(struct source **source, const char *path, char *reason, size_t reason_size);
/* Becomes readable when frames wait (interfaces). */
int source_fd(const struct source *source);
/* Delivers at most `most` waiting frames (interfaces: without waiting; files: the next ones).
 * Returns how many; -ENODATA: the file's end; or -errno with a reason: the source is of no use any
 * more. */
int source_read(struct source *source, int most, source_frame *on_frame, void *context,
                char *reason, size_t reason_size);
/* Frames that the kernel dropped since the source was opened: 64 bits, though it counts in 32. */
uint64_t source_dropped(struct source *source);
void source_close(struct source *source);

#endif
