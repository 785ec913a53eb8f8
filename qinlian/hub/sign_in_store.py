"""Who has which password: an SQLite file that root alone can read.

FirstUseAuthenticator keeps its hashes in a dbm file. Which dbm that is depends on the machine; none of them
survives being killed while it writes, and one of them refuses a second reader. An SQLite file does what is
needed: the Hub and the commands of an administrator write to it, at any moment, whole or not at all.
"""

from __future__ import annotations

import hmac
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from qinlian.errors import SignInError
from qinlian.hub.passwords import code_fits, hash_code, hash_password, new_code, password_fits

__all__ = ["CODE_DAYS", "SignInStore", "Standing"]

CODE_DAYS = 60
"""How long a one-time code is good for."""
_WAIT = 15.0
_BATCH = 200
_TABLES = """
CREATE TABLE IF NOT EXISTS sign_in (
  account TEXT PRIMARY KEY, password BLOB, code BLOB, code_until REAL, changed_at REAL, ended TEXT
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS guess (
  account BLOB, place BLOB, failures INTEGER NOT NULL, until REAL NOT NULL, last REAL NOT NULL,
  PRIMARY KEY (account, place)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS guess_last ON guess (last);
CREATE TABLE IF NOT EXISTS device (
  account BLOB, device BLOB, seen REAL NOT NULL, PRIMARY KEY (account, device)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS secret (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Standing:
    """How an account stands: has it a password, and until when a one-time code (seconds since 1970, or None)."""

    has_password: bool
    code_until: float | None


class SignInStore:
    """Passwords and one-time codes by account; only their hashes are kept.

    ``path`` is made where it does not exist, in a folder that does. Every method raises SignInError
    when the file cannot be read or written.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path, self.clock = Path(path), clock
        try:
            # SQLite would make it readable by everybody, and gives its journal the rights of the file.
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                os.fchmod(handle, 0o600)
            finally:
                os.close(handle)
            with closing(self._connect()) as database:
                database.executescript(_TABLES)
                database.execute("INSERT OR IGNORE INTO secret VALUES ('names', ?)", (secrets.token_bytes(32),))
                self._names = bytes(database.execute("SELECT value FROM secret WHERE name = 'names'").fetchone()[0])
        except (OSError, sqlite3.Error) as error:
            raise self._trouble() from error

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction that means to write from its start; undone when an exception leaves it."""
        try:
            with closing(self._connect()) as database:
                database.execute("BEGIN IMMEDIATE")
                try:
                    yield database
                except BaseException:
                    database.execute("ROLLBACK")
                    raise
                database.execute("COMMIT")
        except sqlite3.Error as error:
            raise self._trouble() from error

    def issue(self, account: str) -> str:
        """A new one-time code for ``account``; an earlier one is void, a password stays as it is."""
        return self.issue_all([account])[account]

    def issue_all(self, accounts: Iterable[str]) -> dict[str, str]:
        """A new one-time code for each of ``accounts``, as ``issue`` gives."""
        codes = {account: new_code() for account in accounts}
        until = self.clock() + CODE_DAYS * 86_400
        rows = [(account, hash_code(code), until) for account, code in codes.items()]
        for start in range(0, len(rows), _BATCH):
            with self.writing() as database:
                database.executemany(
                    "INSERT INTO sign_in (account, code, code_until) VALUES (?, ?, ?) ON CONFLICT (account) "
                    "DO UPDATE SET code = excluded.code, code_until = excluded.code_until",
                    rows[start : start + _BATCH],
                )
        return codes

    def reset(self, account: str) -> str:
        """Take the account's password and its locks away, end what is open under it; gives a new one-time code."""
        code = new_code()
        now = self.clock()
        row = (account, hash_code(code), now + CODE_DAYS * 86_400, now, secrets.token_hex(8))
        with self.writing() as database:
            database.execute("INSERT OR REPLACE INTO sign_in VALUES (?, NULL, ?, ?, ?, ?)", row)
            for table in ("device", "guess"):
                database.execute(f"DELETE FROM {table} WHERE account = ?", (self.name("account", account),))
        return code

    def check(self, account: str, password: str) -> bool:
        """Whether that is the account's password. An account that has none, or is unknown, takes as long."""
        kept = self._row(account)
        return password_fits(password, kept[0] if kept else None)

    def set_password(self, account: str, password: str) -> None:
        """Put ``password`` in the place of whatever stood there; an unused code is void."""
        row = (account, hash_password(password), self.clock())
        with self.writing() as database:
            database.execute(
                "INSERT INTO sign_in (account, password, changed_at) VALUES (?, ?, ?) ON CONFLICT (account) DO UPDATE "
                "SET password = excluded.password, changed_at = excluded.changed_at, code = NULL, code_until = NULL",
                row,
            )

    def check_code(self, account: str, code: str) -> bool:
        """Whether ``code`` is the account's one-time code and still good; as ``check``. It stays unused."""
        return self._good_code(account, code) is not None

    def redeem(self, account: str, code: str, password: str) -> bool:
        """Use the one-time code up and set ``password``; False when the code is not (or no longer) the account's.

        However many ask at once, one code sets one password.
        """
        kept = self._good_code(account, code)
        if kept is None:
            return False
        row = (hash_password(password), self.clock(), account, kept)
        with self.writing() as database:
            done = database.execute(
                "UPDATE sign_in SET password = ?, changed_at = ?, code = NULL, code_until = NULL "
                "WHERE account = ? AND code = ?",
                row,
            )
            return done.rowcount == 1

    def standing(self, account: str) -> Standing:
        """What there is for ``account``; nothing for one that is unknown."""
        kept = self._row(account)
        if kept is None:
            return Standing(False, None)
        good = kept[1] is not None and kept[2] > self.clock()
        return Standing(kept[0] is not None, kept[2] if good else None)

    def without_sign_in(self, accounts: Iterable[str]) -> list[str]:
        """Those of ``accounts`` that have neither a password nor a code that is still good, in their order."""
        with self.writing() as database:
            rows = database.execute(
                "SELECT account FROM sign_in WHERE password IS NOT NULL OR code_until > ?", (self.clock(),)
            )
            known = {account for (account,) in rows}
        return [account for account in accounts if account not in known]

    def to_end(self, account: str) -> str:
        """The mark of a reset whose open sessions the Hub has still to end; empty without one."""
        kept = self._row(account)
        return (kept[3] or "") if kept else ""

    def ended(self, account: str, mark: str) -> None:
        """Take note that the Hub has ended what was open when ``mark`` was set."""
        with self.writing() as database:
            database.execute("UPDATE sign_in SET ended = NULL WHERE account = ? AND ended = ?", (account, mark))

    def name(self, *parts: str) -> bytes:
        """A name for ``parts`` that says nothing by itself: people type passwords where a number is asked for."""
        text = "\0".join(parts).encode("utf-8", "replace")
        return hmac.digest(self._names, text, "sha256")[:16]

    def _good_code(self, account: str, code: str) -> bytes | None:
        kept = self._row(account)
        hashed = kept[1] if kept is not None and kept[2] is not None and kept[2] > self.clock() else None
        return hashed if code_fits(code, hashed) else None

    def _row(self, account: str) -> tuple[bytes | None, bytes | None, float, str | None] | None:
        try:
            with closing(self._connect()) as database:
                found: tuple[bytes | None, bytes | None, float, str | None] | None = database.execute(
                    "SELECT password, code, code_until, ended FROM sign_in WHERE account = ?", (account,)
                ).fetchone()
                return found
        except sqlite3.Error as error:
            raise self._trouble() from error

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(self.path, timeout=_WAIT, isolation_level=None)

    def _trouble(self) -> SignInError:
        return SignInError(f"登录信息库 {self.path} 读写不了；请检查磁盘空间，或从备份恢复它")
