"""A kernel that was ended because nobody used it: the open page rests, and goes on when somebody is there again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.classroom import DESKTOP, Classroom, browser, wait_until

pytestmark = pytest.mark.e2e
MODULE = "02-gifts"
GO = "Date.real = Date.now; Date.now = () => Date.real() + 120_000"
COME_BACK = "Date.now = Date.real"


@pytest.fixture(scope="module")
def page(classroom: Classroom) -> Iterator[Page]:
    with browser() as opened:
        page = opened.new_context(viewport=DESKTOP, locale="zh-CN").new_page()  # type: ignore[arg-type]
        page.goto(classroom.learner)
        page.locator(f"#open-{MODULE}").click()
        expect(page.locator("fieldset.ql-item").first).to_be_visible(timeout=90_000)
        expect(page.locator(".ql-lesson-state")).to_have_text("", timeout=60_000)
        yield page


def _answers(classroom: Classroom) -> dict[str, object]:
    path: Path = classroom.home / MODULE / "answers.json"
    return dict(json.loads(path.read_bytes())["answers"]) if path.is_file() else {}


def _end_the_kernel(classroom: Classroom) -> None:
    wait_until(lambda: [k["execution_state"] for k in classroom.api("api/kernels")] == ["idle"], 60, "a quiet kernel")
    (kernel,) = classroom.api("api/kernels")
    classroom.api(f"api/kernels/{kernel['id']}", method="DELETE")


def test_while_nobody_is_there_no_kernel_is_begun(classroom: Classroom, page: Page) -> None:
    page.evaluate(GO)
    _end_the_kernel(classroom)
    expect(page.locator(".ql-lesson-state")).to_have_text("很久没有操作，课程已休眠；点一下页面就继续", timeout=60_000)
    page.wait_for_timeout(5000)
    assert classroom.api("api/kernels") == []


def test_the_answer_of_whoever_comes_back_is_saved_and_stays(classroom: Classroom, page: Page) -> None:
    page.evaluate(COME_BACK)
    before = _answers(classroom)
    choice = page.locator("fieldset.ql-item input[type=radio]").last
    choice.check()
    value = choice.get_attribute("value")
    wait_until(lambda: len(_answers(classroom)) > len(before), 60, "the answer on the disk")
    (fresh,) = _answers(classroom).keys() - before.keys()
    assert value in json.dumps(_answers(classroom)[fresh])
    expect(page.locator(".ql-lesson-state")).to_have_text("", timeout=60_000)
    expect(page.locator(f"input[type=radio][value='{value}']")).to_be_checked(timeout=30_000)
    assert len(classroom.api("api/kernels")) == 1


def test_whoever_is_there_does_not_notice_that_a_kernel_died(classroom: Classroom, page: Page) -> None:
    page.mouse.move(300, 300)
    page.mouse.move(320, 320)
    _end_the_kernel(classroom)
    wait_until(lambda: len(classroom.api("api/kernels")) == 1, 60, "another kernel")
    expect(page.locator(".ql-lesson-state")).to_have_text("", timeout=60_000)
    expect(page.locator("fieldset.ql-item").first).to_be_visible(timeout=60_000)
