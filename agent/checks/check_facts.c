/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What is known of each type of check without running it. */
#include "checks/config.h"

#define RTT                                                                                        \
    {                                                                                              \
        "rtt", "s", METRIC_GAUGE                                                                   \
    }

static const struct check_facts facts[CHECK_TYPES] = {
    [CHECK_ICMP] = {"icmp",
                    CHECK_PART_NET,
                    CHECK_ASKS_HOST,
                    0,
                    5,
                    {RTT,
                     {"rtt_min", "s", METRIC_GAUGE},
                     {"rtt_max", "s", METRIC_GAUGE},
                     {"jitter", "s", METRIC_GAUGE},
                     {"loss", "ratio", METRIC_GAUGE}}},
    [CHECK_TCP] =
        {"tcp", CHECK_PART_NET, CHECK_ASKS_HOST, 0, 2, {RTT, {"banner", "s", METRIC_GAUGE}}},
    [CHECK_HTTP] = {"http",
                    CHECK_PART_WEB,
                    CHECK_ASKS_URL,
                    0,
                    7,
                    {{"total", "s", METRIC_GAUGE},
                     {"dns", "s", METRIC_GAUGE},
                     {"connect", "s", METRIC_GAUGE},
                     {"tls", "s", METRIC_GAUGE},
                     {"first_byte", "s", METRIC_GAUGE},
                     {"status", "1", METRIC_GAUGE},
                     {"size", "bytes", METRIC_GAUGE}}},
    [CHECK_TLS] = {"tls",
                   CHECK_PART_WEB,
                   CHECK_ASKS_HOST,
                   443,
                   6,
                   {{"total", "s", METRIC_GAUGE},
                    {"connect", "s", METRIC_GAUGE},
                    {"days_left", "d", METRIC_GAUGE},
                    {"version", "1", METRIC_GAUGE},
                    {"handshake", "s", METRIC_GAUGE},
                    {"chain_days_left", "d", METRIC_GAUGE}}},
    [CHECK_DNS] = {"dns",
                   CHECK_PART_NET,
                   CHECK_ASKS_HOST,
                   53,
                   4,
                   {RTT,
                    {"answers", "1", METRIC_GAUGE},
                    {"rcode", "1", METRIC_GAUGE},
                    {"ttl", "s", METRIC_GAUGE}}},
    [CHECK_NTP] = {"ntp",
                   CHECK_PART_NET,
                   CHECK_ASKS_HOST,
                   123,
                   4,
                   {RTT,
                    {"offset", "s", METRIC_GAUGE},
                    {"stratum", "1", METRIC_GAUGE},
                    {"root_distance", "s", METRIC_GAUGE}}},
    [CHECK_SMTP] =
        {"smtp", CHECK_PART_NET, CHECK_ASKS_HOST, 25, 2, {RTT, {"banner", "s", METRIC_GAUGE}}},
    [CHECK_IMAP] =
        {"imap", CHECK_PART_NET, CHECK_ASKS_HOST, 143, 2, {RTT, {"banner", "s", METRIC_GAUGE}}},
    [CHECK_VALUE] = {"value",
                     CHECK_PART_MAIN,
                     CHECK_ASKS_NOBODY,
                     0,
                     2,
                     {{"value", "1", METRIC_GAUGE}, {"age", "s", METRIC_GAUGE}}},
    [CHECK_SYSTEMD] = {"systemd",
                       CHECK_PART_LOCAL,
                       CHECK_ASKS_NOBODY,
                       0,
                       2,
                       {{"active", "1", METRIC_GAUGE}, {"restarts", "1", METRIC_GAUGE}}},
    [CHECK_FILE] = {"file",
                    CHECK_PART_LOCAL,
                    CHECK_ASKS_NOBODY,
                    0,
                    2,
                    {{"age", "s", METRIC_GAUGE}, {"size", "bytes", METRIC_GAUGE}}},
    [CHECK_COMMAND] = {"command",
                       CHECK_PART_LOCAL,
                       CHECK_ASKS_NOBODY,
                       0,
                       3,
                       {{"runtime", "s", METRIC_GAUGE},
                        {"exit", "1", METRIC_GAUGE},
                        {"refused", "1", METRIC_GAUGE}}},
};

const struct check_facts *check_facts(int type)
{
    return &facts[type];
}

const char *check_part_name(enum check_part part)
{
    static const char *const names[CHECK_PARTS] = {"net", "web", "local", "main"};
    return names[part];
}
