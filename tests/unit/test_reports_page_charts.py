"""The plots of the class report: named for who cannot see them, and nothing in them but what stands there."""

from __future__ import annotations

import itertools
import re
from xml.etree import ElementTree as ET

import pytest

from qinlian.reports.page import charts
from qinlian.reports.page.completion import BANDS, Figures
from qinlian.reports.page.shares import Cell

# altair and the engine that draws take seconds to start.
pytestmark = pytest.mark.slow

HOSTILE = ("<script>alert(1)</script>", "a'+alert(1)+'", '"]}', "\\u0027", "datum.value", "=cmd|x", "望" * 300, "𠮷野")


def plots() -> dict[str, str]:
    figures = Figures(people=5, needed=10, begun=6, passed=4)
    cells = {"礼品": {"甲": Cell(0.4, 0.1, 6, 9), "乙": Cell(0.9, 0.8, 7, 9)}, "宴请": {"甲": Cell(0.6, 0.3, 8, 9)}}
    return {
        "plot-units": charts.completion_plot([("望川市", figures), ("栖云市", Figures())]),
        "plot-bands": charts.bands_plot([("导学", [1, 2, 0, 3, 4])]),
        "plot-means": charts.histogram([0, 0, 1, 2, 0, 5, 9, 3, 1, 2]),
        "plot-topics": charts.heat_plot(cells, [("甲", "甲"), ("乙", "乙")]),
        "plot-items": charts.items_plot(
            [charts.ItemPoint("LZ-1", 0.4, -0.3, 1), charts.ItemPoint("LZ-2", 0.9, 0.4, 0)]
        ),
        "plot-gain": charts.gain_plot(42.0, 61.5),
    }


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    return plots()


@pytest.mark.parametrize("name", ["plot-units", "plot-bands", "plot-means", "plot-topics", "plot-items", "plot-gain"])
class TestEvery:
    def test_has_a_title_and_a_text_that_says_what_it_shows(self, drawn: dict[str, str], name: str) -> None:
        root = ET.fromstring(drawn[name])
        assert root.get("role") == "img"
        said = {element.get("id"): element.text or "" for element in root if element.tag in ("title", "desc")}
        assert len(said) == 2
        assert str(root.get("aria-labelledby")).split() == list(said)
        assert all(re.search(r"[\u4e00-\u9fff]{4}", text) for text in said.values())

    def test_fetches_nothing_and_runs_nothing(self, drawn: dict[str, str], name: str) -> None:
        tags = {element.tag for element in ET.fromstring(drawn[name]).iter()}
        assert tags <= {"svg", "g", "path", "text", "tspan", "line", "rect", "title", "desc"}
        assert not re.search(r"https?:|href|url\(|\son\w+=", drawn[name])

    def test_leaves_type_and_size_to_the_page(self, drawn: dict[str, str], name: str) -> None:
        root = ET.fromstring(drawn[name])
        assert not root.get("width")
        assert str(root.get("viewBox")).split()[2] == "400"
        assert "font-family" not in drawn[name]

    def test_is_the_same_every_time(self, drawn: dict[str, str], name: str) -> None:
        assert plots()[name] == drawn[name]


def test_the_text_says_the_numbers(drawn: dict[str, str]) -> None:
    assert "望川市（5 人）：已及格 40%，没有交 40%" in drawn["plot-units"]
    assert "不满 60 分 1 人，60–69 分 2 人，80–89 分 3 人" in drawn["plot-bands"]
    assert "50 到 59：5 人" in drawn["plot-means"]
    assert "90 到 100：2 人" in drawn["plot-means"]
    assert "最要紧的是 LZ-1" in drawn["plot-items"]


def test_bars_are_as_long_as_their_share() -> None:
    drawn = charts.bands_plot([("导学", [1, 0, 0, 0, 3])])
    spans = dict(re.findall(r'd="M[\d.]+,[\d.]+h([\d.]+)v15[^"]*" fill="(#\w+)"', drawn))
    wide = {colour: float(length) for length, colour in spans.items()}
    assert wide[charts.BAND_COLOURS[4]] == pytest.approx(3 * wide[charts.BAND_COLOURS[0]])


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_stays_a_name(name: str) -> None:
    figures = Figures(people=5, needed=10, begun=6, passed=4)
    for drawn in (
        charts.completion_plot([(name, figures), ("乙", figures)]),
        charts.heat_plot({name: {"甲": Cell(0.4, 0.1, 6, 9)}}, [("甲", name)]),
    ):
        root = ET.fromstring(drawn)
        assert {element.tag for element in root.iter()} <= {"svg", "g", "path", "text", "line", "rect", "title", "desc"}
        texts = [(element.text or "").removesuffix("（5 人）") for element in root.iter("text")]
        assert any(text.rstrip("…") and name.startswith(text.rstrip("…")) for text in texts)


def light(colour: str) -> float:
    """Relative luminance, 0 to 1."""
    parts = (charts._linear(int(colour[i : i + 2], 16)) for i in (1, 3, 5))
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), parts, strict=True))


def test_colours_tell_apart_without_hue() -> None:
    for colours in (charts.STATE_COLOURS, charts.BAND_COLOURS):
        lights = [light(colour) for colour in colours]
        assert all(abs(a - b) > 0.1 for a, b in itertools.pairwise(lights))
    assert len(BANDS) == len(charts.BAND_COLOURS)


@pytest.mark.parametrize("share", [n / 50 for n in range(51)])
def test_numbers_are_readable_on_every_shade(share: float) -> None:
    background, ink = charts.shade(share)
    one, other = sorted((light(background), light(ink)))
    assert (other + 0.05) / (one + 0.05) >= 4.5


def test_a_long_name_is_cut_by_its_width() -> None:
    assert charts.short("望川市财政局", 12) == "望川市财政局"
    assert charts.short("望川市第二财政局", 12) == "望川市第二…"
    assert charts.short("abcdefghijkl", 12) == "abcdefghijkl"
    assert charts.short("青禾市数据服务中心", 25, "（1 人）") == "青禾市数据服务…（1 人）"
