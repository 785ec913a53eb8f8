"""A small classroom for tests of backups: real files and a real SQLite gradebook, without nbgrader's weight."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from qinlian.backup.making import make_backup
from qinlian.backup.reading import read_backup
from qinlian.backup.restoring import Restored, restore_backup
from qinlian.backup.site import Site, local_site

FOLDER = "demo01+02-gifts+2026-11-22 08:00:00.000000 UTC+abcdefghijkl"
CONFIG = """from pathlib import Path
c = get_config()
classroom = Path(__file__).resolve().parent / ".classroom"
c.CourseDirectory.course_id = "qinlian"
c.CourseDirectory.db_url = f"sqlite:///{classroom / 'gradebook.db'}"
c.CourseDirectory.submitted_directory = str(classroom / "submitted")
c.CourseDirectory.feedback_directory = str(classroom / "feedback")
c.Exchange.root = str(classroom / "exchange")
"""
FILES = {
    "course/course.yaml": "课程: qinlian\n",
    "course/secret.txt": "00\n",
    "course/editions/02-gifts/0123.json": "{}",
    "release/02-gifts/lesson.json": "{}",
    "source/02-gifts/02-gifts.ipynb": "{}",
    "autograded/README.md": "readme",
    "autograded/demo01/02-gifts/02-gifts.ipynb": "{}",
    ".classroom/one-user": "",
    ".classroom/tokens.json": "{}",
    ".classroom/logs/worker.log": "noise",
    ".classroom/submitted/demo01/02-gifts/answers.json": '{"revision": 1}',
    ".classroom/submitted/demo01/02-gifts/submission_secret.txt": "s" * 64,
    f".classroom/exchange/qinlian/inbound/{FOLDER}/answers.json": '{"revision": 1}',
    f".classroom/exchange/qinlian/inbound/{FOLDER}/timestamp.txt": "2026-11-22 08:00:00.000000 UTC",
    f".classroom/exchange/qinlian/inbound/{FOLDER}/submission_secret.txt": "s" * 64,
    ".classroom/exchange/qinlian/feedback/0a.json": "{}",
    ".classroom/homes/learner/02-gifts/answers.json": '{"revision": 2}',
    ".classroom/homes/learner/.qinlian/notes/qinlian/02-gifts.json": '{"note": "给自己看的"}',
    ".classroom/homes/learner/.local/share/jupyter/nbgrader_cache/qinlian/x/timestamp.txt": "t",
    ".classroom/homes/learner/给自己.txt": "随手记",
}


def empty_repository(root: Path) -> Path:
    """A course repository in which no classroom was ever opened."""
    root.mkdir(parents=True)
    (root / "nbgrader_config.py").write_text(CONFIG)
    return root


def used_classroom(root: Path) -> Path:
    """A course repository with a classroom in which somebody worked."""
    empty_repository(root)
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (1_790_000_000, 1_790_000_000))
    (root / ".classroom").chmod(0o700)
    (root / ".classroom" / "submitted" / "demo01" / "02-gifts" / "submission_secret.txt").chmod(0o600)
    inbound = root / ".classroom" / "exchange" / "qinlian" / "inbound"
    (inbound / FOLDER).chmod(0o777)
    inbound.chmod(0o2733)
    with closing(sqlite3.connect(root / ".classroom" / "gradebook.db")) as book:
        book.execute("CREATE TABLE mark (id TEXT, auto_score REAL)")
        book.execute("INSERT INTO mark VALUES ('a', 7.5)")
        book.commit()
    return root


def picture(root: Path) -> dict[str, tuple[int, bytes]]:
    """Everything below ``root`` with its mode, but for the gradebook's file and what is this machine's."""
    return {
        str(path.relative_to(root)): (path.stat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in sorted(root.rglob("*"))
        if not {"gradebook.db", "logs", "lock"}.intersection(path.relative_to(root).parts)
    }


def grades(root: Path) -> list[tuple[str, float]]:
    """The rows of the gradebook."""
    with closing(sqlite3.connect(root / ".classroom" / "gradebook.db")) as book:
        return book.execute("SELECT id, auto_score FROM mark ORDER BY id").fetchall()


def backed_up(root: Path, path: Path) -> Path:
    """A backup of the classroom at ``root``."""
    make_backup(local_site(root), path)
    return path


def restored(root: Path, path: Path, *, replace: bool = False) -> Restored:
    """Restore a backup there, as the command does."""
    site: Site = local_site(root)
    return restore_backup(site, path, read_backup(path), replace=replace)
