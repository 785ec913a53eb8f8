"""What the tests of 账目核查 in Chromium share: the lesson, what a learner was given, and how a row is flagged."""

from __future__ import annotations

from playwright.sync_api import Locator, Page, expect

from qinlian.core.files import LessonFile
from qinlian.core.model import Item
from qinlian.items.ledger import TYPE
from qinlian.notebooks.publish import publish
from tests.e2e.quiz_host import Host
from tests.ledger_sample import LEDGER_COURSE, MODULE
from tests.sample import IDS

QUIZ = MODULE.quizzes[0].id
LESSON: LessonFile = publish(LEDGER_COURSE, MODULE, IDS)
BLOCK = LESSON.blocks[0].id


class Shown:
    """The variant that this learner was given."""

    def __init__(self, host: Host, block: str, item: Item) -> None:
        self.public = host.live.state(block).items[IDS.of(item.id)]
        self.lines = {line.split("\t")[0]: line.split("\t") for line in self.public["rows"]}
        number = next(
            n
            for n in range(TYPE.variants(item))
            if TYPE.public(item.model_copy(update={"variant": n}), IDS)["rows"] == self.public["rows"]
        )
        self.item = item.model_copy(update={"variant": number})
        self.key = TYPE.key(self.item, IDS)
        self.names = {reason["id"]: reason["name"] for reason in self.public["reasons"]}
        self.clean = [row for row in sorted(self.lines) if row not in self.key]

    def number(self, row: str) -> str:
        return self.lines[row][1]

    def groups(self) -> list[list[str]]:
        return [
            sorted(r for r, e in self.key.items() if e["group"] == g) for g in {e["group"] for e in self.key.values()}
        ]


def voucher(page: Page, number: str) -> Locator:
    return page.get_by_role("button", name=f"第 {number} 行的凭证", exact=True)


def below(page: Page, number: str) -> Locator:
    return page.locator(f"tr.ql-ledger-below[id$='-{number}']")


def flag(page: Page, number: str, reason: str) -> None:
    """Open a row, mark it and choose a reason, with the keys alone."""
    voucher(page, number).press("Enter")
    below(page, number).get_by_role("button", name="标为可疑").press("Space")
    select = below(page, number).locator("select")
    expect(select).to_be_focused()
    for _ in range(select.locator("option").count()):
        if select.input_value() != reason:
            page.keyboard.press("ArrowDown")
    expect(select).to_have_value(reason)
