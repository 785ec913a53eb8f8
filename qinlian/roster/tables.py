"""The roster's tables in the gradebook's database, and nbgrader's own table of students beside them."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Integer, MetaData, String, Table, column, table

__all__ = ["METADATA", "PERSON", "STUDENT", "UNIT"]

METADATA = MetaData()

UNIT = Table(
    "qinlian_unit",
    METADATA,
    Column("path", String(300), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("parent", String(300), nullable=False, index=True),
    Column("place", Integer, nullable=False),
)
"""``parent`` is empty for the highest units; ``place`` counts in order of first appearance."""

PERSON = Table(
    "qinlian_person",
    METADATA,
    Column("account", String(32), primary_key=True),
    Column("number", String(28), nullable=False, unique=True),
    Column("name", String(64), nullable=False),
    Column("unit", String(300), nullable=False, index=True),
    Column("department", String(100), nullable=False),
    Column("track", String(100), nullable=False),
    Column("email", String(128), nullable=False),
    Column("role", String(8), nullable=False),
    Column("uid", Integer, nullable=False, unique=True),
    Column("archived_at", DateTime),
    Column("changed_at", DateTime, nullable=False),
)

# nbgrader makes and migrates this one; these are the columns of 0.9.6 that the roster fills.
STUDENT = table(
    "student",
    column("id", String),
    column("first_name", String),
    column("last_name", String),
    column("email", String),
)
