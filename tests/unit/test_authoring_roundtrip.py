"""Text ⇄ model ⇄ Excel is the identity, and no text makes the parser raise."""

from __future__ import annotations

import string
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qinlian.authoring.cases import parse_cases
from qinlian.authoring.coursefile import parse_course
from qinlian.authoring.lessons import Stock, parse_lesson, resolve
from qinlian.authoring.questions import parse_questions
from qinlian.authoring.rulebook import Rulebook, parse_rules
from qinlian.authoring.shapes import as_prose, escaped, tidy, unescaped
from qinlian.authoring.textfile import Place, parse_text
from qinlian.authoring.workbook import export_workbook, import_workbook
from qinlian.authoring.writer import write_item, write_questions
from qinlian.core.model import Course, Element, Item, Module
from qinlian.items.base import item_type, item_types
from qinlian.items.matching import sides
from tests.drawn_items import LENGTHS, Words, item_of, mark_at
from tests.sample import COURSE, MODULE

NASTY = [
    *(
        "解析：",
        "依据：",
        "答案：",
        "【解析】",
        "\\解析：",
        "\\\\依据：",
        "### ",
        "# ",
        "- [x] A. ",
        "- [ ] ",
        "A. ",
        "B、",
    ),
    *(
        "－［ｘ］ Ａ．",
        "> ",
        "  > ",
        "{{题 LZ-1}}",
        "{",
        "}",
        "｛难度＝2｝",
        "LZ-02-003 [单选]",
        "|",
        " | ",
        "｜",
        "→",
        "->",
    ),
    *("=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0", "#N/A", "TRUE", "2024-01-01", "1e5", "_x000D_", "_x0041_"),
    *(
        "____",
        "**不**",
        "<b>",
        "&lt;",
        "；",
        ";",
        "、",
        "“”",
        "《条例》第九十七条",
        "\u3000",
        "\u00a0",
        "\t",
        "  ",
        "\\",
        "'",
        '"',
    ),
]
WORDS = Words.of(NASTY, "礼品 宴请=x", 8)
TEXTS, LINES = WORDS.texts, WORDS.lines
# Any words but those that end a body: a heading of up to three #.
BODIES = st.lists(LINES.map(lambda t: f"正文{t}".rstrip()), max_size=4).map(lambda ls: "\n".join(["#### 起点", *ls]))
LETTER_SETS = st.lists(st.sampled_from(string.ascii_uppercase), unique=True, min_size=2, max_size=6)


@st.composite
def items(draw: st.DrawFn, item_id: str = "LZ-02-001") -> Item:
    """An item of any type, its lines well formed and its words as nasty as they come."""
    kind = draw(st.sampled_from(sorted(item_types())))
    has_body = item_type(kind).has_body
    letters = [] if has_body else ["对", "错"] if kind == "判断" else draw(LETTER_SETS)
    places = draw(st.permutations(range(1, len(letters) + 1)))
    elements = []
    for index, letter in enumerate(letters):
        text, mark = draw(LINES), mark_at(draw, kind, places[index])
        if kind == "多选":
            mark = draw(st.sampled_from(["", "x"]))
        elif kind == "配对":
            left = draw(st.one_of(st.just(""), LINES))
            _, _, text = item_type(kind).lettered(index, "", letter, f"{left} → {text}")
            pair = sides(text)
            mark = "=" if pair and pair[0] else ""
        elif kind == "填空":
            _, _, text = item_type(kind).lettered(index, letter, "", text)
        text = letter if kind == "判断" else text.strip()
        elements.append(Element(letter=letter, mark=mark, text=text, feedback=tidy(draw(TEXTS))))
    body = draw(BODIES) if has_body else ""
    return item_of(draw, WORDS, kind, draw(WORDS.prose), elements, id=item_id, words=draw(LENGTHS), body=body)


@given(items())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_an_item_written_and_read_is_the_same_item(item: Item) -> None:
    found = parse_questions(parse_text(write_item(item), "questions.md"))
    assert [p.item for p in found.items] == [item]
    assert [d for d in found.diagnostics if d.code != "E110"] == []


@given(
    st.lists(st.integers(1, 99), unique=True, min_size=1, max_size=4).flatmap(
        lambda ns: st.tuples(*(items(f"LZ-02-{n:03d}") for n in ns))
    )
)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_file_written_and_read_holds_the_same_items_in_order(many: tuple[Item, ...]) -> None:
    text = write_questions(many)
    found = parse_questions(parse_text(text, "questions.md"))
    assert tuple(p.item for p in found.items) == many
    assert write_questions([p.item for p in found.items]) == text


@pytest.mark.slow
def test_items_through_excel_are_the_same_items(tmp_path: Path) -> None:
    @given(st.tuples(*(items(f"LZ-02-{n:03d}") for n in range(1, 7))))
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    def through_excel(many: tuple[Item, ...]) -> None:
        book = tmp_path / "题库.xlsx"
        export_workbook(Course(id="c", title="t", modules=(Module(id="02-x", title="m", items=many),)), book)
        found, _ = import_workbook(book, ())
        assert sorted(found, key=lambda i: i.id) == list(many)
        again = parse_questions(parse_text(write_questions(found), "q"))
        assert tuple(p.item for p in again.items) == found

    through_excel()


def _tidied(item: Item) -> Item:
    """The sample as it would have been read: no white space at the end of a feedback."""
    return item.model_copy(
        update={"elements": tuple(e.model_copy(update={"feedback": tidy(e.feedback)}) for e in item.elements)}
    )


def test_the_sample_of_every_type_goes_round_without_a_word(tmp_path: Path) -> None:
    sample = tuple(_tidied(item) for item in MODULE.items)
    found = parse_questions(parse_text(write_questions(sample), "questions.md"))
    assert tuple(p.item for p in found.items) == sample
    assert found.diagnostics == ()
    book = tmp_path / "题库.xlsx"
    export_workbook(COURSE, book)
    imported, problems = import_workbook(book, ())
    assert problems == ()
    assert {i.id: i for i in imported} == {i.id: i for i in sample}


@given(TEXTS)
def test_escaping_a_line_can_be_undone_and_hides_its_look(text: str) -> None:
    line = text.replace("\n", "")
    assert unescaped(escaped(line)) == line
    assert as_prose(as_prose(text)) == as_prose(text)


@given(TEXTS)
@settings(max_examples=80, deadline=None)
def test_no_text_makes_any_parser_raise(text: str) -> None:
    parsed = parse_text(text, "x")
    stock = Stock(parse_questions(parsed).items, parse_cases(parsed)[0], frozenset(), 60)
    resolve(parse_lesson(parsed)[0], stock)
    parse_course(parsed)
    parse_rules(parsed)
    rules = Rulebook(COURSE.documents)
    list(rules.mentioned(text, Place("x"), old_allowed=True))
    list(rules.cited(text, Place("x")))


YAML_BITS = [
    "课程: x\n",
    "模块:\n",
    "  - 目录: 02-a\n",
    "    标题: a\n",
    "标题：b\n",
    "\t",
    "- ",
    "? ",
    ": ",
    "[",
    "{",
    "}",
    "&a ",
    "*a",
    "!!python/object:x ",
    "|\n",
    ">\n",
    "'",
    '"',
    "%",
    "---\n",
    "...\n",
    "# ",
    "条文:\n",
    "  - 条: 97\n",
    "<<: ",
    "\n",
    "0o1",
]


@given(st.lists(st.sampled_from(YAML_BITS), max_size=14).map("".join))
@settings(max_examples=80, deadline=None)
def test_no_yaml_makes_the_reader_raise(text: str) -> None:
    parsed = parse_text(text, "x.yaml")
    parse_course(parsed)
    parse_rules(parsed)
