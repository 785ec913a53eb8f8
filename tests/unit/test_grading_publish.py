"""Publishing and taking back, as a process of its own does it for the instructors' pages."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path

import pytest

from qinlian.errors import BuildError
from qinlian.grading.publish import main, outbound, withdraw_module
from qinlian.quiz.exchange import Exchange
from qinlian.quiz.exchange_settings import ExchangeSettings
from qinlian.staff.places import Places
from qinlian.staff.plan import PlannedModule, read_plan
from qinlian.staff.publishing import publish
from tests.classroom import Classroom, fresh_classroom
from tests.sample import MODULE

# A gradebook of nbgrader's takes ten seconds to make.
pytestmark = pytest.mark.slow


@pytest.fixture
def classroom(tmp_path: Path) -> Classroom:
    return fresh_classroom(tmp_path)


def learners_see(classroom: Classroom, tmp_path: Path) -> tuple[str, ...]:
    root = classroom.root / ".classroom" / "exchange"
    return Exchange(ExchangeSettings(root, "qinlian", "ql1", tmp_path / "cache")).modules()


class TestTakingBack:
    def test_learners_find_it_no_longer(self, classroom: Classroom, tmp_path: Path) -> None:
        assert learners_see(classroom, tmp_path) == (MODULE.id,)
        assert withdraw_module(classroom.setting, MODULE.id)
        assert learners_see(classroom, tmp_path) == ()
        assert list(outbound(classroom.setting, MODULE.id).parent.iterdir()) == []
        assert not withdraw_module(classroom.setting, MODULE.id)

    def test_what_was_handed_in_is_graded_and_what_was_graded_stays(self, classroom: Classroom) -> None:
        rounds = classroom.rounds()
        early = classroom.send("ql1", classroom.answers("ql1"))
        rounds.step()
        late = classroom.send("ql2", classroom.answers("ql2"))
        withdraw_module(classroom.setting, MODULE.id)
        rounds.step()
        results = [classroom.result(sent) for sent in (early, late)]
        assert [result.score for result in results if result] == [80.0, 80.0]
        assert (classroom.root / "course" / "editions" / MODULE.id).is_dir()

    @pytest.mark.parametrize("name", ["", ".", "..", "../feedback", "*", "99-none"])
    def test_no_name_reaches_anything_else(self, classroom: Classroom, tmp_path: Path, name: str) -> None:
        """nbgrader's own way takes an empty name for all modules."""
        assert not withdraw_module(classroom.setting, name)
        assert learners_see(classroom, tmp_path) == (MODULE.id,)
        assert classroom.inbound.is_dir()

    def test_a_link_in_its_place_leads_nowhere(self, classroom: Classroom, tmp_path: Path) -> None:
        folder = outbound(classroom.setting, MODULE.id)
        folder.rename(tmp_path / "elsewhere")
        folder.symlink_to(tmp_path / "elsewhere")
        assert not withdraw_module(classroom.setting, MODULE.id)
        assert (tmp_path / "elsewhere" / "lesson.json").is_file()


class TestTheProcess:
    def test_it_takes_back(self, classroom: Classroom, tmp_path: Path) -> None:
        assert main(["withdraw", MODULE.id, "--root", str(classroom.root)]) == 0
        assert learners_see(classroom, tmp_path) == ()

    def test_a_release_that_is_refused_says_why_and_changes_nothing(
        self, classroom: Classroom, capsys: pytest.CaptureFixture[str]
    ) -> None:
        # The classroom's course was built without its text, so what would be published cannot be checked.
        before = sorted(p.name for p in outbound(classroom.setting, MODULE.id).rglob("*"))
        assert main(["release", MODULE.id, "--root", str(classroom.root)]) == 1
        said = capsys.readouterr().err
        assert re.search("[\u4e00-\u9fff]", said)
        assert "Traceback" not in said
        assert sorted(p.name for p in outbound(classroom.setting, MODULE.id).rglob("*")) == before


async def _publish(classroom: Classroom, module: PlannedModule) -> str:
    try:
        await publish(Places.load(classroom.root), module, "release")
    except BuildError as error:
        return str(error)
    return ""


def test_the_page_is_told_the_last_sentence_of_it(classroom: Classroom) -> None:
    (module,) = read_plan(classroom.root / "release").modules
    said = asyncio.run(_publish(classroom, module))
    assert said
    assert "Traceback" not in said
    assert "\n" not in said
    shutil.rmtree(classroom.root / "release")
    assert re.search("[\u4e00-\u9fff]", asyncio.run(_publish(classroom, module)))
