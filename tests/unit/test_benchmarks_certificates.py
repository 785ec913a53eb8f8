"""The benchmark of certificates makes what it says, for everybody, and the same people for the same seed."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.certificates import MODULES, by_us, classroom, course, measure, people
from qinlian.reports.certificates.issuing import read_standings


def test_people_follow_from_the_seed() -> None:
    assert people(50) == people(50)
    assert people(50) != people(50, seed=1)
    assert len({unit for _, unit in people(200)}) == 12


@pytest.mark.slow
def test_everybody_in_the_gradebook_has_passed_everything(tmp_path: Path) -> None:
    found = read_standings(classroom(tmp_path, 12), course())
    assert len(found) == 12
    assert not any(standing.missing for standing in found)
    assert {standing.facts.hours for standing in found} == {2.0 * MODULES}


@pytest.mark.slow
def test_each_gets_a_file(tmp_path: Path) -> None:
    report = by_us(5, tmp_path)
    assert report["made"] == 5
    assert 20_000 < report["bytes_each"] < 100_000
    assert len(list((tmp_path / "out").glob("*.pdf"))) == 5


@pytest.mark.slow
def test_another_way_is_measured_by_a_sample_and_set_beside_ours() -> None:
    found = measure(20, ways=("a", "c"))
    assert set(found["ratios"]) == {"c/a"}
    assert found["ways"]["c"]["sample"] == 20
    assert found["ways"]["a"]["processor"] > 0
