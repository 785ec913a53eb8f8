"""The service: addresses, settings, and the server that listens where the Hub says."""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
import signal
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from jupyterhub.services.auth import HubOAuth
from jupyterhub.utils import url_path_join
from tornado.httpserver import HTTPServer
from tornado.web import Application, RedirectHandler, RequestHandler, StaticFileHandler

from qinlian.errors import ClassroomError
from qinlian.staff.office import Office
from qinlian.staff.page import PORTAL_STATIC, STATIC
from qinlian.staff.rooms import (
    ClassBook,
    ClassPage,
    Extensions,
    GuidePage,
    Home,
    Idle,
    IdleFile,
    Marking,
    Releases,
    Report,
    ReportFile,
    TemplateFile,
    UnitOverview,
)
from qinlian.staff.web import Callback, Missing, log

__all__ = ["make_app", "serve"]

_BODY = 64 * 1024
_PATIENCE = 20.0
"""Seconds for which a port that is taken is waited for."""
FORMGRADER_VARIABLE = "QINLIAN_FORMGRADER_URL"
"""Where formgrader's pages are, where that is not beside ours."""


class _Health(RequestHandler):
    def get(self) -> None:
        self.finish({"ok": True})


class _File(StaticFileHandler):
    """Style, script and mark; asked for anew each time, so that an update shows at once."""

    def set_extra_headers(self, path: str) -> None:
        self.set_header("Cache-Control", "no-cache")
        self.set_header("X-Content-Type-Options", "nosniff")


def make_app(office: Office, hub: HubOAuth, environ: Mapping[str, str] = os.environ) -> Application:
    """The pages below the service's prefix. ``hub`` tells who somebody is."""
    base, ours = hub.base_url, {"office": office, "hub": hub}
    formgrader = environ.get(FORMGRADER_VARIABLE) or url_path_join(
        environ.get("JUPYTERHUB_BASE_URL", "/"), "services", "formgrader", "formgrader"
    )
    pages: list[Any] = [
        (base, Home, ours),
        (base.rstrip("/"), RedirectHandler, {"url": base}),
        (f"{base}oauth_callback", Callback, {"hub": hub}),
        (f"{base}health", _Health),
        (f"{base}overview", UnitOverview, ours),
        (f"{base}idle", Idle, ours),
        (f"{base}idle.xlsx", IdleFile, ours),
        (f"{base}report", Report, ours),
        (f"{base}report.xlsx", ReportFile, ours),
        (f"{base}class.html", ClassPage, ours),
        (f"{base}class.xlsx", ClassBook, ours),
        (f"{base}marking", Marking, ours),
        (f"{base}releases", Releases, ours),
        (f"{base}extensions", Extensions, ours),
        (f"{base}template.xlsx", TemplateFile, ours),
        (f"{base}guide", GuidePage, ours),
        (rf"{base}guide/([a-z]+)", GuidePage, ours),
        (rf"{base}static/((?:portal\.css|mark\.svg))", _File, {"path": PORTAL_STATIC}),
        (rf"{base}static/(.*)", _File, {"path": STATIC}),
        (".*", Missing, ours),
    ]
    return Application(
        pages,
        # Whoever is signed in is asked of the Hub again after a restart, without noticing.
        cookie_secret=secrets.token_bytes(32),
        xsrf_cookies=True,
        xsrf_cookie_kwargs={"httponly": True, "samesite": "Lax"},
        formgrader=formgrader,
    )


async def _listen(server: HTTPServer, port: int, host: str) -> None:
    """Listen, as soon as the service of a Hub that was killed has let go of the port."""
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            # Tornado's own listen leaves a socket open where it fails.
            opened = socket.create_server((host, port), backlog=128)
            break
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > until:
                raise
        await asyncio.sleep(0.2)
    opened.setblocking(False)
    server.add_socket(opened)


async def serve(office: Office, environ: Mapping[str, str] = os.environ) -> None:
    """Serve until SIGTERM or SIGINT. Raises ClassroomError when the Hub did not start this."""
    where = urlsplit(environ.get("JUPYTERHUB_SERVICE_URL", ""))
    if not where.hostname or not where.port or not environ.get("JUPYTERHUB_API_TOKEN"):
        raise ClassroomError("教师页面由 JupyterHub 作为服务启动，不能单独运行；写法见 deploy/hub/")
    server = HTTPServer(make_app(office, HubOAuth.instance(), environ), xheaders=True, max_body_size=_BODY)
    await _listen(server, where.port, where.hostname)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    log.info("教师页面已就绪")
    # Not there yet, it is tried again with the first page.
    with suppress(Exception):
        await office.start()
    await stop.wait()
    server.stop()
