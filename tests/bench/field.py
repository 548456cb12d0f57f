# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmarks share: the processes that take part, each started by the benchmark and ended with
it, by pid; what the system says of them; and who takes part in the SNMP benchmark."""

import glob
import ipaddress
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))
from lab import children_of, free_port, wait_for  # noqa: E402,F401

FIRST_ADDRESS = "127.1.0.1"
IF, IFX = "1.3.6.1.2.1.2.2.1", "1.3.6.1.2.1.31.1.1.1"
# The eight columns, by the name of the metric: (OID, number of the counter in the simulator).
COLUMNS = {
    "in_octets": (f"{IFX}.6", 6), "out_octets": (f"{IFX}.10", 10),
    "in_ucast_packets": (f"{IFX}.7", 7), "out_ucast_packets": (f"{IFX}.11", 11),
    "in_errors": (f"{IF}.14", 114), "out_errors": (f"{IF}.20", 120),
    "in_discards": (f"{IF}.13", 113), "out_discards": (f"{IF}.19", 119),
}
V3 = {"user": "bench", "auth": "SHA-256", "auth_passphrase": "maplesyrup", "priv": "AES",
      "priv_passphrase": "icebeer99"}


def address_of(device):
    return str(ipaddress.ip_address(FIRST_ADDRESS) + device)


def frozen_counter(device, port, counted, seed=1):
    """What the simulator's --frozen gives (tests/sim/README.md)."""
    m64 = (1 << 64) - 1
    x = ((device << 32 | port << 8 | counted) + seed * 0x9E3779B97F4A7C15) & m64
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & m64
    x = (x ^ x >> 27) * 0x94D049BB133111EB & m64
    value = (x ^ x >> 31) >> 20
    return value if counted < 100 else value & 0xFFFFFFFF


# --- what is printed ---

def say(*words):
    print(*words, flush=True)


def table(header, rows):
    widths = [max(len(str(r[i])) for r in [header, *rows]) for i in range(len(header))]
    for row in [header, *rows]:
        say("  " + "  ".join(str(c).ljust(w) if i == 0 else str(c).rjust(w)
                             for i, (c, w) in enumerate(zip(row, widths))))


def span(values, form="{:.3f}"):
    return [form.format(f(values)) for f in (min, statistics.median, max)]


# --- what the system says of a process ---

def cpu_s(pid):
    """(user + system, of that system). The whole from the scheduler's clock, in ns (schedstat); the
    split from the ticks of /proc/PID/stat."""
    total = 0
    for task in glob.glob(f"/proc/{pid}/task/*/schedstat"):
        total += int(pathlib.Path(task).read_text().split()[0])
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    user, system = int(fields[11]), int(fields[12])
    return total / 1e9, system / max(1, user + system)


def memory_kb(pid):
    """{"VmRSS": …, "Pss": …, "Private": …} in KiB."""
    out = {"Private": 0}
    for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        key, value = line.split(":")
        if key.startswith("Private"):
            out["Private"] += int(value.split()[0])
        else:
            out[key] = int(value.split()[0])
    return out


# --- the processes ---

class Process:
    def __init__(self, arguments, log, stdout=None, env=None):
        self.log = pathlib.Path(log)
        with open(self.log, "ab") as out:
            self.popen = subprocess.Popen([str(a) for a in arguments], stdin=subprocess.DEVNULL,
                                          stdout=stdout or out, stderr=out, text=True,
                                          env={**os.environ, **(env or {})}, start_new_session=True)
        self.pid = self.popen.pid

    def end(self):
        if self.popen.poll() is None:
            self.popen.terminate()
        try:
            self.popen.wait(30)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def fail(self, what):
        raise SystemExit(f"bench: {what}\n{self.log.read_text(errors='replace')[-3000:]}")


class Simulator(Process):
    def __init__(self, bench, devices, *options, ports=48, v3=False):
        self.devices, self.ports = devices, ports
        self.port = free_port(socket.SOCK_DGRAM)
        if v3:
            options += tuple(x for k, v in V3.items() for x in (f"--{k.replace('_', '-')}", v))
        super().__init__([bench.bin / "beffroi-simulate-devices", "--devices", devices, "--ports", ports,
                          "--first-address", FIRST_ADDRESS, "--port", self.port, *options],
                         bench.folder / "simulator.log", stdout=subprocess.PIPE)
        if self.popen.stdout.readline() != "ready\n":
            self.fail("the simulator did not start")

    def counts(self):
        self.popen.send_signal(signal.SIGUSR1)
        return json.loads(self.popen.stdout.readline())


class Agent(Process):
    """Beffroi, with its one SNMP worker as a process of its own."""

    title = "Beffroi"

    def __init__(self, bench, simulator, interval_s, access=None, profile="bench", log_level="warn",
                 name="agent"):
        folder = bench.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        self.data = folder / "data"
        config = write_agent_config(bench, folder, simulator, interval_s, access, profile, log_level)
        super().__init__([bench.bin / "beffroi-agent", "-c", config], folder / "log")
        try:
            self.worker = wait_for("the SNMP worker", self._find_worker, seconds=60)
        except AssertionError as error:
            self.fail(error)

    def _find_worker(self):
        if self.popen.poll() is not None:
            self.fail("the agent ended")
        for pid in children_of(self.pid):
            program = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]
            if program.endswith(b"/beffroi-agent-snmp"):
                return pid
        return None

    def measured(self):
        return self.worker

    def spooled_bytes(self):
        return sum(f.stat().st_size for f in self.data.rglob("*") if f.is_file())


def write_agent_config(bench, folder, simulator, interval_s, access, profile, log_level="warn"):
    keys = bench.keys()
    access = f"{access or 'version: 2c, community: public'}, {bench.access}"
    lines = [f"device: bench\ndata: {folder / 'data'}\nkeys: {bench.folder / 'agent.key'}",
             # Nobody listens there: rows stay in the spool.
             f'collector: {{endpoint: "tcp://127.0.0.1:{free_port()}", key: "{keys}"}}',
             f"log: {{level: {log_level}}}"]
    if bench.has_profiles:
        (folder / "bench.yaml").write_text(profile_text())
        (folder / "scalar.yaml").write_text(SCALAR_PROFILE)
        lines.append(f"snmp: {{workers: 1, requests_per_second: {bench.requests_per_second}, "
                     "profiles: [bench.yaml, scalar.yaml]}")
        access += f", profile: {profile}"
    lines.append("devices:")
    for device in range(simulator.devices):
        lines.append(f'  - {{name: sim-{device}, address: "{address_of(device)}:{simulator.port}", '
                     f"snmp: {{{access}, interval: {interval_s}s}}}}")
    config = folder / "agent.yaml"
    config.write_text("\n".join(lines) + "\n")
    config.chmod(0o600)
    return config


def profile_text():
    """Exactly the eight columns; a row is called after its index, as collectd's is."""
    metrics = "".join(f"      - {{name: {name}, unit: {'octets' if 'octets' in name else 'packets'}, "
                      f"type: counter, oid: {oid}}}\n" for name, (oid, _) in COLUMNS.items())
    return ("profile: bench\ntables:\n  - name: ports\n    kind: interface\n"
            '    names: ["port-{index}"]\n    index_parts: 1\n    metrics:\n' + metrics)


# One value of one object: a cycle is the probe and one more request.
SCALAR_PROFILE = """profile: scalar
scalars:
  - name: services
    kind: services
    object: services
    metrics:
      - {name: services, oid: 1.3.6.1.2.1.1.7.0}
"""


class Collectd(Process):
    """collectd with its snmp plugin and nothing else: no write plugin, and a filter that lets go of every
    value as soon as the plugin has handed it over. One data block has all eight columns (an own type),
    so that a port is one value list; the row's instance is its index, so that no further column is read.
    """

    PROGRAM = "/usr/sbin/collectd"
    # With glibc's malloc told to keep what it has: the plugin frees more than 128 kB after each table,
    # which malloc gives back to the kernel each time.
    KEEP = {"MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "268435456", "MALLOC_TOP_PAD_": "4194304"}

    def __init__(self, bench, simulator, interval_s, rows=25, blocks=1, threads=1, keep=False, csv=None):
        self.title = "collectd, its malloc tuned" if keep else "collectd"
        folder = bench.folder / "collectd"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        config = write_collectd_config(folder, simulator, interval_s, rows, blocks, threads, csv)
        super().__init__([self.PROGRAM, "-f", "-C", config], folder / "log", env=self.KEEP if keep else None)

    def measured(self):
        if self.popen.poll() is not None:
            self.fail("collectd ended")
        return self.pid


def write_collectd_config(folder, simulator, interval_s, rows, blocks, threads, csv):
    per_block = len(COLUMNS) // blocks
    oids = [oid for oid, _ in COLUMNS.values()]
    (folder / "types.db").write_text(
        "ports " + ", ".join(f"v{i}:DERIVE:0:U" for i in range(per_block)) + "\n")
    out = [f'Hostname "bench"\nFQDNLookup false\nBaseDir "{folder}"\nPIDFile "{folder}/pid"',
           f'TypesDB "{folder}/types.db"\nInterval {interval_s}\nReadThreads {threads}',
           f"WriteThreads {threads}\nLoadPlugin logfile\n<Plugin logfile>\n  LogLevel warning\n  File stderr",
           "</Plugin>\nLoadPlugin snmp"]
    if csv is not None:
        out.append(f'LoadPlugin csv\n<Plugin csv>\n  DataDir "{csv}"\n  StoreRates false\n</Plugin>')
    else:
        out.append('PreCacheChain "Drop"\n<Chain "Drop">\n  Target "stop"\n</Chain>')
    out.append("<Plugin snmp>")
    for block in range(blocks):
        values = " ".join(f'"{oid}"' for oid in oids[block * per_block:(block + 1) * per_block])
        out.append(f'  <Data "b{block}">\n    Type "ports"\n    Table true\n'
                   f'    TypeInstancePrefix "b{block}-"\n    Values {values}\n  </Data>')
    collect = " ".join(f'"b{block}"' for block in range(blocks))
    for device in range(simulator.devices):
        out.append(f'  <Host "sim-{device}">\n    Address "{address_of(device)}:{simulator.port}"\n'
                   f'    Version 2\n    Community "public"\n    Collect {collect}\n'
                   f"    Interval {interval_s}\n    Timeout 1\n    Retries 2\n"
                   f"    BulkSize {rows * per_block}\n  </Host>")
    out.append("</Plugin>")
    config = folder / "collectd.conf"
    config.write_text("\n".join(out) + "\n")
    return config


class Bench:
    """The folder of a run, and where the programs are."""

    def __init__(self, options, folder):
        self.bin = pathlib.Path(options.bin).resolve()
        self.folder = pathlib.Path(folder)
        self.access = options.access
        self.requests_per_second = options.requests_per_second
        usage = subprocess.run([self.bin / "beffroi-agent", "--help"], capture_output=True, text=True)
        self.has_profiles = "--print-profiles" in usage.stdout
        self._key = None

    def keys(self):
        """The agent's keys; a public key for the collector that is not there."""
        if self._key is None:
            for name in ("agent", "collector"):
                done = subprocess.run([self.bin / "beffroi", "keys", "new", self.folder / f"{name}.key",
                                       "--format", "json"], capture_output=True, text=True, check=True)
                self._key = json.loads(done.stdout)["curve_key"]
        return self._key


def sleep_until(moment):
    time.sleep(max(0.0, moment - time.monotonic()))
