/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pdu.h"

#include <stdint.h>

/* RFC 3416 section 3. */
enum { STATUS_NONE = 0, STATUS_TOO_BIG = 1, STATUS_NO_SUCH_NAME = 2 };

bool pdu_read(struct ber_in *in, struct pdu *pdu)
{
    struct ber_in content;
    struct ber_in list;
    if (!ber_take(in, &pdu->type, &content) ||
        (pdu->type != PDU_GET && pdu->type != PDU_GETNEXT && pdu->type != PDU_GETBULK) ||
        !ber_take_integer(&content, &pdu->request_id) ||
        !ber_take_integer(&content, &pdu->non_repeaters) ||
        !ber_take_integer(&content, &pdu->max_repetitions) ||
        !ber_open(&content, BER_SEQUENCE, &list)) {
        return false;
    }
    pdu->varbinds = list;
    for (pdu->n_names = 0; list.at < list.end; pdu->n_names++) {
        struct ber_in varbind;
        if (pdu->n_names == REQUEST_VARBINDS_MAX || !ber_open(&list, BER_SEQUENCE, &varbind) ||
            !ber_take_oid(&varbind, &pdu->names[pdu->n_names])) {
            return false;
        }
    }
    return true;
}

/* One that has no value. */
static void put_exception(struct ber_out *out, const uint32_t *ids, size_t n, uint8_t exception)
{
    size_t begun = ber_begin(out, BER_SEQUENCE);
    ber_put_oid(out, ids, n);
    ber_put_bytes(out, exception, NULL, 0);
    ber_end(out, begun);
}

/* --- a whole Response --- */

struct response {
    const struct mib *mib;
    const struct mib_moment *moment;
    const struct pdu *pdu;
    bool v1;
    struct ber_out *out;
    size_t begun;
    size_t list;
    size_t n_varbinds;
};

static void begin(struct response *response, int64_t status, int64_t index)
{
    struct ber_out *out = response->out;
    response->begun = ber_begin(out, PDU_RESPONSE);
    ber_put_integer(out, response->pdu->request_id);
    ber_put_integer(out, status);
    ber_put_integer(out, index);
    response->list = ber_begin(out, BER_SEQUENCE);
}

static void end(struct response *response)
{
    ber_end(response->out, response->list);
    ber_end(response->out, response->begun);
}

/* SNMPv1 gives the request's varbinds back with every error. */
static void put_error(struct response *response, uint8_t *start, int64_t status, int64_t index,
                      bool echo)
{
    response->out->at = start;
    response->out->full = false;
    response->n_varbinds = echo ? response->pdu->n_names : 0;
    begin(response, status, index);
    if (echo) {
        const struct ber_in *varbinds = &response->pdu->varbinds;
        ber_put_raw(response->out, varbinds->at, (size_t)(varbinds->end - varbinds->at));
    }
    end(response);
}

/* The object that answers the n-th name of a GET or GETNEXT, or mib_end. */
static size_t lookup(const struct response *response, size_t n)
{
    const struct mib *mib = response->mib;
    const struct oid *name = &response->pdu->names[n];
    if (response->pdu->type == PDU_GET) {
        size_t number = mib_find(mib, name);
        bool hidden = response->v1 && number < mib_end(mib) && mib_is_counter64(mib, number);
        return hidden ? mib_end(mib) : number;
    }
    size_t number = mib_after(mib, name);
    /* RFC 3584 section 4.2.2.1 */
    while (response->v1 && number < mib_end(mib) && mib_is_counter64(mib, number)) {
        number++;
    }
    return number;
}

/* SIZE_MAX, or which of the names does not exist (SNMPv1). */
static size_t put_each(struct response *response)
{
    const struct pdu *pdu = response->pdu;
    for (size_t i = 0; i < pdu->n_names; i++) {
        size_t number = lookup(response, i);
        if (number < mib_end(response->mib)) {
            mib_put(response->mib, number, response->moment, response->out);
        } else if (response->v1) {
            return i;
        } else {
            put_exception(response->out, pdu->names[i].ids, pdu->names[i].n,
                          pdu->type == PDU_GET ? BER_NO_SUCH_INSTANCE : BER_END_OF_MIB);
        }
        response->n_varbinds++;
    }
    return SIZE_MAX;
}

/* --- GETBULK --- */

/* Where a name of a GETBULK stands: at an object, or beyond the last one with the name that it
 * reached there. */
struct place {
    size_t number;
    size_t previous; /* SIZE_MAX: the request's own name */
};

/* False: it did not fit; what was written before it stays. */
static bool put_place(struct response *response, size_t n, struct place *place)
{
    struct ber_out *out = response->out;
    uint8_t *before = out->at;
    if (place->number < mib_end(response->mib)) {
        mib_put(response->mib, place->number, response->moment, out);
        place->previous = place->number++;
    } else if (place->previous == SIZE_MAX) {
        const struct oid *name = &response->pdu->names[n];
        put_exception(out, name->ids, name->n, BER_END_OF_MIB);
    } else {
        mib_put_end(response->mib, place->previous, out);
    }
    if (out->full) {
        out->at = before;
        out->full = false;
        return false;
    }
    response->n_varbinds++;
    return true;
}

static size_t bounded(int64_t value, size_t most)
{
    return value < 0 ? 0 : (uint64_t)value > most ? most : (size_t)value;
}

/* RFC 3416 section 4.2.3. Ends early after a repetition in which nothing was left, as it may. */
static void put_bulk(struct response *response)
{
    struct place places[REQUEST_VARBINDS_MAX];
    const struct pdu *pdu = response->pdu;
    size_t n_once = bounded(pdu->non_repeaters, pdu->n_names);
    size_t n_times = bounded(pdu->max_repetitions, UINT16_MAX);
    for (size_t i = 0; i < pdu->n_names; i++) {
        places[i] = (struct place){mib_after(response->mib, &pdu->names[i]), SIZE_MAX};
    }
    for (size_t i = 0; i < n_once; i++) {
        if (!put_place(response, i, &places[i])) {
            return;
        }
    }
    for (size_t turn = 0; turn < n_times; turn++) {
        bool any = false;
        for (size_t i = n_once; i < pdu->n_names; i++) {
            any = any || places[i].number < mib_end(response->mib);
            if (!put_place(response, i, &places[i])) {
                return;
            }
        }
        if (!any) {
            return;
        }
    }
}

bool pdu_answer(const struct mib *mib, const struct mib_moment *moment, int version,
                const struct pdu *pdu, struct ber_out *out, struct answer *answer)
{
    struct response response = {
        .mib = mib, .moment = moment, .pdu = pdu, .v1 = version == VERSION_1, .out = out};
    uint8_t *start = out->at;
    size_t missing = SIZE_MAX;
    begin(&response, STATUS_NONE, 0);
    if (pdu->type == PDU_GETBULK) {
        put_bulk(&response);
    } else {
        missing = put_each(&response);
    }
    end(&response);
    if (missing != SIZE_MAX) {
        put_error(&response, start, STATUS_NO_SUCH_NAME, (int64_t)missing + 1, true);
    } else if (out->full || (response.n_varbinds == 0 && pdu->n_names > 0 &&
                             pdu->type == PDU_GETBULK && pdu->max_repetitions > 0)) {
        answer->too_big = true;
        put_error(&response, start, STATUS_TOO_BIG, 0, response.v1);
    }
    answer->kind = pdu->type == PDU_GET       ? ANSWER_GET
                   : pdu->type == PDU_GETNEXT ? ANSWER_GETNEXT
                                              : ANSWER_GETBULK;
    answer->n_varbinds = response.n_varbinds;
    return !out->full;
}
