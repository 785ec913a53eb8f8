"""Grades every submission of a module in one process: the fast way to the same files and rows.

nbgrader takes a quarter of a second for each submission even without a kernel. Here its work that is
the same for everybody is done once (``prepared``), rows are written in batches (``gradebook``), and
each learner's folder is written aside and put in place whole.
"""

from __future__ import annotations

import gc
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy import Engine, inspect

from qinlian.core.files import ANSWERS_NAME, SECRET_NAME, TIMESTAMP_NAME
from qinlian.database import dropped, naive, retrying, writing
from qinlian.errors import ClaimError, GradingError, QinlianError
from qinlian.grading.assess import Assessment, assess, cell_points, course_folder, keep, past_of
from qinlian.grading.editions import Edition, current_edition
from qinlian.grading.gradebook import Layout, Marks, Penalty, layout, write_marks
from qinlian.grading.guard import Guard
from qinlian.grading.prepared import Filled, Prepared, prepare
from qinlian.grading.preprocess import text_digest
from qinlian.grading.responses import open_engine, set_shown, shown
from qinlian.grading.setting import Setting
from qinlian.grading.submission import Submission, read_submission
from qinlian.grading.tables import ASSIGNMENT

__all__ = ["BulkReport", "Progress", "grade_submissions"]

Progress = Callable[[int, int], None]
"""(how many are done, of how many)."""
_CHUNK = 100


@dataclass
class BulkReport:
    """Who was graded, who did not need to be, and who could not be, with a Chinese reason."""

    graded: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    errors: dict[str, Exception] = field(default_factory=dict)

    def fail(self, learner: str, error: Exception) -> None:
        """Note why one submission could not be graded: in Chinese, and what was raised."""
        self.failed[learner], self.errors[learner] = _failure(error), error


@dataclass(frozen=True)
class _Plan:
    """What is the same for all submissions of one run."""

    module: str
    engine: Engine
    course_dir: Path
    current: Edition
    prepared: Prepared
    cells: Layout
    points: dict[str, float]
    penalty: Penalty
    master: tuple[tuple[str, bytes], ...]
    file_mode: int
    shared: bool
    guard: Guard | None


def _needs_grading(source: Path, target: Path, force: bool) -> bool:
    """nbgrader's own rule: not graded yet, graded again on demand, or submitted anew since."""
    if force or not target.exists():
        return True
    new = read_submission(source, "", "").submitted_at
    old = read_submission(target, "", "").submitted_at
    return new is not None and old is not None and new > old


def _submissions(setting: Setting, module: str, learners: Sequence[str] | None) -> Iterator[tuple[str, Path]]:
    base = setting.step("submitted", "*", module).parent.parent
    excluded = set(filter(None, setting.coursedir.student_id_exclude.split(",")))
    names = learners if learners is not None else (p.name for p in base.iterdir()) if base.is_dir() else ()
    for name in sorted(names):
        folder = base / name / module
        if name[:1] != "." and name not in excluded and folder.is_dir() and not folder.is_symlink():
            yield name, folder


def _penalty(setting: Setting) -> Penalty:
    step = AssignLatePenalties(config=setting.config)
    step.init_plugin()
    plugin = step.plugin_inst

    def ask(learner: str, score: float, seconds: float) -> float | None:
        found: float | None = plugin.late_submission_penalty(learner, score, seconds)
        return found

    return ask


def _master(setting: Setting, module: str, converter: Autograde) -> tuple[tuple[str, bytes], ...]:
    """Files that every learner gets from source/, such as lesson.json."""
    source = setting.step("source", ".", module)
    kept = set(converter.exclude_overwriting.get(module, ()))
    paths = (p for p in sorted(source.rglob("*")) if p.is_file() and p.suffix != ".ipynb")
    found = ((str(p.relative_to(source)), p.read_bytes()) for p in paths if not set(p.parts) & {".ipynb_checkpoints"})
    return tuple((name, data) for name, data in found if name not in kept | {ANSWERS_NAME})


def _plan(setting: Setting, module: str, guard: Guard | None) -> _Plan | None:
    """Everything that can be done once; None when nbgrader has to grade each submission itself."""
    points: dict[str, float] = {}
    engine = open_engine(setting.db_url)
    with engine.connect() as connection:
        if inspect(connection).has_table(ASSIGNMENT.name):
            cells = layout(connection, module)
            points = cell_points(connection, module)
    if not points:
        raise GradingError(f"成绩册里还没有模块 {module}；请先运行 qinlian build 并发布它")
    converter = Autograde(coursedir=setting.coursedir, config=setting.config)
    prepared = prepare(converter, module)
    if cells is None or prepared is None or {*prepared.points, *prepared.placeholders} != set(cells.grade_cells):
        return None
    course_dir = course_folder(Path(setting.coursedir.root))
    current = current_edition(course_dir, module)
    for name in prepared.points:
        if name not in current.quizzes:
            raise GradingError(f"评分单元格 {name} 不是本课程的测验，不能评分；请先运行 qinlian build 并重新发布")
    return _Plan(
        module=module,
        engine=engine,
        course_dir=course_dir,
        current=current,
        prepared=prepared,
        cells=cells,
        points=points,
        penalty=_penalty(setting),
        master=_master(setting, module, converter),
        file_mode=int(str(converter.permissions), 8),
        shared=bool(setting.coursedir.groupshared),
        guard=guard,
    )


@dataclass(frozen=True)
class _Job:
    learner: str
    source: Path
    target: Path


def _write(folder: int, name: str, data: bytes, mode: int) -> None:
    handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=folder)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(handle, view) :]
        os.fchmod(handle, mode)
    finally:
        os.close(handle)


def _write_master(plan: _Plan, folder: int, aside: Path, like: Path | None) -> None:
    """The files that all learners have in common; ``like`` is a folder that holds them already."""
    for name, data in plan.master:
        if "/" in name:
            (aside / name).parent.mkdir(parents=True, exist_ok=True)
        if like is not None and not plan.file_mode & 0o222:
            # Nobody may write to these, so one file under many names does, and costs a tenth.
            try:
                os.link(like / name, name, dst_dir_fd=folder, follow_symlinks=False)
                continue
            except OSError:
                pass
        _write(folder, name, data, plan.file_mode)


def _write_aside(
    plan: _Plan, job: _Job, submission: Submission, notebook: bytes, ready: Sequence[tuple[_Job, Path]]
) -> Path:
    """The learner's autograded folder under another name, complete."""
    aside = job.target.parent / f".{plan.module}.{uuid4().hex}"
    try:
        aside.mkdir()
    except FileNotFoundError:
        aside.parent.mkdir(parents=True, exist_ok=True)
        aside.mkdir()
    own = (
        (ANSWERS_NAME, submission.raw),
        (TIMESTAMP_NAME, submission.timestamp),
        (SECRET_NAME, submission.secret_file),
    )
    folder = os.open(aside, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name, data in own:
            if data is not None:
                _write(folder, name, data, plan.file_mode)
        _write_master(plan, folder, aside, ready[0][1] if ready else None)
        _write(folder, f"{plan.module}.ipynb", notebook, plan.file_mode)
        if plan.shared:
            os.fchmod(folder, 0o2770 | os.fstat(folder).st_mode & 0o2777)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    finally:
        os.close(folder)
    return aside


def _put_in_place(aside: Path, target: Path) -> None:
    try:
        aside.rename(target)
    except OSError:
        # There is one already: the new one takes its name before the old one goes.
        old = target.parent / f".{target.name}.{uuid4().hex}"
        target.rename(old)
        aside.rename(target)
        shutil.rmtree(old, ignore_errors=True)


def _marks(plan: _Plan, assessment: Assessment, filled: Filled, before: dict[tuple[str, str], str]) -> Marks:
    learner = assessment.submission.learner
    untouched = {n for n in plan.prepared.blank if filled.texts[n] == plan.prepared.placeholders[n]}
    scores: dict[str, float | None] = {**filled.scores}
    scores |= {name: 0.0 if name in untouched else None for name in filled.texts}
    changed = {name for name, text in filled.texts.items() if before.get((learner, name)) != text_digest(text)}
    return Marks(
        learner=learner,
        timestamp=naive(assessment.submission.submitted_at),
        seconds_late=assessment.seconds_late,
        scores=scores,
        blank=frozenset(untouched),
        changed=frozenset(changed),
    )


def _failure(error: Exception) -> str:
    if isinstance(error, QinlianError):
        return str(error)
    return "评分没有完成（程序或磁盘的问题），这份提交保持原样；请稍后重试，仍不行请把日志交给管理员"


def _grade_chunk(plan: _Plan, jobs: Sequence[_Job], report: BulkReport, log: logging.Logger) -> None:
    """Grade some submissions in one transaction; their folders are put in place once it is committed."""
    now = datetime.now(UTC)
    failed: dict[str, Exception] = {}
    ready: list[tuple[_Job, Path]] = []
    submissions = [read_submission(job.source, job.learner, plan.module) for job in jobs]
    try:
        with writing(plan.engine) as connection:
            if plan.guard is not None:
                plan.guard.renew(connection, [job.learner for job in jobs])
            past = past_of(connection, plan.module, submissions)
            before = shown(connection, plan.module, [job.learner for job in jobs])
            done: list[Assessment] = []
            marks: list[Marks] = []
            texts: dict[tuple[str, str], str] = {}
            for job, submission in zip(jobs, submissions, strict=True):
                try:
                    assessment = assess(submission, past, plan.course_dir, now, plan.points, plan.current)
                    filled = plan.prepared.fill(assessment.grade)
                    mark = _marks(plan, assessment, filled, before)
                    ready.append((job, _write_aside(plan, job, submission, filled.notebook, ready)))
                except Exception as error:
                    log.exception("没有评完 %s 的 %s", job.learner, plan.module)
                    failed[job.learner] = error
                    continue
                done.append(assessment)
                marks.append(mark)
                texts |= {(job.learner, name): text_digest(text) for name, text in filled.texts.items()}
            write_marks(connection, plan.cells, marks, plan.penalty)
            keep(connection, done, past, now)
            set_shown(connection, plan.module, texts, before)
    except BaseException:
        for _, aside in ready:
            shutil.rmtree(aside, ignore_errors=True)
        raise
    # Committed first: a folder without its rows would never be graded again, rows without it will.
    for job, aside in ready:
        try:
            if plan.guard is not None and not plan.guard.sure(job.learner):
                shutil.rmtree(aside, ignore_errors=True)
                raise ClaimError("写完成绩之后停得太久，评分的文件夹由接手的评分程序来放")
            _put_in_place(aside, job.target)
            report.graded.append(job.learner)
        except (OSError, ClaimError) as error:
            failed[job.learner] = error
    for learner, raised in failed.items():
        report.fail(learner, raised)


def _by_nbgrader(setting: Setting, module: str, learner: str) -> None:
    """One submission through nbgrader's own converter; raises GradingError when it fails."""
    converter = Autograde(
        coursedir=setting.fresh_coursedir(module, learner), config=setting.config, log=setting.log, force=True
    )
    try:
        converter.start()
    except (NbGraderException, SystemExit) as error:
        raise GradingError(f"nbgrader 没有评完 {learner} 的 {module}；请查看日志") from error


def grade_submissions(
    setting: Setting,
    module: str,
    learners: Sequence[str] | None = None,
    force: bool = False,
    progress: Progress | None = None,
    guard: Guard | None = None,
) -> BulkReport:
    """Grade what is in ``submitted/*/<module>``: new submissions, or all of them with ``force``.

    ``learners`` narrows it down. One submission that cannot be graded never stops the others: it is
    in the report. Writes the files and rows that ``nbgrader autograde`` with our preprocessors
    would, and the responses. Where others may grade too, the learners' claims must be held, and
    ``guard`` speaks for them. Raises GradingError when nothing can be graded at all (no release, no
    edition), ClaimError when the claims were lost, and SQLAlchemy's error when the database went away.
    """
    report = BulkReport()
    jobs = []
    autograded = setting.step("autograded", "*", module).parent.parent
    for learner, source in _submissions(setting, module, learners):
        job = _Job(learner, source, autograded / learner / module)
        if _needs_grading(job.source, job.target, force):
            jobs.append(job)
        else:
            report.skipped.append(learner)
    plan = _plan(setting, module, guard) if jobs else None
    _leave_old_objects_alone()
    _grade_all(setting, module, plan, jobs, report, progress, guard)
    if progress:
        progress(len(jobs), len(jobs))
    return report


def _leave_old_objects_alone() -> None:
    """Keep the garbage collector from walking through all of nbgrader again and again: 0.3 s each time.

    Once in the life of a process: who freezes and thaws around each batch never collects anything, for what is thawed
    does not count as new.
    """
    if not gc.get_freeze_count():
        gc.collect()
        gc.freeze()


def _grade_all(
    setting: Setting,
    module: str,
    plan: _Plan | None,
    jobs: Sequence[_Job],
    report: BulkReport,
    progress: Progress | None,
    guard: Guard | None,
) -> None:
    for start in range(0, len(jobs), _CHUNK if plan else 1):
        chunk = jobs[start : start + (_CHUNK if plan else 1)]
        if guard is not None:
            guard.begin(plan is None)
        if progress:
            progress(start, len(jobs))
        if plan is None:
            _one_by_one(chunk, report, setting.log, lambda job: _by_nbgrader(setting, module, job.learner))
            continue
        try:
            retrying(lambda c=chunk: _grade_chunk(plan, c, report, setting.log))  # type: ignore[misc]
        except ClaimError:
            raise
        except Exception as error:
            if dropped(error):
                raise
            # Something in this batch cannot be written: find out which, and keep the others.
            setting.log.exception("这一批没有一次写完，改为逐份评分")
            _one_by_one(chunk, report, setting.log, lambda job: _grade_chunk(plan, [job], report, setting.log))


def _one_by_one(jobs: Sequence[_Job], report: BulkReport, log: logging.Logger, work: Callable[[_Job], None]) -> None:
    for job in jobs:
        try:
            retrying(lambda j=job: work(j))  # type: ignore[misc]
            if job.learner not in report.failed and job.learner not in report.graded:
                report.graded.append(job.learner)
        except Exception as error:
            if dropped(error):
                raise
            log.exception("没有评完 %s", job.learner)
            report.fail(job.learner, error)
