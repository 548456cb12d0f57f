# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what beffroi-simulate-traffic writes, slowly and without cunning: a second opinion of what is true
of a capture, from its bytes alone."""

import collections
import struct

ETHER = {0x0800: "ipv4", 0x86dd: "ipv6", 0x0806: "arp"}
TAGS = {0x8100: "8100", 0x88a8: "88a8", 0x9100: "9100"}
L4 = {6: "tcp", 17: "udp", 1: "icmp", 58: "icmp6", 2: "igmp", 47: "gre", 50: "esp", 51: "ah", 132: "sctp",
      4: "ipip", 41: "6in4", 89: "ospf", 103: "pim", 112: "vrrp"}
Datagram = collections.namedtuple("Datagram", "version source destination protocol bytes later fragment payload")


def records(data):
    """(time in ns, frame, length on the wire) of each packet, and the link type first."""
    if data[:4] == b"\x0a\x0d\x0d\x0a":
        yield from records_pcapng(data)
        return
    tick = {0xa1b2c3d4: 1000, 0xa1b23c4d: 1}[struct.unpack_from("<I", data)[0]]
    yield struct.unpack_from("<I", data, 20)[0]
    at = 24
    while at < len(data):
        seconds, part, captured, wire = struct.unpack_from("<IIII", data, at)
        yield seconds * 10**9 + part * tick, data[at + 16:at + 16 + captured], wire
        at += 16 + captured


def records_pcapng(data):
    at, tick = 0, None
    while at < len(data):
        kind, length = struct.unpack_from("<II", data, at)
        assert data[at + length - 4:at + length] == data[at + 4:at + 8]
        if kind == 1:
            yield struct.unpack_from("<H", data, at + 8)[0]
            assert struct.unpack_from("<HH", data, at + 16) == (9, 1)
            tick = 10 ** (9 - data[at + 20])
        elif kind == 6:
            _, high, low, captured, wire = struct.unpack_from("<IIIII", data, at + 8)
            yield (high << 32 | low) * tick, data[at + 28:at + 28 + captured], wire
        at += length


def ip(data):
    """The datagram, fragments without what is behind the header but the first's."""
    if data[0] >> 4 == 4:
        length, ident, flags = struct.unpack_from("!HHH", data, 2)
        key = ident if flags & 0x3fff else None
        return Datagram(4, data[12:16], data[16:20], data[9], length, flags & 0x1fff != 0, key, data[20:length])
    assert data[0] >> 4 == 6
    length, following = struct.unpack_from("!HB", data, 4)
    at, later, key = 40, False, None
    while following in (0, 43, 44, 51, 60) and not later:
        size = 8 if following == 44 else (data[at + 1] + 2) * 4 if following == 51 else (data[at + 1] + 1) * 8
        if following == 44 and struct.unpack_from("!H", data, at + 2)[0] & 0xfff9:
            later = struct.unpack_from("!H", data, at + 2)[0] & 0xfff8 != 0
            key = data[at + 4:at + 8]
        following, at = data[at], at + size
    return Datagram(6, data[8:24], data[24:40], following, length + 40, later, key, data[at:length + 40])


def below_ether(kind, data):
    """(name, the datagram's bytes or None) behind MPLS and PPPoE."""
    if kind == 0x8847:
        while not data[2] & 1:
            data = data[4:]
        data = data[4:]
        return {4: "ipv4", 6: "ipv6"}[data[0] >> 4], data
    if kind == 0x8864:
        return {0x21: "ipv4", 0x57: "ipv6"}[struct.unpack_from("!H", data, 6)[0]], data[8:]
    name = ETHER.get(kind, "other")
    return name, data if name.startswith("ip") else None


def ethernet(frame):
    """(tags, [VLANs], name, bytes)"""
    kind, at, tags, vlans = struct.unpack_from("!H", frame, 12)[0], 14, [], []
    while kind in TAGS:
        tags.append(TAGS[kind])
        vlan, kind = struct.unpack_from("!HH", frame, at)
        vlans.append(vlan & 0xfff)
        at += 4
    name, rest = below_ether(kind, frame[at:])
    return ("none" if not tags else tags[0] if len(tags) == 1 else "qinq"), vlans, name, rest


def link(number, frame):
    if number == 1:
        return ethernet(frame)
    skip = {113: 16, 276: 20, 101: 0, 0: 4, 9: 4}[number]
    name = {4: "ipv4", 6: "ipv6"}[frame[skip] >> 4]
    said = {113: lambda: ETHER[struct.unpack_from("!H", frame, 14)[0]],
            276: lambda: ETHER[struct.unpack_from("!H", frame)[0]],
            9: lambda: {0x21: "ipv4", 0x57: "ipv6"}[struct.unpack_from("!H", frame, 2)[0]],
            0: lambda: {2: "ipv4", 28: "ipv6"}[frame[0]]}
    assert number == 101 or said[number]() == name
    return "none", [], name, frame[skip:]


def inner(datagram):
    """(the innermost datagram, how many tunnels)"""
    depth = 0
    while depth < 2 and not datagram.later:
        data = datagram.payload
        if datagram.protocol in (4, 41):
            rest = data
        elif datagram.protocol == 47:
            at = 4 + sum(4 for bit in (0x80, 0x20, 0x10) if data[0] & bit)
            kind = struct.unpack_from("!H", data, 2)[0]
            rest = ethernet(data[at:])[3] if kind == 0x6558 else data[at:]
        elif datagram.protocol == 17 and struct.unpack_from("!H", data, 2)[0] == 4789:
            rest = ethernet(data[16:])[3]
        else:
            break
        datagram, depth = ip(rest), depth + 1
    return datagram, depth


class Way:
    """What one end of a connection has sent."""

    def __init__(self):
        self.next = None
        self.holes = []  # [first, end, since when]

    def take(self, now, sequence, size, fin):
        """"", "retransmission" or "reordered" """
        if self.next is None:
            self.next = sequence
        at = self.next + ((sequence - self.next + 2**31) % 2**32 - 2**31)
        said = ""
        if size and at < self.next and not (size == 1 and at == self.next - 1):
            said = "retransmission"
            for hole in self.holes:
                if hole[0] <= at < hole[1]:
                    said = "reordered" if now - hole[2] < 3_000_000 else said
                    self.holes.remove(hole)
                    self.holes += [h for h in ([hole[0], at, hole[2]], [at + size, hole[1], hole[2]]) if h[0] < h[1]]
                    break
        elif at > self.next and size:
            self.holes.append([self.next, at, now])
        self.next = max(self.next, at + size + fin)
        return said


class Connection:
    def __init__(self):
        self.ways = {}
        self.syn = self.answer = None  # [sequence number, when, how often]
        self.done = False

    def take(self, counts, now, key, flags, sequence, size):
        fin, syn, reset, ack = (bool(flags & bit) for bit in (1, 2, 4, 16))
        counts["fins"] += fin
        counts["resets"] += reset
        if syn:
            counts["syn_acks" if ack else "syns"] += 1
            self.opening(counts, now, key, sequence, ack)
            return
        if ack and self.answer and self.answer[3] != key and not self.done:
            if self.answer[2] == 1:
                counts["client"].append(now - self.answer[1])
            self.done = True
        if not reset:
            said = self.ways.setdefault(key, Way()).take(now, sequence, size, fin)
            if said:
                counts[said] += 1

    def opening(self, counts, now, key, sequence, ack):
        last = self.answer if ack else self.syn
        if last and last[0] == sequence:
            counts["syn_retransmissions"] += 1
            last[2] += 1
            if not ack:
                last[1] = now
            return
        if ack:
            self.answer = [sequence, now, 1, key]
            if self.syn:
                counts["handshakes" if self.syn[2] == 1 else "handshakes_ambiguous"] += 1
                if self.syn[2] == 1:
                    counts["server"].append(now - self.syn[1])
        else:
            self.syn, self.answer, self.done, self.ways = [sequence, now, 1], None, False, {}
        way = self.ways[key] = Way()
        way.next = (sequence + 1) % 2**32


class Reader:
    """All of a capture, in the shape of the generator's truth where it has one."""

    def __init__(self, data):
        stream = records(data)
        self.link = next(stream)
        self.counts = collections.Counter()
        self.groups = {group: collections.defaultdict(lambda: [0, 0, 0]) for group in ("l3", "l4", "vlan", "vlan_ids")}
        self.hosts = collections.defaultdict(lambda: [0, 0])
        self.tcp = collections.Counter(server=[], client=[])
        self.dns = collections.Counter(times=[])
        self.rcodes = collections.Counter()
        self.flows, self.ports, self.asked = {}, {}, {}
        self.last = None
        for now, frame, wire in stream:
            assert self.last is None or now >= self.last
            self.last = now
            self.frame(now, frame, wire)

    def add(self, group, name, ip_bytes, wire):
        row = self.groups[group][name]
        row[0], row[1], row[2] = row[0] + 1, row[1] + ip_bytes, row[2] + wire

    def frame(self, now, frame, wire):
        tags, vlans, name, rest = link(self.link, frame)
        outer = ip(rest) if rest is not None else None
        size = outer.bytes if outer else 0
        assert size <= wire
        self.counts["packets"] += 1
        self.counts["wire_bytes"] += wire
        self.counts["ip_bytes"] += size
        self.counts["truncated"] += len(frame) < wire
        self.add("l3", name, size, wire)
        self.add("vlan", tags, size, wire)
        if vlans:
            self.add("vlan_ids", str(vlans[0]), size, wire)
        if outer:
            self.add("l4", L4.get(outer.protocol, "other"), size, wire)
            self.counts["fragments_non_first"] += outer.later
            datagram, depth = inner(outer)
            self.counts["tunnelled"] += depth > 0
            self.datagram(now, datagram, size)

    def datagram(self, now, datagram, size):
        ports = (0, 0)
        if datagram.protocol in (6, 17, 132) or datagram.fragment is not None:
            known = (datagram.source, datagram.destination, datagram.protocol, datagram.fragment)
            if not datagram.later:
                ports = struct.unpack_from("!HH", datagram.payload) if datagram.protocol in (6, 17, 132) else (0, 0)
                if datagram.fragment is not None:
                    self.ports[known] = ports
            elif known in self.ports:
                ports = self.ports[known]
            else:
                self.counts["fragments_unmatched"] += 1
                return
        ends = ((datagram.source, ports[0]), (datagram.destination, ports[1]))
        flow = self.flows.setdefault((datagram.protocol, *sorted(ends)), Connection())
        for address in (datagram.source, datagram.destination):
            self.hosts[address][0] += size
            self.hosts[address][1] += 1
        if datagram.later:
            return
        if datagram.protocol == 6:
            sequence, offset, flags = struct.unpack_from("!I4xBB", datagram.payload, 4)
            # IPv4 tells, whatever was captured of it; of IPv6 all of the frame must be there.
            behind = datagram.bytes - 20 if datagram.version == 4 else len(datagram.payload)
            payload = behind - (offset >> 4) * 4
            flow.take(self.tcp, now, ends[0], flags, sequence, payload)
        elif datagram.protocol == 17 and 53 in ports:
            self.name(now, ends, *struct.unpack_from("!HH", datagram.payload, 8))

    def name(self, now, ends, ident, flags):
        key = (ident, *(reversed(ends) if flags & 0x8000 else ends))
        if not flags & 0x8000:
            self.dns["queries"] += 1
            self.dns["repeated"] += key in self.asked
            self.asked[key] = None if key in self.asked else now
            return
        self.dns["responses"] += 1
        self.rcodes[flags & 15] += 1
        if key not in self.asked:
            self.dns["unmatched"] += 1
        elif self.asked.pop(key) is not None:
            self.dns["timed"] += 1
