"""Demonstration learners: plausible, the same every time, and gone through the real exchange."""

from __future__ import annotations

from pathlib import Path

import pytest

from qinlian.classroom.demo import add_demo
from qinlian.classroom.demo_people import PEOPLE, UNITS
from qinlian.core.files import ResultFile, parse_answers
from qinlian.reports.table import gradebook_table
from tests.classroom import REFLECTION, Classroom, fresh_classroom
from tests.sample import COURSE, IDS, MODULE

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Classroom:
    room = fresh_classroom(tmp_path_factory.mktemp("demo"))
    add_demo(room.root, learners=30)
    return room


def test_thirty_people_with_chinese_names_and_units(shown: Classroom) -> None:
    table = gradebook_table(shown.db_url, COURSE)
    assert len(table) == 30
    assert set(table["姓名"]) == set(PEOPLE)
    assert set(table["单位"]) <= set(UNITS)


def test_some_never_began_and_some_wait_for_their_reader(shown: Classroom) -> None:
    states = gradebook_table(shown.db_url, COURSE)["状态"].value_counts()
    assert states["未开始"] >= 1
    assert states["待评阅"] >= 3
    assert states["已评分"] >= 10


def test_scores_spread_and_some_needed_several_attempts(shown: Classroom) -> None:
    table = gradebook_table(shown.db_url, COURSE)
    assert table["得分"].std() > 8
    assert table["次数"].max() >= 2
    assert 0.4 < (table["获得学时"] > 0).mean() < 1


def test_what_they_sent_was_collected_and_says_no_more_than_a_learner_can_know(shown: Classroom) -> None:
    known = {IDS.of(item.id) for item in MODULE.items}
    for folder in shown.inbound.iterdir():
        answers = parse_answers((folder / "answers.json").read_bytes())
        assert set(answers.answers) <= known
    assert len(list(shown.outbox.glob("*.json"))) == len(list(shown.inbound.iterdir()))


def test_nobody_got_a_note_about_a_fault(shown: Classroom) -> None:

    for path in shown.outbox.glob("*.json"):
        assert ResultFile.model_validate_json(path.read_bytes()).notes == ()


def test_the_instructor_has_read_some_and_commented(shown: Classroom) -> None:
    with shown.gradebook() as gradebook:
        notebook = gradebook.assignment_submissions(MODULE.id)
        comments = [c.manual_comment for s in notebook for n in s.notebooks for c in n.comments if c.manual_comment]
    assert len(comments) >= 5
    marks = [shown.scores(s)[REFLECTION][1] for s in ("demo01", "demo02", "demo05")]
    assert any(mark is not None for mark in marks)


def test_adding_them_twice_adds_nothing_and_the_same_people_answer_the_same(shown: Classroom, tmp_path: Path) -> None:
    before = gradebook_table(shown.db_url, COURSE)
    add_demo(shown.root, learners=30)
    assert gradebook_table(shown.db_url, COURSE).equals(before)
    other = fresh_classroom(tmp_path)
    add_demo(other.root, learners=30)
    columns = ["学员", "得分", "状态", "次数"]
    assert gradebook_table(other.db_url, COURSE)[columns].equals(before[columns])
