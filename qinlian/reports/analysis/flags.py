"""What is to be done about an item: flags, the most urgent first, each with its sentence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from qinlian.reports.analysis import sentences
from qinlian.reports.analysis.bars import (
    ASKED,
    EASY,
    HARD,
    LIKELY,
    LOW,
    NOT_WORSE,
    OMITTED,
    SMALLEST,
    SMALLEST_KEY,
    UNUSED,
)
from qinlian.reports.analysis.drawn import PLACES
from qinlian.reports.analysis.evidence import key_evidence
from qinlian.reports.analysis.intervals import wilson

__all__ = ["LABELS", "SEVERITY", "flags"]

SEVERITY = {
    "miskeyed": 1,
    "lured": 2,
    "reversed": 3,
    "low_discrimination": 4,
    "hard": 4,
    "omitted": 4,
    "unused": 5,
    "easy": 5,
    "few": 6,
}
"""Code → 1 (look at it first) to 6 (nothing to be done yet)."""
LABELS = {
    "miskeyed": "很可能答案标错",
    "lured": "请核对答案",
    "reversed": "高分组反而答错",
    "low_discrimination": "区分度低",
    "hard": "题目偏难",
    "omitted": "多人没作答",
    "unused": "干扰项无人选",
    "easy": "题目偏易",
    "few": "人数不足",
}
"""Code → the words for a column or a badge."""


@dataclass(frozen=True)
class _Flag:
    code: str
    sentence: str
    strength: float = 0.0


def flags(table: pd.DataFrame, choices: pd.DataFrame | None = None) -> pd.DataFrame:
    """What stands out, worst first; an item may have several rows, and one without any is in order.

    ``table`` is of ``item_table``, ``choices`` of ``distractors`` (without it nothing is said of options).

    - ``item``; ``code``, one of ``SEVERITY``; ``label``: the short word of ``LABELS``
    - ``severity``: 1 is to be looked at first, 6 last; rows are sorted by it, then by ``strength`` (how clearly it
      stands out, in standard errors; 0 where that is not asked), then by item
    - ``sentence``: in plain Chinese, what it is and what to do

    Of an item that fewer than ``SMALLEST`` people drew nothing is judged; only its key may be asked about.
    """
    # The last digits of a sum hang on the order of its rows, which must decide nothing.
    table = table.round(PLACES)
    doubts, unused = _doubts(table, choices), _unused(choices)
    rows: list[tuple[Any, ...]] = []
    for row in table.reset_index().itertuples(index=False):
        item = str(row.item)
        for flag in _of(row, doubts.get(item), unused.get(item, [])):
            rows.append((item, flag.code, LABELS[flag.code], SEVERITY[flag.code], flag.strength, flag.sentence))
    found = pd.DataFrame(rows, columns=["item", "code", "label", "severity", "strength", "sentence"])
    found = found.astype({"severity": "int64", "strength": "float64"})
    order = np.lexsort((found["item"].to_numpy(str), -found["strength"].to_numpy(), found["severity"].to_numpy()))
    return found.iloc[order].reset_index(drop=True)


def _of(row: Any, doubt: Any, unused: list[tuple[str, int]]) -> Iterator[_Flag]:
    enough = row.n >= SMALLEST
    if doubt is not None:
        code = "miskeyed" if doubt.strength >= LIKELY and doubt.ability > 0 else "lured"
        yield _Flag(code, sentences.doubted(code, row, doubt, enough=enough), float(doubt.strength))
    elif enough and row.discrimination_high < 0:
        yield _Flag(
            "reversed", sentences.reversed_(row), float(-np.arctanh(row.discrimination) * np.sqrt(row.n_rest - 3))
        )
    elif enough:
        # What follows from a wrong key is no fault of its own.
        if row.facility <= HARD:
            yield _Flag("hard", sentences.hard(row))
        if row.facility < EASY and row.discrimination < LOW and not row.upper_lower >= LOW:
            yield _Flag("low_discrimination", sentences.low_discrimination(row))
    if not enough:
        yield _Flag("few", sentences.few(row, SMALLEST))
        return
    if row.omitted >= OMITTED:
        yield _Flag("omitted", sentences.omitted(row))
    if row.facility >= EASY:
        yield _Flag("easy", sentences.easy(row))
    if unused:
        yield _Flag("unused", sentences.unused(row, unused))


def _doubts(table: pd.DataFrame, choices: pd.DataFrame | None) -> dict[str, Any]:
    """Item → the strongest evidence against its key, where there is enough of it."""
    if choices is None or choices.empty:
        return {}
    found = key_evidence(table, choices)
    found = found.assign(strength=found["strength"].round(PLACES), ability=found["ability"].round(PLACES))
    found = found[(found["strength"] >= ASKED) & (found["ability"] >= NOT_WORSE)]
    found = found[table["n"].reindex(found["item"]).to_numpy() >= SMALLEST_KEY]
    found = found.sort_values(["strength", "option"], ascending=[False, True]).drop_duplicates("item")
    return {str(row.item): row for row in found.itertuples(index=False)}


def _unused(choices: pd.DataFrame | None) -> dict[str, list[tuple[str, int]]]:
    """Item → (option, people) of its wrong options that nobody chose, or surely fewer than ``UNUSED``.

    Of two options the wrong one is no distractor: that nobody takes it is what an easy item is.
    """
    if choices is None or choices.empty:
        return {}
    options = choices.groupby(["item", "option"], sort=False, observed=True)
    flat = options.agg(correct=("correct", "first"), n=("n", "sum"), size=("size", "sum")).reset_index()
    several = flat.groupby("item")["option"].transform("size") > 2
    _, high = wilson(flat["n"] / flat["size"], flat["size"])
    idle = flat[several & ~flat["correct"] & ((flat["n"] == 0) | (high < UNUSED))]
    found: dict[str, list[tuple[str, int]]] = {}
    for item, option, people in zip(idle["item"], idle["option"], idle["n"].tolist(), strict=True):
        found.setdefault(str(item), []).append((str(option), people))
    return found
