/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support.h"

#include "common/xalloc.h"
#include "proto/statement.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* --- clocks --- */

static _Atomic int64_t now_ms;

static struct mono still_mono(void *context)
{
    (void)context; /* there is one time for all */
    return (struct mono){now_ms * 1000000};
}

static struct wall still_wall(void *context)
{
    (void)context; /* there is one time for all */
    return (struct wall){now_ms};
}

void set_clock(int64_t ms)
{
    now_ms = ms;
}

/* --- the bed --- */

int open_bed(void **state)
{
    static const struct clock_source source = {still_mono, still_wall, NULL};
    struct bed *bed = xcalloc(1, sizeof *bed);
    set_clock(NOW_MS);
    clock_replace(&source);
    /* In memory where there is one: the tests make hundreds of durable commits. */
    bed->folder =
        xasprintf("%s/beffroi-web-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(bed->folder));
    bed->ledger_path = xasprintf("%s/ledger.sqlite", bed->folder);
    bed->talkers_path = xasprintf("%s/talkers.sqlite", bed->folder);
    bed->rrd_directory = xasprintf("%s/rrd", bed->folder);
    bed->quarantine = xasprintf("%s/quarantine", bed->folder);
    bed->contract_path = xasprintf("%s/contract.yaml", bed->folder);
    bed->store_path = xasprintf("%s/store.sock", bed->folder);
    bed->other_path = xasprintf("%s/nobody.sock", bed->folder);
    assert_int_equal(keys_init(), 0);
    bed->keys = keys_generate();
    const struct rrd_cache_options options = {.directory = bed->rrd_directory,
                                              .quarantine = bed->quarantine,
                                              .flush_rows = 100000,
                                              .flush_after_ms = DAY_MS};
    bed->cache = rrd_cache_open(&options);
    bed->sources = (struct query_sources){.ledger_path = bed->ledger_path,
                                          .talkers_path = bed->talkers_path,
                                          .talkers_retention_ms = 30 * (int64_t)DAY_MS,
                                          .rrd_directory = bed->rrd_directory,
                                          .intake_control_path = bed->other_path,
                                          .store_control_path = bed->store_path,
                                          .supervisor_control_path = bed->other_path,
                                          .shared = query_shared_new()};
    *state = bed;
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status; /* the walk's interface */
    (void)type;
    (void)walk;
    return remove(path);
}

int close_bed(void **state)
{
    struct bed *bed = *state;
    query_shared_free(bed->sources.shared);
    sla_contract_free(bed->contract);
    rrd_cache_close(bed->cache);
    ledger_close(bed->ledger);
    talker_writer_close(bed->talkers);
    keys_free(bed->keys);
    assert_int_equal(nftw(bed->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(bed->other_path);
    free(bed->store_path);
    free(bed->contract_path);
    free(bed->quarantine);
    free(bed->rrd_directory);
    free(bed->talkers_path);
    free(bed->ledger_path);
    free(bed->folder);
    free(bed);
    clock_replace(NULL);
    return 0;
}

void open_ledger(struct bed *bed)
{
    char reason[256] = "";
    if (ledger_open(&bed->ledger, bed->ledger_path, reason, sizeof reason) != 0) {
        fail_msg("%s", reason);
    }
}

/* --- the ledger --- */

static struct stream_position position_of(const char *agent, uint64_t sequence)
{
    struct stream_position position = {.epoch = 1, .sequence = sequence};
    memset(position.stream, agent[strlen(agent) - 1], sizeof position.stream);
    return position;
}

static void begin(struct bed *bed)
{
    assert_int_equal(ledger_begin(bed->ledger), 0);
}

static void commit(struct bed *bed)
{
    assert_int_equal(ledger_commit(bed->ledger), 0);
}

void put_agent(struct bed *bed, const char *agent, int64_t received_ms)
{
    struct stream_position position = position_of(agent, 1 + (uint64_t)received_ms);
    begin(bed);
    assert_int_equal(ledger_put_agent(bed->ledger, agent, &position, (struct wall){received_ms}),
                     0);
    commit(bed);
}

void put_run(struct bed *bed, const char *agent, const char *device, const char *check,
             enum outcome outcome, const char *reason, int64_t first_ms, int64_t last_ms)
{
    struct stream_position position = position_of(agent, 1);
    struct statement statement = {.number = ++bed->statements,
                                  .has_previous = bed->statements > 1,
                                  .outcome = outcome,
                                  .first = {first_ms},
                                  .last = {last_ms},
                                  .results = 1 + (uint64_t)(last_ms - first_ms) / 10000,
                                  .interval_ms = 10000};
    uint8_t bytes[STATEMENT_SIZE_MAX];
    struct observation observation = {.statement = bytes};
    memcpy(statement.stream, position.stream, sizeof statement.stream);
    (void)snprintf(statement.device, sizeof statement.device, "%s", device);
    (void)snprintf(statement.check, sizeof statement.check, "%s", check);
    (void)snprintf(statement.reason, sizeof statement.reason, "%s", reason);
    (void)snprintf(statement.detail, sizeof statement.detail, "%s",
                   outcome == OUTCOME_UP ? "" : "no <answer> in 2 s");
    assert_int_equal(statement_sign(&statement, bed->keys, bytes, &observation.statement_size,
                                    observation.signature),
                     0);
    begin(bed);
    assert_int_equal(
        ledger_put_statement(bed->ledger, agent, &observation, &statement, (struct wall){last_ms}),
        0);
    commit(bed);
}

void put_gap(struct bed *bed, const char *agent, int64_t from_ms, int64_t to_ms)
{
    const struct gap gap = {.from = {from_ms}, .to = {to_ms}, .rows = 3, .reason = GAP_SPOOL_FULL};
    begin(bed);
    assert_int_equal(ledger_put_gap(bed->ledger, agent, &gap, (struct wall){to_ms}), 0);
    commit(bed);
}

void put_object(struct bed *bed, const char *agent, const struct object *object, int64_t last_ms)
{
    struct stream_position position = position_of(agent, 1);
    struct object numbered = *object;
    numbered.number = ++bed->objects;
    begin(bed);
    assert_int_equal(ledger_put_definition(bed->ledger, agent, &position, &numbered), 0);
    if (last_ms != 0) {
        assert_int_equal(
            ledger_put_last_row(bed->ledger, &numbered, (struct wall){last_ms}, ROW_OK), 0);
    }
    commit(bed);
}

/* --- objects --- */

struct object make_interface(const char *device, const char *name)
{
    static const struct metric metrics[] = {
        {"in_octets", "octets", METRIC_COUNTER},
        {"out_octets", "octets", METRIC_COUNTER},
        {"oper_status", "1", METRIC_GAUGE},
        {"speed_bps", "bit/s", METRIC_GAUGE},
        {"in_multicast_packets", "packets", METRIC_COUNTER},
        {"queue_drops_of_the_vendor", "packets", METRIC_COUNTER}};
    static const struct label labels[] = {{"if_index", "7"}, {"alias", "up & <down>"}};
    return (struct object){.device = device,
                           .kind = "interface",
                           .name = name,
                           .interval_ms = 10000,
                           .metrics = metrics,
                           .n_metrics = sizeof metrics / sizeof *metrics,
                           .labels = labels,
                           .n_labels = sizeof labels / sizeof *labels};
}

void put_rows(struct bed *bed, const struct object *interface, int64_t minutes)
{
    for (int64_t ms = NOW_MS - minutes * MINUTE_MS; ms <= NOW_MS; ms += 10000) {
        const union value values[] = {{.counter = (uint64_t)ms},
                                      {.counter = (uint64_t)ms / 20},
                                      {.gauge = 1},
                                      {.gauge = 0},
                                      {.counter = (uint64_t)ms / 10},
                                      {.counter = (uint64_t)ms / 100}};
        const struct row row = {
            .time = {ms}, .status = ROW_OK, .unknown_mask = 8, .values = values};
        assert_int_equal(rrd_cache_add(bed->cache, interface, &row, (struct wall){NOW_MS}), 0);
    }
    assert_int_equal(rrd_cache_flush(bed->cache, NULL, NULL, NULL), 0);
}

/* --- talkers --- */

struct object make_traffic(const char *device, const char *name)
{
    static const struct metric metrics[] = {{"octets", "octets", METRIC_COUNTER},
                                            {"packets", "packets", METRIC_COUNTER}};
    return (struct object){.device = device,
                           .kind = "traffic",
                           .name = name,
                           .interval_ms = 60000,
                           .metrics = metrics,
                           .n_metrics = sizeof metrics / sizeof *metrics};
}

void put_talkers(struct bed *bed, const char *device, const char *name, enum talker_list list,
                 int64_t to_ms, uint64_t bound, const struct talker_item *items, size_t n_items)
{
    const uint8_t stream[PROTO_STREAM_SIZE] = {1};
    const struct object object = make_traffic(device, name);
    const struct talker_report report = {.from = {to_ms - MINUTE_MS},
                                         .to = {to_ms},
                                         .list = list,
                                         .total_ip_bytes = 10000,
                                         .error_bound_bytes = bound,
                                         .n_items = n_items,
                                         .items = items};
    char reason[256] = "";
    if (bed->talkers == NULL &&
        talker_writer_open(&bed->talkers, bed->talkers_path, reason, sizeof reason) != 0) {
        fail_msg("%s", reason);
    }
    assert_int_equal(talker_writer_begin(bed->talkers), 0);
    assert_int_equal(talker_writer_put(bed->talkers, "agent-a", stream, &object, &report), 0);
    assert_int_equal(talker_writer_commit(bed->talkers), 0);
}

/* --- the contract --- */

void put_contract(struct bed *bed, const char *text)
{
    struct config_errors errors = {0};
    FILE *file = fopen(bed->contract_path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    sla_contract_free(bed->contract);
    bed->contract = NULL;
    int rc = sla_contract_load(bed->contract_path, &bed->contract, &errors);
    config_errors_print(stderr, &errors);
    config_errors_clear(&errors);
    assert_int_equal(rc, 0);
    bed->sources.contract = bed->contract;
}

/* --- a city --- */

const char city_contract[] =
    "contract: {name: ville, title: \"Ville & Co\", timezone: Europe/Paris}\n"
    "services:\n"
    "  - {name: citizen web, target: 99.9, requires: {check: web-1/http}}\n"
    "  - {name: network, target: 99.5, requires: {check: sw-1/snmp}}\n";

void put_city(struct bed *bed)
{
    struct object eth0 = make_interface("sw-1", "eth0");
    struct object wlan = {.device = "<b>\"&'",
                          .kind = "radio",
                          .name = "x/y?z=1&\"><script>alert(1)</script>",
                          .interval_ms = 60000,
                          .metrics = (const struct metric[]){{"signal", "dBm", METRIC_GAUGE}},
                          .n_metrics = 1};
    int64_t start = NOW_MS - 2 * DAY_MS;
    open_ledger(bed);
    put_contract(bed, city_contract);
    put_agent(bed, "agent-a", NOW_MS - 2 * SECOND_MS);
    put_agent(bed, "agent-b", NOW_MS - 10 * MINUTE_MS);
    put_object(bed, "agent-a", &eth0, NOW_MS - 5 * SECOND_MS);
    put_object(bed, "agent-a", &wlan, 0);
    put_rows(bed, &eth0, 30);
    put_run(bed, "agent-a", "web-1", "http", OUTCOME_UP, "", start, NOW_MS - 2 * HOUR_MS);
    put_run(bed, "agent-a", "web-1", "http", OUTCOME_DOWN, "timeout", NOW_MS - 2 * HOUR_MS + 10000,
            NOW_MS - HOUR_MS);
    put_run(bed, "agent-a", "web-1", "http", OUTCOME_UP, "", NOW_MS - HOUR_MS + 10000,
            NOW_MS - 20 * SECOND_MS);
    put_run(bed, "agent-a", "sw-1", "snmp", OUTCOME_DOWN, "timeout", NOW_MS - 10 * MINUTE_MS,
            NOW_MS - 20 * SECOND_MS);
    put_run(bed, "agent-b", "<b>\"&'", "ping", OUTCOME_UP, "", start, NOW_MS - 10 * MINUTE_MS);
}
