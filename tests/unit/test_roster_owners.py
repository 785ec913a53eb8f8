"""Whose number a file's owner is, by the roster."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, insert, update

from qinlian.roster.owners import RosterOwners
from qinlian.roster.tables import METADATA, PERSON

MOMENT = datetime(2026, 3, 1)  # noqa: DTZ001 - as the tables hold it
REST = {"name": "周晓岚", "unit": "省校", "department": "", "track": "", "email": "", "role": "学员"}
Add = Callable[[str, int], None]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'gradebook.db'}"


@pytest.fixture
def add(url: str) -> Add:
    engine = create_engine(url)
    METADATA.create_all(engine)

    def add(number: str, uid: int) -> None:
        with engine.begin() as connection:
            row = REST | {"account": f"ql{number}", "number": number, "uid": uid, "changed_at": MOMENT}
            connection.execute(insert(PERSON).values(**row))

    return add


def test_a_number_is_whose_the_roster_says(url: str, add: Add) -> None:
    add("1001", 20_001)
    add("1002", 20_002)
    owners = RosterOwners(url)
    assert (owners(20_001), owners(20_002)) == ("ql1001", "ql1002")


def test_root_and_a_made_up_number_are_nobody_of_the_roster(url: str, add: Add) -> None:
    add("1001", 20_001)
    owners = RosterOwners(url)
    assert (owners(0), owners(99_999)) == ("#0", "#99999")


def test_somebody_imported_later_is_known_a_few_seconds_after(url: str, add: Add) -> None:
    clock = [0.0]
    owners = RosterOwners(url, lambda: clock[0])
    assert owners(20_001) == "#20001"
    add("1001", 20_001)
    assert owners(20_001) == "#20001", "a stranger is not asked for at every look"
    clock[0] = 6.0
    assert owners(20_001) == "ql1001"


def test_who_left_still_owns_what_they_handed_in(url: str, add: Add) -> None:
    add("1001", 20_001)
    with create_engine(url).begin() as connection:
        connection.execute(update(PERSON).values(archived_at=MOMENT))
    assert RosterOwners(url)(20_001) == "ql1001"
