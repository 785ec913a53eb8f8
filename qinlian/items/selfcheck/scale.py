"""What the two numbers of a risk mean, and what of a self-check stays and what travels."""

from __future__ import annotations

__all__ = ["CONSEQUENCE", "LEVELS", "LIKELIHOOD", "OTHER_UNITS", "SMALLEST_GROUP", "level", "promise"]

LIKELIHOOD = ("几乎不会", "不太会", "有可能", "比较可能", "很可能")
"""Words for 1 to 5."""
CONSEQUENCE = ("影响很小", "有些影响", "影响不小", "比较严重", "很严重")
"""Words for 1 to 5."""
LEVELS = ((15, "高"), (5, "中"), (1, "低"))
"""(least product of likelihood and consequence, level), the highest first."""
SMALLEST_GROUP = 5
"""A report tells nothing of fewer people than these."""

OTHER_UNITS = "其他单位"
"""Where a report puts the units that are too small to be told of."""


def level(likelihood: int, consequence: int) -> str:
    """高, 中 or 低 of two numbers from 1 to 5."""
    return next(name for least, name in LEVELS if likelihood * consequence >= least)


def promise() -> list[str]:
    """What the page says before its first field, a sentence or two each. A test holds it against what is done."""
    return [
        "您写的字都不提交：现有措施、要添的措施、自己补充的风险点，只存在您自己的 .qinlian/notes 文件夹里，"
        "供您下载成自查表。看得到的只有您自己，和有权打开您文件夹的服务器管理员；老师看不到。",
        "随提交走的只有编号和数字：选了哪个岗位，评了哪几个风险点，可能性和后果各是 1 到 5 的几，现有措施是有还是没有。"
        "自己补充的风险点只走一个序号，不带文字。",
        "这些数字在答题文件和成绩库里跟您的账号放在一起，管成绩库的人查得到；评阅页面和成绩单只写“已完成几项”。",
        f"单位的汇总不写姓名，满 {SMALLEST_GROUP} 人才列出；"
        f"不满 {SMALLEST_GROUP} 人的单位并入“{OTHER_UNITS}”，评的人不满 {SMALLEST_GROUP} 个的风险点合成一行，"
        "都不单独出现。",
        "得分只看完成了几项。风险评得高、措施写“没有”，都不扣分。",
    ]
