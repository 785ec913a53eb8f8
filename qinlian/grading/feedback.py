"""nbgrader's feedback HTML, in Chinese, and with nothing in it that could run.

``FeedbackExporter`` is nbgrader's ``GenerateFeedback.exporter_class``; ``publish_feedback`` makes and
releases the pages through nbgrader itself, so they are the same as from its command line.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from html import escape
from pathlib import Path
from typing import Any

from bleach import clean
from nbconvert.exporters import HTMLExporter
from nbformat.notebooknode import NotebookNode
from nbgrader.converters import GenerateFeedback
from nbgrader.converters.base import NbGraderException
from nbgrader.exchange import ExchangeError
from nbgrader.preprocessors import GetGrades
from traitlets.config import Config

from qinlian.core.zone import BEIJING
from qinlian.errors import GradingError
from qinlian.grading.late import deadline, handed_in
from qinlian.grading.responses import open_engine
from qinlian.grading.setting import Setting
from qinlian.notebooks.said import Said

__all__ = ["FeedbackExporter", "GetMarks", "publish_feedback", "safe_html"]

_TEMPLATES = Path(__file__).parent / "templates"
_BLOCKS = {"blockquote", "div", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "ul"}
_WORDS = {"a", "abbr", "b", "br", "code", "del", "em", "i", "s", "small", "span", "strong", "sub", "sup"}
_TAGS = frozenset(_BLOCKS | _WORDS | {"table", "tbody", "td", "th", "thead", "tr"})
_ATTRIBUTES = {"a": ["href", "title"], "*": ["class", "lang"], "td": ["colspan", "rowspan"], "th": ["scope"]}


def safe_html(text: str) -> str:
    """HTML with everything escaped that is not plain text structure: what nbconvert's sanitizer does, narrowed."""
    return str(
        clean(
            text,
            tags=_TAGS,
            attributes=_ATTRIBUTES,
            protocols={"http", "https", "mailto"},
            strip_comments=True,
        )
    )


def _points(value: float | None) -> str:
    return f"{round(float(value or 0), 2):g}"


class FeedbackExporter(HTMLExporter):
    """The page one learner gets for one module."""

    def __init__(self, config: Config | None = None, **kwargs: Any) -> None:
        # nbgrader sets its own template on HTMLExporter; the section of our own class goes before it.
        ours = Config(config or {})
        # What the course adds to HTMLExporter is for formgrader's pages, which only an instructor sees.
        ours.FeedbackExporter.preprocessors = []
        ours.FeedbackExporter.template_name = "qinlian_feedback"
        ours.FeedbackExporter.extra_template_basedirs = [str(_TEMPLATES)]
        ours.FeedbackExporter.extra_template_paths = []
        super().__init__(config=ours, **kwargs)  # type: ignore[no-untyped-call]

    def default_filters(self) -> Iterable[tuple[str, Callable[..., Any]]]:
        """nbconvert's filters and the three this template uses."""
        yield from super().default_filters()  # type: ignore[no-untyped-call]
        yield "safe_html", safe_html
        yield "escape_html", lambda text: escape(str(text))
        yield "points", _points

    def from_notebook_node(self, nb: Any, resources: Any = None, **kw: Any) -> Any:
        """Render under the lesson's title, which the released notebook carries."""
        resources = resources if resources is not None else {}
        # The title cell is ours: everything but the answers comes from the released notebook.
        first = next((c.source for c in nb.cells if c.cell_type == "markdown"), "")
        resources["qinlian"] = {"title": first.split("\n", 1)[0].removeprefix("# ").strip(), "sent": "", "late": False}
        return super().from_notebook_node(nb, resources, **kw)


class GetMarks(GetGrades):  # type: ignore[misc]
    """nbgrader's GetGrades, which besides tells a mark of nothing from one that is still to come, and when it came."""

    def preprocess(self, nb: Any, resources: Any) -> Any:
        """Put marks, comments and the time of the submission into the page's notebook and resources."""
        nb, resources = super().preprocess(nb, resources)
        with open_engine(self.db_url).connect() as connection:
            came = handed_in(connection, self.assignment_id, self.student_id)
            due = deadline(connection, self.assignment_id, [self.student_id])
        if came is not None:
            there = came.astimezone(BEIJING)
            # The page runs no script that could know the reader's own zone.
            sent = f"{there.year}年{there.month}月{there.day}日 {there:%H:%M}（北京时间）"
            resources.setdefault("qinlian", {}).update(sent=sent, late=due.seconds_late(self.student_id, came) > 0)
        return nb, resources

    def _get_score(self, cell: NotebookNode, resources: Any) -> None:
        super()._get_score(cell, resources)
        grade = self.gradebook.find_grade(
            cell.metadata["nbgrader"]["grade_id"], self.notebook_id, self.assignment_id, self.student_id
        )
        cell.metadata["qinlian"] = {"waiting": bool(grade.needs_manual_grade)}

    def _get_comment(self, cell: NotebookNode, resources: Any) -> None:
        super()._get_comment(cell, resources)
        # nbgrader's own remark on an empty cell is English, and says what the page says anyway.
        if cell.metadata.nbgrader["comment"] == "No response.":
            cell.metadata.nbgrader["comment"] = "没有作答"


def publish_feedback(setting: Setting, module: str, learner: str) -> None:
    """Make and release the feedback page of one learner for one module.

    Raises GradingError, in Chinese, when nbgrader cannot.
    """
    kept = Said()
    log = logging.Logger("qinlian.feedback", logging.WARNING)
    log.addHandler(kept)
    coursedir = setting.fresh_coursedir(module, learner)
    try:
        converter = GenerateFeedback(coursedir=coursedir, config=setting.config, log=log, force=True)
        converter.start()
        setting.factory().ReleaseFeedback(
            coursedir=coursedir, authenticator=setting.authenticator(), config=setting.config, log=log
        ).start()
    except (NbGraderException, ExchangeError, SystemExit, OSError) as error:
        said = "；".join(kept.lines)[-500:] or str(error)
        setting.log.debug("nbgrader: %s", said)
        raise GradingError(f"{learner} 的 {module} 没有生成反馈页；可稍后运行 qinlian grade {module} 重试") from error
