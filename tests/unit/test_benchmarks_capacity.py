"""docs/capacity.md: what it says follows from what was measured."""

from __future__ import annotations

import json

import pytest

from benchmarks.capacity import DOCUMENT, MEMORY, UNITS, Plan, Size, tables, with_tables
from tests.unit.kubernetes_rooms import values

UNIT = json.loads(UNITS.read_text("utf-8"))
LEARNER = json.loads(MEMORY.read_text("utf-8"))


def size(learners: int, **plan: float) -> Size:
    return Size(learners, Plan(**plan), UNIT, LEARNER["learner_mb"])  # type: ignore[arg-type]


def test_the_documents_tables_are_those_of_the_last_measurement() -> None:
    text = DOCUMENT.read_text("utf-8")
    assert with_tables(text, tables(UNIT, LEARNER)) == text


def test_a_learner_is_given_what_one_was_measured_to_need() -> None:
    memory = values()["singleuser"]["memory"]
    assert int(memory["guarantee"].removesuffix("M")) * 2**20 >= LEARNER["learner_mb"] * 1e6
    assert int(memory["limit"].removesuffix("M")) >= 2 * int(memory["guarantee"].removesuffix("M"))


def test_twenty_times_the_people_leave_twenty_times_the_rows_and_bytes() -> None:
    small, large = size(1_000), size(20_000)
    for what in ("rows", "database", "memory", "scan", "names"):
        assert getattr(large, what) == pytest.approx(20 * getattr(small, what))


def test_a_second_submission_costs_less_than_a_first() -> None:
    once, twice = size(1_000, attempts=1.0), size(1_000, attempts=2.0)
    assert once.later == 0
    assert once.rows < twice.rows < 2 * once.rows


def test_there_are_always_two_workers_at_least() -> None:
    assert size(10).workers == 2
    assert size(1_000_000).workers > 2


def test_more_pods_than_a_node_may_hold_take_another_node() -> None:
    light = Size(10_000, Plan(node_pods=100), UNIT, 1.0)
    assert light.nodes == 10
