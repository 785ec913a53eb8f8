"""A decision case as its author writes it: nodes, passages and choices, read from the item's body."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from qinlian.core.width import narrow
from qinlian.items.base import BodyText, Finding
from qinlian.items.body import BodyLine, Braced, Section, read_braces, sections

__all__ = ["CHOICE_SAMPLE", "Choice", "Condition", "Node", "Parsed", "Passage", "Story", "parse"]

CHOICE_SAMPLE = "- A. 选项 → 节点名 {得分=2}"
MOST_POINTS = 1000

_CHOICE = re.compile(r"\s*-\s*(?P<letter>[A-Z])\s*[.、]\s*")
_BULLET = r"\s*[-*+•·●○◦—–]+\s*"
_LIKE_CHOICE = re.compile(
    rf"(?:{_BULLET})?(?:[\[(]\s*[xX√✓]?\s*[\])]\s*)?[A-Z]\s*[.、:](?![A-Za-z0-9])|{_BULLET}[a-z]\s*[.、:]|{_BULLET}.*(?:→|->|=>|⇒)"
)
_ARROW = re.compile(r"\s*(?:→|->|=>|⇒)\s*")
_LABEL = re.compile(r"\s*(?P<label>依据|解析)\s*:\s*")
_FEEDBACK = re.compile(r"\s*> ?")
_LEADING = re.compile(r"\s*\{[^{}]*\}\s*")
_STRAY = re.compile(r"(?<!\\)[{}]")
_OUR_BACKSLASH = re.compile(r"(\s*)\\(?=[^!-/:-@\[-`{-~])")
_POINTS = re.compile(r"\d{1,4}(?:\.\d{1,2})?")
_CONDITIONS = ("若", "若无")


@dataclass(frozen=True)
class Condition:
    """What must have been remembered (``needs``) and what must not (``bars``)."""

    needs: tuple[str, ...] = ()
    bars: tuple[str, ...] = ()

    def holds(self, flags: Collection[str]) -> bool:
        """True when it is met by what has been remembered so far."""
        return all(f in flags for f in self.needs) and not any(f in flags for f in self.bars)


@dataclass(frozen=True)
class Passage:
    """Paragraphs of a node that are shown together."""

    text: str
    condition: Condition
    line: int


@dataclass(frozen=True)
class Choice:
    """One choice; ``node`` and ``letter`` together name it for good."""

    node: str
    letter: str
    text: str
    to: str
    points: float
    final: bool
    sets: tuple[str, ...]
    condition: Condition
    feedback: str
    citations: tuple[BodyText, ...]
    line: int
    column_to: int
    braced: Braced = field(compare=False)

    @property
    def hundredths(self) -> int:
        """Its points times 100: sums of these are exact."""
        return round(self.points * 100)


@dataclass(frozen=True)
class Node:
    """One scene; ``line`` is that of its heading."""

    name: str
    ending: bool
    passages: tuple[Passage, ...]
    choices: tuple[Choice, ...]
    line: int


@dataclass(frozen=True)
class Story:
    """All nodes in the order written; the first is where it begins."""

    nodes: tuple[Node, ...]

    def node(self, name: str) -> Node:
        """The node of that name; raises KeyError."""
        for node in self.nodes:
            if node.name == name:
                return node
        raise KeyError(name)

    @property
    def choices(self) -> Iterator[Choice]:
        """Every choice of every node."""
        return (choice for node in self.nodes for choice in node.choices)


@dataclass(frozen=True)
class Parsed:
    """A body as far as it could be read, and every line that could not."""

    story: Story
    problems: tuple[Finding, ...]


@lru_cache(maxsize=256)
def parse(body: str) -> Parsed:
    """Read a body; never stops at the first problem."""
    found, problems = sections(body, words=("结局",))
    for number, text in enumerate(body.split("\n")[: found[0].heading.number if found else 0]):
        if text.strip():
            line = BodyLine(number, text, narrow(text))
            problems.append(line.says("故事要从 #### 标题开始", "先写 #### 节点名"))
    nodes = []
    for section in found:
        reader = _Reader(section)
        nodes.append(reader.node())
        problems += reader.problems
    return Parsed(Story(tuple(nodes)), tuple(problems))


def _named(text: str) -> str:
    """A node's name or a thing remembered, in the one form in which it is compared."""
    return re.sub(r"\s+", " ", narrow(text)).strip()


def _things(braced: Braced, name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(t for t in map(_named, re.split("[、，,]", braced.get(name))) if t))


def _condition(braced: Braced) -> Condition:
    return Condition(_things(braced, "若"), _things(braced, "若无"))


@dataclass
class _Draft:
    """One choice while its lines are read."""

    line: BodyLine
    letter: str
    text: str
    to: str
    column_to: int
    braced: Braced
    points: float
    feedback: list[str] = field(default_factory=list)
    citations: list[BodyText] = field(default_factory=list)

    def choice(self, node: str) -> Choice:
        return Choice(
            node=node,
            letter=self.letter,
            text=self.text,
            to=self.to,
            points=self.points,
            final="不可撤回" in self.braced,
            sets=_things(self.braced, "记住"),
            condition=_condition(self.braced),
            feedback="\n".join(self.feedback).strip(),
            citations=tuple(self.citations),
            line=self.line.number,
            column_to=self.column_to,
            braced=self.braced,
        )


class _Reader:
    """Reads one section into a node."""

    def __init__(self, section: Section) -> None:
        self.problems: list[Finding] = []
        self._section = section
        self._passages: list[Passage] = []
        self._paragraph: list[str] = []
        self._condition = Condition()
        self._begun = section.heading
        self._choices: list[_Draft] = []
        # A line that looks like a choice ends the prose even where it cannot be read as one.
        self._choosing = False

    def node(self) -> Node:
        """The node; ``problems`` are what could not be read."""
        for line in self._section.lines:
            self._line(line)
        self._close()
        name = _named(self._section.title)
        return Node(
            name=name,
            ending="结局" in self._section.braced,
            passages=tuple(self._passages),
            choices=tuple(draft.choice(name) for draft in self._choices),
            line=self._section.heading.number,
        )

    def _line(self, line: BodyLine) -> None:
        if _LIKE_CHOICE.match(line.narrow):
            self._close()
            self._choosing = True
            self._choice(line)
        elif label := _LABEL.match(line.narrow):
            self._label(line, label)
        elif not self._choosing:
            self._prose(line)
        elif found := _FEEDBACK.match(line.narrow):
            if self._choices:
                self._choices[-1].feedback.append(line.text[found.end() :].rstrip())
        elif line.text.strip():
            hint = "反馈以 > 开头；选项只写一行；别的文字移到选项之前"
            self.problems.append(line.says("选项下面只写反馈、依据或下一个选项", hint))

    def _prose(self, line: BodyLine) -> None:
        if not line.text.strip():
            if self._condition != Condition():
                self._close()
            elif self._paragraph:
                self._paragraph.append("")
            return
        text, begins = line.text, 0
        if leading := _LEADING.match(line.narrow):
            self._close()
            begins = leading.end()
            head = BodyLine(line.number, line.text[:begins], line.narrow[:begins])
            braced, problems = read_braces(head, (), _CONDITIONS)
            if not braced.values and not problems:
                problems.append(line.says("花括号里没有写条件", "写成 {若=几个字} 或 {若无=几个字}"))
            self.problems += problems
            self._condition = _condition(braced)
            text = line.text[begins:]
        elif self._condition != Condition() and self._paragraph:
            # A condition holds for its own line: what stands below, with or without a gap, is for everybody.
            self._close()
        if stray := _STRAY.search(line.narrow, begins):
            what = "正文里的花括号只写在一段的开头"
            self.problems.append(line.says(what, "条件写在段首；不是条件就在前面加 \\", stray.start()))
        if not self._paragraph:
            self._begun = line
        self._paragraph.append(_OUR_BACKSLASH.sub(r"\1", text, count=1).rstrip())

    def _close(self) -> None:
        """End the passage that is being read."""
        text = "\n".join(self._paragraph).strip()
        if text:
            self._passages.append(Passage(text, self._condition, self._begun.number))
        elif self._condition != Condition():
            self.problems.append(self._begun.says("条件后面没有写文字", "补上这一段，或删掉条件"))
        self._paragraph, self._condition = [], Condition()

    def _label(self, line: BodyLine, label: re.Match[str]) -> None:
        if label["label"] == "解析":
            self.problems.append(line.says("解析写在正文之前", "移到第一个 #### 标题前面；这一步的道理写成 > 反馈"))
        elif not self._choosing:
            self.problems.append(line.says("依据写在选项下面", "移到它所说的那个选项下面"))
        elif self._choices:
            draft = self._choices[-1]
            if draft.citations:
                self.problems.append(line.says("“依据”写了两次", "合成一行，用；隔开"))
            offset = label.end()
            for part in re.finditer("[^；;]+", line.text[offset:]):
                if text := part.group().strip():
                    column = offset + part.start() + part.group().index(text)
                    draft.citations.append(BodyText(text, line.number, column))

    def _choice(self, line: BodyLine) -> None:
        head = _CHOICE.match(line.narrow)
        if not head:
            self.problems.append(
                line.says("这一行像选项，却没有写完整", f"写成 {CHOICE_SAMPLE}；若是正文，在行首加 \\")
            )
            return
        braced, problems = read_braces(line, ("不可撤回",), ("得分", "记住", *_CONDITIONS))
        self.problems += problems
        if problems and not braced.values:
            return
        arrows = list(_ARROW.finditer(line.narrow, head.end(), braced.start))
        text = line.text[head.end() : arrows[-1].start() if arrows else braced.start].strip()
        to = line.text[arrows[-1].end() : braced.start].strip() if arrows else ""
        if not arrows or not text or not to:
            what = "选项没有写" + ("走到哪个节点" if text else "文字")
            self.problems.append(line.says(what, f"写成 {CHOICE_SAMPLE}", head.end()))
            return
        points, column = self._points(line, braced), arrows[-1].end()
        self._choices.append(_Draft(line, head["letter"], text, _named(to), column, braced, points))

    def _points(self, line: BodyLine, braced: Braced) -> float:
        raw = narrow(braced.get("得分", "0"))
        if _POINTS.fullmatch(raw) and float(raw) <= MOST_POINTS:
            return float(raw)
        what = f"得分不能是“{braced.get('得分')}”"
        self.problems.append(line.says(what, "写 0 或正数，最多两位小数，如 2 或 1.5", braced.column("得分"), "E328"))
        return 0.0
