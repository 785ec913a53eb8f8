"""source/ to release/ through nbgrader's own generate_assignment."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.converters import GenerateAssignment
from nbgrader.converters.base import NbGraderException
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from qinlian.core.model import Course
from qinlian.errors import BuildError
from qinlian.notebooks.notebook import ANSWER_PLACEHOLDER
from qinlian.notebooks.said import Said
from qinlian.toolpath import put_tools_on_path

__all__ = ["generate_assignments"]


def _config() -> Config:
    config = Config()
    config.ClearSolutions.text_stub = ANSWER_PLACEHOLDER
    return config


def generate_assignments(
    root: Path,
    course: Course,
    *,
    db_url: str,
    source: Path,
    release: Path,
    progress: Callable[[str], None],
) -> None:
    """Run generate_assignment for every module: fills ``release`` and the gradebook at ``db_url``.

    Due dates of the course are written into the gradebook. Raises BuildError with nbgrader's own
    words when its metadata checks fail.
    """
    put_tools_on_path()
    for module in course.modules:
        progress(f"检查并发布到 release/：{module.title}")
        kept = Said()
        log = logging.Logger("qinlian.generate", logging.WARNING)
        log.addHandler(kept)
        coursedir = CourseDirectory(
            root=str(root),
            course_id=course.id,
            assignment_id=module.id,
            db_url=db_url,
            source_directory=str(source),
            release_directory=str(release),
            log=log,
        )
        converter = GenerateAssignment(coursedir=coursedir, config=_config(), force=True, log=log)
        try:
            converter.start()
        except (NbGraderException, SystemExit) as error:
            said = "；".join(kept.lines) or str(error)
            raise BuildError(f"模块 {module.id} 没有通过 nbgrader 的检查：{said[-800:]}") from error
        due = module.due.replace(tzinfo=None) if module.due else None
        with Gradebook(db_url, course.id) as gradebook:
            gradebook.update_or_create_assignment(module.id, duedate=due)
