# SPDX-License-Identifier: GPL-3.0-or-later
"""`beffroi-agent poll` and the running agent against Debian's real snmpd: every version, every pair of
protocols that it offers, wrong secrets, silence, and secrets that change while everything runs.

Runs in a network of its own (a namespace), so that there is a link on which nothing moves but what the
test sends; where the machine allows no namespaces, without that one test."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import unittest

import if_oracle
from lab import Lab, free_port, main, need, wait_for
from polling import poll, run_poll, write_config

OWN_NETWORK = "BEFFROI_OWN_NETWORK"

AUTH = {"md5": "MD5", "sha1": "SHA", "sha224": "SHA-224", "sha256": "SHA-256", "sha384": "SHA-384",
        "sha512": "SHA-512"}
PRIV = {"des": "DES", "aes128": "AES", "aes192": "AES-192", "aes256": "AES-256", "aes192-cisco": "AES-192-C",
        "aes256-cisco": "AES-256-C"}
WEAK = {"md5", "des"}
AUTH_PASS, PRIV_PASS = "correct horse battery", "staple & 'quoted' é"
NEW_PASS = "new words for all", "and new ones here"
COMMUNITY = "city"
CACHE_OF_IF_TABLE = ".1.3.6.1.4.1.8072.1.5.3.1.2.1.3.6.1.2.1.2.2"

IP = shutil.which("ip", path=os.environ["PATH"] + ":/usr/sbin:/sbin") or "ip"
LINK_FRAMES, LINK_FRAME_BYTES = 1234, 321


def in_own_network():
    return bool(os.environ.get(OWN_NETWORK))


def has_v6():
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
            s.bind(("::1", 0))
            return True
    except OSError:
        return False


def user_of(auth, priv):
    return f"u-{auth}-{priv}"


class Snmpd(Lab):
    def snmpd(self, name="snmpd", lines="", v6=False, port=None):
        need("snmpd", "snmpget", "snmpset", "snmpbulkwalk")
        port = port or free_port(socket.SOCK_DGRAM)
        addresses = f"udp:127.0.0.1:{port}" + (f",udp6:[::1]:{port}" if v6 else "")
        config = self.folder / f"{name}.conf"
        config.write_text(f"agentaddress {addresses}\nrocommunity {COMMUNITY} 127.0.0.1\n"
                          f"rocommunity6 {COMMUNITY} ::1\nrwcommunity labsecret 127.0.0.1\n"
                          f"sysName {name}\nsysDescr snmpd of the lab\ndontLogTCPWrappersConnects yes\n"
                          f"{lines}\n")
        process = self.start(name, "/usr/sbin/snmpd", "-f", "-r", "-C", "-c", config, "-Lo",
                             env={"SNMP_PERSISTENT_DIR": str(self.folder / f"{name}-persistent"), "MIBS": ""})
        process.may_fail = True
        process.port = port
        wait_for("an answer of snmpd", lambda: not process.alive() or
                 self.ask("snmpget", port, ".1.3.6.1.2.1.1.3.0"), 60)
        self.assertTrue(process.alive(), process.text())
        # Counters of now, not of up to three seconds ago.
        self.ask("snmpset", port, CACHE_OF_IF_TABLE, "i", "0", community="labsecret")
        return process

    @staticmethod
    def ask(program, port, *arguments, community=COMMUNITY):
        done = subprocess.run([program, "-v2c", "-c", community, "-r", "1", "-t", "2", "-Onqe",
                               f"127.0.0.1:{port}", *arguments], capture_output=True, text=True, timeout=60)
        return done.stdout.strip() if done.returncode == 0 else None

    def counters(self, port):
        """{(ifIndex, metric): value} by another client: net-snmp's."""
        found = {}
        for metric, columns in if_oracle.COUNTERS.items():
            for column in reversed(columns):  # the 64-bit one last: it wins
                entry, number = if_oracle.COLUMNS[column]
                prefix = f".{entry}.{number}."
                for line in (self.ask("snmpbulkwalk", port, prefix[:-1]) or "").splitlines():
                    name, _, value = line.partition(" ")
                    if name.startswith(prefix) and value.isdigit():
                        found[int(name[len(prefix):]), metric] = int(value)
        return found

    def passphrase(self, name, text):
        path = self.folder / name
        path.write_text(text + "\n")
        path.chmod(0o600)
        return str(path)

    def v3(self, port, name, user, auth=None, priv=None, auth_pass=AUTH_PASS, priv_pass=PRIV_PASS, **more):
        access = {"version": 3, "user": user, "timeout": "2 s", "retries": 2, **more}
        if auth:
            access["auth"] = {"protocol": auth,
                              "passphrase_file": self.passphrase(f"{name}.auth", auth_pass)}
        if priv:
            access["priv"] = {"protocol": priv,
                              "passphrase_file": self.passphrase(f"{name}.priv", priv_pass)}
        if WEAK & {auth, priv}:
            access.setdefault("allow_weak", True)
        return {"name": name, "address": f"127.0.0.1:{port}", "snmp": access}

    def v2c(self, port, name, **more):
        return {"name": name, "address": f"127.0.0.1:{port}",
                "snmp": {"version": "2c", "community": COMMUNITY, "timeout": "2 s", **more}}


def create_user(user, auth=None, priv=None, auth_pass=AUTH_PASS, priv_pass=PRIV_PASS):
    line = f"createUser {user}"
    if auth:
        line += f' {AUTH[auth]} "{auth_pass}"'
    if priv:
        line += f' {PRIV[priv]} "{priv_pass}"'
    return f"{line}\nrouser {user} {'priv' if priv else 'auth' if auth else 'noauth'}\n"


class Polling(Snmpd):
    def test_every_version_and_every_pair_of_protocols(self):
        pairs = [(auth, priv) for auth in AUTH for priv in (None, *PRIV)]
        lines = create_user("nobody") + "".join(create_user(user_of(*p), *p) for p in pairs)
        port = self.snmpd(lines=lines, v6=has_v6()).port
        devices = [self.v2c(port, "v1", version=1), self.v2c(port, "v2c"),
                   self.v3(port, "noauth", "nobody")]
        if has_v6():
            devices.append({**self.v2c(port, "v6"), "address": f"[::1]:{port}"})
        devices += [self.v3(port, user_of(*p), user_of(*p), *p) for p in pairs]
        before = self.counters(port)
        polled = poll(self, devices)
        after = self.counters(port)
        self.assertEqual({n: (d["status"], d["reason"]) for n, d in polled.items()},
                         {d["name"]: ("ok", "") for d in devices})
        self.assertGreater(len(before), 10)
        for name, device in polled.items():
            self.assertEqual((device["sys_name"], device["sys_descr"]), ("snmpd", "snmpd of the lab"), name)
            self.assertEqual(device["sys_object_id"], "1.3.6.1.4.1.8072.3.2.10")
            self.assertTrue(0 <= device["uptime_s"] < 600, device["uptime_s"])
            interfaces = {int(o["index"]): o for o in device["objects"] if o["kind"] == "interface"}
            self.assertEqual(set(interfaces), {index for index, _ in before}, name)
            if name == "v1":  # no 64-bit counters: others than the walk's
                continue
            for (index, metric), value in before.items():
                got = interfaces[index]["metrics"].get(metric)
                self.assertTrue(got is not None and value <= got <= after[index, metric],
                                f"{name} {index} {metric}: {got}, not {value} to {after[index, metric]}")

    @unittest.skipUnless(in_own_network(), "no network namespace")
    def test_a_quiet_link_to_the_octet(self):
        subprocess.run([IP, "link", "add", "quiet0", "type", "veth", "peer", "name", "quiet1"], check=True)
        for link in ("quiet0", "quiet1"):
            subprocess.run([IP, "link", "set", link, "addrgenmode", "none", "up"], check=True)
        target = self.address_of("quiet1")
        frame = bytes.fromhex(target.replace(":", "")) + bytes.fromhex("00005e0053ff88b5")
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
            s.bind(("quiet0", 0))
            for _ in range(LINK_FRAMES):
                s.send(frame.ljust(LINK_FRAME_BYTES, b"\0"))
        port = self.snmpd().port
        before = self.counters(port)
        polled = poll(self, [self.v2c(port, "a"), self.v2c(port, "b", version=1)])
        self.assertEqual({k: v for k, v in before.items() if k[0] != 1},
                         {k: v for k, v in self.counters(port).items() if k[0] != 1}, "it was not quiet")
        for name in ("a", "b"):
            interfaces = {o["labels"]["if_descr"]: o for o in polled[name]["objects"]
                          if o["kind"] == "interface"}
            sent, received = interfaces["quiet0"]["metrics"], interfaces["quiet1"]["metrics"]
            self.assertEqual((sent["out_octets"], sent["out_ucast_packets"]),
                             (LINK_FRAMES * LINK_FRAME_BYTES, LINK_FRAMES))
            self.assertEqual((received["in_octets"], received["in_ucast_packets"]),
                             (LINK_FRAMES * LINK_FRAME_BYTES, LINK_FRAMES))
            self.assertEqual(interfaces["quiet1"]["labels"]["phys_address"], target)
            self.assertEqual((received["oper_status"], received["admin_status"]), (1, 1))
            for link in ("quiet0", "quiet1"):
                o = interfaces[link]
                for metric in if_oracle.COUNTERS:
                    self.assertEqual(o["metrics"].get(metric), before.get((int(o["index"]), metric)),
                                     f"{name} {link} {metric}")

    @staticmethod
    def address_of(link):
        words = subprocess.run([IP, "-o", "link", "show", link], capture_output=True, text=True).stdout.split()
        return words[words.index("link/ether") + 1]

    def test_secrets_that_are_wrong(self):
        lines = create_user("known", "sha256", "aes128") + create_user("proven", "sha512")
        lines += 'createUser outcast SHA "' + AUTH_PASS + '"\n'  # no rouser: may see nothing
        port = self.snmpd(lines=lines).port
        quick = {"timeout": "500 ms", "retries": 1}
        expected = {
            "right": (self.v3(port, "right", "known", "sha256", "aes128"), {"ok"}),
            "wrong-auth": (self.v3(port, "wrong-auth", "known", "sha256", "aes128", auth_pass="not the word",
                                   **quick), {"auth"}),
            "other-hash": (self.v3(port, "other-hash", "known", "sha512", "aes128", **quick), {"auth"}),
            "unknown-user": (self.v3(port, "unknown-user", "stranger", "sha256", "aes128", **quick), {"auth"}),
            "unknown-plain": (self.v3(port, "unknown-plain", "stranger", **quick), {"auth"}),
            "no-such-level": (self.v3(port, "no-such-level", "proven", "sha512", "aes128", **quick), {"auth"}),
            "too-low-level": (self.v3(port, "too-low-level", "known", "sha256", **quick), {"auth"}),
            "outcast": (self.v3(port, "outcast", "outcast", "sha1", **quick), {"auth"}),
            # What is encrypted with another key is garbage, which snmpd may pass over in silence.
            "wrong-priv": (self.v3(port, "wrong-priv", "known", "sha256", "aes128", priv_pass="not the word",
                                   **quick), {"auth", "timeout"}),
            "other-cipher": (self.v3(port, "other-cipher", "known", "sha256", "aes256", **quick),
                             {"auth", "timeout"}),
            "wrong-community": (self.v2c(port, "wrong-community", community="nobody", **quick), {"timeout"}),
            "wrong-community-v1": (self.v2c(port, "wrong-community-v1", version=1, community="nobody", **quick),
                                   {"timeout"}),
        }
        polled = poll(self, [device for device, _ in expected.values()])
        statuses = {name: device["status"] for name, device in polled.items()}
        print(*(f"{n}: {d['status']}: {d['reason']}" for n, d in polled.items()), sep="\n")
        self.assertEqual({name for name in expected if statuses[name] not in expected[name][1]}, set(), statuses)
        for name in ("wrong-priv", "other-cipher"):  # or the silence is explained
            if statuses[name] == "timeout":
                self.assertIn("answers SNMPv3 discovery", polled[name]["reason"])
        self.assertNotIn("discovery", polled["wrong-community"]["reason"])
        for name, device in polled.items():
            self.assertEqual(device["objects"] == [], name != "right", name)
            for secret in (AUTH_PASS, PRIV_PASS, "not the word"):
                self.assertNotIn(secret, device["reason"])

    def test_weak_protocols_need_to_be_allowed(self):
        for auth, priv, word in (("md5", None, "md5"), ("sha1", "des", "des"), ("md5", "des", "md5")):
            device = self.v3(9, "old", "u", auth, priv, allow_weak=False)
            path = write_config(self, [device])
            code, out, error, _ = run_poll(self, path)
            self.assertEqual((code != 0, out), (True, ""), error)
            self.assertRegex(error, rf"poll\.yaml:2: .*allow_weak", error)
            self.assertIn(word, error.lower())
            self.assertNotIn(AUTH_PASS, error)

    def test_silence_costs_what_timeout_and_retries_say(self):
        """Attempts wait 0.4, 0.8 and 1.6 s; a living one beside them is not touched by that."""
        port = self.snmpd().port
        with socket.socket(type=socket.SOCK_DGRAM) as deaf:  # bound, and never read
            deaf.bind(("127.0.0.1", 0))
            silent = {"timeout": "400 ms", "retries": 2}
            dead = [self.v2c(deaf.getsockname()[1], f"deaf-{n}", **silent) for n in range(20)]
            dead += [self.v3(deaf.getsockname()[1], f"deaf-v3-{n}", "u", "sha256", "aes128", **silent)
                     for n in range(5)]
            dead.append(self.v2c(free_port(socket.SOCK_DGRAM), "closed", **silent))
            polled = poll(self, dead[:13] + [self.v2c(port, "alive")] + dead[13:])
        took = self.took_s
        poll(self, [self.v2c(port, "alive")])
        alone = self.took_s
        self.assertEqual(polled["alive"]["status"], "ok")
        for device in dead:
            got = polled[device["name"]]
            self.assertEqual((got["status"], got["objects"]), ("timeout", []), got)
        self.assertGreater(took, 1.1, "it was not asked so often")  # three times the timeout at least
        self.assertLess(took, 2.8 + alone + 2, "one waited for another")

    def test_it_needs_nothing_but_devices(self):
        port = self.snmpd().port
        path = write_config(self, [self.v2c(port, "alone")])
        files = {p.name for p in self.folder.iterdir()}
        code, out, error, _ = run_poll(self, path)
        self.assertEqual(code, 0, error)
        self.assertIn('"ok"', out)
        self.assertEqual({p.name for p in self.folder.iterdir()}, files, "it left files behind")
        for text, word in (("devices: [{name: a, address: '127.0.0.1:70000', snmp: {community: c}}]\n", "70000"),
                           ("devices: [{name: a, address: 'localhost', snmp: {community: c}}]\n", "localhost"),
                           ("devices: [{name: a, address: '127.0.0.1', snmp: {version: 3}}]\n", "user"),
                           ("devices: [{name: a, address: '127.0.0.1', snmp: {community: c}},"
                            " {name: a, address: '127.0.0.2', snmp: {community: c}}]\n", "a")):
            path.write_text(text)
            code, out, error, _ = run_poll(self, path)
            self.assertEqual((code == 0, out), (False, ""), text + error)
            self.assertRegex(error, rf"poll\.yaml:\d+: .*{word}", text)


class Running(Snmpd):
    """The agent itself, with a collector that is told."""

    def setUp(self):
        super().setUp()
        need("snmpd")
        self.agent_keys = self.keys("agent")
        self.city = self.collector({"agent": self.agent_keys})

    def wait_for_check(self, device, what, fits, seconds=40):
        def look():
            check = self.city.check(device, "snmp")
            return check if check and fits(check["outcome"]) else None
        return wait_for(f"snmp of {device}: {what}", look, seconds)

    def wait_for_up(self, device):
        return self.wait_for_check(device, "up", lambda outcome: outcome == "up")

    def wait_for_not_up(self, device):
        return self.wait_for_check(device, "not up", lambda outcome: outcome != "up")

    def config_text(self, port, user, auth, priv, auth_pass, priv_pass):
        device = self.v3(port, "sw-1", user, auth, priv, auth_pass, priv_pass, interval="1 s",
                         timeout="300 ms", retries=1)
        return f"devices:\n  - {json.dumps(device)}\n"

    def reload(self, agent, *what):
        """A new passphrase in the file, another user in the configuration: SIGHUP, as an operator does."""
        config = self.folder / "agent.yaml"
        text = config.read_text()
        config.write_text(text[:text.index("devices:")] + self.config_text(*what))
        agent.signal(signal.SIGHUP)

    def test_secrets_change_at_run_time(self):
        lines = create_user("first", "sha256", "aes128") + create_user("second", "sha512", "aes256")
        snmpd = self.snmpd(lines=lines)
        port = snmpd.port
        agent = self.agent(self.city, body=self.config_text(port, "first", "sha256", "aes128", "a wrong one",
                                                            PRIV_PASS))
        down = self.wait_for_not_up("sw-1")
        self.assertEqual((down["outcome"], down["reason"]), ("unknown", "auth"), down)
        # The passphrase is mended.
        self.reload(agent, port, "first", "sha256", "aes128", AUTH_PASS, PRIV_PASS)
        self.wait_for_up("sw-1")
        wait_for("values of its interfaces", lambda: self.city.json(
            "/api/v1/objects", device="sw-1", kind="interface")["objects"][0]["last"], 40)
        # A wrong one again: what is kept of the right one does not answer for it.
        self.reload(agent, port, "second", "sha512", "aes256", AUTH_PASS + "!", PRIV_PASS)
        self.wait_for_not_up("sw-1")
        # Another user, hash and cipher than the first.
        self.reload(agent, port, "second", "sha512", "aes256", AUTH_PASS, PRIV_PASS)
        self.wait_for_up("sw-1")
        # The device's own secrets change (under the same engine), and the agent follows.
        snmpd.end()
        self.snmpd(port=port, lines=create_user("second", "sha512", "aes256", *NEW_PASS))
        self.wait_for_not_up("sw-1")
        self.reload(agent, port, "second", "sha512", "aes256", *NEW_PASS)
        self.wait_for_up("sw-1")
        self.assertTrue(agent.alive())
        text = agent.text()
        for secret in (AUTH_PASS, PRIV_PASS, "a wrong one", *NEW_PASS):
            self.assertNotIn(secret, text)


def own_network():
    """Starts again in a network namespace of its own, where there can be one."""
    # Who is not root becomes the same user in a user namespace, where the network is its own.
    how = ["unshare", "-n"] if os.getuid() == 0 else ["unshare", "-n", "--map-current-user", "--keep-caps"]
    if in_own_network():
        subprocess.run([IP, "link", "set", "lo", "up"], check=True)
    elif shutil.which("unshare") and subprocess.run(
            [*how, IP, "link", "set", "lo", "up"], capture_output=True).returncode == 0:
        os.environ[OWN_NETWORK] = "1"
        os.execvp(how[0], [*how, sys.executable, *sys.argv])


if __name__ == "__main__":
    own_network()
    main()
