"""Essays of about 800 characters on one question, with copies planted among them.

Honest essays share the question's words, stock sentences, whole clauses with other fillings, and
quotations of the lesson, so that telling copies from them means something. Everything follows from a seed.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from rapidfuzz.distance import Indel

from benchmarks.essay_words import CLAUSES, FILL, LESSON, OPENINGS, QUESTION, SAME, STOCK

__all__ = ["KINDS", "LENGTH", "Cohort", "Copy", "changed_share", "essay", "generate", "reworded"]

KINDS = ("verbatim", "reordered", "reworded")
LENGTH = 800
_SLOT = re.compile(r"\{(\w+)\}")
_STOCK_CHANCE, _QUOTE_CHANCE = 0.12, 0.06
_REWORD = 0.6
"""How likely each word that has a twin is changed; the share of letters this comes to is measured."""


@dataclass(frozen=True)
class Copy:
    """``copier``'s essay takes ``share`` of its sentences from ``source``'s, in the way of ``kind``."""

    source: int
    copier: int
    kind: str
    share: float


@dataclass(frozen=True)
class Cohort:
    """Essays and what was planted. ``changed`` is the mean share of letters that rewording changed."""

    essays: tuple[str, ...]
    copies: tuple[Copy, ...]
    lesson: tuple[str, ...]
    question: str
    changed: float


def _filled(template: str, chance: random.Random) -> str:
    return _SLOT.sub(lambda found: chance.choice(FILL[found[1]]), template)


def _sentences(chance: random.Random, length: int = LENGTH) -> list[str]:
    """The sentences of one honest essay."""
    sentences = [_filled(chance.choice(OPENINGS), chance) + "。"]
    clauses = chance.sample(CLAUSES, len(CLAUSES))
    size = len(sentences[0])
    while size < length:
        roll = chance.random()
        if roll < _STOCK_CHANCE:
            sentence = chance.choice(STOCK)
        elif roll < _STOCK_CHANCE + _QUOTE_CHANCE:
            quoted = chance.choice(LESSON)
            sentence = chance.choice((f"课里说：“{quoted}”", quoted, f"我抄下了一句话，{quoted}"))
        else:
            if len(clauses) < 3:
                clauses = chance.sample(CLAUSES, len(CLAUSES))
            count = chance.choice((1, 2, 2, 3))
            sentence = "，".join(_filled(clauses.pop(), chance) for _ in range(count)) + "。"
        if sentence not in sentences:
            sentences.append(sentence)
            size += len(sentence)
    return sentences


def essay(seed: int, length: int = LENGTH) -> str:
    """One honest essay."""
    return _written(_sentences(random.Random(f"essay/{seed}"), length), random.Random(seed))


def _written(sentences: list[str], chance: random.Random) -> str:
    """Sentences in paragraphs of three to six."""
    paragraphs, rest = [], list(sentences)
    while rest:
        count = chance.randint(3, 6)
        paragraphs.append("".join(rest[:count]))
        rest = rest[count:]
    return "\n".join(paragraphs)


def reworded(sentence: str, chance: random.Random) -> str:
    """The sentence with words changed for their like, and a small word put in or left out here and there."""
    for one, other in SAME:
        if one in sentence and chance.random() < _REWORD:
            sentence = sentence.replace(one, other)
    if chance.random() < 0.5:
        sentence = sentence.replace("了", "", 1)
    if chance.random() < 0.5:
        sentence = sentence.replace("我", chance.choice(("我自己", "本人", "我也")), 1)
    return sentence


def changed_share(before: str, after: str) -> float:
    """The share of letters that differ between two versions of a text."""
    return float(Indel.normalized_distance(before, after))


def _copied(
    source: list[str], own: list[str], kind: str, chance: random.Random
) -> tuple[list[str], float, list[float]]:
    """(sentences of the copy, share that was taken, how much each taken sentence was changed)."""
    share = chance.uniform(0.4, 0.9)
    # The first sentence answers the question and the stock phrases are everybody's: a copier takes the rest.
    takeable = [s for s in source[1:] if s not in STOCK and not any(q in s for q in LESSON)]
    count = max(4, round(share * len(takeable)))
    start = chance.randint(0, max(0, len(takeable) - count))
    taken = takeable[start : start + count]
    changes: list[float] = []
    if kind == "reworded":
        versions = [reworded(s, chance) for s in taken]
        changes = [changed_share(a, b) for a, b in zip(taken, versions, strict=True)]
        taken = versions
    rest = own[: max(1, len(own) - len(taken))]
    if kind == "reordered":
        mixed = [*taken, *rest[1:]]
        chance.shuffle(mixed)
        return [rest[0], *mixed], len(taken) / len(source), changes
    place = chance.randint(1, len(rest))
    return [*rest[:place], *taken, *rest[place:]], len(taken) / len(source), changes


def generate(count: int, seed: int = 1, copies_each: int | None = None) -> Cohort:
    """``count`` essays, of which ``copies_each`` of every kind are copies, each of another honest essay."""
    chance = random.Random(f"cohort/{seed}")
    each = copies_each if copies_each is not None else max(1, count // 25)
    written = [_sentences(random.Random(f"{seed}/{n}")) for n in range(count)]
    order = chance.sample(range(count), 2 * each * len(KINDS))
    copies, changes = [], []
    for index in range(each * len(KINDS)):
        source, copier = order[2 * index], order[2 * index + 1]
        kind = KINDS[index % len(KINDS)]
        written[copier], share, changed = _copied(written[source], written[copier], kind, chance)
        copies.append(Copy(source, copier, kind, share))
        changes += changed
    essays = tuple(_written(sentences, random.Random(f"{seed}/{n}/w")) for n, sentences in enumerate(written))
    return Cohort(essays, tuple(copies), LESSON, QUESTION, sum(changes) / max(1, len(changes)))
