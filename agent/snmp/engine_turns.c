/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "address.h"
#include "engine_state.h"

enum {
    /* So many that answers of 10 ms each are there long before a time-out, and so few that some
     * dead ones behind a proxy do not keep the others waiting. */
    ADDRESS_REQUESTS_MAX = 8,
};

/* --- the line --- */

static void leave_line(struct peer *peer)
{
    struct engine *engine = peer->engine;
    *(peer->previous != NULL ? &peer->previous->next : &engine->first) = peer->next;
    *(peer->next != NULL ? &peer->next->previous : &engine->last) = peer->previous;
    peer->is_waiting = false;
}

static void join_line(struct peer *peer)
{
    struct engine *engine = peer->engine;
    peer->previous = engine->last;
    peer->next = NULL;
    *(engine->last != NULL ? &engine->last->next : &engine->first) = peer;
    engine->last = peer;
    peer->is_waiting = true;
}

/* Lets go as many as may. */
static void move_line(struct engine *engine)
{
    struct mono now = clock_mono();
    while (engine->first != NULL) {
        struct peer *peer = engine->first;
        if (udp_is_full(peer->udp)) {
            return; /* on_writable goes on */
        }
        if (!pace_take(&engine->pace, now)) {
            uv_update_time(engine->loop);
            uv_timer_start(&engine->timer, engine_on_timer,
                           (uint64_t)pace_wait_ms(&engine->pace, now), 0);
            return;
        }
        leave_line(peer);
        peer->calls->turn(peer);
    }
}

void engine_on_timer(uv_timer_t *timer)
{
    move_line(timer->data);
}

void engine_on_writable(void *engine)
{
    move_line(engine);
}

static void wait_in_line(struct peer *peer)
{
    struct engine *engine = peer->engine;
    bool is_first = engine->first == NULL;
    peer->counts->n[COUNT_PACED]++;
    join_line(peer);
    if (is_first && !uv_is_active((uv_handle_t *)&engine->timer)) {
        uv_update_time(engine->loop);
        uv_timer_start(&engine->timer, engine_on_timer,
                       (uint64_t)pace_wait_ms(&engine->pace, clock_mono()), 0);
    }
}

/* How many requests are open at its address, and who has waited longest for one. */
static size_t look_at_address(const struct peer *peer, struct peer **longest)
{
    struct index_link *link =
        index_first(&peer->engine->by_address, engine_hash_address(&peer->address.any));
    size_t n = 0;
    *longest = NULL;
    for (; link != NULL; link = index_next(link)) {
        struct peer *other = PEER_OF(link, by_address);
        if (!address_same(&other->address.any, &peer->address.any)) {
            continue;
        }
        n += other->has_place ? 1 : 0;
        if (other->is_kept && (*longest == NULL || other->kept_as < (*longest)->kept_as)) {
            *longest = other;
        }
    }
    return n;
}

bool peer_await_turn(struct peer *peer)
{
    struct engine *engine = peer->engine;
    struct peer *longest;
    if (!peer->has_place && look_at_address(peer, &longest) >= ADDRESS_REQUESTS_MAX) {
        peer->is_kept = true;
        peer->kept_as = engine->n_kept++;
        return false;
    }
    peer->has_place = true;
    if (engine->first == NULL && !udp_is_full(peer->udp) &&
        pace_take(&engine->pace, clock_mono())) {
        return true;
    }
    wait_in_line(peer);
    return false;
}

void peer_end_turn(struct peer *peer)
{
    struct peer *longest;
    if (peer->is_waiting) {
        leave_line(peer);
    }
    peer->is_kept = false;
    if (!peer->has_place) {
        return;
    }
    peer->has_place = false;
    (void)look_at_address(peer, &longest);
    if (longest != NULL) {
        longest->is_kept = false;
        longest->has_place = true;
        wait_in_line(longest); /* not at once: this may be within another's turn */
    }
}

void peer_take_turn(struct peer *peer)
{
    pace_charge(&peer->engine->pace, clock_mono());
}
