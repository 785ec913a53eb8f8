"""The learner's side of the exchange writes what nbgrader writes and loses nothing on the way."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from qinlian.core.files import LessonBlock, LessonFile, QuizResult, ResultFile, result_name
from qinlian.errors import StoreError
from qinlian.quiz.exchange import Exchange
from qinlian.quiz.exchange_settings import ExchangeSettings, learner_name

MODULE = "90-sample"


def lesson(edition: str = "e1", *, title: str = "样例模块") -> bytes:
    quiz = LessonBlock(kind="quiz", id="90-exam", items=("a1", "a2"), count=2, attempts=3, points=100)
    items = {i: {"kind": "single", "difficulty": 1} for i in quiz.items}
    made = LessonFile(
        course="qinlian", course_title="勤廉学堂", module=MODULE, title=title, hours=2,
        edition=edition, blocks=(quiz,), items=items,
    )  # fmt: skip
    return made.model_dump_json(by_alias=True).encode()


def notebook(text: str = "第一节", **cell: object) -> bytes:
    prose = {"cell_type": "markdown", "id": "c1", "metadata": {"qinlian": {"role": "prose"}}, "source": text, **cell}
    return json.dumps({"cells": [prose], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()


def answers(*items: str, attempt: int = 1) -> bytes:
    given = {i: {"value": "x", "at": "2026-01-01T00:00:00+00:00"} for i in items}
    whole = {"schema": "qinlian.answers/1", "course": "qinlian", "module": MODULE, "edition": "e1", "answers": given}
    return json.dumps(whole | {"attempts": {"90-exam": attempt}}).encode()


def grade(exchange: Exchange, result: str, **more: object) -> None:
    quiz = QuizResult(
        attempt=1, attempts=3, score=50, counted=50, points=100, keep="最高",
        passed=False, final=False, revealed=False, seen=(),
    )  # fmt: skip
    fields: dict[str, object] = {"course": "qinlian", "module": MODULE, "edition": "e1", "submitted_at": ""}
    fields |= {"graded_at": "", "score": 50, "max_score": 100, "state": "已评分", "quizzes": {"90-exam": quiz}}
    folder = exchange.root / "qinlian" / "feedback"
    folder.mkdir(exist_ok=True)
    (folder / result).write_text(ResultFile.model_validate(fields | more).model_dump_json(by_alias=True))


@pytest.fixture
def exchange(tmp_path: Path) -> Exchange:
    """An exchange with one released module, as nbgrader's release leaves it."""
    released = tmp_path / "exchange" / "qinlian" / "outbound" / MODULE
    released.mkdir(parents=True)
    (released / "lesson.json").write_bytes(lesson())
    (released / f"{MODULE}.ipynb").write_bytes(notebook())
    inbound = released.parent.parent / "inbound"
    inbound.mkdir()
    inbound.chmod(0o2733)
    return Exchange(ExchangeSettings(tmp_path / "exchange", "qinlian", "xiaozhou", tmp_path / "cache"))


@pytest.fixture
def home(tmp_path: Path, exchange: Exchange) -> Path:
    """The learner's fetched copy of the module, answered."""
    folder = tmp_path / "home" / MODULE
    exchange.fetch(MODULE, folder)
    (folder / "answers.json").write_bytes(answers("a1"))
    return folder


def release(exchange: Exchange, name: str, data: bytes) -> None:
    (exchange.root / "qinlian" / "outbound" / MODULE / name).write_bytes(data)


def inbound(exchange: Exchange) -> list[Path]:
    return sorted((exchange.root / "qinlian" / "inbound").iterdir())


class TestSubmitting:
    def test_only_the_three_files_and_the_two_of_nbgrader_travel(self, exchange: Exchange, home: Path) -> None:
        (home / "日记.txt").write_text("与课程无关")
        (home / ".ipynb_checkpoints").mkdir()
        exchange.submit(home, MODULE)
        (folder,) = inbound(exchange)
        expected = ["90-sample.ipynb", "answers.json", "lesson.json", "submission_secret.txt", "timestamp.txt"]
        assert sorted(p.name for p in folder.iterdir()) == expected
        assert (folder / "answers.json").read_bytes() == answers("a1")

    def test_result_is_looked_for_under_the_name_the_secret_gives(self, exchange: Exchange, home: Path) -> None:
        sent = exchange.submit(home, MODULE)
        secret = (inbound(exchange)[0] / "submission_secret.txt").read_text()
        assert sent.result == result_name(secret)
        assert sent.result not in repr(sent)

    def test_many_in_one_instant_are_all_kept_and_ordered(
        self, exchange: Exchange, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Stopped(datetime):
            @classmethod
            def now(cls, _tz: object = None) -> datetime:
                return datetime(2026, 5, 1, 8, tzinfo=UTC)

        monkeypatch.setattr("qinlian.quiz.exchange.datetime", Stopped)
        sent = [exchange.submit(home, MODULE) for _ in range(5)]
        assert list(exchange.submissions(MODULE)) == sent
        assert len(inbound(exchange)) == len({s.submitted_at for s in sent}) == 5

    def test_file_modes_do_not_depend_on_the_learners_umask(self, exchange: Exchange, home: Path) -> None:
        before = os.umask(0o077)
        try:
            exchange.submit(home, MODULE)
        finally:
            os.umask(before)
        (folder,) = inbound(exchange)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o777
        assert {stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()} == {0o644}

    def test_nothing_answered_is_not_submitted(self, exchange: Exchange, home: Path) -> None:
        (home / "answers.json").unlink()
        with pytest.raises(StoreError, match="还没有作答"):
            exchange.submit(home, MODULE)
        assert inbound(exchange) == []

    @pytest.mark.parametrize(
        ("data", "said"), [(b"{", "不完整"), (b"[" * 1_200_000, "超过 1 MB"), (b"\xff", "UTF-8"), (b"{}", "格式")]
    )
    def test_damaged_answers_are_refused_before_they_travel(
        self, exchange: Exchange, home: Path, data: bytes, said: str
    ) -> None:
        (home / "answers.json").write_bytes(data)
        with pytest.raises(StoreError, match=said):
            exchange.submit(home, MODULE)
        assert inbound(exchange) == []

    def test_a_failure_leaves_nothing_half_written(
        self, exchange: Exchange, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = Path.rename

        def fails(self: Path, target: Path) -> Path:
            if Path(target).parent.name == "inbound":
                raise OSError(28, "No space left on device")
            return real(self, target)

        monkeypatch.setattr(Path, "rename", fails)
        with pytest.raises(StoreError, match="您的答案都在"):
            exchange.submit(home, MODULE)
        assert inbound(exchange) == []
        assert exchange.submissions(MODULE) == ()
        assert list((exchange._cache).glob("[!.]*")) == []

    def test_inbound_gone_is_said_in_chinese(self, exchange: Exchange, home: Path) -> None:
        inbound_folder = exchange.root / "qinlian" / "inbound"
        inbound_folder.rmdir()
        with pytest.raises(StoreError, match="暂时写不进"):
            exchange.submit(home, MODULE)

    def test_a_module_that_is_not_released_is_refused(self, exchange: Exchange, home: Path) -> None:
        for name in ("91-none", "../outbound", ".", ""):
            with pytest.raises(StoreError, match="还没有发布"):
                exchange.submit(home, name)

    def test_a_name_nbgrader_would_split_wrongly_is_refused(self, exchange: Exchange, home: Path) -> None:
        other = Exchange(ExchangeSettings(exchange.root, "qinlian", "xiao+zhou", exchange._cache.parent))
        with pytest.raises(StoreError, match="账号名"):
            other.submit(home, MODULE)


@pytest.mark.slow
def test_a_submission_is_what_nbgrader_itself_writes(exchange: Exchange, home: Path, tmp_path: Path) -> None:
    theirs_cache = tmp_path / "theirs"
    script = f"""
from nbgrader.auth import Authenticator
from nbgrader.coursedir import CourseDirectory
from nbgrader.exchange.default import ExchangeSubmit
from traitlets.config import Config
import sys
course = CourseDirectory(course_id="qinlian", assignment_id="{MODULE}", student_id="xiaozhou")
config = Config()
config.Exchange.root, config.Exchange.cache, config.Exchange.assignment_dir = sys.argv[1:4]
ExchangeSubmit(coursedir=course, authenticator=Authenticator(), config=config).start()
"""
    subprocess.run(
        [sys.executable, "-c", script, str(exchange.root), str(theirs_cache), str(home.parent)],
        check=True, capture_output=True, env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    (theirs,) = inbound(exchange)
    exchange.submit(home, MODULE)
    (ours,) = [p for p in inbound(exchange) if p != theirs]

    def shape(folder: Path) -> dict[str, tuple[int, int]]:
        return {p.name: (stat.S_IMODE(p.stat().st_mode), p.stat().st_size) for p in folder.iterdir()}

    assert shape(ours) == shape(theirs)
    assert stat.S_IMODE(ours.stat().st_mode) == stat.S_IMODE(theirs.stat().st_mode)
    pattern = r"xiaozhou\+90-sample\+\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} UTC\+[\w=-]{12}"
    for folder in (ours, theirs):
        assert re.fullmatch(pattern, folder.name)
        assert (folder / "timestamp.txt").read_text() == folder.name.split("+")[2]
        assert re.fullmatch("[0-9a-f]{128}", (folder / "submission_secret.txt").read_text())
    (cached_theirs,) = (theirs_cache / "qinlian").iterdir()
    (cached_ours,) = (p for p in exchange._cache.iterdir() if p.name[0] != ".")
    assert cached_theirs.name == theirs.name.rsplit("+", 1)[0]
    assert cached_ours.name == ours.name.rsplit("+", 1)[0]
    assert sorted(p.name for p in cached_ours.iterdir()) == sorted(p.name for p in cached_theirs.iterdir())
    reader = Exchange(ExchangeSettings(exchange.root, "qinlian", "xiaozhou", theirs_cache))
    assert [s.folder for s in reader.submissions(MODULE)] == [cached_theirs]


class TestResults:
    def test_none_before_the_grader_has_written_one(self, exchange: Exchange, home: Path) -> None:
        exchange.submit(home, MODULE)
        assert exchange.result(MODULE) is None

    def test_the_newest_submission_that_has_one_counts(self, exchange: Exchange, home: Path) -> None:
        first, second, third = (exchange.submit(home, MODULE) for _ in range(3))
        grade(exchange, first.result, score=10)
        grade(exchange, second.result, score=90)
        found = exchange.result(MODULE)
        assert found is not None
        assert (found[0], found[1].score) == (second, 90)
        assert exchange.under_way(home, MODULE)
        grade(exchange, third.result, score=20)
        assert not exchange.under_way(home, MODULE)

    def test_a_refusal_ends_the_waiting_and_hides_nothing_graded_before(self, exchange: Exchange, home: Path) -> None:
        first = exchange.submit(home, MODULE)
        grade(exchange, first.result, score=90)
        second = exchange.submit(home, MODULE)
        assert exchange.standing(MODULE).waiting
        grade(exchange, second.result, score=0, state="拒收", notes=("请重新提交",), quizzes={})
        standing = exchange.standing(MODULE)
        assert not standing.waiting
        assert (standing.graded, standing.taken) == (first.submitted_at, first.submitted_at)
        assert standing.result is not None
        assert (standing.result.score, standing.result.notes) == (90, ())
        assert standing.refusal is not None
        assert standing.refusal.notes == ("请重新提交",)
        assert exchange.result(MODULE) == (first, standing.result)
        third = exchange.submit(home, MODULE)
        assert (exchange.standing(MODULE).waiting, exchange.standing(MODULE).refusal) == (True, None)
        grade(exchange, third.result, score=20)
        assert exchange.standing(MODULE).taken == third.submitted_at

    def test_a_refusal_alone_is_no_result(self, exchange: Exchange, home: Path) -> None:
        sent = exchange.submit(home, MODULE)
        grade(exchange, sent.result, score=0, state="拒收", notes=("请重新提交",), quizzes={})
        assert exchange.result(MODULE) is None
        standing = exchange.standing(MODULE)
        assert (standing.waiting, standing.taken, standing.submitted) == (False, None, sent.submitted_at)

    def test_a_damaged_result_is_as_good_as_none(self, exchange: Exchange, home: Path) -> None:
        sent = exchange.submit(home, MODULE)
        grade(exchange, sent.result)
        (exchange.root / "qinlian" / "feedback" / sent.result).write_text('{"score": 1')
        assert exchange.result(MODULE) is None

    def test_a_result_of_another_module_is_not_taken(self, exchange: Exchange, home: Path) -> None:
        sent = exchange.submit(home, MODULE)
        grade(exchange, sent.result, module="91-other")
        assert exchange.result(MODULE) is None


class TestFetching:
    def test_answers_are_never_overwritten(self, exchange: Exchange, home: Path) -> None:
        release(exchange, "answers.json", b"not the learner's")
        (home / "lesson.json").unlink()
        exchange.fetch(MODULE, home)
        assert (home / "answers.json").read_bytes() == answers("a1")
        assert (home / "lesson.json").read_bytes() == lesson()

    def test_the_copy_can_be_written(self, exchange: Exchange, home: Path) -> None:
        (exchange.root / "qinlian" / "outbound" / MODULE / "lesson.json").chmod(0o444)
        (home / "lesson.json").unlink()
        exchange.fetch(MODULE, home)
        assert stat.S_IMODE((home / "lesson.json").stat().st_mode) == 0o644

    def test_nothing_released_is_an_empty_list_and_no_exchange_an_error(self, tmp_path: Path) -> None:
        settings = ExchangeSettings(tmp_path / "exchange", "qinlian", "xiaozhou", tmp_path / "cache")
        with pytest.raises(StoreError, match="连不上"):
            Exchange(settings).modules()
        (tmp_path / "exchange").mkdir()
        assert Exchange(settings).modules() == ()


class TestWhatIsReleased:
    @pytest.fixture
    def guarded(self, exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        """Names of modules whose folder may not be entered, as far as this process is concerned."""
        names: list[str] = []
        real = Path.is_file

        def is_file(path: Path) -> bool:
            if path.parent.name in names:
                raise PermissionError(13, "Permission denied")
            return real(path)

        monkeypatch.setattr(Path, "is_file", is_file)
        return names

    def test_a_folder_nobody_may_enter_does_not_hide_the_others(self, exchange: Exchange, guarded: list[str]) -> None:
        outbound = exchange.root / "qinlian" / "outbound"
        for name in (".releasing-91", "92-closed"):
            (outbound / name).mkdir()
            guarded.append(name)
        assert exchange.modules() == (MODULE,)

    def test_submitting_to_one_is_answered_in_chinese(self, exchange: Exchange, home: Path, guarded: list[str]) -> None:
        guarded.append(MODULE)
        with pytest.raises(StoreError, match="还没有发布"):
            exchange.submit(home, MODULE)


class TestKeepingUpToDate:
    def test_a_new_edition_comes_in_when_nothing_is_under_way(self, exchange: Exchange, home: Path) -> None:
        (home / "answers.json").write_bytes(answers("a-practice-item"))
        assert not exchange.refresh(home, MODULE)
        release(exchange, "lesson.json", lesson("e2"))
        release(exchange, f"{MODULE}.ipynb", notebook("改写过的第一节"))
        assert exchange.refresh(home, MODULE)
        assert (home / "lesson.json").read_bytes() == lesson("e2")
        assert (home / f"{MODULE}.ipynb").read_bytes() == notebook("改写过的第一节")

    def test_questions_stay_while_a_quiz_is_being_answered(self, exchange: Exchange, home: Path) -> None:
        release(exchange, "lesson.json", lesson("e2"))
        assert not exchange.refresh(home, MODULE)
        assert (home / "lesson.json").read_bytes() == lesson("e1")

    def test_questions_stay_while_a_submission_waits_and_change_after_grading(
        self, exchange: Exchange, home: Path
    ) -> None:
        sent = exchange.submit(home, MODULE)
        release(exchange, "lesson.json", lesson("e2"))
        assert not exchange.refresh(home, MODULE)
        grade(exchange, sent.result)
        assert exchange.refresh(home, MODULE)

    def test_a_second_attempt_keeps_its_questions_too(self, exchange: Exchange, home: Path) -> None:
        grade(exchange, exchange.submit(home, MODULE).result)
        release(exchange, "lesson.json", lesson("e2"))
        (home / "answers.json").write_bytes(answers("a2", attempt=2))
        assert not exchange.refresh(home, MODULE)

    def test_running_a_lesson_is_not_writing_into_it(self, exchange: Exchange, home: Path) -> None:
        (home / "answers.json").unlink()
        ran = notebook("第一节", outputs=[{"output_type": "stream", "text": "x"}], execution_count=3)
        (home / f"{MODULE}.ipynb").write_bytes(ran)
        assert not exchange.refresh(home, MODULE)
        release(exchange, f"{MODULE}.ipynb", notebook("新的"))
        assert exchange.refresh(home, MODULE)
        assert sorted(p.name for p in home.glob("*.ipynb")) == [f"{MODULE}.ipynb"]

    def test_a_notebook_with_the_learners_notes_is_kept_beside_the_new_one(
        self, exchange: Exchange, home: Path
    ) -> None:
        (home / "answers.json").unlink()
        (home / f"{MODULE}.ipynb").write_bytes(notebook("第一节，我的批注"))
        release(exchange, f"{MODULE}.ipynb", notebook("新的"))
        assert exchange.refresh(home, MODULE)
        kept = [p for p in home.glob("*.ipynb") if "我的旧稿" in p.name]
        assert [p.read_bytes() for p in kept] == [notebook("第一节，我的批注")]
        assert (home / f"{MODULE}.ipynb").read_bytes() == notebook("新的")

    def test_a_notebook_that_was_deleted_comes_back(self, exchange: Exchange, home: Path) -> None:
        (home / f"{MODULE}.ipynb").unlink()
        exchange.fetch(MODULE, home)
        assert (home / f"{MODULE}.ipynb").read_bytes() == notebook()


class TestSettings:
    def test_nbgraders_own_file_is_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
        monkeypatch.chdir(tmp_path)
        lines = ["c = get_config()", "c.CourseDirectory.course_id = 'lz'", "c.Exchange.root = '/srv/x'"]
        lines += ["c.Exchange.path_includes_course = True", "c.Exchange.cache = '/home/me/cache'"]
        (tmp_path / "nbgrader_config.py").write_text("\n".join(lines))
        found = ExchangeSettings.from_environment({})
        assert (found.root, found.course_id, found.with_course) == (Path("/srv/x"), "lz", True)
        assert found.cache == Path("/home/me/cache")
        assert Exchange(found).folder(Path("/home/me"), MODULE) == Path("/home/me/lz/90-sample")

    def test_the_working_folder_stands_above_the_configuration_folders(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("near", "far"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "nbgrader_config.py").write_text(f"c.CourseDirectory.course_id = '{name}'")
        monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "far"))
        monkeypatch.chdir(tmp_path / "near")
        assert ExchangeSettings.from_environment({}).course_id == "near"
        assert ExchangeSettings.from_environment({"QINLIAN_COURSE_ID": "env"}).course_id == "env"

    def test_a_broken_file_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
        monkeypatch.chdir(tmp_path)
        (tmp_path / "nbgrader_config.py").write_text("c.Course(")
        with pytest.raises(StoreError, match=r"nbgrader_config\.py 读不出来"):
            ExchangeSettings.from_environment({})

    def test_the_learner_of_a_local_classroom_is_named_by_it_and_on_a_hub_it_cannot_be(self) -> None:
        assert learner_name({"QINLIAN_LEARNER": "learner"}) == "learner"
        assert learner_name({"QINLIAN_LEARNER": "someone-else", "JUPYTERHUB_USER": "xiaozhou"}) != "someone-else"

    def test_importing_it_costs_neither_nbgrader_nor_pandas(self) -> None:
        code = "import sys, qinlian.quiz.exchange; print({'nbgrader', 'pandas', 'sqlalchemy'} & set(sys.modules))"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "set()"
