"""GIFT → questions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from qinlian.authoring.interchange.asked import LONGEST_TEXT, Asked, Choice, Incoming, Kind, Losses, Unreadable, collect
from qinlian.authoring.interchange.cloze import short_answer
from qinlian.authoring.interchange.moodle_text import category_name, from_moodle
from qinlian.authoring.interchange.rubric import read_rubric
from qinlian.authoring.textfile import Place
from qinlian.core.diagnostics import Diagnostic

__all__ = ["RUBRIC", "read_gift"]

RUBRIC = "评分细则："
"""The line before the criteria of a 心得, at the end of its general feedback."""

_FORMATS = {"html": "html", "moodle": "moodle_auto_format", "plain": "plain_text", "markdown": "markdown"}
_FORMAT = re.compile(r"\s*\[(html|moodle|plain|markdown)\]")
_ID = re.compile(r"\[id:((?:\\\]|[^\]])+)\]")
_TAG = re.compile(r"\[tag:((?:\\\]|[^\]])+)\]")
_SHARE = re.compile(r"%(-?[0-9]{1,3}(?:\.[0-9]*)?)%")
_TRUE, _FALSE = ("T", "TRUE"), ("F", "FALSE")

_OTHER_GRADING = (
    "RELATIVE_NEXT_EXCLUDE_LAST",
    "RELATIVE_NEXT_INCLUDE_LAST",
    "RELATIVE_ONE_PREVIOUS_AND_NEXT",
    "RELATIVE_ALL_PREVIOUS_AND_NEXT",
    "LONGEST_ORDERED_SUBSET",
    "LONGEST_CONTIGUOUS_SUBSET",
    "RELATIVE_TO_CORRECT",
)

# An escaped sign is set aside as one of these while the text is taken apart.
_SET_ASIDE = {sign: chr(0xE000 + i) for i, sign in enumerate("~=#{}:\\")}
_BACK = {ord(held): sign for sign, held in _SET_ASIDE.items()} | {0xE010: "\n"}


@dataclass(frozen=True)
class _Block:
    """The lines between two blank lines: text, comments above or within, where it begins."""

    text: str
    comments: str
    line: int


def read_gift(text: str, file: str) -> tuple[tuple[Incoming, ...], tuple[Diagnostic, ...]]:
    """(questions, diagnostics) of a GIFT file.

    E132 too many questions, E135 a question that cannot be taken apart, each at its line; W651 questions not
    taken, W652 pictures, W653 marks, W654 the rest.
    """
    losses = Losses(Place(file))
    found = collect(_questions(text, file, losses), losses, "改好原文件再导入，或在课程里重新写")
    return found, tuple(losses.found)


def _questions(text: str, file: str, losses: Losses) -> Iterator[tuple[Place, str, Callable[[], Asked]]]:
    category = ""
    for block in _blocks(text):
        if block.text.startswith("$CATEGORY:"):
            category = category_name(block.text.removeprefix("$CATEGORY:"))
        else:
            question = _Question(block, category, losses)
            yield Place(file, block.line, 1), question.name or question.start, question.read


def _blocks(text: str) -> Iterator[_Block]:
    """Questions are parted by blank lines; an escaped line break is none, and comments are set apart."""
    lines: list[str] = []
    comments: list[str] = []
    start = 0
    for number, line in enumerate([*text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), ""], 1):
        bare = line.strip()
        if bare.startswith("//"):
            comments.append(bare)
        elif bare.startswith("$CATEGORY:"):
            if lines:
                yield _Block("\n".join(lines).strip(), "\n".join(comments), start)
            lines, comments = [], []
            yield _Block(bare, "", number)
        elif bare:
            start = start if lines else number
            lines.append(line)
        elif lines:
            yield _Block("\n".join(lines).strip(), "\n".join(comments), start)
            lines, comments = [], []


def _set_aside(text: str) -> str:
    """Escaped signs replaced by what stands for them, so that what is left is structure."""
    return re.sub(
        r"\\(.)", lambda m: chr(0xE010) if m[1] == "n" else _SET_ASIDE.get(m[1], f"\\{m[1]}"), text, flags=re.S
    )


def _plain(text: str) -> str:
    return text.translate(_BACK)


class _Question:
    """One block: its name, its text and what stands in the braces."""

    def __init__(self, block: _Block, category: str, losses: Losses) -> None:
        self.block, self.category, self.losses = block, category, losses
        # The signs that stand in for escaped ones belong to nobody: a text that has them loses them.
        text = _set_aside(re.sub("[\ue000-\ue010]", "", block.text))
        named = re.match(r"::(.*?)::", text, re.S)
        self.name = _plain(named[1]).strip() if named else ""
        self.body = text[named.end() :].strip() if named else text
        self.start = _plain(self.body.partition("{")[0]).strip()
        self.form = "moodle_auto_format"

    def read(self) -> Asked:
        if len(self.body) > 2 * LONGEST_TEXT:
            raise Unreadable(f"题目长 {len(self.body)} 字，没有读取")
        begin, end = self.body.find("{"), self.body.find("}")
        if begin < 0 and end < 0:
            raise Unreadable("本课程没有这种题型（说明文字，不是题）")
        if begin < 0 or end < begin or "{" in self.body[begin + 1 :]:
            raise Unreadable("花括号没有配成一对；正文里的花括号要写成 \\{ 和 \\}")
        inside = self.body[begin + 1 : end].strip()
        before, after = self.body[:begin], self.body[end + 1 :]
        stem = f"{before}____{after}" if after.strip() else before
        form = _FORMAT.match(stem)
        if form:
            self.form, stem = _FORMATS[form[1]], stem[form.end() :]
        answers, mark, general = inside.rpartition("####")
        if not mark:
            answers, general = inside, ""
        return self._asked(self.plain_text(stem, self.form), answers.strip(), self.text(general))

    def text(self, raw: str) -> str:
        """A text in its format as our Markdown."""
        form = _FORMAT.match(raw)
        kind = _FORMATS[form[1]] if form else self.form
        return self.plain_text(raw[form.end() :] if form else raw, kind)

    def plain_text(self, raw: str, form: str) -> str:
        return from_moodle(_plain(raw).strip(), form, self.losses)

    def _asked(self, stem: str, inside: str, explanation: str) -> Asked:
        first = inside.split("#", 1)[0].strip()
        prompts: tuple[str, ...] = ()
        whole = False
        kind: Kind
        if not inside:
            kind = "心得"
            choices, prompts, explanation = self.criteria(explanation)
        elif inside.startswith(">") or first.startswith(">"):
            kind, choices, whole = "排序", *self.steps(inside)
        elif inside.startswith("#"):
            kind, choices = "填空", self.numbers(inside[1:])
        elif "~" in inside:
            kind, choices = self.options(inside)
        elif "=" in inside and "->" in inside:
            kind, choices = "配对", self.pairs(inside)
        elif first.upper() in _TRUE + _FALSE:
            kind, choices = "判断", self.sides(inside, first.upper() in _TRUE)
        else:
            kind, choices = "填空", [short_answer(list(self.answers(inside)), self.losses)]
        return Asked(
            kind=kind,
            stem=stem,
            choices=tuple(choices),
            id=next((m[1].replace("\\]", "]").strip() for m in _ID.finditer(self.block.comments)), ""),
            name=self.name,
            explanation=explanation,
            labels=tuple(m[1].replace("\\]", "]").strip() for m in _TAG.finditer(self.block.comments)),
            whole=whole,
            prompts=prompts,
            category=self.category,
        )

    def parted(self, text: str) -> tuple[str, str]:
        """(answer, feedback), raw."""
        answer, _, feedback = text.partition("#")
        return answer.strip(), feedback.strip()

    def shared(self, text: str, usual: float) -> tuple[str, float]:
        """(text, percentage) of an answer that may begin with ``%50%``."""
        found = _SHARE.match(text)
        return (text[found.end() :].strip(), float(found[1])) if found else (text, usual)

    def options(self, inside: str) -> tuple[Kind, list[Choice]]:
        single = "=" in inside
        choices = []
        for piece in inside.replace("=", "~=").split("~"):
            if not piece.strip():
                continue
            right = piece.strip().startswith("=")
            # As in Moodle, what follows = is the answer itself and never a share.
            raw, share = (piece.strip()[1:].strip(), 100.0) if right else self.shared(piece.strip(), 0.0)
            answer, feedback = self.parted(raw)
            choices.append(Choice(self.text(answer), self.text(feedback), share))
        if len(choices) < 2:
            raise Unreadable("选项不到两个")
        return "单选" if single else "多选", choices

    def answers(self, inside: str) -> Iterator[tuple[str, float, str]]:
        """(pattern, percentage, feedback) of each short answer."""
        for piece in inside.split("="):
            if piece.strip():
                raw, share = self.shared(piece.strip(), 100.0)
                answer, feedback = self.parted(raw)
                yield _plain(answer), share, self.text(feedback)

    def numbers(self, inside: str) -> list[Choice]:
        answers = []
        for piece in inside.partition("~")[0].split("="):
            raw, share = self.shared(piece.strip(), 100.0)
            answer, feedback = self.parted(raw)
            value, _, margin = answer.partition(":")
            if ".." in answer or any(sign.isdecimal() and sign != "0" for sign in margin):
                raise Unreadable("本课程没有这种题型（有误差范围的数值题）")
            if value.strip():
                answers.append((value.strip(), share, self.text(feedback)))
        if not answers:
            raise Unreadable("没有写答案")
        return [short_answer(answers, self.losses)]

    def pairs(self, inside: str) -> list[Choice]:
        choices = []
        for piece in inside.split("="):
            if not piece.strip():
                continue
            left, arrow, right = piece.partition("->")
            if not arrow:
                raise Unreadable("配对里有一行没有写 ->")
            # A right side has no format of its own: it is shown as it stands, or is ours.
            form = "markdown" if self.form == "markdown" else "plain_text"
            choices.append(Choice(self.text(left), right=self.plain_text(right, form)))
        return choices

    def sides(self, inside: str, true: bool) -> list[Choice]:
        _, *feedback = inside.split("#", 2)
        wrong = self.text(feedback[0]) if feedback else ""
        right = self.text(feedback[1]) if len(feedback) > 1 else ""
        return [
            Choice("", right if true else wrong, 100.0 * true),
            Choice("", wrong if true else right, 100.0 * (not true)),
        ]

    def steps(self, inside: str) -> tuple[list[Choice], bool]:
        head, *lines = inside.split("\n")
        words = head.split()
        whole = "ALL_OR_NOTHING" in words
        steps = [Choice(self.text(line.strip())) for line in lines if line.strip()]
        if len(steps) < 2:
            raise Unreadable("排序的步骤不到两步")
        grading = [word for word in words if word in _OTHER_GRADING]
        if grading:
            self.losses.say("W653", f"原来的排序计分方式（{grading[0]}）没有带过来", "按位计分：位置放对的比例")
        return steps, whole

    def criteria(self, explanation: str) -> tuple[list[Choice], tuple[str, ...], str]:
        head, mark, tail = explanation.rpartition(RUBRIC)
        criteria, prompts, rest = read_rubric(tail) if mark else ((), (), "")
        if mark and not rest and criteria:
            return list(criteria), prompts, head.strip()
        self.losses.say("W653", "没有评分细则", "写上评分细则，如 - [10] A. 联系本人岗位；各项分数加起来就是满分")
        return [], (), explanation
