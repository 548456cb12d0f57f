#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for a city on loopback, for packaging/quickstart: a web site, a helpdesk line that
answers, and citizens who read the site at a steady pace, so that there is something to watch.

usage: quickstart-city.py WEB_PORT HELPDESK_PORT

Prints "ready" once both ports listen; ends on SIGTERM, SIGINT, or when its parent ends."""

import http.client
import http.server
import os
import signal
import socketserver
import sys
import threading
import time

PAGES_PER_SECOND = 20
PAGE = (b"<!doctype html><title>Ville-Demo</title><h1>Ville-Demo</h1>" + b"<p>Bienvenue.</p>" * 1000)


class Site(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_):
        pass


class Helpdesk(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(b"220 helpdesk of Ville-Demo\r\n")


class HelpdeskServer(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def read_pages(port):
    """One page every 1/PAGES_PER_SECOND s, on the clock, whatever a page takes."""
    connection = None
    due = time.monotonic()
    while True:
        due = max(due + 1 / PAGES_PER_SECOND, time.monotonic() - 1)
        time.sleep(max(0, due - time.monotonic()))
        try:
            connection = connection or http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/")
            connection.getresponse().read()
        except (OSError, http.client.HTTPException):
            connection = None


def main():
    if len(sys.argv) != 3 or not all(a.isdigit() for a in sys.argv[1:]):
        sys.exit(__doc__)
    web_port, helpdesk_port = map(int, sys.argv[1:])
    parent = os.getppid()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C: our parent stops us
    try:
        site = http.server.ThreadingHTTPServer(("127.0.0.1", web_port), Site)
        helpdesk = HelpdeskServer(("127.0.0.1", helpdesk_port), Helpdesk)
    except OSError as error:
        sys.exit(f"quickstart-city: cannot listen: {error}")
    for serve in (site.serve_forever, helpdesk.serve_forever):
        threading.Thread(target=serve, daemon=True).start()
    threading.Thread(target=read_pages, args=(web_port,), daemon=True).start()
    print("ready", flush=True)
    while os.getppid() == parent:
        time.sleep(1)


if __name__ == "__main__":
    main()
