"""How a QTI item is marked: declarations, and the processing that says exactly what our rules say."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement

from qinlian.authoring.interchange.asked import Asked, Choice
from qinlian.authoring.interchange.credit import PERCENT
from qinlian.authoring.writer import number_text

__all__ = ["declare", "process", "response_of"]

_EXPLANATION = "EXPLANATION"


def response_of(asked: Asked, choice: Choice) -> str:
    """The identifier of a pair's right side: equal right sides are one, under their first letter."""
    same = sorted(c.letter for c in asked.choices if c.right == choice.right)
    return f"R_{same[0]}"


def _identifiers(asked: Asked) -> list[str]:
    return ["true", "false"] if asked.kind == "判断" else [c.letter for c in asked.choices]


def declare(root: Element, asked: Asked) -> None:
    """Response and outcome declarations."""
    points = asked.points or 1.0
    each = points / max(1, len(asked.choices))
    names = _identifiers(asked)
    match asked.kind:
        case "单选" | "判断":
            right = [n for n, c in zip(names, asked.choices, strict=True) if c.fraction > 0]
            _response(root, "RESPONSE", "single", "identifier", right, [(n, points) for n in right])
        case "多选":
            right = [n for n, c in zip(names, asked.choices, strict=True) if c.fraction > 0]
            shares = [(n, points * c.fraction / PERCENT) for n, c in zip(names, asked.choices, strict=True)]
            _response(root, "RESPONSE", "multiple", "identifier", right, [] if asked.whole else shares, points)
        case "填空":
            for choice in asked.choices:
                spellings = [s.strip() for s in choice.text.split("|")]
                shares = [(s, each) for s in dict.fromkeys(spellings)]
                _response(root, f"RESPONSE_{choice.letter}", "single", "string", spellings[:1], shares)
        case "配对":
            pairs = [f"{c.letter} {response_of(asked, c)}" for c in asked.choices if c.text]
            each = points / max(1, len(pairs))
            shares = [] if asked.whole else [(p, each) for p in pairs]
            _response(root, "RESPONSE", "multiple", "directedPair", pairs, shares)
        case "排序":
            _response(root, "RESPONSE", "ordered", "identifier", names, [])
        case "心得":
            SubElement(root, "responseDeclaration", identifier="RESPONSE", cardinality="single", baseType="string")
    score = {"identifier": "SCORE", "cardinality": "single", "baseType": "float", "normalMaximum": number_text(points)}
    _valued(SubElement(root, "outcomeDeclaration", score), "0")
    most = {"identifier": "MAXSCORE", "cardinality": "single", "baseType": "float"}
    _valued(SubElement(root, "outcomeDeclaration", most), number_text(points))
    SubElement(root, "outcomeDeclaration", identifier="FEEDBACK", cardinality="multiple", baseType="identifier")


def _valued(node: Element, value: str) -> None:
    SubElement(SubElement(node, "defaultValue"), "value").text = value


def _response(
    root: Element,
    identifier: str,
    cardinality: str,
    base: str,
    right: Sequence[str],
    shares: Sequence[tuple[str, float]],
    most: float | None = None,
) -> None:
    node = SubElement(root, "responseDeclaration", identifier=identifier, cardinality=cardinality, baseType=base)
    correct = SubElement(node, "correctResponse")
    for name in right:
        SubElement(correct, "value").text = name
    if not shares:
        return
    attrs = {"defaultValue": "0"}
    if most is not None:
        attrs |= {"lowerBound": "0", "upperBound": number_text(most)}
    mapping = SubElement(node, "mapping", attrs)
    for name, value in shares:
        entry = {"mapKey": name, "mappedValue": repr(round(value, 6))}
        SubElement(mapping, "mapEntry", entry | ({"caseSensitive": "false"} if base == "string" else {}))


def process(root: Element, asked: Asked) -> None:
    """Response processing: SCORE by our rule, FEEDBACK with the explanation and what was chosen or missed."""
    node = SubElement(root, "responseProcessing")
    points = number_text(asked.points or 1.0)
    match asked.kind:
        case "单选" | "判断":
            _set(node, "SCORE", _mapped("RESPONSE"))
        case "多选":
            _set(node, "SCORE", _mapped("RESPONSE")) if not asked.whole else _if_correct(node, points)
        case "配对":
            _set(node, "SCORE", _mapped("RESPONSE")) if not asked.whole else _if_correct(node, points)
        case "填空":
            _blanks(node, asked, points)
        case "排序" if asked.whole:
            _if_correct(node, points)
        case "排序":
            _places(node, asked)
    chosen = [_variable("RESPONSE")] if asked.kind in ("单选", "多选", "判断") else []
    shown = Element("multiple")
    shown.extend([_base("identifier", _EXPLANATION), *chosen])
    _set(node, "FEEDBACK", shown)
    if asked.kind in ("填空", "配对", "排序"):
        for index, choice in enumerate(asked.choices):
            if choice.feedback and (missed := _missed(asked, index)) is not None:
                _when(node, missed, "FEEDBACK", _added(choice.letter))


def _missed(asked: Asked, index: int) -> Element | None:
    """The condition under which an answer line was not got right."""
    choice = asked.choices[index]
    got: Element
    if asked.kind == "填空":
        got = _positive(choice)
    elif asked.kind == "排序":
        got = _placed(index + 1, choice.letter)
    elif choice.text:
        got = Element("member")
        got.extend([_base("directedPair", f"{choice.letter} {response_of(asked, choice)}"), _variable("RESPONSE")])
    else:
        return None
    missed = Element("not")
    missed.append(got)
    return missed


def _blanks(node: Element, asked: Asked, points: str) -> None:
    if asked.whole:
        every = Element("and")
        every.extend(_positive(choice) for choice in asked.choices)
        _when(node, every, "SCORE", _base("float", points))
        return
    total = Element("sum")
    total.extend(_mapped(f"RESPONSE_{choice.letter}") for choice in asked.choices)
    _set(node, "SCORE", total)


def _places(node: Element, asked: Asked) -> None:
    each = repr(round((asked.points or 1.0) / len(asked.choices), 6))
    for place, choice in enumerate(asked.choices, 1):
        more = Element("sum")
        more.extend([_variable("SCORE"), _base("float", each)])
        _when(node, _placed(place, choice.letter), "SCORE", more)


def _if_correct(node: Element, points: str) -> None:
    right = Element("match")
    right.extend([_variable("RESPONSE"), Element("correct", identifier="RESPONSE")])
    _when(node, right, "SCORE", _base("float", points))


def _when(node: Element, condition: Element, outcome: str, value: Element) -> None:
    branch = SubElement(SubElement(node, "responseCondition"), "responseIf")
    branch.append(condition)
    _set(branch, outcome, value)


def _set(node: Element, outcome: str, value: Element) -> None:
    SubElement(node, "setOutcomeValue", identifier=outcome).append(value)


def _added(letter: str) -> Element:
    more = Element("multiple")
    more.extend([_variable("FEEDBACK"), _base("identifier", letter)])
    return more


def _placed(place: int, letter: str) -> Element:
    match = Element("match")
    index = SubElement(match, "index", n=str(place))
    index.append(_variable("RESPONSE"))
    match.append(_base("identifier", letter))
    return match


def _positive(choice: Choice) -> Element:
    more = Element("gt")
    more.extend([_mapped(f"RESPONSE_{choice.letter}"), _base("float", "0")])
    return more


def _mapped(response: str) -> Element:
    return Element("mapResponse", identifier=response)


def _variable(identifier: str) -> Element:
    return Element("variable", identifier=identifier)


def _base(base: str, text: str) -> Element:
    node = Element("baseValue", baseType=base)
    node.text = text
    return node
