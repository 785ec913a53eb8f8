"""The benchmark measures what it says, on a few submissions."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sample import COURSE, IDS, MODULE

pytestmark = pytest.mark.slow


def test_bulk_and_floor_insert_the_same_rows_and_are_compared(tmp_path: Path) -> None:
    from benchmarks.autograde import _graded_rows, measure
    from benchmarks.room import Room

    room = Room.make(tmp_path / "room", COURSE, MODULE.id, IDS)
    said: list[str] = []
    report = measure(room, room.fill(8, late_every=7), 1, False, said.append)
    assert set(report["ms_each"]) == {"c", "d"}
    assert report["ratios"]["c/d"] > 0
    # The floor ran last: what it left in the gradebook are the rows that bulk had written.
    rows = _graded_rows(room)
    assert [len(rows[t]) for t in ("student", "grade", "comment", "qinlian_response")] == [8, 16, 8, 56]
    assert sorted(p.name for p in room.autograded("learner00000").iterdir()) == ["90-sample.ipynb", "answers.json"]
