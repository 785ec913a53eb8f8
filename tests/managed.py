"""Processes that are started again when they end, as the Hub, systemd or Kubernetes do with the grading worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from tests.classroom import REPOSITORY

__all__ = ["Managed", "until"]


def until(true: Callable[[], object], seconds: float = 300.0) -> None:
    """Wait until something is so; fails when it is not within so many seconds."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "in vain"
        time.sleep(0.05)


class Managed:
    """One worker, always there again: ``with Managed(root) as worker``. ``ended`` lists how its processes ended."""

    def __init__(
        self, root: Path, *arguments: str, module: str = "qinlian.grading.worker", before: tuple[str, ...] = ()
    ):
        self._command = [sys.executable, "-m", module, *before, "--root", str(root), *arguments]
        self._root = root
        self.ended: list[int] = []
        self.ready = threading.Event()
        self.process: subprocess.Popen[str] | None = None
        self._stopping = False
        self._log = root / f"worker-{id(self)}.log"
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Managed:
        self._thread.start()
        assert self.ready.wait(180), self.log
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping = True
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self._thread.join(60)

    @property
    def log(self) -> str:
        """What all of them wrote to stderr."""
        return self._log.read_text() if self._log.exists() else ""

    def kill(self) -> None:
        """kill -9, in the middle of whatever it is doing; another is started."""
        assert self.ready.wait(180), self.log
        before = len(self.ended)
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        until(lambda: len(self.ended) > before)

    def _run(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        while not self._stopping:
            self.ready.clear()
            with self._log.open("a") as log:
                self.process = subprocess.Popen(
                    self._command, env=environment, cwd=self._root, stdout=subprocess.PIPE, stderr=log, text=True
                )
            assert self.process.stdout is not None
            if self.process.stdout.readline():
                self.ready.set()
            self.process.stdout.read()
            self.process.wait()
            self.ready.clear()
            self.ended.append(self.process.returncode)
            self.process.stdout.close()
