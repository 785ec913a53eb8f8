"""A real classroom for end-to-end tests: a copy of this repository, its servers, and a browser."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Locator, Page, sync_playwright

from tests.ports import free_ports

ROOT = Path(__file__).parents[2]
ARTEFACTS = ROOT / "test-artifacts"
COPIED = ("course", "source", "release", "qinlian", "nbgrader_config.py")
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"width": 1366, "height": 900}
PHONE = {"width": 390, "height": 844}


def wait_until(true: Callable[[], Any], seconds: float, what: str) -> Any:
    """Ask again until the answer is true; fails with ``what`` after ``seconds``."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if answer := true():
            return answer
        time.sleep(0.1)
    raise AssertionError(f"{what} did not happen within {seconds} s")


class Classroom:
    """``qinlian classroom`` on a copy of the repository."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.root = folder / "repo"
        self.port = free_ports(2)
        self._options = options
        self._log = folder / "classroom.out"
        self._process: subprocess.Popen[bytes] | None = None
        self.learner = self.instructor = self.dashboard = ""
        self.root.mkdir()
        for name in COPIED:
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy2
            copy(ROOT / name, self.root / name)
        (self.root / "autograded").mkdir()

    @property
    def home(self) -> Path:
        return self.root / ".classroom" / "homes" / "learner"

    def start(self) -> None:
        """Start and wait for the three addresses."""
        command = [sys.executable, "-m", "qinlian.cli", "classroom", "--no-browser", "--port", str(self.port)]
        environment = {**os.environ, "PYTHONPATH": str(self.root), "PYTHONUTF8": "1"}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, *self._options],
                cwd=self.root,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

        def printed() -> bool:
            assert self._process is not None
            assert self._process.poll() is None, self.output
            return "教师" in self.output and "日志" in self.output

        wait_until(printed, 240, "the classroom's start")
        found = dict(re.findall(r"(学员|教师|看板)\s+(http://\S+)", self.output))
        self.learner, self.instructor, self.dashboard = found["学员"], found["教师"], found["看板"]

    @property
    def output(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    def stop(self) -> int:
        """Ctrl-C; returns the exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(timeout=30)

    def kill(self) -> None:
        """Pull the plug: every process of the classroom dies without a word."""
        for process in self.processes():
            os.kill(process, signal.SIGKILL)
        assert self._process is not None
        self._process.wait(timeout=10)
        wait_until(lambda: not self.processes(), 10, "the end of all processes")

    def processes(self) -> list[int]:
        """Ids of every living process that belongs to this classroom."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    environment = (entry / "environ").read_bytes()
                    state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
                except (OSError, IndexError):
                    continue
                if f"PYTHONPATH={self.root}".encode() in environment and state != "Z":
                    found.append(int(entry.name))
        return found

    def api(self, path: str, method: str = "GET") -> Any:
        """Ask the learner's Jupyter server directly."""
        token = self.learner.rsplit("token=", 1)[1]
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/{path}", method=method, headers={"Authorization": f"token {token}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            body = answer.read()
        return json.loads(body) if body else None


@contextmanager
def browser() -> Iterator[Browser]:
    """Debian's Chromium under Playwright."""
    executable = shutil.which("chromium") or shutil.which("google-chrome")
    assert executable, "Chromium is missing; ./test e2e installs it"
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_FLAGS)
        try:
            yield opened
        finally:
            opened.close()


def picture(page: Page, name: str, of: Locator | None = None) -> None:
    """Keep a screenshot at desktop and phone width, scrolled to ``of``."""
    ARTEFACTS.mkdir(exist_ok=True)
    old = page.viewport_size
    for width, size in ((1366, DESKTOP), (390, PHONE)):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        page.wait_for_timeout(400)
        if of is not None:
            of.evaluate("element => element.scrollIntoView({ block: 'center' })")
        page.screenshot(path=ARTEFACTS / f"{name}-{width}.png")
    if old:
        page.set_viewport_size(old)


def violations(page: Page, within: str = "body") -> list[str]:
    """What axe-core finds of serious or critical impact inside ``within``."""
    script = ROOT / "node_modules" / "axe-core" / "axe.min.js"
    # Evaluated, not added as a tag: our pages allow no inline script.
    page.evaluate(script.read_text(encoding="utf-8"))
    found = page.evaluate("async (where) => (await axe.run(where, {resultTypes: ['violations']})).violations", within)
    return [
        f"{v['id']}: {v['help']} {[n['target'] for n in v['nodes']][:4]}"
        for v in found
        if v["impact"] in ("serious", "critical")
    ]
