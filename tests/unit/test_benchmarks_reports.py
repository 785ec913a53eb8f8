"""The benchmark of reports: both ways count the same things, and a difference between them would be seen."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.reports import differences, measure
from benchmarks.reports_gradebook import DRAWN, MODULES, make_gradebook
from qinlian.reports import frames


def test_a_difference_is_the_greatest_and_a_number_that_one_way_lacks_is_infinite() -> None:
    one: dict[str, list[float | None]] = {"a": [1.0, None], "b": [2.0]}
    assert differences(one, {"b": [2.5], "a": [1.25, None]}) == 0.5
    assert differences(one, {"a": [1.0, 0.0], "b": [2.0]}) == math.inf
    assert differences(one, {"a": [1.0, None]}) == math.inf
    assert differences({}, {}) == 0.0


@pytest.mark.slow
def test_the_gradebook_holds_what_it_is_said_to_hold(tmp_path: Path) -> None:
    make_gradebook(tmp_path / "gradebook.db", 40)
    with frames.open_gradebook(f"sqlite:///{tmp_path / 'gradebook.db'}") as connection:
        first, every = (frames.responses(connection, attempts=which) for which in ("first", "all"))
        assert len(frames.learners(connection)) == 40
    assert len(first) == 40 * len(MODULES) * DRAWN
    assert len(every) == len(first) * 1.1
    assert set(first["module"]) == set(MODULES)
    assert 0.4 < first["fraction"].mean() < 0.9
    pd.testing.assert_series_equal(first["earned"], first["fraction"] * first["possible"], check_names=False)


@pytest.mark.slow
def test_both_ways_run_and_agree_on_every_number() -> None:
    report = measure(120)
    assert report["numbers"] > 1000
    assert report["agreement"] < 1e-9
    assert all(way["megabytes"] > 0 and way["cpu_seconds"] > 0 for way in report["ways"].values())
    assert report["page"]["page_kilobytes"] > 100
    assert report["page"]["megabytes"] > report["page"]["seconds"] > 0
