"""``nbgrader export``: nbgrader's own columns in nbgrader's order, in a CSV file that opens right."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook
from nbgrader.plugins import ExportPlugin

from qinlian.errors import GradingError
from qinlian.reports.frames.marks import Marks, marks
from qinlian.reports.gradebook_export import write_rows_csv

__all__ = ["COLUMNS", "GradebookExport"]

COLUMNS = (
    "assignment",
    "duedate",
    "timestamp",
    "student_id",
    "last_name",
    "first_name",
    "email",
    "raw_score",
    "late_submission_penalty",
    "score",
    "max_score",
)
"""nbgrader 0.9.6's own (a test compares them)."""


class GradebookExport(ExportPlugin):
    """Writes what nbgrader's CsvExportPlugin writes, quoted, marked as UTF-8 and safe to open; same options.

    Everything is read with one query, where nbgrader asks several times for every learner and assignment.
    """

    def export(self, gradebook: Gradebook) -> None:
        path = Path(self.to or "grades.csv")
        self.log.info("Exporting grades to %s", path)
        try:
            write_rows_csv(path, COLUMNS, self._rows(gradebook))
        except GradingError as error:
            # nbgrader would print where in the program it was raised.
            self.log.critical("%s", error)
            sys.exit(1)

    def _rows(self, gradebook: Gradebook) -> Iterator[tuple[Any, ...]]:
        assignments = [a for a in gradebook.assignments if _chosen(a.name, self.assignment)]
        students = [s for s in gradebook.students if _chosen(s.id, self.student)]
        rows = marks(gradebook.db.connection(), [a.name for a in assignments])
        found = {(row.account, row.module): row for row in rows}
        for assignment in assignments:
            due, most = _text(assignment.duedate), assignment.max_score
            for student in students:
                who = (student.id, student.last_name, student.first_name, student.email)
                timestamp, *scores = _scores(found.get((student.id, assignment.name)))
                yield (assignment.name, due, timestamp, *who, *scores, most)


def _chosen(name: str, wanted: list[Any]) -> bool:
    # On the command line a list of numbers is a list of numbers.
    return not wanted or name in map(str, wanted)


def _scores(row: Marks | None) -> tuple[str, float, float, float]:
    """When it was handed in, and what it came to before and after the penalty; zero for nothing."""
    if row is None:
        return "", 0.0, 0.0, 0.0
    points, penalty = row.points or 0.0, row.penalty or 0.0
    return _text(row.submitted_at), points, penalty, max(0.0, points - penalty)


def _text(moment: object) -> str:
    """As nbgrader writes it: UTC, to the microsecond."""
    return "" if moment is None else str(moment)
