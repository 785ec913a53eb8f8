"""The learner's side of the exchange fetches what is released and overwrites nothing of the learner's."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from qinlian.errors import StoreError
from qinlian.quiz.exchange import Exchange
from qinlian.quiz.exchange_settings import ExchangeSettings
from tests.unit.exchange_home import MODULE, answers, fetched_home, grade, lesson, notebook, release, released_exchange


@pytest.fixture
def exchange(tmp_path: Path) -> Exchange:
    return released_exchange(tmp_path)


@pytest.fixture
def home(tmp_path: Path, exchange: Exchange) -> Path:
    return fetched_home(tmp_path, exchange)


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
