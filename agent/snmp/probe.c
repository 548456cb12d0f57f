/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "probe.h"

#include "common/xalloc.h"
#include "walk.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SYSTEM_OID_SIZE = 9,
    TEXT_SIZE = 3 * 255 + 1,
    DAY_MS = 24 * 3600 * 1000,
    IDENTIFY_MS = 600000
};

static const unsigned long system_oids[PROBE_WATCHED][SYSTEM_OID_SIZE] = {
    [PROBE_UPTIME] = {1, 3, 6, 1, 2, 1, 1, 3, 0},
    [PROBE_DESCR] = {1, 3, 6, 1, 2, 1, 1, 1, 0},
    [PROBE_OBJECT_ID] = {1, 3, 6, 1, 2, 1, 1, 2, 0},
    [PROBE_SYS_NAME] = {1, 3, 6, 1, 2, 1, 1, 5, 0},
};

static void on_reply(void *context, const struct reply *reply);

void probe_init(struct probe *probe, const struct probe_options *options)
{
    *probe = (struct probe){.options = *options};
    probe->system.descr = xstrdup("");
    probe->system.object_id = xstrdup("");
    probe->system.name = xstrdup("");
}

void probe_clear(struct probe *probe)
{
    free(probe->system.descr);
    free(probe->system.object_id);
    free(probe->system.name);
    free(probe->detail);
    probe->detail = NULL;
    probe->system = (struct probe_system){0};
}

void probe_watch(struct probe *probe, const struct plan *plan)
{
    probe->plan = plan;
}

void probe_forget(struct probe *probe)
{
    probe->identified = false;
}

/* --- the question --- */

static uint32_t bit(size_t name)
{
    return UINT32_C(1) << name;
}

static struct oid_view oid_of(const struct probe *probe, enum probe_name name)
{
    return name < PROBE_WATCHED ? (struct oid_view){system_oids[name], SYSTEM_OID_SIZE}
                                : probe->plan->watched[name - PROBE_WATCHED];
}

static bool is_wanted(const struct probe *probe, enum probe_name name)
{
    if ((probe->left_out & bit(name)) != 0) {
        return false;
    }
    if (name == PROBE_UPTIME) {
        return true;
    }
    if (name < PROBE_WATCHED) {
        return probe->is_identifying;
    }
    return probe->plan != NULL && name - PROBE_WATCHED < probe->plan->n_watched;
}

static void ask(struct probe *probe)
{
    struct request request = {.type = REQUEST_GET};
    probe->n_asked = 0;
    for (enum probe_name name = 0; name < PROBE_NAMES; name++) {
        if (is_wanted(probe, name)) {
            request.names[request.n_names++] = oid_of(probe, name);
            probe->asked[probe->n_asked++] = (uint8_t)name;
        }
    }
    if (request.n_names == 0) { /* the sign of life of a device that has no sysUpTime */
        request.names[request.n_names++] = oid_of(probe, PROBE_OBJECT_ID);
        probe->asked[probe->n_asked++] = PROBE_OBJECT_ID;
    }
    session_ask(probe->session, &request, probe->options.timeout_ms, on_reply, probe);
}

/* --- the verdict --- */

static void set_verdict(struct probe *probe, enum outcome outcome, const char *reason,
                        const char *format, ...) __attribute__((format(printf, 4, 5)));

static void set_verdict(struct probe *probe, enum outcome outcome, const char *reason,
                        const char *format, ...)
{
    char text[PROTO_DETAIL_MAX + 1];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    free(probe->detail);
    probe->detail = text[0] != '\0' ? xstrdup(text) : NULL; /* thousands of probes have none */
    probe->outcome = outcome;
    probe->reason = reason;
}

const char *probe_detail(const struct probe *probe)
{
    return probe->detail != NULL ? probe->detail : "";
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

static void set_text(char **to, const struct varbind *varbind)
{
    char text[TEXT_SIZE] = ""; /* sysDescr and sysName have 255 bytes, each may become U+FFFD */
    size_t size = varbind->n_bytes;
    while (size > 0 && varbind->bytes[size - 1] <= ' ') {
        size--; /* agents pad with blanks and NULs */
    }
    if (varbind->type == VALUE_OCTETS && size > 0) {
        (void)text_sanitize(varbind->bytes, size, text, sizeof text);
    }
    if (strcmp(*to, text) != 0) {
        free(*to);
        *to = xstrdup(text);
    }
}

static void set_oid(char **to, const struct varbind *varbind)
{
    char text[TEXT_SIZE] = "";
    size_t used = 0;
    for (size_t i = 0; i < varbind->oid.n; i++) {
        int more = snprintf(text + used, sizeof text - used, "%s%lu", i > 0 ? "." : "",
                            varbind->oid.ids[i]);
        if (more < 0 || (size_t)more >= sizeof text - used) {
            text[used] = '\0'; /* cut between two sub-identifiers */
            break;
        }
        used += (size_t)more;
    }
    if (strcmp(*to, text) != 0) {
        free(*to);
        *to = xstrdup(text);
    }
}

static bool is_number(const struct varbind *varbind)
{
    return varbind->type == VALUE_INTEGER || varbind->type == VALUE_COUNTER32 ||
           varbind->type == VALUE_GAUGE32 || varbind->type == VALUE_TIMETICKS ||
           varbind->type == VALUE_COUNTER64;
}

/* Some agents have sysUpTime as another type of number. */
static bool is_good(enum probe_name name, const struct varbind *varbind)
{
    switch (name) {
    case PROBE_UPTIME:
        return is_number(varbind) && varbind->number <= UINT32_MAX;
    case PROBE_OBJECT_ID:
        return varbind->type == VALUE_OID;
    case PROBE_DESCR:
    case PROBE_SYS_NAME:
        return varbind->type == VALUE_OCTETS;
    default:
        return is_number(varbind); /* a watched scalar */
    }
}

static void take_value(struct probe *probe, enum probe_name name, const struct varbind *varbind)
{
    if (!is_good(name, varbind)) {
        probe->options.counts->n[COUNT_BAD_TYPE] += varbind->type != VALUE_NO_SUCH ? 1 : 0;
        return;
    }
    if (name >= PROBE_WATCHED) {
        probe->watched_known |= bit(name - PROBE_WATCHED);
        probe->watched_values[name - PROBE_WATCHED] = varbind->number;
    } else if (name == PROBE_UPTIME) {
        probe->system.has_uptime = true;
        probe->system.uptime_ticks = (uint32_t)varbind->number;
    } else if (name == PROBE_OBJECT_ID) {
        set_oid(&probe->system.object_id, varbind);
    } else {
        set_text(name == PROBE_DESCR ? &probe->system.descr : &probe->system.name, varbind);
    }
}

/* How many of the varbinds that were asked for are there. */
static size_t take_varbinds(struct probe *probe, const struct reply *reply)
{
    struct snmp_counts *counts = probe->options.counts;
    size_t n_good = 0;
    counts->n[COUNT_EXTRA_VARBINDS] += reply->n_varbinds > probe->n_asked ? 1 : 0;
    counts->n[COUNT_EMPTY] += reply->n_varbinds == 0 ? 1 : 0;
    for (size_t i = 0; i < reply->n_varbinds && i < probe->n_asked; i++) {
        if (oid_compare(reply->varbinds[i].name, oid_of(probe, probe->asked[i])) != 0) {
            counts->n[COUNT_OID_MISMATCH]++;
            continue;
        }
        take_value(probe, probe->asked[i], &reply->varbinds[i]);
        n_good++;
    }
    return n_good;
}

static void set_up(struct probe *probe, const struct reply *reply)
{
    set_verdict(probe, OUTCOME_UP, "", "%s", "");
    probe->time = reply->sent;
    probe->rtt_s = (double)(reply->arrived_mono.ns - reply->sent_mono.ns) / 1e9;
    probe->arrived = reply->arrived;
    probe->arrived_mono = reply->arrived_mono;
    if (probe->is_identifying) {
        probe->identified = true;
        probe->identify_at = mono_add_ms(reply->arrived_mono, IDENTIFY_MS);
    }
    finish(probe);
}

/* It is there, whatever was before, and will say the same again. */
static void refused(struct probe *probe, const struct reply *reply, const char *refusal)
{
    probe->time = reply->sent;
    set_verdict(probe, OUTCOME_UNKNOWN, "auth", "does not take our credentials: %s", refusal);
    finish(probe);
}

static void leave_out(struct probe *probe, uint32_t names)
{
    if (probe->left_out == 0) {
        probe->left_out_until = mono_add_ms(clock_mono(), DAY_MS);
    }
    probe->left_out |= names;
}

/* An error status. Where one name is at fault, or there are too many, fewer are asked for at once
 * and in the same attempt: it is another question. */
static void take_error(struct probe *probe, const struct reply *reply)
{
    bool too_big = reply->error_status == ERROR_STATUS_TOO_BIG;
    bool no_such = reply->error_status == ERROR_STATUS_NO_SUCH_NAME;
    long index = reply->error_index;
    if (reply->error_status == ERROR_STATUS_AUTHORIZATION) {
        refused(probe, reply, "authorizationError");
        return;
    }
    if (no_such && probe->n_asked == 1) {
        set_up(probe, reply); /* it answers, and just does not have it */
        return;
    }
    probe->options.counts->n[too_big ? COUNT_TOO_BIG : COUNT_ERROR_STATUS] += no_such ? 0 : 1;
    if (probe->n_asked > 1) {
        bool one = no_such && index >= 1 && index <= (long)probe->n_asked;
        leave_out(probe, one ? bit(probe->asked[index - 1]) : ~bit(PROBE_UPTIME));
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
    set_up(probe, reply);
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
    case REPLY_REFUSED:
        refused(probe, reply, reply->refusal);
        return;
    case REPLY_TIMED_OUT:
        if (is_first_word(probe, reply, false)) {
            bool is_known = session_answered_discovery_only(probe->session);
            set_verdict(probe, OUTCOME_DOWN, "timeout", "no answer to %lld requests%s",
                        (long long)probe->options.retries + 1,
                        is_known ? ", though it answers SNMPv3 discovery: is the passphrase or "
                                   "protocol of priv right?"
                                 : "");
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
    if (probe->left_out != 0 && now.ns >= probe->left_out_until.ns) {
        probe->left_out = 0;
    }
    probe->is_identifying = !probe->identified || now.ns >= probe->identify_at.ns;
    probe->outcome = 0;
    probe->system.has_uptime = false;
    probe->watched_known = 0;
    ask(probe);
}
