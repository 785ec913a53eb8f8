"""Frames of responses by hand and by a model of how people answer, for the tests of item analysis."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["Crowd", "as_responses", "crowd", "crowd_of_several", "option_frame", "responses"]

LETTERS = "ABCD"


def responses(people: Mapping[str, Mapping[str, float | None]]) -> pd.DataFrame:
    """Person → item drawn → fraction, None for left empty."""
    rows = [
        (account, item, fraction is not None, 0.0 if fraction is None else float(fraction))
        for account, given in people.items()
        for item, fraction in given.items()
    ]
    return pd.DataFrame(rows, columns=["account", "item", "answered", "fraction"])


def as_responses(scores: npt.NDArray[np.float64]) -> pd.DataFrame:
    """People × items; NaN is not drawn."""
    row, column = np.nonzero(~np.isnan(scores))
    return pd.DataFrame(
        {
            "account": [f"u{r:03d}" for r in row],
            "item": [f"Q{c:02d}" for c in column],
            "answered": True,
            "fraction": scores[row, column],
        }
    )


def option_frame(items: Sequence[str], keys: Sequence[str]) -> pd.DataFrame:
    """Four options an item, A to D; ``keys`` names the right one of each, or several: "AC"."""
    rows = [
        (item, letter, f"{item}-{letter}", letter in key)
        for item, key in zip(items, keys, strict=True)
        for letter in LETTERS
    ]
    return pd.DataFrame(rows, columns=["item", "option", "public_id", "correct"])


@dataclass(frozen=True)
class Crowd:
    """What a class answered, and the options as the course marks them; ``planted`` is the item marked wrong."""

    responses: pd.DataFrame
    options: pd.DataFrame
    planted: str


def crowd(seed: int, people: int, *, items: int = 40, draw: int | None = None, planted: bool = True) -> Crowd:
    """A class that answers by a logistic model: ability N(0, 1); items of slope 0.6 to 1.6, where between 35 % and
    95 % of the people know the answer. Who does not know chooses among the wrong options, the first of which is
    three times as tempting as each other. With ``draw`` everybody gets so many items of the pool. ``planted``: one
    item has its mark on the most tempting wrong option instead of the right one.
    """
    rng = np.random.default_rng(seed)
    ability = rng.normal(size=people)
    slope, easy = rng.uniform(0.6, 1.6, items), rng.uniform(0.35, 0.95, items)
    knows = rng.random((people, items)) < 1 / (1 + np.exp(-(slope * ability[:, None] + np.log(easy / (1 - easy)))))
    # Place 0 is the truth, 1 the tempting one; which letters these are differs from item to item.
    place = np.where(knows, 0, rng.choice([1, 2, 3], p=[0.6, 0.2, 0.2], size=knows.shape))
    letters = rng.permuted(np.tile(np.arange(4), (items, 1)), axis=1)
    chosen = letters[np.arange(items), place]
    marked = letters[:, 0].copy()
    wrong = int(rng.integers(items))
    if planted:
        marked[wrong] = letters[wrong, 1]
    row, column = np.nonzero(rng.random((people, items)).argsort(axis=1) < (draw or items))
    names = [f"Q{j + 1:02d}" for j in range(items)]
    values = np.array([[json.dumps(f"{name}-{letter}") for letter in LETTERS] for name in names], object)
    frame = pd.DataFrame(
        {
            "account": np.array([f"u{i:03d}" for i in range(people)], object)[row],
            "item": np.array(names, object)[column],
            "answered": True,
            "fraction": (chosen[row, column] == marked[column]).astype(float),
            "value": values[column, chosen[row, column]],
        }
    )
    return Crowd(frame, option_frame(names, [LETTERS[m] for m in marked]), names[wrong] if planted else "")


def crowd_of_several(seed: int, people: int, *, items: int = 40, draw: int | None = None) -> Crowd:
    """The same with items of two or three right options (多选): of each option between 55 % and 95 % of the people
    know whether it is right. One option of one item is marked the other way round."""
    rng = np.random.default_rng(seed)
    ability = rng.normal(size=(people, 1, 1))
    slope, easy = rng.uniform(0.4, 1.4, (items, 4)), rng.uniform(0.55, 0.95, (items, 4))
    knows = rng.random((people, items, 4)) < 1 / (1 + np.exp(-(slope * ability + np.log(easy / (1 - easy)))))
    right = rng.permuted(np.tile([True, True, False, False], (items, 1)), axis=1)
    wrong = int(rng.integers(items))
    marked = right.copy()
    # A third right option, so that the item stays a 多选.
    marked[wrong, rng.choice(np.flatnonzero(~right[wrong]))] = True
    chosen = knows == right
    correct, false = (chosen & marked).sum(axis=2), (chosen & ~marked).sum(axis=2)
    fraction = np.where(false > 0, 0.0, correct / marked.sum(axis=1))
    names = [f"Q{j + 1:02d}" for j in range(items)]
    row, column = np.nonzero(rng.random((people, items)).argsort(axis=1) < (draw or items))
    values = [
        json.dumps([f"{names[c]}-{LETTERS[o]}" for o in np.flatnonzero(chosen[r, c])] or None)
        for r, c in zip(row, column, strict=True)
    ]
    frame = pd.DataFrame(
        {
            "account": [f"u{r:03d}" for r in row],
            "item": [names[c] for c in column],
            "answered": chosen[row, column].any(axis=1),
            "fraction": fraction[row, column],
            "value": values,
        }
    )
    keys = ["".join(LETTERS[o] for o in np.flatnonzero(m)) for m in marked]
    return Crowd(frame, option_frame(names, keys), names[wrong])
