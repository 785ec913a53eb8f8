"""The record of certificates over one database address: numbers, editions, revocations, keys.

A number belongs to a learner, a course, a kind and a track for good. Numbers of a kind count up by year without a
gap: each is taken in the transaction that records the certificate, behind a lock that lets one process in at a time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Engine, func, insert, select
from sqlalchemy.engine import Connection

from qinlian.core.zone import BEIJING
from qinlian.database import aware, chunks, naive, open_engine, retrying, writing
from qinlian.errors import CertificateError
from qinlian.reports.certificates.keys import Signer
from qinlian.reports.certificates.statement import HOURS, KINDS, Signed, Statement, find_text, sign
from qinlian.reports.certificates.tables import CERTIFICATE, EDITION, FILE, KEY, METADATA, REVOCATION

__all__ = ["CertificateStore", "Edition", "Facts", "ModuleLine", "Outcome", "Revocation", "State"]

_ISSUING = 0x716C6365
"""The advisory lock under which numbers are taken on PostgreSQL."""

State = Literal["新签发", "补打", "新版", "更正补发", "不一致", "已撤销"]
"""What became of a wish: the last two were not issued."""


@dataclass(frozen=True)
class ModuleLine:
    """One module in a record of hours: ``hours`` of ``of`` earned; ``state`` is 已通过, 未通过, or as in the frames."""

    title: str
    state: str
    hours: float
    of: float


@dataclass(frozen=True)
class Facts:
    """What a certificate for one learner would say now. ``track`` is empty for the whole course."""

    account: str
    name: str
    unit: str
    track: str
    course_id: str
    course: str
    hours: float
    score: float | None
    modules: tuple[ModuleLine, ...] = ()


@dataclass(frozen=True)
class Edition:
    """One edition as it was signed. ``learner`` is the account; ``issued_at`` is aware, in UTC."""

    learner: str
    signed: Signed
    modules: tuple[ModuleLine, ...]
    issued_at: datetime

    @property
    def statement(self) -> Statement:
        """What it says."""
        return self.signed.statement


@dataclass(frozen=True)
class Revocation:
    """The editions of ``number`` up to ``version`` no longer hold."""

    number: str
    version: int
    revoked_at: datetime
    why: str


@dataclass(frozen=True)
class Outcome:
    """What became of one wish. ``edition`` is the one that holds, or, when none was issued, the one in the way."""

    facts: Facts
    state: State
    edition: Edition
    revocation: Revocation | None = None


def unknown(number: str) -> CertificateError:
    """For a number that nobody was ever given."""
    return CertificateError(f"没有编号 {number[:40]} 的证书；用 qinlian certificate list 看有哪些")


class CertificateStore:
    """The record of certificates; the tables are made where there are none yet."""

    def __init__(self, db_url: str) -> None:
        self._engine: Engine = open_engine(db_url, METADATA)

    def issue(
        self,
        kind: str,
        wishes: Sequence[Facts],
        signer: Signer,
        now: datetime,
        *,
        correct: bool = False,
        revive: bool = False,
    ) -> tuple[Outcome, ...]:
        """Give every wish its number and the edition that holds, all of them or none.

        Somebody whose certificate says the same already gets the same edition again. Where it says something else,
        a 结业证书 stays as it is unless ``correct``, and then the earlier editions no longer hold; a 学时证明 with
        more hours is a new edition beside the earlier ones, which told the truth on their day. What was revoked is
        issued again only with ``correct`` and ``revive``.
        """

        def work() -> tuple[Outcome, ...]:
            with writing(self._engine) as connection:
                _one_at_a_time(connection)
                book = _Book(connection, kind, wishes, signer, now)
                done = tuple(book.outcome(facts, correct, revive) for facts in wishes)
                book.write()
            return done

        return retrying(work)

    def editions(self, numbers: Iterable[str] | None = None) -> tuple[Edition, ...]:
        """Every edition, or those of ``numbers``, by number and version."""
        with self._engine.connect() as connection:
            return tuple(_editions(connection, None if numbers is None else list(numbers)))

    def held(self, kind: str) -> dict[tuple[str, str, str], str]:
        """(account, course id, track) → the number of that kind that was given."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(CERTIFICATE).where(CERTIFICATE.c.kind == kind))
            return {(row.learner, row.course, row.track): row.number for row in rows}

    def holding(self, number: str) -> Edition:
        """The newest edition of ``number``. Raises CertificateError for one that was never issued, or is revoked."""
        found = self.editions([number])
        if not found:
            raise unknown(number)
        gone = next((r for r in self.revocations() if r.number == number and r.version >= len(found)), None)
        if gone is not None:
            day = gone.revoked_at.astimezone(BEIJING).date()
            raise CertificateError(f"编号 {number} 的证书已在 {day} 撤销（{gone.why}），不能补打")
        return found[-1]

    def revocations(self) -> tuple[Revocation, ...]:
        """All of them, by number and version."""
        with self._engine.connect() as connection:
            return tuple(_revocations(connection))

    def revoke(self, number: str, why: str, now: datetime) -> tuple[Edition, bool]:
        """Let every edition of ``number`` so far hold no longer; the newest, and whether it held until now.

        Raises CertificateError for a number that was never issued.
        """

        def work() -> tuple[Edition, bool]:
            with writing(self._engine) as connection:
                _one_at_a_time(connection)
                found = list(_editions(connection, [number]))
                if not found:
                    raise unknown(number)
                newest = found[-1]
                gone = any(
                    r.number == number and r.version >= newest.statement.version for r in _revocations(connection)
                )
                if not gone:
                    _add_revocation(connection, number, newest.statement.version, now, why)
                return newest, not gone

        return retrying(work)

    def keys(self) -> dict[str, bytes]:
        """Every public key that ever signed here, by id, the oldest first."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(KEY.c.id, KEY.c.public).order_by(KEY.c.made_at, KEY.c.id))
            return {row.id: bytes(row.public) for row in rows}

    def add_key(self, signer: Signer, now: datetime) -> None:
        """Remember a public key; once more is nothing new."""

        def work() -> None:
            with writing(self._engine) as connection:
                _one_at_a_time(connection)
                if connection.execute(select(KEY.c.id).where(KEY.c.id == signer.id)).first() is None:
                    values = {"id": signer.id, "public": signer.public, "made_at": naive(now)}
                    connection.execute(insert(KEY).values(**values))

        retrying(work)

    def add_files(self, files: Mapping[str, tuple[str, int]]) -> None:
        """Remember files that were written: SHA-256 in hexadecimal → number and version."""

        def work() -> None:
            with writing(self._engine) as connection:
                _one_at_a_time(connection)
                known: set[str] = set()
                for part in chunks(list(files)):
                    known |= set(connection.execute(select(FILE.c.digest).where(FILE.c.digest.in_(part))).scalars())
                rows = [
                    {"digest": digest, "number": number, "version": version}
                    for digest, (number, version) in files.items()
                    if digest not in known
                ]
                if rows:
                    connection.execute(insert(FILE), rows)

        retrying(work)

    def file(self, digest: str) -> tuple[str, int] | None:
        """Number and version of the file with that SHA-256, None for one that was not written here."""
        with self._engine.connect() as connection:
            row = connection.execute(select(FILE).where(FILE.c.digest == digest)).first()
        return (row.number, row.version) if row else None


def _one_at_a_time(connection: Connection) -> None:
    """SQLite lets one writer in anyway; PostgreSQL would let two take the same number and fail one of them."""
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ISSUING})")


def _editions(connection: Connection, numbers: list[str] | None) -> Iterable[Edition]:
    query = (
        select(EDITION, CERTIFICATE.c.learner)
        .join(CERTIFICATE, CERTIFICATE.c.number == EDITION.c.number)
        .order_by(EDITION.c.number, EDITION.c.version)
    )
    parts = [None] if numbers is None else list(chunks(numbers))
    for part in parts:
        for row in connection.execute(query if part is None else query.where(EDITION.c.number.in_(part))):
            modules = tuple(ModuleLine(**line) for line in json.loads(row.modules))
            moment = aware(row.issued_at)
            assert moment is not None
            yield Edition(row.learner, find_text(row.signed), modules, moment)


def _revocations(connection: Connection) -> Iterable[Revocation]:
    for row in connection.execute(select(REVOCATION).order_by(REVOCATION.c.number, REVOCATION.c.version)):
        moment = aware(row.revoked_at)
        assert moment is not None
        yield Revocation(row.number, row.version, moment, row.why)


def _add_revocation(connection: Connection, number: str, version: int, now: datetime, why: str) -> None:
    values: dict[str, Any] = {"number": number, "version": version, "revoked_at": naive(now), "why": why}
    connection.execute(insert(REVOCATION).values(**values))


class _Book:
    """The record of one kind as one transaction sees it and adds to it."""

    def __init__(
        self, connection: Connection, kind: str, wishes: Sequence[Facts], signer: Signer, now: datetime
    ) -> None:
        self._connection, self._kind, self._signer, self._now = connection, KINDS[kind], signer, now
        self._day = now.astimezone(BEIJING).date()
        self._numbers: dict[tuple[str, str, str], str] = {}
        for part in chunks([facts.account for facts in wishes]):
            rows = connection.execute(
                select(CERTIFICATE).where(CERTIFICATE.c.kind == kind, CERTIFICATE.c.learner.in_(part))
            )
            self._numbers |= {(row.learner, row.course, row.track): row.number for row in rows}
        self._newest = {e.statement.number: e for e in _editions(connection, list(self._numbers.values()))}
        self._revoked = {r.number: r for r in _revocations(connection)}
        mine = CERTIFICATE.c.kind == kind, CERTIFICATE.c.year == self._day.year
        self._serial = int(connection.execute(select(func.max(CERTIFICATE.c.serial)).where(*mine)).scalar() or 0)
        self._certificates: list[dict[str, Any]] = []
        self._editions: list[dict[str, Any]] = []

    def outcome(self, facts: Facts, correct: bool, revive: bool) -> Outcome:
        """What becomes of one wish."""
        number = self._numbers.get((facts.account, facts.course_id, facts.track))
        if number is None:
            return Outcome(facts, "新签发", self._add(facts, self._take_number(facts), 1))
        newest = self._newest[number]
        revoked = self._revoked.get(number)
        if revoked is not None and revoked.version >= newest.statement.version:
            if not (correct and revive):
                return Outcome(facts, "已撤销", newest, revoked)
            return Outcome(facts, "更正补发", self._add(facts, number, newest.statement.version + 1))
        now = self._statement(facts, number, newest.statement.version)
        if replace(now, day=newest.statement.day).fields() == newest.statement.fields():
            return Outcome(facts, "补打", newest)
        grown = replace(now, day=newest.statement.day, hours=newest.statement.hours).fields()
        if self._kind.name == HOURS and grown == newest.statement.fields() and now.hours > newest.statement.hours:
            return Outcome(facts, "新版", self._add(facts, number, newest.statement.version + 1))
        if not correct:
            return Outcome(facts, "不一致", newest)
        _add_revocation(self._connection, number, newest.statement.version, self._now, "更正后补发了新的一版")
        return Outcome(facts, "更正补发", self._add(facts, number, newest.statement.version + 1))

    def _take_number(self, facts: Facts) -> str:
        self._serial += 1
        number = f"{self._kind.letters}{self._day.year}-{self._serial:06d}"
        self._numbers[facts.account, facts.course_id, facts.track] = number
        self._certificates.append(
            {
                "number": number,
                "kind": self._kind.name,
                "year": self._day.year,
                "serial": self._serial,
                "learner": facts.account,
                "course": facts.course_id,
                "track": facts.track,
                "made_at": naive(self._now),
            }
        )
        return number

    def _statement(self, facts: Facts, number: str, version: int) -> Statement:
        return Statement(
            kind=self._kind.name,
            number=number,
            version=version,
            name=facts.name,
            unit=facts.unit,
            track=facts.track,
            course=facts.course,
            hours=facts.hours,
            score=facts.score,
            day=self._day,
        )

    def _add(self, facts: Facts, number: str, version: int) -> Edition:
        text = sign(self._statement(facts, number, version), self._signer.id, self._signer.key)
        edition = Edition(facts.account, find_text(text), facts.modules, self._now)
        self._newest[number] = edition
        modules = json.dumps([vars(line) for line in facts.modules], ensure_ascii=False)
        issued_at = naive(self._now)
        self._editions.append(
            {"number": number, "version": version, "signed": text, "modules": modules, "issued_at": issued_at}
        )
        return edition

    def write(self) -> None:
        """Put what was added into the tables."""
        if self._certificates:
            self._connection.execute(insert(CERTIFICATE), self._certificates)
        if self._editions:
            self._connection.execute(insert(EDITION), self._editions)
