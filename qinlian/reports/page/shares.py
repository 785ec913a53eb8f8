"""What share of the points learners earn on a topic or a rule, told only of groups of enough people.

For each topic its own groups are made, over everybody who answered a question on it, wherever the report looks
(see ``reports.groups``). So every number is of at least five people, and so is the difference of any two, also
of two reports on different units. Who left is counted too: a report with them and one without would differ by few.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from qinlian.items.selfcheck.scale import OTHER_UNITS
from qinlian.reports.analysis import mastery, mastery_sentences
from qinlian.reports.analysis.intervals import mean_interval
from qinlian.reports.groups import EVERYBODY, MERGED, settled, within
from qinlian.roster.units import SEPARATOR, own_name

__all__ = [
    "Cell",
    "Key",
    "Shares",
    "advice",
    "cell_of",
    "columns_of",
    "heat",
    "in_order",
    "label",
    "overall",
    "shares",
    "told_of",
]

Key = Literal["topics", "citations"]
_SUMS = ["people", "answers", "total", "squares", "reached"]
_WIDEST = 10
"""Columns that a heat map has at most; with more, the units above stand for those below."""


@dataclass(frozen=True)
class Cell:
    """How well one topic is known: ``share`` is the mean over ``people`` of their own mean share of points, in [0, 1].

    ``low`` and ``high`` are its interval, NaN where none is told. ``mastered`` is the share of people who reach the
    bar of mastery; ``answers`` counts what they answered.
    """

    share: float
    mastered: float
    people: int
    answers: int
    low: float = math.nan
    high: float = math.nan


Shares = pd.DataFrame
"""One row a topic and group: key, group, people, answers, total and squares (of people's means), reached (people)."""


def told_of(units: Mapping[str, str], unit: str = "") -> dict[str, str]:
    """Learner → group, of those of whom a report on ``unit`` may tell a sum; ``units`` is learner → unit.

    ``units`` must hold everybody who took part, not only those of ``unit``.
    """
    sizes: dict[str, int] = {}
    for one in units.values():
        sizes[one] = sizes.get(one, 0) + 1
    groups = settled(sizes)
    return {who: groups[one] for who, one in units.items() if one in groups and within(groups[one], unit)}


def shares(responses: pd.DataFrame, items: pd.DataFrame, units: Mapping[str, str], by: Key, unit: str = "") -> Shares:
    """The sums for every topic (or article of a rule) and group within ``unit``; what may not be told is left out.

    ``responses`` are of everybody, with their first attempts; ``units`` is learner → unit, of everybody. The figures
    are those of ``analysis.mastery``; those of a group are the sums over its units.
    """
    table = mastery(responses, items, by, groups=units)
    key = table["topic"] if by == "topics" else "《" + table["document"] + "》" + table["article"]
    by_unit = pd.DataFrame(
        {
            "key": key,
            "unit": table["group"],
            "people": table["n"],
            "answers": table["responses"],
            "total": table["mean"] * table["n"],
            "squares": table["sd"].fillna(0.0) ** 2 * (table["n"] - 1) + table["mean"] ** 2 * table["n"],
            "reached": (table["mastered"] * table["n"]).round().astype("int64"),
        }
    )
    parts = [by_unit.iloc[:0].assign(group="")]
    for _, rows in by_unit.groupby("key"):
        groups = settled(dict(zip(rows["unit"], rows["people"].tolist(), strict=True)))
        named = rows.assign(group=rows["unit"].map(groups)).dropna(subset=["group"])
        parts.append(named[[within(group, unit) for group in named["group"]]])
    return pd.concat(parts).groupby(["key", "group"], as_index=False)[_SUMS].sum()


def columns_of(groups: Iterable[str], widest: int = _WIDEST) -> dict[str, str]:
    """Group → the column of a heat map it stands in: itself, or the unit above where there would be too many.

    ``widest`` is how many columns there may be, as long as there are units above to stand for those below.
    """
    every = sorted(set(groups))
    deepest = max((group.count(SEPARATOR) for group in every), default=0)
    for depth in range(deepest, -1, -1):
        columns = {group: _above(group, depth) for group in every}
        if len(set(columns.values())) <= widest or depth == 0:
            return columns
    return {}


def _above(group: str, depth: int) -> str:
    parts = group.split(SEPARATOR)
    if len(parts) <= depth:
        return group
    return SEPARATOR.join(parts[: depth + 1]).removesuffix(MERGED)


def heat(found: Shares, columns: Mapping[str, str]) -> dict[str, dict[str, Cell]]:
    """Topic → column → cell; a column without a cell has too few people of its own for that topic."""
    of_column = found.assign(column=found["group"].map(columns)).groupby(["key", "column"], as_index=False)
    sums: Any = of_column[_SUMS].sum()
    cells: dict[str, dict[str, Cell]] = {}
    for row in sums.itertuples(index=False):
        cells.setdefault(row.key, {})[row.column] = cell_of(row)
    return cells


def cell_of(row: Any) -> Cell:
    """The figures of one row of sums."""
    mean = row.total / row.people
    spread = max(0.0, row.squares - row.people * mean**2)
    sd = math.sqrt(spread / (row.people - 1)) if row.people > 1 else math.nan
    low, high = mean_interval(mean, sd, row.people, binary=False)
    return Cell(mean, row.reached / row.people, int(row.people), int(row.answers), float(low), float(high))


def advice(cells: Mapping[str, Cell]) -> dict[str, str]:
    """Topic → what to do; empty where there is nothing to be done."""
    rows = [(cell.people, cell.low, cell.high) for cell in cells.values()]
    said = mastery_sentences(pd.DataFrame(rows, columns=["n", "mean_low", "mean_high"]))
    return dict(zip(cells, said.tolist(), strict=True))


def overall(found: Shares) -> dict[str, Cell]:
    """Topic → the sum over all groups of ``found``, the weakest topic first."""
    sums: Any = found.groupby("key", as_index=False)[_SUMS].sum()
    cells = {str(row.key): cell_of(row) for row in sums.itertuples(index=False)}
    return dict(sorted(cells.items(), key=lambda pair: (pair[1].share, pair[0])))


def label(column: str) -> str:
    """A column's heading: the unit's own name, and 某某其余 for what is left of it."""
    name = own_name(column.removesuffix(MERGED))
    return f"{name}其余" if column.endswith(MERGED) else name


def in_order(columns: Iterable[str]) -> list[str]:
    """Each column once: units by path, what is left of them behind them, 其他单位 or 全体学员 last."""
    return sorted(
        set(columns),
        key=lambda name: (name in (OTHER_UNITS, EVERYBODY), name.endswith(MERGED), name.removesuffix(MERGED)),
    )
