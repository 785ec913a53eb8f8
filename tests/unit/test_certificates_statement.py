"""What a certificate says, as one signed line."""

from __future__ import annotations

import unicodedata
from base64 import urlsafe_b64decode
from datetime import date

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qinlian.errors import CertificateError
from qinlian.reports.certificates.statement import PREFIX, find_text, plain_number, sign, verify
from tests.certificate_room import signer, statement

KEY = signer()
KEYS = {KEY.id: KEY.public}
TEXT = sign(statement(), KEY.id, KEY.key)
SIGNATURE = "XiHDLoIT8ObbFAh-0gknFu9ytb5_qMVwkCN66V3wEmrIgjubAxIyKDuhKY8bF9x6A8_b0iccS3F3_-C63du-Bg"


def words(longest: int) -> st.SearchStrategy[str]:
    return st.text(st.characters(exclude_categories=("Cs",)), max_size=longest)


statements = st.builds(
    lambda name, unit, track, course, hours, score, version, day: statement(
        name=unicodedata.normalize("NFC", name).strip(),
        unit=unicodedata.normalize("NFC", unit).strip(),
        track=unicodedata.normalize("NFC", track).strip(),
        course=unicodedata.normalize("NFC", course).strip(),
        hours=hours / 100,
        score=None if score is None else score / 10,
        version=version,
        day=day,
    ),
    words(64),
    words(300),
    words(100),
    words(100),
    st.integers(0, 100_000),
    st.none() | st.integers(0, 1000),
    st.integers(1, 999),
    st.dates(date(2000, 1, 1), date(2199, 12, 31)),
)


def _holds(text: str) -> bool:
    try:
        return verify(find_text(text), KEYS) is True
    except CertificateError:
        return False


def test_it_can_be_read_by_people_and_names_its_key() -> None:
    parts = TEXT.split("|")
    assert parts[:-2] == [
        "QL1",
        "结业证书",
        "JY2026-000001",
        "1",
        "周晓岚",
        "省开放大学/青禾分校/望川学习中心",
        "青年干部",
        "勤廉学堂",
        "3.5",
        "88.5",
        "2026-11-30",
    ]
    assert parts[-2] == KEY.id
    assert len(parts[-1]) == 86


@settings(max_examples=40)
@given(statements)
def test_what_was_signed_is_what_is_found_whatever_a_name_holds(said: object) -> None:
    found = find_text(sign(said, KEY.id, KEY.key))  # type: ignore[arg-type]
    assert found.statement == said
    assert verify(found, KEYS) is True
    assert found.text.isprintable()


@settings(max_examples=40)
@given(statements, st.integers(0, 3000), st.characters(exclude_categories=("Cs",)))
def test_no_other_character_anywhere_passes(said: object, place: int, other: str) -> None:
    text = sign(said, KEY.id, KEY.key)  # type: ignore[arg-type]
    place %= len(text)
    changed = text[:place] + other + text[place + 1 :]
    assume(changed != text)
    assert not _holds(changed)


@settings(max_examples=40)
@given(st.text(max_size=300))
def test_any_text_is_refused_in_words(text: str) -> None:
    with pytest.raises(CertificateError):
        find_text(text)


def test_blanks_and_lines_around_it_do_not_matter() -> None:
    assert find_text(f"\ufeff扫码结果：\n  {TEXT}  \r\n谢谢").text == TEXT


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.replace("|3.5|", "|3.50|"),
        lambda t: t.replace("|1|", "|01|"),
        lambda t: t.replace("|1|", "|１|"),
        lambda t: t.replace("周晓岚", "%E5%91%A8晓岚"),
        lambda t: t.replace("周晓岚", "周 晓岚 "),
        lambda t: t.replace("结业证书", "毕业证书"),
        lambda t: t.replace("2026-11-30", "2026-13-30"),
        lambda t: t + "A",
        lambda t: t[:-1],
        lambda t: t + "|",
        lambda t: t.replace("|青年干部|", "|"),
    ],
)
def test_there_is_one_way_to_write_it(change: object) -> None:
    changed = change(TEXT)  # type: ignore[operator]
    assert changed != TEXT
    assert not _holds(changed)


def test_the_last_letter_of_a_signature_has_no_second_spelling() -> None:
    spellings = [TEXT[:-1] + c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"]
    assert [text for text in spellings if _holds(text)] == [TEXT]


def test_a_key_that_is_not_ours_is_told_from_a_signature_that_does_not_hold() -> None:
    other = signer(2)
    foreign = find_text(sign(statement(), other.id, other.key))
    assert verify(foreign, KEYS) is None
    pretending = find_text(sign(statement(), KEY.id, other.key))
    assert verify(pretending, KEYS) is False


def test_what_is_signed_is_all_that_stands_before_the_signature_by_plain_ed25519() -> None:
    body, _, signature = TEXT.rpartition("|")
    # Raises where it does not hold.
    KEY.key.public_key().verify(urlsafe_b64decode(signature + "=="), body.encode())
    assert signature == SIGNATURE, "certificates that are out there would no longer hold"


def test_numbers_are_written_as_people_do() -> None:
    assert [plain_number(n) for n in (27.5, 28.0, 0.0, 0.1 + 0.2, 100)] == ["27.5", "28", "0", "0.3", "100"]


def test_texts_without_it_are_told_what_to_do() -> None:
    with pytest.raises(CertificateError, match=rf"{PREFIX}\| 开头"):
        find_text("编号 JY2026-000001")
