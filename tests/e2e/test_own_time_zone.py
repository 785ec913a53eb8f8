"""Every time a learner reads is in their own time zone; a wrong clock on their device moves no deadline."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from qinlian.core.files import LetterboxFile
from qinlian.portal.page import CLOCK, STATIC, overview_data, overview_page
from qinlian.portal.port import ModuleStanding, Overview
from tests.e2e.classroom import DESKTOP, picture, violations
from tests.e2e.quiz_host import EXAM, LESSON, Host, hand_in

pytestmark = pytest.mark.e2e

NOW = datetime.now(UTC).replace(microsecond=0)
LETTERBOX = "ab" * 20


@contextmanager
def device(chromium: Browser, zone: str, **more: Any) -> Iterator[Page]:
    """A page on a device set to a time zone; no script may fail on it."""
    context = chromium.new_context(viewport=DESKTOP, locale="zh-CN", timezone_id=zone, **more)  # type: ignore[arg-type]
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    try:
        yield page
        assert errors == []
    finally:
        context.close()


def said(moment: datetime, hours: float, zone: str = "") -> str:
    """How a page should say it in a zone so many hours ahead."""
    there = moment.astimezone(UTC) + timedelta(hours=hours)
    year = "" if there.year == (datetime.now(UTC) + timedelta(hours=hours)).year else f"{there.year}年"
    return f"{year}{there.month}月{there.day}日 {there:%H:%M}{zone}"


@pytest.mark.parametrize(
    ("zone", "moment", "expected"),
    [
        ("Asia/Shanghai", "2030-06-30T15:59:00Z", "2030年6月30日 23:59"),
        ("Asia/Hong_Kong", "2030-06-30T15:59:00Z", "2030年6月30日 23:59"),
        ("Asia/Urumqi", "2030-06-30T15:59:00Z", "2030年6月30日 21:59（UTC+6）"),
        ("Asia/Urumqi", "2030-06-30T23:59:00+08:00", "2030年6月30日 21:59（UTC+6）"),
        ("Asia/Kathmandu", "2030-06-30T15:59:00Z", "2030年6月30日 21:44（UTC+5:45）"),
        ("Pacific/Kiritimati", "2030-06-30T15:59:00Z", "2030年7月1日 05:59（UTC+14）"),
        ("Pacific/Marquesas", "2030-06-30T15:59:00Z", "2030年6月30日 06:29（UTC-9:30）"),
        ("UTC", "2030-12-31T23:59:00Z", "2030年12月31日 23:59（UTC）"),
        # The clocks go back in the night to 3 November 2030: the same hour comes twice.
        ("America/New_York", "2030-11-03T05:30:00Z", "2030年11月3日 01:30（UTC-4）"),
        ("America/New_York", "2030-11-03T06:30:00Z", "2030年11月3日 01:30（UTC-5）"),
        ("Europe/Berlin", "2030-03-31T00:59:00Z", "2030年3月31日 01:59（UTC+1）"),
        ("Europe/Berlin", "2030-03-31T01:00:00Z", "2030年3月31日 03:00（UTC+2）"),
        ("Asia/Shanghai", "", ""),
        ("Asia/Shanghai", "soon", ""),
    ],
)
def test_a_moment_is_said_in_the_browsers_zone(
    chromium: Browser, tmp_path: Path, zone: str, moment: str, expected: str
) -> None:
    with device(chromium, zone) as page:
        Host(tmp_path, page).open()
        assert page.evaluate("async (m) => (await import('/clock.js')).day(m)", moment) == expected


def tell(host: Host, own: datetime) -> None:
    """Give the learner a due date of their own, as the grader does."""
    letter = LetterboxFile(course=LESSON.course, dues={LESSON.module: own})
    path = host.exchange.root / LESSON.course / "feedback" / f"{LETTERBOX}.json"
    path.write_text(letter.model_dump_json(by_alias=True))


class TestTheLesson:
    def host(self, folder: Path, page: Page, due: datetime) -> Host:
        return Host(folder, page, LESSON.model_copy(update={"due": due}), LETTERBOX)

    def test_the_learners_own_due_date_stands_over_the_quiz(self, chromium: Browser, tmp_path: Path) -> None:
        due = NOW + timedelta(days=2)
        with device(chromium, "Asia/Urumqi") as page:
            host = self.host(tmp_path, page, due)
            host.open(EXAM)
            facts = host.block(EXAM).locator(".ql-facts")
            expect(facts).to_contain_text(f"截止时间{said(due, 6, '（UTC+6）')}")
            # An extension is given while the lesson is open.
            own = due + timedelta(days=3)
            tell(host, own)
            host.push()
            expect(facts).to_contain_text(f"已延期至 {said(own, 6, '（UTC+6）')}")
            expect(facts.locator("time")).to_have_attribute("datetime", own.isoformat())
            picture(page, "own-time-lesson")
            assert violations(page) == []

    @pytest.mark.parametrize("clock", [timedelta(days=400), timedelta(days=-400)], ids=["fast", "slow"])
    @pytest.mark.parametrize("left", [timedelta(hours=1), timedelta(hours=-1)], ids=["in time", "overdue"])
    def test_a_wrong_clock_of_the_device_moves_no_deadline(
        self, chromium: Browser, tmp_path: Path, clock: timedelta, left: timedelta
    ) -> None:
        overdue = left < timedelta(0)
        with device(chromium, "Asia/Shanghai") as page:
            page.clock.install(time=NOW + clock)
            host = self.host(tmp_path, page, NOW + left)
            host.open(EXAM)
            facts = host.block(EXAM).locator(".ql-facts")
            expect(facts.locator("[data-overdue]")).to_have_attribute("data-overdue", str(overdue).lower())
            expect(facts.get_by_text("已过期")).to_have_count(int(overdue))
            host.block(EXAM).get_by_role("button", name="提交测验").click()
            expect(page.get_by_role("dialog")).to_contain_text("没有答完")
            expect(page.get_by_text("已经过了截止时间")).to_have_count(int(overdue))
            picture(page, f"own-time-asked-{'late' if overdue else 'early'}")

    def test_when_it_was_handed_in_is_said_there_too(self, chromium: Browser, tmp_path: Path) -> None:
        with device(chromium, "Asia/Kathmandu") as page:
            host = self.host(tmp_path, page, NOW + timedelta(days=2))
            host.open(EXAM)
            hand_in(host)
            sent = host.exchange.submissions(LESSON.module)[-1].submitted_at
            expect(host.block(EXAM).locator(".ql-waiting")).to_contain_text(said(sent, 5.75, "（UTC+5:45）"))

    def test_the_time_that_counts_is_shown_with_the_reason_why_it_is_another(
        self, chromium: Browser, tmp_path: Path
    ) -> None:
        with device(chromium, "Asia/Shanghai") as page:
            host = self.host(tmp_path, page, NOW + timedelta(days=2))
            host.open(EXAM)
            hand_in(host)
            counted, why = NOW - timedelta(hours=5), "提交时您那边的时钟快了，提交时间按系统收到的时间记"
            host.grade(submitted_at=counted.isoformat(), notes=(why,))
            expect(host.block(EXAM)).to_contain_text(f"最近一次提交：{said(counted, 8)}")
            expect(host.block(EXAM).locator(".ql-notes")).to_have_text(why)
            picture(page, "own-time-graded")


class MyLearning:
    """我的学习 at http://portal.test/, as its server would answer."""

    def __init__(self, page: Page, *modules: ModuleStanding) -> None:
        self.modules = modules
        page.route("http://portal.test/**", self._serve)
        page.goto("http://portal.test/")

    def _serve(self, route: Route) -> None:
        path = route.request.url.removeprefix("http://portal.test/")
        overview = Overview("勤廉学堂", "小周", self.modules)
        if path == "":
            route.fulfill(content_type="text/html; charset=utf-8", body=overview_page(overview, "/", NOW))
        elif path == "api/modules":
            route.fulfill(json=overview_data(overview, NOW))
        else:
            name = path.removeprefix("static/")
            route.fulfill(path=CLOCK if name == CLOCK.name else STATIC / name)


def standing(**more: Any) -> ModuleStanding:
    fields: dict[str, Any] = {"title": "礼尚往来的边界", "hours": 2, "objectives": (), "due": None, "state": "进行中"}
    return ModuleStanding(module="02-gifts", **(fields | more))


class TestMyLearning:
    def test_due_dates_extensions_and_submissions_are_said_in_the_browsers_zone(self, chromium: Browser) -> None:
        due, sent = NOW + timedelta(days=3, hours=1), NOW - timedelta(days=1)
        with device(chromium, "Asia/Urumqi") as page:
            MyLearning(
                page,
                standing(due=due),
                standing(due=due, extended=True),
                standing(due=due, state="已评分", submitted_at=sent, score=80, max_score=100, late=True),
            )
            cards = page.locator(".card")
            expect(cards.nth(0)).to_contain_text(f"{said(due, 6, '（UTC+6）')} 截止，还剩 3 天")
            expect(cards.nth(1)).to_contain_text(f"已延期至 {said(due, 6, '（UTC+6）')}，还剩 3 天")
            expect(cards.nth(2)).to_contain_text(f"{said(sent, 6, '（UTC+6）')} 提交（逾期）")
            expect(page.locator("main")).not_to_contain_text("北京时间")
            picture(page, "own-time-portal")
            assert violations(page) == []

    def test_in_beijings_own_zone_no_zone_is_named(self, chromium: Browser) -> None:
        due = NOW + timedelta(days=30)
        with device(chromium, "Asia/Shanghai") as page:
            MyLearning(page, standing(due=due))
            expect(page.locator(".facts")).to_contain_text(f"{said(due, 8)} 截止")
            expect(page.locator("main")).not_to_contain_text("UTC")

    def test_what_the_page_fetches_later_is_said_there_too(self, chromium: Browser) -> None:
        with device(chromium, "Asia/Urumqi") as page:
            portal = MyLearning(page, standing())
            due = NOW + timedelta(days=2, hours=1)
            portal.modules = (standing(due=due, extended=True),)
            expect(page.locator(".facts")).to_contain_text(f"已延期至 {said(due, 6, '（UTC+6）')}", timeout=10_000)

    def test_without_scripts_it_is_beijing_time_and_says_so(self, chromium: Browser) -> None:
        due = NOW + timedelta(days=2, hours=1)
        with device(chromium, "Asia/Urumqi", java_script_enabled=False) as page:
            MyLearning(page, standing(due=due))
            expect(page.locator(".facts")).to_contain_text(f"北京时间 {said(due, 8)} 截止，还剩 2 天")

    @pytest.mark.parametrize("clock", [timedelta(days=400), timedelta(days=-400)], ids=["fast", "slow"])
    def test_a_wrong_clock_of_the_device_leaves_the_days_that_remain(self, chromium: Browser, clock: timedelta) -> None:
        due = NOW + timedelta(days=2, hours=1)
        with device(chromium, "Asia/Urumqi") as page:
            page.clock.install(time=NOW + clock)
            MyLearning(page, standing(due=due))
            # Where the device's year is another one, the year is said.
            there = due + timedelta(hours=6)
            expect(page.locator(".facts")).to_contain_text(
                f"{there.year}年{there.month}月{there.day}日 {there:%H:%M}（UTC+6） 截止，还剩 2 天"
            )
