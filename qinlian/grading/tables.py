"""The columns of nbgrader's own tables that we read and write, without importing nbgrader.

Names and types are those of nbgrader 0.9.6 (a test compares them with its ORM). nbgrader itself
creates and migrates these tables; nothing here does.
"""

from __future__ import annotations

from sqlalchemy import Boolean, DateTime, Float, Interval, String, Text, column, table

__all__ = [
    "ASSIGNMENT",
    "BASE_CELL",
    "COMMENT",
    "GRADE",
    "GRADE_CELL",
    "NOTEBOOK",
    "SOURCE_CELL",
    "STUDENT",
    "SUBMITTED_ASSIGNMENT",
    "SUBMITTED_NOTEBOOK",
]

ASSIGNMENT = table("assignment", column("id", String), column("name", String), column("duedate", DateTime))
NOTEBOOK = table(
    "notebook",
    column("id", String),
    column("name", String),
    column("assignment_id", String),
    column("kernelspec", String),
)
BASE_CELL = table(
    "base_cell", column("id", String), column("name", String), column("notebook_id", String), column("type", String)
)
GRADE_CELL = table("grade_cells", column("id", String), column("max_score", Float), column("cell_type", String))
SOURCE_CELL = table(
    "source_cell",
    column("name", String),
    column("notebook_id", String),
    column("cell_type", String),
    column("locked", Boolean),
    column("source", Text),
    column("checksum", String),
)
STUDENT = table(
    "student",
    column("id", String),
    column("first_name", String),
    column("last_name", String),
    column("email", String),
    column("lms_user_id", String),
)
SUBMITTED_ASSIGNMENT = table(
    "submitted_assignment",
    column("id", String),
    column("assignment_id", String),
    column("student_id", String),
    column("timestamp", DateTime),
    column("extension", Interval),
)
SUBMITTED_NOTEBOOK = table(
    "submitted_notebook",
    column("id", String),
    column("assignment_id", String),
    column("notebook_id", String),
    column("flagged", Boolean),
    column("late_submission_penalty", Float),
)
GRADE = table(
    "grade",
    column("id", String),
    column("notebook_id", String),
    column("cell_id", String),
    column("auto_score", Float),
    column("manual_score", Float),
    column("extra_credit", Float),
    column("needs_manual_grade", Boolean),
)
COMMENT = table(
    "comment",
    column("id", String),
    column("notebook_id", String),
    column("cell_id", String),
    column("auto_comment", Text),
    column("manual_comment", Text),
)
