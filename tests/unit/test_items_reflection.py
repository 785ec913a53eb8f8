"""A reflection's prompts and the comments for it, as text, as Excel and as the learner gets them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qinlian.authoring.commentbank import load_comments, parse_comments
from qinlian.authoring.meaning import check_item
from qinlian.authoring.placed import Placed
from qinlian.authoring.questions import parse_questions
from qinlian.authoring.textfile import Place, parse_text
from qinlian.authoring.workbook import export_workbook, import_workbook
from qinlian.authoring.writer import write_item
from qinlian.core.model import Course, Item, Module
from qinlian.grading.plaintext import cell_text, markdown_cell, tidy_text
from qinlian.items.reflection import LONGEST_PROMPT, MOST_PROMPTS, TYPE
from qinlian.notebooks.publish import published_item
from tests.sample import COURSE, IDS, REFLECTION
from tests.unit.test_authoring_roundtrip import WORDS

WRITTEN = """### LZ-90-R1 [心得] {知识点=礼品礼金 字数=50-800}
写一件你拿不准的小事。
- [12] A. 联系本人岗位
- [8] B. 说得出怎么办
提示：
那天发生了什么，**谁**在场？

  换作今天，您第一句会说什么？
"""
WITH_PROMPTS = REFLECTION.model_copy(
    update={"prompts": ("那天发生了什么，**谁**在场？", "换作今天，您第一句会说什么？")}
)
BANK = """通用:
  - 写得实在。
题目:
  - 题号: LZ-90-R1
    通用:
      - 再补一句对方的反应。
    细则:
      A:
        - 岗位写到了。
        - "请写清楚: 哪一件事"
"""


def read(text: str) -> Item:
    found = parse_questions(parse_text(text, "questions.md"))
    assert [d for d in found.diagnostics if d.code != "E110"] == []
    return found.items[0].item


# 提示


def test_prompts_are_one_a_line() -> None:
    assert read(WRITTEN) == WITH_PROMPTS


def test_the_first_may_stand_behind_the_label_and_the_colon_may_be_narrow() -> None:
    assert read(WRITTEN.replace("提示：\n", "提示: ")).prompts == WITH_PROMPTS.prompts


@given(WORDS.prompts)
@settings(max_examples=60, deadline=None)
def test_prompts_written_and_read_are_the_same(prompts: list[str]) -> None:
    item = REFLECTION.model_copy(update={"prompts": tuple(prompts), "explanation": "说明", "citations": ("《甲》",)})
    assert read(write_item(item)) == item


def test_prompts_through_excel_are_the_same(tmp_path: Path) -> None:
    @given(WORDS.prompts)
    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    def through(prompts: list[str]) -> None:
        item = REFLECTION.model_copy(update={"prompts": tuple(prompts)})
        book = tmp_path / "题库.xlsx"
        export_workbook(Course(id="c", title="t", modules=(Module(id="90-x", title="m", items=(item,)),)), book)
        assert import_workbook(book, ())[0] == (item,)

    through()


@pytest.mark.parametrize(
    ("prompts", "codes"),
    [
        (("一",) * MOST_PROMPTS, []),
        (("一",) * (MOST_PROMPTS + 1), ["E352"]),
        (("长" * LONGEST_PROMPT,), []),
        (("长" * (LONGEST_PROMPT + 1),), ["E352"]),
    ],
)
def test_prompts_are_few_and_short(prompts: tuple[str, ...], codes: list[str]) -> None:
    placed = Placed(REFLECTION.model_copy(update={"prompts": prompts}), {"id": Place("q", 1, 1)})
    assert [d.code for d in check_item(placed)] == codes


def test_the_learner_gets_prompts_as_html_and_none_without() -> None:
    public = published_item(COURSE, WITH_PROMPTS, IDS)
    assert public["prompts"][0] == {"text": "那天发生了什么，<strong>谁</strong>在场？"}
    assert "prompts" not in TYPE.public(REFLECTION, IDS)


def test_an_edition_without_prompts_is_the_one_it_was() -> None:
    module = COURSE.modules[0]
    assert "prompts" not in module.model_dump_json(exclude_defaults=True)


# 评语库


def test_comments_are_by_criterion_by_question_and_general() -> None:
    bank, problems = parse_comments(parse_text(BANK, "comments.yaml"))
    assert problems == []
    remarks = bank.of("LZ-90-R1")
    assert remarks.of("A") == ("岗位写到了。", "请写清楚: 哪一件事")
    assert remarks.of("B") == ()
    assert remarks.whole == ("再补一句对方的反应。",)
    assert remarks.general == bank.of("LZ-91-R9").general == ("写得实在。",)
    assert list(bank.problems([REFLECTION], broken=False)) == []


def test_with_unread_items_a_missing_question_proves_nothing() -> None:
    bank, _ = parse_comments(parse_text(BANK, "comments.yaml"))
    assert [d.code for d in bank.problems([], broken=False)] == ["E354"]
    assert list(bank.problems([], broken=True)) == []


def test_no_file_is_an_empty_bank_and_a_slip_costs_no_more_than_itself(tmp_path: Path) -> None:
    assert load_comments(tmp_path).of("LZ-90-R1").general == ()
    (tmp_path / "comments.yaml").write_text(BANK.replace("- 写得实在。", "- 写得实在。\n  - 写得实在。"), "utf-8")
    assert load_comments(tmp_path).of("LZ-90-R1").general == ("写得实在。",)
    (tmp_path / "comments.yaml").write_text("通用: [", "utf-8")
    assert load_comments(tmp_path).of("LZ-90-R1").general == ()


BITS = [
    "通用:\n",
    "题目:\n",
    "  - ",
    "- ",
    "题号: LZ-1\n",
    "    细则:\n",
    "      A:\n",
    "        - 好\n",
    "x",
    ": ",
    "\n",
    "[",
    "&a ",
]


@given(st.lists(st.sampled_from(BITS), max_size=12).map("".join))
@settings(max_examples=80, deadline=None)
def test_no_text_makes_the_reader_raise(text: str) -> None:
    bank, _ = parse_comments(parse_text(text, "comments.yaml"))
    list(bank.problems([REFLECTION], broken=False))
    bank.of("LZ-1")


# The text in its cell


@given(st.text())
def test_a_reflections_text_can_be_had_back_from_its_cell(text: str) -> None:
    kept = tidy_text(text)
    assert cell_text(markdown_cell(kept)) == kept


def test_another_cell_holds_no_text() -> None:
    assert cell_text("（在上面的文本框里写心得）") is None
