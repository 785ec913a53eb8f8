"""A real JupyterHub in a scratch folder: a released course, its proxy, and learners who are unix users.

As root every learner is a unix user of their own, made for the occasion and removed afterwards; as anybody
else all learners are that user, in homes of their own.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Memory", "Process", "SmallHub", "learners_of"]

REPOSITORY = Path(__file__).resolve().parent.parent
COURSE = "qinlian"
_PATIENCE = 240
"""Seconds that anything may take to start: a machine that is busy is no reason to fail."""


def _free_ports(count: int) -> list[int]:
    with contextmanager(_sockets)(count) as found:
        return [s.getsockname()[1] for s in found]


def _sockets(count: int) -> Iterator[list[socket.socket]]:
    found = [socket.socket() for _ in range(count)]
    try:
        for each in found:
            each.bind(("127.0.0.1", 0))
        yield found
    finally:
        for each in found:
            each.close()


@contextmanager
def learners_of(count: int, homes: Path) -> Iterator[list[str]]:
    """``count`` learners with homes below ``homes``: unix users of their own where we are root."""
    names = [f"qlbench{number:02d}" for number in range(1, count + 1)]
    if os.geteuid() != 0:
        for name in names:
            (homes / name).mkdir(parents=True)
        yield names
        return
    try:
        for name in names:
            # Without the skeleton of a home: no file of this machine may change what is measured.
            folder = ["--create-home", "--base-dir", str(homes), "--skel", "/nonexistent"]
            subprocess.run(["useradd", "--user-group", "--shell", "/bin/sh", *folder, name], check=True)
        yield names
    finally:
        for name in names:
            subprocess.run(["userdel", "--force", name], check=False, stderr=subprocess.DEVNULL)


@dataclass(frozen=True)
class Memory:
    """Megabytes of one process: ``pss`` counts what is shared by its share, ``uss`` what is its own alone."""

    pss: float
    uss: float

    @classmethod
    def of(cls, pid: int) -> Memory:
        """Read ``/proc/<pid>/smaps_rollup``."""
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
        kb = {name: int(rest.split()[0]) for name, rest in (line.split(":", 1) for line in lines)}
        own = kb["Private_Clean"] + kb["Private_Dirty"]
        return cls(kb["Pss"] / 1024, own / 1024)


@dataclass(frozen=True)
class Process:
    """One process of a learner; ``parent`` is the id of its parent."""

    pid: int
    parent: int
    command: str


def _processes_of(learner: str) -> list[Process]:
    found = []
    mark = f"JUPYTERHUB_USER={learner}\0".encode()
    for entry in Path("/proc").iterdir():
        with suppress(OSError, IndexError):
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes():
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                words = (entry / "cmdline").read_bytes().split(b"\0")
                found.append(Process(int(entry.name), parent, b" ".join(words).decode(errors="replace")))
    return found


@dataclass
class SmallHub:
    """A JupyterHub over ``folder`` for ``learners``; ``proxy`` is the command of configurable-http-proxy.

    ``server`` is the command of a learner's server, ``environment`` what all of them get.
    """

    folder: Path
    learners: Sequence[str]
    server: Sequence[str]
    environment: Mapping[str, str]
    proxy: Sequence[str]
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    _token: str = field(default_factory=lambda: secrets.token_hex(24), repr=False)
    _hub: subprocess.Popen[bytes] | None = None
    _port: int = 0

    def __enter__(self) -> SmallHub:
        self._port, *ports = _free_ports(3)
        state = self.folder / "hub"
        shutil.rmtree(state, ignore_errors=True)
        state.mkdir(mode=0o700)
        self._release()
        (state / "settings.json").write_text(json.dumps(self._settings(ports)), "utf-8")
        with (state / "log").open("wb") as log:
            self._hub = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "-f", str(Path(__file__).with_name("hub_config.py"))],
                cwd=state,
                env={**os.environ, "QINLIAN_BENCHMARK_HUB": str(state / "settings.json"), "PYTHONUTF8": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait(lambda: self.api("") is not None, _PATIENCE, "the Hub")
        return self

    def __exit__(self, *_: object) -> None:
        assert self._hub is not None
        # The Hub ends the learners' servers and its proxy by itself when it is asked to end.
        self._hub.send_signal(signal.SIGTERM)
        try:
            self._hub.wait(60)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self._hub.pid, signal.SIGKILL)
        for learner in self.learners:
            for process in _processes_of(learner):
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)

    @property
    def address(self) -> str:
        """Where the Hub listens, with a slash at its end."""
        return f"http://127.0.0.1:{self._port}/"

    @property
    def log(self) -> str:
        """What Hub, proxy and servers printed so far."""
        return (self.folder / "hub" / "log").read_text("utf-8", errors="replace")

    def _release(self) -> None:
        course = self.folder / "exchange" / COURSE
        if course.is_dir():
            return
        shutil.copytree(REPOSITORY / "release", course / "outbound")
        (course / "inbound").mkdir()
        (course / "feedback").mkdir()
        (course / "inbound").chmod(0o1733)
        (course / "feedback").chmod(0o711)

    def _settings(self, ports: Sequence[int]) -> dict[str, Any]:
        hub, api = ports
        own = os.geteuid() == 0
        spawner = "jupyterhub.spawner.LocalProcessSpawner" if own else "jupyterhub.spawner.SimpleLocalProcessSpawner"
        return {
            "JupyterHub": {
                "bind_url": f"http://127.0.0.1:{self._port}/",
                "hub_bind_url": f"http://127.0.0.1:{hub}/",
                "authenticator_class": "shared-password",
                "spawner_class": spawner,
                "services": [{"name": "benchmark", "api_token": self._token}],
                "load_roles": [
                    {
                        "name": "benchmark",
                        "scopes": ["admin:users", "admin:servers", "access:servers"],
                        "services": ["benchmark"],
                    }
                ],
                "concurrent_spawn_limit": 0,
                "implicit_spawn_seconds": 0.1,
            },
            "SharedPasswordAuthenticator": {"user_password": self.password},
            "Authenticator": {"allowed_users": list(self.learners)},
            "ConfigurableHTTPProxy": {"command": list(self.proxy), "api_url": f"http://127.0.0.1:{api}/"},
            "Spawner": {
                "cmd": list(self.server),
                "environment": dict(self.environment),
                "default_url": "/qinlian/",
                "http_timeout": _PATIENCE,
                "start_timeout": _PATIENCE,
            },
            "SimpleLocalProcessSpawner": {"home_dir_template": str(self.folder / "homes" / "{username}")},
        }

    def api(self, path: str, method: str = "GET", below: str = "hub/") -> Any:
        """Ask the Hub's REST API, or that of what else is ``below``; None while nobody answers yet."""
        request = urllib.request.Request(
            f"{self.address}{below}api/{path}", method=method, headers={"Authorization": f"token {self._token}"}
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                body = answer.read()
        except OSError:
            # Nobody listens yet, or the proxy does not know the Hub yet.
            return None
        return json.loads(body) if body else {}

    def start_server(self, learner: str) -> float:
        """Start a learner's server and wait for it; returns the seconds that took."""
        begun = time.monotonic()
        self.api(f"users/{learner}/server", "POST")
        self._wait(lambda: self._is_ready(learner), _PATIENCE, "a learner's server")
        return time.monotonic() - begun

    def _is_ready(self, learner: str) -> bool:
        return bool(self.api(f"users/{learner}")["servers"].get("", {}).get("ready"))

    def end_kernels(self, learner: str) -> None:
        """End a learner's kernels as the culler does."""
        below = f"user/{learner}/"
        for kernel in self.api("kernels", below=below):
            self.api(f"kernels/{kernel['id']}", "DELETE", below)
        self._wait(lambda: not self.processes(learner)[1], 60, "the end of the kernels")

    def processes(self, learner: str) -> tuple[Process, list[Process]]:
        """A learner's server, and its kernels."""
        found = _processes_of(learner)
        ids = {p.pid for p in found}
        (server,) = (p for p in found if p.parent not in ids)
        return server, [p for p in found if p.parent in ids]

    def _wait(self, true: Any, seconds: float, what: str) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            assert self._hub is not None
            if self._hub.poll() is not None:
                raise SystemExit(f"the Hub ended:\n{self.log[-3000:]}")
            if true():
                return
            time.sleep(0.05)
        raise SystemExit(f"{what} did not come within {seconds} s:\n{self.log[-3000:]}")
