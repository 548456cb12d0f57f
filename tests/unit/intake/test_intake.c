/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Intake as agents see it, over the real link: what is acknowledged is on disk, what is refused is
 * refused for a reason, and nobody's nonsense stops anybody else. */
#include "common/xalloc.h"
#include "control/control.h"
#include "link_support.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zmq.h>

#include <cmocka.h>

static void assert_contents(const struct place *place, uint8_t stream, const char *wanted)
{
    char *text = place_contents(place, stream);
    assert_string_equal(text, wanted);
    free(text);
}

/* --- acknowledgements --- */

/* Events of the disk (see support.h) and 'A' for every answer that intake sends. */
static char events[4096];
static size_t n_events;

static void witness(char event)
{
    if (n_events < sizeof events - 1) {
        events[n_events++] = event;
        events[n_events] = '\0';
    }
}

int __real_link_server_send(struct link_server *server, const struct link_peer *peer,
                            const uint8_t *bytes, size_t size);
int __wrap_link_server_send(struct link_server *server, const struct link_peer *peer,
                            const uint8_t *bytes, size_t size);

int __wrap_link_server_send(struct link_server *server, const struct link_peer *peer,
                            const uint8_t *bytes, size_t size)
{
    witness('A');
    return __real_link_server_send(server, peer, bytes, size);
}

static void acknowledged_is_synced(void **state)
{
    struct place *place = *state;
    struct client client;
    enum { BATCHES = 40 };
    n_events = 0;
    bad_disk.witness = witness;
    client_connect(&client, place, place->agent_keys[0]);
    for (uint64_t i = 1; i <= BATCHES; i++) {
        client_batch(&client, position_of(7, 1, i), 1);
    }
    uint64_t acknowledged = 0;
    while (acknowledged < BATCHES) {
        const struct collector_message *answer = client_next(&client);
        assert_int_equal(answer->type, COLLECTOR_ACK);
        assert_true(answer->position.sequence > acknowledged);
        acknowledged = answer->position.sequence;
    }
    bool synced = false;
    size_t answers = 0;
    size_t syncs = 0;
    for (const char *event = events; *event != '\0'; event++) {
        synced = *event == 'S' || (synced && *event != 'w');
        syncs += *event == 'S';
        answers += *event == 'A';
        if (*event == 'A' && !synced) {
            fail_msg("an answer before its sync: %s", events);
        }
    }
    assert_true(answers > 0);
    assert_true(syncs < BATCHES); /* they went in groups */
    char *text = place_contents(place, 7);
    assert_non_null(strstr(text, "1/1 1/2 1/3 "));
    assert_non_null(strstr(text, " 1/40"));
    free(text);
    client_close(&client);
}

static void hello_is_answered_with_the_last_position(void **state)
{
    struct place *place = *state;
    struct client client;
    client_connect(&client, place, place->agent_keys[0]);
    client_hello(&client, 7, 3);
    client_expect_ack(&client, 7, 0, 0);
    client_batch(&client, position_of(7, 3, 1), 1);
    client_expect_ack(&client, 7, 3, 1);
    client_hello(&client, 7, 4);
    client_expect_ack(&client, 7, 3, 1);
    client_close(&client);
    place_close(place);
    place_open(place);
    client_connect(&client, place, place->agent_keys[0]);
    client_hello(&client, 7, 5);
    client_expect_ack(&client, 7, 3, 1);
    client_close(&client);
    assert_true(place_figure(place, "beffroi_intake_hellos_total", NULL) == 1);
}

/* What an agent needs to tell how far the clocks are apart comes with every answer. */
static void answers_tell_the_time(void **state)
{
    struct place *place = *state;
    struct client client;
    client_connect(&client, place, place->agent_keys[0]);
    int64_t before_us = clock_read().wall_ns / 1000;
    client_hello(&client, 7, 1); /* says when */
    const struct collector_message *answer = client_next(&client);
    int64_t now_us = clock_read().wall_ns / 1000;
    assert_int_equal(answer->exchange.sent_ns, CLIENT_SENT_NS);
    assert_in_range(answer->exchange.received_us, before_us, now_us);
    assert_in_range(answer->exchange.held_us, 0, now_us - answer->exchange.received_us);
    client_batch(&client, position_of(7, 1, 1), 1); /* does not */
    answer = client_next(&client);
    assert_true(answer->exchange.sent_ns == 0);
    client_close(&client);
    client_connect(&client, place, place->agent_keys[1]);
    client_hello(&client, 7, 1); /* another's stream: a refusal tells it too */
    answer = client_expect_refusal(&client, REFUSAL_FOREIGN_STREAM);
    assert_int_equal(answer->exchange.sent_ns, CLIENT_SENT_NS);
    client_close(&client);
}

static void repeated_and_lost_batches(void **state)
{
    struct place *place = *state;
    struct client client;
    client_connect(&client, place, place->agent_keys[0]);
    client_batch(&client, position_of(7, 1, 1), 1);
    client_expect_ack(&client, 7, 1, 1);
    client_batch(&client, position_of(7, 1, 1), 1); /* the ACK was lost */
    client_expect_ack(&client, 7, 1, 1);
    client_batch(&client, position_of(7, 1, 3), 2); /* 2 was lost on the way */
    client_expect_ack(&client, 7, 1, 1);
    client_batch(&client, position_of(7, 1, 2), 2);
    client_expect_ack(&client, 7, 1, 2);
    client_batch(&client, position_of(7, 1, 9), 9); /* its spool was full */
    client_expect_ack(&client, 7, 1, 9);
    assert_contents(place, 7, "1/1 1/2 1/9");
    static const struct {
        const char *result;
        double count;
    } wanted[] = {{"appended", 2}, {"duplicate", 1}, {"out-of-turn", 1}, {"jumped", 1},
                  {"foreign", 0},  {"malformed", 0}, {"no-room", 0}};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        assert_true(place_figure(place, "beffroi_intake_batches_total", wanted[i].result) ==
                    wanted[i].count);
    }
    client_close(&client);
}

/* --- poison --- */

static size_t count_letters(const struct place *place, const char *part)
{
    size_t count = 0;
    DIR *folder = opendir(place->letters);
    assert_non_null(folder);
    for (const struct dirent *item = readdir(folder); item != NULL; item = readdir(folder)) {
        count += strstr(item->d_name, part) != NULL;
    }
    closedir(folder);
    return count;
}

/* A batch with a good position, and a definition without a number or a name. */
static uint8_t *make_poison(uint64_t sequence, size_t *size)
{
    static const uint8_t definition[] = {0x2a, 0x02, 0x08, 0x00};
    const struct stream_position position = position_of(7, 1, sequence);
    size_t batch_size;
    uint8_t *batch = make_batch(&position, 1, &batch_size);
    *size = batch_size + sizeof definition;
    batch = xrealloc(batch, *size);
    memcpy(batch + batch_size, definition, sizeof definition);
    return batch;
}

static void poison_is_kept_and_passed(void **state)
{
    struct place *place = *state;
    struct client client;
    size_t size;
    client_connect(&client, place, place->agent_keys[0]);
    client_batch(&client, position_of(7, 1, 1), 1);
    client_expect_ack(&client, 7, 1, 1);
    uint8_t *poison = make_poison(2, &size);
    for (int i = 0; i < 2; i++) { /* also when the refusal is lost and it comes again */
        client_batch_bytes(&client, poison, size, 2);
        const struct collector_message *answer = client_expect_refusal(&client, REFUSAL_MALFORMED);
        assert_int_equal(answer->position.epoch, 1);
        assert_int_equal(answer->position.sequence, 2);
        assert_int_equal(answer->position.stream[0], 7);
        assert_true(answer->text[0] != '\0');
    }
    char *path = xasprintf("%s/%s-0000000000000001-0000000000000002.batch", place->letters,
                           "07070707070707070707070707070707");
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    uint8_t kept[512];
    assert_int_equal(fread(kept, 1, sizeof kept, file), size);
    assert_memory_equal(kept, poison, size);
    (void)fclose(file);
    free(path);
    free(poison);
    assert_int_equal(count_letters(place, ".batch"), 1);
    client_batch(&client, position_of(7, 1, 3), 3);
    client_expect_ack(&client, 7, 1, 3);
    assert_contents(place, 7, "1/1 1/3");
    assert_true(place_figure(place, "beffroi_intake_dead_letters", NULL) == 1);
    assert_true(place_figure(place, "beffroi_intake_batches_total", "malformed") == 2);
    client_close(&client);
}

static void nonsense_is_refused_without_a_position(void **state)
{
    struct place *place = *state;
    struct client client;
    static const uint8_t nowhere[PROTO_STREAM_SIZE];
    client_connect(&client, place, place->agent_keys[0]);
    client_batch_bytes(&client, (const uint8_t *)"nonsense", 8, 1);
    assert_int_equal(link_client_send(client.link, (const uint8_t *)"?", 1), 0);
    for (int i = 0; i < 2; i++) {
        const struct collector_message *answer = client_expect_refusal(&client, REFUSAL_MALFORMED);
        assert_int_equal(answer->position.sequence, 0);
        assert_memory_equal(answer->position.stream, nowhere, sizeof nowhere);
    }
    assert_int_equal(count_letters(place, "unreadable-"), 2);
    client_batch(&client, position_of(7, 1, 1), 1);
    client_expect_ack(&client, 7, 1, 1);
    client_close(&client);
}

/* --- who may not --- */

static void unknown_key_stays_outside(void **state)
{
    struct place *place = *state;
    struct client stranger;
    struct client client;
    struct keys *keys = keys_generate();
    client_open(&stranger, place, keys);
    wait_until(place, stranger.state == LINK_REFUSED);
    client_connect(&client, place, place->agent_keys[1]);
    client_batch(&client, position_of(8, 1, 1), 1);
    client_expect_ack(&client, 8, 1, 1);
    assert_true(place_figure(place, "beffroi_intake_refused_key_total", NULL) >= 1);
    assert_true(place_figure(place, "beffroi_intake_connections_total", NULL) == 1);
    assert_int_equal(stranger.n_answers, 0);
    client_close(&stranger);
    client_close(&client);
    (void)uv_run(&place->loop, UV_RUN_NOWAIT);
    keys_free(keys);
}

static void foreign_stream_is_refused(void **state)
{
    struct place *place = *state;
    struct client owner;
    struct client other;
    client_connect(&owner, place, place->agent_keys[0]);
    client_connect(&other, place, place->agent_keys[1]);
    client_batch(&owner, position_of(7, 1, 1), 1);
    client_expect_ack(&owner, 7, 1, 1);
    client_hello(&other, 7, 2);
    assert_int_equal(client_expect_refusal(&other, REFUSAL_FOREIGN_STREAM)->position.epoch, 2);
    client_batch(&other, position_of(7, 2, 2), 2);
    assert_int_equal(client_expect_refusal(&other, REFUSAL_FOREIGN_STREAM)->position.sequence, 2);
    client_batch(&owner, position_of(7, 1, 2), 2);
    client_expect_ack(&owner, 7, 1, 2);
    assert_contents(place, 7, "1/1 1/2");
    assert_true(place_figure(place, "beffroi_intake_batches_total", "foreign") == 2);
    client_close(&owner);
    client_close(&other);
}

static void twins_raise_an_alarm(void **state)
{
    struct place *place = *state;
    struct client twins[2];
    client_connect(&twins[0], place, place->agent_keys[0]);
    for (int i = 0; i < 10; i++) { /* one alone, also after a reconnection, is no twin */
        client_hello(&twins[0], 7, 1);
        client_expect_ack(&twins[0], 7, 0, 0);
    }
    client_connect(&twins[1], place, place->agent_keys[0]);
    for (int i = 0; i < 18; i++) {
        client_hello(&twins[1 - i % 2], 7, 1);
        client_expect_ack(&twins[1 - i % 2], 7, 0, 0);
    }
    assert_true(place_figure(place, "beffroi_intake_twin_alerts_total", NULL) == 0);
    for (int i = 0; i < 4; i++) {
        client_hello(&twins[1 - i % 2], 7, 1);
        client_expect_ack(&twins[1 - i % 2], 7, 0, 0);
    }
    assert_true(place_figure(place, "beffroi_intake_twin_alerts_total", NULL) == 1);
    client_close(&twins[0]);
    client_close(&twins[1]);
}

/* --- frames that no agent sends --- */

struct raw {
    void *context;
    void *socket;
};

static struct raw raw_open(struct place *place)
{
    struct raw raw = {.context = zmq_ctx_new()};
    int zero = 0;
    const struct keys *keys = place->agent_keys[1];
    assert_non_null(raw.context);
    raw.socket = zmq_socket(raw.context, ZMQ_DEALER);
    assert_non_null(raw.socket);
    (void)zmq_setsockopt(raw.socket, ZMQ_LINGER, &zero, sizeof zero);
    (void)zmq_setsockopt(raw.socket, ZMQ_CURVE_SERVERKEY, keys_curve_public(place->server_keys),
                         KEYS_CURVE_TEXT_SIZE);
    (void)zmq_setsockopt(raw.socket, ZMQ_CURVE_PUBLICKEY, keys_curve_public(keys),
                         KEYS_CURVE_TEXT_SIZE);
    (void)zmq_setsockopt(raw.socket, ZMQ_CURVE_SECRETKEY, keys_curve_secret(keys),
                         KEYS_CURVE_TEXT_SIZE);
    assert_int_equal(zmq_connect(raw.socket, intake_endpoint(place->intake)), 0);
    return raw;
}

static void raw_close(struct raw raw)
{
    (void)zmq_close(raw.socket);
    (void)zmq_ctx_term(raw.context);
}

static void strange_frames_are_counted(void **state)
{
    struct place *place = *state;
    struct client client;
    struct raw raw = raw_open(place);
    assert_int_equal(zmq_send(raw.socket, "", 0, 0), 0);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(zmq_send(raw.socket, "x", 1, i < 49 ? ZMQ_SNDMORE : 0), 1);
    }
    wait_until(place, place_figure(place, "beffroi_intake_bad_frames_total", NULL) == 2);
    /* One byte over the limit: the connection is cut, and what is claimed is not allocated. */
    uint8_t *large = xcalloc(1, PROTO_MESSAGE_MAX + 1);
    (void)zmq_send(raw.socket, large, PROTO_MESSAGE_MAX + 1, 0);
    free(large);
    client_connect(&client, place, place->agent_keys[0]);
    client_batch(&client, position_of(7, 1, 1), 1);
    client_expect_ack(&client, 7, 1, 1);
    assert_true(place_figure(place, "beffroi_intake_messages_total", NULL) == 1);
    raw_close(raw);
    client_close(&client);
}

/* --- a disk that is full --- */

static void refused_until_it_recovers(struct place *place, struct client *client, uint64_t sequence)
{
    for (int i = 0; i < 3; i++) {
        client_batch(client, position_of(7, 1, sequence), sequence);
        const struct collector_message *answer = client_expect_refusal(client, REFUSAL_NO_ROOM);
        assert_int_equal(answer->position.sequence, sequence);
        assert_true(place_figure(place, "beffroi_intake_failing", NULL) == 1);
    }
    bad_disk = (struct bad_disk){0};
    client_batch(client, position_of(7, 1, sequence), sequence);
    client_expect_ack(client, 7, 1, sequence);
    assert_true(place_figure(place, "beffroi_intake_failing", NULL) == 0);
}

static void full_disk_refuses_and_recovers(void **state)
{
    struct place *place = *state;
    struct client client;
    place_close(place);
    place->options.reserve_bytes = 1000000;
    place_open(place);
    client_connect(&client, place, place->agent_keys[0]);
    assert_true(place_figure(place, "beffroi_intake_failing", NULL) == 0);
    bad_disk.pwritev_errno = ENOSPC;
    refused_until_it_recovers(place, &client, 1);
    bad_disk.pwritev_errno = EIO;
    refused_until_it_recovers(place, &client, 2);
    bad_disk.fdatasync_errno = EIO;
    refused_until_it_recovers(place, &client, 3);
    bad_disk.free_bytes = 999999;
    refused_until_it_recovers(place, &client, 4);
    bad_disk.free_bytes = 1000000; /* just enough */
    client_batch(&client, position_of(7, 1, 5), 5);
    client_expect_ack(&client, 7, 1, 5);
    assert_contents(place, 7, "1/1 1/2 1/3 1/4 1/5");
    assert_true(place_figure(place, "beffroi_intake_batches_total", "no-room") == 12);
    assert_true(place_figure(place, "beffroi_intake_sync_failures_total", NULL) >= 1);
    client_close(&client);
}

/* A poison that cannot be kept is not taken from its sender. */
static void poison_without_room_stays_with_its_sender(void **state)
{
    struct place *place = *state;
    struct client client;
    size_t size;
    uint8_t *poison = make_poison(1, &size);
    client_connect(&client, place, place->agent_keys[0]);
    assert_int_equal(rmdir(place->letters), 0);
    client_batch_bytes(&client, poison, size, 1);
    (void)client_expect_refusal(&client, REFUSAL_NO_ROOM);
    free(poison);
    client_close(&client);
}

/* --- control --- */

struct question {
    const char *path;
    json_t *request;
    json_t *response;
    int rc;
    bool done; /* written before the async, read after it */
    uv_async_t *async;
};

static void ask_in_thread(void *argument)
{
    struct question *question = argument;
    question->rc = control_ask(question->path, question->request, 10000, &question->response);
    uv_async_send(question->async);
}

static void on_answered(uv_async_t *async)
{
    struct question *question = async->data;
    question->done = true;
    uv_close((uv_handle_t *)async, NULL);
}

/* Asks as another process would, while the loop turns; takes the request. */
static json_t *ask(struct place *place, json_t *request)
{
    uv_async_t async;
    uv_thread_t thread;
    struct question question = {.path = place->control, .request = request, .async = &async};
    async.data = &question;
    assert_int_equal(uv_async_init(&place->loop, &async, on_answered), 0);
    assert_int_equal(uv_thread_create(&thread, ask_in_thread, &question), 0);
    wait_until(place, question.done);
    (void)uv_run(&place->loop, UV_RUN_NOWAIT); /* the handle's end */
    uv_thread_join(&thread);
    json_decref(request);
    assert_int_equal(question.rc, 0);
    return question.response;
}

static void other_parts_may_ask(void **state)
{
    struct place *place = *state;
    struct client client;
    struct stats stats = {0};
    client_connect(&client, place, place->agent_keys[0]);
    client_batch(&client, position_of(7, 1, 1), 1);
    client_expect_ack(&client, 7, 1, 1);
    json_t *response = ask(place, json_pack("{s:s}", "request", "stats"));
    assert_int_equal(control_stats_decode(response, &stats), 0);
    assert_true(stats.count > 15);
    stats_clear(&stats);
    json_decref(response);

    static const struct {
        const char *request;
        const char *key;
    } trims[] = {
        {"{\"request\":\"trim\",\"segment\":1,\"offset\":17}", "journal_bytes"},
        {"{\"request\":\"trim\",\"segment\":99,\"offset\":0}", "error"},
        {"{\"request\":\"trim\",\"segment\":-1,\"offset\":0}", "error"},
        {"{\"request\":\"trim\",\"segment\":\"1\",\"offset\":0}", "error"},
        {"{\"request\":\"trim\"}", "error"},
        {"{\"request\":\"dance\"}", "error"},
        {"{\"request\":7}", "error"},
        {"{}", "error"},
    };
    for (size_t i = 0; i < sizeof trims / sizeof trims[0]; i++) {
        response = ask(place, json_loads(trims[i].request, 0, NULL));
        assert_int_equal(json_object_size(response), 1);
        assert_non_null(json_object_get(response, trims[i].key));
        json_decref(response);
    }
    assert_contents(place, 7, "1/1");
    client_close(&client);
}

/* --- opening --- */

static void opening_fails_with_a_reason(void **state)
{
    struct place *place = *state;
    struct intake *second = NULL;
    char reason[256] = "";
    assert_int_equal(intake_open(&second, &place->loop, &place->options, reason, sizeof reason),
                     -EBUSY);
    assert_non_null(strstr(reason, "another process"));
    struct intake_options options = place->options;
    options.journal_directory = place->folder; /* free */
    assert_int_equal(intake_open(&second, &place->loop, &options, reason, sizeof reason),
                     -EADDRINUSE);
    assert_non_null(strstr(reason, place->control));
    char *control = xasprintf("%s.2", place->control);
    char *endpoint = xstrdup(intake_endpoint(place->intake));
    options.control_path = control;
    options.endpoint = endpoint;
    assert_int_equal(intake_open(&second, &place->loop, &options, reason, sizeof reason),
                     -EADDRINUSE);
    assert_non_null(strstr(reason, endpoint));
    free(endpoint);
    free(control);
}

int main(void)
{
    (void)signal(SIGPIPE, SIG_IGN);
#define AT_PLACE(name) cmocka_unit_test_setup_teardown(name, place_set_up, place_tear_down)
    const struct CMUnitTest tests[] = {
        AT_PLACE(acknowledged_is_synced),
        AT_PLACE(answers_tell_the_time),
        AT_PLACE(hello_is_answered_with_the_last_position),
        AT_PLACE(repeated_and_lost_batches),
        AT_PLACE(poison_is_kept_and_passed),
        AT_PLACE(nonsense_is_refused_without_a_position),
        AT_PLACE(unknown_key_stays_outside),
        AT_PLACE(foreign_stream_is_refused),
        AT_PLACE(twins_raise_an_alarm),
        AT_PLACE(strange_frames_are_counted),
        AT_PLACE(full_disk_refuses_and_recovers),
        AT_PLACE(poison_without_room_stays_with_its_sender),
        AT_PLACE(other_parts_may_ask),
        AT_PLACE(opening_fails_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
