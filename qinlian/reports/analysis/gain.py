"""From the pre-test (摸底) to the final: how much was learnt, by the people who took both."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize, special

from qinlian.reports.analysis.intervals import CONFIDENCE, Numbers, t_interval
from qinlian.reports.frames import COUNTS

__all__ = ["Gain", "gain"]


@dataclass(frozen=True)
class Gain:
    """Scores in percent of the quiz's points; NaN where it cannot be told.

    ``n`` people took both; ``only_pre`` and ``only_post`` took one, and count in nothing else here. ``change`` =
    post − pre in points of a hundred, with the t interval ``change_low``, ``change_high``; ``correlation`` of the two.

    - ``d_z`` = change / sd of the changes (Cohen 1988), ``g_z`` the same without its bias (Hedges 1981)
    - ``d_av`` = change / √((sd_pre² + sd_post²)/2) (Cumming 2012), ``g_av`` likewise: how far the class moved, in
      standard deviations of its scores; this is the one to compare with other courses
    - ``hake`` = (post − pre) / (100 − pre) of the means (Hake 1998): which part was learnt of what was not known yet;
      NaN when the pre-test was full marks
    """

    n: int
    only_pre: int
    only_post: int
    pre_mean: float
    pre_sd: float
    post_mean: float
    post_sd: float
    correlation: float
    change: float
    change_low: float
    change_high: float
    d_z: float
    d_z_low: float
    d_z_high: float
    g_z: float
    d_av: float
    d_av_low: float
    d_av_high: float
    g_av: float
    hake: float


def gain(quizzes: pd.DataFrame, pre: str, post: str) -> Gain:
    """The gain from quiz ``pre`` to quiz ``post``, each by its first attempt that counts: a later one has seen results.

    ``quizzes`` has the columns account, quiz, state, number, score, points. The interval of d_z is the exact one from
    the noncentral t (Hedges & Olkin 1985): the noncentralities at which t = √n·d_z is the upper or the lower 2.5 %,
    over √n. That of d_av is of Algina & Keselman (2003), the same limits times sd of the changes over
    √((sd_pre² + sd_post²)/2). The factor of Hedges, exact: J(m) = Γ(m/2) / (√(m/2)·Γ((m − 1)/2)), m = n − 1.
    """
    first, last = _percent(quizzes, pre), _percent(quizzes, post)
    both = pd.concat({"pre": first, "post": last}, axis=1, join="inner")
    a, b = both["pre"].to_numpy(np.float64), both["post"].to_numpy(np.float64)
    n, change = len(both), b - a
    pre_sd, post_sd, sd = _sd(a), _sd(b), _sd(change)
    mean = float(change.mean()) if n else math.nan
    low, high = t_interval(mean, sd, n)
    average = math.sqrt((pre_sd**2 + post_sd**2) / 2)
    # Changes that differ by rounding only have no spread to measure by.
    d_z = mean / sd if sd > 1e-9 else math.nan
    d_av = mean / average if average > 1e-9 else math.nan
    z_low, z_high = _noncentral(d_z * math.sqrt(n), n - 1)
    scale = sd / average / math.sqrt(n) if average > 1e-9 else math.nan
    factor = _hedges(n - 1)
    pre_mean, post_mean = (float(v.mean()) if n else math.nan for v in (a, b))
    varies = n > 1 and pre_sd > 1e-9 and post_sd > 1e-9
    return Gain(
        n=n,
        only_pre=len(first) - n,
        only_post=len(last) - n,
        pre_mean=pre_mean,
        pre_sd=pre_sd,
        post_mean=post_mean,
        post_sd=post_sd,
        correlation=float(np.corrcoef(a, b)[0, 1]) if varies else math.nan,
        change=mean,
        change_low=float(low),
        change_high=float(high),
        d_z=d_z,
        d_z_low=z_low / math.sqrt(n) if n else math.nan,
        d_z_high=z_high / math.sqrt(n) if n else math.nan,
        g_z=d_z * factor,
        d_av=d_av,
        d_av_low=z_low * scale,
        d_av_high=z_high * scale,
        g_av=d_av * factor,
        hake=mean / (100 - pre_mean) if n and pre_mean < 100 - 1e-9 else math.nan,
    )


def _percent(quizzes: pd.DataFrame, quiz: str) -> pd.Series:
    """Account → percent, at the first attempt that counts."""
    rows = quizzes[(quizzes["quiz"] == quiz) & (quizzes["state"] == COUNTS) & (quizzes["points"] > 0)]
    rows = rows.sort_values("number", kind="stable").drop_duplicates("account")
    return pd.Series((100 * rows["score"] / rows["points"]).to_numpy(), index=rows["account"].astype(str))


def _sd(values: Numbers) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else math.nan


def _hedges(freedom: int) -> float:
    if freedom < 2:
        return math.nan
    half = freedom / 2
    return float(np.exp(special.gammaln(half) - special.gammaln(half - 0.5)) / math.sqrt(half))


def _noncentral(t: float, freedom: int) -> tuple[float, float]:
    """The noncentralities of which ``t`` is the upper and the lower 2.5 %; NaN without a t."""
    if math.isnan(t) or freedom < 1:
        return math.nan, math.nan
    side = (1 - CONFIDENCE) / 2
    limits = []
    for p in (1 - side, side):
        near = float(special.nctdtrinc(freedom, p, t))
        # SciPy's inverse is good to six digits; its distribution function to all.
        reach = 1e-3 * (1 + abs(near))
        limits.append(
            float(optimize.brentq(lambda nc, p=p: special.nctdtr(freedom, nc, t) - p, near - reach, near + reach))
        )
    return limits[0], limits[1]
