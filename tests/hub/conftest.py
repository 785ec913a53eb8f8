"""What the tests on a real Hub share: one Hub a run, one browser a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.e2e.classroom import browser
from tests.hub.room import HubRoom


@pytest.fixture(scope="session")
def room() -> Iterator[HubRoom]:
    """A Hub with nine people of two branches. Tests share it: each works with people or modules of its own."""
    made = HubRoom()
    try:
        made.start()
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened
