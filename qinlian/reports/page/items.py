"""Each item as the report lists it: its figures, what stands out, and who chose which option."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd

from qinlian.core.model import Course
from qinlian.reports.analysis import GROUPS, Reliability
from qinlian.reports.page.words import percent

__all__ = ["Flag", "ItemFacts", "ItemLines", "OptionLine", "item_lines"]

_JUDGED = 4
"""The last severity that says something of the item itself; what follows only says that too few answered it."""
_URGENT = 2
_MARKS = re.compile(r"\*\*|`")


class ItemFacts(Protocol):
    """What is known of items: frames of ``reports.frames`` and what ``reports.analysis`` makes of them."""

    @property
    def course(self) -> Course: ...
    @property
    def modules(self) -> pd.DataFrame: ...
    @property
    def items(self) -> pd.DataFrame: ...
    @property
    def options(self) -> pd.DataFrame: ...
    @property
    def item_table(self) -> pd.DataFrame: ...
    @property
    def distractors(self) -> pd.DataFrame: ...
    @property
    def flags(self) -> pd.DataFrame: ...
    @property
    def reliability(self) -> Mapping[str, Reliability]: ...


@dataclass(frozen=True)
class Flag:
    """What stands out: a label, the sentence what to do, and whether it is urgent."""

    label: str
    sentence: str
    severe: bool


@dataclass(frozen=True)
class OptionLine:
    """One option, and what share of each ability group (低, 中, 高) chose it."""

    option: str
    text: str
    correct: bool
    shares: tuple[str, ...]


@dataclass(frozen=True)
class ItemLines:
    """One item. ``figures`` is its row of ``item_table``; ``severity`` is 0 where nothing stands out."""

    item: str
    kind: str
    module: str
    stem: str
    figures: Any
    severity: int
    few: bool
    flags: tuple[Flag, ...]
    options: tuple[OptionLine, ...]


def _plain_text(markdown: str) -> str:
    """A stem or an option on one line, without the marks of Markdown."""
    return " ".join(_MARKS.sub("", markdown).split())


def item_lines(facts: ItemFacts) -> list[ItemLines]:
    """Every item that somebody answered: what stands out first, as ``flags`` ranks it, then the others by id."""
    about = facts.items.set_index("item")
    titles = facts.modules.set_index("module")["title"]
    rank = {item: place for place, item in enumerate(dict.fromkeys(facts.flags["item"]))}
    by_item: dict[str, list[Any]] = {}
    for flag in _rows(facts.flags):
        by_item.setdefault(flag.item, []).append(flag)
    options = _options(facts)
    found = []
    for figures in _rows(facts.item_table.reset_index()):
        if figures.item not in about.index:
            # It was answered, and has gone from the course since.
            kind, module, stem = "", "课程里已经没有这道题", ""
        else:
            row = about.loc[figures.item]
            kind, module, stem = row["kind"], titles[row["module"]], _plain_text(row["stem"])
        rows = by_item.get(figures.item, [])
        judged = tuple(Flag(r.label, r.sentence, r.severity <= _URGENT) for r in rows if r.severity <= _JUDGED)
        severity = min((r.severity for r in rows if r.severity <= _JUDGED), default=0)
        few = any(r.severity > _JUDGED for r in rows)
        lines = options.get(figures.item, ()) if judged else ()
        found.append(ItemLines(figures.item, kind, module, stem, figures, severity, few, judged, lines))
    return sorted(found, key=lambda one: (not one.flags, rank.get(one.item, 0) if one.flags else 0, one.item))


def _rows(table: pd.DataFrame) -> Iterator[Any]:
    rows: Any = table.itertuples(index=False)
    return iter(rows)


def _options(facts: ItemFacts) -> Mapping[str, tuple[OptionLine, ...]]:
    texts = {(row.item, row.option): row.text for row in _rows(facts.options)}
    flagged = set(facts.flags.loc[facts.flags["severity"] <= _JUDGED, "item"])
    table = facts.distractors[facts.distractors["item"].isin(flagged)]
    found: dict[str, list[OptionLine]] = {}
    for (item, option), rows in table.groupby(["item", "option"], sort=False, observed=True):
        shares = dict(zip(rows["group"].astype(str), rows["share"].tolist(), strict=True))
        correct = bool(rows["correct"].iloc[0])
        text = _plain_text(texts.get((str(item), str(option)), ""))
        line = OptionLine(str(option), text, correct, tuple(percent(shares.get(group)) for group in GROUPS))
        found.setdefault(str(item), []).append(line)
    return {item: tuple(sorted(lines, key=lambda line: line.option)) for item, lines in found.items()}
