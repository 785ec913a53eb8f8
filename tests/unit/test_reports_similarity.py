"""Similarity: what counts as close, what never does, and that it is symmetric and harmless."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.essays import QUESTION, essay, reworded
from qinlian.reports.passages import Reading, compare, segments
from qinlian.reports.sides import environment, side_by_side
from qinlian.reports.similarity import SHORTEST, Given, Library, Notice, Text

ANY = st.text(st.characters(exclude_categories=("Cs",)), max_size=300)
SEEDS = st.integers(0, 10_000)
LESSON = (
    "一盒茶叶本身不重，重的是它在下一次评审时压在那支笔上的分量。把事情告诉第二个人，它就从秘密变成了一件可以处理的事。"
    "预备好的那句话要短，短到在走廊里也来得及说完。"
)


def text(owner: str, words: str) -> Text:
    return Text(owner, owner, "《样例》", words)


def sentences(words: str) -> list[str]:
    return [s + "。" for s in words.replace("\n", "").split("。") if s]


def near(library: Library, who: Text) -> dict[str, Notice]:
    """Owner → notice, without quotations of the course."""
    return {n.source.owner: n for n in library.notices(who) if isinstance(n.source, Text)}


def cohort(*more: Text, count: int = 30, given: tuple[Given, ...] = ()) -> Library:
    """Honest essays, and some others."""
    return Library((*(text(f"p{n}", essay(n)) for n in range(count)), *more), given)


# Reading


@given(ANY)
def test_a_reading_knows_where_each_letter_stands_and_its_units_cover_it(words: str) -> None:
    reading = Reading.of(words)
    assert len(reading.places) == len(reading.bare)
    assert all(0 <= p < len(words) for p in reading.places)
    cursor = 0
    for start, end in reading.units:
        assert start == cursor < end
        cursor = end
    assert cursor == len(reading)


def test_width_space_punctuation_and_invisible_characters_make_no_difference() -> None:
    plain, dressed = Reading.of("第2盒茶叶，ABC公司送来的"), Reading.of("第２盒 茶\u200b叶ＡＢＣ公司——送来的！")
    assert plain.bare == dressed.bare
    assert (plain.grams == dressed.grams).all()


def test_a_text_without_any_punctuation_is_cut_all_the_same() -> None:
    assert len(Reading.of("风" * 500).units) > 5


# Passages


@given(SEEDS)
@settings(max_examples=25, deadline=None)
def test_a_text_is_wholly_similar_to_itself(seed: int) -> None:
    reading = Reading.of(essay(seed, 300))
    found = compare(reading, reading)
    assert sum(p.letters for p in found) == len(reading)
    assert all(p.alike == 100 for p in found)


def test_passages_are_found_where_they_were_moved_to() -> None:
    own = sentences(essay(1))
    moved = "".join(reversed(own))
    found = compare(Reading.of("".join(own)), Reading.of(moved))
    assert sum(p.letters for p in found) > 0.95 * len(Reading.of(moved))


def test_light_rewording_is_seen_through() -> None:
    own = essay(2)
    changed = "".join(reworded(s, random.Random(n)) for n, s in enumerate(sentences(own)))
    assert changed != own.replace("\n", "")
    found = compare(Reading.of(own), Reading.of(changed))
    assert sum(p.letters for p in found) > 0.85 * len(Reading.of(own))
    assert min(p.alike for p in found) < 100


def test_the_two_sides_of_a_passage_put_together_are_the_passage() -> None:
    left, right = "当天我打电话请他取回", "当天我就打了电话请他拿回去"
    sides = segments(left, right)
    assert "".join(t for t, _ in sides[0]) == left
    assert "".join(t for t, _ in sides[1]) == right
    same = ["".join(t for t, s in side if s) for side in sides]
    assert same[0] == same[1] != ""


@given(ANY, ANY)
@settings(max_examples=60, deadline=None)
def test_no_two_texts_make_it_raise(one: str, other: str) -> None:
    library = Library([text("a", one), text("b", other)], [Given("课文", other)])
    for notice in library.notices(text("a", one)):
        for left, right in side_by_side(one, notice).passages:
            assert "".join(t for t, _ in left) in one
            assert "".join(t for t, _ in right) in notice.source.text


# Notices


@pytest.mark.parametrize("way", ["verbatim", "reordered", "reworded"])
def test_a_copy_is_told_to_both_and_honest_essays_are_not(way: str) -> None:
    own = sentences(essay(900))
    taken = own[3:14]
    if way == "reordered":
        taken = taken[::-1]
    if way == "reworded":
        taken = [reworded(s, random.Random(n)) for n, s in enumerate(taken)]
    source, copy = text("source", "".join(own)), text("copier", "".join(sentences(essay(901))[:6] + taken))
    library = cohort(source, copy, count=100)
    assert next(iter(near(library, source))) == "copier"
    assert next(iter(near(library, copy))) == "source"
    assert sum(bool(near(library, library.texts[n])) for n in range(100)) <= 5


@given(SEEDS, SEEDS)
@settings(max_examples=20, deadline=None)
def test_a_notice_is_symmetric(one: int, other: int) -> None:
    mixed = "".join(sentences(essay(one))[:8] + sentences(essay(other + 20_000))[:8])
    left, right = text("a", essay(one)), text("b", mixed)
    library = cohort(left, right, count=10)
    there, back = near(library, left).get("b"), near(library, right).get("a")
    assert (there is None) == (back is None)
    if there and back:
        assert {(p.left, p.right) for p in there.passages} == {(p.right, p.left) for p in back.passages}


def test_a_learners_own_earlier_attempt_is_no_match() -> None:
    draft, final = text("amy", essay(5)), text("amy", essay(5) + "后来我又想了想。")
    library = cohort(draft, final)
    assert "amy" not in near(library, final)


def test_somebody_elses_earlier_draft_is_a_match_and_is_told_once() -> None:
    library = cohort(text("amy", essay(77)), text("amy", essay(77)[:-20]), text("bob", essay(77)))
    found = [n.source.owner for n in library.notices(library.texts[-1]) if isinstance(n.source, Text)]
    assert found.count("amy") == 1
    assert found[0] == "amy"


def test_texts_below_a_length_get_no_notice() -> None:
    short = "风" * (SHORTEST - 1)
    library = Library([text("a", short), text("b", short), text("c", short + essay(3))])
    assert library.notices(library.texts[0]) == ()
    assert near(library, library.texts[2]) == {}


def test_what_two_learners_quote_from_the_course_or_the_question_is_not_counted_between_them() -> None:
    given = (Given("课文《样例》", LESSON), Given("题目", QUESTION))
    one = text("a", LESSON + QUESTION + essay(50_011, 300))
    two = text("b", QUESTION + essay(50_012, 300) + LESSON)
    assert "b" not in near(cohort(one, two, given=given), one)
    assert "b" in near(cohort(one, two), one)


def test_a_quotation_is_told_as_one() -> None:
    one = text("a", LESSON + essay(50_011, 300))
    found = Library([one], [Given("课文《样例》", LESSON)]).notices(one)
    assert [n.quoted for n in found] == [True]
    shown = side_by_side(one.text, found[0])
    assert "引用课文不算问题" in shown.sentence
    assert shown.where == "课文《样例》"


def test_a_text_that_a_whole_class_hands_in_is_not_taken_for_a_stock_phrase() -> None:
    library = Library([text(f"p{n}", essay(4)) for n in range(300)])
    found = near(library, library.texts[0])
    assert len(found) == 5
    assert all(n.share > 0.99 for n in found.values())


def test_a_text_that_several_of_a_small_class_shuffled_is_found() -> None:
    own = sentences(essay(600))[:12]
    shuffled = ["".join(random.Random(n).sample(own, len(own))) for n in range(6)]
    library = cohort(*(text(f"c{n}", words) for n, words in enumerate(shuffled)), count=24)
    assert all(
        {f"c{m}" for m in range(6) if m != n} <= set(near(library, text(f"c{n}", shuffled[n]))) for n in range(6)
    )


def test_a_sentence_that_everybody_uses_is_nothing_between_two() -> None:
    stock = "作为一名年轻干部，我要时刻绷紧廉洁自律这根弦。吃人的嘴软，拿人的手短，这个道理谁都懂。"
    library = Library([text(f"p{n}", essay(n, 400) + stock) for n in range(200)])
    close = sum(bool(near(library, one)) for one in library.texts)
    assert close <= 4


# Words and markup


def test_the_words_are_neutral_and_leave_the_judgement_to_the_reader() -> None:
    library = cohort(text("李雷（li）", essay(7)), count=3)
    shown = side_by_side(essay(7), near(library, text("me", essay(7)))["李雷（li）"])
    assert "请对照阅读后判断" in shown.sentence
    assert not any(word in shown.sentence for word in ("抄袭", "作弊", "雷同", "扣分"))


@given(st.sampled_from(["<script>x</script>", "<img src=x onerror=y>", "&lt;b&gt;", "{{ 7*7 }}", "</pre><b>"]))
def test_markup_of_learners_stays_text(markup: str) -> None:
    mine, other = essay(8) + markup, markup + essay(8)
    library = Library([text("a", mine), text(f"b{markup}", other)])
    notices = [side_by_side(mine, n) for n in library.notices(library.texts[0])]
    assert notices
    html = (
        environment()
        .get_template("marking.html.j2")
        .render(name="R1", rubric=[(markup, [markup])], notices=notices, written=True)
    )
    assert markup not in html or markup == "{{ 7*7 }}"
    assert "49" not in html
