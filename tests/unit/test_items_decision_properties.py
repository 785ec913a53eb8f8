"""抉择: what holds of every story and every path, in Python and in the page."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import qinlian.items.decision
from qinlian.items.base import InvalidAnswer, item_type
from qinlian.items.decision.paths import BY_PATH, BY_STEP, Place, best_path, start, survey, worth
from qinlian.items.decision.story import Story, parse
from qinlian.notebooks.publish import published_item
from tests.sample import COURSE, IDS
from tests.unit.decision_stories import TEA, Scene, case, scenes, some_path, written

KIND = item_type("抉择")
ITEM = case(TEA)
CHECKED = settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])


def _sound(body: str) -> bool:
    return not [f for f in KIND.findings(case(body)) if f.code.startswith("E")]


def _pids(path: list[tuple[str, str]]) -> list[str]:
    return [IDS.of(ITEM.id, f"choice/{node}/{letter}") for node, letter in path]


def _most(story: Story) -> int:
    """The largest worth of any path to an ending, by trying everything there is."""
    best = 0
    seen: set[tuple[Place, frozenset[tuple[str, str]]]] = set()
    waiting: list[tuple[Place, frozenset[tuple[str, str]], int]] = [(start(story), frozenset(), 0)]
    while waiting:
        place, counted, earned = waiting.pop()
        if (place, counted) in seen:
            continue
        seen.add((place, counted))
        if story.node(place.node).ending:
            best = max(best, earned)
        for choice in place.offered(story):
            name = (choice.node, choice.letter)
            gain = 0 if name in counted else choice.hundredths
            waiting.append((place.after(choice), counted | {name}, earned + gain))
    return best


@CHECKED
@given(scenes=scenes(most=4))
def test_the_best_path_is_the_best_there_is_and_earns_everything(scenes: tuple[Scene, ...]) -> None:
    body = written(scenes)
    assume(_sound(body))
    story = parse(body).story
    best = best_path(body, BY_PATH)
    assert worth(best) == _most(story)
    assert story.node(best[-1].to).ending
    item = case(body)
    for rule, path in KIND.key(item, IDS)["best"].items():
        assert KIND.clean(item, IDS, path) == path
        assert KIND.score(item, IDS, path, rule) == 1.0


@CHECKED
@given(scenes=scenes(), seed=st.integers(0, 10**6))
def test_every_path_scores_within_bounds_and_is_told(scenes: tuple[Scene, ...], seed: int) -> None:
    body = written(scenes)
    assume(_sound(body))
    item = case(body)
    value = _pids(some_path(body, random.Random(seed)))
    if not value:
        return
    assert KIND.clean(item, IDS, value) == value
    for rule in KIND.rules:
        fraction = KIND.score(item, IDS, value, rule)
        assert type(fraction) is float
        assert 0.0 <= fraction <= 1.0
    assert KIND.spoken(item, IDS, value)


@given(scenes=scenes())
def test_what_is_written_is_what_is_read(scenes: tuple[Scene, ...]) -> None:
    parsed = parse(written(scenes))
    assert parsed.problems == ()
    for scene, node in zip(scenes, parsed.story.nodes, strict=True):
        assert (node.name, node.ending) == (f"第{scene.number}幕", not scene.options)
        assert [p.condition.needs for p in node.passages[1:]] == [(flag,) for flag in scene.told]
        for option, choice in zip(scene.options, node.choices, strict=True):
            assert (choice.letter, choice.to, choice.points) == (option.letter, f"第{option.to}幕", option.points)
            assert (choice.sets, choice.final, choice.feedback) == (option.sets, option.final, option.feedback)
            assert (choice.condition.needs, choice.condition.bars) == (option.needs, option.bars)


@given(scenes=scenes(), seed=st.integers(0, 10**6))
def test_what_is_published_says_nothing_of_points_reasons_or_the_order_written(
    scenes: tuple[Scene, ...], seed: int
) -> None:
    dice = random.Random(seed)
    other = tuple(
        replace(
            scene,
            options=tuple(
                replace(
                    o, points=dice.choice([0, 1, 7]), feedback=dice.choice(["", "别的话"]), cited=dice.random() < 0.5
                )
                for o in dice.sample(scene.options, len(scene.options))
            ),
        )
        for scene in scenes
    )
    order = (0, *dice.sample(range(1, len(scenes)), len(scenes) - 1))
    assert KIND.public(case(written(other, order)), IDS) == KIND.public(case(written(scenes)), IDS)


def test_a_great_many_situations_are_counted_and_refused() -> None:
    body = "".join(
        f"#### 第{n}关\n一关。\n\n- A. 记下{n} → 第{n + 1}关 {{得分=1 记住=事{n}}}\n- B. 放过{n} → 第{n + 1}关\n\n"
        for n in range(16)
    )
    body += "#### 第16关 {结局}\n完。\n" + "".join(f"{{若=事{n}}} 第{n}件。\n" for n in range(16))
    assert [f.code for f in KIND.findings(case(body))] == ["E327"]
    half = body[: body.index("#### 第8关")] + "#### 第8关 {结局}\n完。"
    assert len(survey(parse(half).story)) == 2**9 - 1


PIECES = st.sampled_from(
    [
        *(
            "#### 茶叶",
            "#### ",
            "#### 走近 {结局}",
            "####",
            "##### 茶",
            "{若=甲}",
            "{若无=乙} 话",
            "- A. 好 → 茶叶",
            "- B. 坏 -> 走近 {得分=1}",
        ),
        *(
            "- A. 好 → 茶叶 {得分=",
            "- C. 去 → 没有 {记住=甲 不可撤回}",
            "  > 话",
            "  依据：《条例》第一条",
            "解析：",
            "- ",
            "→",
            "{",
            "}",
            "｛得分＝２｝",
        ),
        *(
            "\\依据：",
            "\\",
            "- B. 坏 → 茶叶 {若=甲}",
            "A. 甲",
            "\n",
            "　",
            "话",
            "- A. → ",
            "- A. 甲 → 茶叶 {得分=9999999}",
        ),
    ]
)


@CHECKED
@given(lines=st.lists(PIECES | st.text(max_size=6), max_size=14))
def test_no_text_makes_the_reader_fail(lines: list[str]) -> None:
    item = case("\n".join(lines).strip())
    height = item.body.count("\n")
    for finding in KIND.findings(item):
        assert finding.line is None or 0 <= finding.line <= height
        assert finding.message
    list(KIND.body_citations(item))


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
CHOICES = st.sampled_from([IDS.of(ITEM.id, f"choice/{c.node}/{c.letter}") for c in parse(TEA).story.choices])


@given(value=JUNK | st.lists(CHOICES, max_size=5) | st.lists(CHOICES | JUNK, max_size=4))
def test_any_value_at_all_is_cleaned_or_refused(value: Any) -> None:
    try:
        cleaned = KIND.clean(ITEM, IDS, value)
    except InvalidAnswer:
        return
    if cleaned is not None:
        assert KIND.clean(ITEM, IDS, cleaned) == cleaned
        assert all(0.0 <= KIND.score(ITEM, IDS, cleaned, rule) <= 1.0 for rule in KIND.rules)


JUDGE = """
const { readFileSync } = await import("node:fs");
const path = await import("data:text/javascript;base64," + readFileSync(process.argv[1]).toString("base64"));
const cases = JSON.parse(readFileSync(0, "utf8"));
const ended = ({ scene, whole }) => whole && scene.ending;
console.log(JSON.stringify(cases.map(({ item, value }) => [
  path.fraction(item, value, item.practice.key), ended(path.walk(item, value)),
])));
"""


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
@settings(CHECKED, max_examples=8)
@given(many=st.lists(scenes(), min_size=12, max_size=12), seed=st.integers(0, 10**6))
def test_the_page_scores_every_path_as_the_grader_does(many: list[tuple[Scene, ...]], seed: int) -> None:
    dice = random.Random(seed)
    cases, expected = [], []
    for body in [TEA, *map(written, many)]:
        if not _sound(body):
            continue
        for rule in (BY_PATH, BY_STEP):
            item = case(body, rule=rule)
            public = published_item(COURSE, item, IDS)
            for _ in range(20):
                path = some_path(body, dice)
                if path:
                    value = _pids(path)
                    end = next(c.to for c in parse(body).story.choices if (c.node, c.letter) == path[-1])
                    cases.append({"item": public, "value": value})
                    expected.append((KIND.score(item, IDS, value, rule), parse(body).story.node(end).ending))
    script = Path(qinlian.items.decision.__file__).with_name("path.js")
    run = subprocess.run(
        ["node", "--input-type=module", "-e", JUDGE, str(script)],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(run.stdout)
    assert [f for f, _ in found] == pytest.approx([f for f, _ in expected], abs=1e-12)
    assert [e for _, e in found] == [e for _, e in expected]
