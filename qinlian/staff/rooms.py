"""The rooms: what each page shows, and what its buttons do."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

from tornado.web import HTTPError

from qinlian.reports.states import STATES
from qinlian.staff.extensions import moment_of
from qinlian.staff.files import Kind
from qinlian.staff.guide import EXAMPLE, guides, read_guide
from qinlian.staff.overview import Overview
from qinlian.staff.publishing import Action
from qinlian.staff.report import Filter
from qinlian.staff.web import StaffPage, log
from qinlian.staff.words import address, day

__all__ = [
    "ClassBook",
    "ClassPage",
    "Extensions",
    "GuidePage",
    "Home",
    "Idle",
    "IdleFile",
    "Marking",
    "Releases",
    "Report",
    "ReportFile",
    "UnitOverview",
]

_PATIENCE = 1.5
"""Seconds that the first page waits for its numbers; then it opens without them and asks again."""
_CHUNK = 1 << 18
_FULL_TREE = 40
"""So many units are shown at once; of a larger tree only the first two levels."""


class _Asked(StaffPage):
    """A page with a choice of unit, module and state."""

    async def asked(self) -> Filter | None:
        """What is asked for, or None when it is nothing that may be seen: then the answer is given."""
        plan, seen = await self.office.plan(), await self.office.units(self.me)
        wish = Filter(self.word("unit"), self.word("module"), self.word("state"), self.word("who").strip())
        known = wish.below in ("", *seen) and wish.module in ("", *plan.by_id) and wish.state in ("", *STATES)
        if not known:
            self.unknown()
            return None
        return wish

    async def choices(self) -> dict[str, Any]:
        """What the form offers."""
        plan = await self.office.plan()
        return {"units": await self.office.units(self.me), "modules": plan.modules, "states": STATES}


class Home(StaffPage):
    """Where a 教师 lands."""

    async def get(self) -> None:
        """The rooms, and how things stand."""
        task = asyncio.ensure_future(self.office.overview(self.me))
        done, _ = await asyncio.wait({task}, timeout=_PATIENCE)
        kept = task.result() if done else None
        units = await self.office.units(self.me)
        self.show("home", "教师工作台", kept=kept, units=units, home=self.me.home)


class UnitOverview(_Asked):
    """班级概况."""

    async def get(self) -> None:
        """One unit with all below it."""
        wish = await self.asked()
        if wish is None:
            return
        kept = await self.office.overview(self.me, wish.below, wish.module)
        self.show(
            "overview",
            "班级概况",
            "overview",
            asked=wish,
            kept=kept,
            rows=_shown(kept.value, everything=bool(self.word("all"))),
            home=self.me.home,
            **await self.choices(),
        )


def _shown(found: Overview, *, everything: bool) -> dict[str, Any]:
    """The units to list: all of a small tree, else the first two levels of it."""
    whole = found.units
    if everything or len(whole) <= _FULL_TREE:
        return {"units": whole, "more": 0}
    first = [unit for unit in whole if unit.depth <= 1]
    return {"units": first, "more": len(whole) - len(first)}


class Report(_Asked):
    """成绩报表."""

    async def get(self) -> None:
        """One page of the table."""
        wish = await self.asked()
        if wish is None:
            return
        page = await self.office.page(self.me, wish, self.count("page"))
        self.show("report", "成绩报表", "report", asked=wish, page=page, **await self.choices())


class Idle(_Asked):
    """Who has not started, by name."""

    async def get(self) -> None:
        """One page of names: nothing handed in at all, or nothing of one module."""
        wish = await self.asked()
        if wish is None:
            return
        page = await self.office.idle(self.me, wish, self.count("page"))
        self.show("idle", "还没开始的学员", "overview", asked=wish, page=page, **await self.choices())


class _File(_Asked):
    """A file, made anew for each download: what the page shows, all pages of it."""

    kind: Kind = "report"
    title = "成绩报表"
    suffix, media = "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

    async def get(self) -> None:
        """Make it and send it in pieces."""
        wish = await self.asked()
        if wish is None:
            return
        made = await self.office.file(self.me, self.kind, wish)
        try:
            self.set_header("Content-Type", self.media)
            name = f"filename=\"{self.kind}.{self.suffix}\"; filename*=UTF-8''{quote(self.title)}.{self.suffix}"
            self.set_header("Content-Disposition", f"attachment; {name}")
            with made.path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    self.write(chunk)
                    await self.flush()
        finally:
            made.remove()


class ReportFile(_File):
    """The report."""


class IdleFile(_File):
    """The names of those who have not started."""

    kind, title = "names", "还没开始的学员"


class ClassPage(_File):
    """The class report on a unit, as a page of its own. It is kept, not opened here: it looks after itself."""

    kind, title = "class-page", "学习情况报表"
    suffix, media = "html", "text/html; charset=utf-8"


class ClassBook(_File):
    """The tables of the class report."""

    kind, title = "class-book", "学习情况报表"


class TemplateFile(_File):
    """A workbook of questions to start from."""

    kind, title = "template", "题库模板"


class Marking(_Asked):
    """批阅心得."""

    async def get(self) -> None:
        """Whose reflections wait, each with the way to it."""
        wish = await self.asked()
        if wish is None:
            return
        found, count = await self.office.waiting(self.me, wish)
        formgrader = self.settings["formgrader"]
        self.show(
            "marking",
            "批阅心得",
            "marking",
            asked=wish,
            found=found,
            count=count,
            formgrader=formgrader,
            **await self.choices(),
        )


class Releases(StaffPage):
    """发布课程."""

    async def get(self) -> None:
        """How each module stands."""
        jobs = self.office.publisher.jobs()
        self.show("releases", "发布课程", "releases", releases=await self.office.releases(), jobs=jobs)

    async def post(self) -> None:
        """Publish a module or take it back."""
        if not self.me.may_release:
            self.refuse("不能发布", "发布会影响全部单位，由最上级单位的教师或管理员来做；需要发布请联系他们")
            return
        module, wish = self.get_body_argument("module", ""), self.get_body_argument("action", "")
        plan = await self.office.plan()
        if module not in plan.by_id or wish not in ("release", "withdraw"):
            self.unknown()
            return
        action: Action = "release" if wish == "release" else "withdraw"
        self.office.publisher.begin(plan.by_id[module], action)
        log.info("%s %s %s", self.me.account, action, module)
        self.redirect(f"{self.base}releases")


class Extensions(StaffPage):
    """延期."""

    async def get(self) -> None:
        """Who has more time, and the form."""
        plan, due = await self.office.plan(), await self.office.dues()
        dated = [(module, due[module.id]) for module in plan.modules if module.id in due]
        self.show(
            "extensions",
            "延期",
            "extensions",
            found=await self.office.extensions(self.me),
            dated=dated,
            number=self.word("number"),
            module=self.word("module"),
            until=self.word("until"),
        )

    async def post(self) -> None:
        """Give more time, or take it back."""
        number, module = self.get_body_argument("number", ""), self.get_body_argument("module", "")
        if self.get_body_argument("action", "") == "take-back":
            await self.act("extensions", self._take_back(number, module))
        else:
            until = self.get_body_argument("until", "")
            typed = address("extensions", number=number[:28], module=module[:100], until=until[:20])
            await self.act("extensions", self._extend(number, module, until), again=typed)

    async def _extend(self, number: str, module: str, until: str) -> str:
        given = await self.office.extend(self.me, number, module, moment_of(until))
        return f"已给{given.learner.name}延期，“{given.module.name}”可以交到{day(given.until)}（北京时间）"

    async def _take_back(self, number: str, module: str) -> str:
        learner = await self.office.take_back(self.me, number, module)
        return f"已收回{learner.name}的延期，按模块原来的截止时间算"


class GuidePage(StaffPage):
    """出题指南."""

    async def get(self, name: str = "") -> None:
        """One guide; the first that is there unless one is named."""
        docs = self.office.places.docs
        there = guides(docs)
        if name and name not in there:
            raise HTTPError(404)
        if there and not name:
            # Links between the guides are relative.
            self.redirect(f"{self.base}guide/{next(iter(there))}")
            return
        guide = read_guide(docs, name) if name else None
        example = (docs / EXAMPLE).is_file()
        self.show("guide", guide.title if guide else "出题指南", "guide", guides=there, guide=guide, example=example)
