/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "wheel.h"

#include <assert.h>
#include <stddef.h>

enum { WORD_BITS = 64 };

/* --- rings of links --- */

static void ring_init(struct wheel_link *ring)
{
    ring->next = ring;
    ring->previous = ring;
}

static bool ring_is_empty(const struct wheel_link *ring)
{
    return ring->next == ring;
}

static void ring_append(struct wheel_link *ring, struct wheel_link *link)
{
    link->next = ring;
    link->previous = ring->previous;
    ring->previous->next = link;
    ring->previous = link;
}

static void ring_remove(struct wheel_link *link)
{
    link->previous->next = link->next;
    link->next->previous = link->previous;
    link->next = NULL;
    link->previous = NULL;
}

static struct wheel_timer *timer_of(struct wheel_link *link)
{
    return (struct wheel_timer *)((char *)link - offsetof(struct wheel_timer, link));
}

/* --- slots --- */

static size_t slot_of(int64_t ms)
{
    return (size_t)(ms % WHEEL_SLOTS);
}

static void mark(struct wheel *wheel, size_t slot)
{
    uint64_t bit = UINT64_C(1) << slot % WORD_BITS;
    if (ring_is_empty(&wheel->slots[slot])) {
        wheel->used[slot / WORD_BITS] &= ~bit;
    } else {
        wheel->used[slot / WORD_BITS] |= bit;
    }
}

/* The number of slots from this one to the first that is used; WHEEL_SLOTS: none is. */
static size_t distance_to_used(const struct wheel *wheel, size_t slot)
{
    const uint64_t from = UINT64_MAX << slot % WORD_BITS; /* of its word */
    for (size_t i = 0; i <= WHEEL_WORDS; i++) {
        size_t word = (slot / WORD_BITS + i) % WHEEL_WORDS;
        uint64_t bits = wheel->used[word];
        bits &= i == 0 ? from : i == WHEEL_WORDS ? ~from : UINT64_MAX;
        if (bits != 0) {
            size_t used = word * WORD_BITS + (size_t)__builtin_ctzll(bits);
            return (used + WHEEL_SLOTS - slot) % WHEEL_SLOTS;
        }
    }
    return WHEEL_SLOTS;
}

/* Those of this slot whose round it is. */
static void collect(struct wheel *wheel, size_t slot)
{
    struct wheel_link *ring = &wheel->slots[slot];
    struct wheel_link *next;
    for (struct wheel_link *link = ring->next; link != ring; link = next) {
        next = link->next;
        if (timer_of(link)->at_ms <= wheel->turned_ms) {
            ring_remove(link);
            ring_append(&wheel->due, link);
        }
    }
    mark(wheel, slot);
}

void wheel_init(struct wheel *wheel, int64_t now_ms)
{
    *wheel = (struct wheel){.turned_ms = now_ms};
    for (size_t i = 0; i < WHEEL_SLOTS; i++) {
        ring_init(&wheel->slots[i]);
    }
    ring_init(&wheel->due);
}

int64_t wheel_start(struct wheel *wheel, struct wheel_timer *timer, int64_t due_ms)
{
    wheel_stop(wheel, timer);
    timer->at_ms = due_ms > wheel->turned_ms ? due_ms : wheel->turned_ms + 1;
    size_t slot = slot_of(timer->at_ms);
    ring_append(&wheel->slots[slot], &timer->link);
    mark(wheel, slot);
    return timer->at_ms;
}

void wheel_stop(struct wheel *wheel, struct wheel_timer *timer)
{
    if (timer->link.next != NULL) {
        ring_remove(&timer->link);
        mark(wheel, slot_of(timer->at_ms));
    }
}

int64_t wheel_next_ms(const struct wheel *wheel)
{
    int64_t from_ms = wheel->turned_ms + 1;
    size_t distance = distance_to_used(wheel, slot_of(from_ms));
    return distance == WHEEL_SLOTS ? INT64_MAX : from_ms + (int64_t)distance;
}

void wheel_turn(struct wheel *wheel, int64_t now_ms)
{
    int64_t ms = wheel->turned_ms + 1;
    assert(ring_is_empty(&wheel->due));
    if (now_ms < ms) {
        return;
    }
    if (now_ms - ms >= WHEEL_SLOTS) {
        ms = now_ms - WHEEL_SLOTS + 1; /* every slot, once */
    }
    wheel->turned_ms = now_ms;
    for (; ms <= now_ms; ms++) {
        ms += (int64_t)distance_to_used(wheel, slot_of(ms));
        if (ms <= now_ms) {
            collect(wheel, slot_of(ms));
        }
    }
    while (!ring_is_empty(&wheel->due)) {
        struct wheel_timer *timer = timer_of(wheel->due.next);
        ring_remove(&timer->link);
        timer->fire(timer);
    }
}
