"""Where certificates are issued: the course, the record, the key, and the two always in agreement."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from qinlian.configured import classroom_of, database_of, make_folder_of
from qinlian.errors import CertificateError
from qinlian.reports.certificates.keys import KEY_NAME, Signer, load_key, make_key, put_aside
from qinlian.reports.certificates.store import CertificateStore

__all__ = ["Office", "open_office"]


@dataclass(frozen=True)
class Office:
    """``course_dir`` holds the course's text, ``folder`` the signing key."""

    course_dir: Path
    folder: Path
    store: CertificateStore

    def signer(self, now: datetime) -> Signer:
        """The key that signs here, made at the first certificate ever.

        Raises CertificateError when the record knows another key: a new one made in silence would have people told
        that their certificates are not of this office.
        """
        known = self.store.keys()
        found = load_key(self.folder)
        if found is None and not known:
            found = make_key(self.folder)
        if found is not None and (not known or found.id in known):
            self.store.add_key(found, now)
            return found
        problem = "不在" if found is None else "和发过证书的不是同一把"
        raise CertificateError(
            f"签发密钥 {self.folder / KEY_NAME} {problem}，没有签发；请从最近的备份恢复它。"
            "确实找不回来，运行 qinlian certificate key --new 换一把，以前发的证书仍能核验"
        )

    def new_signer(self, now: datetime) -> tuple[Signer, Path | None]:
        """A new key in the place of the old one, which is kept beside it; and where. Raises CertificateError."""
        kept = put_aside(self.folder)
        signer = make_key(self.folder)
        self.store.add_key(signer, now)
        return signer, kept


def open_office(root: Path) -> Office:
    """The office of the classroom of the course repository at ``root``. Raises GradingError when that is none."""
    db_url = database_of(root)
    make_folder_of(db_url)
    return Office(root / "course", classroom_of(root.resolve()) / "certificates", CertificateStore(db_url))
