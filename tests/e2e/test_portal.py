"""我的学习 and the local classroom around it, over the real servers in a real browser."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from qinlian.authoring.reader import load_course
from qinlian.portal.desk import Desk
from qinlian.quiz.exchange import Exchange
from qinlian.quiz.exchange_settings import ExchangeSettings
from tests.e2e.classroom import DESKTOP, PHONE, ROOT, Classroom, browser, picture, violations, wait_until

pytestmark = pytest.mark.e2e
MODULE = "03-conflicts"


@pytest.fixture(scope="module")
def context() -> Iterator[BrowserContext]:
    with browser() as opened:
        yield opened.new_context(viewport=DESKTOP, locale="zh-CN")  # type: ignore[arg-type]


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    tab = context.new_page()
    yield tab
    tab.close()


@pytest.fixture
def desk(classroom: Classroom) -> Desk:
    """The learner's hand, without a browser."""
    base = classroom.root / ".classroom"
    cache = base / "jupyter" / "learner" / "data" / "nbgrader_cache"
    return Desk(classroom.home, lambda: Exchange(ExchangeSettings(base / "exchange", "qinlian", "learner", cache)))


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_address_leads_to_my_learning(classroom: Classroom, page: Page) -> None:
    page.goto(f"http://127.0.0.1:{classroom.port}/?{classroom.learner.split('?')[1]}")
    expect(page).to_have_url(f"http://127.0.0.1:{classroom.port}/qinlian/")
    expect(page.get_by_role("heading", level=1)).to_have_text("我的学习")
    expect(page.locator(".card")).to_have_count(len(load_course(classroom.root / "course").modules))
    expect(page.locator(f"li:has(#open-{MODULE}) .state")).to_have_text("未开始")
    expect(page.locator(f"#open-{MODULE}")).to_have_text("开始学习")
    hours = sum(m.hours for m in load_course(classroom.root / "course").modules)
    expect(page.locator("#hours")).to_contain_text(f"已获学时 0 / {hours:g}")
    picture(page, "portal-new")
    assert violations(page) == []


def test_a_learner_says_which_audience_they_are_and_sees_its_modules(classroom: Classroom, page: Page) -> None:
    course = load_course(classroom.root / "course")
    track = course.track("教师")
    page.goto(classroom.learner)
    page.get_by_label("我属于").select_option(track.name)
    page.get_by_role("button", name="只看我的课程").press("Enter")
    expect(page.locator(".card")).to_have_count(len(track.modules))
    expect(page.locator("#hours")).to_contain_text(f"/ {track.hours:g}")
    assert violations(page) == []
    picture(page, "portal-track")
    page.get_by_label("我属于").select_option("全部课程")
    page.get_by_role("button", name="只看我的课程").press("Enter")
    expect(page.locator(".card")).to_have_count(len(course.modules))


def test_it_fits_a_phone_and_can_be_used_with_keys_alone(classroom: Classroom, page: Page) -> None:
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.goto(classroom.learner)
    expect(page.locator(".card").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert violations(page) == []
    page.keyboard.press("Tab")
    expect(page.get_by_label("我属于")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator("summary").first).to_be_focused()
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    expect(page.locator("details").first).to_have_attribute("open", "")
    page.keyboard.press("Tab")
    expect(page.locator(".button").first).to_be_focused()


def test_a_module_opens_in_the_notebook_with_chinese_menus(classroom: Classroom, page: Page) -> None:
    page.goto(classroom.learner)
    page.locator(f"#open-{MODULE}").click()
    expect(page).to_have_url(re.compile(rf"/notebooks/{MODULE}/{MODULE}\.ipynb"))
    menus = page.locator(".lm-MenuBar-itemLabel")
    expect(menus.first).to_have_text("文件", timeout=60_000)
    assert all(re.search("[\u4e00-\u9fff]", text) for text in menus.all_inner_texts())
    page.go_back()
    expect(page.locator(f"li:has(#open-{MODULE}) .state")).to_have_text("进行中", timeout=10_000)


def test_the_page_follows_a_submission_without_a_reload(classroom: Classroom, page: Page, desk: Desk) -> None:
    desk.open(MODULE)
    page.goto(classroom.learner)
    expect(page.locator(".card").first).to_be_visible()
    page.evaluate("window.sameDocument = true")
    page.locator(f"#aims-{MODULE} summary").click()
    page.locator(f"#aims-{MODULE} summary").focus()
    desk.save(MODULE, {})
    desk.submit(MODULE)
    card = page.locator(f"li:has(#open-{MODULE})")
    expect(card.locator(".score")).to_be_visible(timeout=15_000)
    expect(card.locator(".state")).to_have_text(re.compile("待评阅|已评分"))
    expect(page.locator("#announce")).to_contain_text("已评分")
    expect(card).to_contain_text("测验还可以做 3 次")
    expect(page.locator(f"#open-{MODULE}")).to_have_text("查看结果")
    assert page.evaluate("window.sameDocument") is True
    # What the learner had open and where the learner was survive the change.
    expect(page.locator(f"#aims-{MODULE}")).to_have_attribute("open", "")
    expect(page.locator(f"#aims-{MODULE} summary")).to_be_focused()
    picture(page, "portal-graded")
    assert violations(page) == []


def test_the_learner_has_neither_a_terminal_nor_the_instructors_tools(classroom: Classroom) -> None:
    token = classroom.learner.split("token=")[1]
    base = f"http://127.0.0.1:{classroom.port}"
    for path in ("api/terminals", "formgrader", "courses", "assignments"):
        assert _status(f"{base}/{path}?token={token}") == 404, path
    # The learner's password opens nothing on the instructor's side.
    assert _status(f"http://127.0.0.1:{classroom.port + 1}/api/contents?token={token}") == 403


def test_the_instructor_finds_the_modules_in_formgrader(classroom: Classroom, page: Page) -> None:
    page.goto(classroom.instructor)
    expect(page.locator("body")).to_contain_text(MODULE, timeout=30_000)


def test_a_server_that_dies_comes_back_and_the_page_with_it(classroom: Classroom, page: Page) -> None:
    page.goto(classroom.learner)
    expect(page.locator(".card").first).to_be_visible()
    (server,) = (pid for pid in _servers(classroom) if _environment(pid).get("QINLIAN_LEARNER"))
    os.kill(server, signal.SIGKILL)
    # The page asks every few seconds, and at once when the learner comes back to it: a quick restart falls between.
    for _ in range(10):
        page.evaluate("window.dispatchEvent(new Event('focus'))")
        page.wait_for_timeout(100)
    expect(page.locator("#offline")).to_be_visible(timeout=20_000)
    expect(page.locator("#offline")).to_be_hidden(timeout=60_000)
    assert "学员服务器意外停止，正在重新启动" in classroom.output


def _environment(pid: int) -> dict[str, str]:
    pairs = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace").split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def _servers(classroom: Classroom) -> list[int]:
    return [p for p in classroom.processes() if b"jupyter_server" in Path(f"/proc/{p}/cmdline").read_bytes()]


def _second_start(classroom: Classroom, *options: str) -> Any:
    return subprocess.run(
        [sys.executable, "-m", "qinlian.cli", "classroom", "--no-browser", *options],
        cwd=classroom.root, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_a_second_start_is_refused_in_chinese(classroom: Classroom) -> None:
    done = _second_start(classroom, "--port", str(classroom.port))
    assert done.returncode == 1
    assert f"已经开着了（学员 http://127.0.0.1:{classroom.port}/" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_ctrl_c_ends_every_process(classroom: Classroom) -> None:
    assert classroom.stop() == 0
    assert "课堂已结束" in classroom.output
    wait_until(lambda: not classroom.processes(), 10, "the end of every process, kernels included")
