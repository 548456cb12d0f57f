# SPDX-License-Identifier: GPL-3.0-or-later
"""`beffroi-agent poll` as a user runs it: a configuration with devices and nothing else, and the JSON
document that comes of it."""

import json
import os
import subprocess
import time

from lab import BIN, SANITIZER

STATUSES = {"ok", "partial", "timeout", "auth", "error"}
DEVICE_KEYS = {"device", "address", "status", "reason", "sys_name", "sys_object_id", "sys_descr", "uptime_s",
               "profile", "neighbours", "objects"}
OBJECT_KEYS = {"kind", "name", "index", "status", "labels", "metrics"}


def write_config(test, devices, name="poll.yaml", extra=""):
    """`devices` as they stand in the configuration: JSON is YAML."""
    path = test.folder / name
    path.write_text("devices:\n" + "".join(f"  - {json.dumps(d)}\n" for d in devices) + extra)
    return path


def run_poll(test, path, seconds=300):
    """(exit status, standard output, standard error, seconds that it took); nothing of HOME is there to
    help it."""
    begin = time.monotonic()
    done = subprocess.run([BIN / "beffroi-agent", "poll", "-c", path, "--once", "--format", "json"],
                          capture_output=True, timeout=seconds, cwd=test.folder,
                          env={**os.environ, "HOME": "/nonexistent"})
    took = time.monotonic() - begin
    error = done.stderr.decode(errors="replace")
    test.assertIsNone(SANITIZER.search(error), error[-6000:])
    return done.returncode, done.stdout.decode(), error, took


def poll(test, devices, seconds=300, **more):
    """{device's name: its part of the document}, in the order of the configuration."""
    _, out, error, took = run_poll(test, write_config(test, devices, **more), seconds)
    try:
        document = json.loads(out)
    except ValueError:
        raise AssertionError(f"no JSON document:\n{out[-2000:]}\n{error[-2000:]}") from None
    test.assertEqual(set(document), {"devices"})
    test.assertEqual([d["device"] for d in document["devices"]], [d["name"] for d in devices], error)
    for device in document["devices"]:
        check_form(test, device)
    test.took_s = took
    return {d["device"]: d for d in document["devices"]}


def check_form(test, device):
    test.assertIn(device["status"], STATUSES)
    test.assertEqual(bool(device["reason"]), device["status"] != "ok",
                     f"{device['device']}: {device['reason']!r}")
    test.assertEqual(set(device), DEVICE_KEYS)
    test.assertIsInstance(device["neighbours"], list)
    for o in device["objects"]:
        test.assertEqual(set(o), OBJECT_KEYS, device["device"])
        test.assertIn(o["status"], ("ok", "partial", "failed"))
        test.assertIn(type(o["index"]), (int, str, type(None)))
        for value in o["metrics"].values():
            test.assertIn(type(value), (int, float), o)
        for value in o["labels"].values():
            test.assertIs(type(value), str, o)
            test.assertNotEqual(value, "", o)
    keys = [(o["kind"], o["name"]) for o in device["objects"]]
    test.assertEqual(len(set(keys)), len(keys), f"{device['device']}: names twice")
