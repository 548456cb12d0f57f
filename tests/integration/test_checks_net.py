# SPDX-License-Identifier: GPL-3.0-or-later
"""tcp, smtp, imap, dns and ntp checks against OpenSMTPD, Dovecot, dnsmasq and chronyd, each of them
stopped, hung and answering wrongly: the outages that the collector counts are those that were."""

import datetime
import json
import os
import signal
import socket
import subprocess
import time
import unittest

from lab import Lab, children_of, free_port, main, need, wait_for

INTERVAL_S = 1.0
TIMEOUT_S = 0.4
# What the machine may take to stop or start a process, and to run the agent's loop.
SLACK_S = 0.5
# What a check may find of a server that ends or starts.
PASSING = {"connection-refused", "connection-reset", "connection-closed", "timeout"}

DOVECOT = """protocols = imap
listen = 127.0.0.1
base_dir = {folder}/dovecot
log_path = /dev/stderr
ssl = no
default_internal_user = root
default_internal_group = root
default_login_user = nobody
login_greeting = {greeting}
service imap-login {{
  service_count = 0
  process_min_avail = 1
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
passdb {{
  driver = static
  args = nopassword=y
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={folder}/home
}}
"""

CHRONY = """port {port}
bindaddress 127.0.0.1
allow 127.0.0.1
cmdport 0
bindcmdaddress /
pidfile {folder}/chronyd.pid
user root
{source}
"""

SMTPD = """listen on 127.0.0.1 port {port} hostname {name}
action "drop" mda "/bin/true"
match from any for any action "drop"
"""


def timed(action, name):
    """Does it: (when it began, when it was done)."""
    began = time.time()
    action(name)
    return began, time.time()


class ChecksNet(Lab):
    """Five checks of four servers: {check: (server, its reason once that is stopped, wrong)}."""

    CHECKS = {
        "mail": ("smtpd", "connection-refused", "no-match"),
        "mailbox": ("dovecot", "connection-refused", "no-match"),
        "banner": ("dovecot", "connection-refused", "no-match"),
        "names": ("dnsmasq", "connection-refused", "wrong-answer"),
        "time": ("chronyd", "connection-refused", "unsynchronised"),
    }

    def setUp(self):
        super().setUp()
        need("smtpd", "dovecot", "dnsmasq", "chronyd")
        if os.geteuid() != 0:
            raise unittest.SkipTest("OpenSMTPD runs as root only")
        self.ports = {name: free_port(kind) for name, kind in (
            ("smtpd", socket.SOCK_STREAM), ("dovecot", socket.SOCK_STREAM),
            ("dnsmasq", socket.SOCK_DGRAM), ("chronyd", socket.SOCK_DGRAM))}
        self.servers = {}
        for name in self.ports:
            self.serve(name)

    # --- servers ---

    def serve(self, name, right=True):
        """Starts a server, that answers as it should or not."""
        port = self.ports[name]
        config = self.folder / f"{name}.conf"
        if name == "smtpd":
            config.write_text(SMTPD.format(port=port, name="mail.lab.test" if right else "other.lab.test"))
            command = ["/usr/sbin/smtpd", "-d", "-f", config]
        elif name == "dovecot":
            config.write_text(DOVECOT.format(folder=self.folder, port=port,
                                             greeting="city ready" if right else "another"))
            command = ["/usr/sbin/dovecot", "-F", "-c", config]
        elif name == "dnsmasq":
            address = "192.0.2.7" if right else "192.0.2.66"
            command = ["/usr/sbin/dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv",
                       "--no-hosts", "--local=/lab.test/", "--pid-file", "--user=root", f"--port={port}",
                       "--listen-address=127.0.0.1", "--bind-interfaces",
                       f"--host-record=www.lab.test,{address},2001:db8::7",
                       "--cname=alias.lab.test,www.lab.test", "--mx-host=lab.test,www.lab.test,10",
                       "--txt-record=lab.test,v=spf1 -all"] + \
                      [f"--txt-record=long.lab.test,{i:03}{'x' * 200}" for i in range(20)]
        else:
            config.write_text(CHRONY.format(folder=self.folder, port=port,
                                            source="local stratum 8" if right else ""))
            command = ["/usr/sbin/chronyd", "-d", "-x", "-U", "-f", config]
        process = self.start(name, *command)
        process.may_fail = True
        self.servers[name] = process

    def family(self, name):
        pid = self.servers[name].pid
        return [pid, *children_of(pid)]

    def hang(self, name):
        """The first one first: it starts no other in place of a stopped one."""
        os.kill(self.servers[name].pid, signal.SIGSTOP)
        for pid in self.family(name)[1:]:
            os.kill(pid, signal.SIGSTOP)

    def go_on(self, name):
        for pid in reversed(self.family(name)):
            os.kill(pid, signal.SIGCONT)

    def replace(self, name, right):
        self.servers[name].end()
        self.serve(name, right)

    # --- the agent and what it says ---

    def begin(self, checks, services):
        self.contract_path = self.contract({name: f"city/{name}" for name in services})
        self.city = self.collector({"agent": self.keys("agent")}, extra=f"contract: {self.contract_path}\n")
        common = f"device: city, host: 127.0.0.1, interval: {INTERVAL_S:.0f}s, timeout: {TIMEOUT_S * 1000:.0f}ms"
        body = "".join(f"  - {{name: {name}, {common}, {rest}}}\n" for name, rest in checks.items())
        self.agent(self.city, body=f"host: {{enabled: false}}\nchecks:\n{body}")

    def state(self, name):
        check = self.city.check("city", name)
        return check and (check["outcome"], check["reason"])

    def wait_for_states(self, what, wanted, seconds=20):
        seen = {}

        def reached():
            seen.update({name: self.state(name) for name in wanted})
            return all(seen[name] == state for name, state in wanted.items())
        try:
            wait_for(what, reached, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}: {seen}") from None

    def outage(self, name, since):
        """The one outage of a service since then, with its edges in seconds of 1970; None: not known."""
        stamp = lambda t: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(t))
        out = self.run_cli("sla", "show", "--contract", self.contract_path, "--collector", self.city.url,
                           "--period", f"{stamp(since)}/{stamp(time.time())}", "--service", name,
                           "--format", "json", check=0)[1]
        service = json.loads(out)["services"][0]
        if service["state"] != "up" or not service["outages"] or service["outages"][0]["open"]:
            return None
        self.assertEqual(service["outage_count"], 1, service["outages"])
        outage = service["outages"][0]
        for key in ("from", "to"):
            outage[key] = datetime.datetime.fromisoformat(outage[key].replace("Z", "+00:00")).timestamp()
        return outage

    # --- the tests ---

    def test_outages(self):
        checks = {
            "mail": f'type: smtp, port: {self.ports["smtpd"]}, expect: "mail\\\\.lab\\\\.test"',
            "mailbox": f'type: imap, port: {self.ports["dovecot"]}, expect: "city ready"',
            "banner": f'type: tcp, port: {self.ports["dovecot"]}, expect: "^\\\\* OK .*city"',
            "names": f'type: dns, port: {self.ports["dnsmasq"]}, query: www.lab.test, answers: [192.0.2.7]',
            "time": f'type: ntp, port: {self.ports["chronyd"]}, down_unless: ["offset < 1 s", "offset > -1 s"]',
        }
        self.begin(checks, checks)
        self.wait_for_states("everything up", {name: ("up", "") for name in checks}, 30)
        self._stopped()
        self._hung()
        self._wrong()
        self._values()

    def _break(self, what, spoil, mend, reasons):
        """All servers are away at the same time, one after the other within milliseconds."""
        time.sleep(2.1)  # good time in whole seconds between one outage and the next, for the period
        began, away, back = time.time(), {}, {}
        for name in self.ports:
            away[name] = timed(spoil, name)
        self.wait_for_states(what, {name: ("down", reason) for name, reason in reasons.items()})
        for name in self.ports:
            back[name] = timed(mend, name)
        self.wait_for_states(f"the end of: {what}", {name: ("up", "") for name in reasons})
        for name, reason in reasons.items():
            server = self.CHECKS[name][0]
            outage = wait_for("the outage in the ledger", lambda n=name: self.outage(n, began - 1))
            self._judge(what, name, outage, away[server], back[server], reason)

    def _judge(self, what, name, outage, away, back, reason):
        cause = outage["cause"][0]["reason"]
        print(f"{name:8} {what:8} away {back[0] - away[1]:6.3f} to {back[1] - away[0]:6.3f} s, counted "
              f"{outage['duration_ms'] / 1000:6.3f} s in [{outage['min_ms'] / 1000:.3f}, "
              f"{outage['max_ms'] / 1000:.3f}], seen after {outage['from'] - away[0]:+.3f} s, ended after "
              f"{outage['to'] - back[1]:+.3f} s: {cause}")
        # One that is about to end may answer the first in another way; one that is stopped cannot.
        self.assertIn(cause, {reason} if what == "hung" else {reason, *PASSING})
        # The bounds contain the truth, and each edge is within one interval of it. One who was asked
        # just before may have been caught by it.
        self.assertLessEqual(outage["min_ms"] / 1000, back[1] - away[0] + SLACK_S)
        self.assertGreaterEqual(outage["max_ms"] / 1000, back[0] - away[1] - SLACK_S)
        self.assertGreater(outage["from"], away[0] - SLACK_S)
        self.assertLess(outage["from"], away[1] + INTERVAL_S + SLACK_S)
        self.assertGreater(outage["to"], back[0] - SLACK_S)
        self.assertLess(outage["to"], back[1] + INTERVAL_S + SLACK_S)

    def _stopped(self):
        self._break("stopped", lambda name: self.servers[name].end(), self.serve,
                    {name: check[1] for name, check in self.CHECKS.items()})

    def _hung(self):
        self._break("hung", self.hang, self.go_on, {name: "timeout" for name in self.CHECKS})

    def _wrong(self):
        self._break("wrong", lambda name: self.replace(name, right=False),
                    lambda name: self.replace(name, right=True),
                    {name: check[2] for name, check in self.CHECKS.items()})

    def _values(self):
        """What is measured, in the rows: times are of loopback, and the clock is this machine's."""
        def latest(name):
            return self.city.json("/api/v1/object", device="city", kind="check", name=name)["latest"]
        for name in self.CHECKS:
            self.assertTrue(0 < latest(name)["rtt"] < TIMEOUT_S, name)
        for name in ("mail", "mailbox", "banner"):
            self.assertTrue(0 < latest(name)["banner"] < TIMEOUT_S, name)
        wait_for("a whole second of one answer",
                 lambda: (latest("names")["answers"], latest("names")["rcode"]) == (1, 0))
        # A second of the file has a share of the row before it, in which the server had no time.
        clock = wait_for("a whole second of good time",
                         lambda: latest("time")["stratum"] == 8 and latest("time"))
        # The server's clock is ours: what is left is the way's asymmetry, at most half of it.
        self.assertLessEqual(abs(clock["offset"]), clock["rtt"] / 2 + 1e-4)
        self.assertLess(clock["root_distance"], 0.1)

    def test_records(self):
        """Each kind of record, an alias, a name that is not there, and an answer that needs TCP."""
        dns = f'type: dns, port: {self.ports["dnsmasq"]}'
        checks = {
            "ipv6": f'{dns}, query: www.lab.test, record: AAAA, answers: ["2001:db8::7"]',
            "alias": f'{dns}, query: alias.lab.test, answers: [www.lab.test., 192.0.2.7]',
            "mx": f'{dns}, query: lab.test, record: MX, answers: ["10 www.lab.test."]',
            "txt": f'{dns}, query: lab.test, record: TXT, answers: [\'"v=spf1 -all"\']',
            "long": f'{dns}, query: long.lab.test, record: TXT',
            "lacking": f'{dns}, query: www.lab.test, record: SRV',
            "refused": f'{dns}, query: www.example.org',
            "as-wanted": f'{dns}, query: www.example.org, rcode: REFUSED',
            "soon": f'{dns}, query: www.lab.test, degraded_unless: ["ttl > 1 d"]',
        }
        self.begin(checks, ["ipv6"])
        wanted = {name: ("up", "") for name in ("ipv6", "alias", "mx", "txt", "long", "as-wanted")}
        wanted.update(lacking=("down", "no-answer"), refused=("down", "rcode"), soon=("degraded", "condition"))
        self.wait_for_states("each answer as it should be", wanted, 30)

        def many():
            latest = self.city.json("/api/v1/object", device="city", kind="check", name="long")["latest"]
            return latest["answers"] == 20
        wait_for("the long answer's row", many)


if __name__ == "__main__":
    main()
