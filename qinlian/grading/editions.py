"""The builds that were released: what a submission is graded against.

``course/editions/<module>/<edition>.json`` holds the module, the course's scoring rules and the
secret of that build; it lies beside the keys and is exactly as confidential. Nothing in it ever
changes but ``released_at``, which says which edition is the newest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from qinlian.atomic import replace_file
from qinlian.core.identity import Identity
from qinlian.core.model import Course, Item, Module, QuizBlock
from qinlian.errors import GradingError
from qinlian.items.base import item_type

__all__ = ["Edition", "current_edition", "edition_of", "find_edition", "load_edition", "save_edition"]

_FORMAT = "qinlian.edition/1"
_NAME = re.compile(r"[0-9a-f]{20}")


class _RememberingIdentity(Identity):
    """Public ids are the same for every learner, so each is computed once."""

    def __init__(self, secret: bytes) -> None:
        super().__init__(secret)
        self._known: dict[tuple[str, str], str] = {}

    def of(self, item_id: str, letter: str = "") -> str:
        found = self._known.get((item_id, letter))
        if found is None:
            found = self._known[item_id, letter] = super().of(item_id, letter)
        return found


@dataclass(frozen=True, eq=False)
class Edition:
    """One build of one module: all that grading needs, and nothing that may be shown."""

    edition: str
    course_id: str
    course_title: str
    module: Module
    rules: tuple[tuple[str, str], ...]
    ids: Identity = field(repr=False)
    digests: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Item id → the digest of each of its variants as they were released."""

    @cached_property
    def items(self) -> dict[str, Item]:
        """Public id → item."""
        return {self.ids.of(item.id): item for item in self.module.items}

    @cached_property
    def _drawn(self) -> dict[tuple[str, int], Item]:
        return {}

    def item(self, public_id: str, variant: int | None = None) -> Item:
        """The item, or that variant of it; raises KeyError.

        Raises GradingError when the variant is no longer the one that was released: a learner would
        be graded on something else than was shown.
        """
        item = self.items[public_id]
        if variant is None:
            return item
        found = self._drawn.get((public_id, variant))
        if found is None:
            kind, found = item_type(item.kind), item.model_copy(update={"variant": variant})
            released = self.digests.get(item.id, ())
            if variant >= len(released) or kind.digest(found, self.ids) != released[variant]:
                raise GradingError(
                    f"{item.id} 第 {variant + 1} 份的内容和发布时不一样，不能评分；"
                    "请换回发布时的程序版本评分，或重新发布后请学员重做"
                )
            self._drawn[public_id, variant] = found
        return found

    def knows(self, public_id: str, variant: int | None) -> bool:
        """True when ``item`` can be asked for that variant: an older attempt may have been at another edition."""
        count = self.variants.get(public_id, 0)
        return public_id in self.items and (variant is None if not count else variant is not None and variant < count)

    @cached_property
    def variants(self) -> dict[str, int]:
        """Public id → how many variants, for the items that have any."""
        return {pid: len(self.digests[item.id]) for pid, item in self.items.items() if item.id in self.digests}

    @cached_property
    def reflections(self) -> tuple[Item, ...]:
        """The reflections in the order of the lesson."""
        return self.module.reflections

    @cached_property
    def quizzes(self) -> dict[str, QuizBlock]:
        """Quiz id → quiz."""
        return {quiz.id: quiz for quiz in self.module.quizzes}

    @cached_property
    def pools(self) -> dict[str, tuple[tuple[str, int], ...]]:
        """Quiz id → (public id, stratum) of its pool, by public id: what the draw is made from."""
        stratum = {i.id: i.difficulty if i.stratum is None else i.stratum for i in self.module.items}
        return {quiz.id: tuple(sorted((self.ids.of(i), stratum[i]) for i in quiz.pool)) for quiz in self.module.quizzes}

    @cached_property
    def _rule_of(self) -> dict[str, str]:
        defaults = dict(self.rules)
        return {i.id: i.rule or defaults.get(i.kind, "") or item_type(i.kind).rules[0] for i in self.module.items}

    def rule(self, item: Item) -> str:
        """The name of the scoring rule that holds for an item."""
        return self._rule_of[item.id]


def edition_of(course: Course, module: Module, ids: Identity) -> Edition:
    """The edition that a build of ``module`` makes."""
    ids = _RememberingIdentity(bytes.fromhex(ids.export()))
    return Edition(
        edition=ids.edition(module, course.rules),
        course_id=course.id,
        course_title=course.title,
        module=module,
        rules=course.rules,
        ids=ids,
        digests=_digests(module, ids),
    )


def _digests(module: Module, ids: Identity) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for item in module.items:
        kind = item_type(item.kind)
        if count := kind.variants(item):
            variants = (item.model_copy(update={"variant": n}) for n in range(count))
            found[item.id] = tuple(kind.digest(one, ids) for one in variants)
    return found


def _folder(course_dir: Path, module_id: str) -> Path:
    return course_dir / "editions" / module_id


def _write(path: Path, record: dict[str, Any]) -> None:
    """Whole or not at all, readable by the instructor alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(record, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    replace_file(path, text.encode(), 0o600)


def save_edition(course_dir: Path, course: Course, module: Module, ids: Identity | None = None) -> str:
    """Keep the build of ``module`` that is being released; returns its edition.

    ``ids`` is the course's own identity unless given.
    Saving the newest edition again changes nothing. Going back to an older build makes that one
    the newest again.
    """
    if ids is None:
        from qinlian.authoring.secret import load_identity

        ids = load_identity(course_dir)
    made = edition_of(course, module, ids)
    path = _folder(course_dir, module.id) / f"{made.edition}.json"
    names = _released(_folder(course_dir, module.id))
    if not path.exists() or not names or names[-1] != made.edition:
        now = datetime.now(UTC).isoformat(timespec="microseconds")
        _write(
            path,
            {
                "schema": _FORMAT,
                "released_at": now,
                "edition": made.edition,
                "course": course.id,
                "course_title": course.title,
                "rules": [list(pair) for pair in course.rules],
                "secret": ids.export(),
                "module": module.model_dump(mode="json"),
                "variants": {item: list(digests) for item, digests in made.digests.items()},
            },
        )
    return made.edition


@lru_cache(maxsize=256)
def _record(path: Path, _stamp: tuple[int, int]) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise GradingError(f"课程存档 {path.name} 读不出来；请从备份恢复 course/editions/，评分要用它") from None
    if not isinstance(record, dict) or record.get("schema") != _FORMAT:
        raise GradingError(f"课程存档 {path.name} 不是本程序写的格式；请从备份恢复 course/editions/，评分要用它")
    return record


def _read(path: Path) -> dict[str, Any]:
    status = path.stat()
    return _record(path, (status.st_mtime_ns, status.st_ino))


def _released(folder: Path) -> list[str]:
    """The editions in a folder, oldest release first."""
    if not folder.is_dir():
        return []
    paths = [p for p in folder.glob("*.json") if _NAME.fullmatch(p.stem)]
    return [p.stem for p in sorted(paths, key=lambda p: (str(_read(p).get("released_at", "")), p.stem))]


@lru_cache(maxsize=64)
def _load(path: Path, stamp: tuple[int, int]) -> Edition:
    record = _record(path, stamp)
    try:
        return Edition(
            edition=path.stem,
            course_id=record["course"],
            course_title=record["course_title"],
            module=Module.model_validate(record["module"]),
            rules=tuple((kind, rule) for kind, rule in record["rules"]),
            ids=_RememberingIdentity(bytes.fromhex(record["secret"])),
            digests={item: tuple(digests) for item, digests in record.get("variants", {}).items()},
        )
    except (KeyError, TypeError, ValueError):
        # Nothing of the record goes into the message: it holds the key.
        raise GradingError(f"课程存档 {path.name} 不完整；请从备份恢复 course/editions/，评分要用它") from None


def find_edition(course_dir: Path, module_id: str, edition: str) -> Edition | None:
    """The edition of that digest, or None when it was never released here."""
    # The digest may come from a learner's file: nothing else than a digest becomes a path.
    if not _NAME.fullmatch(edition):
        return None
    path = _folder(course_dir, module_id) / f"{edition}.json"
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return _load(path, (status.st_mtime_ns, status.st_ino))


def load_edition(course_dir: Path, module_id: str, edition: str) -> Edition:
    """The edition of that digest; raises GradingError when it was never released here."""
    found = find_edition(course_dir, module_id, edition)
    if found is None:
        raise GradingError(f"course/editions/ 里没有模块 {module_id} 的这个版本；请从备份恢复，或重新发布该模块")
    return found


def current_edition(course_dir: Path, module_id: str) -> Edition:
    """The edition released last; raises GradingError when none was."""
    names = _released(_folder(course_dir, module_id))
    if not names:
        raise GradingError(f"模块 {module_id} 还没有发布存档，无法评分；请先用 qinlian 或 formgrader 发布该模块")
    return load_edition(course_dir, module_id, names[-1])
