/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support.h"

#include "common/durable.h"
#include "common/xalloc.h"
#include "control/control.h"
#include "rrd/file.h"

#include <ftw.h>
#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE_MS = 10000, SEGMENT_BYTES = 1024 * 1024 };

/* --- the bed --- */

struct bed *make_bed(void)
{
    struct bed *bed = xcalloc(1, sizeof *bed);
    uint64_t damaged = 0;
    char reason[256] = "";
    /* In memory where there is one: the tests make thousands of durable writes. */
    bed->folder =
        xasprintf("%s/beffroi-store-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(bed->folder));
    bed->journal_directory = xasprintf("%s/journal", bed->folder);
    bed->rrd_directory = xasprintf("%s/rrd", bed->folder);
    bed->quarantine_directory = xasprintf("%s/quarantine", bed->folder);
    bed->ledger_path = xasprintf("%s/ledger.sqlite", bed->folder);
    bed->talkers_path = xasprintf("%s/talkers.sqlite", bed->folder);
    bed->control_path = xasprintf("%s/store.sock", bed->folder);
    bed->intake_control_path = xasprintf("%s/intake.sock", bed->folder);
    assert_int_equal(keys_init(), 0);
    bed->keys = keys_generate();
    bed->agents[0] = (struct store_agent){.name = "agent-a", .has_sign_public = true};
    memcpy(bed->agents[0].sign_public, keys_sign_public_bytes(bed->keys), KEYS_SIGN_PUBLIC_SIZE);
    bed->agents[1] = (struct store_agent){.name = "agent-b"};
    if (journal_open(&bed->journal, bed->journal_directory, SEGMENT_BYTES, &damaged, reason,
                     sizeof reason) != 0) {
        fail_msg("%s", reason);
    }
    bed->options = (struct store_options){.journal_directory = bed->journal_directory,
                                          .rrd_directory = bed->rrd_directory,
                                          .quarantine_directory = bed->quarantine_directory,
                                          .ledger_path = bed->ledger_path,
                                          .talkers_path = bed->talkers_path,
                                          .talkers_retention_ms = INT64_C(400) * 86400000,
                                          .control_path = bed->control_path,
                                          .intake_control_path = bed->intake_control_path,
                                          .agents = bed->agents,
                                          .n_agents = 2,
                                          .flush_after_ms = 60000,
                                          .flush_rows = 4,
                                          .checkpoint_ms = 60000};
    return bed;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    (void)status; /* the walk's interface */
    (void)type;
    (void)walk;
    return remove(path);
}

void free_bed(struct bed *bed)
{
    journal_close(bed->journal);
    keys_free(bed->keys);
    assert_int_equal(nftw(bed->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
    free(bed->intake_control_path);
    free(bed->control_path);
    free(bed->talkers_path);
    free(bed->ledger_path);
    free(bed->quarantine_directory);
    free(bed->rrd_directory);
    free(bed->journal_directory);
    free(bed->folder);
    free(bed);
}

void open_store(struct bed *bed)
{
    char reason[256] = "";
    assert_int_equal(uv_loop_init(&bed->loop), 0);
    if (store_open(&bed->store, &bed->loop, &bed->options, reason, sizeof reason) != 0) {
        fail_msg("%s", reason);
    }
}

void close_store(struct bed *bed)
{
    store_close(bed->store);
    bed->store = NULL;
    assert_int_equal(uv_run(&bed->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&bed->loop), 0);
}

int open_bed(void **state)
{
    struct bed *bed = make_bed();
    *state = bed;
    open_store(bed);
    return 0;
}

int close_bed(void **state)
{
    struct bed *bed = *state;
    if (bed->store != NULL) {
        close_store(bed);
    }
    clock_replace(NULL);
    free_bed(bed);
    return 0;
}

/* --- time --- */

static int64_t real_ms(clockid_t clock)
{
    struct timespec now;
    assert_int_equal(clock_gettime(clock, &now), 0);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static struct mono moved_mono(void *context)
{
    const struct bed *bed = context;
    return (struct mono){(real_ms(CLOCK_BOOTTIME) + bed->ahead_ms) * 1000000};
}

static struct wall moved_wall(void *context)
{
    const struct bed *bed = context;
    return (struct wall){real_ms(CLOCK_REALTIME) + bed->ahead_ms};
}

void move_clocks(struct bed *bed, int64_t ms)
{
    bed->ahead_ms += ms;
    const struct clock_source source = {moved_mono, moved_wall, bed};
    clock_replace(&source);
}

void run_until(struct bed *bed, bool (*done)(struct bed *bed))
{
    int64_t deadline = real_ms(CLOCK_BOOTTIME) + PATIENCE_MS;
    while (!done(bed)) {
        if (real_ms(CLOCK_BOOTTIME) > deadline) {
            fail_msg("it did not come about");
        }
        (void)uv_run(&bed->loop, UV_RUN_ONCE);
    }
}

void run_until_applied(struct bed *bed, size_t n)
{
    int64_t deadline = real_ms(CLOCK_BOOTTIME) + PATIENCE_MS;
    while (figure(bed, "beffroi_store_entries_total", NULL) < (double)n) {
        assert_true(real_ms(CLOCK_BOOTTIME) < deadline);
        (void)uv_run(&bed->loop, UV_RUN_ONCE);
    }
}

/* --- asking --- */

double figure(const struct bed *bed, const char *name, const char *label)
{
    struct stats stats = {0};
    double value = -1;
    store_stats(bed->store, &stats);
    for (size_t i = 0; i < stats.count; i++) {
        const struct stat_value *found = &stats.values[i];
        if (strcmp(found->name, name) == 0 &&
            (label == NULL || strcmp(found->label_value, label) == 0)) {
            value = found->value;
        }
    }
    stats_clear(&stats);
    return value;
}

struct asker {
    const char *path;
    json_t *request;
    json_t *response;
    int error;
    atomic_bool done;
};

static void *ask(void *context)
{
    struct asker *asker = context;
    asker->error = control_ask(asker->path, asker->request, PATIENCE_MS, &asker->response);
    atomic_store(&asker->done, true);
    return NULL;
}

struct json_t *ask_store(struct bed *bed, const char *request)
{
    struct asker asker = {.path = bed->control_path, .request = json_loads(request, 0, NULL)};
    pthread_t thread;
    assert_non_null(asker.request);
    assert_int_equal(pthread_create(&thread, NULL, ask, &asker), 0);
    while (!atomic_load(&asker.done)) {
        (void)uv_run(&bed->loop, UV_RUN_ONCE);
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    json_decref(asker.request);
    assert_int_equal(asker.error, 0);
    return asker.response;
}

static int64_t ask_database(const char *path, const char *sql)
{
    sqlite3 *handle;
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_open_v2(path, &handle, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(statement, 0);
    (void)sqlite3_finalize(statement);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
    return value;
}

int64_t ask_int(const struct bed *bed, const char *sql)
{
    return ask_database(bed->ledger_path, sql);
}

int64_t ask_talkers(const struct bed *bed, const char *sql)
{
    return ask_database(bed->talkers_path, sql);
}

int64_t last_of(const struct bed *bed, const char *name)
{
    struct wall last = {0};
    char *path = rrd_path(bed->rrd_directory, "hall", "interface", name);
    int error = rrd_file_last(path, &last);
    free(path);
    return error == 0 ? last.ms - START_MS : -1;
}

/* --- batches --- */

struct stream_position position_of(uint8_t stream, uint64_t epoch, uint64_t sequence)
{
    struct stream_position position = {.epoch = epoch, .sequence = sequence};
    memset(position.stream, stream, sizeof position.stream);
    return position;
}

struct object make_object(uint32_t number, const char *name, bool wide)
{
    static const struct metric metrics[] = {{"octets", "octets", METRIC_COUNTER},
                                            {"level", "1", METRIC_GAUGE},
                                            {"extra", "1", METRIC_GAUGE}};
    static const struct label labels[] = {{"alias", "uplink"}};
    return (struct object){.number = number,
                           .device = "hall",
                           .kind = "interface",
                           .name = name,
                           .interval_ms = 10000,
                           .metrics = metrics,
                           .n_metrics = wide ? 3 : 2,
                           .labels = labels,
                           .n_labels = 1};
}

void add_row(struct batch_writer *writer, const struct object *object, int64_t ms, uint64_t value)
{
    const union value values[] = {
        {.counter = value}, {.gauge = (double)(value % 100)}, {.gauge = 1.5}};
    const struct row row = {
        .object = object->number, .time = {START_MS + ms}, .status = ROW_OK, .values = values};
    assert_int_equal(batch_add_row(writer, object, &row), 0);
}

struct object make_traffic(uint32_t number, const char *name)
{
    struct object object = make_object(number, name, false);
    object.kind = "traffic";
    return object;
}

void add_talkers(struct batch_writer *writer, uint32_t object, int64_t ms, uint64_t bytes)
{
    const struct talker_item items[] = {{"192.0.2.7", bytes, bytes / 1000, bytes / 10},
                                        {"2001:db8::/48", bytes / 2, 1, 0}};
    const struct talker_report report = {.object = object,
                                         .from = {START_MS + ms - 60000},
                                         .to = {START_MS + ms},
                                         .list = TALKERS_HOSTS,
                                         .total_ip_bytes = 2 * bytes,
                                         .error_bound_bytes = 10,
                                         .n_items = 2,
                                         .items = items};
    assert_int_equal(batch_add_talkers(writer, &report), 0);
}

void add_statement(struct batch_writer *writer, const struct keys *keys,
                   const struct stream_position *position, uint64_t number, enum outcome outcome,
                   int64_t first_ms, int64_t last_ms)
{
    uint8_t bytes[STATEMENT_SIZE_MAX];
    struct observation observation = {.statement = bytes};
    struct statement statement = {.number = number,
                                  .has_previous = number > 1,
                                  .device = "hall",
                                  .check = "web",
                                  .outcome = outcome,
                                  .first = {START_MS + first_ms},
                                  .last = {START_MS + last_ms},
                                  .results = 1 + (uint64_t)(last_ms - first_ms) / 10000,
                                  .interval_ms = 10000};
    memcpy(statement.stream, position->stream, sizeof statement.stream);
    (void)snprintf(statement.reason, sizeof statement.reason, "%s",
                   outcome == OUTCOME_UP ? "" : "timeout");
    assert_int_equal(
        statement_sign(&statement, keys, bytes, &observation.statement_size, observation.signature),
        0);
    assert_int_equal(batch_add_observation(writer, &observation), 0);
}

void append(struct bed *bed, struct stream_position position, int64_t received_ms,
            struct batch_writer *writer, bool sync)
{
    size_t size = 0;
    enum journal_verdict verdict;
    const uint8_t *bytes = batch_writer_finish(writer, &position, &size);
    assert_int_equal(journal_append(bed->journal,
                                    position.stream[0] == 0x11 ? "agent-a" : "agent-b",
                                    (struct wall){START_MS + received_ms}, &position,
                                    position.sequence, bytes, size, &verdict),
                     0);
    assert_true(verdict == JOURNAL_APPENDED || verdict == JOURNAL_JUMPED);
    if (sync) {
        assert_int_equal(journal_sync(bed->journal), 0);
    }
}
