"""The class report as one HTML page that needs nothing else."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from html.parser import HTMLParser

from jinja2 import Environment
from markupsafe import Markup

from qinlian.core.zone import BEIJING
from qinlian.errors import FontError
from qinlian.items.selfcheck.scale import SMALLEST_GROUP
from qinlian.reports.fonts import SETTING, font_faces
from qinlian.reports.page.content import sections
from qinlian.reports.page.gather import Facts
from qinlian.reports.page.shares import Cell
from qinlian.reports.page.source import Source
from qinlian.reports.page.words import between, percent, points, shown
from qinlian.reports.sides import environment

__all__ = ["Page", "render", "templates"]

_BOLD = {"h1", "h2", "h3", "strong", "th", "b"}
_VOID = {"meta", "link", "br", "hr", "img", "input"}
_STYLE = re.compile(r"</style>")


@dataclass(frozen=True)
class Page:
    """``html`` is the whole page; ``warning`` says in Chinese what it lacks, empty when nothing."""

    html: str
    warning: str = ""


def templates() -> Environment:
    """The templates of the report: escaped, what people wrote cleaned, figures written as everywhere in it."""
    found = environment().overlay(finalize=_plain)
    found.filters |= {"percent": percent, "points": points, "interval": _interval}
    return found


def render(facts: Facts) -> Page:
    """The report on ``facts``. Where this machine has no Chinese font the page is left to the reader's own."""
    where = facts.unit or "全部单位"

    def sources(*names: str) -> list[Source]:
        return [facts.sources[name] for name in names]

    html = (
        templates()
        .get_template("class_report.html.j2")
        .render(
            title=f"{facts.course.title} · 学习情况报表",
            whose=f"{where}，{'连同' if facts.archived else '不含'}已归档的学员",
            moment=facts.read_at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M"),
            smallest=SMALLEST_GROUP,
            sources=sources,
            **sections(facts),
        )
    )
    try:
        faces = font_faces(*_letters(html))
    except FontError as error:
        if os.environ.get(SETTING):
            raise
        return Page(html, f"{error}。网页照样做好了，只是不带字体，用的是看的人自己的字体")
    return Page(_STYLE.sub(lambda end: f"{faces}\n{end[0]}", html, count=1))


def _interval(cell: Cell) -> str:
    return between(percent, cell.low, cell.high)


def _plain(value: object) -> object:
    """What a template puts out, cleaned; what is markup already was cleaned when it was made."""
    return shown(value) if isinstance(value, str) and not isinstance(value, Markup) else value


class _Text(HTMLParser):
    """The characters that a page shows, and those of them that it shows heavy."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.all, self.heavy = set[str](), set[str]()
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if "style" in self._open:
            return
        self.all.update(data)
        if _BOLD.intersection(self._open):
            self.heavy.update(data)


def _letters(html: str) -> tuple[str, str]:
    """Every character of the page, and those that it shows heavy."""
    parser = _Text()
    parser.feed(html)
    parser.close()
    return "".join(sorted(parser.all)), "".join(sorted(parser.heavy))
