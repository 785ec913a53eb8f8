from __future__ import annotations

import pytest

from qinlian.errors import StoreError
from qinlian.quiz.values import LONGEST_TEXT, storable


@pytest.mark.parametrize("value", [None, "ab12", ["a", "b"], {"a": "一个月", "b": ""}, [], {}])
def test_the_shapes_of_all_item_types_are_kept(value):
    assert storable(value) == value


@pytest.mark.parametrize(
    "value",
    [
        3,
        True,
        1.5,
        [1],
        ["a", ["b"]],
        {"a": {"b": "c"}},
        {"a": None},
        {"": "x"},
        ["x" * 65],
        ["a"] * 65,
        "字" * (LONGEST_TEXT + 1),
    ],
)
def test_anything_else_is_refused_with_a_sentence(value):
    with pytest.raises(StoreError, match="没有保存"):
        storable(value)


def test_what_utf8_or_the_database_cannot_hold_is_replaced():
    assert storable("半个\ud83d字\0") == "半个\ufffd字"
    assert storable({"a": "\udc00"}) == {"a": "\ufffd"}
