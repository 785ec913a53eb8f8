"""Excel: what comes in, what goes out, and every mistake at its cell."""

from __future__ import annotations

import zipfile
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.styles import PatternFill

from qinlian.authoring.rulebook import Rulebook
from qinlian.authoring.workbook import export_workbook, import_workbook, next_id
from qinlian.core.model import Course, Element, Item, Module
from qinlian.errors import CourseError
from tests.sample import COURSE

HEAD = ["题型", "题干", "选项A", "选项B", "选项C", "答案", "解析", "依据", "难度", "知识点"]
CITE = "《中国共产党纪律处分条例》第九十七条第一款"
ROW: dict[str, Any] = {
    "题型": "单选",
    "题干": "怎么办？",
    "选项A": "退回",
    "选项B": "收下",
    "选项C": "回礼",
    "答案": "A",
    "解析": "不能收。",
    "依据": CITE,
    "难度": "1",
    "知识点": "礼品",
}


def book(tmp_path: Path, *rows: dict[str, Any], head: list[str] | None = None, sheet: str = "题库") -> Path:
    path = tmp_path / "题库.xlsx"
    made = openpyxl.Workbook()
    page = made.active
    assert page is not None
    page.title = sheet
    head = head or HEAD
    page.append(head)
    for row in rows:
        page.append([(ROW | row).get(h) for h in head])
    made.save(path)
    return path


def told(path: Path, **more: Any) -> list[str]:
    return [f"{d.sheet}!{d.cell} {d.code}" for d in import_workbook(path, (), "LZ-02", **more)[1]]


def test_the_least_a_sheet_needs_is_enough(tmp_path: Path) -> None:
    items, found = import_workbook(
        book(tmp_path, {}, {"题型": "判断", "答案": "错", "选项A": None, "选项B": None, "选项C": None}),
        {"LZ-02-007", "LZ-03-900"},
        "LZ-02",
    )
    assert found == ()
    assert [(i.id, i.kind, i.use) for i in items] == [("LZ-02-008", "单选", "测验"), ("LZ-02-009", "判断", "测验")]
    assert [(e.letter, e.mark) for e in items[1].elements] == [("对", ""), ("错", "x")]


def test_new_ids_follow_the_highest_and_leave_gaps_alone() -> None:
    assert next_id("LZ-02", "单选", {"LZ-02-001", "LZ-02-120", "LZ-02-R1"}) == "LZ-02-121"
    assert next_id("LZ-02", "心得", {"LZ-02-001", "LZ-02-R1"}) == "LZ-02-R2"
    assert next_id("LZ-02", "单选", ()) == "LZ-02-001"


def test_a_row_without_id_and_without_module_is_an_error(tmp_path: Path) -> None:
    assert [d.code for d in import_workbook(book(tmp_path, {}), ())[1]] == ["E201"]


def test_numbers_spaces_wide_letters_and_line_breaks_are_what_they_look_like(tmp_path: Path) -> None:
    row = {
        "难度": 2.0,
        "答案": " Ａ ",
        "题干": "  第一段\r\n\r\n第二段  \n",
        "选项A": 30,
        "选项B": 2.5,
        "知识点": "礼品\n宴请，接待",
    }
    (item,), found = import_workbook(book(tmp_path, row), (), "LZ-02")
    assert found == ()
    assert (item.difficulty, item.stem, item.topics) == (2, "第一段\n\n第二段", ("礼品", "宴请", "接待"))
    assert [(e.letter, e.mark, e.text) for e in item.elements] == [
        ("A", "x", "30"),
        ("B", "", "2.5"),
        ("C", "", "回礼"),
    ]


def test_every_mistake_is_reported_at_its_cell_at_once(tmp_path: Path) -> None:
    path = book(
        tmp_path,
        {"题型": "单项"},
        {"答案": "D"},
        {"难度": "难", "解析": None},
        {"题干": None, "选项B": "两\n行"},
        {"依据": "《刑法》第一条", "选项C": "退回"},
    )
    assert told(path, rules=Rulebook(COURSE.documents)) == [
        "题库!A2 E202",
        "题库!F3 E124",
        "题库!G4 E307",
        "题库!I4 E205",
        "题库!B5 E209",
        "题库!D5 E208",
        "题库!E6 E310",
        "题库!H6 E502",
    ]


def test_cells_that_hold_something_else_than_they_show_are_refused(tmp_path: Path) -> None:
    path = book(tmp_path, {"选项A": "=1+1", "选项B": date(2024, 1, 2), "选项C": "#N/A"}, {"选项A": 1, "选项B": True})
    made = openpyxl.load_workbook(path)
    made["题库"]["C3"].number_format = "0%"
    made["题库"].merge_cells("A5:C6")
    made.save(path)
    assert told(path) == ["题库!C2 E123", "题库!D2 E123", "题库!E2 E123", "题库!C3 E123", "题库!A5 E123"]


def test_headers_are_found_below_a_title_and_named_when_wrong(tmp_path: Path) -> None:
    path = tmp_path / "题库.xlsx"
    made = openpyxl.Workbook()
    page = made.active
    assert page is not None
    page.title = "单选"
    page.append(["勤廉学堂题库"])
    page.merge_cells("A1:J1")
    page.append(["题 型", "题干", "选项a", "选项B", "选项C", "答案", "解释", "依据", "难度"])
    page.append([ROW.get(h) for h in HEAD] + ["多出来的"])
    made.save(path)
    assert told(path) == ["单选!A2 E122", "单选!A2 E122", "单选!G2 E122", "单选!J3 E122", "单选!K3 E122"]


def test_hidden_and_headless_sheets_are_named_and_passed_over(tmp_path: Path) -> None:
    path = book(tmp_path, {})
    made = openpyxl.load_workbook(path)
    made.create_sheet("旧题").append(HEAD)
    made["旧题"].sheet_state = "hidden"
    made.create_sheet("说明").append(["第一行", "第二列"])
    made.create_sheet("多选").append(["随手", "写的"])
    made.create_sheet("空的")
    made.save(path)
    assert sorted(told(path)) == sorted(["多选! E122", "旧题! W620", "说明! W620"])


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "完好"),
        (b"PK\x03\x04" + b"\0" * 50, "完好"),
        ("题干,答案".encode(), "完好"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "旧格式"),
    ],
)
def test_what_is_no_workbook_is_refused_in_chinese(data: bytes, word: str, tmp_path: Path) -> None:
    path = tmp_path / "题库.xlsx"
    path.write_bytes(data)
    (found,) = import_workbook(path, ())[1]
    assert found.code == "E121"
    assert word in found.message


def test_a_bomb_a_giant_and_a_missing_file_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qinlian.authoring.sheets._LARGEST_UNPACKED", 3_000_000)
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("x", "w") as inside:
        for _ in range(4):
            inside.write(b"\0" * 1_000_000)
    giant = tmp_path / "giant.xlsx"
    with giant.open("wb") as file:
        file.truncate(21_000_000)
    assert [d.code for d in import_workbook(bomb, ())[1]] == ["E121"]
    assert [d.code for d in import_workbook(giant, ())[1]] == ["E121"]
    assert [d.code for d in import_workbook(tmp_path / "none.xlsx", ())[1]] == ["E101"]


def test_a_zip_that_is_no_workbook_and_one_cut_short_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.xlsx"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("[Content_Types].xml", "<!DOCTYPE x [<!ENTITY a 'b'>]><Types>&a;</Types>")
    whole = book(tmp_path, {}).read_bytes()
    cut = tmp_path / "cut.xlsx"
    cut.write_bytes(whole[: len(whole) // 2])
    for path in (other, cut):
        assert [d.code for d in import_workbook(path, ())[1]] == ["E121"]


def test_an_export_holds_text_only_and_never_a_formula(tmp_path: Path) -> None:
    texts = ("=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("x")', "1e5", "2024-01-02", "TRUE", "_x0041_")
    item = Item(
        id="LZ-02-001",
        kind="单选",
        use="练习",
        stem="=cmd|' /C calc'!A0",
        elements=tuple(
            Element(letter=c, mark="x" if c == "B" else "", text=t, feedback=t)
            for c, t in zip("BADCFEHGZ", texts, strict=True)
        ),
        explanation="-\n=2",
        citations=("@依据",),
    )
    path = tmp_path / "题库.xlsx"
    course = Course(
        id="c", title="t", modules=(Module(id="02-x", title="m", items=(item,)), Module(id="03-x", title="n"))
    )
    export_workbook(course, path, modules=["02-x"])
    page = openpyxl.load_workbook(path)["单选"]
    cells = [c for row in page.iter_rows() for c in row if c.value is not None]
    assert {c.data_type for c in cells} == {"s"}
    assert {c.number_format for c in cells if c.row > 1} == {"@"}
    assert all(c.quotePrefix for c in cells if str(c.value)[0] in "=+-@")
    assert import_workbook(path, ())[0] == (item,)


def test_an_empty_export_is_a_template(tmp_path: Path) -> None:
    export_workbook(COURSE, tmp_path / "题库.xlsx", modules=[])
    assert [d.code for d in import_workbook(tmp_path / "题库.xlsx", ())[1]] == ["E122"]


def test_what_does_not_fit_or_cannot_be_written_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    long = Item(id="a", kind="心得", use="心得", stem="长" * 40_000)
    course = Course(id="c", title="t", modules=(Module(id="02-x", title="m", items=(long,)),))
    with pytest.raises(CourseError, match="a 的题干超过了"):
        export_workbook(course, tmp_path / "题库.xlsx")
    with pytest.raises(CourseError, match="没有文件夹"):
        export_workbook(COURSE, tmp_path / "none" / "题库.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_text_that_looks_structural_becomes_prose_on_the_way_in(tmp_path: Path) -> None:
    (item,), found = import_workbook(
        book(tmp_path, {"题干": "看图：\n# 号\n- [x] A. 不是选项\n答案：不是字段", "解析": "# 一\n## 二"}), (), "LZ-02"
    )
    assert found == ()
    assert item.stem == "看图：\n\\# 号\n\\- [x] A. 不是选项\n答案：不是字段"
    assert item.explanation == "# 一\n\\## 二"


def test_rows_that_are_only_coloured_are_no_rows(tmp_path: Path) -> None:
    path = book(tmp_path, {})
    made = openpyxl.load_workbook(path)
    for row in (3, 90_000):
        made["题库"].cell(row, 1).fill = PatternFill("solid", fgColor="FFFF00")
    made.save(path)
    items, found = import_workbook(path, (), "LZ-02")
    assert (len(items), found) == (1, ())
