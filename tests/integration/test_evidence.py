# SPDX-License-Identifier: GPL-3.0-or-later
"""What the agents sign, verified by a second implementation: docs/evidence.md in a few lines of Python,
which share nothing with the programs but that page."""

import base64
import hashlib
import json
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

import lab
from lab import Lab, wait_for

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    Ed25519PublicKey = None

DOMAIN = b"beffroi statement v1\0"
OUTCOMES = {1: "up", 2: "degraded", 3: "down", 4: "unknown"}
NAMES = {1: "stream", 2: "number", 3: "previous", 4: "device", 5: "check", 6: "outcome", 7: "reason",
         8: "first_ms", 9: "last_ms", 10: "results", 11: "interval_ms", 12: "detail"}
TEXTS = ("device", "check", "reason", "detail")


# --- the verifier ---

def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def read(data):
    """The fields of a statement; ValueError or IndexError where it is none."""
    fields, at = {"number": 0, "previous": b"", "reason": "", "detail": ""}, 0
    while at < len(data):
        tag, at = varint(data, at)
        name, kind = NAMES.get(tag >> 3), tag & 7
        value, at = varint(data, at)
        if kind == 2:
            value, at = data[at:at + value], at + value
            if at > len(data):
                raise ValueError("cut short")
        elif kind != 0:
            raise ValueError(f"wire type {kind}")
        if name in TEXTS:
            value = value.decode()
        if name:
            fields[name] = value
    fields["outcome"] = OUTCOMES[fields["outcome"]]
    return fields


def verify_with_python(key, message, signature):
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        return True
    except InvalidSignature:
        return False


def verify_with_openssl(key, message, signature):
    # SubjectPublicKeyInfo of RFC 8410: a constant, and the key.
    der = bytes.fromhex("302a300506032b6570032100") + key
    with tempfile.TemporaryDirectory() as folder:
        place = pathlib.Path(folder)
        for name, content in (("key", der), ("message", message), ("signature", signature)):
            (place / name).write_bytes(content)
        done = subprocess.run(["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER",
                               "-inkey", place / "key", "-in", place / "message",
                               "-sigfile", place / "signature"], capture_output=True)
        return done.returncode == 0


VERIFIERS = ([verify_with_python] if Ed25519PublicKey else []) + \
    ([verify_with_openssl] if shutil.which("openssl") else [])


def verify(statement, signature, key, verifier=None):
    return (verifier or VERIFIERS[0])(key, DOMAIN + statement, signature)


def faults(records, keys):
    """Everything that is wrong with a stream's records, [(agent, statement, signature)] in order."""
    found, before = [], None
    for agent, statement, signature in records:
        if not verify(statement, signature, keys[agent]):
            found.append("signature")
            continue
        fields = read(statement)
        if before is None:
            if fields["number"] == 1 and fields["previous"]:
                found.append(f"chain of {fields['number']}")
        elif fields["number"] != read(before)["number"] + 1:
            found.append(f"missing before {fields['number']}")
        elif fields["previous"] != hashlib.sha256(before).digest():
            found.append(f"chain of {fields['number']}")
        before = statement
    return found


# --- the tests ---

@unittest.skipUnless(VERIFIERS, "neither python3-cryptography nor openssl is installed")
class Example(unittest.TestCase):
    """The example of docs/evidence.md is one."""

    def test_example(self):
        text = (lab.ROOT / "docs/evidence.md").read_text().split("## An example")[1]
        words = {name: "".join(value.split()) for name, value in
                 re.findall(r"^    ([a-z]+) +(\S+(?:\n {14}\S+)*)$", text, re.M)}
        key, statement = base64.b64decode(words["public"]), bytes.fromhex(words["statement"])
        for verifier in VERIFIERS:
            self.assertTrue(verify(statement, bytes.fromhex(words["signature"]), key, verifier))
        self.assertEqual(hashlib.sha256(statement).hexdigest(), words["hash"])
        self.assertEqual(read(statement), {
            "stream": bytes(range(16)), "number": 1, "previous": b"", "device": "hall", "check": "door",
            "outcome": "down", "reason": "timeout", "first_ms": 1795867200123, "last_ms": 1795867260123,
            "results": 7, "interval_ms": 10000, "detail": "no answer in 2000 ms"})


@unittest.skipUnless(VERIFIERS, "neither python3-cryptography nor openssl is installed")
class Evidence(Lab):
    def setUp(self):
        super().setUp()
        self.public = self.keys("agent")
        self.key = base64.b64decode(self.public["sign_key"])
        self.collected = self.collector({"agent-1": self.public})
        self.server = socket.create_server(("127.0.0.1", 0))
        self.other_server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.other_server.close)
        door, bell = self.server.getsockname()[1], self.other_server.getsockname()[1]
        self.agent_process = self.agent(self.collected, device="hall", body=f"""
checks:
  - {{name: door, type: tcp, host: 127.0.0.1, port: {door}, interval: 1s, timeout: 500ms}}
  - {{name: bell, type: tcp, host: 127.0.0.1, port: {bell}, interval: 1s, timeout: 500ms}}
""")
        wait_for("both checks up", lambda: all(
            (self.collected.check("hall", c) or {}).get("outcome") == "up" for c in ("door", "bell")))
        time.sleep(4)  # of being up
        self.closing = time.time() * 1000
        self.server.close()
        self.closed = time.time() * 1000
        wait_for("the outage", lambda: self.collected.check("hall", "door")["outcome"] == "down")

    def export(self, *arguments):
        out = self.run_cli("evidence", "export", "--collector", self.collected.url, *arguments, check=0)[1]
        return [json.loads(line) for line in out.splitlines()]

    def records(self, *arguments):
        return [(line["agent"], base64.b64decode(line["statement"]), base64.b64decode(line["signature"]))
                for line in self.export(*arguments)]

    def test_evidence(self):
        wait_for("statements that were repeated", lambda: len(self.records()) >= 8)
        records = self.records()
        self._every_one_verifies(records)
        self._no_changed_byte_verifies(records[3])
        self._nothing_can_be_left_out(records)
        self._one_check(records)
        self._bounds_contain_the_truth(records)
        self._usage()

    def _every_one_verifies(self, records):
        for verifier in VERIFIERS:
            self.assertTrue(all(verify(s, g, self.key, verifier) for _, s, g in records), verifier.__name__)
        self.assertEqual(faults(records, {"agent-1": self.key}), [])
        fields = [read(s) for _, s, _ in records]
        self.assertEqual([f["number"] for f in fields], list(range(1, len(fields) + 1)))
        self.assertEqual(len({f["stream"] for f in fields}), 1)
        self.assertEqual({f["check"] for f in fields}, {"door", "bell"})
        for f in fields:
            self.assertEqual((f["device"], f["interval_ms"]), ("hall", 1000))
            self.assertLessEqual(f["first_ms"], f["last_ms"])
            self.assertGreaterEqual(f["results"], 1)
        lines = self.export()
        self.assertEqual(lines[0]["stream"], fields[0]["stream"].hex())
        self.assertTrue(all(line["chain"] for line in lines))

    def _no_changed_byte_verifies(self, record):
        _, statement, signature = record
        other = base64.b64decode(self.keys("other")["sign_key"])
        for verifier in VERIFIERS:
            self.assertFalse(verify(statement, signature, other, verifier))
            self.assertFalse(verifier(self.key, statement, signature))  # without the domain
            every = 1 if verifier is not verify_with_openssl else 29  # a process each
            for i in range(0, len(statement), every):
                changed = statement[:i] + bytes([statement[i] ^ 1 << i % 8]) + statement[i + 1:]
                self.assertFalse(verify(changed, signature, self.key, verifier), f"byte {i}")
            for i in range(0, len(signature), every):
                changed = signature[:i] + bytes([signature[i] ^ 1 << i % 8]) + signature[i + 1:]
                self.assertFalse(verify(statement, changed, self.key, verifier), f"signature's byte {i}")
            for changed in (statement[:-1], statement + b"\0", statement + b"\x68\x00"):
                self.assertFalse(verify(changed, signature, self.key, verifier))

    def _nothing_can_be_left_out(self, records):
        keys = {"agent-1": self.key}
        self.assertEqual(faults(records[:2] + records[3:], keys), ["missing before 4"])
        self.assertEqual(faults(records[:2] + [records[3], records[2]] + records[4:], keys),
                         ["missing before 4", "missing before 3", "missing before 5"])
        agent, statement, _ = records[2]
        self.assertIn("signature", faults(records[:2] + [(agent, statement, records[1][2])] + records[3:],
                                          keys))

    def _one_check(self, records):
        door = self.records("--device", "hall", "--check", "door")
        self.assertLess(len(door), len(self.records()))
        self.assertEqual({read(s)["check"] for _, s, _ in door}, {"door"})
        self.assertEqual(door[0][1], next(s for _, s, _ in records if read(s)["check"] == "door"))
        self.assertTrue(all(verify(s, g, self.key) for _, s, g in door))
        future = self.records("--device", "hall", "--check", "door", "--from", "2100-01-01T00:00:00Z")
        self.assertEqual(future, [])
        document = json.loads(self.run_cli("evidence", "export", "--collector", self.collected.url,
                                           "--device", "hall", "--check", "door", "--format", "json",
                                           check=0)[1])
        self.assertEqual(base64.b64decode(document["statements"][0]["statement"]), door[0][1])
        # Page by page it is the same.
        after, paged = 0, []
        while after is not None:
            page = self.collected.json("/api/v1/statements", after=after, n=3)
            self.assertLessEqual(len(page["statements"]), 3)
            paged += [base64.b64decode(s["statement"]) for s in page["statements"]]
            after = page["next"]
        self.assertEqual(paged[:len(records)], [s for _, s, _ in records])

    def _bounds_contain_the_truth(self, records):
        """An outage's two bounds are in what was signed: no other knowledge is needed."""
        fields = [f for f in (read(s) for _, s, _ in records) if f["check"] == "door"]
        down = next(f for f in fields if f["outcome"] == "down")
        good = [f for f in fields if f["outcome"] == "up" and f["number"] < down["number"]]
        last_good = max(f["last_ms"] for f in good)
        print(f"closed at {self.closed:.0f}; last good {last_good - self.closed:+.0f} ms, "
              f"first bad {down['first_ms'] - self.closed:+.0f} ms")
        self.assertEqual(down["reason"], "connection-refused")
        self.assertLessEqual(last_good, self.closed + 1)
        self.assertGreaterEqual(down["first_ms"], self.closing - 1)
        self.assertLess(down["first_ms"] - last_good, 2 * 1000)
        self.assertEqual(sum(f["results"] for f in good[-1:]),
                         round((good[-1]["last_ms"] - good[-1]["first_ms"]) / 1000) + 1)

    def _usage(self):
        at = ("--collector", self.collected.url)
        self.assertEqual(self.run_cli("evidence", *at)[0], 2)
        self.assertEqual(self.run_cli("evidence", "export", "--device", "hall", *at)[0], 2)
        self.assertEqual(self.run_cli("evidence", "export", "--from", "-1h", *at)[0], 2)
        self.assertEqual(self.collected.fetch("/api/v1/statements", n=0)[0], 400)


if __name__ == "__main__":
    lab.main()
