"""The command line: Chinese words, honest exit status, no traceback."""

from __future__ import annotations

import json
import re
import shutil
import stat
import tempfile
from pathlib import Path

import click
import openpyxl
import pytest

from qinlian import cli

ROOT = Path(__file__).parents[2]
ENGLISH = re.compile(r"[A-Za-z]{4,}")
WORDS = {"JSON", "Excel", "Ctrl", "questions", "qinlian", "help", "course", "source", "release"}
WORDS |= {"Moodle", "XML", "GIFT", "QTI", "drafts"}


def names_in(command: click.Command) -> set[str]:
    """What has to be typed as it is: the names of commands and of their options."""
    found = {part for p in command.params for option in p.opts for part in ENGLISH.findall(option)}
    for name, inner in getattr(command, "commands", {}).items():
        found |= set(ENGLISH.findall(name)) | names_in(inner)
    return found


NAMES = names_in(cli.app) | WORDS


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run ``qinlian`` as a shell would; returns its exit status."""
    monkeypatch.setattr("sys.argv", ["qinlian", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    code = ended.value.code
    return code if isinstance(code, int) else 0


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A copy of the real course, free to be spoiled."""
    shutil.copytree(ROOT / "course", tmp_path / "course")
    return tmp_path


@pytest.mark.parametrize(
    "command", ["", "check", "grade", "report", "export", "roster", "roster import", "roster list"]
)
def test_every_help_page_is_chinese(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, *command.split(), "--help") == 0
    said = capsys.readouterr().out
    assert "用法" in said
    assert set(ENGLISH.findall(said)) <= NAMES


@pytest.mark.parametrize(
    ("arguments", "word"),
    [(["chek"], "写得不对"), (["check", "--strct"], "--strict"), (["import"], "题库文件"), (["export"], "--help")],
)
def test_a_wrong_word_is_answered_in_chinese(
    arguments: list[str], word: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, *arguments) == 2
    assert word in capsys.readouterr().err


def test_a_folder_without_a_course_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "check", "--root", str(tmp_path)) == 1
    assert "--root" in capsys.readouterr().err


def test_the_committed_course_passes_even_strictly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "check", "--root", str(ROOT), "--strict") == 0
    assert "检查通过" in capsys.readouterr().out


def test_all_problems_are_shown_at_once_with_their_places(
    course: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    questions = course / "course" / "modules" / "02-gifts" / "questions.md"
    text = questions.read_text(encoding="utf-8")
    text = text.replace("[单选]", "[单先]", 1).replace("难度=2", "难度=9", 1)
    questions.write_text(text, encoding="utf-8")
    assert run(monkeypatch, "check", "--root", str(course), "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert {d["file"] for d in found if d["code"].startswith("E2")} == {"course/modules/02-gifts/questions.md"}
    assert any("单选" in d["hint"] for d in found)
    assert all(re.fullmatch(r"\S+:\d+:\d+|\S+", d["place"]) for d in found)


@pytest.mark.slow
def test_a_workbook_goes_out_and_comes_back_without_changing_a_byte(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = course / "题库.xlsx"
    before = {p: p.read_bytes() for p in (course / "course").rglob("*.md")}
    assert run(monkeypatch, "export", "--root", str(course), "--xlsx", str(book)) == 0
    assert run(monkeypatch, "import", "--root", str(course), str(book)) == 0
    assert {p: p.read_bytes() for p in (course / "course").rglob("*.md")} == before


@pytest.mark.slow
def test_a_workbook_with_an_error_imports_nothing(
    course: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    book = course / "题库.xlsx"
    assert run(monkeypatch, "export", "--root", str(course), "--xlsx", str(book)) == 0
    opened = openpyxl.load_workbook(book)
    sheet = opened["单选"]
    headers = [c.value for c in sheet[1]]
    sheet.cell(2, headers.index("题干") + 1).value = "改过的题干，看看会不会写进去"
    sheet.cell(3, headers.index("答案") + 1).value = "Z"
    opened.save(book)
    before = {p: p.read_bytes() for p in (course / "course").rglob("*.md")}
    assert run(monkeypatch, "import", "--root", str(course), str(book)) == 1
    assert "题库.xlsx!单选!" in capsys.readouterr().out
    assert {p: p.read_bytes() for p in (course / "course").rglob("*.md")} == before


def test_something_unexpected_is_logged_and_told_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)

    def broken(root: Path) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(cli.course, "course_dir", broken)
    assert run(monkeypatch, "check") == 1
    said = capsys.readouterr().err
    assert "Traceback" not in said
    (log,) = (tmp_path / ".classroom" / "logs").glob("error-*.log")
    assert str(log.relative_to(tmp_path)) in said
    assert "a bug" in log.read_text(encoding="utf-8")


@pytest.fixture
def bug(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(root: Path) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(cli.course, "course_dir", broken)


@pytest.mark.usefixtures("bug")
def test_the_details_lie_with_the_course_and_only_its_owner_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, root = tmp_path / "here", tmp_path / "course repository"
    here.mkdir()
    root.mkdir()
    monkeypatch.chdir(here)
    assert run(monkeypatch, "check", "--root", str(root)) == 1
    (log,) = (root / ".classroom" / "logs").glob("error-*.log")
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert stat.S_IMODE((root / ".classroom").stat().st_mode) == 0o700
    assert list(here.iterdir()) == []


@pytest.mark.usefixtures("bug")
def test_where_nothing_can_be_written_the_details_go_elsewhere_or_are_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".classroom").write_text("no folder")
    elsewhere = tmp_path / "tmp"
    elsewhere.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    assert run(monkeypatch, "check", "--root", str(tmp_path)) == 1
    (log,) = elsewhere.iterdir()
    assert str(log) in capsys.readouterr().err
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    assert run(monkeypatch, "check", "--root", str(tmp_path)) == 1
    said = capsys.readouterr().err
    assert "程序出了意外" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("arguments", [("grade", "99-none"), ("export", "--xlsx", "x.xlsx", "--module", "99-none")])
def test_a_module_the_course_does_not_have_is_named_with_those_it_has(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, *arguments, "--root", str(ROOT)) == 1
    said = capsys.readouterr().err
    assert "没有模块 99-none" in said
    assert "02-gifts" in said


@pytest.mark.slow
def test_what_is_printed_of_a_module_is_printed_as_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Summary:
        failed = 0

        def text(self) -> str:
            return "评分 2 份 [/etc/x] [bold]"

    monkeypatch.setattr("qinlian.grading.worker.grade_module", lambda *_, **__: Summary())
    assert run(monkeypatch, "grade", "02-gifts", "--root", str(ROOT)) == 0
    assert "评分 2 份 [/etc/x] [bold]" in capsys.readouterr().out
