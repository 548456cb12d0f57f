/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What the tests of the query, the pages and the command line share: a collector's data folder,
 * filled through the ledger and the RRD cache as store does, at a time that stands still. */
#ifndef TEST_WEB_SUPPORT_H
#define TEST_WEB_SUPPORT_H

#include "ledger/ledger.h"
#include "query/query.h"
#include "rrd/cache.h"
#include "talkers/writer.h"

enum { SECOND_MS = 1000, MINUTE_MS = 60000, HOUR_MS = 3600000, DAY_MS = 86400000 };
static const int64_t NOW_MS = INT64_C(1768478400000); /* 2026-01-15T12:00:00Z */

struct bed {
    char *folder;
    char *ledger_path;
    char *talkers_path;
    char *rrd_directory;
    char *quarantine;
    char *contract_path; /* not written yet */
    char *store_path;
    char *other_path; /* nobody answers there */
    struct ledger *ledger;
    struct talker_writer *talkers; /* opened by the first put_talkers */
    struct rrd_cache *cache;
    struct keys *keys;
    uint64_t statements;
    uint32_t objects;
    struct sla_contract *contract;
    struct query_sources sources;
};

/* cmocka's set-up and tear-down; *state is the bed. Without a ledger until open_ledger. */
int open_bed(void **state);
int close_bed(void **state);
void open_ledger(struct bed *bed);
/* Both clocks, to all threads. */
void set_clock(int64_t ms);

/* An agent's newest batch came at that time. Each agent has one stream, made of its name's first
 * byte. */
void put_agent(struct bed *bed, const char *agent, int64_t received_ms);
/* A run of results of an interval of 10 s, as one statement. */
void put_run(struct bed *bed, const char *agent, const char *device, const char *check,
             enum outcome outcome, const char *reason, int64_t first_ms, int64_t last_ms);
void put_gap(struct bed *bed, const char *agent, int64_t from_ms, int64_t to_ms);
/* An object and its newest row (0: none). */
void put_object(struct bed *bed, const char *agent, const struct object *object, int64_t last_ms);
/* An interface of 10 s: in_octets, out_octets, oper_status, speed_bps, in_multicast_packets, and a
 * counter of packets that no graph definition knows, queue_drops_of_the_vendor. */
struct object make_interface(const char *device, const char *name);
/* Rows of the last `minutes` in its file: in_octets grows by 1,000 a second, out_octets by 50,
 * oper_status is 1, speed_bps is unknown, then 100 and 10 packets/s. */
void put_rows(struct bed *bed, const struct object *interface, int64_t minutes);

/* A metered interface of 60 s, with metrics of the capture worker. */
struct object make_traffic(const char *device, const char *name);
/* A report of the minute that ends at `to_ms`; its total is 10,000 bytes. */
void put_talkers(struct bed *bed, const char *device, const char *name, enum talker_list list,
                 int64_t to_ms, uint64_t bound, const struct talker_item *items, size_t n_items);

/* The contract, loaded. */
void put_contract(struct bed *bed, const char *text);
/* A city that has a bit of everything: two agents, three devices, an outage, graphs, a contract. */
void put_city(struct bed *bed);
extern const char city_contract[];

#endif
