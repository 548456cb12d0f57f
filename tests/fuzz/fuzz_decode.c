/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The packet decoder. The first byte chooses the link type, the second how much more than the rest
 * was on the wire. */
#include "decode.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 2) {
        return 0;
    }
    enum decode_link link = (enum decode_link)(bytes[0] % (DECODE_NULL + 1));
    size_t captured = size - 2;
    struct decoded decoded = decode_frame(link, bytes + 2, captured, captured + bytes[1]);
    assert(decoded.network <= NETWORK_ARP && decoded.transport <= TRANSPORT_ICMP);
    assert(decoded.n_vlan_tags <= 4);
    assert(bytes[1] != 0 || decoded.fault != FAULT_TRUNCATED); /* nothing was cut off */
    return 0;
}
