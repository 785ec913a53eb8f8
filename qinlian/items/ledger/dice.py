"""Chance that is the same on every machine: numbers cut from SHA-256 digests.

``random`` and NumPy change their streams between versions; a ledger must be made again, byte for
byte, years after it was released.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar

__all__ = ["Dice"]

T = TypeVar("T")
_RANGE = 1 << 64


class Dice:
    """A stream of even chances that follows from ``parts`` alone."""

    def __init__(self, *parts: str) -> None:
        framed = b"".join(len(data).to_bytes(4, "big") + data for data in (part.encode() for part in parts))
        self._start = hashlib.sha256(b"ledger" + framed)
        self._count = 0

    def _next(self) -> int:
        hasher = self._start.copy()
        hasher.update(self._count.to_bytes(8, "big"))
        self._count += 1
        return int.from_bytes(hasher.digest()[:8], "big")

    def below(self, count: int) -> int:
        """A number from 0 to ``count`` - 1; ``count`` is at least 1."""
        # What lies beyond the last whole multiple would favour the small numbers.
        even = _RANGE - _RANGE % count
        while (number := self._next()) >= even:
            pass
        return number % count

    def between(self, low: int, high: int) -> int:
        """A number from ``low`` to ``high``, both included."""
        return low + self.below(high - low + 1)

    def chance(self, part: int, whole: int) -> bool:
        """True ``part`` times in ``whole``."""
        return self.below(whole) < part

    def pick(self, choices: Sequence[T]) -> T:
        """One of the choices."""
        return choices[self.below(len(choices))]

    def weighted(self, choices: Sequence[T], weights: Sequence[int]) -> T:
        """One of the choices, each as often as its whole-numbered weight says."""
        rest = self.below(sum(weights))
        for choice, weight in zip(choices, weights, strict=True):
            if rest < weight:
                return choice
            rest -= weight
        raise AssertionError("weights add up to more than their sum")

    def sample(self, choices: Sequence[T], count: int) -> list[T]:
        """``count`` different ones of the choices, in any order."""
        left = list(choices)
        return [left.pop(self.below(len(left))) for _ in range(count)]
