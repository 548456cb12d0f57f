/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "link_support.h"

#include "common/xalloc.h"
#include "journal/journal.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BEAT_MS = 5, CONTENTS_MAX = 4096 };

static void on_beat(uv_timer_t *beat)
{
    (void)beat; /* waking up is all it does */
}

int place_set_up(void **state)
{
    struct place *place = xcalloc(1, sizeof *place);
    bad_disk = (struct bad_disk){0};
    assert_int_equal(keys_init(), 0);
    place->folder = make_folder();
    place->journal = xasprintf("%s/journal", place->folder);
    place->letters = xasprintf("%s/dead-letter", place->folder);
    place->control = xasprintf("%s/intake.sock", place->folder);
    place->server_keys = keys_generate();
    for (size_t i = 0; i < 2; i++) {
        place->agent_keys[i] = keys_generate();
        place->agents[i].name = i == 0 ? "a" : "b";
        assert_int_equal(keys_parse_curve_public(keys_curve_public(place->agent_keys[i]),
                                                 place->agents[i].curve_public),
                         0);
    }
    place->options = (struct intake_options){.endpoint = "tcp://127.0.0.1:0",
                                             .keys = place->server_keys,
                                             .agents = place->agents,
                                             .n_agents = 2,
                                             .journal_directory = place->journal,
                                             .dead_letter_directory = place->letters,
                                             .control_path = place->control,
                                             .segment_bytes = 1024 * 1024};
    assert_int_equal(uv_loop_init(&place->loop), 0);
    assert_int_equal(uv_timer_init(&place->loop, &place->beat), 0);
    assert_int_equal(uv_timer_start(&place->beat, on_beat, BEAT_MS, BEAT_MS), 0);
    uv_unref((uv_handle_t *)&place->beat);
    place_open(place);
    *state = place;
    return 0;
}

int place_tear_down(void **state)
{
    struct place *place = *state;
    bad_disk = (struct bad_disk){0};
    place_close(place);
    uv_close((uv_handle_t *)&place->beat, NULL);
    assert_int_equal(uv_run(&place->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&place->loop), 0);
    keys_free(place->agent_keys[0]);
    keys_free(place->agent_keys[1]);
    keys_free(place->server_keys);
    free(place->control);
    free(place->letters);
    free(place->journal);
    remove_folder(place->folder);
    free(place);
    return 0;
}

void place_open(struct place *place)
{
    char reason[256] = "";
    if (intake_open(&place->intake, &place->loop, &place->options, reason, sizeof reason) != 0) {
        fail_msg("intake_open: %s", reason);
    }
}

void place_close(struct place *place)
{
    intake_close(place->intake);
    place->intake = NULL;
}

double place_figure(struct place *place, const char *name, const char *label)
{
    struct stats stats = {0};
    double value = -1;
    intake_stats(place->intake, &stats);
    for (size_t i = 0; i < stats.count; i++) {
        const struct stat_value *stat = &stats.values[i];
        if (strcmp(stat->name, name) == 0 &&
            (label == NULL || strcmp(label, stat->label_value) == 0)) {
            value = stat->value;
        }
    }
    stats_clear(&stats);
    assert_true(value >= 0); /* there is such a figure */
    return value;
}

char *place_contents(const struct place *place, uint8_t stream)
{
    char *text = xcalloc(1, CONTENTS_MAX);
    struct journal_reader *reader;
    struct journal_record record;
    struct seglog_position position;
    struct seglog_position next = {0, 0};
    size_t used = 0;
    int rc;
    assert_int_equal(journal_reader_open(&reader, place->journal, next), 0);
    while ((rc = journal_reader_next(reader, &record, &position, &next)) == 1) {
        struct stream_position at;
        assert_int_equal(batch_peek_position(record.batch, record.batch_size, &at), 0);
        if (at.stream[0] == stream && used < CONTENTS_MAX) {
            used += (size_t)snprintf(text + used, CONTENTS_MAX - used, "%s%llu/%llu",
                                     used == 0 ? "" : " ", (unsigned long long)at.epoch,
                                     (unsigned long long)at.sequence);
        }
    }
    assert_int_equal(rc, 0);
    journal_reader_close(reader);
    return text;
}

/* --- an agent --- */

static void on_message(void *context, const uint8_t *bytes, size_t size)
{
    struct client *client = context;
    assert_true(client->n_answers < ANSWERS_MAX);
    assert_int_equal(collector_message_decode(bytes, size, &client->answers[client->n_answers]), 0);
    client->n_answers++;
}

static void on_state(void *context, enum link_state link_state)
{
    struct client *client = context;
    client->state = link_state;
}

static void on_writable(void *context)
{
    (void)context; /* the tests send little */
}

void client_open(struct client *client, struct place *place, const struct keys *keys)
{
    memset(client, 0, sizeof *client);
    client->place = place;
    const struct link_client_options options = {.endpoint = intake_endpoint(place->intake),
                                                .server_key = keys_curve_public(place->server_keys),
                                                .keys = keys,
                                                .on_message = on_message,
                                                .on_state = on_state,
                                                .on_writable = on_writable,
                                                .context = client};
    assert_int_equal(link_client_open(&client->link, &place->loop, &options), 0);
}

void client_connect(struct client *client, struct place *place, const struct keys *keys)
{
    client_open(client, place, keys);
    wait_until(place, client->state == LINK_UP);
}

static void send_bytes(struct client *client, uint8_t *bytes, size_t size)
{
    assert_int_equal(link_client_send(client->link, bytes, size), 0);
    free(bytes);
}

void client_hello(struct client *client, uint8_t stream, uint64_t epoch)
{
    const struct stream_position position = position_of(stream, epoch, 0);
    size_t size;
    uint8_t *bytes = agent_hello_encode(&position, "test", &size);
    send_bytes(client, bytes, agent_message_stamp(bytes, size, CLIENT_SENT_NS));
}

void client_batch_bytes(struct client *client, const uint8_t *batch, size_t size, uint64_t first)
{
    size_t message_size;
    uint8_t *bytes = agent_batch_encode(batch, size, first, &message_size);
    send_bytes(client, bytes, message_size);
}

void client_batch(struct client *client, struct stream_position position, uint64_t first)
{
    size_t size;
    uint8_t *batch = make_batch(&position, position.sequence, &size);
    client_batch_bytes(client, batch, size, first);
    free(batch);
}

const struct collector_message *client_next(struct client *client)
{
    wait_until(client->place, client->n_answers > client->n_seen);
    return &client->answers[client->n_seen++];
}

void client_expect_ack(struct client *client, uint8_t stream, uint64_t epoch, uint64_t sequence)
{
    const struct stream_position wanted = position_of(stream, epoch, sequence);
    const struct collector_message *answer = client_next(client);
    assert_int_equal(answer->type, COLLECTOR_ACK);
    assert_memory_equal(answer->position.stream, wanted.stream, sizeof wanted.stream);
    assert_int_equal(answer->position.epoch, epoch);
    assert_int_equal(answer->position.sequence, sequence);
}

const struct collector_message *client_expect_refusal(struct client *client,
                                                      enum refusal_reason reason)
{
    const struct collector_message *answer = client_next(client);
    assert_int_equal(answer->type, COLLECTOR_REFUSAL);
    assert_int_equal(answer->reason, reason);
    return answer;
}

void client_close(struct client *client)
{
    link_client_close(client->link);
}
