"""What each section of the class report says, ready for the template. Nothing is read here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from qinlian.items.selfcheck.scale import CONSEQUENCE, LIKELIHOOD, level
from qinlian.reports.analysis import (
    SMALLEST,
    distribution_sentence,
    gain_sentence,
    reliability_sentence,
    score_distribution,
)
from qinlian.reports.page import charts
from qinlian.reports.page.completion import (
    BANDS,
    Figures,
    UnitNode,
    completion,
    idle_by_unit,
    module_table,
    standing,
)
from qinlian.reports.page.gather import Facts
from qinlian.reports.page.items import ItemFacts, ItemLines, item_lines
from qinlian.reports.page.shares import Cell, Shares, advice, columns_of, heat, in_order, label, overall
from qinlian.reports.page.words import between, change, percent, points, signed
from qinlian.reports.reflection_report import reflection_counts
from qinlian.reports.risk_tables import HOW_TO_READ, heat_colour
from qinlian.reports.risks import GroupRisks, self_checks

__all__ = ["idle_part", "items_part", "scores_part", "sections", "tiles", "units_part"]

_MOST_NAMES = 1_000
_MOST_BARS, _MOST_OPEN = 20, 25
_MOST_TOPICS, _MOST_COLUMNS = 15, 6
_MOST_NOTICES = 100
_OPEN_ITEMS, _OPEN_RULES = 10, 12

Section = dict[str, Any]


def sections(facts: Facts) -> dict[str, Any]:
    """Every variable that the template ``class_report.html.j2`` asks for, but for the frame around the sections."""
    standings = standing(facts.learners, facts.grades, facts.modules)
    whole, nodes = completion(standings, facts.unit, facts.units)
    lines = item_lines(facts)
    topics = _topics(facts)
    return {
        "tiles": tiles(whole),
        "todo": list(_todo(whole, lines, topics)),
        "units": units_part(nodes),
        "idle": idle_part(standings),
        "scores": scores_part(facts.grades, facts.modules, standings),
        "topics": topics,
        "items": items_part(facts, lines),
        "rules": _rules(facts),
        "gain": _gain(facts),
        "risks": _risks(facts),
        "notices": _notices(facts),
    }


def tiles(whole: Figures) -> list[dict[str, str]]:
    """The headline figures."""

    def tile(value: str, unit: str, label: str) -> dict[str, str]:
        return {"value": value, "unit": unit, "label": label}

    def share(text: str, label: str) -> dict[str, str]:
        return tile(text.removesuffix("%"), "%" if text.endswith("%") else "", label)

    return [
        tile(f"{whole.people:,}", "人", "学员"),
        tile(f"{whole.finished:,}", "人", "学完"),
        tile(f"{whole.idle:,}", "人", "还没开始"),
        share(percent(whole.share), f"及格课次（{whole.passed:,} / {whole.needed:,}）"),
        share(f"{whole.mean:.1f}%" if whole.graded else "—", "平均得分率"),
        tile(f"{whole.hours:,.0f}", "学时", f"已获得（应得 {whole.hours_needed:,.0f}）"),
    ]


def _todo(whole: Figures, lines: Sequence[ItemLines], topics: Section) -> Iterator[str]:
    urgent = [one.item for one in lines if 0 < one.severity <= 2]
    if urgent:
        more = f" 等 {len(urgent)} 道题" if len(urgent) > 3 else " "
        yield f"核对 {'、'.join(urgent[:3])}{more}的答案，理由在“题目出得怎么样”里。"
    if whole.waiting:
        yield f"评阅 {whole.waiting:,} 份还没有评的心得，评完学员才有最后的分。"
    if whole.idle:
        yield f"提醒还没开始的 {whole.idle:,} 人，名单在下面。"
    weakest = [f"“{row['name']}”（{percent(row['whole'].share)}）" for row in topics["rows"][:3]]
    if weakest:
        yield f"课上多讲几句得分率最低的知识点：{'、'.join(weakest)}。"


def units_part(nodes: Sequence[UnitNode]) -> Section:
    """How far each unit is: the tree, and a plot of the first level that has several."""
    level_shown = list(nodes)
    while len(level_shown) == 1 and level_shown[0].below:
        level_shown = list(level_shown[0].below)
    shown = sorted(level_shown, key=lambda node: -node.figures.people)[:_MOST_BARS]
    bars = [(node.name, node.figures) for node in level_shown if node in shown]
    if len(level_shown) > len(shown):
        rest = sum((node.figures for node in level_shown if node not in shown), Figures())
        bars.append((f"其余 {len(level_shown) - len(shown)} 个", rest))
    return {
        "nodes": [_node(node) for node in nodes],
        "opened": _opened(nodes),
        "plot": charts.completion_plot(bars) if len(bars) > 1 else "",
        "words": charts.STATE_WORDS,
        "colours": charts.STATE_COLOURS,
    }


def _opened(nodes: Sequence[UnitNode]) -> int:
    """How many levels stand open at first: as many as are seen at a glance, and the highest at least."""
    depths = [node.depth for root in nodes for node in root.all()]
    fit = [level for level in range(1, max(depths, default=0) + 1) if sum(d <= level for d in depths) <= _MOST_OPEN]
    return max(fit, default=1)


def _node(node: UnitNode) -> Section:
    figures = node.figures
    whole, at, parts = figures.needed or 1, 0.0, []
    for part in (figures.passed, figures.begun - figures.passed, figures.needed - figures.begun):
        parts.append({"at": round(at, 2), "wide": round(100 * part / whole, 2)})
        at += 100 * part / whole
    return {"name": node.name, "figures": figures, "parts": parts, "below": [_node(one) for one in node.below]}


def idle_part(standings: pd.DataFrame) -> Section:
    """Who has not begun, by unit."""
    groups = idle_by_unit(standings)
    people = sum(len(names) for _, names in groups)
    left, shown = _MOST_NAMES, []
    for unit, names in groups:
        if names[:left]:
            shown.append((unit, names[:left]))
        left -= len(names[:left])
    return {"groups": shown, "people": people, "shown": min(people, _MOST_NAMES), "more": max(0, people - _MOST_NAMES)}


def scores_part(grades: pd.DataFrame, modules: pd.DataFrame, standings: pd.DataFrame) -> Section:
    """How the scores spread, module by module and over learners."""
    table = module_table(grades, modules)
    known = standings[standings["graded"] > 0]
    spread = score_distribution(known["percents"] / known["graded"])
    scored = table[table["scored"] > 0]
    return {
        "rows": table.to_dict("records") if len(scored) else [],
        "bands": BANDS,
        "colours": charts.BAND_COLOURS,
        "plot": charts.bands_plot(list(zip(scored["title"], scored["bands"], strict=True))) if len(scored) else "",
        "means": charts.histogram(spread.bins["n"].tolist()),
        "said": distribution_sentence(spread),
    }


def _topics(facts: Facts) -> Section:
    columns, whole = columns_of(facts.topics["group"]), overall(facts.topics)
    said = advice(whole)
    cells, shown = heat(facts.topics, columns), in_order(columns.values())
    rows = []
    for name, total in whole.items():
        inside = [cells[name].get(column) for column in shown]
        row = [None if one is None else _cell(one.share, one.people) for one in inside]
        rows.append({"name": name, "whole": total, "cells": row, "said": said[name]})
    return {"rows": rows, "columns": [label(column) for column in shown], "plot": _heat_plot(facts.topics, whole)}


def _rules(facts: Facts) -> Section:
    whole = overall(facts.rules)
    said = advice(whole)
    return {"rows": [(name, cell, said[name]) for name, cell in whole.items()], "open": _OPEN_RULES}


def _heat_plot(topics: Shares, whole: Mapping[str, Cell]) -> str:
    """The weakest topics only, and fewer columns than the table has: it must be read on a phone."""
    columns = columns_of(topics["group"], _MOST_COLUMNS)
    cells = heat(topics, columns)
    weakest = {name: cells[name] for name in list(whole)[:_MOST_TOPICS]}
    drawn = [column for column in in_order(columns.values()) if any(column in row for row in weakest.values())]
    return charts.heat_plot(weakest, [(column, label(column)) for column in drawn]) if weakest else ""


def _cell(share: float, people: int) -> dict[str, str]:
    colour, ink = charts.shade(share)
    return {"text": f"{100 * share:.0f}（{people} 人）", "colour": colour, "ink": ink}


def items_part(facts: ItemFacts, lines: Sequence[ItemLines]) -> Section:
    """Every item, what stands out first, and how reliable the quizzes are."""
    spots = [
        charts.ItemPoint(one.item, one.figures.facility, one.figures.discrimination, one.severity)
        for one in lines
        if one.flags or not one.few
    ]
    flagged = [_item(one) for one in lines if one.flags]
    titles = _quiz_titles(facts)
    return {
        "count": len(lines),
        "plot": charts.items_plot(spots) if lines else "",
        "flagged": flagged,
        "open": _OPEN_ITEMS,
        "quiet": [_item(one) for one in lines if not one.flags],
        "few": sum(one.few for one in lines if not one.flags),
        "enough": SMALLEST,
        "drawn": len(spots),
        "quizzes": [
            {
                "title": titles[quiz],
                "n": found.n,
                "alpha": signed(found.alpha) if found.n >= SMALLEST else "人少",
                "sem": points(100 * found.sem) if found.n >= SMALLEST else "",
                "said": reliability_sentence(found),
            }
            for quiz, found in facts.reliability.items()
        ],
    }


def _quiz_titles(facts: ItemFacts) -> dict[str, str]:
    """Quiz → its module's title; quizzes of one module are numbered, since learners see no name of theirs."""
    titles: dict[str, str] = {}
    for module in facts.course.modules:
        told = [quiz.id for quiz in module.quizzes if quiz.id in facts.reliability]
        several = len(told) > 1
        titles |= {quiz: f"{module.title}（测验 {n}）" if several else module.title for n, quiz in enumerate(told, 1)}
    return titles


def _item(one: ItemLines) -> Section:
    figures = one.figures
    return {
        **{name: getattr(one, name) for name in ("item", "kind", "module", "stem", "few", "flags", "options")},
        "n": figures.n,
        "facility": percent(figures.facility),
        "facility_range": between(percent, figures.facility_low, figures.facility_high),
        "discrimination": signed(figures.discrimination),
        "discrimination_range": between(signed, figures.discrimination_low, figures.discrimination_high),
        "upper_lower": change(figures.upper_lower),
        "upper_lower_range": between(change, figures.upper_lower_low, figures.upper_lower_high),
        "omitted": percent(figures.omitted),
    }


def _gain(facts: Facts) -> Section:
    has = any(not quiz.marked for module in facts.course.modules for quiz in module.quizzes)
    found = facts.gain
    if found is None:
        return {"course": has}
    return {"course": has, "plot": charts.gain_plot(found.pre_mean, found.post_mean), "said": gain_sentence(found)}


def _risks(facts: Facts) -> Section:
    return {
        "course": bool(self_checks(facts.course)),
        "notes": HOW_TO_READ,
        "likelihood": LIKELIHOOD,
        "groups": [
            {"name": group.name, "people": group.people, "heat": _heat_rows(group), "risks": group.risks}
            for group in facts.risks
        ],
    }


def _heat_rows(group: GroupRisks) -> list[Section]:
    most = max(group.heat.values(), default=1)

    def cell(likelihood: int, consequence: int) -> Mapping[str, Any]:
        count = group.heat.get((likelihood, consequence), 0)
        return {"count": count, "colour": "#" + heat_colour(level(likelihood, consequence), count / most)}

    return [
        {"word": CONSEQUENCE[consequence - 1], "cells": [cell(likelihood, consequence) for likelihood in range(1, 6)]}
        for consequence in range(5, 0, -1)
    ]


def _notices(facts: Facts) -> Section:
    waiting, near = reflection_counts(facts.reflections)
    rows = [
        {
            "who": f"{entry.name or entry.learner}（{entry.learner}）",
            "module": entry.module.title,
            "others": "、".join(
                f"{getattr(n.source, 'who', '')} {percent(n.share)}" for n in entry.notices if not n.quoted
            ),
        }
        for entry in facts.reflections
        if any(not notice.quoted for notice in entry.notices)
    ]
    return {"count": len(facts.reflections), "waiting": waiting, "near": near, "rows": rows, "most": _MOST_NOTICES}
