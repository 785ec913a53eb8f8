"""After an import of people into a classroom in a cluster: codes for the first sign-in; what is missing is named."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
from sqlalchemy import create_engine, insert

from qinlian.errors import HubError
from qinlian.hub.cluster import codes, main, sync
from qinlian.roster.tables import METADATA, PERSON

REST = {"name": "周晓岚", "unit": "省校", "department": "", "track": "", "email": "", "role": "学员"}
MOMENT = datetime(2026, 3, 1)  # noqa: DTZ001 - as the tables hold it


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "hub").mkdir()
    url = f"sqlite:///{tmp_path / 'gradebook.db'}"
    engine = create_engine(url)
    METADATA.create_all(engine)
    with engine.begin() as connection:
        for number, uid, gone in (("1001", 20_001, None), ("1002", 20_002, MOMENT)):
            row = REST | {"account": f"ql{number}", "number": number, "uid": uid}
            connection.execute(insert(PERSON).values(**row, changed_at=MOMENT, archived_at=gone))
    return {"QINLIAN_DATABASE_URL": url, "QINLIAN_COURSE_ID": "qinlian"}


def test_who_cannot_sign_in_yet_gets_a_code_and_who_left_gets_none(tmp_path: Path, environ: dict[str, str]) -> None:
    (line,) = codes(tmp_path, environ, state=tmp_path)
    assert line.startswith("1 个人还没有登录过")
    (path,) = tmp_path.glob("*.xlsx")
    cells = [str(cell.value) for row in openpyxl.load_workbook(path).active.rows for cell in row]
    assert "1001" in cells
    assert "1002" not in cells


def test_a_second_time_nobody_gets_another(tmp_path: Path, environ: dict[str, str]) -> None:
    codes(tmp_path, environ, state=tmp_path)
    assert codes(tmp_path, environ, state=tmp_path) == []


def test_without_the_hubs_address_it_says_where_to_run_it(environ: dict[str, str]) -> None:
    with pytest.raises(HubError, match=r"QINLIAN_HUB_API_URL、QINLIAN_ROSTER_TOKEN.*deploy/k8s/README\.md"):
        sync(environ)


def test_a_hub_that_does_not_answer_is_told_and_not_a_traceback(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("QINLIAN_HUB_API_URL", "http://127.0.0.1:9/hub/api")
    monkeypatch.setenv("QINLIAN_ROSTER_TOKEN", "none")
    assert main(["sync"]) == 1
    assert "JupyterHub 没有回答" in capsys.readouterr().err
