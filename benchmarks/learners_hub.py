"""A released course and a real JupyterHub for learners who, as root, are unix users made for the occasion."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.room import REPOSITORY
from tests.hub.small_hub import Answer, SmallHub, Visitor, as_json

__all__ = ["LearnersHub", "learners_of"]

_PATIENCE = 240
"""Seconds that anything may take to start: a machine that is busy is no reason to fail."""
_SETTINGS = """
c.JupyterHub.template_paths = []
c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = {password!r}
c.Authenticator.allowed_users = {learners!r}
c.JupyterHub.services = [dict(name="benchmark", api_token={token!r})]
c.JupyterHub.load_roles = [
    dict(name="benchmark", services=["benchmark"], scopes=["admin:users", "admin:servers", "access:servers"])
]
c.JupyterHub.spawner_class = {spawner!r}
c.Spawner.cmd = {server!r}
c.Spawner.environment = {environment!r}
c.Spawner.default_url = "/qinlian/"
c.Spawner.http_timeout = c.Spawner.start_timeout = {patience}
"""


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


class LearnersHub:
    """Below ``folder`` (with ``homes``), for ``learners``; ``server`` is the command of a learner's server.

    ``environment`` is what all servers get; the course's exchange is ``folder / "exchange"``.
    """

    def __init__(
        self, folder: Path, learners: Sequence[str], server: Sequence[str], environment: Mapping[str, str]
    ) -> None:
        self.password, self._token = secrets.token_urlsafe(24), secrets.token_hex(24)
        _release(folder / "exchange" / "qinlian")
        state = folder / "hub"
        shutil.rmtree(state, ignore_errors=True)
        state.mkdir(mode=0o700)
        (state / "homes").symlink_to(folder / "homes")
        settings = _SETTINGS.format(
            password=self.password,
            learners=set(learners),
            token=self._token,
            spawner="jupyterhub.spawner.LocalProcessSpawner" if os.geteuid() == 0 else "simple",
            server=list(server),
            environment=dict(environment),
            patience=_PATIENCE,
        )
        self._hub = SmallHub(state, "", settings)

    def __enter__(self) -> LearnersHub:
        self._hub.start()
        return self

    def __exit__(self, *_: object) -> None:
        # The Hub ends the learners' servers and its proxy by itself when it is asked to end.
        self._hub.stop()

    @property
    def url(self) -> str:
        """Where people come in."""
        return self._hub.url

    def start_server(self, learner: str) -> float:
        """Start a learner's server and wait for it; returns the seconds that took."""
        begun = time.monotonic()
        self._ask("POST", f"/hub/api/users/{learner}/server")
        self._wait(lambda: self._is_ready(learner), "a learner's server")
        return time.monotonic() - begun

    def end_kernels(self, learner: str) -> None:
        """End a learner's kernels as the culler does."""
        for kernel in as_json(self._ask("GET", f"/user/{learner}/api/kernels")):
            self._ask("DELETE", f"/user/{learner}/api/kernels/{kernel['id']}")
        self._wait(lambda: not self.processes(learner)[1], "the end of the kernels")

    def processes(self, learner: str) -> tuple[int, list[int]]:
        """Ids of a learner's server and of its kernels."""
        parents = _processes_of(learner)
        (server,) = (pid for pid, parent in parents.items() if parent not in parents)
        return server, [pid for pid, parent in parents.items() if parent in parents]

    def _ask(self, method: str, path: str) -> Answer:
        visitor = Visitor(self._hub, Authorization=f"token {self._token}")
        answer = visitor.ask(path, method=method)
        if answer.status >= 400:
            raise SystemExit(f"{method} {path}: {answer.status} {answer.text[:300]}")
        return answer

    def _is_ready(self, learner: str) -> bool:
        found = as_json(self._ask("GET", f"/hub/api/users/{learner}"))
        return bool(found["servers"].get("", {}).get("ready"))

    def _wait(self, true: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + _PATIENCE
        while not true():
            if time.monotonic() > until:
                raise SystemExit(f"{what} did not come within {_PATIENCE} s:\n{self._hub.log[-3000:]}")
            time.sleep(0.05)


def _release(course: Path) -> None:
    if course.is_dir():
        return
    shutil.copytree(REPOSITORY / "release", course / "outbound")
    for name, mode in (("inbound", 0o1733), ("feedback", 0o711)):
        (course / name).mkdir()
        (course / name).chmod(mode)


def _processes_of(learner: str) -> dict[int, int]:
    """Process → its parent, of all that run with this learner's name in their environment."""
    mark, found = f"JUPYTERHUB_USER={learner}\0".encode(), {}
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and mark in (entry / "environ").read_bytes():
                found[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
    return found
