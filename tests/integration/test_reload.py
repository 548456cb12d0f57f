# SPDX-License-Identifier: GPL-3.0-or-later
"""Another configuration for the running agent (SIGHUP): a changed SNMPv3 passphrase, devices and
workers that come and go, and mistakes that change nothing; all without a restart."""

import os
import pathlib
import signal
import socket
import subprocess

from lab import Lab, children_of, free_port, lab_time, main, need, wait_for

OLD, NEW = "old-s3cr3t-passphrase", "new-s3cr3t-passphrase"


class Reload(Lab):
    def snmpd_v3(self, passphrase, port=None):
        """A real snmpd. Started again with another passphrase it is the same engine, one boot later."""
        need("snmpd", "snmpget")
        port = port or free_port(socket.SOCK_DGRAM)
        config = self.folder / "snmpd-v3.conf"
        config.write_text(f"agentaddress udp:127.0.0.1:{port}\n"
                          f"createUser reader SHA-256 {passphrase} AES {passphrase}\nrouser reader authpriv\n"
                          "sysName lab\ndontLogTCPWrappersConnects yes\n")
        persistent = self.folder / "snmpd-v3-persistent"
        for file in persistent.glob("snmpd.conf"):  # the keys that it has kept
            file.write_text("".join(line for line in file.read_text().splitlines(True) if "usmUser" not in line))
        process = self.start("snmpd-v3", "/usr/sbin/snmpd", "-f", "-r", "-C", "-c", config, "-Lo",
                             env={"SNMP_PERSISTENT_DIR": str(persistent), "MIBS": ""})
        process.may_fail = True
        process.port = port
        wait_for("an answer of snmpd", lambda: self.v3(port, passphrase))
        return process

    def v3(self, port, passphrase):
        """Does it take the passphrase?"""
        done = subprocess.run(["snmpget", "-v3", "-l", "authPriv", "-u", "reader", "-a", "SHA-256", "-A", passphrase,
                               "-x", "AES", "-X", passphrase, "-r", "1", "-t", "1", f"127.0.0.1:{port}",
                               ".1.3.6.1.2.1.1.3.0"],
                              capture_output=True, text=True, timeout=20, env={**os.environ, "SNMPCONFPATH": "/"})
        return done.returncode == 0

    def write_config(self, devices, more=""):
        """The agent's, with these devices; what Lab.agent has written stays in front of them."""
        path = self.folder / "agent.yaml"
        if not hasattr(self, "head"):
            self.head = path.read_text()
        path.write_text(f"{self.head}\ndevices:\n" + "".join(f"  - {d}\n" for d in devices) + more)

    def reload(self, says):
        before = len(self.sampler.text())
        self.sampler.signal(signal.SIGHUP)
        wait_for(f"the log to say: {says}", lambda: says in self.sampler.text()[before:])
        self.assertTrue(self.sampler.alive())

    def rows(self):
        """What the store has written; 0 while it is too busy to say."""
        return self.city.metric("beffroi_store_rows_total") or 0

    def outcome(self, device):
        check = self.city.check(device, "snmp")
        return check and check["outcome"]

    def workers(self):
        return {pid for pid in children_of(self.sampler.pid)
                if b"snmp" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()}

    def begin(self):
        plain, self.strict = self.snmpd(), self.snmpd_v3(OLD)
        self.passphrase = self.folder / "reader.key"
        self.passphrase.write_text(OLD + "\n")
        self.passphrase.chmod(0o640)
        key = "{protocol: %s, passphrase_file: reader.key}"
        self.v3_device = (f'{{name: sw-3, address: "127.0.0.1:{self.strict.port}", snmp: {{version: 3, user: reader, '
                          f'auth: {key % "sha256"}, priv: {key % "aes128"}, interval: 1s, timeout: 300ms, '
                          'retries: 0}}')
        self.v2_device = (f'{{name: sw-2, address: "127.0.0.1:{plain.port}", '
                          'snmp: {community: public, interval: 1s, timeout: 300ms, retries: 0}}')
        self.city = self.collector({"agent": self.keys("agent")})
        self.sampler = self.agent(self.city, body="host: {enabled: false}\n" +
                                  f"devices:\n  - {self.v2_device}\n  - {self.v3_device}\n")
        self.head = (self.folder / "agent.yaml").read_text().split("devices:")[0]
        wait_for("both devices up", lambda: {self.outcome("sw-2"), self.outcome("sw-3")} == {"up"})

    def test_new_passphrase(self):
        """Fault 33. The worker is the same process, and knows it also after a crash."""
        self.begin()
        workers = self.workers()
        self.assertEqual(len(workers), 1)
        self.strict.end()
        self.snmpd_v3(NEW, self.strict.port)
        self.assertFalse(self.v3(self.strict.port, OLD))
        wait_for("the device to refuse the old key", lambda: self.outcome("sw-3") == "unknown")
        self.assertEqual(self.city.check("sw-3", "snmp")["reason"], "auth")
        self.assertEqual(self.outcome("sw-2"), "up")
        self.passphrase.write_text(NEW + "\n")
        self.reload("goes on with the new configuration devices=2")
        wait_for("the new key to be used", lambda: self.outcome("sw-3") == "up")
        self.assertEqual(self.workers(), workers)
        os.kill(workers.pop(), signal.SIGKILL)
        started = wait_for("a count", self.rows)
        wait_for("another worker", lambda: len(self.workers()) == 1)
        wait_for("its rows", lambda: self.rows() > started + 50)
        self.assertEqual({self.outcome("sw-2"), self.outcome("sw-3")}, {"up"})
        for log in self.folder.glob("*.log"):
            self.assertNotIn("s3cr3t", log.read_text(errors="replace"), log.name)

    def test_devices_and_workers_come_and_go(self):
        self.begin()
        first = self.workers()
        more = [f'{{name: dead-{i}, address: "127.0.0.1:2", snmp: {{community: x, interval: 1s, timeout: 100ms, '
                'retries: 0}}' for i in range(8)]
        self.write_config([self.v2_device, self.v3_device, *more], "snmp: {workers: 3}\n")
        self.reload("goes on with the new configuration devices=10")
        wait_for("three workers", lambda: len(self.workers()) == 3)
        self.assertTrue(first < self.workers())
        wait_for("the new devices", lambda: all(self.outcome(f"dead-{i}") == "down" for i in range(8)))
        self.assertEqual({self.outcome("sw-2"), self.outcome("sw-3")}, {"up"})
        self.write_config([self.v2_device])
        self.reload("goes on with the new configuration devices=1")
        wait_for("one worker", lambda: len(self.workers()) == 1)
        self.assertEqual(self.outcome("sw-2"), "up")
        self.write_config([])
        (self.folder / "agent.yaml").write_text(self.head)
        self.reload("goes on with the new configuration devices=0")
        wait_for("no worker", lambda: not self.workers())
        self.write_config([self.v2_device])
        rows = wait_for("a count", self.rows)
        self.reload("goes on with the new configuration devices=1")
        wait_for("a worker again", lambda: len(self.workers()) == 1)
        wait_for("its rows", lambda: self.rows() > rows + 10)

    def test_checks_and_host(self):
        """What says the same goes on: one run, with a result each second, over all reloads."""
        file = self.folder / "backup"
        file.write_text("x")
        ping = "  - {name: ping, type: icmp, host: 127.0.0.1, interval: 1s, timeout: 500ms}\n"
        look = f"  - {{name: backup, type: file, path: {file}, interval: 1s, timeout: 500ms%s}}\n"
        value = ("  - {name: busy, type: value, kind: load, object: all, metric: load1, interval: 1s, "
                 "timeout: 500ms, down_unless: [value < 100000]}\n")
        host = "host: {interval: 1s}\n"
        self.city = self.collector({"agent": self.keys("agent")})
        self.sampler = self.agent(self.city, body=host + "checks:\n" + ping + look % "")
        path = self.folder / "agent.yaml"
        head = path.read_text().split(host)[0]
        check = lambda name: self.city.check("host-1", name)
        wait_for("both checks up", lambda: {(check(n) or {}).get("outcome") for n in ("ping", "backup")} == {"up"})

        path.write_text(head + host + "checks:\n" + ping + look % ", down_unless: [size > 1 KiB]" + value)
        self.reload("goes on with the new configuration")
        wait_for("the new condition", lambda: (check("backup")["outcome"], check("backup")["reason"]) ==
                 ("down", "condition"))
        wait_for("the new check", lambda: (check("busy") or {}).get("outcome") == "up")
        loads = lambda: self.city.json("/api/v1/objects", device="host-1", kind="load")["objects"][0]
        self.assertEqual(loads()["interval_ms"], 1000)
        path.write_text(head + "host: {interval: 2s}\nchecks:\n" + ping)
        self.reload("goes on with the new configuration")
        wait_for("the new interval of the host", lambda: loads()["interval_ms"] == 2000)
        last = self.city.json("/api/v1/runs", device="host-1", check="ping")["runs"][-1]["results"]
        wait_for("more of the old check",
                 lambda: self.city.json("/api/v1/runs", device="host-1", check="ping")["runs"][-1]["results"] > last + 3)
        runs = self.city.json("/api/v1/runs", device="host-1", check="ping")
        self.assertEqual([run["outcome"] for run in runs["runs"]], ["up"])
        run = runs["runs"][0]
        self.assertAlmostEqual(run["results"], lab_time(run["last"]) - lab_time(run["first"]) + 1, delta=1)
        self.assertEqual(runs["gaps"], [])

    def test_mistakes_change_nothing(self):
        self.begin()
        workers = self.workers()
        good = (self.folder / "agent.yaml").read_text()
        self.write_config([self.v2_device.replace("community", "comunity")])
        self.reload("the new configuration is not taken over, the old one goes on: errors=1")
        self.assertIn('did you mean "community"?', self.sampler.text())
        self.assertIn(f"agent.yaml:{len(self.head.splitlines()) + 3}: devices[0].snmp.comunity", self.sampler.text())
        (self.folder / "agent.yaml").write_text(good)
        self.passphrase.chmod(0o644)
        self.reload("others have a right on a passphrase")
        self.passphrase.unlink()
        self.reload("No such file or directory")
        self.passphrase.write_text(OLD)
        self.passphrase.chmod(0o600)
        (self.folder / "agent.yaml").write_text(good + "spool: {max: 2GiB}\nlog: {level: debug}\n")
        self.reload("changed, takes effect at the next start: spool, log")
        self.assertEqual(self.workers(), workers)
        rows = wait_for("a count", self.rows)
        wait_for("rows", lambda: self.rows() > rows + 20)
        self.assertEqual({self.outcome("sw-2"), self.outcome("sw-3")}, {"up"})


if __name__ == "__main__":
    main()
