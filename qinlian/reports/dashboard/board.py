"""The dashboard's widgets: four filters, a button that reads the gradebook again, and the look they give."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import ipywidgets as widgets
from IPython.display import display

from qinlian.authoring.reader import load_course
from qinlian.errors import QinlianError
from qinlian.reports.dashboard.book import Book, Choice, read_book
from qinlian.reports.dashboard.view import view
from qinlian.roster.units import Node, tree

__all__ = ["Board", "show"]

_ALL = "全部"
_INDENT = "\u3000"


def _root(start: Path) -> Path:
    """The folder of the course that ``start`` lies in, else ``start`` itself, of which the reading then complains."""
    return next((p for p in (start, *start.parents) if (p / "nbgrader_config.py").is_file()), start)


def _units(nodes: tuple[Node, ...]) -> Iterator[tuple[str, str]]:
    for node in nodes:
        yield _INDENT * node.depth + node.name, node.path
        yield from _units(node.below)


class Board:
    """The dashboard of the course at ``root``; ``box`` is the widget."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._book: Book | None = None
        self._offering = False
        self.unit, self.track, self.module = (
            widgets.Dropdown(description=name, options=[(_ALL, "")], layout=_wide(width))
            for name, width in (("单位", "20rem"), ("培训对象", "15rem"), ("模块", "20rem"))
        )
        self.since, self.until = (
            widgets.DatePicker(description=name, layout=_wide("15rem")) for name in ("提交从", "到")
        )
        self.again = widgets.Button(description="重新读取成绩册", layout=_wide("10rem"))
        self.look = widgets.HTML()
        filters = (self.unit, self.track, self.module, self.since, self.until)
        for one in filters:
            one.observe(self._changed, "value")
        self.again.on_click(lambda _: self.read())
        bar = widgets.Box([*filters, self.again], layout=widgets.Layout(flex_flow="row wrap", grid_gap="0.25rem"))
        self.box = widgets.VBox([bar, self.look])
        self.read()

    def read(self) -> None:
        """Read the gradebook and show what the filters ask of it; what cannot be read is said in place of it."""
        self._say("正在读取成绩册…")
        try:
            self._book = read_book(self._root, load_course(self._root / "course"))
        except QinlianError as error:
            self._book = None
            self._say(f"读不了：{error}")
            return
        self._offer(self._book)
        self._show(self._book)

    def _say(self, text: str) -> None:
        self.look.value = f'<p lang="zh-CN" role="status">{escape(text)}</p>'

    def _offer(self, book: Book) -> None:
        """What there is to choose from; a choice that is still there stays."""
        there = dict.fromkeys(book.learners["unit"].astype("str"))
        units = [unit for unit in dict.fromkeys((*book.units, *there)) if unit in there and unit]
        tracks = [(t.name, t.name) for t in book.course.tracks]
        modules = [(f"{m.number} {m.title}", m.id) for m in book.course.modules]
        for one, options in (
            (self.unit, list(_units(tree(units)))),
            (self.track, tracks),
            (self.module, modules),
        ):
            chosen, new = one.value, [(_ALL, ""), *options]
            # A list of options that is set anew chooses its first.
            self._offering = True
            one.options = new
            one.value = chosen if chosen in {value for _, value in new} else ""
            self._offering = False

    def _changed(self, _: Any) -> None:
        if self._book is not None and not self._offering:
            self._show(self._book)

    def _show(self, book: Book) -> None:
        since, until = self.since.value, self.until.value
        if since and until and since > until:
            self._say("“提交从”晚于“到”，没有这样的日子；请改一个")
            return
        choice = Choice(self.unit.value or "", self.track.value or "", self.module.value or "", since, until)
        self.look.value = view(book, choice)


def _wide(width: str) -> widgets.Layout:
    return widgets.Layout(width=width, max_width="100%")


def show(root: Path | None = None) -> None:
    """Show the dashboard of the course at ``root``, by default the one that this notebook lies in."""
    display(Board(_root(root or Path.cwd())).box)
