"""A classroom is backed up while it grades, destroyed, restored elsewhere, and goes on as if nothing had been."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.pool import NullPool

from qinlian.backup.making import Made, make_backup
from qinlian.backup.reading import read_backup
from qinlian.backup.restoring import restore_backup
from qinlian.backup.site import local_site
from qinlian.core.files import ResultFile, result_name
from qinlian.errors import BackupError
from qinlian.grading.worker import READY, Worker
from qinlian.notebooks.assignments import generate_assignments
from tests.classroom import QUIZ, REPOSITORY, Classroom, Sent, fresh_classroom
from tests.e2e.classroom import wait_until
from tests.postgres import running_server
from tests.sample import COURSE, MODULE
from tests.unit.grading_told import TEXT, all_done

pytestmark = pytest.mark.slow

LEARNERS, BACKUPS, EACH = 30, 4, 5


@dataclass
class Acknowledged:
    """What learners were told was handed in, by the time each backup began."""

    sent: list[tuple[str, Sent, datetime]] = field(default_factory=list)
    before: list[int] = field(default_factory=list)


@contextmanager
def _worker(root: Path) -> Iterator[None]:
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "PYTHONUTF8": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "qinlian.grading.worker", "--root", str(root)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == READY
        yield
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        process.stdout.close()


def _busy(room: Classroom, folder: Path) -> tuple[Acknowledged, list[Made]]:
    """A class that hands in while the worker grades and backups are made; the worker is killed in the end."""
    done, made = Acknowledged(), []

    def hand_in() -> None:
        for n in range(LEARNERS):
            learner = f"learner{n:02d}"
            (room.root / ".classroom" / "homes" / learner).mkdir(parents=True)
            answers = room.answers(learner, right=n % 7, text=TEXT if n % 2 else None)
            sent = room.send(learner, answers)
            cache = room.root / ".classroom" / "homes" / learner / ".local" / sent.folder.name
            shutil.copytree(sent.folder, cache)
            done.sent.append((learner, sent, datetime.now(UTC)))
            time.sleep(0.3)

    with _worker(room.root):
        sending = threading.Thread(target=hand_in)
        sending.start()
        for n in range(BACKUPS):
            # The first before anything is graded, the others in the midst of it.
            while len(list(room.outbox.glob("*.json"))) < n * EACH:
                time.sleep(0.02)
            done.before.append(len(done.sent))
            made.append(make_backup(local_site(room.root), folder / f"{n}.tar.gz"))
        sending.join()
    return done, made


def _tables(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table that says something of learners."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return {
            name: sorted((tuple(row) for row in connection.execute(text(f"SELECT * FROM {name}"))), key=repr)
            for name in inspect(connection).get_table_names()
            if name != "qinlian_claim"
        }


def _attempts(url: str) -> Counter[str]:
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return Counter(row.learner for row in connection.execute(text("SELECT learner FROM qinlian_attempt")))


def _arrivals(url: str) -> list[tuple[str, str]]:
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text("SELECT folder, state FROM qinlian_arrival"))]


def _place(folder: str) -> str:
    """What the copy of this arrival is called."""
    return hashlib.sha256(folder.encode()).hexdigest()[:24]


def _result(root: Path, sent: Sent) -> ResultFile | None:
    path = root / ".classroom/exchange/qinlian/feedback" / result_name(sent.secret)
    return ResultFile.model_validate_json(path.read_bytes()) if path.is_file() else None


def _restored(room: Classroom, backup: Path, root: Path) -> str:
    """The classroom of ``backup`` at ``root``, where nothing was; returns its gradebook's address."""
    root.mkdir()
    shutil.copy(room.root / "nbgrader_config.py", root)
    site = local_site(root)
    restore_backup(site, backup, read_backup(backup))
    return site.db_url


def _check_comes_back(root: Path, url: str, acknowledged: list[tuple[str, Sent, datetime]]) -> None:
    """Nothing of what was acknowledged is missing, and grading goes on from there, once for each."""
    before = _tables(url)
    inbound = root / ".classroom/exchange/qinlian/inbound"
    for learner, sent, _ in acknowledged:
        assert (inbound / sent.folder.name / "answers.json").read_bytes() == (sent.folder / "answers.json").read_bytes()
        assert (root / ".classroom/homes" / learner / ".local" / sent.folder.name / "answers.json").is_file()
    kept = {p.name for p in (root / ".classroom/submitted/.kept" / MODULE.id).glob("*")}
    arrivals = _arrivals(url)
    assert {_place(folder) for folder, state in arrivals if state in ("已收", "已评分")} <= kept
    over = {folder.split("+")[0] for folder, state in arrivals if state == "已评分"}
    for learner in _attempts(url):
        assert (root / ".classroom/submitted" / learner / MODULE.id / "timestamp.txt").is_file()
    # The results that were out are lost as well: they are written again.
    shutil.rmtree(root / ".classroom/exchange/qinlian/feedback", ignore_errors=True)
    came = {path.name for path in inbound.iterdir()}
    out = root / ".classroom/exchange/qinlian/feedback"
    with _worker(root):
        wait_until(lambda: len(list(out.glob("*.json"))) == len(came), 300, "a result for everybody")
        # It goes on to look whether anything is to be done twice.
        time.sleep(3)
    graded = _attempts(url)
    for learner, sent, moment in acknowledged:
        assert graded[learner] == 1
        result = _result(root, sent)
        assert result is not None
        assert not result.late
        # Not the time of the restored files, which are new.
        assert abs(datetime.fromisoformat(result.submitted_at) - moment) < timedelta(seconds=10)
    assert set(graded.values()) <= {1}
    assert sum(graded.values()) == len(came)
    # What was graded before is as it was, to the last row.
    after = _tables(url)
    for name in ("qinlian_attempt", "qinlian_response", "grade", "comment", "submitted_notebook"):
        missing = _settled(name, before, over) - _settled(name, after, over)
        assert not missing, (name, missing)


def _settled(name: str, tables: dict[str, list[tuple[object, ...]]], over: set[str]) -> set[str]:
    """Rows but for what may change: when a result went out; and when it was graded, where that was just going on."""
    if name != "qinlian_attempt":
        return set(map(repr, tables[name]))
    changing = {name: (9,) if name in over else (8, 9) for _, name, *_ in tables[name]}
    return {repr([v for n, v in enumerate(row) if n not in changing[row[1]]]) for row in tables[name]}


def test_a_busy_classroom_comes_back_from_every_backup(tmp_path: Path) -> None:
    room = fresh_classroom(tmp_path)
    done, made = _busy(room, tmp_path)
    assert len({m.files for m in made}) == BACKUPS
    shutil.rmtree(room.root / ".classroom" / "submitted")
    for n, one in enumerate(made):
        assert one.warnings == []
        root = tmp_path / f"restored{n}"
        url = _restored(room, one.path, root)
        _check_comes_back(root, url, done.sent[: done.before[n]])


def test_a_busy_classroom_on_postgresql_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_server() as server:
        monkeypatch.setenv("QINLIAN_DATABASE_URL", server.url)
        room = fresh_classroom(tmp_path)
        (room.root / ".classroom" / "gradebook.db").unlink()
        generate_assignments(
            room.root,
            COURSE,
            db_url=server.url,
            source=room.root / "source",
            release=tmp_path / "release",
            progress=lambda _: None,
        )
        done, made = _busy(room, tmp_path)
        last = made[-1]
        assert last.warnings == []
        assert read_backup(last.path).header.database == "postgresql"
        monkeypatch.setenv("QINLIAN_DATABASE_URL", server.create("elsewhere"))
        root = tmp_path / "restored"
        url = _restored(room, last.path, root)
        assert url == server.url_of("elsewhere")
        _check_comes_back(root, url, done.sent[: done.before[-1]])
        # Once more over the same database: refused, then put aside.
        contents = read_backup(last.path)
        with pytest.raises(BackupError, match="--replace"):
            restore_backup(local_site(root), last.path, contents)
        now = _tables(url)
        restore_backup(local_site(root), last.path, contents, replace=True)
        with create_engine(url, poolclass=NullPool).connect() as connection:
            names = [s for s in inspect(connection).get_schema_names() if s.startswith("qinlian_before_")]
            assert len(names) == 1
            aside = connection.execute(text(f"SELECT count(*) FROM {names[0]}.qinlian_attempt")).scalar_one()
        assert aside == len(now["qinlian_attempt"])
        assert make_backup(local_site(root), tmp_path / "again.tar.gz").warnings == []


def test_the_score_of_a_restored_classroom_is_the_learners(tmp_path: Path) -> None:
    room = fresh_classroom(tmp_path)
    sent = room.send("games", room.answers("games", right=3, text=TEXT))
    worker = Worker(room.setting)
    all_done(worker)
    room.mark("games", 4.0, "写得具体")
    all_done(worker)
    made = make_backup(local_site(room.root), tmp_path / "b.tar.gz")
    root = tmp_path / "restored"
    _restored(room, made.path, root)
    there = Classroom(root)
    all_done(Worker(there.setting))
    result, before = _result(root, sent), _result(room.root, sent)
    assert result is not None
    assert before is not None
    assert result.quizzes[QUIZ].counted == before.quizzes[QUIZ].counted
    assert result.reflections == before.reflections
    assert there.scores("games") == room.scores("games")
