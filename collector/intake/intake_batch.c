/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "intake_state.h"

#include "common/log.h"
#include "proto/batch.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

enum {
    REASON_SIZE = 160,
    NAME_SIZE = 96,
    LOG_EVERY_MS = 60 * 1000,
    NS_PER_US = 1000,
    FOREIGN_LOG_EVERY_MS = 60 * 60 * 1000, /* it goes on until someone acts */
};

#define TOPIC "intake"

/* --- answers --- */

/* Answers a message that came then. */
static void send_message(struct intake *intake, const struct link_peer *peer,
                         struct collector_message *message, const struct exchange *exchange,
                         struct mono came)
{
    size_t size;
    message->exchange = *exchange;
    message->exchange.held_us = (uint64_t)(clock_mono().ns - came.ns) / NS_PER_US;
    uint8_t *bytes = collector_message_encode(message, &size);
    /* A peer that is gone asks again when it is back; the link counts what it dropped. */
    (void)link_server_send(intake->link, peer, bytes, size);
    free(bytes);
}

static void acknowledge(struct intake *intake, const struct intake_waiting *waiting)
{
    struct collector_message message = {.type = COLLECTOR_ACK};
    if (journal_stream_position(intake->journal, waiting->position.stream, &message.position) !=
        0) {
        message.position = (struct stream_position){0};
        memcpy(message.position.stream, waiting->position.stream, PROTO_STREAM_SIZE);
    }
    send_message(intake, &waiting->peer, &message, &waiting->exchange, waiting->came);
}

static void refuse(struct intake *intake, const struct link_peer *peer,
                   const struct stream_position *position, enum refusal_reason reason,
                   const char *text)
{
    struct collector_message message = {
        .type = COLLECTOR_REFUSAL, .position = *position, .reason = reason};
    (void)snprintf(message.text, sizeof message.text, "%s", text);
    send_message(intake, peer, &message, &intake->exchange, intake->came);
}

/* --- what to do when nothing can be stored --- */

static void note_failure(struct intake *intake, const char *agent, const char *what)
{
    uint64_t held;
    intake->failing = true;
    if (log_limit_allow(&intake->failing_limit, LOG_EVERY_MS, &held)) {
        log_error(TOPIC,
                  "batches cannot be stored and are refused, agents keep them: %s; make room on "
                  "or repair the disk of path=%s agent=%s held_back=%" PRIu64,
                  what, intake->options.journal_directory, agent, held);
    }
}

static void note_success(struct intake *intake)
{
    if (intake->failing) {
        intake->failing = false;
        log_info(TOPIC, "batches are stored again");
    }
}

static void refuse_for_room(struct intake *intake, const struct link_peer *peer, const char *agent,
                            const struct stream_position *position, const char *what)
{
    intake->results[INTAKE_NO_ROOM]++;
    note_failure(intake, agent, what);
    refuse(intake, peer, position, REFUSAL_NO_ROOM, "the collector cannot store now");
}

/* NULL when there is room. */
static const char *lacks_room(const struct intake *intake)
{
    struct statvfs space;
    if (intake->options.reserve_bytes == 0) {
        return NULL;
    }
    if (statvfs(intake->options.journal_directory, &space) != 0) {
        return strerror(errno);
    }
    /* Both are counts of what exists: their product is a size of a real disk. */
    return (uint64_t)space.f_bavail * space.f_frsize < intake->options.reserve_bytes
               ? "less is free than the reserve (journal.reserve)"
               : NULL;
}

/* --- the group that waits for one sync --- */

void intake_commit(struct intake *intake)
{
    int rc = 0;
    if (intake->unsynced) {
        intake->unsynced = false;
        intake->syncs++;
        rc = journal_sync(intake->journal);
        if (rc != 0) {
            intake->sync_failures++;
            note_failure(intake, "(all)", strerror(-rc));
        } else {
            note_success(intake);
        }
    }
    for (size_t i = 0; i < intake->n_waiting; i++) {
        const struct intake_waiting *waiting = &intake->waiting[i];
        if (rc != 0 && waiting->appended) {
            intake->results[INTAKE_NO_ROOM]++;
            intake->exchange = waiting->exchange;
            intake->came = waiting->came;
            refuse(intake, &waiting->peer, &waiting->position, REFUSAL_NO_ROOM,
                   "the collector cannot store now");
        } else {
            acknowledge(intake, waiting);
        }
    }
    intake->n_waiting = 0;
    (void)uv_timer_stop(&intake->group_timer); /* always succeeds */
}

static void on_group_timer(uv_timer_t *timer)
{
    intake_commit(timer->data);
}

/* Answers the peer after the sync. `appended`: the position is in the journal since just now. */
static void wait_for_sync(struct intake *intake, const struct link_peer *peer,
                          const struct stream_position *position, bool appended)
{
    struct intake_waiting *waiting = NULL;
    for (size_t i = 0; i < intake->n_waiting && waiting == NULL; i++) {
        struct intake_waiting *other = &intake->waiting[i];
        if (memcmp(other->position.stream, position->stream, PROTO_STREAM_SIZE) == 0 &&
            other->peer.size == peer->size &&
            memcmp(other->peer.bytes, peer->bytes, peer->size) == 0) {
            waiting = other;
        }
    }
    if (waiting == NULL) {
        waiting = &intake->waiting[intake->n_waiting++];
        *waiting = (struct intake_waiting){.peer = *peer, .position = *position};
    }
    waiting->exchange = intake->exchange;
    waiting->came = intake->came;
    if (appended) {
        waiting->position = *position;
        waiting->appended = true;
        intake->unsynced = true;
    }
    if (intake->n_waiting == INTAKE_GROUP_MAX) {
        intake_commit(intake);
    } else if (!uv_is_active((const uv_handle_t *)&intake->group_timer)) {
        /* Fails only without a call-back. */
        (void)uv_timer_start(&intake->group_timer, on_group_timer, INTAKE_GROUP_WAIT_MS, 0);
    }
}

/* --- messages --- */

static void watch_for_twins(struct intake *intake, const struct link_peer *peer, const char *agent,
                            const uint8_t *stream)
{
    uint64_t held;
    if (!twin_watch_see(intake->twins, stream, peer)) {
        return;
    }
    intake->twin_alerts++;
    if (log_limit_allow(&intake->twin_limit, LOG_EVERY_MS, &held)) {
        char text[2 * PROTO_STREAM_SIZE + 1];
        stream_format(stream, text);
        log_error(TOPIC,
                  "two machines send the same stream with the same key (a clone?): their data "
                  "are lost to each other; give one a new key and an empty spool: agent=%s "
                  "stream=%s held_back=%" PRIu64,
                  agent, text, held);
    }
}

static void refuse_foreign(struct intake *intake, const struct link_peer *peer, const char *agent,
                           const struct stream_position *position)
{
    uint64_t held;
    intake->results[INTAKE_FOREIGN]++;
    if (log_limit_allow(&intake->foreign_limit, FOREIGN_LOG_EVERY_MS, &held)) {
        char text[2 * PROTO_STREAM_SIZE + 1];
        const char *owner = journal_stream_agent(intake->journal, position->stream);
        stream_format(position->stream, text);
        log_error(TOPIC,
                  "an agent sends another agent's stream (was a spool copied?); give it an empty "
                  "spool: agent=%s owner=%s stream=%s held_back=%" PRIu64,
                  agent, owner == NULL ? "" : owner, text, held);
    }
    refuse(intake, peer, position, REFUSAL_FOREIGN_STREAM, "the stream belongs to another key");
}

static void take_hello(struct intake *intake, const struct link_peer *peer, const char *agent,
                       const struct agent_message *hello)
{
    const char *owner = journal_stream_agent(intake->journal, hello->hello.stream);
    intake->hellos++;
    if (owner != NULL && strcmp(owner, agent) != 0) {
        refuse_foreign(intake, peer, agent, &hello->hello);
        return;
    }
    watch_for_twins(intake, peer, agent, hello->hello.stream);
    log_debug(TOPIC, "hello agent=%s version=%s epoch=%" PRIu64, agent, hello->version,
              hello->hello.epoch);
    wait_for_sync(intake, peer, &hello->hello, false);
}

/* The name of a batch without a readable position says what is in it, so that the same one sent
 * again is the same letter. */
static void letter_name(const struct stream_position *position, const uint8_t *batch, size_t size,
                        char name[NAME_SIZE])
{
    char text[2 * KEYS_HASH_SIZE + 1];
    if (position->sequence != 0) {
        stream_format(position->stream, text);
        (void)snprintf(name, NAME_SIZE, "%.32s-%016" PRIx64 "-%016" PRIx64, text, position->epoch,
                       position->sequence);
        return;
    }
    uint8_t hash[KEYS_HASH_SIZE];
    keys_hash(batch, size, hash);
    stream_format(hash, text); /* the first half of it is plenty */
    (void)snprintf(name, NAME_SIZE, "unreadable-%.32s", text);
}

/* A batch that does not decode, now or ever: kept for people, and passed over. */
static void take_poison(struct intake *intake, const struct link_peer *peer, const char *agent,
                        const struct stream_position *position, const uint8_t *batch, size_t size,
                        const char *reason)
{
    char name[NAME_SIZE];
    uint64_t held;
    letter_name(position, batch, size, name);
    int rc = dead_letter_save(intake->letters, name, batch, size);
    if (rc != 0) {
        /* Refused as malformed its sender would drop it: the only copy there is. */
        refuse_for_room(intake, peer, agent, position, strerror(-rc));
        return;
    }
    intake->results[INTAKE_MALFORMED]++;
    if (log_limit_allow(&intake->malformed_limit, LOG_EVERY_MS, &held)) {
        log_error(TOPIC,
                  "a batch does not decode, its data are lost but for the file: agent=%s "
                  "file=%s/%s.batch held_back=%" PRIu64 ": %s",
                  agent, intake->options.dead_letter_directory, name, held, reason);
    }
    refuse(intake, peer, position, REFUSAL_MALFORMED, reason);
}

static void take_verdict(struct intake *intake, const struct link_peer *peer, const char *agent,
                         const struct stream_position *position, size_t size,
                         enum journal_verdict verdict)
{
    switch (verdict) {
    case JOURNAL_APPENDED:
        intake->results[INTAKE_APPENDED]++;
        break;
    case JOURNAL_JUMPED:
        intake->results[INTAKE_JUMPED]++;
        log_warn(TOPIC,
                 "batches before this one were lost by their sender: agent=%s epoch=%" PRIu64
                 " sequence=%" PRIu64,
                 agent, position->epoch, position->sequence);
        break;
    case JOURNAL_DUPLICATE:
        intake->results[INTAKE_DUPLICATE]++;
        break;
    case JOURNAL_OUT_OF_TURN:
        intake->results[INTAKE_OUT_OF_TURN]++;
        break;
    case JOURNAL_FOREIGN:
        refuse_foreign(intake, peer, agent, position);
        return;
    }
    bool appended = verdict == JOURNAL_APPENDED || verdict == JOURNAL_JUMPED;
    intake->batch_bytes += appended ? size : 0;
    watch_for_twins(intake, peer, agent, position->stream);
    wait_for_sync(intake, peer, position, appended);
}

static void take_batch(struct intake *intake, const struct link_peer *peer, const char *agent,
                       const struct agent_message *message)
{
    char reason[REASON_SIZE] = "";
    struct stream_position position;
    if (batch_peek_position(message->batch, message->batch_size, &position) != 0) {
        position = (struct stream_position){0};
        take_poison(intake, peer, agent, &position, message->batch, message->batch_size,
                    "it has no position in a stream");
        return;
    }
    struct batch *batch =
        batch_decode(BATCH_WIRE, message->batch, message->batch_size, reason, sizeof reason);
    if (batch == NULL) {
        take_poison(intake, peer, agent, &position, message->batch, message->batch_size, reason);
        return;
    }
    batch_free(batch);
    const char *lack = lacks_room(intake);
    if (lack != NULL) {
        refuse_for_room(intake, peer, agent, &position, lack);
        return;
    }
    enum journal_verdict verdict;
    int rc = journal_append(intake->journal, agent, clock_wall(), &position,
                            message->first_sequence, message->batch, message->batch_size, &verdict);
    if (rc != 0) {
        refuse_for_room(intake, peer, agent, &position, strerror(-rc));
        return;
    }
    take_verdict(intake, peer, agent, &position, message->batch_size, verdict);
}

void intake_take_message(void *context, const struct link_peer *peer, const char *agent,
                         const uint8_t *bytes, size_t size)
{
    struct intake *intake = context;
    struct agent_message message;
    struct clock_reading now = clock_read();
    int rc = agent_message_decode(bytes, size, &message);
    intake->came = now.mono;
    intake->exchange = (struct exchange){.sent_ns = rc == 0 ? message.sent_ns : 0,
                                         .received_us = now.wall_ns / NS_PER_US};
    if (rc != 0) {
        const struct stream_position nowhere = {0};
        take_poison(intake, peer, agent, &nowhere, bytes, size, "it is not a message of an agent");
        return;
    }
    switch (message.type) {
    case AGENT_HELLO:
        take_hello(intake, peer, agent, &message);
        break;
    case AGENT_BATCH:
        take_batch(intake, peer, agent, &message);
        break;
    }
}
