/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "engine.h"

#include "address.h"
#include "common/xalloc.h"
#include "engine_state.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEAP_SLACK = 4 * 1024 * 1024,
    ADDRESS_TEXT_SIZE = INET6_ADDRSTRLEN + 8,
    TWIN_LOG_MS = 60000, /* between two such lines */
};

void engine_library_init(void)
{
    static const int on[] = {NETSNMP_DS_LIB_DONT_PERSIST_STATE, NETSNMP_DS_LIB_DISABLE_CONFIG_LOAD,
                             NETSNMP_DS_LIB_DONT_LOAD_HOST_FILES,
                             NETSNMP_DS_LIB_DISABLE_PERSISTENT_LOAD,
                             /* Answer nobody who asks for our own engine ID (RFC 5343). */
                             NETSNMP_DS_LIB_NO_DISCOVERY};
    if (netsnmp_ds_get_boolean(NETSNMP_DS_LIBRARY_ID, on[0])) {
        return; /* set by nobody else: it was done already */
    }
    for (size_t i = 0; i < sizeof on / sizeof on[0]; i++) {
        netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, on[i], 1);
    }
    setenv("MIBS", "", 1);
    /* For each SNMPv3 message that it reads it takes 64 KiB from the heap and gives them back: let
     * them stay there, also those of many answers of one turn; and without fast bins, which each
     * such return would empty into the heap. (The thread's cache serves small blocks anyway.) */
    (void)mallopt(M_TRIM_THRESHOLD, HEAP_SLACK);
    (void)mallopt(M_MXFAST, 0);
    /* Without a handler the library writes on standard error what peers send it. */
    netsnmp_register_loghandler(NETSNMP_LOGHANDLER_NONE, LOG_DEBUG);
    init_snmp("beffroi");
}

/* --- finding peers --- */

/* Request-ids and msgIDs are two series of numbers that may meet. */
static uint64_t hash_id(long id, bool is_v3)
{
    const uint64_t key = (uint64_t)id << 1 | (is_v3 ? 1 : 0);
    return index_hash(&key, sizeof key);
}

uint64_t engine_hash_address(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
        return index_hash(&v6->sin6_addr, sizeof v6->sin6_addr) ^ v6->sin6_port;
    }
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
    return index_hash(&v4->sin_addr, sizeof v4->sin_addr) ^ v4->sin_port;
}

static struct peer *find_expecting(const struct engine *engine, const struct message_head *head)
{
    bool is_v3 = head->version == MESSAGE_V3;
    struct index_link *link = index_first(&engine->by_id, hash_id(head->id, is_v3));
    for (; link != NULL; link = index_next(link)) {
        struct peer *peer = PEER_OF(link, by_id);
        if (peer->id == head->id && (peer->community == NULL) == is_v3) {
            return peer;
        }
    }
    return NULL;
}

static bool has_community(const struct peer *peer, const struct message_head *head)
{
    if (peer->community == NULL || head->community == NULL) {
        return peer->community == NULL && head->version == MESSAGE_V3;
    }
    return peer->community_size == head->community_size &&
           memcmp(peer->community, head->community, head->community_size) == 0;
}

/* Counts what came from an address, at the only session that is there, or the only one whose
 * community it has; else at the engine. */
static void blame(struct engine *engine, const struct sockaddr *from,
                  const struct message_head *head, enum snmp_count fault)
{
    struct peer *any = NULL;
    struct peer *matching = NULL;
    size_t n = 0;
    size_t n_matching = 0;
    struct index_link *link = index_first(&engine->by_address, engine_hash_address(from));
    for (; link != NULL; link = index_next(link)) {
        struct peer *peer = PEER_OF(link, by_address);
        if (!address_same(&peer->address.any, from)) {
            continue;
        }
        any = peer;
        n++;
        if (has_community(peer, head)) {
            matching = peer;
            n_matching++;
        }
    }
    any = n == 1 ? any : n_matching == 1 ? matching : NULL;
    (any != NULL ? any->counts : &engine->counts)->n[fault]++;
}

static void on_received(void *context, const struct sockaddr *from, const uint8_t *bytes,
                        size_t size)
{
    struct engine *engine = context;
    struct message_head head;
    if (message_parse_head(bytes, size, &head) != 0) {
        blame(engine, from, &head, COUNT_MALFORMED);
        return;
    }
    if (!head.has_id) {
        blame(engine, from, &head, COUNT_WRONG_PDU);
        return;
    }
    struct peer *peer = find_expecting(engine, &head);
    if (peer == NULL) {
        blame(engine, from, &head, COUNT_LATE);
    } else if (!peer->any_source && !address_same(from, &peer->address.any)) {
        peer->counts->n[COUNT_WRONG_SOURCE]++;
    } else {
        peer->calls->datagram(peer, &head, bytes, size);
    }
}

void peer_expect(struct peer *peer, long id)
{
    peer_expect_nothing(peer);
    peer->id = id;
    index_insert(&peer->engine->by_id, &peer->by_id, hash_id(id, peer->community == NULL));
}

void peer_expect_nothing(struct peer *peer)
{
    index_remove(&peer->engine->by_id, &peer->by_id);
}

/* --- SNMP engines --- */

static const char *format_address(const union peer_address *address, char text[ADDRESS_TEXT_SIZE])
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (address->any.sa_family == AF_INET6) {
        inet_ntop(AF_INET6, &address->v6.sin6_addr, host, sizeof host);
        snprintf(text, ADDRESS_TEXT_SIZE, "[%s]:%u", host, (unsigned)ntohs(address->v6.sin6_port));
    } else {
        inet_ntop(AF_INET, &address->v4.sin_addr, host, sizeof host);
        snprintf(text, ADDRESS_TEXT_SIZE, "%s:%u", host, (unsigned)ntohs(address->v4.sin_port));
    }
    return text;
}

static void tell_twin(struct peer *peer, const struct peer *twin)
{
    char one[ADDRESS_TEXT_SIZE];
    char other[ADDRESS_TEXT_SIZE];
    uint64_t suppressed;
    peer->twin_told = true;
    if (log_limit_allow(&peer->engine->twin_limit, TWIN_LOG_MS, &suppressed)) {
        log_warn("snmp",
                 "two devices have the same SNMP engine ID, which must be unique (RFC 3411): "
                 "device=%s other=%s suppressed=%" PRIu64,
                 format_address(&peer->address, one), format_address(&twin->address, other),
                 suppressed);
    }
}

void peer_identify(struct peer *peer, const uint8_t *engine_id, size_t size)
{
    struct index *index = &peer->engine->by_snmp_engine;
    uint64_t hash = index_hash(engine_id, size);
    index_remove(index, &peer->by_snmp_engine);
    struct index_link *link = index_first(index, hash);
    for (; link != NULL && !peer->twin_told; link = index_next(link)) {
        const struct peer *other = PEER_OF(link, by_snmp_engine);
        if (other->snmp_engine_id_size == size &&
            memcmp(other->snmp_engine_id, engine_id, size) == 0 &&
            !address_same(&other->address.any, &peer->address.any)) {
            tell_twin(peer, other);
        }
    }
    peer->snmp_engine_id = engine_id;
    peer->snmp_engine_id_size = size;
    index_insert(index, &peer->by_snmp_engine, hash);
}

/* --- sending --- */

int peer_send(struct peer *peer, const uint8_t *bytes, size_t size)
{
    return udp_queue(peer->udp, &peer->address.any, bytes, size, peer);
}

void peer_sent(struct peer *peer)
{
    udp_send_full_batch(peer->udp);
}

static void on_failed(void *context, void *owner, int error)
{
    struct peer *peer = owner;
    (void)context;
    peer->calls->not_sent(peer, error);
}

static void free_buried(struct engine *engine)
{
    while (engine->buried != NULL) {
        struct peer *peer = engine->buried;
        engine->buried = peer->next;
        free(peer);
    }
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct engine *engine = prepare->data;
    free_buried(engine);
    if (engine->udp_v4 != NULL) {
        udp_flush(engine->udp_v4);
    }
    if (engine->udp_v6 != NULL) {
        udp_flush(engine->udp_v6);
    }
}

/* --- timers --- */

static void on_wheel_timer(uv_timer_t *timer);

static void set_wheel_timer(struct engine *engine, int64_t turn_ms)
{
    int64_t now_ms = (int64_t)uv_now(engine->loop);
    if (turn_ms >= engine->wheel_turn_ms) {
        return;
    }
    engine->wheel_turn_ms = turn_ms;
    uv_timer_start(&engine->wheel_timer, on_wheel_timer,
                   turn_ms > now_ms ? (uint64_t)(turn_ms - now_ms) : 0, 0);
}

static void on_wheel_timer(uv_timer_t *timer)
{
    struct engine *engine = timer->data;
    engine->wheel_turn_ms = INT64_MAX;
    wheel_turn(&engine->wheel, (int64_t)uv_now(engine->loop));
    set_wheel_timer(engine, wheel_next_ms(&engine->wheel));
}

void peer_start_timer(struct peer *peer, struct wheel_timer *timer, int64_t ms, int64_t grid_ms)
{
    struct engine *engine = peer->engine;
    uv_update_time(engine->loop);
    int64_t due_ms = (int64_t)uv_now(engine->loop) + ms;
    due_ms = (due_ms + grid_ms - 1) / grid_ms * grid_ms;
    set_wheel_timer(engine, wheel_start(&engine->wheel, timer, due_ms));
}

void peer_stop_timer(struct peer *peer, struct wheel_timer *timer)
{
    wheel_stop(&peer->engine->wheel, timer);
}

/* --- reading --- */

struct message_scratch *peer_scratch(struct peer *peer)
{
    return peer->engine->scratch;
}

void peer_read(struct peer *peer, void *library)
{
    netsnmp_large_fd_set *set = &peer->engine->readable;
    netsnmp_large_fd_setfd(udp_fd(peer->udp), set);
    (void)snmp_sess_read2(library,
                          set); /* what it makes of the message, the session's hooks tell */
    netsnmp_large_fd_clr(udp_fd(peer->udp), set);
}

/* --- coming and going --- */

int peer_join(struct engine *engine, struct peer *peer)
{
    int family = peer->address.any.sa_family;
    struct udp **udp = family == AF_INET6 ? &engine->udp_v6 : &engine->udp_v4;
    if (*udp == NULL) {
        const struct udp_options options = {.loop = engine->loop,
                                            .family = family,
                                            .received = on_received,
                                            .failed = on_failed,
                                            .writable = engine_on_writable,
                                            .context = engine};
        *udp = udp_open(&options);
    }
    if (*udp == NULL) {
        return -errno;
    }
    peer->engine = engine;
    peer->udp = *udp;
    index_insert(&engine->by_address, &peer->by_address, engine_hash_address(&peer->address.any));
    return 0;
}

int peer_fd(const struct peer *peer)
{
    return udp_fd(peer->udp);
}

void peer_leave(struct peer *peer)
{
    struct engine *engine = peer->engine;
    peer_end_turn(peer);
    peer_expect_nothing(peer);
    index_remove(&engine->by_address, &peer->by_address);
    index_remove(&engine->by_snmp_engine, &peer->by_snmp_engine);
    udp_withdraw(peer->udp, peer);
}

void peer_bury(struct peer *peer)
{
    peer->next = peer->engine->buried;
    peer->engine->buried = peer;
}

struct usm_keys *engine_keys(struct engine *engine)
{
    return engine->keys;
}

/* --- life --- */

struct engine *engine_open(uv_loop_t *loop, int64_t requests_per_second)
{
    struct engine *engine = xcalloc(1, sizeof *engine);
    int error = -uv_timer_init(loop, &engine->timer);
    if (error != 0) {
        free(engine);
        errno = error;
        return NULL;
    }
    engine->loop = loop;
    engine->scratch = xmalloc(sizeof *engine->scratch);
    engine->keys = usm_keys_new();
    netsnmp_large_fd_set_init(&engine->readable, FD_SETSIZE); /* grows */
    NETSNMP_LARGE_FD_ZERO(&engine->readable);
    (void)uv_timer_init(loop, &engine->wheel_timer); /* none of these can fail */
    wheel_init(&engine->wheel, (int64_t)uv_now(loop));
    engine->wheel_turn_ms = INT64_MAX;
    (void)uv_prepare_init(loop, &engine->prepare);
    (void)uv_prepare_start(&engine->prepare, on_prepare);
    engine->timer.data = engine;
    engine->wheel_timer.data = engine;
    engine->prepare.data = engine;
    engine->n_open = 3;
    engine_set_rate(engine, requests_per_second);
    return engine;
}

void engine_set_rate(struct engine *engine, int64_t requests_per_second)
{
    pace_set_rate(&engine->pace, requests_per_second);
}

const struct snmp_counts *engine_counts(const struct engine *engine)
{
    return &engine->counts;
}

static void on_closed(uv_handle_t *handle)
{
    struct engine *engine = handle->data;
    if (--engine->n_open == 0) {
        free_buried(engine);
        free(engine);
    }
}

void engine_close(struct engine *engine)
{
    if (engine == NULL) {
        return;
    }
    assert(engine->by_address.n == 0);
    udp_close(engine->udp_v4);
    udp_close(engine->udp_v6);
    index_clear(&engine->by_id);
    index_clear(&engine->by_address);
    index_clear(&engine->by_snmp_engine);
    usm_keys_free(engine->keys);
    netsnmp_large_fd_set_cleanup(&engine->readable);
    free(engine->scratch);
    uv_close((uv_handle_t *)&engine->timer, on_closed);
    uv_close((uv_handle_t *)&engine->wheel_timer, on_closed);
    uv_close((uv_handle_t *)&engine->prepare, on_closed);
}
