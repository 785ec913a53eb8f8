"""A backup is read to its end and compared, or refused with a sentence that says what to do."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest

from qinlian.backup.reading import read_backup
from qinlian.errors import BackupError
from tests.unit.backup_room import backed_up, used_classroom


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    return backed_up(used_classroom(tmp_path / "here"), tmp_path / "b.tar.gz")


def _repacked(backup: Path, data: bytes) -> Path:
    backup.write_bytes(gzip.compress(data))
    return backup


def test_a_sound_backup_is_told_what_it_holds(backup: Path) -> None:
    contents = read_backup(backup)
    assert contents.files["course"] == 6
    assert contents.size["database"] > 0


@pytest.mark.parametrize("part", [0.01, 0.3, 0.9, 0.999])
def test_a_backup_cut_short_is_refused(backup: Path, part: float) -> None:
    data = backup.read_bytes()
    backup.write_bytes(data[: int(len(data) * part)])
    with pytest.raises(BackupError, match=r"损坏或不完整|不完整|不是 qinlian backup"):
        read_backup(backup)


def test_a_backup_without_its_last_members_is_refused(backup: Path) -> None:
    data = gzip.decompress(backup.read_bytes())
    cut = data.index(b"manifest.jsonl") // 512 * 512
    with pytest.raises(BackupError, match="不完整"):
        read_backup(_repacked(backup, data[:cut] + bytes(1024)))


def test_a_changed_byte_is_found_and_the_file_named(backup: Path) -> None:
    data = gzip.decompress(backup.read_bytes()).replace(b'{"revision": 2}', b'{"revision": 3}')
    with pytest.raises(BackupError, match=r"homes/learner/02-gifts/answers\.json 和写入时不一样"):
        read_backup(_repacked(backup, data))


def test_a_changed_owner_is_found(backup: Path) -> None:
    data = bytearray(gzip.decompress(backup.read_bytes()))
    start = data.index(b"files/course/secret.txt")
    data[start + 100 : start + 108] = b"0000777\0"
    # With a checksum that fits, as somebody would write it who knows how.
    header = bytearray(data[start : start + 512])
    header[148:156] = b" " * 8
    data[start + 148 : start + 156] = b"%06o\0 " % sum(header)
    with pytest.raises(BackupError, match=r"secret\.txt 和写入时不一样"):
        read_backup(_repacked(backup, bytes(data)))


def test_a_bit_turned_anywhere_never_changes_what_is_restored(backup: Path) -> None:
    data, chance, refused = backup.read_bytes(), random.Random(7), 0
    whole = gzip.decompress(data)
    for _ in range(60):
        place = chance.randrange(10, len(data))
        turned = data[:place] + bytes([data[place] ^ (1 << chance.randrange(8))]) + data[place + 1 :]
        backup.write_bytes(turned)
        try:
            read_backup(backup)
        except BackupError:
            refused += 1
        else:
            # A few bits do not matter: where a text stands twice, either may be pointed at.
            assert gzip.decompress(turned) == whole
    assert refused > 50


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"PK\x03\x04", gzip.compress(b""), gzip.compress(b"x" * 2000)],
    ids=["empty", "text", "zip", "gzip of nothing", "gzip"],
)
def test_any_other_file_is_called_that(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "report.xlsx"
    path.write_bytes(content)
    with pytest.raises(BackupError, match=r"不是 qinlian backup 写的备份|损坏或不完整"):
        read_backup(path)


def test_a_backup_of_a_newer_program_says_so(backup: Path) -> None:
    data = gzip.decompress(backup.read_bytes())
    with pytest.raises(BackupError, match="请先把程序升到那一版"):
        read_backup(_repacked(backup, data.replace(b'"format":1', b'"format":9')))


def test_something_after_the_end_is_refused(backup: Path) -> None:
    data = gzip.decompress(backup.read_bytes())
    end = data.rindex(b"manifest.jsonl") // 512 * 512
    size = int(data[end + 124 : end + 135], 8)
    last = end + 512 + (size + 511) // 512 * 512
    again = data[:512]
    with pytest.raises(BackupError):
        read_backup(_repacked(backup, data[:last] + again + data[last:]))
