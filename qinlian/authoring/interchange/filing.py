"""Putting what came of a bank into the modules' files: complete items into questions.md, the rest into drafts.md."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qinlian.authoring.interchange.bring import Brought, bring
from qinlian.authoring.interchange.drafts import DRAFTS, draft_ids, drafts_of, take_out
from qinlian.authoring.interchange.gate import Bank
from qinlian.authoring.merge import by_module, merge_questions, module_prefix
from qinlian.core.model import Course, Item

__all__ = ["BankImport", "Filed"]


@dataclass(frozen=True)
class Filed:
    """What one module got: how many complete items, which of its items they changed, how many wait in its drafts.

    ``same`` of the complete ones stood there already, word for word.
    """

    module: str
    complete: int
    changed: tuple[str, ...]
    same: int
    waiting: int

    @classmethod
    def of(
        cls, module: str, complete: Sequence[Item], before: Mapping[str, Item], waiting: Sequence[Item] = ()
    ) -> Filed:
        """``before`` are the course's items by id, as they were."""
        changed = tuple(item.id for item in complete if before.get(item.id, item) != item)
        same = sum(before.get(item.id) == item for item in complete)
        return cls(module, len(complete), changed, same, len(waiting))


class BankImport:
    """One bank on its way into the course in ``course_dir``.

    ``file`` is where the bank lies; one of the course's own drafts.md goes back to where it came from. ``module`` is
    for items that are nowhere yet. Raises CourseError for a drafts file that cannot be read.
    """

    def __init__(self, course_dir: Path, course: Course, bank: Bank, file: Path, module: str | None) -> None:
        self.course_dir, self.course = course_dir, course
        self.home = next((p.parent.name for p in drafts_of(course_dir) if p.resolve() == file.resolve()), None)
        self.module = self.home or module
        present = {item.id: m.id for m in course.modules for item in m.own_items}
        self.owners = draft_ids(course_dir) | present
        prefix = module_prefix(module, [i for i, owner in present.items() if owner == module]) if module else ""
        self.brought: Brought = bring(bank, file.name, course, self.owners, prefix, _reserved(course))

    def write(self) -> Iterator[Filed]:
        """Write module by module; each is told of when its files are there. Raises CourseError."""
        before = {item.id: item for m in self.course.modules for item in m.own_items}
        ready = {item.id for item in self.brought.ready}
        every = (*self.brought.ready, *self.brought.waiting)
        for owner, items in by_module(every, self.owners, self.module).items():
            complete = [item for item in items if item.id in ready]
            waiting = [item for item in items if item.id not in ready]
            if complete:
                merge_questions(self.course_dir, owner, complete)
            if waiting and self.home is None:
                merge_questions(self.course_dir, owner, waiting, DRAFTS)
            take_out(self.course_dir, owner, [item.id for item in complete])
            yield Filed.of(owner, complete, before, waiting)


def _reserved(course: Course) -> set[str]:
    """Ids that no item may have: those of cases, quizzes, and the cells that hold the criteria of a 心得."""
    ids = {c.id for m in course.modules for c in m.cases} | {q.id for m in course.modules for q in m.quizzes}
    return ids | {f"{i.id}-rubric" for m in course.modules for i in m.own_items if i.use == "心得"}
