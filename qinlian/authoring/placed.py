"""An item together with where each part of it was written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from qinlian.authoring.textfile import Place
from qinlian.core.model import Item

__all__ = ["Placed"]


@dataclass(frozen=True)
class Placed:
    """An item read from a file or a workbook.

    ``places`` is by part: ``id``, ``kind``, ``stem``, ``解析``, ``依据``, an attribute's name, or
    ``element:0``, ``feedback:0``, ``依据:0`` counted from 0, and ``body``, where it begins. ``used``
    says whether a 用途 was written. ``unread`` are the parts (``elements``, 解析, 依据) of which something
    was written that could not be read: what is missing there has been reported, and is not reported
    again as missing.
    """

    item: Item
    places: Mapping[str, Place] = field(default_factory=dict)
    used: bool = True
    unread: frozenset[str] = frozenset()

    def at(self, part: str = "id", index: int | None = None) -> Place:
        """The place of a part; of the item as a whole when that part was not written."""
        whole = self.places.get(part, self.places["id"])
        return whole if index is None else self.places.get(f"{part}:{index}", whole)

    def at_body(self, line: int, column: int = 0) -> Place:
        """The place of a character of the body, line and column from 0; a workbook's is its cell."""
        start = self.at("body")
        return start if start.cell else replace(start, line=start.line + line, col=column + 1)
