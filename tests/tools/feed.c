/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * feed: an agent whose rows are known beforehand. The batcher, the spool and the uplink are the
 * agent's own; only the samplers are replaced by a generator, so that two collectors can be given
 * exactly the same rows at their own pace.
 *
 *   feed ENDPOINT SERVER-KEY KEY-FILE SPOOL-FOLDER OBJECTS ROWS BASE-MS PACE-MS SEED
 *
 * Makes ROWS rows of each of OBJECTS objects, one second apart from BASE-MS on, one row of all
 * objects every PACE-MS, and results of a check that goes down now and then. Every ten rows the
 * metered interface "uplink" reports its heaviest hosts and services. Ends with 0 when the
 * collector has acknowledged everything, with 1 when it has not after 120 s. */
#include "batcher.h"
#include "spool.h"
#include "uplink.h"

#include "common/log.h"
#include "common/xalloc.h"
#include "proto/keys.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROW_STEP_MS = 1000, PATIENCE_MS = 120000, METRICS = 3, REPORT_ROWS = 10 };

static const struct metric metrics[METRICS] = {
    {"in_octets", "octets", METRIC_COUNTER},
    {"out_octets", "octets", METRIC_COUNTER},
    {"level", "1", METRIC_GAUGE},
};

struct feed {
    uv_loop_t loop;
    uv_timer_t pace;
    uv_timer_t look;
    struct mono began;
    struct spool *spool;
    struct batcher *batcher;
    struct uplink *uplink;
    const struct sample_sink *sink;
    size_t n_objects;
    uint32_t *objects;
    union value (*values)[METRICS];
    uint32_t check;
    uint32_t uplink_traffic;
    int64_t base_ms;
    int64_t n_rows;
    int64_t row;
    uint64_t random;
    int status;
};

/* xorshift64: the same seed gives the same rows everywhere. */
static uint64_t next_random(struct feed *feed)
{
    feed->random ^= feed->random << 13;
    feed->random ^= feed->random >> 7;
    feed->random ^= feed->random << 17;
    return feed->random;
}

static void define_objects(struct feed *feed)
{
    for (size_t i = 0; i < feed->n_objects; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "port-%03zu", i);
        struct object object = {.device = "feed",
                                .kind = "interface",
                                .name = name,
                                .interval_ms = ROW_STEP_MS,
                                .metrics = metrics,
                                .n_metrics = METRICS};
        feed->objects[i] = feed->sink->define(feed->sink->context, &object);
    }
    struct object check = {
        .device = "feed", .kind = "check", .name = "heart", .interval_ms = ROW_STEP_MS};
    feed->check = feed->sink->define(feed->sink->context, &check);
    struct object traffic = {.device = "feed",
                             .kind = "traffic",
                             .name = "uplink",
                             .interval_ms = REPORT_ROWS * ROW_STEP_MS,
                             .metrics = metrics,
                             .n_metrics = 1}; /* of which no row comes */
    feed->uplink_traffic = feed->sink->define(feed->sink->context, &traffic);
}

/* Of the ten rows up to this one: bytes that grow with them. */
static void make_reports(struct feed *feed, struct wall time)
{
    uint64_t n = (uint64_t)feed->row;
    const struct talker_item hosts[] = {{"192.0.2.7", 10000 + n, 100, n},
                                        {"2001:db8:7::/48", 5000, 50, 0}};
    const struct talker_item services[] = {{"tcp/443 https", 10000, 100, 0}};
    struct talker_report report = {.object = feed->uplink_traffic,
                                   .from = {time.ms - (REPORT_ROWS - 1) * ROW_STEP_MS},
                                   .to = {time.ms + ROW_STEP_MS},
                                   .list = TALKERS_HOSTS,
                                   .total_ip_bytes = 20000,
                                   .error_bound_bytes = 100,
                                   .n_items = 2,
                                   .items = hosts};
    feed->sink->talkers(feed->sink->context, &report);
    report.list = TALKERS_SERVICES;
    report.n_items = 1;
    report.items = services;
    feed->sink->talkers(feed->sink->context, &report);
}

static void make_row(struct feed *feed, size_t i, struct wall time)
{
    union value *values = feed->values[i];
    struct row row = {.object = feed->objects[i], .time = time, .status = ROW_OK, .values = values};
    uint64_t dice = next_random(feed);
    values[0].counter += dice % 1000000;
    values[1].counter += dice % 777;
    values[2].gauge = (double)(dice % 10000) / 16;
    if (dice % 50 == 0) {
        row.unknown_mask = 1U << (dice / 50 % METRICS);
    } else if (dice % 97 == 0) {
        values[0].counter = dice % 100; /* the device was restarted */
        row.discontinuity_mask = 1;
    }
    feed->sink->row(feed->sink->context, &row);
}

static void on_pace(uv_timer_t *timer)
{
    struct feed *feed = timer->data;
    struct wall time = {feed->base_ms + feed->row * ROW_STEP_MS};
    for (size_t i = 0; i < feed->n_objects; i++) {
        make_row(feed, i, time);
    }
    bool down = feed->row / 10 % 4 == 3; /* ten seconds of every forty */
    struct result result = {.object = feed->check,
                            .time = time,
                            .outcome = down ? OUTCOME_DOWN : OUTCOME_UP,
                            .reason = down ? "timeout" : "",
                            .detail = ""};
    feed->sink->result(feed->sink->context, &result);
    if (feed->row % REPORT_ROWS == REPORT_ROWS - 1) {
        make_reports(feed, time);
    }
    if (++feed->row == feed->n_rows) {
        (void)uv_timer_stop(timer); /* cannot fail */
        batcher_flush(feed->batcher, true);
    }
}

static void on_look(uv_timer_t *timer)
{
    struct feed *feed = timer->data;
    spool_sync(feed->spool);
    uplink_wake(feed->uplink);
    if (feed->row == feed->n_rows && spool_is_empty(feed->spool)) {
        feed->status = EXIT_SUCCESS;
        uv_stop(timer->loop);
    } else if (mono_elapsed_ms(feed->began, clock_mono()) > PATIENCE_MS) {
        log_error("feed", "not everything was acknowledged");
        uv_stop(timer->loop);
    }
}

static void on_batch(void *context)
{
    struct feed *feed = context;
    if (feed->uplink != NULL) {
        uplink_wake(feed->uplink);
    }
}

static void on_gap(void *context, const struct gap *gap)
{
    (void)context;
    (void)gap;
    log_error("feed", "the spool lost data"); /* the comparison will fail */
}

static int64_t number(const char *text)
{
    char *end = NULL;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || value < 0) {
        log_error("feed", "not a number: %s", text);
        exit(2);
    }
    return value;
}

static void must(int rc, const char *what, const char *reason)
{
    if (rc != 0) {
        log_error("feed", "%s: %s %s", what, strerror(-rc), reason);
        exit(2);
    }
}

static void run(struct feed *feed, int64_t pace_ms)
{
    (void)uv_timer_init(&feed->loop, &feed->pace); /* neither can fail */
    (void)uv_timer_init(&feed->loop, &feed->look);
    feed->pace.data = feed;
    feed->look.data = feed;
    define_objects(feed);
    (void)uv_timer_start(&feed->pace, on_pace, 0, (uint64_t)pace_ms);
    (void)uv_timer_start(&feed->look, on_look, 100, 100);
    (void)uv_run(&feed->loop, UV_RUN_DEFAULT); /* until it is stopped */
    uplink_close(feed->uplink);
    batcher_free(feed->batcher);
    uv_close((uv_handle_t *)&feed->pace, NULL);
    uv_close((uv_handle_t *)&feed->look, NULL);
    (void)uv_run(&feed->loop, UV_RUN_DEFAULT); /* the closings */
    (void)uv_loop_close(&feed->loop);
}

int main(int argc, char **argv)
{
    char reason[256] = "";
    struct keys *keys = NULL;
    struct spool_chain chain = {0};
    if (argc != 10) {
        (void)fprintf(stderr, "usage: feed ENDPOINT SERVER-KEY KEY-FILE SPOOL-FOLDER OBJECTS ROWS "
                              "BASE-MS PACE-MS SEED\n");
        return 2;
    }
    log_open("feed", LOG_LEVEL_INFO);
    must(keys_init(), "libsodium", "");
    must(keys_load(argv[3], &keys, reason, sizeof reason), argv[3], reason);
    struct feed feed = {.began = clock_mono(),
                        .n_objects = (size_t)number(argv[5]),
                        .n_rows = number(argv[6]),
                        .base_ms = number(argv[7]),
                        .random = (uint64_t)number(argv[9]) * 2 + 1,
                        .status = EXIT_FAILURE};
    feed.objects = xcalloc(feed.n_objects, sizeof *feed.objects);
    feed.values = xcalloc(feed.n_objects, sizeof *feed.values);
    must(uv_loop_init(&feed.loop), "loop", "");
    struct spool_options spool = {.directory = argv[4],
                                  .segment_bytes = 1024 * 1024,
                                  .max_bytes = 1024 * 1024 * 1024,
                                  .on_gap = on_gap};
    must(spool_open(&feed.spool, &spool, &chain, reason, sizeof reason), argv[4], reason);
    struct batcher_options batcher = {.spool = feed.spool,
                                      .keys = keys,
                                      .chain = chain,
                                      .repeat_ms = 60000,
                                      .batch_age_ms = 100,
                                      .on_batch = on_batch,
                                      .context = &feed};
    feed.batcher = batcher_new(&feed.loop, &batcher);
    feed.sink = batcher_sink(feed.batcher);
    struct uplink_options uplink = {
        .endpoint = argv[1], .server_key = argv[2], .keys = keys, .spool = feed.spool};
    must(uplink_open(&feed.uplink, &feed.loop, &uplink), "uplink", argv[1]);
    run(&feed, number(argv[8]));
    spool_close(feed.spool);
    keys_free(keys);
    free(feed.objects);
    free(feed.values);
    return feed.status;
}
