"""Answers that took long are kept for a while; who asks for the same meanwhile waits for the one that is being made."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

__all__ = ["Keeper", "Kept"]

_T = TypeVar("_T")
_TIMES, _LONGEST, _MOST = 10.0, 60.0, 64
"""An answer is kept ten times as long as it took, at most a minute; so what is quick is always fresh."""


@dataclass(frozen=True)
class Kept(Generic[_T]):
    """An answer and when it was true."""

    value: _T
    at: datetime


class Keeper:
    """Keeps a bounded number of answers. A key must name whoever may see the answer."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tasks: dict[Hashable, asyncio.Task[Kept[Any]]] = {}
        self._until: dict[Hashable, float] = {}

    async def get(self, key: Hashable, make: Callable[[], Awaitable[_T]]) -> Kept[_T]:
        """The answer of ``make``, or the one that is kept or being made under ``key``. Failures are not kept."""
        task = self._tasks.get(key)
        if task is None or (task.done() and self._clock() >= self._until.get(key, 0.0)):
            while len(self._tasks) >= _MOST:
                self._forget(next(iter(self._tasks)))
            task = asyncio.create_task(self._make(key, make))
            self._tasks[key] = task
        # Whoever closes the page takes the answer from nobody else.
        kept: Kept[_T] = await asyncio.shield(task)
        return kept

    async def _make(self, key: Hashable, make: Callable[[], Awaitable[Any]]) -> Kept[Any]:
        begun, at = self._clock(), datetime.now(UTC)
        try:
            value = await make()
        except BaseException:
            self._forget(key)
            raise
        self._until[key] = self._clock() + min(_LONGEST, _TIMES * (self._clock() - begun))
        return Kept(value, at)

    def _forget(self, key: Hashable) -> None:
        self._tasks.pop(key, None)
        self._until.pop(key, None)
