"""我的学习 by audience: which modules, whose pass mark, and what was learned since the first test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from qinlian.core.files import (
    LESSON_NAME,
    LessonBlock,
    LessonFile,
    LessonTrack,
    QuizResult,
    ResultFile,
)
from qinlian.errors import StoreError
from qinlian.portal.desk import Desk
from qinlian.portal.page import overview_page
from qinlian.portal.port import Overview, standing_of
from qinlian.quiz.exchange import Exchange
from qinlian.quiz.exchange_settings import ExchangeSettings
from qinlian.quiz.track import TRACK_VARIABLE, choose_track

YOUNG = LessonTrack(name="青年干部", hours=3, pass_mark=70, cases=("一箱枇杷",))
TEACHERS = LessonTrack(name="教师", hours=9, pass_mark=60)


def lesson(module: str, *tracks: LessonTrack, **quiz: Any) -> LessonFile:
    block = LessonBlock(kind="quiz", id=f"{module}-q", items=(), count=1, attempts=1, points=100, **quiz)
    fields = {"course": "qinlian", "course_title": "勤廉学堂", "module": module, "title": module, "hours": 2}
    return LessonFile(**fields, edition="e", tracks=tracks, blocks=(block,), items={})


def result(module: str, score: float, points: float = 100) -> ResultFile:
    quiz = QuizResult(
        attempt=1, attempts=1, score=score, counted=score, points=points, keep="最高", passed=True, final=True,
        revealed=False, seen=(),
    )  # fmt: skip
    fields = {"course": "qinlian", "module": module, "edition": "e", "submitted_at": "", "graded_at": ""}
    return ResultFile(**fields, score=score, max_score=points, state="已评分", quizzes={f"{module}-q": quiz})


def standing(lesson_file: LessonFile, score: float, track: str = "") -> Any:
    return standing_of(
        lesson_file, opened=True, submitted_at=None, result=result(lesson_file.module, score), current=True,
        again=False, track=track,
    )  # fmt: skip


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    for released in (lesson("01-start", YOUNG), lesson("02-gifts", YOUNG, TEACHERS), lesson("03-more")):
        folder = tmp_path / "exchange" / "qinlian" / "outbound" / released.module
        folder.mkdir(parents=True)
        (folder / LESSON_NAME).write_text(released.model_dump_json(by_alias=True), "utf-8")
        (folder / f"{released.module}.ipynb").write_text("{}", "utf-8")
    (tmp_path / "home").mkdir()
    settings = ExchangeSettings(tmp_path / "exchange", "qinlian", "xiaozhou", tmp_path / "cache", False)
    return Desk(tmp_path / "home", lambda: Exchange(settings))


def modules(desk: Desk) -> list[str]:
    return [m.module for m in desk.overview().modules]


def test_without_a_choice_every_module_is_there(desk: Desk) -> None:
    assert modules(desk) == ["01-start", "02-gifts", "03-more"]
    assert desk.overview().hours == 6


def test_a_choice_leaves_the_tracks_modules_and_asks_for_its_hours(desk: Desk) -> None:
    desk.choose_track("青年干部")
    assert modules(desk) == ["01-start", "02-gifts"]
    assert desk.overview().hours == 3
    desk.choose_track("教师")
    assert modules(desk) == ["02-gifts"]
    desk.choose_track("")
    assert len(modules(desk)) == 3


def test_a_track_that_is_not_there_cannot_be_chosen_and_one_that_vanished_hides_nothing(
    desk: Desk, tmp_path: Path
) -> None:
    with pytest.raises(StoreError, match="没有这一类培训对象"):
        desk.choose_track("校长")
    desk.choose_track("教师")
    choose_track(tmp_path / "home", "已经取消的")
    assert len(modules(desk)) == 3


def test_in_a_classroom_for_one_audience_there_is_nothing_to_choose(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.choose_track("教师")
    monkeypatch.setenv(TRACK_VARIABLE, "青年干部")
    overview = desk.overview()
    assert (overview.track, overview.track_fixed) == ("青年干部", True)
    assert "<select" not in overview_page(overview, "/qinlian/")


def test_the_tracks_own_pass_mark_decides() -> None:
    gifts = lesson("02-gifts", YOUNG, TEACHERS)
    assert not standing(gifts, 65, "青年干部").passed
    assert standing(gifts, 65, "教师").passed
    assert standing(gifts, 65).passed


def test_cases_that_matter_most_are_named(desk: Desk) -> None:
    desk.choose_track("青年干部")
    assert "与您的岗位最有关系的案例：“一箱枇杷”" in overview_page(desk.overview(), "/qinlian/")


def test_the_page_offers_the_choice_with_its_token(desk: Desk) -> None:
    page = overview_page(desk.overview(), "/qinlian/", xsrf="t<1>")
    assert '<form class="track" method="post" action="/qinlian/track">' in page
    assert 'value="t&lt;1&gt;"' in page


def test_the_first_test_alone_neither_passes_nor_fails_a_module() -> None:
    only_the_first = standing(lesson("01-start", marked=False), 55)
    assert (only_the_first.state, only_the_first.score, only_the_first.before) == ("进行中", None, 55)


def test_the_first_test_over_all_modules_is_not_taken_for_the_last() -> None:
    both = standing(lesson("01-start", marked=False, whole=True), 55)
    assert (both.before, both.after) == (55, None)


def test_the_gain_stands_there_once_both_tests_were_taken() -> None:
    before = standing(lesson("01-start", marked=False), 55)
    after = standing(lesson("14-end", whole=True), 82)
    assert before.attempts_left == 0
    assert Overview("勤廉学堂", "x", (before,)).gain is None
    overview = Overview("勤廉学堂", "x", (before, after))
    assert overview.gain == (55, 82)
    assert "摸底 55 分，结业测评 82 分（都按百分计），提高了 27 分" in overview_page(overview, "/qinlian/")
