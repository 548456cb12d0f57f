/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * A store killed at any moment, again and again while the journal grows, leaves the files, the
 * ledger and the talkers that an undisturbed one leaves: every file byte for byte, every table row
 * for row.
 */
#include "support.h"

#include "common/log.h"
#include "common/xalloc.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { KILLS = 12, PER_KILL = 40, OBJECTS = 3, STREAMS = 2, FILES_MAX = 64 };

/* librrd begins each ring of a new file at a random row: the same one in both runs, please. */
long random(void)
{
    return 7;
}

struct random {
    uint64_t state;
};

static uint64_t random_below(struct random *random, uint64_t limit)
{
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return random->state * UINT64_C(2685821657736338717) % limit;
}

/* --- what two agents say --- */

struct talker {
    uint64_t epoch;
    uint64_t sequence;
    uint64_t number; /* of statements */
    int64_t ms;
    int64_t run_ms; /* when the present outcome began */
    enum outcome outcome;
    bool wide;
};

/* A new start of the agent: other numbers for the names, once also other metrics. */
static void add_definitions(struct batch_writer *writer, const struct talker *talker,
                            const char *const *names)
{
    for (uint32_t i = 0; i < OBJECTS; i++) {
        struct object object =
            make_object((uint32_t)(i + talker->epoch) % OBJECTS + 1, names[i], talker->wide);
        assert_int_equal(batch_add_definition(writer, &object), 0);
    }
    struct object traffic = make_traffic(OBJECTS + 1, names[0]);
    assert_int_equal(batch_add_definition(writer, &traffic), 0);
}

static void say_something(struct bed *bed, struct random *random, struct talker *talker,
                          size_t stream)
{
    static const char *const names[STREAMS][OBJECTS] = {{"a", "b", "c"}, {"x", "y", "z"}};
    struct batch_writer *writer = batch_writer_new(BATCH_WIRE);
    bool starts = talker->epoch == 0 || random_below(random, 40) == 0;
    talker->epoch += starts;
    talker->sequence++;
    talker->wide = talker->epoch >= 4;
    struct stream_position position =
        position_of(stream == 0 ? 0x11 : 0x22, talker->epoch, talker->sequence);
    if (starts) {
        add_definitions(writer, talker, names[stream]);
    }
    for (size_t rows = 1 + random_below(random, 3); rows > 0; rows--) {
        talker->ms += 9000 + (int64_t)random_below(random, 2000);
        for (uint32_t i = 0; i < OBJECTS; i++) {
            struct object object = make_object(i + 1, names[stream][0], talker->wide);
            int64_t late_ms =
                !starts && random_below(random, 20) == 0 ? 30000 : 0; /* repeated or missing */
            add_row(writer, &object, talker->ms - late_ms, (uint64_t)talker->ms * 3 + i);
        }
    }
    if (random_below(random, 3) == 0) {
        if (random_below(random, 4) == 0) {
            talker->run_ms = talker->ms;
            talker->outcome = talker->outcome == OUTCOME_UP ? OUTCOME_DOWN : OUTCOME_UP;
        }
        add_statement(writer, bed->keys, &position, ++talker->number, talker->outcome,
                      talker->run_ms, talker->ms);
    }
    if (random_below(random, 30) == 0) {
        const struct gap gap = {.from = {START_MS + talker->ms - 1000},
                                .to = {START_MS + talker->ms},
                                .rows = random_below(random, 9),
                                .reason = GAP_SPOOL_FULL};
        assert_int_equal(batch_add_gap(writer, &gap), 0);
    }
    if (random_below(random, 2) == 0) {
        add_talkers(writer, OBJECTS + 1, talker->ms, 1000 + random_below(random, 100000));
    }
    append(bed, position, talker->ms, writer, false);
    batch_writer_free(writer);
}

/* --- what is left in the end --- */

struct left {
    size_t n_files;
    struct {
        char *name;
        char *bytes;
        size_t size;
    } files[FILES_MAX];
    char *tables;
};

static struct left *collecting; /* nftw has no context */
static size_t collecting_skip;

static int collect_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
    if (type != FTW_F || path[walk->base] == '.') {
        return 0; /* what a killed writer left of a copy; the file's next update takes it away */
    }
    assert_true(collecting->n_files < FILES_MAX);
    size_t i = collecting->n_files++;
    char *name = xstrdup(path + collecting_skip);
    char *aside = strchr(name, '@'); /* the time when it was set aside follows */
    if (aside != NULL) {
        aside[1] = '\0';
    }
    collecting->files[i].name = name;
    collecting->files[i].size = (size_t)status->st_size;
    collecting->files[i].bytes = xmalloc((size_t)status->st_size + 1);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, collecting->files[i].bytes, (size_t)status->st_size),
                     status->st_size);
    assert_int_equal(close(fd), 0);
    return 0;
}

static int compare_files(const void *a, const void *b)
{
    const char *const *left = a; /* the name is the first member */
    const char *const *right = b;
    return strcmp(*left, *right);
}

static void dump_table(sqlite3 *handle, const char *table, char **text)
{
    sqlite3_stmt *statement;
    char *sql = xasprintf("SELECT * FROM \"%s\" ORDER BY 1, 2", table);
    assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &statement, NULL), SQLITE_OK);
    free(sql);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        char *longer = xasprintf("%s%s", *text, table);
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            char *sum = NULL;
            if (sqlite3_column_type(statement, i) == SQLITE_BLOB) {
                uint8_t hash[KEYS_HASH_SIZE];
                keys_hash(sqlite3_column_blob(statement, i),
                          (size_t)sqlite3_column_bytes(statement, i), hash);
                sum = xasprintf("%s|%02x%02x%02x%02x", longer, hash[0], hash[1], hash[2], hash[3]);
            } else {
                const unsigned char *value = sqlite3_column_text(statement, i);
                sum = xasprintf("%s|%s", longer, value == NULL ? "-" : (const char *)value);
            }
            free(longer);
            longer = sum;
        }
        free(*text);
        *text = xasprintf("%s\n", longer);
        free(longer);
    }
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
}

static void dump_tables(const char *path, const char *const *tables, char **text)
{
    sqlite3 *handle;
    assert_int_equal(sqlite3_open_v2(path, &handle, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    for (; *tables != NULL; tables++) {
        dump_table(handle, *tables, text);
    }
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
}

static void collect(const struct bed *bed, struct left *left)
{
    static const char *const tables[] = {"state",  "agent",     "stream",     "shape",
                                         "object", "label",     "definition", "check",
                                         "run",    "statement", "gap",        NULL};
    static const char *const talkers[] = {"source", "report", NULL};
    collecting = left;
    collecting_skip = strlen(bed->rrd_directory);
    assert_int_equal(nftw(bed->rrd_directory, collect_one, 16, FTW_PHYS), 0);
    qsort(left->files, left->n_files, sizeof left->files[0], compare_files);
    left->tables = xstrdup("");
    dump_tables(bed->ledger_path, tables, &left->tables);
    dump_tables(bed->talkers_path, talkers, &left->tables);
}

static void clear_left(struct left *left)
{
    for (size_t i = 0; i < left->n_files; i++) {
        free(left->files[i].name);
        free(left->files[i].bytes);
    }
    free(left->tables);
}

/* --- the storm --- */

static void store_until_killed(struct bed *bed)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed test leaves nobody behind */
    open_store(bed);
    (void)uv_run(&bed->loop, UV_RUN_DEFAULT);
    _exit(1);
}

/* Of all streams; 0 also when there are no tables yet, or they are just being made. */
static int64_t count_applied(const struct bed *bed)
{
    sqlite3 *handle;
    sqlite3_stmt *statement;
    int64_t sum = 0;
    int rc = sqlite3_open_v2(bed->ledger_path, &handle, SQLITE_OPEN_READONLY, NULL);
    if (rc == SQLITE_OK && sqlite3_prepare_v2(handle, "SELECT sum(sequence) FROM stream", -1,
                                              &statement, NULL) == SQLITE_OK) {
        sum = sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
        (void)sqlite3_finalize(statement);
    }
    (void)sqlite3_close(handle);
    return sum;
}

/* Until the store has committed something: two seconds at most. */
static void wait_for_progress(const struct bed *bed, int64_t before)
{
    const struct timespec moment = {.tv_nsec = 2000000};
    for (int i = 0; i < 1000 && count_applied(bed) <= before; i++) {
        (void)nanosleep(&moment, NULL); /* polling */
    }
}

static void kill_one(struct bed *bed, struct random *random, int64_t before)
{
    static const int64_t checkpoints_ms[] = {1, 20, 60000};
    bed->options.checkpoint_ms = checkpoints_ms[random_below(random, 3)];
    struct timespec pause = {.tv_nsec = (long)random_below(random, 60) * 1000000};
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        store_until_killed(bed);
    }
    if (random_below(random, 3) > 0) { /* else perhaps before its first commit */
        wait_for_progress(bed, before);
    }
    (void)nanosleep(&pause, NULL); /* the random moment; its length decides nothing */
    int status = 0;
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status)); /* it did not fail on its own */
}

static bool caught_up(struct bed *bed)
{
    return figure(bed, "beffroi_store_commits_total", NULL) > 0 &&
           figure(bed, "beffroi_store_journal_lag_seconds", NULL) == 0;
}

static void use_folder(struct bed *bed, const char *name)
{
    free(bed->rrd_directory);
    free(bed->ledger_path);
    free(bed->talkers_path);
    bed->rrd_directory = xasprintf("%s/rrd-%s", bed->folder, name);
    bed->ledger_path = xasprintf("%s/%s.sqlite", bed->folder, name);
    bed->options.rrd_directory = bed->rrd_directory;
    bed->options.ledger_path = bed->ledger_path;
    bed->talkers_path = xasprintf("%s/%s-talkers.sqlite", bed->folder, name);
    bed->options.talkers_path = bed->talkers_path;
}

static void finish(struct bed *bed, struct left *left)
{
    bed->options.checkpoint_ms = 60000;
    open_store(bed);
    run_until(bed, caught_up);
    assert_true(figure(bed, "beffroi_store_failing", NULL) == 0);
    close_store(bed);
    collect(bed, left);
}

static void killed_at_any_moment_is_undisturbed(void **state)
{
    (void)state;
    const char *wanted = getenv("TEST_SEED");
    uint64_t seed = wanted != NULL ? strtoull(wanted, NULL, 10) : 20260101;
    print_message("seed %llu (TEST_SEED)\n", (unsigned long long)seed);
    struct random random = {seed};
    struct talker talkers[STREAMS] = {{.outcome = OUTCOME_UP}, {.outcome = OUTCOME_UP}};
    struct left stormy = {0};
    struct left calm = {0};
    struct bed *bed = make_bed();
    size_t advanced = 0;
    int64_t reached = 0;
    use_folder(bed, "stormy");
    for (size_t k = 0; k < KILLS; k++) {
        for (size_t i = 0; i < PER_KILL; i++) {
            size_t stream = random_below(&random, STREAMS);
            say_something(bed, &random, &talkers[stream], stream);
        }
        assert_int_equal(journal_sync(bed->journal), 0);
        kill_one(bed, &random, reached);
        int64_t now = count_applied(bed);
        advanced += now > reached;
        reached = now;
    }
    struct batch_writer *writer = batch_writer_new(BATCH_WIRE);
    append(bed, position_of(0x11, talkers[0].epoch, ++talkers[0].sequence), talkers[0].ms, writer,
           true); /* so that there is something left to commit */
    batch_writer_free(writer);
    finish(bed, &stormy);
    print_message("%zu of %d killed stores got on\n", advanced, KILLS);
    assert_true(advanced >= KILLS / 4);

    use_folder(bed, "calm");
    finish(bed, &calm);
    assert_string_equal(stormy.tables, calm.tables);
    assert_true(calm.n_files > STREAMS * OBJECTS); /* some were set aside */
    assert_int_equal(stormy.n_files, calm.n_files);
    for (size_t i = 0; i < calm.n_files; i++) {
        assert_string_equal(stormy.files[i].name, calm.files[i].name);
        if (stormy.files[i].size != calm.files[i].size ||
            memcmp(stormy.files[i].bytes, calm.files[i].bytes, calm.files[i].size) != 0) {
            print_message("%s differs\n", calm.files[i].name);
        }
        assert_int_equal(stormy.files[i].size, calm.files[i].size);
        assert_memory_equal(stormy.files[i].bytes, calm.files[i].bytes, calm.files[i].size);
    }
    assert_non_null(strstr(calm.tables, "report|")); /* there were talkers */
    clear_left(&calm);
    clear_left(&stormy);
    free_bed(bed);
}

int main(void)
{
    log_open("test", LOG_LEVEL_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_at_any_moment_is_undisturbed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
