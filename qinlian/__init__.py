"""勤廉学堂: the engine of a self-paced integrity-education course on Jupyter.

A lesson's first cell imports ``open_lesson`` from here; it is loaded on first use, so that
importing the package costs a learner's kernel next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qinlian.quiz.lesson import open_lesson as open_lesson

__all__ = ["__version__", "open_lesson"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name == "open_lesson":
        from qinlian.quiz.lesson import open_lesson

        return open_lesson
    raise AttributeError(f"module 'qinlian' has no attribute {name!r}")
