/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "answer.h"

#include "pdu.h"

#include <string.h>

enum {
    FLAG_AUTH = 1,
    FLAG_PRIV = 2,
    FLAG_REPORTABLE = 4,
    SECURITY_MODEL_USM = 3,
    TIME_WINDOW_S = 150, /* RFC 3414 section 3.2 (7) */
    SCOPED_MAX = 4096,   /* what is decrypted of a request; larger ones nobody sends */
};

const char *answer_kind_name(enum answer_kind kind)
{
    static const char *const names[ANSWER_KINDS] = {
        [ANSWER_GET] = "get",       [ANSWER_GETNEXT] = "getnext", [ANSWER_GETBULK] = "bulk",
        [ANSWER_REPORT] = "report", [ANSWER_REFUSED] = "refused", [ANSWER_BROKEN] = "broken",
    };
    return names[kind];
}

static bool is_text(const struct ber_in *in, const char *text)
{
    size_t n = (size_t)(in->end - in->at);
    return strlen(text) == n && memcmp(in->at, text, n) == 0;
}

/* --- SNMPv1, v2c --- */

static void answer_community(struct agent *agent, const struct mib_moment *moment, int version,
                             struct ber_in *in, uint8_t *reply, struct answer *answer)
{
    struct ber_in community;
    struct pdu pdu;
    if (!ber_open(in, BER_OCTETS, &community) || !pdu_read(in, &pdu) ||
        (version == VERSION_1 && pdu.type == PDU_GETBULK)) {
        return;
    }
    answer->kind = ANSWER_REFUSED;
    if (agent->community == NULL || !is_text(&community, agent->community)) {
        return;
    }
    struct ber_out out = {reply, reply, reply + agent->max_size, false};
    size_t begun = ber_begin(&out, BER_SEQUENCE);
    ber_put_integer(&out, version);
    ber_put_bytes(&out, BER_OCTETS, community.at, (size_t)(community.end - community.at));
    bool whole = pdu_answer(agent->mib, moment, version, &pdu, &out, answer);
    ber_end(&out, begun);
    answer->n_bytes = whole ? (size_t)(out.at - out.start) : 0;
}

/* --- SNMPv3 --- */

/* What of a request's headers the answer depends on. */
struct secured {
    int64_t message_id;
    int64_t max_size;
    uint8_t flags;
    struct ber_in engine_id;
    int64_t boots;
    int64_t time_s;
    struct ber_in user;
    struct ber_in mac;
    struct ber_in salt;
    struct ber_in data; /* the scoped PDU or what it is encrypted to, with its header */
};

static bool read_headers(struct ber_in *in, struct secured *secured)
{
    struct ber_in header;
    struct ber_in flags;
    struct ber_in octets;
    struct ber_in usm;
    int64_t model = 0;
    if (!ber_open(in, BER_SEQUENCE, &header) || !ber_take_integer(&header, &secured->message_id) ||
        !ber_take_integer(&header, &secured->max_size) || !ber_open(&header, BER_OCTETS, &flags) ||
        flags.end - flags.at != 1 || !ber_take_integer(&header, &model) ||
        model != SECURITY_MODEL_USM || secured->max_size < MESSAGE_MIN) {
        return false;
    }
    secured->flags = *flags.at;
    if (!ber_open(in, BER_OCTETS, &octets) || !ber_open(&octets, BER_SEQUENCE, &usm) ||
        !ber_open(&usm, BER_OCTETS, &secured->engine_id) ||
        !ber_take_integer(&usm, &secured->boots) || !ber_take_integer(&usm, &secured->time_s) ||
        !ber_open(&usm, BER_OCTETS, &secured->user) || !ber_open(&usm, BER_OCTETS, &secured->mac) ||
        !ber_open(&usm, BER_OCTETS, &secured->salt)) {
        return false;
    }
    secured->data = *in;
    return true;
}

/* usmStats (RFC 3414 section 5), by their last number; 0: the request is in order. */
enum complaint {
    FINE,
    UNSUPPORTED_SEC_LEVELS,
    NOT_IN_TIME_WINDOWS,
    UNKNOWN_USER_NAMES,
    UNKNOWN_ENGINE_IDS,
    WRONG_DIGESTS,
    DECRYPTION_ERRORS,
};

static uint32_t engine_time_s(const struct mib_moment *moment)
{
    return (uint32_t)(moment->running_ms / 1000) + 1;
}

static bool mac_is_right(struct agent *agent, uint32_t device, const struct secured *secured,
                         uint8_t *message, size_t n)
{
    uint8_t mac[USM_MAC_MAX];
    uint8_t theirs[USM_MAC_MAX];
    size_t size = usm_mac_size(agent->usm);
    if ((size_t)(secured->mac.end - secured->mac.at) != size) {
        return false;
    }
    memcpy(theirs, secured->mac.at, size);
    memset(message + (secured->mac.at - message), 0, size);
    usm_sign(agent->usm, device, message, n, mac);
    return memcmp(mac, theirs, size) == 0;
}

/* RFC 3414 section 3.2, in its order. */
static enum complaint check(struct agent *agent, const struct mib_moment *moment,
                            const struct secured *secured, uint8_t *message, size_t n)
{
    uint8_t engine_id[USM_ENGINE_ID_BYTES];
    usm_engine_id(moment->device, engine_id);
    if (secured->engine_id.end - secured->engine_id.at != USM_ENGINE_ID_BYTES ||
        memcmp(secured->engine_id.at, engine_id, USM_ENGINE_ID_BYTES) != 0) {
        return UNKNOWN_ENGINE_IDS;
    }
    if (!is_text(&secured->user, usm_user(agent->usm))) {
        return UNKNOWN_USER_NAMES;
    }
    bool auth = (secured->flags & FLAG_AUTH) != 0;
    bool priv = (secured->flags & FLAG_PRIV) != 0;
    if ((auth && !usm_has_auth(agent->usm)) || (priv && (!auth || !usm_has_priv(agent->usm)))) {
        return UNSUPPORTED_SEC_LEVELS;
    }
    if (!auth) {
        return FINE;
    }
    if (!mac_is_right(agent, moment->device, secured, message, n)) {
        return WRONG_DIGESTS;
    }
    int64_t apart_s = secured->time_s - (int64_t)engine_time_s(moment);
    if (secured->boots != USM_BOOTS || apart_s > TIME_WINDOW_S || apart_s < -TIME_WINDOW_S) {
        return NOT_IN_TIME_WINDOWS;
    }
    return FINE;
}

/* The scoped PDU's content, decrypted into `plain` where it was encrypted. */
static bool open_scoped(struct agent *agent, uint32_t device, const struct secured *secured,
                        uint8_t plain[SCOPED_MAX], struct ber_in *scoped)
{
    struct ber_in data = secured->data;
    if ((secured->flags & FLAG_PRIV) != 0) {
        struct ber_in octets;
        if (!ber_open(&data, BER_OCTETS, &octets) || octets.end - octets.at > SCOPED_MAX ||
            secured->salt.end - secured->salt.at != USM_SALT_BYTES) {
            return false;
        }
        size_t n = (size_t)(octets.end - octets.at);
        memcpy(plain, octets.at, n);
        usm_decrypt(agent->usm, device, (uint32_t)secured->boots, (uint32_t)secured->time_s,
                    secured->salt.at, plain, n);
        data = (struct ber_in){plain, plain + n};
    }
    return ber_open(&data, BER_SEQUENCE, scoped);
}

/* --- an answer in SNMPv3 --- */

struct sealed {
    struct agent *agent;
    const struct mib_moment *moment;
    const struct secured *request;
    uint8_t flags;
    struct ber_out out;
    size_t begun;
    size_t mac;       /* where it goes */
    size_t encrypted; /* where the OCTET STRING begins */
    size_t scoped;
    uint8_t salt[USM_SALT_BYTES];
};

static void put_security(struct sealed *sealed)
{
    static const uint8_t zeros[USM_MAC_MAX];
    struct ber_out *out = &sealed->out;
    uint8_t engine_id[USM_ENGINE_ID_BYTES];
    const struct ber_in *user = &sealed->request->user; /* "" in the answer to a discovery */
    bool auth = (sealed->flags & FLAG_AUTH) != 0;
    bool priv = (sealed->flags & FLAG_PRIV) != 0;
    usm_engine_id(sealed->moment->device, engine_id);
    size_t octets = ber_begin(out, BER_OCTETS);
    size_t usm = ber_begin(out, BER_SEQUENCE);
    ber_put_bytes(out, BER_OCTETS, engine_id, sizeof engine_id);
    ber_put_integer(out, USM_BOOTS);
    ber_put_integer(out, engine_time_s(sealed->moment));
    ber_put_bytes(out, BER_OCTETS, user->at, (size_t)(user->end - user->at));
    size_t mac_size = auth ? usm_mac_size(sealed->agent->usm) : 0;
    ber_put_bytes(out, BER_OCTETS, zeros, mac_size);
    sealed->mac = (size_t)(out->at - out->start) - mac_size;
    ber_put_bytes(out, BER_OCTETS, sealed->salt, priv ? USM_SALT_BYTES : 0);
    ber_end(out, usm);
    ber_end(out, octets);
}

static void seal_begin(struct sealed *sealed)
{
    struct ber_out *out = &sealed->out;
    uint8_t engine_id[USM_ENGINE_ID_BYTES];
    usm_engine_id(sealed->moment->device, engine_id);
    sealed->agent->salt++;
    memcpy(sealed->salt, &sealed->agent->salt, USM_SALT_BYTES);
    sealed->begun = ber_begin(out, BER_SEQUENCE);
    ber_put_integer(out, VERSION_3);
    size_t header = ber_begin(out, BER_SEQUENCE);
    ber_put_integer(out, sealed->request->message_id);
    ber_put_integer(out, MESSAGE_MAX);
    ber_put_bytes(out, BER_OCTETS, &sealed->flags, 1);
    ber_put_integer(out, SECURITY_MODEL_USM);
    ber_end(out, header);
    put_security(sealed);
    if ((sealed->flags & FLAG_PRIV) != 0) {
        sealed->encrypted = ber_begin(out, BER_OCTETS);
    }
    sealed->scoped = ber_begin(out, BER_SEQUENCE);
    ber_put_bytes(out, BER_OCTETS, engine_id, sizeof engine_id);
    ber_put_bytes(out, BER_OCTETS, NULL, 0); /* contextName */
}

static size_t seal_end(struct sealed *sealed)
{
    struct ber_out *out = &sealed->out;
    uint32_t device = sealed->moment->device;
    uint8_t mac[USM_MAC_MAX];
    ber_end(out, sealed->scoped);
    if ((sealed->flags & FLAG_PRIV) != 0) {
        ber_end(out, sealed->encrypted);
        uint8_t *text = out->start + sealed->scoped;
        usm_encrypt(sealed->agent->usm, device, engine_time_s(sealed->moment), sealed->salt, text,
                    (size_t)(out->at - text));
    }
    ber_end(out, sealed->begun);
    if (out->full) {
        return 0;
    }
    size_t size = (size_t)(out->at - out->start);
    if ((sealed->flags & FLAG_AUTH) != 0) {
        usm_sign(sealed->agent->usm, device, out->start, size, mac);
        memcpy(out->start + sealed->mac, mac, usm_mac_size(sealed->agent->usm));
    }
    return size;
}

/* RFC 3412 section 7.1 (3); authentic only where the request was (the time window). */
static void put_report(struct sealed *sealed, enum complaint complaint, struct answer *answer)
{
    struct ber_out *out = &sealed->out;
    const uint32_t name[] = {1, 3, 6, 1, 6, 3, 15, 1, 1, (uint32_t)complaint, 0};
    size_t pdu = ber_begin(out, PDU_REPORT);
    ber_put_integer(out, 0);
    ber_put_integer(out, 0);
    ber_put_integer(out, 0);
    size_t list = ber_begin(out, BER_SEQUENCE);
    size_t varbind = ber_begin(out, BER_SEQUENCE);
    ber_put_oid(out, name, sizeof name / sizeof name[0]);
    ber_put_unsigned(out, BER_COUNTER32, 1);
    ber_end(out, varbind);
    ber_end(out, list);
    ber_end(out, pdu);
    answer->kind = ANSWER_REPORT;
    answer->n_varbinds = 1;
}

static void answer_secured(struct agent *agent, const struct mib_moment *moment, uint8_t *message,
                           size_t n, struct ber_in *in, uint8_t *reply, struct answer *answer)
{
    struct secured secured;
    struct ber_in scoped;
    struct ber_in context;
    struct pdu pdu;
    uint8_t plain[SCOPED_MAX];
    if (!read_headers(in, &secured)) {
        return;
    }
    if (agent->usm == NULL) {
        answer->kind = ANSWER_REFUSED;
        return;
    }
    enum complaint complaint = check(agent, moment, &secured, message, n);
    if (complaint == FINE && !open_scoped(agent, moment->device, &secured, plain, &scoped)) {
        complaint = DECRYPTION_ERRORS;
    }
    if (complaint != FINE && (secured.flags & FLAG_REPORTABLE) == 0) {
        answer->kind = ANSWER_REFUSED;
        return;
    }
    size_t most =
        agent->max_size < (size_t)secured.max_size ? agent->max_size : (size_t)secured.max_size;
    struct sealed sealed = {.agent = agent,
                            .moment = moment,
                            .request = &secured,
                            .out = {reply, reply, reply + most, false}};
    if (complaint != FINE) {
        sealed.flags = complaint == NOT_IN_TIME_WINDOWS ? FLAG_AUTH : 0;
        seal_begin(&sealed);
        put_report(&sealed, complaint, answer);
    } else if (ber_open(&scoped, BER_OCTETS, &context) && ber_open(&scoped, BER_OCTETS, &context) &&
               pdu_read(&scoped, &pdu)) {
        sealed.flags = secured.flags & (FLAG_AUTH | FLAG_PRIV);
        seal_begin(&sealed);
        (void)pdu_answer(agent->mib, moment, VERSION_3, &pdu, &sealed.out, answer);
    } else {
        return;
    }
    answer->n_bytes = seal_end(&sealed);
}

void answer_request(struct agent *agent, const struct mib_moment *moment, uint8_t *request,
                    size_t n, uint8_t *reply, struct answer *answer)
{
    struct ber_in message = {request, request + n};
    struct ber_in in;
    int64_t version = 0;
    *answer = (struct answer){.kind = ANSWER_BROKEN};
    if (!ber_open(&message, BER_SEQUENCE, &in) || !ber_take_integer(&in, &version)) {
        return;
    }
    if (version == VERSION_3) {
        answer_secured(agent, moment, request, n, &in, reply, answer);
    } else if (version == VERSION_1 || version == VERSION_2C) {
        answer_community(agent, moment, (int)version, &in, reply, answer);
    }
}
