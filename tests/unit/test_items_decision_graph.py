"""The picture of a case for its author: complete, readable, nothing on top of anything else."""

from __future__ import annotations

from itertools import combinations, pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from qinlian import cli
from qinlian.items.base import item_type
from qinlian.items.decision.graph import draw, wrapped
from qinlian.items.decision.layout import Box, Line, arrange
from qinlian.items.decision.paths import BY_PATH, best_path
from qinlian.items.decision.story import parse
from tests.unit.decision_stories import TEA, Scene, case, scenes, written

ROOT = Path(__file__).parents[2]
SVG = "{http://www.w3.org/2000/svg}"


def _boxes(root: ET.Element) -> list[tuple[float, float, float, float]]:
    found = []
    for rect in root.iter(f"{SVG}rect"):
        if rect.get("x"):
            x, y, w, h = (float(rect.get(name, "0")) for name in ("x", "y", "width", "height"))
            found.append((x, y, x + w, y + h))
    return found


def _apart(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_every_node_choice_point_and_condition_is_in_the_picture() -> None:
    root = ET.fromstring(draw("LZ-90-D1", TEA))
    words = "".join(text.text or "" for text in root.iter(f"{SVG}text"))
    story = parse(TEA).story
    for node in story.nodes:
        assert node.name in words
    for choice in story.choices:
        assert choice.text in words
        assert f"{choice.letter}　{choice.points:g} 分" in words
    assert words.count("不可撤回") == 2, "the legend and the one choice"
    assert "记住：留下茶叶、转送" in words
    assert "若：留下茶叶" in words
    assert "依据 2 条" in words
    lines = [path for path in root.iter(f"{SVG}path") if path.get("marker-end")]
    assert len(lines) == len(list(story.choices))
    assert sum(line.get("stroke-width") == "3" for line in lines) == len(best_path(TEA, BY_PATH))


def test_the_picture_is_the_same_each_time() -> None:
    assert draw("LZ-90-D1", TEA) == draw("LZ-90-D1", TEA)


@settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(scenes=scenes(most=6))
def test_no_two_boxes_touch_and_all_lie_on_the_sheet(scenes: tuple[Scene, ...]) -> None:
    body = written(scenes)
    assume(not [f for f in item_type("抉择").findings(case(body)) if f.code.startswith("E")])
    root = ET.fromstring(draw("LZ-90-D1", body))
    boxes = _boxes(root)
    assert all(_apart(a, b) for a, b in combinations(boxes, 2))
    _, _, width, height = map(float, root.get("viewBox", "").split())
    assert min(b[0] for b in boxes) >= -0.1
    assert max(b[2] for b in boxes) <= width
    assert max(b[3] for b in boxes) <= height


def test_the_order_that_crosses_no_lines_is_found() -> None:
    boxes = [Box(name, 100, 40) for name in "atbeoc"]
    lines = [Line("a", 40, "t"), Line("a", -40, "b"), Line("t", 30, "e"), Line("t", -30, "o"), Line("b", 0, "c")]
    places = arrange(boxes, lines).places
    assert places["b"][0] < places["t"][0]
    assert places["c"][0] < places["o"][0] < places["e"][0]


def test_lines_lead_down_and_only_what_closes_a_loop_leads_back() -> None:
    boxes = [Box(name, 100, 40) for name in "abcd"]
    lines = [Line("a", 0, "b"), Line("a", 20, "c"), Line("b", 0, "c"), Line("c", 0, "a"), Line("c", 10, "d")]
    layout = arrange(boxes, lines)
    tops = {name: top for name, (_, top) in layout.places.items()}
    assert tops["a"] < tops["b"] < tops["c"] < tops["d"]
    assert layout.upward == {3}
    for index, route in enumerate(layout.routes):
        if index not in layout.upward:
            assert all(a[1] <= b[1] for a, b in pairwise(route))


@given(text=st.text("老周说，。”“好AB 1", max_size=60), width=st.integers(4, 20))
def test_wrapping_loses_nothing_and_begins_no_line_with_a_closing_mark(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    for before, line in pairwise(lines):
        assert line[0] not in "，。”" or len(before.rstrip("，。”")) <= 1, "there was nothing to carry over"


@pytest.mark.slow
def test_a_case_is_drawn_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*arguments: str) -> int:
        monkeypatch.setattr("sys.argv", ["qinlian", "export", "--root", str(ROOT), *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code if isinstance(ended.value.code, int) else 0

    monkeypatch.chdir(tmp_path)
    assert run("--graph", "LZ-02-D1") == 0
    assert ET.parse(tmp_path / "LZ-02-D1.svg").getroot().tag == f"{SVG}svg"
    assert "像保管试卷一样" in capsys.readouterr().out
    assert run("--graph", "LZ-02-D1", "图.svg") == 0
    assert (tmp_path / "图.svg").read_bytes() == (tmp_path / "LZ-02-D1.svg").read_bytes()
    assert run("--graph", "LZ-02-D1", str(tmp_path / "没有" / "图.svg")) == 1
    assert run("--graph", "LZ-02-001") == 1
    assert "LZ-02-D1" in capsys.readouterr().err
    assert run("--graph", "LZ-02-D1", "--xlsx", "题库.xlsx") == 2
    assert run("图.svg") == 2
