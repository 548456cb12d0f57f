# SPDX-License-Identifier: GPL-3.0-or-later
"""The README's first command, as a newcomer types it; a second run beside the first; Ctrl-C."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

from lab import ROOT, free_port, need, wait_for


class Quickstart(unittest.TestCase):
    def start(self, *arguments):
        log = tempfile.NamedTemporaryFile(prefix="beffroi-quickstart-", suffix=".log", delete=False)
        self.addCleanup(os.unlink, log.name)
        process = subprocess.Popen([ROOT / "packaging/quickstart", "--no-install", *map(str, arguments)],
                                   stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                   start_new_session=True)
        self.addCleanup(lambda: process.poll() is None and process.kill())
        process.text = lambda: pathlib.Path(log.name).read_text(errors="replace")
        return process

    def finish(self, process, seconds):
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.fail(process.text())

    def test_two_beside_each_other(self):
        need("snmpd", "snmpget", "snmpset", "rrdtool", "cmake", "ninja")
        ports = [free_port(), free_port()]
        for port in ports:
            self.addCleanup(shutil.rmtree, ROOT / "run" / str(port), ignore_errors=True)
        first = self.start("--for", 25, "--port", ports[0])
        wait_for("the first run's page", lambda: "[6/6]" in first.text() or first.poll() is not None, 600)
        self.assertIsNone(first.poll(), first.text())
        again = self.start("--for", 10, "--port", ports[0], "--no-build")
        self.assertEqual(self.finish(again, 30), 1)
        self.assertIn("runs already", again.text())
        second = self.start("--no-build", "--port", ports[1])
        wait_for("the second run's page", lambda: "[6/6]" in second.text() or second.poll() is not None, 60)
        self.assertIsNone(second.poll(), second.text())
        for port in ports:
            page = urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10).read().decode()
            self.assertIn("citizen web", page)
        wait_for("its live status", lambda: "citizen web up" in second.text(), 30)
        second.send_signal(signal.SIGINT)
        self.assertEqual(self.finish(second, 60), 0, second.text())
        self.assertEqual(self.finish(first, 120), 0, first.text())
        for process in (first, second):
            text = process.text()
            for wanted in ("citizen web: ", "helpdesk line: ", "city network: ", ".rrd", "stopped."):
                self.assertIn(wanted, text, text)
            print(text[text.index("stopping the agent"):], file=sys.stderr)
        self.assertRegex(first.text(), r"citizen web: 100\.0000 %")


if __name__ == "__main__":
    unittest.main(verbosity=2)
