"""A module with two ledger checks, one to practise and one that is graded, small enough to read."""

from __future__ import annotations

from qinlian.core.model import Item, ItemBlock, Module, QuizBlock
from tests.sample import CITE, COURSE

POOLS = """#### 台账
行数：46-52
期间：2026-03-02 至 2026-06-30
避开：2026-05-01 至 2026-05-05、2026-05-09
采购限额：20000
拆分天数：7

#### 科目
- 打印耗材 {类别=采购 金额=600-23000 比重=3}
- 投影设备 {类别=采购 金额=3200-36000 比重=2}
- 保洁用品 {类别=采购 金额=260-3800 比重=2}
- 工作餐 {类别=接待 金额=38-60 比重=2}
- 加油 {类别=加油 金额=260-520 比重=2}
- 教学检查 {类别=差旅 金额=180-1600 比重=2}
- 监考补贴 {类别=补贴 金额=100 比重=1}
- 阅卷补贴 {类别=补贴 金额=80-120 比重=1}

#### 供应商
- 启明文具店 {别名=启明办公、明启商行 经营=打印耗材、保洁用品}
- 云帆设备公司 {别名=云帆科教、帆云电子 经营=投影设备、打印耗材}
- 丰源商行 {别名=丰源百货、源丰办公}
- 同德电子 {别名=同德科技、德同数码 经营=投影设备、打印耗材}
- 洁安日用 {别名=洁安保洁 经营=保洁用品}
- 学海文具 {别名=学海办公}
- 光影装备 {别名=光影电子 经营=投影设备、打印耗材}
- 家家乐 {别名=家家旺 经营=保洁用品}

#### 人员
- 老钱 {司机}
- 老蒋 {司机}
- 韩梅
- 韩立新
- 周敏
- 丁若兰
- 贺建
- 冯远
- 苏和

#### 来访单位
- 省校教学处
- 柳浦中心
- 安塘中心
- 石桥学校

#### 地点
- 县中心
- 石桥镇
- 青禾镇
- 白塔乡
- 龙口镇
- 东岭镇

#### 车辆
- 一号车
- 二号车

"""


def body(planted: dict[str, str], offered: tuple[str, ...] = (), pools: str = POOLS) -> str:
    """A body over these pools: kind → what stands in its braces, and reasons on offer besides."""
    violations = "".join(
        f"- {kind} {{{braces}}}\n  > {WHY[kind]}\n  依据：{CITE}\n" for kind, braces in planted.items()
    )
    reasons = "".join(f"- {kind}\n" for kind in (*planted, *offered))
    return f"{pools.strip()}\n\n#### 违规\n{violations}\n#### 可选原因\n{reasons}".strip()


WHY = {
    "拆分采购": "单子分开，是为了躲开比价。",
    "一户多名": "三块牌子，一个口袋。",
    "无函接待": "说不清谁来、为什么来。",
    "陪餐超员": "陪的人比事情要的多。",
    "周末无单加油": "说不清车去了哪里。",
    "重复补贴": "两份名单没有对过。",
    "行程多站": "没有人批准过这一站。",
    "自采自验": "没有人替单位看过货。",
    "超限未比价": "满了限额，没有比过。",
}

BODY = body(
    {
        "拆分采购": "次数=1 张数=3 疑似=2",
        "一户多名": "次数=1 张数=5 疑似=1",
        "无函接待": "次数=1 疑似=1",
        "周末无单加油": "次数=1 疑似=1",
        "行程多站": "次数=1 疑似=1",
    },
    ("陪餐超员", "重复补贴"),
)
OTHER_BODY = body(
    {
        "陪餐超员": "次数=1 疑似=2",
        "重复补贴": "次数=1 张数=2 疑似=2",
        "自采自验": "次数=2 疑似=2",
        "超限未比价": "次数=1 疑似=2",
    },
    ("拆分采购", "无函接待"),
)


def ledger_item(number: int, use: str, text: str = BODY) -> Item:
    """A ledger check over this body."""
    return Item.model_validate(
        {
            "id": f"LZ-90-L{number}",
            "kind": "账目核查",
            "stem": "您来跟班一周，主任请您把上半年的流水再过一遍。",
            "use": use,
            "difficulty": 2,
            "topics": ("报销",),
            "points": 10.0,
            "explanation": "先排序，再对凭证。",
            "citations": (CITE,),
            "body": text.strip(),
        }
    )


PRACTICE = ledger_item(1, "练习")
GRADED = ledger_item(2, "测验")
MODULE = Module(
    id="90-ledger",
    title="台账样例",
    items=(PRACTICE, GRADED),
    blocks=(
        ItemBlock(item=PRACTICE.id),
        QuizBlock(id="90-ledger", pool=(GRADED.id,), count=1, attempts=2, pass_mark=60, points=10),
    ),
)
LEDGER_COURSE = COURSE.model_copy(update={"modules": (MODULE,)})
