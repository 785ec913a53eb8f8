"""What the tests in a browser share: a classroom and a browser a file, and a page whose every fault is a failure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.classroom import Classroom, browser
from tests.e2e.quiz_host import Host, faultless_page


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def classroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Classroom]:
    """The whole course, open; a file that needs another has a ``classroom`` of its own."""
    room = Classroom(tmp_path_factory.mktemp("classroom"))
    room.start()
    yield room
    if room.processes():
        room.kill()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    with faultless_page(chromium) as page:
        yield page


@pytest.fixture
def host(tmp_path: Path, page: Page) -> Host:
    """The sample lesson; a file with a lesson of its own has a ``host`` of its own."""
    return Host(tmp_path, page)
