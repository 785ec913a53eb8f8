"""The gradebook as tidy DataFrames; nothing else that reports from it knows SQL.

English column names; what people read is Chinese, and made of these by others. A moment is ``datetime64[us, UTC]``,
NaT where there is none. Text that repeats over many rows is ``category``. A frame without rows has the same columns
and types as any other. An ``account`` is the learner's everywhere; a ``module`` is its id.
"""

from __future__ import annotations

from qinlian.reports.frames.answers import COUNTS, Attempts, quizzes, responses
from qinlian.reports.frames.book import open_gradebook
from qinlian.reports.frames.contents import items, modules, options
from qinlian.reports.frames.people import learners, units
from qinlian.reports.frames.standing import grades

__all__ = [
    "COUNTS",
    "Attempts",
    "grades",
    "items",
    "learners",
    "modules",
    "open_gradebook",
    "options",
    "quizzes",
    "responses",
    "units",
]
