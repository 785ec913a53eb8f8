"""Craft: each rule fires on what it means, and not on what only resembles it."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import pytest

from qinlian.authoring.lint import lint_items
from qinlian.authoring.placed import Placed
from qinlian.authoring.pools import at_least
from qinlian.authoring.textfile import Place
from qinlian.core.identity import Identity
from qinlian.core.model import Element, Item
from tests.sample import IDS, MODULE

OPTIONS = (("A", "x", "说明情况，当面退回"), ("B", "", "收下以后，再回礼物"), ("C", "", "先放着，等人来取走"))
STEMS = [
    f"{p}有人递来{w}，{q}"
    for p, w, q in zip(
        [
            "宿舍楼下",
            "办公室里",
            "停车场边",
            "微信群中",
            "食堂门口",
            "研讨会上",
            "高铁站内",
            "验收现场",
            "家长会后",
            "病房床头",
            "操场看台",
            "图书馆前",
        ],
        [
            "枇杷一箱",
            "茶叶两盒",
            "购物卡片",
            "电影票券",
            "健身卡号",
            "手写贺信",
            "机票行程",
            "名牌手表",
            "自制月饼",
            "一幅书画",
            "土鸡一只",
            "话费充值",
        ],
        [
            "先做什么",
            "怎样回话",
            "如何处置",
            "谁来决定",
            "可否接受",
            "向谁报告",
            "何时登记",
            "能否留下",
            "怎样谢绝",
            "是否违纪",
            "怎么退还",
            "选哪一项",
        ],
        strict=True,
    )
]


def item(
    number: int = 1,
    kind: str = "单选",
    use: str = "测验",
    options: tuple[tuple[str, str, str], ...] = OPTIONS,
    **more: object,
) -> Item:
    fields: dict[str, object] = {
        "id": f"LZ-02-{number:03d}",
        "kind": kind,
        "use": use,
        "stem": STEMS[number % 12],
        "elements": tuple(Element(letter=a, mark=m, text=t, feedback="反馈") for a, m, t in options),
        "explanation": "理由。",
        "citations": ("x",),
    }
    return Item.model_validate(fields | more)


def told(*items: Item, ids: Identity | None = None) -> list[str]:
    places = {name: Place("q", 1, 1) for name in ("id", "难度", "知识点")}
    return sorted({d.code for d in lint_items([Placed(i, places) for i in items], ids)})


def test_a_decent_item_gets_no_warning() -> None:
    assert told(item()) == []


def test_the_sample_module_is_read_without_a_wrong_alarm() -> None:
    assert set(told(*MODULE.items, ids=IDS)) <= {"W607", "W610"}, "it repeats its stems and names letters in every type"


@pytest.mark.parametrize(
    ("stem", "warned"),
    [
        ("下列做法不正确的是", True),
        ("下列说法错误的是？", True),
        ("哪一项不属于礼品礼金（ ）", True),
        ("哪些不能接受？", True),
        ("可能影响公正、不该有的是", True),
        ("下列做法**不**正确的是", False),
        ("他没有报告，也不肯退。下面哪一项最合适？", False),
        ("不能拒收的礼品，应当怎样登记？", False),
        ("下列做法正确的是", False),
    ],
)
def test_a_negative_question_must_be_bold(stem: str, warned: bool) -> None:
    assert told(item(stem=stem)) == (["W609"] if warned else [])


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        ("以上都对", True),
        ("以上各项都不正确。", True),
        ("上述说法均是", True),
        ("A、B 两项", True),
        ("都不对", True),
        ("以上级批准为准来处理", False),
        ("都退回去，再报告单位", False),
    ],
)
def test_all_of_the_above_is_no_option(text: str, warned: bool) -> None:
    codes = told(item(options=(*OPTIONS[:2], ("C", "", text))))
    assert ("W608" in codes) is warned


@pytest.mark.parametrize(
    ("more", "warned"),
    [
        ({"stem": "A公司送来茶叶，怎么办"}, True),
        ({"stem": "APP 上收到 5G 卡和 USB 盘，怎么办"}, False),
        ({"explanation": "最容易选错的是 B。"}, False),
        ({"explanation": "B公司的礼不能收。"}, True),
        ({"explanation": "D 项也不对。"}, True),
        ({"explanation": "误选 E 的最多。"}, True),
        ({"explanation": "这张 Excel 表里的 X 列。"}, False),
        ({"kind": "填空", "explanation": "A 空填一个月。"}, True),
        ({"kind": "配对", "explanation": "最容易配错的是 B。"}, True),
        ({"kind": "判断", "options": (("对", "", "对"), ("错", "x", "错")), "explanation": "看的是可能。"}, False),
    ],
)
def test_capital_letters_are_those_of_options_the_learner_sees(more: dict[str, object], warned: bool) -> None:
    assert told(item(**more)) == (["W610"] if warned else [])  # type: ignore[arg-type]


def test_feedback_is_wanted_for_each_option_of_practice_only() -> None:
    bare = (Element(letter="A", mark="x", text="退回去"), *item().elements[1:])
    assert told(item(use="练习", elements=bare)) == ["W603"]
    assert told(item(use="测验", elements=bare)) == []


def test_a_key_that_stands_out_by_length_or_echo() -> None:
    long = ("A", "x", "当天联系送礼的人说明情况，原样退回，向负责人报告")
    assert told(item(options=(long, *OPTIONS[1:]))) == ["W605"]
    echo = item(stem="为了成绩核对的公正性，应当怎么做", options=(("A", "x", "按成绩核对的公正性退"), *OPTIONS[1:]))
    assert told(echo) == ["W612"]


def pool(keys: str, *, long: bool = False, size: int = 12) -> list[Item]:
    made = []
    for n in range(size):
        key = keys[n % len(keys)]
        texts = {"A": "退回" + STEMS[n][:4], "B": "收下" + STEMS[n][4:8], "C": "转送" + STEMS[n][-4:]}
        if long:
            texts[key] += "并且报告"
        made.append(item(n, options=tuple((a, "x" if a == key else "", t) for a, t in texts.items())))
    return made


def test_patterns_of_the_key_are_told_only_when_chance_would_hardly_make_them() -> None:
    assert told(*pool("ABC")) == []
    assert told(*pool("A")) == ["W606"]
    assert told(*pool("ABC", long=True)) == ["W604"]
    assert told(*pool("A", size=9)) == [], "nine items are too few to judge"
    assert told(*(i.model_copy(update={"use": "练习"}) for i in pool("A"))) == [], "only what is graded"


def test_the_published_order_is_looked_at_too() -> None:
    """With letters chosen so that the key is always shown first, the pool betrays itself."""
    chosen = []
    for n, one in enumerate(pool("ABC")):
        first = min(one.elements, key=lambda e: IDS.of(one.id, e.letter))
        elements = tuple(e.model_copy(update={"mark": "x" if e == first else ""}) for e in one.elements)
        chosen.append(one.model_copy(update={"elements": elements, "stem": STEMS[n]}))
    assert "W606" in told(*chosen, ids=IDS)


def test_true_or_false_must_not_always_be_the_same() -> None:
    sides = (("对", "", "对"), ("错", "x", "错"))
    assert told(*(item(n, kind="判断", options=sides) for n in range(8))) == ["W606"]


def test_absolute_words_only_in_what_is_wrong() -> None:
    absolute = [
        item(n, options=(("A", "x", f"退{STEMS[n][:4]}"), ("B", "", f"一律{STEMS[n][4:8]}"), ("C", "", STEMS[n][-4:])))
        for n in range(6)
    ]
    assert told(*absolute) == ["W611"]
    fair = item(7, options=(("A", "x", "任何现金都不能收下"), *OPTIONS[1:]))
    assert told(*absolute, fair) == []


def test_alike_stems_are_told_also_across_practice_and_graded() -> None:
    stem = "补考学员在宿舍楼下放了一箱枇杷，小顾应当怎么办"
    twins = (item(1, stem=stem), item(2, use="练习", stem=stem.replace("枇杷", "蜜橘")))
    assert told(*twins) == ["W607"]
    generic = "下列做法正确的是"
    other = (("A", "x", "考察费用自己付清"), ("B", "", "绕道景区住上一晚"), ("C", "", "门票开进会务发票"))
    assert told(item(1, stem=generic), item(2, stem=generic, options=other)) == []


def test_the_chance_of_at_least_so_many() -> None:
    assert at_least(0, 10, 0.25) == pytest.approx(1)
    assert at_least(6, 10, 0.25) == pytest.approx(0.0197, abs=1e-4)


@pytest.mark.parametrize(("hits", "trials", "chance"), [(0, 5, 0.25), (3, 12, 0.25), (12, 12, 0.3), (700, 1000, 0.6)])
def test_the_chance_of_a_pattern_is_the_binomial_tail(hits: int, trials: int, chance: float) -> None:
    exact = Fraction(chance)
    tail = sum(comb(trials, k) * exact**k * (1 - exact) ** (trials - k) for k in range(hits, trials + 1))
    assert at_least(hits, trials, chance) == pytest.approx(float(tail), rel=1e-9)


def test_a_pool_of_thousands_has_a_chance_too() -> None:
    assert at_least(1300, 5000, 0.25) == pytest.approx(0.05344, abs=1e-5)
    assert (at_least(1, 1, 1.0), at_least(1, 3, 0.0), at_least(0, 3, 0.0)) == (1.0, 0.0, 1.0)
