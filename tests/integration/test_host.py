# SPDX-License-Identifier: GPL-3.0-or-later
"""The agent's sampler of its own machine beside prometheus-node-exporter, on the same machine at the
same time: each of our samples is taken between two of its readings. A counter must lie between
both every time; a gauge, which moves both ways, must agree with one of them within its tolerance in
some round of several. Prints a table of what was compared."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import urllib.request

from lab import BIN, Lab, Load, free_port, main, need, wait_for

PAGE = os.sysconf("SC_PAGESIZE")
ROUNDS = 12

# Ours: kind, object, metric. Theirs: metric, with {x} where labels name the object, its scale to
# our unit, and what may lie between (rounding; gauges: what a moment changes, as a share too).
COUNTERS = [
    *(("cpu", "{x}", mode, f'node_cpu_seconds_total{{cpu="{{x}}",mode="{mode}"}}', 1000, 50)
      for mode in ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")),
    ("cpu", "{x}", "guest", 'node_cpu_guest_seconds_total{cpu="{x}",mode="user"}', 1000, 1),
    ("cpu", "{x}", "guest_nice", 'node_cpu_guest_seconds_total{cpu="{x}",mode="nice"}', 1000, 1),
    ("system", "system", "interrupts", "node_intr_total", 1, 0),
    ("system", "system", "context_switches", "node_context_switches_total", 1, 0),
    ("system", "system", "forks", "node_forks_total", 1, 0),
    ("pressure", "cpu", "some_time", "node_pressure_cpu_waiting_seconds_total", 1e6, 1),
    ("pressure", "memory", "some_time", "node_pressure_memory_waiting_seconds_total", 1e6, 1),
    ("pressure", "memory", "full_time", "node_pressure_memory_stalled_seconds_total", 1e6, 1),
    ("pressure", "io", "some_time", "node_pressure_io_waiting_seconds_total", 1e6, 1),
    ("pressure", "io", "full_time", "node_pressure_io_stalled_seconds_total", 1e6, 1),
    ("paging", "all", "in_bytes", "node_vmstat_pgpgin", 1024, 0),
    ("paging", "all", "out_bytes", "node_vmstat_pgpgout", 1024, 0),
    ("paging", "all", "swap_in_bytes", "node_vmstat_pswpin", PAGE, 0),
    ("paging", "all", "swap_out_bytes", "node_vmstat_pswpout", PAGE, 0),
    ("paging", "all", "faults", "node_vmstat_pgfault", 1, 0),
    ("paging", "all", "major_faults", "node_vmstat_pgmajfault", 1, 0),
    ("paging", "all", "oom_kills", "node_vmstat_oom_kill", 1, 0),
    *(("disk", "{x}", ours, f'node_disk_{theirs}{{device="{{x}}"}}', scale, 1) for ours, theirs, scale in (
        ("reads", "reads_completed_total", 1), ("read_bytes", "read_bytes_total", 1),
        ("writes", "writes_completed_total", 1), ("write_bytes", "written_bytes_total", 1),
        ("io_time", "io_time_seconds_total", 1000), ("weighted_time", "io_time_weighted_seconds_total", 1000),
        ("read_time", "read_time_seconds_total", 1000), ("write_time", "write_time_seconds_total", 1000),
        ("reads_merged", "reads_merged_total", 1), ("writes_merged", "writes_merged_total", 1),
        ("discards", "discards_completed_total", 1), ("discard_bytes", "discarded_sectors_total", 512),
        ("flushes", "flush_requests_total", 1))),
    *(("interface", "{x}", f"{way}_{ours}", f'node_network_{verb}_{theirs}_total{{device="{{x}}"}}', 1, 0)
      for way, verb in (("in", "receive"), ("out", "transmit"))
      for ours, theirs in (("octets", "bytes"), ("packets", "packets"), ("errors", "errs"), ("discards", "drop"))),
    ("interface", "{x}", "in_multicast_packets", 'node_network_receive_multicast_total{device="{x}"}', 1, 0),
    ("interface", "{x}", "carrier_changes", 'node_network_carrier_changes_total{device="{x}"}', 1, 0),
    *(("ip", name, ours, f"node_netstat_{group}_{theirs}", 1, 0)
      for name, group, forwarded in (("ipv4", "Ip", "ForwDatagrams"), ("ipv6", "Ip6", "OutForwDatagrams"))
      for ours, theirs in (
          ("in_packets", "InReceives"), ("in_header_errors", "InHdrErrors"), ("in_address_errors", "InAddrErrors"),
          ("forwarded", forwarded), ("in_discards", "InDiscards"), ("in_delivered", "InDelivers"),
          ("out_packets", "OutRequests"), ("out_discards", "OutDiscards"), ("out_no_routes", "OutNoRoutes"),
          ("reassembly_fragments", "ReasmReqds"), ("reassembly_failures", "ReasmFails"),
          ("fragmentation_failures", "FragFails"), ("fragments_created", "FragCreates"))),
    ("ip", "ipv4", "in_octets", "node_netstat_IpExt_InOctets", 1, 0),
    ("ip", "ipv4", "out_octets", "node_netstat_IpExt_OutOctets", 1, 0),
    ("ip", "ipv6", "in_octets", "node_netstat_Ip6_InOctets", 1, 0),
    ("ip", "ipv6", "out_octets", "node_netstat_Ip6_OutOctets", 1, 0),
    *(("icmp", name, ours, f"node_netstat_{group}_{theirs}", 1, 0)
      for name, group in (("ipv4", "Icmp"), ("ipv6", "Icmp6"))
      for ours, theirs in (
          ("in_packets", "InMsgs"), ("in_errors", "InErrors"), ("in_unreachable", "InDestUnreachs"),
          ("out_packets", "OutMsgs"), ("out_errors", "OutErrors"), ("out_unreachable", "OutDestUnreachs"))),
    *(("tcp", "all", ours, f"node_netstat_{theirs}", 1, 0) for ours, theirs in (
        ("active_opens", "Tcp_ActiveOpens"), ("passive_opens", "Tcp_PassiveOpens"),
        ("attempt_failures", "Tcp_AttemptFails"), ("established_resets", "Tcp_EstabResets"),
        ("in_segments", "Tcp_InSegs"), ("out_segments", "Tcp_OutSegs"), ("retransmitted", "Tcp_RetransSegs"),
        ("in_errors", "Tcp_InErrs"), ("out_resets", "Tcp_OutRsts"), ("syn_cookies_sent", "TcpExt_SyncookiesSent"),
        ("listen_overflows", "TcpExt_ListenOverflows"), ("listen_drops", "TcpExt_ListenDrops"),
        ("timeouts", "TcpExt_TCPTimeouts"), ("syn_retransmitted", "TcpExt_TCPSynRetrans"))),
    *(("udp", name, ours, f"node_netstat_{group}_{theirs}", 1, 0)
      for name, group in (("ipv4", "Udp"), ("ipv6", "Udp6"))
      for ours, theirs in (
          ("in_datagrams", "InDatagrams"), ("no_ports", "NoPorts"), ("in_errors", "InErrors"),
          ("out_datagrams", "OutDatagrams"), ("receive_buffer_errors", "RcvbufErrors"),
          ("send_buffer_errors", "SndbufErrors"), ("checksum_errors", "InCsumErrors"))),
]
GAUGES = [
    ("load", "all", "load1", "node_load1", 1, 0), ("load", "all", "load5", "node_load5", 1, 0),
    ("load", "all", "load15", "node_load15", 1, 0),
    ("system", "system", "processes", "node_processes_pids", 1, 2),
    ("system", "system", "threads", "node_processes_threads", 1, 8),
    ("system", "system", "open_files", "node_filefd_allocated", 1, 64),
    ("system", "system", "running", "node_procs_running", 1, 2),
    ("system", "system", "blocked", "node_procs_blocked", 1, 1),
    *(("memory", "all", ours, f"node_memory_{theirs}_bytes", 1, tolerance) for ours, theirs, tolerance in (
        ("total", "MemTotal", 0), ("free", "MemFree", 32 << 20), ("available", "MemAvailable", 32 << 20),
        ("buffers", "Buffers", 1 << 20), ("cached", "Cached", 32 << 20), ("swap_total", "SwapTotal", 0),
        ("swap_free", "SwapFree", 1 << 20), ("dirty", "Dirty", 32 << 20), ("writeback", "Writeback", 32 << 20),
        ("anonymous", "AnonPages", 32 << 20), ("shared", "Shmem", 1 << 20), ("slab", "Slab", 8 << 20),
        ("slab_free", "SReclaimable", 8 << 20), ("committed", "Committed_AS", 64 << 20))),
    *(("filesystem", "{x}", ours, f'node_filesystem_{theirs}{{mountpoint="{{x}}"}}', 1, tolerance)
      for ours, theirs, tolerance in (
          ("size", "size_bytes", 0), ("free", "free_bytes", 64 << 20), ("available", "avail_bytes", 64 << 20),
          ("files", "files", 0), ("files_free", "files_free", 1000), ("read_only", "readonly", 0))),
    ("disk", "{x}", "queue", 'node_disk_io_now{device="{x}"}', 1, 8),
    ("interface", "{x}", "speed_bps", 'node_network_speed_bytes{device="{x}"}', 8, 0),
    ("tcp", "all", "established", "node_netstat_Tcp_CurrEstab", 1, 4),
    *(("sockets", "all", ours, f"node_sockstat_{theirs}", 1, tolerance) for ours, theirs, tolerance in (
        ("used", "sockets_used", 16), ("tcp", "TCP_inuse", 4), ("tcp_orphaned", "TCP_orphan", 2),
        ("tcp_time_wait", "TCP_tw", 8), ("tcp_allocated", "TCP_alloc", 4), ("tcp_memory", "TCP_mem_bytes", 1 << 20),
        ("udp", "UDP_inuse", 2), ("udp_memory", "UDP_mem_bytes", 1 << 20), ("raw", "RAW_inuse", 2),
        ("fragments", "FRAG_inuse", 2), ("fragments_memory", "FRAG_memory", 1 << 16), ("tcp6", "TCP6_inuse", 4),
        ("udp6", "UDP6_inuse", 2), ("raw6", "RAW6_inuse", 2))),
    ("clock", "kernel", "offset", "node_timex_offset_seconds", 1, 1e-4),
    ("clock", "kernel", "max_error", "node_timex_maxerror_seconds", 1, 1e-2),
    ("clock", "kernel", "estimated_error", "node_timex_estimated_error_seconds", 1, 1e-3),
    ("clock", "kernel", "synchronised", "node_timex_sync_status", 1, 0),
]


def scrape(port):
    """{'name{label="x",…}': value}, labels in the exporter's order."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        text = answer.read().decode()
    return {name: float(value) for name, value in
            (line.rsplit(" ", 1) for line in text.splitlines() if line and not line.startswith("#"))}


def find(theirs, pattern, x):
    """The value of a metric whose labels hold those of the pattern, or None."""
    name, _, labels = pattern.replace("{x}", x).partition("{")
    wanted = re.findall(r'\w+="[^"]*"', labels)
    if not wanted:
        return theirs.get(name)
    for key, value in theirs.items():
        if key.startswith(name + "{") and set(wanted) <= set(re.findall(r'\w+="[^"]*"', key)):
            return value
    return None


class Sampler:
    """tests/tools/host_rows: a sample whenever it is asked."""

    def __init__(self, lab, *names, env=None):
        self.popen = subprocess.Popen([BIN / "host_rows", *names], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      text=True, env={**os.environ, **(env or {})})
        lab.addCleanup(self.end)

    def ask(self, line=""):
        self.popen.stdin.write(line + "\n")
        self.popen.stdin.flush()
        return json.loads(self.popen.stdout.readline())

    def sample(self):
        """{(kind, name): values}"""
        return {(row["kind"], row["name"]): row["values"] for row in self.ask()}

    def end(self):
        self.popen.stdin.close()
        self.popen.stdout.close()
        if self.popen.wait(20) != 0:
            raise AssertionError(f"host_rows ended with {self.popen.returncode}")


class Comparison:
    def __init__(self, test):
        self.test = test
        self.done = {}  # (kind, metric, theirs): [objects]
        self.pending = {}  # gauges that did not agree yet: what was seen last

    def pairs(self, ours, table, theirs):
        """(key, our value, what to look for, scale, tolerance) of what both have."""
        for kind, name, metric, pattern, scale, tolerance in table:
            for (row_kind, row_name), values in ours.items():
                if row_kind != kind or name not in ("{x}", row_name) or values.get(metric) is None:
                    continue
                if find(theirs, pattern, row_name) is not None:
                    yield (kind, row_name, metric, pattern), values[metric], scale, tolerance

    def note(self, key):
        kind, name, metric, pattern = key
        self.done.setdefault((kind, metric, pattern), set()).add(name)

    def counters(self, before, ours, after):
        for key, value, scale, tolerance in self.pairs(ours, COUNTERS, after):
            low = find(before, key[3], key[1]) * scale
            high = find(after, key[3], key[1]) * scale
            self.test.assertTrue(low - tolerance <= value <= high + tolerance,
                                 f"{key}: {value} is not within {low} and {high}")
            self.note(key)

    def gauges(self, before, ours, after):
        for key, value, scale, tolerance in self.pairs(ours, GAUGES, after):
            bounds = [find(reading, key[3], key[1]) * scale for reading in (before, after)]
            rounding = 1e-9 * max(map(abs, bounds))
            if min(bounds) - tolerance - rounding <= value <= max(bounds) + tolerance + rounding:
                self.note(key)
                self.pending.pop(key, None)
            elif key[1] not in self.done.get((key[0], key[2], key[3]), ()):
                self.pending[key] = (value, bounds)

    def print(self):
        print(f"\n{'ours':32} {'node-exporter':58} objects")
        for (kind, metric, pattern), names in self.done.items():
            print(f"{kind + ' ' + metric:32} {pattern:58} {', '.join(sorted(names)[:6])}")


class Host(Lab):
    def setUp(self):
        super().setUp()
        need("prometheus-node-exporter")

    def exporter(self):
        port = free_port()
        self.start("node-exporter", "prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{port}",
                   "--collector.netstat.fields=.*", "--collector.vmstat.fields=.*", "--collector.processes",
                   "--collector.filesystem.fs-types-exclude=^$", "--collector.filesystem.mount-points-exclude=^$",
                   "--collector.netdev.device-exclude=^$", "--collector.disable-defaults", *(f"--collector.{name}" for name in (
                       "cpu", "diskstats", "filefd", "filesystem", "hwmon", "loadavg", "meminfo", "netclass", "netdev",
                       "netstat", "pressure", "sockstat", "stat", "time", "timex", "vmstat"))).may_fail = True
        wait_for("node-exporter", lambda: scrape(port))
        return port

    def test_side_by_side(self):
        port = self.exporter()
        sampler = Sampler(self)
        load = Load()
        self.addCleanup(load.stop)
        comparison = Comparison(self)
        for n in range(ROUNDS):
            before = scrape(port)
            ours = sampler.sample()
            after = scrape(port)
            comparison.counters(before, ours, after)
            comparison.gauges(before, ours, after)
            if n == 0:
                first = ours
            with open(self.folder / "written", "ab") as file:  # the disk has something to do
                file.write(os.urandom(1 << 20))
                os.fsync(file.fileno())
        self.assertEqual(comparison.pending, {}, "gauges that agreed in no round")
        comparison.print()
        self.complete(comparison, after)
        self.states(after, ours)
        moved = ours["interface", "lo"]["in_octets"] - first["interface", "lo"]["in_octets"]
        self.assertGreater(moved, 4000 * 10, "nothing moved, so that counters were not compared")
        self.assertGreater(ours["paging", "all"]["out_bytes"], first["paging", "all"]["out_bytes"])
        uptime = after["node_time_seconds"] - after["node_boot_time_seconds"]
        self.assertAlmostEqual(ours["system", "system"]["uptime"], uptime, delta=2)
        ratio = after["node_timex_frequency_adjustment_ratio"]
        self.assertAlmostEqual(ours["clock", "kernel"]["frequency"], (ratio - 1) * 1e6, delta=0.01)

    def complete(self, comparison, theirs):
        """What the exporter has and the table names was compared; and nearly all of the table was."""
        compared = {pattern for _, _, pattern in comparison.done}
        for *_, pattern, _, _ in COUNTERS + GAUGES:
            name = pattern.partition("{")[0]
            there = any(key == name or key.startswith(name + "{") for key in theirs)
            if there and not name.startswith("node_network_speed"):
                self.assertIn(pattern, compared, "the exporter has it, we have not")
        self.assertGreater(len(compared), 130)
        disks = {key for key in theirs if key.startswith("node_disk_io_now")}
        for key in disks:
            device = re.search(r'device="([^"]*)"', key)[1]
            if pathlib.Path(f"/sys/block/{device}").exists() and theirs[key.replace(
                    "io_now", "reads_completed_total")] > 0:
                self.assertIn(device, comparison.done["disk", "reads", 'node_disk_reads_completed_total{device="{x}"}'])
        for key in theirs:
            if key.startswith("node_network_receive_bytes_total"):
                self.assertIn(("interface", re.search(r'device="([^"]*)"', key)[1]),
                              {("interface", n) for n in comparison.done[
                                  "interface", "in_octets", 'node_network_receive_bytes_total{device="{x}"}']})

    def states(self, theirs, ours):
        """States and addresses of the interfaces, in words there."""
        words = {"up": 1, "down": 2, "testing": 3, "unknown": 4, "dormant": 5, "notpresent": 6, "lowerlayerdown": 7}
        addresses = {link["ifname"]: link["addr_info"] for link in
                     json.loads(subprocess.check_output(["ip", "-j", "addr"], text=True))}
        n = 0
        for key in theirs:
            labels = dict(re.findall(r'(\w+)="([^"]*)"', key)) if key.startswith("node_network_info{") else None
            if labels:
                values = ours["interface", labels["device"]]
                self.assertEqual(values["oper_status"], words[labels["operstate"]], key)
                if "adminstate" in labels:
                    self.assertEqual(values["admin_status"], words[labels["adminstate"]], key)
                families = [a["family"] for a in addresses[labels["device"]]]
                self.assertEqual(values["ipv4_addresses"], families.count("inet"))
                self.assertEqual(values["ipv6_addresses"], families.count("inet6"))
                n += 1
        self.assertGreater(n, 0)

    def test_named_processes(self):
        """Three of a name, one of which works; beside what /proc says of each."""
        shell = self.folder / "bf-worker"
        shutil.copy("/bin/sh", shell)
        sampler = Sampler(self, "bf-worker", "bf-nobody")
        none = sampler.sample()
        self.assertEqual(none["process", "bf-worker"]["count"], 0)
        os.mkfifo(self.folder / "fifo")
        started = [self.start(f"worker-{n}", shell, "-c", script, cwd=self.folder) for n, script in enumerate(
            ("while :; do :; done", "read x < fifo; :", "read x < fifo; :"))]
        for process in started:
            process.may_fail = True
        wait_for("work", lambda: self.ticks(started[0].pid) > 50)
        low = sum(self.ticks(p.pid) for p in started)
        ours = sampler.sample()
        high = sum(self.ticks(p.pid) for p in started)
        values = ours["process", "bf-worker"]
        rate = os.sysconf("SC_CLK_TCK")
        self.assertEqual((values["count"], values["threads"]), (3, 3))
        self.assertTrue(low * 1000 / rate - 20 <= values["cpu_time"] <= high * 1000 / rate + 20, (low, values, high))
        rss = sum(int(self.fields(p.pid)[21]) for p in started) * PAGE
        self.assertAlmostEqual(values["rss"], rss, delta=0.1 * rss)
        self.assertEqual(ours["process", "bf-nobody"]["count"], 0)
        started[0].kill()
        later = sampler.sample()["process", "bf-worker"]
        self.assertEqual(later["count"], 2)
        self.assertGreaterEqual(later["cpu_time"], values["cpu_time"], "time of the dead is not taken back")
        for process in started[1:]:
            process.kill()
        self.assertEqual(sampler.sample()["process", "bf-worker"]["count"], 0)

    @staticmethod
    def fields(pid):
        """Those of /proc/PID/stat after the name."""
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()

    def ticks(self, pid):
        fields = self.fields(pid)
        return int(fields[11]) + int(fields[12])

    def chronyd(self, port):
        """A real one that serves its own clock and leaves the machine's alone."""
        config = self.folder / "chrony.conf"
        config.write_text(f"local stratum 7\nport 0\ncmdport {port}\nbindcmdaddress 127.0.0.1\n"
                          f"bindcmdaddress /\npidfile {self.folder}/chronyd.pid\ndriftfile {self.folder}/drift\n")
        process = self.start("chronyd", "chronyd", "-d", "-x", "-U", "-u", "root", "-f", config)
        process.may_fail = True
        return process

    def test_chrony(self):
        """Beside chronyc: asked, hung, ended."""
        need("chronyd", "chronyc")
        port = free_port(socket.SOCK_DGRAM)
        process = self.chronyd(port)
        ask = lambda: subprocess.run(["chronyc", "-c", "-h", "127.0.0.1", "-p", str(port), "tracking"],
                                     capture_output=True, text=True, timeout=20).stdout.strip().split(",")
        theirs = wait_for("chronyd", lambda: (fields := ask()) and len(fields) > 12 and fields)
        sampler = Sampler(self, env={"CHRONY_PORT": str(port)})
        ours = sampler.sample()["clock", "chrony"]
        self.assertEqual(ours["stratum"], int(theirs[2]))
        self.assertEqual(ours["stratum"], 7)
        self.assertAlmostEqual(abs(ours["offset"]), abs(float(theirs[4])), delta=1e-6)
        self.assertAlmostEqual(abs(ours["frequency"]), abs(float(theirs[7])), delta=1e-3)
        self.assertAlmostEqual(ours["root_delay"], float(theirs[10]), delta=1e-6)
        self.assertAlmostEqual(ours["root_dispersion"], float(theirs[11]), delta=1e-3)
        self.assertEqual(ours["synchronised"], 1 if theirs[13] != "Not synchronised" else 0)
        process.signal(signal.SIGSTOP)
        sampler.sample()  # the question that stays without an answer
        self.assertEqual(set(sampler.sample()["clock", "chrony"].values()), {None})
        process.signal(signal.SIGCONT)

    def test_cost(self):
        """Below the bound in every build; a release build's figure is the one to quote."""
        cost = Sampler(self).ask("cost 200")
        print(f"\n{cost}")
        self.assertLess(cost["cpu_us_per_sample"], 5000)


if __name__ == "__main__":
    main()
