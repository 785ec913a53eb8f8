"""The activities in the real classroom: by keyboard, graded by the worker, and as formgrader shows them."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from qinlian.authoring.reader import load_course
from qinlian.authoring.secret import load_identity
from qinlian.core.drawing import draw_variant
from qinlian.core.model import Item
from qinlian.items.base import item_type
from tests.e2e.classroom import DESKTOP, Classroom, browser, picture, violations, wait_until

pytestmark = pytest.mark.e2e
MODULES = ("03-conflicts", "05-procurement", "13-risk-check")
PRIVATE = "这句话只写给我自己看"


@pytest.fixture(scope="module")
def classroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Classroom]:
    """A classroom with the three modules that have a graded activity."""
    room = Classroom(tmp_path_factory.mktemp("classroom"))
    yaml = room.root / "course" / "course.yaml"
    titles = {m.id: m.title for m in load_course(room.root / "course").modules}
    listed = "".join(f"  - 目录: {name}\n    标题: {titles[name]}\n    学时: 2\n" for name in MODULES)
    tracks = re.findall(r"- 名称: (\S+)", yaml.read_text("utf-8"))
    named = "".join(f"  - 名称: {name}\n    模块: {'、'.join(MODULES)}\n" for name in tracks)
    yaml.write_text(f"课程: qinlian\n标题: 勤廉学堂\n及格: 60\n模块:\n{listed}培训对象:\n{named}", "utf-8")
    for path in (room.root / "course" / "modules").iterdir():
        if path.name not in MODULES:
            shutil.rmtree(path)
    # What is said of reflections in other modules would name items that are not there.
    (room.root / "course" / "comments.yaml").unlink(missing_ok=True)
    room.start()
    yield room
    if room.processes():
        room.kill()


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with browser() as opened:
        yield opened.new_context(viewport=DESKTOP, locale="zh-CN").new_page()  # type: ignore[arg-type]


class Desk:
    """What an instructor knows: the items and their keys."""

    def __init__(self, room: Classroom) -> None:
        self.room = room
        self.ids = load_identity(room.root / "course")
        self.course = load_course(room.root / "course")

    def activity(self, module: str, label: str) -> tuple[str, Item]:
        """(quiz id, item) of the module's graded activity of that kind."""
        found = self.course.module(module)
        item = next(i for i in found.items if i.kind == label and i.use == "测验")
        return next(q.id for q in found.quizzes if item.id in q.pool), item

    def edition(self, module: str) -> str:
        path = self.room.home / module / "lesson.json"
        return str(json.loads(path.read_text("utf-8"))["edition"])

    def scores(self, module: str) -> dict[str, float]:
        """Grade cell → points in nbgrader's own tables."""
        query = (
            "SELECT base_cell.name, coalesce(grade.manual_score, grade.auto_score) FROM grade "
            "JOIN base_cell ON base_cell.id = grade.cell_id JOIN notebook ON notebook.id = base_cell.notebook_id "
            "WHERE notebook.name = ?"
        )
        with closing(sqlite3.connect(self.room.root / ".classroom" / "gradebook.db")) as connection:
            return dict(connection.execute(query, (module,)).fetchall())


@pytest.fixture(scope="module")
def desk(classroom: Classroom) -> Desk:
    return Desk(classroom)


def opened(page: Page, classroom: Classroom, module: str, kind: str) -> tuple[Locator, Locator]:
    """(the quiz, the activity in it) of an opened lesson."""
    page.goto(classroom.learner)
    page.locator(f"#open-{module}").click()
    quiz = (
        page.locator(".ql-root")
        .filter(has=page.locator(f"fieldset[data-kind={kind}]"))
        .filter(has=page.locator(".ql-sticky"))
    )
    expect(quiz).to_be_visible(timeout=120_000)
    return quiz, quiz.locator(f"fieldset[data-kind={kind}]")


def saved(root: Locator) -> None:
    expect(root.locator(".ql-save")).to_have_attribute("data-state", "saved", timeout=15_000)


def hand_in(page: Page, quiz: Locator) -> Locator:
    """Submit by keyboard and wait for the score."""
    quiz.get_by_role("button", name="提交测验").press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="确认提交").press("Enter")
    graded = page.locator(".ql-root").filter(has=page.locator(".ql-score"))
    expect(graded.first).to_be_visible(timeout=40_000)
    return graded.first


def in_formgrader(page: Page, classroom: Classroom, module: str) -> Page:
    desk = page.context.browser.new_context(viewport=DESKTOP, locale="zh-CN").new_page()  # type: ignore[union-attr]
    desk.goto(classroom.instructor)
    base = re.sub(r"/formgrader.*", "/formgrader", classroom.instructor)
    desk.goto(f"{base}/gradebook/{module}/{module}")
    desk.get_by_role("link", name=re.compile("Submission|learner", re.IGNORECASE)).first.click()
    desk.wait_for_load_state("networkidle")
    expect(desk.locator("input.score").first).to_be_visible(timeout=30_000)
    return desk


def shows(desk: Page, points: float) -> None:
    wanted = {f"{points:g}", f"{points:.1f}"}
    wait_until(
        lambda: any(s.get_attribute("placeholder") in wanted for s in desk.locator("input.score").all()),
        15,
        str(points),
    )


def test_a_decision_case_is_walked_graded_and_explained(classroom: Classroom, desk: Desk, page: Page) -> None:
    module = "03-conflicts"
    quiz_id, item = desk.activity(module, "抉择")
    quiz, case = opened(page, classroom, module, "decision")
    key = item_type(item.kind).key(item, desk.ids)
    best: list[str] = key["best"][item_type(item.kind).rules[0]]
    for choice in best:
        radios = case.locator(".ql-now input[type=radio]")
        radios.first.focus()
        page.keyboard.press("Space")
        for _ in range(radios.count()):
            if page.evaluate("document.activeElement.value") == choice:
                break
            page.keyboard.press("ArrowDown")
        assert page.evaluate("document.activeElement.value") == choice
        case.get_by_role("button", name="就这么定").press("Enter")
        sure = case.get_by_role("button", name="就选它")
        if sure.is_visible():
            sure.press("Enter")
    expect(case.locator(".ql-now-head")).to_have_text("结局")
    saved(quiz)
    expect(case).not_to_contain_text("依据")
    picture(page, "activity-decision-walked")
    graded = hand_in(page, quiz)
    points = desk.course.module(module).quizzes
    worth = next(q.points for q in points if q.id == quiz_id)
    expect(graded.locator(".ql-score").first).to_contain_text(f"{worth:g}", timeout=20_000)
    expect(case.locator(".ql-route")).to_be_visible(timeout=20_000)
    expect(case).to_contain_text("依据")
    assert violations(page, "fieldset[data-kind=decision]") == []
    picture(page, "activity-decision-graded")
    assert desk.scores(module)[quiz_id] == worth
    marking = in_formgrader(page, classroom, module)
    shows(marking, worth)
    picture(marking, "activity-decision-formgrader")
    marking.close()


def test_a_ledger_is_searched_graded_and_explained(classroom: Classroom, desk: Desk, page: Page) -> None:
    module = "05-procurement"
    quiz_id, item = desk.activity(module, "账目核查")
    quiz, ledger = opened(page, classroom, module, "ledger")
    kind, public_id = item_type(item.kind), desk.ids.of(item.id)
    number = draw_variant(
        edition=desk.edition(module), block=quiz_id, learner="learner", attempt=1, item=public_id,
        count=kind.variants(item),
    )  # fmt: skip
    mine = item.model_copy(update={"variant": number})
    key: dict[str, Any] = kind.key(mine, desk.ids)
    numbers = {line.split("\t")[0]: line.split("\t")[1] for line in kind.public(mine, desk.ids)["rows"]}
    expect(ledger.locator("tr.ql-ledger-row")).to_have_count(len(numbers))
    for row, entry in key.items():
        ledger.get_by_role("button", name=f"第 {numbers[row]} 行的凭证", exact=True).press("Enter")
        below = ledger.locator(f"tr.ql-ledger-below[id$='-{numbers[row]}']")
        below.get_by_role("button", name="标为可疑").press("Space")
        select = below.locator("select")
        expect(select).to_be_focused()
        for _ in range(select.locator("option").count()):
            if select.input_value() != entry["reason"]:
                page.keyboard.press("ArrowDown")
        expect(select).to_have_value(entry["reason"])
    picture(page, "activity-ledger-flagged")
    ledger.get_by_role("button", name="核查完毕").press("Enter")
    saved(quiz)
    hand_in(page, quiz)
    worth = next(q.points for q in desk.course.module(module).quizzes if q.id == quiz_id)
    expect(ledger).to_contain_text("依据", timeout=20_000)
    assert violations(page, "fieldset[data-kind=ledger]") == []
    picture(page, "activity-ledger-graded")
    assert desk.scores(module)[quiz_id] == worth
    marking = in_formgrader(page, classroom, module)
    shows(marking, worth)
    marking.close()


def test_a_self_check_counts_what_was_done_and_keeps_the_words_at_home(
    classroom: Classroom, desk: Desk, page: Page
) -> None:
    module = "13-risk-check"
    quiz_id, _ = desk.activity(module, "自查")
    quiz, check = opened(page, classroom, module, "selfcheck")
    check.get_by_label("您的岗位").focus()
    page.keyboard.press("ArrowDown")
    risks = check.locator(".ql-risk")
    expect(risks.first).to_be_visible()
    for place in range(risks.count()):
        row = risks.nth(place)
        row.get_by_role("checkbox").first.focus()
        page.keyboard.press("Space")
        for name in ("可能性", "后果"):
            row.get_by_role("group", name=name).get_by_role("radio").first.focus()
            page.keyboard.press("Space")
        row.get_by_role("radio", name="没有", exact=True).focus()
        page.keyboard.press("Space")
        if place == 0:
            row.get_by_label("现有措施").focus()
            page.keyboard.insert_text(PRIVATE)
    saved(quiz)
    picture(page, "activity-selfcheck")
    hand_in(page, quiz)
    worth = next(q.points for q in desk.course.module(module).quizzes if q.id == quiz_id)
    wait_until(lambda: desk.scores(module).get(quiz_id) == worth, 20, "full points for a complete check")
    handed_in = [classroom.root / ".classroom" / name for name in ("exchange", "submitted", "feedback")]
    handed_in.append(classroom.root / ".classroom" / "gradebook.db")
    for place in (*handed_in, classroom.root / "autograded"):
        for path in [place] if place.is_file() else [p for p in place.rglob("*") if p.is_file()]:
            assert PRIVATE.encode() not in path.read_bytes(), path
            assert PRIVATE.encode("unicode_escape") not in path.read_bytes(), path
    assert any(PRIVATE in p.read_text("utf-8", "replace") for p in _files(classroom.home))
    marking = in_formgrader(page, classroom, module)
    shows(marking, worth)
    expect(marking.locator("body")).to_contain_text("已完成")
    marking.close()


def _files(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file() and p.suffix in (".json", ".txt")]
