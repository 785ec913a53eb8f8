"""Nobody gets through a pool by test-wiseness: rules of thumb that need no knowledge score under 35 %."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from qinlian.authoring.reader import load_course
from qinlian.authoring.secret import load_identity
from qinlian.core.model import Element, Item, Module

COURSE_DIR = Path(__file__).resolve().parents[2] / "course"
COURSE = load_course(COURSE_DIR)
IDS = load_identity(COURSE_DIR)
LIMIT = 0.35
SMALLEST = 8
"""With fewer items a share says nothing."""

ABSOLUTE = re.compile(
    "一律|绝对|从来|从不|任何|所有|全部|永远|完全|必然|必定|必须|毫无|一概|统统|凡是|只要|都不|决不|绝不|不得"
)
HEDGED = re.compile("一般|通常|可能|视情|酌情|适当|原则上|尽量|有时|往往|具体情况")

Guess = Callable[[list[Element]], list[Element]]
"""The options a guesser wavers between, of those shown in this order."""


def most(count: Callable[[Element], int]) -> Guess:
    return lambda options: [o for o in options if count(o) == max(map(count, options))]


def longest() -> Guess:
    return most(lambda o: len(o.text))


GUESSES: dict[str, Guess] = {
    "the longest": longest(),
    "the shortest": most(lambda o: -len(o.text)),
    **{f"always {letter}": (lambda options, n=n: options[n : n + 1]) for n, letter in enumerate("ABCD")},
    "以上": most(lambda o: int("以上" in o.text)),
    "the most absolute": most(lambda o: len(ABSOLUTE.findall(o.text))),
    "the least absolute": most(lambda o: -len(ABSOLUTE.findall(o.text))),
    "the most careful": most(lambda o: len(HEDGED.findall(o.text))),
    "the longest in signs": most(lambda o: len(re.findall("[，；：]", o.text))),
}


def pool(module: Module) -> list[Item]:
    own = [i for i in module.items if i.kind == "单选" and i.use == "测验" and i.stratum is None]
    return own if len(own) >= SMALLEST else []


def expected(items: list[Item], guess: Guess) -> float:
    """The share of items a guesser gets right, who tosses a coin between what the rule leaves."""
    total = 0.0
    for item in items:
        left = guess([element for _, element in IDS.published(item)])
        total += sum(bool(e.mark) for e in left) / len(left) if left else 0.0
    return total / len(items)


@pytest.mark.parametrize("rule", GUESSES)
@pytest.mark.parametrize("module", [m for m in COURSE.modules if pool(m)], ids=lambda m: m.id)
def test_a_rule_of_thumb_does_not_pass(module: Module, rule: str) -> None:
    assert expected(pool(module), GUESSES[rule]) < LIMIT


def test_a_guesser_who_knows_the_key_would_be_seen() -> None:
    items = pool(next(m for m in COURSE.modules if pool(m)))
    assert expected(items, lambda options: [o for o in options if o.mark]) == 1
