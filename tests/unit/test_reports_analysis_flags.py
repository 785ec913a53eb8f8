"""What an instructor is told about an item, and in which order."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from qinlian.reports.analysis import SMALLEST, bars, distractors, flags, item_table
from qinlian.reports.analysis.evidence import key_evidence
from qinlian.reports.analysis.flags import LABELS, SEVERITY
from tests.answers import Crowd, as_responses, crowd, crowd_of_several, option_frame


def of(made: Crowd) -> pd.DataFrame:
    return flags(item_table(made.responses), distractors(made.responses, made.options))


def answered(people: int, letters: Callable[[int], str | Sequence[str] | None], key: str) -> pd.DataFrame:
    """Flags of item Q1, which person n of ``people`` answers with ``letters(n)``; ten other items rank them,
    person 0 being the best."""
    rows = []
    for n in range(people):
        given = letters(n)
        chosen = [given] if isinstance(given, str) else list(given or [])
        ids = [f"Q1-{letter}" for letter in chosen]
        right = sum(letter in key for letter in chosen) / len(key) if all(c in key for c in chosen) else 0.0
        value = None if given is None else (ids[0] if isinstance(given, str) else ids)
        rows.append((f"u{n:03d}", "Q1", given is not None, right, json.dumps(value)))
        for other in range(10):
            good = float(n * 10 < people * (10 - other) - other)
            rows.append((f"u{n:03d}", f"R{other}", True, good, json.dumps("x")))
    frame = pd.DataFrame(rows, columns=["account", "item", "answered", "fraction", "value"])
    table = item_table(frame)
    found = flags(table, distractors(frame, option_frame(["Q1"], [key])))
    return found[found["item"] == "Q1"].reset_index(drop=True)


def only(found: pd.DataFrame) -> tuple[str, str]:
    assert len(found) == 1, found
    return found.loc[0, "code"], found.loc[0, "sentence"]


def test_a_good_item_is_not_spoken_of():
    found = answered(40, lambda n: "A" if n < 26 else "BCD"[n % 3], "A")
    assert found.empty


def test_a_wrong_key_names_the_option_that_is_likely_right():
    found = answered(40, lambda n: "B" if n < 28 else "ACD"[n % 3], "A")
    code, sentence = only(found)
    assert code == "miskeyed"
    assert sentence.startswith("很可能答案标错：28 人选 B，选标准答案 A 的有 4 人，选 B 的人其他题答得更好")
    assert "请先核对标准答案" in sentence


def test_a_key_that_nobody_chose():
    code, sentence = only(answered(40, lambda n: "B" if n < 30 else "CD"[n % 2], "A"))
    assert code == "miskeyed"
    assert "30 人选 B，没有人选标准答案 A。" in sentence


def test_the_two_sides_of_a_statement_stand_in_quotation_marks():
    made = crowd(1, 40, planted=False)
    responses = made.responses.assign(fraction=lambda f: f["fraction"].where(f["item"] != "Q01", 1 - f["fraction"]))
    options = pd.DataFrame(
        [("Q01", "对", "t", True), ("Q01", "错", "f", False)], columns=["item", "option", "public_id", "correct"]
    )
    own = responses["item"] == "Q01"
    responses.loc[own, "value"] = np.where(responses.loc[own, "fraction"] == 1, '"t"', '"f"')
    found = flags(item_table(responses), distractors(responses, options))
    assert "人选“错”，选标准答案“对”的有" in found.loc[0, "sentence"]


def test_a_tempting_distractor_of_a_right_key_is_hard_and_not_wrong():
    found = answered(60, lambda n: "A" if n < 15 else ("C" if n % 5 == 0 else "B"), "A")
    assert "miskeyed" not in set(found["code"])
    assert found.loc[0, "code"] == "hard"
    assert "题目偏难：平均只得 25%" in found.loc[0, "sentence"]


def test_two_answers_that_both_find_takers_are_asked_about():
    code, sentence = only(answered(40, lambda n: "BBA"[n % 3] if n < 36 else "CD"[n % 2], "A"))
    assert code == "lured"
    assert "两边的人其他题答得差不多（平均得 " in sentence
    assert "选项 B 是不是也说得通" in sentence


def test_few_people_are_enough_to_look_at_the_key_but_not_to_judge():
    found = answered(12, lambda n: "B" if n < 11 else "A", "A")
    assert found["code"].to_list() == ["miskeyed", "few"]
    assert "作答的只有 12 人，以核对的结果为准" in found.loc[0, "sentence"]


def test_below_the_least_number_nothing_is_judged():
    code, sentence = only(answered(SMALLEST - 1, lambda _: "A", "A"))
    assert code == "few"
    assert sentence == f"人数不足，先别下结论：抽到这道题的只有 19 人，满 {SMALLEST} 人再看难度和区分度。"


def test_an_easy_item_and_the_distractors_that_nobody_took():
    found = answered(40, lambda n: "B" if n == 39 else "A", "A")
    assert found["code"].to_list() == ["easy", "unused"]
    assert "平均得 98%" in found.loc[0, "sentence"]
    assert "40 人里没有人选 C、D" in found.loc[1, "sentence"]


def test_a_distractor_that_hardly_anybody_took_is_told_with_the_number():
    found = answered(200, lambda n: "A" if n < 120 else ("D" if n == 199 else "BC"[n % 2]), "A")
    assert "200 人里选 D 的只有 1 人" in only(found)[1]


def test_many_who_left_it_empty():
    found = answered(40, lambda n: None if n % 4 == 3 else ("A" if n < 26 else "BCD"[n % 3]), "A")
    assert found["code"].to_list() == ["omitted"]
    assert "40 人里有 10 人空着（25%）" in found.loc[0, "sentence"]


def test_of_several_right_options_the_one_marked_wrong_is_named():
    # Everybody who knows takes A, B and C; C is marked wrong.
    found = answered(40, lambda n: ("A", "B", "C") if n < 30 else ("A", "D"), "AB")
    code, sentence = only(found[found["code"].isin(["miskeyed", "lured"])])
    assert code == "miskeyed"
    assert sentence.startswith("很可能答案标错：选项 C 标为错误，却有 30 人选了，10 人没选，选它的人其他题答得更好")


def test_of_several_right_options_the_one_that_should_not_be_among_them_is_named():
    found = answered(40, lambda n: ("A", "B") if n < 30 else ("A", "D"), "AD")
    told = set(found.loc[found["code"] == "miskeyed", "sentence"])
    assert any("选项 D 标为正确" in t or "选项 B 标为错误" in t for t in told)


def test_without_options_an_item_that_the_better_ones_get_wrong_is_still_found():
    rng = np.random.default_rng(5)
    scores = (rng.random((80, 12)) < 1 / (1 + np.exp(-rng.normal(size=(80, 1)) * 1.5))).astype(float)
    scores[:, 3] = 1 - scores[:, 3]
    found = flags(item_table(as_responses(scores)))
    assert (found.loc[0, "item"], found.loc[0, "code"]) == ("Q03", "reversed")
    assert "高分组反而答错" in found.loc[0, "sentence"]
    assert "请先检查答案" in found.loc[0, "sentence"]


def test_an_item_that_tells_nobody_apart_is_said_to_and_how_sure_that_is():
    for people, words in ((40, "40 人还看不准"), (400, "错误选项是不是不懂也能排除")):
        found = answered(people, lambda n: "A" if n % 2 else "BCD"[n // 2 % 3], "A")
        assert words in dict(zip(found["code"], found["sentence"], strict=True))["low_discrimination"]


def test_worst_first():
    found = of(crowd(3, 60, draw=10))
    assert found["severity"].is_monotonic_increasing
    for _, rows in found.groupby("severity"):
        assert rows["strength"].is_monotonic_decreasing
    assert set(found["code"]) <= SEVERITY.keys()
    assert LABELS.keys() == SEVERITY.keys()
    assert all(row.sentence.startswith(row.label) for row in found.itertuples())


def test_the_guide_explains_every_flag_in_the_same_order_and_by_the_same_bars():
    guide = (Path(__file__).parents[2] / "docs" / "item-analysis.md").read_text(encoding="utf-8")
    labels = list(LABELS.values())
    rows = [line.split("|")[1:4] for line in guide.splitlines() if line.split("|")[1:2] and line.startswith("| ")]
    told = {row[0].strip(): row[1] for row in rows if row[0].strip() in labels}
    assert list(told) == labels
    assert list(SEVERITY) == list(LABELS)
    assert sorted(SEVERITY.values()) == list(SEVERITY.values())
    for label, bar in (
        ("区分度低", f"{bars.LOW:.2f}"),
        ("题目偏难", f"{bars.HARD:.0%}"),
        ("多人没作答", f"{bars.OMITTED:.0%}"),
        ("干扰项无人选", f"{bars.UNUSED:.0%}"),
        ("题目偏易", f"{bars.EASY:.0%}"),
        ("人数不足", f"{SMALLEST} 人"),
    ):
        assert bar in told[label]
    assert f"满 {bars.SMALLEST_KEY} 人就会请您核对答案" in guide


def test_sentences_are_whole_and_plain():
    for seed, people, draw in ((1, 60, 10), (2, 200, None), (3, 30, None)):
        for sentence in of(crowd(seed, people, draw=draw))["sentence"]:
            assert sentence.endswith("。")
            assert not re.search(r"[a-z]{2}|[!！,;]|nan|  ", sentence), sentence


def test_nothing_to_say_is_an_empty_table_of_the_same_columns():
    empty = crowd(1, 5).responses.iloc[:0]
    found = flags(item_table(empty), distractors(empty, crowd(1, 5).options))
    assert found.columns.to_list() == of(crowd(1, 5)).columns.to_list()
    assert found.empty


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 1000), st.randoms(use_true_random=False))
@example(857, Random(0))
def test_names_of_people_and_the_order_of_rows_change_no_flag(seed: int, random):
    made = crowd(seed, 30, items=8)
    names = made.responses["account"].unique().tolist()
    random.shuffle(names)
    renamed = made.responses.assign(account=made.responses["account"].map({n: f"x{i}" for i, n in enumerate(names)}))
    shuffled = Crowd(renamed.sample(frac=1, random_state=seed), made.options, made.planted)
    pd.testing.assert_frame_equal(of(made), of(shuffled))


@pytest.mark.parametrize(("seed", "draw"), [(1, None), (3, 6)])
def test_the_evidence_against_a_key_counted_from_the_answers_themselves(seed: int, draw: int | None):
    made = crowd(seed, 60, items=12, draw=draw)
    found = key_evidence(item_table(made.responses), distractors(made.responses, made.options))
    wide = made.responses.pivot(index="account", columns="item", values="fraction")
    value = made.responses.pivot(index="account", columns="item", values="value")
    for row in found.itertuples():
        own = wide[row.item].notna()
        rest = wide[own].drop(columns=row.item).mean(axis=1)
        side = (value[row.item][own] == f'"{row.item}-{row.option}"').astype(int)
        side -= (value[row.item][own] == f'"{row.item}-{row.key}"').astype(int)
        a, f = int((side == 1).sum()), int((side == -1).sum())
        assert (row.against, row.for_key) == (a, f)
        assert row.popularity == pytest.approx((a - f) / np.sqrt(a + f) if a + f else 0, abs=1e-9)
        if side.nunique() > 1:
            ability = stats.pearsonr(side, rest).statistic * np.sqrt(len(side) - 1)
            assert row.ability == pytest.approx(ability, abs=1e-9)
            assert row.strength == pytest.approx((row.popularity + ability) / np.sqrt(2), abs=1e-9)


def test_the_evidence_against_a_mark_counted_from_the_answers_themselves():
    rng = np.random.default_rng(1)
    rows = []
    for n in range(50):
        picked = [letter for letter in "ABCD" if rng.random() < 0.5]
        value = json.dumps([f"Q1-{letter}" for letter in picked] or None)
        rows.append((f"u{n}", "Q1", bool(picked), rng.random(), value))
        rows += [(f"u{n}", f"R{m}", True, rng.random(), "null") for m in range(4)]
    frame = pd.DataFrame(rows, columns=["account", "item", "answered", "fraction", "value"])
    found = key_evidence(item_table(frame), distractors(frame, option_frame(["Q1"], ["AC"]))).set_index("option")
    own = frame[frame["item"] == "Q1"].set_index("account")
    rest = frame[frame["item"] != "Q1"].groupby("account")["fraction"].mean()[own.index]
    for letter in "ABCD":
        chose = own["value"].str.contains(f"Q1-{letter}")
        z = stats.pearsonr(chose, rest).statistic * np.sqrt(49)
        yes, no = chose.sum(), (own["answered"] & ~chose).sum()
        sign = -1 if letter in "AC" else 1
        assert found.loc[letter, "ability"] == pytest.approx(sign * z, abs=1e-9)
        assert found.loc[letter, "popularity"] == pytest.approx(sign * (yes - no) / np.sqrt(yes + no), abs=1e-9)


def test_what_those_who_passed_an_option_over_scored_is_not_made_up():
    rows = [(f"u{n}", "Q1", True, 0.0, '["Q1-A", "Q1-D"]') for n in range(12)]
    rows += [(f"u{n}", "R1", True, 1.0, "null") for n in range(5)]
    frame = pd.DataFrame(rows, columns=["account", "item", "answered", "fraction", "value"])
    found = key_evidence(item_table(frame), distractors(frame, option_frame(["Q1"], ["AB"]))).set_index("option")
    assert found.loc["B", ["against", "for_key"]].to_list() == [12, 0]
    assert np.isnan(found.loc["B", "rest_against"])
    assert found.loc["D", "rest_against"] == 1.0


def test_a_wrong_key_among_forty_comes_first():
    for seed in range(5):
        made = crowd(seed, 120)
        assert of(made).loc[0, "item"] == made.planted


SEEDS = range(50)


def found_first(people: int, draw: int | None, make: Callable[..., Crowd] = crowd) -> float:
    """Share of classes in which the wrong key comes first, as one whose key is in doubt."""
    hits = 0
    for seed in SEEDS:
        made = make(seed, people, draw=draw)
        first = of(made).head(1)
        hits += first["item"].to_list() == [made.planted] and first.loc[0, "code"] in ("miskeyed", "lured")
    return hits / len(SEEDS)


@pytest.mark.slow
@pytest.mark.parametrize("people", [60, 100, 200, 300])
def test_a_wrong_key_comes_first_in_every_class_that_answered_all_forty(people: int):
    assert found_first(people, None) == 1.0


@pytest.mark.slow
@pytest.mark.parametrize(("people", "rate"), [(60, 0.86), (100, 0.98), (150, 0.96), (200, 0.98), (300, 0.98)])
def test_of_a_pool_each_answered_ten_and_it_comes_first_nearly_always(people: int, rate: float):
    # With 100 people an item has 25 answers. What is missed are items that no more people know than are tempted.
    assert found_first(people, 10) >= rate


@pytest.mark.slow
@pytest.mark.parametrize(
    ("people", "draw", "rate"), [(60, None, 1.0), (100, None, 1.0), (100, 10, 0.92), (200, 10, 0.98)]
)
def test_one_wrong_mark_among_several_right_options_comes_first(people: int, draw: int | None, rate: float):
    assert found_first(people, draw, crowd_of_several) >= rate


@pytest.mark.slow
@pytest.mark.parametrize(("people", "draw", "most"), [(60, None, 0), (100, 10, 1), (300, 10, 1)])
def test_a_right_key_is_hardly_ever_called_wrong(people: int, draw: int | None, most: int):
    wronged = sum((of(crowd(seed, people, draw=draw, planted=False))["code"] == "miskeyed").sum() for seed in SEEDS)
    assert wronged <= most
