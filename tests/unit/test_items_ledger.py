"""账目核查: what the learner gets, what an answer may be, what it earns, and how it is told."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qinlian.core.model import Item
from qinlian.items.base import InvalidAnswer
from qinlian.items.ledger import DONE, TYPE
from qinlian.items.ledger.generate import make_ledger
from qinlian.items.ledger.scoring import RULES
from qinlian.notebooks.publish import published_item
from tests.ledger_sample import BODY, GRADED, LEDGER_COURSE, PRACTICE, ledger_item
from tests.sample import CITE, IDS

ONE = GRADED.model_copy(update={"variant": 5})
KEY = TYPE.key(ONE, IDS)
FULL = {row: entry["reason"] for row, entry in KEY.items()}
REASONS = {reason["name"]: reason["id"] for reason in TYPE.public(GRADED, IDS)["reasons"]}
ROWS = [line.split("\t")[0] for line in TYPE.public(ONE, IDS)["rows"]]
CLEAN = [row for row in ROWS if row not in KEY]


def groups(key: dict[str, dict[str, str]]) -> list[list[str]]:
    found: dict[str, list[str]] = {}
    for row, entry in key.items():
        found.setdefault(entry["group"], []).append(row)
    return list(found.values())


def score(value: dict[str, str], rule: str = RULES[0]) -> float:
    return TYPE.score(ONE, IDS, TYPE.clean(ONE, IDS, value), rule)


# ---- what is published ----


def test_a_template_has_24_variants_and_every_one_is_another() -> None:
    assert list(TYPE.findings(GRADED)) == []
    assert TYPE.variants(GRADED) == 24
    variants = [GRADED.model_copy(update={"variant": n}) for n in range(24)]
    assert len({TYPE.digest(one, IDS) for one in variants}) == 24
    assert len({row for one in variants for row in TYPE.key(one, IDS)}) == 24 * 11


def test_what_all_variants_share_is_columns_categories_and_reasons() -> None:
    public = TYPE.public(GRADED, IDS)
    assert set(public) == {"columns", "categories", "reasons"}
    assert [c["name"] for c in public["categories"]] == ["采购", "接待", "加油", "差旅", "补贴"]
    assert set(REASONS) == {"拆分采购", "一户多名", "无函接待", "周末无单加油", "行程多站", "陪餐超员", "重复补贴"}
    assert [r["id"] for r in public["reasons"]] == sorted(REASONS.values())
    by_name = {r["name"]: r["text"] for r in public["reasons"]}
    assert "满 20,000 元" in by_name["拆分采购"]
    assert "不超过 7 天" in by_name["拆分采购"]
    assert "来宾 10 人以内，陪餐不超过 3 人" in by_name["陪餐超员"]


def test_a_variant_is_a_line_for_each_row_in_the_order_of_public_ids() -> None:
    public = TYPE.public(ONE, IDS)
    assert set(public) == {"rows"}
    assert sorted(ROWS) == ROWS
    assert 46 <= len(ROWS) <= 52
    categories = TYPE.public(GRADED, IDS)["categories"]
    by_number = sorted(public["rows"], key=lambda line: int(line.split("\t")[1]))
    assert [int(line.split("\t")[1]) for line in by_number] == list(range(1, len(ROWS) + 1))
    assert all(a.split("\t")[2] <= b.split("\t")[2] for a, b in pairwise(by_number)), "numbered by date"
    for line in public["rows"]:
        parts = line.split("\t")
        assert len(parts) == 8 + len(categories[int(parts[3])]["fields"])
        assert all(parts)


def test_nothing_of_the_key_is_in_a_graded_item() -> None:
    published = published_item(LEDGER_COURSE, GRADED, IDS)
    assert "practice" not in published
    assert all(set(variant) == {"rows"} for variant in published["variants"])
    text = json.dumps(published, ensure_ascii=False)
    for word in ("躲开比价", "一个口袋", "疑似", "违规", "次数=", CITE, "解析", "先排序"):
        assert word not in text, word
    for variant in range(24):
        one = GRADED.model_copy(update={"variant": variant})
        rows = TYPE.public(one, IDS)["rows"]
        assert not any(reason in line for line in rows for reason in REASONS.values())


def test_a_practice_item_takes_its_key_and_feedback_along_variant_by_variant() -> None:
    published = published_item(LEDGER_COURSE, PRACTICE, IDS)
    for number, variant in enumerate(published["variants"]):
        one = PRACTICE.model_copy(update={"variant": number})
        assert variant["practice"]["key"] == TYPE.key(one, IDS)
        assert set(variant["practice"]["feedback"]) == set(TYPE.key(one, IDS))


def test_a_lesson_stays_light() -> None:
    size = len(json.dumps(published_item(LEDGER_COURSE, PRACTICE, IDS), ensure_ascii=False, indent=1).encode())
    assert size < 300_000


def test_another_secret_or_another_template_is_another_ledger() -> None:
    from qinlian.core.identity import Identity

    other = Identity(b"another")
    lines = {line.split("\t", 2)[2] for line in TYPE.public(ONE, IDS)["rows"]}
    assert lines != {line.split("\t", 2)[2] for line in TYPE.public(ONE, other)["rows"]}
    changed = ledger_item(2, "测验", BODY.replace("600-23000", "600-23001")).model_copy(update={"variant": 5})
    assert not set(ROWS) & {line.split("\t")[0] for line in TYPE.public(changed, IDS)["rows"]}


# ---- what an answer may be ----


def test_an_answer_is_flags_and_perhaps_the_word_that_all_was_looked_at() -> None:
    some = {CLEAN[0]: REASONS["陪餐超员"]}
    assert TYPE.clean(ONE, IDS, some) == some
    assert TYPE.clean(ONE, IDS, some | {DONE: "yes"}) == some | {DONE: "yes"}
    assert TYPE.clean(ONE, IDS, {}) is None
    assert TYPE.clean(ONE, IDS, {DONE: "yes"}) is None, "who flags nothing has not answered"
    assert TYPE.clean(ONE, IDS, None) is None


def test_all_rows_fit_into_what_can_be_saved() -> None:
    from qinlian.quiz.values import storable

    value = dict.fromkeys([f"{n:016x}" for n in range(60)], "0" * 16) | {DONE: "yes"}
    assert storable(value) == value


OTHER_ROW = next(iter(TYPE.key(GRADED.model_copy(update={"variant": 6}), IDS)))


@pytest.mark.parametrize(
    "value",
    [
        [],
        "x",
        1,
        True,
        {"0" * 16: REASONS["拆分采购"]},
        {OTHER_ROW: REASONS["拆分采购"]},
        {CLEAN[0]: "0" * 16},
        {CLEAN[0]: ""},
        {CLEAN[0]: None},
        {CLEAN[0]: ["x"]},
        {CLEAN[0]: REASONS["拆分采购"], DONE: "no"},
        {CLEAN[0]: REASONS["拆分采购"], DONE: True},
        {DONE: 1},
    ],
)
def test_what_a_page_cannot_have_made_is_refused(value: Any) -> None:
    with pytest.raises(InvalidAnswer):
        TYPE.clean(ONE, IDS, value)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from([*ROWS, DONE]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5) | st.sampled_from([*ROWS, DONE]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(value=JUNK)
def test_any_value_at_all_is_cleaned_or_refused(value: Any) -> None:
    try:
        cleaned = TYPE.clean(ONE, IDS, value)
    except InvalidAnswer:
        return
    assert cleaned is None or TYPE.clean(ONE, IDS, cleaned) == cleaned


def test_before_a_variant_is_drawn_no_row_is_known() -> None:
    with pytest.raises(InvalidAnswer):
        TYPE.clean(GRADED, IDS, FULL)


# ---- what it earns ----


@pytest.mark.parametrize("rule", RULES)
def test_all_that_was_planted_and_nothing_else_earns_everything(rule: str) -> None:
    assert score(FULL, rule) == 1.0
    assert score(FULL | {DONE: "yes"}, rule) == 1.0


def test_every_finding_counts_the_same_however_many_rows_it_has() -> None:
    for group in groups(KEY):
        assert score({row: FULL[row] for row in group}) == pytest.approx(1 / 5)
        assert score({group[0]: FULL[group[0]]}) == pytest.approx(1 / 5 / len(group))


def test_the_right_row_for_another_reason_counts_half() -> None:
    assert score(dict.fromkeys(FULL, REASONS["陪餐超员"])) == pytest.approx(0.5)


@pytest.mark.parametrize(("rule", "price"), [("按处计分", 1 / 2), ("错标轻扣", 1 / 4)])
def test_a_row_falsely_accused_costs_part_of_a_finding(rule: str, price: float) -> None:
    for wrong in (1, 2):
        flags = FULL | dict.fromkeys(CLEAN[:wrong], REASONS["拆分采购"])
        assert score(flags, rule) == pytest.approx(1 - wrong * price / 5)
    assert score({CLEAN[0]: REASONS["拆分采购"]}, rule) == 0.0, "never below zero"


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("variant", range(24))
def test_whoever_flags_everything_earns_nothing(rule: str, variant: int) -> None:
    one = GRADED.model_copy(update={"variant": variant})
    rows = [line.split("\t")[0] for line in TYPE.public(one, IDS)["rows"]]
    best = {row: entry["reason"] for row, entry in TYPE.key(one, IDS).items()}
    everything = dict.fromkeys(rows, REASONS["拆分采购"]) | best
    assert TYPE.score(one, IDS, everything, rule) == 0.0


@given(flags=st.dictionaries(st.sampled_from(ROWS), st.sampled_from(list(REASONS.values())), min_size=1))
def test_any_answer_earns_a_fraction_and_another_false_row_never_more(flags: dict[str, str]) -> None:
    for rule in RULES:
        earned = score(flags, rule)
        assert 0.0 <= earned <= 1.0
        assert type(earned) is float
        assert score(flags | {CLEAN[0]: REASONS["拆分采购"]}, rule) <= earned
        assert isinstance(TYPE.spoken(ONE, IDS, TYPE.clean(ONE, IDS, flags)), str)


# ---- how it is told ----


def test_each_planted_row_is_explained_with_its_citation_once_a_finding() -> None:
    feedback = TYPE.feedback(ONE, IDS)
    assert set(feedback) == set(KEY)
    for group in groups(KEY):
        told = [feedback[row] for row in group]
        full = [text for text in told if CITE in text]
        assert len(full) == 1
        assert sum("是同一处" in text for text in told) == len(group) - 1
    split = next(t for t in feedback.values() if "躲开比价" in t)
    assert re.match(r"第 \d+、\d+、\d+ 行：.+，每张都不到 20,000 元，合计 [\d,]+\.\d\d 元，没有比价记录。", split)


def test_an_answer_is_told_by_the_numbers_that_the_learner_saw() -> None:
    numbers = {line.split("\t")[0]: int(line.split("\t")[1]) for line in TYPE.public(ONE, IDS)["rows"]}
    row = next(row for row, reason in FULL.items() if reason == REASONS["无函接待"])
    value = {row: REASONS["无函接待"], CLEAN[0]: REASONS["陪餐超员"], DONE: "yes"}
    said = TYPE.spoken(ONE, IDS, TYPE.clean(ONE, IDS, value))
    assert f"无函接待：第 {numbers[row]} 行" in said
    assert f"陪餐超员：第 {numbers[CLEAN[0]]} 行" in said
    assert "5 处违规，完整找出 1 处；违规的行标对 1 行，漏标 10 行，错标 1 行" in said
    key = TYPE.spoken_key(ONE, IDS)
    assert re.search(r"拆分采购：第 \d+、\d+、\d+ 行", key)
    assert all(name in key for name in ("一户多名", "无函接待", "周末无单加油", "行程多站"))


def test_every_citation_of_the_body_is_found_where_it_stands() -> None:
    lines = GRADED.body.split("\n")
    cited = list(TYPE.body_citations(GRADED))
    assert len(cited) == 5
    assert all(lines[part.line][part.column :].startswith(part.text) for part in cited)


def test_a_variant_that_was_made_is_not_made_again_to_grade_it() -> None:
    item = Item.model_validate(ONE.model_dump() | {"variant": 7})
    TYPE.key(item, IDS)
    made = make_ledger.cache_info().misses
    cleaned = TYPE.clean(item, IDS, {row: entry["reason"] for row, entry in TYPE.key(item, IDS).items()})
    TYPE.score(item, IDS, cleaned, RULES[0])
    TYPE.spoken(item, IDS, cleaned)
    assert make_ledger.cache_info().misses == made
