"""Excel on the way out: it can be imported again, runs nothing, and what is confidential is its owner's alone."""

from __future__ import annotations

import string
import tempfile
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qinlian.errors import RosterError
from qinlian.roster.people import Entry, Person, account_of
from qinlian.roster.sheet import HEADERS, read_sheet
from qinlian.roster.workbook import COLUMNS, write_codes, write_roster, write_template
from tests.roster_room import NOW, person

TRACKS = ("青年干部", "教师")
HANZI = "周吴郑王一二〇甲乙丙省市县校中心"
LATIN = string.ascii_letters + string.digits + "_-"


def people_of(entries: tuple[Entry, ...]) -> list[Person]:
    return [
        Person(account=one.account, uid=20001 + n, changed_at=NOW, **one.model_dump()) for n, one in enumerate(entries)
    ]


NUMBERS = st.text(LATIN, min_size=1, max_size=28).filter(lambda text: not text.endswith(".0"))
NAMES = st.one_of(
    st.text(HANZI, min_size=1, max_size=12), st.sampled_from(["Mary O'Neil", "阿依古丽·买买提", "张伟（2）", "-", "'"])
)
PARTS = st.one_of(st.text(HANZI + "（）、-+", min_size=1, max_size=10), st.sampled_from(["+1", "-2", "_x0041_", "1e5"]))
ENTRIES = st.lists(
    st.builds(
        Entry,
        number=NUMBERS,
        name=NAMES,
        unit=st.lists(PARTS, min_size=1, max_size=4).map("/".join),
        department=st.one_of(st.just(""), PARTS),
        track=st.sampled_from(["", *TRACKS]),
        email=st.sampled_from(["", "zhou@example.cn", "a.b+c@mail.example.com"]),
        role=st.sampled_from(["学员", "教师", "管理员"]),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda one: one.number.lower(),
).map(tuple)


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(entries=ENTRIES)
def test_a_roster_that_goes_out_and_comes_in_again_is_the_same(entries: tuple[Entry, ...]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, again = Path(folder) / "学员.xlsx", Path(folder) / "再次.xlsx"
        write_roster(people_of(entries), path)
        read, found = read_sheet(path, TRACKS)
        assert (read, found) == (entries, ())
        write_roster(people_of(read), again)
        assert cells(again) == cells(path)


def cells(path: Path) -> list[list[object]]:
    return [[c.value for c in row] for row in openpyxl.load_workbook(path)["学员"].iter_rows()]


def test_nothing_in_a_roster_is_ever_computed(tmp_path: Path) -> None:
    texts = ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x","y")', "=cmd|' /C calc'!A0"]
    people = [person(str(n)).model_copy(update={"name": t, "department": t}) for n, t in enumerate(texts)]
    write_roster(people, tmp_path / "学员.xlsx")
    write_codes(people, {one.account: "K7PQ-2MXD" for one in people}, tmp_path / "码.xlsx")
    for name in ("学员.xlsx", "码.xlsx"):
        cells = [c for row in openpyxl.load_workbook(tmp_path / name).worksheets[0].iter_rows(min_row=2) for c in row]
        assert {c.data_type for c in cells if c.value is not None} == {"s"}
        assert all(c.quotePrefix for c in cells if str(c.value)[0] in "=+-@")


def test_the_template_offers_the_words_that_can_be_meant(tmp_path: Path) -> None:
    path = tmp_path / "学员.xlsx"
    write_template(path, TRACKS)
    page = openpyxl.load_workbook(path)["学员"]
    assert [c.value for c in page[1]] == [*HEADERS, "角色"] == list(COLUMNS)
    lists = {str(one.sqref): one.formula1 for one in page.data_validations.dataValidation}
    assert lists == {"E2:E5000": '"青年干部,教师"', "G2:G5000": '"学员,教师,管理员"'}
    assert page.column_dimensions["B"].number_format == "@", "or Excel drops the zeros at the front"


def test_the_templates_example_is_politely_not_taken_for_somebody(tmp_path: Path) -> None:
    path = tmp_path / "学员.xlsx"
    write_template(path, TRACKS)
    entries, found = read_sheet(path, TRACKS)
    assert entries == ()
    assert [str(problem) for problem in found] == [
        "学员.xlsx!学员!A2: E708 这是模板里的示例，不会当真导入；删掉这一行，再导入"
    ]


def test_a_template_filled_in_below_the_example_is_imported_once_the_example_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "学员.xlsx"
    write_template(path, ())
    made = openpyxl.load_workbook(path)
    made["学员"].append(["林知远", "00042", "省校"])
    made["学员"].delete_rows(2)
    made.save(path)
    entries, found = read_sheet(path, ())
    assert found == ()
    assert [one.number for one in entries] == ["00042"]


def test_words_that_excel_cannot_list_are_left_out_of_the_template(tmp_path: Path) -> None:
    write_template(tmp_path / "学员.xlsx", ["青年，干部", "甲,乙"])
    lists = openpyxl.load_workbook(tmp_path / "学员.xlsx")["学员"].data_validations.dataValidation
    assert [str(one.sqref) for one in lists] == ["G2:G5000"]


def test_codes_and_rosters_are_their_owners_alone(tmp_path: Path) -> None:
    one = person("00042")
    write_codes([one], {account_of("00042"): "K7PQ-2MXD"}, tmp_path / "首次登录码.xlsx")
    write_roster([one], tmp_path / "学员.xlsx")
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    rows = openpyxl.load_workbook(tmp_path / "首次登录码.xlsx").worksheets[0].iter_rows(values_only=True)
    assert list(rows) == [("姓名", "工号", "单位", "首次登录码"), (one.name, "00042", one.unit, "K7PQ-2MXD")]


def test_what_cannot_be_written_is_told_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(RosterError, match=r"学员\.xlsx 写不进去：.*换一个存在、可以写的文件夹"):
        write_template(tmp_path / "没有" / "学员.xlsx", TRACKS)
