/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter_options.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPTION_READ = 256,
    OPTION_FORMAT,
    OPTION_INTERVAL,
    OPTION_FOR,
    OPTION_TOP,
    OPTION_FLOWS,
    OPTION_EXACT,
    OPTION_OWN,
    OPTION_FILTER,
    OPTION_PROMISCUOUS,
    OPTION_USER,
    OPTION_IPFIX,
    OPTION_HELP,
    TOP_DEFAULT = 20,
    TOP_MAX = 1000,
    FLOWS_MIN = 1024,
    FLOWS_MAX = 16 * 1024 * 1024,
    DAY_S = 86400,
};

static const struct option long_options[] = {
    {"read", required_argument, NULL, OPTION_READ},
    {"interface", required_argument, NULL, 'i'},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"interval", required_argument, NULL, OPTION_INTERVAL},
    {"for", required_argument, NULL, OPTION_FOR},
    {"top", required_argument, NULL, OPTION_TOP},
    {"flows", required_argument, NULL, OPTION_FLOWS},
    {"exact-addresses", no_argument, NULL, OPTION_EXACT},
    {"own", required_argument, NULL, OPTION_OWN},
    {"filter", required_argument, NULL, OPTION_FILTER},
    {"promiscuous", no_argument, NULL, OPTION_PROMISCUOUS},
    {"user", required_argument, NULL, OPTION_USER},
    {"ipfix", required_argument, NULL, OPTION_IPFIX},
    {"help", no_argument, NULL, OPTION_HELP},
    {0},
};

struct parsing {
    struct meter_cli_options *options;
    char *reason;
    size_t reason_size;
};

static int refuse(const struct parsing *parsing, const char *what, const char *value)
{
    (void)snprintf(parsing->reason, parsing->reason_size, "%s%s", what, value);
    return -EINVAL;
}

/* "10", "0.5", "10s", "500ms", "5min", "1h": into ms. */
static int take_duration(const struct parsing *parsing, const char *name, const char *text,
                         int64_t *duration_ms)
{
    static const struct {
        const char *unit;
        double ms;
    } units[] = {{"", 1000}, {"s", 1000}, {"ms", 1}, {"min", 60000}, {"h", 3600000}};
    char *unit;
    double number = strtod(text, &unit);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        double ms = number * units[i].ms;
        if (unit != text && strcmp(unit, units[i].unit) == 0 && isfinite(ms) && ms >= 1 &&
            ms <= 1000.0 * DAY_S) {
            *duration_ms = (int64_t)llround(ms);
            return 0;
        }
    }
    (void)snprintf(parsing->reason, parsing->reason_size,
                   "--%s is a time of 1ms to 24h, such as 10s, not %s", name, text);
    return -EINVAL;
}

static int take_number(const struct parsing *parsing, const char *name, const char *text,
                       size_t least, size_t most, size_t *number)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value < least ||
        value > most) {
        (void)snprintf(parsing->reason, parsing->reason_size,
                       "--%s is a number from %zu to %zu, not %s", name, least, most, text);
        return -EINVAL;
    }
    *number = value;
    return 0;
}

static int take_own(const struct parsing *parsing, const char *text)
{
    struct meter_cli_options *options = parsing->options;
    char why[128];
    if (options->n_own == PRIVACY_RANGES_MAX) {
        return refuse(parsing, "--own was given too often: ", text);
    }
    if (privacy_range_parse(text, &options->own[options->n_own], why, sizeof why) != 0) {
        (void)snprintf(parsing->reason, parsing->reason_size, "--own %s: %s", text, why);
        return -EINVAL;
    }
    options->n_own++;
    return 0;
}

static int take_format(const struct parsing *parsing, const char *name)
{
    if (strcmp(name, "text") != 0 && strcmp(name, "json") != 0) {
        return refuse(parsing, "--format is text or json, not ", name);
    }
    parsing->options->format = name[0] == 't' ? METER_TEXT : METER_JSON;
    return 0;
}

static int take_switch(const struct parsing *parsing, int option, char *const argv[])
{
    const char letter[] = {'-', (char)optopt, '\0'}; /* argv may hold several letters */
    struct meter_cli_options *options = parsing->options;
    switch (option) {
    case 'h':
    case OPTION_HELP:
        options->help = true;
        return 0;
    case OPTION_EXACT:
        options->exact_addresses = true;
        return 0;
    case OPTION_PROMISCUOUS:
        options->promiscuous = true;
        return 0;
    case ':':
        return refuse(parsing, "needs a value: ", argv[optind - 1]);
    default:
        return refuse(parsing, "no such option: ", optopt != 0 ? letter : argv[optind - 1]);
    }
}

static int take(const struct parsing *parsing, int option, char *const argv[])
{
    struct meter_cli_options *options = parsing->options;
    switch (option) {
    case OPTION_READ:
        options->file = optarg;
        return 0;
    case 'i':
        options->interface = optarg;
        return 0;
    case OPTION_FILTER:
        options->filter = optarg;
        return 0;
    case OPTION_USER:
        options->user = optarg;
        return 0;
    case OPTION_IPFIX:
        options->ipfix = optarg;
        return 0;
    case OPTION_FORMAT:
        return take_format(parsing, optarg);
    case OPTION_INTERVAL:
        return take_duration(parsing, "interval", optarg, &options->interval_ms);
    case OPTION_FOR:
        return take_duration(parsing, "for", optarg, &options->duration_ms);
    case OPTION_TOP:
        return take_number(parsing, "top", optarg, 0, TOP_MAX, &options->top);
    case OPTION_FLOWS:
        return take_number(parsing, "flows", optarg, FLOWS_MIN, FLOWS_MAX, &options->flows);
    case OPTION_OWN:
        return take_own(parsing, optarg);
    default:
        return take_switch(parsing, option, argv);
    }
}

int meter_options_parse(int argc, char *argv[], struct meter_cli_options *options, char *reason,
                        size_t reason_size)
{
    const struct parsing parsing = {options, reason, reason_size};
    *options = (struct meter_cli_options){.format = METER_TEXT, .top = TOP_DEFAULT};
    opterr = 0; /* what is wrong is said in our own words */
    optind = 1;
    for (int option; (option = getopt_long(argc, argv, ":i:h", long_options, NULL)) != -1;) {
        int rc = take(&parsing, option, argv);
        if (rc != 0) {
            return rc;
        }
    }
    if (options->help) {
        return 0;
    }
    if (optind < argc) {
        return refuse(&parsing, "not understood: ", argv[optind]);
    }
    if ((options->file == NULL) == (options->interface == NULL)) {
        return refuse(&parsing, "what shall be metered? give --read FILE or -i INTERFACE", "");
    }
    if (options->file != NULL && (options->duration_ms != 0 || options->promiscuous)) {
        return refuse(&parsing, "--for and --promiscuous go with -i", "");
    }
    return 0;
}

void meter_options_print_usage(FILE *out)
{
    fputs(
        "usage: beffroi-agent meter --read FILE [OPTION]...\n"
        "       beffroi-agent meter -i INTERFACE [OPTION]...\n"
        "\n"
        "Meters a capture file (pcap or pcapng, - for standard input), or an interface live: "
        "bytes\n"
        "and packets by protocol and VLAN, flows, TCP round trips and retransmissions, DNS, the\n"
        "heaviest hosts and services. Needs no configuration, keys or collector.\n"
        "\n"
        "      --read FILE        the file; one document for all of it\n"
        "  -i, --interface NAME   the interface; needs CAP_NET_RAW\n"
        "      --interval TIME    one document for each interval, such as 10s (live: 1s)\n"
        "      --for TIME         of an interface: end after that time\n"
        "      --format FORMAT    text (for people, the default) or json (one object per line)\n"
        "      --top N            how many hosts, prefixes and services are listed (20)\n"
        "      --exact-addresses  tell every address in full; else clients are told as their /24\n"
        "                         or /48\n"
        "      --own RANGE        tell addresses of this range in full: your own servers; may be\n"
        "                         given more than once\n"
        "      --filter TEXT      only packets that match, in the language of pcap-filter(7)\n"
        "      --promiscuous      of an interface: also frames that are not for this machine\n"
        "      --flows N          entries of the flow table (131072)\n"
        "      --user NAME        whom to become when started as root (nobody)\n"
        "      --ipfix ADDRESS:PORT  also send the flows to a flow collector (IPFIX over\n"
        "                         UDP), at the end of each interval\n"
        "  -h, --help             print this\n"
        "\n"
        "Exit status: 0 metered to the end, 1 not (what was metered until then is printed), 2\n"
        "wrong usage.\n",
        out);
}
