# SPDX-License-Identifier: GPL-3.0-or-later
"""The heaviest talkers on their whole way: from an agent's sink through batch, spool, link, journal and
store to the command line, the API and the pages, and away again when they are old."""

import contextlib
import json
import sqlite3
import time

import lab
from lab import BIN, Lab, wait_for

ROWS, REPORT_ROWS = 60, 10
REPORTS = ROWS // REPORT_ROWS


class Talkers(Lab):
    def feed(self, collector, base_ms, name="feed"):
        """An agent with known rows, until all of them are acknowledged and applied."""
        feed = self.start(name, BIN / "feed", collector.listen, collector.public["curve_key"],
                          self.folder / "agent.key", self.folder / f"spool-{name}", 1, ROWS, base_ms, 5, 7)
        self.assertEqual(feed.popen.wait(60), 0, feed.text())
        wait_for("the reports", lambda: collector.metric("beffroi_store_talker_reports_total") == 2 * REPORTS or
                 collector.metric("beffroi_store_talker_reports_not_kept_total") == 2 * REPORTS)

    def reports(self, collector):
        with contextlib.closing(sqlite3.connect(f"file:{collector.data}/talkers.db?mode=ro", uri=True)) as db:
            return db.execute("SELECT count(*) FROM report").fetchone()[0]

    def top(self, collector, *arguments, check=0):
        return self.run_cli("top", *arguments, "--collector", collector.url, check=check)[1]

    def restart(self, collector, extra):
        collector.process.end()
        collector.extra = extra
        collector._write()
        collector.start()

    def test_seen_everywhere(self):
        collector = self.collector({"a": self.keys("agent")})
        self.assertIn("Nothing was recorded: no agent meters an interface", self.top(collector, check=1))
        base_ms = (int(time.time()) - 600) * 1000
        self.feed(collector, base_ms)

        answer = json.loads(self.top(collector, "feed", "uplink", "--format", "json"))
        self.assertEqual(answer, {**collector.json("/api/v1/top", device="feed", interface="uplink"),
                                  "from": answer["from"], "to": answer["to"]})
        self.assertEqual((answer["reports"], answer["measured_s"], answer["total_bytes"]),
                         (REPORTS, ROWS, REPORTS * 20000))
        rows = range(REPORT_ROWS - 1, ROWS, REPORT_ROWS)
        first, second = answer["top"]
        self.assertEqual((first["key"], first["bytes"], first["packets"], first["error_bytes"]),
                         ("192.0.2.7", sum(10000 + row for row in rows), REPORTS * 100, sum(rows)))
        self.assertEqual((second["key"], second["bytes"], second["share"], second["error_bytes"]),
                         ("2001:db8:7::/48", REPORTS * 5000, 0.25, 0))
        self.assertEqual(first["bits_per_second"], first["bytes"] * 8 / ROWS)

        text = self.top(collector, "feed", "--list", "services", "--last", "1h")
        self.assertIn("tcp/443 https  60.0 kB  50.0 %", text)
        self.assertIn("no report ended in that span; the newest report ended at",
                      self.top(collector, "feed", "--list", "prefixes", check=1))
        self.assertIn("no report ended", self.top(collector, "--last", "1m", check=1))
        page = collector.get("/object", device="feed", kind="traffic", name="uplink", lang="fr")
        self.assertIn("<h2>Plus gros volumes</h2>", page)
        self.assertIn("2001:db8:7::/48", page)
        self.assertIn("tcp/443 https", page)

        # They outlive every process of the collector.
        collector.kill_everything()
        collector.start()
        self.assertEqual(json.loads(self.top(collector, "feed", "uplink", "--format", "json"))["top"], answer["top"])

    def test_retention(self):
        collector = self.collector({"a": self.keys("agent")})
        self.feed(collector, (int(time.time()) - 7200) * 1000)  # two hours ago
        self.assertEqual(self.reports(collector), 2 * REPORTS)
        self.restart(collector, "talkers: {retention: 3h}\n")
        wait_for("the store", lambda: collector.metric("beffroi_store_talkers_bytes") > 0)
        self.assertEqual(self.reports(collector), 2 * REPORTS)
        self.restart(collector, "talkers: {retention: 1h}\n")
        wait_for("the deletion",
                 lambda: collector.metric("beffroi_store_talker_reports_deleted_total") == 2 * REPORTS)
        self.assertEqual(self.reports(collector), 0)
        self.assertIn("longer ago than talkers are kept",
                      self.top(collector, "feed", "--from", "-3h", "--to", "-90m", check=1))
        self.restart(collector, "talkers: {retention: 0s}\n")
        self.feed(collector, (int(time.time()) - 600) * 1000, name="feed-again")
        self.assertEqual(self.reports(collector), 0)
        self.assertIn("configured to keep no talkers", self.top(collector, "feed", check=1))


if __name__ == "__main__":
    lab.main()
