# SPDX-License-Identifier: GPL-3.0-or-later
"""Metering of interfaces by an agent, in a network namespace of the test's own: what was sent is what
is metered, and an interface may come, go, and change its name."""

import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
import unittest

import lab
from lab import BIN, Lab, lab_time, need, wait_for

INSIDE = "BEFFROI_TEST_NAMESPACE"
IP = shutil.which("ip", path=os.environ["PATH"] + ":/usr/sbin:/sbin")


def enter_namespace():
    """Runs this file again, in a namespace with a loopback of its own. Where that is not allowed the
    tests skip themselves."""
    if INSIDE in os.environ or IP is None or os.geteuid() != 0 or shutil.which("unshare") is None or \
            subprocess.run(["unshare", "--net", "true"], capture_output=True).returncode != 0:
        return
    os.execvpe("unshare", ["unshare", "--net", sys.executable, *sys.argv], {**os.environ, INSIDE: "1"})


def ip(*arguments):
    subprocess.run([IP, *arguments], check=True, capture_output=True)


def add_pair(name, peer, up=True):
    ip("link", "add", name, "type", "veth", "peer", "name", peer)
    for link in (name, peer) if up else ():
        quiet(link)
        ip("link", "set", link, "up")


def quiet(link):
    """The kernel says nothing of its own there."""
    for setting in ("autoconf", "accept_ra", "disable_ipv6"):
        path = pathlib.Path(f"/proc/sys/net/ipv6/conf/{link}/{setting}")
        if path.exists():
            path.write_text("1" if setting == "disable_ipv6" else "0")


# --- frames ---

def address(number):
    return bytes([10, number >> 16 & 255, number >> 8 & 255, number & 255])


def ipv4(protocol, source, destination, payload):
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 0, 0, 64, protocol, 0,
                       address(source), address(destination)) + payload


def tcp(source_port, destination_port, sequence, acknowledgement, flags, payload=b""):
    return struct.pack("!HHIIBBHHH", source_port, destination_port, sequence, acknowledgement, 5 << 4,
                       flags, 65535, 0, 0) + payload


def udp(source_port, destination_port, payload):
    return struct.pack("!HHHH", source_port, destination_port, 8 + len(payload), 0) + payload


def ethernet(packet, vlan=None, kind=0x0800):
    tag = struct.pack("!HH", 0x8100, vlan) if vlan is not None else b""
    frame = b"\x02" * 12 + tag + struct.pack("!H", kind) + packet
    return frame + bytes(max(0, 60 - len(frame)))  # the wire's padding


def conversations(count):
    """Frames of TCP connections with one retransmission each, DNS, VLANs, and ARP."""
    frames = []
    for i in range(count):
        port, client, server = 1024 + i, 1 + i, 0x10000
        there = lambda *a: frames.append(ethernet(ipv4(6, client, server, tcp(port, 443, *a))))
        back = lambda *a: frames.append(ethernet(ipv4(6, server, client, tcp(443, port, *a))))
        there(1000, 0, 2)
        back(5000, 1001, 18)
        there(1001, 5001, 16)
        there(1001, 5001, 24, b"x" * 100)
        there(1001, 5001, 24, b"x" * 100)
        back(5001, 1101, 24, b"y" * 1000)
        frames.append(ethernet(ipv4(17, client, server, udp(port, 53, struct.pack("!6H", i, 0x100, 1, 0, 0, 0)))))
        frames.append(ethernet(ipv4(17, server, client, udp(53, port, struct.pack("!6H", i, 0x8183, 1, 0, 0, 0)))))
        frames.append(ethernet(ipv4(17, client, server, udp(port, 8001, b"z" * 300)), vlan=42))
    frames.append(ethernet(b"\0" * 28, kind=0x0806))
    return frames


def write_pcap(path, frames):
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        for i, frame in enumerate(frames):
            out.write(struct.pack("<IIII", 1700000000 + i // 1000, i % 1000 * 1000, len(frame), len(frame)) +
                      frame)


class Capture(Lab):
    def setUp(self):
        super().setUp()
        if INSIDE not in os.environ:
            raise unittest.SkipTest("needs root and a network namespace")
        for link in ("bf0", "bf2", "renamed"):
            subprocess.run([IP, "link", "del", link], capture_output=True)
        ip("link", "set", "lo", "up")
        add_pair("bf0", "bf1")
        self.addCleanup(subprocess.run, [IP, "link", "del", "bf0"], capture_output=True)

    # --- what is looked at ---

    def meter(self, *arguments):
        done = subprocess.run([BIN / "beffroi-agent", "meter", *map(str, arguments), "--format", "json"],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def replay(self, file, *arguments):
        subprocess.run(["tcpreplay", "-q", "-i", "bf0", *arguments, str(file)], check=True,
                       capture_output=True, timeout=60)

    def workers(self, agent):
        return [p for p in lab.children_of(agent.pid)
                if b"agent-capture" in pathlib.Path(f"/proc/{p}/cmdline").read_bytes()]

    def metering(self, city, body):
        """An agent that meters bf1, once it runs steadily: RRDtool takes the rate of the part that it
        knows of a file's first step for the whole of it."""
        agent = self.agent(city, body=body)
        last = lambda: lab_time(self.object(city, "traffic", "bf1")["last"])
        first = wait_for("the first row", last)
        wait_for("more rows", lambda: last() > first + 1.5)
        return agent

    def object(self, city, kind, name):
        return city.json("/api/v1/object", device="host-1", kind=kind, name=name)

    def series(self, city, kind, name):
        return city.json("/api/v1/series", device="host-1", kind=kind, name=name, rows=5000,
                         **{"from": "-10m", "to": "now"})

    def total(self, city, kind, name, metric):
        """A counter's increase since the test began: the rates of all steps."""
        answer = self.series(city, kind, name)
        column = 1 + answer["metrics"].index(metric)
        return sum(row[column] or 0 for row in answer["rows"]) * answer["step_s"]

    def outcome(self, city, check):
        found = city.check("host-1", check)
        return (found["outcome"], found["reason"]) if found else None

    # --- tests ---

    def test_live_is_what_was_sent(self):
        """tcpreplay over a veth pair: the same figures live as of the file."""
        need("tcpreplay")
        file = self.folder / "sent.pcap"
        frames = conversations(300)
        write_pcap(file, frames)
        offline, = self.meter("--read", file, "--exact-addresses")
        live = subprocess.Popen([BIN / "beffroi-agent", "meter", "-i", "bf1", "--for", "4s", "--format", "json",
                                 "--exact-addresses"], stdout=subprocess.PIPE, text=True)
        self.addCleanup(live.stdout.close)
        # It is confined once its ring is open, and before it reads.
        wait_for("the meter", lambda: "Seccomp:\t2" in pathlib.Path(f"/proc/{live.pid}/status").read_text())
        self.replay(file, "--pps", "3000")
        document = json.loads(live.communicate(timeout=30)[0].splitlines()[-1])
        self.assertEqual(live.returncode, 0)
        self.assertEqual(document["packets"], len(frames))
        for key in ("packets", "wire_bytes", "ip_bytes", "l3", "l4", "vlan", "flows", "sizes"):
            if key in offline:
                self.assertEqual(document[key], offline[key], key)
        for key in ("handshakes", "retransmissions", "data_segments", "syn_retransmissions"):
            self.assertEqual(document["tcp"][key], offline["tcp"][key], key)
        self.assertEqual(document["tcp"]["retransmissions"] + document["tcp"]["reordered"], 300)
        self.assertEqual([h["address"] for h in document["top_hosts"][:1]], ["10.1.0.0"])

    def test_rows_and_talkers(self):
        need("tcpreplay")
        file = self.folder / "sent.pcap"
        frames = conversations(300)
        write_pcap(file, frames)
        city = self.collector({"agent-1": self.keys("agent")})
        flows = socket.socket(type=socket.SOCK_DGRAM)
        self.addCleanup(flows.close)
        flows.bind(("127.0.0.1", 0))
        flows.settimeout(10)
        agent = self.metering(city, "capture: {interfaces: [bf1], interval: 1s, workers: 2, own: [10.1.0.0/32], "
                              f"ipfix: {{collector: \"127.0.0.1:{flows.getsockname()[1]}\", domain: 7}}, "
                              "services: [{name: web, ports: 443}, {name: app, protocol: udp, ports: 8000-8010}], "
                              "talkers: {interval: 2s, top: 5}}\n")
        self.replay(file, "--pps", "3000")
        total = lambda kind, name, metric: round(self.total(city, kind, name, metric))
        wait_for("all frames in the rows", lambda: total("traffic", "bf1", "packets") == len(frames))
        self.assertEqual(total("traffic", "bf1", "octets"), sum(map(len, frames)))
        self.assertEqual(total("traffic", "bf1", "tcp_packets"), 1800)
        self.assertEqual(total("traffic", "bf1", "arp_packets"), 1)
        self.assertEqual(total("traffic", "bf1", "dropped"), 0)
        self.assertEqual(total("traffic-tcp", "bf1", "handshakes"), 300)
        self.assertEqual(total("traffic-tcp", "bf1", "retransmissions") +
                         total("traffic-tcp", "bf1", "reordered"), 300)
        self.assertEqual(total("traffic-dns", "bf1", "nxdomain"), 300)
        self.assertEqual(total("traffic-flows", "bf1", "added"), 900)
        self.assertEqual(total("traffic-service", "bf1/web", "packets"), 1800)
        self.assertEqual(total("traffic-service", "bf1/app", "ip_octets"), 300 * 328)
        self.assertEqual(self.object(city, "traffic", "bf1")["labels"]["link"], "EN10MB")
        vlan = total("traffic-vlan", "bf1/42", "packets")  # of a new file: not exact
        self.replay(file, "--pps", "3000")
        wait_for("the VLAN's frames", lambda: total("traffic-vlan", "bf1/42", "packets") - vlan == 300)
        top = wait_for("the talkers", lambda: [
            t for t in [city.json("/api/v1/top", device="host-1", interface="bf1")] if t["total_bytes"] > 400000][0])
        self.assertEqual(top["top"][0]["key"], "10.1.0.0")  # its own range: told in full
        self.assertTrue(all(t["key"].endswith("/24") for t in top["top"][1:]), top)  # clients
        services = city.json("/api/v1/top", device="host-1", interface="bf1", list="services")
        self.assertEqual(services["top"][0]["key"], "tcp/443 web")
        message = flows.recv(2000)
        self.assertEqual((message[:2], message[12:16]), (b"\0\x0a", b"\0\0\0\7"))  # RFC 7011, 3.1
        self.assertGreaterEqual(total("traffic-ipfix", "bf1", "records"), 1500)  # of each direction
        self._is_without_power(agent)
        self._ends_on_an_idle_link(agent)

    def _is_without_power(self, agent):
        worker, = self.workers(agent)
        tasks = sorted(pathlib.Path(f"/proc/{worker}/task").iterdir())
        powerless = 0
        for task in tasks:
            status = (task / "status").read_text()
            powerless += all(line in status for line in (
                "CapInh:\t0000000000000000\n", "CapPrm:\t0000000000000000\n", "CapEff:\t0000000000000000\n",
                "CapBnd:\t0000000000000000\n", "CapAmb:\t0000000000000000\n", "NoNewPrivs:\t1\n",
                "Seccomp:\t2\n")) and "Uid:\t0" not in status
        self.assertGreaterEqual(powerless, 3)  # two lanes and the loop
        self.assertLessEqual(len(tasks) - powerless, 2 if b"libtsan" in pathlib.Path(
            f"/proc/{worker}/maps").read_bytes() else 0)
        self.assertIn("capabilities_cleared=yes files_denied=yes syscalls_filtered=yes", agent.text())

    def _ends_on_an_idle_link(self, agent):
        worker, = self.workers(agent)
        began = time.monotonic()
        os.kill(worker, signal.SIGTERM)
        wait_for("its end", lambda: lab.state_of(worker) in "ZX", 5, 0.01)
        self.assertLess(time.monotonic() - began, 1)

    def test_interfaces_come_and_go(self):
        """Absent, down, deleted, renamed, back; and the one beside it is not disturbed."""
        city = self.collector({"agent-1": self.keys("agent")})
        agent = self.metering(city, "capture: {interfaces: [bf1, bf2], interval: 1s}\n")
        self.addCleanup(subprocess.run, [IP, "link", "del", "bf3"], capture_output=True)
        bf2 = lambda: self.outcome(city, "capture/bf2")
        last = lambda: lab_time(self.object(city, "traffic", "bf2")["last"])
        wait_for("the word that it is not there", lambda: bf2() == ("unknown", "no-interface"))
        self.assertEqual(self.outcome(city, "capture/bf1"), ("up", ""))

        add_pair("bf2", "bf3")
        began = time.monotonic()
        wait_for("it is metered", lambda: bf2() == ("up", "") and last())
        self.assertLess(time.monotonic() - began, 8)

        steps = [
            ("went down", lambda: ip("link", "set", "bf2", "down"), "interface-down",
             lambda: ip("link", "set", "bf2", "up")),
            ("was renamed", lambda: (ip("link", "set", "bf2", "down"), ip("link", "set", "bf2", "name", "renamed"),
                                     ip("link", "set", "renamed", "up")), "no-interface",
             lambda: (ip("link", "set", "renamed", "down"), ip("link", "set", "renamed", "name", "bf2"),
                      ip("link", "set", "bf2", "up"))),
            ("was deleted", lambda: ip("link", "del", "bf2"), "no-interface", lambda: add_pair("bf2", "bf3")),
        ]
        for what, away, reason, back in steps:
            with self.subTest(what):
                away()
                wait_for(f"the word that it {what}", lambda: bf2() == ("unknown", reason))
                silent = last()
                back()
                wait_for(f"it is back after it {what}", lambda: bf2() == ("up", "") and last() > silent)
                self.assertGreater(last() - silent, 1.5)  # the time between is missing, not zero
        # The waiting costs nothing, and nobody else noticed.
        self.assertEqual(self.outcome(city, "capture/bf1"), ("up", ""))
        workers = self.workers(agent)
        self.assertEqual(len(workers), 2)
        for worker in workers:
            times = pathlib.Path(f"/proc/{worker}/stat").read_text().rsplit(")", 1)[1].split()
            self.assertLess((int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK"), 3)

    def test_drops_are_reported(self):
        """A worker that is held up, and more frames than its ring takes."""
        city = self.collector({"agent-1": self.keys("agent")})
        agent = self.metering(city, "capture: {interface: bf1, interval: 1s, buffer: 1MiB}\n")
        worker, = self.workers(agent)
        frame = ethernet(ipv4(17, 1, 2, udp(1, 2, b"x" * 150)))
        count = 40000
        os.kill(worker, signal.SIGSTOP)
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
            out.bind(("bf0", 0))
            for _ in range(count):
                out.send(frame)
        os.kill(worker, signal.SIGCONT)
        total = lambda metric: round(self.total(city, "traffic", "bf1", metric))
        wait_for("each frame metered or dropped", lambda: total("packets") + total("dropped") == count)
        self.assertGreater(total("dropped"), 1000)
        self.assertGreater(total("packets"), 1000)
        answer = self.series(city, "traffic", "bf1")
        ratio = 1 + answer["metrics"].index("drop_ratio")
        self.assertTrue(any((row[ratio] or 0) > 0.01 for row in answer["rows"]))

    def test_a_wrong_filter_is_found_at_load(self):
        config = self.folder / "wrong.yaml"
        self.keys("agent")
        config.write_text("collector: {endpoint: \"tcp://127.0.0.1:1\", key: \"" + "A" * 40 + "\"}\n"
                          "keys: agent.key\ncapture: {interface: lo, filter: \"prot 80\"}\n")
        done = subprocess.run([BIN / "beffroi-agent", "-n", "-c", config], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("capture.filter", done.stderr)
        config.write_text(config.read_text().replace("prot 80", "port 80"))
        done = subprocess.run([BIN / "beffroi-agent", "-n", "-c", config], capture_output=True, text=True)
        self.assertNotIn("capture.filter", done.stderr)


if __name__ == "__main__":
    enter_namespace()
    lab.main()
