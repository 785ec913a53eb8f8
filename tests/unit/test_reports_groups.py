"""Groups of enough people, which never overlap, so that no two reports can be subtracted."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from qinlian.items.selfcheck.scale import OTHER_UNITS, SMALLEST_GROUP
from qinlian.reports.groups import EVERYBODY, MERGED, groups_of, settled, within
from qinlian.roster.units import ancestors, at_or_below

UNIT = st.lists(st.sampled_from(["甲", "乙", "丙"]), min_size=1, max_size=3).map("/".join)
UNITS = st.lists(UNIT, max_size=60).map(lambda units: {f"u{n}": unit for n, unit in enumerate(units)})


def of(**sizes: int) -> dict[str, str]:
    paths = [path.replace("_", "/") for path, size in sizes.items() for _ in range(size)]
    return {f"u{n}": path for n, path in enumerate(paths)}


def sizes(units: dict[str, str]) -> dict[str, int]:
    return dict(Counter(groups_of(units).values()))


def test_a_unit_with_enough_people_stands_alone():
    assert sizes(of(省_甲=5, 省_乙=9)) == {"省/甲": 5, "省/乙": 9}


def test_small_units_meet_in_the_unit_above_and_bigger_ones_do_not_join_them():
    assert sizes(of(省_甲_一=3, 省_甲_二=3, 省_甲_三=5, 省_乙=9)) == {
        "省/甲（连同人少的下级单位）": 6,
        "省/甲/三": 5,
        "省/乙": 9,
    }


def test_what_is_too_small_on_every_level_finds_no_group():
    assert sizes(of(省_甲=2, 省_乙=2, 别处=3)) == {}


def test_a_unit_named_like_the_rest_of_everybody_is_no_group():
    assert sizes(of(其他单位=9, 全体学员=9)) == {}


def test_a_unit_named_like_a_group_of_several_is_none():
    small = {"省/甲/一": 3, "省/甲/二": 3}
    assert settled({**small, "省/甲" + MERGED: 8}) == {
        **dict.fromkeys(small, "省/甲" + MERGED),
        "省/甲" + MERGED: "省" + MERGED,
    }


@given(units=UNITS)
def test_every_group_is_large_enough_and_all_of_it_belongs_to_its_unit(units: dict[str, str]):
    found = groups_of(units)
    assert all(count >= SMALLEST_GROUP for count in Counter(found.values()).values())
    assert all(within(group, group.removesuffix(MERGED)) for group in found.values())
    assert all(at_or_below(units[learner], group.removesuffix(MERGED)) for learner, group in found.items())


@given(units=UNITS)
def test_whoever_finds_no_group_would_be_too_few_in_any_unit(units: dict[str, str]):
    found = groups_of(units)
    left = [unit for learner, unit in units.items() if learner not in found]
    for top in {one for unit in left for one in (unit, *ancestors(unit))}:
        assert sum(at_or_below(unit, top) for unit in left) < SMALLEST_GROUP


@given(units=UNITS, top=UNIT, inner=UNIT)
def test_two_reports_differ_by_whole_groups(units: dict[str, str], top: str, inner: str):
    found = groups_of(units)
    seen = [{who for who, group in found.items() if within(group, unit)} for unit in (top, inner)]
    for left_over in (seen[0] - seen[1], seen[1] - seen[0], set(found) - seen[0]):
        assert not left_over or len(left_over) >= SMALLEST_GROUP


def test_who_finds_no_group_is_among_the_other_units():
    assert settled({"甲": 9, "乙": 3, "丙": 2}) == {"甲": "甲", "乙": OTHER_UNITS, "丙": OTHER_UNITS}


def test_the_smallest_group_joins_those_who_are_too_few_together():
    assert settled({"甲": 9, "乙": 6, "丙": 2}) == {"甲": "甲", "乙": OTHER_UNITS, "丙": OTHER_UNITS}
    assert settled({"甲": 9, "丙": 2}) == {"甲": EVERYBODY, "丙": EVERYBODY}


def test_fewer_people_than_may_be_told_of_are_in_no_group():
    assert settled({"甲": 2, "乙": 2}) == {}
    assert settled({}) == {}


@given(units=UNITS, top=UNIT, inner=UNIT)
def test_settled_groups_leave_nobody_over_and_no_small_difference(units: dict[str, str], top: str, inner: str):
    found = settled(Counter(units.values()))
    assert not found or set(found) == set(units.values())
    everybody = {who for who, unit in units.items() if unit in found}
    seen = [{who for who in everybody if within(found[units[who]], unit)} for unit in (top, inner)]
    for part in (*seen, seen[0] - seen[1], seen[1] - seen[0], everybody - seen[0], everybody - seen[0] - seen[1]):
        assert not part or len(part) >= SMALLEST_GROUP
