"""Labels, letters, embedded answers, criteria: the small parts that formats share."""

from __future__ import annotations

import pytest

from qinlian.authoring.interchange.asked import Asked, Choice, Losses
from qinlian.authoring.interchange.assemble import as_asked, as_item
from qinlian.authoring.interchange.cloze import has_cloze, read_cloze, write_cloze
from qinlian.authoring.interchange.gift import read_gift
from qinlian.authoring.interchange.labels import read_labels
from qinlian.authoring.interchange.leaving import letters_seen, names_letters, outgoing
from qinlian.authoring.interchange.letters import kept, line_letters
from qinlian.authoring.interchange.moodle_text import category_name
from qinlian.authoring.interchange.rubric import read_rubric, write_rubric
from qinlian.authoring.textfile import Place
from qinlian.core.model import Element, Item
from tests.interchange_items import course_of
from tests.sample import MODULE, REFLECTION, elements

NOWHERE = Place("x")


def said(asked: Asked, default: str = "") -> tuple[Item, list[str]]:
    losses = Losses(NOWHERE)
    return as_item(asked, default, losses), [d.code for d in losses.found]


# --- labels ---


def test_labels_of_ours_are_known_by_name_and_all_others_are_topics() -> None:
    known = read_labels(
        ["难度：2", "知识点:礼品礼金", "用途:练习", "公车", "对象:青年、教师", "字数:200-800", "礼品礼金"]
    )
    assert (known.difficulty, known.words, known.values["用途"]) == (2, (200, 800), "练习")
    assert known.topics == ("礼品礼金", "公车")
    assert known.audience == ("青年", "教师")


@pytest.mark.parametrize("label", ["难度:容易", "用途:考试", "字数:很多", "分值:0", "选项:AA", "选项:甲乙", "难度:2"])
def test_a_label_of_ours_that_cannot_be_read_is_told_and_not_taken_for_a_topic(label: str) -> None:
    known = read_labels(["难度:2", label])
    assert known.odd == (label,)
    assert known.topics == ()


def test_a_topic_of_a_stranger_loses_the_signs_that_a_heading_cannot_hold() -> None:
    assert read_labels(['送礼{"甲"}=乙']).topics == ("送礼甲乙",)


# --- letters ---


def test_letters_are_those_of_the_format_else_of_the_label_else_in_order() -> None:
    assert line_letters(["C", "A"], "BA") == ("C", "A")
    assert line_letters(["", ""], "BA") == ("B", "A")
    assert line_letters(["", "", ""], "BA") == ("A", "B", "C")


def item(*lines: tuple[str, str]) -> Item:
    made = tuple(Element(letter=a, text=t, mark="x" if t == "对的" else "") for a, t in lines)
    return Item(id="LZ-90-001", kind="单选", stem="题", elements=made, use="测验")


OLD = item(("A", "对的"), ("B", "错一"), ("D", "错二"))


@pytest.mark.parametrize(
    ("new", "letters"),
    [
        ([("A", "对的"), ("B", "错一"), ("C", "错二")], "ABD"),
        ([("A", "错二"), ("B", "对的"), ("C", "错一")], "DAB"),
        ([("A", "对的"), ("B", "错一，改了说法"), ("C", "错二")], "ABD"),
        ([("A", "对的"), ("B", "错二")], "AD"),
        ([("A", "对的"), ("B", "新的"), ("C", "错一"), ("D", "错二")], "AEBD"),
    ],
)
def test_a_line_keeps_the_letter_it_always_had(new: list[tuple[str, str]], letters: str) -> None:
    assert "".join(e.letter for e in kept(OLD, item(*new), frozenset()).elements) == letters


def test_what_a_format_has_no_room_for_stays_as_the_course_has_it() -> None:
    old = Item(id="X", kind="配对", stem="题", elements=elements(("A", "=", "甲 → 一"), ("B", "=", "乙 → 二")))
    bare = old.model_copy(update={"elements": tuple(e.model_copy(update={"feedback": ""}) for e in old.elements)})
    assert kept(old, bare, frozenset({"配对"})) == old
    assert kept(old, bare, frozenset()) == bare


# --- what is told ---


def test_every_loss_of_a_choice_is_told() -> None:
    three = (Choice("一", fraction=100), Choice("二", fraction=50), Choice("三", fraction=-50))
    made, codes = said(Asked("单选", "题", three))
    assert ([e.mark for e in made.elements], codes) == (["x", "", ""], ["W653", "W653"])
    made, codes = said(Asked("多选", "题", three))
    assert (made.rule, codes) == ("", ["W653"])
    made, codes = said(Asked("多选", "题", (Choice("一", fraction=100), Choice("二", fraction=0))))
    assert (made.kind, codes) == ("单选", ["W656"])
    _, codes = said(Asked("单选", "题", tuple(Choice(f"第 {n}", fraction=100.0 * (n == 1)) for n in range(30))))
    assert codes == ["W656"]
    _, codes = said(Asked("单选", "题", (Choice("一\n\n二", fraction=100), Choice("三"), Choice("四"))))
    assert codes == ["W656"]
    _, codes = said(Asked("判断", "题", (Choice("", fraction=100), Choice("")), id="带 空格", points=0.333))
    assert sorted(codes) == ["W653", "W656"]


def test_a_blank_that_the_stem_has_not_is_added_at_its_end() -> None:
    made, codes = said(Asked("填空", "多久？", (Choice("一个月"),)))
    assert (made.stem, codes) == ("多久？ ____", ["W656"])


@pytest.mark.parametrize(
    ("folder", "topics"),
    [("$course$/top/礼品/礼金", ("礼金",)), ("礼品//礼金", ("礼品/礼金",)), ("Default for 勤廉", ()), ("默认", ())],
)
def test_the_last_folder_is_a_topic_where_there_is_no_other_and_it_has_a_name(
    folder: str, topics: tuple[str, ...]
) -> None:
    made, _ = said(Asked("判断", "题", (Choice("", fraction=100), Choice("")), category=category_name(folder)))
    assert made.topics == topics


@pytest.mark.parametrize("margin", ["0.5", "1.2.3", ".5.", "约 1"])
def test_a_number_with_a_margin_is_left_out_alone_however_the_margin_is_written(margin: str) -> None:
    found, told = read_gift(f"几天？{{#5:{margin}}}\n\n对不对？{{T}}", "题库.txt")
    assert [one.asked.stem for one in found] == ["对不对？"]
    assert [(d.code, d.line) for d in told] == [("W651", 1)]


@pytest.mark.parametrize("answer", ["5", "5:0", "5:0.00"])
def test_a_number_without_a_margin_is_a_blank(answer: str) -> None:
    ((one,), told) = read_gift(f"几天？{{#{answer}}}", "题库.txt")
    assert (one.asked.kind, one.asked.choices[0].text, told) == ("填空", "5", ())


@pytest.mark.parametrize("default", ["", "漏选按比例", "全对得分", "对错相抵"])
@pytest.mark.parametrize("rule", ["", "漏选按比例", "全对得分", "对错相抵"])
def test_a_rule_comes_back_as_the_author_wrote_it_whatever_the_course_says(rule: str, default: str) -> None:
    multiple = MODULE.items[1].model_copy(update={"rule": rule})
    made = as_item(as_asked(multiple, default), default, Losses(NOWHERE))
    assert made.rule == rule


def test_an_author_who_changes_the_percentages_elsewhere_changes_the_rule() -> None:
    asked = as_asked(MODULE.items[1].model_copy(update={"rule": "漏选按比例"}), "")
    softer = tuple(Choice(c.text, fraction=c.fraction if c.fraction > 0 else -100 / 3) for c in asked.choices)
    made = as_item(Asked("多选", "题", softer, labels=asked.labels), "", Losses(NOWHERE))
    assert made.rule == "对错相抵"


# --- out ---


def test_letters_are_named_where_a_text_speaks_of_an_option() -> None:
    asked = as_asked(MODULE.items[0], "")
    assert (names_letters(asked), letters_seen(asked)) == (True, True)
    other = MODULE.items[0].model_copy(
        update={"explanation": "见 PDF 的 A4 页。", "elements": (Element(letter="B", text="甲"),)}
    )
    assert (names_letters(as_asked(other, "")), letters_seen(as_asked(other, ""))) == (False, False)


def test_what_no_other_system_has_is_named_and_left_out() -> None:
    story = MODULE.items[0].model_copy(update={"kind": "抉择", "id": "LZ-02-D1"})
    picture = MODULE.items[0].model_copy(update={"stem": "看图 ![表](a.png)"})
    losses = Losses(NOWHERE)
    (bank,) = outgoing(course_of(story, picture), ["02-gifts"], losses)
    assert [d.code for d in losses.found] == ["W661", "W662"]
    assert "LZ-02-D1：抉择没有导出" in losses.found[0].message
    assert bank.category == "勤廉////学堂/02-gifts 礼尚往来 // 边界"
    assert len(bank.questions) == 1


# --- embedded answers and criteria ---


def test_embedded_answers_hold_every_sign() -> None:
    choices = (Choice('}~#/" | *a* | C:\\盘', "没填对#~}\n第二行"), Choice("二"))
    text = write_cloze("在____内，由____办", choices)
    assert has_cloze(text)
    losses = Losses(NOWHERE)
    assert read_cloze(text, losses) == ("在____内，由____办", choices)
    assert losses.found == []


def test_embedded_answers_of_other_kinds_are_none_of_ours() -> None:
    assert read_cloze("选{1:MULTICHOICE:=甲~乙}", Losses(NOWHERE)) is None
    assert read_cloze("没有", Losses(NOWHERE)) is None
    losses = Losses(NOWHERE)
    read_cloze("{2:SA_C:=甲}{1:SHORTANSWER_C:=甲}", losses)
    assert read_cloze("{2:SA:=甲}{1:SHORTANSWER_C:=%50%乙}", losses) is not None
    assert {d.code for d in losses.found} == {"W653"}


def test_criteria_are_read_in_the_very_form_they_are_written() -> None:
    asked = as_asked(REFLECTION.model_copy(update={"prompts": ("那天谁来了", "A. 看上去像选项")}), "")
    criteria, prompts, rest = read_rubric(write_rubric(asked))
    assert (criteria, prompts, rest) == (asked.choices, asked.prompts, "")


@pytest.mark.parametrize(
    "text", ["看是否联系了岗位。", "- [8] A. 细则\n还有一句", "- [8] 没有字母", "### Y [心得]\n题"]
)
def test_what_is_not_in_that_form_comes_back_whole(text: str) -> None:
    assert read_rubric(text) == ((), (), text)
