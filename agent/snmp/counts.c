/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "counts.h"

const char *snmp_count_name(enum snmp_count count)
{
    static const char *const names[COUNT_N] = {
        [COUNT_REQUESTS] = "requests",
        [COUNT_TIMEOUTS] = "timeouts",
        [COUNT_NOT_SENT] = "not_sent",
        [COUNT_LATE] = "late",
        [COUNT_WRONG_SOURCE] = "wrong_source",
        [COUNT_WRONG_COMMUNITY] = "wrong_community",
        [COUNT_WRONG_PDU] = "wrong_pdu",
        [COUNT_MALFORMED] = "malformed",
        [COUNT_REFUSED] = "refused",
        [COUNT_NOT_AUTHENTIC] = "not_authentic",
        [COUNT_DISCOVERIES] = "discoveries",
        [COUNT_ENGINE_RESETS] = "engine_resets",
        [COUNT_ERROR_STATUS] = "error_status",
        [COUNT_ERROR_INDEX] = "error_index",
        [COUNT_TOO_BIG] = "too_big",
        [COUNT_EMPTY] = "empty",
        [COUNT_EXTRA_VARBINDS] = "extra_varbinds",
        [COUNT_OID_MISMATCH] = "oid_mismatch",
        [COUNT_NON_INCREASING] = "non_increasing",
        [COUNT_BAD_TYPE] = "bad_type",
        [COUNT_ROW_LIMIT] = "row_limit",
        [COUNT_WALKS_CUT] = "walks_cut",
        [COUNT_COLUMNS_DENIED] = "columns_denied",
        [COUNT_NAMELESS_ROWS] = "nameless_rows",
        [COUNT_WRAPS] = "wraps",
        [COUNT_RESETS] = "resets",
        [COUNT_IMPLAUSIBLE] = "implausible",
        [COUNT_NARROW_REFUSED] = "narrow_refused",
        [COUNT_RESTARTS] = "restarts",
        [COUNT_DISCONTINUITIES] = "discontinuities",
        [COUNT_PACED] = "paced",
        [COUNT_OVERRUN] = "overrun",
    };
    return names[count];
}

bool snmp_count_is_trouble(enum snmp_count count)
{
    return count != COUNT_REQUESTS && count != COUNT_DISCOVERIES && count != COUNT_WRAPS &&
           count != COUNT_PACED && count != COUNT_OVERRUN;
}
