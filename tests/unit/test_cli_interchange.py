"""``qinlian import`` and ``export`` with the formats of other systems, on a course of one item."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import pytest

from qinlian import cli

FIXTURES = Path(__file__).parents[1] / "data" / "authoring"
FOREIGN = Path(__file__).parents[1] / "fixtures" / "interchange"
MODULE = Path("course/modules/02-gifts")
CITE = "依据：《中国共产党纪律处分条例》第九十七条第一款"
FORMATS = pytest.mark.parametrize(
    ("option", "file"),
    [("--moodle", "题库.xml"), ("--gift", "题库.txt"), ("--qti", "题库.zip"), ("--xlsx", "题库.xlsx")],
)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the small course, being the folder that one works in."""
    shutil.copytree(FIXTURES / "base", tmp_path / "course")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr("sys.argv", ["qinlian", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    code = ended.value.code
    return code if isinstance(code, int) else 0


def texts(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in (root / "course").rglob("*") if p.is_file()}


@FORMATS
def test_an_export_is_for_its_owner_alone_says_so_and_comes_back_without_changing_a_byte(
    option: str, file: str, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = texts(root)
    assert run(monkeypatch, "export", option, file) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-1].startswith("已导出 1 道题")
    assert said[-1].endswith("里有答案，请像保管试卷一样保管")
    assert stat.S_IMODE((root / file).stat().st_mode) == 0o600
    assert run(monkeypatch, "import", file) == 0
    assert "1 道题和 course/modules/02-gifts/questions.md 里的一样，没有改动" in capsys.readouterr().out
    assert texts(root) == before


def test_what_is_not_complete_waits_in_drafts_and_the_course_stays_sound(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bank = str(FOREIGN / "moodle-4.xml")
    assert run(monkeypatch, "import", bank, "--module", "02-gifts") == 0
    said = capsys.readouterr().out
    assert "已把 1 道题并入 course/modules/02-gifts/questions.md" in said
    assert "8 道题还没有写全，在 course/modules/02-gifts/drafts.md，不影响课程" in said
    assert "第 11 题“陪餐人数”：没有导入" in said
    assert run(monkeypatch, "check") == 0
    assert "W615 还有 8 道题没有写全" in capsys.readouterr().out

    # A second import gives new ids, also beside those that wait.
    assert run(monkeypatch, "import", bank, "--module", "02-gifts") == 0
    assert "LZ-02-002" not in capsys.readouterr().out
    assert (root / MODULE / "drafts.md").read_text(encoding="utf-8").count("### QY-70-002 ") == 1


def test_what_has_been_completed_moves_over_and_the_rest_stays_as_it_is(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    drafts = root / MODULE / "drafts.md"
    assert run(monkeypatch, "import", str(FOREIGN / "by-hand.gift.txt"), "--module", "02-gifts") == 0
    text = drafts.read_text(encoding="utf-8")
    done = text.replace("- [ ] C. 亲戚路过\n", f"- [ ] C. 亲戚路过\n解析：有公函、有任务才是。\n{CITE}\n")
    assert done != text
    drafts.write_text(done, encoding="utf-8")
    capsys.readouterr()

    assert run(monkeypatch, "import", str(MODULE / "drafts.md")) == 0
    said = capsys.readouterr().out
    assert "drafts.md:5:5: E307 LZ-02-002 没有解析" in said
    assert "已把 1 道题并入" in said
    assert "3 道题还没有写全" in said
    assert "LZ-02-004 [单选]" in (root / MODULE / "questions.md").read_text(encoding="utf-8")
    left = drafts.read_text(encoding="utf-8")
    assert left == done[: done.index("### LZ-02-004")] + done[done.index("### LZ-02-005") :]
    assert run(monkeypatch, "import", str(MODULE / "drafts.md")) == 1, "nothing was completed"
    assert drafts.read_text(encoding="utf-8") == left


def test_the_drafts_file_goes_with_its_last_item(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drafts = root / MODULE / "drafts.md"
    item = f"### LZ-02-009 [判断] {{难度=1 知识点=礼品}}\n话\n- [x] 对\n- [ ] 错\n解析：是。\n{CITE}\n"
    drafts.write_text(f"# 题目\n\n## 测验 {{用途=测验}}\n\n{item}", encoding="utf-8")
    assert run(monkeypatch, "import", str(MODULE / "drafts.md")) == 0
    assert not drafts.exists()
    assert "LZ-02-009" in (root / MODULE / "questions.md").read_text(encoding="utf-8")


def test_new_items_need_a_module_and_an_item_of_the_course_does_not(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = texts(root)
    assert run(monkeypatch, "import", str(FOREIGN / "by-hand.gift.txt")) == 1
    said = capsys.readouterr().out
    assert "E201 有 4 道题没有题号" in said
    assert "--module" in said
    assert texts(root) == before
    (root / "一题.txt").write_text(
        "// [id:LZ-02-001] [tag:用途:测验] [tag:难度:1] [tag:礼品]\n"
        f"::改::改过的题干{{\n=退回去\n~回礼\n~放着\n####理由\\n{CITE}}}\n",
        encoding="utf-8",
    )
    assert run(monkeypatch, "import", "一题.txt") == 0
    assert "，其中换掉了原有的 LZ-02-001" in capsys.readouterr().out
    assert "改过的题干" in (root / MODULE / "questions.md").read_text(encoding="utf-8")


def test_letters_stay_with_their_options_when_they_come_back_in_another_order(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(monkeypatch, "export", "--gift", "题库.txt") == 0
    text = (root / "题库.txt").read_text(encoding="utf-8")
    first, second = "\t=说明情况，退回去\n", "\t~收下以后，再回礼\n"
    assert first + second in text
    (root / "题库.txt").write_text(text.replace(first + second, second + first), encoding="utf-8")
    assert run(monkeypatch, "import", "题库.txt") == 0
    questions = (root / MODULE / "questions.md").read_text(encoding="utf-8")
    assert "- [ ] B. 收下以后，再回礼\n- [x] A. 说明情况，退回去\n- [ ] C. 先放着" in questions


def test_a_hostile_file_changes_nothing_and_says_one_sentence(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = texts(root)
    assert run(monkeypatch, "import", str(FIXTURES / "E133" / "题库.xml"), "--module", "02-gifts") == 1
    assert capsys.readouterr().out.splitlines()[1:] == ["一道题也没有导入"]
    assert texts(root) == before


@pytest.mark.parametrize(
    "arguments", [["--moodle", "a.xml", "--gift", "a.txt"], ["--qti", "a.zip", "--graph", "LZ-02-D1"], []]
)
def test_an_export_writes_one_thing(
    arguments: list[str], root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "export", *arguments) == 2
    assert "写得不对" in capsys.readouterr().err
    assert not list(root.glob("a.*"))


def test_an_export_into_no_folder_says_so(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "export", "--qti", "没有/题库.zip") == 1
    assert "没有文件夹 没有" in capsys.readouterr().err


def test_what_cannot_be_seen_never_reaches_the_course(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    item = (
        "### LZ-02-00{} [判断] {{用途=测验 难度=1 知识点=礼品}}\n话{}\n- [x] 对\n- [ ] 错\n解析：是。\n" + CITE + "\n"
    )
    (root / "同事的.md").write_text(
        "# 题目\n\n" + item.format(8, "\u200b") + "\n" + item.format(9, ""), encoding="utf-8"
    )
    assert run(monkeypatch, "import", "同事的.md", "--module", "02-gifts") == 0
    said = capsys.readouterr().out
    assert "同事的.md:4:2: E103" in said
    assert "已把 1 道题并入" in said
    (root / "题库.txt").write_text(
        "// [tag:礼\u200b品] [tag:难度:1] [tag:用途:测验]\n话\u2060{T####是。\\n\\n依据\\:" + CITE[3:] + "}\n",
        encoding="utf-8",
    )
    assert run(monkeypatch, "import", "题库.txt", "--module", "02-gifts") == 0
    assert "看不见的字符" in capsys.readouterr().out
    assert run(monkeypatch, "check") == 0
    assert "知识点=礼品}\n话\n" in (root / MODULE / "questions.md").read_text(encoding="utf-8")
