"""Our own tables in the gradebook's database: what was submitted, and what it came to.

``qinlian_attempt`` holds one row a submission, ``qinlian_quiz`` what it was to each quiz, and
``qinlian_response`` each drawn item and each reflection. ``qinlian_shown`` says which text stands
in each manually graded cell now, so that a new mark is asked for only where the text changed.

``qinlian_arrival`` says what became of every folder that came through the exchange, ``qinlian_claim``
who is at work on whom now, and ``qinlian_begun`` how often work other than grading was begun and not
ended.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Double,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    inspect,
)
from sqlalchemy.engine import Connection

__all__ = ["ARRIVAL", "ATTEMPT", "BEGUN", "CLAIM", "METADATA", "QUIZ", "RESPONSE", "SHOWN", "lacking"]

METADATA = MetaData()

ATTEMPT = Table(
    "qinlian_attempt",
    METADATA,
    Column("identity", String(64), primary_key=True),
    Column("learner", String(128), nullable=False),
    Column("module", String(128), nullable=False, index=True),
    Column("number", Integer, nullable=False),
    Column("edition", String(64), nullable=False),
    Column("submitted_at", DateTime),
    Column("first_seen", DateTime, nullable=False),
    Column("late", Boolean, nullable=False),
    Column("graded_at", DateTime, nullable=False),
    Column("released_at", DateTime),
    Column("code", String(32), nullable=False),
    Column("notes", Text, nullable=False),
    UniqueConstraint("learner", "module", "number"),
)

QUIZ = Table(
    "qinlian_quiz",
    METADATA,
    Column("attempt", String(64), primary_key=True),
    Column("quiz", String(128), primary_key=True),
    Column("state", String(8), nullable=False),
    Column("number", Integer, nullable=False),
    Column("draw", Integer, nullable=False),
    Column("score", Float, nullable=False),
    Column("points", Float, nullable=False),
    Column("counted", Float, nullable=False),
)

RESPONSE = Table(
    "qinlian_response",
    METADATA,
    Column("attempt", String(64), primary_key=True),
    Column("quiz", String(128), primary_key=True),
    Column("public_id", String(16), primary_key=True),
    Column("item", String(64), nullable=False, index=True),
    Column("place", Integer, nullable=False),
    Column("variant", Integer),
    Column("value", Text, nullable=False),
    Column("spoken", Text, nullable=False),
    Column("answered", Boolean, nullable=False),
    Column("fraction", Float),
    Column("earned", Float),
    Column("possible", Float, nullable=False),
    Column("problem", String(200), nullable=False),
)

SHOWN = Table(
    "qinlian_shown",
    METADATA,
    Column("learner", String(128), primary_key=True),
    Column("module", String(128), primary_key=True),
    Column("item", String(64), primary_key=True),
    Column("digest", String(64), nullable=False),
)

ARRIVAL = Table(
    "qinlian_arrival",
    METADATA,
    Column("folder", String(500), primary_key=True),
    Column("learner", String(64), nullable=False, default="", index=True),
    Column("module", String(100), nullable=False, default="", index=True),
    Column("first_seen", DateTime, nullable=False),
    Column("submitted_at", DateTime),
    Column("state", String(8), nullable=False),
    Column("secret", String(64), nullable=False, default="", index=True),
    Column("tries", Integer, nullable=False, default=0),
    Column("reason", Text, nullable=False, default=""),
    Column("notes", Text, nullable=False, default="[]"),
    Column("looked", Boolean, nullable=False, default=False),
    Column("told", Boolean, nullable=False, default=False),
    Column("due", Double),
)

CLAIM = Table(
    "qinlian_claim",
    METADATA,
    Column("learner", String(128), primary_key=True),
    Column("module", String(128), primary_key=True),
    Column("owner", String(200), nullable=False),
    Column("until", Double, nullable=False),
)

BEGUN = Table(
    "qinlian_begun",
    METADATA,
    Column("learner", String(128), primary_key=True),
    Column("module", String(128), primary_key=True),
    Column("work", String(32), primary_key=True),
    Column("times", Integer, nullable=False),
)

_INDEXES = {
    # Two of ours: a worker asks several times a second what waits.
    "qinlian_arrival_state": ("qinlian_arrival", "state"),
    "qinlian_attempt_learner": ("qinlian_attempt", "learner"),
    # nbgrader's own constraints begin with the other column; these are what formgrader and export look up by.
    "qinlian_grade_notebook": ("grade", "notebook_id"),
    "qinlian_comment_notebook": ("comment", "notebook_id"),
    "qinlian_notebook_assignment": ("submitted_notebook", "assignment_id"),
    "qinlian_assignment_student": ("submitted_assignment", "student_id"),
    "qinlian_cell_notebook": ("base_cell", "notebook_id"),
}


def lacking(connection: Connection) -> Sequence[str]:
    """Statements that bring a database made by an earlier version, or by nbgrader alone, up to date."""
    found = inspect(connection)
    there = set(found.get_table_names())
    statements = []
    if ARRIVAL.name in there and "due" not in {c["name"] for c in found.get_columns(ARRIVAL.name)}:
        statements.append("ALTER TABLE qinlian_arrival ADD COLUMN due DOUBLE PRECISION")
    for name, (table, column) in _INDEXES.items():
        if table in there and name not in {i["name"] for i in found.get_indexes(table)}:
            statements.append(f"CREATE INDEX IF NOT EXISTS {name} ON {table} ({column})")
    return statements
