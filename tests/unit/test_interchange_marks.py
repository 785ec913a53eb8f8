"""What other systems would give for an answer is what we give: their arithmetic, done here, against our scoring."""

from __future__ import annotations

from itertools import combinations, permutations
from xml.etree.ElementTree import Element as Xml
from xml.etree.ElementTree import fromstring

import pytest

from qinlian.authoring.interchange.asked import Losses, Outgoing
from qinlian.authoring.interchange.assemble import as_asked
from qinlian.authoring.interchange.credit import fractions, rule_of
from qinlian.authoring.interchange.moodle_write import write_moodle
from qinlian.authoring.interchange.qti_write import write_qti
from qinlian.authoring.textfile import Place
from qinlian.core.model import Element, Item
from qinlian.items.base import item_type
from qinlian.items.multiple import partial
from tests.sample import IDS, elements

QTI = "{http://www.imsglobal.org/xsd/imsqti_v2p1}"
Answer = dict[str, list[str]]
"""Response identifier → the values given, in order."""


class Delivery:
    """As much of QTI's response processing as our items use, written from its specification alone."""

    def __init__(self, item: Xml, answer: Answer) -> None:
        self.answer = answer
        self.declared = {n.get("identifier"): n for n in item.iter(f"{QTI}responseDeclaration")}
        self.outcomes: dict[str, list[str]] = {"SCORE": ["0"], "FEEDBACK": []}
        for rule in item.find(f"{QTI}responseProcessing") or ():
            self.run(rule)

    def run(self, rule: Xml) -> None:
        if rule.tag == f"{QTI}setOutcomeValue":
            self.outcomes[str(rule.get("identifier"))] = self.value(rule[0])
        elif rule.tag == f"{QTI}responseCondition" and self.value(rule[0][0]) == ["true"]:
            for inner in rule[0][1:]:
                self.run(inner)

    def value(self, node: Xml) -> list[str]:
        name, inside = node.tag.removeprefix(QTI), [self.value(n) for n in node]
        identifier = str(node.get("identifier"))
        match name:
            case "variable":
                return self.outcomes.get(identifier, self.answer.get(identifier, []))
            case "correct":
                return [str(v.text) for v in self.declared[identifier].iter(f"{QTI}value")]
            case "baseValue":
                return [str(node.text)]
            case "mapResponse":
                return [repr(self.mapped(identifier))]
            case "multiple":
                return [v for part in inside for v in part]
            case "index":
                at = int(str(node.get("n"))) - 1
                return inside[0][at : at + 1]
            case "sum":
                return [repr(sum(float(v) for part in inside for v in part))]
            case "match":
                ordered = (
                    self.declared["RESPONSE"].get("cardinality") == "ordered" if "RESPONSE" in self.declared else 0
                )
                left, right = inside if ordered else map(sorted, inside)
                return [str(bool(left) and left == right).lower()]
            case "member":
                return [str(inside[0][0] in inside[1]).lower()]
            case "gt":
                return [str(float(inside[0][0]) > float(inside[1][0])).lower()]
            case "not":
                return [{"true": "false", "false": "true"}[inside[0][0]]]
            case "and":
                return [str(all(v == ["true"] for v in inside)).lower()]
        raise AssertionError(name)

    def mapped(self, identifier: str) -> float:
        mapping = self.declared[identifier].find(f"{QTI}mapping")
        assert mapping is not None
        values = {str(e.get("mapKey")): float(str(e.get("mappedValue"))) for e in mapping}
        total = sum(
            values.get(v, float(mapping.get("defaultValue", "0"))) for v in set(self.answer.get(identifier, []))
        )
        return min(max(total, float(mapping.get("lowerBound", "-inf"))), float(mapping.get("upperBound", "inf")))


def delivered(item: Item, answer: Answer) -> Delivery:
    """The item exported to QTI and answered there."""
    import io
    import zipfile

    package = write_qti([Outgoing("x", (as_asked(item, ""),))], Losses(Place("x")))
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        return Delivery(fromstring(archive.read(f"items/{item.id}.xml")), answer)


def scored(item: Item, answer: Answer) -> float:
    return float(delivered(item, answer).outcomes["SCORE"][0])


def ours(item: Item, value: object) -> float:
    kind = item_type(item.kind)
    clean = kind.clean(item, IDS, value)
    return 0.0 if clean is None else item.points * kind.score(item, IDS, clean, item.rule or kind.rules[0])


def item_of(kind: str, lines: tuple[Element, ...], rule: str = "", stem: str = "题干") -> Item:
    return Item(id="LZ-90-001", kind=kind, stem=stem, elements=lines, points=3.0, rule=rule, explanation="为什么")


CHOICE = elements(("A", "x", "甲"), ("B", "", "乙"), ("C", "x", "丙"), ("D", "", "丁"), ("E", "x", "戊"))


@pytest.mark.parametrize("rule", item_type("多选").rules)
def test_every_set_of_options_scores_in_qti_as_here(rule: str) -> None:
    item = item_of("多选", CHOICE, rule)
    for size in range(6):
        for chosen in combinations("ABCDE", size):
            value = [IDS.of(item.id, letter) for letter in chosen]
            assert scored(item, {"RESPONSE": list(chosen)}) == pytest.approx(ours(item, value), abs=1e-5), chosen


@pytest.mark.parametrize("rule", ["漏选按比例", "对错相抵"])
def test_every_set_of_options_scores_in_moodle_as_here(rule: str) -> None:
    item = item_of("多选", CHOICE, rule)
    quiz = fromstring(write_moodle([Outgoing("x", (as_asked(item, ""),))], Losses(Place("x"))))
    given = [float(a.get("fraction", "")) / 100 for a in quiz.iter("answer")]
    keys = frozenset("ACE")
    for size in range(1, 6):
        for chosen in combinations("ABCDE", size):
            # question/type/multichoice: the sum of the chosen fractions, not below 0 and not above 1
            theirs = min(max(sum(given["ABCDE".index(letter)] for letter in chosen), 0.0), 1.0)
            assert theirs == pytest.approx(partial(rule, keys, frozenset(chosen)), abs=1e-6), chosen


@pytest.mark.parametrize("kind", ["单选", "判断"])
def test_one_option_scores_in_qti_as_here_and_shows_its_feedback(kind: str) -> None:
    lines = CHOICE[:1] + tuple(e.model_copy(update={"mark": ""}) for e in CHOICE[1:4])
    item = item_of(kind, lines if kind == "单选" else elements(("对", "", "对"), ("错", "x", "错")))
    names = {"对": "true", "错": "false"}
    for element in item.elements:
        there = names.get(element.letter, element.letter)
        assert scored(item, {"RESPONSE": [there]}) == ours(item, IDS.of(item.id, element.letter))
        assert delivered(item, {"RESPONSE": [there]}).outcomes["FEEDBACK"] == ["EXPLANATION", there]


@pytest.mark.parametrize("rule", item_type("排序").rules)
def test_every_order_scores_in_qti_as_here(rule: str) -> None:
    item = item_of("排序", elements(("A", "2", "甲"), ("B", "1", "乙"), ("C", "3", "丙")), rule)
    for order in permutations("ABC"):
        value = [IDS.of(item.id, letter) for letter in order]
        assert scored(item, {"RESPONSE": list(order)}) == pytest.approx(ours(item, value), abs=1e-5), order
    assert delivered(item, {"RESPONSE": list("BCA")}).outcomes["FEEDBACK"] == ["EXPLANATION", "A", "C"]


@pytest.mark.parametrize("rule", item_type("填空").rules)
def test_blanks_score_in_qti_as_here(rule: str) -> None:
    item = item_of("填空", elements(("A", "", "一个月 | 30日"), ("B", "", "登记")), rule, "在____内____。")
    for first in ("一个月", "30日", "一年", ""):
        for second in ("登记", "留着", ""):
            value = {IDS.of(item.id, "A"): first, IDS.of(item.id, "B"): second}
            answer = {"RESPONSE_A": [first], "RESPONSE_B": [second]}
            assert scored(item, answer) == pytest.approx(ours(item, value), abs=1e-5), (first, second)
    assert delivered(item, {"RESPONSE_A": ["30日"]}).outcomes["FEEDBACK"] == ["EXPLANATION", "B"]


@pytest.mark.parametrize("rule", item_type("配对").rules)
def test_pairs_score_in_qti_as_here(rule: str) -> None:
    lines = elements(("A", "=", "甲 → 一"), ("B", "=", "乙 → 二"), ("C", "=", "丙 → 一"), ("D", "", "→ 三"))
    item = item_of("配对", lines, rule)
    kind = item_type("配对")
    rights = {text["text"]: text["id"] for text in kind.public(item, IDS)["right"]}
    there = {"一": "R_A", "二": "R_B", "三": "R_D"}
    for a in there:
        for b in there:
            for c in there:
                value = {IDS.of(item.id, left): rights[right] for left, right in zip("ABC", (a, b, c), strict=True)}
                answer = {"RESPONSE": [f"A {there[a]}", f"B {there[b]}", f"C {there[c]}"]}
                assert scored(item, answer) == pytest.approx(ours(item, value), abs=1e-5), (a, b, c)


@pytest.mark.parametrize("keys", range(2, 8))
@pytest.mark.parametrize("rule", ["漏选按比例", "对错相抵"])
@pytest.mark.parametrize("digits", [2, 3, 5, 7])
def test_a_rule_is_known_by_its_percentages_however_they_are_rounded(keys: int, rule: str, digits: int) -> None:
    marks = [True] * keys + [False] * 2
    assert rule_of([round(f, digits) for f in fractions(rule, marks)]) == rule


@pytest.mark.parametrize(
    "given",
    [(50.0, 50.0, 0.0, 0.0), (60.0, 40.0, -100.0), (50.0, 50.0, -25.0, -25.0), (0.0, 0.0), (40.0, 40.0, -100.0)],
)
def test_percentages_that_are_none_of_our_rules_are_said_to_be_none(given: tuple[float, ...]) -> None:
    assert rule_of(given) is None
