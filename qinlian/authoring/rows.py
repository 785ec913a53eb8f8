"""One row of a workbook → one item."""

from __future__ import annotations

import re
from collections.abc import Sequence

from qinlian.authoring.placed import Placed
from qinlian.authoring.questions import split_citations, split_prompts
from qinlian.authoring.shapes import as_prose, tidy
from qinlian.authoring.sheets import Row
from qinlian.authoring.structure import ID, parse_points, parse_words, split_list
from qinlian.authoring.textfile import Place, nearest
from qinlian.core.diagnostics import Diagnostic
from qinlian.core.model import Element, Item, Use
from qinlian.core.width import narrow
from qinlian.items.base import ItemType, letter_at

__all__ = ["LETTERS", "ORDER", "column_of", "read_row"]

LETTERS = tuple(letter_at(i) for i in range(26))
ORDER = "选项次序"
"""The column that keeps the authored order where it is not that of the letters."""


def column_of(letter: str, index: int) -> str:
    """The letter of an element's columns: its own, or by its place where it has no Latin one (对, 错)."""
    return letter if re.fullmatch("[A-Z]", letter) else letter_at(index)


def read_row(row: Row, kind: ItemType, problems: list[Diagnostic]) -> Placed:
    """The item of a row, with an empty id where none is written; what is wrong goes to ``problems``.

    Problems: E124 answer, E201 id, E205 values, E208 misplaced text, E209 no stem.
    """
    return _RowReader(row, kind, problems).item()


class _RowReader:
    """One row → one item."""

    def __init__(self, row: Row, kind: ItemType, problems: list[Diagnostic]) -> None:
        self.row, self.kind, self.problems = row, kind, problems
        self.unread = set(row.unread)

    def say(self, header: str, code: str, message: str, hint: str) -> None:
        self.problems.append(self.row.at(header).says(code, message, hint))

    def item(self) -> Placed:
        elements = self.elements()
        stem = as_prose(self.row["题干"])
        if not stem:
            self.say("题干", "E209", "没有题干", "写上题干")
        points = sum(float(e.mark) for e in elements if e.mark) if self.kind.by_hand else self.points()
        item = Item(
            id=self.id(),
            kind=self.kind.label,
            stem=stem,
            elements=elements,
            use=self.use(),
            difficulty=self.difficulty(),
            topics=self.topics(),
            points=points or 1.0,
            rule=self.row["计分"].strip(),
            words=self.words(),
            prompts=split_prompts(as_prose(self.row["提示"])),
            explanation=as_prose(self.row["解析"], first=False),
            citations=split_citations(self.row["依据"].replace("\n", "；")),
            audience=split_list(self.row["对象"].replace("\n", "、")),
            body=self.body(),
        )
        return Placed(item, self.places(elements), unread=self.parts_unread())

    def parts_unread(self) -> frozenset[str]:
        """The parts of the item of which a cell could not be read or a column is missing."""
        needed = ("解析", "依据", "答案") if self.kind.has_answer_cell else ("解析", "依据")
        cells = self.unread | {h for h in needed if h not in self.row.places}
        lines = {"elements"} if any(h == "答案" or h[:2] == "选项" for h in cells) else set()
        return frozenset(cells & {"解析", "依据", "elements"} | lines)

    def places(self, elements: Sequence[Element]) -> dict[str, Place]:
        row = self.row
        places = {"id": row.at("题号"), "kind": row.at("题型"), "stem": row.at("题干")}
        places |= {name: row.at(name) for name in ("解析", "依据")}
        places |= {"提示": row.at("提示")} if row["提示"] else {}
        written = ("难度", "知识点", "分值", "计分", "字数", "用途", "对象")
        places |= {"body": row.at("正文")} | {name: row.at(name) for name in written if row[name]}
        for index, element in enumerate(elements):
            column = column_of(element.letter, index)
            # Where a type has no option cells, the answer is where its lines are written.
            places[f"element:{index}"] = row.at(f"选项{column}" if row[f"选项{column}"] else "答案")
            places[f"feedback:{index}"] = row.at(f"反馈{column}")
        return places

    def id(self) -> str:
        text = narrow(self.row["题号"]).strip()
        if text and not ID.fullmatch(text):
            self.say("题号", "E201", f"题号“{text}”不能用", "只用英文字母、数字、- 和 _，如 LZ-02-003")
            return "?"
        return text

    def elements(self) -> tuple[Element, ...]:
        row = self.row
        options = {c: self.option(c) for c in LETTERS if row[f"选项{c}"].strip()}
        order = narrow(row[ORDER]).strip().upper() or "".join(options)
        if sorted(order) != sorted(options):
            self.say(ORDER, "E124", "选项次序和填了的选项不符", "把每个选项的字母各写一次，或不填")
            order = "".join(options)
        try:
            lines = self.kind.from_cells(tuple((c, options[c]) for c in order), row["答案"])
        except ValueError as error:
            # With an option or the answer unread this would only say so again.
            if "elements" not in self.parts_unread():
                self.say("答案", "E124", str(error), "改好答案这一格")
            self.unread.add("elements")
            lines = tuple((c, "", options[c]) for c in order)
        columns = [column_of(letter, index) for index, (letter, _, _) in enumerate(lines)]
        for letter in LETTERS:
            if row[f"反馈{letter}"].strip() and letter not in columns:
                self.say(f"反馈{letter}", "E208", f"反馈{letter} 没有对应的选项", "移到对的一列，或清空")
        return tuple(
            Element(letter=letter, mark=mark, text=text, feedback=tidy(row[f"反馈{column}"]))
            for column, (letter, mark, text) in zip(columns, lines, strict=True)
        )

    def option(self, letter: str) -> str:
        text = tidy(self.row[f"选项{letter}"])
        if "\n" in text:
            self.say(f"选项{letter}", "E208", "选项里有换行", "选项只写一行")
            return " ".join(text.split("\n"))
        return text

    def body(self) -> str:
        text = tidy(self.row["正文"])
        if text and not self.kind.has_body:
            self.say("正文", "E208", f"{self.kind.label}没有正文", "清空这一格，或改题型")
            return ""
        return text

    def use(self) -> Use:
        text = self.row["用途"].strip()
        if self.kind.by_hand:
            if text not in ("", "心得"):
                self.say("用途", "E205", f"心得的用途不能是“{text}”", "不填")
            return "心得"
        if text not in ("", "练习", "测验"):
            self.say("用途", "E205", f"用途不能是“{text}”", nearest(text, ("练习", "测验")))
        return "练习" if text == "练习" else "测验"

    def points(self) -> float | None:
        text = narrow(self.row["分值"]).strip()
        value = parse_points(text)
        if text and value is None:
            self.say("分值", "E205", f"分值不能是“{text}”", "写大于 0 的数，最多两位小数，如 2 或 1.5")
        return value

    def difficulty(self) -> int:
        text = narrow(self.row["难度"]).strip()
        if text not in ("", "1", "2", "3"):
            self.say("难度", "E205", f"难度不能是“{text}”", "写 1、2 或 3")
            return 1
        return int(text or 1)

    def topics(self) -> tuple[str, ...]:
        topics = split_list(self.row["知识点"].replace("\n", "、"))
        for topic in topics:
            if re.search('["{}]', narrow(topic)):
                self.say("知识点", "E205", f"知识点“{topic}”里有引号或花括号", "删掉这些符号")
        return topics

    def words(self) -> tuple[int, int] | None:
        text = narrow(self.row["字数"]).strip()
        value = parse_words(text)
        if text and value is None:
            self.say("字数", "E205", f"字数不能是“{text}”", "写成 200-800")
        return value
