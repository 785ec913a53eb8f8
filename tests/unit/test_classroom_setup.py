"""Getting a classroom ready with real nbgrader, and not doing it twice."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from qinlian.authoring.reader import load_course
from qinlian.classroom.layout import Layout
from qinlian.classroom.setup import prepare

pytestmark = pytest.mark.slow

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the course's text and nothing built."""
    root = tmp_path_factory.mktemp("repository")
    shutil.copytree(REPOSITORY / "course", root / "course", ignore=shutil.ignore_patterns("editions"))
    shutil.copy(REPOSITORY / "nbgrader_config.py", root)
    return root


def steps(root: Path) -> list[str]:
    said: list[str] = []
    prepare(Layout(root), load_course(root / "course"), said.append)
    return said


def outbound(root: Path) -> dict[str, bytes]:
    base = root / ".classroom" / "exchange"
    return {str(p.relative_to(base)): p.read_bytes() for p in base.rglob("*") if p.is_file()}


def test_everything_is_built_released_and_known_to_the_gradebook(root: Path) -> None:
    course = load_course(root / "course")
    assert steps(root)
    names = {Path(name).parent.name for name in outbound(root)}
    assert names == {m.id for m in course.modules}
    for module in course.modules:
        assert (root / "release" / module.id / f"{module.id}.ipynb").is_file()
    assert (root / ".classroom" / "gradebook.db").is_file()
    assert not list(root.glob("gradebook.db"))


def test_a_second_time_nothing_is_done_and_nbgrader_not_imported(root: Path) -> None:
    before = outbound(root)
    code = f"""
import sys
from pathlib import Path
from qinlian.authoring.reader import load_course
from qinlian.classroom.layout import Layout
from qinlian.classroom.setup import prepare
root = Path({str(root)!r})
prepare(Layout(root), load_course(root / "course"), print)
print("nbgrader" in sys.modules)
"""
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert done.stdout.split() == ["False"]
    assert outbound(root) == before


def test_a_changed_course_is_released_anew(root: Path) -> None:
    before = outbound(root)
    lesson = next((root / "course" / "modules").glob("*/lesson.md"))
    lesson.write_text(lesson.read_text("utf-8") + "\n\n末尾新加的一段。\n", encoding="utf-8")
    said = steps(root)
    assert sum(line.startswith("发布到课堂") for line in said) == 1
    after = outbound(root)
    changed = {name for name in after if after[name] != before[name]}
    assert {Path(name).parent.name for name in changed} == {lesson.parent.name}
    assert steps(root) == []


def test_what_somebody_changed_by_hand_is_put_right(root: Path) -> None:
    path = next((root / "release").glob("*/lesson.json"))
    whole = path.read_text("utf-8")
    path.write_text(json.dumps({"broken": True}), encoding="utf-8")
    steps(root)
    assert path.read_text("utf-8") == whole
