"""The instructors' pages as a service of a real Hub, in a real browser: two branches and the office above them."""

from __future__ import annotations

import io
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import update

from qinlian.database import aware
from qinlian.grading.late import deadline
from qinlian.roster.tables import PERSON
from qinlian.staff.plan import read_plan
from tests.e2e.classroom import DESKTOP, PHONE, picture, violations
from tests.hub.small_hub import ROOT, SmallHub, Visitor, running
from tests.ports import free_ports
from tests.staff_room import NOW, Book

pytestmark = pytest.mark.hub

PASSWORD, TOKEN = "一句自己好记的话就行了", "a" * 40
TOP, CITY, COUNTY, OTHER = "云岭省开放大学", "青禾分校", "望川学习中心", "栖云分校"
STAFF = {"office": (TOP, "冯子墨", "管理员"), "city": (f"{TOP}/{CITY}", "吴思齐", "教师")}
STAFF |= {"other": (f"{TOP}/{OTHER}", "郑雨桐", "教师"), "leaves": (f"{TOP}/{CITY}", "离任人", "教师")}
LEARNERS = {
    "l1": (f"{TOP}/{CITY}", "周晓岚"),
    "l2": (f"{TOP}/{CITY}/{COUNTY}", "林知远"),
    "l3": (f"{TOP}/{CITY}/{COUNTY}", "<b>陈一帆</b>"),
    "l4": (f"{TOP}/{OTHER}", "王若溪"),
    "l5": (f"{TOP}/{OTHER}", "=cmd()"),
}
PAGES = {"home": "", "overview": "overview", "idle": "idle", "report": "report", "marking": "marking"}
PAGES |= {"releases": "releases", "extensions": "extensions", "guide": "guide/format"}
_SERVICE = """
c.JupyterHub.services = [
    {{
        "name": "staff",
        "url": "http://127.0.0.1:{port}",
        "command": [{python!r}, "-m", "qinlian.staff", "--root", {root!r}],
        "environment": {{"QINLIAN_DATABASE_URL": {db_url!r}, "QINLIAN_CLASSROOM": {classroom!r}}},
        "oauth_no_confirm": True,
    }},
    {{"name": "qloffice", "api_token": {token!r}}},
]
c.JupyterHub.load_groups = {{"formgrade-qinlian": {{"users": {users!r}}}}}
c.JupyterHub.load_roles = [
    {{
        "name": "instructor",
        "groups": ["formgrade-qinlian"],
        "services": ["qloffice"],
        "scopes": ["access:services!service=staff"],
    }},
]
"""


@dataclass(frozen=True)
class Room:
    """The Hub, and what its service works on."""

    hub: SmallHub
    book: Book
    root: Path

    @property
    def base(self) -> str:
        return f"{self.hub.url}/services/staff/"

    @property
    def outbound(self) -> Path:
        return self.root / ".classroom" / "exchange" / "qinlian" / "outbound"

    def enter(self, browser: Browser, who: str, size: Any = DESKTOP) -> Page:
        """Somebody signs in, on the way to the pages."""
        page = browser.new_context(viewport=size, locale="zh-CN").new_page()
        page.goto(self.base)
        page.locator("#number").fill(who)
        page.locator("input[name=password]").fill(PASSWORD)
        page.get_by_role("button", name="登录").click()
        return page


def _fill(book: Book) -> None:
    for number, (unit, name, role) in STAFF.items():
        book.add(number, unit, name, role=role)
    for number, (unit, name) in LEARNERS.items():
        book.add(number, unit, name, department="办公室", email=f"{number}@example.cn")
    start, gifts = book.plan.modules[:2]
    for number, quiz, text in (("l1", 64.0, None), ("l2", 70.0, 15.0), ("l4", 50.0, None)):
        book.grade(f"ql{number}", start, quiz, text, waits=text is None, at=NOW - timedelta(days=4))
    book.grade("qll2", gifts, 20.0, 5.0)
    book.arrive("qll3", start)
    book.due(start, NOW)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    folder = tmp_path_factory.mktemp("staff")
    root = folder / "course"
    for name in ("course", "source", "release", "docs"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("editions"))
    shutil.copy(ROOT / "nbgrader_config.py", root)
    (root / ".classroom" / "exchange").mkdir(parents=True)
    book = Book.fresh(folder / "book", read_plan(root / "release"))
    _fill(book)
    hub = SmallHub(folder, book.url)
    settings = _SERVICE.format(
        port=free_ports(),
        python=sys.executable,
        root=str(root),
        db_url=book.url,
        classroom=str(root / ".classroom"),
        token=TOKEN,
        users=[f"ql{number}" for number in STAFF],
    )
    config = folder / "jupyterhub_config.py"
    config.write_text(config.read_text() + settings)
    with running(hub):
        for number in (*STAFF, "l1"):
            hub.store.set_password(f"ql{number}", PASSWORD)
        (folder / "homes" / "qll1").mkdir(parents=True)
        yield Room(hub, book, root)


@pytest.fixture(scope="module")
def city(room: Room, chromium: Browser) -> Page:
    """The browser of one branch's instructor."""
    return room.enter(chromium, "city")


@pytest.fixture(scope="module")
def office(room: Room, chromium: Browser) -> Page:
    """The browser of the office above all branches."""
    return room.enter(chromium, "office")


class TestInTheBrowser:
    def test_signing_in_leads_to_the_pages(self, room: Room, city: Page) -> None:
        expect(city).to_have_url(room.base)
        expect(city.get_by_role("heading", level=1)).to_have_text("吴思齐，您好")
        expect(city.locator(".subtitle")).to_contain_text("青禾分校和它下面的 1 个单位")
        expect(city.locator(".tiles strong").first).to_have_text("3", timeout=30_000)

    @pytest.mark.parametrize("name", PAGES)
    def test_every_page_is_in_order_at_both_widths(self, room: Room, city: Page, name: str) -> None:
        faults: list[str] = []
        city.on("pageerror", lambda error: faults.append(str(error)))
        city.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
        city.on("request", lambda sent: None if sent.url.startswith(room.hub.url) else faults.append(sent.url))
        city.goto(room.base + PAGES[name])
        picture(city, f"staff-{name}")
        for size in (DESKTOP, PHONE):
            city.set_viewport_size(size)  # type: ignore[arg-type]
            city.wait_for_timeout(200)
            assert city.evaluate("document.documentElement.scrollWidth") == size["width"]
            assert violations(city) == []
        city.set_viewport_size(DESKTOP)  # type: ignore[arg-type]
        body = city.locator("body").inner_text()
        assert "王若溪" not in body
        assert "栖云" not in body
        assert faults == []

    def test_counts_roll_up_ones_own_tree(self, room: Room, city: Page, office: Page) -> None:
        city.goto(f"{room.base}overview")
        rows = city.locator("section").first.locator("tbody tr")
        assert [row.locator("th").inner_text().strip() for row in rows.all()] == [CITY, f"{CITY}本级", COUNTY]
        assert [row.locator("td").first.inner_text() for row in rows.all()] == ["3", "1", "2"]
        office.goto(f"{room.base}overview")
        assert "栖云分校" in office.locator("table").first.inner_text()
        assert office.locator("tbody tr").first.locator("td").first.inner_text() == "5"

    def test_it_can_be_used_with_keys_alone(self, room: Room, city: Page) -> None:
        city.goto(f"{room.base}report")
        city.keyboard.press("Tab")
        expect(city.get_by_role("link", name="跳到内容")).to_be_focused()
        city.keyboard.press("Enter")
        city.keyboard.press("Tab")
        expect(city.get_by_label("单位")).to_be_focused()
        assert city.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        city.get_by_label("姓名或工号").fill("林")
        city.keyboard.press("Enter")
        expect(city.locator("tbody tr").first).to_contain_text("林知远")
        assert city.locator("tbody", has_text="周晓岚").count() == 0

    def test_a_download_is_what_the_page_shows(self, room: Room, city: Page) -> None:
        city.goto(f"{room.base}report?state=%E5%BE%85%E8%AF%84%E9%98%85")
        expect(city.locator("tbody tr")).to_have_count(1)
        with city.expect_download(timeout=60_000) as waiting:
            city.get_by_role("link", name="下载 Excel").click()
        assert waiting.value.suggested_filename == "成绩报表.xlsx"
        sheet = load_workbook(io.BytesIO(waiting.value.path().read_bytes())).active
        assert sheet is not None
        rows = list(sheet.iter_rows(min_row=2, values_only=True))
        assert [(row[1], row[8]) for row in rows] == [("周晓岚", "待评阅")]

    def test_the_class_report_is_a_page_to_keep(self, room: Room, city: Page) -> None:
        city.goto(f"{room.base}overview")
        with city.expect_download(timeout=180_000) as waiting:
            city.get_by_role("link", name="下载报表（网页）").click()
        assert waiting.value.suggested_filename == "学习情况报表.html"
        page = waiting.value.path().read_text("utf-8")
        assert "各单位学到哪里了" in page
        assert CITY in page
        assert "王若溪" not in page

    def test_names_are_text(self, room: Room, city: Page) -> None:
        city.goto(f"{room.base}report?module=01-start")
        expect(city.locator("tbody")).to_contain_text("<b>陈一帆</b>")


class TestOtherPeoplesBranches:
    """With the browser's own cookies, and by hand."""

    @pytest.mark.parametrize(
        "path", ["overview", "report", "idle", "marking", "report.xlsx", "idle.xlsx", "class.html", "class.xlsx"]
    )
    @pytest.mark.parametrize("unit", [f"{TOP}/{OTHER}", TOP])
    def test_a_changed_address(self, room: Room, city: Page, path: str, unit: str) -> None:
        answer = city.request.get(f"{room.base}{path}", params={"unit": unit})
        assert answer.status == 404
        assert "王若溪" not in answer.text()

    def test_the_form_of_a_page_that_is_not_ours(self, room: Room, city: Page, office: Page) -> None:
        """No token, somebody else's token, and a token in a request from elsewhere."""
        fields = {"number": "l1", "module": "01-start", "until": "2027-01-01T08:00", "action": "give"}
        city.goto(f"{room.base}extensions")
        office.goto(f"{room.base}extensions")
        theirs = str(office.locator("input[name=_xsrf]").first.get_attribute("value"))
        for token in ("", "x" * 32, theirs):
            answer = city.request.post(f"{room.base}extensions", form={**fields, "_xsrf": token}, max_redirects=0)
            assert answer.status == 403
            assert re.search("[\u4e00-\u9fff]", answer.text())
        city.goto(f"{room.base}extensions")
        expect(city.locator("main")).to_contain_text("还没有给谁延期")

    def test_another_site_cannot_send_it(self, room: Room, chromium: Browser, city: Page) -> None:
        """Our cookies are Lax: a form on another site comes without them."""
        city.goto(f"{room.base}releases")
        names = {cookie["name"]: cookie for cookie in city.context.cookies()}
        assert names["_xsrf"]["sameSite"] == "Lax"
        assert names["service-staff"]["httpOnly"]

    def test_a_learners_page_of_the_same_origin_reads_nothing(self, room: Room, chromium: Browser, city: Page) -> None:
        """A learner's server sends what the learner wants, and an instructor has followed a link to it."""
        learner = chromium.new_context(viewport=DESKTOP, locale="zh-CN").new_page()
        learner.goto(f"{room.hub.url}/hub/login")
        learner.locator("#number").fill("l1")
        learner.locator("input[name=password]").fill(PASSWORD)
        learner.get_by_role("button", name="登录").click()
        learner.goto(f"{room.hub.url}/hub/spawn")
        expect(learner.locator("h1")).to_have_text("qll1", timeout=60_000)
        lured = city.context.new_page()
        lured.goto(f"{room.hub.url}/user/qll1/")
        expect(lured.locator("h1")).to_have_text("qll1")
        for mode in ("no-cors", "same-origin", "cors"):
            fetch = "mode => fetch('/services/staff/report', {mode}).then(a => a.text(), () => '')"
            assert "林知远" not in lured.evaluate(fetch, mode)
        with city.context.expect_page() as opened:
            lured.evaluate("() => { window.held = window.open('/services/staff/extensions') }")
        expect(opened.value.get_by_role("heading", level=1)).to_have_text("延期")
        assert lured.evaluate("() => window.held.closed")
        frame = (
            "() => { const f = document.createElement('iframe'); f.src = '/services/staff/'; document.body.append(f) }"
        )
        lured.evaluate(frame)
        lured.wait_for_timeout(1500)
        seen = "() => { try { return frames[0].document.body.innerText } catch { return '' } }"
        assert "林知远" not in lured.evaluate(seen)
        assert "您好" not in lured.evaluate(seen)
        lured.close()

    @pytest.mark.parametrize("number", ["l4", "l5"])
    def test_other_peoples_numbers(self, room: Room, city: Page, number: str) -> None:
        city.goto(f"{room.base}extensions")
        city.get_by_label("学员的工号").fill(number)
        city.get_by_label("新的截止时间").fill("2027-01-01T08:00")
        city.get_by_role("button", name="延期").click()
        expect(city.locator("#said")).to_contain_text("没有找到这个工号")
        assert violations(city) == []

    def test_a_branch_has_no_buttons_to_publish_and_they_would_do_nothing(self, room: Room, city: Page) -> None:
        city.goto(f"{room.base}releases")
        assert city.get_by_role("button").count() == 0
        city.goto(f"{room.base}extensions")
        token = str(city.locator("input[name=_xsrf]").first.get_attribute("value"))
        form = {"_xsrf": token, "module": "01-start", "action": "release"}
        answer = city.request.post(f"{room.base}releases", form=form)
        assert answer.status == 403
        assert not (room.outbound / "01-start").exists()


class TestWhoElseComes:
    def test_a_learner_is_turned_away(self, room: Room, chromium: Browser) -> None:
        page = room.enter(chromium, "l1")
        page.wait_for_load_state()
        assert "周晓岚，您好" not in page.inner_text("body")
        assert page.request.get(f"{room.base}report").status == 403
        assert page.request.get(f"{room.base}report.xlsx").status == 403

    def test_nobody_without_signing_in(self, room: Room) -> None:
        for path in ("", "report", "report.xlsx", "nowhere"):
            answer = Visitor(room.hub).ask(f"/services/staff/{path}", follow=False)
            assert answer.status == 302
            assert "/hub/api/oauth2/authorize" in answer.address

    def test_a_service_of_the_hub_is_no_person_whatever_its_name(self, room: Room) -> None:
        """This one is called like the office's account, and may reach the service."""
        answer = Visitor(room.hub).ask("/services/staff/report", Authorization=f"token {TOKEN}")
        assert answer.status == 403
        assert "这里是教师的页面" in answer.text

    def test_who_leaves_the_roster_is_out_at_once(self, room: Room, chromium: Browser) -> None:
        page = room.enter(chromium, "leaves")
        expect(page.get_by_role("heading", level=1)).to_have_text("离任人，您好")
        with room.book.engine.begin() as connection:
            connection.execute(update(PERSON).where(PERSON.c.number == "leaves").values(archived_at=NOW))
        answer = page.goto(f"{room.base}report")
        assert answer is not None
        assert answer.status == 403
        expect(page.locator("main")).to_contain_text("已经停用")
        picture(page, "staff-refused")
        assert violations(page) == []

    def test_signing_out_of_the_hub_ends_it_here(self, room: Room, chromium: Browser) -> None:
        page = room.enter(chromium, "other")
        expect(page.get_by_role("heading", level=1)).to_have_text("郑雨桐，您好")
        page.get_by_role("link", name="退出").click()
        page.goto(f"{room.base}report")
        expect(page.locator("#number")).to_be_visible()


class TestWhatIsDone:
    def test_more_time_typed_in_beijing_time(self, room: Room, city: Page) -> None:
        city.goto(f"{room.base}extensions")
        city.get_by_label("学员的工号").fill("L2")
        city.get_by_label("新的截止时间").fill("2027-01-01T08:00")
        city.get_by_role("button", name="延期").click()
        expect(city.locator("#said")).to_contain_text("已给林知远延期")
        picture(city, "staff-extended")
        with room.book.engine.connect() as connection:
            own = aware(deadline(connection, "01-start", ["qll2"]).of("qll2"))
        assert own is not None
        assert own.astimezone(UTC).isoformat() == "2027-01-01T00:00:00+00:00"
        city.get_by_role("button", name="收回：林知远").click()
        expect(city.locator("#said")).to_contain_text("已收回林知远的延期")

    def test_a_module_is_published_and_taken_back(self, room: Room, office: Page) -> None:
        """Through nbgrader's own release, in a process of its own."""
        office.goto(f"{room.base}releases")
        expect(office.locator("h1 + .subtitle")).to_contain_text("0 / 14")
        card = office.locator("li.card", has_text="礼尚往来的边界")
        card.get_by_role("button", name="发布").click()
        expect(card.locator(".state")).to_have_text("正在发布")
        picture(office, "staff-publishing")
        expect(card.locator(".state")).to_have_text("已发布", timeout=240_000)
        expect(card).to_contain_text("发布好了，学员现在就能学")
        assert (room.outbound / "02-gifts" / "lesson.json").is_file()
        assert list((room.root / "course" / "editions" / "02-gifts").glob("*.json"))
        picture(office, "staff-published")
        assert violations(office) == []
        card.locator("summary", has_text="收回").click()
        picture(office, "staff-withdrawing")
        card.get_by_role("button", name="确定收回").click()
        expect(card.locator(".state")).to_have_text("没有发布", timeout=240_000)
        expect(card).to_contain_text("收回来了，交过的都还在")
        assert not (room.outbound / "02-gifts").exists()

    def test_a_module_whose_built_form_is_not_the_text_is_refused(self, room: Room, office: Page) -> None:
        (room.root / "release" / "03-conflicts" / "extra.txt").write_text("x")
        office.goto(f"{room.base}releases")
        card = office.locator("li.card", has_text="利益冲突")
        card.get_by_role("button", name="发布").click()
        expect(card.get_by_role("alert")).to_contain_text("与课程文本不一致", timeout=240_000)
        assert not (room.outbound / "03-conflicts").exists()

    def test_a_template_of_questions(self, room: Room, city: Page) -> None:
        city.goto(f"{room.base}guide")
        expect(city).to_have_url(f"{room.base}guide/format")
        with city.expect_download(timeout=60_000) as waiting:
            city.get_by_role("link", name="下载题库模板").click()
        assert "单选" in load_workbook(io.BytesIO(waiting.value.path().read_bytes())).sheetnames


def test_the_log_holds_no_name_no_answer_and_no_traceback(room: Room) -> None:
    log = room.hub.log
    assert "Traceback" not in log
    for secret in (TOKEN, "王若溪", PASSWORD):
        assert secret not in log
