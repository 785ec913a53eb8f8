"""Does the class speak against the marked answer? How strongly, option by option."""

from __future__ import annotations

import numpy as np
import pandas as pd

__all__ = ["key_evidence"]

_NOTHING = 1e-9


def key_evidence(table: pd.DataFrame, choices: pd.DataFrame) -> pd.DataFrame:
    """One row for every way in which one mark could be wrong, of what ``item_table`` and ``distractors`` counted.

    Of an item with one right option each wrong option is set against the key; of one with several right options
    (多选) every option is set against its own mark: chosen although marked wrong, or passed over although marked
    right. Nothing is taken but what stands in the two tables, so anybody can follow it.

    - ``item``, ``option``; ``key``: the right option it is set against, empty for 多选; ``correct``: its own mark
    - ``against`` and ``for_key``: people who side against the mark, and with it
    - ``rest_against``, ``rest_for``: mean score of the two on the other items, in [0, 1]
    - ``popularity``: z of the sign test of these two numbers, (a − f)/√(a + f) (McNemar 1947)
    - ``ability``: z of the correlation between siding (+1 against, −1 with the mark, 0 neither) and the score on the
      other items, r·√(n − 1) (Mantel 1963); of 多选, all who drew it: +1 chose, −1 did not, turned for a right option
    - ``strength`` = (popularity + ability)/√2 (Stouffer 1949): most people take the right answer, and those who know
      more take it oftener. A hard item with a tempting distractor speaks only for the first of these two
    """
    sums = choices.assign(total=choices["n"] * choices["rest"].fillna(0.0))
    options = sums.groupby(["item", "option"], sort=False, observed=True)
    flat = options.agg(
        correct=("correct", "first"),
        n=("n", "sum"),
        size=("size", "sum"),
        omitted=("omitted", "sum"),
        total=("total", "sum"),
    ).reset_index()
    keys = flat[flat["correct"]].groupby("item", sort=False)
    lone = keys.filter(lambda rows: len(rows) == 1).set_index("item")
    flat = flat.join(table[["n_rest", "rest_mean", "rest_sd"]], on="item")
    single = flat["item"].isin(lone.index)
    found = pd.concat([_against_key(flat[single & ~flat["correct"]], lone), _against_mark(flat[~single])])
    a, f, n = (found[name].to_numpy(np.float64) for name in ("against", "for_key", "n_rest"))
    moment, spread, sd = (found[name].to_numpy(np.float64) for name in ("moment", "spread", "rest_sd"))
    with np.errstate(divide="ignore", invalid="ignore"):
        popularity = (a - f) / np.sqrt(a + f)
        # Covariance over the two spreads, all three as sums of squares.
        ability = np.clip(moment / (np.sqrt(spread * (n - 1)) * sd), -1, 1) * np.sqrt(n - 1)
    # Where all side alike, or all score alike, what is left of the sums is rounding, and its sign a matter of chance.
    ability = np.where((spread > _NOTHING) & (sd > _NOTHING), ability, 0.0)
    # Where nobody sides at all, or nothing varies, nothing is said.
    found["popularity"] = np.where(np.isfinite(popularity), popularity, 0.0)
    found["ability"] = np.where(np.isfinite(ability), ability, 0.0)
    found["strength"] = (found["popularity"] + found["ability"]) / np.sqrt(2)
    columns = ["item", "option", "key", "correct", "against", "for_key", "rest_against", "rest_for"]
    return found[[*columns, "popularity", "ability", "strength"]].sort_index().reset_index(drop=True)


def _against_key(wrong: pd.DataFrame, keys: pd.DataFrame) -> pd.DataFrame:
    key = keys.loc[wrong["item"]].set_index(wrong.index)
    mean, n = wrong["rest_mean"], wrong["n_rest"]
    return wrong.assign(
        spread=wrong["n"] + key["n"] - (wrong["n"] - key["n"]) ** 2 / n,
        key=key["option"],
        against=wrong["n"],
        for_key=key["n"],
        rest_against=wrong["total"] / wrong["n"],
        rest_for=key["total"] / key["n"],
        moment=(wrong["total"] - wrong["n"] * mean) - (key["total"] - key["n"] * mean),
    )


def _against_mark(options: pd.DataFrame) -> pd.DataFrame:
    passed = options["size"] - options["omitted"] - options["n"]
    mean, total = options["rest_mean"], options["total"]
    others = options["n_rest"] * mean - total
    # Choosing it speaks against the mark of a wrong option, and for that of a right one.
    right = options["correct"]
    chose, left = total / options["n"], others / (options["n_rest"] - options["n"])
    # Some drew nothing else: of those who passed it over it is not known how many.
    left = left.where(options["n_rest"] == options["size"])
    moment = 2 * (total - options["n"] * mean)
    return options.assign(
        spread=4 * options["n"] * (1 - options["n"] / options["n_rest"]),
        key="",
        against=passed.where(right, options["n"]),
        for_key=options["n"].where(right, passed),
        rest_against=left.where(right, chose),
        rest_for=chose.where(right, left),
        moment=(-moment).where(right, moment),
    )
