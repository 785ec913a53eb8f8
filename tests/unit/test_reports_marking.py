"""What an instructor has in view in formgrader, and that nothing of it goes anywhere else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter
from nbgrader.converters import GenerateFeedback
from nbgrader.server_extensions.formgrader import handlers
from traitlets.config import Config

from benchmarks.room import Room
from qinlian.grading.feedback import FeedbackExporter
from qinlian.grading.setting import Setting
from tests.sample import MODULE
from tests.unit.reflection_room import COMMENTS, make_room

pytestmark = pytest.mark.slow

SECRETS = (
    *("只有老师看得见的通用评语", "针对整篇的评语", "针对第一项的评语", "评阅参考", "相似提示", "请对照阅读", "qm-"),
)


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Room:
    return make_room(tmp_path_factory.mktemp("marking"))


def page(room: Room, learner: str, **more: Any) -> str:
    """What formgrader answers for one submission: its own configuration, exporter and resources."""
    setting = Setting.load(room.root)
    # As FormgradeExtension does: its own settings first, then those of the course.
    config = Config()
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    config.merge(setting.config)
    exporter = HTMLExporter(config=config)
    resources = {
        "assignment_id": MODULE.id,
        "notebook_id": MODULE.id,
        "submission_id": "x",
        "index": 0,
        "total": 3,
        "base_url": "",
        "student": learner,
        "last_name": "",
        "first_name": "",
        "notebook_path": "x",
    } | more
    html, _ = exporter.from_filename(str(room.autograded(learner) / f"{MODULE.id}.ipynb"), resources=resources)
    return str(html)


def test_rubric_comments_and_notice_stand_under_the_reflection(room: Room) -> None:
    html = page(room, "li")
    aids = html[html.index('class="qm-aids') :]
    assert html.index('id="LZ-90-R1-comment"') < html.index('class="qm-aids')
    for words in ("联系本人岗位（12 分）", "针对第一项的评语。", "只有老师看得见的通用评语。"):
        assert words in aids
    assert "段与 wang 相近" in aids
    assert "请对照阅读后判断" in aids
    assert "追到楼下没有追上" in aids


def test_both_see_it_whoever_was_graded_first(room: Room) -> None:
    assert "段与 wang 相近" in page(room, "li")
    assert "段与 li 相近" in page(room, "wang")


def test_an_earlier_years_text_is_found(room: Room) -> None:
    assert "前年的一篇" in page(room, "zhao")


def test_a_learners_markup_stays_text(room: Room) -> None:
    for learner in ("li", "wang"):
        html = page(room, learner)
        assert "<script>window.hacked" not in html
        assert "针对整篇的评语&lt;b&gt;" in html
    assert "tex2jax_ignore" in page(room, "wang")


def test_nobody_is_compared_who_wrote_nothing(room: Room) -> None:
    html = page(room, "quiet")
    assert "没有写心得" in html
    assert "请对照阅读" not in html


def test_a_new_comment_shows_without_grading_again(room: Room) -> None:
    path = room.root / "course" / "comments.yaml"
    path.write_text(COMMENTS + "        - 刚刚加的一条。\n", "utf-8")
    assert "刚刚加的一条。" in page(room, "li")
    path.write_text(COMMENTS, "utf-8")


def test_when_something_is_broken_the_page_opens_all_the_same(room: Room) -> None:
    path = room.root / ".classroom" / "earlier" / "坏.xlsx"
    path.write_bytes(b"no workbook")
    html = page(room, "li")
    path.unlink()
    assert "坏.xlsx 不是完好的 .xlsx 文件" in html
    assert 'id="LZ-90-R1-comment"' in html


# None of it goes anywhere else


def test_nothing_of_it_is_written_anywhere(room: Room) -> None:
    page(room, "li")
    files = [p for base in ("autograded", "release", "source") for p in (room.root / base).rglob("*") if p.is_file()]
    files.append(Path(room.db_url.removeprefix("sqlite:///")))
    assert len(files) > 5
    for path in files:
        data = path.read_bytes().decode("utf-8", "replace")
        assert [w for w in SECRETS if w in data or json.dumps(w)[1:-1] in data] == [], path


def test_the_exporter_of_feedback_does_not_know_it(room: Room) -> None:
    exporter = FeedbackExporter(config=Setting.load(room.root).config)
    assert not [p for p in exporter._preprocessors if "Marking" in type(p).__name__]


def test_it_keeps_quiet_wherever_formgrader_is_not_asking(room: Room) -> None:
    from qinlian.reports.marking import MarkingAids

    nb = nbformat.read(room.autograded("li") / f"{MODULE.id}.ipynb", as_version=4)
    resources: dict[str, Any] = {"nbgrader": {"student": "li", "assignment": MODULE.id, "notebook": MODULE.id}}
    MarkingAids(config=Setting.load(room.root).config).preprocess(nb, resources)
    assert "qinlian_marking" not in resources


def test_the_learners_feedback_page_shows_none_of_it(room: Room) -> None:
    setting = Setting.load(room.root)
    GenerateFeedback(coursedir=setting.fresh_coursedir(MODULE.id, "li"), config=setting.config, force=True).start()
    html = (setting.step("feedback", "li", MODULE.id) / f"{MODULE.id}.html").read_text("utf-8")
    assert "追到楼下没有追上" in html
    assert [w for w in (*SECRETS, "wang") if w in html] == []
