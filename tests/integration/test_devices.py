# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices as they are: dumps of real ones and of ones that we made up, served by Debian's snmpsim, polled
in one run as a user would, and every value of every interface compared with the dump itself.

Dumps of real devices are looked for in ../shared/devices beside the project, or in the folder that
BEFFROI_DEVICES names; with an expected.json (what LibreNMS made of them) there, that is compared too."""

import json
import os
import pathlib
import unittest

import if_oracle
import librenms
import snmprec
from lab import ROOT, Lab, main
from polling import poll

REAL = pathlib.Path(os.environ.get("BEFFROI_DEVICES") or ROOT.parent / "shared/devices")
DATA = ROOT / "tests/integration/data"


def comparable(device):
    """The same whatever the order of tables is, and to 12 digits where there is a point in a number."""
    whole = json.loads(json.dumps(device), parse_float=lambda text: float(f"{float(text):.12g}"))
    for o in whole["objects"]:
        o["labels"].pop("address", None)  # of the simulator
    whole["objects"].sort(key=lambda o: (o["kind"], o["name"]))
    whole["neighbours"].sort(key=lambda n: sorted(n.items()))
    return whole


class Devices(Lab):
    maxDiff = None

    def serve(self, folder, only=None):
        dumps = [d for d in snmprec.dumps_of(folder) if only is None or d.name in only]
        if not dumps:
            raise unittest.SkipTest(f"no dumps in {folder}")
        self.simulator = snmprec.Simulator(self, dumps)
        return dumps

    def poll_all(self, dumps, **access):
        polled = poll(self, [{"name": d.name, "address": f"127.0.0.1:{self.simulator.ports[d.name]}",
                            "snmp": {"version": "2c", "community": d.name, "timeout": "5 s", "retries": 2,
                                     **access}} for d in dumps])
        self.simulator.check()
        return polled

    def oracle(self, dump):
        return if_oracle.Oracle(dump, lambda column: self.simulator.served(dump.name, column))

    def judge_all(self, dumps, polled):
        wrong, n_rows, n_values = [], 0, 0
        for dump in dumps:
            oracle = self.oracle(dump)
            wrong += [f"{dump.name}: {line}" for line in if_oracle.judge(polled[dump.name], oracle)]
            n_rows += len(oracle.rows)
            n_values += sum(len(o["metrics"]) for o in polled[dump.name]["objects"]
                            if o["kind"] == "interface")
        self.assertEqual(wrong, [], f"{len(wrong)} differences:\n" + "\n".join(wrong[:200]))
        print(f"{len(dumps)} devices, {n_rows} interfaces, {n_values} values of them equal the dump's; "
              f"polled in {self.took_s:.1f} s")


class Real(Devices):
    def test_every_row_and_value_of_every_device(self):
        dumps = self.serve(REAL)
        polled = self.poll_all(dumps)
        self.judge_all(dumps, polled)
        expected = REAL / "expected.json"
        if not expected.exists():
            return
        comparison = librenms.Comparison(json.loads(expected.read_text()))
        for dump in dumps:
            comparison.take(polled[dump.name])
        self.assertEqual(comparison.unlisted, [], "\n".join(comparison.unlisted[:200]))
        self.assertEqual(comparison.unused(), [])
        print(f"{comparison.n_equal} fields are what LibreNMS says")


class MadeUp(Devices):
    def test_every_row_and_value_of_every_device(self):
        dumps = self.serve(DATA / "snmprec")
        self.judge_all(dumps, self.poll_all(dumps))

    def test_known_answers(self):
        """Whole devices against documents that were written by hand from the dumps."""
        golden = {path.stem: json.loads(path.read_text()) for path in sorted((DATA / "poll").glob("*.json"))}
        dumps = self.serve(DATA / "snmprec", golden)
        self.assertEqual({d.name for d in dumps}, set(golden))
        for name, device in self.poll_all(dumps).items():
            device.pop("address")
            with self.subTest(name):
                self.assertEqual(comparable(device), comparable(golden[name]))

    def test_version_1_has_no_64_bits(self):
        """The oracle without the 64-bit values: SNMPv1 cannot carry them (RFC 3584)."""
        dumps = self.serve(DATA / "snmprec", {"rfc1213-only", "names-none", "bare", "empty", "hc-holes"})
        for dump in dumps:
            dump.values = {name: [v for v in values if v.kind != snmprec.COUNTER64]
                           for name, values in dump.values.items()}
            dump.values = {name: values for name, values in dump.values.items() if values}
        self.judge_all(dumps, self.poll_all(dumps, version=1))

    def test_nobody_of_that_name(self):
        """A community that the device does not know is silence, beside one that it knows."""
        dumps = self.serve(DATA / "snmprec", {"bare"})
        polled = poll(self, [
            {"name": name, "address": f"127.0.0.1:{self.simulator.ports['bare']}",
             "snmp": {"version": "2c", "community": name, "timeout": "300 ms", "retries": 1}}
            for name in ("nobody", "bare")])
        self.assertEqual((polled["nobody"]["status"], polled["nobody"]["objects"]), ("timeout", []))
        self.assertEqual(polled["bare"]["status"], "ok")
        self.assertLess(self.took_s, 20)
        self.assertEqual(polled["bare"]["sys_object_id"], "1.3.6.1.4.1.32473.3")


if __name__ == "__main__":
    main()
