"""Facility and discrimination of every item, each with its confidence interval."""

from __future__ import annotations

import numpy as np
import pandas as pd

from qinlian.reports.analysis.drawn import Drawn, drawn
from qinlian.reports.analysis.intervals import Numbers, difference, fisher, mean_interval, wilson

__all__ = ["item_table"]


def item_table(responses: pd.DataFrame) -> pd.DataFrame:
    """One row an item, indexed by ``item`` (sorted); every share is in [0, 1], every interval of 95 %.

    ``responses`` has the columns account, item, answered, fraction. Give it the first attempts only, since later ones
    know the result of the earlier; no pre-test (摸底), which asks what was not taught yet; and no self-check (自查), in
    which nothing is right or wrong. Who met an item more than once counts once, with the first time. Someone who did
    not draw an item is missing, not wrong; an item drawn and left empty is wrong, and omitted besides. Answers that
    nobody scored yet are left out.

    - ``n``: people who drew it and whose answer was scored; ``omitted``: share of them who left it empty
      (``omitted_low``, ``omitted_high``: Wilson)
    - ``facility``: mean fraction, the p of an item (``facility_low``, ``facility_high``: Wilson for 0/1 items,
      else t, see ``intervals.mean_interval``); ``sd``: of the fraction, with n − 1; ``binary``: nobody has part
      of the credit
    - ``discrimination``: correlation of the item with the rest, in [−1, 1] (``discrimination_low``, ``_high``: Fisher),
      over ``n_rest`` people. The rest is the mean fraction on all other items of the frame that this person drew; for a
      0/1 item this is the point-biserial correlation (Lev 1949), corrected for overlap by leaving the item out
      (Henrysson 1963). NaN where the item or the rest does not vary. ``rest_mean``, ``rest_sd`` (n − 1): of the rest
    - ``upper_lower``: mean fraction in the highest 27 % by the rest less that in the lowest, in [−1, 1] (Kelley 1939;
      Johnson 1951) (``upper_lower_low``, ``_high``: square-and-add, see ``intervals.difference``), over ``n_upper`` and
      ``n_lower`` people; how ties are told apart: ``Drawn.group``
    """
    return _table(drawn(responses))


def _table(data: Drawn) -> pd.DataFrame:
    n = data.n
    centred = data.x - data.mean[data.item]
    squares = data.total(centred**2)
    with np.errstate(divide="ignore", invalid="ignore"):
        sd = np.where(n > 1, np.sqrt(squares / (n - 1)), np.nan)
    binary = data.total(((data.x != 0) & (data.x != 1)).astype(np.float64)) == 0
    low, high = mean_interval(data.mean, sd, n, binary)
    omitted = data.total((~data.answered).astype(np.float64)) / n
    omitted_low, omitted_high = wilson(omitted, n)
    return pd.DataFrame(
        {
            "n": n,
            "facility": data.mean,
            "facility_low": low,
            "facility_high": high,
            "sd": sd,
            "binary": binary,
            "omitted": omitted,
            "omitted_low": omitted_low,
            "omitted_high": omitted_high,
            **_discrimination(data),
            **_upper_lower(data, binary),
        },
        index=data.items,
    )


def _discrimination(data: Drawn) -> dict[str, Numbers]:
    known = ~np.isnan(data.rest)
    some = data.only(known)
    rest, n = data.rest[known], some.n
    with np.errstate(divide="ignore", invalid="ignore"):
        x = some.x - some.mean[some.item]
        rest_mean = some.total(rest) / n
        y = rest - rest_mean[some.item]
        spread_x, spread_y = some.total(x**2), some.total(y**2)
        r = some.total(x * y) / np.sqrt(spread_x * spread_y)
        sd = np.where(n > 1, np.sqrt(spread_y / (n - 1)), np.nan)
    # What does not vary but for rounding has no correlation.
    r = np.where((spread_x > 1e-12) & (spread_y > 1e-12), np.clip(r, -1, 1), np.nan)
    low, high = fisher(r, n)
    return {
        "n_rest": n,
        "rest_mean": rest_mean,
        "rest_sd": sd,
        "discrimination": r,
        "discrimination_low": low,
        "discrimination_high": high,
    }


def _upper_lower(data: Drawn, binary: Numbers) -> dict[str, Numbers]:
    def tail(group: int) -> tuple[Numbers, tuple[Numbers, Numbers, Numbers]]:
        inside = (data.group == group).astype(np.float64)
        n = data.total(inside)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = data.total(inside * data.x) / n
            sd = np.sqrt(data.total(inside * (data.x - mean[data.item]) ** 2) / (n - 1))
        return n, (mean, *mean_interval(mean, sd, n, binary))

    with np.errstate(invalid="ignore"):
        (n_upper, upper), (n_lower, lower) = tail(2), tail(0)
        low, high = difference(upper, lower)
    return {
        "n_upper": n_upper.astype(np.intp),
        "n_lower": n_lower.astype(np.intp),
        "upper_lower": upper[0] - lower[0],
        "upper_lower_low": low,
        "upper_lower_high": high,
    }
