"""How far everybody is: the figures of a unit are those of its learners, and nothing else."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qinlian.reports.page.completion import (
    BANDS,
    NO_UNIT,
    Figures,
    band_counts,
    completion,
    idle_by_unit,
    module_table,
    standing,
)
from qinlian.roster.units import at_or_below

MODULES = pd.DataFrame({"module": ["01", "02"], "title": ["导学", "边界"], "hours": [2.0, 1.5]})
STATES = ("未开始", "已提交", "待评阅", "已评分")


def learner(account: str, unit: str) -> dict[str, str]:
    return {
        "account": account,
        "number": account[2:],
        "name": f"姓名{account}",
        "unit": unit,
        "department": "",
        "track": "",
    }


def grade(account: str, module: str, state: str, score: float = math.nan, *, late: bool = False) -> dict[str, object]:
    passed = score >= 60
    return {
        "account": account,
        "module": module,
        "state": state,
        "score": score,
        "max_score": 100.0,
        "late": late,
        "passed": passed,
        "hours": dict(zip(MODULES["module"], MODULES["hours"], strict=True))[module] if passed else 0.0,
    }


LEARNERS = pd.DataFrame(
    [learner("ql1", "省/甲/一"), learner("ql2", "省/甲"), learner("ql3", "省/乙"), learner("ql4", "")]
)
GRADES = pd.DataFrame(
    [
        grade("ql1", "01", "已评分", 90.0),
        grade("ql1", "02", "待评阅", 70.0),
        grade("ql2", "01", "已评分", 50.0, late=True),
        grade("ql2", "02", "未开始"),
        grade("ql3", "01", "未开始"),
        grade("ql3", "02", "未开始"),
        grade("ql4", "01", "已提交"),
    ]
)


def test_who_passed_everything_is_done_and_who_sent_nothing_has_not_begun() -> None:
    states = standing(LEARNERS, GRADES, MODULES).set_index("account")["state"]
    assert dict(states) == {"ql1": "学完", "ql2": "在学", "ql3": "未开始", "ql4": "在学"}


def test_a_unit_counts_all_at_or_below_it_and_who_has_none_comes_last() -> None:
    whole, nodes = completion(standing(LEARNERS, GRADES, MODULES))
    assert [(n.path, n.name, n.depth) for root in nodes for n in root.all()] == [
        ("省", "省", 0),
        ("省/乙", "乙", 1),
        ("省/甲", "甲", 1),
        ("省/甲/一", "一", 2),
        ("", NO_UNIT, 0),
    ]
    by_path = {n.path: n for root in nodes for n in root.all()}
    assert by_path["省/甲"].own == 1
    assert by_path["省/甲"].figures == Figures(
        people=2,
        finished=1,
        going=1,
        idle=0,
        needed=4,
        begun=3,
        passed=2,
        waiting=1,
        hours=3.5,
        hours_needed=7.0,
        percents=210.0,
        graded=3,
    )
    assert by_path["省/甲"].figures.mean == 70.0
    assert by_path["省/甲"].figures.share == 0.5
    assert whole.people == 4
    assert math.isnan(by_path["省/乙"].figures.mean)


def test_a_report_on_a_unit_begins_there() -> None:
    inside = standing(LEARNERS.iloc[:2], GRADES.iloc[:4], MODULES)
    whole, nodes = completion(inside, "省/甲")
    assert [(n.path, n.depth) for root in nodes for n in root.all()] == [("省/甲", 0), ("省/甲/一", 1)]
    assert whole == nodes[0].figures


def test_units_come_as_the_roster_has_them() -> None:
    learners = pd.DataFrame(
        [learner(f"ql{n}", unit) for n, unit in enumerate(["省/第10", "省/第2", "省/别的", "省/第1"])]
    )
    grades = pd.DataFrame([grade(f"ql{n}", "01", "未开始") for n in range(4)])
    order = ["省", "省/第1", "省/第2", "省/第10"]
    _, (top,) = completion(standing(learners, grades, MODULES), order=order)
    assert [node.name for node in top.below] == ["第1", "第2", "第10", "别的"]


def test_nobody_gives_no_units() -> None:
    assert completion(standing(LEARNERS.iloc[:0], GRADES.iloc[:0], MODULES)) == (Figures(), ())
    assert completion(standing(LEARNERS.iloc[:0], GRADES.iloc[:0], MODULES), "省/甲") == (Figures(), ())


def test_a_learner_who_takes_no_module_is_left_out() -> None:
    assert list(standing(LEARNERS, GRADES.iloc[:4], MODULES)["account"]) == ["ql1", "ql2"]


def test_who_has_not_begun_is_named_by_unit() -> None:
    assert idle_by_unit(standing(LEARNERS, GRADES, MODULES)) == [("省/乙", [("姓名ql3", "3")])]


@pytest.mark.parametrize(
    ("score", "band"),
    [
        (0, "不满 60"),
        (59.99, "不满 60"),
        (60, "60–69"),
        (69.99, "60–69"),
        (70, "70–79"),
        (90, "90 以上"),
        (100, "90 以上"),
    ],
)
def test_a_score_on_a_bound_belongs_above_it(score: float, band: str) -> None:
    assert band_counts(pd.Series([score, math.nan])) == [int(name == band) for name in BANDS]


def test_a_bound_that_a_division_misses_by_a_hair_is_still_reached() -> None:
    assert band_counts(pd.Series([100 * 0.57 * 60 / 57]))[1] == 1


def test_a_module_counts_those_who_take_it() -> None:
    table = module_table(GRADES, MODULES).set_index("module")
    first = table.loc["01"]
    assert dict(first[["needed", "idle", "sent", "unread", "graded", "passed", "late", "scored"]]) == {
        "needed": 4,
        "idle": 1,
        "sent": 1,
        "unread": 0,
        "graded": 2,
        "passed": 1,
        "late": 1,
        "scored": 2,
    }
    assert (first["mean"], first["median"], first["low"], first["high"]) == (70.0, 70.0, 50.0, 90.0)
    assert first["bands"] == [1, 0, 0, 0, 1]


def test_a_module_that_nobody_takes_has_no_row() -> None:
    assert list(module_table(GRADES.iloc[[0]], MODULES)["module"]) == ["01"]


ROWS = st.lists(
    st.tuples(
        st.lists(st.sampled_from("甲乙丙"), min_size=0, max_size=3).map("/".join),
        st.lists(st.tuples(st.sampled_from(STATES), st.integers(0, 100)), min_size=1, max_size=2),
    ),
    max_size=25,
)


@settings(deadline=None)
@given(people=ROWS)
def test_every_unit_is_the_sum_of_what_is_in_it(people: list[tuple[str, list[tuple[str, int]]]]) -> None:
    learners = [learner(f"ql{n}", unit) for n, (unit, _) in enumerate(people)]
    rows = [
        grade(f"ql{n}", MODULES["module"][m], state, float(score) if state in STATES[2:] else math.nan)
        for n, (_, states) in enumerate(people)
        for m, (state, score) in enumerate(states)
    ]
    grades = pd.DataFrame(rows, columns=list(GRADES.columns)).astype({"passed": "bool", "late": "bool"})
    standings = standing(pd.DataFrame(learners, columns=list(LEARNERS.columns)), grades, MODULES)
    whole, roots = completion(standings)
    every = [node for root in roots for node in root.all()]
    assert sum(node.own for node in every) == whole.people == len(people)
    for node in every:
        inside = [n for n, (unit, _) in enumerate(people) if (at_or_below(unit, node.path) if node.path else not unit)]
        mine = [row for row in rows if int(str(row["account"])[2:]) in inside]
        assert node.figures.people == len(inside) == node.own + sum(b.figures.people for b in node.below)
        assert node.figures.needed == len(mine)
        assert node.figures.begun == sum(row["state"] != "未开始" for row in mine)
        assert node.figures.passed == sum(bool(row["passed"]) for row in mine)
        assert node.figures.finished + node.figures.going + node.figures.idle == len(inside)
