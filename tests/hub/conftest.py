"""What the tests on a real Hub share: one Hub and one browser a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.e2e.classroom import browser
from tests.hub.room import HubRoom


@pytest.fixture(scope="module")
def room() -> Iterator[HubRoom]:
    """A Hub with nine people of two branches, for one file: two Hubs at once would give people the same numbers."""
    made = HubRoom(options=("--learner-disk", "1"))
    try:
        made.start()
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as opened:
        yield opened
