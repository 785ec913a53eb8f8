"""Releasing: the assignment to learners, and feedback to each of them.

nbgrader reaches these classes through ``ExchangeFactory``, so its command line, formgrader and ours
all release in the same way.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange.default import ExchangeReleaseAssignment, ExchangeReleaseFeedback
from nbgrader.preprocessors import InstantiateTests, SaveCells
from nbgrader.utils import notebook_hash
from traitlets.config import Config

from qinlian.atomic import replace_file
from qinlian.authoring.reader import load_course
from qinlian.authoring.secret import load_identity
from qinlian.core.files import ANSWERS_NAME, SECRET_NAME
from qinlian.core.model import Course, Module
from qinlian.errors import QinlianError
from qinlian.grading.assess import course_folder
from qinlian.grading.editions import save_edition
from qinlian.grading.folders import replace_folder
from qinlian.notebooks.build import write_sources

__all__ = ["QinlianRelease", "QinlianReleaseFeedback", "unfit"]


def unfit(course: Course, module: Module, course_dir: Path, source: Path, release: Path, config: Config) -> str:
    """Why ``release`` (one module's folder) must not be published; empty when it may.

    ``source`` and ``release`` must hold exactly what course/ gives, and no answers of anybody.
    ``config`` is nbgrader's, by which release/ is made from source/.
    """
    for folder in (source, release):
        for stray in sorted(folder.rglob(ANSWERS_NAME)):
            return f"{folder.parent.name}/ 里有 {stray.name}，它会覆盖每个学员的答案；请删除后再发布"
    with tempfile.TemporaryDirectory(prefix="qinlian-release-") as scratch:
        write_sources(course.model_copy(update={"modules": (module,)}), load_identity(course_dir), Path(scratch))
        made = _files(Path(scratch) / module.id)
    if stale := _different(made, _files(source)):
        return f"source/ 里的 {stale} 与课程文本不一致；请先运行 qinlian build"
    notebook = f"{module.id}.ipynb"
    released = made | {notebook: _as_released(made[notebook] or b"", config)}
    if stale := _different(released, _files(release)):
        return f"release/ 里的 {stale} 与课程文本不一致；请先运行 qinlian build"
    return ""


def _as_released(notebook: bytes, config: Config) -> bytes:
    """What generate_assignment makes of a source notebook, without touching a gradebook."""
    nb = nbformat.reads(notebook.decode(), as_version=4)  # type: ignore[no-untyped-call]
    resources: dict[str, Any] = {"nbgrader": {}, "metadata": {}}
    for step in GenerateAssignment(coursedir=CourseDirectory(config=config), config=config).preprocessors:
        if step not in (SaveCells, InstantiateTests):
            preprocessor = step(config=config)
            if preprocessor.enabled:
                nb, resources = preprocessor.preprocess(nb, resources)
    text = str(nbformat.writes(nb))  # type: ignore[no-untyped-call]
    return (text.rstrip("\n") + "\n").encode()


def _files(folder: Path) -> dict[str, bytes | None]:
    """What lies in a folder. A link is never what the build made, whatever it points at: None."""
    return {
        str(p.relative_to(folder)): None if p.is_symlink() else p.read_bytes()
        for p in folder.rglob("*")
        if (p.is_file() or p.is_symlink()) and ".ipynb_checkpoints" not in p.parts
    }


def _different(made: dict[str, bytes | None], found: dict[str, bytes | None]) -> str:
    """The name of a file that is not the same in both, or empty."""
    names = sorted(made.keys() | found.keys())
    return next((name for name in names if made.get(name) is None or made[name] != found.get(name)), "")


class QinlianRelease(ExchangeReleaseAssignment):  # type: ignore[misc]
    """Publishes what course/ gives, and archives its edition first."""

    def ensure_root(self) -> None:
        """Find the exchange, or make it as nbgrader does; raises ExchangeError where it cannot be written to.

        One that is there keeps its mode: nbgrader would open it to everybody's writing, and then any user of the
        machine could put a folder of theirs in the place of the course's.
        """
        if Path(self.root).is_dir():
            super(ExchangeReleaseAssignment, self).ensure_root()
        else:
            super().ensure_root()

    def copy_files(self) -> None:
        """Check, archive the edition, publish. Raises ExchangeError, in Chinese, when refused."""
        module_id = self.coursedir.assignment_id
        if Path(self.dest_path).is_dir() and not self.force:
            self.fail(f"{module_id} 已经发布过，没有再发布；要换成新的内容，请在教师页重新发布，或在命令后加 --force")
        source = Path(self.coursedir.format_path(self.coursedir.source_directory, ".", module_id))
        try:
            # The same folder that grading will look for the edition in.
            course_dir = course_folder(Path(self.coursedir.root))
            course = load_course(course_dir)
            module = course.module(module_id)
            reason = unfit(course, module, course_dir, source, Path(self.src_path), self.config)
            if not reason:
                save_edition(course_dir, course, module)
        except KeyError:
            reason = f"课程里没有模块 {module_id}；请先写进 course.yaml，再运行 qinlian build"
        except QinlianError as error:
            reason = str(error)
        if reason:
            self.fail(f"没有发布 {module_id}：{reason}")
        self._publish(Path(self.src_path), Path(self.dest_path))
        self.log.info("已发布 %s %s", self.coursedir.course_id, module_id)

    def _publish(self, source: Path, target: Path) -> None:
        # Learners fetch at any moment: they never get half of the old edition and half of the new one.
        holder = Path(tempfile.mkdtemp(prefix=".releasing-", dir=target.parent))
        try:
            shared = self.coursedir.groupshared
            fresh = holder / "new"
            self.do_copy(str(source), str(fresh))
            self.set_perms(str(fresh), fileperms=0o664 if shared else 0o644, dirperms=0o2775 if shared else 0o755)
            replace_folder(fresh, target)
        finally:
            shutil.rmtree(holder, ignore_errors=True)


class QinlianReleaseFeedback(ExchangeReleaseFeedback):  # type: ignore[misc]
    """Releases the feedback pages of notebooks that the gradebook knows, and of nothing else.

    Stock nbgrader publishes any ``*.html`` it finds, under links too. The folder lets nobody list it.
    """

    def copy_files(self) -> None:
        """Copy each learner's page to its unguessable name, atomically."""
        excluded = set(filter(None, self.coursedir.student_id_exclude.split(",")))
        known = self._notebooks()
        step = Path(self.coursedir.format_path(self.coursedir.feedback_directory, "*", self.coursedir.assignment_id))
        for folder in self._folders(step):
            if folder.parent.name in excluded:
                continue
            try:
                secret = (folder / SECRET_NAME).read_text("utf-8")
            except OSError:
                self.log.warning("%s 里没有提交凭证，反馈没有发出", folder)
                continue
            for name in known:
                page = folder / f"{name}.html"
                if page.is_file() and not page.is_symlink():
                    checksum = notebook_hash(secret=secret, notebook_id=name)
                    target = Path(self.dest_path) / f"{checksum}.html"
                    replace_file(target, page.read_bytes(), 0o664 if self.coursedir.groupshared else 0o644, sync=False)

    def _notebooks(self) -> list[str]:
        with Gradebook(self.coursedir.db_url, self.coursedir.course_id) as gradebook:
            try:
                return [n.name for n in gradebook.find_assignment(self.coursedir.assignment_id).notebooks]
            except MissingEntry:
                return []

    def _folders(self, step: Path) -> list[Path]:
        learner = self.coursedir.student_id or "*"
        base = step.parent.parent
        return sorted(p for p in base.glob(f"{learner}/{step.name}") if p.is_dir() and not p.is_symlink())
