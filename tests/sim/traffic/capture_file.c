/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "capture_file.h"

#include "give_up.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER_SIZE = 1 << 20, SNAPLEN_MAX = 262144 };

static const struct {
    const char *name;
    uint16_t number; /* www.tcpdump.org/linktypes.html */
} links[LINKS] = {
    [LINK_ETHERNET] = {"EN10MB", 1},   [LINK_SLL] = {"LINUX_SLL", 113},
    [LINK_SLL2] = {"LINUX_SLL2", 276}, [LINK_RAW] = {"RAW", 101},
    [LINK_NULL] = {"NULL", 0},         [LINK_PPP] = {"PPP", 9},
};

const char *capture_file_link_name(enum link link)
{
    return links[link].name;
}

static void write_words(struct capture_file *file, const uint32_t words[], size_t n)
{
    (void)fwrite(words, sizeof words[0], n, file->out); /* errors: capture_file_end */
}

static void begin_pcap(struct capture_file *file, const struct options *options, uint32_t snaplen)
{
    const uint32_t header[] = {options->nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4,
                               4U << 16 | 2, /* version 2.4, on a little-endian machine */
                               0,
                               0,
                               snaplen,
                               links[options->link].number};
    write_words(file, header, sizeof header / sizeof header[0]);
}

static void begin_pcapng(struct capture_file *file, const struct options *options, uint32_t snaplen)
{
    const uint32_t section[] = {0x0a0d0d0a, 28, 0x1a2b3c4d, 1, UINT32_MAX, UINT32_MAX, 28};
    const uint32_t interface[] = {1,
                                  32,
                                  links[options->link].number,
                                  snaplen,
                                  1U << 16 | 9, /* if_tsresol, one byte */
                                  options->nanoseconds ? 9 : 6,
                                  0,
                                  32};
    write_words(file, section, sizeof section / sizeof section[0]);
    write_words(file, interface, sizeof interface / sizeof interface[0]);
}

void capture_file_begin(struct capture_file *file, const char *path, const struct options *options)
{
    uint32_t snaplen = options->snaplen != 0 ? options->snaplen : SNAPLEN_MAX;
    file->out = fopen(path, "we");
    if (file->out == NULL || setvbuf(file->out, NULL, _IOFBF, BUFFER_SIZE) != 0) {
        give_up(path, strerror(errno));
    }
    file->pcapng = options->pcapng;
    file->tick_ns = options->nanoseconds ? 1 : 1000;
    if (file->pcapng) {
        begin_pcapng(file, options, snaplen);
    } else {
        begin_pcap(file, options, snaplen);
    }
}

void capture_file_add(struct capture_file *file, int64_t time_ns, const struct frame *frame)
{
    static const uint8_t zeros[4];
    enum { BLOCK = 32 };
    if (file->pcapng) {
        uint64_t ticks = (uint64_t)(time_ns / file->tick_ns);
        uint32_t padding = (4 - frame->captured % 4) % 4;
        uint32_t length = BLOCK + frame->captured + padding;
        const uint32_t head[] = {
            6, length, 0, (uint32_t)(ticks >> 32), (uint32_t)ticks, frame->captured, frame->wire};
        write_words(file, head, sizeof head / sizeof head[0]);
        (void)fwrite(frame->bytes, 1, frame->captured, file->out);
        (void)fwrite(zeros, 1, padding, file->out);
        write_words(file, &length, 1);
    } else {
        const int64_t second = 1000000000;
        const uint32_t head[] = {(uint32_t)(time_ns / second),
                                 (uint32_t)(time_ns % second / file->tick_ns), frame->captured,
                                 frame->wire};
        write_words(file, head, sizeof head / sizeof head[0]);
        (void)fwrite(frame->bytes, 1, frame->captured, file->out);
    }
}

void capture_file_end(struct capture_file *file)
{
    if (ferror(file->out) != 0 || fclose(file->out) != 0) {
        give_up("the capture", strerror(errno));
    }
}
