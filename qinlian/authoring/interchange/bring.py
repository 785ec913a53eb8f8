"""Bringing a bank into a course: read, number, sort into what is complete and what waits, tell of every item."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from qinlian.authoring.interchange.asked import Incoming, Losses
from qinlian.authoring.interchange.assemble import as_item
from qinlian.authoring.interchange.drafts import DRAFTS, problems_of, sort_placed
from qinlian.authoring.interchange.gate import Bank
from qinlian.authoring.interchange.gift import read_gift
from qinlian.authoring.interchange.letters import WITHOUT_FEEDBACK, kept
from qinlian.authoring.interchange.moodle import read_moodle
from qinlian.authoring.interchange.qti import read_qti
from qinlian.authoring.rulebook import Rulebook
from qinlian.authoring.textfile import Place, parse_text
from qinlian.authoring.workbook import next_id
from qinlian.core.diagnostics import Diagnostic, ordered
from qinlian.core.model import Course, Item

__all__ = ["Brought", "bring"]

_MOST_ASKED = 4


@dataclass(frozen=True)
class Brought:
    """What came of a bank: items for questions.md, items for drafts.md, and what is to be told.

    With an error among the diagnostics of a bank nothing may be written; a Markdown file's errors are those of the
    items that wait.
    """

    ready: tuple[Item, ...] = ()
    waiting: tuple[Item, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


def bring(
    bank: Bank, file: str, course: Course, taken: Mapping[str, str], prefix: str, reserved: Collection[str] = ()
) -> Brought:
    """The questions of a bank as items of the course.

    ``taken`` is id → module of all that have one, drafts too; a question without an id gets the next one that
    begins with ``prefix``, and without a prefix that is E201. ``reserved`` are the ids of what is no item (cases,
    quizzes). ``file`` names the bank in what is told.
    """
    rules = Rulebook(course.documents)
    audiences = [track.name for track in course.tracks]
    if bank.format == "markdown":
        found = sort_placed(parse_text(bank.text, file), rules, audiences)
        return Brought(found.ready, found.waiting, ordered(found.diagnostics))
    if bank.format == "qti":
        try:
            incoming, told = read_qti(bank, file)
        finally:
            if bank.package is not None:
                bank.package.archive.close()
    else:
        incoming, told = (read_moodle if bank.format == "moodle" else read_gift)(bank.text, file)
    if any(d.is_error for d in told):
        return Brought(diagnostics=ordered(told))
    losses = Losses(Place(file), found=list(told))
    numbered = _numbered(incoming, course, (taken, reserved), prefix, losses, WITHOUT_FEEDBACK[bank.format])
    ready: list[Item] = []
    waiting: list[Item] = []
    for one, item, said in numbered:
        losses.place, losses.who = one.place, one.who
        problems = problems_of(item, rules, audiences)
        (waiting if problems else ready).append(item)
        _tell(item, problems, said, losses)
    return Brought(tuple(ready), tuple(waiting), ordered(losses.found))


def _numbered(
    incoming: Collection[Incoming],
    course: Course,
    known: tuple[Mapping[str, str], Collection[str]],
    prefix: str,
    losses: Losses,
    silent: frozenset[str],
) -> list[tuple[Incoming, Item, frozenset[str]]]:
    """Every question with its item, under an id that nobody else has, and which of its labels were written."""
    present = {item.id: item for module in course.modules for item in module.own_items}
    made = []
    for one in incoming:
        losses.place, losses.who = one.place, one.who
        item = as_item(one.asked, course.default_rule(one.asked.kind), losses)
        said = frozenset(label.partition(":")[0].strip() for label in one.asked.labels)
        made.append((one, kept(present[item.id], item, silent) if item.id in present else item, said))
    taken, reserved = known
    used = {item.id for _, item, _ in made} | set(taken) | set(reserved)
    given = set(reserved)
    highest: dict[bool, str] = {}
    done = []
    nameless = 0
    for one, item, said in made:
        losses.place, losses.who = one.place, one.who
        if item.id in given:
            losses.say("W656", f"题号 {item.id} 前面已经有了", "导入时另编了题号")
            item = item.model_copy(update={"id": ""})
        if not item.id and not prefix:
            nameless += 1
            continue
        if not item.id:
            # Once the highest number is known, the next one follows from it alone.
            last = highest.get(item.use == "心得")
            fresh = next_id(prefix, item.kind, used if last is None else (last,))
            highest[item.use == "心得"] = fresh
            item = item.model_copy(update={"id": fresh})
        used.add(item.id)
        given.add(item.id)
        done.append((one, item, said))
    if nameless:
        place = Place(losses.place.file)
        message = f"有 {nameless} 道题没有题号，不知道放进哪个模块"
        losses.found.append(place.says("E201", message, "用 --module 指明模块，由程序编号"))
    return done


def _tell(item: Item, problems: Collection[Diagnostic], said: frozenset[str], losses: Losses) -> None:
    """W655: what the author has to do next for this item."""
    guessed = []
    if item.use != "心得":
        guessed += ["难度（先按 1）"] if "难度" not in said else []
        guessed += ["知识点"] if not item.topics else []
        guessed += ["用途（先按测验）"] if "用途" not in said else []
    asked = list(dict.fromkeys(f"{d.code} {d.message.removeprefix(item.id).strip()}" for d in problems))
    more = f"等 {len(asked)} 处" if len(asked) > _MOST_ASKED else ""
    asked = [*asked[:_MOST_ASKED], *([f"没有写{'、'.join(guessed)}"] if guessed else [])]
    if problems:
        losses.say("W655", f"编为 {item.id}，先放进 {DRAFTS}：{'；'.join(asked)}{more}", "补好后再导入这个文件")
    elif guessed:
        losses.say("W655", f"编为 {item.id}，已经并入：{'；'.join(asked)}", "在 questions.md 里补上")
