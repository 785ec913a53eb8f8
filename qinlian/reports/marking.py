"""What an instructor has in view while marking a reflection in formgrader.

``MarkingAids`` is a preprocessor of the exporter that makes formgrader's page of one submission. It works
while that page is made: nothing of it is written into a notebook, a database or a file, so nothing of it can
reach a learner, and the page always knows every text that has come in by then.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nbconvert.exporters.exporter import ResourcesDict
from nbconvert.preprocessors import Preprocessor
from nbformat.notebooknode import NotebookNode
from nbgrader import utils
from nbgrader.coursedir import CourseDirectory
from traitlets import Unicode

from qinlian.authoring.commentbank import Remarks, load_comments
from qinlian.core.model import Item, Module
from qinlian.errors import QinlianError
from qinlian.grading.assess import course_folder
from qinlian.grading.plaintext import cell_text
from qinlian.grading.responses import open_engine
from qinlian.reports.earlier import read_earlier, stamp
from qinlian.reports.frames.people import by_account
from qinlian.reports.frames.written import state, written
from qinlian.reports.reflections import library, released_modules
from qinlian.reports.sides import environment, side_by_side
from qinlian.reports.similarity import Library, Notice, Text

__all__ = ["FORMGRADER", "MarkingAids"]

FORMGRADER = frozenset({"submission_id", "assignment_id", "student", "notebook_path"})
"""What formgrader, and nothing else, tells the exporter."""
_FRESH = 20.0
"""Seconds for which what was read is taken as it is: an instructor goes from one submission to the next."""


class _Shelf:
    """All that texts are compared with, kept in memory and read again when it has changed."""

    def __init__(self, db_url: str, course_dir: Path, earlier: Path | None) -> None:
        self._db_url, self._course_dir, self._earlier = db_url, course_dir, earlier
        self._state: object = None
        self._looked = -_FRESH
        self.modules: dict[str, Module] = {}
        self._library: Library | None = None

    def notices(self, learner: str, text: str) -> tuple[Notice, ...]:
        """What a learner's text is close to. Raises QinlianError when earlier texts cannot be read."""
        return self._fresh().notices(Text(learner, learner, "", text))

    def _fresh(self) -> Library:
        if self._library is not None and time.monotonic() - self._looked < _FRESH:
            return self._library
        with open_engine(self._db_url).connect() as connection:
            now = (state(connection), stamp(self._earlier))
            if self._library is None or now != self._state:
                self.modules = released_modules(self._course_dir)
                earlier = read_earlier(self._earlier) if self._earlier and self._earlier.exists() else ()
                self._library = library(
                    written(connection), self.modules, by_account(connection, archived=True), earlier
                )
                self._state = now
        self._looked = time.monotonic()
        return self._library


class MarkingAids(Preprocessor):
    """Puts rubric, reusable comments and similarity notices under each reflection in formgrader."""

    earlier = Unicode("", help="A folder (or file) with reflections of earlier years; may be missing.").tag(config=True)

    def __init__(self, **kw: Any) -> None:
        super().__init__(**kw)
        self._shelf: _Shelf | None = None

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> tuple[NotebookNode, ResourcesDict]:
        """The notebook untouched; what is to be shown stands in ``resources["qinlian_marking"]`` by cell."""
        if not FORMGRADER.issubset(resources):
            return nb, resources
        aids: dict[str, str] = {}
        for cell in nb.cells:
            if cell.cell_type == "markdown" and utils.is_grade(cell) and utils.is_solution(cell):
                name = str(cell.metadata.nbgrader["grade_id"])
                # Whatever goes wrong here, the page must open: marks can be given without it.
                try:
                    aids[name] = self._aid(name, cell.source, resources)
                except Exception as error:
                    self.log.warning("评阅参考没有算出来：%s", error, exc_info=not isinstance(error, QinlianError))
                    why = str(error) if isinstance(error, QinlianError) else "程序出了意外，详情在日志里"
                    aids[name] = environment().get_template("marking.html.j2").render(name=name, problem=why)
        resources["qinlian_marking"] = aids
        return nb, resources

    def _aid(self, name: str, source: str, resources: ResourcesDict) -> str:
        coursedir = CourseDirectory(config=self.config)
        course_dir = course_folder(Path(coursedir.root))
        if self._shelf is None:
            self._shelf = _Shelf(coursedir.db_url, course_dir, Path(self.earlier) if self.earlier else None)
        text = cell_text(source)
        notices = self._shelf.notices(str(resources["student"]), text) if text else ()
        modules = self._shelf.modules or released_modules(course_dir)
        item = _item(modules, str(resources["assignment_id"]), name)
        return (
            environment()
            .get_template("marking.html.j2")
            .render(
                name=name,
                problem="",
                rubric=_rubric(item, load_comments(course_dir).of(name)),
                written=text is not None,
                notices=[side_by_side(text or "", notice) for notice in notices],
            )
        )


def _item(modules: dict[str, Module], module_id: str, name: str) -> Item | None:
    module = modules.get(module_id)
    return next((i for i in module.reflections if i.id == name), None) if module else None


def _rubric(item: Item | None, remarks: Remarks) -> Sequence[tuple[str, Sequence[str]]]:
    """(heading, its comments): each criterion, then the question as a whole, then what suits any."""
    rows = [(f"{e.text}（{float(e.mark):g} 分）", remarks.of(e.letter)) for e in item.elements] if item else []
    more = [("整篇", remarks.whole), ("通用", remarks.general)]
    return [*rows, *((heading, comments) for heading, comments in more if comments)]
