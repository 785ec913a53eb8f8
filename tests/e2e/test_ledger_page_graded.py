"""账目核查 in Chromium, in a quiz: silent until the result, then explained; and usable by everybody."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from qinlian.core.files import QuizResult, ResultFile
from qinlian.grading.editions import edition_of
from qinlian.grading.explain import explain
from qinlian.grading.score import grade
from tests.e2e.classroom import DESKTOP, PHONE, picture, violations
from tests.e2e.ledger_desk import BLOCK, LESSON, QUIZ, Shown, below, flag
from tests.e2e.quiz_host import Host, revealed
from tests.ledger_sample import GRADED, LEDGER_COURSE, MODULE, PRACTICE
from tests.sample import IDS

pytestmark = pytest.mark.e2e


@pytest.fixture
def host(tmp_path: Path, page: Page) -> Host:
    return Host(tmp_path, page, LESSON)


# ---- a quiz ----


def test_a_graded_ledger_tells_nothing_until_the_result_and_everything_after(host: Host, page: Page) -> None:
    host.open(QUIZ)
    shown = Shown(host, QUIZ, GRADED)
    known = json.dumps(page.evaluate("b => window.blocks[b].model.get('items')", QUIZ), ensure_ascii=False)
    assert all(word not in known for word in ("躲开比价", "第九十七条", '"key"', '"variants"', "疑似"))
    finish = page.get_by_role("button", name="核查完毕")
    finish.press("Enter")
    expect(page.locator(".ql-voice")).to_have_text("还没有标出可疑的行")
    first = shown.groups()[0]
    for row in first:
        flag(page, shown.number(row), shown.key[row]["reason"])
    expect(page.locator(".ql-progress")).to_have_text("已答 0/1")
    finish.press("Enter")
    expect(finish).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".ql-progress")).to_have_text("已答 1/1")
    flag(page, shown.number(shown.clean[0]), next(iter(shown.names)))
    expect(finish).to_have_attribute("aria-pressed", "true")
    host.block(QUIZ).get_by_role("button", name="提交测验").click()
    page.get_by_role("button", name="确认提交").click()
    expect(host.block(QUIZ).locator(".ql-waiting")).to_contain_text("已提交")
    expect(below(page, shown.number(first[0])).locator("select")).to_be_disabled()

    sent = host.exchange.submissions(MODULE.id)[-1]
    edition = edition_of(LEDGER_COURSE, MODULE, IDS)
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
    assert mine.variant == shown.item.variant
    assert mine.fraction == pytest.approx((1 - 0.5) / 5)
    assert "第九十七条" not in explain(done, marked), "nothing is told while another attempt is left"

    item = revealed(host, shown.item, mine.fraction, mine.value).model_copy(update={"key": shown.key})
    quiz = QuizResult(
        attempt=1,
        attempts=2,
        score=1,
        counted=1,
        points=10,
        keep="最高",
        passed=False,
        final=True,
        revealed=True,
        seen=(mine.public_id,),
        drawn=(mine.public_id,),
        variants={mine.public_id: mine.variant},
        items=(item,),
    )
    when = sent.submitted_at.isoformat()
    result = ResultFile(
        course=LEDGER_COURSE.id,
        module=MODULE.id,
        edition=LESSON.edition,
        submitted_at=when,
        graded_at=when,
        score=1,
        max_score=10,
        state="已评分",
        quizzes={QUIZ: quiz},
    )
    path = host.exchange.root / LEDGER_COURSE.id / "feedback" / sent.result
    path.write_text(result.model_dump_json(by_alias=True), encoding="utf-8")
    host.push()
    expect(page.locator(".ql-ledger-report")).to_contain_text("找全 1 处，部分找到 0 处，漏掉 4 处；错标 1 行")
    expect(page.locator(".ql-ledger-report li")).to_have_count(5)
    expect(page.locator(".ql-cite")).to_contain_text("第九十七条第一款")


def test_leaving_without_saying_that_all_was_looked_at_is_asked_about(host: Host, page: Page) -> None:
    host.open(QUIZ)
    shown = Shown(host, QUIZ, GRADED)
    row = next(iter(shown.key))
    flag(page, shown.number(row), shown.key[row]["reason"])
    host.block(QUIZ).get_by_role("button", name="提交测验").click()
    expect(page.locator("dialog")).to_contain_text("第 1 题 还没有答完")


# ---- for everybody ----


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["1366", "390"])
def test_axe_finds_nothing_serious_and_nothing_runs_over_the_edge(
    host: Host, page: Page, theme: str, size: dict[str, int]
) -> None:
    page.set_viewport_size(size)  # type: ignore[arg-type]
    host.open(BLOCK)
    page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)

    def fine() -> None:
        page.evaluate("Promise.allSettled(document.getAnimations().map((a) => a.finished))")
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        controls = page.locator(".ql-root :is(button, input, select, summary)")
        assert controls.evaluate_all("all => all.every(c => c.hasAttribute('data-lm-suppress-shortcuts'))")
        small = controls.evaluate_all(
            "all => all.map(c => (c.closest('label') ?? c).getBoundingClientRect())"
            ".filter(r => r.height && (r.height < 43.5 || r.width < 43.5)).length"
        )
        assert small == 0

    fine()
    shown = Shown(host, BLOCK, PRACTICE)
    for row in list(shown.key)[:5]:
        flag(page, shown.number(row), shown.key[row]["reason"])
    flag(page, shown.number(shown.clean[0]), next(iter(shown.names)))
    fine()
    page.get_by_role("button", name="查看解析").click()
    fine()
    picture(page, f"ledger-{theme}")


def test_sixty_rows_are_drawn_with_few_elements(host: Host, page: Page) -> None:
    host.open()
    traits = host.live.state(BLOCK)
    item = dict(traits.items[IDS.of(PRACTICE.id)])
    more = [f"{n:016x}\t{100 + n}" + line[line.index("\t", 17) :] for n, line in enumerate(item["rows"])]
    item["rows"] = (item["rows"] + more)[:60]
    # Only drawn: nobody behind the page knows a block with these rows.
    host.answering = False
    page.evaluate(
        """([block, items]) => {
          const traits = { block, items, answers: {}, notes: {}, result: {}, attempt: 1, phase: "open" };
          window.show(Object.assign(traits, { context: {}, status: {} }));
        }""",
        [traits.block, {IDS.of(PRACTICE.id): item}],
    )
    assert page.locator("tr.ql-ledger-row").count() == 60
    assert page.locator(".ql-ledger *").count() < 1500
