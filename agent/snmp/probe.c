/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe.h"

#include "walk.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum system_varbind { SYSTEM_UPTIME, SYSTEM_DESCR, SYSTEM_OBJECT_ID, SYSTEM_NAME, SYSTEM_VARBINDS };

/* sysUpTime first: alone it is the narrow probe. */
static const unsigned long system_oids[SYSTEM_VARBINDS][9] = {
    [SYSTEM_UPTIME] = {1, 3, 6, 1, 2, 1, 1, 3, 0},
    [SYSTEM_DESCR] = {1, 3, 6, 1, 2, 1, 1, 1, 0},
    [SYSTEM_OBJECT_ID] = {1, 3, 6, 1, 2, 1, 1, 2, 0},
    [SYSTEM_NAME] = {1, 3, 6, 1, 2, 1, 1, 5, 0},
};
enum { SYSTEM_OID_SIZE = 9, NARROW_MS = 24 * 3600 * 1000 };

static void on_reply(void *context, const struct reply *reply);

void probe_init(struct probe *probe, const struct probe_options *options)
{
    *probe = (struct probe){.options = *options};
}

int64_t probe_wait_ms(int64_t attempt, int64_t retries, int64_t timeout_ms, int64_t left_ms)
{
    int64_t wait_ms = attempt < 20 ? timeout_ms << attempt : INT64_MAX;
    int64_t spare_ms = left_ms - timeout_ms * (retries - attempt);
    wait_ms = wait_ms < spare_ms ? wait_ms : spare_ms;
    return wait_ms > timeout_ms ? wait_ms : timeout_ms;
}

static void ask(struct probe *probe)
{
    struct request request = {.type = REQUEST_GET, .n_names = probe->narrow ? 1 : SYSTEM_VARBINDS};
    for (size_t i = 0; i < request.n_names; i++) {
        request.names[i] = (struct oid_view){system_oids[i], SYSTEM_OID_SIZE};
    }
    int64_t left_ms = mono_elapsed_ms(clock_mono(), probe->deadline);
    int64_t wait_ms =
        probe_wait_ms(probe->attempt, probe->options.retries, probe->options.timeout_ms, left_ms);
    session_ask(probe->session, &request, wait_ms, on_reply, probe);
}

/* --- the verdict --- */

static void set_verdict(struct probe *probe, enum outcome outcome, const char *reason,
                        const char *format, ...) __attribute__((format(printf, 4, 5)));

static void set_verdict(struct probe *probe, enum outcome outcome, const char *reason,
                        const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(probe->detail, sizeof probe->detail, format, arguments);
    va_end(arguments);
    probe->outcome = outcome;
    probe->reason = reason;
}

void probe_not_sent(struct probe *probe, int error)
{
    bool no_route = error == ENETUNREACH || error == EHOSTUNREACH || error == EADDRNOTAVAIL ||
                    error == ENETDOWN || error == EAFNOSUPPORT;
    set_verdict(probe, OUTCOME_UNKNOWN, no_route ? "no-route" : "resource",
                "the request was not sent: %s", strerror(error));
}

static void finish(struct probe *probe)
{
    probe->options.done(probe->options.context);
}

/* One attempt failed. The first one dates an outage; a failure of the device outweighs ours. */
static bool is_first_word(struct probe *probe, const struct reply *reply, bool is_ours)
{
    if (probe->outcome == OUTCOME_DOWN || (probe->outcome == OUTCOME_UNKNOWN && is_ours)) {
        return false;
    }
    probe->time = reply->sent;
    return true;
}

static void try_again(struct probe *probe)
{
    if (probe->attempt >= probe->options.retries) {
        finish(probe);
        return;
    }
    probe->attempt++;
    ask(probe);
}

/* --- the answer --- */

static const char *error_name(long status)
{
    /* RFC 3416 section 3. */
    static const char *const names[] = {
        "noError",
        "tooBig",
        "noSuchName",
        "badValue",
        "readOnly",
        "genErr",
        "noAccess",
        "wrongType",
        "wrongLength",
        "wrongEncoding",
        "wrongValue",
        "noCreation",
        "inconsistentValue",
        "resourceUnavailable",
        "commitFailed",
        "undoFailed",
        "authorizationError",
        "notWritable",
        "inconsistentName",
    };
    return status >= 0 && status < (long)(sizeof names / sizeof names[0]) ? names[status]
                                                                          : "of no known kind";
}

static void copy_text(const struct varbind *varbind, char text[PROBE_TEXT_SIZE])
{
    size_t size = varbind->n_bytes;
    while (size > 0 && varbind->bytes[size - 1] <= ' ') {
        size--;
    }
    if (varbind->type == VALUE_OCTETS && size > 0) {
        (void)text_sanitize(varbind->bytes, size, text, PROBE_TEXT_SIZE);
    }
}

static void copy_oid(const struct varbind *varbind, char text[PROBE_TEXT_SIZE])
{
    size_t used = 0;
    for (size_t i = 0; varbind->type == VALUE_OID && i < varbind->oid.n; i++) {
        int more = snprintf(text + used, PROBE_TEXT_SIZE - used, "%s%lu", i > 0 ? "." : "",
                            varbind->oid.ids[i]);
        if (more < 0 || (size_t)more >= PROBE_TEXT_SIZE - used) {
            text[used] = '\0'; /* cut between two sub-identifiers */
            return;
        }
        used += (size_t)more;
    }
}

static void take_value(struct probe_system *system, enum system_varbind which,
                       const struct varbind *varbind, struct snmp_counts *counts)
{
    static const enum value_type types[SYSTEM_VARBINDS] = {
        [SYSTEM_UPTIME] = VALUE_TIMETICKS,
        [SYSTEM_DESCR] = VALUE_OCTETS,
        [SYSTEM_OBJECT_ID] = VALUE_OID,
        [SYSTEM_NAME] = VALUE_OCTETS,
    };
    if (varbind->type != types[which]) {
        counts->n[COUNT_BAD_TYPE] += varbind->type != VALUE_NO_SUCH ? 1 : 0;
        return;
    }
    switch (which) {
    case SYSTEM_UPTIME:
        system->has_uptime = true;
        system->uptime_ticks = (uint32_t)varbind->number;
        break;
    case SYSTEM_DESCR:
        copy_text(varbind, system->descr);
        break;
    case SYSTEM_OBJECT_ID:
        copy_oid(varbind, system->object_id);
        break;
    case SYSTEM_NAME:
        copy_text(varbind, system->name);
        break;
    case SYSTEM_VARBINDS:
        break;
    }
}

/* How many of the varbinds that were asked for are there. */
static size_t take_varbinds(struct probe *probe, const struct reply *reply)
{
    struct snmp_counts *counts = probe->options.counts;
    size_t n_asked = probe->narrow ? 1 : SYSTEM_VARBINDS;
    size_t n_good = 0;
    struct probe_system system = {0};
    counts->n[COUNT_EXTRA_VARBINDS] += reply->n_varbinds > n_asked ? 1 : 0;
    counts->n[COUNT_EMPTY] += reply->n_varbinds == 0 ? 1 : 0;
    for (size_t i = 0; i < reply->n_varbinds && i < n_asked; i++) {
        const struct oid_view asked = {system_oids[i], SYSTEM_OID_SIZE};
        if (oid_compare(reply->varbinds[i].name, asked) != 0) {
            counts->n[COUNT_OID_MISMATCH]++;
            continue;
        }
        take_value(&system, (enum system_varbind)i, &reply->varbinds[i], counts);
        n_good++;
    }
    if (n_good > 0) {
        if (probe->narrow) {
            memcpy(system.descr, probe->system.descr, sizeof system.descr);
            memcpy(system.object_id, probe->system.object_id, sizeof system.object_id);
            memcpy(system.name, probe->system.name, sizeof system.name);
        }
        probe->system = system;
    }
    return n_good;
}

static void take_error(struct probe *probe, const struct reply *reply)
{
    probe->options.counts
        ->n[reply->error_status == ERROR_STATUS_TOO_BIG ? COUNT_TOO_BIG : COUNT_ERROR_STATUS]++;
    if (!probe->narrow) {
        probe->narrow = true;
        probe->narrow_until = mono_add_ms(clock_mono(), NARROW_MS);
        /* At once and in the same attempt: it is another question. */
        ask(probe);
        return;
    }
    if (is_first_word(probe, reply, false)) {
        set_verdict(probe, OUTCOME_DOWN, "error", "answered with an error: %s (%ld)",
                    error_name(reply->error_status), reply->error_status);
    }
    try_again(probe);
}

static void take_answer(struct probe *probe, const struct reply *reply)
{
    if (reply->error_status != ERROR_STATUS_NONE) {
        take_error(probe, reply);
        return;
    }
    if (take_varbinds(probe, reply) == 0) {
        if (is_first_word(probe, reply, false)) {
            set_verdict(probe, OUTCOME_DOWN, "protocol", "answered something else than was asked");
        }
        try_again(probe);
        return;
    }
    set_verdict(probe, OUTCOME_UP, "", "%s", "");
    probe->time = reply->sent;
    probe->rtt_s = (double)(reply->arrived_mono.ns - reply->sent_mono.ns) / 1e9;
    probe->arrived = reply->arrived;
    probe->arrived_mono = reply->arrived_mono;
    finish(probe);
}

static void on_reply(void *context, const struct reply *reply)
{
    struct probe *probe = context;
    switch (reply->status) {
    case REPLY_ANSWERED:
        take_answer(probe, reply);
        return;
    case REPLY_NOT_SENT:
        if (is_first_word(probe, reply, true)) {
            probe_not_sent(probe, reply->error);
        }
        try_again(probe);
        return;
    case REPLY_TIMED_OUT:
        if (is_first_word(probe, reply, false)) {
            set_verdict(probe, OUTCOME_DOWN, "timeout", "no answer to %lld requests",
                        (long long)probe->options.retries + 1);
        }
        try_again(probe);
        return;
    }
}

void probe_start(struct probe *probe, struct session *session)
{
    struct mono now = clock_mono();
    probe->session = session;
    probe->attempt = 0;
    probe->narrow = probe->narrow && now.ns < probe->narrow_until.ns;
    probe->deadline = mono_add_ms(now, probe->options.limit_ms);
    probe->outcome = 0;
    ask(probe);
}
