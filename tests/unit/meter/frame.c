/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void put8(struct frame *frame, unsigned value)
{
    assert_true(frame->size < sizeof frame->bytes);
    frame->bytes[frame->size++] = (uint8_t)value;
}

void put16(struct frame *frame, unsigned value)
{
    put8(frame, value >> 8);
    put8(frame, value & 0xff);
}

void put32(struct frame *frame, uint32_t value)
{
    put16(frame, value >> 16);
    put16(frame, value & 0xffff);
}

void put_zeros(struct frame *frame, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        put8(frame, 0);
    }
}

static unsigned digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

void put_hex(struct frame *frame, const char *hex)
{
    for (; *hex != '\0'; hex++) {
        if (*hex != ' ') {
            put8(frame, digit(hex[0]) << 4 | digit(hex[1]));
            hex++;
        }
    }
}

/* 16 bits for a length that counts from `from`. */
static void put_length(struct frame *frame, size_t from)
{
    assert_true(frame->n_lengths < FRAME_LENGTHS_MAX);
    frame->lengths[frame->n_lengths].at = frame->size;
    frame->lengths[frame->n_lengths].from = from;
    frame->n_lengths++;
    put16(frame, 0);
}

void frame_end(struct frame *frame)
{
    for (size_t i = 0; i < frame->n_lengths; i++) {
        size_t length = frame->size - frame->lengths[i].from;
        frame->bytes[frame->lengths[i].at] = (uint8_t)(length >> 8);
        frame->bytes[frame->lengths[i].at + 1] = (uint8_t)length;
    }
}

void put_ethernet(struct frame *frame, unsigned type)
{
    put_hex(frame, "020000000002 020000000001");
    put16(frame, type);
}

void put_tag(struct frame *frame, unsigned vlan, unsigned type)
{
    put16(frame, 0xe000 | vlan); /* priority 7 */
    put16(frame, type);
}

void put_label(struct frame *frame, unsigned label, bool bottom)
{
    put32(frame, (uint32_t)label << 12 | (bottom ? 0x100U : 0) | 64);
}

void put_pppoe(struct frame *frame, unsigned ppp_protocol)
{
    put_hex(frame, "11 00 0001");
    put_length(frame, frame->size + 2);
    put16(frame, ppp_protocol);
}

void put_snap(struct frame *frame, uint32_t organisation, unsigned type)
{
    put_hex(frame, "aa aa 03");
    put8(frame, organisation >> 16);
    put16(frame, organisation & 0xffff);
    put16(frame, type);
}

static void put_ipv4_header(struct frame *frame, unsigned protocol, unsigned fragment,
                            size_t options)
{
    put8(frame, 0x45 + (unsigned)options / 4);
    put8(frame, 0);
    put_length(frame, frame->size - 2);
    put16(frame, 0x1234);
    put16(frame, fragment);
    put8(frame, 64);
    put8(frame, protocol);
    put16(frame, 0);
    put_hex(frame, "c0000201 c6336402");
    for (size_t i = 0; i < options; i++) {
        put8(frame, 1);
    }
}

void put_ipv4(struct frame *frame, unsigned protocol)
{
    put_ipv4_header(frame, protocol, 0x4000, 0); /* do not fragment */
}

void put_ipv4_options(struct frame *frame, unsigned protocol, size_t options)
{
    put_ipv4_header(frame, protocol, 0, options);
}

void put_ipv4_fragment(struct frame *frame, unsigned protocol, unsigned offset_bytes, bool more)
{
    put_ipv4_header(frame, protocol, offset_bytes / 8 | (more ? 0x2000 : 0), 0);
}

void put_ipv6(struct frame *frame, unsigned next)
{
    put_hex(frame, "60 01 2345");
    put_length(frame, frame->size + 36);
    put8(frame, next);
    put8(frame, 64);
    put_hex(frame, "20010db8 00000000 00000000 00000001 20010db8 00000000 00000000 00000002");
}

void put_extension(struct frame *frame, unsigned next, unsigned units)
{
    put8(frame, next);
    put8(frame, units - 1);
    for (unsigned i = 2; i < units * 8; i++) {
        put8(frame, 0xee); /* no protocol that is known, should it be taken for one */
    }
}

void put_fragment(struct frame *frame, unsigned next, unsigned offset_bytes, bool more)
{
    put8(frame, next);
    put8(frame, 0xff); /* reserved: no length */
    put16(frame, offset_bytes | more);
    put32(frame, 0x12345678);
}

void put_tcp(struct frame *frame, unsigned flags, size_t options)
{
    put16(frame, 40000);
    put16(frame, 443);
    put32(frame, 1000);
    put32(frame, 2000);
    put8(frame, (5 + (unsigned)options / 4) << 4);
    put8(frame, flags);
    put_hex(frame, "ffff 0000 0000");
}

void put_udp(struct frame *frame, unsigned source, unsigned destination)
{
    put16(frame, source);
    put16(frame, destination);
    put_length(frame, frame->size - 4);
    put16(frame, 0);
}

void put_gre(struct frame *frame, unsigned flags, unsigned type)
{
    put16(frame, flags);
    put16(frame, type);
}

void put_vxlan(struct frame *frame)
{
    put_udp(frame, 50000, 4789);
    put_hex(frame, "08000000 00002a00");
}

void frame_poke16(struct frame *frame, size_t at, unsigned value)
{
    frame->bytes[at] = (uint8_t)(value >> 8);
    frame->bytes[at + 1] = (uint8_t)value;
}

struct packet frame_read_cut(const struct frame *frame, enum link_type link, size_t captured,
                             size_t length)
{
    struct packet packet;
    memset(&packet, 0xa5, sizeof packet);
    uint8_t *exact = captured > 0 ? malloc(captured) : NULL;
    if (captured > 0) {
        assert_non_null(exact);
        memcpy(exact, frame->bytes, captured);
    }
    decode_frame(link, exact, captured, length, 1700000000123456789, &packet);
    free(exact);
    return packet;
}

struct packet frame_read(const struct frame *frame, enum link_type link)
{
    return frame_read_cut(frame, link, frame->size, frame->size);
}

void assert_exit(const struct packet *packet, enum packet_exit exit)
{
    assert_string_equal(packet_exit_name((enum packet_exit)packet->exit), packet_exit_name(exit));
}
