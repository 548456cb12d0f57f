/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "intake_state.h"

#include "common/log.h"
#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { LOG_EVERY_MS = 60 * 1000 };

#define TOPIC "intake"

/* --- connections that were turned away --- */

static struct log_limit *limit_of(struct intake *intake, const char *reason)
{
    size_t i = 0;
    /* More kinds than there are limits share the last one. */
    while (i < INTAKE_CAUSES_MAX - 1 && intake->causes[i].reason != NULL &&
           strcmp(intake->causes[i].reason, reason) != 0) {
        i++;
    }
    if (intake->causes[i].reason == NULL) {
        intake->causes[i].reason = reason;
    }
    return &intake->causes[i].limit;
}

void intake_note_refused(void *context, const char *address, const char *reason)
{
    struct intake *intake = context;
    uint64_t held;
    if (log_limit_allow(limit_of(intake, reason), LOG_EVERY_MS, &held)) {
        log_warn(TOPIC, "connection refused: %s address=%s held_back=%" PRIu64, reason, address,
                 held);
    }
}

/* --- figures --- */

static void batch_stats(const struct intake *intake, struct stats *stats)
{
    static const char *const results[INTAKE_RESULTS] = {
        [INTAKE_APPENDED] = "appended",   [INTAKE_JUMPED] = "jumped",
        [INTAKE_DUPLICATE] = "duplicate", [INTAKE_OUT_OF_TURN] = "out-of-turn",
        [INTAKE_FOREIGN] = "foreign",     [INTAKE_MALFORMED] = "malformed",
        [INTAKE_NO_ROOM] = "no-room",
    };
    for (size_t i = 0; i < INTAKE_RESULTS; i++) {
        stats_add_labelled(stats, STAT_COUNTER, "beffroi_intake_batches_total",
                           "Batches by what became of them.", "result", results[i],
                           (double)intake->results[i]);
    }
    stats_add(stats, STAT_COUNTER, "beffroi_intake_batch_bytes_total",
              "Bytes of the batches that were appended.", (double)intake->batch_bytes);
    stats_add(stats, STAT_COUNTER, "beffroi_intake_hellos_total", "Greetings of agents.",
              (double)intake->hellos);
    stats_add(stats, STAT_COUNTER, "beffroi_intake_syncs_total", "Syncs of the journal.",
              (double)intake->syncs);
    stats_add(stats, STAT_COUNTER, "beffroi_intake_sync_failures_total",
              "Syncs of the journal that failed.", (double)intake->sync_failures);
    stats_add(stats, STAT_COUNTER, "beffroi_intake_twin_alerts_total",
              "Times that one stream was seen from two machines at once.",
              (double)intake->twin_alerts);
    stats_add(stats, STAT_GAUGE, "beffroi_intake_failing",
              "1 while batches cannot be stored and are refused.", intake->failing ? 1 : 0);
}

static void disk_stats(const struct intake *intake, struct stats *stats)
{
    stats_add(stats, STAT_GAUGE, "beffroi_intake_journal_bytes", "Size of the journal.",
              (double)journal_bytes(intake->journal));
    stats_add(stats, STAT_GAUGE, "beffroi_intake_journal_damaged_bytes",
              "Bytes of the journal that did not check when intake started, now in its quarantine.",
              (double)intake->damaged_bytes);
    stats_add(stats, STAT_GAUGE, "beffroi_intake_dead_letters",
              "Batches in the dead-letter folder.", (double)dead_letter_count(intake->letters));
    stats_add(stats, STAT_GAUGE, "beffroi_intake_dead_letter_bytes",
              "Size of the dead-letter folder.", (double)dead_letter_bytes(intake->letters));
    stats_add(stats, STAT_COUNTER, "beffroi_intake_dead_letters_dropped_total",
              "Dead letters that were deleted to make room for newer ones.",
              (double)dead_letter_dropped(intake->letters));
}

static void link_stats(const struct intake *intake, struct stats *stats)
{
    const struct link_server_stats *link = link_server_stats(intake->link);
    const struct {
        const char *name;
        const char *help;
        uint64_t value;
    } rows[] = {
        {"beffroi_intake_connections_total", "Connections that were let in.", link->accepted},
        {"beffroi_intake_refused_key_total",
         "Connections and messages refused because their key is not known.", link->refused_key},
        {"beffroi_intake_refused_mechanism_total",
         "Connections refused because they do not speak CURVE.", link->refused_mechanism},
        {"beffroi_intake_handshake_failures_total", "Handshakes that failed.",
         link->handshake_failed},
        {"beffroi_intake_messages_total", "Messages that came in.", link->messages},
        {"beffroi_intake_bad_frames_total",
         "Messages thrown away for their form: frame count, size, no identity.", link->bad_frames},
        {"beffroi_intake_answers_dropped_total",
         "Answers that could not be sent; the next one says the same.", link->send_dropped},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        stats_add(stats, STAT_COUNTER, rows[i].name, rows[i].help, (double)rows[i].value);
    }
}

void intake_stats(const struct intake *intake, struct stats *stats)
{
    batch_stats(intake, stats);
    disk_stats(intake, stats);
    link_stats(intake, stats);
}

/* --- what the other parts ask --- */

static json_t *error_answer(const char *sentence)
{
    return json_pack("{s:s}", "error", sentence);
}

static json_t *answer_stats(struct intake *intake, const json_t *request)
{
    struct stats stats = {0};
    (void)request; /* has nothing more to say */
    intake_stats(intake, &stats);
    json_t *response = control_stats_encode(&stats);
    stats_clear(&stats);
    return response;
}

static json_t *answer_trim(struct intake *intake, const json_t *request)
{
    const json_t *segment = json_object_get(request, "segment");
    const json_t *offset = json_object_get(request, "offset");
    if (!json_is_integer(segment) || !json_is_integer(offset) || json_integer_value(segment) < 0 ||
        json_integer_value(offset) < 0) {
        return error_answer("a trim needs the numbers segment and offset");
    }
    int rc = journal_trim(intake->journal,
                          (struct seglog_position){(uint64_t)json_integer_value(segment),
                                                   (uint64_t)json_integer_value(offset)});
    if (rc == -EINVAL) {
        return error_answer("the position is beyond the end of the journal");
    }
    if (rc != 0) {
        log_error(TOPIC, "the journal cannot be trimmed: %s", strerror(-rc));
        return error_answer(strerror(-rc));
    }
    return json_pack("{s:I}", "journal_bytes", (json_int_t)journal_bytes(intake->journal));
}

json_t *intake_answer(void *context, const json_t *request)
{
    static const struct {
        const char *name;
        json_t *(*answer)(struct intake *intake, const json_t *request);
    } requests[] = {{"stats", answer_stats}, {"trim", answer_trim}};
    const char *name = json_string_value(json_object_get(request, "request"));
    for (size_t i = 0; name != NULL && i < sizeof requests / sizeof requests[0]; i++) {
        if (strcmp(requests[i].name, name) == 0) {
            return requests[i].answer(context, request);
        }
    }
    return error_answer("intake knows the requests stats and trim");
}
