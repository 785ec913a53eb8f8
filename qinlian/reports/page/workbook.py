"""The class report as a workbook: the gradebook first, then a sheet for each section of the page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from qinlian.core.zone import BEIJING
from qinlian.errors import GradingError
from qinlian.items.selfcheck.scale import SMALLEST_GROUP
from qinlian.reports.excel import Sheet, write_sheets
from qinlian.reports.page.completion import BANDS, NO_UNIT, completion, module_table, standing
from qinlian.reports.page.gather import Facts
from qinlian.reports.page.items import item_lines
from qinlian.reports.page.shares import Shares, cell_of, overall

__all__ = ["sheets", "write_workbook"]

_PERCENT = dict.fromkeys(
    ("及格比例", "得分率", "得分率下限", "得分率上限", "没有作答", "高低分组相差", "学牢的人"), "0%"
)
_DECIMALS = {
    **dict.fromkeys(("平均", "中位", "最低", "最高", "平均得分率", "已获学时", "应得学时", "要学的学时"), "0.0"),
    **dict.fromkeys(("区分度", "区分度下限", "区分度上限"), "0.00"),
}
_ALL = "合计"


def sheets(facts: Facts, gradebook: pd.DataFrame) -> list[Sheet]:
    """Every sheet in its order; ``gradebook`` is that of ``reports.table.gradebook_table`` for the same scope."""
    standings = standing(facts.learners, facts.grades, facts.modules)
    formats = _PERCENT | _DECIMALS
    return [
        Sheet("成绩总表", gradebook),
        Sheet("单位完成情况", _units(facts, standings), formats=formats),
        Sheet("未开始名单", _idle(standings), formats=formats),
        Sheet("成绩分布", _modules(facts), formats=formats),
        Sheet("知识点", _shares(facts.topics, "知识点"), formats=formats),
        Sheet("题目分析", _items(facts), wrapped=("题干", "说明和建议"), formats=formats),
        Sheet("法规掌握", _totals(facts.rules, "依据"), formats=formats),
        Sheet("说明", _notes(facts), wrapped=("说明",)),
    ]


def write_workbook(facts: Facts, gradebook: pd.DataFrame, path: Path) -> None:
    """Write the workbook to ``path``, for its owner alone. Raises GradingError when it cannot be written."""
    try:
        write_sheets(sheets(facts, gradebook), path)
    except OSError as error:
        raise GradingError(f"报表写不进 {path}：{error.strerror}；请关掉正打开它的程序，或换一个位置") from None


def _units(facts: Facts, standings: pd.DataFrame) -> pd.DataFrame:
    rows = [
        {
            "单位": node.path or NO_UNIT,
            "层级": node.depth + 1,
            "学员": node.figures.people,
            "其中本级": node.own,
            "学完": node.figures.finished,
            "在学": node.figures.going,
            "未开始": node.figures.idle,
            "要学课次": node.figures.needed,
            "及格课次": node.figures.passed,
            "及格比例": node.figures.share if node.figures.needed else None,
            "没有交的课次": node.figures.needed - node.figures.begun,
            "待评阅": node.figures.waiting,
            "平均得分率": node.figures.mean,
            "已获学时": node.figures.hours,
            "应得学时": node.figures.hours_needed,
        }
        for root in completion(standings, facts.unit, facts.units)[1]
        for node in root.all()
    ]
    names = ("单位", "层级", "学员", "其中本级", "学完", "在学", "未开始", "要学课次", "及格课次", "及格比例")
    return pd.DataFrame(rows, columns=[*names, "没有交的课次", "待评阅", "平均得分率", "已获学时", "应得学时"])


def _idle(standings: pd.DataFrame) -> pd.DataFrame:
    rows = standings[standings["state"] == "未开始"].sort_values(["unit", "account"])
    names = {
        "unit": "单位",
        "name": "姓名",
        "number": "工号",
        "account": "账号",
        "department": "部门",
        "track": "培训对象",
        "needed": "要学的课",
        "hours_needed": "要学的学时",
    }
    return rows[list(names)].rename(columns=names)


def _modules(facts: Facts) -> pd.DataFrame:
    table = module_table(facts.grades, facts.modules)
    names = {
        "title": "模块",
        "needed": "应学",
        "idle": "没有交",
        "sent": "已提交",
        "unread": "待评阅",
        "graded": "已评分",
        "late": "迟交",
        "scored": "有成绩",
        "passed": "及格",
        "mean": "平均",
        "median": "中位",
        "low": "最低",
        "high": "最高",
    }
    bands = pd.DataFrame(table["bands"].tolist(), columns=list(BANDS), index=table.index)
    return table[list(names)].rename(columns=names).join(bands)


def _shares(found: Shares, heading: str) -> pd.DataFrame:
    """One row a topic and group, and before them one for all groups together; the weakest topic first."""
    rows: list[tuple[object, ...]] = []
    for key, whole in overall(found).items():
        of_key: Any = found[found["key"] == key]
        groups = [(row.group, cell_of(row)) for row in of_key.itertuples(index=False)]
        for group, cell in ((_ALL, whole), *groups):
            rows.append((key, group, cell.people, cell.answers, cell.share, cell.mastered))
    return pd.DataFrame(rows, columns=[heading, "单位", "人数", "答题次数", "得分率", "学牢的人"])


def _totals(found: Shares, heading: str) -> pd.DataFrame:
    rows = [(key, whole.people, whole.answers, whole.share, whole.mastered) for key, whole in overall(found).items()]
    return pd.DataFrame(rows, columns=[heading, "人数", "答题次数", "得分率", "学牢的人"])


def _items(facts: Facts) -> pd.DataFrame:
    rows = []
    for one in item_lines(facts):
        figures = one.figures
        rows.append(
            {
                "题号": one.item,
                "模块": one.module,
                "题型": one.kind,
                "题干": one.stem,
                "人数": figures.n,
                "得分率": figures.facility,
                "得分率下限": figures.facility_low,
                "得分率上限": figures.facility_high,
                "区分度": figures.discrimination,
                "区分度下限": figures.discrimination_low,
                "区分度上限": figures.discrimination_high,
                "高低分组相差": figures.upper_lower,
                "没有作答": figures.omitted,
                "提示": "、".join(flag.label for flag in one.flags) or ("人数不足" if one.few else ""),
                "说明和建议": "\n".join(flag.sentence for flag in one.flags),
            }
        )
    names = ("题号", "模块", "题型", "题干", "人数", "得分率", "得分率下限", "得分率上限")
    more = ("区分度", "区分度下限", "区分度上限", "高低分组相差", "没有作答", "提示", "说明和建议")
    return pd.DataFrame(rows, columns=[*names, *more])


_COLUMNS = (
    ("成绩总表", "", "一人一课一行；提交时间是北京时间，获得学时要及格才有。"),
    ("单位完成情况", "", "一个单位一行，数字连同它的下级；上级排在下级前面，不要把各行相加。"),
    ("单位完成情况", "学完 / 在学 / 未开始", "学完：要学的课都及格。未开始：一份作业都没有交过。其余是在学。"),
    ("单位完成情况", "要学课次 / 及格课次", "一个人要学的每一课算一课次；及格比例是及格课次占要学课次的比例。"),
    ("单位完成情况", "平均得分率", "已有成绩的各课得分占满分的百分数，取平均。"),
    ("未开始名单", "", "一份作业都没有交过的人，按单位和账号排。"),
    ("成绩分布", "", "一课一行。平均、中位、最低、最高和分段都按百分制，只算有成绩的人；待评阅的先按已有的分算。"),
    ("知识点", "", "得分率是答这个知识点的题平均得到的分占满分的比例，只看第一次的作答。合计是下面各行之和。"),
    ("知识点", "学牢的人", "自己在这个知识点上的得分率到 80% 的人所占的比例。"),
    ("知识点", "单位", f"每行至少 {SMALLEST_GROUP} 人：人少的并到上级（连同人少的下级单位），还不够的并入其他单位。"),
    ("题目分析", "", "按全部学员算，不随单位变。值得看的题在前。上限和下限是 95% 的区间。"),
    ("题目分析", "区分度", "这道题的得分和同一个人其余各题得分的相关，从 −1 到 1，越高越能分出学得好坏。"),
    ("题目分析", "高低分组相差", "其余各题得分最高的 27% 比最低的 27% 在这道题上多得的比例。"),
    ("法规掌握", "", "按题目的依据汇总，算法同“知识点”的合计。"),
)  # fmt: skip


def _notes(facts: Facts) -> pd.DataFrame:
    moment = facts.read_at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M")
    about = [
        ("本工作簿", "课程", facts.course.title),
        ("本工作簿", "读取时间", f"{moment}（北京时间）"),
        ("本工作簿", "范围", f"{facts.unit or '全部单位'}，{'连同' if facts.archived else '不含'}已归档的学员"),
        ("本工作簿", "保管", "内含姓名、成绩和题目的答案线索，请像名单一样保管，用完删除。"),
    ]
    sources = [
        (f"数据：{name}", f"qinlian.reports.{source.call}", f"{source.conditions}，共 {source.rows} 行。")
        for name, source in facts.sources.items()
    ]
    return pd.DataFrame([*about, *_COLUMNS, *sources], columns=["表", "列", "说明"])
