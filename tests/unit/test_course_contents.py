"""What every module of the course holds, counted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qinlian.authoring.reader import load_course
from qinlian.core.model import CaseBlock, Item, ItemBlock, Module, Prose, QuizBlock
from qinlian.items.decision.story import parse

COURSE = load_course(Path(__file__).resolve().parents[2] / "course")
TAUGHT = [m for m in COURSE.modules if "02" <= m.number <= "12"]
TEACHING = [m for m in COURSE.modules if m.number != "14"]

each = pytest.mark.parametrize("module", TAUGHT, ids=lambda m: m.id)


def of(module: Module, use: str, *, activities: bool = False) -> list[Item]:
    return [i for i in module.own_items if i.use == use and (activities or not i.body)]


def lesson(module: Module) -> str:
    return "\n".join(b.text for b in module.blocks if isinstance(b, Prose))


def test_there_are_fourteen_modules_in_order() -> None:
    assert [m.number for m in COURSE.modules] == [f"{n:02d}" for n in range(1, 15)]


@each
def test_objectives_can_be_counted_on_one_hand(module: Module) -> None:
    assert 3 <= len(module.objectives) <= 5


@each
def test_a_lesson_is_an_evening_not_a_book(module: Module) -> None:
    text = lesson(module)
    assert 3000 <= len(re.findall("[\u4e00-\u9fff]", text)) <= 5000
    assert len(re.findall(r"(?m)^## ", text)) >= 5
    assert re.search(r"阅读约 \d+ 分钟", text), "says honestly how long it takes"


@each
def test_a_lesson_has_a_table_the_steps_to_take_and_the_rules_it_rests_on(module: Module) -> None:
    text = lesson(module)
    assert re.search(r"(?m)^\|.*\|\n\|[-| :]+\|$", text)
    assert "## 遇到这种情况怎么办" in text
    assert "## 这一课依据的规定" in text


@each
def test_three_cases_or_more_and_one_that_ends_well(module: Module) -> None:
    shown = {b.case for b in module.blocks if isinstance(b, CaseBlock)}
    assert shown == {c.id for c in module.cases}
    assert len(module.cases) >= 3
    assert {c.kind for c in module.cases} == {"警示", "正面"}
    assert all(any(isinstance(p, ItemBlock) for p in c.parts) for c in module.cases)


@each
def test_a_full_decision_case_can_be_walked(module: Module) -> None:
    stories = [parse(i.body).story for i in of(module, "练习", activities=True) if i.kind == "抉择"]
    assert any(len(s.nodes) >= 8 and sum(n.ending for n in s.nodes) >= 3 for s in stories)


@each
def test_practice_answers_every_choice(module: Module) -> None:
    practice = of(module, "练习")
    assert len(practice) >= 12
    for item in practice:
        if item.kind in ("单选", "多选", "判断"):
            assert all(e.feedback for e in item.elements), item.id


@each
def test_the_graded_pool_is_wide_and_goes_up_to_weighing_rules(module: Module) -> None:
    pool = of(module, "测验")
    assert len(pool) >= 24
    assert len({i.kind for i in pool}) >= 4
    assert {i.difficulty for i in pool} == {1, 2, 3}
    by_topic = {t: {i.difficulty for i in pool if t in i.topics} for i in pool for t in i.topics}
    # An objective takes one topic or two, so a single one may lack a level.
    assert all(len(levels) >= 2 for levels in by_topic.values()), by_topic
    assert sum(levels == {1, 2, 3} for levels in by_topic.values()) >= len(by_topic) - 2, by_topic
    assert all(i.citations and i.explanation for i in pool)


@pytest.mark.parametrize("module", TEACHING, ids=lambda m: m.id)
def test_one_reflection_of_twenty_points(module: Module) -> None:
    assert [r.points for r in module.reflections] == [20]


@pytest.mark.parametrize("number", ["05", "06"])
def test_purchasing_and_finance_each_have_ledgers_to_search(number: str) -> None:
    module = next(m for m in COURSE.modules if m.number == number)
    assert {i.use for i in module.own_items if i.kind == "账目核查"} == {"练习", "测验"}


def test_the_first_test_and_the_last_draw_from_every_pool() -> None:
    first, last = COURSE.modules[0], COURSE.modules[-1]
    (before,) = (q for q in first.quizzes if not q.marked)
    (after,) = (q for q in last.quizzes if q.whole)
    taught = {i.id for m in TAUGHT for i in of(m, "测验")}
    assert taught <= set(before.pool)
    assert taught <= set(after.pool)


def test_every_track_can_be_finished() -> None:
    known = {m.id: m for m in COURSE.modules}
    assert [t.name for t in COURSE.tracks] == ["青年干部", "中层干部", "教师", "纪检监察干部", "学生", "老年学员"]
    for track in COURSE.tracks:
        assert track.hours <= sum(known[m].hours for m in track.modules)
        assert ("14-final" not in track.modules) or ("01-start" in track.modules)
        assert track.cases
        for module in track.modules:
            for block in known[module].blocks:
                if isinstance(block, QuizBlock) and block.whole:
                    strata = dict(block.tracks)[track.name]
                    fitting = [i for i in known[module].items if i.id in block.pool and i.stratum in strata]
                    assert len(fitting) >= 2 * block.count
