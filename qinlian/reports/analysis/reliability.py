"""How far the scores of a quiz can be relied on: coefficient alpha and the standard error of measurement."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse, special

from qinlian.reports.analysis.drawn import Codes, Drawn, drawn
from qinlian.reports.analysis.intervals import CONFIDENCE, Z

__all__ = ["Reliability", "reliability"]


@dataclass(frozen=True)
class Reliability:
    """What an attempt of ``k`` items measures; NaN where it cannot be told.

    ``alpha`` in (−∞, 1] with its interval ``alpha_low``, ``alpha_high``; for 0/1 items it is KR-20. ``sem`` is the
    standard error of measurement and ``sd`` the standard deviation of scores, both on the scale of the mean
    fraction (times 100: in points of a hundred). ``n`` people, ``items`` different items; ``complete`` when everybody
    drew all of them. ``method`` names the interval: Feldt, or ADF for pools.
    """

    alpha: float
    alpha_low: float
    alpha_high: float
    sem: float
    sd: float
    n: int
    k: float
    items: int
    complete: bool
    method: str

    def items_for(self, target: float) -> float:
        """How many items an attempt would need for an alpha of ``target``; NaN when alpha is not above 0.

        Spearman (1910) and Brown (1910): k · target (1 − α) / (α (1 − target)).
        """
        if not 0 < self.alpha < 1:
            return float("nan")
        return self.k * target * (1 - self.alpha) / (self.alpha * (1 - target))


def reliability(responses: pd.DataFrame, items_per_attempt: float | None = None) -> Reliability:
    """Coefficient alpha of an attempt, complete or drawn from a pool.

    ``responses`` (account, item, answered, fraction) of one quiz, or of whatever is scored as one test; first
    attempts. ``items_per_attempt`` is how many items make an attempt; without it the mean number drawn.

    α = k·c̄ / (v̄ + (k − 1)·c̄), with v̄ the mean variance of an item and c̄ the mean covariance of two items over the
    people who drew both, each weighted by its degrees of freedom (n − 1), so that two items that few drew together
    weigh little. For complete data that is Cronbach's alpha (1951) to the digit, and for 0/1 items KR-20
    (Kuder & Richardson 1937). The standard error of measurement sd·√(1 − α) comes to √((v̄ − c̄)/k).

    The interval is that of Feldt (1965), 1 − (1 − α)·F, where everybody drew everything. For pools it is the
    asymptotically distribution-free one (Maydeu-Olivares, Coffman & Hartmann 2007): the delta method over what
    each person adds to v̄ and c̄, on the scale ln(1 − α) (Bonett 2002).
    """
    data = drawn(responses)
    count = np.bincount(data.person, minlength=data.people)
    complete = bool(len(data.x)) and len(data.x) == data.people * len(data.items)
    k = float(count.mean() if len(count) else 0.0) if items_per_attempt is None else float(items_per_attempt)
    nan = float("nan")
    nothing = Reliability(nan, nan, nan, nan, nan, data.people, k, len(data.items), complete, "")
    if data.people < 2 or k < 2:
        return nothing
    v, c = _variance(data), _covariance(data)
    total = v + (k - 1) * c
    if not (v > 1e-12 and total > 1e-12):
        return nothing
    # Over different people for different pairs, c̄ can come out above v̄ when these are few.
    alpha = min(k * c / total, 1.0)
    feldt = complete and k == len(data.items)
    low, high = _feldt(alpha, data.people, len(data.items)) if feldt else _free(data, count, v, c, k)
    return Reliability(
        alpha=alpha,
        alpha_low=low,
        alpha_high=high,
        sem=math.sqrt(max(v - c, 0.0) / k),
        sd=math.sqrt(total / k),
        n=data.people,
        k=k,
        items=len(data.items),
        complete=complete,
        method="Feldt" if feldt else "ADF",
    )


def _variance(data: Drawn) -> float:
    """v̄: within-item sum of squares over its degrees of freedom."""
    freedom = (data.n - 1).sum()
    return float(((data.x - data.mean[data.item]) ** 2).sum() / freedom) if freedom else float("nan")


def _covariance(data: Drawn) -> float:
    """c̄ over all pairs of items that at least two people drew both of; NaN when there is none."""
    shape = (data.people, len(data.items))
    # About each item's own mean, so that the differences below lose no digits.
    x = sparse.csr_array((data.x - data.mean[data.item], (data.person, data.item)), shape)
    d = sparse.csr_array((np.ones(len(data.x)), (data.person, data.item)), shape)
    both, sums, products = (d.T @ d).tocoo(), x.T @ d, (x.T @ x)
    i, j, n = both.row, both.col, both.data
    pair = (i < j) & (n > 1)
    i, j, n = i[pair], j[pair], n[pair]
    if not len(n):
        return float("nan")
    first, second, product = (np.asarray(m[r, c]).ravel() for m, r, c in ((sums, i, j), (sums, j, i), (products, i, j)))
    return float((product - first * second / n).sum() / (n - 1).sum())


def _feldt(alpha: float, n: int, k: int) -> tuple[float, float]:
    side = (1 - CONFIDENCE) / 2
    low, high = special.fdtri(n - 1, (n - 1) * (k - 1), [1 - side, side])
    return float(1 - (1 - alpha) * low), float(1 - (1 - alpha) * high)


def _free(data: Drawn, count: Codes, v: float, c: float, k: float) -> tuple[float, float]:
    """Delta method: α moves with c̄ and v̄, and each person moves these two by what they add to them."""
    centred = data.x - data.mean[data.item]
    squares = np.bincount(data.person, centred**2, minlength=data.people)
    products = np.bincount(data.person, centred, minlength=data.people) ** 2 - squares
    pairs = count * (count - 1.0)
    to_v = (squares - v * count) / count.mean()
    to_c = (products - c * pairs) / pairs.mean()
    total = v + (k - 1) * c
    moved = k * (v * to_c - c * to_v) / total**2
    error = np.sqrt((moved**2).sum() / (data.people * (data.people - 1)))
    alpha = k * c / total
    if alpha >= 1:
        return 1.0, 1.0
    spread = np.exp(Z * error / (1 - alpha))
    return float(1 - (1 - alpha) * spread), float(1 - (1 - alpha) / spread)
