"""Our part of nbgrader's autograde: preprocessors that nbgrader_config.py puts into its two lists.

Sanitizing: ``PutBackReleased`` first, ``PlaceReflections`` after OverwriteCells. Autograding:
``GradeFromAnswers`` in the place of Execute, ``SaveGrades`` in that of SaveAutoGrades. Nothing of a
learner's notebook is run, shown or even looked at: all that counts is answers.json.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters.exporter import ResourcesDict
from nbformat.notebooknode import NotebookNode
from nbgrader import utils
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor, SaveAutoGrades
from traitlets import Unicode

from qinlian.atomic import replace_file
from qinlian.core.files import ANSWERS_NAME, SECRET_NAME, TIMESTAMP_NAME
from qinlian.core.scoring import plain_score
from qinlian.database import retrying, writing
from qinlian.errors import GradingError
from qinlian.grading.assess import Assessment, assess_folder, course_folder, grade_and_keep
from qinlian.grading.explain import explain, summary
from qinlian.grading.gradebook import set_timestamp
from qinlian.grading.grades import SubmissionGrade
from qinlian.grading.guard import claim_of
from qinlian.grading.plaintext import markdown_cell
from qinlian.grading.responses import open_engine, set_shown, shown
from qinlian.grading.submission import Submission, read_submission

__all__ = [
    "GradeFromAnswers",
    "PlaceReflections",
    "PutBackReleased",
    "SaveGrades",
    "cell_outputs",
    "fill_grade_cells",
    "grade_outputs",
    "released_notebook",
    "text_digest",
]

Step = tuple[NotebookNode, ResourcesDict]
_KEY = "qinlian"


def text_digest(source: str) -> str:
    """What is remembered of a reflection's cell, to tell whether its text changed."""
    return hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()


def _coursedir(preprocessor: NbGraderPreprocessor) -> CourseDirectory | None:
    # A preprocessor's parent is the exporter, whose parent is nbgrader's converter.
    converter = getattr(preprocessor.parent, "parent", None)
    return getattr(converter, "coursedir", None)


class _Assessing(NbGraderPreprocessor):
    """Shared by those that need the submission's grade."""

    course_directory = Unicode(
        "", help="The folder course/ with its editions; empty: $QINLIAN_COURSE, or the nearest one above."
    ).tag(config=True)

    def _course_dir(self) -> Path:
        if self.course_directory:
            return Path(self.course_directory)
        coursedir = _coursedir(self)
        return course_folder(Path(coursedir.root) if coursedir is not None else Path.cwd())

    def _assessment(self, resources: ResourcesDict) -> Assessment:
        """The submission's grade, made once for all preprocessors of one pass."""
        if _KEY not in resources:
            where = resources["nbgrader"]
            learner, module, folder = where["student"], where["assignment"], self._folder(resources)
            resources[_KEY] = assess_folder(where["db_url"], folder, learner, module, self._course_dir())
        found: Assessment = resources[_KEY]
        return found

    def _submission(self, resources: ResourcesDict) -> Submission:
        """What lies there to be graded at this moment."""
        where = resources["nbgrader"]
        return read_submission(self._folder(resources), where["student"], where["assignment"])

    def _folder(self, resources: ResourcesDict) -> Path:
        where, coursedir = resources["nbgrader"], _coursedir(self)
        if coursedir is not None:
            # As it was submitted: nbgrader's copy in autograded/ has already followed any link.
            path = coursedir.format_path(coursedir.submitted_directory, where["student"], where["assignment"])
            if Path(path).is_dir():
                return Path(path)
        return Path(resources["metadata"]["path"])


def released_notebook(folder: Path, name: str) -> NotebookNode:
    """The released notebook, the caller's to change; raises GradingError when there is none, or it is not ours."""
    path = folder / f"{name}.ipynb"
    try:
        stamp = path.stat()
        return copy.deepcopy(_released(path, stamp.st_mtime_ns, stamp.st_size, stamp.st_ino))
    except (OSError, ValueError):
        raise GradingError(f"release/ 里没有可用的 {path.name}；请先运行 qinlian build") from None


@lru_cache(maxsize=50)
def _released(path: Path, *_: int) -> NotebookNode:
    # Reading validates, which takes longer than everything else here; a class has one release.
    released: NotebookNode = nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    if not released.metadata.get("qinlian", {}).get("lesson"):
        raise GradingError(f"{path.name} 不是由本课程生成的笔记本，不在这里评分")
    return released


class PutBackReleased(NbGraderPreprocessor):
    """Takes the released notebook in the place of the submitted one, and claims the learner's work.

    So cells that were added, deleted, duplicated or altered are of no consequence, and no markup of
    a learner's gets anywhere. A notebook that this program did not make is refused by name.

    Grading workers may run beside nbgrader's own autograde: from here on, until the next submission's
    turn, nobody else grades this one.
    """

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> Step:
        """The released notebook; raises GradingError when there is none, or it is not a lesson."""
        where = resources["nbgrader"]
        coursedir = _coursedir(self)
        if coursedir is None:
            raise GradingError("PutBackReleased 只能在 nbgrader 的评分流程里使用")
        claim_of(where["db_url"]).take((where["student"], where["assignment"]))
        _copy_again(coursedir, where["student"], where["assignment"])
        folder = Path(coursedir.format_path(coursedir.release_directory, ".", where["assignment"]))
        return released_notebook(folder, where["notebook"]), resources


def _copy_again(coursedir: CourseDirectory, learner: str, module: str) -> None:
    """nbgrader copied the submission before it was claimed: bring over what a worker has changed since."""
    source = Path(coursedir.format_path(coursedir.submitted_directory, learner, module))
    target = Path(coursedir.format_path(coursedir.autograded_directory, learner, module))
    if not target.is_dir():
        return
    before, now = read_submission(target, learner, module), read_submission(source, learner, module)
    if before.identity == now.identity and before.raw == now.raw:
        return
    for name, data in ((ANSWERS_NAME, now.raw), (TIMESTAMP_NAME, now.timestamp), (SECRET_NAME, now.secret_file)):
        if data is None:
            (target / name).unlink(missing_ok=True)
        else:
            replace_file(target / name, data, sync=False)


class PlaceReflections(_Assessing):
    """Writes each reflection, as harmless text, into the cell that is graded by hand."""

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> Step:
        """The notebook with its reflections; a cell without one stays as released (No response)."""
        texts = {r.item.id: r.text for r in self._assessment(resources).grade.reflections}
        for cell in nb.cells:
            if cell.cell_type == "markdown" and utils.is_grade(cell) and utils.is_solution(cell):
                text = texts.get(cell.metadata.nbgrader["grade_id"])
                if text is not None:
                    cell.source = markdown_cell(text)
        return nb, resources


def fill_grade_cells(nb: NotebookNode, outputs: Callable[[str, float, int], list[NotebookNode]]) -> dict[str, float]:
    """Give each grade cell ``outputs(name, points, execution count)`` and every other code cell none.

    Returns grade cell → points.
    """
    points: dict[str, float] = {}
    count = 0
    for cell in nb.cells:
        if cell.cell_type != "code":
            continue
        count += 1
        cell.outputs, cell.execution_count = [], None
        if utils.is_grade(cell):
            name = cell.metadata.nbgrader["grade_id"]
            points[name] = float(cell.metadata.nbgrader["points"])
            cell.execution_count = count
            cell.outputs = outputs(name, points[name], count)
    return points


def cell_outputs(html: str, text: str, score: str, count: int) -> list[NotebookNode]:
    """Something for people, then the score, which nbgrader reads."""
    return [
        nbformat.v4.new_output("display_data", data={"text/html": html, "text/plain": text}),
        nbformat.v4.new_output("execute_result", data={"text/plain": score}, execution_count=count),
    ]


def grade_outputs(grade: SubmissionGrade, quiz_id: str, points: float, count: int) -> list[NotebookNode]:
    """What running the grade cell leaves: something for people, then one plain float in [0, points].

    nbgrader takes anything else for full marks, so the number is clamped here once more. Raises
    GradingError for a quiz that is not ours: without an output nbgrader would give it full marks.
    """
    try:
        quiz = grade.quiz(quiz_id)
    except KeyError:
        raise GradingError(
            f"评分单元格 {quiz_id} 不是本课程的测验，不能评分；请先运行 qinlian build 并重新发布"
        ) from None
    return cell_outputs(explain(grade, quiz), summary(quiz), repr(plain_score(quiz.counted, points)), count)


class GradeFromAnswers(_Assessing):
    """Stands in the place of Execute: the score comes from the answers, and no code is run."""

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> Step:
        """The notebook as running it would leave it; raises GradingError for a grade cell not ours."""
        _fill(nb, self._assessment(resources).grade)
        return nb, resources


def _fill(nb: NotebookNode, grade: SubmissionGrade) -> None:
    fill_grade_cells(nb, lambda name, points, count: grade_outputs(grade, name, points, count))


class SaveGrades(SaveAutoGrades, _Assessing):  # type: ignore[misc]
    """nbgrader's SaveAutoGrades, which besides keeps the responses and spares an instructor work.

    nbgrader asks for a new manual mark whenever a submission is graded again. Here it is asked for
    only where the text changed; the mark itself is never touched by either.
    """

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> Step:
        """Save scores and comments, then the responses; returns the notebook as it is."""
        where = resources["nbgrader"]
        learner, module = where["student"], where["assignment"]
        engine = open_engine(where["db_url"])
        with engine.connect() as connection:
            self._shown = shown(connection, module, [learner])
        self._digests: dict[tuple[str, str], str] = {}
        claim = claim_of(where["db_url"])
        claim.take((learner, module))
        before = self._assessment(resources)
        if self._submission(resources).identity != before.submission.identity:
            raise GradingError(f"{learner} 的 {module} 刚有新的提交；请再评一次")
        nb, resources = super().preprocess(nb, resources)
        course_dir, now = self._course_dir(), datetime.now(UTC)

        def work() -> Assessment:
            with writing(engine) as connection:
                claim.write(connection, (learner, module))
                set_timestamp(connection, learner, module, before.submission.submitted_at)
                done = grade_and_keep(connection, before.submission, course_dir, now)
                set_shown(connection, module, self._digests, shown(connection, module, [learner]))
            return done

        # Another process may have graded another attempt since: only this transaction knows for good.
        resources[_KEY] = after = retrying(work)
        if [q.counted for q in after.grade.quizzes] != [q.counted for q in before.grade.quizzes]:
            _fill(nb, after.grade)
            nb, resources = super().preprocess(nb, resources)
        return nb, resources

    def _add_score(self, cell: NotebookNode, resources: ResourcesDict) -> None:
        name = cell.metadata["nbgrader"]["grade_id"]
        grade: Any = self.gradebook.find_grade(name, self.notebook_id, self.assignment_id, self.student_id)
        before, score_before = grade.needs_manual_grade, grade.auto_score
        super()._add_score(cell, resources)
        if utils.is_solution(cell):
            digest = text_digest(cell.source)
            same = self._shown.get((self.student_id, name)) == digest
            self._digests[self.student_id, name] = digest
        else:
            same = grade.auto_score == score_before
        if grade.manual_score is not None and same:
            grade.needs_manual_grade = before
            self.gradebook.db.commit()
