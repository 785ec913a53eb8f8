"""The instructor's dashboard in JupyterLab: it opens without a line of code to see or to run, and its filters work."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from playwright.sync_api import Browser, Page, expect

from qinlian.roster.people import Entry
from qinlian.roster.store import RosterStore
from tests.e2e.classroom import DESKTOP, PHONE, Classroom, picture, violations

pytestmark = pytest.mark.e2e

LOOK = ".ql-board"
NOTEBOOKS_OWN = ("reading 'schema'", "'filebrowser:open-path' not registered")
"""What Notebook itself says on every page of a notebook."""
PEOPLE = [
    Entry(number="3101", name="周晓岚", unit="青禾省/望川市", track="教师"),
    Entry(number="3102", name="林知远", unit="青禾省/栖云市", track="青年干部"),
    Entry(number="3103", name="陈一帆", unit="青禾省/栖云市/南屏县", track="青年干部"),
]


@pytest.fixture(scope="module")
def classroom(classroom: Classroom) -> Classroom:
    """With people of a roster in it, of whom one has begun."""
    url = f"sqlite:///{classroom.root / '.classroom' / 'gradebook.db'}"
    RosterStore(url).apply(PEOPLE, datetime.now(UTC))
    with Gradebook(url) as gradebook:
        gradebook.add_submission("01-start", "ql3102", timestamp=datetime.now(UTC).replace(tzinfo=None))
    return classroom


@pytest.fixture
def board(classroom: Classroom, chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport=DESKTOP, locale="zh-CN")  # type: ignore[arg-type]
    page, errors = context.new_page(), list[str]()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(classroom.dashboard)
    expect(page.locator(f"{LOOK} >> text=读取成绩册")).to_be_visible(timeout=120_000)
    yield page
    context.close()
    assert [error for error in errors if not any(known in error for known in NOTEBOOKS_OWN)] == []


@pytest.mark.parametrize("front_end", ["notebooks/", "lab/tree/"])
def test_it_opens_by_itself_and_shows_no_code(board: Page, classroom: Classroom, front_end: str) -> None:
    board.goto(classroom.dashboard.replace("notebooks/", front_end))
    expect(board.locator(f"{LOOK} h2").first).to_have_text("各单位学到哪里了")
    expect(board.locator("[data-ql-role=board] .jp-Cell-inputWrapper")).to_be_hidden()
    expect(board.get_by_text("返回我的学习")).to_have_count(0)
    expect(board.locator(".ql-lesson-title")).to_have_text("统计看板")
    # The report's own colours reach it, which are variables of a page there.
    assert board.locator(f"{LOOK} .tiles strong").first.evaluate("e => getComputedStyle(e).color") == "rgb(31, 92, 77)"


def test_a_filter_changes_what_is_shown(board: Page) -> None:
    people = board.locator(f"{LOOK} .tiles li").first
    expect(people).to_contain_text("3 人")
    units = board.get_by_label("单位", exact=True)
    assert [text.strip() for text in units.locator("option").all_inner_texts()] == [
        "全部",
        "青禾省",
        "望川市",
        "栖云市",
        "南屏县",
    ]
    units.select_option(index=3)
    expect(people).to_contain_text("2 人")
    board.get_by_label("培训对象", exact=True).select_option(label="教师")
    expect(board.locator(LOOK)).to_contain_text("没有符合这些条件的学员")
    units.select_option(index=0)
    expect(people).to_contain_text("1 人")


def test_the_gradebook_is_read_again_at_a_click(board: Page, classroom: Classroom) -> None:
    store = RosterStore(f"sqlite:///{classroom.root / '.classroom' / 'gradebook.db'}")
    store.archive("ql3101", datetime.now(UTC))
    board.get_by_role("button", name="重新读取成绩册").click()
    expect(board.locator(LOOK)).to_contain_text("选中的学员 2 人")


def test_nothing_of_it_is_saved_in_the_file(board: Page, classroom: Classroom) -> None:
    board.keyboard.press("Control+s")
    board.wait_for_timeout(2_000)
    saved = Path(classroom.root / "统计看板.ipynb").read_text("utf-8")
    assert "选中的学员" not in saved
    assert "from qinlian.reports.dashboard import show" in saved


def test_anybody_can_read_it(board: Page) -> None:
    assert violations(board, LOOK) == []
    board.set_viewport_size(PHONE)
    expect(board.locator(f"{LOOK} table").first).to_be_attached()
    assert board.evaluate(f"document.querySelector('{LOOK}').getBoundingClientRect().right") <= PHONE["width"]
    picture(board, "dashboard")
