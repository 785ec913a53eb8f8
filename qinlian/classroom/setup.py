"""Get a classroom ready: build the course, fill the gradebook, release the modules. Idempotent.

What was done is remembered by digest, so that a second start does not even import nbgrader.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import qinlian
from qinlian.classroom.layout import Layout
from qinlian.core.model import Course
from qinlian.errors import ClassroomError

__all__ = ["fill_gradebook", "inputs", "outputs", "prepare"]

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


def inputs(root: Path) -> str:
    """A digest that changes with the course's text and with the parts of the engine that build it."""
    package = Path(qinlian.__file__).parent
    engine = _digest(package, _files(*(package / name for name in _ENGINE)))
    return _digest(root, [*_files(root / "course"), root / "nbgrader_config.py"]) + engine


def outputs(root: Path) -> str:
    """A digest of what was built."""
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
    now = {"inputs": inputs(layout.root), "outputs": outputs(layout.root)}
    built = {key: done.get(key) for key in now} == now
    published = all((layout.exchange / course.id / "outbound" / m.id).is_dir() for m in course.modules)
    if built and published and layout.gradebook.is_file():
        return
    if not built:
        progress("生成课程")
        from qinlian.notebooks.build import build

        build(layout.root, progress)
        now["outputs"] = outputs(layout.root)
    fill_gradebook(layout.root, course, f"sqlite:///{layout.gradebook}")
    progress("成绩册已就绪")
    _publish(layout, course, progress)
    layout.done.write_text(json.dumps(now) + "\n", encoding="utf-8")


def fill_gradebook(root: Path, course: Course, db_url: str) -> None:
    """Write assignments, cells and due dates into the gradebook, as nbgrader does while it generates.

    Raises BuildError.
    """
    from qinlian.notebooks.assignments import generate_assignments

    with tempfile.TemporaryDirectory(prefix="qinlian-classroom-") as scratch:
        generate_assignments(
            root,
            course,
            db_url=db_url,
            source=root / "source",
            release=Path(scratch),
            progress=lambda _: None,
        )


def _publish(layout: Layout, course: Course, progress: Progress) -> None:
    from qinlian.grading.publish import is_current, release_module
    from qinlian.grading.setting import Setting

    setting = Setting.load(layout.root)
    for module in course.modules:
        if is_current(setting, module.id):
            continue
        progress(f"发布到课堂：{module.title}")
        try:
            release_module(setting, module.id)
        except OSError as error:
            raise ClassroomError(f"模块 {module.id} 没有发布出去（{error.strerror}）；请检查磁盘空间和权限") from error
