"""The signing key goes into a backup and comes back with it; nothing that is said of a backup shows it."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from qinlian import cli
from qinlian.backup.making import make_backup
from qinlian.backup.reading import read_backup
from qinlian.backup.site import hub_site
from qinlian.hub.settings import HubSettings, Ports
from qinlian.reports.certificates.keys import KEY_NAME, load_key, make_key, put_aside
from tests.unit.backup_room import backed_up, empty_repository, restored, used_classroom


def test_it_comes_back_with_its_name_and_closed_to_others(tmp_path: Path) -> None:
    root = used_classroom(tmp_path / "here")
    folder = root / ".classroom" / "certificates"
    first = make_key(folder)
    put_aside(folder)
    second = make_key(folder)
    there = empty_repository(tmp_path / "there")
    restored(there, backed_up(root, tmp_path / "b.tar.gz"))
    back = there / ".classroom" / "certificates"
    assert sorted(path.name for path in back.iterdir()) == [f"retired-{first.id}.pem", KEY_NAME]
    assert {path.stat().st_mode & 0o777 for path in back.iterdir()} == {0o600}
    found = load_key(back)
    assert found is not None
    assert found.id == second.id


def test_a_restore_puts_the_other_key_aside_and_does_not_lose_it(tmp_path: Path) -> None:
    root, there = used_classroom(tmp_path / "here"), used_classroom(tmp_path / "there")
    ours = make_key(root / ".classroom" / "certificates")
    theirs = make_key(there / ".classroom" / "certificates")
    aside = restored(there, backed_up(root, tmp_path / "b.tar.gz"), replace=True).aside
    found = load_key(there / ".classroom" / "certificates")
    assert found is not None
    assert found.id == ours.id
    kept = [load_key(path.parent) for folder in aside for path in Path(folder).rglob(KEY_NAME)]
    assert [key.id for key in kept if key] == [theirs.id]


def test_on_a_hub_it_lies_with_the_gradebook_and_is_backed_up(tmp_path: Path) -> None:
    hub = HubSettings(
        state=tmp_path / "state", course_id="qinlian", ports=Ports(proxy_api=1, hub=2, formgrader=3, staff=4)
    )
    for folder in (hub.classroom, hub.exchange, hub.homes, hub.private, hub.course_root):
        folder.mkdir(parents=True)
    make_key(hub.classroom / "certificates")
    (hub.private / "settings.json").write_text(hub.model_dump_json())
    make_backup(hub_site(hub), tmp_path / "b.tar.gz")
    assert read_backup(tmp_path / "b.tar.gz").files["classroom"] >= 2
    with tarfile.open(tmp_path / "b.tar.gz") as archive:
        names = archive.getnames()
    assert f"files/classroom/certificates/{KEY_NAME}" in names


def test_no_command_of_backups_shows_any_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = used_classroom(tmp_path / "here")
    make_key(root / ".classroom" / "certificates")
    secret = (root / ".classroom" / "certificates" / KEY_NAME).read_text().splitlines()[1]
    for arguments in (("backup", "--root", root, tmp_path / "b.tar.gz"), ("restore", "--check", tmp_path / "b.tar.gz")):
        monkeypatch.setattr("sys.argv", ["qinlian", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert not ended.value.code
        said = capsys.readouterr()
        assert secret not in said.out + said.err
        assert "PRIVATE" not in said.out + said.err
    assert (tmp_path / "b.tar.gz").stat().st_mode & 0o777 == 0o600
