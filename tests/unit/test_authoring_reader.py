"""The whole course: lessons, cases, YAML, rules, secret, and everything reported at once."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from qinlian.authoring.coursefile import parse_course
from qinlian.authoring.lessons import by_number
from qinlian.authoring.numerals import number_of
from qinlian.authoring.reader import load_course, read_course
from qinlian.authoring.rulebook import Rulebook, parse_rules
from qinlian.authoring.secret import load_identity, read_secret
from qinlian.authoring.textfile import Place, parse_text
from qinlian.core.diagnostics import Diagnostic
from qinlian.core.model import CaseBlock, ItemBlock, Module, PracticeBlock, Prose, QuizBlock, ReflectionBlock
from qinlian.errors import CourseError

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "tests" / "data" / "authoring" / "base"
TAIL = "解析：理由。\n依据：《纪律处分条例》第九十七条\n"


def truefalse(number: int, more: str = "") -> str:
    return (
        f"### LZ-02-{number:03d} [判断] {{难度={number % 3 + 1} 知识点={'礼品' if number % 2 else '宴请'}{more}}}\n"
        f"第 {number} 个说法，内容是{'甲乙丙丁戊己庚辛壬癸'[number % 10] * 9}。\n"
        f"- [ ] 对\n  > 再想想。\n- [x] 错\n  > 对。\n{TAIL}\n"
    )


def write(course: Path, **files: str) -> Path:
    shutil.copytree(BASE, course)
    for name, text in files.items():
        (course / "modules" / "02-gifts" / f"{name}.md").write_text(text, encoding="utf-8")
    return course


def module(course: Path) -> Module:
    read, found = read_course(course)
    assert [d for d in found if d.is_error] == []
    assert read is not None
    return read.modules[0]


QUESTIONS = (
    "## 练习 {用途=练习}\n"
    + "".join(truefalse(n) for n in (1, 2, 3, 10, 9, 5))
    + "## 测验 {用途=测验}\n"
    + "".join(truefalse(n) for n in (101, 102, 103))
    + "## 心得\n### LZ-02-R1 [心得] {字数=200-800}\n写一件小事。\n- [8] A. 具体\n- [12] B. 说得清\n"
)
LESSON = """# 礼尚往来

学习目标：
- 认得出。

* 说得出。

## 一

正文。

{{题 LZ-02-003}}

{{练习 知识点=礼品 数量=2}}
{{练习}}
{{案例 LZ-02-C1}}

## 二
｛｛测验　id＝02-exam　数量＝２　次数＝3　及格＝80　分值＝50　计次＝末次　解析＝每次｝｝
{{心得 LZ-02-R1}}
尾声。
"""
CASES = "# 案例\n\n### LZ-02-C1 [案例] {类型=正面}\n\n标题：一箱脐橙\n\n> 开头。\n\n{{题 LZ-02-005}}\n\n后来……\n"


def test_a_lesson_becomes_blocks_in_order(tmp_path: Path) -> None:
    read = module(write(tmp_path / "course", questions=QUESTIONS, lesson=LESSON, cases=CASES))
    assert read.objectives == ("认得出。", "说得出。")
    assert read.blocks == (
        Prose(text="## 一\n\n正文。"),
        ItemBlock(item="LZ-02-003"),
        # 003 and 005 are embedded by name, so the sets pass over them; the order is that of the numbers.
        PracticeBlock(id="p1", items=("LZ-02-001", "LZ-02-009")),
        PracticeBlock(id="p2", items=("LZ-02-002", "LZ-02-010")),
        CaseBlock(case="LZ-02-C1"),
        Prose(text="## 二"),
        QuizBlock(
            id="02-exam",
            pool=("LZ-02-101", "LZ-02-102", "LZ-02-103"),
            count=2,
            attempts=3,
            pass_mark=80,
            points=50,
            keep="末次",
            reveal="每次",
        ),
        ReflectionBlock(item="LZ-02-R1"),
        Prose(text="尾声。"),
    )
    (case,) = read.cases
    assert (case.kind, case.title) == ("正面", "一箱脐橙")
    assert case.parts == (Prose(text="> 开头。"), ItemBlock(item="LZ-02-005"), Prose(text="后来……"))
    assert read.max_score == 70


def test_everything_wrong_anywhere_is_reported_at_once_and_in_order(tmp_path: Path) -> None:
    course = write(
        tmp_path / "course",
        questions=QUESTIONS.replace("### LZ-02-002 [判断]", "### LZ-02-002 [判段]").replace("- [x] 错", "- [y] 错", 1),
        lesson=LESSON.replace("{{心得 LZ-02-R1}}", "{{心的 LZ-02-R1}}").replace("计次", "记次"),
        cases=CASES.replace("标题：", "题目："),
    )
    (course / "course.yaml").write_text(
        "课程: qinlian\n标题：甲\n及格: 及格\n模块:\n  - 目录: 02-gifts\n    标题: 礼尚往来\n"
    )
    (course / "secret.txt").unlink()
    read, found = read_course(course)
    assert read is None
    assert [(Path(d.file).name, d.line, d.code) for d in found if d.is_error] == [
        ("course.yaml", 2, "E106"),
        ("course.yaml", 3, "E108"),
        ("cases.md", 5, "E412"),
        ("lesson.md", 19, "E403"),
        ("lesson.md", 20, "E402"),
        ("questions.md", 6, "E203"),
        ("questions.md", 11, "E202"),
        ("secret.txt", 0, "E109"),
    ]
    assert list(found) == sorted(found, key=lambda d: (d.file, d.line, d.col))


def test_ids_sort_by_the_numbers_in_them() -> None:
    ids = ["LZ-02-10", "LZ-02-9", "LZ-02-R1", "LZ-02-009"]
    assert sorted(ids, key=by_number) == ["LZ-02-009", "LZ-02-9", "LZ-02-10", "LZ-02-R1"]


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        (("{{题 LZ-02-003}}", "{{题 LZ-02-003}"), ["E401"]),
        (("{{题 LZ-02-003}}", "{题 LZ-02-003}"), ["E401"]),
        (("{{题 LZ-02-003}}", "- {{题 LZ-02-003}}"), ["E401"]),
        (("{{题 LZ-02-003}}", "[[题 LZ-02-003]]"), ["E401"]),
        (("{{题 LZ-02-003}}", "{{题}}"), ["E401"]),
        (("{{题 LZ-02-003}}", "{{题LZ-02-003}}"), ["E402"]),
        (("{{题 LZ-02-003}}", "{{题 LZ-02-003 数量=2}}"), ["E403"]),
        (("{{题 LZ-02-003}}", "{{题 LZ-02-030}}"), ["E406"]),
        (("{{题 LZ-02-003}}", "{{题 LZ-02-101}}"), ["E408"]),
        (("{{题 LZ-02-003}}", "{{题 LZ-02-R1}}"), ["E408", "E407"]),
        (("{{题 LZ-02-003}}", "{{题 LZ-02-005}}"), ["E407"]),
        (("{{心得 LZ-02-R1}}", "{{心得 LZ-02-001}}"), ["E408"]),
        (("数量=2}}", "数量=20}}"), ["E405"]),
        (("数量=2}}", "数量=零}}"), ["E404"]),
        (("知识点=礼品 数量=2", "知识点=礼物 数量=2"), ["E404", "E405"]),
        (("知识点=礼品 数量=2", "难度=4"), ["E404", "E405"]),
        (("id＝02-exam　", ""), ["E409"]),
        (("id＝02-exam", "id＝LZ-02-001"), ["E301"]),
        (("尾声。", "{{测验 id=second 数量=1 知识点=礼品}}"), ["E407"]),
        (("尾声。", "{{测验 id=02-exam 数量=1 知识点=礼品}}"), ["E301"]),
        (("及格＝80", "及格＝120"), ["E404"]),
        (("学习目标：", "学习目标"), ["E410"]),
        (("学习目标：", "学习目标：认得出。"), ["E410"]),
        (("## 二", "##二"), ["E410"]),
        (("## 二", "# 二"), ["E410"]),
        (("尾声。", "<script>alert(1)</script>"), ["E110", "E110"]),
        (("尾声。", "用 `<b>` 不算，a<b 也不算"), []),
        (("尾声。", "见《纪律处分条例》（2018年修订）第八十八条和《某书》"), []),
        (("尾声。", "见《纪律处分条例》第九十七条、第九十八条第一款"), ["E504"]),
        (("尾声。", "见《刑法》第三百八十五条"), ["E502"]),
    ],
)
def test_every_embed_is_looked_up(change: tuple[str, str], codes: list[str], tmp_path: Path) -> None:
    assert change[0] in LESSON
    course = write(tmp_path / "course", questions=QUESTIONS, lesson=LESSON.replace(*change, 1), cases=CASES)
    assert sorted(d.code for d in read_course(course)[1] if d.is_error) == sorted(codes)


def test_a_practice_set_takes_no_item_twice_and_no_graded_one(tmp_path: Path) -> None:
    lesson = LESSON.replace("{{练习}}", "{{练习 难度=1、2 数量=1}}\n{{练习 数量=1}}")
    read = module(write(tmp_path / "course", questions=QUESTIONS, lesson=lesson, cases=CASES))
    sets = [b for b in read.blocks if isinstance(b, PracticeBlock)]
    assert [b.id for b in sets] == ["p1", "p2", "p3"]
    taken = [i for b in sets for i in b.items]
    assert len(taken) == len(set(taken))
    assert {read.item(i).use for i in taken} == {"练习"}


# --- course.yaml and rules ------------------------------------------------------------------


def told(found: list[Diagnostic]) -> list[str]:
    return [f"{d.line}:{d.col} {d.code}" for d in found]


def test_every_scalar_is_text() -> None:
    frame, found = parse_course(
        parse_text(
            "课程: no-1\n标题: 010\n副标题: 否\n及格: 60.5\n模块:\n  - 目录: 02-a\n    标题: 1.10\n"
            "    截止: 2027-06-30 23:59\n    学时: 1.5\n",
            "c",
        )
    )
    assert told(found) == []
    assert frame is not None
    assert (frame.title, frame.subtitle, frame.pass_mark) == ("010", "否", 60.5)
    assert frame.modules[0].title == "1.10"
    assert frame.modules[0].due == datetime(2027, 6, 30, 15, 59, tzinfo=UTC), "Beijing time"


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("课程: a\n标题: [未完", ["2:5 E104"]),
        ("课程: a\n标题: &x 甲\n模块: []\n", ["2:5 E104"]),
        ("课程: A b\n标题: 甲\n模块: []\n", ["1:5 E108"]),
        ("- 课程\n", ["1:1 E107"] * 4),
        ("", ["1:1 E107"] * 4),
        ("课程: a\n标题: 甲\n模块:\n  - 目录: 02 礼\n    标题: x\n", ["4:9 E108"]),
        ("课程: a\n标题: 甲\n模块: []\n计分:\n  多选: 全对\n  单项: 全对得分\n", ["5:7 E108", "6:3 E108"]),
        ("课程: a\n标题: 甲\n模块: []\n培训对象:\n  - 名称: 新人\n    模块: 02-a\n", ["6:9 E108"]),
        ("课程: a\n标题: 甲\n模块:\n  - 目录：02-a\n    标题: x\n", ["4:7 E106"]),
    ],
)
def test_a_bad_course_file_says_where(text: str, codes: list[str]) -> None:
    assert told(parse_course(parse_text(text, "c"))[1]) == codes


def test_a_rule_file_is_read_with_sub_articles_and_points() -> None:
    document, _, found = parse_rules(
        parse_text(
            "文件: 某法\n简称: 甲、乙\n发布: 某机关\n版本: 2020\n施行: 2020-01-01\n失效:\n条文:\n"
            "  - 条: 120之一\n    要点: 一\n  - 项: 3\n    款: 1\n    要点: 二\n",
            "r",
        )
    )
    assert told(found) == []
    assert document is not None
    assert [(a.number, a.sub, a.unit, a.paragraphs) for a in document.articles] == [(120, 1, "条", 1), (3, 0, "项", 1)]
    assert document.short == ("甲", "乙")
    rules = Rulebook((document,))
    for good in ("《某法》第一百二十条之一", "《甲》第120条之1第一款第（二）项", "《某法》（2020）第三项", "《乙》"):
        assert list(rules.cited(good, Place("x"))) == []
    for bad, code in (
        ("《某法》第一百二十条", "E504"),
        ("《某法》第三条", "E504"),
        ("某法第三项", "E501"),
        ("《某法》第三项。", "E501"),
    ):
        assert [d.code for d in rules.cited(bad, Place("x"))] == [code]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("一", 1),
        ("十", 10),
        ("十五", 15),
        ("九十七", 97),
        ("一百零二", 102),
        ("一百一十", 110),
        ("二百", 200),
        ("三千五百零一", 3501),
        ("〇", None),
        ("97", 97),
        ("１０２", 102),
        ("百", 100),
        ("一二", None),
        ("十百", None),
        ("0", None),
    ],
)
def test_chinese_numerals(text: str, number: int | None) -> None:
    assert number_of(text) == number


# --- secret, loading, speed -----------------------------------------------------------------


def test_the_secret_is_read_or_refused_in_chinese_without_being_quoted(tmp_path: Path) -> None:
    assert read_secret(BASE) == bytes.fromhex("00112233445566778899aabbccddeeff" * 2)
    assert load_identity(BASE).of("a") == load_identity(BASE).of("a")
    with pytest.raises(CourseError, match="没有密钥文件"):
        read_secret(tmp_path)
    for text in ("00ff", "z" * 64, "密" * 64, "0" * 63):
        (tmp_path / "secret.txt").write_text(text, encoding="utf-8")
        with pytest.raises(CourseError) as raised:
            read_secret(tmp_path)
        assert text not in str(raised.value)


def test_the_summary_lists_the_first_few_errors(tmp_path: Path) -> None:
    course = write(tmp_path / "course", questions="".join(f"### a{n} [单选题]\n" for n in range(8)))
    with pytest.raises(CourseError, match=r"(?s)课程有 8 处错误.*questions\.md:1:9: E202.*另有 3 处"):
        load_course(course)


def test_a_missing_folder_is_one_error(tmp_path: Path) -> None:
    assert [d.code for d in read_course(tmp_path / "nowhere")[1]] == ["E101"]


def test_the_course_in_this_repository_has_no_errors() -> None:
    if not (ROOT / "course" / "course.yaml").exists():
        pytest.skip("a copy without course/")
    assert [str(d) for d in read_course(ROOT / "course")[1] if d.is_error] == []


def test_checking_loads_nothing_heavy() -> None:
    script = (
        "import sys; from qinlian.authoring import reader, merge, workbook, writer\n"
        "print([m for m in ('nbgrader', 'pandas', 'nbformat', 'openpyxl', 'IPython') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
