"""A module with one self-check, built in code."""

from __future__ import annotations

from qinlian.core.model import Course, Duty, Item, Module, Post, Prose, QuizBlock, Risk


def duty(title: str, *ids: str) -> Duty:
    """A duty whose risks have these ids and two measures each."""
    measures = ("两个人一起办", "当天留下记录")
    return Duty(title=title, risks=tuple(Risk(id=i, text=f"{title}时的风险{i}", measures=measures) for i in ids))


BUYING = Post(
    id="CG",
    name="采购",
    about="提需求、管合同的人。",
    duties=(duty("提出需求", "CG01", "CG02"), duty("组织评审", "CG03"), duty("验收付款", "CG04")),
)
MONEY = Post(id="CW", name="财务", duties=(duty("报销审核", "CW01"), duty("出纳", "CW02", "CW03")))
CHECK = Item(
    id="LZ-91-S1",
    kind="自查",
    use="测验",
    stem="选出您现在的岗位，把与自己有关的风险点评一评。",
    topics=("风险排查",),
    points=20,
    body="#### 岗位 {至少=2}\n- 采购\n- 财务",
    posts=(BUYING, MONEY),
)
MODULE = Module(
    id="91-risk",
    title="岗位廉政风险排查",
    objectives=("说得出自己岗位的三个风险点。",),
    items=(CHECK,),
    blocks=(
        Prose(text="## 把风险写在前面"),
        QuizBlock(id="91-selfcheck", pool=(CHECK.id,), count=1, attempts=3, points=20),
    ),
)
COURSE = Course(id="qinlian", title="勤廉学堂", modules=(MODULE,))
