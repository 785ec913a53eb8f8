"""Accounts, and whose rows somebody may see."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qinlian.errors import RosterError
from qinlian.roster.people import ALL, Person, Role, account_of
from qinlian.roster.units import at_or_below
from tests.roster_room import PLACES, person, roster

PART = st.sampled_from(["甲", "乙", "甲甲", "甲%", "a", "A"])
UNIT = st.lists(PART, min_size=1, max_size=4).map("/".join)
ROLE = st.sampled_from(["学员", "学员", "教师", "管理员"])


@pytest.mark.parametrize(("number", "account"), [("20240001", "ql20240001"), ("AB-01_x", "qlab-01_x")])
def test_the_account_is_the_number_in_small_letters_with_a_prefix(number: str, account: str):
    assert account_of(number) == account


@pytest.mark.parametrize("number", ["", "工号", "a b", "a" * 29, "a/b", "２０", "a\n"])
def test_what_is_no_number_has_no_account(number: str):
    with pytest.raises(ValueError, match="no number"):
        account_of(number)


def test_a_teacher_sees_their_unit_and_below_and_nothing_beside():
    everybody = roster(
        person("1", PLACES[0]), person("2", PLACES[1]), person("3", PLACES[2]), person("t", PLACES[1], "教师")
    )
    scope = everybody.scope_of(everybody.people[3])
    assert [scope.admits(account_of(number)) for number in ("1", "2", "3", "t")] == [True, True, False, True]
    assert not scope.admits("demo01")


def test_an_administrator_sees_also_learners_whom_no_roster_knows():
    boss = person("boss", "别处", "管理员")
    assert roster(boss).scope_of(boss).admits("demo01")
    assert ALL.admits("anybody")


@pytest.mark.parametrize(("role", "gone"), [("学员", False), ("教师", True), ("管理员", True)])
def test_learners_and_people_who_left_see_nobody(role: Role, gone: bool):
    one = person("1", PLACES[3], role, gone=gone)
    assert not roster(one).scope_of(one).admits("ql1")


def test_units_stand_in_the_order_in_which_people_came():
    everybody = roster(person("1", "乙"), person("2", "甲"), person("3", "乙"))
    assert everybody.units == ("乙", "甲")
    assert [one.number for one in everybody.people_below("乙")] == ["1", "3"]
    assert everybody.find("ql2") is everybody.people[1]
    assert everybody.find("ql9") is None


def test_a_unit_may_be_named_by_its_last_part_where_that_is_enough():
    everybody = roster(person("1", "省/甲市/中心"), person("2", "省/乙市/中心"))
    assert everybody.unit_named("甲市") == "省/甲市"
    assert everybody.unit_named("乙市 ／ 中心") == "省/乙市/中心"
    with pytest.raises(RosterError, match="“中心”有 2 个：省/甲市/中心、省/乙市/中心；从上级写起"):
        everybody.unit_named("中心")
    with pytest.raises(RosterError, match="名单里没有单位“甲县”；是不是“甲市”"):
        everybody.unit_named("甲县")
    with pytest.raises(RosterError, match="看有哪些单位"):
        everybody.unit_named("xyz")


@st.composite
def people(draw: st.DrawFn) -> tuple[Person, ...]:
    units = draw(st.lists(UNIT, max_size=12))
    return tuple(
        person(f"n{n}", unit, draw(ROLE), uid=20001 + n, gone=draw(st.booleans())) for n, unit in enumerate(units)
    )


@given(everybody=people(), strangers=st.lists(st.sampled_from(["demo01", "root", "qln99"])), who=st.integers(0, 11))
def test_no_row_of_a_learner_outside_the_scope_ever_comes_through(
    everybody: tuple[Person, ...], strangers: list[str], who: int
):
    all_of_them = roster(*everybody)
    rows = [*(one.account for one in everybody), *strangers]
    for unit in {"甲", "A", *(one.unit for one in everybody)}:
        through = all_of_them.scope(unit).only(rows, lambda row: row)
        assert through == [one.account for one in everybody if at_or_below(one.unit, unit)]
    if who < len(everybody):
        viewer = all_of_them.people[who]
        for account in all_of_them.scope_of(viewer).only(rows, lambda row: row):
            seen = all_of_them.find(account)
            assert viewer.role != "学员"
            assert viewer.role == "管理员" or (seen is not None and at_or_below(seen.unit, viewer.unit))
