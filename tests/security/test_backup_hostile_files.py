"""A file that somebody made to look like a backup does nothing but be refused."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from qinlian.backup.members import line_of
from qinlian.backup.reading import read_backup
from qinlian.errors import BackupError
from tests.unit.backup_room import backed_up, empty_repository, restored, used_classroom

HEADER = (
    b'{"what":"qinlian.backup","format":1,"product":"0.1.0","kind":"\xe6\x9c\xac\xe6\x9c\xba","course":"qinlian",'
    b'"database":"","made_at":"2026-11-22T08:00:00Z","files":3,"size":100}'
)


def _member(name: str, data: bytes = b"", **fields: object) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(data), 0o600
    for field, value in fields.items():
        setattr(member, field, value)
    return member, data


def _made(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    """A file that is right in every other way: its manifest lists all of this."""
    lines = b""
    with gzip.open(path, "wb", 1) as packed, tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for member, data in (_member("header.json", HEADER), *members):
            tar.addfile(member, io.BytesIO(data))
            lines += line_of(member, "" if member.isdir() else sha256(data).hexdigest())
        member, _ = _member("manifest.jsonl", lines)
        tar.addfile(member, io.BytesIO(lines))
    return path


def _refused(path: Path, root: Path, said: str) -> None:
    """Neither checked as sound nor restored, and nothing is left of it."""
    before = sorted(root.rglob("*"))
    for act in (lambda: read_backup(path), lambda: restored(root, path)):
        with pytest.raises(BackupError, match=said):
            act()
    assert sorted(p for p in root.rglob("*") if p.name != "lock") == before


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return empty_repository(tmp_path / "deep" / "root")


def test_the_maker_of_these_files_makes_sound_ones_too(root: Path, tmp_path: Path) -> None:
    restored(root, _made(tmp_path / "b", _member("files/course/course.yaml", b"ok")))
    assert (root / "course" / "course.yaml").read_text() == "ok"


@pytest.mark.parametrize(
    "name",
    [
        "files/course/../../../../etc/cron.d/evil",
        "files/../evil",
        "../evil",
        "/etc/cron.d/evil",
        "files//etc/passwd",
        "files/course/./x",
        "files/course/",
        "evil",
        "files",
        "database/../../evil",
        "header.json/x",
        "files/course/" + "/".join("x" * 120),
        "files/course/" + "x" * 5000,
    ],
)
def test_a_path_that_leads_elsewhere(root: Path, tmp_path: Path, name: str) -> None:
    _refused(_made(tmp_path / "b", _member(name, b"evil")), root, "不该有的")


@pytest.mark.parametrize("name", ["files/etc/passwd", "header.json"])
def test_a_place_that_no_classroom_has(root: Path, tmp_path: Path, name: str) -> None:
    path = _made(tmp_path / "b", _member(name, b"evil"))
    with pytest.raises(BackupError, match="这里没有的部分"):
        restored(root, path)


@pytest.mark.parametrize(
    "fields",
    [
        {"type": tarfile.SYMTYPE, "linkname": "/etc"},
        {"type": tarfile.LNKTYPE, "linkname": "../../etc/passwd"},
        {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3},
        {"type": tarfile.BLKTYPE, "devmajor": 8, "devminor": 0},
        {"type": tarfile.FIFOTYPE},
        {"type": tarfile.CONTTYPE},
        {"type": b"V"},
    ],
)
def test_links_and_devices(root: Path, tmp_path: Path, fields: dict[str, object]) -> None:
    _refused(_made(tmp_path / "b", _member("files/course/x", **fields)), root, "链接、设备|不该有的")


def test_a_sparse_file(root: Path, tmp_path: Path) -> None:
    sparse = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(10**15)}
    member = _member("files/course/x", b"0\n".ljust(512, b"\0"), pax_headers=sparse)
    _refused(_made(tmp_path / "b", member), root, "链接、设备|损坏")


def test_the_same_file_twice(root: Path, tmp_path: Path) -> None:
    one, two = _member("files/course/x", b"1"), _member("files/course/x", b"2")
    with pytest.raises(BackupError, match="有两份"):
        restored(root, _made(tmp_path / "b", one, two))
    assert not (root / "course").exists()


def test_a_file_where_a_folder_is(root: Path, tmp_path: Path) -> None:
    folder, file = _member("files/course/x", type=tarfile.DIRTYPE), _member("files/course/x", b"2")
    with pytest.raises(BackupError, match="有两份"):
        restored(root, _made(tmp_path / "b", folder, file))


@pytest.mark.parametrize(
    "earlier",
    ["files/course/x", "files/course/none", "files/course", "files/release/y", "database/gradebook.db", "header.json"],
)
def test_a_file_that_is_said_to_be_the_same_as_something_it_cannot_be(root: Path, tmp_path: Path, earlier: str) -> None:
    others = [_member(name, b"1") for name in ("files/course/x", "files/release/y", "database/gradebook.db")]
    same = _member("files/course/x", pax_headers={"QINLIAN.same": earlier})
    with pytest.raises(BackupError, match=r"不该有的内容|这里没有的部分"):
        restored(root, _made(tmp_path / "b", *others, same))
    assert not (root / "course").exists()


@pytest.mark.parametrize("earlier", ["/etc/shadow", "files/course/../../../../etc/shadow", ""])
def test_a_file_that_is_said_to_be_the_same_as_one_outside(root: Path, tmp_path: Path, earlier: str) -> None:
    same = _member("files/course/x", pax_headers={"QINLIAN.same": earlier})
    _refused(_made(tmp_path / "b", same), root, "不该有的路径")


def test_a_program_that_would_run_as_its_owner_is_no_such_program_here(root: Path, tmp_path: Path) -> None:
    restored(root, _made(tmp_path / "b", _member("files/course/x", b"#!", mode=0o6755)))
    assert (root / "course" / "x").stat().st_mode & 0o7000 == 0


def test_more_than_it_says_it_has(root: Path, tmp_path: Path) -> None:
    _refused(_made(tmp_path / "b", _member("files/course/x", bytes(80_000_000))), root, "多得多")


def test_more_files_than_it_says_it_has(root: Path, tmp_path: Path) -> None:
    members = [_member(f"files/course/{n}") for n in range(1100)]
    _refused(_made(tmp_path / "b", *members), root, "多得多")


def test_a_name_of_a_gigabyte(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A header that announces a long name: a reader that believes it takes that much memory.
    long = tarfile.TarInfo("././@LongLink")
    long.size, long.type = 1 << 30, tarfile.GNUTYPE_LONGNAME
    header, data = _member("header.json", HEADER)
    path = tmp_path / "b"
    with gzip.open(path, "wb", compresslevel=1) as packed:
        packed.write(header.tobuf() + data.ljust(512, b"\0") + long.tobuf(tarfile.GNU_FORMAT))
        for _ in range(64):
            packed.write(bytes(1 << 20))
    _refused(path, root, "不该有的内容")


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.replace(b'"size":100', b'"size":-5'),
        lambda d: d.replace(b'"files":3', b'"files":"many"'),
        lambda d: d.replace(b'"kind"', b'"kinds"'),
        lambda d: d[:-1],
        lambda d: d[:0] + b"[" * 100_000,
    ],
)
def test_a_header_that_is_none(root: Path, tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "b"
    with gzip.open(path, "wb") as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        member, data = _member("header.json", change(HEADER))
        tar.addfile(member, io.BytesIO(data))
    _refused(path, root, "不是 qinlian backup|不完整|不该有的|多得多")


def test_arrival_times_that_are_none(root: Path, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="到达记录"):
        restored(root, _made(tmp_path / "b", _member("arrivals.jsonl", b'["x", "yesterday"]\n')))


def test_no_word_of_a_backup_gets_into_a_message(tmp_path: Path) -> None:
    """Keys and answers are in it."""
    root = used_classroom(tmp_path / "here")
    (root / "course" / "secret.txt").write_text("CANARY-KEY")
    backup = backed_up(root, tmp_path / "b.tar.gz")
    data = gzip.decompress(backup.read_bytes()).replace(b"CANARY-KEY", b"CANARY-KEX")
    backup.write_bytes(gzip.compress(data))
    with pytest.raises(BackupError) as caught:
        read_backup(backup)
    assert "CANARY" not in str(caught.value)


def test_a_link_in_the_way_of_the_file_is_not_followed(tmp_path: Path) -> None:
    """Backups are often written where others can write too."""
    root = used_classroom(tmp_path / "here")
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "b.tar.gz").symlink_to(victim)
    with pytest.raises(BackupError, match="已经有"):
        backed_up(root, tmp_path / "b.tar.gz")
    assert victim.read_text() == "precious"
