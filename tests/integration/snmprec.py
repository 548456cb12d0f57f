# SPDX-License-Identifier: GPL-3.0-or-later
"""Dumps of devices as files of `OID|type|value` lines, and Debian's snmpsim to serve them.

A line's type is the BER tag's number (2 INTEGER, 4 OCTET STRING, 6 OBJECT IDENTIFIER, 64 IpAddress,
65 Counter32, 66 Gauge32, 67 TimeTicks, 70 Counter64); an `x` after it: the value is in hexadecimal.

What stands in a file and what snmpsim makes of it are two things: it answers a value that it cannot
encode with endOfMibView, finds its way by binary search (so that a file out of order has places that
no GETNEXT reaches), and does not start at all with a line that is no record. Dump says what stands
there and whether it is `orderly`, that is, served as it stands."""

import os
import re
import shutil
import socket
import subprocess

import lab

INTEGER, OCTETS, OID, IP, COUNTER32, GAUGE32, TICKS, COUNTER64 = 2, 4, 6, 64, 65, 66, 67, 70
RANGES = {INTEGER: (-2**31, 2**31 - 1), COUNTER32: (0, 2**32 - 1), GAUGE32: (0, 2**32 - 1),
          TICKS: (0, 2**32 - 1), COUNTER64: (0, 2**64 - 1)}
OCTETS_MAX = 65535


class Value:
    """A value that snmpsim can send. `value`: int, bytes (OCTETS, IP) or a tuple of int (OID)."""

    def __init__(self, kind, value):
        self.kind, self.value = kind, value

    def __eq__(self, other):
        return (self.kind, self.value) == (other.kind, other.value)

    def __repr__(self):
        return f"{self.kind}:{self.value!r}"

    @property
    def number(self):
        return self.value if self.kind in RANGES else None

    @property
    def octets(self):
        return self.value if self.kind in (OCTETS, IP) else None


def oid(text):
    return tuple(int(part) for part in text.split(".") if part)


def dotted(name):
    return ".".join(map(str, name))


def unhex(text):
    return bytes.fromhex(text + "0" if len(text) % 2 else text)


def evaluate(tag, text):
    """The value of a line; ValueError where snmpsim cannot send it."""
    kind, how = (int(tag[:-1]), tag[-1]) if tag[-1] in "xe" else (int(tag), "")
    if kind in RANGES and how == "":
        number = int(text)
        if not RANGES[kind][0] <= number <= RANGES[kind][1]:
            raise ValueError("out of range")
        return Value(kind, number)
    if kind == OCTETS and how != "e":
        octets = unhex(text) if how == "x" else text.encode("latin-1")
        if len(octets) > OCTETS_MAX:
            raise ValueError("too long")
        return Value(kind, octets)
    if kind == OID and how == "":
        return Value(kind, oid(text))
    if kind == IP:
        octets = unhex(text) if how == "x" else bytes(map(int, text.split(".")))
        if len(octets) != 4:
            raise ValueError("no address")
        return Value(kind, octets)
    if kind in (5, 68, 128, 129, 130):  # NULL, Opaque, the exceptions: nobody asks for them
        return Value(kind, text)
    raise ValueError("another type")


class Dump:
    """One file. `values`: name → the values that it has there (more than one where a name stands twice).
    """

    def __init__(self, path):
        self.path, self.name = path, path.name[:-len(".snmprec")]
        self.values, self.broken = {}, []
        self.orderly, last = True, ()
        # As snmpsim reads it: byte for byte, blanks cut at both ends.
        for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
            text = line.decode("latin-1").strip()
            if text == "" or text.startswith("#"):
                continue
            parts = text.split("|", 2)
            if len(parts) != 3 or not re.fullmatch(r"[.\d]*\d[.\d]*", parts[0]) or not parts[1]:
                self.broken.append(number)  # snmpsim does not start with it, or falls over it
                continue
            name = oid(parts[0])
            try:
                value = evaluate(parts[1], parts[2])
            except ValueError:
                self.orderly, last = False, max(last, name)  # a walk ends here
                continue
            self.values.setdefault(name, []).append(value)
            self.orderly = self.orderly and name > last and dotted(name) == parts[0]
            last = max(last, name)
        self.orderly = self.orderly and not self.broken

    def one(self, name):
        """The value, or None."""
        return self.values.get(oid(name), [None])[-1]

    def under(self, prefix):
        """{rest of the name: values}"""
        prefix = oid(prefix)
        return {name[len(prefix):]: values for name, values in self.values.items()
                if name[:len(prefix)] == prefix and len(name) > len(prefix)}


def dumps_of(folder):
    """All that snmpsim can serve at all."""
    found = [Dump(path) for path in sorted(folder.glob("*.snmprec"))]
    for dump in found:
        if dump.broken:
            print(f"left out: {dump.path.name}: snmpsim cannot serve line {dump.broken[0]}")
    return [dump for dump in found if not dump.broken]


class Simulator:
    """Debian's snmpsimd on 127.0.0.1 with the dumps; a device's community is its file's name, and
    `ports[name]` where it is asked. It goes on as nobody where the test is root (it refuses to be root)
    and sees copies only."""

    # It keeps so many files open, and opens any further one anew for each request.
    FILES_MAX = 30

    def __init__(self, test, dumps):
        lab.need("snmpsimd", "snmpbulkwalk")
        self.ports, self.processes = {}, []
        for n in range(0, len(dumps), self.FILES_MAX):
            self._start(test, f"snmpsim-{n}", dumps[n:n + self.FILES_MAX])
        for dump in dumps:  # it indexes every file before it answers for the first one
            lab.wait_for(f"an answer of {dump.name}", lambda: self._answers(dump.name), seconds=120)

    def _start(self, test, name, dumps):
        folder, port = test.folder / name, lab.free_port(socket.SOCK_DGRAM)
        data, cache = folder / "data", folder / "cache"
        for place in (data, cache):
            place.mkdir(parents=True)
        for dump in dumps:
            shutil.copyfile(dump.path, data / dump.path.name)
            self.ports[dump.name] = port
        as_nobody = []
        if os.getuid() == 0:
            as_nobody = ["--process-user=nobody", "--process-group=nogroup"]
            for place in (folder, data, cache):
                shutil.chown(place, "nobody", "nogroup")
        process = test.start(name, "snmpsimd", *as_nobody, f"--data-dir={data}", f"--cache-dir={cache}",
                             f"--agent-udpv4-endpoint=127.0.0.1:{port}", "--logging-method=null",
                             env={"HOME": str(folder)})  # no ~/.snmpsim of the caller
        process.may_fail = True
        self.processes.append(process)

    def check(self):
        """AssertionError when a simulator has ended: what is missing then is not the agent's fault."""
        for process in self.processes:
            if not process.alive():
                raise AssertionError(f"snmpsimd ended:\n{process.text()[-3000:]}")

    def _answers(self, name):
        self.check()
        return self.ask("snmpgetnext", name, ".1.3") != ""

    def ask(self, program, community, name, *options):
        """What another client than ours is told: lines of ".OID value"."""
        done = subprocess.run(
            [program, "-v2c", "-c", community, "-r", "2", "-t", "5", "-Onqx", *options,
             f"127.0.0.1:{self.ports[community]}", name],
            capture_output=True, timeout=300, env={**os.environ, "MIBS": ""})
        return done.stdout.decode("latin-1")

    def served(self, community, column):
        """Names below the column that a walk of it reaches, which ends where they do not increase."""
        found, last = set(), oid(column)
        for line in self.ask("snmpbulkwalk", community, "." + column, "-Cr1").splitlines():
            text = re.match(r"\.(1\.[\d.]+) ", line)
            if text:
                name = oid(text[1])
                if name <= last or name[:len(oid(column))] != oid(column):
                    break
                found.add(name)
                last = name
        return found
