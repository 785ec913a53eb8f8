"""course/ to source/ and release/, and the proof that both are up to date."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from qinlian.authoring.reader import load_course
from qinlian.authoring.secret import load_identity
from qinlian.core.files import ANSWERS_NAME, LESSON_NAME
from qinlian.core.identity import Identity
from qinlian.core.model import Course
from qinlian.errors import BuildError
from qinlian.notebooks.notebook import notebook_bytes, source_notebook
from qinlian.notebooks.publish import lesson_bytes, publish

__all__ = ["build", "build_track", "stale", "write_sources"]

Progress = Callable[[str], None]


def _silent(_: str) -> None:
    return None


def write_sources(course: Course, ids: Identity, source: Path) -> None:
    """Write ``<source>/<module>/{<module>.ipynb, lesson.json}`` of every module."""
    for module in course.modules:
        folder = source / module.id
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{module.id}.ipynb").write_bytes(notebook_bytes(source_notebook(course, module, ids)))
        (folder / LESSON_NAME).write_bytes(lesson_bytes(publish(course, module, ids)))


def _generate(root: Path, course: Course, source: Path, release: Path, progress: Progress) -> None:
    # nbgrader takes seconds to import: only a build that needs it pays.
    from qinlian.notebooks.assignments import generate_assignments

    with tempfile.TemporaryDirectory(prefix="qinlian-build-") as scratch:
        generate_assignments(
            root,
            course,
            db_url=f"sqlite:///{Path(scratch) / 'gradebook.db'}",
            source=source,
            release=release,
            progress=progress,
        )


def _into(root: Path, target: Path, progress: Progress) -> None:
    """Build source/ and release/ of the course at ``root`` under ``target``."""
    course_dir = root / "course"
    progress("读取课程")
    course = load_course(course_dir)
    progress("生成课程笔记本")
    write_sources(course, load_identity(course_dir), target / "source")
    _generate(root, course, target / "source", target / "release", progress)


def _refuse_answers(root: Path) -> None:
    # nbgrader would copy it over every learner's own.
    for name in ("source", "release"):
        for stray in (root / name).rglob(ANSWERS_NAME):
            raise BuildError(
                f"{stray.relative_to(root)} 不应出现在这里：它会覆盖每个学员的答案。请删除后重新运行 qinlian build"
            )


def build(root: Path, progress: Progress = _silent) -> tuple[str, ...]:
    """Build source/ and release/ of the course at ``root``; returns the names of the changed files.

    Both folders are made aside and put in place whole, so a failed build leaves the old ones; for a
    moment between two renames there is neither.
    ``progress`` gets a short Chinese line at each step. Raises CourseError and BuildError.
    """
    _refuse_answers(root)
    with tempfile.TemporaryDirectory(prefix=".qinlian-build-", dir=root) as scratch:
        made = Path(scratch)
        _into(root, made, progress)
        changed = _differences(root, made)
        for name in ("source", "release"):
            if not any(path.startswith(f"{name}/") for path in changed):
                continue
            old = made / f"{name}.old"
            had = (root / name).exists()
            if had:
                (root / name).rename(old)
            try:
                (made / name).rename(root / name)
            except OSError:
                # ``old`` would go with the scratch folder.
                if had:
                    old.rename(root / name)
                raise
            shutil.rmtree(old, ignore_errors=True)
    return changed


def build_track(root: Path, name: str, target: Path, progress: Progress = _silent) -> tuple[str, ...]:
    """Build the modules of one track (培训对象) into ``target``/source and release; returns their ids.

    They are the same modules, byte for byte, as in the whole course. Raises CourseError and BuildError.
    """
    course_dir = root / "course"
    progress("读取课程")
    course = load_course(course_dir)
    try:
        track = course.track(name)
    except KeyError:
        known = "、".join(t.name for t in course.tracks) or "还没有写"
        raise BuildError(f"course.yaml 里没有培训对象“{name}”；有的是：{known}") from None
    if (target / "source").exists() or (target / "release").exists():
        raise BuildError(f"{target} 里已经有 source/ 或 release/；换一个空文件夹，或先把它们移走")
    chosen = course.model_copy(update={"modules": tuple(m for m in course.modules if m.id in track.modules)})
    with tempfile.TemporaryDirectory(prefix="qinlian-build-") as scratch:
        made = Path(scratch)
        progress("生成课程笔记本")
        write_sources(chosen, load_identity(course_dir), made / "source")
        _generate(root, chosen, made / "source", made / "release", progress)
        target.mkdir(parents=True, exist_ok=True)
        for part in ("source", "release"):
            shutil.copytree(made / part, target / part)
    return tuple(m.id for m in chosen.modules)


def stale(root: Path, progress: Progress = _silent) -> tuple[str, ...]:
    """Names of files in source/ and release/ that differ from what course/ gives; empty when fresh."""
    _refuse_answers(root)
    with tempfile.TemporaryDirectory(prefix=".qinlian-build-", dir=root) as scratch:
        _into(root, Path(scratch), progress)
        return _differences(root, Path(scratch))


def _differences(root: Path, made: Path) -> tuple[str, ...]:
    def files(base: Path) -> dict[str, bytes]:
        return {
            str(path.relative_to(base)): path.read_bytes()
            for name in ("source", "release")
            for path in (base / name).rglob("*")
            if path.is_file() and ".ipynb_checkpoints" not in path.parts
        }

    old, new = files(root), files(made)
    return tuple(sorted(os.path.normpath(n) for n in old.keys() | new.keys() if old.get(n) != new.get(n)))
