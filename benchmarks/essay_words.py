"""The words that generated essays are made of, read from ``essay_words.yaml``, which says what each is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

__all__ = ["CLAUSES", "FILL", "LESSON", "OPENINGS", "QUESTION", "SAME", "STOCK"]

_WORDS: dict[str, Any] = YAML(typ="safe", pure=True).load(Path(__file__).with_suffix(".yaml"))

QUESTION: str = _WORDS["question"]
OPENINGS: tuple[str, ...] = tuple(_WORDS["openings"])
CLAUSES: tuple[str, ...] = tuple(_WORDS["clauses"])
FILL: dict[str, tuple[str, ...]] = {slot: tuple(words) for slot, words in _WORDS["fill"].items()}
STOCK: tuple[str, ...] = tuple(_WORDS["stock"])
LESSON: tuple[str, ...] = tuple(_WORDS["lesson"])
SAME: tuple[tuple[str, str], ...] = tuple((one, other) for one, other in _WORDS["same"])
