"""The benchmark of similarity plants what it says it plants, and measures all ways on the same essays."""

from __future__ import annotations

import pytest

from benchmarks.essays import KINDS, generate
from benchmarks.similarity import found_by_us, measure, quality


def test_the_essays_follow_from_the_seed_and_copies_are_as_stated() -> None:
    cohort = generate(100, seed=3, copies_each=4)
    assert cohort == generate(100, seed=3, copies_each=4)
    assert [sum(c.kind == kind for c in cohort.copies) for kind in KINDS] == [4, 4, 4]
    assert len({n for c in cohort.copies for n in (c.source, c.copier)}) == 24
    assert all(700 < len(essay) < 1000 for essay in cohort.essays)
    assert 0.05 < cohort.changed < 0.2


def test_honest_essays_share_words_so_that_precision_means_something() -> None:
    first, second = (
        set(zip(*(e[i:] for i in range(5)), strict=False)) for e in generate(2, seed=5, copies_each=0).essays
    )
    assert len(first & second) > 50


def test_precision_and_recall_are_those_of_the_pairs() -> None:
    cohort = generate(60, seed=3, copies_each=2)
    planted = [(c.source, c.copier) for c in cohort.copies if c.kind == "verbatim"]
    pairs = {(min(p), max(p)) for p in planted} | {(0, 1)} - {(min(p), max(p)) for p in planted}
    found = quality(cohort, pairs)
    assert found["verbatim"] == 1
    assert found["reordered"] == 0
    assert found["precision"] == pytest.approx(2 / 3)


@pytest.mark.slow
def test_planted_copies_are_found_and_little_else() -> None:
    cohort = generate(400, seed=21)
    found = quality(cohort, found_by_us(cohort))
    assert min(found[kind] for kind in KINDS) >= 0.9
    assert found["precision"] >= 0.9


@pytest.mark.slow
def test_all_ways_are_measured_in_processes_of_their_own() -> None:
    report = measure(60)
    assert set(report["ways"]) == {"a", "b", "c"}
    assert report["ways"]["c"]["extrapolated"]
    assert all(way["seconds"] > 0 for way in report["ways"].values())
    assert set(report["ratios"]) == {"a/b time", "a/c time", "a/b memory"}
