"""The signing key: made once, closed to others, never written over, never shown."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from qinlian.errors import CertificateError
from qinlian.reports.certificates import keys
from qinlian.reports.certificates.keys import KEY_NAME, load_key, make_key, put_aside


def test_it_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "classroom" / "certificates"
    made = make_key(folder)
    assert (folder / KEY_NAME).stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    before = (folder / KEY_NAME).read_bytes()
    assert make_key(folder).id == made.id
    assert (folder / KEY_NAME).read_bytes() == before
    assert [path.name for path in folder.iterdir()] == [KEY_NAME]


def test_two_at_once_get_the_same_key(tmp_path: Path) -> None:
    found: list[str] = []
    start = threading.Barrier(8)

    def work() -> None:
        start.wait()
        found.append(make_key(tmp_path / "c").id)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


def test_no_key_is_no_error(tmp_path: Path) -> None:
    assert load_key(tmp_path / "none") is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_one_that_others_can_read_is_not_used(tmp_path: Path, mode: int) -> None:
    make_key(tmp_path)
    (tmp_path / KEY_NAME).chmod(mode)
    with pytest.raises(CertificateError, match="chmod 600"):
        load_key(tmp_path)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    make_key(tmp_path / "elsewhere")
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / KEY_NAME).symlink_to(tmp_path / "elsewhere" / KEY_NAME)
    with pytest.raises(CertificateError, match="打不开"):
        load_key(tmp_path / "c")


@pytest.mark.parametrize("damage", [b"", b"-----BEGIN PRIVATE KEY-----\nMC4C\n-----END PRIVATE KEY-----\n", b"\0" * 99])
def test_a_damaged_one_is_named_and_nothing_of_it_quoted(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / KEY_NAME).write_bytes(damage)
    (tmp_path / KEY_NAME).chmod(0o600)
    with pytest.raises(CertificateError, match="备份") as caught:
        load_key(tmp_path)
    assert "MC4C" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keys.os, "fsync", full)
    with pytest.raises(CertificateError, match="磁盘空间"):
        make_key(tmp_path / "c")
    assert list((tmp_path / "c").iterdir()) == []


def test_putting_one_aside_keeps_it_under_its_own_name(tmp_path: Path) -> None:
    first = make_key(tmp_path)
    data = (tmp_path / KEY_NAME).read_bytes()
    kept = put_aside(tmp_path)
    assert kept is not None
    assert kept.name == f"retired-{first.id}.pem"
    assert kept.read_bytes() == data
    assert kept.stat().st_mode & 0o777 == 0o600
    assert make_key(tmp_path).id != first.id
    assert put_aside(tmp_path / "none") is None


def test_nothing_that_is_printed_of_it_holds_the_private_half(tmp_path: Path) -> None:
    signer = make_key(tmp_path)
    body = (tmp_path / KEY_NAME).read_text().splitlines()[1]
    raw = signer.key.private_bytes_raw()
    for shown in (repr(signer), str(signer), signer.id, repr(vars(signer)), repr(signer.public)):
        assert body not in shown
        assert raw.hex() not in shown
        assert repr(raw)[2:-1] not in shown
