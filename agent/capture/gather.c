/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gather.h"

#include "common/xalloc.h"
#include "meter/privacy.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum { SEED_SIZE = 16, KEY_SIZE = PRIVACY_TEXT_MAX + SERVICE_NAME_MAX };

struct gather {
    struct gather_options options;
    struct wall from;
    uint64_t total_ip_bytes;
    struct talkers *hosts;
    struct talkers *prefixes;
    struct talkers *services;
    struct talker top[PROTO_TALKERS_MAX];
    struct talker_item items[PROTO_TALKERS_MAX];
    char keys[PROTO_TALKERS_MAX][KEY_SIZE];
};

struct gather *gather_new(const struct gather_options *options, struct wall from)
{
    uint8_t seeds[3][SEED_SIZE];
    struct gather *gather = xcalloc(1, sizeof *gather);
    randombytes_buf(seeds, sizeof seeds);
    gather->options = *options;
    gather->from = from;
    gather->hosts = talkers_new(GATHER_HOSTS, seeds[0]);
    gather->prefixes = talkers_new(GATHER_PREFIXES, seeds[1]);
    gather->services = talkers_new(GATHER_SERVICES, seeds[2]);
    return gather;
}

/* "192.0.2.7", or "tcp/443 https". */
static void print_key(const struct gather *gather, const struct talker_key *key,
                      char text[KEY_SIZE])
{
    char plain[PRIVACY_TEXT_MAX];
    const char *name = NULL;
    privacy_print(key, plain);
    if (key->kind == TALKER_SERVICE) {
        name = services_name(gather->options.service_names, key->bytes[0],
                             (uint16_t)(key->bytes[2] << 8 | key->bytes[3]));
    }
    (void)snprintf(text, KEY_SIZE, "%s%s%s", plain, name != NULL ? " " : "",
                   name != NULL ? name : "");
}

static void report(struct gather *gather, const struct talkers *talkers, enum talker_list list,
                   struct wall to)
{
    size_t count = talkers_top(talkers, gather->top, gather->options.top);
    for (size_t i = 0; i < count; i++) {
        const struct talker *talker = &gather->top[i];
        print_key(gather, &talker->key, gather->keys[i]);
        gather->items[i] = (struct talker_item){
            .key = gather->keys[i],
            .ip_bytes = talker->ip_bytes,
            .packets = talker->packets,
            .error_bytes = talker->error_bytes,
        };
    }
    struct talker_report told = {
        .object = gather->options.object,
        .from = gather->from,
        .to = to,
        .list = list,
        .total_ip_bytes = gather->total_ip_bytes,
        .error_bound_bytes = talkers_error_bound(talkers),
        .n_items = count,
        .items = gather->items,
    };
    const struct sample_sink *sink = gather->options.sink;
    if (count > 0 && sink->talkers != NULL) {
        sink->talkers(sink->context, &told);
    }
}

void gather_add(struct gather *gather, const struct summary *summary, struct wall to)
{
    gather->total_ip_bytes += summary->totals.all.ip_bytes;
    talkers_merge(gather->hosts, summary->hosts);
    talkers_merge(gather->prefixes, summary->prefixes);
    talkers_merge(gather->services, summary->services);
    if (to.ms <= gather->from.ms) {
        gather->from.ms =
            to.ms - 1; /* the clock was stepped back: what is gathered is told later */
    }
    if (to.ms - gather->from.ms < gather->options.interval_ms) {
        return;
    }
    report(gather, gather->hosts, TALKERS_HOSTS, to);
    report(gather, gather->prefixes, TALKERS_PREFIXES, to);
    report(gather, gather->services, TALKERS_SERVICES, to);
    talkers_clear(gather->hosts);
    talkers_clear(gather->prefixes);
    talkers_clear(gather->services);
    gather->total_ip_bytes = 0;
    gather->from = to;
}

void gather_free(struct gather *gather)
{
    if (gather != NULL) {
        talkers_free(gather->hosts);
        talkers_free(gather->prefixes);
        talkers_free(gather->services);
        free(gather);
    }
}
