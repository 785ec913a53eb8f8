"""Public ids say nothing of id, letter, order or key."""

from __future__ import annotations

import re

from qinlian.core.identity import Identity
from tests.sample import IDS, MODULE, SECRET

ITEM = MODULE.item("LZ-90-101")


def test_a_public_id_is_sixteen_hex_digits_and_depends_on_all_that_it_names() -> None:
    ids = {IDS.of("LZ-90-101"), IDS.of("LZ-90-101", "A"), IDS.of("LZ-90-101", "B"), IDS.of("LZ-90-102")}
    assert len(ids) == 4
    assert all(re.fullmatch("[0-9a-f]{16}", i) for i in ids)


def test_another_secret_makes_other_ids() -> None:
    assert Identity(b"another").of("LZ-90-101") != IDS.of("LZ-90-101")


def test_item_and_letter_are_not_run_together() -> None:
    assert IDS.of("LZ-1", "1A") != IDS.of("LZ-11", "A")


def test_the_published_order_is_the_order_of_public_ids_and_not_of_writing() -> None:
    published = [pid for pid, _ in IDS.published(ITEM)]
    assert published == sorted(published)
    backwards = ITEM.model_copy(update={"elements": tuple(reversed(ITEM.elements))})
    assert [pid for pid, _ in IDS.published(backwards)] == published


def test_letters_in_explanations_become_those_that_the_learner_sees() -> None:
    letters = IDS.display_letters(ITEM)
    assert IDS.relettered(ITEM, "最容易选错的是 B。") == f"最容易选错的是 {letters['B']}。"


def test_several_letters_in_a_row_are_put_in_the_order_shown() -> None:
    letters = IDS.display_letters(ITEM)
    assert IDS.relettered(ITEM, "选AC，不选BD") == (
        f"选{''.join(sorted(letters[c] for c in 'AC'))}，不选{''.join(sorted(letters[c] for c in 'BD'))}"
    )


def test_letters_inside_words_and_numbers_are_left_alone() -> None:
    assert IDS.relettered(ITEM, "APP 和 A4 纸、CD 盘里的 ABCX") == IDS.relettered(ITEM, "CD").join(
        ["APP 和 A4 纸、", " 盘里的 ABCX"]
    )


def test_an_edition_changes_with_text_rules_and_secret() -> None:
    other = MODULE.model_copy(update={"title": "别的标题"})
    editions = {
        IDS.edition(MODULE, ()),
        IDS.edition(other, ()),
        IDS.edition(MODULE, (("多选", "全对得分"),)),
        Identity(b"another").edition(MODULE, ()),
    }
    assert len(editions) == 4


def test_the_secret_is_not_in_its_repr() -> None:
    assert SECRET.decode() not in repr(IDS)
    assert IDS.export() not in repr(IDS)
