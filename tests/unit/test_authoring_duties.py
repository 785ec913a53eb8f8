"""The catalogue of posts: read strictly, and copied into the self-checks that name a post."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from qinlian.authoring.duties import Catalogue, parse_duties
from qinlian.authoring.merge import merge_questions
from qinlian.authoring.reader import load_course, read_course
from qinlian.authoring.rulebook import Rulebook
from qinlian.authoring.textfile import parse_text, read_text
from qinlian.authoring.workbook import export_workbook, import_workbook
from qinlian.core.model import Module
from qinlian.notebooks.publish import publish
from tests.sample import IDS

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "tests" / "data" / "authoring" / "base"
POST = """岗位: 采购
编号: CG
说明: 010
职责:
""" + "".join(
    f"  - 职责: 职责{n}\n    风险:\n      - 编号: CG0{n}\n        风险点: 风险{n}\n"
    f"        措施:\n          - no\n          - 1.10\n"
    for n in range(1, 6)
)
CHECK = """
### LZ-02-S1 [自查] {用途=测验 难度=1 知识点=风险排查 分值=20}
选出您现在的岗位。

#### 岗位 {至少=3}
- 采购
"""


def course(tmp_path: Path, post: str = POST) -> Path:
    folder = tmp_path / "course"
    shutil.copytree(BASE, folder)
    (folder / "duties").mkdir()
    (folder / "duties" / "procurement.yaml").write_text(post, encoding="utf-8")
    module = folder / "modules" / "02-gifts"
    with (module / "questions.md").open("a", encoding="utf-8") as file:
        file.write(CHECK)
    with (module / "lesson.md").open("a", encoding="utf-8") as file:
        file.write("\n{{测验 id=02-selfcheck 题型=自查 数量=1 次数=3 分值=20}}\n")
    return folder


def test_every_scalar_is_read_as_text():
    placed, problems = parse_duties(parse_text(POST, "x.yaml"))
    assert problems == []
    assert placed is not None
    assert placed.post.about == "010"
    assert placed.post.duties[0].risks[0].measures == ("no", "1.10")


def test_the_posts_stand_in_the_module_itself_for_an_edition_keeps_nothing_else(tmp_path: Path):
    module = load_course(course(tmp_path)).modules[0]
    item = module.item("LZ-02-S1")
    assert [post.name for post in item.posts] == ["采购"]
    assert len(item.posts[0].duties) == 5
    assert Module.model_validate(json.loads(module.model_dump_json())) == module


def test_the_authors_text_goes_on_naming_the_posts(tmp_path: Path):
    folder = course(tmp_path)
    read = load_course(folder)
    assert read.modules[0].item("LZ-02-S1").body == "#### 岗位 {至少=3}\n- 采购"
    before = (folder / "modules" / "02-gifts" / "questions.md").read_bytes()
    export_workbook(read, tmp_path / "题库.xlsx", modules=["02-gifts"])
    items, problems = import_workbook(tmp_path / "题库.xlsx", [], "", Rulebook(read.documents))
    assert problems == ()
    merge_questions(folder, "02-gifts", items)
    assert (folder / "modules" / "02-gifts" / "questions.md").read_bytes() == before


def test_another_risk_in_the_catalogue_is_another_edition(tmp_path: Path):
    first = load_course(course(tmp_path / "a"))
    second = load_course(course(tmp_path / "b", POST.replace("风险3", "别的风险")))
    editions = [publish(c, c.modules[0], IDS).edition for c in (first, second)]
    assert len(set(editions)) == 2


def test_the_catalogue_is_checked_for_rules_that_do_not_exist_and_for_html(tmp_path: Path):
    bad = POST.replace("风险2", "违反《中国共产党纪律处分条例》第九百条").replace("风险3", "<b>风险</b>")
    found = read_course(course(tmp_path, bad))[1]
    assert [(d.file, d.line, d.code) for d in found] == [
        ("course/duties/procurement.yaml", 15, "E504"),
        ("course/duties/procurement.yaml", 22, "E110"),
        ("course/duties/procurement.yaml", 22, "E110"),
    ]


def test_every_problem_of_a_file_is_reported_at_once():
    text = "岗位：采购\n编号: 采购\n职责:\n  - 职责: 甲\n    风险: []\n  - 职责: 乙\n    风险点: 丙\n编号: CG\n"
    found = parse_duties(parse_text(text, "x.yaml"))[1]
    assert {(d.line, d.code) for d in found} >= {(1, "E106"), (2, "E342"), (5, "E343"), (7, "E107"), (8, "E105")}


def test_the_catalogue_of_this_course_has_eight_posts_and_nothing_to_complain_of():
    posts = []
    for path in sorted((ROOT / "course" / "duties").glob("*.yaml")):
        parsed, _ = read_text(path, path.name)
        assert parsed is not None
        placed, problems = parse_duties(parsed)
        assert problems == []
        assert placed is not None
        posts.append(placed)
    assert list(Catalogue(posts).problems()) == []
    names = {"采购", "招生考试", "财务", "科研管理", "人事", "基建后勤", "学习中心管理", "综合办公"}
    assert {placed.post.name for placed in posts} >= names
    for placed in posts:
        risks = [risk.id for duty in placed.post.duties for risk in duty.risks]
        assert all(risk.startswith(placed.post.id) for risk in risks)
