/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * An intake with real agents around it, over the real link, in one loop. */
#ifndef TEST_INTAKE_LINK_SUPPORT_H
#define TEST_INTAKE_LINK_SUPPORT_H

#include "intake/intake.h"
#include "proto/link.h"
#include "proto/message.h"
#include "support.h"

struct place {
    char *folder;
    char *journal;
    char *letters;
    char *control;
    uv_loop_t loop;
    uv_timer_t beat; /* so that waiting for a condition looks at it now and then */
    struct keys *server_keys;
    struct keys *agent_keys[2]; /* of "a" and "b" */
    struct intake_agent agents[2];
    struct intake_options options;
    struct intake *intake; /* NULL while it is closed */
};

int place_set_up(void **state);
int place_tear_down(void **state);
void place_open(struct place *place);
void place_close(struct place *place);
/* One of intake's figures. */
double place_figure(struct place *place, const char *name, const char *label);
/* "1/1 1/2 …": what a reader of the journal sees of a stream. Caller frees. */
char *place_contents(const struct place *place, uint8_t stream);

enum { ANSWERS_MAX = 256 };

struct client {
    struct place *place;
    struct link_client *link;
    enum link_state state;
    struct collector_message answers[ANSWERS_MAX];
    size_t n_answers;
    size_t n_seen; /* by client_next */
};

void client_open(struct client *client, struct place *place, const struct keys *keys);
/* The same, and waits until the link is up. */
void client_connect(struct client *client, struct place *place, const struct keys *keys);
enum { CLIENT_SENT_NS = 123456789 }; /* what every hello says of when it was sent */
void client_hello(struct client *client, uint8_t stream, uint64_t epoch);
void client_batch(struct client *client, struct stream_position position, uint64_t first);
void client_batch_bytes(struct client *client, const uint8_t *batch, size_t size, uint64_t first);
/* The next answer; fails the test when none comes. */
const struct collector_message *client_next(struct client *client);
void client_expect_ack(struct client *client, uint8_t stream, uint64_t epoch, uint64_t sequence);
const struct collector_message *client_expect_refusal(struct client *client,
                                                      enum refusal_reason reason);
void client_close(struct client *client);

/* Turns the loop until the condition holds; fails after some seconds. */
#define wait_until(place, condition)                                                               \
    do {                                                                                           \
        uint64_t deadline_ns = uv_hrtime() + UINT64_C(10000000000);                                \
        while (!(condition)) {                                                                     \
            (void)uv_run(&(place)->loop, UV_RUN_ONCE);                                             \
            if (uv_hrtime() > deadline_ns) {                                                       \
                fail_msg("%s does not become true", #condition);                                   \
            }                                                                                      \
        }                                                                                          \
    } while (0)

#endif
