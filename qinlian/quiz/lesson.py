"""What a lesson's cells call: ``open_lesson()``, ``lesson.show(…)``, ``lesson.grade(…)``.

Whatever goes wrong, a learner reads a Chinese sentence in the lesson, never a traceback.
"""

from __future__ import annotations

import html
import os
from pathlib import Path
from typing import TYPE_CHECKING

from qinlian.errors import QinlianError, StoreError

if TYPE_CHECKING:
    from qinlian.quiz.live import LiveLesson

__all__ = ["Lesson", "open_lesson"]


def _autograding() -> bool:
    return os.environ.get("NBGRADER_EXECUTION") == "autograde"


def _tell(text: str) -> None:
    """Show a sentence in the cell's output."""
    from IPython.display import display

    body = f'<div class="ql-notice" lang="zh-CN" role="alert">{html.escape(text)}</div>'
    display({"text/html": body, "text/plain": text}, raw=True)  # type: ignore[no-untyped-call]


class Lesson:
    """One opened lesson. ``live`` is None when it could not be opened (the learner has been told)."""

    def __init__(self, live: LiveLesson | None) -> None:
        self._live = live

    def show(self, block_id: str) -> None:
        """Show one interactive block below the cell; nothing while nbgrader grades."""
        if _autograding() or self._live is None:
            return
        from IPython.display import display

        from qinlian.quiz.widget import QuizWidget

        try:
            widget = QuizWidget(self._live, block_id)
        except KeyError:
            _tell("这一部分在课程里找不到，课程可能更新过；请回到“我的学习”重新打开课程")
        except QinlianError as error:
            _tell(str(error))
        except Exception:
            _tell("这一部分没有显示出来；请刷新页面，仍不行请联系管理员")
        else:
            display(widget)  # type: ignore[no-untyped-call]

    def grade(self, quiz_id: str) -> float | None:
        """The quiz's score while nbgrader grades; anywhere else None, and nothing is shown.

        Under nbgrader it raises GradingError when there is no key, for silence would be full marks.
        """
        if not _autograding():
            return None
        from qinlian.grading.stock import grade_cell

        score: float = grade_cell(quiz_id)
        return score


def open_lesson(folder: str | Path | None = None) -> Lesson:
    """Open the lesson whose lesson.json lies in ``folder`` (the notebook's own when left out)."""
    if _autograding():
        # A grader reads answers, not pages; and anything printed would count against the learner.
        return Lesson(None)
    from qinlian.quiz.live import live_lesson

    try:
        return Lesson(live_lesson(Path(folder) if folder is not None else Path.cwd()))
    except StoreError as error:
        _tell(str(error))
    except Exception:
        _tell("课程没有打开；请刷新页面，仍不行请联系管理员")
    return Lesson(None)
