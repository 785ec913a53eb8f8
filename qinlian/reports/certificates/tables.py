"""The record of certificates, in tables of their own in the gradebook's database.

``qinlian_certificate`` holds one row a number, ``qinlian_certificate_edition`` each edition of it as it was signed,
``qinlian_certificate_revocation`` up to which edition a number no longer holds, ``qinlian_certificate_file`` which
files were written, and ``qinlian_certificate_key`` the public keys that signed. Rows are added, never changed.
"""

from __future__ import annotations

from sqlalchemy import Column, DateTime, Integer, LargeBinary, MetaData, String, Table, Text, UniqueConstraint

__all__ = ["CERTIFICATE", "EDITION", "FILE", "KEY", "METADATA", "REVOCATION"]

METADATA = MetaData()

CERTIFICATE = Table(
    "qinlian_certificate",
    METADATA,
    Column("number", String(20), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("year", Integer, nullable=False),
    Column("serial", Integer, nullable=False),
    Column("learner", String(128), nullable=False),
    Column("course", String(100), nullable=False),
    Column("track", String(100), nullable=False),
    Column("made_at", DateTime, nullable=False),
    UniqueConstraint("kind", "year", "serial"),
    UniqueConstraint("learner", "course", "kind", "track"),
)

EDITION = Table(
    "qinlian_certificate_edition",
    METADATA,
    Column("number", String(20), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("signed", Text, nullable=False),
    Column("modules", Text, nullable=False),
    Column("issued_at", DateTime, nullable=False),
)
"""``modules`` is the table of modules that it was issued on, as JSON."""

REVOCATION = Table(
    "qinlian_certificate_revocation",
    METADATA,
    Column("number", String(20), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("revoked_at", DateTime, nullable=False),
    Column("why", Text, nullable=False),
)
"""``version`` is the last edition that no longer holds; those before it do not hold either."""

FILE = Table(
    "qinlian_certificate_file",
    METADATA,
    Column("digest", String(64), primary_key=True),
    Column("number", String(20), nullable=False),
    Column("version", Integer, nullable=False),
)

KEY = Table(
    "qinlian_certificate_key",
    METADATA,
    Column("id", String(16), primary_key=True),
    Column("public", LargeBinary(32), nullable=False),
    Column("made_at", DateTime, nullable=False),
)
