/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store_state.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum {
    STEP_REPORTS = 500, /* deleted at once: some tens of milliseconds of the loop */
    RETIRE_MS = 60 * 60 * 1000,
};

/* --- in --- */

static void refuse(struct store *store, enum store_talkers_refused reason,
                   const struct talker_report *report)
{
    static const char *const texts[STORE_TALKERS_REASONS] = {
        [STORE_TALKERS_UNDEFINED] = "a talker report's object was never defined",
        [STORE_TALKERS_KIND] = "a talker report is of an object that is not of kind traffic",
        [STORE_TALKERS_TIME] =
            "a talker report's time is in the future or before 1970: is the agent's clock right?"};
    uint64_t held = 0;
    store->group.facts.talkers_refused[reason]++;
    if (log_limit_allow(&store->talkers_limit, STORE_LOG_MS, &held)) {
        log_warn(STORE_TOPIC,
                 "%s; not stored agent=%s number=%" PRIu32 " list=%s held_back=%" PRIu64,
                 texts[reason], store->entry.agent, report->object, talker_list_name(report->list),
                 held);
    }
}

/* 0 (also when it is refused for good), or -errno. */
static int put_report(struct store *store, const struct talker_report *report)
{
    const struct store_entry *entry = &store->entry;
    const struct book_object *known =
        book_find(entry->stream, entry->batch->position.epoch, report->object);
    if (known == NULL) {
        refuse(store, STORE_TALKERS_UNDEFINED, report);
        return 0;
    }
    if (strcmp(known->object.kind, "traffic") != 0) {
        refuse(store, STORE_TALKERS_KIND, report);
        return 0;
    }
    /* One that ended in the future would outlive its retention. */
    if (!store_time_is_credible(report->from, entry->received) ||
        !store_time_is_credible(report->to, entry->received)) {
        refuse(store, STORE_TALKERS_TIME, report);
        return 0;
    }
    if (store->options.talkers_retention_ms == 0) {
        store->group.facts.talkers_not_kept++;
        return 0;
    }
    int error = 0;
    if (!talker_writer_is_open(store->talkers)) {
        error = talker_writer_begin(store->talkers);
    }
    if (error == 0) {
        error = talker_writer_put(store->talkers, entry->agent, entry->stream->stream,
                                  &known->object, report);
        store->group.facts.talkers += error == 0;
    }
    return error;
}

int store_put_talkers(struct store *store)
{
    const struct batch *batch = store->entry.batch;
    int error = 0;
    for (size_t i = 0; error == 0 && i < batch->n_talkers; i++) {
        error = put_report(store, &batch->talkers[i]);
    }
    if (error != 0) {
        store_lose_group(store, STORE_TALKERS, error);
        return -EAGAIN;
    }
    return 0;
}

/* --- out --- */

void store_retire_talkers(struct store *store, struct mono now)
{
    if (now.ns < store->retire.ns || store->group.open) {
        return;
    }
    size_t deleted = 0;
    int64_t kept_ms = store->options.talkers_retention_ms;
    /* None at all: also what a wrong clock has put ahead of us. */
    struct wall before = {kept_ms == 0 ? INT64_MAX : clock_wall().ms - kept_ms};
    int error = talker_writer_delete(store->talkers, before, STEP_REPORTS, &deleted);
    if (error != 0) {
        store_note_failure(store, STORE_TALKERS, error);
        store->retire = store->failing[STORE_TALKERS].retry;
        return;
    }
    store_note_success(store, STORE_TALKERS);
    store->talkers_deleted += deleted;
    if (deleted < STEP_REPORTS) { /* else there may be more: in the next turn */
        store->retire = mono_add_ms(now, RETIRE_MS);
    }
}
