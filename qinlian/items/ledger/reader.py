"""What reads the lines of a template: it keeps the problems and the places that it comes by."""

from __future__ import annotations

import re

from qinlian.core.width import narrow
from qinlian.items.base import Finding
from qinlian.items.body import BodyLine, Braced, Section, read_braces

__all__ = ["LISTED", "Reader"]

LISTED = re.compile(r"\s*-\s+")
"""How a line of a list begins."""


class Reader:
    """Collects the problems while the sections are read."""

    def __init__(self) -> None:
        self.problems: list[Finding] = []
        self.places: dict[str, int] = {}

    def say(self, code: str, line: BodyLine, message: str, hint: str, column: int = 0) -> None:
        self.problems.append(line.says(message, hint, column, code))

    def entries(
        self, section: Section, words: tuple[str, ...] = (), pairs: tuple[str, ...] = ()
    ) -> list[tuple[str, Braced, BodyLine]]:
        """``- 名称 {…}`` line by line: the name, what is in the braces, and the line."""
        found: list[tuple[str, Braced, BodyLine]] = []
        seen: set[str] = set()
        for line in section.lines:
            if not line.narrow.strip():
                continue
            start = LISTED.match(line.narrow)
            if not start:
                self.say("E333", line, f"“{section.title}”里每行写一项", "写成 - 名称，参数放在行末的花括号里")
                continue
            braced, wrong = read_braces(line, words, pairs)
            self.problems += wrong
            name = line.text[start.end() : braced.start].strip()
            if not name or "\t" in name:
                self.say("E333", line, "这一行没有写名称", "写成 - 名称", start.end())
            elif name in seen:
                self.say("E333", line, f"“{name}”写了两次", "只留一个", start.end())
            else:
                seen.add(name)
                found.append((name, braced, line))
        return found

    def whole(self, braced: Braced, line: BodyLine, name: str, low: int, high: int, usual: int) -> int:
        """A whole number in the braces of a violation."""
        raw = narrow(braced.get(name))
        if not raw:
            return usual
        if raw.isascii() and raw.isdigit() and low <= int(raw) <= high:
            return int(raw)
        hint = f"写 {low} 到 {high} 的整数" if low < high else "这一种每处只有一行，删掉这一项"
        self.say("E335", line, f"“{name}”不能是 {braced.get(name)}", hint, braced.column(name))
        return usual
