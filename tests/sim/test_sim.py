# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated devices against net-snmp's own tools, and against values that this file computes."""

import json
import pathlib
import random
import re
import signal
import socket
import subprocess
import sys
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))
import lab  # noqa: E402
from lab import BIN, Lab, free_port, need, wait_for  # noqa: E402

M64 = (1 << 64) - 1
SYSTEM, IF, IFX = "1.3.6.1.2.1.1", "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.31.1.1.1"
HC = {6: "in_octets", 7: "in_ucast", 8: "in_mcast", 9: "in_bcast", 10: "out_octets", 11: "out_ucast",
      12: "out_mcast", 13: "out_bcast"}
# Columns of ifTable and ifXTable that are the lower half of a counter, by the counter's number.
LOW = {10: 6, 11: 7, 12: 8, 13: 113, 14: 114, 15: 115, 16: 10, 17: 11, 18: 12, 19: 119, 20: 120}
LOWX = {2: 8, 3: 9, 4: 12, 5: 13}


def mix(device, port, counted, seed=1):
    x = ((device << 32 | port << 8 | counted) + seed * 0x9E3779B97F4A7C15) & M64
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & M64
    x = (x ^ x >> 27) * 0x94D049BB133111EB & M64
    return x ^ x >> 31


def pace(device, port, counted, seed=1):
    """(start, per second) of a counter."""
    x = mix(device, port, counted, seed)
    return x >> 20, x % (50000000 if counted in (6, 10) else 5 if counted > 100 else 50000)


def expected(device, ports, seed=1):
    """What a walk of a frozen device prints, in order: {oid: "TYPE: value"}; no sysUpTime."""
    n = range(1, ports + 1)
    counter = lambda p, c: pace(device, p, c, seed)[0]
    text = lambda s: f'STRING: "{s}"'
    out = {f"{SYSTEM}.1.0": text(f"simulated switch {device} with {ports} ports"),
           f"{SYSTEM}.2.0": "OID: .1.3.6.1.4.1.32473.1.1",
           f"{SYSTEM}.4.0": text("nobody"), f"{SYSTEM}.5.0": text(f"sim-{device}"),
           f"{SYSTEM}.6.0": text(f"rack {device // 40}"), f"{SYSTEM}.7.0": "INTEGER: 2",
           "1.3.6.1.2.1.2.1.0": f"INTEGER: {ports}"}
    mac = lambda p: "Hex-STRING: " + " ".join(
        f"{b:02X}" for b in bytes([2]) + device.to_bytes(3, "big") + p.to_bytes(2, "big"))
    columns = {1: lambda p: f"INTEGER: {p}", 2: lambda p: text(f"GigabitEthernet1/0/{p}"),
               3: lambda p: "INTEGER: 6", 4: lambda p: "INTEGER: 1500",
               5: lambda p: "Gauge32: 1000000000", 6: mac, 7: lambda p: "INTEGER: 1",
               8: lambda p: f"INTEGER: {2 if p % 8 == 0 else 1}", 9: lambda p: "0",
               21: lambda p: "Gauge32: 0", 22: lambda p: "OID: .0.0"}
    columns |= {c: lambda p, h=h: f"Counter32: {counter(p, h) & 0xFFFFFFFF}" for c, h in LOW.items()}
    out |= {f"{IF}.{c}.{p}": columns[c](p) for c in range(1, 23) for p in n}
    columns = {1: lambda p: text(f"Gi1/0/{p}"), 14: lambda p: "INTEGER: 1",
               15: lambda p: "Gauge32: 1000", 16: lambda p: "INTEGER: 2", 17: lambda p: "INTEGER: 1",
               18: lambda p: text(f"outlet {p} of sim-{device}"), 19: lambda p: "0"}
    columns |= {c: lambda p, h=h: f"Counter32: {counter(p, h) & 0xFFFFFFFF}" for c, h in LOWX.items()}
    columns |= {c: lambda p, h=c: f"Counter64: {counter(p, h)}" for c in HC}
    out |= {f"{IFX}.{c}.{p}": columns[c](p) for c in range(1, 20) for p in n}
    return out | {"1.3.6.1.2.1.31.1.5.0": "0"}


def parse(text):
    """The lines of a walk (-On -Ot) but for the one that says that it is over: {oid: "TYPE: value"}."""
    return {m[1]: m[2].strip() for m in re.finditer(r"^\.([0-9.]+) = (?!No more variables)(.*)$", text,
                                                    re.M)}


# --- as much BER as one request needs ---

def tlv(tag, content):
    n = len(content)
    return bytes([tag]) + (bytes([n]) if n < 128 else b"\x82" + n.to_bytes(2, "big")) + content


def integer(value):
    return tlv(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def encode_oid(oid):
    ids = [int(i) for i in oid.split(".")]
    out = b""
    for i in [ids[0] * 40 + ids[1], *ids[2:]]:
        septets = [i & 0x7F]
        while i := i >> 7:
            septets.append(i & 0x7F | 0x80)
        out += bytes(reversed(septets))
    return tlv(6, out)


def bulk_pdu(names, non_repeaters, repetitions, tag=0xA5):
    varbinds = b"".join(tlv(0x30, encode_oid(n) + b"\x05\x00") for n in names)
    return tlv(tag, integer(4711) + integer(non_repeaters) + integer(repetitions) + tlv(0x30, varbinds))


def bulk(names, non_repeaters, repetitions, community=b"public", tag=0xA5):
    return tlv(0x30, integer(1) + tlv(4, community) + bulk_pdu(names, non_repeaters, repetitions, tag))


class Sim(Lab):
    def setUp(self):
        super().setUp()
        need("snmpget", "snmpbulkwalk", "snmpwalk", "snmpgetnext", "snmpbulkget")

    def sim(self, *arguments, name="sim"):
        port = free_port(socket.SOCK_DGRAM)
        process = self.start(name, BIN / "beffroi-simulate-devices", "--port", port, *arguments)
        wait_for("the simulator", lambda: "ready" in process.text())
        process.port = port
        return process

    def tool(self, program, target, *arguments, access=("-v2c", "-c", "public"), check=True):
        done = subprocess.run([program, "-On", "-Ot", "-r", "0", "-t", "5", *access, target,
                               *arguments], capture_output=True, text=True, timeout=60,
                              env={"MIBS": "", "PATH": "/usr/bin:/bin",
                                   "SNMP_PERSISTENT_DIR": str(self.folder)})
        if check:
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def assert_walk(self, text, device, ports, seed=1, but=lambda value: False):
        got = parse(text)
        uptime = got.pop(f"{SYSTEM}.3.0")
        at_start = (86400000 + mix(device, 0, 0, seed) % 86400000) // 10
        self.assertTrue(at_start <= int(uptime) < at_start + 6000, uptime)
        want = {k: v for k, v in expected(device, ports, seed).items() if not but(v)}
        self.assertEqual(got, want)
        self.assertEqual(list(got), list(want))

    def counts(self, process):
        """What it prints on SIGUSR1."""
        before = process.text().count("{")
        process.signal(signal.SIGUSR1)
        wait_for("the counts", lambda: process.text().count("}\n") > before)
        return json.loads(process.text().splitlines()[-1])


class Values(Sim):
    def test_every_value_by_address(self):
        sim = self.sim("--devices", 300, "--first-address", "127.1.0.1", "--frozen", "--ports", 13)
        for device, address in ((0, "127.1.0.1"), (255, "127.1.1.0"), (299, "127.1.1.44")):
            text = self.tool("snmpbulkwalk", f"{address}:{sim.port}", ".1")
            self.assert_walk(text, device, 13)
        # Nobody is there.
        self.assertIn("Timeout", self.tool("snmpget", "-t0.3", f"127.1.1.45:{sim.port}",
                                           f"{SYSTEM}.5.0", check=False))

    def test_every_value_by_port(self):
        first = free_port(socket.SOCK_DGRAM)
        while first > 65000:
            first = free_port(socket.SOCK_DGRAM)
        self.sim("--devices", 20, "--first-port", first, "--frozen", "--ports", 200, "--seed", 77)
        for device in (0, 19):
            text = self.tool("snmpbulkwalk", f"127.0.0.1:{first + device}", ".1")
            self.assert_walk(text, device, 200, seed=77)

    def test_v1_has_no_64_bit_counters(self):
        sim = self.sim("--devices", 1, "--first-address", "127.0.0.1", "--frozen", "--ports", 3)
        v1 = ("-v1", "-c", "public")
        text = self.tool("snmpwalk", f"127.0.0.1:{sim.port}", ".1", access=v1)
        self.assert_walk(text, 0, 3, but=lambda value: value.startswith("Counter64"))
        text = self.tool("snmpget", f"127.0.0.1:{sim.port}", f"{SYSTEM}.5.0", f"{IFX}.6.1", access=v1,
                         check=False)
        self.assertIn("noSuchName", text)
        self.assertIn(f"Failed object: .{IFX}.6.1", text)

    def test_counters_count(self):
        spawned = time.monotonic()
        sim = self.sim("--devices", 2, "--first-address", "127.0.0.1", "--ports", 2)
        ready = time.monotonic()
        for _ in range(5):
            before = time.monotonic()
            text = self.tool("snmpget", f"127.0.0.2:{sim.port}", f"{IFX}.10.2", f"{IF}.16.2")
            after = time.monotonic()
            got = parse(text)
            wide, low = int(got[f"{IFX}.10.2"].split()[1]), int(got[f"{IF}.16.2"].split()[1])
            start, per_second = pace(1, 2, 10)
            self.assertGreater(per_second, 100000)
            at = (wide - start) / per_second
            self.assertTrue(before - ready - 0.01 <= at <= after - spawned + 0.01,
                            f"{before - ready} {at} {after - spawned}")
            self.assertEqual(low, wide & 0xFFFFFFFF)


class Version3(Sim):
    AUTH = ("SHA", "SHA-224", "SHA-256", "SHA-384", "SHA-512")

    def access(self, level, auth="SHA-256", user="watch", passphrase="maplesyrup", priv="icebeer99"):
        out = ("-v3", "-u", user, "-l", level)
        out += ("-a", auth, "-A", passphrase) if level != "noAuthNoPriv" else ()
        return out + (("-x", "AES", "-X", priv) if level == "authPriv" else ())

    def sim3(self, auth="SHA-256", priv=True, name="sim"):
        return self.sim("--devices", 3, "--first-address", "127.0.0.1", "--frozen", "--ports", 5,
                        "--user", "watch", "--auth", auth, "--auth-passphrase", "maplesyrup",
                        *(("--priv", "AES", "--priv-passphrase", "icebeer99") if priv else ()),
                        name=name)

    def test_every_level_and_protocol(self):
        for auth in self.AUTH:
            sim = self.sim3(auth, name=f"sim-{auth}")
            for level in ("noAuthNoPriv", "authNoPriv", "authPriv"):
                with self.subTest(auth=auth, level=level):
                    text = self.tool("snmpbulkwalk", f"127.0.0.3:{sim.port}", ".1",
                                     access=self.access(level, auth))
                    self.assert_walk(text, 2, 5)

    def test_reports(self):
        sim = self.sim3(priv=False)
        target = (f"127.0.0.1:{sim.port}", f"{SYSTEM}.5.0")
        for access, words in (
                (self.access("authNoPriv", user="nobody"), "Unknown user name"),
                (self.access("authNoPriv", passphrase="maplesyrux"), "Authentication failure"),
                (self.access("authPriv"), "Unsupported security level")):
            self.assertIn(words, self.tool("snmpget", *target, access=access, check=False))
        self.assertEqual(self.counts(sim)["get"], 0)

    def test_engines_and_time(self):
        sim = self.sim3()
        self.tool("snmpget", f"127.0.0.1:{sim.port}", f"{SYSTEM}.5.0", access=self.access("authPriv"))
        counts = self.counts(sim)
        self.assertEqual((counts["report"], counts["get"]), (1, 1))  # the discovery
        # The engine is known but not its time: a report that it is outside the window, then the answer.
        known = (*self.access("authPriv"), "-e", "0x80007ed90573696d00000001")
        text = self.tool("snmpget", "-r1", f"127.0.0.2:{sim.port}", f"{SYSTEM}.5.0", access=known)
        self.assertEqual(parse(text), {f"{SYSTEM}.5.0": 'STRING: "sim-1"'})
        counts = self.counts(sim)
        self.assertEqual((counts["report"], counts["get"]), (2, 2))
        # Another device has another engine.
        self.tool("snmpget", "-t0.5", f"127.0.0.3:{sim.port}", f"{SYSTEM}.5.0", access=known, check=False)
        self.assertEqual(self.counts(sim)["get"], 2)


class Requests(Sim):
    def setUp(self):
        super().setUp()
        self.process = self.sim("--devices", 2, "--first-address", "127.0.0.1", "--frozen", "--ports", 4)
        self.target = f"127.0.0.1:{self.process.port}"

    def test_get_and_getnext(self):
        text = self.tool("snmpget", self.target, f"{SYSTEM}.5.0", f"{SYSTEM}.5", f"{IFX}.6.5", "1.4.1")
        self.assertEqual(list(parse(text).values())[0], 'STRING: "sim-0"')
        self.assertEqual(text.count("No Such Instance"), 3)
        text = self.tool("snmpgetnext", self.target, f"{IF}.22.4", f"{IF}.22.4.0", f"{IF}.10", "1.4.1",
                         "1.3.6.1.2.1.31.1.5", "1.3.6.1.2.1.31.1.5.0", "2.999.4294967295")
        self.assertEqual(list(parse(text)), [f"{IFX}.1.1", f"{IF}.10.1", "1.3.6.1.2.1.31.1.5.0"])
        self.assertEqual(re.findall(r"^\.(\S+) = No more variables", text, re.M),
                         ["1.4.1", "1.3.6.1.2.1.31.1.5.0", "2.999.4294967295"])

    def test_bulk(self):
        text = self.tool("snmpbulkget", "-Cn1", "-Cr3", self.target, f"{SYSTEM}.4", f"{IF}.10.2",
                         f"{IFX}.6.4")
        self.assertEqual(list(parse(text)), [f"{SYSTEM}.4.0", f"{IF}.10.3", f"{IFX}.7.1", f"{IF}.10.4",
                                             f"{IFX}.7.2", f"{IF}.11.1", f"{IFX}.7.3"])
        text = self.tool("snmpbulkget", "-Cn0", "-Cr5", self.target, f"{IFX}.19.3")
        self.assertEqual([line.split(" = ")[0] for line in text.splitlines()],
                         [f".{IFX}.19.4"] + [".1.3.6.1.2.1.31.1.5.0"] * 2)
        self.assertEqual(text.count("No more variables"), 1)
        self.assertEqual(self.tool("snmpbulkget", "-Cn0", "-Cr0", self.target, SYSTEM).strip(), "")

    def ask(self, message, port=None, seconds=5.0):
        with socket.socket(type=socket.SOCK_DGRAM) as s:
            s.settimeout(seconds)
            s.sendto(message, ("127.0.0.1", port or self.process.port))
            return s.recv(65535)

    def test_largest_reply(self):
        whole = self.ask(bulk([IFX], 0, 60))
        sizes = set()
        for size in range(484, 514):
            sim = self.sim("--devices", 1, "--first-address", "127.0.0.1", "--frozen", "--ports", 4,
                           "--max-size", size, name=f"sim-{size}")
            cut = self.ask(bulk([IFX], 0, 60), sim.port)
            sizes.add(len(cut))
            # Cut where the next varbind would not have fitted.
            self.assertLessEqual(len(cut), size)
            self.assertGreater(len(cut), size - 24)
            body = cut.index(encode_oid(f"{IFX}.1.1"))
            self.assertIn(cut[body:], whole)
            self.assertEqual(self.counts(sim)["too_big"], 0)
            sim.end()
        self.assertGreater(len(sizes), 1)
        sim = self.sim("--devices", 1, "--first-address", "127.0.0.1", "--max-size", 484, name="small")
        names = [f"{IFX}.18.{n}" for n in range(1, 21)]
        text = self.tool("snmpget", "-Cf", f"127.0.0.1:{sim.port}", *names, check=False)
        self.assertIn("tooBig", text)
        self.assertEqual(self.counts(sim)["too_big"], 1)

    def test_silence(self):
        for what, message in (("community", bulk([IFX], 0, 1, b"secret")), ("set", bulk([IFX], 0, 0, tag=0xA3)),
                              ("response", bulk([IFX], 0, 0, tag=0xA2)), ("v3", tlv(0x30, integer(3)))):
            with self.subTest(what), self.assertRaises(TimeoutError):
                self.ask(message, seconds=0.2)
        counts = self.counts(self.process)
        self.assertEqual((counts["refused"], counts["broken"], counts["replies"]), (1, 3, 0))

    def test_garbage(self):
        seed = random.randrange(1 << 32)
        print(f"seed {seed}")
        dice = random.Random(seed)
        sim3 = self.sim("--devices", 1, "--first-address", "127.0.0.1", "--user", "watch", "--auth", "SHA",
                        "--auth-passphrase", "maplesyrup", name="sim3")
        usm = tlv(0x30, tlv(4, bytes.fromhex("80007ed90573696d00000000")) + integer(1) + integer(1) +
                  tlv(4, b"watch") + tlv(4, b"") + tlv(4, b""))
        scoped = tlv(0x30, tlv(4, b"") + tlv(4, b"") + bulk_pdu([IFX, IF], 0, 3))
        v3 = tlv(0x30, integer(3) + tlv(0x30, integer(7) + integer(65507) + tlv(4, b"\4") + integer(3)) +
                 tlv(4, usm) + scoped)
        with socket.socket(type=socket.SOCK_DGRAM) as s:
            for i in range(4000):
                port, good = (self.process.port, bulk([IFX, IF], 1, 9)) if i % 2 else (sim3.port, v3)
                message = bytearray(good)
                for _ in range(dice.randint(1, 4)):
                    message[dice.randrange(len(message))] = dice.choice((0, 1, 0x7F, 0x80, 0x82, 0xFF,
                                                                         dice.randrange(256)))
                s.sendto(message[:dice.randint(1, len(message)) if i % 5 == 0 else len(message)],
                         ("127.0.0.1", port))
                if i % 50 == 0:
                    self.ask(bulk([IFX], 0, 1), port)  # no more than fits the socket
        for process in (self.process, sim3):
            counts = self.counts(process)
            self.assertGreater(counts["broken"], 100)
            self.assertGreater(counts["bulk"], 200)


class Behaviour(Sim):
    def probe_all(self, sim, n, seconds):
        """Which of the devices answer one request."""
        found = set()
        with socket.socket(type=socket.SOCK_DGRAM) as s:
            s.settimeout(seconds)
            for device in range(n):
                s.sendto(bulk([SYSTEM], 0, 1), (f"127.0.{device // 256}.{device % 256 + 1}", sim.port))
            try:
                while len(found) < n:
                    address = s.recvfrom(65535)[1][0].split(".")
                    found.add(int(address[2]) * 256 + int(address[3]) - 1)
            except TimeoutError:
                pass
        return found

    def test_dead_ones(self):
        log = self.folder / "requests"
        sim = self.sim("--devices", 110, "--first-address", "127.0.0.1", "--dead", 5, "--log", log)
        dead = {d for d in range(110) if (d + 1) * 5 // 100 != d * 5 // 100}
        self.assertEqual(len(dead), 5)
        before = time.time()
        self.assertEqual(self.probe_all(sim, 110, 0.5), set(range(110)) - dead)
        counts = self.counts(sim)
        self.assertEqual((counts["requests"], counts["bulk"], counts["dead"], counts["varbinds"]),
                         (110, 105, 5, 105))
        lines = [line.split() for line in log.read_text().splitlines()]
        self.assertEqual({int(d): (kind, n) for _, d, kind, n in lines},
                         {d: ("dead", "-") if d in dead else ("bulk", "1") for d in range(110)})
        for at, *_ in lines:
            self.assertTrue(before <= int(at) / 1e6 <= time.time())

    def test_loss(self):
        lost = []
        for turn in range(2):
            sim = self.sim("--devices", 200, "--first-address", "127.0.0.1", "--loss", 30, name=f"sim{turn}")
            lost.append(set(range(200)) - self.probe_all(sim, 200, 0.5))
            self.assertEqual(self.counts(sim)["lost"], len(lost[-1]))
        self.assertTrue(30 < len(lost[0]) < 90, len(lost[0]))
        self.assertEqual(lost[0], lost[1])  # the same dice

    def test_delay(self):
        sim = self.sim("--devices", 50, "--first-address", "127.0.0.1", "--delay-ms", 300)
        began = time.monotonic()
        self.assertEqual(self.probe_all(sim, 50, 5), set(range(50)))
        self.assertTrue(0.3 <= time.monotonic() - began < 3)

    def test_refuses(self):
        for arguments, words in ((["--devices", "0"], "range"), ([], "how many"),
                                 (["--devices", "9", "--first-port", "65530"], "do not fit"),
                                 (["--devices", "9", "--first-address", "10.0.0.1"], "127.0.0.0/8"),
                                 (["--devices", "9", "--user", "u", "--auth", "MD5"], "protocol"),
                                 (["--devices", "9", "--auth", "SHA"], "--user"),
                                 (["--devices", "9", "more"], "not understood")):
            with self.subTest(arguments):
                done = subprocess.run([BIN / "beffroi-simulate-devices", *arguments], text=True,
                                      capture_output=True, timeout=10)
                self.assertIn(done.returncode, (1, 2))
                self.assertIn(words, done.stderr)


if __name__ == "__main__":
    lab.main()
