"""The instructors' pages served to a test, with a Hub that knows people by a cookie; the rest is as in a Hub."""

from __future__ import annotations

import asyncio
import http.client
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from jupyterhub.services.auth import HubOAuth
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets

from qinlian.staff.app import make_app
from qinlian.staff.office import Office
from qinlian.staff.places import Places

__all__ = ["BASE", "Answer", "Site", "serving"]

BASE = "/services/staff/"
_SCOPE = "access:services!service=staff"


class _Hub(HubOAuth):
    """Says who somebody is, as the Hub's REST API would: the cookie ``me`` is name, kind and scope."""

    def get_user(self, handler: Any, *, sync: bool = True) -> Any:
        """See HubAuth."""
        name, _, rest = (handler.get_cookie("me") or "").partition(":")
        model = {"name": name, "kind": rest or "user", "scopes": [] if rest == "stranger" else [_SCOPE]}
        if rest == "stranger":
            model["kind"] = "user"
        found = model if name else None
        if sync:
            return found

        async def later() -> Any:
            return found

        return later()


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    text: str
    headers: dict[str, str] = field(repr=False)
    data: bytes = field(repr=False)

    @property
    def xsrf(self) -> str:
        """The token of the first form on the page."""
        found = re.search(r'name="_xsrf" value="([^"]+)"', self.text)
        assert found, self.text
        return found[1]


@dataclass
class Site:
    """A client of the pages, with cookies for each person."""

    port: int
    jars: dict[str, dict[str, str]] = field(default_factory=dict)

    def get(self, path: str = "", me: str = "", **query: str) -> Answer:
        """Open a page as ``me``."""
        return self.send("GET", f"{path}?{urlencode(query)}" if query else path, me)

    def post(self, path: str, me: str, **fields: str) -> Answer:
        """Send a form as ``me``."""
        return self.send("POST", path, me, urlencode(fields))

    def send(self, method: str, path: str, me: str = "", body: str = "", **headers: str) -> Answer:
        """Any request; ``headers`` with _ for -."""
        # Everybody has a session of their own, as on a Hub: the tokens of forms are made of it.
        jar = self.jars.setdefault(me, {"me": me, "jupyterhub-session-id": me} if me else {})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers |= {"Cookie": "; ".join(f"{k}={v}" for k, v in jar.items()), "User-Agent": "test"}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, path if path.startswith("/") else BASE + path, body or None, headers)
        answer = connection.getresponse()
        data = answer.read()
        for name, value in answer.getheaders():
            if name == "Set-Cookie":
                key, _, rest = value.partition("=")
                jar[key] = rest.partition(";")[0]
        connection.close()
        return Answer(answer.status, data.decode("utf-8", "replace"), dict(answer.getheaders()), data)


@contextmanager
def serving(places: Places) -> Iterator[Site]:
    """The pages of that course, on a port of their own."""
    (socket,) = bind_sockets(0, "127.0.0.1")
    ready, stop = threading.Event(), threading.Event()

    async def run() -> None:
        hub = _Hub(api_token="x", oauth_client_id="service-staff", base_url=BASE, api_url="http://127.0.0.1:1/hub/api")
        hub.access_scopes = {_SCOPE}
        office = Office(places)
        await office.start()
        server = HTTPServer(make_app(office, hub, {}), xheaders=True)
        server.add_sockets([socket])
        ready.set()
        while not stop.is_set():
            await asyncio.sleep(0.02)
        server.stop()
        await server.close_all_connections()

    thread = threading.Thread(target=lambda: asyncio.run(run()), daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield Site(socket.getsockname()[1])
    finally:
        stop.set()
        thread.join(10)
