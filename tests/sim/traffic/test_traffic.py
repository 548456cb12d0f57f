# SPDX-License-Identifier: GPL-3.0-or-later
"""The traffic generator: the same files from the same seed, and its truth against a second reader of their
bytes (read_capture.py) and against the tools of the field."""

import collections
import json
import math
import pathlib
import re
import socket
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[2] / "tests/integration")]
from lab import BIN, Lab, need  # noqa: E402
from read_capture import Reader  # noqa: E402

MIXES = {
    "plain": "",
    "full": "--preset full",
    "full pcapng": "--preset full --format pcapng --nanoseconds",
    "sll": "--preset full --link sll", "sll2": "--preset full --link sll2", "raw": "--preset full --link raw",
    "null": "--preset full --link null", "ppp": "--preset full --link ppp",
    "tcp": "--flows 300 --mix tcp=1,udp=0,dns=0,icmp=0,losses=0.06,retransmissions=0.06,reordering=0.06,"
           "syn_repeats=0.2,reuse=0.4,keep_alives=0.4,midstream=0.2,one_sided=0.2,resets=0.3,unanswered=0.1,"
           "offload=0.1",
    "fragments": "--mix udp=1,dns=0.5,icmp=0.3,fragments=0.5,unmatched=0.3,ipv6=0.5,extensions=0.6,gre=0.2",
}
PACKETS = 8000


def text_of(address):
    return socket.inet_ntop(socket.AF_INET if len(address) == 4 else socket.AF_INET6, address)


class Traffic(Lab):
    maxDiff = None

    def generate(self, name, options, *more):
        prefix = self.folder / re.sub(r"\W", "-", name)
        subprocess.run([BIN / "beffroi-simulate-traffic", "--packets", str(PACKETS), "--flows", "500",
                        "--rate", "4000", *options.split(), *more,
                        prefix], check=True)
        path = prefix.with_suffix(".pcapng" if "pcapng" in options else ".pcap")
        return path, json.loads(prefix.with_suffix(".json").read_text())

    def test_same_seed_same_files(self):
        first, _ = self.generate("first", "--preset full --seed 5")
        again, _ = self.generate("again", "--preset full --seed 5")
        other, _ = self.generate("other", "--preset full --seed 6")
        self.assertEqual(first.read_bytes(), again.read_bytes())
        self.assertEqual(first.with_suffix(".json").read_text().replace("/first.", "/again."),
                         again.with_suffix(".json").read_text())
        self.assertNotEqual(first.read_bytes(), other.read_bytes())

    def test_truth(self):
        for seed, (name, options) in enumerate(MIXES.items(), 1):
            with self.subTest(mix=name, seed=seed):
                path, truth = self.generate(name, options, "--seed", str(seed))
                self.check(Reader(path.read_bytes()), truth)
                self.check_is_there(options, truth)

    def check(self, reader, truth):
        for key in ("packets", "wire_bytes", "ip_bytes", "truncated", "fragments_non_first", "fragments_unmatched",
                    "tunnelled"):
            self.assertEqual(reader.counts[key], truth[key], key)
        for group, rows in reader.groups.items():
            self.assertEqual({k: tuple(v) for k, v in rows.items()},
                             {k: (v["packets"], v["ip_bytes"], v["wire_bytes"]) for k, v in truth[group].items()
                              if v["packets"]}, group)
        self.assertEqual(len(reader.flows), truth["flows"])
        hosts = sorted(reader.hosts.items(), key=lambda row: (-row[1][0], row[0].rjust(6, b"\xff").rjust(16, b"\0")))
        self.assertEqual([(text_of(a), *row) for a, row in hosts[:100]],
                         [(row["address"], row["ip_bytes"], row["packets"]) for row in truth["top_hosts"]])
        self.check_tcp(reader.tcp, truth["tcp"])
        self.check_dns(reader, truth["dns"])

    def check_tcp(self, tcp, truth):
        for key, name in (("retransmission", "retransmissions"), ("reordered", "reordered"), *(
                (k, k) for k in ("syns", "syn_acks", "fins", "resets", "handshakes", "handshakes_ambiguous",
                                 "syn_retransmissions"))):
            self.assertEqual(tcp[key], truth[name], name)
        for side in ("server", "client"):
            times = sorted(tcp[side])
            self.assertEqual(len(times), truth["rtt_us"][side]["n"], side)
            for percent in (50, 90, 99) if times else ():
                self.assertAlmostEqual(times[math.ceil(len(times) * percent / 100) - 1] / 1000,
                                       truth["rtt_us"][side][f"p{percent}"], 3)

    def check_dns(self, reader, truth):
        for key in ("queries", "repeated", "responses", "unmatched"):
            self.assertEqual(reader.dns[key], truth[key], key)
        self.assertEqual(len(reader.asked), truth["unanswered"])
        self.assertEqual(reader.dns["timed"], truth["response_time_us"]["n"])
        names = ["noerror", "formerr", "servfail", "nxdomain", "notimp", "refused"]
        self.assertEqual({names[k]: v for k, v in reader.rcodes.items()}, truth["rcodes"])

    def check_is_there(self, options, truth):
        """What the mix asks for is in the capture."""
        if "full" in options:
            for key in ("fragments_non_first", "fragments_unmatched", "tunnelled", "offloaded"):
                self.assertGreater(truth[key], 0, key)
            for key in ("handshakes", "handshakes_ambiguous", "retransmissions", "reordered", "syn_retransmissions"):
                self.assertGreater(truth["tcp"][key], 0, key)
            for kind, row in truth["l4"].items():
                if kind not in ("igmp", "ah", "esp", "sctp", "ospf", "pim", "vrrp", "other"):  # few flows: by luck
                    self.assertGreater(row["packets"], 0, kind)

    def test_sizes_and_rates(self):
        path, truth = self.generate("bench", "--preset bench --flows 800 --seed 9 --packets 8000")
        self.assertEqual(truth["vlan"]["qinq"]["packets"], 0)
        self.assertEqual(truth["flows"], 800)
        self.assertGreater(truth["truncated"], 1000)
        self.assertLess(path.stat().st_size, PACKETS * (128 + 16) + 24)
        hosts = [row["ip_bytes"] for row in truth["top_hosts"]]
        self.assertEqual(hosts, sorted(hosts, reverse=True))

    def test_refuses(self):
        for arguments in (["--packets", "0", "x"], ["--mix", "tcp=2", "x"], ["--mix", "nothing=1", "x"], [],
                          ["--link", "token", "x"], ["--format", "csv", "x"], ["--preset", "none", "x"], ["x", "y"]):
            done = subprocess.run([BIN / "beffroi-simulate-traffic", *arguments], capture_output=True, text=True,
                                  cwd=self.folder)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertNotEqual(done.stderr, "")
        done = subprocess.run([BIN / "beffroi-simulate-traffic", "--preset", "full", "--snaplen", "60", "x"],
                              capture_output=True, text=True, cwd=self.folder)
        self.assertEqual(done.returncode, 1)
        self.assertIn("--snaplen", done.stderr)

    def test_tcpdump(self):
        need("tcpdump")
        path, truth = self.generate("tcpdump", "--preset full --seed 11")
        done = subprocess.run(["tcpdump", "-nn", "-r", path, "--count"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f"{truth['packets']} packets", done.stdout + done.stderr)

    def test_tshark(self):
        """Bytes and protocols exactly; of TCP's troubles it has rules of its own."""
        need("tshark")
        path, truth = self.generate("tshark", "--preset full --seed 12")
        fields = ("frame.protocols", "ip.len", "ipv6.plen", "tcp.analysis.retransmission",
                  "tcp.analysis.fast_retransmission", "tcp.analysis.spurious_retransmission",
                  "tcp.analysis.out_of_order")
        out = subprocess.run(["tshark", "-n", "-r", path, "-T", "fields", *(a for f in fields for a in ("-e", f))],
                             capture_output=True, text=True, check=True).stdout
        seen, again, ip_bytes = collections.Counter(), 0, 0
        for line in out.splitlines():
            protocols, v4, v6, *troubles = line.split("\t")
            first = next((p for p in protocols.split(":") if p in ("ip", "ipv6", "arp")), "other")
            seen[first] += 1
            ip_bytes += int(v4.split(",")[0]) if first == "ip" else int(v6.split(",")[0]) + 40 if first == "ipv6" else 0
            seen["vlan"] += "vlan" in protocols or "ieee8021ad" in protocols
            again += any(troubles)
        self.assertEqual(ip_bytes, truth["ip_bytes"])
        self.assertEqual([seen[k] for k in ("ip", "ipv6", "arp", "other")],
                         [truth["l3"][k]["packets"] for k in ("ipv4", "ipv6", "arp", "other")])
        self.assertAlmostEqual(seen["vlan"], truth["packets"] - truth["vlan"]["none"]["packets"],
                               delta=truth["vlan"]["9100"]["packets"] + truth["vlan"]["qinq"]["packets"])
        mine = truth["tcp"]["retransmissions"] + truth["tcp"]["syn_retransmissions"] + truth["tcp"]["reordered"]
        self.assertLess(again, mine * 2.5)
        self.assertGreater(again, mine / 2.5)


if __name__ == "__main__":
    unittest.main()
