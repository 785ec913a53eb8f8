"""A whole classroom on one machine: the learner's server, the instructor's, and the grading worker."""

from __future__ import annotations

import fcntl
import html
import http.client
import os
import signal
import socket
import sys
import time
import urllib.request
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template
from types import FrameType
from urllib.parse import quote

from rich.console import Console
from rich.status import Status
from rich.text import Text

from qinlian.authoring.reader import load_course
from qinlian.authoring.secret import read_secret
from qinlian.classroom.board_notebook import dashboard_in
from qinlian.classroom.jupyter import environment, write_settings
from qinlian.classroom.layout import INSTRUCTOR, LEARNER, Layout
from qinlian.classroom.processes import Process, stop_all
from qinlian.classroom.setup import prepare
from qinlian.core.files import letterbox_name
from qinlian.core.model import Course
from qinlian.errors import ClassroomError
from qinlian.toolpath import put_tools_on_path

__all__ = ["ended_by_signals", "run_classroom"]

_START_PATIENCE = 120.0
_ROUND = 0.25
_LOG_LIMIT = 5_000_000
_OPEN = Template((Path(__file__).parent / "open.html").read_text("utf-8"))
# Our own servers on this machine: a proxy set for the internet knows nothing of them.
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@contextmanager
def _only_one(layout: Layout) -> Iterator[Callable[[str], None]]:
    """Hold the classroom to this process; gives a function that notes the address for others to see."""
    with layout.lock.open("a+", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.seek(0)
            address = handle.read().strip()
            where = f"（{address}）" if address else ""
            raise ClassroomError(f"这个课堂已经开着了{where}；要重开，请先在原来的窗口按 Ctrl-C") from None

        def note(address: str) -> None:
            handle.truncate(0)
            handle.write(address)
            handle.flush()

        note("")
        try:
            yield note
        finally:
            note("")


def _need_ports(port: int) -> None:
    for number in (port, port + 1):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", number))
            except OSError:
                raise ClassroomError(
                    f"端口 {number} 已被别的程序占用；请换一个，例如 ./run --port {port + 10}"
                ) from None


def _answers(url: str) -> Callable[[], bool]:
    def ask() -> bool:
        try:
            with _DIRECTLY.open(url, timeout=2) as answer:
                return bool(answer.status == 200)
        except (OSError, http.client.HTTPException):
            return False

    return ask


def _log(layout: Layout, name: str) -> Path:
    path = layout.logs / f"{name}.log"
    if path.is_file() and path.stat().st_size > _LOG_LIMIT:
        path.replace(path.with_suffix(".old.log"))
    return path


def _processes(layout: Layout, course: Course, port: int, tokens: dict[str, str], track: str) -> list[Process]:
    made = []
    letterbox = letterbox_name(read_secret(layout.root / "course"), LEARNER)
    for role, name, number, path in (
        (LEARNER, "学员服务器", port, "qinlian/health"),
        (INSTRUCTOR, "教师服务器", port + 1, "api"),
    ):
        write_settings(layout, role, number)
        made.append(
            Process(
                name=name,
                command=[sys.executable, "-P", "-m", "jupyter_server"],
                environment=environment(layout, role, tokens[role], course.id, track=track, letterbox=letterbox),
                folder=layout.home if role == LEARNER else layout.root,
                log=_log(layout, role),
                answers=_answers(f"http://127.0.0.1:{number}/{path}"),
            )
        )
    made.append(
        Process(
            name="自动评分",
            command=[sys.executable, "-m", "qinlian.grading.worker", "--root", str(layout.root)],
            environment={**os.environ, "QINLIAN_CLASSROOM": str(layout.base), "PYTHONUTF8": "1"},
            folder=layout.root,
            log=_log(layout, "worker"),
        )
    )
    return made


def _wait_for(processes: list[Process]) -> None:
    until = time.monotonic() + _START_PATIENCE
    waiting = list(processes)
    while waiting:
        for process in list(waiting):
            if not process.running:
                raise ClassroomError(f"{process.name}没有启动起来；原因写在 {process.log}，请查看或交给管理员")
            if process.answers():
                waiting.remove(process)
        if time.monotonic() > until:
            names = "、".join(p.name for p in waiting)
            raise ClassroomError(f"{names}迟迟没有就绪；日志在 {waiting[0].log.parent}，请查看或交给管理员")
        time.sleep(_ROUND)


def _watch(processes: list[Process], console: Console) -> None:
    """Start again what ends; returns never, raises ClassroomError when a server cannot be kept up."""
    given_up: set[str] = set()
    while True:
        time.sleep(_ROUND)
        for process in processes:
            if process.running or process.name in given_up:
                continue
            if not process.hopeless:
                if not process.due:
                    continue
                console.print(f"{process.name}意外停止，正在重新启动（日志：{process.log}）")
                process.start()
            elif process.name == "自动评分":
                given_up.add(process.name)
                console.print(
                    f"自动评分反复停止，先不再启动；提交都已收好，可以用 qinlian grade 评分（日志：{process.log}）"
                )
            else:
                raise ClassroomError(f"{process.name}反复停止，课堂只好关闭；原因写在 {process.log}")


def _address(port: int, path: str, token: str) -> str:
    return f"http://127.0.0.1:{port}/{path}?token={token}"


def _open_browser(layout: Layout, address: str) -> None:
    # Without a screen a text browser might take over the terminal.
    if sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        # Every user of the machine can read a browser's command line: the password must not stand there.
        handle = os.open(layout.base / "open.html", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as page:
            os.fchmod(handle, 0o600)
            page.write(_OPEN.substitute(address=html.escape(address)))
        webbrowser.open((layout.base / "open.html").resolve().as_uri())


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Turn the signals that end a program into KeyboardInterrupt, and none while we clean up."""
    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(console: Console, status: Status, quiet: bool) -> Callable[[str], None]:
    def say(text: str) -> None:
        if quiet:
            console.print(f"{text}…")
        else:
            status.update(Text(f"{text}…"))

    return say


def run_classroom(root: Path, port: int = 8888, browser: bool = True, demo: bool = False, track: str = "") -> int:
    """Hold a classroom at ``root`` until Ctrl-C or a signal ends it; returns the exit status.

    ``track`` names the only audience (培训对象) of this classroom; empty: the learner chooses.
    The learner's server listens on ``port`` of 127.0.0.1, the instructor's on the next. Raises
    ClassroomError, CourseError and BuildError, with everything stopped again.
    """
    console = Console(highlight=False, soft_wrap=True, markup=False)
    layout = Layout(root.resolve())
    # nbgrader and the worker look for their tools on PATH, also in a virtual environment not activated.
    put_tools_on_path()
    layout.make()
    processes: list[Process] = []
    with _only_one(layout) as note, ended_by_signals():
        try:
            _need_ports(port)
            tokens = layout.tokens()
            with console.status("请稍候…") as status:
                say = _say(console, status, quiet=not console.is_terminal)
                say("读取课程")
                course = load_course(layout.root / "course")
                if track and track not in {t.name for t in course.tracks}:
                    known = "、".join(t.name for t in course.tracks) or "还没有写"
                    raise ClassroomError(f"course.yaml 里没有培训对象“{track}”；有的是：{known}")
                prepare(layout, course, say)
                board = dashboard_in(layout.root)
                processes = _processes(layout, course, port, tokens, track)
                say("启动服务器和自动评分")
                for process in processes:
                    process.start()
                _wait_for(processes)
                if demo:
                    from qinlian.classroom.demo import add_demo

                    say("加入演示学员")
                    add_demo(layout.root, say)
            learner = _address(port, "qinlian/", tokens[LEARNER])
            instructor = _address(port + 1, "formgrader", tokens[INSTRUCTOR])
            dashboard = _address(port + 1, f"notebooks/{quote(board.name)}", tokens[INSTRUCTOR])
            note(f"学员 {learner}")
            console.print("\n", Text(course.title, "bold"), " 的课堂已经开好，按 Ctrl-C 结束\n", sep="")
            console.print(f"  学员  {learner}")
            console.print(f"  教师  {instructor}")
            console.print(f"  看板  {dashboard}")
            console.print(f"  日志  {os.path.relpath(layout.logs)}\n")
            if browser:
                _open_browser(layout, learner)
            _watch(processes, console)
        except KeyboardInterrupt:
            console.print("\n正在结束课堂…")
        finally:
            stop_all(processes)
    console.print("课堂已结束，学员的答案和成绩都已保存")
    return 0
