# SPDX-License-Identifier: GPL-3.0-or-later
"""What `poll` must say of a device's interfaces, worked out of its dump alone (RFC 1213, RFC 2863): the
same question as the agent's, answered by other means.

Each field has a list of right answers, None for "absent". It is one answer, except where a file is
not served as it stands (snmprec.py): what no walk reaches may be absent, and of a name that stands
twice either value may come."""

import itertools
import re
import unicodedata

import snmprec

IF_ENTRY = "1.3.6.1.2.1.2.2.1"
IF_X_ENTRY = "1.3.6.1.2.1.31.1.1.1"
LABEL_BYTES_MAX = 1024

COLUMNS = {
    "ifIndex": (IF_ENTRY, 1), "ifDescr": (IF_ENTRY, 2), "ifType": (IF_ENTRY, 3), "ifMtu": (IF_ENTRY, 4),
    "ifSpeed": (IF_ENTRY, 5), "ifPhysAddress": (IF_ENTRY, 6), "ifAdminStatus": (IF_ENTRY, 7),
    "ifOperStatus": (IF_ENTRY, 8), "ifInOctets": (IF_ENTRY, 10), "ifInUcastPkts": (IF_ENTRY, 11),
    "ifInNUcastPkts": (IF_ENTRY, 12), "ifInDiscards": (IF_ENTRY, 13), "ifInErrors": (IF_ENTRY, 14),
    "ifInUnknownProtos": (IF_ENTRY, 15), "ifOutOctets": (IF_ENTRY, 16), "ifOutUcastPkts": (IF_ENTRY, 17),
    "ifOutNUcastPkts": (IF_ENTRY, 18), "ifOutDiscards": (IF_ENTRY, 19), "ifOutErrors": (IF_ENTRY, 20),
    "ifName": (IF_X_ENTRY, 1), "ifInMulticastPkts": (IF_X_ENTRY, 2), "ifInBroadcastPkts": (IF_X_ENTRY, 3),
    "ifOutMulticastPkts": (IF_X_ENTRY, 4), "ifOutBroadcastPkts": (IF_X_ENTRY, 5),
    "ifHCInOctets": (IF_X_ENTRY, 6), "ifHCInUcastPkts": (IF_X_ENTRY, 7),
    "ifHCInMulticastPkts": (IF_X_ENTRY, 8), "ifHCInBroadcastPkts": (IF_X_ENTRY, 9),
    "ifHCOutOctets": (IF_X_ENTRY, 10), "ifHCOutUcastPkts": (IF_X_ENTRY, 11),
    "ifHCOutMulticastPkts": (IF_X_ENTRY, 12), "ifHCOutBroadcastPkts": (IF_X_ENTRY, 13),
    "ifHighSpeed": (IF_X_ENTRY, 15), "ifAlias": (IF_X_ENTRY, 18),
    "ifCounterDiscontinuityTime": (IF_X_ENTRY, 19),
}
# The 64-bit column wins over the 32-bit one, row by row.
COUNTERS = {
    "in_octets": ("ifHCInOctets", "ifInOctets"),
    "out_octets": ("ifHCOutOctets", "ifOutOctets"),
    "in_ucast_packets": ("ifHCInUcastPkts", "ifInUcastPkts"),
    "out_ucast_packets": ("ifHCOutUcastPkts", "ifOutUcastPkts"),
    "in_multicast_packets": ("ifHCInMulticastPkts", "ifInMulticastPkts"),
    "out_multicast_packets": ("ifHCOutMulticastPkts", "ifOutMulticastPkts"),
    "in_broadcast_packets": ("ifHCInBroadcastPkts", "ifInBroadcastPkts"),
    "out_broadcast_packets": ("ifHCOutBroadcastPkts", "ifOutBroadcastPkts"),
    "in_discards": ("ifInDiscards",),
    "out_discards": ("ifOutDiscards",),
    "in_errors": ("ifInErrors",),
    "out_errors": ("ifOutErrors",),
    "in_nucast_packets": ("ifInNUcastPkts",),
    "out_nucast_packets": ("ifOutNUcastPkts",),
    "in_unknown_protos": ("ifInUnknownProtos",),
}
GAUGES = ["oper_status", "admin_status", "speed_bps"]
METRICS = [*COUNTERS, *GAUGES]
TEXTS = {"if_name": "ifName", "if_descr": "ifDescr", "if_alias": "ifAlias"}
TEXT_COLUMNS = {*TEXTS.values(), "ifPhysAddress"}
LABELS = [*TEXTS, "if_type", "phys_address", "if_mtu"]


def text_of(octets):
    """As a label is written: UTF-8, U+FFFD for control characters and for each byte that is not UTF-8,
    blanks and what else has no shape cut at the end. None where nothing is left."""
    out, at, octets = "", 0, octets.rstrip(bytes(range(33)))
    while at < len(octets):
        for n in (1, 2, 3, 4):
            try:
                character = octets[at:at + n].decode("utf-8")
                break
            except UnicodeDecodeError:
                continue
        else:
            character, n = "\ufffd", 1
        out += "\ufffd" if unicodedata.category(character) == "Cc" else character
        at += n
    while len(out.encode()) > LABEL_BYTES_MAX:
        out = out[:-1]
    return out or None


def address_of(octets):
    """Hexadecimal; also of agents that write the address out as text, "0:0:5e:0:53:1"."""
    if re.fullmatch(rb"([0-9A-Fa-f]{1,2}:){5}[0-9A-Fa-f]{1,2}", octets):
        return ":".join(part.zfill(2) for part in octets.decode().lower().split(":"))
    return octets.hex(":")


def speed_of(high, low):
    """bit/s. ifSpeed's largest value means more than it can say; an ifHighSpeed of 0 less than half a
    Mbit/s, or nothing at all; ifSpeed is the exact one where it is within a Mbit/s of ifHighSpeed."""
    low = None if low == 2**32 - 1 else low
    if not high:
        return low
    return low if low is not None and abs(low - high * 10**6) < 10**6 else high * 10**6


class Row:
    """One ifIndex. `cells`: column's name → right answers for its Value."""

    def __init__(self, index, cells):
        self.index, self.cells = index, cells
        plain = lambda value: None if value is None else value.number
        number = lambda value: None if plain(value) is None or plain(value) < 0 else plain(value)
        # A negative one is the upper half of 32 bits.
        gauge = lambda value: plain(value) % 2**32 if (plain(value) or 0) < 0 else plain(value)
        octets = lambda value: None if value is None else value.octets
        self.metrics = {name: self._first(columns, number) for name, columns in COUNTERS.items()}
        self.metrics["oper_status"] = self._first(["ifOperStatus"], gauge)
        self.metrics["admin_status"] = self._first(["ifAdminStatus"], gauge)
        self.metrics["speed_bps"] = unique(
            speed_of(gauge(high), gauge(low)) for high, low in
            itertools.product(self._cell("ifHighSpeed"), self._cell("ifSpeed")))
        self.labels = {
            label: unique(octets(v) and text_of(octets(v)) for v in self._cell(column))
            for label, column in TEXTS.items()}
        self.labels["phys_address"] = unique(octets(v) and address_of(octets(v))
                                             for v in self._cell("ifPhysAddress"))
        for label, column in (("if_type", "ifType"), ("if_mtu", "ifMtu")):
            self.labels[label] = unique(v and v.number is not None and str(v.number) or None
                                        for v in self._cell(column))

    def is_sound(self):
        """No value of another type than its column's: a row with one is partial."""
        return all(value is None or (value.octets if column in TEXT_COLUMNS else value.number) is not None
                   for column, values in self.cells.items() for value in values)

    def _cell(self, column):
        return self.cells.get(column, [None])

    def _first(self, columns, convert):
        answers, open_end = [], True
        for column in columns:
            values = [convert(v) for v in self._cell(column)]
            answers += [v for v in values if v is not None]
            if None not in values:
                open_end = False
                break
        return unique(answers + ([None] if open_end else []))


def unique(values):
    out = []
    for value in values:
        value = None if value in (b"", "") else value
        if value not in out:
            out.append(value)
    return out


class Oracle:
    """`rows`: index → Row; `may_lack`: indexes that no walk reaches."""

    def __init__(self, dump, served=None):
        """`served(column)`: names that a walk of it reaches, asked for where the dump is not orderly."""
        self.dump, cells, reached = dump, {}, set()
        for entry, numbers in ((IF_ENTRY, range(1, 23)), (IF_X_ENTRY, range(1, 20))):
            names = {number: name for name, (e, number) in COLUMNS.items() if e == entry}
            for number in numbers:
                column = f"{entry}.{number}"
                found = dump.under(column)
                walked = None if dump.orderly or not found else served(column)
                for rest, values in found.items():
                    if len(rest) != 1:
                        continue
                    at = walked is None or snmprec.oid(column) + rest in walked
                    row = cells.setdefault(rest[0], {})
                    if number in names:  # a row may also be one by a column that is not read
                        row[names[number]] = values if at and len(values) == 1 else values + [None]
                    if at and number in names:
                        reached.add(rest[0])
        self.rows = {index: Row(index, row) for index, row in sorted(cells.items())}
        self.may_lack = set(self.rows) - reached

    def system(self):
        """The right answer for each of the device's own fields."""
        text = lambda name: (lambda v: v and v.octets and text_of(v.octets) or None)(self.dump.one(name))
        number = lambda name: (lambda v: v and v.number)(self.dump.one(name))
        object_id = self.dump.one("1.3.6.1.2.1.1.2.0")
        ticks = number("1.3.6.1.2.1.1.3.0")
        return {"sys_descr": text("1.3.6.1.2.1.1.1.0"), "sys_name": text("1.3.6.1.2.1.1.5.0"),
                "sys_object_id": snmprec.dotted(object_id.value)
                if object_id and object_id.kind == snmprec.OID and object_id.value else None,
                "uptime_s": None if ticks is None else ticks / 100}


def judge(device, oracle):
    """Every difference between a device of poll's document and the oracle, as lines of text."""
    wrong = []
    objects = [o for o in device["objects"] if o["kind"] == "interface"]
    polled = {}
    for o in objects:
        index = o["index"]
        if index in polled:
            wrong.append(f"ifIndex {index} twice")
        polled[index] = o
    for index in polled.keys() - oracle.rows.keys():
        wrong.append(f"ifIndex {index} is invented")
    for index in oracle.rows.keys() - polled.keys() - oracle.may_lack:
        wrong.append(f"ifIndex {index} is missing")
    names = [o["name"] for o in objects]
    if len(set(names)) != len(names) or not all(names):
        wrong.append("names are not different")
    for index, o in polled.items():
        if index in oracle.rows:
            wrong += judge_row(o, oracle.rows[index], oracle.dump.orderly)
    for key, right in oracle.system().items():
        if (device.get(key) or None) != right and not (right is None and device.get(key) in (None, "")):
            wrong.append(f"{key}: {device.get(key)!r}, not {right!r}")
    if device["status"] != "ok" and oracle.dump.orderly:
        wrong.append(f"status {device['status']} ({device.get('reason')})")
    return wrong


def judge_row(o, row, orderly):
    wrong = []
    for kind, keys, right in (("metrics", METRICS, row.metrics), ("labels", LABELS, row.labels)):
        for key in keys:
            answers = right[key]
            if key in GAUGES:  # doubles: 53 bits
                answers = [value if value is None else float(value) for value in answers]
            if o[kind].get(key) not in answers:
                wrong.append(f"ifIndex {row.index}: {key}: {o[kind].get(key)!r}, not {answers}")
            if o[kind].get(key) is not None and key in COUNTERS and not isinstance(o[kind][key], int):
                wrong.append(f"ifIndex {row.index}: {key}: {o[kind][key]!r} is no integer")
            if key in o[kind] and o[kind][key] is None:
                wrong.append(f"ifIndex {row.index}: {key} is null, not absent")
        for key in o[kind].keys() - set(keys) - {"if_index"}:
            wrong.append(f"ifIndex {row.index}: {key} is invented")
    if str(o["labels"].get("if_index", row.index)) != str(row.index):
        wrong.append(f"ifIndex {row.index}: label if_index {o['labels']['if_index']}")
    if orderly and row.is_sound() and o["status"] != "ok":
        wrong.append(f"ifIndex {row.index}: status {o['status']}")
    return wrong


def ideal(oracle, name):
    """The device as poll would write it if all its answers were the first right ones."""
    keep = lambda answers: {key: values[0] for key, values in answers.items() if values[0] is not None}
    return {"device": name, "status": "ok", "reason": "",
            **{key: value for key, value in oracle.system().items() if value is not None},
            "objects": [{"kind": "interface", "name": f"if{row.index}", "index": row.index, "status": "ok",
                         "labels": keep(row.labels), "metrics": keep(row.metrics)}
                        for row in oracle.rows.values()]}
