"""Moodle XML → questions."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from dataclasses import replace

from qinlian.authoring.interchange.asked import Asked, Choice, Incoming, Kind, Losses, Unreadable, collect
from qinlian.authoring.interchange.cloze import read_cloze, short_answer
from qinlian.authoring.interchange.credit import figure
from qinlian.authoring.interchange.moodle_text import category_name, from_moodle
from qinlian.authoring.interchange.rubric import take_rubric
from qinlian.authoring.interchange.safexml import Node, parse_xml
from qinlian.authoring.textfile import Place
from qinlian.core.diagnostics import Diagnostic

__all__ = ["read_moodle"]

_NOT_TAKEN = {
    "description": "说明文字，不是题", "calculated": "计算题", "calculatedsimple": "简单计算题",
    "calculatedmulti": "计算选择题", "numerical": "有误差范围的数值题", "ddwtos": "拖放填词",
    "ddimageortext": "拖放到图上", "ddmarker": "图上标记", "gapselect": "下拉选词", "randomsamatch": "随机配对",
    "random": "随机抽题", "coderunner": "编程题", "stack": "数学题", "wordselect": "选词", "gapfill": "拖放填空",
}  # fmt: skip


def read_moodle(text: str, file: str) -> tuple[tuple[Incoming, ...], tuple[Diagnostic, ...]]:
    """(questions, diagnostics) of a Moodle XML file.

    E132, E133 and E135 leave nothing; W651 questions not taken, W652 pictures and files, W653 marks, W654 the rest.
    """
    root, problems = parse_xml(text, Place(file))
    if root is None:
        return (), problems
    losses = Losses(Place(file))
    found = collect(_questions(root, file, losses), losses, "需要的话在课程里重新写")
    return found, tuple(losses.found)


def _questions(root: Node, file: str, losses: Losses) -> Iterator[tuple[Place, str, Callable[[], Asked]]]:
    category = ""
    for node in root.all("question"):
        if node.attrs.get("type") == "category":
            path = node.first("category")
            category = category_name(path.text_of("text") if path else "")
        else:
            question = _Question(node, category, losses)
            yield Place(file, node.line, 1), question.name, question.read


class _Question:
    """One ``<question>``."""

    def __init__(self, node: Node, category: str, losses: Losses) -> None:
        self.node, self.category, self.losses = node, category, losses
        name = node.first("name")
        self.name = name.text_of("text") if name else ""

    def read(self) -> Asked:
        kind = self.node.attrs.get("type", "")
        readers: dict[str, Callable[[], Asked]] = {
            "multichoice": self.choice, "multichoiceset": self.choice, "truefalse": self.truefalse,
            "shortanswer": self.short, "numerical": self.numerical, "cloze": self.cloze, "multianswer": self.cloze,
            "matching": self.matching, "match": self.matching, "ordering": self.ordering, "essay": self.essay,
        }  # fmt: skip
        if kind not in readers:
            raise Unreadable(f"本课程没有这种题型（{_NOT_TAKEN.get(kind, kind[:20] or '没有写题型')}）")
        asked = readers[kind]()
        self.rest()
        return asked

    def text(self, node: Node | None, default: str = "moodle_auto_format") -> str:
        """The text of an element that holds one, in its format; files in it are named as not taken."""
        if node is None:
            return ""
        files = [f.attrs.get("name", "") for f in node.all("file")]
        self.losses.parts(
            "W652", [f"文件 {name[:30]}" for name in files], "在原来的系统里核对这道题，缺了看不懂的就改写题干"
        )
        holder = node.first("text")
        words = holder.own_text if holder else node.own_text
        return from_moodle(words, node.attrs.get("format", default), self.losses)

    def asked(self, kind: Kind, choices: list[Choice], stem: str | None = None, *, whole: bool = False) -> Asked:
        node = self.node
        labels = [
            tag.text_of("text") or tag.own_text.strip()
            for tags in node.all("tags", "coursetags")
            for tag in tags.all("tag")
        ]
        grade = node.text_of("defaultgrade")
        return Asked(
            kind=kind,
            stem=self.text(node.first("questiontext")) if stem is None else stem,
            choices=tuple(choices),
            id=node.text_of("idnumber"),
            name=self.name,
            explanation=self.text(node.first("generalfeedback")),
            labels=tuple(filter(None, labels)),
            points=figure(grade) if grade else None,
            whole=whole,
            category=self.category,
        )

    def answers(self) -> list[Choice]:
        return [
            Choice(self.text(a), self.text(a.first("feedback"), "html"), figure(a.attrs.get("fraction", "0")))
            for a in self.node.all("answer")
        ]

    def choice(self) -> Asked:
        single = self.node.text_of("single").lower() in ("true", "1", "")
        many = self.node.attrs.get("type") == "multichoiceset"
        choices = self.answers()
        if many:
            choices = [Choice(c.text, c.feedback, 100.0 if c.fraction > 0 else 0.0) for c in choices]
        return self.asked("多选" if many or not single else "单选", choices, whole=many)

    def truefalse(self) -> Asked:
        sides = {a.text_of("text").lower(): a for a in self.node.all("answer")}
        choices = []
        for side in ("true", "false"):
            answer = sides.get(side)
            feedback = self.text(answer.first("feedback"), "html") if answer else ""
            choices.append(Choice("", feedback, figure(answer.attrs.get("fraction", "0")) if answer else 0.0))
        return self.asked("判断", choices)

    def short(self) -> Asked:
        if self.node.text_of("usecase") == "1":
            self.losses.say("W653", "原来区分大小写，这里不区分", "一般不用管")
        answers = [
            (a.text_of("text"), figure(a.attrs.get("fraction", "0")), self.text(a.first("feedback"), "html"))
            for a in self.node.all("answer")
        ]
        return self.asked("填空", [short_answer(answers, self.losses)])

    def numerical(self) -> Asked:
        if any(figure(a.text_of("tolerance") or "0") for a in self.node.all("answer")):
            raise Unreadable(f"本课程没有这种题型（{_NOT_TAKEN['numerical']}）")
        return self.short()

    def cloze(self) -> Asked:
        body = self.node.first("questiontext")
        holder = body.first("text") if body else None
        form = body.attrs.get("format", "html") if body else "html"
        read = read_cloze(holder.own_text if holder else "", self.losses)
        if read is None:
            raise Unreadable("完形填空里有选择、数值等别的空，本课程的填空只能填文字")
        stem, choices = read
        if form != "markdown":
            choices = tuple(Choice(html.unescape(c.text), html.unescape(c.feedback)) for c in choices)
        return self.asked("填空", list(choices), from_moodle(stem, form, self.losses))

    def matching(self) -> Asked:
        choices = []
        for pair in self.node.all("subquestion"):
            answer = pair.first("answer")
            # A right side has no format of its own: it is shown as it stands, or is ours.
            form = "markdown" if pair.attrs.get("format") == "markdown" else "plain_text"
            choices.append(Choice(self.text(pair), right=self.text(answer, form) if answer else ""))
        return self.asked("配对", choices)

    def ordering(self) -> Asked:
        answers = list(zip(self.node.all("answer"), self.answers(), strict=True))
        answers.sort(key=lambda pair: figure(pair[0].attrs.get("fraction", "0")))
        grading = self.node.text_of("gradingtype")
        if grading not in ("", "ABSOLUTE_POSITION", "ALL_OR_NOTHING", "0", "-1"):
            self.losses.say("W653", f"原来的排序计分方式（{grading[:40]}）没有带过来", "按位计分：位置放对的比例")
        if self.node.text_of("selecttype") not in ("", "ALL", "0"):
            self.losses.say("W653", "原来每次只抽几步来排，这里总是排全部的步骤", "步骤多于 8 步的，删去次要的")
        return self.asked("排序", [choice for _, choice in answers], whole=grading in ("ALL_OR_NOTHING", "-1"))

    def essay(self) -> Asked:
        points = figure(self.node.text_of("defaultgrade") or "1")
        criteria, prompts = take_rubric(self.text(self.node.first("graderinfo")), points, self.losses)
        if self.text(self.node.first("responsetemplate")):
            self.losses.parts("W654", ["作答的模板"], "需要时写进题干")
        asked = self.asked("心得", list(criteria))
        return replace(asked, prompts=prompts)

    def rest(self) -> None:
        """Name what is there and has no place in an item."""
        parts = []
        for tag in ("correctfeedback", "partiallycorrectfeedback", "incorrectfeedback"):
            node = self.node.first(tag)
            if node and _worth_telling(node):
                parts.append("整题的反馈（答对、部分对、答错）")
        if any(hint.text_of("text") for hint in self.node.all("hint")):
            parts.append("答错后的提示")
        if self.node.text_of("hidden") == "1":
            parts.append("“隐藏”的状态")
        self.losses.parts("W654", parts, "需要时写进解析或选项的反馈")


_STANDARD = (
    "您的回答正确",
    "您的答案正确",
    "回答正确",
    "部分正确",
    "回答不正确",
    "答案错误",
    "回答错误",
    "your answer is",
)


def _worth_telling(node: Node) -> bool:
    """True when a feedback is none of the sentences that the system puts there by itself."""
    text = node.text_of("text").lower()
    return bool(text) and not any(word in text for word in _STANDARD)
