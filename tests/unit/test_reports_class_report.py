"""Every table of the class report, counted another way: plain Python over the rows of the database."""

from __future__ import annotations

import itertools
import json
import sqlite3
import stat
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import mean, median, stdev
from typing import Any

import pytest
from openpyxl import load_workbook
from scipy import stats

from qinlian.reports.analysis.bars import LEARNT, MASTERED, SMALLEST
from qinlian.reports.frames.people import roster_of
from qinlian.reports.page.content import sections
from qinlian.reports.page.gather import Facts, gather
from qinlian.reports.page.workbook import write_workbook
from qinlian.reports.table import COLUMNS, gradebook_table
from qinlian.roster.people import account_of
from qinlian.roster.units import ancestors
from tests.classroom import Classroom
from tests.report_room import COURSE, HOUSING, MODULE, SIZES, STREET, entries, report_room

# A class is made for these: ten seconds.
pytestmark = pytest.mark.slow

_RULES = {
    "《中国共产党纪律处分条例》第九十七条第一款": "《中国共产党纪律处分条例》第97条",
    "《中国共产党纪律处分条例》第一百零二条": "《中国共产党纪律处分条例》第102条",
    "《中华人民共和国监察法》第十五条": "《中华人民共和国监察法》第15条",
}
UNITS = {account_of(entry.number): entry.unit for entry in entries()}
MARKS = {account_of(entry.number): 70 if entry.track == "教师" else 60 for entry in entries()}


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Classroom:
    return report_room(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def facts(room: Classroom) -> Facts:
    return gather(room.root, COURSE)


@pytest.fixture(scope="module")
def said(facts: Facts) -> dict[str, Any]:
    return sections(facts)


@pytest.fixture(scope="module")
def rows(room: Classroom) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(room.root / ".classroom" / "gradebook.db")
    connection.row_factory = sqlite3.Row
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def scores(rows: sqlite3.Connection) -> dict[str, float]:
    """Account → score, of who handed in."""
    found: dict[str, float] = defaultdict(float)
    query = """
        SELECT sa.student_id, g.manual_score, g.auto_score FROM grade g
        JOIN submitted_notebook sn ON sn.id = g.notebook_id
        JOIN submitted_assignment sa ON sa.id = sn.assignment_id WHERE sa.timestamp IS NOT NULL"""
    for account, manual, auto in rows.execute(query):
        found[account] += auto or 0 if manual is None else manual
    return {account: round(score, 2) for account, score in found.items()}


@pytest.fixture(scope="module")
def first(rows: sqlite3.Connection) -> list[sqlite3.Row]:
    """What everybody answered in their first attempt at the exam."""
    query = """
        SELECT a.learner, r.item, r.value, r.answered, r.fraction, r.earned, r.possible
        FROM qinlian_response r JOIN qinlian_attempt a ON a.identity = r.attempt
        JOIN qinlian_quiz q ON q.attempt = r.attempt AND q.quiz = r.quiz
        WHERE r.quiz = '90-exam' AND q.state = '计入' AND q.number = 1"""
    return rows.execute(query).fetchall()


def nodes(of: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for node in of:
        yield node
        yield from nodes(node["below"])


def test_the_class_has_all_that_a_report_tells_of(scores: dict[str, float], first: list[sqlite3.Row]) -> None:
    assert 30 < len(scores) < len(UNITS)
    assert len(first) == 8 * len(scores)


def test_each_unit_counts_its_people(said: dict[str, Any], scores: dict[str, float]) -> None:
    by_name = {node["name"]: node["figures"] for node in nodes(said["units"]["nodes"])}
    paths = {one for unit in SIZES for one in (unit, *ancestors(unit))}
    assert set(by_name) == {path.rpartition("/")[2] for path in paths}
    for path in paths:
        inside = [who for who, unit in UNITS.items() if unit == path or unit.startswith(path + "/")]
        passed = [who for who in inside if scores.get(who, -1) >= MARKS[who]]
        figures = by_name[path.rpartition("/")[2]]
        assert figures.people == len(inside)
        assert figures.finished == figures.passed == len(passed)
        assert figures.idle == len([who for who in inside if who not in scores])
        assert figures.mean == pytest.approx(mean(scores[who] for who in inside if who in scores))
        assert figures.hours == pytest.approx(1.5 * len(passed))


def test_who_has_not_begun_is_named_and_nobody_else(said: dict[str, Any], scores: dict[str, float]) -> None:
    named = {(unit, number) for unit, names in said["idle"]["groups"] for _, number in names}
    assert named == {(entry.unit, entry.number) for entry in entries() if account_of(entry.number) not in scores}
    assert said["idle"]["people"] == len(named)


def test_the_scores_spread_as_they_are(said: dict[str, Any], scores: dict[str, float]) -> None:
    (row,) = said["scores"]["rows"]
    values = list(scores.values())
    edges = [0, 60, 70, 80, 90, 101]
    assert row["bands"] == [sum(a <= v < b for v in values) for a, b in itertools.pairwise(edges)]
    assert (row["mean"], row["median"]) == (pytest.approx(mean(values)), pytest.approx(median(values)))
    assert row["needed"] == len(UNITS)
    assert row["passed"] == sum(score >= MARKS[who] for who, score in scores.items())


def means_by(first: list[sqlite3.Row], key: str) -> dict[str, dict[str, float]]:
    """Topic → learner → mean fraction."""
    of = {item.id: getattr(item, key) for item in MODULE.items}
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in first:
        for topic in of[row["item"]]:
            found[topic][row["learner"]].append(row["fraction"] or 0.0)
    return {topic: {who: mean(values) for who, values in people.items()} for topic, people in found.items()}


def test_topics_are_the_means_of_those_who_answered(said: dict[str, Any], first: list[sqlite3.Row]) -> None:
    wanted = means_by(first, "topics")
    assert {row["name"] for row in said["topics"]["rows"]} == set(wanted)
    for row in said["topics"]["rows"]:
        people = wanted[row["name"]]
        assert row["whole"].people == len(people)
        assert row["whole"].share == pytest.approx(mean(people.values()))
        assert row["whole"].mastered == pytest.approx(mean(value >= 0.8 for value in people.values()))
        told = [cell for cell in row["cells"] if cell]
        assert sum(int(cell["text"].partition("（")[2].removesuffix(" 人）")) for cell in told) == len(people)


def test_a_large_unit_has_its_own_column(said: dict[str, Any], first: list[sqlite3.Row]) -> None:
    place = said["topics"]["columns"].index("望川市财政局")
    for row in said["topics"]["rows"]:
        values = [v for who, v in means_by(first, "topics")[row["name"]].items() if UNITS[who].endswith("望川市财政局")]
        assert row["cells"][place]["text"] == f"{100 * mean(values):.0f}（{len(values)} 人）"


def test_small_units_have_none(said: dict[str, Any]) -> None:
    assert not {"临溪县住房建设局", "南屏街道办事处"} & set(said["topics"]["columns"])


def test_rules_are_the_means_of_those_who_answered(said: dict[str, Any], first: list[sqlite3.Row]) -> None:
    wanted = {_RULES[rule]: people for rule, people in means_by(first, "citations").items()}
    found = {rule: cell for rule, cell, _ in said["rules"]["rows"]}
    assert {rule: (cell.people, pytest.approx(cell.share)) for rule, cell in found.items()} == {
        rule: (len(people), mean(people.values())) for rule, people in wanted.items()
    }
    assert list(found) == sorted(found, key=lambda rule: found[rule].share)


def test_intervals_are_students_over_peoples_own_means(said: dict[str, Any], first: list[sqlite3.Row]) -> None:
    wanted = means_by(first, "topics")
    for row in said["topics"]["rows"]:
        own = list(wanted[row["name"]].values())
        reach = stats.t.ppf(0.975, len(own) - 1) * stdev(own) / len(own) ** 0.5
        ends = [max(0.0, mean(own) - reach), min(1.0, mean(own) + reach)]
        assert [row["whole"].low, row["whole"].high] == pytest.approx(ends, abs=1e-9)
        assert ("没有掌握" in row["said"]) == (len(own) >= SMALLEST and ends[1] < LEARNT)
        assert ("掌握得好" in row["said"]) == (len(own) >= SMALLEST and ends[0] >= MASTERED)


def test_each_item_has_its_people_its_mean_and_its_options(
    facts: Facts, said: dict[str, Any], first: list[sqlite3.Row]
) -> None:
    by_item: dict[str, list[sqlite3.Row]] = defaultdict(list)
    for row in first:
        by_item[row["item"]].append(row)
    listed = said["items"]["flagged"] + said["items"]["quiet"]
    assert Counter(one["item"] for one in listed) == dict.fromkeys(by_item, 1)
    for item, answers in by_item.items():
        figures = facts.item_table.loc[item]
        assert figures["n"] == len(answers)
        assert figures["facility"] == pytest.approx(mean(row["fraction"] or 0.0 for row in answers))
        assert figures["omitted"] == pytest.approx(mean(not row["answered"] for row in answers))
        options = facts.options[facts.options["item"] == item].set_index("option")["public_id"]
        chosen = facts.distractors[facts.distractors["item"] == item].groupby("option")["n"].sum()
        for option, public_id in options.items():
            took = [row for row in answers if row["answered"] and public_id in str(json.loads(row["value"]))]
            assert chosen[option] == len(took)


def test_gain_is_of_those_who_took_both(facts: Facts, rows: sqlite3.Connection) -> None:
    query = """
        SELECT a.learner, q.quiz, 100.0 * q.score / q.points FROM qinlian_quiz q
        JOIN qinlian_attempt a ON a.identity = q.attempt WHERE q.state = '计入' AND q.number = 1"""
    taken: dict[str, dict[str, float]] = defaultdict(dict)
    for who, quiz, percent in rows.execute(query):
        taken[who][quiz] = percent
    both = [quizzes for quizzes in taken.values() if {"90-before", "90-exam"} <= quizzes.keys()]
    assert facts.gain is not None
    assert facts.gain.n == len(both)
    assert facts.gain.pre_mean == pytest.approx(mean(one["90-before"] for one in both))
    assert facts.gain.change == pytest.approx(mean(one["90-exam"] - one["90-before"] for one in both))


def test_risks_count_every_rating_once(facts: Facts, rows: sqlite3.Connection) -> None:
    query = """
        SELECT a.learner, r.value FROM qinlian_response r JOIN qinlian_attempt a ON a.identity = r.attempt
        JOIN qinlian_quiz q ON q.attempt = r.attempt AND q.quiz = r.quiz
        WHERE r.quiz = '90-check' AND r.answered AND q.state = '计入' ORDER BY a.first_seen, a.number"""
    newest = {who: json.loads(value)["rows"] for who, value in rows.execute(query)}
    ratings = Counter((row[0], row[1]) for one in newest.values() for row in one.values())
    assert sum((Counter(group.heat) for group in facts.risks), Counter()) == ratings
    assert sum(group.people for group in facts.risks) == len(newest)


def test_reflections_are_counted(said: dict[str, Any], rows: sqlite3.Connection) -> None:
    query = """
        SELECT count(DISTINCT a.learner) FROM qinlian_response r JOIN qinlian_attempt a ON a.identity = r.attempt
        WHERE r.quiz = '' AND r.answered"""
    assert said["notices"]["count"] == rows.execute(query).fetchone()[0]
    assert 0 < said["notices"]["near"] == len(said["notices"]["rows"]) <= said["notices"]["count"]


def test_every_figure_says_where_it_comes_from(facts: Facts, rows: sqlite3.Connection) -> None:
    import qinlian.reports as package

    for source in facts.sources.values():
        module, _, function = source.call.rpartition(".")
        there = __import__(f"{package.__name__}.{module}", fromlist=[function])
        assert callable(getattr(there, function))
    assert facts.sources["grades"].rows == len(UNITS)
    answered = (
        "SELECT count(*) FROM qinlian_response r JOIN qinlian_quiz q USING (attempt, quiz) WHERE q.state = '计入'"
    )
    assert (
        facts.sources["responses"].rows
        == rows.execute(f"{answered} AND quiz IN ('90-exam', '90-check') AND q.number = 1").fetchone()[0]
    )


class TestOneUnit:
    def test_has_its_people_only(self, room: Classroom) -> None:
        roster = roster_of(room.db_url)
        unit = roster.unit_named("望川市")
        said = sections(gather(room.root, COURSE, roster.scope(unit), unit))
        inside = [who for who, one in UNITS.items() if one.startswith(unit)]
        (top,) = said["units"]["nodes"]
        assert (top["name"], top["figures"].people) == ("望川市", len(inside))
        assert all(named.startswith(unit) for named, _ in said["idle"]["groups"])
        assert said["notices"]["count"] < len(inside)

    def test_has_the_same_items_as_every_other(self, room: Classroom, facts: Facts) -> None:
        roster = roster_of(room.db_url)
        one = gather(room.root, COURSE, roster.scope(STREET), STREET)
        assert one.item_table.equals(facts.item_table)

    def test_of_few_people_tells_nothing_but_names_and_marks(self, room: Classroom) -> None:
        roster = roster_of(room.db_url)
        said = sections(gather(room.root, COURSE, roster.scope(HOUSING), HOUSING))
        assert said["units"]["nodes"][0]["figures"].people == 4
        assert said["topics"]["rows"] == []
        assert said["rules"]["rows"] == []
        assert said["risks"]["groups"] == []
        assert "plot" not in said["gain"]


@pytest.fixture(scope="module")
def path(room: Classroom, facts: Facts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("xlsx") / "报表.xlsx"
    write_workbook(facts, gradebook_table(room.root, COURSE), path)
    return path


class TestWorkbook:
    def test_the_gradebook_comes_first_and_the_explanation_last(self, path: Path) -> None:
        book = load_workbook(path)
        assert book.sheetnames == [
            *("成绩总表", "单位完成情况", "未开始名单", "成绩分布", "知识点", "题目分析", "法规掌握", "说明")
        ]
        assert [cell.value for cell in book["成绩总表"][1]] == list(COLUMNS)

    def test_every_sheet_has_a_frozen_heading_and_filters(self, path: Path) -> None:
        for sheet in load_workbook(path):
            assert sheet.freeze_panes == "A2"
            assert sheet.auto_filter.ref == sheet.dimensions
            assert all(cell.font.bold for cell in sheet[1])

    def test_shares_are_numbers_that_show_as_percent(self, path: Path) -> None:
        for name, column in (
            ("单位完成情况", "及格比例"),
            ("知识点", "得分率"),
            ("题目分析", "得分率"),
            ("法规掌握", "学牢的人"),
        ):
            sheet = load_workbook(path)[name]
            place = [cell.value for cell in sheet[1]].index(column) + 1
            cell = sheet.cell(2, place)
            assert (cell.data_type, cell.number_format) == ("n", "0%")
            assert 0 <= cell.value <= 1

    def test_the_sheets_say_what_the_page_says(self, path: Path, said: dict[str, Any]) -> None:
        book = load_workbook(path)
        units = {row[0]: row for row in book["单位完成情况"].iter_rows(min_row=2, values_only=True)}
        assert {row[2] for path, row in units.items() if path == "青禾省"} == {len(UNITS)}
        assert book["未开始名单"].max_row - 1 == said["idle"]["people"]
        assert book["题目分析"].max_row - 1 == said["items"]["count"]
        assert book["法规掌握"].max_row - 1 == len(said["rules"]["rows"])

    def test_every_sheet_is_explained(self, path: Path) -> None:
        book = load_workbook(path)
        told = {row[0] for row in book["说明"].iter_rows(min_row=2, values_only=True)}
        assert set(book.sheetnames) - {"说明"} <= told

    def test_it_is_for_its_owner_alone(self, path: Path) -> None:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
