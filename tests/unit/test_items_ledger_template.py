"""How the text of a ledger's template is read, and what is said of one that cannot be used."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qinlian.items.ledger import TYPE
from qinlian.items.ledger.checks import findings_of
from qinlian.items.ledger.decoys import DECOYS
from qinlian.items.ledger.detectors import DETECTORS
from qinlian.items.ledger.kinds import KINDS
from qinlian.items.ledger.plants import PLANTS
from qinlian.items.ledger.template import read_template
from tests.ledger_sample import BODY, POOLS, body, ledger_item
from tests.sample import CITE

EASY = {"无函接待": "疑似=1", "陪餐超员": "疑似=1", "自采自验": "疑似=1"}


def codes(text: str) -> list[str]:
    return [finding.code for finding in findings_of(text)]


def test_a_template_reads_as_it_was_written() -> None:
    template, problems, _ = read_template(BODY)
    assert problems == ()
    assert template is not None
    s = template.settings
    assert (s.rows, s.start, s.end) == ((46, 52), date(2026, 3, 2), date(2026, 6, 30))
    assert (s.variants, s.limit, s.window, s.guests, s.hosts) == (24, 20000, 7, 10, 3)
    assert date(2026, 5, 5) in s.skipped
    assert date(2026, 5, 9) in s.skipped
    assert date(2026, 5, 6) in s.days
    assert template.subjects[0].name == "打印耗材"
    assert template.vendors[0].names == ("启明文具店", "启明办公", "明启商行")
    assert [p.name for p in template.people if p.driver] == ["老钱", "老蒋"]
    split = template.violations[0]
    assert (split.kind, split.times, split.rows, split.decoys) == ("拆分采购", 1, 3, 2)
    assert split.explanation == "单子分开，是为了躲开比价。"
    assert [part.text for part in split.citations] == [CITE]
    assert (template.planted, template.groups) == (11, 5)


def test_full_width_signs_are_read_the_same() -> None:
    wide = (
        BODY.replace("行数：", "行数: ").replace("{", "｛").replace("}", "｝").replace("=", "＝").replace("- ", "－ ")
    )
    wide = wide.replace("2026－ ", "2026-")
    assert read_template(wide)[0] == read_template(BODY)[0]


def test_every_kind_can_be_planted_disguised_found_and_worded() -> None:
    assert set(KINDS) == set(PLANTS) == set(DECOYS) == set(DETECTORS)
    template, _, _ = read_template(BODY)
    assert template is not None
    for kind in KINDS.values():
        assert kind.rule(template.settings)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("#### 人员", "#### 职工", "E331"),
        ("#### 车辆", "#### 人员", "E331"),
        ("行数：46-52", "行数：20-24", "E332"),
        ("行数：46-52", "行数：46-70", "E332"),
        ("行数：46-52\n", "", "E332"),
        ("期间：2026-03-02 至 2026-06-30", "期间：2026-06-30 至 2026-03-02", "E332"),
        ("期间：2026-03-02 至 2026-06-30", "期间：春季学期", "E332"),
        ("避开：2026-05-01 至 2026-05-05", "避开：五一", "E332"),
        ("拆分天数：7", "份数：12", "E332"),
        ("拆分天数：7", "拆分天数七天", "E332"),
        ("拆分天数：7", "采购限额：3000", "E332"),
        ("金额=600-23000", "金额=23000-600", "E333"),
        ("金额=600-23000", "金额=若干", "E333"),
        ("比重=3", "比重=0", "E333"),
        ("- 贺建", "- 韩梅", "E333"),
        ("- 贺建", "贺建", "E333"),
        ("别名=启明办公、", "别名=云帆科教、", "E333"),
        ("经营=打印耗材、", "经营=打印机、", "E333"),
        ("类别=接待 ", "", "E333"),
        ("  > 一个", "  一个", "E333"),
        ("- 无函接待\n", "", "E334"),
        ("- 无函接待 {", "- 拆分采购 {", "E334"),
        ("次数=1 张数=3", "次数=0 张数=3", "E335"),
        ("次数=1 张数=3", "次数=1 张数=9", "E335"),
        (f"  依据：{CITE}\n", "", "E336"),
        ("{司机}", "", "E337"),
        ("采购限额：20000\n", "", "E337"),
        ("采购限额：20000", "采购限额：60000", "E337"),
        ("行数：46-52", "行数：25-30", "E338"),
        ("{司机}", "{驾驶}", "E314"),
        ("{司机}", "{司机", "E314"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_line(old: str, new: str, code: str) -> None:
    text = BODY.replace("  > 三块", "  > 一个").replace(old, new)
    found = [finding for finding in findings_of(text) if finding.code == code]
    assert found, codes(text)
    assert all(finding.line is not None and finding.message and finding.hint for finding in found)


def test_a_template_that_reads_well_and_still_comes_to_nothing_is_found_out_in_time() -> None:
    short = POOLS.replace("至 2026-06-30", "至 2026-04-10").replace("拆分天数：7", "拆分天数：31")
    text = body({"拆分采购": "次数=1 张数=3 疑似=4", "无函接待": "疑似=1", "自采自验": "疑似=1"}, ("重复补贴",), short)
    assert codes(text) == ["E338"]
    assert "凑不出" in findings_of(text)[0].message


def test_what_would_be_too_easy_is_warned_of() -> None:
    assert codes(body(EASY, ("重复补贴",))) == []
    assert codes(body(EASY | {"自采自验": "疑似=0"}, ("重复补贴",))) == ["W631"]
    assert codes(body(EASY)) == ["W632"]
    assert codes(body({"无函接待": "疑似=1"}, ("重复补贴",))) == ["W633"]


def test_an_item_with_errors_has_no_variants_and_cites_nothing() -> None:
    broken = ledger_item(3, "测验", BODY.replace("行数：46-52", "行数：很多"))
    assert TYPE.variants(broken) == 0
    assert list(TYPE.body_citations(broken)) == []


LINES = BODY.split("\n")


@given(
    st.lists(
        st.sampled_from(LINES)
        | st.text(alphabet="#-{}=＝：:>、 \t科目违规次数张一二12司机", max_size=24)
        | st.sampled_from(["####", "#### 违规", "- ", "  > ", "依据：", "行数：", "- 拆分采购 {次数=", "避开：、"]),
        max_size=30,
    )
)
def test_any_text_at_all_is_read_or_refused_with_places(lines: list[str]) -> None:
    text = "\n".join(lines)
    template, problems, _ = read_template(text)
    assert (template is None) == bool(problems)
    for finding in problems:
        assert finding.code.startswith("E3")
        assert 0 <= (finding.line or 0) < max(1, len(lines))
