"""The pages as HTML: one template each, everything in them escaped."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from qinlian.portal.page import STATIC as PORTAL_STATIC
from qinlian.roster.units import SEPARATOR, own_name, short_name
from qinlian.staff import words
from qinlian.staff.viewer import Viewer

__all__ = ["PORTAL_STATIC", "ROOMS", "STATIC", "Frame", "Room", "message_page", "render"]

_HERE = Path(__file__).parent
STATIC = _HERE / "static"


@dataclass(frozen=True)
class Room:
    """One of the pages: its address, its name, and what it is for."""

    path: str
    name: str
    about: str


ROOMS = (
    Room("overview", "班级概况", "各单位学到哪里了：谁还没开始，多少份交了、评了、及格了。"),
    Room("report", "成绩报表", "每人每个模块的得分、状态和学时，可以筛选，下载成 Excel。"),
    Room("marking", "批阅心得", "哪些心得在等人批阅，点一下到批阅的页面。"),
    Room("releases", "发布课程", "每个模块发布了没有，发布、更新或收回。"),
    Room("extensions", "延期", "给个别学员多一些时间，也可以收回。"),
    Room("guide", "出题指南", "课文、题目和活动怎么写，题库模板在这里下载。"),
)


@dataclass(frozen=True)
class Frame:
    """What all pages share. ``base`` is the address of ours, ``hub`` the Hub's, both ending in a slash."""

    base: str
    hub: str
    course_title: str = "勤廉学堂"
    viewer: Viewer | None = None
    xsrf: str = ""
    said: str = ""
    failed: bool = False


@cache
def _templates() -> Environment:
    made = Environment(
        loader=FileSystemLoader(_HERE / "pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    made.filters |= {name: getattr(words, name) for name in ("day", "clock", "number")}
    made.filters |= {"own_name": own_name, "short_name": short_name}
    made.globals |= {"rooms": ROOMS, "share": words.share, "address": words.address, "separator": SEPARATOR}
    return made


def render(name: str, frame: Frame, title: str, room: str = "", **values: Any) -> str:
    """The page of that template; ``room`` is the path of the room it belongs to."""
    return _templates().get_template(f"{name}.html").render(frame=frame, title=title, room=room, **values)


def message_page(frame: Frame, title: str, message: str, *, button: str = "回到首页", target: str = "") -> str:
    """A page that says what is wrong and what to do; its button, if it has a name, leads to ``target``, or home."""
    return render("message", frame, title, message=message, button=button, target=target or frame.base)
