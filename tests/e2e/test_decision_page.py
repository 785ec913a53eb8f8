"""抉择 in Chromium: walked by keyboard, gone back, explained in practice, silent in a quiz until the result."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from qinlian.core.files import LessonFile, QuizResult, ResultFile
from qinlian.core.model import ItemBlock, Module, QuizBlock
from qinlian.grading.editions import edition_of
from qinlian.grading.explain import explain
from qinlian.grading.score import grade
from qinlian.items.base import item_type
from qinlian.notebooks.publish import publish
from tests import sample
from tests.e2e.classroom import DESKTOP, PHONE, picture, violations
from tests.e2e.quiz_host import Host, is_saved, revealed
from tests.sample import IDS
from tests.unit.decision_stories import TEA, case, route

pytestmark = pytest.mark.e2e

PRACTICE = case(TEA)
GRADED = case(TEA, id="LZ-90-D2", use="测验")
QUIZ = "90-decide"
MODULE = Module(
    id="90-sample",
    title="样例模块",
    items=(PRACTICE, GRADED),
    blocks=(
        ItemBlock(item=PRACTICE.id),
        QuizBlock(id=QUIZ, pool=(GRADED.id,), count=1, attempts=2, points=10),
    ),
)
COURSE = sample.COURSE.model_copy(update={"modules": (MODULE,)})
LESSON: LessonFile = publish(COURSE, MODULE, IDS)
BLOCK = LESSON.blocks[0].id


@pytest.fixture
def host(tmp_path: Path, page: Page) -> Host:
    return Host(tmp_path, page, LESSON)


def choose(page: Page, words: str, *, sure: bool = False) -> None:
    """Mark a choice and take it, with the keys alone."""
    radios = page.locator(".ql-now input")
    place = page.locator(".ql-now .ql-option").evaluate_all(
        "(all, words) => all.findIndex(o => o.textContent.includes(words))", words
    )
    radios.first.focus()
    page.keyboard.press("Space")
    for _ in range(place):
        page.keyboard.press("ArrowDown")
    expect(radios.nth(place)).to_be_checked()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="就这么定")).to_be_focused()
    page.keyboard.press("Enter")
    if sure:
        page.get_by_role("button", name="就选它").press("Enter")


def ids(item_id: str, letters: str) -> list[str]:
    return [IDS.of(item_id, f"choice/{node}/{letter}") for node, letter in route(TEA, letters)]


# ---- practice ----


def test_a_case_is_walked_by_keyboard_and_each_step_is_explained_at_once(host: Host, page: Page):
    host.open(BLOCK)
    expect(page.locator(".ql-now")).to_contain_text("周五傍晚")
    choose(page, "放着")
    now = page.locator(".ql-now")
    expect(now).to_be_focused()
    expect(now).to_have_attribute("aria-label", "第 2 步")
    expect(now.locator(".ql-remark")).to_contain_text("得 1 分，这里最多 3 分")
    expect(now.locator(".ql-remark")).to_contain_text("东西已经过了夜")
    expect(now).to_contain_text("茶还喝得惯吧")
    expect(page.locator(".ql-voice")).to_contain_text("第 2 步")
    expect(page.locator(".ql-voice")).to_contain_text("他又来了")
    expect(now.locator(".ql-option")).to_have_count(2)
    choose(page, "当面还他")
    expect(now).to_have_attribute("aria-label", "结局")
    expect(now.locator(".ql-remark")).to_contain_text("《中国共产党纪律处分条例》第九十七条第一款")
    expect(page.locator(".ql-told li")).to_have_count(2)
    is_saved(page.locator(".ql-root"))
    assert host.saved(PRACTICE) == ids(PRACTICE.id, "BA")


def test_the_end_shows_the_path_and_where_it_left_the_better_branch(host: Host, page: Page):
    host.open(BLOCK)
    page.get_by_role("button", name="查看解析").click()
    expect(page.locator(".ql-bar-hint").last).to_have_text("先做完，再看解析")
    choose(page, "放着")
    choose(page, "当面还他")
    page.get_by_role("button", name="查看解析").press("Enter")
    expect(page.locator(".ql-route-sum")).to_contain_text("一共得 2 分，最好的走法得 5 分")
    stops = page.locator(".ql-stop")
    expect(stops).to_have_count(3)
    expect(stops.nth(0).locator(".ql-branch")).to_contain_text("追出去请他带回")
    expect(stops.nth(0).locator(".ql-branch")).to_contain_text("当面退回最省事")
    expect(stops.nth(1).locator(".ql-branch")).to_have_count(0)
    expect(stops.nth(2)).to_contain_text("早说嘛")
    expect(page.locator(".ql-verdict")).to_contain_text("得 40%")
    expect(page.locator(".ql-now")).to_be_hidden()
    page.get_by_text("最好的走法（2 步）").click()
    expect(page.locator(".ql-best li")).to_have_text(["追出去请他带回3 分", "说目录公开前谁也不能先看2 分"])
    page.get_by_role("button", name="再做一次").click()
    expect(page.locator(".ql-route")).to_be_hidden()
    page.get_by_role("button", name="从头再来").click()
    expect(page.locator(".ql-now")).to_contain_text("周五傍晚")
    is_saved(page.locator(".ql-root"))
    assert host.saved(PRACTICE) is None


def test_a_step_can_be_taken_back_unless_it_said_that_it_cannot(host: Host, page: Page):
    host.open(BLOCK)
    choose(page, "放着")
    page.get_by_role("button", name="退回上一步").press("Enter")
    expect(page.locator(".ql-now")).to_be_focused()
    expect(page.locator(".ql-now")).to_contain_text("周五傍晚")
    expect(page.locator(".ql-told")).to_be_hidden()
    choose(page, "转送")
    sure = page.locator(".ql-sure")
    expect(sure).to_contain_text("这一步走出去就不能退回了。就选“转送给值夜班的门卫”吗？")
    expect(page.get_by_role("button", name="再想想")).to_be_focused()
    page.keyboard.press("Enter")
    expect(sure).to_be_hidden()
    expect(page.get_by_role("button", name="就这么定")).to_be_focused()
    choose(page, "转送", sure=True)
    expect(page.locator(".ql-now")).to_contain_text("刚才那一步不能退回")
    expect(page.get_by_role("button", name="退回上一步")).to_have_count(0)
    expect(page.locator(".ql-now")).not_to_contain_text("喝得惯")


def test_going_on_without_a_choice_says_what_to_do(host: Host, page: Page):
    host.open(BLOCK)
    page.get_by_role("button", name="就这么定").press("Enter")
    expect(page.locator(".ql-now .ql-bar-hint")).to_have_text("先选一个")
    expect(page.locator(".ql-now input").first).to_be_focused()
    expect(page.locator(".ql-voice")).to_have_text("先选一个")


def test_a_path_from_another_page_is_shown_without_taking_the_focus(host: Host, page: Page):
    host.open(BLOCK)
    page.get_by_role("button", name="查看解析").focus()
    pid = IDS.of(PRACTICE.id)
    page.evaluate("([b, a]) => window.blocks[b].model.receive({ answers: a })", [BLOCK, {pid: ids(PRACTICE.id, "BB")}])
    expect(page.locator(".ql-now")).to_have_attribute("aria-label", "结局")
    expect(page.get_by_role("button", name="查看解析")).to_be_focused()


def test_a_path_that_an_older_story_had_is_followed_as_far_as_it_goes(host: Host, page: Page):
    host.open(BLOCK)
    pid = IDS.of(PRACTICE.id)
    old = [*ids(PRACTICE.id, "B"), "0" * 16]
    page.evaluate("([b, a]) => window.blocks[b].model.receive({ answers: a })", [BLOCK, {pid: old}])
    expect(page.locator(".ql-now")).to_contain_text("这个故事改过，从这里接着走")
    choose(page, "当面还他")
    is_saved(page.locator(".ql-root"))
    assert host.saved(PRACTICE) == ids(PRACTICE.id, "BA")


# ---- a quiz ----


def hand_in(host: Host) -> None:
    host.block(QUIZ).get_by_role("button", name="提交测验").click()
    host.page.get_by_role("button", name="确认提交").click()
    expect(host.block(QUIZ).locator(".ql-waiting")).to_contain_text("已提交")


def test_a_graded_case_tells_nothing_until_the_result_and_everything_after(host: Host, page: Page):
    host.open(QUIZ)
    choose(page, "放着")
    expect(page.locator(".ql-remark")).to_have_count(0)
    expect(page.get_by_role("button", name="从头再来")).to_have_count(0)
    expect(page.locator(".ql-progress")).to_have_text("已答 0/1")
    choose(page, "陪他坐坐")
    expect(page.locator(".ql-progress")).to_have_text("已答 1/1")
    known = json.dumps(page.evaluate("window.blocks['90-decide'].model.get('items')"), ensure_ascii=False)
    assert all(word not in known for word in ("东西已经过了夜", "第九十七条", "留下茶叶", 'points": {'))
    hand_in(host)
    expect(page.locator(".ql-now .ql-bar")).to_have_count(0)

    pid = IDS.of(GRADED.id)
    answers = host.exchange.submissions(MODULE.id)[-1]
    edition = edition_of(COURSE, MODULE, IDS)
    done = grade(
        current=edition,
        named=edition,
        learner="amy",
        answers=host.live.store.read(),
        history=[],
        number=1,
        seen_at=datetime.now(UTC),
        late=False,
    )
    marked = done.quiz(QUIZ)
    (mine,) = marked.shown.items
    assert (mine.public_id, mine.value, mine.fraction) == (pid, ids(GRADED.id, "BB"), pytest.approx(0.2))
    assert "过了夜" not in explain(done, marked)

    item = revealed(host, GRADED, mine.fraction, mine.value)
    quiz = QuizResult(
        attempt=1,
        attempts=2,
        score=2,
        counted=2,
        points=10,
        keep="最高",
        passed=False,
        final=True,
        revealed=True,
        seen=(pid,),
        drawn=(pid,),
        items=(item,),
    )
    when = answers.submitted_at.isoformat()
    result = ResultFile(
        course=COURSE.id,
        module=MODULE.id,
        edition=LESSON.edition,
        submitted_at=when,
        graded_at=when,
        score=2,
        max_score=10,
        state="已评分",
        quizzes={QUIZ: quiz},
    )
    path = host.exchange.root / COURSE.id / "feedback" / answers.result
    path.write_text(result.model_dump_json(by_alias=True), encoding="utf-8")
    host.push()
    expect(page.locator(".ql-route-sum")).to_contain_text("一共得 1 分，最好的走法得 5 分")
    expect(page.locator(".ql-stop").nth(0)).to_contain_text("东西已经过了夜")
    expect(page.locator(".ql-stop").nth(0).locator(".ql-branch")).to_contain_text("第九十七条第一款")
    expect(page.locator(".ql-cite")).to_contain_text("第九十七条第一款")


# ---- for everybody ----


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1366", "390"])
def test_axe_finds_nothing_serious_and_nothing_runs_over_the_edge(host: Host, page: Page, theme: str, size: dict):
    page.set_viewport_size(size)
    host.open(BLOCK)
    page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)

    def fine() -> None:
        page.evaluate("Promise.allSettled(document.getAnimations().map((a) => a.finished))")
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        controls = page.locator(".ql-root :is(button, input, summary)")
        assert controls.evaluate_all("all => all.every(c => c.hasAttribute('data-lm-suppress-shortcuts'))")
        small = controls.evaluate_all(
            "all => all.map(c => (c.closest('label') ?? c).getBoundingClientRect())"
            ".filter(r => r.height && (r.height < 43.5 || r.width < 43.5)).length"
        )
        assert small == 0

    choose(page, "转送")
    fine()
    page.get_by_role("button", name="就选它").click()
    page.locator(".ql-told summary").click()
    fine()
    choose(page, "陪他")
    page.get_by_role("button", name="查看解析").click()
    fine()
    picture(page, f"decision-{theme}")


def test_the_published_best_path_can_be_walked(host: Host, page: Page):
    host.open(BLOCK)
    best = item_type("抉择").key(PRACTICE, IDS)["best"]["路径得分"]
    for pid in best:
        page.locator(f".ql-now input[value='{pid}']").check()
        page.get_by_role("button", name="就这么定").click()
    page.get_by_role("button", name="查看解析").click()
    expect(page.locator(".ql-verdict")).to_contain_text("答对了")
    expect(page.locator(".ql-branch, .ql-best")).to_have_count(0)
