"""Our own tables in the gradebook's database: what was submitted, and what it came to.

``qinlian_attempt`` holds one row a submission, ``qinlian_quiz`` what it was to each quiz, and
``qinlian_response`` each drawn item and each reflection. ``qinlian_shown`` says which text stands
in each manually graded cell now, so that a new mark is asked for only where the text changed.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, DateTime, Float, Integer, MetaData, String, Table, Text, UniqueConstraint

__all__ = ["ATTEMPT", "METADATA", "QUIZ", "RESPONSE", "SHOWN"]

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
