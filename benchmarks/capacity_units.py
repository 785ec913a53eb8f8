"""What one learner and one submission cost: files and bytes, rows and bytes, milliseconds. Measured, in short runs.

A real module is released into a room of its own, learners fetch it and hand it in through their own side of the
exchange, a grader takes in and grades as the worker does. Everybody hands in twice: a first submission makes more rows
than a later one. ``benchmarks.capacity`` counts on from there.
"""

from __future__ import annotations

import os
import resource
import shutil
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, inspect, text

from benchmarks.room import Room, some_answers
from qinlian.authoring.reader import load_course
from qinlian.authoring.secret import load_identity
from qinlian.core.files import ANSWERS_NAME
from qinlian.grading.publish import outbound
from qinlian.grading.rounds import Rounds
from qinlian.grading.setting import Setting
from qinlian.quiz.exchange import Exchange
from qinlian.quiz.exchange_settings import ExchangeSettings

__all__ = ["MODULE", "measure"]

MODULE = "02-gifts"
_REPOSITORY = Path(__file__).resolve().parent.parent
_BLOCK = 4096
_PAGES, _ENTRIES = 4, 20_000
Say = Callable[[str], None]


@dataclass(frozen=True)
class _Disk:
    """Files, and the bytes they take in whole blocks, folders included."""

    files: int = 0
    used: int = 0

    @classmethod
    def of(cls, *folders: Path) -> _Disk:
        files = used = 0
        for folder in folders:
            for path in folder.rglob("*"):
                files += path.is_file()
                used += _BLOCK if path.is_dir() else -(-path.lstat().st_size // _BLOCK) * _BLOCK
        return cls(files, used)

    def __sub__(self, other: _Disk) -> _Disk:
        return _Disk(self.files - other.files, self.used - other.used)

    def each(self, count: int) -> dict[str, float]:
        return {"files": round(self.files / count, 2), "bytes": round(self.used / count)}


class _Database:
    """Rows of every table, and the bytes of all of it."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._server = engine, engine.dialect.name == "postgresql"

    def rows(self) -> dict[str, int]:
        with self._engine.connect() as connection:
            names = inspect(connection).get_table_names()
            return {n: int(connection.execute(text(f'SELECT count(*) FROM "{n}"')).scalar_one()) for n in names}

    def used(self) -> int:
        if self._server:
            query = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace = 2200"
        else:
            query = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if self._server:
                # What earlier versions of rows took is not what the rows take.
                connection.execute(text("VACUUM FULL"))
            return int(connection.execute(text(query.replace("2200", "'public'::regnamespace"))).scalar_one())


class _ServerRoom(Room):
    """A room whose gradebook may lie in a server."""

    address = ""

    @property
    def db_url(self) -> str:
        return self.address or super().db_url


@contextmanager
def _room(db_url: str) -> Iterator[tuple[Room, Setting]]:
    folder = Path(tempfile.mkdtemp(prefix="qinlian-capacity-"))
    before = os.environ.pop("QINLIAN_DATABASE_URL", None)
    _ServerRoom.address = db_url
    try:
        if db_url:
            os.environ["QINLIAN_DATABASE_URL"] = db_url
        course, ids = load_course(_REPOSITORY / "course"), load_identity(_REPOSITORY / "course")
        room = _ServerRoom.make(folder / "room", course, MODULE, ids)
        (room.root / ".classroom").chmod(0o700)
        (room.root / ".classroom" / "one-user").touch()
        setting = Setting.load(room.root)
        out = outbound(setting, MODULE)
        for place in (out.parent, setting.inbound, setting.results):
            place.mkdir(parents=True)
        shutil.copytree(room.root / "release" / MODULE, out)
        yield room, setting
    finally:
        os.environ.pop("QINLIAN_DATABASE_URL", None)
        if before is not None:
            os.environ["QINLIAN_DATABASE_URL"] = before
        shutil.rmtree(folder, ignore_errors=True)


def _hand_in(room: Room, setting: Setting, learners: list[str], attempt: int) -> None:
    for learner in learners:
        home = room.root / "homes" / learner
        settings = ExchangeSettings(setting.exchange, setting.course_id, learner, home / ".cache")
        exchange, folder = Exchange(settings), home / MODULE
        exchange.fetch(MODULE, folder)
        answers = some_answers(room.edition, learner, "mixed", attempt=attempt)
        assert answers is not None
        (folder / ANSWERS_NAME).write_bytes(answers)
        exchange.submit(folder, MODULE)


def _grade(rounds: Rounds, expected: int) -> float:
    """Seconds that taking in and grading everything took; results are out when it ends."""
    start, graded = time.perf_counter(), 0
    while graded < expected:
        done = len(rounds.step())
        assert done, "a submission was left ungraded"
        graded += done
    return time.perf_counter() - start


def _turn(room: Room, setting: Setting, rounds: Rounds, learners: list[str], attempt: int) -> dict[str, Any]:
    """Everybody hands in once, all is graded: what that added, for one submission."""
    database = _Database(create_engine(setting.db_url))
    places = {
        "home": [room.root / "homes"],
        "inbound": [setting.inbound],
        "classroom": [room.root / ".classroom" / "submitted", room.root / "autograded"],
        "results": [setting.results],
    }
    before = {name: _Disk.of(*folders) for name, folders in places.items()}
    rows, used = database.rows(), database.used()
    _hand_in(room, setting, learners, attempt)
    seconds = _grade(rounds, len(learners))
    count = len(learners)
    more = {name: (_Disk.of(*folders) - before[name]).each(count) for name, folders in places.items()}
    added = {name: (now - rows.get(name, 0)) / count for name, now in database.rows().items()}
    return {
        **more,
        "rows": {name: round(n, 2) for name, n in sorted(added.items()) if n >= 0.01},
        "database_bytes": round((database.used() - used) / count),
        "grade_ms": round(1000 * seconds / count, 1),
    }


def _pages(room: Room, setting: Setting, rounds: Rounds, learners: list[str]) -> dict[str, Any]:
    """One feedback page: the slowest thing a worker does, when nothing else waits."""
    places = (room.root / ".classroom" / "feedback", setting.results)
    rounds.feedback(MODULE, learners[0])
    before, start = _Disk.of(*places), time.perf_counter()
    for learner in learners[1 : _PAGES + 1]:
        rounds.feedback(MODULE, learner)
    seconds = time.perf_counter() - start
    return {**(_Disk.of(*places) - before).each(_PAGES), "page_ms": round(1000 * seconds / _PAGES)}


def _scan_us() -> float:
    """Microseconds that one folder costs each time the grader looks through the inbound folder. On a local disk."""
    with tempfile.TemporaryDirectory(prefix="qinlian-capacity-") as name:
        for number in range(_ENTRIES):
            (Path(name) / f"ql{number:08d}+{MODULE}+2026-06-01 08:00:00.000000 UTC+abcdefghijkl").mkdir()
        start = time.perf_counter()
        with os.scandir(name) as entries:
            found = {entry.name for entry in entries}
        assert len(found) == _ENTRIES
        return round(1e6 * (time.perf_counter() - start) / _ENTRIES, 2)


def _name_bytes() -> float:
    """Bytes in which a worker remembers one submission that it took in."""
    tracemalloc.start()
    names = {f"ql{number:08d}+{MODULE}+2026-06-01 08:00:00.000000 UTC+abcdefghijkl" for number in range(_ENTRIES)}
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return round(used / len(names), 1)


def measure(count: int, postgres_url: str, say: Say) -> dict[str, Any]:
    """Unit costs, measured with ``count`` learners in SQLite and in the empty database at ``postgres_url``."""
    learners = [f"ql{number:06d}" for number in range(count)]
    found: dict[str, Any] = {"module": MODULE, "learners": count, "measured_at": f"{datetime.now(UTC):%Y-%m-%d}"}
    for kind, url in (("sqlite", ""), ("postgres", postgres_url)):
        say(f"{kind}：建课堂")
        with _room(url) as (room, setting):
            rounds = Rounds(setting)
            # What a worker pays once for each release is not a submission's.
            _hand_in(room, setting, ["ql-warm-up"], 1)
            _grade(rounds, 1)
            say(f"{kind}：第一次提交")
            first = _turn(room, setting, rounds, learners, 1)
            say(f"{kind}：再次提交")
            later = _turn(room, setting, rounds, learners, 2)
            say(f"{kind}：反馈页")
            page = _pages(room, setting, rounds, learners)
            found[kind] = {"first": first, "later": later, "page": page}
            rounds.close()
    found["worker_mb"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    found |= {"scan_us": _scan_us(), "name_bytes": _name_bytes()}
    return found
