/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/flows.h"

#include "common/xalloc.h"
#include "elapsed.h"
#include "mix.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { ENTRIES_MIN = 64, MANY = 8192, KEYS = 4, TICK_BITS = 30, SORT_BITS = 20 };
#define NONE UINT32_MAX

_Static_assert(sizeof(struct flow) == 128, "a flow is two cache lines");

/* A slot: the low half of the hash, which is also where the search for it begins, and the entry's
 * number + 1; 0: free. At most half of them are used. */
struct slot {
    uint32_t tag;
    uint32_t entry;
};

struct flows {
    struct flow *entries;
    struct slot *slots;
    uint64_t *order; /* to sort the entries, once: what of it is not used is never touched */
    size_t n_entries;
    size_t entries_size; /* of the mappings */
    size_t slots_size;
    size_t order_size;
    uint32_t mask; /* number of slots - 1 */
    uint32_t used;
    uint32_t oldest; /* ends of the chain by age; NONE: empty */
    uint32_t newest;
    uint64_t keys[KEYS];
    struct flow_counts counts;
    flows_tell *on_evict;
    void *context;
};

/* --- memory --- */

/* Pages come when they are used first, 2 MiB at a time where the system has such. NULL: no memory.
 */
static void *map(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

/* With many flows every packet goes somewhere else: with small pages each costs a walk of the page
 * tables, and the first in each page a fault. With few, large pages would be mostly empty. A hint;
 * where it is not taken all is only slower. */
static void enlarge_pages(struct flows *flows)
{
    (void)madvise(flows->entries, flows->entries_size, MADV_HUGEPAGE);
    (void)madvise(flows->slots, flows->slots_size, MADV_HUGEPAGE);
}

static void unmap(void *memory, size_t size)
{
    if (memory != NULL) {
        (void)munmap(memory, size); /* what map gave */
    }
}

/* --- keys --- */

static mix_wide number_of(const uint8_t address[16])
{
    return (mix_wide)__builtin_bswap64(mix_load(address)) << 64 |
           __builtin_bswap64(mix_load(address + 8));
}

/* The direction: 0 if the source is the lower end, or both are the same. Without a jump: which it
 * is cannot be foreseen. */
static unsigned direction_of(const struct packet *packet)
{
    mix_wide source = number_of(packet->source);
    mix_wide destination = number_of(packet->destination);
    return (unsigned)(source > destination) |
           ((unsigned)(source == destination) &
            (unsigned)(packet->source_port > packet->destination_port));
}

static uint64_t hash_end(const uint64_t keys[KEYS], const uint8_t address[16], uint64_t port)
{
    uint64_t high = mix_load(address) ^ port * UINT64_C(0x9e3779b97f4a7c15);
    return mix_fold(high ^ keys[0], mix_load(address + 8) ^ keys[1]);
}

/* The sum of both ends: it need not know which is the lower one. */
uint64_t flows_hash(const struct flows *flows, const struct packet *packet)
{
    const uint64_t *keys = flows->keys;
    uint64_t ends = hash_end(keys, packet->source, packet->source_port) +
                    hash_end(keys, packet->destination, packet->destination_port);
    return mix_fold(ends ^ keys[2], packet->protocol ^ keys[3]);
}

static bool is_flow_of(const struct flow *flow, const struct packet *packet, unsigned direction)
{
    return memcmp(flow->address[direction], packet->source, sizeof packet->source) == 0 &&
           memcmp(flow->address[1 - direction], packet->destination, sizeof packet->destination) ==
               0 &&
           flow->port[direction] == packet->source_port &&
           flow->port[1 - direction] == packet->destination_port &&
           flow->protocol == packet->protocol;
}

/* --- prefetching --- */

void flows_prefetch_slot(const struct flows *flows, uint64_t hash)
{
    __builtin_prefetch(&flows->slots[(uint32_t)hash & flows->mask]);
}

void flows_prefetch_entry(const struct flows *flows, uint64_t hash)
{
    uint32_t tag = (uint32_t)hash;
    for (uint32_t at = tag & flows->mask; flows->slots[at].entry != 0;
         at = (at + 1) & flows->mask) {
        if (flows->slots[at].tag == tag) {
            const struct flow *flow = &flows->entries[flows->slots[at].entry - 1];
            __builtin_prefetch(flow, 1);
            __builtin_prefetch((const char *)flow + 64, 1);
            return;
        }
    }
}

/* --- the chain by age --- */

static bool is_chained(const struct flows *flows)
{
    return flows->oldest != NONE;
}

static void unchain(struct flows *flows, uint32_t entry)
{
    const struct flow *flow = &flows->entries[entry];
    *(flow->older != NONE ? &flows->entries[flow->older].newer : &flows->oldest) = flow->newer;
    *(flow->newer != NONE ? &flows->entries[flow->newer].older : &flows->newest) = flow->older;
}

static void chain_newest(struct flows *flows, uint32_t entry)
{
    struct flow *flow = &flows->entries[entry];
    flow->older = flows->newest;
    flow->newer = NONE;
    *(flows->newest != NONE ? &flows->entries[flows->newest].newer : &flows->oldest) = entry;
    flows->newest = entry;
}

/* Lets the word at `at` sink to its place in a heap whose largest is the first. */
static void sink(uint64_t *words, size_t count, size_t at)
{
    uint64_t word = words[at];
    for (size_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        child += child + 1 < count && words[child + 1] > words[child];
        if (words[child] <= word) {
            break;
        }
        words[at] = words[child];
        at = child;
    }
    words[at] = word;
}

/* In place, as the C library's takes memory. */
static void sort(uint64_t *words, size_t count)
{
    for (size_t at = count / 2; at-- > 0;) {
        sink(words, count, at);
    }
    for (size_t last = count; last-- > 1;) {
        uint64_t largest = words[0];
        words[0] = words[last];
        words[last] = largest;
        sink(words, last, 0);
    }
}

/* While there is room nobody asks who is the oldest, and no packet pays for the answer. Then all
 * are sorted, to the millisecond, aside: the entries are too large for the cache. */
static void chain_all(struct flows *flows)
{
    int64_t oldest_ns = flows->entries[0].last_ns;
    for (uint32_t entry = 1; entry < flows->used; entry++) {
        int64_t last_ns = flows->entries[entry].last_ns;
        oldest_ns = last_ns < oldest_ns ? last_ns : oldest_ns;
    }
    for (uint32_t entry = 0; entry < flows->used; entry++) {
        uint64_t since =
            (uint64_t)elapsed_ns(oldest_ns, flows->entries[entry].last_ns) >> SORT_BITS;
        flows->order[entry] = (since < UINT32_MAX ? since : UINT32_MAX) << 32 | entry;
    }
    sort(flows->order, flows->used);
    for (uint32_t i = 0; i < flows->used; i++) {
        chain_newest(flows, (uint32_t)flows->order[i]);
    }
}

/* Of about a second each: a flow moves in the chain once in each. */
static int64_t tick_of(int64_t time_ns)
{
    return time_ns >> TICK_BITS;
}

/* The flow has a packet. */
static void touch(struct flows *flows, uint32_t entry, int64_t time_ns)
{
    struct flow *flow = &flows->entries[entry];
    int64_t silence = tick_of(elapsed_ns(flow->last_ns, time_ns));
    flow->silence = silence < 0 ? 0 : silence < UINT16_MAX ? (uint16_t)silence : UINT16_MAX;
    if (is_chained(flows) && tick_of(flow->last_ns) != tick_of(time_ns)) {
        unchain(flows, entry);
        chain_newest(flows, entry);
    }
    flow->last_ns = time_ns;
}

/* --- finding, making, forgetting --- */

static uint32_t slot_of(const struct flows *flows, uint32_t entry)
{
    uint32_t at = flows->entries[entry].slot;
    while (flows->slots[at].entry != entry + 1) {
        at = (at + 1) & flows->mask;
    }
    return at;
}

/* What follows a freed slot moves up, so that no search ends early (Knuth 6.4, algorithm R). */
static void free_slot(struct flows *flows, uint32_t at)
{
    for (uint32_t next = (at + 1) & flows->mask; flows->slots[next].entry != 0;
         next = (next + 1) & flows->mask) {
        uint32_t home = flows->slots[next].tag & flows->mask;
        if (((next - home) & flows->mask) >= ((next - at) & flows->mask)) {
            flows->slots[at] = flows->slots[next];
            at = next;
        }
    }
    flows->slots[at] = (struct slot){0};
}

static uint32_t evict_oldest(struct flows *flows)
{
    if (!is_chained(flows)) {
        chain_all(flows);
    }
    uint32_t entry = flows->oldest;
    struct flow *flow = &flows->entries[entry];
    if ((flow->packets[0] | flow->packets[1]) != 0) {
        flows->counts.active++;
    }
    flows->on_evict(flows->context, flow, entry);
    free_slot(flows, slot_of(flows, entry));
    unchain(flows, entry);
    flows->counts.evicted++;
    return entry;
}

static uint32_t next_unused(struct flows *flows)
{
    if (flows->used == MANY) {
        enlarge_pages(flows);
    }
    return flows->used++;
}

static struct flow *make(struct flows *flows, const struct packet *packet, uint32_t tag,
                         unsigned direction)
{
    uint32_t entry = flows->used < flows->n_entries ? next_unused(flows) : evict_oldest(flows);
    uint32_t at = tag & flows->mask;
    while (flows->slots[at].entry != 0) {
        at = (at + 1) & flows->mask;
    }
    flows->slots[at] = (struct slot){tag, entry + 1};
    struct flow *flow = &flows->entries[entry];
    memset(flow, 0, sizeof *flow);
    memcpy(flow->address[direction], packet->source, sizeof packet->source);
    memcpy(flow->address[1 - direction], packet->destination, sizeof packet->destination);
    flow->port[direction] = packet->source_port;
    flow->port[1 - direction] = packet->destination_port;
    flow->protocol = packet->protocol;
    flow->last_ns = packet->time_ns;
    flow->slot = tag & flows->mask;
    if (is_chained(flows)) {
        chain_newest(flows, entry);
    }
    flows->counts.added++;
    return flow;
}

struct flow *flows_take(struct flows *flows, const struct packet *packet, uint64_t hash,
                        unsigned *direction)
{
    uint32_t tag = (uint32_t)hash;
    unsigned way = direction_of(packet);
    *direction = way;
    for (uint32_t at = tag & flows->mask; flows->slots[at].entry != 0;
         at = (at + 1) & flows->mask) {
        uint32_t entry = flows->slots[at].entry - 1;
        struct flow *flow = &flows->entries[entry];
        if (flows->slots[at].tag == tag && is_flow_of(flow, packet, way)) {
            touch(flows, entry, packet->time_ns);
            return flow;
        }
    }
    return make(flows, packet, tag, way);
}

/* --- all of them --- */

void flows_each(struct flows *flows, flows_tell *tell, void *context)
{
    for (uint32_t entry = 0; entry < flows->used; entry++) {
        struct flow *flow = &flows->entries[entry];
        if ((flow->packets[0] | flow->packets[1]) == 0) {
            continue;
        }
        flows->counts.active++;
        tell(context, flow, entry);
        memset(flow->packets, 0, sizeof flow->packets);
        memset(flow->ip_bytes, 0, sizeof flow->ip_bytes);
        flow->first_ns = 0;
    }
}

struct flow_counts flows_take_counts(struct flows *flows)
{
    struct flow_counts counts = flows->counts;
    counts.used = flows->used;
    flows->counts = (struct flow_counts){0};
    return counts;
}

void flows_clear(struct flows *flows)
{
    memset(flows->slots, 0, ((size_t)flows->mask + 1) * sizeof(struct slot));
    flows->used = 0;
    flows->oldest = flows->newest = NONE;
    flows->counts = (struct flow_counts){0};
}

/* --- life --- */

struct flows *flows_new(size_t entries, const uint8_t seed[16], flows_tell *on_evict, void *context)
{
    struct flows *flows = xcalloc(1, sizeof *flows);
    size_t n_slots = 2;
    flows->n_entries = entries < ENTRIES_MIN ? ENTRIES_MIN : entries;
    while (n_slots < 2 * flows->n_entries) {
        n_slots *= 2;
    }
    flows->mask = (uint32_t)(n_slots - 1);
    flows->entries_size = flows->n_entries * sizeof(struct flow);
    flows->slots_size = n_slots * sizeof(struct slot);
    flows->entries = map(flows->entries_size);
    flows->slots = map(flows->slots_size);
    flows->order_size = flows->n_entries * sizeof flows->order[0];
    flows->order = map(flows->order_size);
    flows->oldest = flows->newest = NONE;
    flows->on_evict = on_evict;
    flows->context = context;
    uint64_t key = mix_load(seed);
    for (size_t i = 0; i < KEYS; i++) { /* stretches the seed: all of it in each key */
        key = mix_fold(key ^ mix_load(seed + 8), UINT64_C(0x9e3779b97f4a7c15) + i) ^ mix_load(seed);
        flows->keys[i] = key;
    }
    if (flows->entries == NULL || flows->slots == NULL || flows->order == NULL) {
        flows_free(flows);
        return NULL;
    }
    return flows;
}

void flows_free(struct flows *flows)
{
    if (flows == NULL) {
        return;
    }
    unmap(flows->entries, flows->entries_size);
    unmap(flows->slots, flows->slots_size);
    unmap(flows->order, flows->order_size);
    free(flows);
}
