"""Nothing of a graded item's key leaves the instructor's side."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from qinlian.authoring.reader import load_course
from qinlian.authoring.secret import load_identity, read_secret
from qinlian.core.files import LESSON_NAME
from qinlian.core.model import Course
from qinlian.notebooks.publish import publish
from tests.security.canaries import canaries, leaks

ROOT = Path(__file__).parents[2]
PUBLIC_FIELDS = {"kind", "label", "stem", "points", "difficulty", "topics", "rule"}
SHOWN_FIELDS = {"options", "blanks", "left", "right", "criteria", "words", "stratum"}
ACTIVITY_FIELDS = {
    "decision": {"start", "nodes"},
    "ledger": {"columns", "categories", "reasons", "variants"},
    "selfcheck": {"posts", "likelihood", "consequence", "levels", "own", "least", "promise"},
}
TELLING = {"key", "points", "feedback", "citations", "explanation", "practice", "group", "best", "score"}


def telling(value: object) -> set[str]:
    """The field names at any depth that would say something of the key."""
    if isinstance(value, dict):
        return (TELLING & value.keys()).union(*(telling(v) for v in value.values()))
    return set().union(*(telling(v) for v in value)) if isinstance(value, list) else set()


@pytest.fixture(scope="module")
def course() -> Course:
    return load_course(ROOT / "course")


@pytest.fixture(scope="module")
def words(course: Course) -> set[str]:
    found = canaries(course, read_secret(ROOT / "course"))
    assert len(found) > 200, "too few canaries to prove anything"
    return found


def test_the_search_finds_a_planted_leak(tmp_path: Path, words: set[str]) -> None:
    word = max(words, key=len)
    (tmp_path / "a.json").write_text(json.dumps({"x": word}), encoding="utf-8")
    (tmp_path / "b.txt").write_text(f"……{word}……", encoding="utf-8")
    assert len(leaks([tmp_path], words)) >= 2


@pytest.mark.parametrize("folder", ["source", "release"])
def test_committed_notebooks_hold_no_key(folder: str, words: set[str]) -> None:
    assert (ROOT / folder).is_dir()
    assert leaks([ROOT / folder], words) == []


@pytest.mark.parametrize("folder", ["source", "release"])
def test_graded_items_carry_nothing_but_stem_and_options(folder: str, course: Course) -> None:
    ids = load_identity(ROOT / "course")
    for module in course.modules:
        lesson = json.loads((ROOT / folder / module.id / LESSON_NAME).read_text(encoding="utf-8"))
        for item in module.items:
            if item.use == "测验":
                public = lesson["items"][ids.of(item.id)]
                more = ACTIVITY_FIELDS.get(public["kind"], set())
                assert set(public) <= PUBLIC_FIELDS | SHOWN_FIELDS | more
                assert not any(telling(public[name]) for name in more & set(public))
                for part in ("options", "left", "right"):
                    assert all(set(entry) == {"id", "text"} for entry in public.get(part, []))


def test_graded_options_are_not_stored_in_authored_order(course: Course) -> None:
    ids = load_identity(ROOT / "course")
    in_order = total = 0
    for module in course.modules:
        lesson = publish(course, module, ids)
        for item in module.items:
            if item.use == "测验" and item.kind in ("单选", "多选", "排序"):
                options = [o["id"] for o in lesson.items[ids.of(item.id)]["options"]]
                assert options == sorted(options)
                in_order += options == [ids.of(item.id, e.letter) for e in item.elements]
                total += 1
    # One in 24 falls into the authored order by chance for four options, one in six for three.
    assert in_order <= total // 4


def test_no_answer_file_lies_where_nbgrader_would_hand_it_out() -> None:
    for folder in ("source", "release"):
        assert list((ROOT / folder).rglob("answers.json")) == []


@pytest.mark.slow
def test_the_wheel_holds_the_engine_and_nothing_of_the_course(tmp_path: Path, words: set[str]) -> None:
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q"]
    subprocess.run([*command, "-w", str(tmp_path), "."], cwd=ROOT, check=True, timeout=180)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(tmp_path / "out")
    assert not [n for n in names if "course/" in n or n.endswith(("secret.txt", "questions.md", "lesson.md"))]
    assert any(n.startswith("qinlian/quiz/static/") for n in names)
    assert leaks([tmp_path / "out"], words) == []
