"""Four times as many learners are four times as much work for the database, never sixteen.

Counted in steps of SQLite's own machine, so that a slow or busy machine changes nothing. What goes wrong otherwise
is the order in which it joins: a page of a province then takes minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.engine import Connection

from qinlian.reports.states import STATES
from qinlian.staff.extensions import extensions
from qinlian.staff.marking import waiting
from qinlian.staff.overview import overview
from qinlian.staff.report import IDLE, Filter, chosen, names_of, page_of
from qinlian.staff.viewer import Viewer
from tests.staff_room import PLAN, START, Book, viewer

pytestmark = pytest.mark.slow

UNITS = ("省校", *(f"省校/分校{n}" for n in range(8)))
WHO = {"the office": viewer("", "管理员"), "the top": viewer("省校"), "a branch": viewer("省校/分校3")}


def _page(connection: Connection, who: Viewer, asked: Filter) -> None:
    accounts = chosen(connection, who, PLAN, asked)
    page_of(connection, who, PLAN, asked, accounts, 2)
    names_of(connection, who, PLAN, asked, accounts, 1)


READS: dict[str, Callable[[Connection, Viewer], Any]] = {
    "overview": lambda c, who: overview(c, who, PLAN),
    "overview of a module": lambda c, who: overview(c, who, PLAN, module=START.id),
    "overview of a branch": lambda c, who: overview(c, who, PLAN, below="省校/分校3"),
    "waiting": lambda c, who: waiting(c, who, PLAN, Filter()),
    "waiting of a module": lambda c, who: waiting(c, who, PLAN, Filter(module=START.id)),
    "extensions": lambda c, who: extensions(c, who, PLAN),
    "report": lambda c, who: _page(c, who, Filter()),
    "report of a module": lambda c, who: _page(c, who, Filter(module=START.id)),
    "report of a word": lambda c, who: _page(c, who, Filter(words="7")),
    **{f"report, {s}": lambda c, who, s=s: _page(c, who, Filter(state=s)) for s in (*STATES, IDLE)},  # type: ignore[misc]
    **{
        f"report of a module, {s}": lambda c, who, s=s: _page(c, who, Filter(state=s, module=START.id))  # type: ignore[misc]
        for s in (*STATES, IDLE)
    },
}


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> tuple[Book, Book]:
    small, large = (Book.fresh(tmp_path_factory.mktemp("scale") / name) for name in ("small", "large"))
    small.crowd(UNITS, 60)
    large.crowd(UNITS, 240)
    return small, large


def _steps(book: Book, read: Callable[[Connection, Viewer], Any], who: Viewer) -> int:
    count = [0]

    def tick() -> int:
        count[0] += 1
        return 0

    with book.engine.connect() as connection:
        connection.connection.driver_connection.set_progress_handler(tick, 100)  # type: ignore[union-attr]
        read(connection, who)
    return count[0]


@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("name", READS)
def test_the_work_grows_with_the_number_of_learners(books: tuple[Book, Book], name: str, who: str) -> None:
    small, large = (_steps(book, READS[name], WHO[who]) for book in books)
    assert large < 6 * small + 200, f"{small} → {large}"


def test_a_branch_costs_a_fraction_of_the_whole(books: tuple[Book, Book]) -> None:
    for name in ("overview", "waiting", "report, 待评阅"):
        whole, part = (_steps(books[1], READS[name], WHO[who]) for who in ("the top", "a branch"))
        assert part < whole / 3, name
