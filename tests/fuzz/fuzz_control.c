/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Any JSON as the figures of another part: read or refused, and what was read says the same when it
 * is written and read again. */
#include "control/control.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    json_t *response = json_loadb((const char *)bytes, size, JSON_REJECT_DUPLICATES, NULL);
    if (response == NULL) {
        return 0;
    }
    struct stats stats = {0};
    if (control_stats_decode(response, &stats) == 0) {
        struct stats again = {0};
        json_t *encoded = control_stats_encode(&stats);
        if (control_stats_decode(encoded, &again) != 0 || again.count != stats.count) {
            abort();
        }
        for (size_t i = 0; i < stats.count; i++) {
            if (strcmp(stats.values[i].name, again.values[i].name) != 0 ||
                stats.values[i].type != again.values[i].type) {
                abort();
            }
        }
        json_decref(encoded);
        stats_clear(&again);
    }
    stats_clear(&stats);
    json_decref(response);
    return 0;
}
