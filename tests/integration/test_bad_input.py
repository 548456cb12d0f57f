# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong outside: bad configuration, no collector, foreign keys, garbage on the wire, full
disks, missing privileges. Nothing crashes, nothing is lost silently, somebody is told."""

import contextlib
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import unittest

import lab
from lab import BIN, Lab, lab_time, wait_for

CHECKS = """
host: {interval: 1s}
checks:
  - {name: ping, type: icmp, host: 127.0.0.1, interval: 1s, timeout: 500ms}
"""


class Configuration(Lab):
    def run_program(self, program, text, *arguments):
        path = self.folder / "bad.yaml"
        path.write_text(text)
        done = subprocess.run([BIN / program, *arguments, "-c", path], capture_output=True, text=True,
                              timeout=20, cwd=self.folder)
        return done.returncode, done.stdout, done.stderr

    def test_every_error_is_named_and_nothing_starts(self):
        text = """device: host-1
data: data-bad
keys: agent.key
collector: {endpoint: "tcp://127.0.0.1:1", key: "short"}
checks:
  - {name: a, type: icmp, host: 127.0.0.1, intervall: 5s}
  - {name: b, type: tpc, host: 127.0.0.1}
  - {name: c, type: tcp, host: 127.0.0.1, port: 70000}
spool: {max: 5 apples}
"""
        code, out, error = self.run_program("beffroi-agent", text)
        self.assertEqual((code, out), (1, ""), error)
        for line, word in ((4, "key"), (6, "intervall"), (7, "tpc"), (8, "70000"), (9, "5 apples")):
            self.assertRegex(error, rf"bad\.yaml:{line}: .*{word}", error)
        self.assertFalse((self.folder / "data-bad").exists())
        code, _, error = self.run_program("beffroi-collector", "data: [\nlisten: 3\n")
        self.assertEqual(code, 1)
        self.assertRegex(error, r"bad\.yaml:\d+: ")
        self.assertEqual(self.run_program("beffroi-agent", "", "--what")[0], 2)

    def test_normal_form_parses_again(self):
        self.keys("agent"), self.keys("collector")
        public = self.keys("other")
        for program, text in (
                ("beffroi-agent", f'device: "yes"\ndata: d\nkeys: agent.key\ncollector: {{endpoint: '
                                  f'"tcp://127.0.0.1:8461", key: "{public["curve_key"]}"}}\n{CHECKS}'),
                ("beffroi-collector", f'data: d\nkeys: collector.key\nagents:\n  - {{name: a, curve_key: '
                                      f'"{public["curve_key"]}", sign_key: "{public["sign_key"]}"}}\n')):
            code, normal, error = self.run_program(program, text, "-nv")
            self.assertEqual((code, error), (0, ""))
            code, again, error = self.run_program(program, normal, "-nv")
            self.assertEqual((code, again, error), (0, normal, ""))
            self.assertEqual(self.run_program(program, text, "-n")[0], 0)


class Wire(Lab):
    def rows(self, collector):
        objects = collector.json("/api/v1/objects", device="host-1", kind="load")["objects"]
        return objects[0]["last"] if objects else None

    def test_collector_away_then_back(self):
        city = self.collector({"agent-1": self.keys("agent")})
        self.agent(city, body=CHECKS)
        wait_for("rows", lambda: self.rows(city))
        pings = lambda: [r for r in city.json("/api/v1/runs", device="host-1", check="ping")["runs"]]
        city.kill_everything()
        time.sleep(4)  # four intervals without a collector
        city.start()
        before = time.time()
        wait_for("newer rows", lambda: lab_time(self.rows(city)) > before, 60)

        def whole():
            """One run, all of whose seconds have their result: nothing of the time away is missing."""
            runs = pings()
            return len(runs) == 1 and runs[0]["outcome"] == "up" and \
                runs[0]["results"] >= (lab_time(runs[0]["last"]) - lab_time(runs[0]["first"])) * 0.999 and \
                lab_time(runs[0]["last"]) > before
        wait_for("one whole run", whole)
        self.assertEqual(city.json("/api/v1/runs")["gaps"], [])

    def test_unknown_key_is_refused(self):
        city = self.collector({"agent-1": self.keys("agent")})
        self.keys("stranger")
        process = self.agent(city, keys_of="stranger", name="stranger", body=CHECKS)
        wait_for("the refusal in its log", lambda: "refuses our key" in process.text())
        wait_for("the refusal counted", lambda: (city.metric("beffroi_intake_refused_key_total") or 0) > 0)
        wait_for("the refusal logged", lambda: "unknown key" in city.process.text())
        self.assertEqual(city.status()["devices"], [])
        self.assertTrue(process.alive())

    def test_garbage_is_harmless(self):
        city = self.collector({"agent-1": self.keys("agent")})
        host, port = city.listen.removeprefix("tcp://").rsplit(":", 1)
        greeting = b"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00NULL" + b"\x00" * 48
        for payload in (b"GET / HTTP/1.0\r\n\r\n", os.urandom(5000), greeting + os.urandom(2000),
                        b"\xff" * 10 + b"\x03" + b"\x00" * 1000, b""):
            with contextlib.suppress(OSError), socket.create_connection((host, int(port)), 5) as s:
                s.sendall(payload)
                s.shutdown(socket.SHUT_WR)
                s.settimeout(2)
                s.recv(4096)
        self.agent(city, body=CHECKS)
        wait_for("rows in spite of it", lambda: self.rows(city))
        self.assertEqual(city.process.text().count("AddressSanitizer"), 0)
        self.assertEqual({p["restarts"] for p in city.status()["collector"]["parts"]}, {0})


class Disk(Lab):
    """On file systems of two megabytes, made for the test."""

    def small_disk(self, name, size="24m"):
        folder = self.folder / name
        folder.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder],
                              capture_output=True)
        if done.returncode != 0:
            raise unittest.SkipTest("no file system can be mounted here")
        self.addCleanup(subprocess.run, ["umount", "-l", folder])
        return folder

    def fill(self, folder):
        filler = folder / "filler"
        with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"x" * 65536)
        with open(filler, "ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"x")
        return filler

    def test_journal_full(self):
        disk = self.small_disk("disk", "256m")  # the host's databases alone are some 60
        city = self.collector({"agent-1": self.keys("agent")}, data=disk / "data",
                              extra="journal: {segment: 1MiB, reserve: 1MiB}\nrrd: {flush_after: 2s, "
                                    "checkpoint: 5s}\n")
        agent = self.agent(city, body=CHECKS)
        last = lambda: city.json("/api/v1/runs", device="host-1", check="ping")["runs"]
        wait_for("runs", last)
        filler = self.fill(disk)
        wait_for("the alarm", lambda: city.status()["collector"]["alarms"], 30)
        self.assertIn("error", city.process.text())
        self.assertIn("ALARM", self.run_cli("status", "--collector", city.url)[1])
        filler.unlink()
        freed = time.time()
        wait_for("no alarm", lambda: not city.status()["collector"]["alarms"], 90)

        def caught_up():
            runs = last()
            return lab_time(runs[-1]["last"]) > freed and all(r["outcome"] == "up" for r in runs) and \
                sum(r["results"] for r in runs) >= \
                (lab_time(runs[-1]["last"]) - lab_time(runs[0]["first"])) * 0.999
        wait_for("every result", caught_up, 90)
        self.assertEqual(city.json("/api/v1/runs")["gaps"], [])
        self.assertTrue(agent.alive())
        self.assertEqual({p["restarts"] for p in city.status()["collector"]["parts"]}, {0})

    def test_spool_full(self):
        disk = self.small_disk("spool-disk", "16m")
        city = self.collector({"agent-1": self.keys("agent")})
        # A segment has its room from its beginning: enough is sampled to need the next one soon.
        many = "".join(f"  - {{name: web-{i}, type: tcp, host: 127.0.0.1, port: {city.port}, interval: 1s, "
                       "timeout: 500ms}\n" for i in range(60))
        agent = self.agent(city, body=CHECKS + many, data=disk / "data",
                           extra="spool: {segment: 64KiB, max: 8MiB}")
        last = lambda: city.json("/api/v1/runs", device="host-1", check="ping")["runs"]
        wait_for("runs", last)
        filler = self.fill(disk)
        city.kill_everything()
        wait_for("the alarm in the log", lambda: "the disk refuses" in agent.text(), 60)
        city.start()
        filler.unlink()
        freed = time.time()
        wait_for("results after it", lambda: lab_time(last()[-1]["last"]) > freed, 90)
        self.assertTrue(agent.alive())


class Privileges(Lab):
    def test_without_net_raw(self):
        if os.geteuid() != 0 or shutil.which("setpriv") is None:
            raise unittest.SkipTest("needs root, to take a privilege away")
        city = self.collector({"agent-1": self.keys("agent")})
        agent = self.agent(city, prefix=("setpriv", "--bounding-set=-net_raw", "--inh-caps=-net_raw", "--"),
                           body="host: {interval: 1s}\ncapture: {interface: lo, interval: 1s}\nchecks:\n"
                                f"  - {{name: web, type: tcp, host: 127.0.0.1, port: {city.port}, "
                                "interval: 1s, timeout: 500ms}\n")
        check = wait_for("the traffic part's word", lambda: city.check("host-1", "capture"))
        self.assertEqual((check["outcome"], check["reason"]), ("unknown", "no-permission"))
        self.assertIn("CAP_NET_RAW", check["detail"])
        wait_for("everything else", lambda: (city.check("host-1", "web") or {}).get("outcome") == "up" and
                 city.json("/api/v1/objects", device="host-1", kind="load")["objects"][0]["last"])
        self.assertIn("CAP_NET_RAW", agent.text())

    def test_worker_killed(self):
        city = self.collector({"agent-1": self.keys("agent")})
        agent = self.agent(city, body="capture: {interface: lo, interval: 1s}\n" + CHECKS)
        traffic = lambda: city.json("/api/v1/objects", device="host-1", kind="traffic")["objects"]
        wait_for("traffic", lambda: traffic()[0]["last"])
        workers = [p for p in lab.children_of(agent.pid)
                   if b"capture" in pathlib.Path(f"/proc/{p}/cmdline").read_bytes()]
        self.assertEqual(len(workers), 1)
        status = pathlib.Path(f"/proc/{workers[0]}/status").read_text()
        if os.geteuid() == 0:
            self.assertIn("CapEff:\t0000000000000000", status)
            self.assertNotIn("Uid:\t0", status)
        os.kill(workers[0], signal.SIGKILL)
        killed = time.time()
        wait_for("traffic again", lambda: lab_time(traffic()[0]["last"]) > killed + 1)
        gaps = wait_for("the gap", lambda: city.json("/api/v1/runs")["gaps"])
        self.assertEqual(gaps[0]["reason"], "worker-lost")


if __name__ == "__main__":
    lab.main()
