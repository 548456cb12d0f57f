# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of types http and tls through agent and collector, against nginx and openssl s_server:
stopped, hung, and answering wrongly in every way. Each change is seen within one interval, and the
sampling bounds contain it."""

import datetime
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request

import lab
from lab import Lab, free_port, lab_time, need, wait_for

INTERVAL, TIMEOUT = 1.0, 0.5
# A probe that was under way when we acted is dated before; a machine under load comes late.
BEFORE, LATE = 0.3, 0.7

NUL_NAME = b"localhost\0.example.org"


def der_name(name):
    """subjectAltName with one dNSName, RFC 5280 section 4.2.1.6."""
    der = bytes([0x30, len(name) + 2, 0x82, len(name)]) + name
    return "subjectAltName=DER:" + ":".join(f"{b:02x}" for b in der)


class ChecksWeb(Lab):
    def openssl(self, *arguments):
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, cwd=self.folder)

    def make_certificates(self):
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        self.openssl("req", "-x509", *key, "-days", 3650, "-subj", "/CN=Lab CA", "-keyout", "ca.key", "-out", "ca.pem")
        self.openssl("req", "-new", *key, "-subj", "/CN=lab", "-keyout", "own.key", "-out", "own.csr")
        for name, days, extension in (("good", 30, "subjectAltName=DNS:localhost"),
                                      ("expired", -1, "subjectAltName=DNS:localhost"),
                                      ("other", 30, "subjectAltName=DNS:www.example.org"),
                                      ("nul", 30, der_name(NUL_NAME))):
            (self.folder / "extension").write_text(extension + "\n")
            self.openssl("x509", "-req", "-in", "own.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                         "-days", days, "-extfile", "extension", "-out", f"{name}.pem")
        self.openssl("req", "-x509", "-key", "own.key", "-days", 30, "-subj", "/CN=localhost",
                     "-addext", "subjectAltName=DNS:localhost", "-out", "self.pem")

    # --- servers ---

    def start_nginx(self):
        need("nginx")
        here = self.folder
        if not hasattr(self, "web"):
            self.web, self.secure = free_port(), free_port()
            (here / "body").write_text("<h1>Mairie</h1>")
            with open(here / "large", "wb") as large:
                large.truncate(1 << 30)
            (here / "nginx.conf").write_text(f"""
daemon off; master_process off; pid {here}/nginx.pid; error_log stderr crit;
events {{}}
http {{
  access_log off; default_type text/plain;
  client_body_temp_path {here}/t1; proxy_temp_path {here}/t2; fastcgi_temp_path {here}/t3;
  uwsgi_temp_path {here}/t4; scgi_temp_path {here}/t5;
  server {{
    listen 127.0.0.1:{self.web}; listen 127.0.0.1:{self.secure} ssl; server_name localhost; root {here};
    ssl_certificate {here}/good.pem; ssl_certificate_key {here}/own.key;
    set $state good;
    if (-f {here}/broken) {{ set $state bad; }}
    location = /status {{ if ($state = bad) {{ return 503; }} return 200 fine; }}
    location = /body {{ }}
    location = /large {{ }}
    location = /header {{ add_header X-State $state; return 200 fine; }}
    location = /away {{ if ($state = bad) {{ return 302 /away; }} return 302 http://127.0.0.1:{self.web}/status; }}
  }}
}}
""")
        self.nginx = self.start("nginx", "/usr/sbin/nginx", "-c", here / "nginx.conf")
        wait_for("nginx", lambda: self.answers(self.web))

    def answers(self, port):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/header", timeout=2) as answer:
                return answer.status == 200
        except urllib.error.URLError:
            return False

    def start_s_server(self, certificate, *options):
        """On the same port each time."""
        self.tls_port = getattr(self, "tls_port", None) or free_port()
        self.n_servers = getattr(self, "n_servers", 0) + 1
        self.s_server = self.start(f"s_server-{self.n_servers}", "openssl", "s_server", "-accept",
                                   f"127.0.0.1:{self.tls_port}", "-key", self.folder / "own.key", "-cert",
                                   self.folder / f"{certificate}.pem", "-www", "-quiet", *options)
        self.s_server.may_fail = True

    def s_server_shows(self, certificate):
        wanted = ssl.PEM_cert_to_DER_cert((self.folder / f"{certificate}.pem").read_text())
        return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", self.tls_port), timeout=2)) == wanted

    # --- what the collector says ---

    def runs(self, check):
        now = time.time()
        text = lambda t: datetime.datetime.fromtimestamp(t, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        runs = self.city.json("/api/v1/runs", device="site", check=check, **{"from": text(self.began - 2),
                                                                            "to": text(now + 2)})["runs"]
        return sorted(runs, key=lambda run: lab_time(run["first"]))

    def is_up(self, *checks):
        return all((self.city.check("site", check) or {}).get("outcome") == "up" for check in checks)

    def change(self, what, outcome, checks, waited=0.0):
        """Does something, and each check's outcome changes within an interval, between the last
        result before and the first one after. `checks`: their reasons by name. `waited`: how long a
        request may have waited for it and still be answered in time, which is up from when it asked."""
        start = time.time()
        what()
        end = time.time()

        def reached():
            for check, reason in checks.items():
                state = self.city.check("site", check)
                if state["outcome"] != outcome or state["reason"] != reason:
                    return False
            return True
        try:
            wait_for(f"{outcome}: {checks}", reached, 20)
        except AssertionError as error:
            raise AssertionError(f"{error}; {[self.city.check('site', c) for c in checks]}") from None
        for check in checks:
            runs = wait_for(f"the statements of {check}", lambda: self.changed(check, outcome, start - waited - BEFORE))
            before, after = runs
            last, first = lab_time(before["last"]), lab_time(after["first"])
            print(f"{check}: {outcome}, {after['reason']}: last {last - start:+.3f} s, first {first - start:+.3f} s")
            self.assertLessEqual(last, end + BEFORE, check)
            self.assertGreaterEqual(first, start - waited - BEFORE, check)
            self.assertLessEqual(first, end + INTERVAL + LATE, check)
            self.assertLessEqual(first - last, INTERVAL + LATE, check)

    def changed(self, check, outcome, since):
        """The runs on both sides of the change to an outcome (up: from any other)."""
        runs = self.runs(check)
        for before, after in zip(runs, runs[1:]):
            is_change = (before["outcome"] == "up") != (after["outcome"] == "up")
            if is_change and (after["outcome"] == outcome) and lab_time(after["first"]) >= since:
                return before, after
        return None

    # --- the test ---

    def test_web(self):
        need("nginx", "openssl")
        self.began = time.time()
        self.make_certificates()
        self.start_nginx()
        self.start_s_server("good")
        times = f"device: site, interval: {INTERVAL:g}s, timeout: {TIMEOUT * 1000:g}ms"
        http = f'type: http, url: "http://127.0.0.1:{self.web}'
        self.city = self.collector({"agent": self.keys("agent")})
        self.agent_process = self.agent(self.city, body=f"""
host: {{enabled: false}}
checks:
  - {{name: status, {times}, {http}/status"}}
  - {{name: body, {times}, {http}/body", body_match: "Mairie"}}
  - {{name: header, {times}, {http}/header", header_match: "^X-State: good$"}}
  - {{name: away, {times}, type: http, url: "http://localhost:{self.web}/away", redirects: 3, status: 200}}
  - {{name: large, {times}, {http}/large"}}
  - {{name: larger, {times}, {http}/large", size_max: 2MiB}}
  - {{name: https, {times}, type: http, url: "https://localhost:{self.secure}/status", ca_file: {self.folder}/ca.pem}}
  - {{name: https-s, {times}, type: http, url: "https://localhost:{self.tls_port}/", ca_file: {self.folder}/ca.pem}}
  - {{name: tls, {times}, type: tls, host: localhost, port: {self.tls_port}, ca_file: {self.folder}/ca.pem}}
  - {{name: tls-system, {times}, type: tls, host: localhost, port: {self.tls_port}}}
  - {{name: tls-renew, {times}, type: tls, host: localhost, port: {self.tls_port}, ca_file: {self.folder}/ca.pem, degraded_unless: ["days_left > 60 d"]}}
""")
        wait_for("all up", lambda: self.is_up("status", "body", "header", "away", "large", "https", "https-s", "tls"))
        self._constant_ones()
        self._wrong_answers()
        self._hung()
        self._stopped()
        self._wrong_certificates()

    def _constant_ones(self):
        for check, outcome, reason in (("larger", "down", "body-size"), ("tls-system", "down", "tls-chain"),
                                       ("tls-renew", "degraded", "condition")):
            state = self.city.check("site", check)
            self.assertEqual((state["outcome"], state["reason"]), (outcome, reason), check)
        latest = self.city.json("/api/v1/object", device="site", kind="check", name="tls")["latest"]
        self.assertAlmostEqual(latest["days_left"], 30, delta=0.1)
        self.assertAlmostEqual(latest["chain_days_left"], 30, delta=0.1)
        self.assertEqual(latest["version"], 1.3)
        latest = self.city.json("/api/v1/object", device="site", kind="check", name="https")["latest"]
        self.assertEqual((latest["status"], latest["size"]), (200, 4))
        self.assertGreaterEqual(latest["total"], latest["connect"] + latest["tls"] + latest["first_byte"])
        latest = self.city.json("/api/v1/object", device="site", kind="check", name="large")["latest"]
        self.assertEqual(latest["size"], 1 << 30)

    def _wrong_answers(self):
        broken = self.folder / "broken"

        def spoil():
            (self.folder / "body.new").write_text("<h1>Under maintenance</h1>")
            (self.folder / "body.new").rename(self.folder / "body")
            broken.touch()

        def mend():
            (self.folder / "body.new").write_text("<h1>Mairie</h1>")
            (self.folder / "body.new").rename(self.folder / "body")
            broken.unlink()
        self.change(spoil, "down", {"status": "http-status", "body": "http-body", "header": "http-header",
                                    "away": "redirects", "https": "http-status"})
        self.assertEqual(self.city.check("site", "status")["detail"], "got 503, expected 200 to 399")
        self.change(mend, "up", {c: "" for c in ("status", "body", "header", "away", "https")})

    def _hung(self):
        def signal_all(number):
            self.nginx.signal(number)
            self.s_server.signal(number)
        hung = ("status", "body", "header", "away", "https", "https-s", "tls")
        self.change(lambda: signal_all(signal.SIGSTOP), "down", {c: "timeout" for c in hung})
        self.change(lambda: signal_all(signal.SIGCONT), "up", {c: "" for c in hung}, TIMEOUT)

    def _stopped(self):
        checks = ("status", "body", "header", "away", "https")
        self.change(self.nginx.kill, "down", {c: "connection-refused" for c in checks})
        self.processes.remove(self.nginx)
        self.change(self.start_nginx, "up", {c: "" for c in checks})

    def _wrong_certificates(self):
        wrong = {"expired": "tls-expired", "other": "tls-name", "nul": "tls-name", "self": "tls-chain"}
        for certificate, reason in wrong.items():
            def swap(name=certificate):
                self.s_server.kill()
                self.processes.remove(self.s_server)
                self.start_s_server(name)
                wait_for("s_server", lambda: self.s_server_shows(name))
            with self.subTest(certificate):
                self.change(swap, "down", {"tls": reason, "https-s": reason})
                self.change(lambda: swap("good"), "up", {"tls": "", "https-s": ""})


if __name__ == "__main__":
    lab.main()
