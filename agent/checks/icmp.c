/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "icmp.h"

#include "common/log.h"
#include "common/xalloc.h"
#include "icmp_probe.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    /* Ten a second to one host: far below what devices begin to ration. */
    SPACING_MS = 100,
    LOG_EVERY_MS = 300000,
};

static void on_timer(uv_timer_t *timer);
static void on_prepare(uv_prepare_t *prepare);

/* --- lists --- */

static void list_append(struct probe_list *list, struct icmp_probe *probe)
{
    probe->list = list;
    probe->next = NULL;
    probe->link = list->last;
    *list->last = probe;
    list->last = &probe->next;
}

static void list_remove(struct icmp_probe *probe)
{
    *probe->link = probe->next;
    if (probe->next != NULL) {
        probe->next->link = probe->link;
    } else {
        probe->list->last = probe->link;
    }
    probe->list = NULL;
}

/* --- turns --- */

static void wait_until(struct icmp_probe *probe, struct mono from, int64_t wait_ms)
{
    int64_t left_ms = wait_ms - mono_elapsed_ms(from, clock_mono());
    uv_update_time(probe->timer.loop);
    /* The loop's clock counts whole milliseconds: one more, and it never wakes us too early. */
    (void)uv_timer_start(&probe->timer, on_timer, left_ms > 0 ? (uint64_t)left_ms + 1 : 0, 0);
}

/* Between two turns of which the first was refused: routers ration what they say. */
static int64_t spacing_ms(const struct icmp_probe *probe)
{
    return probe->share_ms < SPACING_MS ? probe->share_ms : SPACING_MS;
}

static void enqueue(struct icmp_probe *probe, struct echo *echo)
{
    struct icmp *icmp = probe->icmp;
    echo->state = ECHO_QUEUED;
    list_append(&icmp->queue, probe);
    (void)uv_prepare_start(&icmp->prepare, on_prepare);
}

static void take_turn(struct icmp_probe *probe)
{
    struct echo *echo = &probe->echoes[probe->n_turns];
    echo->probe = probe;
    echo->address = (uint8_t)(probe->n_turns % probe->n_addresses);
    probe->turn = clock_mono();
    probe->n_turns++;
    wait_until(probe, probe->start,
               probe->n_turns < probe->n_echoes ? probe->share_ms * probe->n_turns
                                                : probe->timeout_ms);
    enqueue(probe, echo);
}

static void settle(struct icmp_probe *probe, struct echo *echo, enum echo_state state)
{
    echo->state = (uint8_t)state;
    probe->n_settled++;
    if (probe->n_settled == probe->n_echoes) {
        list_append(&probe->icmp->finished, probe);
    } else if (probe->n_turns < probe->n_echoes && echo == &probe->echoes[probe->n_turns - 1]) {
        if (state == ECHO_ANSWERED) {
            take_turn(probe); /* while we are awake: a wake-up costs more than an echo */
        } else {
            wait_until(probe, probe->turn, spacing_ms(probe));
        }
    }
}

/* --- sending --- */

static int take_token(struct icmp *icmp, uint8_t token[ICMP_TOKEN_SIZE])
{
    if (icmp->n_tokens == 0) {
        if (getrandom(icmp->tokens, sizeof icmp->tokens, GRND_NONBLOCK) != sizeof icmp->tokens) {
            return -ENOBUFS; /* the machine is only just starting */
        }
        icmp->n_tokens = TOKENS_AT_ONCE;
    }
    memcpy(token, icmp->tokens[--icmp->n_tokens], ICMP_TOKEN_SIZE);
    return 0;
}

static struct echo *queued_echo(struct icmp_probe *probe)
{
    return &probe->echoes[probe->n_turns - 1];
}

static const union ping_address *address_of(const struct icmp_probe *probe, const struct echo *echo)
{
    return &probe->addresses[echo->address];
}

/* Another address may be reached. */
static void fail_echo(struct icmp_probe *probe, struct echo *echo, int error)
{
    if (probe->failure == 0) {
        probe->failure = error;
    }
    echo->tries++;
    if (echo->tries < probe->n_addresses) {
        echo->address = (uint8_t)((echo->address + 1U) % probe->n_addresses);
        enqueue(probe, echo);
    } else {
        settle(probe, echo, ECHO_FAILED);
    }
}

/* The first ones of the queue that are of one family, taken off it and made ready. */
static size_t gather(struct icmp *icmp, struct echo *echoes[PING_BATCH],
                     struct ping_message messages[PING_BATCH])
{
    size_t n = 0;
    const struct mono now = clock_mono();
    const struct wall now_wall = clock_wall();
    while (n < PING_BATCH && icmp->queue.first != NULL) {
        struct icmp_probe *probe = icmp->queue.first;
        struct echo *echo = queued_echo(probe);
        const union ping_address *to = address_of(probe, echo);
        if (n > 0 && to->any.sa_family != messages[0].to->any.sa_family) {
            break;
        }
        list_remove(probe);
        echo->time = now;
        echo->time_wall = now_wall;
        int rc = take_token(icmp, echo->entry.token);
        if (rc != 0) {
            fail_echo(probe, echo, rc);
            continue;
        }
        echo->entry.sequence = ++icmp->sequence;
        echo->entry.to = to;
        messages[n] = (struct ping_message){to, echo->entry.sequence, echo->entry.token};
        echoes[n++] = echo;
    }
    return n;
}

/* Where the socket stands, which is NULL when it cannot be opened. */
static struct ping_socket **open_socket(struct icmp *icmp, int family, int *error)
{
    struct ping_socket **slot = &icmp->sockets[family == AF_INET6];
    if (*slot == NULL) {
        *error = ping_socket_open(icmp->loop, family, &icmp->events, slot);
    }
    return slot;
}

static void send_batch(struct icmp *icmp)
{
    struct echo *echoes[PING_BATCH];
    struct ping_message messages[PING_BATCH];
    int error = 0;
    size_t n = gather(icmp, echoes, messages);
    if (n == 0) {
        return;
    }
    int family = messages[0].to->any.sa_family;
    struct ping_socket **slot = open_socket(icmp, family, &error);
    /* In the table before they leave: an error may be back within the call. */
    for (size_t i = 0; i < n; i++) {
        echoes[i]->state = ECHO_SENT;
        icmp_table_add(&icmp->table, &echoes[i]->entry);
    }
    size_t done = 0;
    while (done < n) {
        if (*slot != NULL) {
            done += ping_socket_send(*slot, messages + done, n - done, &error);
        }
        if (done < n) {
            if (echoes[done]->state == ECHO_SENT) {
                icmp_table_remove(&icmp->table, &echoes[done]->entry);
                fail_echo(echoes[done]->probe, echoes[done], error);
            }
            done++;
        }
    }
}

/* --- the end --- */

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

/* Out of every list. */
static void drop_probe(struct icmp_probe *probe)
{
    for (unsigned i = 0; i < probe->n_turns; i++) {
        if (probe->echoes[i].state == ECHO_SENT) {
            icmp_table_remove(&probe->icmp->table, &probe->echoes[i].entry);
        }
    }
    probe->icmp->n_probes--;
    uv_close((uv_handle_t *)&probe->timer, on_closed);
}

/* Only from where nobody holds a probe: what `done` does is not ours to know. */
static void finish_all(struct icmp *icmp)
{
    while (icmp->finished.first != NULL) {
        struct icmp_probe *probe = icmp->finished.first;
        struct verdict verdict = {0};
        list_remove(probe);
        icmp_decide(probe, &verdict);
        drop_probe(probe);
        probe->done(probe->context, &verdict);
    }
}

/* --- what the loop tells --- */

static void on_prepare(uv_prepare_t *prepare)
{
    struct icmp *icmp = prepare->data;
    while (icmp->queue.first != NULL) {
        send_batch(icmp);
    }
    finish_all(icmp);
    if (icmp->queue.first == NULL) {
        (void)uv_prepare_stop(prepare);
    }
}

static void on_timer(uv_timer_t *timer)
{
    struct icmp_probe *probe = timer->data;
    struct icmp *icmp = probe->icmp;
    if (probe->list == &icmp->queue) {
        /* The loop stood still for so long that this is due before the last echo left. */
        (void)uv_timer_start(timer, on_timer, 1, 0);
    } else if (probe->n_turns == probe->n_echoes) {
        for (size_t i = 0; i < FAMILIES; i++) {
            if (icmp->sockets[i] != NULL) {
                ping_socket_read(icmp->sockets[i]); /* what came in time, when we are late */
            }
        }
        if (probe->list == NULL) {
            list_append(&icmp->finished, probe);
        }
        finish_all(icmp);
    } else {
        take_turn(probe);
    }
}

static struct echo *find_echo(struct icmp *icmp, uint16_t sequence, const uint8_t *token,
                              size_t token_size, const union ping_address *peer)
{
    bool mismatched;
    struct icmp_entry *entry =
        icmp_table_find(&icmp->table, sequence, token, token_size, peer, &mismatched);
    if (entry == NULL) {
        uint64_t *counter = mismatched ? &icmp->ignored.mismatched : &icmp->ignored.late;
        (*counter)++;
    }
    return (struct echo *)entry; /* its first member */
}

static void on_reply(void *context, const struct icmp_reply *reply, const union ping_address *from,
                     struct mono time)
{
    struct icmp *icmp = context;
    struct echo *echo = find_echo(icmp, reply->sequence, reply->token, ICMP_TOKEN_SIZE, from);
    if (echo == NULL) {
        return;
    }
    struct icmp_probe *probe = echo->probe;
    if (time.ns > mono_add_ms(probe->start, probe->timeout_ms).ns) {
        icmp->ignored.late++; /* and so are we, or it would not be open any more */
        return;
    }
    echo->rtt_ns = time.ns > echo->time.ns ? time.ns - echo->time.ns : 0;
    icmp_table_remove(&icmp->table, &echo->entry);
    settle(probe, echo, ECHO_ANSWERED);
}

static void on_refusal(void *context, const struct icmp_quote *quote,
                       const struct icmp_error *error, const union ping_address *to,
                       const union ping_address *from)
{
    struct icmp *icmp = context;
    struct echo *echo = find_echo(icmp, quote->sequence, quote->token, quote->token_size, to);
    if (echo == NULL) {
        return;
    }
    struct icmp_probe *probe = echo->probe;
    if (probe->error == NULL) {
        probe->error = error;
        probe->error_from = *from;
    }
    icmp_table_remove(&icmp->table, &echo->entry);
    settle(probe, echo, ECHO_REFUSED);
}

static void on_foreign(void *context)
{
    struct icmp *icmp = context;
    icmp->ignored.foreign++;
}

static void on_end(void *context)
{
    struct icmp *icmp = context;
    const struct icmp_ignored *now = &icmp->ignored;
    uint64_t held;
    finish_all(icmp);
    if (now->mismatched != icmp->logged.mismatched &&
        log_limit_allow(&icmp->ignoring, LOG_EVERY_MS, &held)) {
        log_warn("checks",
                 "answers to echo requests that do not match were ignored: mismatched=%llu "
                 "late=%llu foreign=%llu",
                 (unsigned long long)(now->mismatched - icmp->logged.mismatched),
                 (unsigned long long)(now->late - icmp->logged.late),
                 (unsigned long long)(now->foreign - icmp->logged.foreign));
        icmp->logged = *now;
    }
}

/* --- life --- */

static void list_init(struct probe_list *list)
{
    list->first = NULL;
    list->last = &list->first;
}

struct icmp *icmp_new(uv_loop_t *loop)
{
    struct icmp *icmp = xcalloc(1, sizeof *icmp);
    icmp->loop = loop;
    icmp->events = (struct ping_events){
        .context = icmp,
        .reply = on_reply,
        .refusal = on_refusal,
        .foreign = on_foreign,
        .end = on_end,
    };
    list_init(&icmp->queue);
    list_init(&icmp->finished);
    (void)uv_prepare_init(loop, &icmp->prepare); /* cannot fail */
    icmp->prepare.data = icmp;
    icmp->sequence = (uint16_t)clock_mono().ns; /* any will do */
    int error; /* is told when there is something to send and it still fails */
    (void)open_socket(icmp, AF_INET, &error);
    (void)open_socket(icmp, AF_INET6, &error);
    return icmp;
}

void icmp_open_sockets(struct icmp *icmp)
{
    static const int families[FAMILIES] = {AF_INET, AF_INET6};
    for (size_t i = 0; i < FAMILIES; i++) {
        if (icmp->sockets[i] == NULL) { /* else the first echo tells of the failure */
            (void)ping_socket_open(icmp->loop, families[i], &icmp->events, &icmp->sockets[i]);
        }
    }
}

void icmp_free(struct icmp *icmp)
{
    if (icmp == NULL) {
        return;
    }
    assert(icmp->n_probes == 0);
    for (size_t i = 0; i < FAMILIES; i++) {
        ping_socket_close(icmp->sockets[i]);
        icmp->sockets[i] = NULL;
    }
    icmp_table_clear(&icmp->table);
    uv_close((uv_handle_t *)&icmp->prepare, on_closed);
}

struct icmp_ignored icmp_ignored(const struct icmp *icmp)
{
    return icmp->ignored;
}

struct icmp_probe *icmp_start(struct icmp *icmp, const struct target *target, int64_t timeout_ms,
                              unsigned echoes, probe_done *done, void *context)
{
    assert(echoes >= 1 && echoes <= ICMP_ECHOES_MAX);
    struct icmp_probe *probe = xcalloc(1, sizeof *probe + echoes * sizeof probe->echoes[0]);
    probe->icmp = icmp;
    probe->n_addresses = target->n_addresses;
    for (size_t i = 0; i < target->n_addresses; i++) {
        memcpy(&probe->addresses[i], &target->addresses[i], target_address_size(target, i));
    }
    probe->timeout_ms = timeout_ms;
    probe->share_ms = timeout_ms / 2 / echoes;
    probe->n_echoes = echoes;
    probe->done = done;
    probe->context = context;
    probe->start = clock_mono();
    (void)uv_timer_init(icmp->loop, &probe->timer); /* cannot fail */
    probe->timer.data = probe;
    icmp->n_probes++;
    take_turn(probe);
    return probe;
}

void icmp_cancel(struct icmp_probe *probe)
{
    if (probe->list != NULL) {
        list_remove(probe);
    }
    drop_probe(probe);
}
