"""Every reflection that was handed in, and all that it is compared with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.engine import Connection

from qinlian.core.model import Case, CaseBlock, Item, Module, Prose
from qinlian.errors import GradingError
from qinlian.grading.editions import current_edition
from qinlian.grading.plaintext import markdown_cell
from qinlian.grading.preprocess import text_digest
from qinlian.grading.results import Mark, marks_of
from qinlian.reports.frames.people import Learner, by_account
from qinlian.reports.frames.written import Written, digests, written
from qinlian.reports.similarity import Given, Library, Notice, Text
from qinlian.roster.people import ALL, Scope

__all__ = ["Entry", "entries", "given_texts", "library", "released_modules"]


@dataclass(frozen=True)
class Entry:
    """One learner's reflection as it stands in the gradebook; ``item`` is the released one."""

    learner: str
    name: str
    unit: str
    module: Module
    item: Item
    text: str
    handed_in: datetime
    mark: Mark | None
    notices: tuple[Notice, ...]


def released_modules(course_dir: Path) -> dict[str, Module]:
    """Module id → the module as it was released last."""
    found: dict[str, Module] = {}
    for folder in sorted((course_dir / "editions").glob("*/")):
        try:
            found[folder.name] = current_edition(course_dir, folder.name).module
        except GradingError:
            # Without its edition a module cannot be graded either; here it only has nothing to quote.
            continue
    return found


def given_texts(module: Module) -> Iterator[Given]:
    """What a module says itself: lesson, cases, questions with their answers and explanations."""
    lesson = f"课文《{module.title}》"
    for block in module.blocks:
        if isinstance(block, Prose):
            yield Given(lesson, block.text)
        elif isinstance(block, CaseBlock):
            case: Case = module.case(block.case)
            yield from (Given(f"案例《{case.title}》", p.text) for p in case.parts if isinstance(p, Prose))
    for item in module.items:
        if item.kind == "心得":
            yield Given(
                f"《{module.title}》的心得题目", "\n".join([item.stem, *(e.text for e in item.elements), *item.prompts])
            )
        else:
            parts = [item.stem, *(f"{e.text}\n{e.feedback}" for e in item.elements), item.explanation, item.body]
            yield Given(f"《{module.title}》的题目和解析", "\n".join(parts))


def library(
    texts: list[Written], modules: dict[str, Module], names: dict[str, Learner], earlier: tuple[Text, ...] = ()
) -> Library:
    """All that a reflection is compared with. Drafts of one learner that say the same stand for one."""
    mine: dict[tuple[str, str], Text] = {}
    for one in texts:
        name = names[one.learner].name if one.learner in names else ""
        who = f"{name}（{one.learner}）" if name and name != one.learner else one.learner
        title = modules[one.module].title if one.module in modules else one.module
        mine.setdefault((one.learner, one.text), Text(one.learner, who, f"《{title}》", one.text))
    given = (text for module in modules.values() for text in given_texts(module))
    return Library((*mine.values(), *earlier), given)


def _standing(connection: Connection, texts: list[Written]) -> list[Written]:
    """Of each learner's attempts the one whose text is in the gradebook's cell, else the newest."""
    shown = digests(connection)
    found: dict[tuple[str, str, str], Written] = {}
    certain: set[tuple[str, str, str]] = set()
    for one in texts:
        key = (one.learner, one.module, one.item)
        if key not in certain and text_digest(markdown_cell(one.text)) == shown.get(key):
            found[key] = one
            certain.add(key)
        found.setdefault(key, one)
    return list(found.values())


def entries(
    connection: Connection, course_dir: Path, earlier: tuple[Text, ...] = (), scope: Scope = ALL
) -> list[Entry]:
    """The reflections of whom ``scope`` admits, by module, question and learner, each with what it is close to.

    What is close to them and written by anybody else is left out too: a notice would show the other's text.
    """
    texts, modules = written(connection, scope), released_modules(course_dir)
    names = by_account(connection, scope, archived=True)
    compared = library(texts, modules, names, tuple(scope.only(earlier, lambda text: text.owner)))
    marks = {module: marks_of(connection, module) for module in {one.module for one in texts} & modules.keys()}
    found = []
    for one in _standing(connection, texts) if texts else ():
        module = modules.get(one.module)
        item = next((i for i in module.reflections if i.id == one.item), None) if module else None
        if module is None or item is None:
            continue
        who = names.get(one.learner, Learner("", ""))
        cells = marks[module.id].get(one.learner)
        notices = compared.notices(Text(one.learner, who.name or one.learner, "", one.text))
        mark = cells.cells.get(item.id) if cells else None
        found.append(Entry(one.learner, who.name, who.unit, module, item, one.text, one.first_seen, mark, notices))
    place = {m: n for n, m in enumerate(modules)}
    return sorted(found, key=lambda e: (place[e.module.id], e.item.id, e.learner))
