"""Runs nbgrader's own tests of its commands from a copy, so that nothing of the installed package changes."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

__all__ = ["FAILED", "PASSED", "SKIPPED", "Outcome", "Way", "run_suite"]

PASSED, FAILED, SKIPPED = "pass", "fail", "skip"
_HERE = Path(__file__).resolve().parent
_REPOSITORY = _HERE.parents[1]
_FIRST = (re.compile(r"\bp1\b"), re.compile(r"""(?<=["']ps1["'], ["'])(?:foo|problem1)(?=\.(?:ipynb|html))"""))
_SECOND = re.compile(r"\bp[12]\b")
"""What they call the one notebook of assignments ps1 and ps2: a module's notebook has the module's name."""


@dataclass(frozen=True)
class Outcome:
    """What came of one test: ``state`` is pass, fail or skip; ``said`` is the failure's text."""

    state: str
    said: str = ""


@dataclass(frozen=True)
class Way:
    """How the tests are run.

    The course's settings are in force, but for those named in ``stock``. ``lesson`` gives them modules of ours
    in the place of their assignments ps1 and ps2, whose one notebook has the module's name, as in every course
    of ours.
    """

    lesson: bool = False
    stock: tuple[str, ...] = ()


def run_suite(folder: Path, way: Way, tests: Sequence[str] = (), *, workers: int = 2) -> dict[str, Outcome]:
    """Run nbgrader's tests of its commands; returns test → outcome, a test being ``file.py::name[parameters]``.

    ``folder`` takes everything they write. ``tests`` narrows the run; ``workers`` of 0 runs it in one process.
    Raises RuntimeError when pytest itself gives up.
    """
    for name in ("home", "jupyter", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "pytest.ini").write_text("[pytest]\n")
    apps = _copy(folder / "copy" / "nbgrader", way)
    if way.lesson:
        _build(folder / "lesson")
    report = folder / "report.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-c", str(folder / "pytest.ini"), "--rootdir", str(folder)]
    command += ["-q", "-p", "no:cacheprovider", "-W", "ignore", "-n", str(workers), f"--junitxml={report}"]
    for plugin in ("copied", "settings_for_api", *(["lessons"] if way.lesson else [])):
        command += ["-p", f"tests.nbgrader_suite.{plugin}"]
    command += [str(apps / test) for test in tests] or [str(apps)]
    environment = _environment(folder, way)
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1) or not report.is_file():
        raise RuntimeError(f"pytest ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")
    return _read(report)


def _copy(target: Path, way: Way) -> Path:
    """nbgrader's tests below ``target``; returns the folder of those of its commands."""
    found = find_spec("nbgrader")
    assert found is not None
    assert found.origin is not None
    shutil.rmtree(target, ignore_errors=True)
    # "ui-tests" are for a JavaScript runner.
    leave = shutil.ignore_patterns("__pycache__", "ui-tests")
    shutil.copytree(Path(found.origin).parent / "tests", target / "tests", ignore=leave)
    # pytest takes a test's name from the folders with this file; the package itself is the installed one.
    (target / "__init__.py").touch()
    if way.lesson:
        for path in (target / "tests" / "apps").glob("test_*.py"):
            path.write_text("".join(map(_renamed, path.read_text("utf-8").splitlines(keepends=True))), "utf-8")
    return target / "tests" / "apps"


def _renamed(line: str) -> str:
    """A line of theirs with our names of notebooks."""
    if "ps2" in line or '(cachepath, "p2' in line:
        return _SECOND.sub("ps2", line)
    for theirs in _FIRST:
        line = theirs.sub("ps1", line)
    # Where ps1 has a second notebook, that one keeps its place after the first.
    return re.sub(r"\bp2\b", "ps1_2", line)


def _build(root: Path) -> None:
    """A course repository, built and archived as released."""
    from qinlian.authoring.reader import load_course
    from qinlian.grading.editions import save_edition
    from qinlian.notebooks.build import build

    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(_HERE / "lesson", root / "course")
    shutil.copy(_REPOSITORY / "nbgrader_config.py", root)
    build(root, lambda _: None)
    course = load_course(root / "course")
    for module in course.modules:
        save_edition(root / "course", course, module)


def _environment(folder: Path, way: Way) -> dict[str, str]:
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    made = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "NBGRADER", "PYTEST", "QINLIAN"))}
    made |= {
        "PATH": tools,
        "PYTHONPATH": str(_REPOSITORY),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "USER": pwd.getpwuid(os.geteuid()).pw_name,
        "JUPYTER_CONFIG_DIR": str(folder / "jupyter"),
        "JUPYTER_CONFIG_PATH": str(_HERE / "settings"),
        "JUPYTER_DATA_DIR": str(folder / "jupyter"),
        "QINLIAN_CLASSROOM": str(folder / "classroom"),
        "QINLIAN_SUITE_COPY": str(folder / "copy" / "nbgrader"),
        "QINLIAN_SUITE_LESSON": str(folder / "lesson"),
        "QINLIAN_SUITE_STOCK": ",".join(way.stock),
    }
    return made


def _read(report: Path) -> dict[str, Outcome]:
    found: dict[str, Outcome] = {}
    for case in ET.parse(report).iter("testcase"):
        file, *rest = case.attrib["classname"].rpartition("tests.apps.")[2].split(".")
        name = "::".join([f"{file}.py", *rest, case.attrib["name"]])
        trouble = [child for child in case if child.tag in ("failure", "error")]
        if trouble:
            found[name] = Outcome(FAILED, "\n".join(child.text or "" for child in trouble))
        else:
            found[name] = Outcome(SKIPPED if case.find("skipped") is not None else PASSED)
    return found
