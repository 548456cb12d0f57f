# SPDX-License-Identifier: GPL-3.0-or-later
"""Time that is stepped, slept through or named otherwise is seen, recorded, and never an outage; and a
check that the agent could not run is unknown all the way to the contract's figures. The agent's clocks
are moved by a library that is loaded into it (moved_clock.c), never the machine's."""

import datetime
import json
import mmap
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
import unittest

import lab
from lab import Lab, lab_time, wait_for

INSIDE = "BEFFROI_TEST_NAMESPACE"
IP = shutil.which("ip", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
CC = shutil.which("cc")
HERE = lab.ROOT / "tests/integration"
UTC = datetime.timezone.utc


def enter_namespace():
    """Runs this file again, in a namespace with a loopback of its own. Where that is not allowed, the
    tests that need it skip themselves."""
    if INSIDE in os.environ or IP is None or os.geteuid() != 0 or shutil.which("unshare") is None or \
            subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode != 0:
        return
    os.execvpe("unshare", ["unshare", "--net", sys.executable, *sys.argv], {**os.environ, INSIDE: "1"})


def ip(*arguments):
    subprocess.run([IP, *arguments], check=True, capture_output=True)


def stamp(t):
    return datetime.datetime.fromtimestamp(t, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class City(Lab):
    """A collector, and a door that an agent looks at every second."""

    def setUp(self):
        super().setUp()
        self.contract_path = self.contract({"door": "hall/door"})
        self.city = self.collector({"agent-1": self.keys("agent")}, extra=f"contract: {self.contract_path}\n")

    def check_door(self, address, name="door"):
        server = socket.create_server((address, 0))
        self.addCleanup(server.close)
        return f"  - {{name: {name}, type: tcp, host: {address}, port: {server.getsockname()[1]}, " \
               f"interval: 1s, timeout: 500ms}}\n"

    def runs(self, check="door", start="2026-01-01T00:00:00Z", end="2100-01-01T00:00:00Z"):
        return self.city.json("/api/v1/runs", device="hall", check=check, **{"from": start, "to": end})

    def outcomes(self):
        return {r["outcome"] for r in self.runs()["runs"]}

    def service(self, start, end):
        out = self.run_cli("sla", "show", "--contract", self.contract_path, "--collector", self.city.url,
                           "--period", f"{stamp(start)}/{stamp(end)}", "--format", "json", check=0)[1]
        return json.loads(out)["services"][0]


@unittest.skipUnless(CC, "there is no C compiler to make the library that moves the clocks")
class Clocks(City):
    def setUp(self):
        super().setUp()
        library = self.folder / "moved_clock.so"
        subprocess.run([CC, "-shared", "-fPIC", "-O2", "-D_GNU_SOURCE", "-o", library, HERE / "moved_clock.c"],
                       check=True)
        path = self.folder / "clock"
        path.write_bytes(bytes(16))
        with open(path, "r+b") as file:
            self.moved = mmap.mmap(file.fileno(), 16)
        self.addCleanup(self.moved.close)
        options = os.environ.get("ASAN_OPTIONS", "")
        self.prefix = ("env", f"LD_PRELOAD={library}", f"BEFFROI_TEST_CLOCK={path}",
                       f"ASAN_OPTIONS={options}:verify_asan_link_order=0")
        self.wall_s = 0

    def move(self, wall_s, boot_s=0):
        """By so much more than before."""
        self.wall_s += wall_s
        was = struct.unpack("=qq", self.moved[:])
        self.moved[:] = struct.pack("=qq", was[0] + round(wall_s * 1e9), was[1] + round(boot_s * 1e9))

    def begin(self, *more):
        self.agent_process = self.agent(self.city, device="hall", prefix=(*self.prefix, *more),
                                        body="checks:\n" + self.check_door("127.0.0.1"))
        self.wait_results(3)

    def wait_results(self, n):
        """A newest run with so many results."""
        return wait_for(f"{n} results", lambda: next(
            (r for r in self.runs()["runs"][-1:] if r["results"] >= n), None))

    def wait_said(self, text):
        wait_for(f"“{text}” in the log", lambda: text in self.agent_process.text(), 15)

    def test_step(self):
        self.begin()
        self.move(20)
        self.wait_said("the wall clock was stepped: by_ms=20000")
        self.wait_said("this machine's clock is not the collector's")
        first, second = wait_for("a run after the step", lambda: (
            lambda r: r if len(r) == 2 and r[1]["results"] >= 3 else None)(self.runs()["runs"]))
        self.assertGreater(lab_time(second["first"]) - lab_time(first["last"]), 19)
        row = wait_for("the agent's own figures", self._clock_row, 45)
        self.assertAlmostEqual(row["clock_offset_s"], 20, delta=0.5)
        self.assertGreaterEqual(row["clock_delay_s"], 0)
        self.assertLess(row["clock_delay_s"], 1)
        self.move(-20)
        self.wait_said("this machine's clock agrees with the collector's again")
        # Results go on at once, though that time had its word already.
        third = wait_for("a run after the step back", lambda: (
            lambda r: r if len(r) == 3 and min(x["results"] for x in r) >= 3 else None)(self.runs()["runs"]))
        self.assertEqual({r["outcome"] for r in third}, {"up"})
        self.assertNotIn("slept", self.agent_process.text())
        self.assertEqual(self.slept(), [])

    def slept(self):
        return [g for g in self.runs()["gaps"] if g["reason"] == "suspended"]

    def _clock_row(self):
        latest = self.city.json("/api/v1/object", device="hall", kind="agent", name="agent")["latest"]
        return latest if latest["clock_offset_s"] is not None and latest["clock_offset_s"] > 15 else None

    def test_sleep(self):
        self.begin()
        fell_asleep = time.time()
        self.move(3600, 3600)
        self.wait_said("the machine slept, nobody looked meanwhile: for_ms=3600000")
        first, second = wait_for("a run after the sleep", lambda: (
            lambda r: r if len(r) == 2 and r[1]["results"] >= 3 else None)(self.runs()["runs"]))
        self.assertEqual((first["outcome"], second["outcome"]), ("up", "up"))
        self.assertGreater(lab_time(second["first"]) - lab_time(first["last"]), 3599)
        gap, = self.slept()
        self.assertAlmostEqual(lab_time(gap["from"]), fell_asleep, delta=1.5)
        self.assertAlmostEqual(lab_time(gap["to"]), fell_asleep + 3600, delta=1.5)
        self.assertGreaterEqual(lab_time(gap["from"]), lab_time(first["last"]) - 0.001)
        self.assertLessEqual(lab_time(gap["to"]), lab_time(second["first"]) + 1)
        self.assertNotIn("stepped", self.agent_process.text())
        # The hour is unknown in the contract's figures, as the agent's own gap; nothing is down.
        report = self.service(fell_asleep + 60, fell_asleep + 3540)
        self.assertEqual(report["classes_ms"]["down"], 0)
        self.assertEqual(report["classes_ms"]["up"], 0)
        self.assertIsNone(report["availability"]["pct"] if report["availability"] else None)

    def test_daylight_saving(self):
        """Paris goes from +1 h to +2 h at 2026-03-29T01:00:00Z, and nothing happens."""
        change = datetime.datetime(2026, 3, 29, 1, tzinfo=UTC).timestamp()
        self.move(change - 8 - time.time())
        self.begin("TZ=Europe/Paris")
        run = wait_for("results after the change", lambda: next(
            (r for r in self.runs()["runs"][-1:] if lab_time(r["last"]) > change + 4), None))
        self.assertLess(lab_time(run["first"]), change)
        self.assertEqual(len(self.runs()["runs"]), 1)
        self.assertEqual(run["results"], round(lab_time(run["last"]) - lab_time(run["first"])) + 1)
        for word in ("stepped", "slept"):
            self.assertNotIn(word, self.agent_process.text())
        report = self.service(change - 3, change + 3)
        self.assertEqual(report["classes_ms"]["up"], 6000)


@unittest.skipUnless(INSIDE in os.environ, "it needs a network namespace")
class NotRun(City):
    """What the agent could not ask is unknown, never down: from the check to the contract's figure."""
    ADDRESS = "198.51.100.7"

    def test_no_route_and_no_resolver(self):
        ip("address", "add", self.ADDRESS + "/32", "dev", "lo")
        self.agent(self.city, device="hall", body="checks:\n" + self.check_door(self.ADDRESS) +
                   "  - {name: named, type: tcp, host: door.example.net, port: 80, interval: 1s, timeout: 500ms}\n")
        outcome = lambda check: (self.city.check("hall", check) or {}).get("outcome")
        wait_for("the door up", lambda: outcome("door") == "up")
        time.sleep(3)  # of being up
        ip("address", "delete", self.ADDRESS + "/32", "dev", "lo")
        lost = time.time()
        wait_for("the door unknown", lambda: outcome("door") == "unknown")
        self.assertEqual(self.city.check("hall", "door")["reason"], "no-route")
        self.assertEqual(outcome("named"), "unknown")
        self.assertTrue(self.city.check("hall", "named")["reason"].startswith("dns-"))
        self.assertEqual(self.city.status()["services"][0]["state"], "unknown")
        time.sleep(max(0, lost + 6 - time.time()))  # the outage of ours has its length
        ip("address", "add", self.ADDRESS + "/32", "dev", "lo")
        wait_for("the door up again", lambda: outcome("door") == "up")
        end = time.time()
        wait_for("a statement beyond", lambda: any(
            r["outcome"] == "up" and lab_time(r["last"]) > end for r in self.runs()["runs"]))
        self.assertEqual(self.outcomes(), {"up", "unknown"})
        report = self.service(lost - 2, end)
        classes = report["classes_ms"]
        print(f"no route for {end - lost:.1f} s: {classes}")
        self.assertEqual((classes["down"], report["outage_count"]), (0, 0))
        self.assertGreater(classes["up"], 500)
        self.assertGreater(classes["unknown"], 4000)
        self.assertEqual(report["availability"]["pct"], "100.0000")


if __name__ == "__main__":
    enter_namespace()
    if INSIDE in os.environ:
        ip("link", "set", "lo", "up")
    lab.main()
