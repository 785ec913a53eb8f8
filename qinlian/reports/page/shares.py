"""What share of the points learners earn on a topic or a rule, told only of groups of enough people.

For each topic its own groups are made, over everybody who answered a question on it, wherever the report looks
(see ``reports.groups``). So every number is of at least five people, and so is the difference of any two, also
of two reports on different units. Who left is counted too: a report with them and one without would differ by few.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from qinlian.items.selfcheck.scale import OTHER_UNITS
from qinlian.reports.groups import EVERYBODY, MERGED, settled, within
from qinlian.roster.units import SEPARATOR, own_name

__all__ = ["Cell", "Key", "Shares", "columns_of", "heat", "in_order", "label", "overall", "shares", "told_of"]

Key = Literal["topics", "citations"]
_SUMS = ["people", "answers", "earned", "possible"]
_WIDEST = 10
"""Columns that a heat map has at most; with more, the units above stand for those below."""


@dataclass(frozen=True)
class Cell:
    """The mean share of points in [0, 1], over the answers to questions of one topic by so many people."""

    share: float
    people: int
    answers: int


Shares = pd.DataFrame
"""One row a topic and group: key, group, people, answers, earned, possible."""


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
    """The sums for every topic (or citation) and group within ``unit``; topics of whom nobody may tell are left out.

    ``responses`` are of everybody, with their first attempts; ``units`` is learner → unit, of everybody.
    """
    scored = responses.loc[responses["fraction"].notna(), ["account", "item", "earned", "possible"]]
    keys = items[["item", by]].explode(by).dropna().rename(columns={by: "key"})
    # Added up a learner and item before topics multiply the rows.
    rows = scored.astype({"account": "str", "item": "str"}).groupby(["account", "item"], as_index=False)
    summed = rows.agg(earned=("earned", "sum"), possible=("possible", "sum"), answers=("earned", "size"))
    every = summed.merge(keys, on="item").groupby(["key", "account"], as_index=False)[["earned", "possible", "answers"]]
    people = every.sum()
    people["unit"] = people["account"].map(units)
    people = people.dropna(subset=["unit"])
    by_unit = people.groupby(["key", "unit"], as_index=False).agg(
        people=("account", "size"),
        answers=("answers", "sum"),
        earned=("earned", "sum"),
        possible=("possible", "sum"),
    )
    parts = []
    for _, rows_of_key in by_unit.groupby("key", sort=True):
        groups = settled(dict(zip(rows_of_key["unit"], rows_of_key["people"].tolist(), strict=True)))
        named = rows_of_key.assign(group=rows_of_key["unit"].map(groups)).dropna(subset=["group"])
        parts.append(named[[within(group, unit) for group in named["group"]]])
    found = pd.concat(parts) if parts else by_unit.assign(group="")
    return found.groupby(["key", "group"], as_index=False)[_SUMS].sum()


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
        cells.setdefault(row.key, {})[row.column] = Cell(row.earned / row.possible, int(row.people), int(row.answers))
    return cells


def overall(found: Shares) -> dict[str, Cell]:
    """Topic → the sum over all groups of ``found``, the weakest topic first."""
    sums: Any = found.groupby("key", as_index=False)[_SUMS].sum()
    cells = {
        str(row.key): Cell(row.earned / row.possible, int(row.people), int(row.answers))
        for row in sums.itertuples(index=False)
    }
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
