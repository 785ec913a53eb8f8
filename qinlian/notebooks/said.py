"""What nbgrader says while it works."""

from __future__ import annotations

import logging

__all__ = ["Said"]


class Said(logging.Handler):
    """Keeps nbgrader's errors, to be shown only when it fails."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
