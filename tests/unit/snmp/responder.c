/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "responder.h"

#include "responder_wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { VARS_MAX = 512 };

struct responder {
    uv_poll_t poll;
    int fd;
    int other_fd; /* bound to another address */
    uint16_t port;
    struct variable vars[VARS_MAX];
    size_t n_vars;
    struct responder_state state;
    struct timespec answered; /* 0: not yet */
    uint8_t late[ANSWER_MAX];
    size_t late_size;
    int64_t due_ns; /* when the last answer goes out */
};

/* --- names --- */

static struct name parse_name(const char *text)
{
    struct name name = {0};
    while (*text != '\0') {
        char *end;
        assert_true(name.n < IDS_MAX);
        name.ids[name.n++] = strtoul(text, &end, 10);
        text = *end == '.' ? end + 1 : end;
    }
    return name;
}

static int compare(const struct name *a, const struct name *b)
{
    for (size_t i = 0; i < a->n && i < b->n; i++) {
        if (a->ids[i] != b->ids[i]) {
            return a->ids[i] < b->ids[i] ? -1 : 1;
        }
    }
    return (a->n > b->n) - (a->n < b->n);
}

static bool begins_with(const struct name *name, const struct name *prefix)
{
    return name->n >= prefix->n &&
           memcmp(name->ids, prefix->ids, prefix->n * sizeof name->ids[0]) == 0;
}

/* --- objects --- */

static void set_variable(struct responder *responder, const char *oid, uint8_t tag,
                         const void *content, size_t size)
{
    struct name name = parse_name(oid);
    size_t place = 0;
    while (place < responder->n_vars && compare(&responder->vars[place].name, &name) < 0) {
        place++;
    }
    struct variable *to = &responder->vars[place];
    if (place < responder->n_vars && compare(&to->name, &name) == 0) {
        free(to->content);
    } else {
        assert_true(responder->n_vars < VARS_MAX);
        memmove(to + 1, to, (responder->n_vars - place) * sizeof *to);
        responder->n_vars++;
    }
    *to = (struct variable){.name = name, .tag = tag, .content = malloc(size + 1), .size = size};
    assert_non_null(to->content);
    if (size > 0) {
        memcpy(to->content, content, size);
    }
}

void responder_set_number(struct responder *responder, const char *oid, uint8_t tag, uint64_t value)
{
    uint8_t bytes[9] = {0};
    for (size_t i = 0; i < 8; i++) {
        bytes[1 + i] = (uint8_t)(value >> (56 - 8 * i));
    }
    size_t begin = 0;
    while (begin < 8 && bytes[begin] == 0 && bytes[begin + 1] < 0x80) {
        begin++;
    }
    set_variable(responder, oid, tag, bytes + begin, 9 - begin);
}

void responder_set_bytes(struct responder *responder, const char *oid, const void *bytes,
                         size_t size)
{
    set_variable(responder, oid, TAG_OCTETS, bytes, size);
}

void responder_remove(struct responder *responder, const char *prefix)
{
    struct name name = parse_name(prefix);
    size_t kept = 0;
    for (size_t i = 0; i < responder->n_vars; i++) {
        if (begins_with(&responder->vars[i].name, &name)) {
            free(responder->vars[i].content);
        } else {
            responder->vars[kept++] = responder->vars[i];
        }
    }
    responder->n_vars = kept;
}

static void set_cell(struct responder *responder, const char *column, uint32_t index, uint8_t tag,
                     uint64_t value)
{
    char oid[64];
    snprintf(oid, sizeof oid, "%s.%u", column, index);
    responder_set_number(responder, oid, tag, value);
}

static void set_texts(struct responder *responder, uint32_t index)
{
    char oid[64];
    char text[32];
    const uint8_t mac[] = {0x00, 0x00, 0x5e, 0x00, 0x53, (uint8_t)index};
    snprintf(oid, sizeof oid, "1.3.6.1.2.1.31.1.1.1.1.%u", index);
    snprintf(text, sizeof text, "port%u", index);
    responder_set_bytes(responder, oid, text, strlen(text));
    snprintf(oid, sizeof oid, "1.3.6.1.2.1.2.2.1.2.%u", index);
    snprintf(text, sizeof text, "Ethernet %u", index);
    responder_set_bytes(responder, oid, text, strlen(text));
    snprintf(oid, sizeof oid, "1.3.6.1.2.1.31.1.1.1.18.%u", index);
    snprintf(text, sizeof text, "to room %u", index);
    responder_set_bytes(responder, oid, text, strlen(text));
    snprintf(oid, sizeof oid, "1.3.6.1.2.1.2.2.1.6.%u", index);
    responder_set_bytes(responder, oid, mac, sizeof mac);
}

void responder_fill(struct responder *responder, uint32_t n, uint32_t uptime_ticks)
{
    static const struct {
        const char *column;
        uint8_t tag;
        uint64_t first;
        uint64_t per_index;
    } cells[] = {
        {"1.3.6.1.2.1.2.2.1.3", TAG_INTEGER, 6, 0},
        {"1.3.6.1.2.1.2.2.1.5", TAG_GAUGE32, 1000000000, 0},
        {"1.3.6.1.2.1.2.2.1.7", TAG_INTEGER, 1, 0},
        {"1.3.6.1.2.1.2.2.1.8", TAG_INTEGER, 1, 0},
        {"1.3.6.1.2.1.2.2.1.13", TAG_COUNTER32, 0, 1},
        {"1.3.6.1.2.1.2.2.1.14", TAG_COUNTER32, 0, 2},
        {"1.3.6.1.2.1.2.2.1.19", TAG_COUNTER32, 0, 3},
        {"1.3.6.1.2.1.2.2.1.20", TAG_COUNTER32, 0, 4},
        {"1.3.6.1.2.1.31.1.1.1.6", TAG_COUNTER64, 0, 1000},
        {"1.3.6.1.2.1.31.1.1.1.7", TAG_COUNTER64, 0, 10},
        {"1.3.6.1.2.1.31.1.1.1.8", TAG_COUNTER64, 0, 20},
        {"1.3.6.1.2.1.31.1.1.1.9", TAG_COUNTER64, 0, 30},
        {"1.3.6.1.2.1.31.1.1.1.10", TAG_COUNTER64, 0, 2000},
        {"1.3.6.1.2.1.31.1.1.1.11", TAG_COUNTER64, 0, 20},
        {"1.3.6.1.2.1.31.1.1.1.12", TAG_COUNTER64, 0, 40},
        {"1.3.6.1.2.1.31.1.1.1.13", TAG_COUNTER64, 0, 60},
        {"1.3.6.1.2.1.31.1.1.1.15", TAG_GAUGE32, 1000, 0},
    };
    static const uint8_t object_id[] = {0x2b, 0x06, 0x01, 0x04, 0x01, 0xbf, 0x08};
    responder_set_bytes(responder, "1.3.6.1.2.1.1.1.0", "A switch", 8);
    set_variable(responder, "1.3.6.1.2.1.1.2.0", TAG_OID, object_id, sizeof object_id);
    responder_set_number(responder, "1.3.6.1.2.1.1.3.0", TAG_TIMETICKS, uptime_ticks);
    responder_set_bytes(responder, "1.3.6.1.2.1.1.5.0", "sw-1", 4);
    for (uint32_t i = 1; i <= n; i++) {
        set_texts(responder, i);
        for (size_t j = 0; j < sizeof cells / sizeof cells[0]; j++) {
            set_cell(responder, cells[j].column, i, cells[j].tag,
                     cells[j].first + cells[j].per_index * i);
        }
    }
}

static void send_from(int fd, const struct question *question, const void *bytes, size_t size)
{
    (void)sendto(fd, bytes, size, 0, (const struct sockaddr *)&question->from,
                 question->from_size); /* what is lost fails the test by itself */
}

/* An answer that waits for its time, with a socket of its own: the responder may be closed. */
struct delayed {
    uv_timer_t timer;
    int fd;
    struct sockaddr_storage to;
    socklen_t to_size;
    size_t size;
    uint8_t bytes[];
};

static void on_delayed_closed(uv_handle_t *handle)
{
    free(handle);
}

static void on_delay_over(uv_timer_t *timer)
{
    struct delayed *delayed = (struct delayed *)timer;
    (void)sendto(delayed->fd, delayed->bytes, delayed->size, 0,
                 (const struct sockaddr *)&delayed->to, delayed->to_size);
    close(delayed->fd);
    uv_close((uv_handle_t *)timer, on_delayed_closed);
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void send_later(struct responder *responder, const struct question *question,
                       const struct answer *answer)
{
    static struct writer writer;
    write_answer(answer, &writer);
    size_t size = sizeof writer.bytes - writer.at;
    struct delayed *delayed = calloc(1, sizeof *delayed + size);
    assert_non_null(delayed);
    delayed->fd = dup(responder->fd);
    delayed->to = question->from;
    delayed->to_size = question->from_size;
    delayed->size = size;
    memcpy(delayed->bytes, writer.bytes + writer.at, size);
    responder->due_ns = now_ns() + (int64_t)responder->state.delay_ms * 1000000;
    uv_update_time(responder->poll.loop);
    uv_timer_init(responder->poll.loop, &delayed->timer);
    uv_timer_start(&delayed->timer, on_delay_over, responder->state.delay_ms, 0);
}

static void send_answer(int fd, const struct question *question, const struct answer *answer,
                        enum trick trick)
{
    static struct writer writer;
    write_answer(answer, &writer);
    size_t size = sizeof writer.bytes - writer.at;
    writer.bytes[writer.at + 2] ^= trick == TRICK_BAD_LENGTH ? 0x40 : 0;
    send_from(fd, question, writer.bytes + writer.at, trick == TRICK_TRUNCATED ? size - 5 : size);
}

/* --- answering --- */

/* SNMPv1 has no Counter64. */
static bool is_visible(const struct variable *variable, long version)
{
    return version != 0 || variable->tag != TAG_COUNTER64;
}

static const struct variable *find_exact(const struct responder *responder, const struct name *name,
                                         long version)
{
    for (size_t i = 0; i < responder->n_vars; i++) {
        if (compare(&responder->vars[i].name, name) == 0 &&
            is_visible(&responder->vars[i], version)) {
            return &responder->vars[i];
        }
    }
    return NULL;
}

static const struct variable *find_next(const struct responder *responder, const struct name *name,
                                        long version)
{
    for (size_t i = 0; i < responder->n_vars; i++) {
        if (compare(&responder->vars[i].name, name) > 0 &&
            is_visible(&responder->vars[i], version)) {
            return &responder->vars[i];
        }
    }
    return NULL;
}

static void add(struct answer *answer, const struct name *name, const struct variable *found,
                uint8_t missing)
{
    assert_true(answer->n < VARBINDS_MAX);
    answer->vars[answer->n++] =
        found != NULL ? *found : (struct variable){.name = *name, .tag = missing};
}

static void set_error(struct answer *answer, long status, long index)
{
    answer->error_status = status;
    answer->error_index = index;
}

static void begin_answer(const struct question *question, struct answer *answer)
{
    *answer = (struct answer){.tag = TAG_RESPONSE,
                              .version = question->version,
                              .community = "secret",
                              .security = question->security,
                              .id = question->id};
}

/* RFC 1157 section 4.1.2: the whole question comes back. */
static void refuse_v1(const struct question *question, struct answer *answer, size_t index)
{
    answer->n = 0;
    for (size_t i = 0; i < question->n; i++) {
        add(answer, &question->names[i], NULL, TAG_NULL);
    }
    set_error(answer, 2, (long)index);
}

static void answer_rightly(const struct responder *responder, const struct question *question,
                           struct answer *answer)
{
    struct name at[ASKED_MAX];
    long repetitions = question->tag == TAG_GETBULK ? question->repetitions : 1;
    begin_answer(question, answer);
    memcpy(at, question->names, sizeof at);
    for (long i = 0; i < repetitions; i++) {
        for (size_t j = 0; j < question->n; j++) {
            bool exact = question->tag == TAG_GET;
            const struct variable *found = exact ? find_exact(responder, &at[j], question->version)
                                                 : find_next(responder, &at[j], question->version);
            if (found == NULL && question->version == 0) {
                refuse_v1(question, answer, j + 1);
                return;
            }
            add(answer, &at[j], found, exact ? TAG_NO_SUCH_INSTANCE : TAG_END_OF_MIB);
            at[j] = answer->vars[answer->n - 1].name;
        }
    }
}

/* --- SNMPv3 --- */

static bool is_same(const struct bytes *a, const void *bytes, size_t size)
{
    return a->size == size && (size == 0 || memcmp(a->bytes, bytes, size) == 0);
}

static void report(const struct responder *responder, const struct question *question,
                   unsigned long which, struct answer *answer)
{
    static uint8_t one = 1;
    const struct name stat = {11, {1, 3, 6, 1, 6, 3, 15, 1, 1, which, 0}};
    const struct variable variable = {
        .name = stat, .tag = TAG_COUNTER32, .content = &one, .size = 1};
    const struct responder_engine *engine = &responder->state.engine;
    begin_answer(question, answer);
    answer->tag = TAG_REPORT;
    answer->security.engine_id.size = engine->id_size;
    memcpy(answer->security.engine_id.bytes, engine->id, engine->id_size);
    answer->security.context_engine_id = answer->security.engine_id;
    answer->security.boots = engine->boots;
    answer->security.time_s = engine->time_s;
    add(answer, &stat, &variable, TAG_NULL);
}

/* Which usmStats report the question gets, or 0. */
static unsigned long judge_security(struct responder *responder, const struct question *question)
{
    struct responder_engine *engine = &responder->state.engine;
    const struct security *security = &question->security;
    if (!is_same(&security->engine_id, engine->id, engine->id_size)) {
        engine->n_discoveries++;
        return REPORT_ENGINE_ID;
    }
    engine->last_boots = security->boots;
    engine->last_time_s = security->time_s;
    snprintf(engine->last_context, sizeof engine->last_context, "%.*s", (int)security->context.size,
             (const char *)security->context.bytes);
    if (!is_same(&security->user, engine->user, strlen(engine->user))) {
        return REPORT_USER;
    }
    if (security->boots != engine->boots && engine->n_time_reports > 0) {
        engine->n_time_reports--;
        return REPORT_TIME;
    }
    return engine->report;
}

/* True: there is a report to send, which may be a silent one. */
static bool answer_security(struct responder *responder, const struct question *question,
                            struct answer *answer)
{
    unsigned long which = question->version == 3 ? judge_security(responder, question) : 0;
    if (which != 0) {
        report(responder, question, which, answer);
    }
    return which != 0;
}

static void add_other(struct answer *answer)
{
    static uint8_t one = 1;
    const struct name other = {10, {1, 3, 6, 1, 4, 1, 9999, 1, 1, 0}};
    const struct variable variable = {
        .name = other, .tag = TAG_COUNTER64, .content = &one, .size = 1};
    add(answer, &other, &variable, TAG_NULL);
}

/* What a value that is no value looks like. */
static void choose_bad_value(enum trick trick, struct variable *value)
{
    static uint8_t ones[201]; /* as an OID: 202 sub-identifiers */
    memset(ones, 1, sizeof ones);
    value->content = ones;
    switch (trick) {
    case TRICK_EMPTY_INTEGER:
        value->tag = TAG_INTEGER;
        value->size = 0;
        break;
    case TRICK_UNKNOWN_TAG:
        value->tag = 0x5c;
        value->size = 1;
        break;
    case TRICK_LONG_OID:
        value->tag = TAG_OID;
        value->size = sizeof ones;
        break;
    default: /* TRICK_MALFORMED_VALUE */
        value->tag = TAG_COUNTER32;
        value->size = 9;
        break;
    }
}

static void spoil_values(const struct responder *responder, struct answer *answer, enum trick trick)
{
    const char *bad_prefix = responder->state.bad_prefix;
    struct name prefix = parse_name(bad_prefix != NULL ? bad_prefix : "");
    for (size_t i = 0; i < answer->n; i++) {
        if (begins_with(&answer->vars[i].name, &prefix)) {
            choose_bad_value(trick, &answer->vars[i]);
        }
    }
}

/* Changes the answer; false when it must not be sent. */
static bool spoil(struct responder *responder, const struct question *question,
                  struct answer *answer, enum trick trick)
{
    struct responder_state *state = &responder->state;
    switch (trick) {
    case TRICK_SILENT:
    case TRICK_WRONG_SOURCE_ONLY:
        return false;
    case TRICK_WRONG_COMMUNITY_ONLY:
        answer->community = "secretly";
        return true;
    case TRICK_VERSION_1:
        answer->version = answer->version == 0 ? 1 : 0;
        return true;
    case TRICK_OTHER_OID:
        answer->n = 0;
        add_other(answer);
        return true;
    case TRICK_EMPTY:
        answer->n = 0;
        return true;
    case TRICK_EXTRA:
        for (int i = 0; i < 5; i++) {
            add_other(answer);
        }
        return true;
    case TRICK_ERROR_INDEX_99:
        set_error(answer, 5, 99);
        return true;
    case TRICK_ERROR_INDEX_NEGATIVE:
        set_error(answer, 5, -1);
        return true;
    case TRICK_ERROR_STATUS_250:
        set_error(answer, 250, 0);
        return true;
    case TRICK_TOO_BIG:
        if (answer->n > state->most) {
            answer->n = 0;
            set_error(answer, 1, 0);
        }
        return true;
    case TRICK_TOO_BIG_SILENT:
        return answer->n <= state->most;
    case TRICK_TRAP:
        answer->tag = TAG_TRAP2;
        return true;
    case TRICK_NO_BULK:
        if (question->tag == TAG_GETBULK) {
            answer->n = 0;
            set_error(answer, 1, 0);
        }
        return true;
    case TRICK_SAME_NAME:
        for (size_t i = question->n; i < answer->n; i++) {
            answer->vars[i].name = answer->vars[i % question->n].name;
        }
        return true;
    case TRICK_DECREASING:
        for (size_t i = 0; i < question->n && question->n + i < answer->n; i++) {
            struct variable swap = answer->vars[i];
            answer->vars[i] = answer->vars[question->n + i];
            answer->vars[question->n + i] = swap;
        }
        return true;
    case TRICK_MALFORMED_VALUE:
    case TRICK_EMPTY_INTEGER:
    case TRICK_UNKNOWN_TAG:
    case TRICK_LONG_OID:
        spoil_values(responder, answer, trick);
        return true;
    case TRICK_NONE:
    case TRICK_WRONG_SOURCE_FIRST:
    case TRICK_WRONG_COMMUNITY_FIRST:
    case TRICK_GARBAGE_FIRST:
    case TRICK_WRONG_ID_FIRST:
    case TRICK_THRICE:
    case TRICK_LATE:
    case TRICK_TRUNCATED:
    case TRICK_BAD_LENGTH:
        return true;
    }
    return true;
}

/* A copy of the answer with other values: whoever believes it shows it. */
static void make_lie(const struct answer *answer, struct answer *lie)
{
    static uint8_t text[] = "lie";
    *lie = *answer;
    for (size_t i = 0; i < lie->n; i++) {
        lie->vars[i].tag = TAG_OCTETS;
        lie->vars[i].content = text;
        lie->vars[i].size = 3;
    }
}

/* What goes out before the answer. */
static void send_before(struct responder *responder, const struct question *question,
                        const struct answer *answer, enum trick trick)
{
    static struct answer lie;
    make_lie(answer, &lie);
    if (trick == TRICK_WRONG_SOURCE_FIRST || trick == TRICK_WRONG_SOURCE_ONLY) {
        send_answer(responder->other_fd, question, &lie, TRICK_NONE);
    } else if (trick == TRICK_WRONG_COMMUNITY_FIRST) {
        lie.community = "public";
        send_answer(responder->fd, question, &lie, TRICK_NONE);
    } else if (trick == TRICK_WRONG_ID_FIRST) {
        lie.id = question->id ^ 1;
        lie.security.message_id = question->security.message_id ^ 1;
        send_answer(responder->fd, question, &lie, TRICK_NONE);
    } else if (trick == TRICK_GARBAGE_FIRST) {
        send_from(responder->fd, question, "\x30\x82\xff\xff garbage", 12);
    } else if (trick == TRICK_THRICE) {
        send_answer(responder->fd, question, answer, TRICK_NONE);
        send_answer(responder->fd, question, answer, TRICK_NONE);
    }
}

/* True: the answer was kept back. */
static bool keep_back(struct responder *responder, const struct question *question,
                      const struct answer *answer)
{
    static struct writer writer;
    if (responder->late_size > 0) {
        send_from(responder->fd, question, responder->late, responder->late_size);
        return false;
    }
    write_answer(answer, &writer);
    responder->late_size = sizeof writer.bytes - writer.at;
    memcpy(responder->late, writer.bytes + writer.at, responder->late_size);
    return true;
}

static void count_question(struct responder_state *state, const struct question *question)
{
    if (question->n == 0) {
        return; /* a discovery */
    }
    state->n_gets += question->tag == TAG_GET ? 1 : 0;
    state->n_getnexts += question->tag == TAG_GETNEXT ? 1 : 0;
    state->n_bulks += question->tag == TAG_GETBULK ? 1 : 0;
    state->last_names = question->n;
    if (question->tag == TAG_GETBULK) {
        state->last_repetitions = (unsigned long)question->repetitions;
    }
}

static void note_gap(struct responder *responder)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t gap_ns = (int64_t)(now.tv_sec - responder->answered.tv_sec) * 1000000000 +
                     (now.tv_nsec - responder->answered.tv_nsec);
    int64_t *shortest_ns = &responder->state.shortest_gap_ns;
    if (responder->answered.tv_sec != 0 && (*shortest_ns == 0 || gap_ns < *shortest_ns)) {
        *shortest_ns = gap_ns;
    }
}

static void make_foreign(enum foreign foreign, struct answer *answer)
{
    switch (foreign) {
    case FOREIGN_CONTEXT:
        answer->security.context.bytes[0] ^= 1;
        break;
    case FOREIGN_CONTEXT_ENGINE:
        answer->security.context_engine_id.size--;
        break;
    case FOREIGN_USER: /* none, whom the library knows */
        answer->security.user.size = 0;
        break;
    case FOREIGN_ID:
        answer->id++;
        break;
    case FOREIGN_TAG:
        answer->tag = TAG_GET;
        break;
    case FOREIGN_NONE:
    case FOREIGN_N:
        break;
    }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    static struct answer answer;
    struct responder *responder = poll->data;
    struct question question = {.from_size = sizeof question.from};
    uint8_t bytes[4096];
    (void)status;
    (void)events;
    ssize_t got = recvfrom(responder->fd, bytes, sizeof bytes, MSG_DONTWAIT,
                           (struct sockaddr *)&question.from, &question.from_size);
    if (got <= 0) {
        return;
    }
    note_gap(responder);
    responder->state.n_overlaps += now_ns() < responder->due_ns ? 1 : 0;
    read_question(bytes, &question);
    count_question(&responder->state, &question);
    enum trick trick =
        question.tag == TAG_GET ? responder->state.get_trick : responder->state.walk_trick;
    if (!answer_security(responder, &question, &answer)) {
        answer_rightly(responder, &question, &answer);
        make_foreign(responder->state.engine.foreign, &answer);
    }
    send_before(responder, &question, &answer, trick);
    if (trick == TRICK_LATE && keep_back(responder, &question, &answer)) {
        return;
    }
    if (trick == TRICK_NONE && responder->state.delay_ms > 0) {
        send_later(responder, &question, &answer);
    } else if (spoil(responder, &question, &answer, trick)) {
        send_answer(responder->fd, &question, &answer, trick);
    }
    clock_gettime(CLOCK_MONOTONIC, &responder->answered);
}

/* --- life --- */

static int bind_loopback(int family, uint32_t last, uint16_t *port)
{
    struct sockaddr_storage address = {.ss_family = (sa_family_t)family};
    socklen_t size = family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
    if (family == AF_INET6) {
        ((struct sockaddr_in6 *)&address)->sin6_addr = in6addr_loopback;
        ((struct sockaddr_in6 *)&address)->sin6_port = htons(*port);
    } else {
        ((struct sockaddr_in *)&address)->sin_addr.s_addr = htonl(0x7f000000U | last);
        ((struct sockaddr_in *)&address)->sin_port = htons(*port);
    }
    int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    size = sizeof address;
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                     : ((struct sockaddr_in *)&address)->sin_port);
    return fd;
}

struct responder *responder_new(uv_loop_t *loop, int family)
{
    struct responder *responder = calloc(1, sizeof *responder);
    assert_non_null(responder);
    responder->state.engine =
        (struct responder_engine){.id = "\x80\0\0\x01 one", .id_size = 8, .user = "watchman"};
    responder->state.engine.boots = 7;
    responder->state.engine.time_s = 1000;
    responder->fd = bind_loopback(family, 1, &responder->port);
    uint16_t port = family == AF_INET ? responder->port : 0;
    responder->other_fd = bind_loopback(AF_INET, 2, &port);
    assert_int_equal(uv_poll_init(loop, &responder->poll, responder->fd), 0);
    responder->poll.data = responder;
    uv_poll_start(&responder->poll, UV_READABLE, on_readable);
    return responder;
}

static void on_closed(uv_handle_t *handle)
{
    struct responder *responder = handle->data;
    close(responder->fd);
    close(responder->other_fd);
    free(responder);
}

void responder_close(struct responder *responder)
{
    responder_remove(responder, "");
    uv_close((uv_handle_t *)&responder->poll, on_closed);
}

uint16_t responder_port(const struct responder *responder)
{
    return responder->port;
}

struct responder_state *responder_state(struct responder *responder)
{
    return &responder->state;
}
