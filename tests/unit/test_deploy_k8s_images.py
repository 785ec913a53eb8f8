"""deploy/k8s/Dockerfile and .dockerignore: what a build would be sent, and what gets into a learner's image.

No Docker engine is asked. The files are read as Docker reads them, as far as ours use its language.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from dataclasses import dataclass, field
from functools import cache

import pytest

from qinlian.hub.pods import Places
from qinlian.hub.settings import GRADER
from tests.unit.kubernetes_rooms import FOLDER, REPOSITORY, name_of, pod_spec, workloads

KEYS = ("course/secret.txt", "course/course.yaml", "course/modules/02-gifts/questions.md", "course/comments.yaml")
FORBIDDEN = ("course/", "source/", "release/", "autograded/", ".git/", ".classroom/", "tests/", "deploy/", ".venv/")


@cache
def rules() -> tuple[tuple[re.Pattern[str], bool], ...]:
    """.dockerignore as Docker reads it: every pattern counts from the top, and "!" lets in again."""
    lines = (REPOSITORY / ".dockerignore").read_text("utf-8").splitlines()
    return tuple((_pattern(line.lstrip("!")), line.startswith("!")) for line in lines if line[:1] not in ("#", ""))


def _pattern(text: str) -> re.Pattern[str]:
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(parts.get(part, re.escape(part)) for part in re.split(r"(\*\*/|\*\*|\*|\?)", text)))


def ignored(name: str) -> bool:
    """Is this file left out? The last pattern decides that matches it or a folder it lies in."""
    folders = name.split("/")
    ways = ["/".join(folders[:depth]) for depth in range(1, len(folders) + 1)]
    out = False
    for pattern, lets_in in rules():
        if any(pattern.fullmatch(way) for way in ways):
            out = not lets_in
    return out


@cache
def sent() -> tuple[str, ...]:
    """The files of the repository that a build is sent; of what Git ignores, one for each folder at the top."""
    git = ["git", "-C", str(REPOSITORY), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(git, capture_output=True, check=True).stdout.decode()
    files = [name for name in listed.split("\0") if name]
    files += [f"{path.name}/any/file" for path in REPOSITORY.iterdir() if path.is_dir()]
    return tuple(name for name in files if not ignored(name))


@dataclass
class Stage:
    """One FROM of the Dockerfile: its parent, and what is copied into it."""

    parent: str
    copied: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


@cache
def stages() -> dict[str, Stage]:
    """The Dockerfile's stages by name."""
    text = re.sub(r"\\\n", " ", (FOLDER / "Dockerfile").read_text("utf-8"))
    found: dict[str, Stage] = {}
    current = Stage("")
    for line in text.splitlines():
        word, _, rest = line.strip().partition(" ")
        current.lines.append(line)
        if word == "FROM":
            parent, name = re.fullmatch(r"(\S+) AS (\S+)", rest).groups()  # type: ignore[union-attr]
            current = found[name] = Stage(parent)
        elif word == "ADD":
            raise AssertionError("ADD unpacks and downloads; COPY says what it does")
        elif word == "COPY":
            if origin := re.match(r"--from=(\S+) ", rest):
                current.taken.append(origin[1])
            else:
                current.copied += rest.split()[:-1]
    return found


def inside(name: str) -> set[str]:
    """The repository's files that end up in an image, with all stages it is made of or takes from."""
    stage = stages().get(name)
    if stage is None:
        return set()
    own = {
        file
        for what in stage.copied
        for file in sent()
        if file == what or file.startswith(f"{what.removeprefix('./')}/")
    }
    return own.union(inside(stage.parent), *(inside(origin) for origin in stage.taken))


def test_no_key_no_course_and_no_history_is_sent_to_a_build() -> None:
    for key in KEYS:
        assert (REPOSITORY / key).is_file(), "the test would prove nothing"
        assert key not in sent()
    assert not [name for name in sent() if name.startswith(FORBIDDEN)]
    assert ignored(".git/config")


def test_what_a_build_needs_is_sent() -> None:
    for stage in stages().values():
        for what in stage.copied:
            assert [name for name in sent() if name == what or name.startswith(f"{what}/")], what


@pytest.mark.parametrize(
    ("name", "out"),
    [
        ("qinlian/quiz/lesson.py", False),
        ("qinlian/a/__pycache__/b.pyc", True),
        ("qinlian.db", True),
        ("a/qinlian", True),
    ],
)
def test_the_rules_are_read_as_docker_reads_them(name: str, out: bool) -> None:
    assert ignored(name) is out


def test_a_file_that_appears_in_the_repository_tomorrow_stays_out() -> None:
    for name in ("new-folder/answers.yaml", "secret.txt", "notes/key.md", "gradebook.db", "requirements.lock"):
        assert ignored(name)


@pytest.mark.parametrize("image", ["learner", "hub"])
def test_an_image_holds_the_engine_and_no_course(image: str) -> None:
    files = inside(image)
    assert "qinlian/quiz/lesson.py" in files
    assert not [name for name in files if name.startswith(FORBIDDEN)]


def test_a_learners_image_installs_nothing_that_grades() -> None:
    files = inside("learner")
    assert {name for name in files if name.endswith(".lock")} == {"requirements-learner.lock"}
    pins = (REPOSITORY / "requirements-learner.lock").read_text("utf-8")
    for package in ("nbgrader", "pandas", "psycopg"):
        assert not re.search(rf"^{package}\b", pins, re.MULTILINE)
    assert re.search(r"^jupyterhub==", pins, re.MULTILINE)


@pytest.mark.parametrize("name", ["requirements-learner.lock", "requirements-k8s.lock"])
def test_an_image_runs_on_what_the_tests_ran_on(name: str) -> None:
    def pins(file: str) -> dict[str, str]:
        return dict(re.findall(r"^([\w.-]+)==(\S+)", (REPOSITORY / file).read_text("utf-8"), re.MULTILINE))

    tested = pins("requirements-dev.lock")
    differing = {p: v for p, v in pins(name).items() if tested.get(p, v) != v}
    assert differing == {}


def test_everything_installed_is_checked_against_its_hash_or_is_ours() -> None:
    installs = [line for stage in stages().values() for line in stage.lines if "pip install" in line]
    assert len(installs) == 4
    for line in installs:
        assert "--require-hashes" in line or ("--no-deps" in line and "--no-build-isolation" in line)


def test_nobody_is_root_in_an_image_that_runs() -> None:
    for name in ("learner", "hub"):
        assert [line for line in stages()[name].lines if line.startswith("USER ")] == ["USER 65534:65534"]


def test_the_base_image_is_pinned() -> None:
    (base,) = re.findall(r"^ARG PYTHON=(\S+)$", (FOLDER / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    assert re.fullmatch(r"docker\.io/library/python:3\.11\.\d+-slim-bookworm(@sha256:[0-9a-f]{64})?", base)


@pytest.mark.parametrize(
    ("image", "folder"), [("learner", str(Places("x").settings)), ("hub", "/opt/qinlian/formgrader")]
)
def test_the_settings_that_pods_are_told_of_are_in_their_image(image: str, folder: str) -> None:
    (written,) = [line for line in stages()[image].lines if line.startswith("RUN python -c")]
    assert f"Path('{folder}')" in written
    program = shlex.split(written.removeprefix("RUN "))[-1]
    compile(program, "Dockerfile", "exec")


def test_the_grader_has_a_name_in_the_image_for_nbgrader_asks_for_it() -> None:
    (made,) = [line for line in stages()["hub"].lines if "useradd" in line]
    uids = {pod_spec(w)["securityContext"]["runAsUser"] for w in workloads() if name_of(w) != "postgres"}
    assert uids == {20_000}
    assert re.search(rf"--uid 20000 [^&]*{GRADER}$", made)
    assert "--uid 1000 " in made, "the chart runs the Hub as 1000"
