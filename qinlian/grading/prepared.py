"""The autograded notebook of one module, made once with nbgrader's own preprocessors, with holes.

What nbgrader writes for two learners differs in the grade cells' outputs and the reflections' texts
only, for everything else comes from the release. So the whole chain runs once, on sentinels, and is
checked once; each learner's notebook is then the same bytes with the holes filled.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from json.encoder import encode_basestring
from pathlib import Path
from typing import Any

import nbformat
from nbformat.notebooknode import NotebookNode
from nbgrader import utils
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from sqlalchemy import select
from traitlets.config import Config
from traitlets.utils.importstring import import_item

from qinlian.core.scoring import plain_score
from qinlian.grading.explain import explain, summary
from qinlian.grading.grades import SubmissionGrade
from qinlian.grading.plaintext import markdown_cell
from qinlian.grading.preprocess import (
    GradeFromAnswers,
    PlaceReflections,
    PutBackReleased,
    SaveGrades,
    cell_outputs,
    fill_grade_cells,
    released_notebook,
)
from qinlian.grading.responses import open_engine
from qinlian.grading.tables import NOTEBOOK, SOURCE_CELL

__all__ = ["Filled", "Prepared", "prepare"]

_OURS = {PutBackReleased, PlaceReflections, GradeFromAnswers, SaveGrades}
_SAME_FOR_ALL = {
    "ClearOutput",
    "DeduplicateIds",
    "OverwriteKernelspec",
    "OverwriteCells",
    "CheckCellMetadata",
    "IgnorePattern",
    "ClearMetadataPreprocessor",
    "LimitOutput",
}
_OF_THE_GRADEBOOK = {"AssignLatePenalties"}
_REMEMBERED = 50
_HOLE = re.compile(r'\[\n( *)"@@qinlian ([a-z]+) ([A-Za-z0-9_-]+)@@"\n( *)\]')


def _sentinel(kind: str, name: str) -> str:
    return f"@@qinlian {kind} {name}@@"


@dataclass(frozen=True)
class _Hole:
    kind: str
    name: str
    inner: str
    outer: str

    def lines(self, text: str) -> str:
        """``text`` as nbformat writes it: a JSON list, one line of text a line."""
        lines = text.splitlines(True)
        if not lines:
            return "[]"
        inside = ",\n".join(self.inner + encode_basestring(line) for line in lines)
        return f"[\n{inside}\n{self.outer}]"


@dataclass(frozen=True)
class Filled:
    """One learner's notebook, what it scores, and the source of each manually graded cell."""

    notebook: bytes
    scores: dict[str, float]
    texts: dict[str, str]


@dataclass(frozen=True)
class Prepared:
    """The notebook in pieces: text, and holes to fill.

    ``points`` are those of the grade cells, ``placeholders`` the released sources of the manually
    graded ones, ``blank`` those whose untouched source nbgrader takes for no response.
    """

    pieces: tuple[str | _Hole, ...]
    points: dict[str, float]
    placeholders: dict[str, str]
    blank: frozenset[str]

    def fill(self, grade: SubmissionGrade) -> Filled:
        """The notebook of one submission. The scores are plain floats in [0, points]."""
        texts = dict(self.placeholders)
        for reflection in grade.reflections:
            if reflection.text is not None and reflection.item.id in texts:
                texts[reflection.item.id] = markdown_cell(reflection.text)
        scores = {name: plain_score(grade.quiz(name).counted, points) for name, points in self.points.items()}
        made: list[str] = []
        for piece in self.pieces:
            if isinstance(piece, str):
                made.append(piece)
            elif piece.kind == "html":
                made.append(piece.lines(explain(grade, grade.quiz(piece.name))))
            elif piece.kind == "summary":
                made.append(piece.lines(summary(grade.quiz(piece.name))))
            elif piece.kind == "score":
                made.append(piece.lines(repr(scores[piece.name])))
            else:
                made.append(piece.lines(texts[piece.name]))
        return Filled("".join(made).encode(), scores, texts)


def _classes(names: list[Any]) -> list[type]:
    return [import_item(name) if isinstance(name, str) else name for name in names]


def _run(
    classes: list[type], nb: NotebookNode, config: Config, resources: dict[str, Any]
) -> tuple[NotebookNode, dict[str, str], dict[str, float], set[str]]:
    """One of the two passes, with sentinels where a learner's own things go."""
    placeholders: dict[str, str] = {}
    points: dict[str, float] = {}
    blank: set[str] = set()
    for cls in classes:
        if cls in (PutBackReleased, SaveGrades) or cls.__name__ in _OF_THE_GRADEBOOK:
            continue
        if cls is PlaceReflections:
            for cell in nb.cells:
                if cell.cell_type == "markdown" and utils.is_grade(cell) and utils.is_solution(cell):
                    name = cell.metadata.nbgrader["grade_id"]
                    placeholders[name] = cell.source
                    if cell.metadata.nbgrader.get("checksum") == utils.compute_checksum(cell):
                        blank.add(name)
                    cell.source = _sentinel("text", name)
        elif cls is GradeFromAnswers:
            points = fill_grade_cells(nb, _outputs)
        else:
            step = cls(config=config)
            if step.enabled:
                nb, _ = step.preprocess(nb, resources)
    return nb, placeholders, points, blank


def _outputs(name: str, _: float, count: int) -> list[NotebookNode]:
    return cell_outputs(_sentinel("html", name), _sentinel("summary", name), _sentinel("score", name), count)


_made: dict[str, Prepared] = {}


def _fingerprint(coursedir: CourseDirectory, config: Config, module: str, lists: Any) -> str:
    """A digest over everything that the prepared notebook depends on."""
    path = Path(coursedir.format_path(coursedir.release_directory, ".", module)) / f"{module}.ipynb"
    hasher = hashlib.sha256(path.read_bytes() if path.is_file() else b"")
    with open_engine(coursedir.db_url).connect() as connection:
        query = (
            select(NOTEBOOK.c.kernelspec, SOURCE_CELL)
            .join(SOURCE_CELL, SOURCE_CELL.c.notebook_id == NOTEBOOK.c.id)
            .where(NOTEBOOK.c.name == module)
            .order_by(SOURCE_CELL.c.name)
        )
        rows = [tuple(row) for row in connection.execute(query)]
    hasher.update(repr((module, rows, lists, config)).encode("utf-8", "surrogatepass"))
    return hasher.hexdigest()


def prepare(converter: Autograde, module: str) -> Prepared | None:
    """Prepare the notebook of ``module``; remembered while release and gradebook stay the same.

    Returns None when the course has preprocessors of its own, whose work may depend on the learner:
    then nbgrader must grade each submission itself. Raises GradingError without a usable release.
    """
    coursedir, config = converter.coursedir, converter.config
    first, second = _classes(converter.sanitize_preprocessors), _classes(converter.autograde_preprocessors)
    ordinary = _SAME_FOR_ALL | _OF_THE_GRADEBOOK
    if not {*first, *second} >= _OURS:
        return None
    if any(c not in _OURS and c.__name__ not in ordinary for c in (*first, *second)):
        return None
    mark = _fingerprint(coursedir, config, module, (first, second))
    if mark not in _made:
        if len(_made) >= _REMEMBERED:
            _made.clear()
        _made[mark] = _prepare(coursedir, config, module, first, second)
    return _made[mark]


def _prepare(
    coursedir: CourseDirectory, config: Config, module: str, first: list[type], second: list[type]
) -> Prepared:
    nb = released_notebook(Path(coursedir.format_path(coursedir.release_directory, ".", module)), module)
    where = {"notebook": module, "assignment": module, "student": "", "db_url": coursedir.db_url}
    resources = {"nbgrader": where, "metadata": {"path": ""}}
    nb, placeholders, _, blank = _run(first, nb, config, resources)
    nb = nbformat.reads(nbformat.writes(nb), as_version=4)
    nb, _, points, _ = _run(second, nb, config, resources)
    nbformat.validate(nb)
    text = nbformat.writes(nb)
    return Prepared(_pieces(text if text.endswith("\n") else text + "\n"), points, placeholders, frozenset(blank))


def _pieces(text: str) -> tuple[str | _Hole, ...]:
    pieces: list[str | _Hole] = []
    end = 0
    for match in _HOLE.finditer(text):
        inner, kind, name, outer = match.groups()
        pieces += [text[end : match.start()], _Hole(kind, name, inner, outer)]
        end = match.end()
    return (*pieces, text[end:])
