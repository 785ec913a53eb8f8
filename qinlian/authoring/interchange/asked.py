"""A question between two systems: what every format reads into and writes from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from qinlian.authoring.textfile import Place
from qinlian.core.diagnostics import Diagnostic

__all__ = ["LONGEST_TEXT", "Asked", "Choice", "Incoming", "Kind", "Losses", "Outgoing", "Unreadable", "collect"]

LONGEST_TEXT = 100_000
"""Characters of one text of a question, marks included; a page of text is under 3,000."""

_MOST = 5_000
_VISUAL = ("图片", "视频", "音频", "嵌入", "公式")


class Unreadable(Exception):  # noqa: N818 - a question is left out, nothing failed
    """This question cannot be taken; ``str()`` is the reason in Chinese, ``hint`` the way out where it is special."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.hint = hint


Kind = Literal["单选", "多选", "判断", "填空", "配对", "排序", "心得"]


@dataclass(frozen=True)
class Choice:
    """One answer line. ``fraction`` is the percentage it earns, as Moodle counts; negative takes away.

    By kind: an option with its fraction (单选, 多选) · 对 and then 错 (判断) · the spellings of one blank,
    parted by `` | `` (填空) · ``text`` left and ``right`` right, left empty for a spare (配对) · a step, in the
    right order (排序) · a criterion, ``fraction`` being its points (心得). ``letter`` is the author's, or empty
    where the format has none.
    """

    text: str
    feedback: str = ""
    fraction: float = 0.0
    letter: str = ""
    right: str = ""


@dataclass(frozen=True)
class Asked:
    """One question. Texts are Markdown; ``explanation`` ends in a line 依据：… where there are citations.

    ``labels`` are what other systems call tags or keywords, some of them ours (see ``labels``).
    ``whole`` says that only a complete answer earns anything. ``points`` is None where the format has none.
    ``category`` is the last folder of those that the other system kept it in.
    """

    kind: Kind
    stem: str
    choices: tuple[Choice, ...] = ()
    id: str = ""
    name: str = ""
    explanation: str = ""
    labels: tuple[str, ...] = ()
    points: float | None = None
    whole: bool = False
    prompts: tuple[str, ...] = ()
    category: str = ""


@dataclass(frozen=True)
class Incoming:
    """A question read from a bank: where it stands there, and what it is called (第 3 题“…”)."""

    asked: Asked
    place: Place
    who: str


@dataclass(frozen=True)
class Outgoing:
    """A module's questions on their way out; ``category`` is what they are filed under."""

    category: str
    questions: tuple[Asked, ...]


@dataclass
class Losses:
    """What is lost or changed, item by item: ``found`` grows while a bank is read or written.

    ``place`` and ``who`` (第 3 题“…”, or the item's id) are those of the question at hand.
    """

    place: Place
    who: str = ""
    found: list[Diagnostic] = field(default_factory=list)
    left_out: int = 0
    """How many questions were left out altogether by a writer."""

    def at(self, place: Place, number: int, name: str) -> None:
        """Go on to the question of that number (from 1) and name."""
        short = name.strip().replace("\n", " ")[:24]
        self.place, self.who = place, f"第 {number} 题" + (f"“{short}”" if short else "")

    def of(self, item_id: str) -> None:
        """Go on to the item of that id."""
        self.who = item_id

    def say(self, code: str, message: str, hint: str = "") -> None:
        """Note something about the question at hand."""
        self.found.append(self.place.says(code, f"{self.who}：{message}" if self.who else message, hint))

    def leave_out(self, message: str, hint: str) -> None:
        """Note that the question at hand is not in the file at all."""
        self.left_out += 1
        self.say("W662", f"{message}，没有导出", hint)

    def parts(self, code: str, parts: Sequence[str], hint: str) -> None:
        """Note several things of one kind in one sentence; nothing when there are none."""
        if parts:
            self.say(code, f"没有带过来：{'、'.join(dict.fromkeys(parts))}", hint)

    def left(self, parts: Sequence[str]) -> None:
        """Note what a text had that Markdown has no form for: W652 what is looked at or heard, W654 the rest."""
        visual = [part for part in parts if part.startswith(_VISUAL)]
        self.parts("W652", visual, "在原来的系统里核对这道题，缺了看不懂的就改写题干")
        self.parts("W654", [part for part in parts if part not in visual], "看看意思是否还完整；一般不用管")


def collect(
    questions: Iterable[tuple[Place, str, Callable[[], Asked]]],
    losses: Losses,
    hint: str,
    again: str = "请从原来的系统重新导出",
) -> tuple[Incoming, ...]:
    """Read the questions of a bank one after the other; one that cannot be taken never stops the others.

    ``questions`` are (place, name, reader). To ``losses``: W651 with ``hint`` for a question that is not taken, E135
    with ``again`` for a bank that has none, and E132 for one that has too many, of which nothing is returned.
    """
    found = []
    for number, (place, name, read) in enumerate(questions, 1):
        losses.at(place, number, name)
        if number > _MOST:
            losses.say("E132", f"题目超过了 {_MOST} 道，没有读完", "分几次导出，每次少选一些题")
            return ()
        try:
            found.append(Incoming(read(), losses.place, losses.who))
        except Unreadable as reason:
            losses.say("W651", f"没有导入：{reason}", reason.hint or hint)
        except RecursionError:
            losses.say("W651", "没有导入：题目的文字嵌套太深", hint)
    if not found and not losses.found:
        losses.found.append(Place(losses.place.file).says("E135", "文件里没有一道题", again))
    return tuple(found)
