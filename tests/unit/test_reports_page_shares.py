"""Mean shares of points: what is told is of enough people, whatever is asked, and so is every difference."""

from __future__ import annotations

from collections import defaultdict

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qinlian.items.selfcheck.scale import OTHER_UNITS, SMALLEST_GROUP
from qinlian.reports.groups import EVERYBODY, MERGED
from qinlian.reports.page.shares import columns_of, heat, in_order, label, overall, shares, told_of

ITEMS = pd.DataFrame(
    {
        "item": ["一", "二", "三"],
        "topics": [("礼品",), ("礼品", "宴请"), ()],
        "citations": [("《条例》第九十七条第一款",), ("《条例》第九十七条第二款", "《监察法》第十五条"), ()],
    }
)


def responses(*rows: tuple[str, str, float]) -> pd.DataFrame:
    """(account, item, fraction)."""
    frame = pd.DataFrame(rows, columns=["account", "item", "fraction"])
    return frame.astype({"fraction": "float64"}).assign(answered=True)


def test_everybody_counts_once_with_their_own_mean() -> None:
    rows = [("u0", "一", 1.0), ("u0", "二", 0.0), *((f"u{n}", "一", 1.0) for n in range(1, 5))]
    found = overall(shares(responses(*rows), ITEMS, {f"u{n}": "甲" for n in range(5)}, "topics"))
    assert {key: (cell.share, cell.people, cell.answers, cell.mastered) for key, cell in found.items()} == {
        "礼品": (0.9, 5, 6, 0.8)
    }


def test_paragraphs_of_one_article_are_one_rule() -> None:
    rows = [(f"u{n}", item, 1.0) for n in range(5) for item in ("一", "二")]
    found = shares(responses(*rows), ITEMS, {f"u{n}": "甲" for n in range(5)}, "citations")
    assert list(found["key"]) == ["《条例》第97条", "《监察法》第15条"]


def test_fewer_people_than_may_be_told_of_give_nothing() -> None:
    found = shares(
        responses(*((f"u{n}", "一", 1.0) for n in range(4))), ITEMS, {f"u{n}": "甲" for n in range(4)}, "topics"
    )
    assert len(found) == 0
    assert overall(found) == {}
    assert columns_of(found["group"]) == {}


def test_columns_are_the_units_above_where_there_would_be_too_many() -> None:
    groups = ["省/甲/一", "省/甲/二", "省/甲" + MERGED, "省/乙", "省" + MERGED, OTHER_UNITS]
    assert set(columns_of(groups, 6).values()) == set(groups)
    assert columns_of(groups, 4) == {
        "省/甲/一": "省/甲",
        "省/甲/二": "省/甲",
        "省/甲" + MERGED: "省/甲",
        "省/乙": "省/乙",
        "省" + MERGED: "省" + MERGED,
        OTHER_UNITS: OTHER_UNITS,
    }
    assert in_order(columns_of(groups, 4).values()) == ["省/乙", "省/甲", "省" + MERGED, OTHER_UNITS]


def test_a_column_says_in_few_letters_what_it_is() -> None:
    assert [label(c) for c in ("省/甲/一", "省/甲" + MERGED, OTHER_UNITS, EVERYBODY)] == [
        "一",
        "甲其余",
        OTHER_UNITS,
        EVERYBODY,
    ]


UNIT = st.lists(st.sampled_from(["甲", "乙"]), min_size=0, max_size=3).map("/".join)
ANSWERS = st.lists(
    st.tuples(st.integers(0, 39), st.sampled_from("一二三"), st.sampled_from([0.0, 0.5, 1.0])), max_size=80
)


@pytest.mark.slow
@settings(deadline=None)
@given(units=st.lists(UNIT, min_size=40, max_size=40), answers=ANSWERS, top=UNIT, inner=UNIT)
def test_every_figure_and_every_difference_of_two_reports_is_of_enough_people(
    units: list[str], answers: list[tuple[int, str, float]], top: str, inner: str
) -> None:
    first = {(f"u{n}", item): fraction for n, item, fraction in reversed(answers)}
    frame = responses(*((who, item, fraction) for (who, item), fraction in first.items()))
    known = {f"u{n}": unit for n, unit in enumerate(units)}
    took: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for (who, item), fraction in first.items():
        for topic in dict(zip(ITEMS["item"], ITEMS["topics"], strict=True))[item]:
            took[topic][who].append(fraction)
    reports = {unit: shares(frame, ITEMS, known, "topics", unit) for unit in ("", top, inner)}
    for topic, people in took.items():
        told = {
            unit: {row.group: int(row.people) for row in found[found["key"] == topic].itertuples()}
            for unit, found in reports.items()
        }
        assert all(count >= SMALLEST_GROUP for groups in told.values() for count in groups.values())
        for one in told.values():
            # Each report has some of the groups of the report on everything, so a difference is whole groups.
            assert one.items() <= told[""].items()
        total = sum(told[""].values())
        assert total == (len(people) if len(people) >= SMALLEST_GROUP else 0)
        cell = overall(reports[""]).get(topic)
        if cell:
            means = [sum(values) / len(values) for values in people.values()]
            assert abs(cell.share - sum(means) / len(means)) < 1e-12
            assert cell.answers == sum(map(len, people.values()))
            assert round(cell.mastered * cell.people) == sum(mean >= 0.8 for mean in means)


@settings(deadline=None)
@given(units=st.lists(UNIT, max_size=40), top=UNIT)
def test_who_may_be_told_of_is_whole_groups(units: list[str], top: str) -> None:
    known = {f"u{n}": unit for n, unit in enumerate(units)}
    everybody, some = told_of(known), told_of(known, top)
    assert some.items() <= everybody.items()
    assert not everybody or set(everybody) == set(known)
    for left in (set(some), set(everybody) - set(some)):
        assert not left or len(left) >= SMALLEST_GROUP


def test_a_heat_map_adds_up_to_the_whole() -> None:
    rows = [(f"u{n}", "一", float(n % 2)) for n in range(20)]
    found = shares(responses(*rows), ITEMS, {f"u{n}": f"省/{'甲乙'[n % 2]}" for n in range(20)}, "topics")
    cells = heat(found, columns_of(found["group"]))["礼品"]
    assert {name: (cell.share, cell.people) for name, cell in cells.items()} == {"省/甲": (0.0, 10), "省/乙": (1.0, 10)}
    assert overall(found)["礼品"].share == 0.5
