"""An office with a small gradebook: two modules, three tracks, people in every state, and the course's folder."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from qinlian.reports.certificates.issuing import Issued, issue, read_standings
from qinlian.reports.certificates.keys import Signer
from qinlian.reports.certificates.office import Office
from qinlian.reports.certificates.statement import Statement, find_text, sign
from qinlian.reports.certificates.store import CertificateStore, Edition, Facts, ModuleLine
from tests.frames_room import COURSE, FrameBook
from tests.roster_room import PLACES
from tests.staff_room import GIFTS, START

__all__ = ["COMPLETION", "DAY", "HOURS", "MOMENT", "Room", "edition", "facts", "signer", "statement"]

COMPLETION, HOURS = "结业证书", "学时证明"
MOMENT = datetime(2026, 11, 30, 2, 0, tzinfo=UTC)
DAY = date(2026, 11, 30)


@lru_cache(maxsize=4)
def signer(seed: int = 1) -> Signer:
    """A key that is the same in every run."""
    return Signer(Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


def statement(**other: object) -> Statement:
    """What an ordinary certificate says, but for ``other``."""
    fields: dict[str, object] = {
        "kind": COMPLETION,
        "number": "JY2026-000001",
        "version": 1,
        "name": "周晓岚",
        "unit": PLACES[0],
        "track": "青年干部",
        "course": "勤廉学堂",
        "hours": 3.5,
        "score": 88.5,
        "day": DAY,
    }
    return Statement(**fields | other)  # type: ignore[arg-type]


def edition(seed: int = 1, modules: int = 2, **other: object) -> Edition:
    """A signed one."""
    key = signer(seed)
    lines = tuple(ModuleLine(f"第 {n} 模块", "已通过", 2.0, 2.0) for n in range(1, modules + 1))
    return Edition("ql1", find_text(sign(statement(**other), key.id, key.key)), lines, MOMENT)


def facts(account: str = "ql1", **other: object) -> Facts:
    """What a certificate would say of somebody."""
    fields: dict[str, object] = {
        "account": account,
        "name": "周晓岚",
        "unit": PLACES[0],
        "track": "青年干部",
        "course_id": "qinlian",
        "course": "勤廉学堂",
        "hours": 3.5,
        "score": 88.5,
    }
    return Facts(**fields | other)  # type: ignore[arg-type]


class Room:
    """An office over a fresh gradebook below ``folder``, or at ``url``."""

    def __init__(self, folder: Path, url: str = "") -> None:
        self.root = folder / "repository"
        (self.root / "course").mkdir(parents=True)
        self.book = FrameBook(url) if url else FrameBook.fresh(self.root / ".classroom")
        (self.root / "nbgrader_config.py").write_text(
            f"c = get_config()\nc.CourseDirectory.course_id = 'qinlian'\nc.CourseDirectory.db_url = {self.book.url!r}\n"
        )
        self.office = Office(
            self.root / "course", self.root / ".classroom" / "certificates", CertificateStore(self.book.url)
        )

    def pass_all(self, number: str, unit: str = PLACES[0], name: str = "周晓岚", track: str = "青年干部") -> str:
        """Somebody who passed both modules; returns the account."""
        account = self.book.add(number, unit, name, track=track)
        self.book.grade(account, START, 80, 15)
        self.book.grade(account, GIFTS, 90, 10)
        return account

    def issue(self, kind: str = COMPLETION, *, now: datetime = MOMENT, **how: bool) -> Issued:
        """Issue to everybody."""
        return issue(self.office, kind, read_standings(self.root, COURSE), now, **how)
