"""What is being published goes on by itself, one module at a time, and what came of it is told for a while."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from qinlian.errors import BuildError
from qinlian.staff import publishing
from qinlian.staff.places import Places
from qinlian.staff.publishing import Publisher
from tests.staff_room import GIFTS, START


class Press:
    """Stands where the process would run, and stops until it is told to go on."""

    def __init__(self) -> None:
        self.running: list[str] = []
        self.most = 0
        self.go_on = asyncio.Event()
        self.wrong = ""

    async def __call__(self, _: Places, module: Any, action: str) -> None:
        self.running.append(module.id)
        self.most = max(self.most, len(self.running))
        await self.go_on.wait()
        self.running.remove(module.id)
        if self.wrong:
            raise RuntimeError(self.wrong) if self.wrong == "?" else BuildError(self.wrong)


async def _settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path, "qinlian", "sqlite://", tmp_path)


def test_one_at_a_time_and_each_once(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        press = Press()
        monkeypatch.setattr(publishing, "publish", press)
        publisher = Publisher(places)
        assert publisher.begin(START, "release")
        assert not publisher.begin(START, "withdraw")
        assert publisher.begin(GIFTS, "release")
        await _settle()
        assert press.running == [START.id]
        assert all(job.under_way for job in publisher.jobs().values())
        press.go_on.set()
        await _settle()
        assert press.most == 1
        assert {m: (j.said[:4], j.failed) for m, j in publisher.jobs().items()} == {
            START.id: ("发布好了", False),
            GIFTS.id: ("发布好了", False),
        }
        assert publisher.begin(START, "withdraw")

    asyncio.run(run())


@pytest.mark.parametrize(("wrong", "said"), [("磁盘已满；请清理后再试", "磁盘已满"), ("?", "没有办成")])
def test_what_went_wrong_is_told_and_then_forgotten(
    places: Places, monkeypatch: pytest.MonkeyPatch, wrong: str, said: str
) -> None:
    async def run() -> None:
        press, now = Press(), [0.0]
        press.wrong = wrong
        press.go_on.set()
        monkeypatch.setattr(publishing, "publish", press)
        publisher = Publisher(places, lambda: now[0])
        publisher.begin(START, "release")
        await _settle()
        job = publisher.jobs()[START.id]
        assert job.failed
        assert job.said.startswith(said)
        now[0] = 601.0
        assert publisher.jobs() == {}

    asyncio.run(run())
