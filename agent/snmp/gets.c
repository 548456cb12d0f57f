/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "gets.h"

#include <assert.h>

void gets_begin(struct gets *gets, const struct oid_view *names, size_t n,
                const struct walk_sink *sink, struct snmp_counts *counts)
{
    assert(n >= 1 && n <= GETS_MAX);
    gets->counts = counts;
    gets->sink = *sink;
    gets->n = n;
    gets->n_asked = 0;
    for (size_t i = 0; i < n; i++) {
        gets->names[i] = names[i];
        gets->ends[i] = COLUMN_OPEN;
    }
}

bool gets_ask(struct gets *gets, size_t names_max, struct request *request)
{
    size_t room = names_max < REQUEST_NAMES_MAX ? names_max : REQUEST_NAMES_MAX;
    gets->n_asked = 0;
    for (size_t i = 0; i < gets->n && gets->n_asked < room; i++) {
        if (gets->ends[i] == COLUMN_OPEN) {
            request->names[gets->n_asked] = gets->names[i];
            gets->asked[gets->n_asked++] = i;
        }
    }
    request->type = REQUEST_GET;
    request->repetitions = 0;
    request->n_names = gets->n_asked;
    return gets->n_asked > 0;
}

static enum walk_step take_error(struct gets *gets, const struct reply *reply)
{
    bool is_missing = reply->error_status == ERROR_STATUS_NO_SUCH_NAME;
    bool has_index = reply->error_index >= 1 && reply->error_index <= (long)gets->n_asked;
    if (reply->error_status == ERROR_STATUS_TOO_BIG) {
        gets->counts->n[COUNT_TOO_BIG]++;
        return WALK_TOO_BIG;
    }
    gets->counts->n[COUNT_ERROR_STATUS] += is_missing ? 0 : 1;
    gets->counts->n[COUNT_ERROR_INDEX] += reply->error_index == 0 || has_index ? 0 : 1;
    if (!has_index && gets->n_asked > 1) {
        return WALK_TOO_BIG; /* one of them it is: alone each tells */
    }
    gets->ends[gets->asked[has_index ? reply->error_index - 1 : 0]] =
        is_missing ? COLUMN_COMPLETE : COLUMN_CUT;
    return WALK_ADVANCED;
}

static void take_varbind(struct gets *gets, size_t number, const struct varbind *varbind,
                         const struct reply *reply)
{
    gets->ends[number] = COLUMN_COMPLETE;
    if (oid_compare(varbind->name, gets->names[number]) != 0) {
        gets->counts->n[COUNT_OID_MISMATCH]++;
        gets->ends[number] = COLUMN_CUT;
    } else if (varbind->type != VALUE_NO_SUCH && varbind->type != VALUE_END_OF_MIB &&
               !gets->sink.cell(gets->sink.context, number, (struct oid_view){NULL, 0}, varbind,
                                reply)) {
        gets->ends[number] = COLUMN_CUT;
    }
}

enum walk_step gets_take(struct gets *gets, const struct reply *reply)
{
    if (reply->error_status != ERROR_STATUS_NONE) {
        return take_error(gets, reply);
    }
    if (reply->n_varbinds == 0) {
        gets->counts->n[COUNT_EMPTY]++;
        gets_cut_asked(gets);
        return WALK_ADVANCED;
    }
    if (reply->n_varbinds > gets->n_asked) {
        gets->counts->n[COUNT_EXTRA_VARBINDS]++;
    }
    for (size_t i = 0; i < reply->n_varbinds && i < gets->n_asked; i++) {
        take_varbind(gets, gets->asked[i], &reply->varbinds[i], reply);
    }
    return WALK_ADVANCED;
}

void gets_cut_asked(struct gets *gets)
{
    for (size_t i = 0; i < gets->n_asked; i++) {
        if (gets->ends[gets->asked[i]] == COLUMN_OPEN) {
            gets->ends[gets->asked[i]] = COLUMN_CUT;
        }
    }
}

void gets_cut_all(struct gets *gets)
{
    for (size_t i = 0; i < gets->n; i++) {
        gets->ends[i] = gets->ends[i] == COLUMN_OPEN ? COLUMN_CUT : gets->ends[i];
    }
}
