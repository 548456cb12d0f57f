# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole way: a real device, real traffic, a real machine, through every part, to the files, the
pages and the command line."""

import json
import math
import pathlib
import subprocess
import time

import lab
from lab import Lab, Load, need, snmp_get, wait_for

OCTETS_IN = ".1.3.6.1.2.1.31.1.1.1.6."
IF_NAME = ".1.3.6.1.2.1.31.1.1.1.1."
# What an interface has by SNMP, and what a file calls the names that are too long for one.
INTERFACE = ["in_octets", "out_octets", "in_ucast_packets", "out_ucast_packets", "in_multicast_packets",
             "out_multicast_packets", "in_broadcast_packets", "out_broadcast_packets", "in_discards",
             "out_discards", "in_errors", "out_errors", "oper_status", "admin_status", "speed_bps"]
IN_FILE = {"in_multicast_packets": "in_multicast_pckts", "out_multicast_packets": "out_multicast_pckts",
           "in_broadcast_packets": "in_broadcast_pckts", "out_broadcast_packets": "out_broadcast_pckts"}


def rrd_average(path, metric, start, end):
    """Mean of the consolidated values of (start, end], all of which must be known."""
    text = subprocess.run(["rrdtool", "fetch", str(path), "AVERAGE", "-s", str(start), "-e", str(end - 1),
                           "-r", "1"], capture_output=True, text=True, check=True).stdout
    lines = text.splitlines()
    column = lines[0].split().index(metric)
    values = [float(line.split(":")[1].split()[column]) for line in lines[2:]
              if start < int(line.split(":")[0]) <= end]
    assert len(values) == end - start, f"{len(values)} values, wanted {end - start}\n{text}"
    assert not any(math.isnan(v) for v in values), text
    return sum(values) / len(values)


def next_second(after=0.0):
    """Waits for the wall clock's next whole second; returns it."""
    now = time.time()
    second = math.ceil(now + after)
    time.sleep(second - now)
    return second


class EndToEnd(Lab):
    def setUp(self):
        super().setUp()
        need("rrdtool")
        self.snmpd_process = self.snmpd()
        self.site_process = self.site()
        contract = self.contract({"citizen web": "city/web", "helpdesk line": "city/helpdesk",
                                  "city network": "switch/snmp"})
        self.contract_path = contract
        self.city = self.collector({"agent-1": self.keys("agent")}, extra=f"contract: {contract}\n")
        self.agent_process = self.agent(self.city, body=f"""
host: {{interval: 1s}}
checks:
  - {{name: web, device: city, type: http, url: "http://127.0.0.1:{self.site_process.web}/", interval: 1s, timeout: 500ms}}
  - {{name: helpdesk, device: city, type: tcp, host: 127.0.0.1, port: {self.site_process.helpdesk}, interval: 1s, timeout: 500ms}}
  - {{name: ping, device: city, type: icmp, host: 127.0.0.1, interval: 1s, timeout: 500ms}}
devices:
  - {{name: switch, address: "127.0.0.1:{self.snmpd_process.port}", snmp: {{version: 2c, community: public, interval: 1s, timeout: 500ms, retries: 0}}}}
capture: {{interface: lo, interval: 1s}}
""")
        wait_for("all services up", self._all_up, 40)

    def _all_up(self):
        services = self.city.status()["services"]
        return len(services) == 3 and all(s["state"] == "up" for s in services)

    def test_slice(self):
        load = Load(per_second=200, size=8000)
        self.addCleanup(load.stop)
        self._every_kind_is_there()
        self._rate_is_what_the_device_counts()
        self._every_file_is_read_by_rrdtool()
        self._command_line()
        self._pages()
        self._metrics()
        self._outage()

    def _every_kind_is_there(self):
        wanted = {"cpu", "memory", "load", "filesystem", "disk", "interface", "check", "device",
                  "traffic", "agent"}
        if not any(pathlib.Path("/sys/block").glob("*")):
            wanted.discard("disk")

        def kinds():
            objects = self.city.json("/api/v1/objects")["objects"]
            return {o["kind"] for o in objects if o["last"]} | \
                {o["kind"] for o in objects if o["kind"] == "check"}
        try:
            wait_for("an object of every kind", lambda: wanted <= kinds(), 30)
        except AssertionError as error:
            raise AssertionError(f"{error}; missing: {wanted - kinds()}") from None

    def _rate_is_what_the_device_counts(self):
        port = self.snmpd_process.port
        name = snmp_get(port, IF_NAME + "1").strip('"')
        next_second(2)  # let the load be steady
        start = next_second()
        first = int(snmp_get(port, OCTETS_IN + "1"))
        end = next_second(19)
        last = int(snmp_get(port, OCTETS_IN + "1"))
        by_hand = (last - first) / (end - start)
        path = self.city.rrd("switch", "interface", name)

        def fetched():
            self.city.json("/api/v1/object", device="switch", kind="interface", name=name)  # a flush
            try:
                return rrd_average(path, "in_octets", start, end)
            except AssertionError:
                return None
        in_file = wait_for("the rows in the file", fetched)
        print(f"in_octets of {name}: by hand {by_hand:.0f}/s, in the file {in_file:.0f}/s, "
              f"{100 * (in_file / by_hand - 1):+.3f} %")
        self.assertGreater(by_hand, 1e6)
        self.assertLess(abs(in_file / by_hand - 1), 0.01)
        # The captured traffic of the same interface, and the host's own view of it, agree with it.
        self.city.json("/api/v1/objects", latest="1")  # a flush of all
        metered = rrd_average(self.city.rrd("host-1", "traffic", "lo"), "octets", start + 2, end - 2)
        self.assertLess(abs(metered / by_hand - 1), 0.05)
        udp = rrd_average(self.city.rrd("host-1", "traffic", "lo"), "udp_octets", start + 2, end - 2)
        self.assertGreater(udp, 200 * 8000 * 0.97)
        host = rrd_average(self.city.rrd("host-1", "interface", "lo"), "in_octets", start + 2, end - 2)
        self.assertLess(abs(host / by_hand - 1), 0.05)

    def _every_file_is_read_by_rrdtool(self):
        files = sorted((self.city.data / "rrd").rglob("*.rrd"))
        self.assertGreater(len(files), 8)
        for file in files:
            done = subprocess.run(["rrdtool", "info", str(file)], capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, f"{file}: {done.stderr}")
            self.assertIn('rrd_version = "0003"', done.stdout)
            self.assertNotIn('type = "COUNTER"', done.stdout)
        path = self.city.rrd("switch", "interface", "lo")
        info = subprocess.run(["rrdtool", "info", str(path)], capture_output=True, text=True, check=True).stdout
        for index, metric in enumerate(INTERFACE):
            self.assertIn(f"ds[{IN_FILE.get(metric, metric)}].index = {index}\n", info)

    def _command_line(self):
        at = ("--collector", self.city.url)
        out = self.run_cli("status", *at, check=0)[1]
        self.assertIn("Problems: none", out)
        self.assertRegex(out, r"citizen web +up")
        self.assertNotIn("\033", out)  # no colour in a pipe
        status = json.loads(self.run_cli("status", *at, "--format", "json", check=0)[1])
        self.assertEqual([p["part"] for p in status["collector"]["parts"] if not p["up"]], [])
        out = self.run_cli("device", "switch", *at, check=0)[1]
        self.assertRegex(out, r"interface +lo +ok")
        self.assertRegex(out, r"in_octets=[0-9.]+ M octets/s")
        self.assertRegex(out, r"interface +lo .* oper_status=up  admin_status=up  ")
        png = self.folder / "x.png"
        self.run_cli("graph", "switch/interface/lo", "-o", png, *at, check=0)
        self.assertEqual(png.read_bytes()[:8], b"\x89PNG\r\n\x1a\n")
        self.assertGreater(png.stat().st_size, 2000)
        code, _, error = self.run_cli("graph", "switch/interface/none", "-o", png, *at)
        self.assertEqual(code, 2)
        self.assertIn("no", error)
        code, _, error = self.run_cli("status", "--collector", "http://127.0.0.1:1/")
        self.assertEqual(code, 3)
        self.assertIn("does not answer", error)
        self.assertEqual(self.run_cli("status", "--colour")[0], 2)

    def _pages(self):
        status, headers, body = self.city.fetch("/")
        self.assertEqual(status, 200)
        self.assertIn("default-src 'none'", headers["Content-Security-Policy"])
        for text in ("citizen web", "helpdesk line", "city network", "switch", "host-1", "agent-1"):
            self.assertIn(text, body.decode())
        self.assertIn("Équipements", self.city.get("/", lang="fr"))
        page = self.city.get("/device", device="switch")
        self.assertIn("name=lo", page)
        self.assertIn('<td class="n">up</td>', page)
        page = self.city.get("/object", device="switch", kind="interface", name="lo")
        self.assertIn("/graph.png?device=switch&amp;kind=interface&amp;name=lo&amp;graph=traffic", page)
        status, headers, body = self.city.fetch("/graph.png", device="switch", kind="interface",
                                                name="lo", graph="traffic", **{"from": "-10m"})
        self.assertEqual((status, headers["Content-Type"], body[:4]), (200, "image/png", b"\x89PNG"))
        self.assertIn("citizen web", self.city.get("/sla", period="today"))
        for path, parameters, wanted in (
                ("/nowhere", {}, 404), ("/api/v1/nowhere", {}, 404), ("/device", {"device": "x<y"}, 404),
                ("/device", {}, 400), ("/graph.png", {"device": "a"}, 400),
                ("/graph.png", {"device": "switch", "kind": "interface", "name": "lo", "width": "9999999"},
                 400),
                ("/api/v1/series", {"device": "switch", "kind": "interface", "name": "lo",
                                    "from": "tomorrow"}, 400)):
            self.assertEqual(self.city.fetch(path, **parameters)[0], wanted, path)
        self.assertNotIn("x<y", self.city.fetch("/device", device="x<y")[2].decode())
        series = self.city.json("/api/v1/series", device="switch", kind="interface", name="lo")
        self.assertEqual([m for m in series["metrics"] if m in INTERFACE], INTERFACE)
        lo = self.city.json("/api/v1/object", device="switch", kind="interface", name="lo")
        self.assertGreater(lo["latest"]["in_ucast_packets"], 100)
        self.assertEqual(lo["latest"]["oper_status"], 1)
        self.assertEqual(lo["labels"]["if_name"], "lo")
        drawn = {m for graph in lo["graphs"] for m in graph["metrics"]}
        self.assertEqual(drawn, {m["name"] for m in lo["metrics"]})
        for graph in lo["graphs"]:
            status, _, body = self.city.fetch("/graph.png", device="switch", kind="interface", name="lo",
                                              graph=graph["id"])
            self.assertEqual((status, body[:4]), (200, b"\x89PNG"), graph)

    def _metrics(self):
        text = self.city.get("/metrics")
        self.assertEqual(self.city.metric("beffroi_part_answers", part="store"), 1)
        families = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
        self.assertEqual(len(families), len(set(families)))

    def _outage(self):
        """The device is away for eight seconds, at an interval of one."""
        import signal
        began = time.time()
        self.snmpd_process.signal(signal.SIGSTOP)
        stopped = time.monotonic()
        wait_for("the outage on the page", lambda: self.city.check("switch", "snmp")["outcome"] == "down")
        seen_after = time.monotonic() - stopped
        code, out, _ = self.run_cli("status", "--collector", self.city.url)
        self.assertEqual(code, 1)
        self.assertRegex(out, r"down +switch +snmp +timeout")
        self.assertRegex(out, r"city network +down")
        page = self.city.get("/")
        self.assertIn("state-down", page)
        time.sleep(max(0, 8 - (time.monotonic() - stopped)))  # the outage's length, not luck
        self.snmpd_process.signal(signal.SIGCONT)
        away = time.monotonic() - stopped
        wait_for("the end of the outage", self._all_up)
        # Statements are repeated every two seconds: then the good time after it is in the ledger.
        stamp = lambda t: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t))
        report = None

        def known():
            nonlocal report
            out = self.run_cli("sla", "show", "--contract", self.contract_path, "--collector",
                               self.city.url, "--period", f"{stamp(began - 5)}/{stamp(time.time())}",
                               "--service", "city network", "--format", "json", check=0)[1]
            report = json.loads(out)["services"][0]
            return report["outages"] and not report["outages"][0]["open"] and report["state"] == "up"
        wait_for("the figure", known)
        print(f"away {away:.1f} s, seen after {seen_after:.1f} s, counted "
              f"{[(o['min_ms'], o['duration_ms'], o['max_ms']) for o in report['outages']]} ms")
        self.assertEqual(report["outage_count"], 1)
        outage = report["outages"][0]
        # The bounds hold the truth; the figure is off by an interval and the time-out, and by one interval
        # more when the device goes away in the midst of being read.
        self.assertLessEqual(outage["min_ms"] / 1000, away + 0.2)
        self.assertGreaterEqual(outage["max_ms"] / 1000, away - 0.2)
        self.assertLess(abs(outage["duration_ms"] / 1000 - away), 2.5)
        self.assertLessEqual(outage["min_ms"], outage["duration_ms"])
        self.assertGreaterEqual(outage["max_ms"], outage["duration_ms"])
        self.assertEqual(sum(report["classes_ms"].values()), report["period_ms"])
        self.assertIs(report["meets"], False)


if __name__ == "__main__":
    lab.main()
