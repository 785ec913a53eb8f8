"""The class report that an instructor downloads on a Hub: their unit and below, and nobody else by name."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest
from openpyxl import load_workbook

from qinlian.errors import GradingError
from qinlian.reports.table import gradebook_table
from qinlian.staff.files import write_class
from qinlian.staff.places import Places
from qinlian.staff.report import Filter
from qinlian.staff.viewer import Viewer
from tests.report_room import COURSE, FINANCE, SIZES, entries, report_room

pytestmark = pytest.mark.slow

CITY = "青禾省/望川市"
TEACHER = Viewer("qlt1", "韩书瑶", "教师", CITY)
OFFICE = Viewer("qlt2", "邓锦程", "管理员", "青禾省")
INSIDE = {entry.name for entry in entries() if entry.unit.startswith(CITY + "/")}
OUTSIDE = {entry.name for entry in entries()} - INSIDE


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    room = report_room(tmp_path_factory.mktemp("staff"))
    loaded = Places.load(room.root)
    return replace(loaded, root=room.root)


def test_a_page_names_their_own_people_and_nobody_else(places: Places, tmp_path: Path) -> None:
    path = tmp_path / "made"
    write_class(places, TEACHER, Filter(), path, COURSE, book=False)
    page = path.read_text("utf-8")
    table = gradebook_table(places.root, COURSE)
    idle = set(table.loc[table["状态"] == "未开始", "姓名"]) & INSIDE
    assert idle
    assert {name for name in idle if name not in page} == set()
    assert {name for name in OUTSIDE if name in page} == set()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_workbook_holds_their_own_people_and_nobody_else(places: Places, tmp_path: Path) -> None:
    path = tmp_path / "made"
    write_class(places, TEACHER, Filter(below=FINANCE), path, COURSE, book=True)
    with path.open("rb") as file:
        book = load_workbook(file)
    words = {str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row if cell}
    assert {name for name in OUTSIDE if name in words} == set()
    assert len(INSIDE & words) == SIZES[FINANCE]
    assert "成绩总表" in book.sheetnames


def test_an_administrator_sees_everybody(places: Places, tmp_path: Path) -> None:
    path = tmp_path / "made"
    write_class(places, OFFICE, Filter(), path, COURSE, book=True)
    with path.open("rb") as file:
        sheet = load_workbook(file)["成绩总表"]
    names = {row[1] for row in sheet.iter_rows(min_row=2, values_only=True)}
    assert names == INSIDE | OUTSIDE


@pytest.mark.parametrize("unit", ["青禾省", "青禾省/栖云市", "青禾省/望川市2"])
def test_a_unit_that_is_not_theirs_is_refused(places: Places, tmp_path: Path, unit: str) -> None:
    path = tmp_path / "made"
    with pytest.raises(GradingError, match="本单位和下级单位"):
        write_class(places, TEACHER, Filter(below=unit), path, COURSE, book=False)
    assert not path.exists()


def test_without_a_unit_of_their_own_there_is_nothing_to_see(places: Places, tmp_path: Path) -> None:
    with pytest.raises(GradingError, match="本单位和下级单位"):
        write_class(places, replace(TEACHER, unit=""), Filter(), tmp_path / "made", COURSE, book=False)
