"""The instructors' pages over HTTP: who is let in, what is refused, what is never said."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, unquote

import pytest
from openpyxl import load_workbook

from qinlian.staff import office, rooms
from qinlian.staff.page import ROOMS
from qinlian.staff.places import Places
from tests.staff_room import GIFTS, NOW, START, Book, course_folder
from tests.staff_site import BASE, Site, serving

TOP, CITY, OTHER = "省校", "省校/青禾", "省校/栖云"
EVIL = "<script>alert(1)</script>"
PAGES = ("", "overview", "idle", "report", "marking", "releases", "extensions")


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Book:
    """A class of two branches: each page has something of everybody to show, or to hide."""
    book = Book.fresh(tmp_path_factory.mktemp("book"))
    book.add("boss", TOP, "冯子墨", role="管理员")
    book.add("top", TOP, "何主讲", role="教师")
    book.add("tea", CITY, "吴思齐", role="教师")
    book.add("tea2", OTHER, "郑雨桐", role="教师")
    book.add("gone", TOP, "离任人", role="管理员", gone=True)
    book.due(START, NOW)
    for number, name, unit in (
        ("1", "周晓岚", CITY),
        ("2", EVIL, CITY),
        ("3", "王若溪", OTHER),
        ("4", "=cmd()", OTHER),
    ):
        account = book.add(number, unit, name, department=EVIL, email="a@example.cn")
        if number in "13":
            book.grade(account, START, 40, None, waits=True)
    return book


@pytest.fixture(scope="module")
def places(book: Book, tmp_path_factory: pytest.TempPathFactory) -> Places:
    root = course_folder(tmp_path_factory.mktemp("course"), book, {START.id: START.edition, GIFTS.id: "0" * 20})
    (root / "docs").symlink_to(Path(__file__).parents[2] / "docs")
    return Places.load(root)


@pytest.fixture(scope="module")
def site(places: Places) -> Iterator[Site]:
    with serving(places) as made:
        yield made


class TestWhoIsLetIn:
    @pytest.mark.parametrize(
        "path", [*PAGES, "guide", "report.xlsx", "idle.xlsx", "class.html", "class.xlsx", "template.xlsx", "nowhere"]
    )
    def test_nobody_without_signing_in(self, site: Site, path: str) -> None:
        answer = site.get(path)
        assert answer.status == 302
        assert answer.headers["Location"].startswith("/hub/api/oauth2/authorize?client_id=service-staff")
        assert not answer.data

    @pytest.mark.parametrize("me", ["ql1", "qlgone", "qlnobody", "qltop:service", "qltop:stranger"])
    @pytest.mark.parametrize("path", ["", "report", "report.xlsx", "guide", "nowhere"])
    def test_nobody_but_who_teaches(self, site: Site, path: str, me: str) -> None:
        answer = site.get(path, me)
        assert answer.status == 403
        assert "这里是教师的页面" in answer.text
        assert "周晓岚" not in answer.text

    def test_a_form_without_signing_in_is_not_sent_on(self, site: Site) -> None:
        assert site.post("releases", "", module=START.id, action="withdraw").status == 403

    @pytest.mark.parametrize("path", [*PAGES, "guide/format", "guide/activities", "guide/diagnostics"])
    @pytest.mark.parametrize("me", ["qlboss", "qltop", "qltea"])
    def test_who_teaches_sees_every_page(self, site: Site, path: str, me: str) -> None:
        answer = site.get(path, me)
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        # Nothing that the policy would have to forbid, and nothing from elsewhere.
        assert not re.search(r"\son\w+=|style=|<style|javascript:|(?:src|href)=\"(?:https?:)?//", answer.text)
        assert re.findall(r"<script[^>]*>", answer.text) == [f'<script src="{BASE}static/staff.js" type="module">']
        assert all(f'href="{BASE}{room.path}"' in answer.text for room in ROOMS)

    @pytest.mark.parametrize(("mode", "dest"), [("no-cors", "empty"), ("cors", "empty"), ("navigate", "iframe")])
    @pytest.mark.parametrize("path", ["report", "report.xlsx", "extensions"])
    def test_a_script_or_a_frame_of_our_own_origin_gets_nothing(
        self, site: Site, path: str, mode: str, dest: str
    ) -> None:
        answer = site.send("GET", path, "qltop", Sec_Fetch_Site="same-origin", Sec_Fetch_Mode=mode, Sec_Fetch_Dest=dest)
        assert answer.status == 403
        assert "周晓岚" not in answer.text
        assert answer.headers["Cross-Origin-Opener-Policy"] == "noopener-allow-popups"

    def test_files_of_the_pages_are_open(self, site: Site) -> None:
        assert site.get("health").text == '{"ok": true}'
        for name in ("staff.css", "staff.js", "portal.css", "mark.svg"):
            assert site.get(f"static/{name}").status == 200
        assert site.get("static/../page.py").status in (403, 404)
        assert site.get("static/%2e%2e/page.py").status in (403, 404)


class TestOnesOwnBranch:
    @pytest.mark.parametrize("path", PAGES)
    def test_no_page_names_another_branch(self, site: Site, path: str) -> None:
        text = site.get(path, "qltea").text
        assert "王若溪" not in text
        assert "栖云" not in text
        other = site.get(path, "qltea2").text
        assert "周晓岚" not in other
        assert "青禾" not in other

    def test_counts_are_of_ones_own(self, site: Site) -> None:
        def learners(me: str) -> str:
            found = re.search(r"<strong>(\d+)</strong><span>学员", site.get("overview", me).text)
            assert found
            return found[1]

        assert [learners(me) for me in ("qltea", "qltea2", "qltop", "qlboss")] == ["2", "2", "4", "4"]

    @pytest.mark.parametrize(
        "path", ["overview", "report", "idle", "marking", "report.xlsx", "idle.xlsx", "class.html", "class.xlsx"]
    )
    @pytest.mark.parametrize("unit", [OTHER, TOP, "没有的", f"{CITY}/", f"{CITY}%", "..", "' OR 1=1 --"])
    def test_a_changed_address_shows_no_more(self, site: Site, path: str, unit: str) -> None:
        answer = site.get(path, "qltea", unit=unit)
        assert answer.status == 404
        assert "不在您能看的范围" in answer.text
        # What was asked for is not repeated, and somebody else's unit is told of like none at all.
        assert answer.text == site.get(path, "qltea", unit="没有的").text

    @pytest.mark.parametrize("query", [{"module": "99-none"}, {"state": "任意"}, {"module": "../x"}])
    def test_nor_do_other_arguments(self, site: Site, query: dict[str, str]) -> None:
        assert site.get("report", "qltea", **query).status == 404

    def test_names_are_searched_among_ones_own(self, site: Site) -> None:
        assert "周晓岚" in site.get("report", "qltea", who="周").text
        answer = site.get("report", "qltea", who="王若溪")
        assert "没有符合条件的学员" in answer.text
        assert site.get("report", "qltea", who="%").text.count("<tr") == 0

    @pytest.mark.slow
    def test_a_download_is_of_ones_own(self, site: Site) -> None:
        answer = site.get("report.xlsx", "qltea")
        assert answer.status == 200
        assert unquote(answer.headers["Content-Disposition"]).endswith("成绩报表.xlsx")
        sheet = load_workbook(io.BytesIO(answer.data)).active
        assert sheet is not None
        assert {row[1] for row in sheet.iter_rows(min_row=2, values_only=True)} == {"周晓岚", EVIL}

    @pytest.mark.parametrize("number", ["3", "4", "tea", "nobody"])
    def test_other_peoples_numbers_do_nothing(self, site: Site, number: str) -> None:
        form = site.get("extensions", "qltea")
        fields = {"_xsrf": form.xsrf, "number": number, "module": START.id, "until": "2027-01-01T08:00"}
        assert site.post("extensions", "qltea", **fields, action="give").status == 302
        assert "没有找到这个工号" in site.get("extensions", "qltea").text
        assert site.post("extensions", "qltea", **fields, action="take-back").status == 302
        assert "没有找到这个工号" in site.get("extensions", "qltea").text

    def test_the_way_to_formgrader_is_of_ones_own(self, site: Site) -> None:
        text = site.get("marking", "qltea").text
        assert re.findall(r'href="(/services/formgrader[^"]*)"', text) == [
            "/services/formgrader/formgrader",
            f"/services/formgrader/formgrader/submissions/b-ql1-{START.id}/",
        ]
        assert "英文" in text
        assert "不分单位" in text


class TestWhatLearnersWrote:
    @pytest.mark.parametrize("path", ["report", "idle", "marking", "extensions"])
    def test_it_is_shown_as_text(self, site: Site, path: str) -> None:
        text = site.get(path, "qlboss").text
        assert EVIL not in text
        if path in ("report", "idle"):
            assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text

    def test_so_is_what_was_searched_for(self, site: Site) -> None:
        text = site.get("report", "qlboss", who='"><script>alert(2)</script>').text
        assert "<script>alert(2)" not in text
        assert 'value="&#34;&gt;&lt;script&gt;alert(2)&lt;/script&gt;"' in text


class TestPublishing:
    def test_the_states_are_told(self, site: Site) -> None:
        text = site.get("releases", "qltop").text
        assert "已发布，课程有改动" in text
        assert "11月19日" in text or "2026年11月19日" in text
        assert text.count("确定收回") == 2

    def test_a_branch_does_not_publish_for_all(self, site: Site) -> None:
        page = site.get("releases", "qltea")
        assert "只有最上级单位的教师和管理员能操作" in page.text
        assert 'method="post"' not in page.text
        token = site.get("extensions", "qltea").xsrf
        answer = site.post("releases", "qltea", _xsrf=token, module=START.id, action="withdraw")
        assert answer.status == 403
        assert "最上级单位" in answer.text

    @pytest.mark.parametrize(
        "fields", [{"module": "99-none", "action": "release"}, {"module": START.id, "action": "x"}, {}]
    )
    def test_nothing_else_is_done(self, site: Site, fields: dict[str, str]) -> None:
        token = site.get("releases", "qltop").xsrf
        assert site.post("releases", "qltop", _xsrf=token, **fields).status == 404


class TestForms:
    FIELDS: ClassVar[dict[str, Any]] = {
        "number": "1",
        "module": START.id,
        "until": "2027-01-01T08:00",
        "action": "give",
    }

    def test_more_time_is_given_and_taken_back(self, site: Site) -> None:
        token = site.get("extensions", "qltea").xsrf
        answer = site.post("extensions", "qltea", _xsrf=token, **self.FIELDS)
        assert (answer.status, answer.headers["Location"]) == (302, f"{BASE}extensions")
        page = site.get("extensions", "qltea").text
        assert "已给周晓岚延期，“01 导学”可以交到" in page
        assert page.count("1月1日 08:00") == 2
        # It is said once.
        assert "已给周晓岚延期" not in site.get("extensions", "qltea").text
        site.post("extensions", "qltea", _xsrf=token, **self.FIELDS | {"action": "take-back"})
        assert "还没有给谁延期" in site.get("extensions", "qltea").text

    def test_what_was_typed_is_there_to_be_mended(self, site: Site) -> None:
        token = site.get("extensions", "qltea").xsrf
        fields = self.FIELDS | {"number": '9"><b>', "until": "2026-01-01T08:00"}
        answer = site.post("extensions", "qltea", _xsrf=token, **fields)
        page = site.get(answer.headers["Location"], "qltea").text
        assert "没有找到这个工号" in page
        assert 'value="9&#34;&gt;&lt;b&gt;"' in page
        assert 'value="2026-01-01T08:00"' in page

    @pytest.mark.parametrize("token", ["", "x", "2|aaaa|bbbb|1"])
    @pytest.mark.parametrize("path", ["extensions", "releases"])
    def test_a_form_of_somebody_elses_is_refused(self, site: Site, path: str, token: str) -> None:
        site.get("extensions", "qltop")
        answer = site.post(path, "qltop", _xsrf=token, **self.FIELDS)
        assert answer.status == 403
        assert "重新打开页面" in answer.text

    def test_another_persons_token_is_refused(self, site: Site) -> None:
        """Their browser, their token: without the cookie that belongs to it, it is nothing."""
        token = site.get("extensions", "qltea2").xsrf
        site.jars["qlboss"] = {"me": "qlboss", "jupyterhub-session-id": "qlboss"}
        assert site.post("extensions", "qlboss", _xsrf=token, **self.FIELDS).status == 403

    @pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
    def test_other_methods_are_told_off_in_chinese(self, site: Site, method: str) -> None:
        answer = site.send(method, "report", "qltop")
        assert answer.status in (403, 405)
        assert re.search("[\u4e00-\u9fff]", answer.text)


class TestWhatGoesWrong:
    def test_an_address_that_is_not_there(self, site: Site) -> None:
        answer = site.get("nowhere", "qltop")
        assert answer.status == 404
        assert "找不到这个页面" in answer.text
        assert site.get("guide/secret", "qltop").status == 404
        assert site.get("/elsewhere", "qltop").status == 404

    def test_a_gradebook_that_cannot_be_read(self, book: Book, places: Places, tmp_path: Path) -> None:
        broken = Places(places.root, places.course_id, f"sqlite:///{tmp_path / 'x.db'}", places.exchange)
        Book(broken.db_url).add("top", TOP, role="教师")
        with serving(broken) as site:
            assert site.get("report", "qltop").status == 200
            (tmp_path / "x.db").write_bytes(b"not a database at all" * 100)
            answer = site.get("report", "qltop")
        assert answer.status == 500
        assert "成绩册暂时连不上" in answer.text
        assert "sqlite" not in answer.text.lower()
        assert "Traceback" not in answer.text

    def test_a_long_report_holds_up_nobody(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        with _held(monkeypatch) as (going_on, let_go):
            late = [
                threading.Thread(target=site.get, args=("overview", "qlboss"), kwargs={"module": module})
                for module in (START.id, GIFTS.id)
            ]
            for thread in late:
                thread.start()
            assert going_on.wait(10)
            for path in ("report", "report?state=" + quote("未开始"), "marking", "idle", "releases", "extensions"):
                assert site.get(path, "qltea").status == 200
            # Somebody of the province waits for no count either.
            for path in ("report", "releases", "extensions"):
                assert site.get(path, "qltop").status == 200
            assert all(thread.is_alive() for thread in late)
            let_go.set()
            for thread in late:
                thread.join(10)

    def test_the_first_page_opens_without_its_numbers(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rooms, "_PATIENCE", 0.05)
        with _held(monkeypatch) as (_, let_go):
            assert 'id="counting"' in site.get("", "qltea2").text
            let_go.set()
        monkeypatch.setattr(rooms, "_PATIENCE", 10.0)
        assert 'id="counting"' not in site.get("", "qltea2").text


@contextmanager
def _held(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, threading.Event]]:
    """Counting that goes on until it is let go."""
    going_on, let_go, count = threading.Event(), threading.Event(), office.overview

    def wait(*words: Any, **more: Any) -> Any:
        going_on.set()
        assert let_go.wait(30)
        return count(*words, **more)

    monkeypatch.setattr(office, "overview", wait)
    try:
        yield going_on, let_go
    finally:
        let_go.set()
