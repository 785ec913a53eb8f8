"""我的学习 in words: one button a module, every time for the browser to say in its own zone, nothing unescaped."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from qinlian.portal.page import error_page, overview_data, overview_page
from qinlian.portal.port import ModuleStanding, Overview

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def module(state: str = "未开始", name: str = "02-gifts", **more: object) -> ModuleStanding:
    fields: dict[str, object] = {"title": "礼尚往来的边界", "hours": 2, "objectives": (), "due": None}
    return ModuleStanding(module=name, state=state, **(fields | more))  # type: ignore[arg-type]


def page(*modules: ModuleStanding, **more: object) -> str:
    return overview_page(Overview("勤廉学堂", "xiaozhou", modules, **more), "/base/qinlian/", NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("standing", "button"),
    [
        (module("未开始"), "开始学习"),
        (module("进行中"), "继续学习"),
        (module("已提交"), "打开课程"),
        (module("待评阅", score=66, max_score=100), "查看结果"),
        (module("已评分", score=66, max_score=100), "查看结果"),
        (module("已评分", score=66, max_score=100, again=True), "继续学习"),
    ],
)
def test_each_module_has_one_button(standing: ModuleStanding, button: str) -> None:
    buttons = re.findall(r'<a class="button"[^>]*>([^<]*)</a>', page(standing))
    assert buttons == [button]
    assert 'href="/base/qinlian/open/02-gifts"' in page(standing)


def test_a_refusal_is_said_with_its_reason() -> None:
    text = page(module("已评分", score=86.0, max_score=100.0, passed=True, refused=("提交的凭证不合规范",)))
    assert "最近一次提交没有收下，可以重新提交" in text
    assert "提交的凭证不合规范" in text
    assert "86/100 分" in text


def test_the_course_is_named_with_its_subtitle() -> None:
    assert "年轻干部自学课程" in page(module(), course_subtitle="年轻干部自学课程")
    assert 'class="subtitle"' not in page(module())


def test_score_and_verdict() -> None:
    text = page(module("已评分", score=86.0, max_score=100.0, passed=True))
    assert "86/100 分" in text
    assert ">及格<" in text
    assert ">未及格<" in page(module("已评分", score=42.5, max_score=100.0))
    assert "及格" not in page(module("待评阅", score=42.5, max_score=100.0))


def test_a_reflection_not_written_is_said() -> None:
    assert "心得还没有写" in page(module("已评分", score=76.0, max_score=100.0, passed=True, unwritten=True))
    assert "心得还没有写" not in page(module("已评分", score=76.0, max_score=100.0, passed=True))


def test_progress_over_the_whole_course() -> None:
    text = page(module("已评分", score=86, max_score=100, passed=True), module(name="03-conflicts", hours=1.5))
    assert re.search(r"已获学时 <strong>2</strong> / 3\.5", text)
    assert 'value="57"' in text


@pytest.mark.parametrize(
    ("left", "said"),
    [
        (timedelta(days=40), '<time datetime="2026-06-10T12:00:00Z">北京时间 6月10日 20:00</time> 截止<'),
        (timedelta(days=2, hours=1), "还剩 2 天<"),
        (timedelta(days=1), "还剩 1 天<"),
        (timedelta(hours=23, minutes=59), "还剩 23 小时<"),
        (timedelta(minutes=59), "还剩不到 1 小时<"),
        (timedelta(0), "还剩不到 1 小时<"),
        (timedelta(seconds=-1), "已过期<"),
    ],
)
def test_due_dates_are_said_for_every_zone_and_say_when_they_press(left: timedelta, said: str) -> None:
    assert said in page(module(due=NOW + left))


def test_an_extension_is_named_as_one() -> None:
    text = page(module(due=NOW + timedelta(days=3), extended=True))
    assert '已延期至 <time datetime="2026-05-04T12:00:00Z">北京时间 5月4日 20:00</time>，还剩 3 天<' in text
    assert "截止" not in text


def test_when_it_was_handed_in_stands_between_a_refusal_and_what_to_do_next() -> None:
    sent: dict[str, Any] = {
        "submitted_at": NOW - timedelta(hours=1),
        "late": True,
        "refused": ("凭证不合规范",),
        "attempts_left": 2,
    }
    lines = re.findall(r'<p class="line">(.*?)</p>', page(module("已评分", score=1, max_score=2, **sent)))
    assert [re.sub("<.*?>", "", line) for line in lines] == [
        "最近一次提交没有收下，可以重新提交",
        "凭证不合规范",
        "北京时间 5月1日 19:00 提交（逾期）",
        "测验还可以做 2 次",
    ]


def test_a_due_date_does_not_press_who_has_submitted() -> None:
    assert "已过期" not in page(module("已提交", due=NOW - timedelta(days=1), submitted_at=NOW - timedelta(days=2)))


def test_nothing_released_and_unreadable_modules_are_said() -> None:
    assert "还没有发布课程" in page()
    assert "还没有发布课程" not in page(unreadable=("02-gifts",))
    assert "02-gifts" in page(unreadable=("02-gifts",))


def test_markup_in_titles_is_shown_as_text() -> None:
    text = page(module(title="<script>alert(1)</script>", objectives=("<b>粗</b>",), notes=("<i>说明</i>",)))
    assert "<script>alert" not in text
    assert "<b>" not in text
    assert "<i>" not in text
    assert "<b>" not in error_page("<b>坏了</b>", "/")


def test_the_revision_changes_with_what_is_shown_and_only_then() -> None:
    def revision(standing: ModuleStanding, now: datetime = NOW) -> str:
        return str(overview_data(Overview("勤廉学堂", "xiaozhou", (standing,)), now)["revision"])

    assert revision(module("未开始")) == revision(module("未开始"), NOW + timedelta(seconds=5))
    assert revision(module("未开始")) != revision(module("进行中"))
    due = module(due=NOW + timedelta(hours=30))
    assert revision(due) != revision(due, NOW + timedelta(hours=10))
    assert revision(module()) in page(module())


def test_no_exclamation_marks_and_a_language_for_the_glyphs() -> None:
    text = page(module("已评分", score=1, max_score=2)) + error_page("坏了", "/")
    assert "！" not in text
    assert '<html lang="zh-CN">' in text
