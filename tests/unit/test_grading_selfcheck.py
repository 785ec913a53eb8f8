"""A self-check all the way through nbgrader's chain and into the report: no text and no rating comes through."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from qinlian.grading.worker import grade_module
from qinlian.quiz.exchange import Exchange
from qinlian.quiz.exchange_settings import ExchangeSettings
from qinlian.quiz.live import LiveLesson
from qinlian.reports.risks import group_risks, risk_names, self_ratings
from tests.classroom import Classroom, make_classroom
from tests.sample import IDS
from tests.selfcheck import CHECK, COURSE, MODULE

pytestmark = pytest.mark.slow

BLOCK, ITEM = "91-selfcheck", IDS.of(CHECK.id)
WORDS = "我最怕验收那天的电话"
LEARNERS = ("amy", "bob", "cat", "dan", "eve")


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Classroom:
    """Five learners who handed in their self-check, graded."""
    from qinlian.toolpath import put_tools_on_path

    put_tools_on_path()
    base = tmp_path_factory.mktemp("selfcheck")
    room = make_classroom(base / "repository", COURSE)
    for learner in LEARNERS:
        settings = ExchangeSettings(room.inbound.parents[1], COURSE.id, learner, base / learner / "cache")
        exchange, folder = Exchange(settings), base / learner / "home" / MODULE.id
        exchange.fetch(MODULE.id, folder)
        live = LiveLesson(folder, exchange, learner)
        value = {"post": "CG", "rows": {"CG01": [4, 5, 0], "CG03": [2, 3, 1], "own1": [5, 5, 0]}}
        notes = {"CG01.now": WORDS, "own1.text": f"{WORDS}{learner}"}
        live.save(BLOCK, {ITEM: value, f"note:{ITEM}": notes}, {})
        live.submit(BLOCK)
    assert grade_module(room.root, MODULE.id).failed == 0
    return room


def files_below(*folders: Path) -> list[Path]:
    return [p for folder in folders for p in folder.rglob("*") if p.is_file()]


def test_completion_earns_full_marks(room: Classroom):
    with room.gradebook() as gradebook:
        for learner in LEARNERS:
            notebook = gradebook.find_submission_notebook(MODULE.id, MODULE.id, learner)
            assert [(g.name, g.auto_score, g.needs_manual_grade) for g in notebook.grades] == [(BLOCK, 20.0, False)]


def test_no_text_of_a_learner_is_anywhere_on_the_instructors_side(room: Classroom):
    everything = files_below(room.root)
    assert any("CG01" in p.read_text("utf-8", "replace") for p in everything if p.name == "answers.json")
    assert [p for p in everything if WORDS.encode() in p.read_bytes()] == []


def test_what_formgrader_and_the_feedback_page_show_is_completion_and_no_rating(room: Classroom):
    shown = [p for p in files_below(room.root / "autograded", room.root / ".classroom" / "feedback") if "amy" in str(p)]
    pages = [p for p in shown if p.suffix == ".html"]
    notebooks = [p for p in shown if p.suffix == ".ipynb"]
    assert pages
    assert notebooks
    for page in (*pages, *notebooks):
        text = page.read_text("utf-8")
        assert "已完成 3 项" in text
        assert "CG01" not in text
        assert "[4, 5, 0]" not in text


def test_the_learners_own_notes_stay_at_home_for_them_alone(room: Classroom):
    path = room.root.parent / "amy" / "home" / ".qinlian" / "notes" / COURSE.id / f"{MODULE.id}.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert WORDS in path.read_text("utf-8")


def test_the_report_sums_up_without_names(room: Classroom):
    (group,) = group_risks(self_ratings(room.db_url, COURSE), risk_names(COURSE))
    assert (group.name, group.people) == ("全体学员", 5)
    assert group.heat == {(4, 5): 5, (2, 3): 5, (5, 5): 5}
    assert [(line.people, line.mean, line.unguarded) for line in group.risks] == [(5, 25, 1), (5, 20, 1), (5, 6, 0)]
    assert not any(learner in json.dumps([line.name for line in group.risks]) for learner in LEARNERS)
