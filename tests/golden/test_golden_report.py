"""The class report of the demonstration class, as it stood when somebody last looked at it.

The style sheet is compared with its own file; of it the golden page has the name only.
Run with QINLIAN_UPDATE_GOLDEN=1 to accept a change, and look at the page before you commit it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import pytest

import qinlian.reports
from qinlian.reports.page.gather import Facts, gather
from qinlian.reports.page.render import render
from qinlian.reports.page.workbook import sheets
from qinlian.reports.table import gradebook_table
from tests.classroom import Classroom
from tests.report_room import COURSE, report_room

# A class is made for these: ten seconds.
pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).parent / "class-report"
STYLE = Path(qinlian.reports.__file__).parent / "templates" / "class_report.css"
_WHEN = datetime(2026, 11, 30, 2, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Classroom:
    return report_room(tmp_path_factory.mktemp("golden"))


@pytest.fixture(scope="module")
def facts(room: Classroom) -> Facts:
    """Read at a moment of our choice: everything else in the report is the same every time."""
    return replace(gather(room.root, COURSE), read_at=_WHEN)


def _page(_: Classroom, facts: Facts) -> str:
    # The glyphs are those of the machine's own font.
    with patch("qinlian.reports.page.render.font_faces", lambda *_: ""):
        html = render(facts).html
    before, style, after = _around(html)
    assert style.strip() == STYLE.read_text(encoding="utf-8").strip()
    return f"{before}<style>{STYLE.name}</style>{after}"


def _around(html: str) -> tuple[str, str, str]:
    """What stands before the one style element of a page, in it, and after it."""
    before, rest = html.split("<style>")
    style, after = rest.split("</style>")
    return before, style, after


def _tables(room: Classroom, facts: Facts) -> str:
    made = sheets(facts, gradebook_table(room.root, COURSE).drop(columns="提交时间"))
    return "\n".join(f"== {s.title}\n" + s.table.to_csv(index=False, float_format="%.9g") for s in made)


@pytest.mark.parametrize(("name", "make"), [("report.html", _page), ("workbook.csv", _tables)])
def test_the_report_is_what_was_last_approved(
    room: Classroom, facts: Facts, name: str, make: Callable[[Classroom, Facts], str]
) -> None:
    made = make(room, facts)
    if os.environ.get("QINLIAN_UPDATE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        (GOLDEN / name).write_text(made, encoding="utf-8")
    assert made == (GOLDEN / name).read_text(encoding="utf-8")
