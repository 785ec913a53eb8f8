"""Where two texts say the same: pure, on rapidfuzz and numpy.

A text is read as its letters alone (no punctuation, no space, one width), cut into units of about a
sentence. Each unit of one text is looked for in the other by rapidfuzz's best partial alignment, so a
passage is found wherever it was moved to and when some of its words were changed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from rapidfuzz import fuzz
from rapidfuzz.distance import Indel

__all__ = ["GRAM", "Grams", "Passage", "Reading", "compare", "segments"]

Grams = npt.NDArray[np.uint64]

GRAM = 5
"""Letters in a run that is looked up: long enough to be rare, short enough to outlive light rewording."""
_SHORTEST, _LONGEST = 12, 60
"""Letters of a unit. Shorter sentences go with their neighbour, longer ones are cut."""
_ALIKE = 72.0
"""Of 100: from here on a unit counts as found. Sentences on one subject by two people stay below 50."""
_SEEDS = 2
"""A unit is looked for only in a text that holds this many of its runs."""
_GAP = 10
"""Letters that may stand between two found units of one passage."""
_TELLING, _TELLING_APART, _SAME = 3, 4, 92.0
"""So many usual units in a row are no coincidence, nor so many apart that are the same to a letter or two."""
_END = re.compile(r"[。！？；!?;…\n]+")
_COMMA = re.compile(r"[，、：,:—]+")
_LETTERS = re.compile(r"[^\W_]+")


@dataclass(frozen=True, eq=False)
class Reading:
    """A text as it is compared: ``bare`` are its letters, ``places`` where each stands in ``text``."""

    text: str
    bare: str
    places: npt.NDArray[np.int64]

    @classmethod
    def of(cls, text: str) -> Reading:
        """Read a text."""
        runs = list(_LETTERS.finditer(text))
        bare = "".join(run.group() for run in runs)
        if unicodedata.is_normalized("NFKC", bare):
            places = [np.arange(run.start(), run.end()) for run in runs]
            return cls(text, bare.translate(_LOWER), np.concatenate(places) if places else np.zeros(0, np.int64))
        letters, where = [], []
        for index, char in enumerate(text):
            for letter in unicodedata.normalize("NFKC", char):
                if letter.isalnum():
                    letters.append(letter)
                    where.append(index)
        return cls(text, "".join(letters).translate(_LOWER), np.array(where, np.int64))

    def __len__(self) -> int:
        return len(self.bare)

    @cached_property
    def grams(self) -> Grams:
        """A number for each run of GRAM letters, by place; equal runs have equal numbers."""
        codes = np.frombuffer(self.bare.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
        count = max(0, len(codes) - GRAM + 1)
        numbers = np.zeros(count, np.uint64)
        for offset in range(GRAM):
            numbers = numbers * _FACTOR + codes[offset : offset + count]
        return (numbers ^ (numbers >> np.uint64(29))) * _FACTOR

    @cached_property
    def units(self) -> tuple[tuple[int, int], ...]:
        """The text in units, as ranges of ``bare``; together they cover it."""
        ends = self._cuts(_END)
        units: list[tuple[int, int]] = []
        start = 0
        for end in [*ends, len(self)]:
            if end - start >= _SHORTEST or (end == len(self) and not units and end > start):
                units += self._shortened(start, end)
                start = end
        if start < len(self):
            # What is left at the end is too short to stand alone.
            first, _ = units.pop()
            units += self._shortened(first, len(self))
        return tuple(units)

    def _cuts(self, at: re.Pattern[str]) -> list[int]:
        return [int(cut) for cut in np.searchsorted(self.places, [m.start() for m in at.finditer(self.text)])]

    @cached_property
    def _commas(self) -> list[int]:
        return self._cuts(_COMMA)

    def _shortened(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        while end - start > _LONGEST:
            wanted = start + _LONGEST
            cut = max((c for c in self._commas if start + _SHORTEST <= c <= wanted), default=wanted)
            cut = min(cut, end - _SHORTEST)
            yield start, cut
            start = cut
        yield start, end

    def runs_of(self, start: int, end: int) -> slice:
        """The places in ``grams`` of the runs inside a range of ``bare``."""
        return slice(start, max(start, end - GRAM + 1))

    def written(self, start: int, end: int) -> tuple[int, int]:
        """The range of ``text`` that a range of ``bare`` stands for."""
        return (int(self.places[start]), int(self.places[end - 1]) + 1) if end > start else (0, 0)


_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True)
class Passage:
    """A place in each of two texts, ``letters`` long in the first, ``alike`` out of 100."""

    left: tuple[int, int]
    right: tuple[int, int]
    letters: int
    alike: float

    @property
    def flipped(self) -> Passage:
        """The same seen from the other text; its length is still that of the first."""
        return Passage(self.right, self.left, self.letters, self.alike)


class _Found(NamedTuple):
    """A unit of one text, and where it stands in the other; all ranges are of letters."""

    start: int
    end: int
    there: int
    there_end: int
    alike: float
    usual: bool


def compare(
    left: Reading, right: Reading, left_out: Collection[int] = (), usual: Collection[int] = ()
) -> tuple[Passage, ...]:
    """Where ``right`` says what ``left`` says, in the order of ``left``.

    Units of ``left`` (by place) in ``left_out`` say nothing about two people. Those in ``usual`` say
    nothing by themselves: they count only beside another that does, or in numbers.
    """
    if len(left) < GRAM or len(right) < GRAM:
        return ()
    seeds = np.isin(left.grams, right.grams)
    found: list[_Found] = []
    for place, (start, end) in enumerate(left.units):
        if place in left_out or np.count_nonzero(seeds[left.runs_of(start, end)]) < _SEEDS:
            continue
        here = fuzz.partial_ratio_alignment(left.bare[start:end], right.bare, score_cutoff=_ALIKE)
        if here is None or here.dest_end - here.dest_start < GRAM:
            continue
        found.append(_Found(start, end, here.dest_start, here.dest_end, here.score, place in usual))
    return tuple(_joined(left, right, found))


def _joined(left: Reading, right: Reading, found: list[_Found]) -> Iterator[Passage]:
    """Units that follow each other in both texts are one passage; a few usual ones are none."""
    groups: list[list[_Found]] = []
    for one in found:
        last = groups[-1][-1] if groups else None
        if (
            last
            and last.end == one.start
            and abs(one.there - last.there_end) <= _GAP
            and one.there_end > last.there_end
        ):
            groups[-1].append(one)
        else:
            groups.append([one])
    usual = [one for group in groups if _only_usual(group) for one in group if one.alike >= _SAME]
    for group in groups:
        if len(usual) >= _TELLING_APART or not _only_usual(group):
            yield _passage(left, right, group)


def _only_usual(group: list[_Found]) -> bool:
    return len(group) < _TELLING and all(one.usual for one in group)


def _passage(left: Reading, right: Reading, group: list[_Found]) -> Passage:
    letters = sum(one.end - one.start for one in group)
    return Passage(
        left.written(group[0].start, group[-1].end),
        right.written(min(one.there for one in group), group[-1].there_end),
        letters,
        sum((one.end - one.start) * one.alike for one in group) / letters,
    )


def segments(left: str, right: str) -> tuple[tuple[tuple[str, bool], ...], tuple[tuple[str, bool], ...]]:
    """Both sides of a passage cut into (text, is it the same in both), for showing them side by side."""
    sides: tuple[list[tuple[str, bool]], list[tuple[str, bool]]] = ([], [])
    for step in Indel.opcodes(left, right):
        same = step.tag == "equal"
        for side, piece in zip(
            sides, (left[step.src_start : step.src_end], right[step.dest_start : step.dest_end]), strict=True
        ):
            if piece:
                side.append((piece, same))
    return tuple(sides[0]), tuple(sides[1])
