/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The program as a whole against a collector: samples and signed statements arrive, the chain of
 * statements holds over an orderly end and over a kill -9, wrong starts are refused with a reason.
 */
#include "support.h"

#include "proto/link.h"
#include "proto/message.h"
#include "proto/statement.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct world {
    uv_loop_t loop;
    struct link_server *server;
    struct keys *collector_keys;
    struct keys *agent_keys;
    char folder[64];
    char config[96];
    pid_t agent;
    struct stream_position last;
    struct spool_chain chain; /* of the statements, as verified */
    uint64_t n_batches;
    uint64_t n_cpu_rows;
    uint64_t n_statements;
    uint64_t n_cpu_wanted;
    bool saw_last_word; /* a statement of more than one result */
    uint32_t cpu;
    bool saw_agent;
    bool saw_snmp_down;
    bool saw_tcp_down;
};

/* --- the collector --- */

static void take_statement(struct world *world, const struct observation *observation)
{
    struct statement statement;
    assert_int_equal(statement_verify(observation->statement, observation->statement_size,
                                      observation->signature,
                                      keys_sign_public_bytes(world->agent_keys)),
                     0);
    assert_int_equal(
        statement_decode(observation->statement, observation->statement_size, &statement), 0);
    assert_int_equal(statement.number, world->chain.number + 1);
    if (statement.number > 1) {
        assert_memory_equal(statement.previous, world->chain.hash, KEYS_HASH_SIZE);
    }
    world->chain.number++;
    statement_hash(observation->statement, observation->statement_size, world->chain.hash);
    world->n_statements++;
    world->saw_last_word |= statement.results > 1;
    bool down = statement.outcome == OUTCOME_DOWN;
    world->saw_snmp_down |= down && strcmp(statement.check, "snmp") == 0;
    world->saw_tcp_down |= down && strcmp(statement.check, "tcp") == 0 &&
                           strcmp(statement.reason, "connection-refused") == 0;
}

static void take_batch(struct world *world, const struct agent_message *message)
{
    char reason[128];
    struct batch *batch =
        batch_decode(BATCH_WIRE, message->batch, message->batch_size, reason, sizeof reason);
    if (batch == NULL) {
        fail_msg("%s", reason);
    }
    bool after = stream_position_compare(&batch->position, &world->last) > 0;
    if (after && (batch->position.sequence == world->last.sequence + 1 ||
                  batch->position.sequence == message->first_sequence)) {
        if (batch->position.epoch != world->last.epoch) {
            world->cpu = 0; /* numbers begin anew */
        }
        world->last = batch->position;
        world->n_batches++;
        for (size_t i = 0; i < batch->n_definitions; i++) {
            if (strcmp(batch->definitions[i].kind, "cpu") == 0) {
                world->cpu = batch->definitions[i].number;
            }
            world->saw_agent |= strcmp(batch->definitions[i].kind, "agent") == 0;
        }
        for (size_t i = 0; i < batch->n_rows; i++) {
            world->n_cpu_rows += batch->rows[i].object == world->cpu ? 1 : 0;
        }
        for (size_t i = 0; i < batch->n_observations; i++) {
            take_statement(world, &batch->observations[i]);
        }
    }
    batch_free(batch);
}

static void on_message(void *context, const struct link_peer *peer, const char *agent,
                       const uint8_t *bytes, size_t size)
{
    struct world *world = context;
    struct agent_message message;
    struct stream_position position;
    (void)agent;
    assert_int_equal(agent_message_decode(bytes, size, &message), 0);
    if (message.type == AGENT_BATCH) {
        take_batch(world, &message);
        assert_int_equal(batch_peek_position(message.batch, message.batch_size, &position), 0);
    } else {
        position = message.hello;
    }
    struct collector_message ack = {.type = COLLECTOR_ACK, .position = world->last};
    memcpy(ack.position.stream, position.stream, sizeof position.stream);
    size_t ack_size = 0;
    uint8_t *ack_bytes = collector_message_encode(&ack, &ack_size);
    (void)link_server_send(world->server, peer, ack_bytes, ack_size);
    free(ack_bytes);
}

static const char *authorize(void *context, const uint8_t key[KEYS_CURVE_SIZE])
{
    struct world *world = context;
    uint8_t wanted[KEYS_CURVE_SIZE];
    assert_int_equal(keys_parse_curve_public(keys_curve_public(world->agent_keys), wanted), 0);
    return memcmp(key, wanted, sizeof wanted) == 0 ? "agent-1" : NULL;
}

/* --- the agent --- */

static void write_config(const struct world *world, const char *more)
{
    FILE *file = fopen(world->config, "w");
    assert_non_null(file);
    fprintf(file,
            "device: host-1\n"
            "data: data\n"
            "keys: agent.keys\n"
            "collector:\n"
            "  endpoint: %s\n"
            "  key: \"%s\"\n"
            "host:\n"
            "  interval: 1s\n"
            "statements:\n"
            "  repeat: 1h\n"
            "%s",
            link_server_endpoint(world->server), keys_curve_public(world->collector_keys), more);
    assert_int_equal(fclose(file), 0);
}

static void start_agent(struct world *world)
{
    world->agent = fork();
    assert_true(world->agent >= 0);
    if (world->agent == 0) {
        int null = open("/dev/null", O_WRONLY);
        if (getenv("AGENT_LOG") == NULL) {
            dup2(null, STDERR_FILENO);
        }
        execl(AGENT_PROGRAM, "beffroi-agent", "-c", world->config, (char *)NULL);
        _exit(127);
    }
}

static int agent_status(struct world *world)
{
    int status = 0;
    assert_int_equal(waitpid(world->agent, &status, 0), world->agent);
    world->agent = 0;
    return status;
}

static bool agent_is_gone(void *context)
{
    struct world *world = context;
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)world->agent, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == world->agent;
}

static void begin(struct world *world)
{
    char path[96];
    memset(world, 0, sizeof *world);
    assert_int_equal(keys_init(), 0);
    uv_loop_init(&world->loop);
    world->collector_keys = keys_generate();
    world->agent_keys = keys_generate();
    snprintf(world->folder, sizeof world->folder, "/tmp/beffroi-agent-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    snprintf(world->config, sizeof world->config, "%s/agent.yaml", world->folder);
    snprintf(path, sizeof path, "%s/agent.keys", world->folder);
    assert_int_equal(keys_save(world->agent_keys, path), 0);
    struct link_server_options options = {.endpoint = "tcp://127.0.0.1:0",
                                          .keys = world->collector_keys,
                                          .authorize = authorize,
                                          .on_message = on_message,
                                          .context = world};
    assert_int_equal(link_server_open(&world->server, &world->loop, &options), 0);
}

static void end(struct world *world)
{
    char command[128];
    if (world->agent > 0) {
        kill(world->agent, SIGKILL);
        agent_status(world);
    }
    link_server_close(world->server);
    finish_loop(&world->loop);
    keys_free(world->collector_keys);
    keys_free(world->agent_keys);
    snprintf(command, sizeof command, "rm -rf %s", world->folder);
    assert_int_equal(system(command), 0);
}

static bool all_seen(void *context)
{
    struct world *world = context;
    if (!world->saw_agent || !world->saw_snmp_down || !world->saw_tcp_down) {
        world->n_cpu_wanted = world->n_cpu_rows + 3; /* three seconds more */
    }
    return world->n_cpu_rows >= world->n_cpu_wanted;
}

static bool last_word_is_heard(void *context)
{
    return ((struct world *)context)->saw_last_word;
}

static void samples_and_statements_arrive_over_every_end(void **state)
{
    struct world world;
    (void)state;
    begin(&world);
    /* Nobody listens on these ports. */
    write_config(&world, "checks:\n"
                         "  - {name: tcp, type: tcp, host: 127.0.0.1, port: 1, interval: 1s, "
                         "timeout: 500ms}\n"
                         "devices:\n"
                         "  - {name: sw-1, address: \"127.0.0.1:2\", snmp: {community: public, "
                         "interval: 1s, timeout: 100ms, retries: 0}}\n");
    for (int round = 0; round < 3; round++) {
        start_agent(&world);
        world.n_cpu_rows = 0;
        world.saw_agent = world.saw_snmp_down = world.saw_tcp_down = false;
        world.n_cpu_wanted = 3;
        run_until(&world.loop, all_seen, &world, 20000);
        assert_false(
            world.saw_last_word); /* nothing changed, and nothing is repeated for an hour */
        kill(world.agent, round == 1 ? SIGKILL : SIGTERM);
        run_until(&world.loop, agent_is_gone, &world, 10000);
        int status = agent_status(&world);
        if (round != 1) {
            assert_true(WIFEXITED(status));
            assert_int_equal(WEXITSTATUS(status), 0);
            run_until(&world.loop, last_word_is_heard, &world, 5000);
            world.saw_last_word = false;
        }
    }
    print_message("batches %llu, statements %llu\n", (unsigned long long)world.n_batches,
                  (unsigned long long)world.n_statements);
    end(&world);
}

/* --- wrong starts --- */

static void assert_refused(struct world *world, const char *arguments, int wanted,
                           const char *reason)
{
    char command[512];
    char text[4096] = "";
    snprintf(command, sizeof command, "cd %s && %s %s 2>&1 >/dev/null", world->folder,
             AGENT_PROGRAM, arguments);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t size = fread(text, 1, sizeof text - 1, pipe);
    text[size] = '\0';
    int status = pclose(pipe);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != wanted || strstr(text, reason) == NULL) {
        fail_msg("%s: status %d: %s", arguments, status, text);
    }
}

static bool has_batches(void *context)
{
    return ((struct world *)context)->n_batches > 0;
}

static void wrong_starts_say_why(void **state)
{
    struct world world;
    char path[96];
    (void)state;
    begin(&world);
    assert_refused(&world, "-c missing.yaml", 1, "missing.yaml");
    assert_refused(&world, "", 2, "-c FILE");
    assert_refused(&world, "--worker snmp", 2, "no such option");
    write_config(&world, "colour: blue\n");
    assert_refused(&world, "-c agent.yaml", 1, "colour");
    snprintf(path, sizeof path, "%s/data", world.folder);
    assert_int_equal(access(path, F_OK), -1); /* nothing was started */
    write_config(&world, "");
    assert_refused(&world, "-n -c agent.yaml", 0, "");
    snprintf(path, sizeof path, "%s/agent.keys", world.folder);
    assert_int_equal(chmod(path, 0644), 0);
    assert_refused(&world, "-c agent.yaml", 1, "chmod 0400");
    assert_int_equal(unlink(path), 0);
    assert_refused(&world, "-c agent.yaml", 1, "beffroi keys new");
    assert_int_equal(keys_save(world.agent_keys, path), 0);
    start_agent(&world);
    run_until(&world.loop, has_batches, &world, 20000);
    assert_refused(&world, "-c agent.yaml", 1, "another agent runs on this folder");
    end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_and_statements_arrive_over_every_end),
        cmocka_unit_test(wrong_starts_say_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
