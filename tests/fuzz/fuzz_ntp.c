/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any bytes as a time server's answer: what is measured of it are numbers. */
#include "ntp_packet.h"

#include <assert.h>
#include <math.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct ntp_reply reply;
    struct ntp_measure measure;
    if (!ntp_decode(bytes, size, 0, &reply)) {
        return 0;
    }
    assert(reply.leap <= 3 && reply.stratum <= 255 && strlen(reply.code) <= 4);
    assert(isfinite(reply.root_delay_s) && isfinite(reply.root_dispersion_s));
    if (ntp_measure(&reply, INT64_C(1764000000123456789), 0.25, &measure)) {
        assert(isfinite(measure.offset_s) && measure.delay_s >= 0 && measure.delay_s < 0.26);
    }
    return 0;
}
