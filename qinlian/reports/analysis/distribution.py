"""How the scores of a class are spread, and how many pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from qinlian.reports.analysis.intervals import Numbers, t_interval, wilson

__all__ = ["ScoreDistribution", "score_distribution"]


@dataclass(frozen=True, eq=False)
class ScoreDistribution:
    """Scores in percent of what could be earned; NaN where there is nobody (of ``sd`` and the interval: only one).

    ``mean`` with its interval ``mean_low``, ``mean_high`` (t); ``sd`` with n − 1; quartiles ``q1``, ``median``, ``q3``
    (linear between neighbours, type 7 of Hyndman & Fan 1996); ``least`` and ``most``. ``passed`` people reach the pass
    mark, ``pass_share`` of all, in [0, 1] (``pass_low``, ``pass_high``: Wilson). ``bins``: one row a bar, of ``low``
    (included) to ``high`` (excluded, but 100 in the last), ``n`` people, ``share`` of all.
    """

    n: int
    mean: float
    mean_low: float
    mean_high: float
    sd: float
    least: float
    q1: float
    median: float
    q3: float
    most: float
    pass_mark: float
    passed: int
    pass_share: float
    pass_low: float
    pass_high: float
    bins: pd.DataFrame


def score_distribution(
    scores: Any, out_of: Any = 100.0, *, pass_mark: float = 60.0, width: float = 10.0
) -> ScoreDistribution:
    """The distribution of ``scores``, one a person, each out of ``out_of`` (a number, or one a person).

    ``pass_mark`` is in percent, ``width`` of a bar too, and must divide 100. Scores that are NaN (not graded yet) are
    left out, and so are those out of 0. Raises ValueError for a width that does not divide 100.
    """
    bars = round(100 / width)
    if not np.isclose(bars * width, 100):
        raise ValueError("width must divide 100")
    earned = np.asarray(scores, np.float64)
    possible = np.broadcast_to(np.asarray(out_of, np.float64), earned.shape)
    counted = np.isfinite(earned) & (possible > 0)
    earned, possible = earned[counted], possible[counted]
    percent: Numbers = 100 * earned / possible
    n = len(percent)
    # In the way of core.scoring.passes, so that nobody passes here who does not pass there.
    passed = int((earned >= possible * pass_mark / 100).sum())
    mean = float(percent.mean()) if n else float("nan")
    sd = float(percent.std(ddof=1)) if n > 1 else float("nan")
    low, high = t_interval(mean, sd, n)
    share = passed / n if n else float("nan")
    pass_low, pass_high = wilson(share, n)
    least, q1, median, q3, most = np.percentile(percent, [0, 25, 50, 75, 100]) if n else np.full(5, np.nan)
    return ScoreDistribution(
        n=n,
        mean=mean,
        mean_low=float(low),
        mean_high=float(high),
        sd=sd,
        least=float(least),
        q1=float(q1),
        median=float(median),
        q3=float(q3),
        most=float(most),
        pass_mark=pass_mark,
        passed=passed,
        pass_share=share,
        pass_low=float(pass_low),
        pass_high=float(pass_high),
        bins=_bins(percent, bars, width),
    )


def _bins(percent: Numbers, bars: int, width: float) -> pd.DataFrame:
    # 0.57 of 1 is 56.999… percent to a computer, and stands in the bar of 57 all the same.
    place = np.clip(np.floor(np.round(percent / width, 9)), 0, bars - 1).astype(np.intp)
    n = np.bincount(place, minlength=bars)
    low = np.arange(bars) * width
    share = n / len(percent) if len(percent) else np.full(bars, np.nan)
    return pd.DataFrame({"low": low, "high": low + width, "n": n, "share": share})
