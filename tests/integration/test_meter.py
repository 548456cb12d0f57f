# SPDX-License-Identifier: GPL-3.0-or-later
"""`beffroi-agent meter --read` against captures of which everything is known (tests/sim/traffic)."""

import collections
import ipaddress
import json
import os
import pathlib
import random
import re
import socket
import struct
import subprocess
import unittest

from lab import BIN, SANITIZER, Lab, free_port, need, wait_for

PACKETS = 20000
# What each case has a lot of. The seed is the case's number.
CASES = {
    "plain": "--nanoseconds",
    "full": "--preset full",
    "full pcapng": "--preset full --format pcapng --nanoseconds",
    "full cut": "--preset full --snaplen 400",
    "full slow": "--preset full --rate 500 --flows 800",
    "sll": "--preset full --link sll",
    "sll2": "--preset full --link sll2 --format pcapng",
    "raw": "--preset full --link raw",
    "null": "--preset full --link null",
    "ppp": "--preset full --link ppp",
    "quality": "--flows 400 --mix tcp=1,udp=0,dns=0,icmp=0,losses=0.06,retransmissions=0.06,reordering=0.06,"
               "syn_repeats=0.2,resets=0.3",
    "odd connections": "--flows 1500 --mix tcp=1,udp=0,dns=0,icmp=0,losses=0.03,retransmissions=0.03,"
                       "reordering=0.03,midstream=0.3,one_sided=0.3,reuse=0.5,keep_alives=0.4,unanswered=0.2,"
                       "ipv6=0.5,padding=1",
    "offload": "--flows 300 --mix tcp=1,udp=0.1,dns=0,icmp=0,offload=0.5,losses=0.03,reordering=0.03,ipv6=0.3",
    # Slowly: few questions wait at a time, so that none loses its place in the meter's small table.
    "names": "--rate 1000 --mix tcp=0.05,udp=0.1,dns=1,icmp=0,ipv6=0.3,fragments=0.1,vlan=0.2",
    "fragments": "--flows 600 --mix tcp=0.1,udp=1,dns=0.2,icmp=0.3,fragments=0.7,unmatched=0.2,ipv6=0.5,"
                 "extensions=0.5,gre=0.1,vxlan=0.1",
    "tags": "--mix vlan=0.3,stag=0.2,qinq=0.4,mpls=0.2,pppoe=0.2,arp=0.1,link=0.1,padding=0.8,ipv6=0.3",
    "tunnels": "--mix gre=0.4,vxlan=0.3,ip_in_ip=0.3,nested=0.5,ipv6=0.5,extensions=0.3,ip=0.1,losses=0.02,"
               "retransmissions=0.02,reordering=0.02",
    "bench": "--preset bench --flows 2000 --hosts 800",
}
EXACT = ("packets", "wire_bytes", "ip_bytes", "truncated", "first", "last", "fragments_non_first",
         "fragments_unmatched", "tunnelled", "flows", "offloaded", "sizes", "vlan_ids")
TCP_EXACT = ("syns", "syn_acks", "fins", "resets", "handshakes", "handshakes_ambiguous", "retransmissions",
             "syn_retransmissions", "reordered")
DNS_EXACT = ("queries", "repeated", "responses", "unanswered", "unmatched", "rcodes")
TOP = 20


def records(data):
    """Where the records of a pcap file begin, and its end."""
    at = [24]
    while at[-1] < len(data):
        at.append(at[-1] + 16 + struct.unpack_from("<I", data, at[-1] + 8)[0])
    return at


def total(documents, *path):
    """The sum of a number, or of a table of numbers, over the documents."""
    values = documents
    for key in path:
        values = [v[key] for v in values]
    if not isinstance(values[0], dict):
        return sum(values)
    keys = dict.fromkeys(k for v in values for k in v)
    return {k: sum(v.get(k, 0) for v in values) for k in keys}


class Meter(Lab):
    maxDiff = None

    def generate(self, name, options, seed, packets=PACKETS):
        """(path, truth)"""
        prefix = self.folder / re.sub(r"\W", "-", name)
        subprocess.run([BIN / "beffroi-simulate-traffic", "--packets", str(packets), "--seed", str(seed),
                        *options.split(), prefix], check=True)
        path = prefix.with_suffix(".pcapng" if "pcapng" in options else ".pcap")
        return path, json.loads(prefix.with_suffix(".json").read_text())

    def meter(self, path, *options, status=0, stdin=None):
        """(documents, standard error)"""
        done = subprocess.run([BIN / "beffroi-agent", "meter", "--read", path, "--format", "json", *options],
                              stdin=stdin or subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                              cwd=self.folder)
        self.assertIsNone(SANITIZER.search(done.stderr), done.stderr)
        self.assertEqual(done.returncode, status, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()], done.stderr

    def one(self, path, *options, **more):
        documents, errors = self.meter(path, *options, **more)
        self.assertEqual(len(documents), 1)
        self.assertEqual(errors, "")
        return documents[0]

    # --- one document and the truth ---

    def check_counts(self, document, truth):
        for key in EXACT:
            self.assertEqual(document[key], truth[key], key)
        for group in ("l3", "l4", "vlan"):
            self.assertEqual({k: v for k, v in document[group].items() if v["packets"]},
                             {k: v for k, v in truth[group].items() if v["packets"]}, group)
        for key in TCP_EXACT:
            self.assertEqual(document["tcp"][key], truth["tcp"][key], key)
        for key in DNS_EXACT:
            self.assertEqual(document["dns"][key], truth["dns"][key], key)
        self.assertLessEqual(abs(document["packets_estimated"] - truth["packets_estimated"]),
                             truth["packets_estimated"] * 0.02)

    def check_times(self, document, truth):
        for name, got, want in (("server", document["tcp"]["rtt_us"]["server"], truth["tcp"]["rtt_us"]["server"]),
                                ("client", document["tcp"]["rtt_us"]["client"], truth["tcp"]["rtt_us"]["client"]),
                                ("dns", document["dns"]["response_time_us"], truth["dns"]["response_time_us"])):
            self.assertEqual(got["n"], want["n"], name)
            for quantile in ("p50", "p90", "p99"):
                if want["n"] == 0:
                    self.assertIsNone(got[quantile])
                else:
                    self.assertLessEqual(abs(got[quantile] - want[quantile]), want[quantile] * 0.03,
                                         f"{name} {quantile}: {got[quantile]}, not {want[quantile]}")

    def check_top(self, document, truth, *lists):
        for name, key in lists:
            want = [(row[key], row["ip_bytes"], row["packets"]) for row in truth[name][:TOP]]
            got = [(row[key], row["ip_bytes"], row["packets"]) for row in document[name][:TOP]]
            self.assertEqual(got, want, name)

    def check(self, document, truth):
        self.assertEqual(document["link_type"], truth["link_type"])
        self.check_counts(document, truth)
        self.check_times(document, truth)
        self.check_top(document, truth, ("top_hosts", "address"), ("top_prefixes", "prefix"),
                       ("top_services", "service"))
        self.assertEqual(document["decode_exits"], {})

    def run_case(self, name, options, seed):
        path, truth = self.generate(name, options, seed)
        document = self.one(path, "--exact-addresses")
        self.assertEqual(pathlib.Path(document["file"]), path)
        self.check(document, truth)
        path.unlink()

    def test_truth(self):
        for seed, (name, options) in enumerate(CASES.items(), 1):
            with self.subTest(case=name, seed=seed):
                self.run_case(name, options, seed)

    def test_any_seed(self):
        for _ in range(3):
            seed = random.SystemRandom().randrange(1 << 32)
            print(f"test_any_seed: --preset full --seed {seed}", flush=True)
            with self.subTest(seed=seed):
                self.run_case("any", "--preset full", seed)

    # --- options ---

    def test_addresses_are_truncated(self):
        path, truth = self.generate("private", "--mix ipv6=0.4", 31)
        document = self.one(path)
        self.assertEqual([(row["address"], row["ip_bytes"]) for row in document["top_hosts"]],
                         [(row["prefix"], row["ip_bytes"]) for row in truth["top_prefixes"][:TOP]])
        addresses = {row["address"] for row in truth["top_hosts"]}
        self.assertEqual({a for a in addresses if f'"{a}"' in json.dumps(document)}, set())

    def test_own_addresses_are_told(self):
        path, truth = self.generate("own", "", 32)
        own = truth["top_hosts"][0]
        document = self.one(path, "--own", own["address"] + "/32")
        rows = {row["address"]: row["ip_bytes"] for row in document["top_hosts"]}
        self.assertEqual(rows.get(own["address"]), own["ip_bytes"])
        self.assertTrue(all(a.endswith("/24") for a in rows if a != own["address"]), rows)

    def test_intervals_add_up(self):
        path, truth = self.generate("intervals", "--preset full --rate 4000", 33)
        documents, _ = self.meter(path, "--interval", "1", "--exact-addresses", "--top", "1000")
        self.assertGreater(len(documents), 4)
        for key in ("packets", "wire_bytes", "ip_bytes", "truncated", "fragments_non_first", "fragments_unmatched",
                    "tunnelled", "sizes"):
            self.assertEqual(total(documents, key), truth[key], key)
        for group in ("l3", "l4", "vlan"):
            for kind, want in truth[group].items():
                self.assertEqual(total(documents, group, kind), want, f"{group} {kind}")
        for key in TCP_EXACT:
            self.assertEqual(total(documents, "tcp", key), truth["tcp"][key], key)
        for key in DNS_EXACT:
            self.assertEqual(total(documents, "dns", key), truth["dns"][key], key)
        for side in ("server", "client"):
            self.assertEqual(total(documents, "tcp", "rtt_us", side, "n"), truth["tcp"]["rtt_us"][side]["n"])
        self.check_intervals(documents, truth)
        hosts = {}
        for document in documents:
            for row in document["top_hosts"]:
                hosts[row["address"]] = hosts.get(row["address"], 0) + row["ip_bytes"]
        for row in truth["top_hosts"][:TOP]:
            self.assertEqual(hosts[row["address"]], row["ip_bytes"], row)

    def check_intervals(self, documents, truth):
        self.assertEqual(documents[0]["first"], truth["first"])
        self.assertEqual(documents[-1]["last"], truth["last"])
        for before, after in zip(documents, documents[1:]):
            self.assertLessEqual(before["last"], after["first"])
        for document in documents:
            self.assertGreater(document["packets"], 0)
            self.assertLessEqual(document["from"], document["first"])
            self.assertLess(document["last"], document["to"])
            self.assertLessEqual(document["flows"], truth["flows"])
        self.assertGreaterEqual(total(documents, "flows"), truth["flows"])

    def test_standard_input(self):
        for options in ("", "--format pcapng"):
            with self.subTest(options=options):
                path, truth = self.generate("stdin", options, 34)
                with subprocess.Popen(["cat", path], stdout=subprocess.PIPE) as pipe:
                    document = self.one("-", "--exact-addresses", stdin=pipe.stdout)
                self.assertEqual(document["file"], "-")
                self.check(document, truth)

    def test_filter(self):
        path, truth = self.generate("filter", "", 35)
        document = self.one(path, "--filter", "udp")
        self.assertEqual(document["packets"], truth["l4"]["udp"]["packets"])
        self.assertEqual(document["ip_bytes"], truth["l4"]["udp"]["ip_bytes"])

    # --- files that are not what they should be ---

    def test_truncated_file(self):
        """What was read before the cut is told, exactly as of a file that ends there."""
        path, _ = self.generate("cut", "--preset full", 36)
        data = path.read_bytes()
        at = records(data)
        for number, inside in ((1, 3), (2, 16), (7000, 8), (12345, 40), (PACKETS, 17)):
            with self.subTest(packet=number, inside=inside):
                whole, cut = self.folder / "whole.pcap", self.folder / "cut-off.pcap"
                whole.write_bytes(data[:at[number - 1]])
                cut.write_bytes(data[:at[number - 1] + inside])
                want = self.one(whole)
                documents, errors = self.meter(cut, status=1)
                self.assertEqual(len(documents), 1)
                self.check_cut_off(documents[0], want, errors, cut.name, number)

    def check_cut_off(self, document, want, errors, name, number):
        self.assertEqual(document["packets"], number - 1)
        self.assertTrue(document.pop("error", "there"))
        self.assertEqual({**document, "file": None}, {**want, "file": None})
        self.assertIn(name, errors)
        self.assertRegex(errors, rf"\b({number}|{number - 1})\b")  # the broken one, or the last good one

    def test_truncated_pcapng(self):
        path, truth = self.generate("cut-ng", "--format pcapng", 37)
        path.write_bytes(path.read_bytes()[:-5])
        documents, errors = self.meter(path, status=1)
        self.assertEqual([d["packets"] for d in documents], [truth["packets"] - 1])
        self.assertIn(path.name, errors)
        self.assertRegex(errors, rf"\b({truth['packets']}|{truth['packets'] - 1})\b")

    def test_truncated_standard_input(self):
        path, truth = self.generate("cut-stdin", "", 38)
        with open(path, "rb+") as file:
            file.truncate(path.stat().st_size - 1)
        with open(path, "rb") as file:
            documents, errors = self.meter("-", status=1, stdin=file)
        self.assertEqual([d["packets"] for d in documents], [truth["packets"] - 1])
        self.assertNotEqual(errors, "")

    def test_truncated_with_intervals(self):
        path, truth = self.generate("cut-intervals", "--rate 4000", 39)
        with open(path, "rb+") as file:
            file.truncate(path.stat().st_size - 1)
        documents, _ = self.meter(path, "--interval", "1s", status=1)
        self.assertEqual(total(documents, "packets"), truth["packets"] - 1)

    def test_no_packets(self):
        path, _ = self.generate("none", "", 40, packets=1)
        path.write_bytes(path.read_bytes()[:24])
        document = self.one(path)
        self.assertEqual((document["packets"], document["flows"], document["first"], document["last"]),
                         (0, 0, None, None))
        self.assertEqual(document["top_hosts"], [])
        self.assertIsNone(document["tcp"]["rtt_us"]["server"]["p50"])

    def test_no_capture(self):
        for name, data in (("empty", b""), ("short", b"\xd4\xc3\xb2\xa1\2\0\4"), ("text", b"no capture at all\n" * 99),
                           ("zeros", bytes(4096)), ("random", os.urandom(4096))):
            with self.subTest(file=name):
                (self.folder / name).write_bytes(data)
                documents, errors = self.meter(self.folder / name, status=1)
                self.assertEqual(documents, [])
                self.assertIn(name, errors)

    def test_missing_file(self):
        for name in ("missing.pcap", "."):
            documents, errors = self.meter(self.folder / name, status=1)
            self.assertEqual(documents, [])
            self.assertIn(str(self.folder / name), errors)
        self.meter(self.folder / "missing.pcap", "--interval", "often", status=2)

    def test_unknown_link(self):
        """802.11 with radiotap: counted by its bytes, and said so."""
        frames = [os.urandom(60 + i) for i in range(50)]
        path = self.folder / "radio.pcap"
        path.write_bytes(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 127) +
                         b"".join(struct.pack("<IIII", 1750000000 + i, 0, len(f), len(f) + 7) + f
                                  for i, f in enumerate(frames)))
        document = self.one(path)
        self.assertEqual(document["link_type"], "IEEE802_11_RADIO")
        self.assertEqual(document["packets"], 50)
        self.assertEqual(document["wire_bytes"], sum(len(f) + 7 for f in frames))
        self.assertEqual(document["truncated"], 50)
        self.assertEqual(document["ip_bytes"], 0)
        self.assertEqual(document["l3"]["other"]["packets"], 50)
        self.assertEqual(document["decode_exits"], {"link_unknown": 50})

    def test_ipfix(self):
        """What nfcapd has received is what was metered: every flow, both ways, in full."""
        need("nfcapd", "nfdump")
        path, truth = self.generate("ipfix", "--preset plain --flows 300 --mix ipv6=0.3", 43, packets=5000)
        flows = self.folder / "flows"
        flows.mkdir()
        port = free_port(socket.SOCK_DGRAM)
        queue = lambda: [l.split() for l in pathlib.Path("/proc/net/udp").read_text().splitlines()
                         if f":{port:04X} " in l]
        nfcapd = self.start("nfcapd", "nfcapd", "-w", flows, "-b", "127.0.0.1", "-p", port, "-B", 4000000)
        wait_for("nfcapd listens", queue)
        document = self.one(path, "--exact-addresses", "--ipfix", f"127.0.0.1:{port}")
        wait_for("nfcapd has read all", lambda: queue()[0][4].endswith(":00000000"))
        nfcapd.end()
        done = subprocess.run(["nfdump", "-R", flows, "-q", "-6", "-o", "fmt:%sa|%da|%sp|%dp|%pr|%pkt|%byt", "-N"],
                              capture_output=True, text=True, timeout=60)
        rows = [[c.strip() for c in l.split("|")] for l in done.stdout.splitlines() if "|" in l]
        for row in rows:
            row[3] = row[3].split(".")[0]  # of ICMP it prints type.code, which we leave 0.0
        hosts, packets, octets = collections.Counter(), 0, 0
        for source, destination, _, _, _, n_packets, n_bytes in rows:
            packets, octets = packets + int(n_packets), octets + int(n_bytes)
            for address in {source, destination}:
                hosts[str(ipaddress.ip_address(address))] += int(n_bytes)
        l3 = [document["l3"][k] for k in ("ipv4", "ipv6")]
        self.assertEqual(packets + document["fragments_unmatched"], sum(c["packets"] for c in l3))
        self.assertEqual(octets, truth["ip_bytes"])
        self.assertEqual(len({frozenset([(a, p), (b, q)]) | {r} for a, b, p, q, r, _, _ in rows}),
                         truth["flows"])
        for host in truth["top_hosts"][:20]:
            self.assertEqual(hosts[host["address"]], host["ip_bytes"], host)

    def test_time_goes_backwards(self):
        """Counted all the same; no round trip is made of it."""
        path, truth = self.generate("backwards", "", 41)
        data = bytearray(path.read_bytes())
        for number, at in enumerate(records(data)[:-1]):
            if number % 3 == 0:
                struct.pack_into("<I", data, at, struct.unpack_from("<I", data, at)[0] - 3600)
        path.write_bytes(data)
        document = self.one(path)
        for key in ("packets", "ip_bytes", "flows", "l3", "l4"):
            self.assertEqual(document[key], truth[key], key)
        self.assertLess(document["tcp"]["rtt_us"]["server"]["n"], truth["tcp"]["rtt_us"]["server"]["n"])
        self.assertGreater(document["tcp"]["rtt_backwards"], 0)


if __name__ == "__main__":
    unittest.main()
