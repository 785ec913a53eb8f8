"""Rows of a query to the columns of a frame, a part at a time: no row is held as Python objects for long."""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import count
from typing import Any, Protocol

import numpy as np
import pandas as pd

__all__ = ["Column", "Moments", "Numbers", "Words", "coded", "frame_of", "moments", "uncollected"]

_Rows = np.ndarray[Any, np.dtype[np.int64]]


class Column(Protocol):
    """Takes the values of one column, part by part."""

    def take(self, values: Sequence[Any], rows: _Rows | None = None) -> None:
        """The next values: those of ``values``, or for each of ``rows`` the one at that place."""

    def done(self) -> Any:
        """All of them, as a frame takes them."""


class Numbers:
    """Numbers or truth values of one NumPy type; None becomes NaN."""

    def __init__(self, dtype: str) -> None:
        self._dtype = dtype
        self._parts: list[np.ndarray[Any, Any]] = []

    def take(self, values: Sequence[Any], rows: _Rows | None = None) -> None:
        part = np.array(values, dtype=self._dtype)
        self._parts.append(part if rows is None else part[rows])

    def done(self) -> Any:
        return np.concatenate(self._parts) if self._parts else np.array([], dtype=self._dtype)


class Words:
    """Text that repeats, as a category whose categories are sorted."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = defaultdict(count().__next__)
        self._places = Numbers("int32")

    def take(self, values: Sequence[str], rows: _Rows | None = None) -> None:
        codes = self._codes
        self._places.take([codes[value] for value in values], rows)

    def done(self) -> Any:
        words = sorted(self._codes)
        rank = np.empty(len(words), dtype="int32")
        rank[[self._codes[word] for word in words]] = np.arange(len(words), dtype="int32")
        places = self._places.done()
        return coded(rank[places] if words else places, words)


class Moments:
    """Moments as the database holds them: UTC without a zone, or None."""

    def __init__(self) -> None:
        self._numbers = Numbers("datetime64[us]")

    def take(self, values: Sequence[datetime | None], rows: _Rows | None = None) -> None:
        self._numbers.take(values, rows)

    def done(self) -> Any:
        return moments(self._numbers.done())


def moments(naive: Any) -> pd.DatetimeIndex:
    """UTC without a zone → ``datetime64[us, UTC]``."""
    return pd.DatetimeIndex(np.asarray(naive, dtype="datetime64[us]")).tz_localize("UTC")


def frame_of(columns: Mapping[str, Column]) -> pd.DataFrame:
    """The frame of all that the columns took."""
    return pd.DataFrame({name: column.done() for name, column in columns.items()}, copy=False)


def coded(codes: Any, words: Sequence[str]) -> pd.Categorical:
    """The category of ``words`` that the codes point at."""
    return pd.Categorical.from_codes(codes, pd.Index(list(words), dtype="str"))


@contextmanager
def uncollected() -> Iterator[None]:
    """Without Python's garbage collector, which walks through a million rows again and again: half of the time.

    Rows hold no cycles, so nothing is kept that would have gone.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
