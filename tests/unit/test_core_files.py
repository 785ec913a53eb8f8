"""answers.json is read strictly, and nothing of it gets into a message."""

from __future__ import annotations

import contextlib
import hmac
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qinlian.core.files import ANSWERS_LIMIT, AnswerFile, letterbox_name, parse_answers, result_name
from qinlian.errors import AnswersError

GOOD: dict[str, Any] = {
    "schema": "qinlian.answers/1",
    "course": "qinlian",
    "module": "90-sample",
    "edition": "0" * 20,
    "revision": 3,
    "saved_at": "2026-06-01T08:00:00+00:00",
    "attempts": {"90-exam": 1},
    "answers": {"0" * 16: {"value": ["a"], "at": "2026-06-01T08:00:00+00:00"}},
}


def data(**changes: Any) -> bytes:
    return json.dumps(GOOD | changes, ensure_ascii=False).encode()


def refused(raw: bytes) -> AnswersError:
    with pytest.raises(AnswersError) as caught:
        parse_answers(raw)
    return caught.value


def test_a_good_file_is_read() -> None:
    found = parse_answers(data())
    assert found.module == "90-sample"
    assert found.answers["0" * 16].value == ["a"]


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "not-json"),
        (data()[:-20], "not-json"),
        (b"null", "wrong-schema"),
        (b"[]", "wrong-schema"),
        (b"NaN", "not-json"),
        (data(revision=float("nan")), "not-json"),
        (b"[" * 100_000, "not-json"),
        ("答案".encode("gbk") + data(), "not-utf8"),
        (b"\xff\xfe" + data(), "not-utf8"),
        (data(schema="qinlian.answers/2"), "wrong-schema"),
        (data(revision=-1), "wrong-schema"),
        (data(learner="somebody"), "wrong-schema"),
        (data(attempts={"90-exam": "many"}), "wrong-schema"),
        (data(answers={"x": "A"}), "wrong-schema"),
        (data(answers={str(n): {"value": None} for n in range(5001)}), "wrong-schema"),
        (b'{"x": ' + b"9" * 5000 + b"}", "not-json"),
        (b" " * (ANSWERS_LIMIT + 1), "too-large"),
    ],
)
def test_every_bad_file_is_refused_with_its_code(raw: bytes, code: str) -> None:
    assert refused(raw).code == code


def test_the_message_is_chinese_and_quotes_nothing_of_the_file() -> None:
    error = refused(data(learner="<script>alert(1)</script>"))
    assert "script" not in str(error)
    assert "课程页面" in str(error)


@given(st.binary(max_size=300))
def test_no_bytes_at_all_make_it_raise_anything_else(raw: bytes) -> None:
    with contextlib.suppress(AnswersError):
        assert isinstance(parse_answers(raw), AnswerFile)


def test_a_results_name_follows_from_the_secret_alone_and_does_not_contain_it() -> None:
    assert result_name("s3cret\n") == result_name("s3cret")
    assert result_name("s3cret") != result_name("other")
    assert "s3cret" not in result_name("s3cret")


def test_a_letterbox_is_named_by_the_courses_secret_and_the_account_alone() -> None:
    names = {letterbox_name(secret, account) for secret in (b"one", b"two") for account in ("qla", "qlb")}
    assert len(names) == 4
    assert all(re.fullmatch("[0-9a-f]{40}", name) for name in names)
    # As documented: whoever runs the spawner elsewhere must come to the same name.
    assert (
        letterbox_name(b"k" * 32, "ql1001")
        == hmac.new(b"k" * 32, b"qinlian-letterbox\0ql1001", "sha256").hexdigest()[:40]
    )
