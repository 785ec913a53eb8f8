"""What must never be found on the learner's side, and the search for it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from qinlian.core.model import Case, Course, Item, Module, Prose

_FRAGMENT = re.compile(r"[^。；，！？：、\n“”()（）\s]{8,}")


def _fragments(text: str) -> set[str]:
    return set(_FRAGMENT.findall(text))


def _public_text(module: Module) -> str:
    parts: list[str] = []

    def prose(holder: Module | Case) -> Iterable[str]:
        blocks = holder.blocks if isinstance(holder, Module) else holder.parts
        return (b.text for b in blocks if isinstance(b, Prose))

    parts += prose(module)
    for case in module.cases:
        parts += prose(case)
    for item in module.items:
        parts.append(item.stem)
        parts += (e.text for e in item.elements)
        if item.use == "练习":
            parts += [item.explanation, *(e.feedback for e in item.elements), item.body]
    return "\n".join([*parts, *module.objectives])


def canaries(course: Course, secret: bytes) -> set[str]:
    """Fragments of every graded item's explanation and feedback, the authored ids and the secret.

    Fragments that the lesson itself says in public are left out: finding them proves nothing.
    """
    public = "\n".join(_public_text(m) for m in course.modules)
    found: set[str] = {secret.hex(), secret.decode("latin-1")}
    graded: list[Item] = [i for m in course.modules for i in m.items if i.use == "测验"]
    for item in graded:
        found.add(item.id)
        remarks = [line for line in item.body.split("\n") if line.lstrip().startswith(">")]
        for text in (item.explanation, *(e.feedback for e in item.elements), *remarks):
            found |= {f for f in _fragments(text) if f not in public}
    return found


_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")


def leaks(roots: Iterable[Path], words: set[str]) -> list[str]:
    """``file: word`` for every canary found in a file below ``roots``, plain or JSON-escaped."""
    # There are tens of thousands of words: each place of a text is looked up by what it begins with.
    length = min(map(len, words))
    begun: dict[str, list[str]] = {}
    for word in words:
        begun.setdefault(word[:length], []).append(word)
    found = []
    for root in roots:
        files = [root] if root.is_file() else [p for p in root.rglob("*") if p.is_file() and not p.is_symlink()]
        for path in files:
            plain = path.read_bytes().decode("utf-8", "replace")
            text = _ESCAPED.sub(lambda m: chr(int(m[1], 16)), plain)
            for place in range(len(text) - length + 1):
                for word in begun.get(text[place : place + length], ()):
                    if text.startswith(word, place):
                        found.append(f"{path}: {word!r}")
    return found
