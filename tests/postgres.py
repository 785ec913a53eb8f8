"""A private PostgreSQL for one test: its own data, port and socket, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ports import free_ports

__all__ = ["PostgresServer", "running_postgres", "running_server"]

_SERVER_USER = "postgres"
"""PostgreSQL refuses to run as root; anybody else runs it under their own name."""
_SETTINGS = {"fsync": "off", "max_connections": "200", "log_min_messages": "warning"}


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path is None:
        raise RuntimeError("PostgreSQL's server programs are not installed: apt-get install postgresql")
    return Path(on_path).parent


class PostgresServer:
    """One server over one folder, which can be killed and started again."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self._folder, self._settings = folder, settings
        self._programs, self._data = _programs(), folder / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_ports()
        self._user = pwd.getpwnam(_SERVER_USER) if os.geteuid() == 0 else None

    @property
    def url(self) -> str:
        """SQLAlchemy's address of the database ``gradebook``."""
        return self.url_of("gradebook")

    def url_of(self, database: str) -> str:
        """The address of another database of this server."""
        return f"postgresql+psycopg://grader@127.0.0.1:{self.port}/{database}"

    def create(self, database: str, template: str = "template0") -> str:
        """Make an empty database, or a copy of ``template`` while nobody uses that; returns its address."""
        where = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "grader")
        self._run("createdb", *where, "-E", "UTF8", "-T", template, database)
        return self.url_of(database)

    def initialise(self) -> None:
        """Make the data folder, with ``grader`` as the one who may do everything."""
        if self._user is not None:
            os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        options = ("-U", "grader", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")
        self._run("initdb", "-D", str(self._data), *options)

    def start(self) -> None:
        """Start (again) and wait until it answers."""
        settings = _SETTINGS | {"unix_socket_directories": str(self._folder)} | self._settings
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data, "-h", "127.0.0.1", "-p", str(self.port), *options],
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._identity(),
            )
        deadline = time.monotonic() + 30
        ready = [self._programs / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port), "-t", "1"]
        while subprocess.run(ready, check=False).returncode:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self._folder / "server.log").read_text(errors="replace"))
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop in order: open connections are closed, what was committed is on disk."""
        self._signal(signal.SIGINT)

    def crash(self) -> None:
        """Die as in a power cut: every process at once, with nothing written down first."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(30)
            self._process = None

    def _signal(self, what: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(what)
            self._process.wait(30)
            self._process = None

    def _identity(self) -> dict[str, object]:
        if self._user is None:
            return {"cwd": self._folder}
        return {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": [], "cwd": self._folder}

    def _run(self, program: str, *arguments: str) -> None:
        made = subprocess.run(
            [self._programs / program, *arguments], capture_output=True, text=True, check=False, **self._identity()
        )
        if made.returncode:
            raise RuntimeError(f"{program}: {made.stderr}")


@contextmanager
def running_server(**settings: str) -> Iterator[PostgresServer]:
    """A server with an empty database ``gradebook``; ``settings`` are PostgreSQL's own, such as ``fsync="on"``."""
    folder = Path(tempfile.mkdtemp(prefix="qinlian-postgres-"))
    server = PostgresServer(folder, settings)
    try:
        server.initialise()
        server.start()
        server.create("gradebook")
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_postgres(**settings: str) -> Iterator[str]:
    """The address of an empty database of a server of its own."""
    with running_server(**settings) as server:
        yield server.url
