/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
    "usage: beffroi-simulate-traffic [OPTION …] FILE\n"
    "A capture of made-up traffic, FILE.pcap or FILE.pcapng, and what is true of it, FILE.json.\n"
    "The same options make the same files.\n"
    "\n"
    "  --packets N           (20000)\n"
    "  --flows N             (2000)\n"
    "  --hosts N             how often each takes part follows Zipf's law (500)\n"
    "  --rate N              packets per second of the capture's time, about (50000)\n"
    "  --seed N              (1)\n"
    "  --snaplen BYTES       captured of each frame at most; 0: all (0)\n"
    "  --nanoseconds         time stamps of the file; else microseconds\n"
    "  --format FORMAT       pcap or pcapng (pcap)\n"
    "  --link LINK           ethernet, sll, sll2, raw, null or ppp (ethernet)\n"
    "  --preset PRESET       plain: the default\n"
    "                        bench: 1,000,000 packets, 100,000 flows, 20,000 hosts, 128 bytes of\n"
    "                               each frame, nothing that other meters do not read\n"
    "                        full: some of everything\n"
    "  --mix NAME=PART[,…]   after the preset: parts from 0 to 1\n"
    "\n"
    "Flows are of these kinds, in relation to each other:\n"
    "  tcp udp dns icmp      \n"
    "  ip                    ESP, SCTP, AH, OSPF, PIM, VRRP, IGMP and a protocol without a name\n"
    "  arp link              link: LLDP and spanning tree\n"
    "Of all flows:\n"
    "  ipv6 vlan mpls pppoe gre vxlan ip_in_ip\n"
    "  stag                  one tag of type 0x88a8 or 0x9100\n"
    "  qinq                  two to four tags\n"
    "  nested                of tunnelled flows: in a second tunnel\n"
    "  extensions            of IPv6 flows: with extension headers\n"
    "  padding               of Ethernet: frames padded to 60 bytes, some with a trailer\n"
    "Of datagrams of UDP, DNS answers and pings:\n"
    "  fragments             in fragments\n"
    "  unmatched             of those: the first fragment missing, or behind the others\n"
    "Of TCP's data segments:\n"
    "  losses                lost on their way here and sent again after at least 4 ms\n"
    "  retransmissions       seen, and sent again\n"
    "  reordering            overtaken by one to three others, within 3 ms\n"
    "Of TCP connections:\n"
    "  syn_repeats           SYN or SYN-ACK again after a second\n"
    "  unanswered            a SYN without an answer, or refused\n"
    "  midstream             begun before the capture\n"
    "  one_sided             only one direction seen\n"
    "  reuse                 of pauses: the connection ends, and another begins on its ports\n"
    "  keep_alives           of pauses: with keep-alives, or with window probes\n"
    "  resets                ended by RST, not FIN\n"
    "  offload               segments of up to 64 KB, as an interface with offload shows them\n";

static const char *const mix_names[MIXES] = {
    [MIX_TCP] = "tcp",
    [MIX_UDP] = "udp",
    [MIX_DNS] = "dns",
    [MIX_ICMP] = "icmp",
    [MIX_IP] = "ip",
    [MIX_ARP] = "arp",
    [MIX_LINK] = "link",
    [MIX_IPV6] = "ipv6",
    [MIX_VLAN] = "vlan",
    [MIX_STAG] = "stag",
    [MIX_QINQ] = "qinq",
    [MIX_MPLS] = "mpls",
    [MIX_PPPOE] = "pppoe",
    [MIX_GRE] = "gre",
    [MIX_VXLAN] = "vxlan",
    [MIX_IP_IN_IP] = "ip_in_ip",
    [MIX_NESTED] = "nested",
    [MIX_EXTENSIONS] = "extensions",
    [MIX_PADDING] = "padding",
    [MIX_FRAGMENTS] = "fragments",
    [MIX_UNMATCHED] = "unmatched",
    [MIX_LOSSES] = "losses",
    [MIX_RETRANSMISSIONS] = "retransmissions",
    [MIX_REORDERING] = "reordering",
    [MIX_SYN_REPEATS] = "syn_repeats",
    [MIX_UNANSWERED] = "unanswered",
    [MIX_MIDSTREAM] = "midstream",
    [MIX_ONE_SIDED] = "one_sided",
    [MIX_REUSE] = "reuse",
    [MIX_KEEP_ALIVES] = "keep_alives",
    [MIX_RESETS] = "resets",
    [MIX_OFFLOAD] = "offload",
};

static const struct options plain = {
    .n_packets = 20000,
    .n_flows = 2000,
    .n_hosts = 500,
    .packets_per_second = 50000,
    .seed = 1,
    .mix = {[MIX_TCP] = 0.5, [MIX_UDP] = 0.25, [MIX_DNS] = 0.2, [MIX_ICMP] = 0.05},
};

static const struct options bench = {
    .n_packets = 1000000,
    .n_flows = 100000,
    .n_hosts = 20000,
    .packets_per_second = 50000,
    .seed = 1,
    .snaplen = 128,
    .mix =
        {
            [MIX_TCP] = 0.4,
            [MIX_UDP] = 0.3,
            [MIX_DNS] = 0.28,
            [MIX_ICMP] = 0.02,
            [MIX_IPV6] = 0.2,
            [MIX_VLAN] = 0.2,
            [MIX_EXTENSIONS] = 0.05,
            [MIX_PADDING] = 0.5,
            [MIX_FRAGMENTS] = 0.01,
            [MIX_LOSSES] = 0.005,
            [MIX_RETRANSMISSIONS] = 0.005,
            [MIX_REORDERING] = 0.005,
            [MIX_SYN_REPEATS] = 0.02,
            [MIX_UNANSWERED] = 0.05,
            [MIX_KEEP_ALIVES] = 0.02,
            [MIX_RESETS] = 0.1,
        },
};

static const struct options full = {
    .n_packets = 20000,
    .n_flows = 2000,
    .n_hosts = 500,
    .packets_per_second = 50000,
    .seed = 1,
    .mix =
        {
            [MIX_TCP] = 0.4,
            [MIX_UDP] = 0.2,
            [MIX_DNS] = 0.2,
            [MIX_ICMP] = 0.04,
            [MIX_IP] = 0.06,
            [MIX_ARP] = 0.03,
            [MIX_LINK] = 0.02,
            [MIX_IPV6] = 0.35,
            [MIX_VLAN] = 0.2,
            [MIX_STAG] = 0.05,
            [MIX_QINQ] = 0.2,
            [MIX_MPLS] = 0.05,
            [MIX_PPPOE] = 0.05,
            [MIX_GRE] = 0.06,
            [MIX_VXLAN] = 0.06,
            [MIX_IP_IN_IP] = 0.05,
            [MIX_NESTED] = 0.2,
            [MIX_EXTENSIONS] = 0.3,
            [MIX_PADDING] = 0.5,
            [MIX_FRAGMENTS] = 0.1,
            [MIX_UNMATCHED] = 0.1,
            [MIX_LOSSES] = 0.02,
            [MIX_RETRANSMISSIONS] = 0.02,
            [MIX_REORDERING] = 0.02,
            [MIX_SYN_REPEATS] = 0.08,
            [MIX_UNANSWERED] = 0.08,
            [MIX_MIDSTREAM] = 0.1,
            [MIX_ONE_SIDED] = 0.05,
            [MIX_REUSE] = 0.1,
            [MIX_KEEP_ALIVES] = 0.1,
            [MIX_RESETS] = 0.2,
            [MIX_OFFLOAD] = 0.05,
        },
};

enum {
    OPTION_PACKETS = 1,
    OPTION_FLOWS,
    OPTION_HOSTS,
    OPTION_RATE,
    OPTION_SEED,
    OPTION_SNAPLEN,
    OPTION_NANOSECONDS,
    OPTION_FORMAT,
    OPTION_LINK,
    OPTION_PRESET,
    OPTION_MIX,
    OPTION_HELP,
};

static const struct option long_options[] = {
    {"packets", required_argument, NULL, OPTION_PACKETS},
    {"flows", required_argument, NULL, OPTION_FLOWS},
    {"hosts", required_argument, NULL, OPTION_HOSTS},
    {"rate", required_argument, NULL, OPTION_RATE},
    {"seed", required_argument, NULL, OPTION_SEED},
    {"snaplen", required_argument, NULL, OPTION_SNAPLEN},
    {"nanoseconds", no_argument, NULL, OPTION_NANOSECONDS},
    {"format", required_argument, NULL, OPTION_FORMAT},
    {"link", required_argument, NULL, OPTION_LINK},
    {"preset", required_argument, NULL, OPTION_PRESET},
    {"mix", required_argument, NULL, OPTION_MIX},
    {"help", no_argument, NULL, OPTION_HELP},
    {0},
};

static _Noreturn void refuse(const char *what, const char *value)
{
    (void)fprintf(stderr, "beffroi-simulate-traffic: %s%s\n", what, value);
    exit(2);
}

static uint64_t number(const char *text, uint64_t least, uint64_t most)
{
    char *end = NULL;
    unsigned long long value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || value < least || value > most) {
        refuse("not a number in its range: ", text);
    }
    return value;
}

/* "NAME=PART,…" */
static void take_mix(char *text, struct options *options)
{
    char *rest = text;
    for (char *item; (item = strtok_r(rest, ",", &rest)) != NULL;) {
        char *value = strchr(item, '=');
        char *end = value;
        double part = value != NULL ? strtod(value + 1, &end) : -1.0;
        unsigned name = 0;
        while (value != NULL && name < MIXES &&
               (strlen(mix_names[name]) != (size_t)(value - item) ||
                strncmp(mix_names[name], item, (size_t)(value - item)) != 0)) {
            name++;
        }
        if (value == NULL || end == value + 1 || *end != '\0' || !(part >= 0 && part <= 1) ||
            name == MIXES) {
            refuse("--mix is NAME=PART with a part from 0 to 1, not ", item);
        }
        options->mix[name] = part;
    }
}

static void take_link(const char *text, struct options *options)
{
    static const char *const names[LINKS] = {"ethernet", "sll", "sll2", "raw", "null", "ppp"};
    for (unsigned link = 0; link < LINKS; link++) {
        if (strcmp(names[link], text) == 0) {
            options->link = (enum link)link;
            return;
        }
    }
    refuse("no such link: ", text);
}

static void take_format(const char *text, struct options *options)
{
    if (strcmp(text, "pcap") != 0 && strcmp(text, "pcapng") != 0) {
        refuse("--format is pcap or pcapng, not ", text);
    }
    options->pcapng = strcmp(text, "pcapng") == 0;
}

/* Before all others, wherever it stands. */
static void take_preset(int argc, char *argv[], struct options *options)
{
    *options = plain;
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        if (option == OPTION_PRESET && strcmp(optarg, "bench") == 0) {
            *options = bench;
        } else if (option == OPTION_PRESET && strcmp(optarg, "full") == 0) {
            *options = full;
        } else if (option == OPTION_PRESET && strcmp(optarg, "plain") != 0) {
            refuse("--preset is plain, bench or full, not ", optarg);
        }
    }
    opterr = 1;
    optind = 1;
}

static void take(int option, struct options *options)
{
    switch (option) {
    case OPTION_PACKETS:
        options->n_packets = number(optarg, 1, UINT64_C(1000000000));
        break;
    case OPTION_FLOWS:
        options->n_flows = (uint32_t)number(optarg, 1, 4000000);
        break;
    case OPTION_HOSTS:
        options->n_hosts = (uint32_t)number(optarg, 8, 1000000);
        break;
    case OPTION_RATE:
        options->packets_per_second = (uint32_t)number(optarg, 1, 100000000);
        break;
    case OPTION_SEED:
        options->seed = number(optarg, 0, UINT64_MAX);
        break;
    case OPTION_SNAPLEN:
        options->snaplen = (uint32_t)number(optarg, 0, 262144);
        break;
    case OPTION_NANOSECONDS:
        options->nanoseconds = true;
        break;
    case OPTION_FORMAT:
        take_format(optarg, options);
        break;
    case OPTION_LINK:
        take_link(optarg, options);
        break;
    case OPTION_MIX:
        take_mix(optarg, options);
        break;
    case OPTION_PRESET:
        break;
    case OPTION_HELP:
        (void)fputs(usage, stdout);
        exit(0);
    default:
        refuse("try --help", "");
    }
}

void options_read(int argc, char *argv[], struct options *options)
{
    take_preset(argc, argv, options);
    for (int option; (option = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        take(option, options);
    }
    if (optind + 1 != argc) {
        refuse("where to? give FILE, without an ending", "");
    }
    options->prefix = argv[optind];
    if (options->link != LINK_ETHERNET) {
        static const enum mix of_ethernet[] = {MIX_VLAN,  MIX_STAG, MIX_QINQ,   MIX_MPLS,
                                               MIX_PPPOE, MIX_ARP,  MIX_PADDING};
        for (unsigned i = 0; i < sizeof of_ethernet / sizeof of_ethernet[0]; i++) {
            options->mix[of_ethernet[i]] = 0;
        }
        options->mix[MIX_LINK] = 0;
    }
    double kinds = 0;
    for (unsigned i = MIX_TCP; i <= MIX_LINK; i++) {
        kinds += options->mix[i];
    }
    if (kinds <= 0) {
        refuse("--mix leaves no kind of flow", "");
    }
}
