"""Craft of a module's items taken together: W604, W606, W607, W611.

A pattern in the key is reported when chance would produce one as strong in fewer than one pool in
twenty (the published order, which authors do not choose: one in a hundred).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import combinations
from math import exp, lgamma, log, log1p

from rapidfuzz import fuzz

from qinlian.authoring.placed import Placed
from qinlian.core.diagnostics import Diagnostic
from qinlian.core.identity import Identity
from qinlian.core.model import Item

__all__ = ["at_least", "lint_pools"]

_SMALLEST = 10
"""Items a pool must have before its key is judged as a pattern."""
_CHANCE, _RARE = 0.05, 0.01
_ALIKE = 88
_ABSOLUTE = re.compile("一律|绝对|从来|任何|所有|全部|永远|完全|必然|必定|毫无|一概|统统|凡是|只要")
_TELLING = 6


def at_least(hits: int, trials: int, chance: float) -> float:
    """The probability of ``hits`` or more in ``trials`` independent trials."""
    if not 0 < chance < 1:
        return float(chance >= 1 or hits <= 0)
    # In logarithms: the coefficients of a pool of a thousand items are larger than a float can be.
    heads, tails = log(chance), log1p(-chance)
    ways = (lgamma(trials + 1) - lgamma(k + 1) - lgamma(trials - k + 1) for k in range(hits, trials + 1))
    return sum(exp(way + k * heads + (trials - k) * tails) for k, way in enumerate(ways, hits))


def lint_pools(items: Sequence[Placed], identity: Identity | None) -> Iterator[Diagnostic]:
    """Warnings about the graded items of a module as a pool, and about items too much alike."""
    graded = [p for p in items if p.item.use == "测验"]
    single = [p for p in graded if p.item.kind == "单选" and sum(bool(e.mark) for e in p.item.elements) == 1]
    if len(single) >= _SMALLEST:
        yield from _longest(single)
        yield from _positions(single, identity)
    judged = [p for p in graded if p.item.kind == "判断"]
    if len(judged) >= _SMALLEST - 2:
        yield from _one_sided(judged)
    yield from _absolute(graded)
    yield from _alike(items)


def _longest(single: Sequence[Placed]) -> Iterator[Diagnostic]:
    hits = [p for p in single if _key_is_longest(p.item)]
    chance = sum(1 / len(p.item.elements) for p in single) / len(single)
    if at_least(len(hits), len(single), chance) < _CHANCE:
        message = f"{len(single)} 道测验单选里有 {len(hits)} 道的正确项最长，不看题也能猜"
        hint = f"把其中几道的正确项写短，如 {'、'.join(p.item.id for p in hits[:4])}"
        yield single[0].at().says("W604", message, hint)


def _key_is_longest(item: Item) -> bool:
    key = next(len(e.text) for e in item.elements if e.mark)
    return key > max(len(e.text) for e in item.elements if not e.mark)


def _positions(single: Sequence[Placed], identity: Identity | None) -> Iterator[Diagnostic]:
    size = min(len(p.item.elements) for p in single)
    written = Counter(next(e.letter for e in p.item.elements if e.mark) for p in single)
    letter, hits = written.most_common(1)[0]
    if at_least(hits, len(single), 1 / size) * size < _CHANCE:
        message = f"{len(single)} 道测验单选里有 {hits} 道的正确项写成 {letter}"
        yield single[0].at().says("W606", message, "印成纸卷会被看出规律；把其中几道的选项调换字母")
    if identity is None:
        return
    shown = Counter(identity.display_letters(p.item)[next(e.letter for e in p.item.elements if e.mark)] for p in single)
    letter, hits = shown.most_common(1)[0]
    if at_least(hits, len(single), 1 / size) * size < _RARE:
        message = f"{len(single)} 道测验单选里有 {hits} 道的正确项显示为 {letter}"
        yield (
            single[0]
            .at()
            .says("W606", message, "这是密钥造成的巧合；首次发布前给其中几道的选项换用别的字母（如 D 改成 E）")
        )


def _one_sided(judged: Sequence[Placed]) -> Iterator[Diagnostic]:
    keys = Counter(e.letter for p in judged for e in p.item.elements if e.mark)
    side, hits = keys.most_common(1)[0]
    if at_least(hits, len(judged), 0.5) * 2 < _CHANCE:
        message = f"{len(judged)} 道测验判断里有 {hits} 道答案是“{side}”"
        yield judged[0].at().says("W606", message, "把其中几道改写成相反的说法")


def _absolute(graded: Sequence[Placed]) -> Iterator[Diagnostic]:
    """Words such as 一律 stand in many wrong statements and in no right one."""
    wrong: list[str] = []
    for placed in graded:
        item = placed.item
        if item.kind in ("单选", "多选"):
            for element in item.elements:
                if _ABSOLUTE.search(element.text):
                    if element.mark:
                        return
                    wrong.append(f"{item.id} {element.letter}")
        elif item.kind == "判断" and _ABSOLUTE.search(item.stem):
            if any(e.mark and e.letter == "对" for e in item.elements):
                return
            wrong.append(item.id)
    if len(wrong) >= _TELLING:
        message = f"“一律、任何、所有”一类的话出现了 {len(wrong)} 次，每次都在错的说法里"
        hint = f"删去几处，或写进几个正确的说法：{'、'.join(wrong[:4])}"
        yield graded[0].at().says("W611", message, hint)


def _alike(items: Sequence[Placed]) -> Iterator[Diagnostic]:
    texts = [(_bare(p.item.stem), _bare("".join(sorted(e.text for e in p.item.elements)))) for p in items]
    for (first, left), (second, right) in combinations(zip(items, texts, strict=True), 2):
        if first.item.use == "心得" or second.item.use == "心得":
            continue
        # Stems such as 下列做法正确的是 are alike by nature: then the options decide as well.
        short = min(len(left[0]), len(right[0])) < 20
        a, b = (left[0] + left[1], right[0] + right[1]) if short else (left[0], right[0])
        alike = fuzz.ratio(a, b, score_cutoff=_ALIKE)
        if alike:
            message = f"和 {first.item.id} 几乎一样（相似 {alike:.0f}%）"
            yield second.at("stem").says("W607", message, "改写其中一道，或删掉")


def _bare(text: str) -> str:
    return re.sub(r"[\W_]+", "", text)
