/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Sessions under test: what each is asked, and a copy of what came of it. */
#ifndef TEST_SNMP_SESSION_RIG_H
#define TEST_SNMP_SESSION_RIG_H

#include "responder.h"
#include "session.h"

#include <uv.h>

enum { RIG_TEXT_SIZE = 128, RIG_RATE = 100000, RIG_UPTIME_TICKS = 100000 };
enum rig_version { V1, V2C, V3, VERSIONS };

struct asker {
    struct session *session;
    struct snmp_counts counts;
    struct snmp_access_config access;
    /* Of the last reply; its varbinds are the first one's only. */
    size_t n_done;
    struct reply reply;
    enum value_type type;
    uint64_t number;
    unsigned long last_id; /* of its name */
    char text[RIG_TEXT_SIZE];
    int64_t done_ns; /* clock_mono */
};

/* Of the loopback. */
void rig_address(struct sockaddr_storage *address, int family, uint16_t port);
int64_t rig_now_ns(void);

/* The asker's `access` is set already. */
void asker_open(struct asker *asker, struct engine *engine, int family, uint16_t port);
/* Names as "1.3.6.1.2.1.1.3.0", NULL at the end. */
void asker_ask(struct asker *asker, enum request_type type, unsigned repetitions, int64_t wait_ms,
               const char *const *names);
/* Until the asker has had so many replies; fails the test after 10 s. */
void asker_run(uv_loop_t *loop, const struct asker *asker, size_t n_done);
/* Asks for sysUpTime, and waits for the end. */
enum reply_status asker_get(uv_loop_t *loop, struct asker *asker, int64_t wait_ms);
uint64_t asker_count(const struct asker *asker, enum snmp_count which);

/* An engine, and one session to an agent with two ports and that uptime. */
struct rig {
    uv_loop_t loop;
    struct engine *engine;
    struct responder *responder;
    struct responder_state *agent;
    struct asker asker;
};

/* What the responder takes: community "secret", or user "watchman" without authentication. */
struct snmp_access_config rig_access(enum rig_version version);
void rig_open(struct rig *rig, enum rig_version version, int family);
void rig_close(struct rig *rig);
/* As asker_get and asker_count. */
enum reply_status rig_get(struct rig *rig, int64_t wait_ms);
uint64_t rig_count(const struct rig *rig, enum snmp_count which);
/* The last reply was the agent's uptime, whole. */
void rig_assert_answer(const struct rig *rig);

/* Runs until every handle is closed; fails the test when something stays open. */
void rig_finish(uv_loop_t *loop);

#endif
