# SPDX-License-Identifier: GPL-3.0-or-later
"""Killed with SIGKILL, again and again, the collector has every row exactly once: its files say what
those of a collector say that was left alone and was given the same rows. (Whole dumps are compared;
the bytes differ in the place where each archive's ring begins, which librrd draws by lot.)"""

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import time

import lab
from lab import BIN, Lab, need, wait_for

OBJECTS, ROWS, PACE_MS, KILLS = 20, 500, 25, 10


def dump(path):
    return subprocess.run(["rrdtool", "dump", path], capture_output=True, check=True).stdout


class Crash(Lab):
    def feed(self, collector, name, base_ms):
        keys = f"{name}.key"
        return self.start(name, BIN / "feed", collector.listen, collector.public["curve_key"],
                          self.folder / keys, self.folder / f"spool-{name}", OBJECTS, ROWS, base_ms,
                          PACE_MS, 7)

    def facts(self, collector):
        """What the ledger holds, without what differs between two streams."""
        with contextlib.closing(sqlite3.connect(f"file:{collector.data}/ledger.db?mode=ro", uri=True)) as db:
            runs = db.execute('SELECT c.device, c.name, outcome, reason, first_ms, last_ms, results, '
                              'interval_ms FROM run JOIN "check" c ON c.id = check_id '
                              'ORDER BY first_ms').fetchall()
            numbers = [n for (n,) in db.execute("SELECT number FROM statement ORDER BY number")]
            gaps = db.execute("SELECT count(*) FROM gap").fetchone()[0]
        return runs, numbers, gaps

    def talkers(self, collector):
        """Every report of the heaviest talkers, without what differs between two streams."""
        with contextlib.closing(sqlite3.connect(f"file:{collector.data}/talkers.db?mode=ro", uri=True)) as db:
            return db.execute("SELECT device, object, list, from_ms, to_ms, total, bound, items FROM report "
                              "JOIN source s ON s.id = source_id ORDER BY from_ms, list").fetchall()

    def settle(self, collector):
        """Everything that the journal holds is applied and on disk."""
        wait_for("an idle store", lambda: collector.metric("beffroi_store_journal_lag_seconds") == 0)
        collector.json("/api/v1/objects", latest="1")

    def kill_repeatedly(self, collector, feed, victims, seed):
        dice = random.Random(seed)
        for kill in range(KILLS):
            # At no particular moment of the run, which lasts ROWS * PACE_MS.
            time.sleep(dice.uniform(0.2, ROWS * PACE_MS / 1000 / KILLS))
            self.assertTrue(feed.alive() or kill > KILLS // 2, feed.text())
            if victims == "everything":
                collector.kill_everything()
                collector.start()
            else:
                part = victims[kill % len(victims)]
                pids = wait_for("the parts", lambda: collector.part_pids())
                if part in pids:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pids[part], signal.SIGKILL)

    def compare(self, victims):
        need("rrdtool")
        seed = int.from_bytes(os.urandom(4), "little")
        print(f"seed {seed}")
        base_ms = (int(time.time()) - 3600) * 1000
        left_alone = self.collector({"a": self.keys("feed-a")}, name="left-alone")
        # Watermarks come often, so that a restart does not simply read everything again.
        killed = self.collector({"b": self.keys("feed-b")}, name="killed",
                                extra="rrd: {checkpoint: 1s}\n")
        quiet = self.feed(left_alone, "feed-a", base_ms)
        harried = self.feed(killed, "feed-b", base_ms)
        self.kill_repeatedly(killed, harried, victims, seed)
        for feed in (quiet, harried):
            self.assertEqual(feed.popen.wait(120), 0, feed.text())
        wait_for("the killed one's page", lambda: killed.status())
        self.settle(left_alone)
        self.settle(killed)
        files = sorted(p.relative_to(left_alone.data) for p in (left_alone.data / "rrd").rglob("*.rrd"))
        self.assertEqual(len(files), OBJECTS)
        self.assertEqual(files, sorted(p.relative_to(killed.data)
                                       for p in (killed.data / "rrd").rglob("*.rrd")))
        different = [str(f) for f in files if dump(left_alone.data / f) != dump(killed.data / f)]
        self.assertEqual(different, [])
        runs, numbers, gaps = self.facts(left_alone)
        runs_killed, numbers_killed, gaps_killed = self.facts(killed)
        self.assertGreater(len(runs), 10)
        self.assertEqual(runs, runs_killed)
        talkers = self.talkers(left_alone)
        self.assertEqual(len(talkers), 2 * (ROWS // 10))
        self.assertEqual(talkers, self.talkers(killed))
        for n in (numbers, numbers_killed):
            self.assertEqual(n, list(range(1, len(n) + 1)))
        self.assertEqual((gaps, gaps_killed), (0, 0))
        print(f"{len(files)} files of {ROWS} rows equal after {KILLS} kills, {len(runs)} runs equal")

    def test_everything_at_once(self):
        self.compare("everything")

    def test_part_by_part(self):
        self.compare(["intake", "store", "web"])


if __name__ == "__main__":
    lab.main()
