"""Questions → Moodle XML, in the shape that Moodle 4 exports."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from qinlian.authoring.interchange.asked import Asked, Choice, Losses, Outgoing
from qinlian.authoring.interchange.cloze import has_cloze, write_cloze
from qinlian.authoring.interchange.leaving import letters_seen, names_letters
from qinlian.authoring.interchange.moodle_losses import tell_labels, tell_pairs, tell_whole
from qinlian.authoring.interchange.moodle_text import pattern, to_moodle
from qinlian.authoring.interchange.rubric import write_rubric
from qinlian.authoring.writer import number_text

__all__ = ["write_moodle"]

_TYPES = {
    "单选": "multichoice", "多选": "multichoice", "判断": "truefalse", "填空": "shortanswer", "配对": "matching",
    "排序": "ordering", "心得": "essay",
}  # fmt: skip


def write_moodle(banks: Sequence[Outgoing], losses: Losses) -> bytes:
    """The questions as one Moodle XML file; W662 to ``losses`` for what Moodle cannot hold."""
    quiz = Element("quiz")
    for bank in banks:
        category = SubElement(quiz, "question", type="category")
        _text(SubElement(category, "category"), f"$course$/top/{bank.category}")
        _formatted(category, "info", "", "moodle_auto_format")
        SubElement(category, "idnumber").text = ""
        for asked in bank.questions:
            losses.of(asked.id)
            _question(quiz, asked, losses)
    indent(quiz)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(quiz, encoding="unicode")}\n'.encode()


def _text(parent: Element, words: str) -> None:
    SubElement(parent, "text").text = words


def _formatted(parent: Element, tag: str, words: str, form: str = "markdown", **attrs: str) -> Element:
    node = SubElement(parent, tag, {**attrs, "format": form})
    _text(node, to_moodle(words) if form == "markdown" else words)
    return node


def _question(quiz: Element, asked: Asked, losses: Losses) -> None:
    blanks = len(asked.choices) if asked.kind == "填空" else 0
    if blanks and has_cloze(asked.stem):
        losses.leave_out("题干里有 Moodle 会当成填空的花括号", "改掉题干里 {1:…} 这样的写法")
        return
    node = SubElement(quiz, "question", type="cloze" if blanks > 1 else _TYPES[asked.kind])
    _text(SubElement(node, "name"), asked.name)
    _formatted(node, "questiontext", write_cloze(asked.stem, asked.choices) if blanks > 1 else asked.stem)
    _formatted(node, "generalfeedback", asked.explanation)
    for tag, value in (
        ("defaultgrade", number_text(asked.points or 1.0)),
        ("penalty", "1" if asked.kind == "判断" else "0.3333333"),
        ("hidden", "0"),
        ("idnumber", asked.id),
    ):
        SubElement(node, tag).text = value
    match asked.kind:
        case "单选" | "多选":
            _choices(node, asked, losses)
        case "判断":
            for side, choice in zip(("true", "false"), asked.choices, strict=True):
                _answer(node, side, "moodle_auto_format", choice, number_text(choice.fraction))
        case "填空":
            _blanks(node, asked, losses)
        case "配对":
            _pairs(node, asked, losses)
        case "排序":
            _steps(node, asked)
        case "心得":
            _essay(node, asked)
    tags = SubElement(node, "tags")
    tell_labels(asked, losses)
    for label in asked.labels:
        _text(SubElement(tags, "tag"), label)


def _answer(node: Element, words: str, form: str, choice: Choice, fraction: str) -> None:
    answer = _formatted(node, "answer", words, form, fraction=fraction)
    _formatted(answer, "feedback", choice.feedback)


def _choices(node: Element, asked: Asked, losses: Losses) -> None:
    named = names_letters(asked)
    SubElement(node, "single").text = "true" if asked.kind == "单选" else "false"
    SubElement(node, "shuffleanswers").text = "false" if named else "true"
    SubElement(node, "answernumbering").text = "ABCD"
    if named and not letters_seen(asked):
        losses.say(
            "W662", "选项字母不是从 A 连着写的，解析里提到的字母在 Moodle 里对不上", "导出后在 Moodle 里改解析里的字母"
        )
    tell_whole(asked, losses)
    for choice in asked.choices:
        _answer(node, choice.text, "markdown", choice, f"{choice.fraction:.5f}".rstrip("0").rstrip("."))


def _blanks(node: Element, asked: Asked, losses: Losses) -> None:
    if len(asked.choices) > 1:
        tell_whole(asked, losses)
        return
    SubElement(node, "usecase").text = "0"
    choice = asked.choices[0]
    for spelling in choice.text.split("|"):
        _answer(node, pattern(spelling.strip()), "moodle_auto_format", Choice(""), "100")
    if choice.feedback:
        _answer(node, "*", "moodle_auto_format", choice, "0")


def _pairs(node: Element, asked: Asked, losses: Losses) -> None:
    SubElement(node, "shuffleanswers").text = "true"
    tell_pairs(asked, losses, "Moodle")
    for choice in asked.choices:
        pair = _formatted(node, "subquestion", choice.text)
        _text(SubElement(pair, "answer"), choice.right)


def _steps(node: Element, asked: Asked) -> None:
    for tag, value in (
        ("layouttype", "VERTICAL"),
        ("selecttype", "ALL"),
        ("selectcount", "0"),
        ("gradingtype", "ALL_OR_NOTHING" if asked.whole else "ABSOLUTE_POSITION"),
        ("showgrading", "SHOW"),
        ("numberingstyle", "none"),
    ):
        SubElement(node, tag).text = value
    for place, choice in enumerate(asked.choices, 1):
        _answer(node, choice.text, "markdown", choice, f"{place}.0000000")


def _essay(node: Element, asked: Asked) -> None:
    for tag, value in (
        ("responseformat", "editor"),
        ("responserequired", "1"),
        ("responsefieldlines", "15"),
        ("attachments", "0"),
        ("attachmentsrequired", "0"),
    ):
        SubElement(node, tag).text = value
    _formatted(node, "graderinfo", write_rubric(asked))
    _formatted(node, "responsetemplate", "")
