"""``qinlian certificate …`` and ``qinlian verify`` as somebody types them."""

from __future__ import annotations

import re
import shutil
import stat
from pathlib import Path

import pytest

from qinlian import cli
from tests.certificate_room import Room
from tests.roster_room import PLACES
from tests.staff_room import GIFTS

pytestmark = pytest.mark.slow
BASE = Path(__file__).parents[1] / "data" / "authoring" / "base"
TRACK = "新入职人员"
"""The only track of the course in ``BASE``, which takes 02-gifts."""


class Desk:
    """A repository in which somebody types; ``said`` and ``cried`` are what the last command printed."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.room = Room(folder)
        shutil.copytree(BASE, self.room.root / "course", dirs_exist_ok=True)
        self.out = folder / "out"
        self._monkeypatch, self._capsys = monkeypatch, capsys
        self.said = self.cried = ""

    def run(self, *arguments: object) -> int:
        """Run ``qinlian``; returns its exit status."""
        head, *rest = map(str, arguments)
        words = head.split()
        self._monkeypatch.setattr("sys.argv", ["qinlian", *words, "--root", str(self.room.root), *rest])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        self.said, self.cried = self._capsys.readouterr()
        return ended.value.code if isinstance(ended.value.code, int) else 0

    def learner(self, number: str, name: str, score: float | None = 90.0, unit: str = PLACES[0], **more: bool) -> None:
        account = self.room.book.add(number, unit, name, track=TRACK, **more)
        if score is not None:
            self.room.book.grade(account, GIFTS, score, 10)

    def files(self) -> list[str]:
        return sorted(path.name for path in self.out.glob("*"))


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Desk:
    made = Desk(tmp_path, monkeypatch, capsys)
    made.learner("1", "周晓岚")
    made.learner("2", "李明", unit=PLACES[2])
    made.learner("3", "王未完", None)
    return made


def test_a_whole_class_and_who_is_still_on_the_way(desk: Desk) -> None:
    assert desk.run("certificate issue", "--to", desk.out, "--merged") == 0
    assert f"已写入 {desk.out}：2 份结业证书" in desk.said
    assert "新签发 2 份" in desk.said
    assert "没有发给 1 人：\n  王未完（3）：还差 1 学时；“礼尚往来”还没有学" in desk.said
    assert [re.sub(r"\d{4}-", "-", name, count=1) for name in desk.files()] == [
        "JY-000001-周晓岚.pdf",
        "JY-000002-李明.pdf",
        "结业证书-合并打印.pdf",
    ]


def test_a_unit_and_those_below_it(desk: Desk) -> None:
    assert desk.run("certificate issue", "--unit", "栖云分校", "--to", desk.out) == 0
    assert [name[-6:] for name in desk.files()] == ["李明.pdf"]


def test_somebody_by_number_and_who_is_named_without_ground_is_an_error(desk: Desk) -> None:
    assert desk.run("certificate issue", "--learner", "1", "--to", desk.out) == 0
    assert desk.run("certificate issue", "--learner", "3", "--to", desk.out) == 1
    assert "还差 1 学时" in desk.said
    assert desk.run("certificate issue", "--learner", "99", "--to", desk.out) == 1
    assert "没有学员 99" in desk.cried
    assert len(desk.files()) == 1


def test_an_archived_learner_by_number(desk: Desk) -> None:
    desk.learner("8", "郑调走", gone=True)
    assert desk.run("certificate issue", "--to", desk.out) == 0
    assert "郑调走" not in "".join(desk.files())
    assert desk.run("certificate issue", "--learner", "8", "--to", desk.out) == 0
    assert "郑调走" in "".join(desk.files())


def test_looking_first(desk: Desk) -> None:
    assert desk.run("certificate issue", "--dry-run") == 0
    assert "没有签发。能发结业证书的有 2 人，还不能发的有 1 人" in desk.said
    assert desk.files() == []


def test_hours_at_any_time(desk: Desk) -> None:
    assert desk.run("certificate issue", "--hours", "--to", desk.out) == 0
    assert "2 份学时证明" in desk.said
    assert "王未完（3）：还没有获得学时" in desk.said


@pytest.mark.parametrize("folder", ["course", "course/certificates", "release/x", "source", "证书", ""])
def test_not_into_what_is_released_or_committed(desk: Desk, folder: str) -> None:
    assert desk.run("certificate issue", "--to", desk.room.root / folder) == 1
    assert "请用 --to 换一个文件夹" in desk.cried


def test_into_the_classrooms_own_folder_which_no_repository_takes(desk: Desk) -> None:
    assert desk.run("certificate issue", "--to", desk.room.root / ".classroom" / "证书") == 0
    assert len(list((desk.room.root / ".classroom" / "证书").glob("*.pdf"))) == 2


def test_without_a_place_it_is_asked_for(desk: Desk) -> None:
    assert desk.run("certificate issue") == 1
    assert "请用 --to 写明" in desk.cried
    assert desk.run("certificate page") == 1
    assert "请用 --to 写明" in desk.cried


def test_from_issue_to_revocation_and_back(desk: Desk) -> None:
    desk.run("certificate issue", "--to", desk.out)
    number = desk.files()[0][:13]
    pdf = desk.out / desk.files()[0]
    assert desk.run("verify", pdf) == 0
    assert "有效" in desk.said
    assert "周晓岚" in desk.said
    assert "这个文件就是签发的原件" in desk.said
    assert desk.run("certificate revoke", number) == 1
    assert "请用 --why 写明" in desk.cried
    assert desk.run("certificate revoke", number, "--why", "冒名顶替") == 0
    assert f"已撤销 结业证书 {number}（周晓岚）" in desk.said
    assert desk.run("certificate revoke", number, "--why", "再来") == 0
    assert "以前已经撤销" in desk.said
    assert desk.run("verify", pdf) == 1
    assert "已撤销" in desk.said
    assert "冒名顶替" in desk.said
    assert desk.run("certificate reprint", number, "--to", desk.out) == 1
    assert "冒名顶替" in desk.cried
    assert desk.run("certificate issue", "--correct", "--to", desk.out) == 0
    assert f"编号 {number} 已在" in desk.said
    assert desk.run("certificate issue", "--learner", "1", "--correct", "--to", desk.out) == 0
    assert "更正补发 1 份" in desk.said
    assert desk.run("verify", desk.out / f"{number}-第2版-周晓岚.pdf") == 0
    assert desk.run("verify", pdf) == 1


def test_printing_again_by_number(desk: Desk) -> None:
    desk.run("certificate issue", "--to", desk.out)
    number, first = desk.files()[0][:13], (desk.out / desk.files()[0]).read_bytes()
    again = desk.room.root.parent / "again"
    assert desk.run("certificate reprint", number, "--to", again) == 0
    assert next(again.iterdir()).read_bytes() == first


def test_the_list_on_screen_and_as_a_sheet(desk: Desk, tmp_path: Path) -> None:
    desk.run("certificate issue", "--to", desk.out)
    assert desk.run("certificate list", "--xlsx", tmp_path / "册.xlsx") == 0
    assert "发过的证书（2 份）" in desk.said
    from openpyxl import load_workbook

    sheet = load_workbook(tmp_path / "册.xlsx")["证书"]
    assert [row[3].value for row in sheet.iter_rows()] == ["姓名", "周晓岚", "李明"]


def test_the_sheet_of_the_list_is_for_its_owner_alone(desk: Desk, tmp_path: Path) -> None:
    sheet = tmp_path / "册.xlsx"
    sheet.touch(0o644)
    assert desk.run("certificate list", "--xlsx", sheet) == 0
    assert stat.S_IMODE(sheet.stat().st_mode) == 0o600


def test_the_page_is_one_file_without_names(desk: Desk, tmp_path: Path) -> None:
    desk.run("certificate issue", "--to", desk.out)
    desk.run("certificate revoke", desk.files()[0][:13], "--why", "冒名顶替")
    assert desk.run("certificate page", "--to", tmp_path / "核验.html") == 0
    assert "撤销名单里有 1 份" in desk.said
    page = (tmp_path / "核验.html").read_text(encoding="utf-8")
    assert desk.files()[0][:13] in page
    for word in ("周晓岚", "冒名顶替", "望川", "PRIVATE"):
        assert word not in page
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)


def test_templates_to_edit_then_checked(desk: Desk) -> None:
    assert desk.run("certificate template") == 0
    words = desk.room.root / "course" / "certificates" / "结业证书.yaml"
    assert words.exists()
    words.write_text(words.read_text(encoding="utf-8").replace("颜色: 红色", "颜色: 彩色"), encoding="utf-8")
    assert desk.run("certificate issue", "--to", desk.out) == 1
    assert "course/certificates/结业证书.yaml:" in desk.cried
    assert "“颜色”不能是“彩色”" in desk.cried
    assert desk.files() == []
    assert desk.run("certificate template") == 0
    assert "没有改动" in desk.said


@pytest.mark.parametrize("command", ["issue", "key", "list", "page", "reprint", "revoke", "template"])
def test_help_is_chinese_throughout(desk: Desk, command: str) -> None:
    assert desk.run(f"certificate {command} --help") == 0
    said = re.sub(r"--[a-z-]+|qinlian certificate \w+|course/certificates|PDF|Excel|核验.html", "", desk.said)
    assert not re.search("[A-Za-z]{3,}", said), said


def test_the_key_is_named_and_never_shown(desk: Desk) -> None:
    assert desk.run("certificate key") == 0
    first = desk.said
    assert str(desk.room.office.folder) in first
    assert desk.run("certificate key", "--new") == 0
    assert "已换成新的签发密钥" in desk.said
    assert "retired-" in desk.said


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("不存在.pdf", "没有文件 不存在.pdf"),
        ("编号 JY2026-000001", "没有文件"),
        ("x" * 5000, "没有文件"),
    ],
)
def test_what_is_no_certificate_is_told(desk: Desk, given: str, told: str) -> None:
    assert desk.run("verify", given) == 1
    assert told in desk.cried


def test_the_text_of_a_code(desk: Desk) -> None:
    desk.run("certificate issue", "--to", desk.out)
    text = desk.room.office.store.editions()[0].signed.text
    assert desk.run("verify", text) == 0
    assert desk.run("verify", text.replace("周晓岚", "周晓风")) == 1
    assert "被改动" in desk.said
    assert "周晓风" not in desk.said
    assert desk.run("verify", text, text.replace("周晓岚", "周晓风")) == 1
