"""A located message about the course text."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

__all__ = ["Diagnostic", "has_errors", "ordered"]


class Diagnostic(BaseModel):
    """One problem: where, what, and what to do.

    ``place`` is ``line:col`` in a text file (both from 1) or ``sheet!cell`` in a workbook.
    ``code`` is stable; codes that begin with E stop the build, with W warn.
    """

    model_config = ConfigDict(frozen=True)

    file: str
    line: int = 0
    col: int = 0
    code: str
    message: str
    hint: str = ""
    sheet: str = ""
    cell: str = ""

    @property
    def is_error(self) -> bool:
        """True when this problem stops the build."""
        return self.code.startswith("E")

    @property
    def place(self) -> str:
        """``file:line:col``, or ``file!sheet!cell`` for a workbook."""
        if self.sheet:
            return f"{self.file}!{self.sheet}!{self.cell}" if self.cell else f"{self.file}!{self.sheet}"
        return f"{self.file}:{self.line}:{self.col}" if self.line else self.file

    def __str__(self) -> str:
        tail = f"；{self.hint}" if self.hint else ""
        return f"{self.place}: {self.code} {self.message}{tail}"


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """True when any of them stops the build."""
    return any(d.is_error for d in diagnostics)


def ordered(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """The same diagnostics without repeats, by file, place (in a workbook by row) and code."""

    def place(d: Diagnostic) -> tuple[str, str, int, int, int, int, str, str, str]:
        column, row = d.cell.rstrip("0123456789"), d.cell.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        return d.file, d.sheet, d.line, d.col, int(row or 0), len(column), column, d.code, d.message

    return tuple(sorted(set(diagnostics), key=place))
