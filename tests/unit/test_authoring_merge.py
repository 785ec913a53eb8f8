"""Items put into a module's questions.md leave every other byte alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from qinlian.authoring.merge import merge_questions, module_prefix
from qinlian.authoring.questions import parse_questions
from qinlian.authoring.textfile import parse_text
from qinlian.authoring.writer import write_item
from qinlian.core.model import Item
from qinlian.errors import CourseError
from tests.sample import MODULE

OLD = (
    "# 题目\n\n## 练习 ｛用途＝练习｝\n\n\n"
    "###  LZ-90-001   [单选] {知识点=礼品}\n旧题干  \n-  [x]  A. 甲\n\n解析:  理由\n\n\n"
    "### LZ-90-777 [判断]\n别的题\n- [ ] 对\n- [x] 错\n\n"
    "## 测验\n### LZ-90-888 [判断] {用途=测验}\n末题\n- [x] 对\n- [ ] 错"
)
ONE, TWO = MODULE.items[0], MODULE.items[1]


def put(tmp_path: Path, data: bytes, *items: Item) -> bytes:
    folder = tmp_path / "course" / "modules" / "90-sample"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "questions.md").write_bytes(data)
    path = merge_questions(tmp_path / "course", "90-sample", items)
    assert path == folder / "questions.md"
    assert [p.name for p in folder.iterdir()] == ["questions.md"], "nothing temporary is left"
    return path.read_bytes()


def test_an_item_is_replaced_in_its_place_and_new_ones_go_to_the_end(tmp_path: Path) -> None:
    start, stop = OLD.index("###  LZ-90-001"), OLD.index("解析:  理由") + len("解析:  理由\n")
    expected = OLD[:start] + write_item(ONE) + OLD[stop:] + "\n\n" + write_item(TWO)
    assert put(tmp_path, OLD.encode(), TWO, ONE).decode() == expected


def test_windows_line_breaks_and_a_bom_stay(tmp_path: Path) -> None:
    data = ("\ufeff" + OLD.replace("\n", "\r\n")).encode()
    after = put(tmp_path, data, ONE, TWO)
    assert after.startswith("\ufeff# 题目\r\n".encode())
    assert after.count(b"\n") == after.count(b"\r\n")
    items = [p.item for p in parse_questions(parse_text(after.decode(), "q")).items]
    assert [i.id for i in items] == ["LZ-90-001", "LZ-90-777", "LZ-90-888", "LZ-90-002"]
    assert (items[0], items[3]) == (ONE, TWO)


def test_what_is_the_same_already_is_not_touched(tmp_path: Path) -> None:
    same = parse_questions(parse_text(OLD, "q")).items[1].item
    assert put(tmp_path, OLD.encode(), same) == OLD.encode()


def test_replacing_the_last_item_keeps_the_end_of_the_file_as_it_was(tmp_path: Path) -> None:
    last = ONE.model_copy(update={"id": "LZ-90-888"})
    after = put(tmp_path, OLD.encode(), last).decode()
    assert after == OLD[: OLD.index("### LZ-90-888")] + write_item(last).rstrip("\n")


def test_an_empty_module_gets_a_file_with_sections(tmp_path: Path) -> None:
    (tmp_path / "course" / "modules" / "90-sample").mkdir(parents=True)
    text = merge_questions(tmp_path / "course", "90-sample", MODULE.items).read_text(encoding="utf-8")
    assert "## 练习 {用途=练习}" in text
    assert [p.item.id for p in parse_questions(parse_text(text, "q")).items] == [i.id for i in MODULE.items]


def test_what_cannot_be_merged_safely_is_refused_untouched(tmp_path: Path) -> None:
    course = tmp_path / "course"
    with pytest.raises(CourseError, match="没有模块"):
        merge_questions(course, "90-sample", [ONE])
    other = course / "modules" / "91-other"
    other.mkdir(parents=True)
    (other / "questions.md").write_text(write_item(ONE), encoding="utf-8")
    with pytest.raises(CourseError, match="LZ-90-001 已经是模块 91-other 的题"):
        put(tmp_path, OLD.encode(), ONE)
    (other / "questions.md").unlink()
    with pytest.raises(CourseError, match="LZ-90-001 写了两次"):
        put(tmp_path, (OLD + "\n\n" + write_item(ONE)).encode(), ONE)
    with pytest.raises(CourseError, match="UTF-8"):
        put(tmp_path, "题".encode("gbk"), ONE)
    assert (course / "modules" / "90-sample" / "questions.md").read_bytes() == "题".encode("gbk")


def test_new_ids_begin_as_the_ids_of_the_module_do() -> None:
    assert module_prefix("02-gifts", ["LZ-02-001", "LZ-02-R1", "X-1"]) == "LZ-02"
    assert module_prefix("07-new", []) == "LZ-07"
