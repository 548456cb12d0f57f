# SPDX-License-Identifier: GPL-3.0-or-later
"""A small city on loopback for the integration tests: collectors, agents, snmpd and web sites in a
folder of their own, each started by the test and ended with it, by pid."""

import contextlib
import datetime
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

BIN = pathlib.Path(os.environ.get("BEFFROI_BIN", "build/dev/bin")).resolve()
ROOT = pathlib.Path(__file__).resolve().parents[2]

SANITIZER = re.compile(r"ERROR: (Address|Leak)Sanitizer|runtime error:|WARNING: ThreadSanitizer")


def lab_time(text):
    """Seconds since 1970 of an API time."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() if text else 0


def wait_for(what, condition, seconds=30, every=0.05):
    """The condition's first true value. AssertionError with `what` when it does not come in time."""
    deadline = time.monotonic() + seconds
    last_error = None
    while True:
        try:
            value = condition()
            if value:
                return value
        except (OSError, http.client.HTTPException, subprocess.SubprocessError, ValueError, KeyError,
                IndexError) as error:
            last_error = error
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not happen within {seconds} s ({last_error})")
        time.sleep(every)


def free_port(kind=socket.SOCK_STREAM):
    with socket.socket(type=kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def need(*programs):
    """Skips the test where a program of the field is not installed."""
    for program in programs:
        if shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin:/sbin") is None:
            raise unittest.SkipTest(f"{program} is not installed")


class Process:
    def __init__(self, name, arguments, log, env=None, cwd=None):
        self.name = name
        self.log = log
        with open(log, "ab") as out:
            self.popen = subprocess.Popen(
                [str(a) for a in arguments], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                cwd=cwd, env={**os.environ, **(env or {})}, start_new_session=True)
        self.pid = self.popen.pid

    def alive(self):
        return self.popen.poll() is None

    def signal(self, number):
        self.popen.send_signal(number)

    def end(self, seconds=20):
        """SIGTERM, and its exit status."""
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                self.popen.send_signal(signal.SIGCONT)
                self.popen.send_signal(signal.SIGTERM)
        try:
            return self.popen.wait(seconds)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise AssertionError(f"{self.name} did not end within {seconds} s of SIGTERM")

    def kill(self):
        if self.alive():
            self.popen.kill()
        self.popen.wait()

    def text(self):
        return pathlib.Path(self.log).read_text(errors="replace")


class Lab(unittest.TestCase):
    """One folder, and what runs in it."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="beffroi-lab-"))
        self.folder.chmod(0o755)  # a process that became nobody may look
        self.processes = []
        self.addCleanup(self._end)

    def _end(self):
        """Ends what was started, newest first, and looks for what the sanitizers said."""
        faults = []
        for process in reversed(self.processes):
            try:
                status = process.end()
                if status not in (0, -signal.SIGKILL) and not getattr(process, "may_fail", False):
                    faults.append(f"{process.name} ended with {status}")
            except AssertionError as error:
                faults.append(str(error))
        for log in sorted(self.folder.glob("*.log")):
            text = log.read_text(errors="replace")
            if SANITIZER.search(text):
                at = SANITIZER.search(text).start()
                faults.append(f"{log.name}:\n{text[at:at + 4000]}")
        failed = any(error for _, error in getattr(self._outcome, "errors", [])) or \
            self._outcome.result.failures or self._outcome.result.errors if self._outcome else False
        if faults or failed:
            for log in sorted(self.folder.glob("*.log")):
                print(f"--- {log.name} (its end)\n{log.read_text(errors='replace')[-3000:]}",
                      file=sys.stderr)
        if not os.environ.get("BEFFROI_KEEP_LAB"):
            shutil.rmtree(self.folder, ignore_errors=True)
        self.assertEqual(faults, [], "\n".join(faults))

    def start(self, name, *arguments, env=None, cwd=None):
        process = Process(name, arguments, self.folder / f"{name}.log", env, cwd)
        self.processes.append(process)
        return process

    def run_cli(self, *arguments, check=None):
        """`beffroi ARGUMENTS`: (exit status, standard output, standard error)."""
        done = subprocess.run([str(BIN / "beffroi"), *map(str, arguments)], capture_output=True,
                              text=True, timeout=60, cwd=self.folder)
        if check is not None:
            self.assertEqual(done.returncode, check, done.stdout + done.stderr)
        return done.returncode, done.stdout, done.stderr

    # --- keys, collector, agent ---

    def keys(self, name):
        """Makes NAME.key; {"curve_key": …, "sign_key": …}."""
        return json.loads(self.run_cli("keys", "new", self.folder / f"{name}.key", "--format", "json",
                                       check=0)[1])

    def collector(self, agents, name="collector", extra="", wait=True, data=None):
        return Collector(self, name, agents, extra, wait, data)

    def agent(self, collector, keys_of="agent", name="agent", device="host-1", body="", extra="",
              prefix=(), wait=None, data=None):
        config = self.folder / f"{name}.yaml"
        config.write_text(f"""device: {device}
data: {data or f"data-{name}"}
keys: {keys_of}.key
collector: {{endpoint: "{collector.listen}", key: "{collector.public['curve_key']}"}}
statements: {{repeat: 2s}}
{extra}
{body}
""")
        return self.start(name, *prefix, BIN / "beffroi-agent", "-c", config)

    def contract(self, services, name="contract.yaml", timezone="Europe/Paris"):
        path = self.folder / name
        path.write_text("contract: {name: lab, title: Lab, timezone: " + timezone + "}\nservices:\n" +
                        "".join(f"  - {{name: {s}, target: 99.9, requires: {{check: {c}}}}}\n"
                                for s, c in services.items()))
        return path

    # --- the outside world ---

    def snmpd(self, port=None, name="snmpd"):
        need("snmpd", "snmpget", "snmpset")
        port = port or free_port(socket.SOCK_DGRAM)
        config = self.folder / f"{name}.conf"
        config.write_text(f"agentaddress udp:127.0.0.1:{port}\nrocommunity public 127.0.0.1\n"
                          "rwcommunity labsecret 127.0.0.1\nsysName lab\n"
                          "dontLogTCPWrappersConnects yes\n")
        process = self.start(name, "/usr/sbin/snmpd", "-f", "-r", "-C", "-c", config, "-Lo",
                             env={"SNMP_PERSISTENT_DIR": str(self.folder / "snmp-persistent"), "MIBS": ""})
        process.may_fail = True
        process.port = port
        wait_for("an answer of snmpd", lambda: snmp_get(port, ".1.3.6.1.2.1.1.3.0") is not None)
        # Counters of now, not of up to three seconds ago.
        snmp("snmpset", port, "labsecret", ".1.3.6.1.4.1.8072.1.5.3.1.2.1.3.6.1.2.1.2.2", "i", "0")
        return process

    def site(self, name="site"):
        """A web site and a helpdesk port."""
        web, helpdesk = free_port(), free_port()
        process = self.start(name, sys.executable, ROOT / "packaging/quickstart-city.py", web, helpdesk)
        process.web, process.helpdesk = web, helpdesk
        wait_for("the site", lambda: "ready" in process.text())
        return process


class Collector:
    """A collector; its endpoints are known once it is ready."""

    def __init__(self, lab, name, agents, extra, wait, data=None):
        self.lab, self.name = lab, name
        self.public = lab.keys(name)
        self.data = pathlib.Path(data) if data else lab.folder / f"data-{name}"
        self.config = lab.folder / f"{name}.yaml"
        self.agents, self.extra = agents, extra
        # Fixed, so that a part that is started again is found where it was.
        self.listen, self.port = f"tcp://127.0.0.1:{free_port()}", free_port()
        self.url = f"http://127.0.0.1:{self.port}/"
        self._write()
        self.process = None
        self.start(wait)

    def _write(self):
        rows = "".join(f'  - {{name: {n}, curve_key: "{k["curve_key"]}", sign_key: "{k["sign_key"]}"}}\n'
                       for n, k in self.agents.items())
        self.config.write_text(f"""data: {self.data}
listen: "{self.listen}"
keys: {self.name}.key
http: {{address: 127.0.0.1, port: {self.port}}}
agents:
{rows}{self.extra}
""")

    def start(self, wait=True):
        for file in ("intake.json", "web.json"):
            with contextlib.suppress(FileNotFoundError):
                (self.data / "run" / file).unlink()
        self.process = self.lab.start(self.name, BIN / "beffroi-collector", "-c", self.config)
        if wait:
            wait_for(f"{self.name} ready", self._ready)

    def _ready(self):
        if not self.process.alive():
            raise AssertionError(f"{self.name} ended:\n{self.process.text()[-3000:]}")
        run = self.data / "run"
        return json.loads((run / "intake.json").read_text()) and \
            json.loads((run / "web.json").read_text()) and self.get("/metrics")

    def fetch(self, path, **parameters):
        """(status, headers, bytes)"""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        query = "?" + urllib.parse.urlencode(parameters) if parameters else ""
        try:
            connection.request("GET", path + query)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def get(self, path, **parameters):
        status, _, body = self.fetch(path, **parameters)
        if status != 200:
            raise ValueError(f"{path}: {status}: {body[:300]!r}")
        return body.decode()

    def json(self, path, **parameters):
        return json.loads(self.get(path, **parameters))

    def status(self):
        return self.json("/api/v1/status")

    def check(self, device, check):
        for d in self.status()["devices"]:
            if d["device"] == device:
                for c in d["checks"]:
                    if c["check"] == check:
                        return c
        return None

    def metric(self, name, **labels):
        want = name + ("{" + ",".join(f'{k}="{v}"' for k, v in labels.items()) + "}" if labels else "")
        for line in self.get("/metrics").splitlines():
            if line.startswith(want + " "):
                return float(line.rsplit(" ", 1)[1])
        return None

    def part_pids(self):
        return {p["part"]: p["pid"] for p in self.status()["collector"]["parts"] if p["pid"]}

    def kill_everything(self):
        """SIGKILL to every process of it at once, as a power cut would."""
        family = children_of(self.process.pid)
        for pid in [self.process.pid, *family]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.popen.wait()
        wait_for("the end of the killed", lambda: all(state_of(p) in "ZX" for p in family))

    def rrd(self, device, kind, name):
        escape = lambda text: re.sub(r"[^A-Za-z0-9._-]", lambda m: "".join(
            f"%{b:02X}" for b in m.group().encode()), text)
        return self.data / "rrd" / escape(device) / escape(kind) / (escape(name) + ".rrd")


def state_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "X"


def children_of(pid):
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, task.read_text().split()):
                found += [child, *children_of(child)]
    return found


def snmp(program, port, community, *arguments):
    done = subprocess.run([program, "-v2c", "-c", community, "-r", "1", "-t", "1", "-Oqv",
                           f"127.0.0.1:{port}", *arguments], capture_output=True, text=True, timeout=20)
    return done.stdout.strip() if done.returncode == 0 else None


def snmp_get(port, oid):
    return snmp("snmpget", port, "public", oid)


class Load:
    """A steady stream of datagrams over loopback, paced by the clock."""

    def __init__(self, per_second=50, size=4000):
        self.per_second, self.size, self.stopping = per_second, size, False
        self.receiver = socket.socket(type=socket.SOCK_DGRAM)
        self.receiver.bind(("127.0.0.1", 0))
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        due = time.monotonic()
        with socket.socket(type=socket.SOCK_DGRAM) as sender:
            while not self.stopping:
                due += 1 / self.per_second
                time.sleep(max(0, due - time.monotonic()))
                sender.sendto(b"x" * self.size, self.receiver.getsockname())
                with contextlib.suppress(BlockingIOError):
                    self.receiver.recv(65536, socket.MSG_DONTWAIT)

    def stop(self):
        self.stopping = True
        self.thread.join()
        self.receiver.close()


def main():
    unittest.main(verbosity=2)
