"""The responses as numbers: who drew which item, what it earned, and how that person did on the others.

Everything of item analysis starts here, so what a missing row means is decided once: an item that somebody
did not draw is no row and counts nowhere; an item that was drawn and left empty is wrong, and omitted besides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from qinlian.reports.analysis.intervals import Numbers

__all__ = ["GROUPS", "PLACES", "Codes", "Drawn", "drawn", "first_only"]

Codes = npt.NDArray[np.intp]

GROUPS = ("低", "中", "高")
"""Ability groups, by the score on the other items."""
_TAIL = 0.27
"""Share of the people in the lowest and in the highest group (Kelley 1939)."""
PLACES = 9
"""Decimals to which two figures are the same: what follows hangs on the order of the rows that were added up."""


@dataclass(frozen=True, eq=False)
class Drawn:
    """One row a learner and drawn item, in no particular order.

    ``person`` and ``item`` are codes into ``accounts`` and ``items`` (sorted), ``x`` the fraction in [0, 1],
    ``answered`` whether there is an answer.
    """

    person: Codes
    item: Codes
    x: Numbers
    answered: npt.NDArray[np.bool_]
    accounts: pd.Index[str]
    items: pd.Index[str]

    @property
    def people(self) -> int:
        """How many people there are."""
        return len(self.accounts)

    @cached_property
    def n(self) -> Codes:
        """How many drew each item."""
        return np.bincount(self.item, minlength=len(self.items))

    @cached_property
    def mean(self) -> Numbers:
        """The mean fraction of each item."""
        return self.total(self.x) / self.n

    @cached_property
    def rest(self) -> Numbers:
        """For each row the same person's mean fraction on the other items drawn; NaN where there is no other.

        Leaving the item itself out is what "corrected for overlap" means (Henrysson 1963).
        """
        count = np.bincount(self.person, minlength=self.people)[self.person] - 1.0
        score = np.bincount(self.person, self.x, minlength=self.people)[self.person]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(count > 0, (score - self.x) / count, np.nan)

    @cached_property
    def group(self) -> npt.NDArray[np.int8]:
        """For each row 0, 1 or 2 for ``GROUPS``: where the person stands among those who drew that item.

        People are ranked by ``rest``. Equal scores always stand in the same group, so neither the order of rows nor
        anybody's name decides: a tail ends at the score at which its size comes nearest to ``_TAIL`` (the smaller
        one of two that are as near). Tails never overlap. Where all have the same score, or no other item was
        drawn, nobody is high or low, and all stand in the middle.
        """
        group = np.ones(len(self.x), np.int8)
        known = np.flatnonzero(~np.isnan(self.rest))
        if not len(known):
            return group
        score = np.round(self.rest[known], PLACES)
        # Scores are in [0, 1], so that item and score sort as one number.
        order = np.argsort(self.item[known] * 2.0 + score, kind="stable")
        item, score = self.item[known][order], score[order]
        new = np.r_[True, (item[1:] != item[:-1]) | (score[1:] != score[:-1])]
        starts = np.flatnonzero(new)
        run_item, sizes = item[starts], np.diff(np.r_[starts, len(item)])
        first = np.flatnonzero(np.r_[True, run_item[1:] != run_item[:-1]])
        last = np.r_[first[1:], len(run_item)] - 1
        nth = np.repeat(np.arange(len(first)), last - first + 1)
        people = np.add.reduceat(sizes, first)[nth]
        upto = np.cumsum(sizes)
        upto = upto - (upto[first] - sizes[first])[nth]
        low_end = _nearest(np.abs(upto / people - _TAIL), first)
        above = people - upto + sizes
        high_start = last - _nearest(np.abs(above / people - _TAIL)[::-1], (len(sizes) - 1 - last)[::-1])[::-1]
        runs = np.arange(len(sizes))
        several = (last > first)[nth]
        run_group = np.where(several & (runs <= (first + low_end)[nth]), 0, 1)
        run_group = np.where(several & (runs >= high_start[nth]), 2, run_group)
        group[known[order]] = run_group[np.cumsum(new) - 1]
        return group

    def only(self, rows: npt.NDArray[np.bool_]) -> Drawn:
        """Some of the rows, under the same codes."""
        return replace(
            self, person=self.person[rows], item=self.item[rows], x=self.x[rows], answered=self.answered[rows]
        )

    def total(self, values: Numbers) -> Numbers:
        """The sum over each item's rows."""
        return np.asarray(np.bincount(self.item, values, minlength=len(self.items)), np.float64)


def _nearest(distance: Numbers, first: Codes) -> Codes:
    """Within each block that begins at ``first``, the offset of the first smallest ``distance``."""
    # Rounded, or 0.27 − 0.2 and 0.34 − 0.27 would not be the same distance.
    distance = np.round(distance, PLACES)
    lengths = np.diff(np.r_[first, len(distance)])
    least = np.repeat(np.minimum.reduceat(distance, first), lengths)
    where = np.where(distance == least, np.arange(len(distance)), len(distance))
    return np.asarray(np.minimum.reduceat(where, first) - first, np.intp)


def first_only(responses: pd.DataFrame) -> pd.DataFrame:
    """The scored rows, and of a learner who met an item more than once only the first time.

    An item that nobody scores (``fraction`` is NaN although there is an answer) is left out. The first time is the
    earliest ``submitted_at``, then the lowest ``number`` and ``place``, as far as the frame has these columns.
    """
    scored = responses[responses["fraction"].notna() | ~responses["answered"].to_numpy(bool)]
    if not scored.duplicated(["account", "item"]).any():
        return scored
    by = [c for c in ("submitted_at", "number", "attempt", "place") if c in scored.columns]
    return scored.sort_values(by, kind="stable").drop_duplicates(["account", "item"]) if by else scored


def drawn(responses: pd.DataFrame) -> Drawn:
    """The frame of responses (columns account, item, answered, fraction) as numbers; see ``first_only``."""
    rows = first_only(responses)
    person, people = pd.factorize(rows["account"])
    item, items = pd.factorize(rows["item"], sort=True)
    answered = rows["answered"].to_numpy(bool)
    x = np.where(answered, rows["fraction"].to_numpy(np.float64, na_value=np.nan), 0.0)
    accounts = pd.Index(np.asarray(people, object), name="account", dtype="str")
    return Drawn(person, item, x, answered, accounts, pd.Index(np.asarray(items, object), name="item", dtype="str"))
