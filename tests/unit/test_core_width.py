"""How wide a text is, and what of it does not show."""

from __future__ import annotations

import pytest

from qinlian.core.width import narrow, printable, width_in_columns


@pytest.mark.parametrize(("text", "width"), [("", 0), ("ab 1", 4), ("望川", 4), ("（1 人）", 8), ("ｱ“”", 5)])
def test_a_chinese_character_takes_two_columns(text: str, width: int) -> None:
    assert width_in_columns(text) == width


def test_nothing_is_left_that_moves_a_cursor_or_turns_the_text() -> None:
    assert printable("周\x1b[2J晓\u202e岚\n（一）\u200b") == "周[2J晓岚（一）"


def test_what_is_made_narrow_keeps_its_places() -> None:
    assert narrow("ＬＺ－０２：“甲”\u3000") == 'LZ-02:"甲" '
