"""How far everybody is: over the tree of units, module by module, and who has not begun."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
import pandas as pd

from qinlian.reports.analysis import score_distribution
from qinlian.reports.states import GRADED, NOT_BEGUN, SENT, UNREAD
from qinlian.roster.units import Node, at_or_below, tree

__all__ = [
    "BANDS",
    "NO_UNIT",
    "Figures",
    "UnitNode",
    "band_counts",
    "completion",
    "idle_by_unit",
    "module_table",
    "standing",
]

NO_UNIT = "（没有单位）"
"""Where learners stand of whom no unit is known."""

BANDS = ("不满 60", "60–69", "70–79", "80–89", "90 以上")
"""Percent of a module's points."""
_EDGES = (60.0, 70.0, 80.0, 90.0)


@dataclass(frozen=True)
class Figures:
    """Counts over some learners; two of them add up."""

    people: int = 0
    finished: int = 0
    going: int = 0
    idle: int = 0
    needed: int = 0
    """Learners × modules that they take."""
    begun: int = 0
    """Of those, the ones of which anything came."""
    passed: int = 0
    """Of those, the passed ones."""
    waiting: int = 0
    """Submissions that somebody still has to read."""
    hours: float = 0.0
    hours_needed: float = 0.0
    percents: float = 0.0
    """Sum of the scores in percent, over ``graded`` of them."""
    graded: int = 0

    def __add__(self, other: Figures) -> Figures:
        return Figures(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    @property
    def share(self) -> float:
        """Passed modules of all that are to be passed, in [0, 1]."""
        return self.passed / self.needed if self.needed else 0.0

    @property
    def mean(self) -> float:
        """Mean score in percent over all graded modules; NaN without any."""
        return self.percents / self.graded if self.graded else float("nan")


@dataclass(frozen=True)
class UnitNode:
    """A unit with the figures of all at or below it; ``own`` counts the learners in the unit itself.

    ``depth`` counts from 0 at the highest unit that the report shows.
    """

    path: str
    name: str
    depth: int
    own: int
    figures: Figures
    below: tuple[UnitNode, ...] = ()

    def all(self) -> Iterator[UnitNode]:
        """This unit and all below it, each right before those below it."""
        yield self
        for node in self.below:
            yield from node.all()


def standing(learners: pd.DataFrame, grades: pd.DataFrame, modules: pd.DataFrame) -> pd.DataFrame:
    """One row a learner over all modules of theirs; who takes none is left out.

    - account, number, name, unit, department, track
    - state: 学完 (every module is passed), 在学 or 未开始 (nothing of any module came)
    - needed, begun, passed, waiting, hours, hours_needed, percents, graded: as in ``Figures``
    """
    hours = modules.set_index("module")["hours"]
    scores = _percents(grades)
    rows = pd.DataFrame(
        {
            "account": grades["account"].astype("str"),
            "needed": 1,
            "passed": grades["passed"].astype("int64"),
            "begun": (grades["state"] != NOT_BEGUN).astype("int64"),
            "waiting": (grades["state"] == UNREAD).astype("int64"),
            "hours": grades["hours"],
            "hours_needed": grades["module"].astype("str").map(hours).astype("float64"),
            "percents": scores.fillna(0.0),
            "graded": scores.notna().astype("int64"),
        }
    )
    summed = rows.groupby("account").sum()
    people = learners[["account", "number", "name", "unit", "department", "track"]].astype("str")
    table = people.merge(summed, left_on="account", right_index=True)
    state = np.select([table["passed"] == table["needed"], table["begun"] > 0], ["学完", "在学"], "未开始")
    return table.assign(state=state).reset_index(drop=True)


def _percents(grades: pd.DataFrame) -> pd.Series[float]:
    """Each score in percent of the module's points; NaN until there is one."""
    return 100 * grades["score"] / grades["max_score"].where(grades["max_score"] > 0)


def _figures(rows: pd.DataFrame) -> Figures:
    states = rows["state"].value_counts()
    whole = ("needed", "begun", "passed", "waiting", "hours", "hours_needed", "percents", "graded")
    sums: dict[str, Any] = {name: rows[name].to_numpy().sum().item() for name in whole}
    counts = {"finished": "学完", "going": "在学", "idle": "未开始"}
    sums |= {name: int(states.get(word, 0)) for name, word in counts.items()}
    return Figures(people=len(rows), **sums)


def completion(
    standings: pd.DataFrame, unit: str = "", order: Sequence[str] = ()
) -> tuple[Figures, tuple[UnitNode, ...]]:
    """The figures of all, and the tree of units: ``unit`` with all below it, or everything from the highest on.

    ``order`` are the roster's units as it has them; others follow by name. Who has no unit comes last.
    """
    place = {path: n for n, path in enumerate(order)}
    own = {str(path): _figures(rows) for path, rows in standings.groupby("unit")}
    nowhere = own.pop("", None)

    def grown(node: Node, top: int) -> UnitNode:
        below = tuple(grown(child, top) for child in node.below)
        mine = own.get(node.path, Figures())
        return UnitNode(
            node.path, node.name, node.depth - top, mine.people, sum((b.figures for b in below), mine), below
        )

    roots = tree(sorted(own, key=lambda path: (place.get(path, len(place)), path)))
    while unit and roots and roots[0].path != unit:
        roots = tuple(child for root in roots for child in root.below if at_or_below(unit, child.path))
    found = tuple(grown(root, roots[0].depth) for root in roots)
    if nowhere is not None:
        found += (UnitNode("", NO_UNIT, 0, nowhere.people, nowhere),)
    return sum((node.figures for node in found), Figures()), found


def idle_by_unit(standings: pd.DataFrame) -> list[tuple[str, list[tuple[str, str]]]]:
    """(unit, [(name, number or account)]) of those who have not begun, by unit and account; ``NO_UNIT`` comes last."""
    rows: Any = standings[standings["state"] == "未开始"].sort_values(["unit", "account"])
    found: dict[str, list[tuple[str, str]]] = {}
    for row in rows.itertuples(index=False):
        found.setdefault(row.unit, []).append((row.name, row.number or row.account))
    nowhere = found.pop("", None)
    return [*found.items(), *([(NO_UNIT, nowhere)] if nowhere else [])]


def band_counts(scores: pd.Series[float]) -> list[int]:
    """How many of the scores (percent, NaN passed over) are in each of ``BANDS``."""
    # A score is kept to two decimals: a hair below a bound by division is on it.
    known = np.round(scores.dropna().to_numpy(float), 6)
    counts = np.bincount(np.searchsorted(_EDGES, known, side="right"), minlength=len(BANDS))
    return [int(count) for count in counts]


def module_table(grades: pd.DataFrame, modules: pd.DataFrame) -> pd.DataFrame:
    """One row a module that anybody takes, in the order of the course.

    - module, title; needed: learners who take it
    - idle, sent, unread, graded: learners by state; passed; late: submissions after their due date
    - mean, median, low, high: of the scores in percent, NaN without any; scored: how many there are
    - bands: list of counts, in the order of ``BANDS``
    """
    scores = _percents(grades)
    rows = []
    for module in modules.itertuples(index=False):
        of = (grades["module"] == module.module).to_numpy()
        if not of.any():
            continue
        here = grades[of]
        spread = score_distribution(here["score"], here["max_score"])
        states = here["state"].value_counts()
        rows.append(
            {
                "module": module.module,
                "title": module.title,
                "needed": len(here),
                **{
                    name: int(states.get(word, 0))
                    for name, word in (
                        ("idle", NOT_BEGUN),
                        ("sent", SENT),
                        ("unread", UNREAD),
                        ("graded", GRADED),
                    )
                },
                "passed": int(here["passed"].sum()),
                "late": int(here["late"].sum()),
                "mean": spread.mean,
                "median": spread.median,
                "low": spread.least,
                "high": spread.most,
                "scored": spread.n,
                "bands": band_counts(scores[of]),
            }
        )
    names = ("module", "title", "needed", "idle", "sent", "unread", "graded", "passed", "late")
    return pd.DataFrame(rows, columns=[*names, "mean", "median", "low", "high", "scored", "bands"])
