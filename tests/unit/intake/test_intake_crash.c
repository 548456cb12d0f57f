/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Intake killed with -9 at every step between a batch's arrival and its acknowledgement: started
 * again and sent again, each batch is in the journal exactly once. */
#include "link_support.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { BATCHES = 2, STEPS = 40 };

/* The child dies at its n-th step: a write or a sync of the disk, before or after it, or an answer
 * that is about to be sent. */
static int steps_to_live;

static void step(char event)
{
    (void)event; /* each of them counts */
    if (steps_to_live > 0 && --steps_to_live == 0) {
        (void)kill(getpid(), SIGKILL);
    }
}

int __real_link_server_send(struct link_server *server, const struct link_peer *peer,
                            const uint8_t *bytes, size_t size);
int __wrap_link_server_send(struct link_server *server, const struct link_peer *peer,
                            const uint8_t *bytes, size_t size);

int __wrap_link_server_send(struct link_server *server, const struct link_peer *peer,
                            const uint8_t *bytes, size_t size)
{
    step('A');
    return __real_link_server_send(server, peer, bytes, size);
}

/* Sends BATCHES one after the other and writes what is acknowledged into the pipe. */
static void deliver(struct place *place, int pipe_fd)
{
    struct client client;
    client_connect(&client, place, place->agent_keys[0]);
    for (uint64_t i = 1; i <= BATCHES; i++) {
        client_batch(&client, position_of(7, 1, i), i);
        const struct collector_message *answer = client_next(&client);
        if (answer->type != COLLECTOR_ACK || answer->position.sequence != i ||
            write(pipe_fd, &i, sizeof i) != (ssize_t)sizeof i) {
            _exit(1);
        }
    }
    client_close(&client);
}

/* True when the child was killed; `*acknowledged` is the last batch that its agent heard of. */
static bool run_child(struct place *place, int steps, uint64_t *acknowledged)
{
    int ends[2];
    int status;
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        steps_to_live = steps;
        bad_disk.witness = step;
        place_open(place);
        deliver(place, ends[1]);
        _exit(0);
    }
    close(ends[1]);
    uint64_t sequence;
    *acknowledged = 0;
    while (read(ends[0], &sequence, sizeof sequence) == (ssize_t)sizeof sequence) {
        *acknowledged = sequence;
    }
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    assert_true(killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    return killed;
}

/* One life that ends early, and one that puts things right. */
static bool try_steps(int steps)
{
    void *state;
    assert_int_equal(place_set_up(&state), 0);
    struct place *place = state;
    place_close(place); /* the child opens it in a process of its own */
    (void)uv_run(&place->loop, UV_RUN_NOWAIT);
    uint64_t acknowledged;
    bool killed = run_child(place, steps, &acknowledged);

    struct client client;
    place_open(place);
    client_connect(&client, place, place->agent_keys[0]);
    client_hello(&client, 7, 1);
    uint64_t known = client_next(&client)->position.sequence;
    assert_true(known >= acknowledged); /* what was acknowledged is there */
    for (uint64_t i = acknowledged + 1; i <= BATCHES; i++) {
        client_batch(&client, position_of(7, 1, i), acknowledged + 1);
        client_expect_ack(&client, 7, 1, i > known ? i : known);
    }
    char *text = place_contents(place, 7);
    assert_string_equal(text, "1/1 1/2");
    free(text);
    client_close(&client);
    assert_int_equal(place_tear_down(&state), 0);
    return killed;
}

static void killed_at_every_step(void **state)
{
    (void)state; /* each life has a place of its own */
    int steps = 1;
    while (steps <= STEPS && try_steps(steps)) {
        steps++;
    }
    print_message("killed at %d steps\n", steps - 1);
    assert_in_range(steps, BATCHES * 5, STEPS); /* every batch: w W s S A, and the segment's own */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(killed_at_every_step)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
