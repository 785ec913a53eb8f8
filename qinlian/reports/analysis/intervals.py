"""Confidence intervals, each vectorised over items; all of 95 %.

An interval that cannot be told (too few people, nothing varies) is NaN, never a number that looks sure.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

__all__ = ["CONFIDENCE", "Numbers", "Z", "difference", "fisher", "mean_interval", "t_interval", "wilson"]

Numbers = npt.NDArray[np.float64]

CONFIDENCE = 0.95
Z = float(special.ndtri(0.5 + CONFIDENCE / 2))
"""The normal quantile that belongs to it, 1.95996…"""


def wilson(share: Any, n: Any) -> tuple[Numbers, Numbers]:
    """(low, high) of a share in [0, 1] among ``n`` people; NaN where n is 0.

    Wilson (1927): (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n). It stays within [0, 1] and is honest
    where nobody or everybody did it (Brown, Cai & DasGupta 2001).
    """
    p, n = np.asarray(share, np.float64), np.asarray(n, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        centre = p + Z**2 / (2 * n)
        half = Z * np.sqrt(p * (1 - p) / n + Z**2 / (4 * n**2))
        low, high = (centre - half) / (1 + Z**2 / n), (centre + half) / (1 + Z**2 / n)
    # The formula gives these two exactly; rounding may not.
    low, high = np.where(p == 0, 0.0, low), np.where(p == 1, 1.0, high)
    return np.where(n > 0, low, np.nan), np.where(n > 0, high, np.nan)


def t_interval(mean: Any, sd: Any, n: Any) -> tuple[Numbers, Numbers]:
    """(low, high) of a mean: mean ± t(n−1) · sd / √n (Student 1908); ``sd`` with n − 1. NaN where n < 2."""
    mean, sd, n = (np.asarray(v, np.float64) for v in (mean, sd, n))
    with np.errstate(divide="ignore", invalid="ignore"):
        half = special.stdtrit(np.maximum(n - 1, 1), 0.5 + CONFIDENCE / 2) * sd / np.sqrt(n)
    half = np.where(n >= 2, half, np.nan)
    return mean - half, mean + half


def mean_interval(mean: Any, sd: Any, n: Any, binary: Any) -> tuple[Numbers, Numbers]:
    """(low, high) of a mean of fractions in [0, 1]; ``binary`` says where all of them are 0 or 1.

    Wilson's for 0/1. For partial credit the t interval, cut to [0, 1]. Where the spread cannot be estimated
    (fewer than two people, or all alike) Wilson's stands in: no variable in [0, 1] of that mean spreads more than a
    0/1 one, so that errs on the safe side.
    """
    sd = np.asarray(sd, np.float64)
    low, high = wilson(mean, n)
    t_low, t_high = t_interval(mean, sd, n)
    safe = np.asarray(binary, bool) | ~(sd > 0) | ~np.isfinite(t_low)
    return np.where(safe, low, np.clip(t_low, 0, 1)), np.where(safe, high, np.clip(t_high, 0, 1))


def difference(
    first: tuple[Numbers, Numbers, Numbers], second: tuple[Numbers, Numbers, Numbers]
) -> tuple[Numbers, Numbers]:
    """(low, high) of ``first`` − ``second``, two independent estimates given as (value, low, high).

    The square-and-add method: d − √((v₁−l₁)² + (u₂−v₂)²), d + √((u₁−v₁)² + (v₂−l₂)²); over Wilson's intervals that is
    Newcombe (1998), method 10; over others MOVER (Zou & Donner 2008).
    """
    (v1, l1, u1), (v2, l2, u2) = first, second
    d = v1 - v2
    return d - np.hypot(v1 - l1, u2 - v2), d + np.hypot(u1 - v1, v2 - l2)


def fisher(r: Any, n: Any) -> tuple[Numbers, Numbers]:
    """(low, high) of a correlation: tanh(artanh r ± z/√(n−3)) (Fisher 1921). NaN where n < 4."""
    r, n = np.asarray(r, np.float64), np.asarray(n, np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        half = np.where(n > 3, Z / np.sqrt(n - 3), np.nan)
        at = np.arctanh(r)
        return np.tanh(at - half), np.tanh(at + half)
