"""A small course built in code: every item type, a practice set, a quiz and a reflection."""

from __future__ import annotations

from datetime import date

from qinlian.core.identity import Identity
from qinlian.core.model import (
    Article,
    Case,
    CaseBlock,
    Course,
    Document,
    Element,
    Item,
    ItemBlock,
    Module,
    PracticeBlock,
    Prose,
    QuizBlock,
    ReflectionBlock,
)

SECRET = b"sample-secret-for-tests-only"
IDS = Identity(SECRET)
CITE = "《中国共产党纪律处分条例》第九十七条第一款"


def elements(*lines: tuple[str, str, str]) -> tuple[Element, ...]:
    """Elements from (letter, mark, text), each with a feedback of its own."""
    return tuple(Element(letter=a, mark=m, text=t, feedback=f"反馈{a}：{t[:6]}") for a, m, t in lines)


def _item(number: int, kind: str, use: str, lines: tuple[Element, ...], stem: str = "", **more: object) -> Item:
    fields: dict[str, object] = {
        "id": f"LZ-90-{number:03d}",
        "kind": kind,
        "stem": stem or f"第 {number} 题的题干：遇到这种情形，应当怎么办",
        "elements": lines,
        "use": use,
        "difficulty": number % 3 + 1,
        "topics": ("礼品礼金",) if number % 2 else ("宴请",),
        "explanation": f"第 {number} 题的解析，最容易选错的是 B。",
        "citations": (CITE,),
    } | more
    return Item.model_validate(fields)


def _one_of_each(start: int, use: str) -> tuple[Item, ...]:
    return (
        _item(
            start,
            "单选",
            use,
            elements(
                ("A", "", "当面收下"),
                ("B", "", "先收后还"),
                ("C", "x", "说明后退回"),
                ("D", "", "转赠同事"),
            ),
        ),
        _item(
            start + 1,
            "多选",
            use,
            elements(("A", "x", "登记"), ("B", "x", "报告"), ("C", "", "隐瞒"), ("D", "x", "退回"), ("E", "", "回赠")),
        ),
        _item(start + 2, "判断", use, elements(("对", "", "对"), ("错", "x", "错"))),
        _item(
            start + 3,
            "填空",
            use,
            elements(("A", "", "一个月 | 1个月"), ("B", "", "登记")),
            stem="收到后____内，应当____。",
        ),
        _item(start + 4, "排序", use, elements(("A", "2", "说明"), ("B", "1", "不接"), ("C", "3", "报告"))),
        _item(
            start + 5,
            "配对",
            use,
            elements(
                ("A", "=", "收卡 → 廉洁纪律"),
                ("B", "=", "打牌 → 工作纪律"),
                ("C", "=", "收礼 → 廉洁纪律"),
                ("D", "", "→ 组织纪律"),
            ),
        ),
    )


REFLECTION = Item(
    id="LZ-90-R1",
    kind="心得",
    use="心得",
    stem="写一件你拿不准的小事。",
    elements=(
        Element(letter="A", mark="12", text="联系本人岗位"),
        Element(letter="B", mark="8", text="说得出怎么办"),
    ),
    points=20,
    words=(50, 800),
    topics=("礼品礼金",),
)

MODULE = Module(
    id="90-sample",
    title="样例模块",
    hours=1.5,
    objectives=("认得出一份不该收的礼。", "说得出口那句话。"),
    items=(*_one_of_each(1, "练习"), *_one_of_each(101, "测验"), *_one_of_each(111, "测验"), REFLECTION),
    cases=(
        Case(
            id="LZ-90-C1",
            kind="正面",
            title="一盒茶叶",
            parts=(Prose(text="小周把门开了一条缝。"), ItemBlock(item="LZ-90-001"), Prose(text="后来，他睡得很好。")),
        ),
    ),
    blocks=(
        Prose(text="## 从一盒茶叶说起\n\n小周接过来才发现**很沉**。"),
        CaseBlock(case="LZ-90-C1"),
        PracticeBlock(id="p1", items=("LZ-90-002", "LZ-90-003", "LZ-90-004", "LZ-90-005", "LZ-90-006")),
        QuizBlock(
            id="90-exam",
            pool=tuple(i.id for i in (*_one_of_each(101, "测验"), *_one_of_each(111, "测验"))),
            count=6,
            attempts=3,
            pass_mark=60,
            points=80,
        ),
        ReflectionBlock(item="LZ-90-R1"),
    ),
)

COURSE = Course(
    id="qinlian",
    title="勤廉学堂",
    subtitle="样例",
    modules=(MODULE,),
    documents=(
        Document(
            title="中国共产党纪律处分条例",
            short=("纪律处分条例",),
            issuer="中共中央",
            version="2023年修订",
            since=date(2024, 1, 1),
            articles=(Article(number=97, paragraphs=2, gist="收受可能影响公正执行公务的财物，按情节处分。"),),
        ),
    ),
)
