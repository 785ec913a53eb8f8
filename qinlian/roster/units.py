"""Units form a tree: a unit's path names it and all above it, such as 省开放大学/青禾分校/望川学习中心."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["SEPARATOR", "Node", "ancestors", "at_or_below", "find", "own_name", "short_name", "tidy", "tree"]

SEPARATOR = "/"
_SEPARATORS = re.compile(r"\s*[/／]\s*")


@dataclass(frozen=True)
class Node:
    """One unit with the units right below it; ``depth`` counts from 0."""

    path: str
    name: str
    depth: int
    below: tuple[Node, ...] = ()


def tidy(text: str) -> str:
    """The path that ``text`` means: ／ counts as /, spaces around names go, spaces within become one.

    Raises ValueError when a part is empty.
    """
    parts = [re.sub(r"\s+", " ", part) for part in _SEPARATORS.split(text.strip())]
    if not all(parts):
        raise ValueError("a part of the path is empty")
    return SEPARATOR.join(parts)


def ancestors(path: str) -> tuple[str, ...]:
    """The units above ``path``, the highest first; not ``path`` itself."""
    parts = path.split(SEPARATOR)
    return tuple(SEPARATOR.join(parts[:count]) for count in range(1, len(parts)))


def at_or_below(path: str, top: str) -> bool:
    """True when ``path`` is ``top`` or below it. Whole parts are compared: 青禾二校 is not below 青禾."""
    return path == top or path.startswith(top + SEPARATOR)


def own_name(path: str) -> str:
    """The last part of a path."""
    return path.rpartition(SEPARATOR)[2]


def short_name(path: str) -> str:
    """The last two parts, which say enough beside a person's name: 青禾分校 望川学习中心."""
    return " ".join(path.split(SEPARATOR)[-2:])


def tree(paths: Iterable[str]) -> tuple[Node, ...]:
    """The units of ``paths`` and all above them, each level in order of first appearance."""
    below: dict[str, list[str]] = {"": []}
    for path in paths:
        for one in (*ancestors(path), path):
            if one not in below:
                below[one] = []
                below[one.rpartition(SEPARATOR)[0]].append(one)

    def node(path: str, depth: int) -> Node:
        return Node(path, own_name(path), depth, tuple(node(child, depth + 1) for child in below[path]))

    return tuple(node(path, 0) for path in below[""])


def find(text: str, paths: Iterable[str]) -> tuple[str, ...]:
    """The units that ``text`` may mean: the one of that path, else those whose last parts it is."""
    try:
        wanted = tidy(text)
    except ValueError:
        return ()
    known = dict.fromkeys(one for path in paths for one in (*ancestors(path), path))
    if wanted in known:
        return (wanted,)
    return tuple(path for path in known if path.endswith(SEPARATOR + wanted))
