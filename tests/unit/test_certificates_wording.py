"""The office's own words: what may be written, and what is said of everything else, at its place."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from qinlian.authoring.certificates import (
    CERTIFICATE_KINDS,
    CERTIFICATES,
    PLACEHOLDERS,
    parse_wording,
    read_wordings,
)
from qinlian.authoring.reader import read_course
from qinlian.authoring.textfile import parse_text
from qinlian.errors import CourseError
from qinlian.reports.certificates.wording import (
    TEMPLATES,
    filled,
    missing_values,
    put_templates,
    values_of,
    wording_of,
)
from tests.certificate_room import statement

BASE = Path(__file__).parents[1] / "data" / "authoring" / "base"
GOOD = "标题: 结业证书\n正文: 【姓名】学完【课程】。\n签发单位: 省开放大学\n"


def said(text: str) -> list[str]:
    return [str(d) for d in parse_wording(parse_text(text, "结业证书.yaml"))[1]]


@pytest.fixture
def course(tmp_path: Path) -> Path:
    shutil.copytree(BASE, tmp_path / "course")
    (tmp_path / "course" / CERTIFICATES).mkdir()
    return tmp_path / "course"


def test_ours_are_without_fault_and_use_every_placeholder_that_they_name() -> None:
    assert {path.stem for path in TEMPLATES.glob("*.yaml")} == set(CERTIFICATE_KINDS)
    for path in TEMPLATES.glob("*.yaml"):
        text = path.read_text(encoding="utf-8")
        wording, problems = parse_wording(parse_text(text, path.name))
        assert problems == []
        assert wording is not None
        assert missing_values(wording, values_of(statement())) == []
    assert set(values_of(statement())) == set(PLACEHOLDERS)


def test_a_sentence_gets_its_values_and_knows_which_they_are() -> None:
    wording, _ = parse_wording(parse_text(GOOD, "结业证书.yaml"))
    assert wording is not None
    assert [(p["field"], p["text"]) for p in filled(wording.body[0], values_of(statement()))] == [
        ("姓名", "周晓岚"),
        ("", "学完"),
        ("课程", "勤廉学堂"),
        ("", "。"),
    ]


def test_values_read_as_an_office_writes_them() -> None:
    values = values_of(statement(hours=4.0, score=None, unit=""))
    assert values["日期"] == "2026年11月30日"
    assert (values["学时"], values["成绩"], values["单位"]) == ("4", "", "")
    assert values["最上级单位"] == "勤廉学堂"
    assert values_of(statement())["单位"] == "省开放大学青禾分校望川学习中心"
    assert values_of(statement())["最上级单位"] == "省开放大学"


def test_what_is_asked_for_and_not_known_is_named_but_for_the_track() -> None:
    text = GOOD.replace("【课程】", "【培训对象】【单位】【成绩】")
    wording, _ = parse_wording(parse_text(text, "结业证书.yaml"))
    assert wording is not None
    assert missing_values(wording, values_of(statement(unit="", track="", score=None))) == ["单位", "成绩"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GOOD.replace("【姓名】", "【名字】"), "结业证书.yaml:2:5: E108 没有【名字】这一项可填"),
        (GOOD.replace("【姓名】", "{姓名}"), "E104"),
        (GOOD.replace("【姓名】", "兹证明｛姓名｝"), "结业证书.yaml:2:8: E108 这里写成了 ｛姓名｝；改成【姓名】"),
        (GOOD.replace("【姓名】", "【姓名"), "E108 【和】没有成对"),
        (GOOD + "核验的说明: 甲\n", "结业证书.yaml:4:1: E107 证书模板里没有“核验的说明”这一项；是不是“核验说明”"),
        (GOOD + "印章: ../a.png\n", "结业证书.yaml:4:5: E108 “印章”不能是“../a.png”"),
        (GOOD + "印章: /etc/passwd\n", "E108"),
        (GOOD + "印章: a.exe\n", "E108"),
        (GOOD + "版式: a.py\n", "E108"),
        (GOOD + "颜色: 紫色\n", "结业证书.yaml:4:5: E108 “颜色”不能是“紫色”"),
        (GOOD + "纸张: 横\n", "E108 “纸张”不能是“横”；是不是“横向”"),
        (GOOD.replace("标题: 结业证书\n", ""), "E107 证书模板缺少“标题”"),
        (GOOD.replace("标题: ", "标题："), "E106 键后面用了全角冒号"),
        (GOOD + "标题: 又一个\n", "E105"),
        (GOOD + f"核验说明: {'长' * 81}\n", "E108 “核验说明”有 81 个字，排不下；不超过 80 个字"),
        ("- 一\n- 二\n", "E107"),
        ("标题: [\n", "E104"),
    ],
    ids=map(str, range(17)),
)
def test_a_mistake_is_told_at_its_place_with_the_way_out(text: str, expected: str) -> None:
    assert any(expected in line for line in said(text)), said(text)


def test_files_that_are_not_there_are_named_and_links_are_none(course: Path) -> None:
    folder = course / CERTIFICATES
    (folder / "结业证书.yaml").write_text(GOOD + "印章: 章.png\n标志: 链.png\n版式: 我的.typ\n", encoding="utf-8")
    (folder / "我的.typ").write_text("#let certificate(c) = c.title")
    (tmp := course.parent / "x.png").write_bytes(b"x")
    (folder / "链.png").symlink_to(tmp)
    _, problems = read_wordings(course)
    assert [str(p) for p in problems] == [
        "course/certificates/结业证书.yaml:4:5: E101 找不到文件 章.png；放进 certificates 文件夹，或改正文件名",
        "course/certificates/结业证书.yaml:5:5: E101 找不到文件 链.png；放进 certificates 文件夹，或改正文件名",
    ]


def test_an_enormous_image_is_refused(course: Path) -> None:
    (course / CERTIFICATES / "结业证书.yaml").write_text(GOOD + "印章: a.png\n", encoding="utf-8")
    with (course / CERTIFICATES / "a.png").open("wb") as file:
        file.truncate(6_000_000)
    assert "a.png 有 6 MB" in str(read_wordings(course)[1][0])


def test_checking_the_course_checks_them_too(course: Path) -> None:
    (course / CERTIFICATES / "结业证书.yaml").write_text(GOOD.replace("标题", "题目"), encoding="utf-8")
    (course / CERTIFICATES / "证书.yaml").write_text(GOOD, encoding="utf-8")
    found, problems = read_course(course)
    assert found is None
    places = [str(p) for p in problems if CERTIFICATES in p.file]
    assert any("没有叫“证书.yaml”的证书模板；文件名写成 结业证书.yaml、学时证明.yaml" in line for line in places)
    assert any("结业证书.yaml:1:1: E107 证书模板里没有“题目”" in line for line in places)


def test_a_course_without_them_has_ours_and_one_with_mistakes_issues_nothing(course: Path) -> None:
    assert wording_of(course, "结业证书").landscape is True
    assert wording_of(course, "学时证明").landscape is False
    (course / CERTIFICATES / "结业证书.yaml").write_text("标题: 甲\n", encoding="utf-8")
    with pytest.raises(CourseError, match=r"结业证书.yaml:1:1: E107"):
        wording_of(course, "结业证书")


def test_putting_ours_there_keeps_what_somebody_wrote(course: Path) -> None:
    (course / CERTIFICATES / "结业证书.yaml").write_text(GOOD, encoding="utf-8")
    assert [path.name for path in put_templates(course)] == ["学时证明.yaml"]
    assert (course / CERTIFICATES / "结业证书.yaml").read_text(encoding="utf-8") == GOOD
    assert put_templates(course) == ()
    assert read_wordings(course)[1] == ()
