/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "twin_watch.h"

#include "common/crc32c.h"
#include "common/xalloc.h"
#include <stdlib.h>
#include <string.h>

/* Two streams in one slot chase each other out and are not watched: a rare loss of an alarm, for a
 * table that no peer can make grow. */
enum { SLOTS = 16384 };

struct slot {
    uint8_t stream[PROTO_STREAM_SIZE];
    uint32_t present; /* checksums of the connections' addresses */
    uint32_t former;
    uint32_t returns; /* since `since` */
    struct mono since;
};

struct twin_watch {
    struct slot slots[SLOTS];
};

struct twin_watch *twin_watch_new(void)
{
    return xcalloc(1, sizeof(struct twin_watch));
}

bool twin_watch_see(struct twin_watch *watch, const uint8_t stream[PROTO_STREAM_SIZE],
                    const struct link_peer *peer)
{
    struct slot *slot = &watch->slots[crc32c(0, stream, PROTO_STREAM_SIZE) % SLOTS];
    uint32_t sender = crc32c(0, peer->bytes, peer->size);
    if (memcmp(slot->stream, stream, PROTO_STREAM_SIZE) != 0) {
        memset(slot, 0, sizeof *slot);
        memcpy(slot->stream, stream, PROTO_STREAM_SIZE);
        slot->present = sender;
        slot->former = sender;
    }
    if (sender == slot->present) {
        return false;
    }
    struct mono now = clock_mono();
    bool returned = sender == slot->former;
    slot->former = slot->present;
    slot->present = sender;
    if (!returned || mono_elapsed_ms(slot->since, now) > TWIN_WITHIN_MS) {
        slot->returns = 0;
    }
    if (slot->returns == 0) {
        slot->since = now;
    }
    slot->returns++;
    if (slot->returns < TWIN_RETURNS) {
        return false;
    }
    slot->returns = 0;
    return true;
}

void twin_watch_free(struct twin_watch *watch)
{
    free(watch);
}
