/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The room from inside: checks.c starts, stops and exchanges checks, turn.c is one turn of one.
 *
 * Threads: the loop's thread. */
#ifndef CHECKS_ROOM_H
#define CHECKS_ROOM_H

#include "check_type.h"
#include "checks/checks.h"
#include "checks/condition.h"
#include "confirm.h"
#include "resolve.h"
#include "sample/schedule.h"

#include <netinet/in.h>

enum { OUTCOMES = OUTCOME_UNKNOWN + 1 };

/* A type with what its checks share. */
struct type_room {
    const struct check_type *type;
    void *shared;
    bool is_open; /* shared is NULL where nothing is shared */
};

struct check {
    struct checks *checks;
    const struct check_config *config; /* &own */
    struct check_config own;           /* the item's texts, and a place that stays at a reload */
    struct check_config *item;
    const struct check_facts *facts;
    const struct type_room *room;
    void *prepared;
    struct condition *down_unless; /* as many as the configuration has */
    struct condition *degraded_unless;
    struct confirm confirm;
    uint32_t number;
    struct schedule_task *task;
    uv_timer_t timer; /* the resolver's time */
    char *device;
    char *host; /* NULL: asks nobody */
    uint16_t port;
    bool is_literal;             /* the host is an address */
    struct sockaddr_in6 literal; /* or a sockaddr_in */
    struct wall started;
    struct mono started_mono;
    struct mono deadline;
    double resolved_s;
    struct resolve *resolve;
    void *probe;
    bool is_running;
};

struct checks {
    uv_loop_t *loop;
    const struct sample_sink *sink;
    char *device;
    size_t n_rooms;
    struct type_room *rooms;
    size_t n_checks;
    struct check **checks;
    uint64_t results[OUTCOMES];
    uint64_t missed; /* turns that found the one before still running, and those of stopped tasks */
};

/* For schedule_start: asks, judges what comes, and delivers a row and a result. */
void turn_begin(void *context, struct wall due);

#endif
