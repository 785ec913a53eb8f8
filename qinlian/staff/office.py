"""What the pages work with: the course's places and plan, the gradebook, threads that wait for it, kept answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from functools import cached_property, partial
from typing import Any, TypeVar

from sqlalchemy import Engine

from qinlian.roster.units import SEPARATOR
from qinlian.staff.book import open_book
from qinlian.staff.extensions import Extension, extend, extensions, take_back
from qinlian.staff.files import Kind, MadeFile
from qinlian.staff.keeper import Keeper, Kept
from qinlian.staff.marking import Waiting, waiting
from qinlian.staff.overview import Overview, overview
from qinlian.staff.places import Places
from qinlian.staff.plan import Plan, read_plan
from qinlian.staff.publishing import Publisher
from qinlian.staff.releases import Release, dues, releases
from qinlian.staff.report import IDLE, Filter, Learner, Names, Page, chosen, names_of, page_of
from qinlian.staff.scope import units, viewer_of
from qinlian.staff.viewer import Viewer

__all__ = ["Office"]

_T = TypeVar("_T")


class Office:
    """All that the handlers ask. Nothing here blocks the event loop.

    What is quick, what counts a branch and what counts a province go through threads of their own: whoever waits
    long holds up only those who wait as long.
    """

    def __init__(self, places: Places) -> None:
        self.places = places
        self._quick = ThreadPoolExecutor(4, "quick")
        self._branch = ThreadPoolExecutor(3, "branch")
        self._province = ThreadPoolExecutor(2, "province")
        self._keeper = Keeper()
        self.publisher = Publisher(places)
        self._making = asyncio.Semaphore(2)

    @cached_property
    def engine(self) -> Engine:
        """The gradebook's, with all tables that the pages read."""
        return open_book(self.places.db_url)

    async def start(self) -> None:
        """Open the gradebook before the first page is asked for. Raises what the database raises."""
        await self._run(self._quick, lambda: self.engine)

    async def _run(self, pool: ThreadPoolExecutor, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(pool, work)

    async def _read(self, pool: ThreadPoolExecutor, function: Callable[..., _T], *words: Any, **more: Any) -> _T:
        def work() -> _T:
            with self.engine.connect() as connection:
                return function(connection, *words, **more)

        return await self._run(pool, work)

    def _counting(self, viewer: Viewer, below: str) -> ThreadPoolExecutor:
        top = below or viewer.home
        return self._branch if SEPARATOR in top else self._province

    async def plan(self) -> Plan:
        """What the course asks of whom, as it was built last."""
        return await self._run(self._quick, partial(read_plan, self.places.release))

    async def viewer(self, account: str) -> Viewer | None:
        """Who that Hub user is now; None for somebody who has no business here."""
        return await self._read(self._quick, viewer_of, account)

    async def units(self, viewer: Viewer) -> tuple[str, ...]:
        """The units that ``viewer`` may see."""
        return await self._read(self._quick, units, viewer)

    async def overview(self, viewer: Viewer, below: str = "", module: str = "") -> Kept[Overview]:
        """The counts, not older than a minute."""
        plan = await self.plan()
        pool = self._counting(viewer, below)
        ask = partial(self._read, pool, overview, viewer, plan, below=below, module=module)
        return await self._keeper.get(("overview", _eyes(viewer), below, module), ask)

    async def page(self, viewer: Viewer, asked: Filter, number: int) -> Page:
        """One page of the report; whom it lists was true at most a minute ago, how they stand is true now."""
        plan, accounts = await self._chosen(viewer, asked)
        return await self._read(self._quick, page_of, viewer, plan, asked, accounts, number)

    async def idle(self, viewer: Viewer, asked: Filter, number: int) -> Names:
        """One page of names of those who handed in nothing of what is asked for."""
        asked = replace(asked, state=IDLE)
        plan, accounts = await self._chosen(viewer, asked)
        return await self._read(self._quick, names_of, viewer, plan, asked, accounts, number)

    async def _chosen(self, viewer: Viewer, asked: Filter) -> tuple[Plan, tuple[str, ...]]:
        plan = await self.plan()
        pool = self._counting(viewer, asked.below) if asked.state else self._branch
        ask = partial(self._read, pool, chosen, viewer, plan, asked)
        return plan, (await self._keeper.get(("chosen", _eyes(viewer), asked), ask)).value

    async def file(self, viewer: Viewer, kind: Kind, asked: Filter) -> MadeFile:
        """A file to download, two at a time. Raises GradingError."""
        async with self._making:
            return await MadeFile.make(self.places, viewer, kind, asked)

    async def waiting(self, viewer: Viewer, asked: Filter) -> tuple[tuple[Waiting, ...], int]:
        """Whose reflections wait to be read."""
        plan = await self.plan()
        ask = partial(self._read, self._counting(viewer, asked.below), waiting, viewer, plan, asked)
        return (await self._keeper.get(("waiting", _eyes(viewer), asked), ask)).value

    async def extensions(self, viewer: Viewer) -> tuple[Extension, ...]:
        """Who has more time."""
        return await self._read(self._quick, extensions, viewer, await self.plan())

    async def extend(self, viewer: Viewer, number: str, module: str, until: datetime) -> Extension:
        """Give more time. Raises GradingError."""
        plan = await self.plan()
        return await self._run(self._quick, lambda: extend(self.engine, viewer, plan, number, module, until))

    async def take_back(self, viewer: Viewer, number: str, module: str) -> Learner:
        """Take more time back. Raises GradingError."""
        plan = await self.plan()
        return await self._run(self._quick, lambda: take_back(self.engine, viewer, plan, number, module))

    async def dues(self) -> dict[str, datetime]:
        """The modules' due dates."""
        return await self._read(self._quick, dues)

    async def releases(self) -> tuple[Release, ...]:
        """How each module stands with learners."""
        plan, due = await self.plan(), await self.dues()
        return await self._run(self._quick, lambda: releases(self.places, plan, due))


def _eyes(viewer: Viewer) -> tuple[bool, str]:
    """What decides what somebody sees: the same for two who see the same."""
    return viewer.sees_all, viewer.unit
