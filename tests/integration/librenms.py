# SPDX-License-Identifier: GPL-3.0-or-later
"""What another poller, LibreNMS, made of the same devices, field by field beside ours; and the
differences that are its own, each with its reason. A difference that is not listed is a failure, and so
is a line of the list that no longer says anything."""

import re

METRICS = {
    "ifInOctets": "in_octets", "ifOutOctets": "out_octets", "ifInUcastPkts": "in_ucast_packets",
    "ifOutUcastPkts": "out_ucast_packets", "ifInMulticastPkts": "in_multicast_packets",
    "ifOutMulticastPkts": "out_multicast_packets", "ifInBroadcastPkts": "in_broadcast_packets",
    "ifOutBroadcastPkts": "out_broadcast_packets", "ifInNUcastPkts": "in_nucast_packets",
    "ifOutNUcastPkts": "out_nucast_packets", "ifInDiscards": "in_discards", "ifOutDiscards": "out_discards",
    "ifInErrors": "in_errors", "ifOutErrors": "out_errors", "ifSpeed": "speed_bps",
    "ifOperStatus": "oper_status", "ifAdminStatus": "admin_status",
}
LABELS = {"ifName": "if_name", "ifDescr": "if_descr", "ifAlias": "if_alias", "ifType": "if_type",
          "ifPhysAddress": "phys_address", "ifMtu": "if_mtu"}
# It writes words where the device says numbers: IF-MIB and IANAifType-MIB.
STATUS = {"up": 1, "down": 2, "testing": 3, "unknown": 4, "dormant": 5, "notPresent": 6, "lowerLayerDown": 7}
TYPES = {
    "other": 1, "ethernetCsmacd": 6, "ppp": 23, "softwareLoopback": 24, "propVirtual": 53, "ieee80211": 71,
    "tunnel": 131, "l2vlan": 135, "l3ipvlan": 136, "ipForward": 142, "mplsTunnel": 150, "ieee8023adLag": 161,
    "bridge": 209, "wwanPP2": 244, "ifPwType": 246, "ilan": 247,
}


def same_words(theirs, ours):
    """The same but for what stands in for control characters."""
    words = lambda text: re.split(r"[\s\ufffd]+", text or "")
    return words(theirs) == words(ours)


# (device, ifIndex, field, when it applies: their value and our labels → bool, reason). "row": the
# interface is not in its list at all.
DIFFERENCES = [
    (r".*", r".*", "ifAlias",
     lambda theirs, ours: "if_alias" not in ours and theirs in (ours.get("if_descr"), ours.get("if_name")),
     "it fills an empty or absent ifAlias with ifDescr, or with ifName where that is empty too"),
    (r"airos_airos8|apc_smt750x-nmc2|eaton-mgeups_9px|jetdirect", r".*", "ifName",
     lambda theirs, ours: "if_name" not in ours and theirs == ours.get("if_descr"),
     "no ifXTable: it fills ifName with ifDescr"),
    (r"fortigate_60f", r".*", "ifDescr",
     lambda theirs, ours: "if_descr" not in ours and theirs == ours.get("if_name"),
     "ifDescr is empty: it fills it with ifName"),
    (r"aos6", r"4000000[123]|40000010", "ifName", lambda theirs, ours: same_words(theirs, ours.get("if_name")),
     "line feeds in a name: our labels have U+FFFD there"),
    (r"junos_qfx5100", r"4", "row", lambda theirs, ours: ours.get("if_name") == "lsi",
     "it leaves out Junos's inner interfaces (lsi)"),
    (r"routeros", r"11", "row", lambda theirs, ours: ours.get("if_name") == "pppoe-out1",
     "it leaves out dial-out interfaces (pppoe-out)"),
]


class Comparison:
    """Of many devices with what is expected of them."""

    def __init__(self, expected):
        self.expected, self.unlisted, self.used, self.n_equal = expected, [], set(), 0

    def take(self, device):
        """A device of poll's document."""
        name = device["device"]
        ours = {str(o["index"]): o for o in device["objects"] if o["kind"] == "interface"}
        theirs = self.expected.get(name, {})
        for index in sorted(ours.keys() | theirs.keys(), key=int):
            if index not in ours:
                self.unlisted.append(f"{name} {index}: we have no such interface")
            elif index not in theirs:
                self._differ(name, index, "row", None, ours[index]["labels"])
            else:
                for field, value in theirs[index].items():
                    if self._equal(field, value, ours[index]):
                        self.n_equal += 1
                    else:
                        self._differ(name, index, field, value, ours[index]["labels"],
                                     ours[index]["metrics"].get(METRICS.get(field)))

    @staticmethod
    def _equal(field, theirs, ours):
        if field in METRICS:
            return ours["metrics"].get(METRICS[field]) == STATUS.get(theirs, theirs)
        text = ours["labels"].get(LABELS[field])
        if field == "ifType":
            theirs = TYPES.get(theirs, theirs)
        if field == "ifPhysAddress":
            text = text and text.replace(":", "")
        return text == str(theirs)

    def _differ(self, device, index, field, theirs, labels, metric=None):
        for n, (devices, indexes, of_field, applies, _) in enumerate(DIFFERENCES):
            if field == of_field and re.fullmatch(devices, device) and re.fullmatch(indexes, index) and \
                    applies(theirs, labels):
                self.used.add(n)
                return
        self.unlisted.append(f"{device} {index}: {field}: theirs {theirs!r}, ours "
                             f"{labels.get(LABELS.get(field)) if field in LABELS else metric!r}")

    def unused(self):
        """Lines of the list for devices that are here, and say nothing any more."""
        return [line[:3] + line[4:] for n, line in enumerate(DIFFERENCES)
                if n not in self.used and any(re.fullmatch(line[0], name) for name in self.expected)]
