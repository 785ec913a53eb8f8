"""A Hub as an administrator starts it: ``./run --hub``, with unix users of its own, removed afterwards."""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openpyxl
from playwright.sync_api import Page

from tests.e2e.classroom import wait_until
from tests.ports import free_ports

ROOT = Path(__file__).parents[2]
SHARED = Path("/srv/qinlian-test")
"""Holds the environment that all rooms of a test run share: making it takes minutes."""
COPIED = ("course", "source", "release", "docs", "deploy", "scripts", "qinlian")
FILES = ("run", "pyproject.toml", "requirements-hub.lock", "nbgrader_config.py", "README.md")
PASSWORD = "long enough 24"


@dataclass(frozen=True)
class Someone:
    """A line of the roster."""

    number: str
    name: str
    unit: str
    track: str = "青年干部"
    role: str = "学员"
    department: str = "办公室"

    @property
    def account(self) -> str:
        return f"ql{self.number}"


CITY, COUNTY, OTHER = "云岭省开放大学/青禾分校", "云岭省开放大学/青禾分校/望川学习中心", "云岭省开放大学/栖云分校"
PEOPLE = (
    Someone("t901", "周晓岚", CITY),
    Someone("t902", "林知远", COUNTY),
    Someone("t903", "陈一帆", COUNTY),
    Someone("t904", "王若溪", OTHER),
    Someone("t905", "赵明轩", OTHER),
    Someone("t906", "孙佳宁", OTHER),
    Someone("t951", "吴思齐", CITY, role="教师"),
    Someone("t952", "郑雨桐", OTHER, role="教师"),
    Someone("t999", "冯子墨", "云岭省开放大学", role="管理员"),
)


def write_sheet(path: Path, people: Sequence[Someone]) -> Path:
    """A sheet as an office sends it."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["姓名", "工号", "单位", "部门", "培训对象", "邮箱", "角色"])
    for p in people:
        track = p.track if p.role == "学员" else ""
        sheet.append([p.name, p.number, p.unit, p.department, track, f"{p.number}@example.cn", p.role])
    book.save(path)
    return path


class HubRoom:
    """One Hub below a folder of its own, on a copy of this repository."""

    def __init__(self, people: Sequence[Someone] = PEOPLE, options: Sequence[str] = ()) -> None:
        SHARED.mkdir(exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix="qinlian-room-", dir="/srv"))
        self.folder.chmod(0o755)
        self.state, self.root = self.folder / "state", self.folder / "repository"
        self.people = tuple(people)
        self.port = free_ports()
        self.options = tuple(options)
        self._process: subprocess.Popen[bytes] | None = None
        self._copy()

    def _copy(self) -> None:
        self.root.mkdir(mode=0o700)
        for name in COPIED:
            ignored = shutil.ignore_patterns("__pycache__", "node_modules")
            shutil.copytree(ROOT / name, self.root / name, ignore=ignored)
        for name in FILES:
            shutil.copy2(ROOT / name, self.root / name)
        # Made once, from the sources under test, by the same script that a first start runs.
        subprocess.run(
            ["bash", "-c", f". scripts/setup.sh; set_up_hub {SHARED}"], cwd=ROOT, check=True, capture_output=True
        )
        self.state.mkdir()
        (self.state / "venv").symlink_to(SHARED / "venv")

    # -- the Hub

    def start(self, *, roster: bool = True) -> None:
        """Start and wait until people can come."""
        command = ["./run", "--hub", "--state", str(self.state), "--port", str(self.port), *self.options]
        if roster:
            command += ["--roster", str(write_sheet(self.folder / "学员.xlsx", self.people))]
        begun = len(self.output)
        with (self.folder / "out").open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self.root, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )

        def printed() -> bool:
            assert self._process is not None
            assert self._process.poll() is None, self.output + self.logs()
            return "已经开好" in self.output[begun:]

        wait_until(printed, 600, "the Hub's start")

    @property
    def output(self) -> str:
        """All that the administrator's terminal shows."""
        path = self.folder / "out"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def logs(self) -> str:
        """The last lines of every log."""
        found = sorted((self.state / "hub" / "logs").glob("*.log"))
        return "".join(f"\n== {p.name}\n{p.read_text('utf-8', 'replace')[-3000:]}" for p in found)

    def stop(self) -> int:
        """Ctrl-C; returns the exit status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(timeout=90)

    def remove(self) -> None:
        """Stop what runs and leave no trace: processes, mounts, users, folders."""
        if self._process is not None and self._process.poll() is None:
            self.stop()
        for account in [p.account for p in self.people]:
            subprocess.run(["pkill", "-KILL", "-u", account], check=False, capture_output=True)
            subprocess.run(["userdel", "--force", account], check=False, capture_output=True)
        if os.path.ismount(self.state / "learners"):
            subprocess.run(["umount", self.state / "learners"], check=True)
        shutil.rmtree(self.folder)

    def settings(self) -> dict[str, Any]:
        """What the Hub was set up with."""
        found: dict[str, Any] = json.loads((self.state / "hub" / "settings.json").read_text("utf-8"))
        return found

    @property
    def db_url(self) -> str:
        """The gradebook's address."""
        given = str(self.settings()["database_url"])
        return given or f"sqlite:///{self.state / 'classroom' / 'gradebook.db'}"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def api(self, path: str, method: str = "GET") -> Any:
        """Ask the Hub's REST API with the roster's token."""
        token = self.settings()["roster_token"]
        request = urllib.request.Request(
            f"{self.url}/hub/api/{path}", method=method, headers={"Authorization": f"token {token}"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def qinlian(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command as the administrator types it on this Hub."""
        command = [str(self.state / "venv" / "bin" / "qinlian"), *words]
        environment = {**os.environ, "QINLIAN_STATE": str(self.state), "PYTHONUTF8": "1"}
        return subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, check=False)

    def as_grader(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command over this Hub's gradebook, in the way that deploy/hub/README.md tells."""
        classroom = self.state / "classroom"
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(classroom),
            "QINLIAN_CLASSROOM": str(classroom),
            "QINLIAN_EXCHANGE": str(self.state / "learners" / "exchange"),
        }
        grader = ("setpriv", "--reuid", "qinlian-grader", "--regid", "qinlian-grader", "--init-groups")
        command = [*grader, str(self.state / "venv" / "bin" / "qinlian"), *words, "--root", "course"]
        return subprocess.run(command, cwd=self.state, env=environment, capture_output=True, text=True, check=False)

    # -- people

    def codes(self) -> dict[str, str]:
        """工号 → 首次登录码, from the sheet that the import wrote."""
        (path,) = self.folder.glob("*首次登录码*.xlsx")
        rows = list(openpyxl.load_workbook(path).active.iter_rows(values_only=True))
        at = {str(name): place for place, name in enumerate(rows[0])}
        return {str(row[at["工号"]]): str(row[at["首次登录码"]]) for row in rows[1:]}

    def processes(self, account: str, part: str = "") -> list[int]:
        """Ids of a unix user's processes whose command line has ``part`` in it."""
        uid, found = pwd.getpwnam(account).pw_uid, []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                if entry.stat().st_uid == uid and part in words and words:
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    def as_someone(self, account: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command as a unix user, as ``os.system`` in that learner's notebook would."""
        return subprocess.run(
            ["setpriv", "--reuid", account, "--regid", account, "--init-groups", "--reset-env", "--", *command],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def first_sign_in(self, page: Page, someone: Someone, code: str, password: str = PASSWORD) -> None:
        """A person's first visit: number, code, a password of their own."""
        page.goto(f"{self.url}/")
        page.get_by_role("link", name=re.compile("第一次登录")).click()
        page.locator("#number").fill(someone.number)
        page.locator("#code").fill(code)
        page.locator("input[name=password]").fill(password)
        page.locator("input[name=again]").fill(password)
        page.get_by_role("button", name="设好密码并登录").click()

    def sign_in(self, page: Page, someone: Someone, password: str = PASSWORD) -> None:
        """A later visit."""
        page.goto(f"{self.url}/")
        page.locator("#number").fill(someone.number)
        page.locator("input[name=password]").fill(password)
        page.get_by_role("button", name="登录").click()


def wait_for_url(page: Page, pattern: str, seconds: float = 120) -> None:
    """Wait until the page's address matches; what it shows goes into the failure."""
    until = time.monotonic() + seconds
    while not re.search(pattern, page.url):
        assert time.monotonic() < until, f"{page.url}\n{page.inner_text('body')[:2000]}"
        page.wait_for_timeout(200)


def is_answered(url: str) -> bool:
    """Whether anything at all answers there."""
    try:
        with urllib.request.urlopen(url, timeout=3):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
