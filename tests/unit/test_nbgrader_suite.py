"""nbgrader's own tests with our settings: some of them every time, and what is said of all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.nbgrader_suite.expectations import WAYS, Expectation, differences, read_expectations, read_reasons
from tests.nbgrader_suite.page import DOCS, MARK, page
from tests.nbgrader_suite.running import FAILED, PASSED, SKIPPED, Outcome, run_suite


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_nbgraders_tests_from_release_to_feedback_pass_with_our_settings(way: str, tmp_path: Path) -> None:
    chosen = [one for one in read_expectations() if one.often and one.way == way]
    found = run_suite(tmp_path, WAYS[way], [one.test for one in chosen], workers=0)
    assert differences(way, chosen, found) == []


def test_the_page_tells_what_is_expected() -> None:
    _, mark, tables = DOCS.read_text("utf-8").partition(MARK)
    assert mark + tables == page(read_expectations(), read_reasons())


def test_each_test_that_cannot_apply_has_a_reason_and_no_other_has() -> None:
    expected = read_expectations()
    assert {one.way for one in expected} == {*WAYS, "no", "skipped"}
    assert [one.test for one in expected if bool(one.reason) != (one.way == "no")] == []
    assert {one.reason for one in expected if one.reason} == read_reasons().keys()
    # What is rerun every time is what must pass.
    assert {one.way for one in expected if one.often} == WAYS.keys()


@pytest.mark.parametrize(
    ("expected_way", "state", "way", "said"),
    [
        ("as-is", PASSED, "as-is", ""),
        ("as-is", FAILED, "as-is", "should pass (as-is), and did not:\nE  wrong"),
        ("lesson", FAILED, "as-is", ""),
        ("lesson", SKIPPED, "lesson", "should pass (lesson), and did not:\nE  wrong"),
        ("no", FAILED, "as-is", ""),
        ("no", PASSED, "lesson", "passes (lesson), although it should not apply (owner); mend expected.tsv"),
        ("skipped", SKIPPED, "as-is", ""),
        ("skipped", PASSED, "as-is", "was to be skipped by nbgrader itself, and was not"),
    ],
)
def test_what_is_not_as_expected_is_said(expected_way: str, state: str, way: str, said: str) -> None:
    one = Expectation("a.py::test", expected_way, "owner" if expected_way == "no" else "", False)
    assert differences(way, [one], {one.test: Outcome(state, "E  wrong")}) == ([f"a.py::test: {said}"] if said else [])


def test_a_test_that_was_not_run_and_one_that_nobody_expected_are_said() -> None:
    one = Expectation("a.py::old", "as-is", "", False)
    lines = differences("as-is", [one], {"a.py::new": Outcome(PASSED)})
    assert lines == ["a.py::old: was not run", "a.py::new: is not in expected.tsv"]
