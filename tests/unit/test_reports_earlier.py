"""Earlier years' reflections from files: what is read, and what is said of what cannot be."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from qinlian.errors import GradingError
from qinlian.reports.earlier import read_earlier, stamp


def workbook(path: Path, *rows: tuple[object, ...]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr]
    book.save(path)
    return path


def test_text_files_are_one_text_each_in_utf8_or_gbk(tmp_path: Path) -> None:
    (tmp_path / "2024").mkdir()
    (tmp_path / "2024" / "张三.txt").write_bytes("去年写的一篇".encode("gb18030"))
    (tmp_path / "李四.md").write_text("\ufeff前年写的一篇", "utf-8")
    (tmp_path / ".隐藏.txt").write_text("x", "utf-8")
    (tmp_path / "图.png").write_bytes(b"\x89PNG")
    found = read_earlier(tmp_path)
    assert {(t.who, t.text) for t in found} == {("张三", "去年写的一篇"), ("李四", "前年写的一篇")}
    assert len({t.owner for t in found}) == 2


def test_a_workbook_is_one_text_a_row_and_the_learner_is_known_again(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "2024.xlsx",
        ("心得汇总",),
        ("学员", "姓名", "模块", "心得"),
        ("zhang", "张三", "礼尚往来", "第一篇"),
        (None, None, None, None),
        ("li", None, None, "第二篇"),
        (None, None, None, "第三篇"),
    )
    first, second, third = read_earlier(path)
    assert (first.owner, first.who, first.text) == ("zhang", "张三", "第一篇")
    assert "礼尚往来" in first.where
    assert (second.owner, second.who) == ("li", "li")
    assert third.owner not in ("", "zhang", "li")


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("坏.xlsx", b"no workbook", "坏.xlsx 不是完好的"),
        ("乱.txt", b"\xff\xff\xff\x00\x81", "乱.txt 不是文本"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(GradingError, match=said):
        read_earlier(tmp_path)


def test_a_workbook_without_the_column_says_so(tmp_path: Path) -> None:
    with pytest.raises(GradingError, match="没有“心得”这一列"):
        read_earlier(workbook(tmp_path / "表.xlsx", ("姓名", "分数"), ("张三", 90)))


def test_a_place_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(GradingError, match="找不到"):
        read_earlier(tmp_path / "none")


def test_the_stamp_changes_with_the_files(tmp_path: Path) -> None:
    assert stamp(None) == stamp(tmp_path / "none") == ()
    before = stamp(tmp_path)
    (tmp_path / "a.txt").write_text("一", "utf-8")
    assert stamp(tmp_path) != before
