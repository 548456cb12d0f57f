/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "support.h"

#include "common/xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* --- opening --- */

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *handle;
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

static void expect_refused(const char *path, const char *word)
{
    struct ledger *ledger = NULL;
    struct ledger_view *view = NULL;
    char reason[256] = "";
    assert_int_equal(ledger_open(&ledger, path, reason, sizeof reason), -EBADMSG);
    assert_non_null(strstr(reason, word));
    reason[0] = '\0';
    assert_int_equal(ledger_view_open(&view, path, reason, sizeof reason), -EBADMSG);
    assert_non_null(strstr(reason, word));
}

static void refuses_what_is_no_ledger(void **state)
{
    struct bed *bed = *state;
    char *path = xasprintf("%s/other", bed->folder);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    const char text[] = "This is a letter, and a long one, it has more than a hundred characters, "
                        "so that nobody can take it for a database's first page.";
    assert_int_equal(write(fd, text, sizeof text), sizeof text);
    assert_int_equal(close(fd), 0);
    expect_refused(path, "not a ledger");
    assert_int_equal(unlink(path), 0);
    run_sql(path, "CREATE TABLE mine (x)");
    expect_refused(path, "another program");
    run_sql(path, "PRAGMA application_id = 1111903303; PRAGMA user_version = 99");
    expect_refused(path, "newer");
    free(path);
}

static void a_view_of_nothing_is_enoent(void **state)
{
    struct bed *bed = *state;
    struct ledger_view *view = NULL;
    char reason[256] = "";
    char *path = xasprintf("%s/none", bed->folder);
    assert_int_equal(ledger_view_open(&view, path, reason, sizeof reason), -ENOENT);
    assert_true(access(path, F_OK) != 0); /* and does not make one */
    run_sql(path, "VACUUM");              /* an empty database: store is just making it */
    assert_int_equal(ledger_view_open(&view, path, reason, sizeof reason), -ENOENT);
    free(path);
}

static void is_as_durable_as_promised(void **state)
{
    struct bed *bed = *state;
    struct stat status;
    assert_int_equal(stat(bed->path, &status), 0);
    assert_int_equal(status.st_mode & 0007, 0);
    assert_int_equal(ask_int(bed, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
    assert_int_equal(ask_int(bed, "SELECT count(*) FROM pragma_table_list WHERE schema = 'main'"
                                  " AND type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite%'"),
                     0);
}

/* --- positions and transactions --- */

static void positions_survive_and_a_rollback_leaves_nothing(void **state)
{
    struct bed *bed = *state;
    struct seglog_position applied = {9, 9};
    struct seglog_position watermark = {9, 9};
    struct stream_position position = position_of(0x11, 1, 5);
    assert_int_equal(ledger_get_applied(bed->ledger, &applied, &watermark), 0);
    assert_int_equal(applied.segment + applied.offset + watermark.segment + watermark.offset, 0);
    begin(bed);
    assert_int_equal(ledger_set_applied(bed->ledger, (struct seglog_position){3, 400}), 0);
    assert_int_equal(ledger_set_rrd_watermark(bed->ledger, (struct seglog_position){2, 30}), 0);
    commit(bed);
    begin(bed);
    assert_int_equal(ledger_set_applied(bed->ledger, (struct seglog_position){7, 7}), 0);
    assert_int_equal(ledger_put_agent(bed->ledger, "agent-a", &position, (struct wall){START_MS}),
                     0);
    ledger_rollback(bed->ledger);
    reopen_ledger(bed);
    assert_int_equal(ledger_get_applied(bed->ledger, &applied, &watermark), 0);
    assert_int_equal(applied.segment, 3);
    assert_int_equal(applied.offset, 400);
    assert_int_equal(watermark.segment, 2);
    assert_int_equal(watermark.offset, 30);
    assert_int_equal(ask_int(bed, "SELECT count(*) FROM agent"), 0);
}

/* --- agents --- */

struct seen {
    size_t n;
    size_t stop_at; /* 0: never */
    char text[2048];
};

static int note(struct seen *seen, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int note(struct seen *seen, const char *format, ...)
{
    size_t used = strlen(seen->text);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(seen->text + used, sizeof seen->text - used, format, arguments);
    va_end(arguments);
    seen->n++;
    return seen->n == seen->stop_at ? 42 : 0;
}

static int note_agent(void *context, const struct ledger_agent *agent)
{
    return note(context, "%s %x %llu/%llu +%lld;", agent->name, agent->position.stream[0],
                (unsigned long long)agent->position.epoch,
                (unsigned long long)agent->position.sequence,
                (long long)(agent->received.ms - START_MS));
}

static int note_stream(void *context, const char *agent, const struct stream_position *position)
{
    return note(context, "%s %x %llu/%llu;", agent, position->stream[0],
                (unsigned long long)position->epoch, (unsigned long long)position->sequence);
}

static void hear(struct bed *bed, const char *agent, struct stream_position position, int64_t ms)
{
    assert_int_equal(ledger_put_agent(bed->ledger, agent, &position, (struct wall){START_MS + ms}),
                     0);
}

static void knows_the_newest_position_of_each_agent(void **state)
{
    struct bed *bed = *state;
    struct stream_position far = position_of(0x33, UINT64_MAX, 1);
    begin(bed);
    hear(bed, "zoe", position_of(0x11, 2, 1), 10);
    hear(bed, "zoe", position_of(0x11, 1, 9), 20); /* older: changes nothing */
    hear(bed, "ann", position_of(0x22, 1, 8), 30);
    hear(bed, "ann", position_of(0x44, 1, 1), 40); /* her spool was made anew */
    assert_int_equal(ledger_put_agent(bed->ledger, "ann", &far, (struct wall){START_MS}), -EINVAL);
    commit(bed);
    struct seen agents = {0};
    assert_int_equal(ledger_view_agents(bed->view, note_agent, &agents), 0);
    assert_string_equal(agents.text, "ann 44 1/1 +40;zoe 11 2/1 +10;");
    struct seen first = {.stop_at = 1};
    assert_int_equal(ledger_view_agents(bed->view, note_agent, &first), 42);
    assert_int_equal(first.n, 1);
    struct seen streams = {0};
    assert_int_equal(ledger_each_stream(bed->ledger, note_stream, &streams), 0);
    assert_string_equal(streams.text, "zoe 11 2/1;ann 22 1/8;ann 44 1/1;");
}

/* --- objects --- */

static const struct metric traffic[] = {{"in_octets", "octets", METRIC_COUNTER},
                                        {"level", "1", METRIC_GAUGE}};
static const struct metric load[] = {{"load1", "1", METRIC_GAUGE}};
static const struct label labels[] = {{"alias", "tab\there"}, {"speed", ""}};

static struct object make_object(uint32_t number, const char *device, const char *kind,
                                 const char *name)
{
    return (struct object){.number = number,
                           .device = device,
                           .kind = kind,
                           .name = name,
                           .interval_ms = 10000,
                           .metrics = traffic,
                           .n_metrics = 2,
                           .labels = labels,
                           .n_labels = 2};
}

static void define(struct bed *bed, struct stream_position position, const struct object *object)
{
    assert_int_equal(ledger_put_definition(bed->ledger, "agent-a", &position, object), 0);
}

static int note_object(void *context, const struct ledger_object *shown)
{
    const struct object *object = &shown->object;
    return note(context, "%s/%s/%s by %s: %zu %s %s %d %zu %s=%s +%lld %d;", object->device,
                object->kind, object->name, shown->agent, object->n_metrics,
                object->metrics[0].name, object->metrics[0].unit, (int)object->metrics[0].type,
                object->n_labels, object->n_labels > 0 ? object->labels[0].key : "",
                object->n_labels > 0 ? object->labels[0].value : "",
                (long long)(shown->last.ms == 0 ? 0 : shown->last.ms - START_MS),
                (int)shown->status);
}

static void shows_objects_with_all_that_was_said_of_them(void **state)
{
    struct bed *bed = *state;
    struct object one = make_object(1, "sw", "interface", "b");
    struct object two = make_object(2, "sw", "cpu", "a");
    struct object three = make_object(3, "hall", "interface", "c");
    begin(bed);
    define(bed, position_of(0x11, 1, 1), &one);
    define(bed, position_of(0x11, 1, 1), &two);
    define(bed, position_of(0x11, 1, 1), &three);
    two.metrics = load;
    two.n_metrics = 1;
    two.n_labels = 0;
    define(bed, position_of(0x11, 1, 2), &two); /* brought up to date */
    struct wall time = {START_MS + 5};
    assert_int_equal(ledger_put_last_row(bed->ledger, &one, time, ROW_PARTIAL), 0);
    time.ms--;
    assert_int_equal(ledger_put_last_row(bed->ledger, &one, time, ROW_OK), 0); /* older */
    commit(bed);
    struct seen all = {0};
    assert_int_equal(ledger_view_objects(bed->view, NULL, NULL, note_object, &all), 0);
    assert_string_equal(all.text,
                        "hall/interface/c by agent-a: 2 in_octets octets 1 2 alias=tab\there +0 0;"
                        "sw/cpu/a by agent-a: 1 load1 1 2 0 = +0 0;"
                        "sw/interface/b by agent-a: 2 in_octets octets 1 2 alias=tab\there +5 2;");
    const struct {
        const char *device;
        const char *kind;
        size_t n;
    } asked[] = {{"sw", NULL, 2}, {"sw", "cpu", 1}, {NULL, "interface", 2}, {"sw", "x", 0}};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        struct seen some = {0};
        assert_int_equal(
            ledger_view_objects(bed->view, asked[i].device, asked[i].kind, note_object, &some), 0);
        assert_int_equal(some.n, asked[i].n);
    }
}

static int note_definition(void *context, const struct stream_position *position,
                           const struct object *object)
{
    return note(context, "%x %llu #%u %s %s;", position->stream[0],
                (unsigned long long)position->epoch, object->number, object->name,
                object->metrics[0].name);
}

static void expect_definitions(struct bed *bed, const char *text)
{
    struct seen seen = {0};
    reopen_ledger(bed);
    assert_int_equal(ledger_each_definition(bed->ledger, note_definition, &seen), 0);
    assert_string_equal(seen.text, text);
}

static void keeps_old_epochs_until_no_replay_needs_them(void **state)
{
    struct bed *bed = *state;
    struct object object = make_object(1, "sw", "interface", "old");
    begin(bed);
    hear(bed, "agent-a", position_of(0x11, 1, 1), 0);
    hear(bed, "agent-a", position_of(0x22, 1, 1), 0);
    define(bed, position_of(0x11, 1, 1), &object);
    define(bed, position_of(0x22, 1, 1), &object);
    assert_int_equal(ledger_set_applied(bed->ledger, (struct seglog_position){1, 100}), 0);
    commit(bed);
    begin(bed);
    hear(bed, "agent-a", position_of(0x11, 2, 2), 1);
    object.metrics = load;
    object.n_metrics = 1;
    define(bed, position_of(0x11, 2, 2), &object);
    assert_int_equal(ledger_set_applied(bed->ledger, (struct seglog_position){1, 200}), 0);
    assert_int_equal(ledger_set_rrd_watermark(bed->ledger, (struct seglog_position){1, 199}), 0);
    commit(bed);
    expect_definitions(bed, "11 1 #1 old in_octets;11 2 #1 old load1;22 1 #1 old in_octets;");
    begin(bed);
    assert_int_equal(ledger_set_rrd_watermark(bed->ledger, (struct seglog_position){1, 200}), 0);
    commit(bed);
    expect_definitions(bed, "11 2 #1 old load1;22 1 #1 old in_octets;");
}

/* --- gaps --- */

static int note_gap(void *context, const struct ledger_gap *gap)
{
    return note(context, "%s %lld-%lld %llu %llu %d;", gap->agent, (long long)gap->gap.from.ms,
                (long long)gap->gap.to.ms, (unsigned long long)gap->gap.rows,
                (unsigned long long)gap->gap.observations, (int)gap->gap.reason);
}

static void shows_gaps_that_touch_a_time(void **state)
{
    struct bed *bed = *state;
    const struct gap gaps[] = {
        {.from = {300}, .to = {400}, .rows = 3, .observations = 4, .reason = GAP_DISK_ERROR},
        {.from = {100}, .to = {200}, .reason = GAP_SPOOL_FULL},
        {.from = {250}, .to = {250}, .reason = GAP_ENCODE},
    };
    const struct gap far = {.rows = UINT64_MAX, .reason = GAP_ENCODE};
    begin(bed);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(ledger_put_gap(bed->ledger, "ann", &gaps[i], (struct wall){500}), 0);
    }
    assert_int_equal(ledger_put_gap(bed->ledger, "ann", &far, (struct wall){500}), -EINVAL);
    commit(bed);
    const struct {
        int64_t from_ms;
        int64_t to_ms;
        const char *text;
    } asked[] = {
        {0, 1000, "ann 100-200 0 0 1;ann 250-250 0 0 4;ann 300-400 3 4 5;"},
        {200, 300, "ann 250-250 0 0 4;"},
        {199, 301, "ann 100-200 0 0 1;ann 250-250 0 0 4;ann 300-400 3 4 5;"},
        {250, 251, "ann 250-250 0 0 4;"},
        {251, 300, ""},
        {400, 500, ""},
        {0, 100, ""},
    };
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        struct seen seen = {0};
        assert_int_equal(ledger_view_gaps(bed->view, (struct wall){asked[i].from_ms},
                                          (struct wall){asked[i].to_ms}, note_gap, &seen),
                         0);
        assert_string_equal(seen.text, asked[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(refuses_what_is_no_ledger, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(a_view_of_nothing_is_enoent, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(is_as_durable_as_promised, open_bed, close_bed),
        cmocka_unit_test_setup_teardown(positions_survive_and_a_rollback_leaves_nothing, open_bed,
                                        close_bed),
        cmocka_unit_test_setup_teardown(knows_the_newest_position_of_each_agent, open_bed,
                                        close_bed),
        cmocka_unit_test_setup_teardown(shows_objects_with_all_that_was_said_of_them, open_bed,
                                        close_bed),
        cmocka_unit_test_setup_teardown(keeps_old_epochs_until_no_replay_needs_them, open_bed,
                                        close_bed),
        cmocka_unit_test_setup_teardown(shows_gaps_that_touch_a_time, open_bed, close_bed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
