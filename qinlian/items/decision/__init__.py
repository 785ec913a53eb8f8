"""抉择: a story in nodes; what the learner chooses decides where it goes and what it is worth.

``value`` is the list of the public ids of the choices taken, in order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from qinlian.core.identity import Identity
from qinlian.core.model import Item
from qinlian.items.base import BodyText, Finding, InvalidAnswer, ItemType
from qinlian.items.decision import lint
from qinlian.items.decision.paths import BY_PATH, BY_STEP, MOST_STEPS, best_path, fraction, start, worth
from qinlian.items.decision.story import Choice, Condition, Node, parse

__all__ = ["TYPE", "Decision"]

_MARKUP = re.compile(r"[*`~]{1,3}")


class _Labels:
    """Public ids of the parts of one story."""

    def __init__(self, item: Item, ids: Identity) -> None:
        self._item, self._ids = item.id, ids

    def node(self, name: str) -> str:
        return self._ids.of(self._item, f"node/{name}")

    def choice(self, choice: Choice) -> str:
        return self._ids.of(self._item, f"choice/{choice.node}/{choice.letter}")

    def flags(self, names: tuple[str, ...]) -> list[str]:
        return sorted(self._ids.of(self._item, f"flag/{name}") for name in names)

    def condition(self, condition: Condition) -> dict[str, list[str]]:
        return {"if": self.flags(condition.needs), "unless": self.flags(condition.bars)}


class Decision(ItemType):
    name = "decision"
    label = "抉择"
    rules = (BY_PATH, BY_STEP)
    shows_letters = False
    has_body = True

    def findings(self, item: Item) -> Iterator[Finding]:
        return lint.findings(item.body, item.explanation)

    def body_citations(self, item: Item) -> Iterator[BodyText]:
        for choice in parse(item.body).story.choices:
            yield from choice.citations

    def public(self, item: Item, ids: Identity) -> dict[str, Any]:
        story, labels = parse(item.body).story, _Labels(item, ids)
        nodes = [_published(node, labels) for node in story.nodes]
        return {"start": labels.node(story.nodes[0].name), "nodes": sorted(nodes, key=lambda n: n["id"])}

    def key(self, item: Item, ids: Identity) -> dict[str, Any]:
        """The best path by each rule, and every choice's points and citations: what a review draws."""
        story, labels = parse(item.body).story, _Labels(item, ids)
        choices = sorted((labels.choice(c), c) for c in story.choices)
        return {
            "best": {rule: [labels.choice(c) for c in best_path(item.body, rule)] for rule in self.rules},
            "points": {pid: c.points for pid, c in choices},
            "citations": {pid: [cited.text for cited in c.citations] for pid, c in choices if c.citations},
        }

    def feedback(self, item: Item, ids: Identity) -> dict[str, str]:
        labels = _Labels(item, ids)
        return {labels.choice(c): c.feedback for c in parse(item.body).story.choices if c.feedback}

    def clean(self, item: Item, ids: Identity, value: Any) -> list[str] | None:
        if value is None or value == []:
            return None
        if not isinstance(value, list) or len(value) > MOST_STEPS or not all(isinstance(v, str) for v in value):
            raise InvalidAnswer("抉择的走法格式不对")
        self._path(item, ids, value)
        return list(value)

    def _path(self, item: Item, ids: Identity, value: list[str]) -> list[Choice]:
        """The choices of a path; raises InvalidAnswer where it goes a way the story does not have."""
        story, labels = parse(item.body).story, _Labels(item, ids)
        place, path = start(story), []
        for pid in value:
            taken = next((c for c in place.offered(story) if labels.choice(c) == pid), None)
            if taken is None:
                raise InvalidAnswer("抉择的走法里有一步不是当时能选的")
            path.append(taken)
            place = place.after(taken)
        return path

    def score(self, item: Item, ids: Identity, value: Any, rule: str) -> float:
        most = worth(best_path(item.body, BY_PATH))
        return fraction(parse(item.body).story, self._path(item, ids, value), most, rule)

    def spoken(self, item: Item, ids: Identity, value: Any) -> str:
        story, path = parse(item.body).story, self._path(item, ids, value)
        told = _told(path)
        return told if story.node(path[-1].to).ending else f"{told}（没有走到结局）"

    def spoken_key(self, item: Item, ids: Identity) -> str:
        return _told(best_path(item.body, item.rule if item.rule in self.rules else BY_PATH))


def _published(node: Node, labels: _Labels) -> dict[str, Any]:
    choices = [
        {
            "id": labels.choice(choice),
            "text": choice.text,
            "to": labels.node(choice.to),
            "final": choice.final,
            "sets": labels.flags(choice.sets),
            **labels.condition(choice.condition),
        }
        for choice in node.choices
    ]
    return {
        "id": labels.node(node.name),
        "parts": [{"prose": part.text, **labels.condition(part.condition)} for part in node.passages],
        "choices": sorted(choices, key=lambda c: str(c["id"])),
        "ending": node.ending,
    }


def _told(path: list[Choice] | tuple[Choice, ...]) -> str:
    return " → ".join(_MARKUP.sub("", choice.text) for choice in path)


TYPE = Decision()
