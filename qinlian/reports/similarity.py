"""Which of many texts are close to each other: candidates by shared runs, then passages.

A notice is for a person to read and judge. What two learners both took from the course, from the
question or from what everybody writes does not count between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qinlian.reports.passages import Grams, Passage, Reading, compare

Flags = npt.NDArray[np.bool_]
Counts = npt.NDArray[np.int64]
Sizes = npt.NDArray[np.float64]

__all__ = ["SHORTEST", "Given", "Library", "Notice", "Text"]

SHORTEST = 50
"""Letters. A shorter text says too little of its own for a notice."""
_LEAST = 60
"""Letters in the passages of a notice."""
_SHARED = 20
"""Runs that two texts share before they are compared at all."""
_USUAL_SHARE, _USUAL_COUNT = 0.03, 4
"""A run is usual when more than this share of the people, and more than this many, write it …"""
_USUAL_RUN = 80
"""… unless it stands in a longer row of such runs: that is no phrase but a text that many have copied."""
_QUOTED, _PASSED = 0.5, 0.85
"""A unit is a quotation when more than this share of its runs is quoted, and usual when more than this share
of them is quoted or usual."""
_POSTINGS = 200
"""Texts looked at for one run: bounds the work when hundreds hand in the same text."""
_CANDIDATES, _FULLEST = 12, 6
"""Texts that are compared with one: by the runs that are not usual, and by all …"""
_MUCH = 0.3
"""… of which so large a share of the letters must then be the same."""
_NOTICES = 5
"""Texts named for one text; the nearest come first."""


@dataclass(frozen=True)
class Text:
    """Something a learner wrote. ``owner`` is who, so that nobody is compared with himself.

    ``who`` and ``where`` are the words for people.
    """

    owner: str
    who: str
    where: str
    text: str


@dataclass(frozen=True)
class Given:
    """A text of the course: lesson, case or question. Quoting it is everybody's right."""

    where: str
    text: str


@dataclass(frozen=True)
class Notice:
    """What a text shares with one other: ``passages`` from left (this one) to right (``source``).

    ``letters`` is how many letters of this text they are, ``share`` which part of it.
    """

    source: Text | Given
    passages: tuple[Passage, ...]
    letters: int
    share: float

    @property
    def quoted(self) -> bool:
        """True when the other text is the course's own."""
        return isinstance(self.source, Given)


@dataclass(frozen=True, eq=False)
class _Judged:
    """A text read in the light of the library: which of its runs and units say something of its own."""

    reading: Reading
    quoted: Flags
    passed: Flags
    left_out: frozenset[int]
    usual: frozenset[int]


class _Postings:
    """Run → the texts that hold it."""

    def __init__(self, readings: Sequence[Reading], owners: Sequence[str]) -> None:
        grams = [np.unique(reading.grams) for reading in readings]
        runs = np.concatenate(grams) if grams else np.zeros(0, np.uint64)
        texts = np.repeat(np.arange(len(grams), dtype=np.int32), [len(g) for g in grams])
        number = {owner: index for index, owner in enumerate(dict.fromkeys(owners))}
        people = np.array([number[owner] for owner in owners], np.int32)[texts]
        order = np.lexsort((people, runs))
        self._texts, runs, people = texts[order], runs[order], people[order]
        self._runs, self._starts, self._lengths = np.unique(runs, return_index=True, return_counts=True)
        # Somebody's drafts are one person's words, however many there are.
        new = np.concatenate(([1], (runs[1:] != runs[:-1]) | (people[1:] != people[:-1]))) if len(runs) else runs
        self._people = np.add.reduceat(new.astype(np.int64), self._starts) if len(runs) else self._lengths
        self._size = len(readings)

    def counts(self, grams: Grams) -> Counts:
        """How many people's texts hold each run."""
        if not len(self._runs):
            return np.zeros(len(grams), np.int64)
        at = np.minimum(np.searchsorted(self._runs, grams), len(self._runs) - 1)
        return np.where(self._runs[at] == grams, self._people[at], 0)

    def shared(self, grams: Grams) -> Counts:
        """For every text, how many of these (distinct) runs it holds."""
        if not len(self._runs) or not len(grams):
            return np.zeros(self._size, np.int64)
        at = np.minimum(np.searchsorted(self._runs, grams), len(self._runs) - 1)
        at = at[self._runs[at] == grams]
        starts, counts = self._starts[at], np.minimum(self._lengths[at], _POSTINGS)
        # The positions of all postings at once: each row's start, and a counter within the row.
        ends = np.cumsum(counts)
        where = np.repeat(starts - ends + counts, counts) + np.arange(ends[-1] if len(ends) else 0)
        return np.bincount(self._texts[where], minlength=self._size)


class Library:
    """All that a text is compared with.

    ``texts`` are learners' own, of now and of earlier; ``given`` is what the course says.
    """

    def __init__(self, texts: Iterable[Text], given: Iterable[Given] = ()) -> None:
        self.texts = tuple(t for t in texts if t.text.strip())
        self.given = tuple(g for g in given if g.text.strip())
        self._readings = [Reading.of(t.text) for t in self.texts]
        self._given = [Reading.of(g.text) for g in self.given]
        self._lengths = np.array([len(reading) for reading in self._readings], np.float64)
        self._postings = _Postings(self._readings, [t.owner for t in self.texts])
        self._lessons = _Postings(self._given, [g.where for g in self.given])
        self._usual = max(_USUAL_COUNT, _USUAL_SHARE * len({t.owner for t in self.texts}))

    def notices(self, text: Text) -> tuple[Notice, ...]:
        """What ``text`` shares with others, the most first; then what it quotes. ``text`` may be one of them."""
        reading = Reading.of(text.text)
        if len(reading) < SHORTEST:
            return ()
        judged = self._judge(reading)
        best: dict[str, Notice] = {}
        telling = self._near(reading.grams[~judged.passed], self._postings, _SHARED)[:_CANDIDATES]
        # What many copied from one another is usual among them: there much has to be the same.
        much = _MUCH * np.minimum(self._lengths, len(reading))
        fullest = self._near(reading.grams[~judged.quoted], self._postings, much)[:_FULLEST]
        for index in dict.fromkeys((*telling, *fullest)):
            other = self.texts[index]
            if other.owner == text.owner:
                continue
            passages = self._between(text, judged, index)
            notice = _notice(other, reading, passages, _LEAST if index in telling else much[index])
            if notice and (other.owner not in best or notice.letters > best[other.owner].letters):
                best[other.owner] = notice
        found = sorted(best.values(), key=lambda n: (-n.letters, n.source.where))[:_NOTICES]
        return (*found, *self._quotations(judged))

    def _judge(self, reading: Reading) -> _Judged:
        quoted = self._lessons.counts(reading.grams) > 0
        passed = quoted | self._usual_in(reading)
        left_out, usual = set(), set()
        for place, unit in enumerate(reading.units):
            runs = reading.runs_of(*unit)
            count = max(1, runs.stop - runs.start)
            if quoted[runs].sum() > _QUOTED * count:
                left_out.add(place)
            elif passed[runs].sum() > _PASSED * count:
                usual.add(place)
        return _Judged(reading, quoted, passed, frozenset(left_out), frozenset(usual))

    def _usual_in(self, reading: Reading) -> Flags:
        """The runs that so many write that they say nothing about two of them."""
        usual: Flags = self._postings.counts(reading.grams) > self._usual
        edges = np.flatnonzero(np.diff(np.concatenate(([False], usual, [False])).astype(np.int8)))
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            if end - start > _USUAL_RUN:
                usual[start:end] = False
        return usual

    def _near(self, grams: Grams, postings: _Postings, least: float | Sizes) -> list[int]:
        """The texts that hold at least so many of these runs, fullest first."""
        shared = postings.shared(np.unique(grams))
        near = np.flatnonzero(shared >= least)
        return [int(index) for index in near[np.argsort(-shared[near], kind="stable")]]

    def _between(self, text: Text, judged: _Judged, index: int) -> tuple[Passage, ...]:
        """The passages that two texts share, the same whichever of them asks."""
        other, far = self.texts[index], self._readings[index]
        if (text.owner, text.text) <= (other.owner, other.text):
            return compare(judged.reading, far, judged.left_out, judged.usual)
        theirs = self._judge(far)
        return tuple(p.flipped for p in compare(far, judged.reading, theirs.left_out, theirs.usual))

    def _quotations(self, judged: _Judged) -> list[Notice]:
        """The course's texts that this one takes over, at most two."""
        found = []
        for index in self._near(judged.reading.grams[judged.quoted], self._lessons, _SHARED)[:_CANDIDATES]:
            notice = _notice(self.given[index], judged.reading, compare(judged.reading, self._given[index]), _LEAST)
            if notice:
                found.append(notice)
        return sorted(found, key=lambda n: -n.letters)[:2]


def _notice(source: Text | Given, reading: Reading, passages: tuple[Passage, ...], least: float) -> Notice | None:
    letters = sum(p.letters for p in passages)
    if letters < max(_LEAST, least) or (isinstance(source, Text) and len(Reading.of(source.text)) < SHORTEST):
        return None
    return Notice(source, passages, letters, min(1.0, letters / len(reading)))
