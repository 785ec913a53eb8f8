"""Where the boxes of a graph go when it is drawn from top to bottom.

The layered method of Sugiyama, Tagawa and Toda (1981) in its four steps: turn loops around, give every
box a layer, order each layer so that few lines cross, then place. A line over several layers gets a
narrow way of its own through each. Widths and the places on a box where lines begin are known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from itertools import combinations, pairwise

__all__ = ["Box", "Layout", "Line", "arrange"]

_SWEEPS = 24
_BESIDE = 36
_BETWEEN = 84
_WAY = 14


@dataclass(frozen=True)
class Box:
    """Something to place; ``name`` is unique."""

    name: str
    width: float
    height: float


@dataclass(frozen=True)
class Line:
    """A line from a place on the lower edge of a box (``offset`` from its middle) to the top of another."""

    source: str
    offset: float
    target: str


@dataclass(frozen=True)
class Layout:
    """``places`` are (middle, top) by box; ``routes`` are points by line, ``upward`` those that go back."""

    places: Mapping[str, tuple[float, float]]
    routes: tuple[tuple[tuple[float, float], ...], ...]
    upward: frozenset[int]
    width: float
    height: float


def arrange(boxes: Sequence[Box], lines: Sequence[Line]) -> Layout:
    """Place the boxes, the first at the top; every line's ends are among them."""
    sizes = {box.name: (box.width, box.height) for box in boxes}
    back = _backward([box.name for box in boxes], lines)
    layer = _layers(list(sizes), [line for i, line in enumerate(lines) if i not in back])
    ways: dict[int, list[str]] = {}
    pieces: list[Line] = []
    for index, line in enumerate(lines):
        if index in back:
            continue
        chain = [f"{index}@{depth}" for depth in range(layer[line.source] + 1, layer[line.target])]
        for depth, name in enumerate(chain, layer[line.source] + 1):
            sizes[name], layer[name] = (_WAY, 0.0), depth
        ways[index] = chain
        ends = [line.source, *chain, line.target]
        pieces += [Line(a, line.offset if a == line.source else 0.0, b) for a, b in pairwise(ends)]
    rows: list[list[str]] = [[] for _ in range(max(layer.values()) + 1)]
    for name, depth in layer.items():
        rows[depth].append(name)
    middle = _place(rows, sizes, pieces)
    top, tops = 0.0, []
    for row in rows:
        tops.append(top)
        top += max(sizes[name][1] for name in row) + _BETWEEN
    deep = [max(sizes[name][1] for name in row) for row in rows]
    left = min(middle[n] - sizes[n][0] / 2 for n in sizes)
    right = max(middle[n] + sizes[n][0] / 2 for n in sizes)
    places = {box.name: (middle[box.name] - left, tops[layer[box.name]]) for box in boxes}
    routes: list[tuple[tuple[float, float], ...]] = []
    for index, line in enumerate(lines):
        start = (places[line.source][0] + line.offset, places[line.source][1] + sizes[line.source][1])
        if index in back:
            outside = right - left + _BESIDE + _WAY * sorted(back).index(index)
            under = tops[layer[line.source]] + deep[layer[line.source]] + _BETWEEN / 4
            end = (places[line.target][0], places[line.target][1])
            above = end[1] - _BETWEEN / 4
            routes.append((start, (start[0], under), (outside, under), (outside, above), (end[0], above), end))
            continue
        points = [start]
        for name in ways[index]:
            x, y = middle[name] - left, tops[layer[name]]
            points += [(x, y), (x, y + deep[layer[name]])]
        routes.append((*points, places[line.target]))
    width = right - left + (_BESIDE + _WAY * len(back) if back else 0)
    return Layout(places, tuple(routes), frozenset(back), width, top - _BETWEEN)


def _backward(names: Sequence[str], lines: Sequence[Line]) -> set[int]:
    """The lines that close a loop, seen from the first box on."""
    out: dict[str, list[int]] = {name: [] for name in names}
    for index, line in enumerate(lines):
        out[line.source].append(index)
    back: set[int] = set()
    done: set[str] = set()
    for first in names:
        if first in done:
            continue
        open_boxes, stack = {first}, [(first, iter(out[first]))]
        while stack:
            name, rest = stack[-1]
            for index in rest:
                target = lines[index].target
                if target in open_boxes:
                    back.add(index)
                elif target not in done:
                    open_boxes.add(target)
                    stack.append((target, iter(out[target])))
                    break
            else:
                stack.pop()
                open_boxes.discard(name)
                done.add(name)
    return back


def _layers(names: Sequence[str], lines: Sequence[Line]) -> dict[str, int]:
    """Each box below everything that leads to it."""
    before: dict[str, set[str]] = {name: set() for name in names}
    for line in lines:
        before[line.target].add(line.source)
    layer: dict[str, int] = {}
    for name in TopologicalSorter(before).static_order():
        layer[name] = max((layer[b] + 1 for b in before[name]), default=0)
    return {name: layer[name] for name in names}


_Near = Mapping[str, list[tuple[str, float]]]


def _place(rows: list[list[str]], sizes: Mapping[str, tuple[float, float]], pieces: Sequence[Line]) -> dict[str, float]:
    """The middle of everything: of the orders that sweeping down and up finds, the one that crosses least."""
    above: dict[str, list[tuple[str, float]]] = {}
    below: dict[str, list[tuple[str, float]]] = {}
    for piece in pieces:
        above.setdefault(piece.target, []).append((piece.source, piece.offset))
        below.setdefault(piece.source, []).append((piece.target, -piece.offset))
    middle: dict[str, float] = {}
    best: tuple[int, list[list[str]]] | None = None
    for sweep in range(_SWEEPS):
        for row in rows if sweep % 2 == 0 else rows[::-1]:
            _move(row, (above if sweep % 2 == 0 else below,), middle)
            row.sort(key=lambda name: middle[name])
            _spread(row, sizes, middle)
        crossed = _crossings(rows, pieces, middle)
        if best is None or crossed < best[0]:
            best = (crossed, [list(row) for row in rows])
    for sweep in range(_SWEEPS):
        # The order stands; what is left is to draw boxes and what they are joined to above each other.
        ordered = best[1] if best else rows
        for row in ordered if sweep % 2 == 0 else ordered[::-1]:
            _move(row, (above, below), middle)
            _spread(row, sizes, middle)
    return middle


def _move(row: list[str], sides: tuple[_Near, ...], middle: dict[str, float]) -> None:
    """Put each box of a row where the mean of what it is joined to would have it."""
    for name in row:
        near = [middle[other] + offset for side in sides for other, offset in side.get(name, ()) if other in middle]
        middle[name] = sum(near) / len(near) if near else middle.get(name, 0.0)


def _crossings(rows: list[list[str]], pieces: Sequence[Line], middle: Mapping[str, float]) -> int:
    """How many pairs of lines between two rows cross."""
    layer = {name: depth for depth, row in enumerate(rows) for name in row}
    between: dict[int, list[tuple[float, float]]] = {}
    for piece in pieces:
        ends = (middle[piece.source] + piece.offset, middle[piece.target])
        between.setdefault(layer[piece.source], []).append(ends)
    return sum((a[0] - b[0]) * (a[1] - b[1]) < 0 for ends in between.values() for a, b in combinations(ends, 2))


def _spread(row: list[str], sizes: Mapping[str, tuple[float, float]], middle: dict[str, float]) -> None:
    """Move the boxes of a row apart as little as can be, in their order.

    Least squares under a smallest distance is isotonic regression of the wishes less the room that
    the boxes to the left need; pooling neighbours that are out of order solves it exactly.
    """
    needed, last = [0.0], 0.0
    for a, b in pairwise(row):
        last += (sizes[a][0] + sizes[b][0]) / 2 + _BESIDE
        needed.append(last)
    pools: list[tuple[float, int]] = []
    for name, room in zip(row, needed, strict=True):
        pools.append((middle[name] - room, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (high, many), (low, some) = pools.pop(), pools.pop()
            pools.append(((low * some + high * many) / (some + many), some + many))
    wished = [value for value, size in pools for _ in range(size)]
    for name, value, room in zip(row, wished, needed, strict=True):
        middle[name] = value + room
