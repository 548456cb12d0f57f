/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fragments.h"

#include "common/xalloc.h"
#include "elapsed.h"
#include "mix.h"

#include <netinet/in.h>
#include <stdlib.h>

enum { SETS = 256, WAYS = 4 };
static const int64_t LIFE_NS = INT64_C(30) * 1000000000;

struct entry {
    uint8_t source[16];
    uint8_t destination[16];
    uint32_t id;
    uint16_t source_port;
    uint16_t destination_port;
    uint8_t protocol;
    bool used;
    int64_t time_ns;
};

struct fragments {
    uint64_t keys[2];
    struct entry entries[SETS][WAYS];
};

struct fragments *fragments_new(const uint8_t seed[16])
{
    struct fragments *fragments = xcalloc(1, sizeof *fragments);
    memcpy(fragments->keys, seed, sizeof fragments->keys);
    return fragments;
}

void fragments_free(struct fragments *fragments)
{
    free(fragments);
}

static bool is_v6(const struct packet *packet)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    return memcmp(packet->source, mapped, sizeof mapped) != 0;
}

static struct entry *set_of(struct fragments *fragments, const struct packet *packet)
{
    uint64_t source = mix_load(packet->source) ^ mix_load(packet->source + 8);
    uint64_t destination = mix_load(packet->destination) ^ mix_load(packet->destination + 8);
    uint64_t hash = mix_fold(source ^ fragments->keys[0], destination ^ fragments->keys[1]);
    hash = mix_fold(hash ^ packet->fragment_id, fragments->keys[0]);
    return fragments->entries[hash % SETS];
}

/* IPv6 datagrams are told apart without their protocol (RFC 8200, 4.5): a later fragment may name
 * the extension header with which its datagram begins. */
static bool is_of(const struct entry *entry, const struct packet *packet)
{
    return entry->used && entry->id == packet->fragment_id &&
           (entry->protocol == packet->protocol || is_v6(packet)) &&
           memcmp(entry->source, packet->source, sizeof entry->source) == 0 &&
           memcmp(entry->destination, packet->destination, sizeof entry->destination) == 0;
}

static bool lacks_ports(const struct packet *packet)
{
    return !packet->has_ports &&
           (packet->protocol == IPPROTO_TCP || packet->protocol == IPPROTO_UDP ||
            packet->protocol == IPPROTO_SCTP);
}

void fragments_note(struct fragments *fragments, const struct packet *packet)
{
    struct entry *set = set_of(fragments, packet);
    struct entry *chosen = &set[0];
    if (lacks_ports(packet)) {
        return; /* too small a first one: nothing is known */
    }
    for (size_t i = 0; i < WAYS; i++) {
        if (!set[i].used || is_of(&set[i], packet)) {
            chosen = &set[i];
            break;
        }
        if (set[i].time_ns < chosen->time_ns) {
            chosen = &set[i];
        }
    }
    *chosen = (struct entry){.id = packet->fragment_id,
                             .source_port = packet->source_port,
                             .destination_port = packet->destination_port,
                             .protocol = packet->protocol,
                             .used = true,
                             .time_ns = packet->time_ns};
    memcpy(chosen->source, packet->source, sizeof chosen->source);
    memcpy(chosen->destination, packet->destination, sizeof chosen->destination);
}

bool fragments_find(struct fragments *fragments, struct packet *packet)
{
    const struct entry *set = set_of(fragments, packet);
    for (size_t i = 0; i < WAYS; i++) {
        int64_t age_ns = elapsed_ns(set[i].time_ns, packet->time_ns);
        if (is_of(&set[i], packet) && age_ns <= LIFE_NS && age_ns >= -LIFE_NS) {
            packet->source_port = set[i].source_port;
            packet->destination_port = set[i].destination_port;
            packet->protocol = set[i].protocol;
            return true;
        }
    }
    return false;
}

void fragments_clear(struct fragments *fragments)
{
    memset(fragments->entries, 0, sizeof fragments->entries);
}
