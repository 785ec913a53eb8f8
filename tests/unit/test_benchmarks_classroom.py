"""The simulated class: who hands in when, and a small one graded by a real worker."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.arrivals import BAD_EVERY, Planned, flood, plan

MODULES = ("02-gifts", "04-duties", "07-research")


def the_plan(count: int = 400, seed: int = 1) -> list[Planned]:
    return plan(MODULES, count, 100.0, 50, seed)


def test_all_come_within_the_time_and_in_its_order() -> None:
    planned = the_plan()
    assert len(planned) == 400
    assert [p.at for p in planned] == sorted(p.at for p in planned)
    assert planned[0].at >= 0
    assert planned[-1].at == pytest.approx(100.0)


def test_fifty_come_at_one_instant_in_the_middle_and_none_of_them_is_bad() -> None:
    burst = [p for p in the_plan() if p.burst]
    assert (len(burst), {p.at for p in burst}, {p.bad for p in burst}) == (50, {50.0}, {""})


def test_a_tenth_come_again_and_later_than_the_first_time() -> None:
    planned = the_plan()
    first = {(p.learner, p.module): p.at for p in planned if p.attempt == 1}
    second = [p for p in planned if p.attempt == 2]
    assert len(first) + len(second) == len(planned)
    assert len(second) == 35
    assert all(p.at >= first[p.learner, p.module] + 20.0 for p in second)


def test_a_few_of_each_kind_are_no_good() -> None:
    bad = Counter(p.bad for p in the_plan(2000) if p.bad)
    assert set(bad) == {"truncated", "oversize", "forged"}
    assert sum(bad.values()) == (2000 - 50 - 195) // BAD_EVERY


def test_the_seed_decides() -> None:
    assert the_plan(seed=1) == the_plan(seed=1) != the_plan(seed=2)


def test_whoever_comes_at_once_afterwards_is_nobody_who_came_before() -> None:
    before = {p.learner for p in the_plan()}
    after = flood(MODULES, 30, 1 + max(int(name[2:]) for name in before))
    assert len({p.learner for p in after} - before) == 30


@pytest.mark.slow
def test_a_small_class_is_graded_and_the_books_are_right(tmp_path: Path) -> None:
    from benchmarks.classroom import measure
    from benchmarks.school import School

    school = School.build(tmp_path / "school", MODULES[:2], "", lambda _: None)
    planned = plan(school.modules, 60, 4.0, 10, 3)
    after = flood(school.modules, 6, 100)
    if not os.geteuid():
        school.enrol(110)
    found = measure(school, planned, after, 1, lambda _: None)
    assert (found["sent"], found["without_result"]) == (68, 0)
    assert 0 < found["all"]["p50"] <= found["all"]["p95"] <= found["all"]["max"]
    assert found["flood_a_second"] > 0
    account = found["account"]
    assert account.pop("arrived") == 68
    forged = sum(p.bad == "forged" for p in planned)
    assert (account.pop("graded"), account.pop("refused")) == (68 - forged, forged)
    assert set(account.values()) == {0}
