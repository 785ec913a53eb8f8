"""Walking through a story, what a path is worth, and the best path there is.

All of it is exact: points are summed in hundredths, and the best path is found by visiting every
situation a learner can be in, up to a stated bound.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from itertools import count

from qinlian.items.decision.story import Choice, Story, parse

__all__ = [
    "BY_PATH",
    "BY_STEP",
    "MOST_STATES",
    "MOST_STEPS",
    "Place",
    "TooLargeError",
    "best_path",
    "fraction",
    "richest",
    "start",
    "survey",
    "to_go",
    "top",
    "worth",
]

BY_PATH = "路径得分"
BY_STEP = "逐步得分"
MOST_STEPS = 60
"""Choices of one path; answers.json takes lists of up to 64."""
MOST_STATES = 20_000
"""Situations (node, what is remembered, what was earned on a loop) that a search may visit."""


class TooLargeError(Exception):
    """More situations or steps than can be searched; ``str()`` says which, in Chinese."""


@dataclass(frozen=True)
class Place:
    """Where a learner stands: the node and what has been remembered."""

    node: str
    flags: frozenset[str] = frozenset()

    def after(self, choice: Choice) -> Place:
        """Where the choice leads from here."""
        return Place(choice.to, self.flags.union(choice.sets))

    def offered(self, story: Story) -> tuple[Choice, ...]:
        """The choices that can be taken here."""
        return tuple(c for c in story.node(self.node).choices if c.condition.holds(self.flags))


def start(story: Story) -> Place:
    """Where the story begins."""
    return Place(story.nodes[0].name)


def survey(story: Story) -> dict[Place, tuple[Choice, ...]]:
    """Every situation that can be reached, with the choices offered there. Raises TooLargeError."""
    found: dict[Place, tuple[Choice, ...]] = {}
    waiting = deque([start(story)])
    while waiting:
        place = waiting.popleft()
        if place in found:
            continue
        if len(found) >= MOST_STATES:
            raise TooLargeError(f"不同的处境超过 {MOST_STATES} 种")
        found[place] = place.offered(story)
        waiting.extend(place.after(choice) for choice in found[place])
    return found


def top(choices: Iterable[Choice]) -> int:
    """The most that one of these choices earns, in hundredths; 0 without any."""
    return max((c.hundredths for c in choices), default=0)


def worth(path: Iterable[Choice]) -> int:
    """The sum of points in hundredths, each choice counted once."""
    return sum(points for _, points in {((c.node, c.letter), c.hundredths) for c in path})


def fraction(story: Story, path: Sequence[Choice], most: int, rule: str) -> float:
    """What a path earns, in [0, 1].

    路径得分: its ``worth`` over ``most``, that of the best path. 逐步得分: the mean, over the steps
    at which anything could be earned, of the points chosen over the most that was offered there; 0
    unless it reached an ending. A choice taken again counts neither time after the first.
    """
    if rule != BY_STEP:
        return min(1.0, worth(path) / most) if most else 0.0
    place, seen, parts = start(story), set(), []
    for choice in path:
        highest = top(place.offered(story))
        if highest and (choice.node, choice.letter) not in seen:
            parts.append(choice.hundredths / highest)
        seen.add((choice.node, choice.letter))
        place = place.after(choice)
    if not parts or not story.node(place.node).ending:
        return 0.0
    return sum(parts) / len(parts)


@lru_cache(maxsize=256)
def best_path(body: str, rule: str) -> tuple[Choice, ...]:
    """The shortest of the paths that earn the most under a rule, from the start to an ending.

    Empty when no path earns anything. Raises TooLargeError.
    """
    story = parse(body).story
    path = _greedy(story) if rule == BY_STEP else richest(story)
    if len(path) > MOST_STEPS:
        raise TooLargeError(f"最好的走法要选 {len(path)} 次，超过 {MOST_STEPS} 次")
    return path


@dataclass(frozen=True)
class _State:
    """A place, and the choices on the present loop that have been counted already."""

    place: Place
    counted: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True)
class _Trail:
    """The way to a state, last choice first."""

    before: _Trail | None
    choice: Choice

    def path(self) -> tuple[Choice, ...]:
        choices, trail = [self.choice], self.before
        while trail is not None:
            choices.append(trail.choice)
            trail = trail.before
        return tuple(reversed(choices))


def richest(story: Story, *, only_top: bool = False) -> tuple[Choice, ...]:
    """The path to an ending with the largest ``worth``; with ``only_top`` never below the best offered.

    States are visited in an order in which all that can lead to one come before it: by loop (a group
    of nodes that reach each other), then by how much is remembered, then by how many choices of the
    loop are counted; all three only grow, and where none grows nothing is earned. So the first visit
    to a state is the best. What was counted on a loop is forgotten when it is left: no choice of it
    can come again. Raises TooLargeError.
    """
    reach = _reach(story)
    rank = {name: -len(found) for name, found in reach.items()}
    ticket = count()
    seen: set[_State] = set()
    best: tuple[int, int, _Trail | None] = (0, 0, None)
    waiting: list[tuple[int, int, int, int, int, int, _State, _Trail | None]] = []

    def add(state: _State, earned: int, steps: int, trail: _Trail | None) -> None:
        place = state.place
        order = (rank[place.node], len(place.flags), len(state.counted), -earned, steps, next(ticket))
        heapq.heappush(waiting, (*order, state, trail))

    add(_State(start(story)), 0, 0, None)
    while waiting:
        *_, minus, steps, _, state, trail = heapq.heappop(waiting)
        if state in seen:
            continue
        seen.add(state)
        if len(seen) > MOST_STATES:
            raise TooLargeError(f"不同的处境超过 {MOST_STATES} 种")
        place = state.place
        if story.node(place.node).ending and trail and (best[2] is None or (minus, steps) < best[:2]):
            best = (minus, steps, trail)
        offered = place.offered(story)
        for choice in offered:
            if only_top and choice.hundredths < top(offered):
                continue
            looping = place.node in reach[choice.to]
            name = (choice.node, choice.letter)
            gain = 0 if name in state.counted else choice.hundredths
            counted = state.counted | {name} if looping and gain else state.counted
            after = _State(place.after(choice), counted if looping else frozenset())
            if after not in seen:
                add(after, gain - minus, steps + 1, _Trail(trail, choice))
    return best[2].path() if best[2] else ()


def to_go(story: Story, offered: Mapping[Place, Sequence[Choice]]) -> dict[Place, int] | None:
    """The most that can still be earned from each situation, in hundredths.

    None where a way leads back: there it depends on what was counted before.
    """
    order = TopologicalSorter({node.name: [choice.to for choice in node.choices] for node in story.nodes})
    try:
        depth = {name: index for index, name in enumerate(order.static_order())}
    except CycleError:
        return None
    found: dict[Place, int] = {}
    for place in sorted(offered, key=lambda place: depth[place.node]):
        found[place] = max((c.hundredths + found[place.after(c)] for c in offered[place]), default=0)
    return found


def _reach(story: Story) -> Mapping[str, frozenset[str]]:
    """Every node that can be reached from each, conditions aside, itself included."""
    found: dict[str, frozenset[str]] = {}
    for node in story.nodes:
        seen, waiting = {node.name}, [node.name]
        while waiting:
            for choice in story.node(waiting.pop()).choices:
                if choice.to not in seen:
                    seen.add(choice.to)
                    waiting.append(choice.to)
        found[node.name] = frozenset(seen)
    return found


def _greedy(story: Story) -> tuple[Choice, ...]:
    """The shortest path to an ending that takes a best choice at every node and earns something."""
    seen: set[tuple[Place, bool]] = set()
    waiting: deque[tuple[Place, bool, _Trail | None]] = deque([(start(story), False, None)])
    while waiting:
        place, earned, trail = waiting.popleft()
        if (place, earned) in seen:
            continue
        seen.add((place, earned))
        if len(seen) > MOST_STATES:
            raise TooLargeError(f"不同的处境超过 {MOST_STATES} 种")
        if earned and trail and story.node(place.node).ending:
            return trail.path()
        offered = place.offered(story)
        highest = top(offered)
        for choice in offered:
            if choice.hundredths == highest:
                waiting.append((place.after(choice), earned or highest > 0, _Trail(trail, choice)))
    return ()
