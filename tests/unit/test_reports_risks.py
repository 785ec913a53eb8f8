"""The summed self-checks: nobody can be found in them, not even by subtracting."""

from __future__ import annotations

import io
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from rich.console import Console
from sqlalchemy import create_engine, insert

from qinlian.errors import GradingError
from qinlian.grading.response_tables import ATTEMPT, METADATA, QUIZ, RESPONSE
from qinlian.items.selfcheck.scale import SMALLEST_GROUP
from qinlian.reports.risk_tables import NOTES, print_risks, write_risks
from qinlian.reports.risks import SelfRating, group_risks, risk_names, roster_risks, self_ratings
from qinlian.reports.units import read_units
from tests.roster_room import person, roster
from tests.selfcheck import CHECK, COURSE

NAMES = risk_names(COURSE)
ROW = st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(0, 1))
RATINGS = st.lists(
    st.dictionaries(st.sampled_from([*NAMES, "own1", "own2"]), ROW, min_size=1, max_size=5), max_size=40
).map(lambda rows: [SelfRating(f"u{n:02d}", r) for n, r in enumerate(rows)])
UNITS = st.lists(st.sampled_from(["甲", "乙", "丙", "丁", ""]), min_size=40, max_size=40)


def same(count: int, start: int = 0, row: tuple[int, int, int] = (3, 3, 1)) -> list[SelfRating]:
    return [SelfRating(f"u{n:02d}", {"CG01": row}) for n in range(start, start + count)]


def units(**sizes: int) -> dict[str, str]:
    names = [unit for unit, size in sizes.items() for _ in range(size)]
    return {f"u{n:02d}": unit for n, unit in enumerate(names)}


def shown(ratings: list[SelfRating], of: dict[str, str] | None) -> list[tuple[str, int]]:
    return [(group.name, group.people) for group in group_risks(ratings, NAMES, of)]


def test_without_a_list_the_whole_class_is_one_unit():
    assert shown(same(7), None) == [("全体学员", 7)]


def test_fewer_than_five_people_are_not_told_of_at_all():
    assert shown(same(4), None) == []
    assert shown(same(4), units(甲=2, 乙=2)) == []


def test_small_units_stand_together():
    assert shown(same(12), units(甲=6, 乙=3, 丙=3)) == [("甲", 6), ("其他单位", 6)]


def test_a_rest_that_is_too_small_is_joined_by_the_smallest_unit_so_that_nothing_can_be_subtracted():
    # 甲 5 and 乙 2: with 甲 shown, the whole class less 甲 would be the two of 乙.
    assert shown(same(7), units(甲=5, 乙=2)) == [("全体学员", 7)]
    assert shown(same(16), units(甲=8, 乙=6, 丙=2)) == [("甲", 8), ("其他单位", 8)]


def by_roster(unit: str = "", **sizes: int) -> list[tuple[str, int]]:
    paths = [path.replace("_", "/") for path, size in sizes.items() for _ in range(size)]
    everybody = roster(*(person(f"{n:03d}", path) for n, path in enumerate(paths)))
    ratings = [SelfRating(one.account, {"CG01": (3, 3, 1)}) for one in everybody.people]
    return [(group.name, group.people) for group in roster_risks(ratings, NAMES, everybody, unit)]


def test_by_the_roster_small_units_stand_together_in_the_unit_above():
    assert dict(by_roster(省_甲_一=6, 省_甲_二=3, 省_甲_三=2, 省_乙=7)) == {
        "省/甲/一": 6,
        "省/甲（连同人少的下级单位）": 5,
        "省/乙": 7,
    }


def test_a_report_on_one_unit_is_a_part_of_the_report_on_all():
    sizes = {"省_甲_一": 6, "省_甲_二": 3, "省_乙": 7, "省": 3}
    assert dict(by_roster(**sizes)) == {"省/甲/一": 6, "省/乙": 7, "省（连同人少的下级单位）": 6}
    assert by_roster("省/甲", **sizes) == [("省/甲/一", 6)], "the three of 省/甲/二 stand in the group above"
    assert by_roster("省/甲/二", **sizes) == []


def test_learners_whom_the_roster_does_not_know_count_among_the_others():
    everybody = roster(*(person(f"{n}", "甲") for n in range(6)))
    ratings = [SelfRating(one.account, {"CG01": (3, 3, 1)}) for one in everybody.people] + same(5)
    assert [(g.name, g.people) for g in roster_risks(ratings, NAMES, everybody)] == [("甲", 6), ("其他单位", 5)]
    assert [g.name for g in roster_risks(ratings, NAMES, everybody, "甲")] == ["甲"]


def test_who_is_not_on_the_list_counts_among_the_others():
    assert shown(same(12), units(甲=6)) == [("甲", 6), ("其他单位", 6)]


@given(ratings=RATINGS, names=UNITS)
def test_every_group_is_large_enough_and_together_they_are_everybody(ratings: list[SelfRating], names: list[str]):
    of = {f"u{n:02d}": name for n, name in enumerate(names) if name}
    groups = group_risks(ratings, NAMES, of)
    assert all(group.people >= SMALLEST_GROUP for group in groups)
    told = ratings if len(ratings) >= SMALLEST_GROUP else []
    assert sum(group.people for group in groups) == len(told)
    assert sum(sum(group.heat.values()) for group in groups) == sum(len(rating.rows) for rating in told)


@given(ratings=RATINGS, names=UNITS)
def test_no_line_of_a_ranking_is_of_few_people(ratings: list[SelfRating], names: list[str]):
    of = {f"u{n:02d}": name for n, name in enumerate(names) if name}
    for group in group_risks(ratings, NAMES, of):
        assert all(line.people >= SMALLEST_GROUP for line in group.risks)
        lines = [line.mean for line in group.risks if not line.name.startswith("其他")]
        assert lines == sorted(lines, reverse=True)


def test_the_post_that_one_person_in_a_unit_holds_is_not_told_of_by_itself():
    only_one = SelfRating("u09", {"CW01": (5, 5, 0)})
    (group,) = group_risks([*same(6), only_one], NAMES)
    assert [(line.name, line.people) for line in group.risks] == [("其他岗位和风险点（2 个合在一起）", 7)]


def test_risk_points_that_few_rated_stand_together_by_post_where_the_post_has_enough_people():
    spread = [SelfRating(f"u{n}", {f"CG0{n % 4 + 1}": (n % 5 + 1, 2, 1)}) for n in range(8)]
    money = [SelfRating(f"v{n}", {"CW01": (5, 5, 0)}) for n in range(6)]
    (group,) = group_risks([*spread, *money], NAMES)
    assert [(line.name, line.people) for line in group.risks] == [
        ("财务：报销审核时的风险CW01", 6),
        ("采购：其余风险点（4 个合在一起）", 8),
    ]


def test_counts_means_and_shares():
    ratings = [*same(5, row=(4, 5, 0)), *same(5, 5, row=(2, 2, 1))]
    ratings = [SelfRating(r.learner, {**r.rows, "CW01": (1, 1, 1)}) for r in ratings]
    (group,) = group_risks(ratings, NAMES)
    assert group.heat == {(4, 5): 5, (2, 2): 5, (1, 1): 10}
    first, second = group.risks
    assert (first.name, first.people, first.mean, first.unguarded) == ("采购：提出需求时的风险CG01", 10, 12.0, 0.5)
    assert (second.mean, second.unguarded) == (1.0, 0.0)


def test_added_risks_stand_in_one_line_without_their_texts():
    (group,) = group_risks([SelfRating(f"u{n}", {"own1": (3, 3, 0), "own2": (1, 1, 0)}) for n in range(5)], NAMES)
    assert [(line.name, line.people) for line in group.risks] == [("自己补充的风险点（文字不在这里）", 5)]


def store(url: str, attempts: list[tuple[str, int, str, Any]]) -> None:
    """Rows as grading leaves them: (learner, number, state, value)."""
    engine = create_engine(url)
    METADATA.create_all(engine)
    start = datetime(2027, 1, 1)  # noqa: DTZ001 - as the database holds it
    with engine.begin() as connection:
        for learner, number, state, value in attempts:
            identity, when = f"{learner}-{number}", start + timedelta(days=number)
            attempt = {"identity": identity, "learner": learner, "module": "91-risk", "number": number, "edition": "e"}
            attempt |= {"submitted_at": when, "first_seen": when, "late": False, "graded_at": when, "code": ""}
            connection.execute(insert(ATTEMPT).values(**attempt, notes="[]"))
            quiz = {"attempt": identity, "quiz": "91-selfcheck", "state": state, "number": number, "draw": number}
            connection.execute(insert(QUIZ).values(**quiz, score=20, points=20, counted=20))
            row = {"attempt": identity, "quiz": "91-selfcheck", "public_id": "0" * 16, "item": CHECK.id, "place": 0}
            row |= {"value": json.dumps(value), "spoken": "", "answered": value is not None, "fraction": 1.0}
            connection.execute(insert(RESPONSE).values(**row, earned=20, possible=20, problem=""))
    engine.dispose()


def test_only_the_newest_counted_attempt_of_each_learner_is_taken(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'gradebook.db'}"
    old, new = ({"post": "CG", "rows": {"CG01": [n, n, 1]}} for n in (1, 2))
    store(
        url,
        [
            ("amy", 1, "计入", old),
            ("amy", 2, "计入", new),
            ("amy", 3, "超次", old),
            ("bob", 1, "计入", old),
            ("cat", 1, "未作答", None),
        ],
    )
    found = {rating.learner: rating.rows for rating in self_ratings(url, COURSE)}
    assert found == {"amy": {"CG01": (2, 2, 1)}, "bob": {"CG01": (1, 1, 1)}}


def test_a_gradebook_without_responses_gives_nothing(tmp_path: Path):
    assert self_ratings(f"sqlite:///{tmp_path / 'new.db'}", COURSE) == []


def printed(groups: Any) -> str:
    out = io.StringIO()
    print_risks(groups, Console(file=out, width=140))
    return out.getvalue()


def test_the_terminal_shows_heat_ranking_and_how_to_read_them():
    said = printed(group_risks(same(6, row=(4, 5, 0)), NAMES))
    for part in (
        "全体学员（6 人）",
        "4 比较可能",
        "5 很严重",
        "采购：提出需求时的风险CG01",
        "20.0",
        "100%",
        "不写姓名",
    ):
        assert part in said
    assert "u0" not in said
    assert "不满 5 人，不能汇总" in printed([])


def test_the_workbook_has_a_coloured_heat_map_and_runs_nothing(tmp_path: Path):
    path = tmp_path / "风险.xlsx"
    write_risks(group_risks(same(12, row=(4, 5, 0)), NAMES, units(**{"=1+1": 6, "乙": 6})), path)
    book = load_workbook(path)
    heat = book["热力图"]
    assert [heat["A1"].value, heat["E3"].value, heat["E3"].fill.fgColor.rgb] == ["=1+1（6 人）", 6, "00E06A5F"]
    assert heat["A1"].data_type == "s"
    ranking = book["风险清单"]
    assert [cell.value for cell in ranking[2]] == ["=1+1", "1", "采购：提出需求时的风险CG01", 6, 20, "100%"]
    assert ranking["A2"].data_type == "s"
    assert [row[0].value for row in book["说明"].iter_rows()] == list(NOTES)
    assert not any("u0" in str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row)


def sheet(path: Path, *rows: tuple[Any, ...]) -> Path:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.active.title = "名单"
    book.save(path)
    return path


def test_units_are_read_from_excel_and_csv(tmp_path: Path):
    wanted = {"amy": "校本部", "20260001": "县 学习中心"}
    rows = (("学号", "单位"), ("amy", "校本部"), (20260001, " 县\u3000学习中心"), (None, None))
    assert read_units(sheet(tmp_path / "a.xlsx", *rows)) == wanted
    text = "学号,单位\namy,校本部\n20260001,县 学习中心\n\n"
    for name, encoding in (("a.csv", "utf-8-sig"), ("b.csv", "gb18030")):
        (tmp_path / name).write_bytes(text.encode(encoding))
        assert read_units(tmp_path / name) == wanted


def test_what_cannot_be_read_is_named_by_its_cell(tmp_path: Path):
    rows = (("学号", "单位"), ("amy", "甲"), ("amy", "乙"), ("bob", None), (None, "丙"), ("=A1", "丁"), (1.5, "戊"))
    with pytest.raises(GradingError) as raised:
        read_units(sheet(tmp_path / "名单.xlsx", *rows))
    said = str(raised.value)
    assert "名单有 5 处" in said
    assert "名单.xlsx!名单!B3: amy 在 名单.xlsx!名单!A2 已经写成别的单位" in said
    assert "名单.xlsx!名单!B4: 没有写单位" in said
    assert "名单.xlsx!名单!A5: 没有写学号" in said
    assert "名单.xlsx!名单!A6: 这里是公式" in said
    assert "名单.xlsx!名单!A7: 这里是带格式的数" in said
    (tmp_path / "名单.csv").write_text("学号,单位\namy\n", encoding="utf-8")
    with pytest.raises(GradingError, match=r"名单\.csv!B2: 没有写单位"):
        read_units(tmp_path / "名单.csv")


def test_a_wrong_heading_a_missing_and_a_damaged_file_are_told(tmp_path: Path):
    with pytest.raises(GradingError, match="A1: 表头应是“学号”"):
        read_units(sheet(tmp_path / "x.xlsx", ("姓名", "单位"), ("amy", "甲")))
    with pytest.raises(GradingError, match="找不到名单"):
        read_units(tmp_path / "没有.xlsx")
    (tmp_path / "坏.xlsx").write_bytes(b"PK")
    with pytest.raises(GradingError, match="打不开"):
        read_units(tmp_path / "坏.xlsx")
    (tmp_path / "空.csv").write_text("")
    with pytest.raises(GradingError, match="是空的"):
        read_units(tmp_path / "空.csv")
