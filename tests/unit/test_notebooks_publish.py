"""What crosses from the instructor's side to the learner's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qinlian.core.files import LessonFile
from qinlian.core.model import Element, Item
from qinlian.notebooks.markdown import render, render_inline
from qinlian.notebooks.publish import lesson_bytes, publish, published_item
from tests.sample import COURSE, IDS, MODULE

LESSON = publish(COURSE, MODULE, IDS)
GRADED = [i for i in MODULE.items if i.use == "测验"]
PRACTICE = [i for i in MODULE.items if i.use == "练习"]


def test_a_lesson_file_survives_its_own_bytes() -> None:
    assert LessonFile.model_validate_json(lesson_bytes(LESSON)) == LESSON


def test_every_shown_item_is_published_and_no_other() -> None:
    shown = {pid for block in LESSON.blocks for pid in block.items}
    assert set(LESSON.items) == shown
    assert IDS.of("LZ-90-101") in shown


def test_a_practice_item_carries_its_feedback() -> None:
    practice = LESSON.items[IDS.of("LZ-90-001")]["practice"]
    assert practice["key"] == IDS.of("LZ-90-001", "C")
    assert practice["citations"] == ["《中国共产党纪律处分条例》第九十七条第一款"]


def test_the_letters_in_an_explanation_are_those_on_the_screen() -> None:
    item = PRACTICE[0]
    shown = [pid for pid, _ in IDS.published(item)].index(IDS.of(item.id, "B"))
    assert f"最容易选错的是 {'ABCD'[shown]}。" in LESSON.items[IDS.of(item.id)]["practice"]["explanation"]


@pytest.mark.parametrize("item", GRADED, ids=lambda i: i.kind)
def test_a_graded_item_publishes_only_known_public_fields(item: Item) -> None:
    public = published_item(COURSE, item, IDS)
    allowed = {"kind", "label", "stem", "points", "difficulty", "topics", "rule"}
    assert set(public) - allowed <= {"options", "blanks", "left", "right"}
    for entry in [*public.get("options", []), *public.get("left", []), *public.get("right", [])]:
        assert set(entry) == {"id", "text"}


@pytest.mark.parametrize("item", [i for i in GRADED if i.kind in ("单选", "多选", "排序")], ids=lambda i: i.kind)
@given(data=st.data())
def test_moving_the_key_changes_nothing_that_is_published(item: Item, data: st.DataObject) -> None:
    marks = data.draw(st.permutations([e.mark for e in item.elements]))
    order = data.draw(st.permutations(range(len(item.elements))))
    moved = [
        Element(letter=e.letter, text=e.text, mark=mark, feedback=f"别的反馈{mark}")
        for e, mark in zip(item.elements, marks, strict=True)
    ]
    other = item.model_copy(update={"elements": tuple(moved[i] for i in order), "explanation": "别的解析"})
    assert published_item(COURSE, other, IDS) == published_item(COURSE, item, IDS)


@given(answer=st.text(min_size=1, max_size=20))
def test_the_accepted_answers_of_a_blank_change_nothing_that_is_published(answer: str) -> None:
    item = next(i for i in GRADED if i.kind == "填空")
    other = item.model_copy(update={"elements": tuple(e.model_copy(update={"text": answer}) for e in item.elements)})
    assert published_item(COURSE, other, IDS) == published_item(COURSE, item, IDS)


def test_options_stand_in_the_order_of_their_public_ids() -> None:
    for item in GRADED:
        if item.kind != "判断":
            for part in ("options", "left", "right"):
                listed = [o["id"] for o in LESSON.items[IDS.of(item.id)].get(part, [])]
                assert listed == sorted(listed)


def test_a_quiz_lists_its_whole_pool_in_public_order() -> None:
    quiz = LESSON.block("90-exam")
    assert (quiz.kind, quiz.count, quiz.attempts, quiz.points) == ("quiz", 6, 3, 80)
    assert list(quiz.items) == sorted(IDS.of(i.id) for i in GRADED)


def test_items_inside_a_case_have_blocks_of_their_own() -> None:
    assert LESSON.block(IDS.of("LZ-90-001", "block")).items == (IDS.of("LZ-90-001"),)


def test_raw_html_of_an_author_is_shown_as_text() -> None:
    assert "<script>" not in render("<script>alert(1)</script>")
    assert "&lt;b&gt;" in render_inline("<b>粗</b>")


@pytest.mark.parametrize("stem", ["收到后____内，应当____。", "（____）之后，____！", "____，____"])
def test_blanks_survive_markdown(stem: str) -> None:
    assert render(stem).count("____") == 2
    assert "<strong>" not in render(stem)
