"""我的学习 as HTML: what the port says, in words and in order."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

import qinlian.quiz
from qinlian.core.zone import BEIJING
from qinlian.portal.port import ModuleStanding, Overview

__all__ = ["CLOCK", "STATIC", "error_page", "overview_data", "overview_page"]

_HERE = Path(__file__).parent
STATIC = _HERE / "static"
CLOCK = Path(qinlian.quiz.__file__).parent / "static" / "clock.js"
"""Says times in the browser's zone, as the lessons do; served among our own static files."""
_SOON = timedelta(days=7)


@dataclass(frozen=True)
class _Moment:
    """A time in a sentence; the page's script says it again in the browser's zone."""

    iso: str
    beijing: str


_Sentence = tuple[str | _Moment, ...]


@dataclass(frozen=True)
class _Card:
    """One module as the page shows it; ``tone`` colours the state, ``due_tone`` the date."""

    module: str
    number: str
    title: str
    hours: str
    objectives: tuple[str, ...]
    state: str
    tone: str
    button: str
    score: str
    verdict: str
    due: _Sentence
    due_tone: str
    lines: tuple[_Sentence, ...]


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(_HERE / "pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )


def _moment(moment: datetime, now: datetime) -> _Moment:
    there, today = moment.astimezone(BEIJING), now.astimezone(BEIJING)
    year = "" if there.year == today.year else f"{there.year}年"
    iso = moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return _Moment(iso, f"北京时间 {year}{there.month}月{there.day}日 {there:%H:%M}")


def _button(standing: ModuleStanding) -> str:
    if standing.again:
        return "继续学习"
    return {"未开始": "开始学习", "进行中": "继续学习", "已提交": "打开课程"}.get(standing.state, "查看结果")


def _tone(standing: ModuleStanding) -> str:
    if standing.state == "已评分":
        return "passed" if standing.passed else "failed"
    return {"未开始": "idle", "进行中": "active"}.get(standing.state, "waiting")


def _left(left: timedelta) -> str:
    # By the server's clock, whatever the device's says; the page is brought up to date when it changes.
    hours = left // timedelta(hours=1)
    if left.days:
        return f"还剩 {left.days} 天"
    return f"还剩 {hours} 小时" if hours else "还剩不到 1 小时"


def _due(standing: ModuleStanding, now: datetime) -> tuple[_Sentence, str]:
    if standing.due is None:
        return (), ""
    said: _Sentence = (_moment(standing.due, now), " 截止")
    if standing.extended:
        said = ("已延期至 ", _moment(standing.due, now))
    if standing.submitted_at is not None:
        return said, ""
    left = standing.due - now
    if left < timedelta(0):
        return (*said, "，已过期"), "late"
    if left < _SOON:
        return (*said, f"，{_left(left)}"), "soon"
    return said, ""


def _lines(standing: ModuleStanding, now: datetime) -> tuple[_Sentence, ...]:
    said: list[_Sentence] = [(line,) for line in _sentences(standing)]
    if standing.submitted_at is None:
        return tuple(said)
    sent: _Sentence = (_moment(standing.submitted_at, now), " 提交（逾期）" if standing.late else " 提交")
    # After why a newer one was not taken, and before what to do next.
    place = 1 + len(standing.refused) if standing.refused else 0
    return (*said[:place], sent, *said[place:])


def _sentences(standing: ModuleStanding) -> list[str]:
    said = []
    if standing.refused:
        said += ["最近一次提交没有收下，可以重新提交", *standing.refused]
    if standing.state == "已提交":
        said.append("正在等待评分，评好后这里会自动更新")
    if standing.state == "待评阅":
        said.append("心得正在等老师评阅，评完后得分会更新")
    if standing.unwritten:
        said.append("心得还没有写")
    if standing.again:
        said.append("新的一次测验正在进行，提交后才计分")
    elif standing.attempts_left and standing.state != "已提交":
        said.append(f"测验还可以做 {standing.attempts_left} 次")
    if standing.cases:
        said.append(f"与您的岗位最有关系的案例：{'、'.join(f'“{title}”' for title in standing.cases)}")
    return [*said, *standing.notes]


def _card(standing: ModuleStanding, now: datetime) -> _Card:
    due, due_tone = _due(standing, now)
    score = verdict = ""
    if standing.score is not None and standing.max_score is not None:
        score = f"{standing.score:g}/{standing.max_score:g} 分"
        if standing.passed:
            verdict = "及格"
        elif standing.state == "已评分":
            verdict = "未及格"
    head, _, _ = standing.module.partition("-")
    return _Card(
        module=standing.module,
        number=head if head.isdigit() else "",
        title=standing.title,
        hours=f"{standing.hours:g} 学时",
        objectives=standing.objectives,
        state=standing.state,
        tone=_tone(standing),
        button=_button(standing),
        score=score,
        verdict=verdict,
        due=due,
        due_tone=due_tone,
        lines=_lines(standing, now),
    )


def overview_data(overview: Overview, now: datetime | None = None) -> dict[str, Any]:
    """The overview as JSON values; ``revision`` changes when anything the page shows has changed."""
    now = now or datetime.now(UTC)
    data: dict[str, Any] = {
        "course_title": overview.course_title,
        "course_subtitle": overview.course_subtitle,
        "hours": overview.hours,
        "earned": overview.earned,
        "track": overview.track,
        "gain": overview.gain,
        "unreadable": list(overview.unreadable),
        "modules": [
            {
                "module": m.module,
                "title": m.title,
                "hours": m.hours,
                "due": m.due.isoformat() if m.due else None,
                "state": m.state,
                "submitted_at": m.submitted_at.isoformat() if m.submitted_at else None,
                "score": m.score,
                "max_score": m.max_score,
                "passed": m.passed,
            }
            for m in overview.modules
        ],
    }
    shown = [repr(_card(m, now)) for m in overview.modules]
    digest = hashlib.sha256(json.dumps([data, shown], sort_keys=True).encode()).hexdigest()
    return data | {"revision": digest[:16]}


def _gain(overview: Overview) -> str:
    if overview.gain is None:
        return ""
    before, after = (round(value) for value in overview.gain)
    change = "与摸底持平" if after == before else "比摸底低，错题值得再看一遍"
    if after > before:
        change = f"提高了 {after - before} 分"
    return f"学之前摸底 {before} 分，结业测评 {after} 分（都按百分计），{change}。"


def overview_page(overview: Overview, base: str, now: datetime | None = None, *, xsrf: str = "") -> str:
    """我的学习 as a whole HTML page.

    ``base`` is the address of our pages, ending in a slash; ``xsrf`` the token its form must carry.
    """
    now = now or datetime.now(UTC)
    return (
        _templates()
        .get_template("overview.html")
        .render(
            base=base,
            title="我的学习",
            course_title=overview.course_title or "勤廉学堂",
            course_subtitle=overview.course_subtitle,
            learner=overview.name or overview.learner,
            account=overview.account,
            leave=overview.leave,
            cards=[_card(m, now) for m in overview.modules],
            unreadable=overview.unreadable,
            earned=f"{overview.earned:g}",
            hours=f"{overview.hours:g}",
            tracks=() if overview.track_fixed else overview.tracks,
            track=overview.track,
            xsrf=xsrf,
            gain=_gain(overview),
            percent=min(100, round(100 * overview.earned / overview.hours)) if overview.hours else 0,
            done=sum(m.passed for m in overview.modules),
            revision=overview_data(overview, now)["revision"],
        )
    )


def error_page(message: str, base: str, *, title: str = "暂时打不开", button: str = "回到我的学习") -> str:
    """A page that says what is wrong and what to do; its button, if it has a name, leads to 我的学习."""
    return (
        _templates()
        .get_template("error.html")
        .render(base=base, title=title, course_title="勤廉学堂", message=message, button=button, learner="", leave="")
    )
