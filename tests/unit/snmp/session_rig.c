/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session_rig.h"

#include "common/clock.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LIMIT_S = 10, IDS_MAX = 32 };

int64_t rig_now_ns(void)
{
    return clock_mono().ns;
}

void rig_address(struct sockaddr_storage *address, int family, uint16_t port)
{
    memset(address, 0, sizeof *address);
    if (family == AF_INET6) {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
        *v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
        v6->sin6_addr = in6addr_loopback;
    } else {
        struct sockaddr_in *v4 = (struct sockaddr_in *)address;
        *v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
        v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    }
}

void asker_open(struct asker *asker, struct engine *engine, int family, uint16_t port)
{
    struct sockaddr_storage address;
    rig_address(&address, family, port);
    asker->session = session_open(engine, &address, &asker->access, &asker->counts);
    assert_non_null(asker->session);
}

static void on_done(void *context, const struct reply *reply)
{
    struct asker *asker = context;
    asker->n_done++;
    asker->reply = *reply;
    asker->done_ns = rig_now_ns();
    asker->text[0] = '\0';
    if (reply->n_varbinds > 0) {
        const struct varbind *first = &reply->varbinds[0];
        size_t size = first->n_bytes < RIG_TEXT_SIZE ? first->n_bytes : RIG_TEXT_SIZE - 1;
        asker->type = first->type;
        asker->number = first->number;
        asker->last_id = first->name.n > 0 ? first->name.ids[first->name.n - 1] : 0;
        if (size > 0) {
            memcpy(asker->text, first->bytes, size);
        }
        asker->text[size] = '\0';
    }
    asker->reply.varbinds = NULL;
}

static size_t parse_name(const char *text, unsigned long ids[IDS_MAX])
{
    size_t n = 0;
    while (*text != '\0') {
        char *end;
        assert_true(n < IDS_MAX);
        ids[n++] = strtoul(text, &end, 10);
        text = *end == '.' ? end + 1 : end;
    }
    return n;
}

void asker_ask(struct asker *asker, enum request_type type, unsigned repetitions, int64_t wait_ms,
               const char *const *names)
{
    unsigned long ids[REQUEST_NAMES_MAX][IDS_MAX];
    struct request request = {.type = type, .repetitions = repetitions};
    for (; names[request.n_names] != NULL; request.n_names++) {
        size_t i = request.n_names;
        assert_true(i < REQUEST_NAMES_MAX);
        request.names[i] = (struct oid_view){ids[i], parse_name(names[i], ids[i])};
    }
    session_ask(asker->session, &request, wait_ms, on_done, asker);
    memset(ids, 0xee, sizeof ids); /* it was copied */
}

void asker_run(uv_loop_t *loop, const struct asker *asker, size_t n_done)
{
    int64_t end_ns = rig_now_ns() + LIMIT_S * (int64_t)1000000000;
    while (asker->n_done < n_done) {
        assert_true(rig_now_ns() < end_ns);
        assert_true(uv_run(loop, UV_RUN_ONCE) != 0);
    }
}

enum reply_status asker_get(uv_loop_t *loop, struct asker *asker, int64_t wait_ms)
{
    static const char *const uptime[] = {"1.3.6.1.2.1.1.3.0", NULL};
    asker_ask(asker, REQUEST_GET, 0, wait_ms, uptime);
    asker_run(loop, asker, asker->n_done + 1);
    return asker->reply.status;
}

uint64_t asker_count(const struct asker *asker, enum snmp_count which)
{
    return asker->counts.n[which];
}

void rig_finish(uv_loop_t *loop)
{
    int64_t end_ns = rig_now_ns() + LIMIT_S * (int64_t)1000000000;
    while (uv_loop_alive(loop) && rig_now_ns() < end_ns) {
        uv_run(loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(uv_loop_close(loop), 0);
}

struct snmp_access_config rig_access(enum rig_version version)
{
    static char community[] = "secret";
    static char user[] = "watchman";
    static const struct snmp_access_config accesses[] = {
        [V1] = {.version = SNMP_CONFIG_V1, .community = community},
        [V2C] = {.version = SNMP_CONFIG_V2C, .community = community},
        [V3] = {.version = SNMP_CONFIG_V3, .user = user},
    };
    return accesses[version];
}

void rig_open(struct rig *rig, enum rig_version version, int family)
{
    memset(rig, 0, sizeof *rig);
    engine_library_init();
    assert_int_equal(uv_loop_init(&rig->loop), 0);
    rig->engine = engine_open(&rig->loop, RIG_RATE);
    assert_non_null(rig->engine);
    rig->responder = responder_new(&rig->loop, family);
    rig->agent = responder_state(rig->responder);
    responder_fill(rig->responder, 2, RIG_UPTIME_TICKS);
    rig->asker.access = rig_access(version);
    asker_open(&rig->asker, rig->engine, family, responder_port(rig->responder));
}

void rig_close(struct rig *rig)
{
    session_close(rig->asker.session);
    engine_close(rig->engine);
    responder_close(rig->responder);
    rig_finish(&rig->loop);
}

enum reply_status rig_get(struct rig *rig, int64_t wait_ms)
{
    return asker_get(&rig->loop, &rig->asker, wait_ms);
}

uint64_t rig_count(const struct rig *rig, enum snmp_count which)
{
    return asker_count(&rig->asker, which);
}

void rig_assert_answer(const struct rig *rig)
{
    const struct asker *asker = &rig->asker;
    assert_int_equal(asker->reply.status, REPLY_ANSWERED);
    assert_int_equal(asker->type, VALUE_TIMETICKS);
    assert_int_equal(asker->number, RIG_UPTIME_TICKS);
    assert_int_equal(asker->reply.error_status, 0);
    assert_int_equal(asker->reply.n_varbinds, 1);
    assert_int_equal(asker->reply.n_dropped, 0);
    assert_true(asker->reply.size_bytes > 20 && asker->reply.size_bytes < 400);
    assert_true(asker->reply.arrived_mono.ns > asker->reply.sent_mono.ns);
    assert_true(asker->reply.arrived.ms >= asker->reply.sent.ms);
}
