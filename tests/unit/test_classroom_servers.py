"""Starting and ending a classroom: one at a time, on free ports, and nothing left behind."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from qinlian.classroom import servers
from qinlian.classroom.layout import Layout
from qinlian.classroom.processes import Process, stop_all
from qinlian.classroom.servers import _answers, _need_ports, _only_one, _open_browser, _wait_for
from qinlian.errors import ClassroomError
from tests.ports import free_ports


def child(tmp_path: Path, code: str) -> Process:
    command = [sys.executable, "-c", code]
    return Process("试验", command, os.environ, tmp_path, tmp_path / "child.log")


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def eventually(told: Path) -> int:
    for _ in range(100):
        if told.is_file() and told.read_text().strip():
            return int(told.read_text())
        time.sleep(0.05)
    raise AssertionError("the child never wrote its process id")


class TestPorts:
    def test_a_port_in_use_is_named_with_the_way_out(self) -> None:
        port = free_ports(2)
        for number in (port, port + 1):
            with socket.socket() as taken:
                taken.bind(("127.0.0.1", number))
                taken.listen()
                with pytest.raises(ClassroomError, match=rf"端口 {number} .*--port"):
                    _need_ports(port)
        _need_ports(port)


@contextmanager
def answering(data: bytes) -> Iterator[str]:
    """A server that says ``data`` to whoever comes first; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with server.accept()[0] as visitor:
                visitor.recv(4096)
                visitor.sendall(data)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/health"
        thread.join(2)


class TestAskingAServer:
    def test_a_proxy_for_the_internet_is_not_asked_about_this_machine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        with answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as url:
            assert _answers(url)()

    def test_whatever_speaks_no_http_is_not_ready(self) -> None:
        with answering(b"SSH-2.0-something\r\n") as url:
            assert not _answers(url)()


class TestOpeningTheBrowser:
    def test_the_password_stands_in_a_private_file_and_not_on_a_command_line(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        opened: list[str] = []
        monkeypatch.setattr(servers.webbrowser, "open", opened.append)
        monkeypatch.setenv("DISPLAY", ":0")
        layout = Layout(tmp_path)
        layout.make()
        _open_browser(layout, "http://127.0.0.1:8888/qinlian/?token=geheim&x=1")
        (url,) = opened
        assert "geheim" not in url
        page = Path(unquote(urlsplit(url).path))
        assert stat.S_IMODE(page.stat().st_mode) == 0o600
        assert "url=http://127.0.0.1:8888/qinlian/?token=geheim&amp;x=1" in page.read_text("utf-8")


class TestOneAtATime:
    def test_a_second_start_says_where_the_first_is(self, tmp_path: Path) -> None:
        layout = Layout(tmp_path)
        layout.make()
        with _only_one(layout) as note:
            note("学员 http://127.0.0.1:8888/")
            with (
                pytest.raises(ClassroomError, match=r"已经开着了（学员 http://127\.0\.0\.1:8888/）"),
                _only_one(layout),
            ):
                pass
        with _only_one(layout):
            pass


class TestProcesses:
    def test_what_a_child_prints_is_in_its_log(self, tmp_path: Path) -> None:
        process = child(tmp_path, "print('开始')")
        process.start()
        assert process.wait(time.monotonic() + 10)
        assert "开始" in process.log.read_text()
        assert not process.running

    def test_stopping_ends_the_child_and_its_children(self, tmp_path: Path) -> None:
        told = tmp_path / "pid"
        code = f"""
import subprocess, sys, time
inner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
open({str(told)!r}, "w").write(str(inner.pid))
time.sleep(60)
"""
        process = child(tmp_path, code)
        process.start()
        inner = eventually(told)
        stop_all([process])
        assert not process.running
        time.sleep(0.1)
        assert gone(inner)

    def test_a_child_that_does_not_listen_is_ended_all_the_same(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("qinlian.classroom.processes._PATIENCE", 0.3)
        told = tmp_path / "pid"
        code = f"""
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open({str(told)!r}, "w").write(str(os.getpid()))
time.sleep(60)
"""
        process = child(tmp_path, code)
        process.start()
        eventually(told)
        stop_all([process])
        assert not process.running

    def test_children_end_even_when_the_classroom_is_killed(self, tmp_path: Path) -> None:
        told = tmp_path / "pid"
        inner = f"import os, time; open({str(told)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
        code = f"""
import os, sys, time
from pathlib import Path
from qinlian.classroom.processes import Process
folder = Path({str(tmp_path)!r})
Process("试验", [sys.executable, "-c", {inner!r}], os.environ, folder, folder / "inner.log").start()
time.sleep(60)
"""
        outer = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2])
        pid = eventually(told)
        outer.send_signal(signal.SIGKILL)
        outer.wait()
        for _ in range(50):
            if gone(pid):
                return
            time.sleep(0.05)
        raise AssertionError("an orphan was left behind")

    def test_one_that_ends_too_often_is_given_up(self, tmp_path: Path) -> None:
        process = child(tmp_path, "")
        assert process.due
        for _ in range(5):
            assert not process.hopeless
            process.start()
            process.wait(time.monotonic() + 10)
        assert process.hopeless

    def test_each_restart_in_a_row_is_waited_for_longer(self, tmp_path: Path) -> None:
        process = child(tmp_path, "")
        now = time.monotonic()
        process._starts = [now - 1.5]
        assert process.due
        process._starts = [now - 4, now - 3, now - 1.5]
        assert not process.due

    def test_one_that_does_not_start_is_named_with_its_log(self, tmp_path: Path) -> None:
        process = child(tmp_path, "raise SystemExit(3)")
        process.answers = lambda: False
        process.start()
        process.wait(time.monotonic() + 10)
        with pytest.raises(ClassroomError, match=r"试验没有启动起来.*child\.log"):
            _wait_for([process])
