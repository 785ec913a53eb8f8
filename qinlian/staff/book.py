"""The gradebook as the pages open it: with grading's tables and the roster's, whichever program came first."""

from __future__ import annotations

from sqlalchemy import Engine

from qinlian.database import open_engine
from qinlian.grading.responses import open_engine as open_gradebook
from qinlian.roster.tables import METADATA

__all__ = ["open_book"]


def open_book(db_url: str) -> Engine:
    """The engine of the gradebook at ``db_url``; what is missing in it is made."""
    open_gradebook(db_url)
    return open_engine(db_url, METADATA)
