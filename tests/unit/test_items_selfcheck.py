"""自查: only ids and numbers travel, only completion counts, and the texts come out in one's own sheet."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from qinlian.core.zone import BEIJING
from qinlian.grading.explain import explain
from qinlian.items.base import InvalidAnswer, item_type
from qinlian.items.selfcheck.scale import level, promise
from qinlian.notebooks.publish import published_item
from qinlian.quiz.values import storable
from tests.sample import IDS
from tests.selfcheck import BUYING, CHECK, COURSE, MONEY

TYPE = item_type("自查")
PUBLISHED = published_item(COURSE, CHECK, IDS)
RISKS = [risk.id for duty in BUYING.duties for risk in duty.risks]
ROW = st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(0, 1)).map(list)
ROWS = st.dictionaries(st.sampled_from([*RISKS, "own1", "own2"]), ROW, min_size=1)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(["CG", "CG01"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=5) | st.sampled_from(["post", "rows", "CG01"]), inner, max_size=3)
    ),
    max_leaves=8,
)


def answer(**rows: list[int]) -> dict[str, Any]:
    return {"post": "CG", "rows": rows}


def texts_in(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value}
    if isinstance(value, dict):
        return set(value).union(*(texts_in(v) for v in value.values())) if value else set()
    return set().union(*(texts_in(v) for v in value)) if isinstance(value, list) and value else set()


def test_a_whole_answer_is_kept_as_it_is():
    given_ = answer(CG01=[4, 5, 1], own1=[1, 1, 0])
    assert TYPE.clean(CHECK, IDS, given_) == given_
    assert TYPE.admits(PUBLISHED, given_)
    assert storable(given_) == given_


@pytest.mark.parametrize("value", [None, {}, answer()])
def test_a_post_alone_is_no_answer_yet(value: Any):
    assert TYPE.clean(CHECK, IDS, value) is None


@pytest.mark.parametrize(
    "value",
    [
        answer(CG01=["我心里的话", 5, 1]),
        answer(CG01=[4, 5, "两个人签字"]),
        answer(CG01="很可能"),
        answer(我最怕的事=[1, 1, 0]),
        {"post": "采购", "rows": {}},
        {"post": "CG", "rows": {}, "note": "文字"},
        {"post": "CG", "rows": "文字"},
        "文字",
        ["文字"],
        answer(CG01=[4, 5, True]),
        answer(CG01=[4.0, 5, 1]),
        answer(CG01=[0, 5, 1]),
        answer(CG01=[6, 5, 1]),
        answer(CG01=[4, 5, 2]),
        answer(CG01=[4, 5]),
        answer(CG01=[4, 5, 1, 1]),
        answer(own6=[1, 1, 0]),
        answer(own=[1, 1, 0]),
        answer(CW01=[1, 1, 0]),
        {"post": ["CG"], "rows": {}},
        {"post": "CG"},
    ],
)
def test_anything_but_known_ids_and_numbers_in_range_is_refused_by_grader_and_page(value: Any):
    with pytest.raises(InvalidAnswer):
        TYPE.clean(CHECK, IDS, value)
    assert not TYPE.admits(PUBLISHED, value)


@given(value=JUNK)
def test_no_text_can_travel(value: Any):
    known = {"post", "rows", "CG", "CW", *RISKS, "CW01", "CW02", "CW03", *(f"own{n}" for n in range(1, 6))}
    if TYPE.admits(PUBLISHED, value):
        assert texts_in(value) <= known
    try:
        cleaned = TYPE.clean(CHECK, IDS, value)
    except InvalidAnswer:
        return
    assert texts_in(cleaned) <= known


@given(first=ROWS, data=st.data())
def test_the_score_never_depends_on_the_ratings(first: dict[str, list[int]], data: st.DataObject):
    second = {risk: data.draw(ROW) for risk in first}
    rules = (*TYPE.rules, "")
    scores = {TYPE.score(CHECK, IDS, {"post": "CG", "rows": rows}, rule) for rows in (first, second) for rule in rules}
    assert len(scores) == 1
    assert 0 < scores.pop() <= 1
    assert TYPE.spoken(CHECK, IDS, answer(**first)) == TYPE.spoken(CHECK, IDS, answer(**second))


def test_a_duty_counts_once_and_an_added_risk_counts_too():
    frank, mild = [5, 5, 0], [1, 1, 1]
    assert TYPE.score(CHECK, IDS, answer(CG01=frank, CG02=frank), "") == 0.5
    assert TYPE.score(CHECK, IDS, answer(CG01=mild, CG04=mild), "") == 1.0
    assert TYPE.score(CHECK, IDS, answer(CG01=frank, own1=frank), "") == 1.0


def test_without_a_number_every_duty_of_the_post_is_asked_for():
    every = CHECK.model_copy(update={"body": "#### 岗位\n- 采购"})
    assert TYPE.score(every, IDS, answer(CG01=[1, 1, 1]), "") == pytest.approx(1 / 3)
    assert TYPE.public(every, IDS)["least"] is None


def test_what_an_instructor_reads_shows_no_rating():
    assert TYPE.spoken(CHECK, IDS, answer(CG01=[4, 5, 0], CG02=[3, 3, 1], CG04=[2, 2, 1])) == "已完成 2 项"
    assert TYPE.spoken_key(CHECK, IDS) == ""
    assert TYPE.key(CHECK, IDS) is None
    assert [TYPE.verdict(1.0, True), TYPE.verdict(0.5, True), TYPE.verdict(0.0, False)] == [
        "已完成",
        "完成了一部分",
        "未作答",
    ]


def test_the_grade_cell_shows_no_rating(graded_cell: str):
    assert "已完成 2 项" in graded_cell
    assert "CG0" not in graded_cell
    assert "[4, 5" not in graded_cell
    assert "正确（" not in graded_cell
    assert "已完成（100%）" in graded_cell


@pytest.fixture
def graded_cell() -> str:
    from qinlian.core.files import AnswerFile
    from qinlian.grading.editions import edition_of
    from qinlian.grading.score import grade
    from tests.selfcheck import MODULE

    edition = edition_of(COURSE, MODULE, IDS)
    answers = AnswerFile.model_validate(
        {
            "course": "qinlian",
            "module": MODULE.id,
            "edition": edition.edition,
            "answers": {IDS.of(CHECK.id): {"value": answer(CG01=[4, 5, 0], CG03=[4, 5, 0])}},
        }
    )
    now = datetime.now(BEIJING)
    done = grade(current=edition, named=edition, learner="amy", answers=answers, seen_at=now)
    assert done.quizzes[0].score == 20
    return explain(done, done.quizzes[0])


def test_nothing_of_a_key_is_published():
    assert set(PUBLISHED) >= {"promise", "likelihood", "consequence", "levels", "posts", "least", "own"}
    assert "practice" not in PUBLISHED
    assert PUBLISHED["least"] == 2
    assert [p["name"] for p in PUBLISHED["posts"]] == ["采购", "财务"]


@pytest.mark.parametrize(
    ("likelihood", "consequence", "name"), [(1, 4, "低"), (1, 5, "中"), (3, 4, "中"), (3, 5, "高"), (5, 5, "高")]
)
def test_the_level_follows_the_product(likelihood: int, consequence: int, name: str):
    assert level(likelihood, consequence) == name


def test_the_promise_names_everything_that_travels_and_nothing_else_does():
    said = "".join(promise())
    for word in ("岗位", "风险点", "可能性", "后果", "1 到 5", "有还是没有", "序号", "满 5 人", "不写姓名", "不提交"):
        assert word in said
    full = TYPE.clean(CHECK, IDS, answer(CG01=[4, 5, 1], own1=[1, 2, 0]))
    assert set(full) == {"post", "rows"}
    assert all(len(row) == 3 and all(type(n) is int for n in row) for row in full["rows"].values())


NOTES = {
    "CG01.now": "=HYPERLINK(1)",
    "CG01.add": "请纪检的同事来讲一次",
    "CG03.on": "2,-,-",
    "own1.text": "亲戚开的公司",
    "CW01.now": "别的岗位的",
}


def rows_of(data: bytes) -> list[list[Any]]:
    sheet = load_workbook(io.BytesIO(data)).worksheets[0]
    return [[cell.value for cell in row] for row in sheet.iter_rows(min_row=5)]


def test_the_personal_sheet_holds_what_was_rated_and_what_was_written():
    name, data = TYPE.sheet(PUBLISHED, answer(CG01=[4, 5, 1], CG04=[1, 1, 0], own1=[3, 3, 0]), NOTES)
    assert name == f"履职风险自查表-采购-{datetime.now(BEIJING):%Y%m%d}.xlsx"
    assert rows_of(data) == [
        ["提出需求", "提出需求时的风险CG01", "4 比较可能", "5 很严重", "高", "=HYPERLINK(1)", "请纪检的同事来讲一次"],
        ["组织评审", "组织评审时的风险CG03", None, None, None, None, None],
        ["验收付款", "验收付款时的风险CG04", "1 几乎不会", "1 影响很小", "低", "没有", None],
        ["自己补充", "亲戚开的公司", "3 有可能", "3 影响不小", "中", "没有", None],
    ]
    sheet = load_workbook(io.BytesIO(data)).worksheets[0]
    assert "采购" in sheet["A2"].value
    assert f"{datetime.now(BEIJING):%Y-%m-%d}" in sheet["A2"].value
    assert sheet["F5"].data_type == "s", "what begins with = stays text"


@pytest.mark.parametrize(("value", "why"), [(None, "还没有选岗位"), (answer(), "还没有勾选风险点")])
def test_there_is_no_sheet_before_anything_was_picked(value: Any, why: str):
    with pytest.raises(InvalidAnswer, match=why):
        TYPE.sheet(PUBLISHED, value, {})


def test_the_body_must_be_one_list_of_posts():
    def codes(body: str, **more: Any) -> list[str]:
        return [f.code for f in TYPE.findings(CHECK.model_copy(update={"body": body, **more}))]

    assert codes("#### 岗位 {至少=2}\n- 采购\n* 财务") == []
    assert codes("") == ["E345"]
    assert codes("#### 岗位\n- 采购\n- 采购") == ["E345"]
    assert codes("#### 部门\n- 采购") == ["E345"]
    assert codes("#### 岗位\n- 采购\n#### 岗位\n- 财务") == ["E345"]
    assert codes("#### 岗位\n采购\n- 财务") == ["E314"]
    assert codes("#### 岗位 {至少=0}\n- 采购") == ["E346"]
    assert codes("#### 岗位 {至少=3}\n- 采购\n- 财务") == ["E346"], "财务 has two duties"
    assert codes("#### 岗位 {至少=9}\n- 财务", posts=(MONEY,)) == ["E346"]
    assert codes("#### 岗位\n- 采购", use="练习") == ["E347"]
