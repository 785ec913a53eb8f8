"""Our preprocessors, alone and as nbgrader_config.py puts them together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.notebooknode import NotebookNode
from traitlets.config.loader import PyFileConfigLoader

from qinlian.errors import GradingError
from qinlian.notebooks.build import write_sources
from qinlian.notebooks.notebook import ANSWER_PLACEHOLDER
from tests.sample import COURSE, IDS, MODULE

ROOT = Path(__file__).resolve().parents[2]


def config() -> Any:
    return PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()


# nbgrader_config.py


def test_the_configuration_stays_short() -> None:
    assert len((ROOT / "nbgrader_config.py").read_text("utf-8").splitlines()) < 80


def test_no_module_lets_nbgrader_put_anything_over_a_learners_answers() -> None:
    modules = {p.name for p in (ROOT / "course" / "modules").iterdir() if p.is_dir()}
    assert config().Autograde.exclude_overwriting == {name: ["answers.json"] for name in modules}


def test_nothing_executes_a_notebook() -> None:
    steps = [*config().Autograde.sanitize_preprocessors, *config().Autograde.autograde_preprocessors]
    assert not [s for s in steps if "Execute" in s]
    assert steps[0].endswith("PutBackReleased")


def test_answers_are_not_ignored_anywhere() -> None:
    # In CourseDirectory.ignore they would be dropped in silence by submit, collect and autograde.
    assert "ignore" not in config().CourseDirectory


def test_times_are_utc() -> None:
    assert config().Exchange.timezone == "UTC"


def test_the_classrooms_data_follow_the_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("QINLIAN_CLASSROOM", str(tmp_path))
    found = config().CourseDirectory
    for place in (found.submitted_directory, found.feedback_directory, found.autograded_directory):
        assert Path(place).parent == tmp_path
    assert found.db_url == f"sqlite:///{tmp_path / 'gradebook.db'}"


# The released notebook


@pytest.fixture
def release(tmp_path: Path) -> Path:
    write_sources(COURSE, IDS, tmp_path)
    return tmp_path / MODULE.id


@pytest.mark.slow
def test_the_released_notebook_is_read(release: Path) -> None:
    from qinlian.grading.preprocess import released_notebook

    names = [c.metadata.get("nbgrader", {}).get("grade_id") for c in released_notebook(release, MODULE.id).cells]
    assert {"90-exam", "LZ-90-R1"} <= set(names)


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["missing", "no json", "not a lesson"])
def test_without_a_released_lesson_nothing_is_graded(release: Path, damage: str) -> None:
    from qinlian.grading.preprocess import released_notebook

    path = release / f"{MODULE.id}.ipynb"
    if damage == "missing":
        path.unlink()
    elif damage == "no json":
        path.write_text("{", "utf-8")
    else:
        nbformat.write(nbformat.v4.new_notebook(), path)
    with pytest.raises(GradingError, match=MODULE.id):
        released_notebook(release, MODULE.id)


# Reflections


def answer_cell() -> NotebookNode:
    metadata = {"nbgrader": {"grade": True, "solution": True, "locked": False, "grade_id": "LZ-90-R1", "points": 20}}
    return nbformat.v4.new_markdown_cell(ANSWER_PLACEHOLDER, metadata=metadata)


@pytest.mark.slow
@pytest.mark.parametrize(("text", "changed"), [("<b>好</b>", True), (None, False)])
def test_a_reflection_is_put_into_its_cell_and_its_absence_leaves_the_cell_alone(
    text: str | None, changed: bool
) -> None:
    from qinlian.grading.grades import ReflectionGrade
    from qinlian.grading.preprocess import PlaceReflections

    reflections = (ReflectionGrade(MODULE.item("LZ-90-R1"), IDS.of("LZ-90-R1"), text),)
    step = PlaceReflections()
    grade = type("Grade", (), {"reflections": reflections})()
    step._assessment = lambda _: type("Assessment", (), {"grade": grade})()
    nb, _ = step.preprocess(nbformat.v4.new_notebook(cells=[answer_cell()]), {})
    assert (nb.cells[0].source != ANSWER_PLACEHOLDER) is changed
    assert "<b>" not in nb.cells[0].source
