"""``qinlian roster …`` in a repository without a Hub."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest

from qinlian import cli
from qinlian.hub.settings import STATE_VARIABLE
from qinlian.roster.store import RosterStore
from tests.roster_room import gradebook

COURSE = """课程: qinlian
标题: 样例
及格: 60
模块:
  - 目录: 01-start
    标题: 导学
    学时: 2
培训对象:
  - 名称: 青年干部
    模块: 01-start
  - 名称: 教师
    模块: 01-start
"""
Run = Callable[..., tuple[int, str]]
HEAD = ("姓名", "工号", "单位", "部门", "培训对象", "邮箱", "角色")
UNIT = "省校/青禾分校"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A course's folder with a gradebook that nbgrader made and nobody is in."""
    monkeypatch.delenv(STATE_VARIABLE, raising=False)
    (tmp_path / "course").mkdir()
    (tmp_path / "course" / "course.yaml").write_text(COURSE, encoding="utf-8")
    url = gradebook(tmp_path)
    (tmp_path / "nbgrader_config.py").write_text(f"c = get_config()\nc.CourseDirectory.db_url = {url!r}\n")
    return tmp_path


@pytest.fixture
def qinlian(root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> tuple[int, str]:
        """Run ``qinlian roster …`` on ``root``: (exit status, what was said)."""
        command, *rest = arguments
        monkeypatch.setattr("sys.argv", ["qinlian", "roster", command, "--root", str(root), *rest])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out = capsys.readouterr()
        return int(ended.value.code or 0), out.out + out.err

    return run


def sheet(root: Path, *rows: tuple[str, ...], name: str = "学员.xlsx") -> str:
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    page.title = "学员"
    for row in (HEAD, *rows):
        page.append(list(row))
    book.save(root / name)
    return str(root / name)


def people(root: Path) -> dict[str, bool]:
    """Account → is it archived."""
    everybody = RosterStore(f"sqlite:///{root / 'gradebook.db'}").roster().people
    return {person.account: person.archived for person in everybody}


ONE = ("周晓岚", "1", UNIT)
TWO = ("林知远", "2", UNIT, "", "教师")
THREE = ("陈一帆", "3", "省校/栖云分校")


def test_an_import_says_what_it_did_in_one_line(root: Path, qinlian: Run) -> None:
    assert qinlian("import", sheet(root, ONE, TWO)) == (0, "新增 2 人，更新 0 人，不变 0 人，归档 0 人\n")
    status, said = qinlian("import", sheet(root, ONE, (*TWO[:3], "财务处"), THREE))
    assert status == 0
    assert said.splitlines() == [
        "新增 1 人，更新 1 人，不变 1 人，归档 0 人",
        "  第一次出现的单位：省校/栖云分校；若是写错了，改好表格再导入一次",
    ]
    assert people(root) == {"ql1": False, "ql2": False, "ql3": False}


def test_one_mistake_and_nobody_is_imported(root: Path, qinlian: Run) -> None:
    status, said = qinlian("import", sheet(root, ONE, ("", "2", "a//b"), (*THREE, "", "教员")))
    assert status == 1
    assert said.splitlines() == [
        "学员.xlsx!学员!A3: E701 没有写姓名；补上姓名",
        "学员.xlsx!学员!C3: E704 单位里有一级是空的；两个“/”之间写上名称，开头和结尾不写“/”",
        "学员.xlsx!学员!E4: E705 没有培训对象“教员”；是不是“教师”",
        "有错误，一个人也没有导入；改好表格后请再试一次",
    ]
    assert people(root) == {}


def test_very_many_mistakes_do_not_flood_the_screen(root: Path, qinlian: Run) -> None:
    status, said = qinlian("import", sheet(root, *(("", f"{n}", UNIT) for n in range(310))))
    assert status == 1
    assert said.splitlines()[-2:] == [
        "……另有 10 处，先改好上面这些",
        "有错误，一个人也没有导入；改好表格后请再试一次",
    ]


def test_a_trial_run_tells_and_changes_nothing(root: Path, qinlian: Run) -> None:
    qinlian("import", sheet(root, ONE, TWO))
    status, said = qinlian("import", sheet(root, ONE, THREE), "--complete", "--dry-run")
    assert status == 0
    assert said.splitlines()[:3] == [
        "没有改动。导入会：新增 1 人，更新 0 人，不变 1 人，归档 1 人",
        "  新增：陈一帆（3）",
        "  归档：林知远（2）",
    ]
    assert people(root) == {"ql1": False, "ql2": False}


def test_whoever_is_not_in_a_complete_sheet_is_archived_once_that_is_confirmed(root: Path, qinlian: Run) -> None:
    qinlian("import", sheet(root, ONE, TWO))
    status, said = qinlian("import", sheet(root, ONE, THREE), "--complete")
    assert status == 1
    assert "将归档 1 人" in said
    assert "林知远（2）" in said
    assert "加 --yes 再运行一次" in said
    assert people(root) == {"ql1": False, "ql2": False}, "nobody, not even the new one"
    assert qinlian("import", sheet(root, ONE, THREE), "--complete", "--yes")[0] == 0
    assert people(root) == {"ql1": False, "ql2": True, "ql3": False}


@pytest.mark.parametrize(("answer", "archived"), [("是", True), ("", False), ("y", False)])
def test_the_question_is_asked_and_only_one_answer_means_yes(
    root: Path, qinlian: Run, monkeypatch: pytest.MonkeyPatch, answer: str, archived: bool
) -> None:
    qinlian("import", sheet(root, ONE, TWO))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.termui.visible_prompt_func", lambda _: answer)
    status, said = qinlian("import", sheet(root, ONE), "--complete")
    assert (status, people(root)["ql2"]) == (0 if archived else 1, archived)
    assert archived or "没有归档，一个人也没有导入" in said


def test_without_complete_nobody_is_archived(root: Path, qinlian: Run) -> None:
    qinlian("import", sheet(root, ONE, TWO))
    qinlian("import", sheet(root, THREE))
    assert set(people(root).values()) == {False}


def test_archiving_restoring_and_importing_again(root: Path, qinlian: Run) -> None:
    qinlian("import", sheet(root, ONE, TWO))
    assert qinlian("archive", "1") == (0, "已归档 周晓岚（1）；恢复用 qinlian roster restore 1\n")
    assert people(root)["ql1"]
    assert qinlian("restore", "１")[0] == 0
    qinlian("archive", "1")
    assert qinlian("import", sheet(root, ONE)) == (0, "新增 0 人，更新 0 人，归档后又回来 1 人，不变 0 人，归档 0 人\n")
    assert not people(root)["ql1"]
    assert qinlian("archive", "9") == (1, "名单里没有这个人；核对工号，qinlian roster list 列出所有人\n")
    assert qinlian("archive", "工号")[0] == 1


def test_the_list_is_by_unit_and_can_be_imported_again(root: Path, qinlian: Run) -> None:
    qinlian("import", sheet(root, ONE, THREE, TWO))
    qinlian("archive", "2")
    status, said = qinlian("list", "--xlsx", str(root / "名单.xlsx"))
    assert status == 0
    assert re.findall("周晓岚|陈一帆|林知远", said) == ["周晓岚", "陈一帆"]
    assert "省校  2 人" in said
    assert "  青禾分校  1 人" in said
    assert "林知远" in qinlian("list", "--archived")[1]
    assert re.findall("周晓岚|陈一帆", qinlian("list", "--unit", "栖云分校")[1]) == ["陈一帆"]
    assert qinlian("list", "--unit", "栖云县") == (1, "名单里没有单位“栖云县”；是不是“栖云分校”\n")
    assert qinlian("import", str(root / "名单.xlsx"))[1] == "新增 0 人，更新 0 人，不变 2 人，归档 0 人\n"


def test_an_empty_list_says_what_to_do(root: Path, qinlian: Run) -> None:
    assert qinlian("list") == (0, "没有人；用 qinlian roster import 学员.xlsx 导入名单\n")


def test_the_template_is_not_taken_for_a_roster(root: Path, qinlian: Run) -> None:
    path = str(root / "空表.xlsx")
    assert qinlian("template", path)[0] == 0
    status, said = qinlian("import", path)
    assert status == 1
    assert "E708" in said


@pytest.mark.parametrize("command", [("sync",), ("code", "1")])
def test_what_needs_a_hub_says_so(root: Path, qinlian: Run, command: tuple[str, ...]) -> None:
    status, said = qinlian(*command)
    assert status == 1
    assert "这里没有 Hub 课堂" in said


def test_a_state_folder_without_a_hub_is_told(root: Path, qinlian: Run) -> None:
    status, said = qinlian("list", "--state", str(root / "none"))
    assert status == 1
    assert "里没有 Hub 课堂" in said


def test_a_course_that_cannot_be_read_is_told_before_anything_else(root: Path, qinlian: Run) -> None:
    (root / "course" / "course.yaml").write_text("课程：qinlian\n", encoding="utf-8")
    status, said = qinlian("import", sheet(root, ONE))
    assert status == 1
    assert said == "course.yaml 读不出来；先运行 qinlian check，照提示改好\n"
    assert people(root) == {}
