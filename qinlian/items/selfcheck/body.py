"""The body of a self-check: which posts it offers, and how many duties are to be rated."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from qinlian.items.base import BodyText, Finding
from qinlian.items.body import sections

__all__ = ["Offer", "read_offer"]

_POST = re.compile(r"\s*[-*]\s*")


@dataclass(frozen=True)
class Offer:
    """``posts`` as named, in order; ``least`` is None for every duty of the post, ``at`` where it was written."""

    posts: tuple[BodyText, ...]
    least: int | None
    at: tuple[int, int]
    problems: tuple[Finding, ...]


@lru_cache(maxsize=256)
def read_offer(body: str) -> Offer:
    """Read ``#### 岗位 {至少=5}`` and the list below it. Problems: E314, E345 (the list), E346 (至少)."""
    found, problems = sections(body, pairs=("至少",))
    posts: list[BodyText] = []
    least: int | None = None
    at = (0, 0)
    for number, section in enumerate(found):
        if number or section.title != "岗位":
            what = "自查的正文只有一节“岗位”"
            problems.append(section.heading.says(what, "写成 #### 岗位 {至少=5}，下面列出岗位", code="E345"))
        if "至少" in section.braced:
            at = (section.heading.number, section.braced.column("至少"))
            raw = section.braced.get("至少")
            if re.fullmatch("[1-9][0-9]?", raw):
                least = int(raw)
            else:
                what = f"“至少”不能是“{raw}”"
                problems.append(section.heading.says(what, "写要评的职责数，如 至少=5", at[1], "E346"))
        for line in section.lines:
            bullet = _POST.match(line.narrow)
            name = line.text[bullet.end() :].strip() if bullet else ""
            if name and name in {p.text for p in posts}:
                problems.append(line.says(f"岗位“{name}”列了两次", "只留一个", code="E345"))
            elif bullet and name:
                posts.append(BodyText(name, line.number, bullet.end()))
            elif line.text.strip():
                problems.append(line.says("这里应是岗位的名称", "每行一个岗位，写成 - 采购"))
    if not posts:
        problems.append(Finding("E345", "没有列出岗位", "写 #### 岗位，下面每行一个岗位，如 - 采购"))
    return Offer(tuple(posts), least, at, tuple(problems))
