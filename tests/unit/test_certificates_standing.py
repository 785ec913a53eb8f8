"""Who has met the rules of the track, and what is told to everybody else."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from qinlian.core.model import Course, Module, QuizBlock, Track
from qinlian.reports.certificates.standing import Standing, standings

COURSE = Course(
    id="qinlian",
    title="勤廉学堂",
    pass_mark=60,
    modules=tuple(
        Module(id=name, title=title, hours=hours, blocks=(QuizBlock(id=name, pool=(), count=1, points=100),))
        for name, title, hours in (("01-a", "导学", 2.0), ("02-b", "礼金", 1.1), ("03-c", "财经", 2.2))
    ),
    tracks=(
        Track(name="干部", modules=("01-a", "02-b", "03-c"), hours=5.3),
        Track(name="教师", modules=("01-a", "03-c"), hours=4.2, pass_mark=80),
        Track(name="多学", modules=("01-a",), hours=3),
    ),
)
DONE = {"01-a": ("已评分", 90.0, True), "02-b": ("已评分", 60.0, True), "03-c": ("已评分", 75.0, True)}


def standing(track: str, marks: dict[str, tuple[str, float | None, bool]], archived: bool = False) -> Standing:
    """Somebody of that track with that state, score and whether it is passed, by module."""
    person = {"account": "ql1", "number": "1", "name": "周晓岚", "unit": "甲/乙", "track": track, "archived": archived}
    hours = {m.id: m.hours for m in COURSE.modules}
    rows: list[dict[str, Any]] = [
        {
            "account": "ql1",
            "module": module,
            "state": state,
            "score": float("nan") if score is None else score,
            "max_score": 100.0,
            "passed": passed,
            "hours": hours[module] if passed else 0.0,
        }
        for module, (state, score, passed) in marks.items()
    ]
    columns = ["account", "module", "state", "score", "max_score", "passed", "hours"]
    (found,) = standings(pd.DataFrame([person]), pd.DataFrame(rows, columns=columns), COURSE)
    return found


def test_all_passed_is_earned_with_hours_and_the_share_of_all_points() -> None:
    found = standing("干部", DONE)
    assert not found.missing
    assert (found.facts.hours, found.facts.score, found.facts.track) == (5.3, 75.0, "干部")
    assert [(m.title, m.state, m.hours, m.of) for m in found.facts.modules] == [
        ("导学", "已通过", 2.0, 2.0),
        ("礼金", "已通过", 1.1, 1.1),
        ("财经", "已通过", 2.2, 2.2),
    ]


def test_only_the_modules_of_the_track_count() -> None:
    found = standing("教师", {"01-a": ("已评分", 90.0, True), "03-c": ("已评分", 85.0, True)})
    assert not found.missing
    assert (found.facts.hours, found.facts.score) == (4.2, 87.5)


def test_what_is_missing_is_said_with_hours_first_and_in_the_order_of_the_course() -> None:
    found = standing("干部", {"01-a": ("已评分", 59.0, False), "02-b": ("已提交", None, False)})
    assert found.missing == (
        "还差 5.3 学时",
        "“导学”得 59 分，满分 100，不到 60%",
        "“礼金”已提交，还没有评分",
        "“财经”还没有学",
    )


def test_the_pass_mark_told_is_that_of_the_track() -> None:
    assert "“财经”得 75 分，满分 100，不到 80%" in standing("教师", DONE | {"03-c": ("已评分", 75.0, False)}).missing


def test_nothing_may_wait_for_a_mark_though_its_hours_count_already() -> None:
    found = standing("干部", DONE | {"03-c": ("待评阅", 75.0, True)})
    assert found.missing == ("“财经”等教师评阅",)
    assert found.facts.hours == 5.3


def test_hours_beyond_the_modules_are_asked_for() -> None:
    assert standing("多学", {"01-a": ("已评分", 90.0, True)}).missing == ("还差 1 学时",)


def test_without_a_track_it_takes_the_whole_course_and_that_is_said() -> None:
    assert not standing("", DONE).missing
    missing = standing("", {"01-a": ("已评分", 90.0, True)}).missing
    assert missing[:2] == ("名单里没有写培训对象，按全部模块核对", "还差 3.3 学时")
    assert standing("没有的对象", DONE).facts.track == ""


def test_somebody_who_did_nothing_has_a_line_for_each_module() -> None:
    found = standing("干部", {})
    assert found.facts.hours == 0
    assert [m.state for m in found.facts.modules] == ["未开始"] * 3
    assert len(found.missing) == 4


@pytest.mark.parametrize("archived", [True, False])
def test_who_left_after_passing_has_earned_it_too(archived: bool) -> None:
    found = standing("干部", DONE, archived)
    assert not found.missing
