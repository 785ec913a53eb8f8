"""The plots of the class report, drawn for a phone's width. Every one has its numbers in a table beside it.

Colours differ in lightness as well as in hue, so that they tell apart in grey and for who sees no red or green.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import altair as alt
from markupsafe import Markup

from qinlian.core.width import width_in_columns
from qinlian.reports.page.completion import BANDS, Figures
from qinlian.reports.page.shares import Cell
from qinlian.reports.page.svg import INK, SOFT, draw
from qinlian.reports.page.words import shown

__all__ = [
    "BAND_COLOURS",
    "STATE_COLOURS",
    "STATE_WORDS",
    "ItemPoint",
    "bands_plot",
    "completion_plot",
    "gain_plot",
    "heat_plot",
    "histogram",
    "items_plot",
    "shade",
    "short",
]

STATE_WORDS = ("已及格", "交了，还没及格", "没有交")
STATE_COLOURS = ("#1f5c4d", "#8fbfae", "#ece7db")
BAND_COLOURS = ("#b3541e", "#ece2c9", "#b7d5cb", "#6aa895", "#1f5c4d")
_WIDTH = 400
"""Pixels of a whole plot: about a phone's. On a wide screen it is shown larger."""
_PERCENT_AXIS = alt.Axis(values=[0, 25, 50, 75, 100], labelExpr="datum.value + '%'", title=None, tickSize=0)


def short(text: str, widest: int, end: str = "") -> str:
    """``text`` and ``end`` in so many half-width columns, without what could turn their direction: ``text`` is cut."""
    text, width = shown(text), width_in_columns(end)
    for place, letter in enumerate(text):
        width += width_in_columns(letter)
        if width > widest:
            return text[: max(1, place - 1)] + "…" + end
    return text + end


def _bars(
    rows: Sequence[tuple[str, str, Sequence[float]]], words: Sequence[str], colours: Sequence[str], left: int
) -> alt.Chart:
    """Each row's parts as one bar of 100 %; a row is named by a text that may be cut, and an end that may not."""
    values: list[dict[str, float | str]] = []
    for place, (_, _, parts) in enumerate(rows):
        whole, before = sum(parts) or 1, 0.0
        for word, part in zip(words, parts, strict=True):
            after = before + 100 * part / whole
            values.append({"row": place, "word": word, "from": before, "to": after})
            before = after
    names = [short(name, left // 6, end) for name, end, _ in rows]
    axis = alt.Axis(title=None, ticks=False, domain=False, labelExpr=f"{_array(names)}[datum.value]", labelPadding=6)
    chart: alt.Chart = (
        alt.Chart(alt.Data(values=values))
        .mark_bar(height=15, stroke="#ffffff", strokeWidth=1)
        .encode(
            x=alt.X("from:Q", axis=_PERCENT_AXIS, scale=alt.Scale(domain=[0, 100])),
            x2="to:Q",
            y=alt.Y("row:O", axis=axis, scale=alt.Scale(paddingInner=0.2, paddingOuter=0.2)),
            color=alt.Color("word:N", scale=alt.Scale(domain=list(words), range=list(colours)), legend=None),
        )
        .properties(width=_WIDTH - left - 14, height=26 * max(1, len(rows)))
    )
    return chart


def _array(names: Sequence[str]) -> str:
    """Texts as a Vega expression: whatever stands in a name, it stays a text."""
    return "[" + ",".join("'" + "".join(f"\\u{unit:04x}" for unit in _units(name)) + "'" for name in names) + "]"


def _units(text: str) -> list[int]:
    data = text.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(data[i : i + 2], "big") for i in range(0, len(data), 2)]


def completion_plot(units: Sequence[tuple[str, Figures]]) -> Markup:
    """How far each unit is: of all modules that are to be passed, what share is, came, or did not come."""
    rows = [(n, f"（{f.people} 人）", (f.passed, f.begun - f.passed, f.needed - f.begun)) for n, f in units]
    said = "；".join(
        f"{n}（{f.people} 人）：{STATE_WORDS[0]} {f.share:.0%}，{STATE_WORDS[2]} {_idle(f):.0%}" for n, f in units
    )
    chart = _bars(rows, STATE_WORDS, STATE_COLOURS, 150)
    return draw(chart, "plot-units", "各单位学到哪里了", f"每个单位一条横条，按课次分三段。{said}。", 150)


def _idle(figures: Figures) -> float:
    return 1 - figures.begun / figures.needed if figures.needed else 0.0


def bands_plot(modules: Sequence[tuple[str, Sequence[int]]]) -> Markup:
    """How the scores of each module spread over the bands."""
    said = "；".join(
        f"{title}：" + "，".join(f"{band} 分 {count} 人" for band, count in zip(BANDS, counts, strict=True) if count)
        for title, counts in modules
    )
    chart = _bars([(title, "", counts) for title, counts in modules], BANDS, BAND_COLOURS, 130)
    return draw(chart, "plot-bands", "各课得分的分布", f"每课一条横条，按得分分五段。{said}。", 130)


def histogram(counts: Sequence[int]) -> Markup:
    """How many learners have a mean score in each ten percent; ``counts`` are of 0–9, 10–19 … 90–100."""
    values = [{"from": 10 * n + 0.6, "to": 10 * n + 9.4, "count": count} for n, count in enumerate(counts)]
    base = alt.Chart(alt.Data(values=values))
    most = max(*counts, 1) * 1.12
    axis = alt.Axis(values=list(range(0, 101, 10)), title="平均得分率（%）", grid=False)
    y = alt.Y("count:Q", axis=None, scale=alt.Scale(domain=[0, most]))
    x = alt.X("from:Q", axis=axis, scale=alt.Scale(domain=[0, 100]))
    bars = base.mark_rect(color="#6aa895").encode(x=x, x2="to:Q", y=y, y2=alt.datum(0))
    text = base.transform_calculate(middle="(datum.from + datum.to) / 2").transform_filter("datum.count > 0")
    labels = text.mark_text(dy=-7, fontSize=12, color=INK).encode(x="middle:Q", y=y, text="count:Q")
    said = "；".join(f"{10 * n} 到 {10 * n + (10 if n == 9 else 9)}：{c} 人" for n, c in enumerate(counts) if c)
    chart = (bars + labels).properties(width=_WIDTH - 28, height=150)
    return draw(chart, "plot-means", "学员平均得分率的分布", f"柱高是人数。{said or '还没有成绩'}。", 14, 44)


def shade(share: float) -> tuple[str, str]:
    """(background, ink) of a mean share of points in [0, 1]: the lower, the darker."""
    low, high = (0x9A, 0x34, 0x12), (0xFA, 0xF6, 0xEC)
    weight = min(max((share - 0.3) / 0.6, 0.0), 1.0)
    mixed = [round(a + (b - a) * weight) for a, b in zip(low, high, strict=True)]
    light = sum(part * colour for part, colour in zip((0.2126, 0.7152, 0.0722), map(_linear, mixed), strict=True))
    # Whichever of the two inks has the greater contrast: between black and white that is never below 4.5.
    ink = "#000000" if (light + 0.05) / 0.05 > 1.05 / (light + 0.05) else "#ffffff"
    return "#" + "".join(f"{part:02x}" for part in mixed), ink


def _linear(part: int) -> float:
    value = part / 255
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def heat_plot(topics: Mapping[str, Mapping[str, Cell]], columns: Sequence[tuple[str, str]]) -> Markup:
    """Topics down, units across: the mean share of points; ``columns`` are (key, label)."""
    left, top = 112, 104
    names = list(topics)
    step = (_WIDTH - left - 14) / max(1, len(columns))
    values = []
    for row, cells in enumerate(topics.values()):
        for column, (key, _) in enumerate(columns):
            if key in cells:
                colour, ink = shade(cells[key].share)
                percent = f"{100 * cells[key].share:.0f}"
                values.append({"row": row, "column": column, "colour": colour, "ink": ink, "text": percent})
    labels = _array([short(label, 14) for _, label in columns])
    x = alt.X(
        "column:O",
        scale=alt.Scale(domain=list(range(len(columns)))),
        axis=alt.Axis(
            orient="top",
            title=None,
            ticks=False,
            domain=False,
            labelAngle=-45,
            labelAlign="left",
            labelExpr=f"{labels}[datum.value]",
        ),
    )
    y = alt.Y(
        "row:O",
        scale=alt.Scale(domain=list(range(len(names)))),
        axis=alt.Axis(
            title=None, ticks=False, domain=False, labelExpr=f"{_array([short(n, 17) for n in names])}[datum.value]"
        ),
    )
    base = alt.Chart(alt.Data(values=values))
    cells = base.mark_rect(stroke="#ffffff", strokeWidth=1).encode(x=x, y=y, color=alt.Color("colour:N", scale=None))
    text = base.mark_text(fontSize=11).encode(x=x, y=y, text="text:N", color=alt.Color("ink:N", scale=None))
    chart = (cells + text).properties(width=step * len(columns), height=22 * len(names))
    weakest = "、".join(names[:3])
    said = f"行是知识点，列是单位，格子里是得分率（%），颜色越深越低。最低的是{weakest}。"
    return draw(chart, "plot-topics", "各知识点在各单位的得分率", said, left, 14, top)


@dataclass(frozen=True)
class ItemPoint:
    """One item in the plot of items; ``severity`` is that of its worst flag, 0 without any."""

    item: str
    facility: float
    discrimination: float
    severity: int


_ITEM_KINDS = (
    (0, "circle", "#b9c7c1", "#6c7b74", 40),
    (3, "diamond", "#e0a93a", "#6b4a05", 60),
    (1, "triangle-up", "#b3361e", "#5f1a0c", 90),
)
"""(least severity, shape, fill, edge, size): what is urgent is drawn last, over the others."""


def items_plot(points: Sequence[ItemPoint]) -> Markup:
    """Every item by how easy it is and how well it tells apart; items without a discrimination are left out."""
    known = [point for point in points if not math.isnan(point.discrimination)]
    x = alt.X("x:Q", scale=alt.Scale(domain=[0, 100]), axis=alt.Axis(title="得分率（%），越右越容易", tickCount=5))
    low = min([-0.2, *(point.discrimination for point in known)])
    y = alt.Y(
        "y:Q",
        scale=alt.Scale(domain=[math.floor(low * 5) / 5, 1]),
        axis=alt.Axis(title="区分度", tickCount=5, format=".1f", titlePadding=6),
    )
    line = alt.Chart(alt.Data(values=[{"y": 0.2}])).mark_rule(stroke=SOFT, strokeDash=[4, 3]).encode(y=y)
    layers: list[alt.Chart] = [line]
    for least, shape, fill, edge, size in _ITEM_KINDS:
        values = [
            {"x": round(100 * point.facility, 1), "y": round(point.discrimination, 3)}
            for point in known
            if _kind(point.severity) == least
        ]
        marks = alt.Chart(alt.Data(values=values)).mark_point(
            shape=shape, filled=True, fill=fill, stroke=edge, strokeWidth=1, size=size, opacity=1
        )
        layers.append(marks.encode(x=x, y=y))
    chart = alt.layer(*layers).properties(width=_WIDTH - 66, height=230)
    urgent = [point.item for point in known if _kind(point.severity) == 1]
    worth = sum(point.severity > 0 for point in known)
    said = f"共 {len(known)} 道题，值得看一看的 {worth} 道" + (
        f"，最要紧的是 {'、'.join(urgent[:5])}" if urgent else ""
    )
    return draw(
        chart, "plot-items", "每道题的得分率和区分度", f"{said}。虚线是区分度 0.2，低于它的题分不出好坏。", 52, 44
    )


def _kind(severity: int) -> int:
    return 0 if not severity else 1 if severity <= 2 else 3


def gain_plot(before: float, after: float) -> Markup:
    """Mean score before and after, in percent."""
    values = [{"row": "摸底", "mean": before}, {"row": "结业", "mean": after}]
    base = alt.Chart(alt.Data(values=values))
    x = alt.X("mean:Q", scale=alt.Scale(domain=[0, 100]), axis=_PERCENT_AXIS)
    y = alt.Y("row:O", sort=None, axis=alt.Axis(title=None, ticks=False, domain=False, labelPadding=6))
    colour = alt.Color("row:N", scale=alt.Scale(domain=["摸底", "结业"], range=["#b7d5cb", "#1f5c4d"]), legend=None)
    bars = base.mark_bar(height=20).encode(x=x, y=y, color=colour)
    text = base.mark_text(align="left", dx=6, fontSize=13, color=INK).encode(
        x=x, y=y, text=alt.Text("mean:Q", format=".1f")
    )
    chart = (bars + text).properties(width=_WIDTH - 60, height=70)
    said = f"摸底平均 {before:.1f}，结业平均 {after:.1f}，都按百分制。"
    return draw(chart, "plot-gain", "摸底和结业的平均分", said, 46)
