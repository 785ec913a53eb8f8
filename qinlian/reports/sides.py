"""A notice in words and passages, ready for a template: what formgrader and the report both show."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from qinlian.reports.passages import segments
from qinlian.reports.similarity import Notice

__all__ = ["TEMPLATES", "Side", "SideBySide", "environment", "side_by_side"]

TEMPLATES = Path(__file__).parent / "templates"

Side = tuple[tuple[str, bool], ...]
"""A passage cut into (text, is it the same on the other side)."""


@dataclass(frozen=True)
class SideBySide:
    """One notice: a neutral sentence, where the other text stands, and the passages of both."""

    sentence: str
    where: str
    quoted: bool
    passages: tuple[tuple[Side, Side], ...]


def side_by_side(text: str, notice: Notice) -> SideBySide:
    """``notice`` about ``text``, to be read by a person, who judges."""
    source, count = notice.source, len(notice.passages)
    share = f"约占本文 {max(1, round(notice.share * 100))}%"
    if notice.quoted:
        sentence = f"有 {count} 段与课程原文相近（{share}），引用课文不算问题。"
    else:
        who = getattr(source, "who", "")
        sentence = f"有 {count} 段与 {who} 相近（{share}），请对照阅读后判断。"
    pairs = tuple(segments(text[slice(*p.left)], source.text[slice(*p.right)]) for p in notice.passages)
    return SideBySide(sentence, source.where, notice.quoted, pairs)


@cache
def environment() -> Environment:
    """The templates of the reports; everything in them is escaped."""
    return Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
