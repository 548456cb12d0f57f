/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/dns.h"

#include "common/xalloc.h"
#include "elapsed.h"
#include "mix.h"

#include <stdlib.h>

enum { SETS = 4096, WAYS = 4, FLAG_RESPONSE = 0x8000, RCODE_MASK = 0x000f };
static const int64_t WAIT_NS = INT64_C(5) * 1000000000;

/* A question that waits; its key is a hash of all that its answer must have. 0: free. */
struct question {
    uint64_t key;
    int64_t time_ns;    /* when it was asked last */
    uint16_t n_awaited; /* answers that can come: it was asked so often */
    bool was_repeated;
    bool was_answered; /* and waits for the answers to its repetitions */
};

struct dns {
    uint64_t keys[2];
    struct question questions[SETS][WAYS];
};

const char *dns_rcode_name(unsigned rcode)
{
    static const char *const names[DNS_RCODES] = {
        "noerror", "formerr", "servfail", "nxdomain", "notimp",  "refused", "yxdomain", "yxrrset",
        "nxrrset", "notauth", "notzone",  "rcode11",  "rcode12", "rcode13", "rcode14",  "rcode15",
    };
    return rcode < DNS_RCODES ? names[rcode] : "unknown";
}

struct dns *dns_new(const uint8_t seed[16])
{
    struct dns *dns = xcalloc(1, sizeof *dns);
    memcpy(dns->keys, seed, sizeof dns->keys);
    return dns;
}

void dns_free(struct dns *dns)
{
    free(dns);
}

static uint64_t hash_end(const struct dns *dns, const uint8_t address[16], uint64_t rest)
{
    return mix_fold(mix_load(address) ^ dns->keys[0], mix_load(address + 8) ^ dns->keys[1]) ^
           mix_fold(rest ^ dns->keys[1], dns->keys[0]);
}

/* The same for a question and its answer: who asks, who is asked, and the question's number. */
static uint64_t key_of(const struct dns *dns, const struct packet *packet, bool is_response)
{
    const uint8_t *client = is_response ? packet->destination : packet->source;
    const uint8_t *server = is_response ? packet->source : packet->destination;
    uint64_t client_port = is_response ? packet->destination_port : packet->source_port;
    uint64_t server_port = is_response ? packet->source_port : packet->destination_port;
    uint64_t a = hash_end(dns, client, client_port << 16 | packet->dns_id);
    uint64_t b = hash_end(dns, server, server_port << 32 | 1);
    uint64_t key = mix_fold(a ^ dns->keys[0], b);
    return key != 0 ? key : 1;
}

static struct question *set_of(struct dns *dns, uint64_t key)
{
    return dns->questions[(key >> 32) % SETS];
}

static struct question *find(struct question *set, uint64_t key)
{
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].key == key) {
            return &set[i];
        }
    }
    return NULL;
}

static void dismiss(struct question *question, struct dns_counts *counts)
{
    counts->unanswered += !question->was_answered;
    *question = (struct question){0};
}

/* Also if the clock was set back: else it would wait until that time comes again. */
static bool is_over(const struct question *question, int64_t now_ns)
{
    int64_t waited_ns = elapsed_ns(question->time_ns, now_ns);
    return waited_ns > WAIT_NS || waited_ns < -WAIT_NS;
}

/* NULL: it does not wait, or did so for too long. */
static struct question *find_waiting(struct question *set, struct dns_counts *counts, uint64_t key,
                                     int64_t now_ns)
{
    struct question *question = find(set, key);
    if (question != NULL && is_over(question, now_ns)) {
        dismiss(question, counts);
        return NULL;
    }
    return question;
}

static struct question *make_room(struct question *set, struct dns_counts *counts)
{
    struct question *chosen = &set[0];
    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].key == 0) {
            return &set[i];
        }
        if (set[i].time_ns < chosen->time_ns) {
            chosen = &set[i];
        }
    }
    dismiss(chosen, counts);
    return chosen;
}

static void ask(struct dns *dns, struct dns_counts *counts, const struct packet *packet)
{
    uint64_t key = key_of(dns, packet, false);
    struct question *set = set_of(dns, key);
    struct question *question = find_waiting(set, counts, key, packet->time_ns);
    counts->queries++;
    if (question != NULL && !question->was_answered) {
        question->was_repeated = true;
        question->n_awaited = (uint16_t)(question->n_awaited + (question->n_awaited < UINT16_MAX));
        question->time_ns = packet->time_ns;
        counts->repeated++;
        return;
    }
    if (question == NULL) {
        question = make_room(set, counts);
    }
    *question = (struct question){.key = key, .time_ns = packet->time_ns, .n_awaited = 1};
}

static void answer(struct dns *dns, struct dns_counts *counts, const struct packet *packet)
{
    uint64_t key = key_of(dns, packet, true);
    struct question *question = find_waiting(set_of(dns, key), counts, key, packet->time_ns);
    counts->responses++;
    counts->rcodes[packet->dns_flags & RCODE_MASK]++;
    if (question == NULL) {
        counts->unmatched++;
        return;
    }
    int64_t time_ns = elapsed_ns(question->time_ns, packet->time_ns);
    if (!question->was_repeated && time_ns >= 0) {
        histogram_add(&counts->response_time, time_ns);
    }
    question->was_answered = true;
    question->n_awaited--;
    if (question->n_awaited == 0) {
        dismiss(question, counts);
    }
}

void dns_track(struct dns *dns, struct dns_counts *counts, const struct packet *packet)
{
    if ((packet->dns_flags & FLAG_RESPONSE) != 0) {
        answer(dns, counts, packet);
    } else {
        ask(dns, counts, packet);
    }
}

void dns_expire(struct dns *dns, struct dns_counts *counts, int64_t now_ns)
{
    for (size_t i = 0; i < (size_t)SETS * WAYS; i++) {
        struct question *question = &dns->questions[i / WAYS][i % WAYS];
        if (question->key != 0 && is_over(question, now_ns)) {
            dismiss(question, counts);
        }
    }
}

void dns_clear(struct dns *dns)
{
    memset(dns->questions, 0, sizeof dns->questions);
}

void dns_counts_merge(struct dns_counts *into, const struct dns_counts *from)
{
    into->queries += from->queries;
    into->repeated += from->repeated;
    into->responses += from->responses;
    into->unanswered += from->unanswered;
    into->unmatched += from->unmatched;
    for (unsigned i = 0; i < DNS_RCODES; i++) {
        into->rcodes[i] += from->rcodes[i];
    }
    histogram_merge(&into->response_time, &from->response_time);
}
