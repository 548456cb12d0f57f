/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store_state.h"

static double seconds(int64_t ms)
{
    return (double)(ms < 0 ? 0 : ms) / 1000.0;
}

static double lag_seconds(const struct store *store)
{
    bool behind = store->entry.there || !store->at_end;
    return behind && store->newest.ms > 0 ? seconds(clock_wall().ms - store->newest.ms) : 0;
}

static void add_refused(const struct store *store, struct stats *stats)
{
    static const char *const reasons[STORE_ROW_REASONS] = {
        [STORE_ROW_REPEATED] = "repeated",   [STORE_ROW_TIME] = "time",
        [STORE_ROW_METRICS] = "metrics",     [STORE_ROW_CONFLICT] = "conflict",
        [STORE_ROW_UNDEFINED] = "undefined", [STORE_ROW_MISFIT] = "misfit"};
    for (size_t i = 0; i < STORE_ROW_REASONS; i++) {
        stats_add_labelled(stats, STAT_COUNTER, "beffroi_store_rows_refused_total",
                           "Rows that were not stored; repeated: not after the object's last row.",
                           "reason", reasons[i], (double)store->rows_refused[i]);
    }
}

static void add_failures(const struct store *store, struct stats *stats)
{
    static const char *const parts[STORE_PARTS] = {[STORE_LEDGER] = "ledger",
                                                   [STORE_RRD] = "rrd",
                                                   [STORE_JOURNAL] = "journal",
                                                   [STORE_TALKERS] = "talkers"};
    bool failing = false;
    for (size_t i = 0; i < STORE_PARTS; i++) {
        failing = failing || store->failing[i].now;
        stats_add_labelled(stats, STAT_COUNTER, "beffroi_store_failures_total",
                           "Attempts to read or write that failed and are tried again.", "part",
                           parts[i], (double)store->failures[i]);
    }
    stats_add(stats, STAT_GAUGE, "beffroi_store_failing",
              "1 while the ledger, the round-robin files, the journal or the talkers fail.",
              failing ? 1 : 0);
}

static void add_statements(const struct store *store, struct stats *stats)
{
    const struct store_facts *facts = &store->facts;
    const struct {
        const char *reason;
        uint64_t value;
    } refused[] = {
        {"repeated", facts->statements_repeated},   {"conflicting", facts->statements_conflicting},
        {"malformed", facts->statements_malformed}, {"foreign", facts->statements_foreign},
        {"signature", facts->bad_signatures},
    };
    uint64_t breaks = 0;
    stats_add(stats, STAT_COUNTER, "beffroi_store_statements_total", "Statements stored.",
              (double)facts->statements);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        stats_add_labelled(stats, STAT_COUNTER, "beffroi_store_statements_refused_total",
                           "Statements that were not stored.", "reason", refused[i].reason,
                           (double)refused[i].value);
    }
    if (ledger_count_chain_breaks(store->ledger, &breaks) == 0) {
        stats_add(stats, STAT_GAUGE, "beffroi_store_chain_breaks",
                  "Stored statements that do not carry the hash of the one before them.",
                  (double)breaks);
    }
}

static void add_talkers(const struct store *store, struct stats *stats)
{
    static const char *const reasons[STORE_TALKERS_REASONS] = {[STORE_TALKERS_UNDEFINED] =
                                                                   "undefined",
                                                               [STORE_TALKERS_KIND] = "kind",
                                                               [STORE_TALKERS_TIME] = "time"};
    uint64_t bytes = 0;
    stats_add(stats, STAT_COUNTER, "beffroi_store_talker_reports_total",
              "Reports of the heaviest talkers that were stored.", (double)store->facts.talkers);
    stats_add(stats, STAT_COUNTER, "beffroi_store_talker_reports_not_kept_total",
              "Reports of the heaviest talkers that came while none are to be kept.",
              (double)store->facts.talkers_not_kept);
    for (size_t i = 0; i < STORE_TALKERS_REASONS; i++) {
        stats_add_labelled(stats, STAT_COUNTER, "beffroi_store_talker_reports_refused_total",
                           "Reports of the heaviest talkers that were not stored.", "reason",
                           reasons[i], (double)store->facts.talkers_refused[i]);
    }
    stats_add(stats, STAT_COUNTER, "beffroi_store_talker_reports_deleted_total",
              "Reports of the heaviest talkers that were deleted for their age.",
              (double)store->talkers_deleted);
    if (talker_writer_bytes(store->talkers, &bytes) == 0) {
        stats_add(stats, STAT_GAUGE, "beffroi_store_talkers_bytes",
                  "Size of the database of talkers.", (double)bytes);
    }
}

void store_stats(const struct store *store, struct stats *stats)
{
    const struct {
        const char *name;
        const char *help;
        enum stat_type type;
        double value;
    } table[] = {
        {"beffroi_store_journal_lag_seconds",
         "Age of the newest applied journal entry while others wait, else 0.", STAT_GAUGE,
         lag_seconds(store)},
        {"beffroi_store_entries_total", "Journal entries applied.", STAT_COUNTER,
         (double)store->facts.entries},
        {"beffroi_store_rows_total", "Rows handed to the round-robin files.", STAT_COUNTER,
         (double)store->rows},
        {"beffroi_store_definitions_total", "Definitions applied.", STAT_COUNTER,
         (double)store->facts.definitions},
        {"beffroi_store_definitions", "Definitions in memory, older epochs included.", STAT_GAUGE,
         (double)book_size(store->book)},
        {"beffroi_store_gaps_total", "Gaps applied.", STAT_COUNTER, (double)store->facts.gaps},
        {"beffroi_store_items_refused_total",
         "Definitions, gaps and positions that the ledger cannot hold.", STAT_COUNTER,
         (double)store->facts.refused},
        {"beffroi_store_batches_dead_total", "Batches of the journal that are not valid.",
         STAT_COUNTER, (double)store->facts.dead},
        {"beffroi_store_journal_damages_total", "Stretches of the journal that were damaged.",
         STAT_COUNTER, (double)store->damages},
        {"beffroi_store_journals_lost_total",
         "Times that the journal ended before what was applied of it.", STAT_COUNTER,
         (double)store->journals_lost},
        {"beffroi_store_commits_total", "Transactions of the ledger.", STAT_COUNTER,
         (double)store->commits},
        {"beffroi_store_checkpoints_total", "Watermarks reached.", STAT_COUNTER,
         (double)store->checkpoints},
        {"beffroi_store_checkpoint_age_seconds", "Since the last watermark, or the start.",
         STAT_GAUGE, seconds(mono_elapsed_ms(store->checkpointed, clock_mono()))},
        {"beffroi_store_trim_failures_total", "Times that intake did not trim the journal.",
         STAT_COUNTER, (double)store->trim_failures},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        stats_add(stats, table[i].type, table[i].name, table[i].help, table[i].value);
    }
    add_failures(store, stats);
    add_refused(store, stats);
    add_statements(store, stats);
    add_talkers(store, stats);
    rrd_cache_stats(store->rrd, stats);
}
