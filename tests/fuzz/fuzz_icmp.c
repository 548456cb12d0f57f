/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as an ICMP datagram, read in each form (the first byte says which), and as what an
 * error quotes: a token that is found lies within the bytes. */
#include "icmp_packet.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct icmp_reply reply;
    uint8_t token[ICMP_TOKEN_SIZE];
    if (size == 0) {
        return 0;
    }
    enum icmp_form form = (enum icmp_form)(bytes[0] % 3);
    if (icmp_decode(form, bytes + 1, size - 1, &reply) == 0) {
        assert(reply.token > bytes && reply.token + ICMP_TOKEN_SIZE <= bytes + size);
        memcpy(token, reply.token, sizeof token);
        uint8_t packet[ICMP_PACKET_SIZE];
        icmp_encode(form, reply.id, reply.sequence, token, packet);
    }
    struct icmp_quote quote;
    bool is_v6 = form == ICMP_FORM_V6;
    if (icmp_decode_quote(is_v6, bytes + 1, size - 1, &quote) == 0) {
        assert(quote.token > bytes && quote.token + quote.token_size <= bytes + size);
        assert(quote.token_size <= ICMP_TOKEN_SIZE);
    }
    if (size > 2) {
        const struct icmp_error *error = icmp_explain(is_v6, bytes[1], bytes[2]);
        assert(error == NULL || (error->reason != NULL && error->words != NULL));
    }
    return 0;
}
