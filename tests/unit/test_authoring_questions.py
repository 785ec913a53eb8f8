"""How questions.md is read: what is accepted, what is refused, and where."""

from __future__ import annotations

import pytest

from qinlian.authoring.questions import Questions, parse_questions
from qinlian.authoring.textfile import parse_text
from qinlian.core.model import Element, Item

CITE = "《中国共产党纪律处分条例》第九十七条第二款"


def read(text: str) -> Questions:
    return parse_questions(parse_text(text, "q.md"))


def only(text: str) -> Item:
    found = read(text)
    assert found.diagnostics == ()
    (placed,) = found.items
    return placed.item


def told(text: str) -> list[str]:
    return [f"{d.line}:{d.col} {d.code}" for d in read(text).diagnostics]


FULL = f"""### LZ-02-003 [多选] {{用途=练习 难度=2 知识点=礼品礼金、宴请 分值=4 计分=全对得分}}
题干第一段。

题干第二段：
- 一份清单
- [条例](https://example.org)
- [x] A. 登记
  > 对。
  >
  > 还有一段。
- [ ] B. 隐瞒
解析：第一行。
- 解析里的清单
> 引用

末行。
依据：{CITE}；《政务处分法》第三十三条
"""


def test_every_part_of_an_item_is_read() -> None:
    assert only(FULL) == Item(
        id="LZ-02-003",
        kind="多选",
        use="练习",
        difficulty=2,
        topics=("礼品礼金", "宴请"),
        points=4,
        rule="全对得分",
        stem="题干第一段。\n\n题干第二段：\n- 一份清单\n- [条例](https://example.org)",
        elements=(
            Element(letter="A", mark="x", text="登记", feedback="对。\n\n还有一段。"),
            Element(letter="B", text="隐瞒"),
        ),
        explanation="第一行。\n- 解析里的清单\n> 引用\n\n末行。",
        citations=(CITE, "《政务处分法》第三十三条"),
    )


def test_full_width_forms_are_taken_in_structure_and_kept_in_content() -> None:
    wide = (
        "＃＃＃　ＬＺ－０２－００３　［单选］　｛难度＝２　知识点＝“礼品（节日）”　用途＝测验｝\n"
        "问：ＡＢＣ（全角）＝不变\n"
        "－　［ｘ］　Ａ．　选项：“甲”\n"
        "－［　］Ｂ、选项　－　乙\n"
        "－［］Ｃ．选项丙\n"
        "解析:ｘ－ｙ\n"
        "依据：《条例》第１条\n"
    )
    item = only(wide)
    assert (item.id, item.difficulty, item.use, item.topics) == ("LZ-02-003", 2, "测验", ("礼品（节日）",))
    assert item.stem == "问：ＡＢＣ（全角）＝不变"
    assert [(e.letter, e.mark, e.text) for e in item.elements] == [
        ("A", "x", "选项：“甲”"),
        ("B", "", "选项　－　乙"),
        ("C", "", "选项丙"),
    ]
    assert item.explanation == "ｘ－ｙ"


def test_crlf_and_a_bom_make_no_difference() -> None:
    assert read("\ufeff" + FULL.replace("\n", "\r\n")).items[0].item == only(FULL)
    assert read(FULL.replace("\n", "\r")).items[0].item == only(FULL)


def test_the_use_stands_on_the_section_or_on_the_item_which_goes_first() -> None:
    found = read(
        "## 一 {用途=练习}\n### a [判断]\n题\n### b [判断] {用途=测验}\n题\n## 二\n### c [判断]\n题\n### d [心得]\n题\n"
    )
    assert [(p.item.id, p.item.use, p.used) for p in found.items] == [
        ("a", "练习", True),
        ("b", "测验", True),
        ("c", "测验", False),
        ("d", "心得", True),
    ]


@pytest.mark.parametrize(
    ("kind", "lines", "elements"),
    [
        ("判断", "- [ ] 对\n- [x] 错", [("对", "", "对"), ("错", "x", "错")]),
        (
            "填空",
            "- [A] 一个月 | 1个月｜30日\n- [b] 指定部门",
            [("A", "", "一个月 | 1个月 | 30日"), ("B", "", "指定部门")],
        ),
        ("排序", "- [２] A. 说明\n- [1] B. 不接", [("A", "2", "说明"), ("B", "1", "不接")]),
        (
            "配对",
            "- [=] A. 收卡->廉洁\n- [＝] B. 打牌 → 工作\n- [ ] C. → 组织",
            [("A", "=", "收卡 → 廉洁"), ("B", "=", "打牌 → 工作"), ("C", "", "→ 组织")],
        ),
        ("心得", "- [12.50] A. 联系岗位\n- [８分] B. 说得清", [("A", "12.5", "联系岗位"), ("B", "8", "说得清")]),
        ("多选", "- [√] A. 甲\n- [X] D. 丁", [("A", "x", "甲"), ("D", "x", "丁")]),
    ],
)
def test_each_type_reads_its_own_brackets(kind: str, lines: str, elements: list[tuple[str, str, str]]) -> None:
    item = only(f"### a [{kind}] {{{'' if kind == '心得' else '用途=练习'}}}\n题干\n{lines}\n")
    assert [(e.letter, e.mark, e.text) for e in item.elements] == elements


def test_a_reflection_is_worth_the_sum_of_its_criteria() -> None:
    item = only("### r [心得] {字数=200-800}\n写。\n- [8] A. 一\n- [6.5] B. 二\n")
    assert (item.points, item.words, item.use) == (14.5, (200, 800), "心得")


@pytest.mark.parametrize(
    "line",
    [
        "-[x A. 选项",
        "- x] A. 选项",
        "- [x] 选项",
        "- [x]A 选项",
        "- [y] A. 选项",
        "- 【x】 A. 选项",
        "- (x) A. 选项",
        "* A. 选项",
        "A. 选项",
        "Ａ、选项",
        "[x] A. 选项",
        "— [x] A. 选项",
        "· A. 选项",
        "- [",
    ],
)
def test_a_line_that_looks_like_an_option_is_one_or_is_an_error(line: str) -> None:
    assert {c.split()[1] for c in told(f"### a [单选] {{用途=测验}}\n题干\n{line}\n")} <= {"E203"}
    assert told(f"### a [单选] {{用途=测验}}\n题干\n{line}\n")


@pytest.mark.parametrize(
    "line", ["【解析】甲", "**依据**：甲", "答案：A", "根据：甲", "解析 甲", "解析", "知识点：礼品", "_解析_：甲"]
)
def test_a_line_that_looks_like_a_field_is_one_or_is_an_error(line: str) -> None:
    assert told(f"### a [心得]\n题干\n- [1] A. 甲\n{line}\n") == ["4:1 E206"]


@pytest.mark.parametrize(
    "line", ["LZ-02-004 [多选] {难度=1}", "#### b [多选]", "###### 题外", "### [多选]", "### b 多选", "###", "#"]
)
def test_a_line_that_looks_like_a_heading_is_one_or_is_an_error(line: str) -> None:
    codes = told(f"### a [心得]\n题干\n- [1] A. 甲\n{line}\n- [x] A. 别的题的选项\n")
    assert [c.split()[1] for c in codes] == (["E208"] if line == "#" else ["E201"])


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ("\\解析：是正文", "解析：是正文"),
        ("\\A. 是正文", "A. 是正文"),
        ("\\\\依据：两道斜线", "\\依据：两道斜线"),
        ("\\# 一级", "\\# 一级"),
        ("\\- [x] A. 正文", "\\- [x] A. 正文"),
        ("依据《条例》，下列说法", "依据《条例》，下列说法"),
        ("A 项是甲公司", "A 项是甲公司"),
        ("- [注](https://example.org)", "- [注](https://example.org)"),
        ("难度不大，答案不难", "难度不大，答案不难"),
    ],
)
def test_a_backslash_or_a_different_look_makes_prose(line: str, kept: str) -> None:
    assert only(f"### a [心得]\n题干\n{line}\n").stem == f"题干\n{kept}"


def test_columns_count_characters() -> None:
    assert told("### 编号 [单选]\n") == ["1:5 E201"]
    assert told("### a [单选] {知识点=礼品 难度=九}\n题干") == ["1:23 E205"]
    assert told("　　### a [多远]\n") == ["1:10 E202"]


def test_each_citation_has_a_place_of_its_own() -> None:
    (placed,) = read(FULL).items
    places = [placed.at("依据", i) for i in range(2)]
    assert [(p.line, p.col) for p in places] == [(17, 4), (17, 5 + len(CITE))]


def test_nothing_is_lost_behind_an_unreadable_heading() -> None:
    found = read("### a 单选\n题干\n- [x] A. 甲\n\n### b [单选] {用途=测验}\n题干\n- [y] A. 甲\n")
    assert [d.code for d in found.diagnostics] == ["E201", "E203"]
    assert found.broken == {"a"}
    assert [p.item.id for p in found.items] == ["b"]


def test_a_file_without_items_has_none() -> None:
    assert read("# 题目\n\n## 练习 {用途=练习}\n") == Questions((), frozenset(), ())
