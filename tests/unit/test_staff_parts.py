"""The smaller parts of the instructors' pages: plan, places, words, kept answers, guides, states of release."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from qinlian.authoring.reader import load_course
from qinlian.errors import GradingError
from qinlian.staff.guide import GUIDES, guides, read_guide
from qinlian.staff.keeper import Keeper
from qinlian.staff.places import Places
from qinlian.staff.plan import read_plan
from qinlian.staff.releases import releases
from qinlian.staff.words import address, day, number, share
from tests.staff_room import GIFTS, NOW, PLAN, START, Book, course_folder

ROOT = Path(__file__).parents[2]


class TestPlan:
    def test_it_is_what_learners_are_shown(self, tmp_path: Path) -> None:
        root = course_folder(tmp_path, Book.fresh(tmp_path / "book"))
        plan = read_plan(root / "release")
        assert plan == PLAN
        assert plan.tracks == ("青年干部", "教师")
        assert plan.taken("教师") == (START,)
        assert START.bar("教师") == 80.0

    @pytest.mark.slow
    def test_it_agrees_with_the_courses_text(self) -> None:
        plan, course = read_plan(ROOT / "release"), load_course(ROOT / "course")
        assert [(m.id, m.title, m.hours, m.max_score) for m in plan.modules] == [
            (m.id, m.title, m.hours, m.max_score) for m in course.modules
        ]
        for track in course.tracks:
            assert [m.id for m in plan.taken(track.name)] == list(track.modules)
            marks = {m.marks[track.name] for m in plan.taken(track.name)}
            assert marks == {course.pass_mark if track.pass_mark is None else track.pass_mark}

    def test_what_is_being_built_is_passed_over(self, tmp_path: Path) -> None:
        root = course_folder(tmp_path, Book.fresh(tmp_path / "book"))
        (root / "release" / START.id / "lesson.json").write_text("{")
        assert read_plan(root / "release").modules == (GIFTS,)
        assert read_plan(tmp_path / "nowhere").modules == ()


class TestPlaces:
    def test_they_are_read_from_the_courses_settings(self, tmp_path: Path) -> None:
        book = Book.fresh(tmp_path / "book")
        places = Places.load(course_folder(tmp_path, book))
        assert (places.course_id, places.db_url) == ("qinlian", book.url)
        assert places.outbound == tmp_path / "exchange" / "qinlian" / "outbound"
        assert book.url not in repr(places)

    def test_a_folder_without_settings_is_no_course(self, tmp_path: Path) -> None:
        with pytest.raises(GradingError, match="不是课程的文件夹"):
            Places.load(tmp_path)
        (tmp_path / "nbgrader_config.py").write_text("c = get_config()\n")
        with pytest.raises(GradingError, match="没有写课程的标识"):
            Places.load(tmp_path)


class TestWords:
    def test_times_are_beijing_times_with_the_year_where_it_is_another(self) -> None:
        now = datetime(2026, 12, 31, 20, 0, tzinfo=UTC)
        assert day(datetime(2026, 12, 31, 16, 5, tzinfo=UTC), now) == "1月1日 00:05"
        assert day(datetime(2026, 12, 31, 15, 5, tzinfo=UTC), now) == "2026年12月31日 23:05"
        assert day(None) == ""

    @pytest.mark.parametrize(
        ("value", "text"), [(0, "0"), (2.0, "2"), (7.98, "7.98"), (68.7, "68.7"), (12345, "12,345"), (None, "")]
    )
    def test_numbers_have_no_zeros_nobody_needs(self, value: float | None, text: str) -> None:
        assert number(value) == text

    def test_all_is_said_only_of_all(self) -> None:
        assert (share(999, 1000), share(1000, 1000), share(0, 0), share(1, 3)) == (99, 100, 0, 33)

    def test_addresses_carry_what_says_something(self) -> None:
        assert address("report", unit="甲/乙", module="", page=1) == "report?unit=%E7%94%B2%2F%E4%B9%99"
        assert address("report", page=2) == "report?page=2"
        assert address("report") == "report"


class Clock:
    """Time that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class TestKeptAnswers:
    def keeper(self) -> tuple[Keeper, Clock, list[int]]:
        clock = Clock()
        return Keeper(clock), clock, []

    def test_what_took_long_is_kept_a_while_and_what_was_quick_is_not(self) -> None:
        keeper, clock, made = self.keeper()

        async def make(seconds: float) -> int:
            clock.now += seconds
            made.append(1)
            return len(made)

        async def run() -> list[int]:
            found = []
            for seconds, wait in ((2.0, 19.0), (2.0, 2.0), (2.0, 0.0)):
                found.append((await keeper.get("a", lambda s=seconds: make(s))).value)
                clock.now += wait
            return found

        assert asyncio.run(run()) == [1, 1, 2]

    def test_who_asks_meanwhile_waits_for_the_same(self) -> None:
        keeper, _, made = self.keeper()

        async def make() -> int:
            made.append(1)
            await asyncio.sleep(0.01)
            return len(made)

        async def run() -> list[int]:
            return [kept.value for kept in await asyncio.gather(*(keeper.get("a", make) for _ in range(5)))]

        assert asyncio.run(run()) == [1] * 5

    def test_who_goes_away_takes_the_answer_from_nobody(self) -> None:
        keeper, _, made = self.keeper()

        async def make() -> int:
            await asyncio.sleep(0.02)
            made.append(1)
            return len(made)

        async def run() -> int:
            first = asyncio.create_task(keeper.get("a", make))
            second = asyncio.create_task(keeper.get("a", make))
            await asyncio.sleep(0)
            first.cancel()
            return (await second).value

        assert asyncio.run(run()) == 1

    def test_failures_are_not_kept_and_answers_are_bounded(self) -> None:
        keeper, clock, made = self.keeper()

        async def make() -> int:
            clock.now += 1
            made.append(1)
            if len(made) == 1:
                raise GradingError("忙")
            return len(made)

        async def run() -> int:
            with pytest.raises(GradingError):
                await keeper.get("a", make)
            for key in range(200):
                await keeper.get(key, make)
            return len(keeper._tasks)

        assert asyncio.run(run()) <= 64
        assert len(made) == 201

    def test_answers_of_different_eyes_are_apart(self) -> None:
        keeper, clock, _ = self.keeper()

        async def make(value: str) -> str:
            clock.now += 5
            return value

        async def run() -> list[str]:
            return [(await keeper.get(("x", key), lambda k=key: make(k))).value for key in ("甲", "乙", "甲")]

        assert asyncio.run(run()) == ["甲", "乙", "甲"]


class TestGuides:
    def test_those_that_are_there_are_offered(self, tmp_path: Path) -> None:
        assert guides(tmp_path) == {}
        (tmp_path / "format.md").write_text("# 写法\n")
        assert guides(tmp_path) == {"format": "课程写法"}
        with pytest.raises(KeyError):
            read_guide(tmp_path, "../secret")

    def test_text_is_text_whatever_it_looks_like(self, tmp_path: Path) -> None:
        text = (
            "# 写法\n\n<script>alert(1)</script> ![图](http://x/y.png) [外](https://example.com)\n[坏](javascript:alert(1))\n"
            "[好](activities.md) [段](format.md#x)\n\n## 一节 `码`\n\n|甲|乙|\n|---|---|\n|1|2|\n\n```\n<b>\n```\n"
        )
        (tmp_path / "format.md").write_text(text)
        guide = read_guide(tmp_path, "format")
        assert "<script>" not in guide.html
        assert "&lt;script&gt;" in guide.html
        assert "<img" not in guide.html
        assert set(re.findall(r'href="([^"]*)"', guide.html)) == {"activities", "format"}
        assert [(h.id, h.text) for h in guide.headings] == [("part-0", "一节 码")]
        assert 'id="part-0"' in guide.html

    @pytest.mark.parametrize("name", GUIDES)
    def test_ours_have_headings_and_ids_once(self, name: str) -> None:
        guide = read_guide(ROOT / "docs", name)
        ids = re.findall(r'\bid="([^"]*)"', guide.html)
        assert len(ids) == len(set(ids)) > 3
        assert guide.headings


class TestStatesOfRelease:
    def test_a_module_is_in_out_or_behind(self, tmp_path: Path) -> None:
        root = course_folder(tmp_path, Book.fresh(tmp_path / "book"), {START.id: START.edition, GIFTS.id: "0" * 20})
        due = {START.id: NOW.replace(tzinfo=UTC)}
        one, two = releases(Places.load(root), PLAN, due)
        assert (one.out, one.current, one.due) == (True, True, due[START.id])
        assert one.since == (NOW - timedelta(days=3)).replace(tzinfo=UTC)
        assert (two.out, two.current, two.due) == (True, False, None)

    def test_what_is_not_there_or_spoiled_is_not_out(self, tmp_path: Path) -> None:
        root = course_folder(tmp_path, Book.fresh(tmp_path / "book"), {START.id: START.edition})
        (root / "exchange" / "qinlian" / "outbound" / START.id / "lesson.json").write_text("{")
        assert [r.out for r in releases(Places.load(root), PLAN, {})] == [False, False]
