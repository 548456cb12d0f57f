/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "meter/packet.h"

#include <assert.h>

const char *packet_exit_name(enum packet_exit exit)
{
    static const char *const names[EXITS] = {
        [EXIT_NONE] = "none",
        [EXIT_EMPTY] = "empty",
        [EXIT_LINK_TRUNCATED] = "link_truncated",
        [EXIT_LINK_UNKNOWN] = "link_unknown",
        [EXIT_VLAN_TRUNCATED] = "vlan_truncated",
        [EXIT_VLAN_TOO_MANY] = "vlan_too_many",
        [EXIT_MPLS_TRUNCATED] = "mpls_truncated",
        [EXIT_MPLS_TOO_MANY] = "mpls_too_many",
        [EXIT_MPLS_PAYLOAD] = "mpls_payload",
        [EXIT_PPP_TRUNCATED] = "ppp_truncated",
        [EXIT_IPV4_TRUNCATED] = "ipv4_truncated",
        [EXIT_IPV4_VERSION] = "ipv4_version",
        [EXIT_IPV4_IHL] = "ipv4_ihl",
        [EXIT_IPV4_LENGTH] = "ipv4_length",
        [EXIT_IPV6_TRUNCATED] = "ipv6_truncated",
        [EXIT_IPV6_VERSION] = "ipv6_version",
        [EXIT_IPV6_LENGTH] = "ipv6_length",
        [EXIT_IPV6_EXTENSION_TRUNCATED] = "ipv6_extension_truncated",
        [EXIT_IPV6_EXTENSION_LENGTH] = "ipv6_extension_length",
        [EXIT_IPV6_EXTENSIONS_TOO_MANY] = "ipv6_extensions_too_many",
        [EXIT_TUNNEL_TOO_DEEP] = "tunnel_too_deep",
        [EXIT_GRE_TRUNCATED] = "gre_truncated",
        [EXIT_GRE_UNKNOWN] = "gre_unknown",
        [EXIT_VXLAN_TRUNCATED] = "vxlan_truncated",
        [EXIT_TCP_TRUNCATED] = "tcp_truncated",
        [EXIT_TCP_OFFSET] = "tcp_offset",
        [EXIT_TCP_OPTION] = "tcp_option",
        [EXIT_UDP_TRUNCATED] = "udp_truncated",
        [EXIT_UDP_LENGTH] = "udp_length",
        [EXIT_ICMP_TRUNCATED] = "icmp_truncated",
        [EXIT_SCTP_TRUNCATED] = "sctp_truncated",
        [EXIT_DNS_TRUNCATED] = "dns_truncated",
    };
    assert((unsigned)exit < EXITS);
    return names[exit];
}

const char *packet_l3_name(enum packet_l3 l3)
{
    static const char *const names[L3_KINDS] = {
        [L3_OTHER] = "other",
        [L3_IPV4] = "ipv4",
        [L3_IPV6] = "ipv6",
        [L3_ARP] = "arp",
    };
    assert((unsigned)l3 < L3_KINDS);
    return names[l3];
}

const char *packet_l4_name(enum packet_l4 l4)
{
    static const char *const names[L4_KINDS] = {
        [L4_NONE] = "none",   [L4_TCP] = "tcp",   [L4_UDP] = "udp",   [L4_ICMP] = "icmp",
        [L4_ICMP6] = "icmp6", [L4_IGMP] = "igmp", [L4_GRE] = "gre",   [L4_ESP] = "esp",
        [L4_AH] = "ah",       [L4_SCTP] = "sctp", [L4_IPIP] = "ipip", [L4_6IN4] = "6in4",
        [L4_OSPF] = "ospf",   [L4_PIM] = "pim",   [L4_VRRP] = "vrrp", [L4_OTHER] = "other",
    };
    assert((unsigned)l4 < L4_KINDS);
    return names[l4];
}

const char *packet_tags_name(enum packet_tags t)
{
    static const char *const names[TAGS_KINDS] = {
        [TAGS_NONE] = "none", [TAGS_8100] = "8100", [TAGS_88A8] = "88a8",
        [TAGS_9100] = "9100", [TAGS_QINQ] = "qinq",
    };
    assert((unsigned)t < TAGS_KINDS);
    return names[t];
}
