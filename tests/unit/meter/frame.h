/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Frames for the decoder's tests, put together header by header from the outside in. Lengths are
 * filled in at the end, so that a test says only what matters to it and may then make them lie. */
#ifndef TEST_FRAME_H
#define TEST_FRAME_H

#include "meter/decode.h"

#include <stddef.h>
#include <stdint.h>

enum { FRAME_LENGTHS_MAX = 24 };

struct frame {
    uint8_t bytes[4096];
    size_t size;
    struct {
        size_t at;   /* of the 16 bits */
        size_t from; /* counts what follows from here on */
    } lengths[FRAME_LENGTHS_MAX];
    size_t n_lengths;
};

void put8(struct frame *frame, unsigned value);
void put16(struct frame *frame, unsigned value);
void put32(struct frame *frame, uint32_t value);
void put_zeros(struct frame *frame, size_t n);
void put_hex(struct frame *frame, const char *hex); /* "45 00": blanks are skipped */

void put_ethernet(struct frame *frame, unsigned type);
void put_tag(struct frame *frame, unsigned vlan, unsigned type); /* `type`: of what is behind it */
void put_label(struct frame *frame, unsigned label, bool bottom);
void put_pppoe(struct frame *frame, unsigned ppp_protocol);
void put_snap(struct frame *frame, uint32_t organisation, unsigned type);

/* From 192.0.2.1 to 198.51.100.2 */
void put_ipv4(struct frame *frame, unsigned protocol);
/* The same with `options` bytes (a multiple of 4) of no operation. */
void put_ipv4_options(struct frame *frame, unsigned protocol, size_t options);
/* An identification of 0x1234; `offset_bytes` a multiple of 8. */
void put_ipv4_fragment(struct frame *frame, unsigned protocol, unsigned offset_bytes, bool more);
/* From 2001:db8::1 to 2001:db8::2 */
void put_ipv6(struct frame *frame, unsigned next);
/* An extension header of `units` times 8 bytes. */
void put_extension(struct frame *frame, unsigned next, unsigned units);
/* An identification of 0x12345678 */
void put_fragment(struct frame *frame, unsigned next, unsigned offset_bytes, bool more);

/* From port 40000 to 443, sequence 1000, acknowledgement 2000, a multiple of 4 bytes of options. */
void put_tcp(struct frame *frame, unsigned flags, size_t options);
void put_udp(struct frame *frame, unsigned source, unsigned destination);
void put_gre(struct frame *frame, unsigned flags, unsigned type);
void put_vxlan(struct frame *frame); /* with UDP in front of it */

/* Fills in the lengths of what stands there. */
void frame_end(struct frame *frame);

/* Makes it lie. */
void frame_poke16(struct frame *frame, size_t at, unsigned value);

/* Decodes it whole, or the first `captured` bytes of `length`: from a copy of just their size, so
 * that a sanitizer sees a read behind them. Into a packet of other bytes than 0. */
struct packet frame_read(const struct frame *frame, enum link_type link);
struct packet frame_read_cut(const struct frame *frame, enum link_type link, size_t captured,
                             size_t length);

/* By its name, which a failure then shows. */
void assert_exit(const struct packet *packet, enum packet_exit exit);

#endif
