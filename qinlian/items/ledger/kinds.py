"""The kinds of violation there are: what each is called, which rows it concerns, how the unit's rule reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qinlian.items.ledger.settings import Settings, money

__all__ = ["CATEGORIES", "KINDS", "NAMES", "Category", "Kind"]

NAMES = 3
"""Under how many names a supplier of 一户多名 appears."""


@dataclass(frozen=True)
class Category:
    """A category of rows: what 往来方 means there and which key fields its vouchers show."""

    name: str
    party: str
    fields: tuple[str, ...]
    price: str
    """What 金额 of a 科目 of this category means to the author."""


CATEGORIES = {
    category.name: category
    for category in (
        Category("采购", "供应商", ("收款账户", "发票号", "验收人", "比价记录"), "一张发票的金额"),
        Category("接待", "来访单位", ("公函", "来宾人数", "陪餐人数"), "人均金额"),
        Category("加油", "车辆", ("用车凭据", "加油量"), "一次加油的金额"),
        Category("差旅", "目的地", ("批准路线", "票面行程", "变更审批"), "一趟出差的金额"),
        Category("补贴", "领取人", ("所属月份", "次数"), "每次的标准"),
    )
}


@dataclass(frozen=True)
class Kind:
    """A kind of violation. ``rows`` is how many rows one of it takes: fewest, usual, most."""

    name: str
    category: str
    rows: tuple[int, int, int]
    rule: Callable[[Settings], str]
    """The unit's rule in one sentence, as the learner reads it and as the detector checks it."""


def _split(s: Settings) -> str:
    return (
        f"单笔采购满 {money(s.limit)} 元要先比价。同一供应商、同一科目，前后不超过 {s.window} 天的几笔算一次采购："
        f"每笔都不到 {money(s.limit)} 元、合起来却满了，又没有比价记录，就是拆分采购"
    )


def _hosts(s: Settings) -> str:
    return f"来宾 {s.guests} 人以内，陪餐不超过 {s.hosts} 人；来宾超过 {s.guests} 人，陪餐不超过来宾人数的三分之一"


_RULES: dict[str, Callable[[Settings], str]] = {
    "拆分采购": _split,
    "一户多名": lambda _: (
        "一个收款账户只对应一家供应商。名称相近而账户不同，是不同的供应商；几个名称收进同一个账户，就是一户多名"
    ),
    "无函接待": lambda _: "接待要附来访单位的公函，电子公函的打印件也算；没有公函不接待、不报销",
    "陪餐超员": _hosts,
    "周末无单加油": lambda _: "工作日加油，里程登记或派车单都可以；周六、周日加油，要附派车单",
    "重复补贴": lambda _: "同一个人、同一项补贴、同一个月份只发一次；月份不同、项目不同的，各发各的",
    "行程多站": lambda _: "票面行程到了批准路线以外的地方，要有变更审批；地方没有多，只是先后不同，不用变更",
    "自采自验": lambda _: "采购的经办人不能自己验收",
    "超限未比价": lambda s: f"单笔采购满 {money(s.limit)} 元，要有比价记录",
}

_SHAPES: dict[str, tuple[str, tuple[int, int, int]]] = {
    "拆分采购": ("采购", (2, 3, 5)),
    "一户多名": ("采购", (3, 4, 6)),
    "无函接待": ("接待", (1, 1, 1)),
    "陪餐超员": ("接待", (1, 1, 1)),
    "周末无单加油": ("加油", (1, 1, 1)),
    "重复补贴": ("补贴", (2, 2, 3)),
    "行程多站": ("差旅", (1, 1, 1)),
    "自采自验": ("采购", (1, 1, 1)),
    "超限未比价": ("采购", (1, 1, 1)),
}

KINDS = {name: Kind(name, category, rows, _RULES[name]) for name, (category, rows) in _SHAPES.items()}
