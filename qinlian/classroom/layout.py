"""Where everything of the local classroom lies: all of it below ``.classroom/``."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from qinlian.configured import classroom_of
from qinlian.errors import ClassroomError

__all__ = ["INSTRUCTOR", "LEARNER", "Layout"]

LEARNER = "learner"
"""The name of the one learner of a local classroom, in the exchange and in the gradebook."""
INSTRUCTOR = "instructor"


@dataclass(frozen=True)
class Layout:
    """The folders of one classroom; ``root`` is the course repository."""

    root: Path

    @property
    def base(self) -> Path:
        """Everything below it may be deleted to begin anew."""
        return classroom_of(self.root)

    @property
    def exchange(self) -> Path:
        """nbgrader's exchange."""
        return self.base / "exchange"

    @property
    def home(self) -> Path:
        """The learner's home: what the learner's server shows."""
        return self.base / "homes" / LEARNER

    @property
    def gradebook(self) -> Path:
        """The gradebook's SQLite file."""
        return self.base / "gradebook.db"

    @property
    def submitted(self) -> Path:
        """Collected submissions."""
        return self.base / "submitted"

    @property
    def feedback(self) -> Path:
        """Feedback pages before they are released."""
        return self.base / "feedback"

    @property
    def autograded(self) -> Path:
        """nbgrader's output, where an instructor looks for it."""
        return (self.root if self.base == self.root / ".classroom" else self.base) / "autograded"

    @property
    def logs(self) -> Path:
        """One log a process."""
        return self.base / "logs"

    @property
    def lock(self) -> Path:
        """Held while the classroom is open; holds the learner's address."""
        return self.base / "lock"

    @property
    def done(self) -> Path:
        """What was built and released, so that a second start need not do it again."""
        return self.base / "done.json"

    def jupyter(self, role: str) -> Path:
        """Jupyter's configuration and state for one of the two servers."""
        return self.base / "jupyter" / role

    @property
    def share(self) -> Path:
        """A Jupyter data folder that shows our front-end extension as it is in the source tree."""
        return self.base / "jupyter" / "share"

    def make(self) -> None:
        """Make the folders, closed to other users of the machine.

        Raises ClassroomError when that is not possible.
        """
        folders = (self.exchange, self.home, self.submitted, self.feedback, self.autograded, self.logs, self.share)
        try:
            self.base.mkdir(exist_ok=True)
            self.base.chmod(0o700)
            # nbgrader_config.py looks for it: here nobody can submit in another's name.
            (self.base / "one-user").touch()
            for folder in (*folders, self.jupyter(LEARNER), self.jupyter(INSTRUCTOR)):
                folder.mkdir(parents=True, exist_ok=True)
            # It may lie outside .classroom/, and holds answers and submissions' secrets.
            self.autograded.chmod(0o700)
            # nbgrader asks for it; who is not let into .classroom/ gets no further.
            self.exchange.chmod(0o777)
        except OSError as error:
            raise ClassroomError(f"建不了课堂的文件夹 {self.base}（{error.strerror}）；请检查磁盘空间和权限") from error

    def tokens(self) -> dict[str, str]:
        """A password in the address for each role, kept over restarts so that open pages stay valid."""
        path = self.base / "tokens.json"
        try:
            found = json.loads(path.read_text("utf-8"))
            return {role: str(found[role]) for role in (LEARNER, INSTRUCTOR)}
        except (OSError, ValueError, KeyError, TypeError):
            made = {role: secrets.token_urlsafe(18) for role in (LEARNER, INSTRUCTOR)}
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w") as file:
                json.dump(made, file)
            return made
