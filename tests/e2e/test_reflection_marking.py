"""Marking reflections in a real formgrader: comments by keyboard, passages side by side, and none of it leaves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from qinlian.authoring.commentbank import load_comments
from tests.e2e.classroom import DESKTOP, Classroom, browser, picture, wait_until
from tests.security.canaries import leaks

pytestmark = pytest.mark.e2e
MODULE, REFLECTION = "02-gifts", "LZ-02-R1"
ONLY_HERE = ("评阅参考", "相似提示", "请对照阅读后判断")


@pytest.fixture(scope="module")
def classroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Classroom]:
    """Thirty learners, some of whom handed in the same few texts."""
    room = Classroom(tmp_path_factory.mktemp("marking"), "--demo")
    room.start()
    yield room
    if room.processes():
        room.kill()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def page(chromium: Browser, classroom: Classroom) -> Page:
    """Formgrader's page of a submission whose text somebody else handed in as well."""
    tab = chromium.new_context(viewport=DESKTOP, locale="zh-CN").new_page()  # type: ignore[arg-type]
    tab.goto(classroom.instructor)
    base = re.sub(r"/formgrader.*", "/formgrader", classroom.instructor)
    tab.goto(f"{base}/gradebook/{MODULE}/{MODULE}")
    links = tab.get_by_role("link", name=re.compile("Submission"))
    expect(links.first).to_be_visible(timeout=30_000)
    for address in links.evaluate_all("all => all.map(a => a.href)"):
        tab.goto(address)
        if tab.locator(".qm-notice").count():
            break
    expect(tab.locator(".qm-notice").first).to_contain_text("请对照阅读后判断")
    return tab


def test_rubric_and_comments_stand_under_the_comment_field(page: Page) -> None:
    aids = page.locator(".qm-aids")
    expect(aids).to_have_count(1)
    expect(aids).to_contain_text("写出一个具体的情境")
    expect(aids).to_contain_text("情境具体，和手里的事也对得上。")
    below = page.evaluate(
        "document.querySelector('.qm-aids').compareDocumentPosition(document.querySelector('textarea.comment'))"
        " & Node.DOCUMENT_POSITION_PRECEDING"
    )
    assert below


def test_passages_open_side_by_side_by_keyboard(page: Page) -> None:
    summary = page.locator(".qm-notice summary").first
    summary.focus()
    page.keyboard.press("Enter")
    sides = page.locator(".qm-notice").first.locator(".qm-side")
    expect(sides.first).to_be_visible()
    boxes = [side.bounding_box() for side in sides.all()[:2]]
    assert boxes[0]
    assert boxes[1]
    assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]
    picture(page, "formgrader-aids")


def test_a_comment_goes_into_the_field_and_is_kept(page: Page) -> None:
    field = page.locator(f"#{REFLECTION}-comment")
    before = field.input_value()
    button = page.locator("button.qm-comment").first
    button.focus()
    page.keyboard.press("Enter")
    text = button.inner_text()
    expect(field).to_have_value(f"{before}\n{text}".strip())
    expect(page.locator(".qm-said")).to_have_text("已写进评语框。")
    page.keyboard.press("Enter")
    expect(page.locator(".qm-said")).to_have_text("评语框里已有这一条。")
    page.wait_for_timeout(1000)
    page.reload()
    expect(page.locator(f"#{REFLECTION}-comment")).to_have_value(f"{before}\n{text}".strip())


def test_nothing_of_it_reaches_a_learner(page: Page, classroom: Classroom) -> None:
    remarks = load_comments(classroom.root / "course").of(REFLECTION)
    used = page.locator(f"#{REFLECTION}-comment").input_value()
    comments = {c for group in (*(g for _, g in remarks.criteria), remarks.whole, remarks.general) for c in group}
    words = {c for c in comments if c not in used} | set(ONLY_HERE)
    assert len(words) > 10
    base = classroom.root / ".classroom"
    places: list[Path] = [base / "exchange", base / "homes", base / "feedback", classroom.root / "release"]
    wait_until(lambda: list((base / "feedback").rglob("*.html")), 60, "a feedback page")
    assert leaks(places, words) == []
