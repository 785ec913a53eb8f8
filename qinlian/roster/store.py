"""The roster in the gradebook's database. People are archived, never deleted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, bindparam, func, insert, inspect, select, update
from sqlalchemy.engine import Connection

from qinlian.database import aware, chunks, naive, open_engine, retrying, writing
from qinlian.errors import RosterError
from qinlian.roster.changes import Changes, changes, role_of
from qinlian.roster.people import LEARNER, Entry, Person, Roster
from qinlian.roster.tables import METADATA, PERSON, STUDENT, UNIT
from qinlian.roster.uids import FIRST_UID, uids_above
from qinlian.roster.units import SEPARATOR, ancestors, own_name, short_name

__all__ = ["RosterStore", "read_roster"]


def read_roster(connection: Connection) -> Roster:
    """The roster as it stands; empty in a gradebook that never had one."""
    if not inspect(connection).has_table(PERSON.name):
        return Roster()
    return Roster(tuple(_person(row) for row in connection.execute(select(PERSON).order_by(PERSON.c.uid))))


def _person(row: Any) -> Person:
    fields = dict(row._mapping)
    return Person(**fields | {name: aware(fields[name]) for name in ("archived_at", "changed_at")})


class RosterStore:
    """The roster over one database address; the gradebook is made where there is none yet."""

    def __init__(self, db_url: str) -> None:
        self._engine: Engine = open_engine(db_url, METADATA)

    def roster(self) -> Roster:
        """Everybody."""
        with self._engine.connect() as connection:
            return read_roster(connection)

    def plan(self, entries: Sequence[Entry], *, complete: bool = False) -> Changes:
        """What importing ``entries`` would do."""
        return changes(self.roster(), entries, complete=complete)

    def apply(self, entries: Sequence[Entry], now: datetime, archive: Collection[str] = ()) -> Changes:
        """Import ``entries`` and archive the accounts in ``archive``, all of it or nothing; what was done.

        New people get the next free uids in the order of ``entries``; who is known keeps account and uid.
        """

        def work() -> Changes:
            with writing(self._engine) as connection:
                roster = read_roster(connection)
                done = changes(roster, entries, complete=True)
                done = done.model_copy(update={"archived": tuple(p for p in done.archived if p.account in archive)})
                _write_units(connection, entries)
                _write_people(connection, roster, done, now)
                _write_students(connection, roster, entries)
            return done

        return retrying(work)

    def archive(self, account: str, now: datetime) -> Person:
        """Mark somebody as gone; the data stay. Raises RosterError for somebody unknown."""
        return self._set_archived(account, now, now)

    def restore(self, account: str, now: datetime) -> Person:
        """Bring somebody back. Raises RosterError for somebody unknown."""
        return self._set_archived(account, None, now)

    def _set_archived(self, account: str, moment: datetime | None, now: datetime) -> Person:
        def work() -> Person:
            with writing(self._engine) as connection:
                mine = PERSON.c.account == account
                row = connection.execute(select(PERSON).where(mine)).one_or_none()
                if row is None:
                    raise RosterError("名单里没有这个人；核对工号，qinlian roster list 列出所有人")
                person = _person(row)
                if person.archived == (moment is not None):
                    return person
                values = {"archived_at": naive(moment), "changed_at": naive(now)}
                connection.execute(update(PERSON).where(mine).values(**values))
            return person.model_copy(update={"archived_at": moment, "changed_at": now})

        return retrying(work)


def _write_units(connection: Connection, entries: Iterable[Entry]) -> None:
    paths = dict.fromkeys(one for entry in entries for one in (*ancestors(entry.unit), entry.unit))
    known = set(connection.execute(select(UNIT.c.path)).scalars())
    place = int(connection.execute(select(func.count()).select_from(UNIT)).scalar_one())
    new = [path for path in paths if path not in known]
    rows = [
        {"path": path, "name": own_name(path), "parent": path.rpartition(SEPARATOR)[0], "place": place + number}
        for number, path in enumerate(new)
    ]
    if rows:
        connection.execute(insert(UNIT), rows)


def _write_people(connection: Connection, roster: Roster, done: Changes, now: datetime) -> None:
    uids = uids_above(max((person.uid for person in roster.people), default=FIRST_UID - 1))
    moment = naive(now)
    new = [
        _fields(entry, None) | {"account": entry.account, "uid": next(uids), "archived_at": None}
        for entry in done.added
    ]
    if new:
        connection.execute(insert(PERSON), [row | {"changed_at": moment} for row in new])
    kept = [
        _fields(entry, roster.find(entry.account)) | {"who": entry.account} for entry in (*done.updated, *done.returned)
    ]
    if kept:
        values: dict[str, Any] = {name: bindparam(name) for name in kept[0] if name != "who"}
        changing = update(PERSON).where(PERSON.c.account == bindparam("who"))
        connection.execute(changing.values(**values, archived_at=None, changed_at=moment), kept)
    for part in chunks([person.account for person in done.archived]):
        leaving = update(PERSON).where(PERSON.c.account.in_(part))
        connection.execute(leaving.values(archived_at=moment, changed_at=moment))


def _fields(entry: Entry, known: Person | None) -> dict[str, Any]:
    fields = entry.model_dump(include={"number", "name", "unit", "department", "track", "email"})
    return fields | {"role": role_of(entry, known)}


def _write_students(connection: Connection, roster: Roster, entries: Sequence[Entry]) -> None:
    """nbgrader's own record of each learner.

    formgrader shows "last_name, first_name" and takes neither apart, so the whole name is the last name and the
    unit stands behind the comma: 周晓岚, 青禾分校 望川学习中心. With either left empty it would show "None, None".
    """
    wanted = {
        entry.account: (entry.name, short_name(entry.unit), entry.email or None)
        for entry in entries
        if role_of(entry, roster.find(entry.account)) == LEARNER
    }
    known: dict[str, tuple[Any, ...]] = {}
    for part in chunks(list(wanted)):
        found = connection.execute(select(STUDENT).where(STUDENT.c.id.in_(part)))
        known |= {row.id: (row.last_name, row.first_name, row.email) for row in found}
    names = ("last_name", "first_name", "email")
    rows = {who: {"who": who, **dict(zip(names, values, strict=True))} for who, values in wanted.items()}
    columns: dict[str, Any] = {name: bindparam(name) for name in names}
    if new := [rows[who] for who in wanted if who not in known]:
        connection.execute(insert(STUDENT).values(id=bindparam("who"), **columns), new)
    if old := [rows[who] for who in wanted if who in known and known[who] != wanted[who]]:
        connection.execute(update(STUDENT).where(STUDENT.c.id == bindparam("who")).values(**columns), old)
