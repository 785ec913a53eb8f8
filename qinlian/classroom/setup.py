"""Get a classroom ready: build the course, fill the gradebook, release the modules. Idempotent.

What was done is remembered by digest, so that a second start does not even import nbgrader.
"""

from __future__ import annotations

import hashlib
import json
import logging
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import qinlian
from qinlian.classroom.layout import Layout
from qinlian.core.files import LESSON_NAME
from qinlian.core.model import Course
from qinlian.errors import BuildError, ClassroomError
from qinlian.notebooks.said import Said

__all__ = ["prepare"]

Progress = Callable[[str], None]
_ENGINE = ("core", "items", "authoring", "notebooks")
"""The parts of this package that decide what a build gives."""


def _digest(base: Path, files: Iterable[Path]) -> str:
    found = hashlib.sha256()
    for path in sorted(files):
        found.update(f"{path.relative_to(base)}\0{path.stat().st_size}\0".encode())
        found.update(path.read_bytes())
    return found.hexdigest()


def _files(*folders: Path) -> list[Path]:
    return [
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and not {"__pycache__", ".ipynb_checkpoints", "editions"}.intersection(path.parts)
    ]


def _inputs(root: Path) -> str:
    """Changes with the course's text and with the engine."""
    package = Path(qinlian.__file__).parent
    engine = _digest(package, _files(*(package / name for name in _ENGINE)))
    return _digest(root, [*_files(root / "course"), root / "nbgrader_config.py"]) + engine


def _outputs(root: Path) -> str:
    return _digest(root, _files(root / "source", root / "release"))


def _remembered(layout: Layout) -> dict[str, Any]:
    try:
        found = json.loads(layout.done.read_text("utf-8"))
        return found if isinstance(found, dict) else {}
    except (OSError, ValueError):
        return {}


def prepare(layout: Layout, course: Course, progress: Progress) -> None:
    """Make the folders, bring source/ and release/ up to date and release what is not released yet.

    ``progress`` gets a short Chinese line at each step. Raises CourseError, BuildError and
    ClassroomError.
    """
    layout.make()
    done = _remembered(layout)
    now = {"inputs": _inputs(layout.root), "outputs": _outputs(layout.root)}
    built = {key: done.get(key) for key in now} == now
    published = all((layout.exchange / course.id / "outbound" / m.id).is_dir() for m in course.modules)
    if built and published and layout.gradebook.is_file():
        return
    if not built:
        progress("生成课程")
        from qinlian.notebooks.build import build

        build(layout.root, progress)
        now["outputs"] = _outputs(layout.root)
    _fill_gradebook(layout, course, progress)
    for module in course.modules:
        if not _is_published(layout, course.id, module.id):
            progress(f"发布到课堂：{module.title}")
            _release(layout, module.id)
    layout.done.write_text(json.dumps(now) + "\n", encoding="utf-8")


def _is_published(layout: Layout, course_id: str, module: str) -> bool:
    released, outbound = layout.root / "release" / module, layout.exchange / course_id / "outbound" / module
    if not outbound.is_dir() or _digest(released, _files(released)) != _digest(outbound, _files(outbound)):
        return False
    # The grader grades against the archive, so what is out there must be in it.
    edition = json.loads((outbound / LESSON_NAME).read_bytes())["edition"]
    return (layout.root / "course" / "editions" / module / f"{edition}.json").is_file()


def _fill_gradebook(layout: Layout, course: Course, progress: Progress) -> None:
    # nbgrader writes assignments, cells and due dates into the gradebook as it generates.
    from qinlian.notebooks.assignments import generate_assignments

    with tempfile.TemporaryDirectory(prefix="qinlian-classroom-") as scratch:
        generate_assignments(
            layout.root,
            course,
            db_url=f"sqlite:///{layout.gradebook}",
            source=layout.root / "source",
            release=Path(scratch),
            progress=lambda _: None,
        )
    progress("成绩册已就绪")


def _release(layout: Layout, module: str) -> None:
    from nbgrader.exchange import ExchangeError

    from qinlian.grading.setting import Setting

    kept = Said()
    log = logging.Logger("qinlian.classroom", logging.WARNING)
    log.addHandler(kept)
    setting = Setting.load(layout.root, log=log)
    setting.coursedir.assignment_id = module
    release = setting.factory().ReleaseAssignment(
        coursedir=setting.coursedir, authenticator=setting.authenticator(), force=True
    )
    try:
        release.start()
    except ExchangeError as error:
        said = "；".join(kept.lines) or str(error)
        raise BuildError(f"模块 {module} 没有发布出去：{said[-800:]}") from error
    except OSError as error:
        raise ClassroomError(f"模块 {module} 没有发布出去（{error.strerror}）；请检查磁盘空间和权限") from error
