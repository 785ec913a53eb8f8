"""A case as a picture for its author: every node and choice with its points, and the best path."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from qinlian.items.decision.layout import Box, Line, arrange
from qinlian.items.decision.paths import BY_PATH, best_path, worth
from qinlian.items.decision.story import Choice, Condition, Node, parse

__all__ = ["draw"]

_NODE_WIDTH, _CHOICE_WIDTH, _GAP = 300.0, 148.0, 8.0
_PAD, _LINE, _SIZE = 10.0, 18.0, 13.0
_MARGIN, _HEAD = 28.0, 58.0
_MOST_LINES = 5
_NEVER_FIRST = "，。；：？！、”’）》】…—"
_INK, _DIM, _EDGE, _GOOD, _WARN = "#1d2926", "#53635e", "#74857f", "#0c6155", "#7a5200"
_FONT = "PingFang SC, Microsoft YaHei, Noto Sans CJK SC, Noto Sans SC, Source Han Sans SC, sans-serif"


def _wide(text: str) -> float:
    return sum(1.0 if unicodedata.east_asian_width(c) in "WF" else 0.56 for c in text)


def wrapped(text: str, width: float, most: int = 99) -> list[str]:
    """``text`` in lines of at most ``width`` characters; what is over ``most`` lines ends in ``…``.

    No line begins with a mark that closes something.
    """
    lines = [""]
    for char in re.sub(r"\s+", " ", text).strip():
        if _wide(lines[-1] + char) <= width or not lines[-1]:
            lines[-1] += char
        elif char in _NEVER_FIRST:
            kept = lines[-1].rstrip(_NEVER_FIRST)[:-1] or lines[-1]
            lines.append(lines[-1][len(kept) :] + char)
            lines[-2] = kept
        else:
            lines.append(char)
    if len(lines) > most:
        lines = [*lines[: most - 1], lines[most - 1][:-1] + "…"]
    return lines


@dataclass(frozen=True)
class _Text:
    line: str
    colour: str = _INK
    bold: bool = False


def _conditions(condition: Condition) -> Iterator[str]:
    if condition.needs:
        yield f"若：{'、'.join(condition.needs)}"
    if condition.bars:
        yield f"若无：{'、'.join(condition.bars)}"


def _node_texts(node: Node) -> list[_Text]:
    width = (_NODE_WIDTH - 2 * _PAD) / _SIZE
    texts = [_Text(f"{node.name}{'（结局）' if node.ending else ''}", _GOOD, bold=True)]
    for part in node.passages:
        lead = "".join(f"【{c}】" for c in _conditions(part.condition))
        texts += [_Text(line, _DIM if lead else _INK) for line in wrapped(lead + part.text, width, _MOST_LINES)]
    return texts


def _choice_texts(choice: Choice) -> list[_Text]:
    width = (_CHOICE_WIDTH - 2 * _PAD) / _SIZE
    head = f"{choice.letter}　{choice.points:g} 分"
    texts = [_Text(head, _GOOD if choice.points else _DIM, bold=True)]
    texts += [_Text(t, _DIM) for c in _conditions(choice.condition) for t in wrapped(c, width)]
    texts += [_Text(t) for t in wrapped(choice.text, width)]
    if choice.sets:
        texts += [_Text(t, _WARN) for t in wrapped(f"记住：{'、'.join(choice.sets)}", width)]
    if choice.final:
        texts.append(_Text("不可撤回", "#a3281f", bold=True))
    if choice.citations:
        texts.append(_Text(f"依据 {len(choice.citations)} 条", _DIM))
    return texts


class _Card:
    """One node with its choices in a row below it."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.texts = _node_texts(node)
        self.choices = [(choice, _choice_texts(choice)) for choice in node.choices]
        self.upper = len(self.texts) * _LINE + 2 * _PAD
        self.lower = max((len(t) for _, t in self.choices), default=0) * _LINE + 2 * _PAD
        row = len(self.choices) * (_CHOICE_WIDTH + _GAP) - _GAP
        self.width = max(_NODE_WIDTH, row)
        self.height = self.upper + (_GAP + self.lower if self.choices else 0)

    def offset(self, index: int) -> float:
        """The middle of a choice, from the middle of the card."""
        return (index - (len(self.choices) - 1) / 2) * (_CHOICE_WIDTH + _GAP)


def draw(item_id: str, body: str) -> bytes:
    """An SVG file of the case in ``body``, which must be free of errors."""
    story = parse(body).story
    cards = {node.name: _Card(node) for node in story.nodes}
    best = best_path(body, BY_PATH)
    chosen = {(c.node, c.letter) for c in best}
    choices = list(story.choices)
    lines = [
        Line(card.node.name, card.offset(i), choice.to)
        for card in cards.values()
        for i, (choice, _) in enumerate(card.choices)
    ]
    layout = arrange([Box(c.node.name, c.width, c.height) for c in cards.values()], lines)
    width, height = layout.width + 2 * _MARGIN, layout.height + _HEAD + 2 * _MARGIN
    root = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {width:.0f} {height:.0f}",
            "width": f"{width:.0f}",
            "height": f"{height:.0f}",
            "font-family": _FONT,
            "font-size": f"{_SIZE:g}",
            "lang": "zh-CN",
        },
    )
    ET.SubElement(root, "title").text = f"抉择 {item_id}"
    ET.SubElement(root, "rect", {"width": "100%", "height": "100%", "fill": "#fff"})
    for name, colour in (("on", _EDGE), ("best", _GOOD)):
        shape = {"id": name, "viewBox": "0 0 8 8", "refX": "7", "refY": "4", "markerWidth": "8", "markerHeight": "8"}
        marker = ET.SubElement(root, "marker", {**shape, "orient": "auto", "markerUnits": "userSpaceOnUse"})
        ET.SubElement(marker, "path", {"d": "M0 0 8 4 0 8Z", "fill": colour})
    count = f"{len(story.nodes)} 个节点，{len(choices)} 个选项"
    legend = f"粗线是最好的走法，{len(best)} 步，共 {worth(best) / 100:g} 分；虚线往回走；红框的选项不可撤回"
    _write(root, _MARGIN, _MARGIN, [_Text(f"{item_id}　{count}", bold=True), _Text(legend, _DIM)])
    group = ET.SubElement(root, "g", {"transform": f"translate({_MARGIN:g} {_MARGIN + _HEAD:g})"})
    order = sorted(range(len(lines)), key=lambda i: (choices[i].node, choices[i].letter) in chosen)
    for index in order:
        choice = choices[index]
        _line(group, layout.routes[index], (choice.node, choice.letter) in chosen, index in layout.upward)
    for name, card in cards.items():
        _card(group, card, *layout.places[name], chosen)
    ET.indent(root)
    picture: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return picture + b"\n"


def _line(group: ET.Element, points: tuple[tuple[float, float], ...], best: bool, upward: bool) -> None:
    (x, y), rest = points[0], points[1:]
    path = f"M{x:.1f} {y:.1f}"
    for nx, ny in rest:
        # Straight through a layer and back up; between layers a curve that leaves and arrives upright.
        middle = (y + ny) / 2
        path += (
            f"L{nx:.1f} {ny:.1f}"
            if upward or x == nx
            else f"C{x:.1f} {middle:.1f} {nx:.1f} {middle:.1f} {nx:.1f} {ny:.1f}"
        )
        x, y = nx, ny
    style = {"fill": "none", "stroke": _GOOD if best else _EDGE, "stroke-width": "3" if best else "1.3"}
    if upward:
        style["stroke-dasharray"] = "5 4"
    ET.SubElement(group, "path", {"d": path, **style, "marker-end": f"url(#{'best' if best else 'on'})"})


def _card(group: ET.Element, card: _Card, middle: float, top: float, chosen: set[tuple[str, str]]) -> None:
    left = middle - _NODE_WIDTH / 2
    fill, round_by = ("#e6f2ef", "18") if card.node.ending else ("#f4f7f6", "8")
    size = {"width": f"{_NODE_WIDTH:g}", "height": f"{card.upper:g}", "rx": round_by}
    place = {"x": f"{left:.1f}", "y": f"{top:.1f}"}
    ET.SubElement(group, "rect", {**place, **size, "fill": fill, "stroke": _EDGE})
    _write(group, left + _PAD, top + _PAD, card.texts)
    for index, (choice, texts) in enumerate(card.choices):
        x, y = middle + card.offset(index) - _CHOICE_WIDTH / 2, top + card.upper + _GAP
        best = (choice.node, choice.letter) in chosen
        stroke = "#a3281f" if choice.final else _GOOD if best else "#d5dedb"
        size = {"width": f"{_CHOICE_WIDTH:g}", "height": f"{card.lower:g}", "rx": "6"}
        look = {"fill": "#fff", "stroke": stroke, "stroke-width": "2" if best or choice.final else "1"}
        ET.SubElement(group, "rect", {"x": f"{x:.1f}", "y": f"{y:.1f}", **size, **look})
        _write(group, x + _PAD, y + _PAD, texts)


def _write(group: ET.Element, x: float, y: float, texts: list[_Text]) -> None:
    for index, text in enumerate(texts):
        place = {"x": f"{x:.1f}", "y": f"{y + index * _LINE + _SIZE:.1f}", "fill": text.colour}
        if text.bold:
            place["font-weight"] = "600"
        ET.SubElement(group, "text", place).text = text.line
