"""Files to download, made in a process of its own: ``python -m qinlian.staff.files``.

A province's report takes a minute or two of computing, which would slow down everybody's pages. What is asked for
and where the course is come in on stdin, where no other user of the machine can see them; who asks is looked up in
the roster again.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from qinlian.atomic import replace_file
from qinlian.errors import GradingError, QinlianError
from qinlian.staff.book import open_book
from qinlian.staff.guide import EXAMPLE
from qinlian.staff.places import Places
from qinlian.staff.plan import read_plan
from qinlian.staff.report import COLUMNS, NAMES, Filter, cells, every_name, every_row, name_cells
from qinlian.staff.scope import viewer_of
from qinlian.staff.viewer import Viewer

if TYPE_CHECKING:
    from qinlian.core.model import Course

__all__ = ["Kind", "MadeFile", "main", "write_class", "write_names", "write_report", "write_template"]

Kind = Literal["report", "names", "template", "class-page", "class-book"]
_WIDTHS = dict(zip(COLUMNS, (14, 12, 44, 16, 16, 28, 8, 8, 10, 18, 10), strict=True))
_NAME_WIDTHS = dict(zip(NAMES, (14, 12, 44, 16, 16, 28), strict=True))
_PATIENCE = 900.0
_OF_A_TYPE = 2


@dataclass(frozen=True)
class MadeFile:
    """A file that is there until ``remove``."""

    path: Path

    @classmethod
    async def make(cls, places: Places, viewer: Viewer, kind: Kind, asked: Filter) -> MadeFile:
        """Write what ``viewer`` may see of what is asked for. Raises GradingError."""
        made = cls(Path(tempfile.mkdtemp(prefix="qinlian-staff-")) / "made")
        wish = {"account": viewer.account, "kind": kind, "filter": asdict(asked), "path": str(made.path)}
        # Reading nbgrader_config.py would take longer than most files do.
        wish["places"] = {name: str(value) for name, value in asdict(places).items()}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "qinlian.staff.files"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
        )
        try:
            await asyncio.wait_for(process.communicate(json.dumps(wish).encode()), _PATIENCE)
        except BaseException:
            # The page was closed, or it takes for ever: nobody waits for the file any more.
            if process.returncode is None:
                process.kill()
                await process.wait()
            made.remove()
            raise
        if process.returncode:
            made.remove()
            raise GradingError("文件没有做出来，可能是磁盘已满或成绩册正忙；请稍后再试")
        return made

    def remove(self) -> None:
        """Delete the file."""
        shutil.rmtree(self.path.parent, ignore_errors=True)


def write_report(places: Places, viewer: Viewer, asked: Filter, path: Path) -> int:
    """Write the report, as far as ``viewer`` may see it; returns the number of rows."""
    from qinlian.reports.worksheet import write_rows

    rows = every_row(open_book(places.db_url), viewer, read_plan(places.release), asked)
    return write_rows(path, _WIDTHS, map(cells, rows))


def write_names(places: Places, viewer: Viewer, asked: Filter, path: Path) -> int:
    """Write who has not started, as far as ``viewer`` may see them; returns the number of rows."""
    from qinlian.reports.worksheet import write_rows

    people = every_name(open_book(places.db_url), viewer, read_plan(places.release), asked)
    return write_rows(path, _NAME_WIDTHS, map(name_cells, people), "还没开始的学员")


def write_class(places: Places, viewer: Viewer, asked: Filter, path: Path, course: Course, *, book: bool) -> None:
    """Write the class report on the unit asked for, or else on all that ``viewer`` may see: a page, or a workbook.

    Raises GradingError for a unit that is not theirs to see.
    """
    from qinlian.reports.frames.people import roster_of
    from qinlian.reports.page.gather import gather
    from qinlian.reports.page.render import render
    from qinlian.reports.page.workbook import write_workbook
    from qinlian.reports.table import gradebook_table
    from qinlian.roster.people import ALL
    from qinlian.roster.units import at_or_below

    unit = asked.below or viewer.home
    if not viewer.sees_all and not (viewer.home and at_or_below(unit, viewer.home)):
        raise GradingError("只能下载本单位和下级单位的报表")
    scope = roster_of(places.db_url).scope(unit) if unit else ALL
    facts = gather(places.root, course, scope, unit)
    if book:
        write_workbook(facts, gradebook_table(places.root, course, scope), path)
    else:
        replace_file(path, render(facts).html.encode(), 0o600)


def write_template(places: Places, path: Path) -> None:
    """Write a workbook of questions to start from: a few of each type out of the example module.

    Raises GradingError when the example is not there.
    """
    from qinlian.authoring.questions import parse_questions
    from qinlian.authoring.textfile import read_text
    from qinlian.authoring.workbook import export_workbook
    from qinlian.core.model import Course, Item, Module

    parsed, _ = read_text(places.docs / EXAMPLE, EXAMPLE.name)
    if parsed is None:
        raise GradingError("这台服务器上没有题库的例子；请管理员把课程仓库的 docs 文件夹一起复制过来")
    chosen: dict[str, list[Item]] = {}
    for placed in parse_questions(parsed).items:
        of_its_type = chosen.setdefault(placed.item.kind, [])
        if len(of_its_type) < _OF_A_TYPE:
            of_its_type.append(placed.item)
    items = tuple(item for several in chosen.values() for item in several)
    export_workbook(Course(id="template", title="", modules=(Module(id="template", title="", items=items),)), path)


def main() -> int:
    """Run as a process of its own; returns its exit status."""
    # Pages come first.
    os.nice(10)
    wish = json.load(sys.stdin)
    at, path = wish["places"], Path(wish["path"])
    places = Places(Path(at["root"]), at["course_id"], at["db_url"], Path(at["exchange"]))
    try:
        with open_book(places.db_url).connect() as connection:
            viewer = viewer_of(connection, wish["account"])
        if viewer is None:
            raise GradingError("只有在名单里的教师和管理员能下载")
        if wish["kind"] == "template":
            write_template(places, path)
        elif wish["kind"] in ("class-page", "class-book"):
            from qinlian.authoring.reader import load_course

            course = load_course(places.root / "course")
            write_class(places, viewer, Filter(**wish["filter"]), path, course, book=wish["kind"] == "class-book")
        else:
            write = write_names if wish["kind"] == "names" else write_report
            write(places, viewer, Filter(**wish["filter"]), path)
    except QinlianError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
