"""The processes of a classroom: started, watched, started again, and ended without a trace."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Process", "stop_all"]

_PATIENCE = 10.0
_LIMIT = 5
_WITHIN = 300.0


def _tied(command: Sequence[str]) -> list[str]:
    """``command``, ended by the kernel should this program be killed without a chance to do it."""
    tie = shutil.which("setpriv")
    return [tie, "--pdeathsig", "TERM", "--", *command] if tie else list(command)


@dataclass
class Process:
    """One child. ``name`` is Chinese, for messages; ``log`` takes all it prints.

    ``answers`` says whether it does its work already.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    log: Path
    answers: Callable[[], bool] = field(default=lambda: True)
    _child: subprocess.Popen[bytes] | None = None
    _starts: list[float] = field(default_factory=list)

    def start(self) -> None:
        """Start it, in a session of its own: a Ctrl-C in the terminal is for us alone."""
        self._starts = [*self._starts[-_LIMIT:], time.monotonic()]
        with self.log.open("ab") as log:
            log.write(f"\n== {time.strftime('%Y-%m-%d %H:%M:%S')}\n".encode())
            log.flush()
            self._child = subprocess.Popen(
                _tied(self.command),
                cwd=self.folder,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def running(self) -> bool:
        """True while the child lives."""
        return self._child is not None and self._child.poll() is None

    @property
    def due(self) -> bool:
        """True when it may be started (again): each time in a row is waited for longer."""
        recent = [t for t in self._starts if time.monotonic() - t < _WITHIN]
        return not recent or time.monotonic() - recent[-1] > min(2.0 ** (len(recent) - 1), 30.0)

    @property
    def hopeless(self) -> bool:
        """True when it was started too often in too short a time to try again."""
        recent = [t for t in self._starts if time.monotonic() - t < _WITHIN]
        return len(recent) >= _LIMIT

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the child and everything in its session's group."""
        if self._child is None:
            return
        try:
            os.killpg(self._child.pid, number)
        except ProcessLookupError:
            return

    def wait(self, until: float) -> bool:
        """Wait for its end up to the moment ``until`` (monotonic); True when it has ended."""
        if self._child is None:
            return True
        try:
            self._child.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            return False
        return True


def stop_all(processes: Sequence[Process]) -> None:
    """End all of them, politely first: a Jupyter server ends its kernels when asked."""
    for process in processes:
        process.signal(signal.SIGTERM)
    until = time.monotonic() + _PATIENCE
    for process in processes:
        process.wait(until)
    for process in processes:
        # Also after a polite end: what it left behind in its group goes too.
        process.signal(signal.SIGKILL)
        process.wait(time.monotonic() + 1)
