"""Every item type: the key is worth all, nothing is worth more, and foreign values are refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qinlian.core.model import Element, Item
from qinlian.items.base import InvalidAnswer, item_type, item_types
from qinlian.items.multiple import partial
from tests.sample import IDS, MODULE, elements

BY_HAND = [t for t in item_types().values() if t.by_hand]
GRADED = [i for i in MODULE.items if not item_type(i.kind).by_hand]
ONE_OF_EACH = list({i.kind: i for i in GRADED}.values())
KINDS = [i.kind for i in ONE_OF_EACH]

JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def test_every_type_is_found_in_its_folder() -> None:
    plain = {label for label, kind in item_types().items() if not kind.has_body}
    assert plain == {"单选", "多选", "判断", "填空", "排序", "配对", "心得"}
    assert set(item_types()) - plain == {"抉择", "账目核查", "自查"}
    assert [t.label for t in BY_HAND] == ["心得"]
    for label, kind in item_types().items():
        assert type(kind).__module__ == f"qinlian.items.{kind.name}"
        assert label == kind.label
        assert kind.rules


@pytest.mark.parametrize("item", ONE_OF_EACH, ids=KINDS)
def test_the_key_earns_everything_under_every_rule(item: Item) -> None:
    kind = item_type(item.kind)
    key = kind.clean(item, IDS, kind.key(item, IDS))
    for rule in (*kind.rules, ""):
        assert kind.score(item, IDS, key, rule) == 1.0


@pytest.mark.parametrize("item", ONE_OF_EACH, ids=KINDS)
def test_no_answer_is_no_answer(item: Item) -> None:
    kind = item_type(item.kind)
    empties: dict[str, list[Any]] = {"单选": ["", None], "判断": ["", None], "多选": [[], None], "排序": [[], None]}
    for empty in empties.get(item.kind, [{}, None]):
        assert kind.clean(item, IDS, empty) is None


@pytest.mark.parametrize("item", ONE_OF_EACH, ids=KINDS)
def test_foreign_values_are_refused(item: Item) -> None:
    kind = item_type(item.kind)
    other = next(i for i in GRADED if i.kind == item.kind and i.id != item.id)
    foreign = [kind.key(other, IDS), "0" * 16, ["0" * 16], {"0" * 16: "x"}, 1, True, 0.5, [1], {"a": 1}, [[]], [{}]]
    if item.kind == "判断":
        foreign.append("对")
    for value in foreign:
        with pytest.raises(InvalidAnswer):
            kind.clean(item, IDS, value)


@pytest.mark.parametrize("item", [*ONE_OF_EACH, MODULE.item("LZ-90-R1")], ids=[*KINDS, "心得"])
@given(value=JUNK)
def test_any_value_at_all_is_cleaned_or_refused_and_scores_within_bounds(item: Item, value: Any) -> None:
    kind = item_type(item.kind)
    try:
        cleaned = kind.clean(item, IDS, value)
    except InvalidAnswer:
        return
    if cleaned is not None:
        assert kind.clean(item, IDS, cleaned) == cleaned
        for rule in kind.rules:
            assert 0.0 <= kind.score(item, IDS, cleaned, rule) <= 1.0
        assert isinstance(kind.spoken(item, IDS, cleaned), str)


@given(data=st.data())
def test_any_answer_a_page_can_give_scores_within_bounds(data: st.DataObject) -> None:
    for item in ONE_OF_EACH:
        kind = item_type(item.kind)
        ids = [IDS.of(item.id, e.letter) for e in item.elements]
        public = kind.public(item, IDS)
        match item.kind:
            case "单选" | "判断":
                value: Any = data.draw(st.sampled_from(ids))
            case "多选":
                value = data.draw(st.lists(st.sampled_from(ids), unique=True, min_size=1))
            case "排序":
                value = data.draw(st.permutations(ids))
            case "填空":
                value = data.draw(st.dictionaries(st.sampled_from(public["blanks"]), st.text(max_size=9)))
            case _:
                right = [r["id"] for r in public["right"]]
                left = [entry["id"] for entry in public["left"]]
                value = data.draw(st.dictionaries(st.sampled_from(left), st.sampled_from([*right, ""])))
        cleaned = kind.clean(item, IDS, value)
        if cleaned is not None:
            for rule in kind.rules:
                fraction = kind.score(item, IDS, cleaned, rule)
                assert 0.0 <= fraction <= 1.0
                assert type(fraction) is float


@pytest.mark.parametrize(
    ("chosen", "some", "all_or_none", "net"),
    [
        ("ABD", 1, 1, 1),
        ("AB", 2 / 3, 0, 2 / 3),
        ("A", 1 / 3, 0, 1 / 3),
        ("ABCD", 0, 0, 2 / 3),
        ("ABC", 0, 0, 1 / 3),
        ("AC", 0, 0, 0),
        ("C", 0, 0, 0),
        ("CE", 0, 0, 0),
        ("ABCDE", 0, 0, 1 / 3),
    ],
)
def test_multiple_choice_by_each_rule(chosen: str, some: float, all_or_none: float, net: float) -> None:
    """The key is A, B, D of A–E."""
    for rule, fraction in (("漏选按比例", some), ("全对得分", all_or_none), ("对错相抵", net)):
        assert partial(rule, frozenset("ABD"), frozenset(chosen)) == pytest.approx(fraction)
    item = next(i for i in ONE_OF_EACH if i.kind == "多选")
    value = [IDS.of(item.id, c) for c in chosen]
    assert item_type("多选").score(item, IDS, value, "漏选按比例") == pytest.approx(some)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("一个月", True),
        ("1个月", True),
        ("１ 个 月。", True),
        ("30日", True),
        ("Ａbc", True),
        ("一月", False),
        ("", False),
        ("|", False),
    ],
)
def test_blanks_are_compared_without_width_case_and_space(text: str, right: bool) -> None:
    item = Item(id="a", kind="填空", stem="____", elements=(Element(letter="A", text="一个月 | 1个月 | 30日 | aBC"),))
    kind = item_type("填空")
    value = kind.clean(item, IDS, {IDS.of("a", "A"): text})
    assert (kind.score(item, IDS, value, "每空计分") if value else 0.0) == (1.0 if right else 0.0)


def test_ordering_by_place_and_matching_by_pair() -> None:
    order = Item(id="o", kind="排序", stem="s", elements=elements(("A", "2", "二"), ("B", "1", "一"), ("C", "3", "三")))
    kind = item_type("排序")
    swapped = [IDS.of("o", c) for c in "ABC"]
    assert kind.score(order, IDS, swapped, "按位计分") == pytest.approx(1 / 3)
    assert kind.score(order, IDS, swapped, "全对得分") == 0
    pairs = Item(
        id="m",
        kind="配对",
        stem="s",
        elements=elements(("A", "=", "甲 → 同"), ("B", "=", "乙 → 同"), ("C", "=", "丙 → 异"), ("D", "", "→ 余")),
    )
    kind = item_type("配对")
    key = kind.key(pairs, IDS)
    assert len(set(key.values())) == 2, "equal right texts are one right entry"
    assert len(kind.public(pairs, IDS)["right"]) == 3
    left = IDS.of("m", "C")
    assert kind.score(pairs, IDS, {k: v for k, v in key.items() if k != left}, "每对计分") == pytest.approx(2 / 3)


@pytest.mark.parametrize("item", ONE_OF_EACH, ids=KINDS)
def test_what_is_published_says_nothing_of_the_key(item: Item) -> None:
    """Another key with the same texts publishes the same: there is nothing to read it from."""
    if item.kind in ("填空", "配对"):
        pytest.skip("the answer is the text itself")
    kind = item_type(item.kind)
    marks = [e.mark for e in item.elements]
    turned = tuple(e.model_copy(update={"mark": m}) for e, m in zip(item.elements, marks[1:] + marks[:1], strict=True))
    assert kind.public(item.model_copy(update={"elements": turned}), IDS) == kind.public(item, IDS)


@pytest.mark.parametrize(
    ("kind", "answer", "marks"),
    [
        ("单选", " b ", ["", "x", ""]),
        ("多选", "Ａ、C", ["x", "", "x"]),
        ("排序", "B A C", ["2", "1", "3"]),
        ("心得", "8；6、 6.5分", ["8", "6", "6.5"]),
    ],
)
def test_answer_cells_are_read_leniently(kind: str, answer: str, marks: list[str]) -> None:
    options = (("A", "甲"), ("B", "乙"), ("C", "丙"))
    assert [m for _, m, _ in item_type(kind).from_cells(options, answer)] == marks


@pytest.mark.parametrize(
    ("kind", "answer"),
    [
        ("单选", "D"),
        ("多选", "AB1"),
        ("排序", "BA"),
        ("排序", "BAA"),
        ("判断", "也许"),
        ("心得", "8；6"),
        ("心得", "8；6；x"),
    ],
)
def test_answer_cells_that_cannot_be_read_say_so_in_chinese(kind: str, answer: str) -> None:
    with pytest.raises(ValueError, match="答案"):
        item_type(kind).from_cells((("A", "甲"), ("B", "乙"), ("C", "丙")), answer)
