"""Who takes which module: tracks, modules of a branch's own, the first test and the last."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from qinlian.authoring.reader import load_course, read_course
from qinlian.core.files import Answer, AnswerFile
from qinlian.core.identity import Identity
from qinlian.core.model import Course
from qinlian.errors import BuildError
from qinlian.grading.editions import edition_of
from qinlian.grading.score import grade
from qinlian.notebooks.build import build_track
from qinlian.notebooks.publish import publish
from qinlian.quiz.state import Standing, block_state

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "tests" / "data" / "authoring" / "base"
IDS = Identity(b"a secret of these tests alone")


def item(number: int, module: str = "02", more: str = "") -> str:
    return (
        f"### LZ-{module}-{number:03d} [判断] {{用途=测验 难度={number % 3 + 1} 知识点=礼品{more}}}\n"
        f"第 {number} 个说法，说的是{'甲乙丙丁戊己庚辛壬癸'[number % 10] * 9}，第 {module} 课。\n- [ ] 对\n- [x] 错\n"
        "解析：理由。\n依据：《纪律处分条例》第九十七条\n\n"
    )


def lesson(title: str, *embeds: str) -> str:
    return "\n".join((f"# {title}", "", "学习目标：", "- 认得出。", "", "一段话。", "", *embeds, ""))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A course of three modules: a first test, an ordinary one, and a last test over both."""
    course = tmp_path / "course"
    shutil.copytree(BASE, course)
    shutil.rmtree(course / "modules")
    texts = {
        "01-start": (lesson("导学", "{{测验 id=01-before 数量=2 摸底=是}}"), [item(n, "01") for n in range(1, 5)]),
        "02-gifts": (lesson("礼尚往来", "{{测验 id=02-exam 数量=3}}"), [item(n) for n in range(1, 9)]),
        "14-end": (lesson("测评", "{{测验 id=14-final 数量=6 来源=全部 分值=50}}"), []),
    }
    listed = []
    for name, (text, items) in texts.items():
        (course / "modules" / name).mkdir(parents=True)
        (course / "modules" / name / "lesson.md").write_text(text, "utf-8")
        (course / "modules" / name / "questions.md").write_text("# 题目\n\n## 测验\n\n" + "".join(items), "utf-8")
        listed.append(f"  - 目录: {name}\n    标题: {text[2:].splitlines()[0]}\n    学时: 2\n")
    young = "  - 名称: 青年干部\n    模块: 01-start、02-gifts\n    学时: 3\n    及格: 70\n"
    tracks = f"培训对象:\n{young}  - 名称: 教师\n    模块: 02-gifts\n"
    (course / "course.yaml").write_text(
        f"课程: qinlian\n标题: 勤廉学堂\n及格: 60\n模块:\n{''.join(listed)}{tracks}", "utf-8"
    )
    return course


def local(course: Path, name: str, yaml: str) -> None:
    place = course / "local" / name
    place.mkdir(parents=True)
    (place / "module.yaml").write_text(yaml, "utf-8")
    (place / "lesson.md").write_text(lesson("戏台", "{{测验 id=60-exam 数量=1}}"), "utf-8")
    (place / "questions.md").write_text("## 测验\n" + item(1, "60") + item(2, "60"), "utf-8")


def errors(course: Path) -> list[str]:
    return [str(d) for d in read_course(course)[1] if d.is_error]


def read(course: Path) -> Course:
    assert errors(course) == []
    return load_course(course)


def test_a_track_has_hours_and_a_pass_mark_of_its_own_or_the_courses(folder: Path) -> None:
    course = read(folder)
    lessons = {m.id: publish(course, m, IDS) for m in course.modules}
    young, teachers = lessons["02-gifts"].tracks
    assert (young.name, young.hours, young.pass_mark) == ("青年干部", 3, 70)
    assert (teachers.name, teachers.hours, teachers.pass_mark) == ("教师", 2, 60)
    assert [t.name for t in lessons["01-start"].tracks] == ["青年干部"]
    assert lessons["14-end"].tracks == ()


def test_a_folder_in_local_is_one_more_module_for_every_track(folder: Path) -> None:
    local(folder, "60-stage", "标题: 戏台\n学时: 1\n")
    course = read(folder)
    assert [m.id for m in course.modules][-1] == "60-stage"
    assert all(t.modules[-1] == "60-stage" for t in course.tracks)


def test_a_local_module_may_name_the_tracks_that_take_it(folder: Path) -> None:
    local(folder, "60-stage", "标题: 戏台\n学时: 1\n培训对象: 教师\n")
    course = read(folder)
    assert [t.name for t in course.tracks if "60-stage" in t.modules] == ["教师"]


def test_a_local_module_with_a_track_or_name_that_cannot_be_is_refused_where_it_stands(folder: Path) -> None:
    local(folder, "60-stage", "标题: 戏台\n培训对象: 老师\n")
    local(folder, "02-gifts", "标题: 戏台\n")
    found = errors(folder)
    assert any("local/60-stage/module.yaml:2" in e and "没有培训对象“老师”；是不是“教师”" in e for e in found)
    assert any("local/02-gifts/module.yaml:1:1" in e and "已经有了" in e for e in found)


def test_a_track_emphasises_only_cases_of_its_modules(folder: Path) -> None:
    yaml = folder / "course.yaml"
    yaml.write_text(yaml.read_text("utf-8") + "    重点案例: LZ-02-C9\n", "utf-8")
    assert any("教师的模块里没有案例 LZ-02-C9" in e and "course.yaml:" in e for e in errors(folder))


def test_the_first_test_carries_no_points_and_shows_none(folder: Path) -> None:
    course = read(folder)
    first = course.module("01-start")
    assert first.max_score == 0
    (block,) = publish(course, first, IDS).blocks
    assert (block.marked, block.points) == (False, 100)


def test_the_last_test_draws_from_every_module_in_proportion(folder: Path) -> None:
    course = read(folder)
    last = course.module("14-end")
    lesson_file = publish(course, last, IDS)
    edition = edition_of(course, last, IDS)
    (block,) = lesson_file.blocks
    assert len(block.items) == 12
    from_module = {IDS.of(i.id): m.id for m in course.modules[:2] for i in m.items}
    for learner in ("zhang", "li", "wang"):
        state = block_state(
            lesson_file,
            AnswerFile(course="qinlian", module=last.id, edition=lesson_file.edition),
            block,
            Standing(learner=learner),
        )
        drawn = list(state.items)
        # Four of twelve stand in the first module: two of six.
        assert sorted(from_module[i] for i in drawn) == ["01-start"] * 2 + ["02-gifts"] * 4
        assert edition.pools["14-final"] == tuple(sorted((i, lesson_file.items[i]["stratum"]) for i in block.items))


def test_the_last_test_asks_each_audience_only_of_the_modules_it_takes(folder: Path) -> None:
    yaml = folder / "course.yaml"
    teachers = "  - 名称: 教师\n    模块: 02-gifts"
    yaml.write_text(yaml.read_text("utf-8").replace(teachers, f"{teachers}、14-end"), "utf-8")
    course = read(folder)
    last = course.module("14-end")
    lesson_file, edition = publish(course, last, IDS), edition_of(course, last, IDS)
    (block,) = lesson_file.blocks
    answers = AnswerFile(course="qinlian", module=last.id, edition=lesson_file.edition, track="教师")
    shown = list(block_state(lesson_file, answers, block, Standing(learner="zhang")).items)
    gifts = {IDS.of(i.id) for i in course.module("02-gifts").items}
    assert len(shown) == 6
    assert set(shown) <= gifts
    given = {pid: Answer(value=IDS.of(edition.items[pid].id, "错")) for pid in shown}
    answers = answers.model_copy(update={"answers": given})
    graded = grade(
        current=edition, named=edition, learner="zhang", answers=answers, seen_at=datetime(2026, 6, 1, tzinfo=UTC)
    )
    assert [i.public_id for i in graded.quiz("14-final").items] == shown
    assert graded.quiz("14-final").score == 50


def test_what_a_module_lends_to_the_last_test_is_not_linted_twice(folder: Path) -> None:
    _, found = read_course(folder)
    assert not [d for d in found if "14-end" in d.file]


@pytest.mark.slow
def test_one_track_is_built_into_a_folder_of_its_own(folder: Path, tmp_path: Path) -> None:
    target = tmp_path / "教师"
    assert build_track(folder.parent, "教师", target) == ("02-gifts",)
    made = sorted(str(p.relative_to(target)) for p in target.rglob("*") if p.is_file())
    assert made == [
        f"{part}/02-gifts/{name}" for part in ("release", "source") for name in ("02-gifts.ipynb", "lesson.json")
    ]
    with pytest.raises(BuildError, match="里已经有"):
        build_track(folder.parent, "教师", target)


def test_a_track_that_is_not_there_is_named_with_those_that_are(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="没有培训对象“校长”；有的是：青年干部、教师"):
        build_track(folder.parent, "校长", tmp_path / "to")
    assert not (tmp_path / "to").exists()


def test_the_example_of_a_module_of_ones_own_can_be_dropped_in(tmp_path: Path) -> None:
    course = tmp_path / "course"
    shutil.copytree(ROOT / "course", course, ignore=shutil.ignore_patterns("editions"))
    shutil.copytree(ROOT / "docs" / "examples" / "60-stage", course / "local" / "60-stage")
    found, problems = read_course(course)
    assert problems == ()
    assert found is not None
    assert found.modules[-1].id == "60-stage"
    assert {t.name for t in found.tracks if "60-stage" in t.modules} == {"青年干部", "老年学员"}
