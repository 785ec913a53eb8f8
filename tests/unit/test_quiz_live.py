"""One lesson while its kernel lives, over the real exchange in a temporary folder."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from qinlian.core.files import QuizResult, ResultFile
from qinlian.errors import StoreError
from qinlian.notebooks.publish import lesson_bytes, publish
from qinlian.quiz import live
from qinlian.quiz.exchange import Exchange, Submission
from qinlian.quiz.exchange_settings import ExchangeSettings
from qinlian.quiz.live import LiveLesson, RequestError, live_lesson
from tests.sample import COURSE, IDS, MODULE, REFLECTION

LESSON = publish(COURSE, MODULE, IDS)
EXAM = "90-exam"


@pytest.fixture
def exchange(tmp_path: Path) -> Exchange:
    root = tmp_path / "exchange"
    for name in ("inbound", "feedback", f"outbound/{MODULE.id}"):
        (root / COURSE.id / name).mkdir(parents=True)
    (root / COURSE.id / "outbound" / MODULE.id / "lesson.json").write_bytes(lesson_bytes(LESSON))
    (root / COURSE.id / "outbound" / MODULE.id / f"{MODULE.id}.ipynb").write_text("{}")
    return Exchange(ExchangeSettings(root=root, course_id=COURSE.id, learner="amy", cache=tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path: Path, exchange: Exchange) -> Path:
    folder = tmp_path / "home" / MODULE.id
    exchange.fetch(MODULE.id, folder)
    return folder


@pytest.fixture
def lesson(folder: Path, exchange: Exchange) -> LiveLesson:
    return LiveLesson(folder, exchange, "amy")


def grade(exchange: Exchange, lesson: LiveLesson, submission: Submission, **more: object) -> None:
    """Write a result as the grader would."""
    drawn = tuple(lesson.state(EXAM).block["items"])
    fields = {"attempt": 1, "attempts": 3, "score": 40, "counted": 40, "points": 80, "keep": "最高", "passed": False}
    quiz = QuizResult.model_validate(fields | {"final": False, "revealed": False, "seen": drawn, "drawn": drawn} | more)
    result = ResultFile(
        course=COURSE.id,
        module=MODULE.id,
        edition=LESSON.edition,
        submitted_at=submission.submitted_at.isoformat(),
        graded_at=submission.submitted_at.isoformat(),
        score=40,
        max_score=100,
        state="已评分",
        quizzes={EXAM: quiz},
    )
    (exchange.root / COURSE.id / "feedback" / submission.result).write_text(result.model_dump_json(by_alias=True))


def refuse(exchange: Exchange, submission: Submission) -> None:
    """Write what the grader says of a submission it does not take."""
    fields = {"course": COURSE.id, "module": MODULE.id, "edition": "", "submitted_at": "", "graded_at": "", "score": 0}
    said = ResultFile.model_validate(fields | {"max_score": 100, "state": "拒收", "notes": ("请重新提交",)})
    (exchange.root / COURSE.id / "feedback" / submission.result).write_text(said.model_dump_json(by_alias=True))


def first_item(lesson: LiveLesson) -> str:
    return lesson.state(EXAM).block["items"][0]


def test_a_saved_answer_is_shown_and_told_to_every_block(lesson: LiveLesson):
    heard: list[str] = []
    lesson.listen(lambda: heard.append("a"))
    stop = lesson.listen(lambda: heard.append("b"))
    lesson.save(EXAM, {first_item(lesson): "x"}, {})
    stop()
    lesson.save(EXAM, {first_item(lesson): "y"}, {})
    assert heard == ["a", "b", "a"]
    assert lesson.state(EXAM).answers == {first_item(lesson): "y"}


def test_a_change_by_another_process_is_seen_at_the_next_look(lesson: LiveLesson, folder: Path, exchange: Exchange):
    heard: list[str] = []
    lesson.listen(lambda: heard.append("changed"))
    LiveLesson(folder, exchange, "amy").save(EXAM, {first_item(lesson): "elsewhere"}, {})
    lesson.look()
    assert lesson.state(EXAM).answers == {first_item(lesson): "elsewhere"}
    assert heard == ["changed"]


def test_the_files_are_watched_while_a_loop_runs(lesson: LiveLesson, folder: Path, exchange: Exchange, monkeypatch):
    monkeypatch.setattr(live, "_FILE_ROUND", 0.01)

    async def opened() -> None:
        heard = asyncio.Event()
        stop = lesson.listen(heard.set)
        LiveLesson(folder, exchange, "amy").save(EXAM, {first_item(lesson): "elsewhere"}, {})
        await asyncio.wait_for(heard.wait(), 2)
        stop()

    asyncio.run(opened())


def test_answers_outside_the_draw_are_refused(lesson: LiveLesson):
    (outside, *_) = set(LESSON.block(EXAM).items) - set(lesson.state(EXAM).items)
    with pytest.raises(RequestError, match="刷新页面"):
        lesson.save(EXAM, {outside: "x"}, {})
    assert not (lesson.folder / "answers.json").exists()


def test_submitting_locks_the_quiz_until_the_result_is_there(lesson: LiveLesson, exchange: Exchange):
    item = first_item(lesson)
    lesson.save(EXAM, {item: "x"}, {})
    lesson.submit(EXAM)
    assert lesson.state(EXAM).phase == "submitted"
    (submission,) = exchange.submissions(MODULE.id)
    assert submission.answers is not None
    assert submission.answers.answers[item].value == "x"
    with pytest.raises(RequestError, match="不能再改"):
        lesson.save(EXAM, {item: "y"}, {})
    with pytest.raises(RequestError, match="等待评分"):
        lesson.submit(EXAM)
    grade(exchange, lesson, submission)
    lesson.look(exchange=True)
    assert lesson.state(EXAM).phase == "graded"
    assert lesson.state(EXAM).result["score"] == 40


def test_a_refused_submission_can_be_handed_in_again_at_once(lesson: LiveLesson, exchange: Exchange):
    lesson.save(EXAM, {first_item(lesson): "x"}, {})
    lesson.submit(EXAM)
    refuse(exchange, exchange.submissions(MODULE.id)[0])
    lesson.look(exchange=True)
    state = lesson.state(EXAM)
    assert (state.phase, state.context["refused"]) == ("open", ["请重新提交"])
    assert state.answers == {first_item(lesson): "x"}
    lesson.submit(EXAM)
    assert lesson.state(EXAM).phase == "submitted"
    assert lesson.state(EXAM).context["refused"] == []
    assert len(exchange.submissions(MODULE.id)) == 2


def test_another_attempt_clears_the_old_questions_also_where_they_were_taken_out(
    lesson: LiveLesson, exchange: Exchange
):
    essay = LESSON.block(REFLECTION.id).items[0]
    gone = first_item(lesson)
    lesson.save(EXAM, {gone: "x"}, {})
    lesson.save(REFLECTION.id, {essay: "一件小事"}, {})
    lesson.submit(EXAM)
    grade(exchange, lesson, exchange.submissions(MODULE.id)[0])
    exam = LESSON.block(EXAM)
    left = tuple(item for item in exam.items if item != gone)
    blocks = [b.model_copy(update={"items": left}) if b.id == EXAM else b for b in LESSON.blocks if b.items != (essay,)]
    items = {item: public for item, public in LESSON.items.items() if item not in (gone, essay)}
    newer = LESSON.model_copy(update={"edition": "next", "blocks": tuple(blocks), "items": items})
    (exchange.root / COURSE.id / "outbound" / MODULE.id / "lesson.json").write_bytes(lesson_bytes(newer))
    lesson.retake(EXAM)
    assert set(lesson.answers.answers) == {essay}


def test_another_attempt_brings_other_items_and_no_answers(lesson: LiveLesson, exchange: Exchange):
    before = first_item(lesson)
    lesson.save(EXAM, {before: "x"}, {})
    with pytest.raises(RequestError, match="还在评分"):
        lesson.retake(EXAM)
    lesson.submit(EXAM)
    grade(exchange, lesson, exchange.submissions(MODULE.id)[0])
    drawn = set(lesson.state(EXAM).block["items"])
    lesson.retake(EXAM)
    state = lesson.state(EXAM)
    assert (state.phase, state.attempt, state.answers) == ("open", 2, {})
    assert drawn.isdisjoint(state.block["items"])
    assert json.loads((lesson.folder / "answers.json").read_bytes())["attempts"] == {EXAM: 2}


def test_the_lesson_is_brought_up_to_date_between_attempts_and_not_within(lesson: LiveLesson, exchange: Exchange):
    newer = publish(COURSE, MODULE.model_copy(update={"title": "新的标题"}), IDS)
    released = exchange.root / COURSE.id / "outbound" / MODULE.id / "lesson.json"
    lesson.save(EXAM, {first_item(lesson): "x"}, {})
    released.write_bytes(lesson_bytes(newer))
    lesson.look(exchange=True)
    assert lesson.lesson.edition == LESSON.edition
    lesson.submit(EXAM)
    grade(exchange, lesson, exchange.submissions(MODULE.id)[0])
    lesson.retake(EXAM)
    assert lesson.lesson.edition == lesson.answers.edition == newer.edition


def test_a_reflection_goes_in_by_itself_unless_a_quiz_was_begun(lesson: LiveLesson, exchange: Exchange):
    essay = LESSON.block(REFLECTION.id).items[0]
    lesson.save(REFLECTION.id, {essay: "一件小事"}, {})
    lesson.save(EXAM, {first_item(lesson): "x"}, {})
    with pytest.raises(RequestError, match="先完成并提交测验"):
        lesson.submit(REFLECTION.id)
    lesson.save(EXAM, {first_item(lesson): None}, {})
    lesson.submit(REFLECTION.id)
    assert len(exchange.submissions(MODULE.id)) == 1


def test_without_a_classroom_practice_works_and_submitting_says_why_not(folder: Path):
    lesson = LiveLesson(folder, None, "")
    lesson.save("p1", {LESSON.block("p1").items[0]: ["a"]}, {})
    with pytest.raises(RequestError, match="没有接入课堂"):
        lesson.submit(EXAM)


@pytest.mark.parametrize("name", ["source", "release"])
def test_a_preview_of_the_original_writes_nothing(tmp_path: Path, exchange: Exchange, name: str):
    folder = tmp_path / name / MODULE.id
    folder.mkdir(parents=True)
    (folder / "lesson.json").write_bytes(lesson_bytes(LESSON))
    lesson = LiveLesson(folder, exchange, "amy")
    with pytest.raises(RequestError, match="只供预览"):
        lesson.save("p1", {LESSON.block("p1").items[0]: ["a"]}, {})
    with pytest.raises(RequestError, match="只供预览"):
        lesson.submit(EXAM)
    assert [p.name for p in folder.iterdir()] == ["lesson.json"]


def test_a_process_has_one_lesson_a_folder(folder: Path, exchange: Exchange, monkeypatch):
    monkeypatch.setattr(live, "_classroom", lambda: (exchange, "amy"))
    assert live_lesson(folder) is live_lesson(folder / ".." / folder.name)


def test_a_folder_without_a_lesson_says_where_to_go(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(live, "_classroom", lambda: (None, ""))
    with pytest.raises(StoreError, match="我的学习"):
        live_lesson(tmp_path)
    (tmp_path / "lesson.json").write_text("{")
    with pytest.raises(StoreError, match="读不出来"):
        live_lesson(tmp_path)
