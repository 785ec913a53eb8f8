"""A gradebook as nbgrader leaves it empty, without nbgrader's ten seconds; and people for a roster."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import create_engine

from qinlian.roster.people import Entry, Person, Role, Roster, account_of

__all__ = ["NOW", "PLACES", "entry", "gradebook", "person", "roster"]

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
PLACES = (
    "省开放大学/青禾分校/望川学习中心",
    "省开放大学/青禾分校",
    "省开放大学/栖云分校/临溪学习中心",
    "省开放大学",
)


def gradebook(folder: Path) -> str:
    """The address of a database with nbgrader's table of students (a test compares it with nbgrader's own)."""
    url = f"sqlite:///{folder / 'gradebook.db'}"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TABLE student (id VARCHAR(128) NOT NULL PRIMARY KEY, first_name VARCHAR(128), "
            "last_name VARCHAR(128), email VARCHAR(128), lms_user_id VARCHAR(128))"
        )
    engine.dispose()
    return url


def entry(number: str, name: str = "周晓岚", unit: str = PLACES[0], **more: str) -> Entry:
    """One line of a sheet."""
    return Entry.model_validate({"number": number, "name": name, "unit": unit, **more})


def person(number: str, unit: str = PLACES[0], role: Role = "学员", *, uid: int = 20001, gone: bool = False) -> Person:
    """Somebody of a roster."""
    return Person(
        account=account_of(number),
        number=number,
        name=f"姓名{number}",
        unit=unit,
        role=role,
        uid=uid,
        archived_at=NOW if gone else None,
        changed_at=NOW,
    )


def roster(*people: Person) -> Roster:
    """Those people, with uids in their order."""
    return Roster(tuple(one.model_copy(update={"uid": 20001 + n}) for n, one in enumerate(people)))
