"""The learner's own files behind the port."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from qinlian.core.files import LESSON_NAME, ResultFile
from qinlian.errors import StoreError
from qinlian.notebooks.notebook import notebook_bytes, source_notebook
from qinlian.notebooks.publish import lesson_bytes, publish
from qinlian.portal.desk import Desk
from qinlian.quiz.exchange import Exchange
from qinlian.quiz.exchange_settings import ExchangeSettings
from tests.sample import COURSE, IDS, MODULE, REFLECTION


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An exchange with the sample module released."""
    released = tmp_path / "exchange" / "qinlian" / "outbound" / MODULE.id
    released.mkdir(parents=True)
    (released / LESSON_NAME).write_bytes(lesson_bytes(publish(COURSE, MODULE, IDS)))
    (released / f"{MODULE.id}.ipynb").write_bytes(notebook_bytes(source_notebook(COURSE, MODULE, IDS)))
    (tmp_path / "exchange" / "qinlian" / "inbound").mkdir()
    return tmp_path


def desk_at(root: Path, *, with_course: bool = False) -> Desk:
    settings = ExchangeSettings(root / "exchange", "qinlian", "xiaozhou", root / "cache", with_course)
    return Desk(root / "home", lambda: Exchange(settings))


def grade(root: Path, **more: object) -> None:
    (sent,) = (p for p in (root / "cache" / "qinlian").iterdir() if p.name[0] != ".")
    settings = ExchangeSettings(root / "exchange", "qinlian", "xiaozhou", root / "cache")
    (submission,) = Exchange(settings).submissions(MODULE.id)
    assert submission.folder == sent
    fields: dict[str, object] = {"course": "qinlian", "module": MODULE.id, "edition": "e", "submitted_at": ""}
    fields |= {"graded_at": "", "score": 90, "max_score": 100, "state": "待评阅"}
    feedback = root / "exchange" / "qinlian" / "feedback"
    feedback.mkdir(exist_ok=True)
    (feedback / submission.result).write_text(ResultFile.model_validate(fields | more).model_dump_json(by_alias=True))


def test_a_module_goes_through_its_states(root: Path) -> None:
    desk = desk_at(root)

    def state() -> str:
        (module,) = desk.overview().modules
        return module.state

    assert state() == "未开始"
    assert desk.open(MODULE.id) == "90-sample/90-sample.ipynb"
    assert state() == "进行中"
    desk.save(MODULE.id, {IDS.of(REFLECTION.id): "我拿不准的一件小事"})
    desk.submit(MODULE.id)
    assert state() == "已提交"
    grade(root)
    assert state() == "待评阅"
    grade(root, state="已评分")
    (module,) = desk.overview().modules
    assert (module.state, module.score, module.max_score, module.earned) == ("已评分", 90, 100, 1.5)
    assert module.objectives == MODULE.objectives
    assert (desk.overview().course_title, desk.overview().course_subtitle) == (COURSE.title, COURSE.subtitle)


def test_a_refusal_is_told_and_the_module_can_be_submitted_again(root: Path) -> None:
    desk = desk_at(root)
    desk.open(MODULE.id)
    desk.save(MODULE.id, {IDS.of(REFLECTION.id): "一件小事"})
    desk.submit(MODULE.id)
    grade(root, state="拒收", score=0, notes=("请重新提交",))
    (module,) = desk.overview().modules
    assert (module.state, module.score, module.refused) == ("进行中", None, ("请重新提交",))
    assert desk.result(MODULE.id) is None
    desk.submit(MODULE.id)
    (module,) = desk.overview().modules
    assert (module.state, module.refused) == ("已提交", ())


def test_what_was_saved_is_read_again(root: Path) -> None:
    desk = desk_at(root)
    desk.open(MODULE.id)
    desk.save(MODULE.id, {IDS.of(REFLECTION.id): "第一句"})
    assert desk_at(root).answers(MODULE.id).answers[IDS.of(REFLECTION.id)].value == "第一句"
    assert desk.result(MODULE.id) is None


def test_opening_again_keeps_the_answers(root: Path) -> None:
    desk = desk_at(root)
    desk.open(MODULE.id)
    saved = desk.save(MODULE.id, {IDS.of(REFLECTION.id): "第一句"})
    (root / "home" / MODULE.id / f"{MODULE.id}.ipynb").unlink()
    desk.open(MODULE.id)
    assert desk.answers(MODULE.id) == saved
    assert (root / "home" / MODULE.id / f"{MODULE.id}.ipynb").is_file()


def test_folders_lie_under_the_course_where_nbgrader_is_set_so(root: Path) -> None:
    assert desk_at(root, with_course=True).open(MODULE.id) == "qinlian/90-sample/90-sample.ipynb"


@pytest.mark.parametrize("name", ["91-none", "..", "../../etc", "", ".", "90-sample/.."])
def test_only_released_names_become_paths(root: Path, name: str) -> None:
    desk = desk_at(root)
    for ask in (desk.open, desk.answers, desk.submit):
        with pytest.raises(StoreError, match="没有找到这个模块"):
            ask(name)
    with pytest.raises(StoreError, match="没有找到这个模块"):
        desk.save(name, {})


def test_answers_of_a_module_never_opened_say_what_to_do(root: Path) -> None:
    with pytest.raises(StoreError, match="从那里打开课程"):
        desk_at(root).answers(MODULE.id)


def test_one_damaged_module_does_not_hide_the_others(root: Path) -> None:
    broken = root / "exchange" / "qinlian" / "outbound" / "91-broken"
    broken.mkdir()
    (broken / LESSON_NAME).write_text("{")
    overview = desk_at(root).overview()
    assert [m.module for m in overview.modules] == [MODULE.id]
    assert overview.unreadable == ("91-broken",)


def test_a_module_released_anew_is_shown_anew(root: Path) -> None:
    desk = desk_at(root)
    assert desk.overview().modules[0].title == "样例模块"
    path = root / "exchange" / "qinlian" / "outbound" / MODULE.id / LESSON_NAME
    changed = json.loads(path.read_text()) | {"title": "改了名的模块"}
    fresh = path.with_name("fresh")
    fresh.write_text(json.dumps(changed))
    fresh.replace(path)
    assert desk.overview().modules[0].title == "改了名的模块"


def test_an_exchange_mended_later_is_found_without_a_restart(root: Path) -> None:
    tries: list[int] = []

    def find() -> Exchange:
        tries.append(1)
        if len(tries) == 1:
            raise StoreError("还没有设置课程")
        return Exchange(ExchangeSettings(root / "exchange", "qinlian", "xiaozhou", root / "cache"))

    desk = Desk(root / "home", find)
    with pytest.raises(StoreError):
        desk.overview()
    assert desk.overview().modules
    assert desk.overview().modules
    assert len(tries) == 2


@pytest.mark.slow
def test_the_extension_costs_the_learners_server_neither_nbgrader_nor_pandas() -> None:
    code = "import sys, qinlian.portal.extension; print({'nbgrader', 'pandas', 'sqlalchemy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
