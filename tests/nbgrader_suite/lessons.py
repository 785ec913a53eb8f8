"""For pytest's ``-p``: nbgrader's tests get a lesson of ours where they put a notebook of theirs.

``$QINLIAN_SUITE_LESSON`` is a course repository with two modules, ``ps1`` and ``ps2``. Into a course's ``source/``
and ``release/`` goes the lesson instead of their notebook, with the course's text beside it; what is submitted
stays their notebook, which nothing here reads, and gets answers.json beside it. Every command is given the
gradebook that the test named once, as every command of a course finds it in nbgrader_config.py.
"""

from __future__ import annotations

import json
import os
import shutil
from functools import wraps
from pathlib import Path
from typing import Any

import nbgrader.tests
from nbgrader.tests.apps.base import BaseTestApp

from qinlian.authoring.secret import load_identity
from qinlian.grading.editions import current_edition
from qinlian.grading.guard import claim_of
from qinlian.items.base import item_type

LESSON = Path(os.environ["QINLIAN_SUITE_LESSON"])
MODULES = ("ps1", "ps2")
_copied, _emptied, _ran = BaseTestApp._copy_file, BaseTestApp._empty_notebook, nbgrader.tests.run_nbgrader
_gradebooks: dict[str, str] = {}
"""Working directory, of which every test has its own, → the gradebook that its commands are given."""


def _answers(module: str, right: int, reflects: bool) -> dict[str, Any]:
    """answers.json with the first ``right`` questions answered rightly, and a reflection or none."""
    edition, ids = current_edition(LESSON / "course", module), load_identity(LESSON / "course")
    quiz = edition.module.quizzes[0]
    given = {ids.of(i): item_type(edition.module.item(i).kind).key(edition.module.item(i), ids) for i in quiz.pool}
    given = dict(list(given.items())[:right])
    if reflects:
        given |= {ids.of(item.id): "打算当天退回，并告诉负责人。" for item in edition.module.reflections}
    return {
        "schema": "qinlian.answers/1",
        "course": edition.course_id,
        "module": module,
        "edition": edition.edition,
        "revision": 1,
        "attempts": {quiz.id: 1},
        "answers": {public_id: {"value": value} for public_id, value in given.items()},
    }


def _submitted(module: str, source: str) -> dict[str, Any]:
    """What their notebook stands for: one point of seven unchanged; two, and something to read, where changed."""
    if "cheat" in source:
        return _answers(module, 1, reflects=True)
    changed = "changed" in source and "unchanged" not in source
    return _answers(module, 2 if changed else 1, reflects=changed)


def _module_of(target: str) -> tuple[Path, str]:
    """The notebook's place, and its module where it stands for a lesson."""
    place = Path(target).absolute()
    module = place.parent.name
    # In the tests of list the notebook of either assignment has one name.
    return place, module if module in MODULES and place.stem in (module, MODULES[0]) else ""


def _put_lesson(place: Path, module: str) -> bool:
    """The lesson in the place of a notebook in source/ or release/; False anywhere else."""
    step = place.parent.parent.name
    if not module or place.suffix != ".ipynb" or step not in ("source", "release"):
        return False
    course = place.parent.parent.parent
    shutil.copytree(LESSON / "course", course / "course", dirs_exist_ok=True)
    # What is released must be what the course gives, in both folders.
    for folder in {"source", step}:
        shutil.copytree(LESSON / folder / module, course / folder / module, dirs_exist_ok=True)
    return True


@wraps(_copied)
def _copy_file(self: BaseTestApp, source: str, target: str) -> None:
    place, module = _module_of(target)
    if _put_lesson(place, module):
        return
    _copied(self, source, target)
    if module and source.endswith(".ipynb") and "submitted" in place.parts:
        (place.parent / "answers.json").write_text(json.dumps(_submitted(module, source)))


@wraps(_emptied)
def _empty_notebook(self: BaseTestApp, target: str, kernel: str | None = None) -> None:
    place, module = _module_of(target)
    if _put_lesson(place, module):
        return
    _emptied(self, target, kernel)
    if module and "submitted" in place.parts:
        # Nothing in it: nothing was answered.
        (place.parent / "answers.json").unlink(missing_ok=True)


@wraps(_ran)
def _run_nbgrader(args: list[str], *others: Any, **named: Any) -> str:
    here = str(Path.cwd())
    if "--db" in args:
        _gradebooks[here] = args[args.index("--db") + 1]
    elif here in _gradebooks and len(args) > 1 and "--help-all" not in args:
        args = [*args, "--db", _gradebooks[here]]
    try:
        return str(_ran(args, *others, **named))
    finally:
        # Each command is a process of its own, and what it claimed ends with it; the tests run all in one.
        claim_of.cache_clear()


BaseTestApp._copy_file, BaseTestApp._empty_notebook = _copy_file, _empty_notebook
nbgrader.tests.run_nbgrader = _run_nbgrader
