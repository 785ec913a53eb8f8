"""The sheet that an institution sends: what is accepted, what is refused, and what never gets as far as being read."""

from __future__ import annotations

import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.styles import PatternFill

from qinlian.roster.people import Entry
from qinlian.roster.sheet import HEADERS, read_sheet

TRACKS = ("青年干部", "教师")
UNIT = "省开放大学/青禾分校"
ROW: dict[str, Any] = {"姓名": "周晓岚", "工号": "20240001", "单位": UNIT}
NAMESPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def sheet(tmp_path: Path, *rows: dict[str, Any], head: tuple[str, ...] = HEADERS, title: str = "学员") -> Path:
    path = tmp_path / "学员.xlsx"
    made = openpyxl.Workbook()
    page = made.worksheets[0]
    page.title = title
    page.append(list(head))
    for row in rows:
        page.append([(ROW | row).get(name) for name in head])
    made.save(path)
    return path


def read(path: Path) -> tuple[Entry, ...]:
    entries, found = read_sheet(path, TRACKS)
    assert found == ()
    return entries


def told(path: Path) -> list[str]:
    return [f"{problem.sheet}!{problem.cell} {problem.code}" for problem in read_sheet(path, TRACKS)[1]]


def test_the_least_a_row_needs_is_name_number_and_unit(tmp_path: Path) -> None:
    (one,) = read(sheet(tmp_path, {}))
    assert one == Entry(number="20240001", name="周晓岚", unit=UNIT, role=None)


def test_headings_stand_in_any_order_below_a_title_and_in_full_width(tmp_path: Path) -> None:
    path = tmp_path / "学员.xlsx"
    made = openpyxl.Workbook()
    page = made.worksheets[0]
    page.append(["二〇二六年秋季学员名单"])
    page.append(["邮箱：", " 单 位 ", "工号*", "姓名", "角色", "部门", "培训对象"])
    page.append(
        [
            "ｚｈｏｕ＠ｅｘａｍｐｌｅ．ｃｎ",
            "省开放大学／青禾分校 ",
            "２０２４－Ａ",
            "周　岚",
            " 教 师",
            "教务处",
            "教师",
        ]
    )
    made.save(path)
    found = read_sheet(path, TRACKS)
    assert [str(problem) for problem in found[1]] == ["学员.xlsx!Sheet!E3: E707 没有角色“教 师”；是不是“教师”"]
    made["Sheet"]["E3"] = "教师"
    made.save(path)
    (one,) = read(path)
    assert one.model_dump() == {
        "number": "2024-A",
        "name": "周岚",
        "unit": UNIT,
        "department": "教务处",
        "track": "教师",
        "email": "zhou@example.cn",
        "role": "教师",
    }


@pytest.mark.parametrize("number", [20240001, 20240001.0, "20240001", " 20240001 ", "２０２４０００１", "20240001.0"])
def test_a_number_that_excel_holds_as_a_number_is_what_it_shows(tmp_path: Path, number: object) -> None:
    (one,) = read(sheet(tmp_path, {"工号": number}))
    assert (one.number, one.account) == ("20240001", "ql20240001")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("张　三", "张三"),
        ("  林知远\n", "林知远"),
        ("阿依古丽·买买提", "阿依古丽·买买提"),
        ("Mary  O'Neil", "Mary O'Neil"),
    ],
)
def test_names_keep_what_belongs_to_them(tmp_path: Path, written: str, name: str) -> None:
    (one,) = read(sheet(tmp_path, {"姓名": written}))
    assert one.name == name


def test_an_empty_role_is_a_learner_and_no_column_says_nothing(tmp_path: Path) -> None:
    head = (*HEADERS, "角色")
    roles = [one.role for one in read(sheet(tmp_path, {"角色": None}, {"工号": "2", "角色": "管理员"}, head=head))]
    assert roles == ["学员", "管理员"]
    assert read(sheet(tmp_path, {}))[0].role is None


CODES = ("E701", "E702", "E704", "E709", "E705", "E706")


def test_every_mistake_is_told_at_its_cell_at_once(tmp_path: Path) -> None:
    path = sheet(
        tmp_path,
        {"姓名": None, "工号": "x y", "单位": "a//b", "部门": "a|b", "培训对象": "教员", "邮箱": "x"},
        {"工号": "1"},
        {"工号": "=A1"},
        {"工号": "1"},
    )
    assert told(path) == [
        *(f"学员!{cell}2 {code}" for cell, code in zip("ABCDEF", CODES, strict=True)),
        "学员!B4 E123",
        "学员!B5 E703",
    ]


def test_cells_that_hold_something_else_than_they_show_are_refused(tmp_path: Path) -> None:
    path = sheet(tmp_path, {"工号": date(2024, 1, 2), "姓名": "#N/A", "单位": '=HYPERLINK("http://x")'}, {"工号": 1e15})
    made = openpyxl.load_workbook(path)
    made["学员"]["B4"] = 7
    made["学员"]["B4"].number_format = "000"
    made["学员"]["A4"], made["学员"]["C4"] = "林知远", UNIT
    made.save(path)
    assert told(path) == ["学员!A2 E123", "学员!B2 E123", "学员!C2 E123", "学员!B3 E123", "学员!B4 E123"]


def test_the_same_person_in_two_sheets_is_told(tmp_path: Path) -> None:
    path = sheet(tmp_path, {"工号": "ab"})
    made = openpyxl.load_workbook(path)
    page = made.create_sheet("另一单位")
    page.append(list(HEADERS))
    page.append(["林知远", "AB", UNIT])
    page.append(["林知远", "C", UNIT])
    made.save(path)
    entries, found = read_sheet(path, TRACKS)
    assert [str(problem) for problem in found] == [
        "学员.xlsx!另一单位!B2: E703 工号 AB 在 学员!B2 已经写过；一人只写一行；两个人就核对工号"
    ]
    assert [one.number for one in entries] == ["ab", "C"]


def test_headings_that_are_missing_twice_or_unknown_are_named(tmp_path: Path) -> None:
    path = sheet(tmp_path, {}, head=("姓名", "工号", "工 号", "单位", "部们", "培训对象"))
    assert told(path) == ["学员!A1 E122", "学员!A1 E122", "学员!C1 E122", "学员!E1 E122"]
    said = [str(problem) for problem in read_sheet(path, TRACKS)[1]]
    assert said[0].endswith("缺少表头“邮箱”；在表头这一行补上这一列，没有内容可以空着")
    assert said[3].endswith("不认识表头“部们”；是不是“部门”")


def test_what_stands_in_a_column_without_heading_is_told(tmp_path: Path) -> None:
    path = sheet(tmp_path, {})
    made = openpyxl.load_workbook(path)
    made["学员"]["H2"] = "备注"
    made.save(path)
    assert told(path) == ["学员!H2 E122"]


def test_sheets_that_are_hidden_or_no_roster_are_named_and_passed_over(tmp_path: Path) -> None:
    path = sheet(tmp_path, {})
    made = openpyxl.load_workbook(path)
    made.create_sheet("去年").append(list(HEADERS))
    made["去年"].sheet_state = "hidden"
    made.create_sheet("说明").append(["怎么填"])
    made.create_sheet("空的")
    made.save(path)
    assert told(path) == ["去年! W620", "说明! W620"]
    assert len(read_sheet(path, TRACKS)[0]) == 1


def test_a_sheet_with_nobody_is_an_error(tmp_path: Path) -> None:
    assert told(sheet(tmp_path)) == ["! E122"]


def test_a_course_without_tracks_wants_that_column_empty(tmp_path: Path) -> None:
    (problem,) = read_sheet(sheet(tmp_path, {"培训对象": "教师"}), ())[1]
    assert str(problem) == "学员.xlsx!学员!E2: E705 这门课程不分培训对象；清空这一列"


def test_rows_that_are_only_coloured_are_nobody(tmp_path: Path) -> None:
    path = sheet(tmp_path, {})
    made = openpyxl.load_workbook(path)
    for row in (3, 90_000):
        made["学员"].cell(row, 1).fill = PatternFill("solid", fgColor="FFFF00")
    made.save(path)
    assert len(read(path)) == 1


# --- what is not to be read at all ---------------------------------------------------------------


def with_sheet(path: Path, xml: str) -> Path:
    """The workbook with another sheet's XML in the place of its own."""
    out = path.with_name("坏.xlsx")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, xml if name == "xl/worksheets/sheet1.xml" else source.read(name))
    return out


def cell(column: str, row: int, text: str) -> str:
    return f'<c r="{column}{row}" t="inlineStr"><is><t>{text}</t></is></c>'


def heading() -> str:
    return f'<row r="1">{"".join(cell(c, 1, h) for c, h in zip("ABCDEF", HEADERS, strict=True))}</row>'


def line(row: int) -> str:
    return f'<row r="{row}">{cell("A", row, "周晓岚")}{cell("B", row, str(row))}{cell("C", row, "省校")}</row>'


def test_a_sheet_that_says_it_is_smaller_than_it_is_is_read_to_its_end(tmp_path: Path) -> None:
    rows = "".join(line(row) for row in range(2, 30))
    xml = f'<worksheet {NAMESPACE}><dimension ref="A1:F2"/><sheetData>{heading()}{rows}</sheetData></worksheet>'
    assert len(read(with_sheet(sheet(tmp_path, {}), xml))) == 28


def test_a_row_that_claims_to_be_far_beyond_the_last_costs_nothing(tmp_path: Path) -> None:
    xml = f"<worksheet {NAMESPACE}><sheetData>{heading()}{line(2)}{line(10**17)}</sheetData></worksheet>"
    # Whoever counted up to it would never come to an end.
    assert len(read(with_sheet(sheet(tmp_path, {}), xml))) == 1


def test_more_rows_than_can_be_meant_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("qinlian.roster.sheet.MOST_ROWS", 3_000)
    rows = "".join(f'<row r="{row}"/>' for row in range(2, 4_000))
    path = with_sheet(
        sheet(tmp_path, {}), f"<worksheet {NAMESPACE}><sheetData>{heading()}{rows}</sheetData></worksheet>"
    )
    (problem,) = read_sheet(path, TRACKS)[1]
    assert str(problem) == "坏.xlsx: E121 文件超过了 3000 行；删掉多余的空行，或分成几个文件，分几次导入"


def test_a_zip_bomb_is_refused_at_once(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.xlsx"
    with (
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/worksheets/a.xml", "w") as inside,
    ):
        for _ in range(12):
            inside.write(b"\0" * 1_000_000)
    assert bomb.stat().st_size < 100_000
    (problem,) = read_sheet(bomb, TRACKS)[1]
    assert (problem.code, problem.message) == ("E121", "文件展开后太大")


@pytest.mark.parametrize(
    "xml",
    [
        "<worksheet",
        f"<worksheet {NAMESPACE}><sheetData>{heading()}<row r='x'/></sheetData></worksheet>",
        f"<worksheet {NAMESPACE}><sheetData><row r='2'><c r='A2' s='99'><v>1</v></c></row></sheetData></worksheet>",
        f"<!DOCTYPE x [<!ENTITY a 'b'>]><worksheet {NAMESPACE}><sheetData>&a;</sheetData></worksheet>",
    ],
)
def test_broken_xml_is_told_in_chinese(tmp_path: Path, xml: str) -> None:
    (problem,) = read_sheet(with_sheet(sheet(tmp_path, {}), xml), TRACKS)[1]
    assert (problem.code, problem.message) == ("E121", "这不是完好的 .xlsx 文件")


def test_what_is_no_workbook_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "学员.xlsx").write_bytes(b"\xd0\xcf\x11\xe0" + b"\0" * 600)
    assert [problem.code for problem in read_sheet(tmp_path / "学员.xlsx", TRACKS)[1]] == ["E121"]
    assert [problem.code for problem in read_sheet(tmp_path / "none.xlsx", TRACKS)[1]] == ["E101"]
