"""抉择: how a story is read, what can be answered, and what a path is worth."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from qinlian.authoring.questions import parse_questions
from qinlian.authoring.textfile import parse_text
from qinlian.items.base import InvalidAnswer, item_type
from qinlian.items.decision.paths import BY_PATH, BY_STEP, MOST_STEPS
from qinlian.items.decision.story import parse
from qinlian.notebooks.publish import published_item
from tests.sample import COURSE, IDS
from tests.unit.decision_stories import CITE, TEA, case, route

KIND = item_type("抉择")
ITEM = case(TEA)


def ids(letters: str, body: str = TEA) -> list[str]:
    """The public ids of the path that these letters take."""
    return [IDS.of(ITEM.id, f"choice/{node}/{letter}") for node, letter in route(body, letters)]


def codes(body: str, explanation: str = "") -> list[str]:
    return [f.code for f in KIND.findings(case(body, explanation=explanation))]


# ---- reading ----


def test_a_story_is_read_into_nodes_passages_and_choices() -> None:
    parsed = parse(TEA)
    assert parsed.problems == ()
    tea, _, weekend, *endings = parsed.story.nodes
    assert [n.name for n in parsed.story.nodes] == ["茶叶", "电话", "周末", "谈开", "走近"]
    assert [n.ending for n in endings] == [True, True]
    first, _, last = tea.choices
    assert (first.letter, first.text, first.to, first.points) == ("A", "追出去请他带回", "电话", 3)
    assert first.feedback == "当面退回最省事。"
    assert [c.text for c in first.citations] == [CITE, "《中国共产党纪律处分条例》第十七条"]
    assert (last.final, last.sets, last.points) == (True, ("留下茶叶", "转送"), 0)
    assert [(p.text, p.condition.needs, p.condition.bars) for p in weekend.passages] == [
        ("第二天一早，他又来了。", (), ()),
        ("他问：“茶还喝得惯吧？”", ("留下茶叶",), ("转送",)),
        ("他坐下了。", (), ()),
    ]


def test_places_of_citations_are_those_of_the_body() -> None:
    lines = TEA.split("\n")
    for cited in KIND.body_citations(ITEM):
        assert lines[cited.line][cited.column :].startswith(cited.text)


def test_full_width_forms_are_read_alike() -> None:
    wide = TEA.replace("- A. 追出去请他带回 → 电话 {得分=3}", "－　Ａ．追出去请他带回　－＞　电话　｛得分＝３｝")
    assert wide != TEA
    assert parse(wide).problems == ()
    assert KIND.public(case(wide), IDS) == KIND.public(ITEM, IDS)
    assert KIND.key(case(wide), IDS) == KIND.key(ITEM, IDS)


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("- A. 追出去请他带回 → 电话 {得分=3}", "- A. 追出去请他带回 {得分=3}"),
        ("- A. 追出去请他带回 → 电话 {得分=3}", "A. 追出去请他带回 → 电话"),
        ("- A. 追出去请他带回 → 电话 {得分=3}", "- [x] A. 追出去请他带回 → 电话"),
        ("- A. 追出去请他带回 → 电话 {得分=3}", "- 追出去请他带回 → 电话"),
        ("- A. 追出去请他带回 → 电话 {得分=3}", "- A. → 电话"),
        ("- A. 追出去请他带回 → 电话 {得分=3}", "- A. 追出去请他带回 → 电话 {分数=3}"),
        ("  > 当面退回最省事。", "  当面退回最省事。"),
        ("周五傍晚，老周把一盒茶叶放在你桌上。", "依据：" + CITE),
        ("周五傍晚，老周把一盒茶叶放在你桌上。", "解析：一盒茶叶。"),
        ("周五傍晚，老周把一盒茶叶放在你桌上。", "周五傍晚 {若=留下茶叶}"),
        ("周五傍晚，老周把一盒茶叶放在你桌上。", "{若=留下茶叶}"),
        ("周五傍晚，老周把一盒茶叶放在你桌上。", "{} 周五傍晚"),
        ("#### 茶叶", "题外话\n#### 茶叶"),
        ("#### 谈开 {结局}", "#### 谈开 {结束}"),
        ("#### 谈开 {结局}", "##### 谈开 {结局}"),
    ],
)
def test_a_line_that_only_looks_right_is_an_error_at_its_place(line: str, instead: str) -> None:
    body = TEA.replace(line, instead, 1)
    found = [f for f in KIND.findings(case(body)) if f.code == "E314"]
    assert found
    assert all(f.line is not None and f.hint for f in found)


def test_a_backslash_makes_a_line_prose() -> None:
    body = TEA.replace("他坐下了。", "\\依据：他没有说。\n\\A. 也不是选项")
    assert parse(body).problems == ()
    assert parse(body).story.node("周末").passages[-1].text == "依据：他没有说。\nA. 也不是选项"


def test_the_example_of_the_docs_is_whole_and_sound() -> None:
    docs = Path(__file__).parents[2] / "docs" / "activities.md"
    blocks = re.findall(r"^```markdown\n(.*?)^```", docs.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    (example,) = (block for block in blocks if "[抉择]" in block)
    found = parse_questions(parse_text(example, "activities.md"))
    assert found.diagnostics == ()
    assert list(KIND.findings(found.items[0].item)) == []


# ---- publishing ----


def test_a_graded_case_shows_neither_points_nor_names_nor_reasons() -> None:
    told = json.dumps(published_item(COURSE, ITEM.model_copy(update={"use": "测验"}), IDS), ensure_ascii=False)
    story = parse(TEA).story
    for node in story.nodes:
        assert f'"{node.name}"' not in told
        assert all(choice.feedback not in told for choice in node.choices if choice.feedback)
    assert "留下茶叶" not in told
    assert "第九十七条" not in told
    assert "得分" not in told.replace('"rule": "路径得分"', "")


def test_nodes_and_choices_stand_in_the_order_of_their_public_ids() -> None:
    public = published_item(COURSE, ITEM, IDS)
    nodes = [n["id"] for n in public["nodes"]]
    assert nodes == sorted(nodes)
    for node in public["nodes"]:
        choices = [c["id"] for c in node["choices"]]
        assert choices == sorted(choices)
        assert set(node) == {"id", "parts", "choices", "ending"}
        assert all(set(c) == {"id", "text", "to", "final", "sets", "if", "unless"} for c in node["choices"])


def test_a_practice_case_takes_points_reasons_and_articles_along() -> None:
    practice = published_item(COURSE, ITEM, IDS)["practice"]
    first = ids("A")[0]
    assert practice["key"]["points"][first] == 3
    assert practice["key"]["citations"][first][0] == CITE
    assert practice["feedback"][first] == "当面退回最省事。"
    assert practice["key"]["best"] == {BY_PATH: ids("AA"), BY_STEP: ids("AA")}


# ---- answering ----


def test_a_path_can_be_begun_and_is_kept_as_it_is() -> None:
    for letters in ("A", "AA", "BA", "BB", "CB"):
        assert KIND.clean(ITEM, IDS, ids(letters)) == ids(letters)
    assert KIND.clean(ITEM, IDS, None) is None
    assert KIND.clean(ITEM, IDS, []) is None


@pytest.mark.parametrize(
    "value",
    [
        [*ids("A"), *ids("A")],
        ids("AA")[1:],
        [*ids("AA"), ids("A")[0]],
        # 当面还他 needs the tea; 推说开会 needs that there is none; 转送 bars giving it back.
        [*ids("AB"), IDS.of(ITEM.id, "choice/周末/A")],
        [*ids("B"), IDS.of(ITEM.id, "choice/周末/C")],
        [*ids("C"), IDS.of(ITEM.id, "choice/周末/A")],
        ["0" * 16],
        ids("A") * (MOST_STEPS + 1),
        [1],
        [None],
        [[]],
        {"a": "b"},
        "A",
        "",
        0,
        False,
        1.5,
    ],
)
def test_what_no_page_could_have_sent_is_refused(value: Any) -> None:
    with pytest.raises(InvalidAnswer):
        KIND.clean(ITEM, IDS, value)


@pytest.mark.parametrize(
    ("letters", "by_path", "by_step"),
    [
        ("AA", 5 / 5, (1 + 1) / 2),
        ("A", 3 / 5, 0),
        ("AB", 3 / 5, 0),
        ("ABB", 3 / 5, (1 + 0 + 0) / 3),
        ("ABC", 3.5 / 5, (1 + 0 + 1) / 3),
        ("BA", 2 / 5, (1 / 3 + 1) / 2),
        ("BB", 1 / 5, (1 / 3 + 0) / 2),
        # Nothing could be earned at the second node any more, so it does not count.
        ("CB", 0, 0 / 1),
    ],
)
def test_a_path_is_worth_what_the_rules_say(letters: str, by_path: float, by_step: float) -> None:
    assert KIND.score(ITEM, IDS, ids(letters), BY_PATH) == pytest.approx(by_path)
    assert KIND.score(ITEM, IDS, ids(letters), "") == pytest.approx(by_path)
    assert KIND.score(ITEM, IDS, ids(letters), BY_STEP) == pytest.approx(by_step)


LOOP = f"""#### 走廊
又碰上了他。

- A. 把话说完 → 门口 {{得分=1}}
  > 说完了。
  依据：{CITE}
- B. 装作没有看见 → 走廊 {{得分=0.5}}
  > 又一次。

#### 门口 {{结局}}
各走各的。
"""


def test_a_choice_taken_again_counts_once() -> None:
    assert KIND.score(ITEM.model_copy(update={"body": LOOP}), IDS, ids("BA", LOOP), BY_PATH) == 1.0
    assert KIND.score(ITEM.model_copy(update={"body": LOOP}), IDS, ids("BBBA", LOOP), BY_PATH) == 1.0
    assert KIND.score(ITEM.model_copy(update={"body": LOOP}), IDS, ids("BBBA", LOOP), BY_STEP) == 0.75
    assert KIND.spoken_key(case(LOOP), IDS) == "装作没有看见 → 把话说完"
    assert KIND.spoken_key(case(LOOP, rule=BY_STEP), IDS) == "把话说完"


def test_a_path_is_told_in_the_words_of_its_choices() -> None:
    assert KIND.spoken(ITEM, IDS, ids("BA")) == "放着，下周一再还他 → 当面还他，把话说清"
    assert KIND.spoken(ITEM, IDS, ids("B")) == "放着，下周一再还他（没有走到结局）"
    assert KIND.spoken_key(ITEM, IDS) == "追出去请他带回 → 说目录公开前谁也不能先看"


# ---- what an author is told ----


def test_a_sound_story_is_not_complained_of() -> None:
    assert codes(TEA) == []


def test_a_dead_end_that_only_some_come_to_is_found() -> None:
    body = TEA.replace("- B. 陪他坐坐，先看看 → 走近", "- B. 陪他坐坐，先看看 → 走近 {若无=转送}")
    (found,) = KIND.findings(case(body))
    assert found.code == "E324"
    assert "记住了留下茶叶、转送" in found.message


def test_going_back_is_allowed_where_a_way_out_remains() -> None:
    assert not [c for c in codes(LOOP) if c.startswith("E")]


def test_a_loop_that_earns_most_at_each_turn_is_refused() -> None:
    assert codes(LOOP.replace("得分=0.5", "得分=2")) == ["E328"]


def test_the_longest_choice_being_best_at_every_node_is_told() -> None:
    body = "".join(
        f"#### 第{n}天\n又一天。\n\n- A. 照规矩办，先报告一声 → 第{n + 1}天 {{得分=1}}\n  > 好。\n  依据：{CITE}\n"
        f"- B. 照旧办第{n}回 → 第{n + 1}天\n  > 不好。\n\n"
        for n in range(4)
    )
    found = list(KIND.findings(case(f"{body}#### 第4天 {{结局}}\n完。")))
    assert [f.code for f in found] == ["W622"]
    assert "4 个节点里有 4 个" in found[0].message


def test_a_letter_in_the_explanation_is_told() -> None:
    assert codes(TEA, explanation="最容易选错的是 B。") == ["W628"]


def test_a_condition_holds_for_its_own_line_alone() -> None:
    told = "#### 门口\n他笑了笑。\n{若=收了} 他看看桌上的茶。\n他转身走了。\n"
    story = parse(told + "\n- A. 追出去 → 楼下 {记住=收了}\n- B. 坐下 → 楼下\n\n#### 楼下 {结局}\n风很大。").story
    passages = [(p.text, bool(p.condition.needs)) for p in story.nodes[0].passages]
    assert passages == [("他笑了笑。", False), ("他看看桌上的茶。", True), ("他转身走了。", False)]
