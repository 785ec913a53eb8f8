"""In the place of a learner's server, for tests of the Hub's own pages: starts and ends as its home says."""

from __future__ import annotations

import os
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import urlsplit


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        icon = '<link rel="icon" href="data:,">'
        name = os.environ["JUPYTERHUB_USER"]
        self.wfile.write(f"<!DOCTYPE html>{icon}<title>空间</title><h1>{name}</h1>".encode())


def main() -> None:
    """Files in the home: ``wait`` holds seconds before it listens, ``fail`` ends it, ``stubborn`` makes it stay."""
    home = Path(os.environ["HOME"])
    if (home / "fail").exists():
        sys.exit(1)
    if (home / "stubborn").exists():
        for ending in (signal.SIGINT, signal.SIGTERM):
            signal.signal(ending, signal.SIG_IGN)
    if (home / "wait").exists():
        time.sleep(float((home / "wait").read_text()))
    HTTPServer(("127.0.0.1", urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"]).port or 0), _Page).serve_forever()


main()
