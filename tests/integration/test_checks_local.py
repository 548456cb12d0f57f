# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of this machine: real plugins of Debian's and scripts that misbehave, files, units of a real
systemd, and conditions on what Debian's snmpd is polled for. Each is made to fail, and what is said
of it, since when, and within which bounds is compared with what was done.

Runs in namespaces of its own for the network and for mounts, so that nothing but the test moves on its
loopback, and so that there can be a systemd; where the machine allows none, without those tests."""

import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import time
import unittest

import lab
from lab import Lab, Load, children_of, lab_time, main, need, wait_for

OWN_SPACE = "BEFFROI_OWN_SPACE"
PLUGINS = pathlib.Path("/usr/lib/nagios/plugins")
INTERVAL_S = 1
# A plugin of its own has a second to find out; then its result must have come to the collector.
PROBE_S = 1.5


def need_plugins(*names):
    for name in names:
        if not (PLUGINS / name).exists():
            raise unittest.SkipTest(f"{name} of monitoring-plugins-basic is not installed")


class Local(Lab):
    def begin(self, checks, extra="", prefix=(), env=None):
        """A collector, and an agent with these checks, each once a second unless it says otherwise."""
        body = "checks:\n" + "".join(
            "  - {" + ("interval: 1s, timeout: 900ms, " if "interval:" not in check else "") + check + "}\n"
            for check in checks)
        self.city = self.collector({"agent-1": self.keys("agent")})
        self.agent_process = self.agent(self.city, body=body, extra=extra, prefix=prefix)

    def runs(self, check, device="host-1"):
        found = self.city.json("/api/v1/runs", device=device, check=check)["runs"]
        return sorted(found, key=lambda run: run["first"])

    def last_run(self, check, device="host-1"):
        found = self.runs(check, device)
        return found[-1] if found else {"outcome": None, "reason": None, "detail": None}

    def expect(self, check, outcome, reason="", device="host-1", seconds_=20):
        def there():
            run = self.last_run(check, device)
            return run if (run["outcome"], run["reason"]) == (outcome, reason) else None
        try:
            return wait_for(f"{check} {outcome} {reason}", there, seconds_)
        except AssertionError as error:
            raise AssertionError(f"{error}: {self.runs(check, device)}") from None

    def detected(self, check, before, after, outcome, reason, probe_s=PROBE_S, device="host-1"):
        """What was done between the two times is known within an interval, and its bounds hold it."""
        run = self.expect(check, outcome, reason, device)
        good = self.runs(check, device)[-2]
        self.assertGreaterEqual(lab_time(run["first"]), before - 0.01, "it was not so before")
        self.assertLessEqual(lab_time(run["first"]), after + INTERVAL_S + 0.5, "within one interval")
        self.assertLessEqual(lab_time(good["last"]), after, "the last good one was true")
        self.assertLessEqual(lab_time(run["first"]) - lab_time(good["last"]), INTERVAL_S + 0.5 + probe_s)

    def latest(self, kind, name, device="host-1"):
        """{metric: value} of the newest row."""
        return self.found(kind, name, device).get("latest") or {}

    def found(self, kind, name, device="host-1"):
        objects = self.city.json("/api/v1/objects", device=device, kind=kind, latest=1)["objects"]
        return next((o for o in objects if o["name"] == name), {})

    def worker(self):
        """The pid of the agent's worker for this machine."""
        for pid in children_of(self.agent_process.pid):
            with contextlib.suppress(OSError):
                if "beffroi-agent-local" in os.readlink(f"/proc/{pid}/exe"):
                    return pid
        return None

    def script(self, name, text):
        path = self.folder / name
        path.write_text("#!/bin/sh\n" + text + "\n")
        path.chmod(0o755)
        return path


class Plugins(Local):
    def test_plugins_of_debian(self):
        need_plugins("check_load", "check_disk", "check_http", "check_dummy")
        site = self.site()
        self.begin([
            f'name: load, type: command, command: [{PLUGINS}/check_load, -w, "1000,1000,1000", -c, '
            '"2000,2000,2000"]',
            f'name: disk, type: command, command: [{PLUGINS}/check_disk, -w, "0%", -c, "0%", -p, /]',
            f'name: web, type: command, command: [{PLUGINS}/check_http, -I, 127.0.0.1, -p, "{site.web}", '
            '-u, /, -t, "1"], interval: 2s, timeout: 1900ms',
            *(f'name: dummy-{i}, type: command, command: [{PLUGINS}/check_dummy, "{i}", "words {i}"]'
              for i in range(4)),
        ])
        for check in ("load", "disk", "web"):
            self.expect(check, "up")
        for i, (outcome, reason) in enumerate((("up", ""), ("degraded", "plugin-warning"),
                                               ("down", "plugin-critical"), ("unknown", "plugin-unknown"))):
            self.assertIn(f"words {i}", self.expect(f"dummy-{i}", outcome, reason)["detail"])
        self.assertIn("LOAD OK", wait_for("a word", lambda: self.last_run("load")["detail"]))

        load = wait_for("the load's perfdata", lambda: self.latest("perfdata", "load"))
        self.assertEqual(set(load), {"load1", "load5", "load15"})
        self.assertAlmostEqual(load["load15"], os.getloadavg()[2], delta=1)
        disk = wait_for("the disk's perfdata", lambda: self.latest("perfdata", "disk"))
        place = os.statvfs("/")
        used = (place.f_blocks - place.f_bfree) * place.f_frsize
        self.assertAlmostEqual(disk["root"], used, delta=used / 10 + (1 << 30))
        web = wait_for("the site's perfdata", lambda: self.latest("perfdata", "web"))
        self.assertEqual(set(web), {"time", "size"})
        self.assertTrue(0 < web["time"] < 1 and web["size"] > 100, web)
        metrics = self.found("perfdata", "web")["metrics"]
        self.assertEqual({m["name"]: m["unit"] for m in metrics}, {"time": "s", "size": "bytes"})
        own = self.latest("check", "web")
        self.assertTrue(0 < own["runtime"] < 2 and own["exit"] == 0 and own["refused"] == 0, own)

        before = time.time()
        site.signal(signal.SIGSTOP)  # check_http waits its second, and says so
        run = self.expect("web", "down", "plugin-critical")
        self.assertLessEqual(lab_time(run["first"]), before + 2 + 0.5)
        self.assertLessEqual(lab_time(self.runs("web")[-2]["last"]), before + 0.5)
        site.signal(signal.SIGCONT)
        self.expect("web", "up")
        before = time.time()
        site.kill()
        after = time.time()
        run = self.expect("web", "down", "plugin-critical")
        self.assertGreaterEqual(lab_time(run["first"]), before - 0.01)
        self.assertLessEqual(lab_time(run["first"]), after + 2 + 0.5)

    def test_programs_that_misbehave(self):
        """Each is named, none is left, and what else is checked never waits for them."""
        marker = f"{5000 + os.getpid()}.25"  # seconds to sleep: nobody else's
        scripts = {
            "hang": (f"sleep {marker}", "plugin-timeout"),
            "deaf": (f"trap '' TERM HUP INT; while :; do sleep {marker}; done", "plugin-timeout"),
            "escape": (f"setsid sleep {marker} & (setsid sleep {marker} & ) ; sleep {marker}", "plugin-timeout"),
            "flood": ("exec head -c 100000000 /dev/zero", "plugin-output"),
            "babble": ("exec yes", "plugin-output"),
            "crash": ("kill -SEGV $$", "plugin-signal"),
            "leave": (f"sleep {marker} & sleep {marker} & echo left; exit 3", "plugin-unknown"),
            "odd": ("echo odd; exit 77", "plugin-exit"),
        }
        checks = [f"name: {name}, type: command, command: [{self.script(name, text)}]"
                  for name, (text, _) in scripts.items()]
        checks += ["name: missing, type: command, command: [/nowhere/check_it]",
                   "name: stranger, type: command, command: [/bin/true], user: no-such-user-here",
                   "name: file, type: file, path: /etc/passwd"]
        self.begin(checks)
        self.expect("file", "up")
        memory = self.memory()
        for name, (_, reason) in scripts.items():
            self.expect(name, "unknown", reason)
        self.assertIn("odd", self.last_run("odd")["detail"])
        self.assertIn("signal 11", self.last_run("crash")["detail"])
        self.expect("missing", "unknown", "no-program")
        self.expect("stranger", "unknown", "no-user")
        floods = lambda: self.last_run("flood")["results"]
        begin = floods()
        wait_for("five floods", lambda: floods() >= begin + 5, 30)
        self.assertLess(self.memory() - memory, 60 << 20, "100 MB are not kept")
        # Nobody waited.
        runs = self.runs("file")
        self.assertEqual([run["outcome"] for run in runs], ["up"])
        took = lab_time(runs[0]["last"]) - lab_time(runs[0]["first"])
        self.assertGreaterEqual(runs[0]["results"], took - 2)
        # Between two turns there is nothing but those that run now; at the end nothing at all.
        self.assertEqual(self.agent_process.end(), 0)
        wait_for("the end of all of them", lambda: not self.sleepers(marker), 10)

    def test_fork_bomb(self):
        """It takes its user's 256 processes, and no more; the agent goes on, and it is gone in the end."""
        bomb = self.script("bomb-of-the-lab", "b() { b | b & b; }; b 2>/dev/null & exec sleep 1000")
        self.begin([f"name: bomb, type: command, command: [{bomb}], interval: 2s, timeout: 900ms",
                    "name: file, type: file, path: /etc/passwd"])
        run = wait_for("three bombs", lambda: [r for r in [self.last_run("bomb")] if r["outcome"] and
                                               r["results"] >= 3], 30)[0]
        self.assertEqual((run["outcome"], run["reason"]), ("unknown", "plugin-timeout"))
        self.assertLessEqual(len(self.sleepers(str(bomb))), 256)
        # 256 processes take the machine's time: then it may not know, but never says that it is down.
        runs = self.runs("file")
        self.assertLessEqual({r["outcome"] for r in runs}, {"up", "unknown"}, runs)
        self.assertIn("up", {r["outcome"] for r in runs})
        self.assertGreaterEqual(sum(r["results"] for r in runs),
                                lab_time(runs[-1]["last"]) - lab_time(runs[0]["first"]) - 3)
        self.assertEqual(self.agent_process.end(), 0)
        wait_for("the end of all of them", lambda: not self.sleepers(str(bomb)), 10)

    def memory(self):
        status = pathlib.Path(f"/proc/{self.worker()}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) << 10

    @staticmethod
    def sleepers(marker):
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                if marker.encode() in path.read_bytes().split(b"\0"):
                    found.append(path)
        return found

    def test_whose_power_it_has(self):
        """As root a program is nobody's, or its user's; it cannot read what is ours."""
        if os.geteuid() != 0:
            raise unittest.SkipTest("only root can run a program as another user")
        self.begin(["name: who, type: command, command: [/usr/bin/id, -un]",
                    "name: daemon, type: command, command: [/usr/bin/id, -un], user: daemon",
                    f"name: keys, type: command, command: [/bin/cat, {self.folder}/agent.key]"])
        self.assertEqual(self.expect("who", "up")["detail"], "nobody")
        self.assertEqual(self.expect("daemon", "up")["detail"], pwd.getpwnam("daemon").pw_name)
        self.assertIn("Permission denied", self.expect("keys", "degraded", "plugin-warning")["detail"])


class Files(Local):
    def test_backup_that_grows_old(self):
        backup = self.folder / "backup.tar"
        backup.write_bytes(b"x" * 2048)
        self.begin([f'name: backup, type: file, path: {backup}, down_unless: ["age < 4 s"], '
                    'degraded_unless: ["size >= 1 KiB"]'])
        stop = time.time() + 4
        while time.time() < stop:
            os.utime(backup)
            time.sleep(0.2)
        born = time.time()
        os.utime(backup)
        self.expect("backup", "up")
        run = self.expect("backup", "down", "condition")
        self.assertIn("not age < 4 s", run["detail"])
        self.assertTrue(born + 4 - 0.01 <= lab_time(run["first"]) <= born + 4 + INTERVAL_S + 0.5, run)
        os.utime(backup, (time.time() + 3600, time.time() + 3600))  # of tomorrow: not old
        self.expect("backup", "up")
        backup.write_bytes(b"x")
        os.utime(backup, (time.time() + 3600, time.time() + 3600))
        self.assertIn("size is 1 bytes", self.expect("backup", "degraded", "condition")["detail"])
        before = time.time()
        backup.unlink()
        self.detected("backup", before, time.time(), "down", "no-file")


class Units(Local):
    UNITS = {"steady": "[Service]\nExecStart=/bin/sleep 100000\n",
             "crashing": "[Service]\nExecStart=/bin/false\nRestart=always\nRestartSec=100\n",
             "broken": "[Service]\nType=oneshot\nExecStart=/bin/false\n",
             "slow": "[Service]\nType=oneshot\nExecStart=/bin/sleep 100000\nTimeoutStartSec=infinity\n"}

    def systemd(self):
        """A real systemd, of a user: one for the whole machine would want to be its first process. What
        asks it goes by a systemctl that says so (--user)."""
        need("systemctl", "nsenter", "unshare")
        if not pathlib.Path("/lib/systemd/systemd").exists() or not in_own_space() or os.geteuid() != 0:
            raise unittest.SkipTest("systemd is not installed, or cannot have a namespace")
        self.runtime = self.folder / "runtime"
        self.runtime.mkdir(mode=0o700)
        units = self.folder / "config/systemd/user"
        units.mkdir(parents=True)
        for name, text in self.UNITS.items():
            (units / f"{name}.service").write_text(text)
        (self.folder / "bin").mkdir()
        self.script("bin/systemctl", f'XDG_RUNTIME_DIR={self.runtime} exec {shutil.which("systemctl")} '
                    '--user "$@"')
        env = {"XDG_RUNTIME_DIR": str(self.runtime), "XDG_CONFIG_HOME": str(self.folder / "config"),
               "HOME": str(self.folder)}
        process = self.start("systemd", "unshare", "-m", "sh", "-c",
                             "mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system && "
                             "exec /lib/systemd/systemd --user --log-target=console", env=env)
        process.may_fail = True
        wait_for("systemd", lambda: (self.runtime / "systemd/private").exists())
        return process

    def control(self, *arguments):
        done = subprocess.run([self.folder / "bin/systemctl", *arguments], capture_output=True, text=True,
                              timeout=30)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_units(self):
        systemd = self.systemd()
        self.control("start", "steady")
        self.control("start", "--no-block", "slow", "crashing", "broken")
        self.begin(['name: steady, type: systemd, unit: steady.service, degraded_unless: ["restarts < 1"]',
                    *(f"name: {unit}, type: systemd, unit: {unit}.service"
                      for unit in ("crashing", "broken", "slow", "nowhere"))],
                   prefix=("nsenter", "-t", systemd.pid, "-m", "env",
                           f"PATH={self.folder}/bin:{os.environ['PATH']}"))
        self.expect("steady", "up")
        self.expect("crashing", "down", "unit-failed")
        self.assertIn("auto-restart", self.last_run("crashing")["detail"])
        self.expect("broken", "down", "unit-failed")
        self.expect("slow", "degraded", "unit-activating")
        self.expect("nowhere", "unknown", "no-unit")
        before = time.time()
        self.control("stop", "steady")
        self.detected("steady", before, time.time(), "down", "unit-inactive")
        self.control("start", "steady")
        self.expect("steady", "up")
        before = time.time()
        self.control("kill", "-s", "SEGV", "steady")
        self.detected("steady", before, time.time(), "down", "unit-failed")
        self.control("start", "steady")
        self.expect("steady", "up")
        systemd.signal(signal.SIGSTOP)
        self.expect("steady", "unknown", "systemctl-timeout")
        systemd.signal(signal.SIGCONT)
        self.expect("steady", "up")

    def test_machine_without_systemd(self):
        if pathlib.Path("/run/systemd/system").exists():
            raise unittest.SkipTest("systemd runs this machine")
        self.begin(["name: unit, type: systemd, unit: nginx.service"])
        self.expect("unit", "unknown", "no-systemd")


class Values(Local):
    def begin_values(self, checks):
        self.snmp = self.snmpd()
        self.begin([f"device: switch, type: value, kind: interface, object: lo, {check}" for check in checks],
                   extra=f'devices:\n  - {{name: switch, address: "127.0.0.1:{self.snmp.port}", snmp: {{version: '
                         '2c, community: public, interval: 1s, timeout: 500ms, retries: 0}}\n')

    def test_rate_of_a_port(self):
        if not in_own_space():
            raise unittest.SkipTest("others move on this machine's loopback")
        self.begin_values(['name: busy, metric: in_octets, down_unless: ["value < 8 Mbit/s"]',
                           'name: alive, metric: in_octets, down_unless: ["value >= 0 B/s"]',
                           'name: wrong-unit, metric: in_octets, down_unless: ["value < 8 ms"]',
                           'name: wrong-name, metric: in_octet, down_unless: ["value < 8"]'])
        self.expect("busy", "up", device="switch")
        self.expect("wrong-unit", "unknown", "unit-mismatch", device="switch")
        self.expect("wrong-name", "unknown", "no-metric", device="switch")
        before = time.time()
        load = Load(per_second=1000, size=4000)  # 32 Mbit/s
        self.addCleanup(load.stop)
        run = self.expect("busy", "down", "condition", device="switch")
        # snmpd looks at its interfaces every few seconds only: until then it says what was.
        self.assertTrue(before <= lab_time(run["first"]) <= before + 20, run)
        self.assertIn("octets/s, not value < 8 Mbit/s", run["detail"])
        wait_for("its value", lambda: self.latest("check", "busy", "switch")["value"] > 1e6)
        load.stop()
        self.expect("busy", "up", device="switch", seconds_=40)
        before = time.time()
        self.snmp.signal(signal.SIGSTOP)
        run = wait_for("silence", lambda: [r for r in [self.last_run("alive", "switch")]
                                           if r["outcome"] == "unknown"])[0]
        self.assertIn(run["reason"], ("stale", "no-value"))
        self.assertTrue(before <= lab_time(run["first"]) <= before + 2 * INTERVAL_S + 3, run)
        self.snmp.signal(signal.SIGCONT)
        self.expect("alive", "up", device="switch", seconds_=40)
        self.assertNotIn("down", [r["outcome"] for r in self.runs("alive", "switch")])

    def test_reload(self):
        """A check that comes with a reload finds what was defined long before."""
        self.begin_values(['name: one, metric: in_octets, down_unless: ["value >= 0"]'])
        self.expect("one", "up", device="switch")
        config = self.folder / "agent.yaml"
        text = config.read_text()
        line = next(line for line in text.splitlines() if "name: one" in line)
        config.write_text(text.replace(line, line + "\n" + line.replace("name: one", "name: two")
                                       .replace("value >= 0", "value < 0")))
        self.agent_process.signal(signal.SIGHUP)
        self.expect("two", "down", "condition", device="switch")
        self.assertEqual([r["outcome"] for r in self.runs("one", "switch")], ["up"], self.runs("one", "switch"))


# --- namespaces ---

def in_own_space():
    return bool(os.environ.get(OWN_SPACE))


def own_space():
    """Starts again in namespaces of its own, where there can be some."""
    how = ["unshare", "-n", "-m"]
    ip = shutil.which("ip", path=os.environ["PATH"] + ":/usr/sbin:/sbin") or "ip"
    if in_own_space():
        subprocess.run([ip, "link", "set", "lo", "up"], check=True)
    elif os.geteuid() == 0 and shutil.which("unshare") and subprocess.run(
            [*how, ip, "link", "set", "lo", "up"], capture_output=True).returncode == 0:
        os.environ[OWN_SPACE] = "1"
        os.execvp(how[0], [*how, sys.executable, *sys.argv])


if __name__ == "__main__":
    own_space()
    main()
