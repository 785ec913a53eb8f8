"""我的学习 in a real Jupyter server: who may see it, what it opens, what it costs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from qinlian.notebooks.notebook import notebook_bytes, source_notebook
from qinlian.notebooks.publish import lesson_bytes, publish
from tests.ports import free_ports
from tests.sample import COURSE, IDS, MODULE

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[2]
TOKEN = "for-this-test-only"
BASE = "/user/xiaozhou/"


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    text: str


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object) -> None:
        return None


class Server(NamedTuple):
    port: int
    folder: Path

    def get(self, path: str, *, token: bool = True) -> Answer:
        headers = {"Authorization": f"token {TOKEN}"} if token else {}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{BASE}{path}", headers=headers)
        try:
            with urllib.request.build_opener(_Stay).open(request, timeout=20) as answer:
                return Answer(answer.status, dict(answer.headers), answer.read().decode())
        except urllib.error.HTTPError as error:
            return Answer(error.code, dict(error.headers), error.read().decode())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    released = folder / "exchange" / "qinlian" / "outbound" / MODULE.id
    released.mkdir(parents=True)
    (released / "lesson.json").write_bytes(lesson_bytes(publish(COURSE, MODULE, IDS)))
    (released / f"{MODULE.id}.ipynb").write_bytes(notebook_bytes(source_notebook(COURSE, MODULE, IDS)))
    (folder / "home").mkdir()
    port = free_ports()
    config = folder / "config"
    config.mkdir()
    off = ["jupyterlab", "notebook", "notebook_shim", "jupyter_lsp", "jupyter_server_terminals"]
    off += [
        f"nbgrader.server_extensions.{n}"
        for n in ("formgrader", "validate_assignment", "assignment_list", "course_list")
    ]
    app = {
        "ip": "127.0.0.1", "port": port, "port_retries": 0, "open_browser": False, "allow_root": True,
        "root_dir": str(folder / "home"), "base_url": BASE, "default_url": "/qinlian/",
        "jpserver_extensions": {**dict.fromkeys(off, False), "qinlian.portal": True},
    }  # fmt: skip
    (config / "jupyter_server_config.json").write_text(json.dumps({"ServerApp": app}))
    env = {k: v for k, v in os.environ.items() if not k.startswith("JUPYTER")} | {
        "JUPYTER_CONFIG_DIR": str(config),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTER_TOKEN": TOKEN,
        "QINLIAN_EXCHANGE": str(folder / "exchange"),
        "QINLIAN_COURSE_ID": "qinlian",
        "QINLIAN_LEARNER": "xiaozhou",
        "PYTHONPATH": str(REPOSITORY),
    }
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen([sys.executable, "-m", "jupyter_server"], env=env, stdout=log, stderr=log)
    running = Server(port, folder)
    try:
        for _ in range(300):
            assert child.poll() is None, (folder / "log").read_text()
            try:
                if running.get("qinlian/health", token=False).status == 200:
                    break
            except OSError:
                time.sleep(0.1)
        yield running
    finally:
        child.terminate()
        child.wait(20)


def test_nobody_sees_it_without_signing_in(server: Server) -> None:
    for path in ("qinlian/", "qinlian/api/modules", "qinlian/open/90-sample", "qinlian/none", "qinlian/?token=bad"):
        answer = server.get(path, token=False)
        assert answer.status == 403
        assert "样例模块" not in answer.text
        assert "请用 ./run 打印的学员地址打开" in answer.text
        assert "Set-Cookie" not in answer.headers or "_xsrf" in answer.headers["Set-Cookie"]
    assert not (server.folder / "home" / MODULE.id).exists()


def test_the_front_door_is_my_learning(server: Server) -> None:
    assert server.get("").headers["Location"].startswith(f"{BASE}qinlian/")
    assert server.get("qinlian").headers["Location"] == f"{BASE}qinlian/"
    page = server.get("qinlian/")
    assert page.status == 200
    assert "样例模块" in page.text
    assert f'href="{BASE}qinlian/open/90-sample"' in page.text


def test_the_page_brings_no_foreign_code_and_is_not_kept(server: Server) -> None:
    headers = server.get("qinlian/").headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"


def test_the_password_does_not_stay_in_the_address_bar(server: Server) -> None:
    answer = server.get(f"qinlian/?token={TOKEN}", token=False)
    assert (answer.status, answer.headers["Location"]) == (302, f"{BASE}qinlian/")
    assert "Set-Cookie" in answer.headers


def test_modules_as_json(server: Server) -> None:
    data = json.loads(server.get("qinlian/api/modules").text)
    (module,) = data["modules"]
    assert (module["module"], module["title"], module["hours"]) == (MODULE.id, "样例模块", 1.5)
    assert data["course_title"] == COURSE.title
    assert data["revision"]


def test_opening_fetches_and_leads_to_the_notebook(server: Server) -> None:
    answer = server.get("qinlian/open/90-sample")
    assert (answer.status, answer.headers["Location"]) == (302, f"{BASE}notebooks/90-sample/90-sample.ipynb")
    assert (server.folder / "home" / MODULE.id / "lesson.json").is_file()
    lab = server.get("qinlian/open/90-sample?lab=1")
    assert lab.headers["Location"] == f"{BASE}lab/tree/90-sample/90-sample.ipynb"


def test_opening_what_is_not_released_says_so_in_chinese(server: Server) -> None:
    answer = server.get("qinlian/open/91-none")
    assert answer.status == 503
    assert "没有找到这个模块" in answer.text
    assert "回到我的学习" in answer.text
    assert server.get("qinlian/open/..%2f..%2fetc").status == 404


def test_an_address_that_does_not_exist_is_a_page_in_chinese(server: Server) -> None:
    for path in ("qinlian/none", "qinlian/api/none/", "qinlian/open/..%2f..%2fetc"):
        answer = server.get(path)
        assert (answer.status, answer.headers["Cache-Control"]) == (404, "no-store")
        assert "找不到这个页面" in answer.text
        assert "回到我的学习" in answer.text


def test_static_files_are_those_of_the_page_alone(server: Server) -> None:
    assert server.get("qinlian/static/portal.css").status == 200
    # The lesson's own way of saying times, which the page imports.
    assert "getTimezoneOffset" in server.get("qinlian/static/clock.js").text
    assert server.get("qinlian/static/quiz.js").status == 404
    assert server.get("qinlian/static/../page.py").status in (400, 403, 404)
    assert server.get("qinlian/static/..%2fpage.py").status in (400, 403, 404)


def test_an_exchange_out_of_reach_is_a_page_not_a_traceback(server: Server) -> None:
    exchange = server.folder / "exchange"
    exchange.rename(server.folder / "gone")
    try:
        page, data = server.get("qinlian/"), server.get("qinlian/api/modules")
    finally:
        (server.folder / "gone").rename(exchange)
    assert (page.status, data.status) == (503, 503)
    assert "连不上课程的收发文件夹" in page.text
    assert "再试一次" in page.text
    assert "连不上" in json.loads(data.text)["message"]
    assert server.get("qinlian/").status == 200
