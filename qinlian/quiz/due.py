"""When a module is due for this one learner: what the lesson says, unless the grader told them otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from qinlian.core.files import LetterboxFile

__all__ = ["Due", "Letterbox"]


@dataclass(frozen=True)
class Due:
    """A due date (aware), None where there is none; ``extended``: later than the lesson names it to everybody."""

    at: datetime | None = None
    extended: bool = False

    def passed(self, now: datetime) -> bool:
        """True when it is over at ``now`` (aware), as the grader counts it: the moment itself is still on time."""
        return self.at is not None and now > self.at


class Letterbox:
    """What the grader told this learner; empty where there is nothing to read."""

    def __init__(self, path: Path | None, course_id: str) -> None:
        self._path, self._course_id = path, course_id
        self._seen: tuple[int, int] | None = None
        self._dues: Mapping[str, datetime | None] = {}

    def due(self, module: str, released: datetime | None) -> Due:
        """The learner's due date of a module whose lesson names ``released``."""
        dues = self._read()
        if module not in dues:
            return Due(released)
        own = dues[module]
        return Due(own, extended=released is not None and (own is None or own > released))

    def _read(self) -> Mapping[str, datetime | None]:
        if self._path is None:
            return {}
        try:
            found = self._path.stat()
            seen = found.st_mtime_ns, found.st_ino
            if seen != self._seen:
                letter = LetterboxFile.model_validate_json(self._path.read_bytes())
                self._dues = letter.dues if letter.course == self._course_id else {}
                self._seen = seen
        except FileNotFoundError:
            self._seen, self._dues = None, {}
        except (OSError, ValidationError):
            # For a moment out of reach: what was told before still holds.
            self._seen = None
        return self._dues
