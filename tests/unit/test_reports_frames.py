"""The gradebook as frames: who, what, how well, and which answers count."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qinlian.core.identity import Identity
from qinlian.grading.response_tables import RESPONSE
from qinlian.reports import frames
from qinlian.reports.frames.contents import taken
from qinlian.reports.frames.people import roster_of
from qinlian.reports.states import STATES
from qinlian.staff.report import Filter, every_row
from tests.frames_room import COURSE, FrameBook, read
from tests.roster_room import PLACES
from tests.sample import IDS
from tests.staff_room import GIFTS, NOW, PLAN, START, viewer


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(FrameBook.fresh(tmp_path_factory.mktemp("empty")).url.removeprefix("sqlite:///"))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> FrameBook:
    """An empty gradebook on either database."""
    return FrameBook.on(request.param, tmp_path)


def rows(table: pd.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    return list(table[list(columns)].astype("object").itertuples(index=False, name=None))


class TestLearners:
    def test_name_unit_and_track_are_the_rosters_and_nbgraders_where_it_knows_nobody(self, book: FrameBook) -> None:
        book.add("7", PLACES[1], "周晓岚", department="人事处", track="教师")
        book.stranger("demo01", "演示", "示范")
        table = read(book, frames.learners)
        columns = ("account", "number", "name", "unit", "department", "track", "archived")
        assert tuple(table.columns) == columns
        assert rows(table, *columns) == [
            ("demo01", "", "演示", "示范", "", "", False),
            ("ql7", "7", "周晓岚", PLACES[1], "人事处", "教师", False),
        ]

    def test_who_left_is_there_when_asked_for_and_who_teaches_never(self, book: FrameBook) -> None:
        book.add("1", PLACES[0], gone=True)
        book.add("2", PLACES[0], role="教师")
        assert read(book, frames.learners).empty
        assert rows(read(book, frames.learners, archived=True), "account", "archived") == [("ql1", True)]

    def test_a_scope_has_its_own_people_and_nobody_else(self, book: FrameBook) -> None:
        for number, place in enumerate(PLACES):
            book.add(str(number), place)
        book.stranger("demo01", "演示", PLACES[0])
        scope = roster_of(book.url).scope(PLACES[1])
        assert list(read(book, frames.learners, scope)["account"]) == ["ql0", "ql1"]


class TestUnits:
    def test_each_stands_before_those_below_it_with_its_people_counted(self, book: FrameBook) -> None:
        for number, place in enumerate([PLACES[0], PLACES[0], PLACES[1], PLACES[2]]):
            book.add(str(number), place)
        book.add("9", PLACES[2], gone=True)
        table = read(book, frames.units)
        assert tuple(table.columns) == ("unit", "name", "parent", "depth", "people", "people_below")
        top, near, far = "省开放大学", "省开放大学/青禾分校", "省开放大学/栖云分校"
        assert rows(table, *table.columns) == [
            (top, "省开放大学", "", 0, 0, 4),
            (near, "青禾分校", top, 1, 1, 3),
            (PLACES[0], "望川学习中心", near, 2, 2, 2),
            (far, "栖云分校", top, 1, 0, 1),
            (PLACES[2], "临溪学习中心", far, 2, 1, 1),
        ]

    def test_nothing_above_a_scope_is_shown(self, book: FrameBook) -> None:
        for number, place in enumerate(PLACES):
            book.add(str(number), place)
        table = read(book, frames.units, roster_of(book.url).scope(PLACES[1]))
        assert rows(table, "unit", "people_below") == [(PLACES[1], 2), (PLACES[0], 1)]

    def test_units_that_only_nbgrader_knows_count_too(self, book: FrameBook) -> None:
        book.stranger("demo01", "演示", "示范单位")
        assert rows(read(book, frames.units), "unit", "people") == [("示范单位", 1)]


class TestCourse:
    def test_modules_are_those_of_the_course_in_order(self) -> None:
        table = frames.modules(COURSE)
        assert rows(table, "module", "place", "hours", "max_score") == [(START.id, 0, 2, 100), (GIFTS.id, 1, 1.5, 110)]
        assert table["due"].dtype == "datetime64[us, UTC]"

    def test_a_track_takes_its_modules_at_its_pass_mark_and_no_track_takes_all(self) -> None:
        named = [("", taken(COURSE, "")), *((track.name, taken(COURSE, track.name)) for track in COURSE.tracks)]
        assert [(track, module.id, mark) for track, (modules, mark) in named for module in modules] == [
            ("", START.id, 60),
            ("", GIFTS.id, 60),
            ("青年干部", START.id, 60),
            ("青年干部", GIFTS.id, 60),
            ("教师", START.id, 80),
        ]

    def test_an_item_that_a_quiz_over_all_modules_borrows_stands_once(self) -> None:
        first, second = COURSE.modules
        borrowed = first.items[0].model_copy(update={"stratum": 1})
        course = COURSE.model_copy(
            update={"modules": (first, second.model_copy(update={"items": (*second.items, borrowed)}))}
        )
        table = frames.items(course)
        assert rows(table[table["item"] == borrowed.id], "module", "use") == [(first.id, "测验")]
        assert table.loc[0, "topics"] == first.items[0].topics

    def test_options_are_those_of_choices_with_the_key_and_the_place_they_are_shown_at(self) -> None:
        table = frames.options(COURSE, IDS)
        kinds = {item.id: item.kind for module in COURSE.modules for item in module.items}
        assert {kinds[item] for item in table["item"]} == {"单选", "多选", "判断"}
        single = table[table["item"] == "LZ-90-101"]
        assert dict(zip(single["option"], single["correct"], strict=True)) == {
            "A": False,
            "B": False,
            "C": True,
            "D": False,
        }
        assert sorted(single["place"]) == [0, 1, 2, 3]
        assert list(single.sort_values("place")["public_id"]) == sorted(single["public_id"])
        assert set(table["public_id"]).isdisjoint(frames.options(COURSE, Identity(b"other"))["public_id"])


class TestGrades:
    def test_a_learner_has_rows_for_the_modules_of_their_track(self, book: FrameBook) -> None:
        for number, track in enumerate(("", "教师", "没有这个")):
            book.add(str(number), PLACES[0], track=track)
        assert Counter(read(book, frames.grades, COURSE)["account"].astype("str")) == {"ql0": 2, "ql1": 1, "ql2": 2}

    def test_score_state_hours_and_attempts(self, book: FrameBook) -> None:
        who = [book.add(str(n), PLACES[0], track="教师" if n == 3 else "") for n in range(5)]
        book.grade(who[0], START, quiz=60.0, text=15.5, extra=1.0)
        book.grade(who[1], START, quiz=50.0, waits=True, penalty=60.0)
        book.arrive(who[2], START)
        book.grade(who[3], START, quiz=79.0, text=0.994)
        book.attempt(who[3], 1)
        book.attempt(who[3], 2, state="超次")
        book.attempt(who[3], 3)
        table = read(book, frames.grades, COURSE)
        first = table[table["module"] == START.id]
        assert rows(first, "account", "state", "attempts", "passed", "hours") == [
            ("ql0", "已评分", 0, True, 2.0),
            ("ql1", "待评阅", 0, False, 0.0),
            ("ql2", "已提交", 0, False, 0.0),
            ("ql3", "已评分", 2, False, 0.0),
            ("ql4", "未开始", 0, False, 0.0),
        ]
        assert first["score"].fillna(-1).tolist() == [76.5, 0.0, -1, 79.99, -1]
        assert set(first["max_score"]) == {100.0}
        assert first["submitted_at"].isna().tolist() == [False, False, False, False, True]
        assert first["submitted_at"].iloc[0] == pd.Timestamp(NOW, tz="UTC")

    def test_late_is_after_the_learners_own_due_date(self, book: FrameBook) -> None:
        from sqlalchemy import update

        from qinlian.grading.tables import SUBMITTED_ASSIGNMENT as THEIRS

        who = [book.add(str(n), PLACES[0]) for n in range(5)]
        book.due(START, NOW - timedelta(minutes=30))
        book.arrive(who[4], START)
        for account, minutes in zip(who, (0, -30, 0, None), strict=False):
            book.grade(account, START, quiz=60.0, at=None if minutes is None else NOW + timedelta(minutes=minutes))
        with book.engine.begin() as c:
            mine = THEIRS.c.student_id == who[2]
            c.execute(update(THEIRS).where(mine).values(extension=timedelta(hours=1)))
        table = read(book, frames.grades, COURSE)
        assert table[table["module"] == START.id]["late"].tolist() == [True, False, False, False, True]

    def test_the_pages_of_instructors_say_the_same_of_everybody(self, book: FrameBook) -> None:
        for number, place in enumerate(PLACES * 3):
            account = book.add(str(number), place, track=("", "教师", "青年干部")[number % 3])
            for module in (START, GIFTS):
                match (number + len(module.id)) % 5:
                    case 0:
                        book.arrive(account, module, "停放")
                    case 1:
                        book.arrive(account, module)
                        book.grade(account, module, quiz=30.0, waits=True)
                    case 2:
                        book.grade(account, module, quiz=50.0, text=29.995, penalty=0.0)
                    case 3:
                        book.grade(account, module, at=None)
        theirs = [
            (row.learner.account, row.module.id, row.state, row.score, row.hours)
            for row in every_row(book.engine, viewer("", "管理员"), PLAN, Filter())
        ]
        ours = read(book, frames.grades, COURSE).astype({"score": "object"})
        ours["score"] = ours["score"].where(ours["score"].notna(), None)
        assert sorted(rows(ours, "account", "module", "state", "score", "hours"), key=lambda r: r[:2]) == sorted(
            theirs, key=lambda r: r[:2]
        )
        assert set(ours["state"]) == set(STATES)


class TestResponses:
    def test_every_column_is_as_kept(self, book: FrameBook) -> None:
        who = book.add("1", PLACES[0])
        book.attempt(who, 1, [("I1", "c0ffee", 1.0), ("I2", None, 0.0), ("I3", ["a", "b"], 0.5)])
        table = read(book, frames.responses, values=True)
        assert rows(table, "account", "module", "quiz", "attempt", "number", "submitted_at")[0] == (
            who,
            START.id,
            "exam-1",
            f"{who}-{START.id}-1",
            1,
            pd.Timestamp(NOW + timedelta(minutes=1), tz="UTC"),
        )
        assert rows(table, "item", "place", "answered", "fraction", "earned", "possible", "value") == [
            ("I1", 0, True, 1.0, 2.0, 2.0, '"c0ffee"'),
            ("I2", 1, False, 0.0, 0.0, 2.0, "null"),
            ("I3", 2, True, 0.5, 1.0, 2.0, json.dumps(["a", "b"])),
        ]
        assert table["variant"].isna().all()

    def test_only_what_counts_and_of_each_quiz_the_first_or_the_last_or_all(self, book: FrameBook) -> None:
        who = book.add("1", PLACES[0])
        for number, state in enumerate(("未作答", "计入", "旧题", "计入", "超次", "未改动"), 1):
            book.attempt(who, number, [("I1", "x", 0.0)], state=state)
        book.attempt(who, 1, [("I2", "x", 0.0)], module=GIFTS.id, quiz="exam-2")

        def chosen(attempts: frames.Attempts) -> set[str]:
            return set(read(book, frames.responses, attempts=attempts)["attempt"].astype("str"))

        other = f"{who}-{GIFTS.id}-1"
        assert chosen("first") == {f"{who}-{START.id}-2", other}
        assert chosen("last") == {f"{who}-{START.id}-4", other}
        assert chosen("all") == {f"{who}-{START.id}-2", f"{who}-{START.id}-4", other}

    def test_it_narrows_to_modules_quizzes_and_a_scope(self, book: FrameBook) -> None:
        for number, place in enumerate(PLACES):
            who = book.add(str(number), place)
            book.attempt(who, 1, [("I1", "x", 0.0)])
            book.attempt(who, 1, [("I2", "x", 0.0)], module=GIFTS.id, quiz="exam-2")
        assert set(read(book, frames.responses, modules=[GIFTS.id])["item"]) == {"I2"}
        assert set(read(book, frames.responses, quizzes=["exam-1"])["item"]) == {"I1"}
        assert read(book, frames.responses, modules=[]).empty
        scope = roster_of(book.url).scope(PLACES[1])
        assert set(read(book, frames.responses, scope)["account"]) == {"ql0", "ql1"}
        assert set(read(book, frames.quizzes, scope)["account"]) == {"ql0", "ql1"}

    def test_reflections_and_free_text_and_self_checks_stand_beside_nobodys_account(self, book: FrameBook) -> None:
        who = book.add("1", PLACES[0])
        book.attempt(who, 1, [("R1", "我的心得", None)], quiz="")
        check = {"post": "CG", "rows": {"CG01": [5, 5, 0]}}
        book.attempt(who, 2, [("S1", check, 1.0), ("B1", {"p": "一个月"}, 1.0)])
        table = read(book, frames.responses, attempts="all", values=True)
        assert rows(table, "item", "value") == [("S1", "null"), ("B1", "null")]

    def test_what_staff_try_out_is_left_out_and_what_a_learner_who_left_answered_is_not(self, book: FrameBook) -> None:
        book.attempt(book.add("1", PLACES[0], role="教师"), 1, [("I1", "x", 1.0)])
        book.attempt(book.add("2", PLACES[0], gone=True), 1, [("I1", "x", 1.0)])
        assert list(read(book, frames.responses)["account"]) == ["ql2"]
        assert list(read(book, frames.quizzes)["account"]) == ["ql2"]

    def test_variants_and_what_was_not_scored_are_missing_and_not_zero(self, book: FrameBook) -> None:
        from sqlalchemy import update

        who = book.add("1", PLACES[0])
        book.attempt(who, 1, [("I1", "x", 1.0), ("I2", "x", None)])
        with book.engine.begin() as c:
            c.execute(update(RESPONSE).where(RESPONSE.c.item == "I1").values(variant=3))
        table = read(book, frames.responses)
        assert table["variant"].dtype == "Int16"
        assert table["variant"].tolist() == [3, pd.NA]
        assert table["fraction"].isna().tolist() == [False, True]

    def test_quizzes_have_all_states(self, book: FrameBook) -> None:
        who = book.add("1", PLACES[0])
        book.attempt(who, 1)
        book.attempt(who, 2, state="超次", counted=0)
        table = read(book, frames.quizzes).sort_values("submitted_at")
        assert rows(table, "state", "number", "score", "points", "counted") == [
            ("计入", 1, 40.0, 80.0, 40.0),
            ("超次", 0, 40.0, 80.0, 40.0),
        ]


STATE = st.sampled_from(["计入", "未作答", "未改动", "旧题", "超次"])
HISTORIES = st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["q1", "q2"]), STATE), max_size=30)


class TestWhichAttempts:
    @settings(max_examples=12, deadline=None)
    @given(HISTORIES)
    def test_first_and_last_are_those_that_counting_by_hand_finds(
        self, empty: Path, tmp_path_factory: pytest.TempPathFactory, history: list[tuple[int, str, str]]
    ) -> None:
        book = FrameBook.__new__(FrameBook)
        book.url = f"sqlite:///{shutil.copy(empty, tmp_path_factory.mktemp('book') / 'gradebook.db')}"
        from qinlian.staff.book import open_book

        book.engine, book._uid, book._units = open_book(book.url), 20_000, set()
        people = [book.stranger(f"u{n}", "", "") for n in range(5)]
        counted: dict[tuple[str, str], list[str]] = {}
        for number, (who, quiz, state) in enumerate(history, 1):
            made = book.attempt(people[who], number, [("I1", "x", 1.0)], quiz=quiz, state=state)
            if state == "计入":
                counted.setdefault((people[who], quiz), []).append(made)
        first, last, every = (
            sorted(read(book, frames.responses, attempts=which)["attempt"].astype("str"))
            for which in ("first", "last", "all")
        )
        assert first == sorted(made[0] for made in counted.values())
        assert last == sorted(made[-1] for made in counted.values())
        assert every == sorted(one for made in counted.values() for one in made)


class TestManyParts:
    def test_reading_in_parts_loses_and_doubles_nothing(self, book: FrameBook, monkeypatch: pytest.MonkeyPatch) -> None:
        people = [book.add(str(n), PLACES[0]) for n in range(7)]
        for account in people:
            book.attempt(account, 1, [(f"I{n}", "x", 1.0) for n in range(3)])
        whole = read(book, frames.responses)
        for size in (1, 2, 3, 7):
            monkeypatch.setattr("qinlian.reports.frames.answers._PART", size)
            pd.testing.assert_frame_equal(read(book, frames.responses), whole)
            assert len(read(book, frames.quizzes)) == 7
