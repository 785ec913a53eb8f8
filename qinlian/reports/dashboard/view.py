"""One look at the class as HTML, for a widget: the sections of the class report, for what was asked."""

from __future__ import annotations

from qinlian.core.zone import BEIJING
from qinlian.reports.dashboard.book import Book, Choice
from qinlian.reports.page.completion import completion, standing
from qinlian.reports.page.content import idle_part, items_part, scores_part, tiles, units_part
from qinlian.reports.page.items import item_lines
from qinlian.reports.page.render import templates

__all__ = ["view"]


def view(book: Book, choice: Choice) -> str:
    """What ``choice`` asks of ``book``; everything that somebody wrote is escaped."""
    part = book.narrowed(choice)
    standings = standing(part.learners, part.grades, part.modules)
    whole, nodes = completion(standings, choice.unit, book.units)
    return (
        templates()
        .get_template("dashboard.html.j2")
        .render(
            moment=book.read_at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M"),
            days=_days(choice),
            tiles=tiles(whole),
            units=units_part(nodes),
            idle=idle_part(standings),
            scores=scores_part(part.grades, part.modules, standings),
            items=items_part(part, item_lines(part)),
            people=len(standings),
            anybody=len(book.learners) > 0,
        )
    )


def _days(choice: Choice) -> str:
    since, until = (day.strftime("%Y-%m-%d") if day else "" for day in (choice.since, choice.until))
    if since and until:
        return f"{since} 到 {until} 交的" if since != until else f"{since} 交的"
    return f"{since} 起交的" if since else f"{until} 为止交的" if until else ""
