"""A fault of the disk or the network is no answer of the learner's: what could not be read is read again later."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from qinlian.errors import SubmissionError
from qinlian.grading import inbound, submission
from qinlian.grading.submission import PASSING, read_submission
from tests.unit.test_grading_collect_inbound import folder, read


@pytest.fixture(params=sorted(PASSING))
def fault(request: pytest.FixtureRequest) -> OSError:
    return OSError(request.param, os.strerror(request.param))


def test_what_arrives_is_not_taken_for_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: OSError) -> None:
    folder(tmp_path)

    def fails(*_: Any) -> bytes:
        raise fault

    with monkeypatch.context() as patch:
        patch.setattr(inbound.os, "read", fails)
        with pytest.raises(OSError) as found:  # noqa: PT011 - the number is looked at below
            read(tmp_path)
    assert found.value.errno == fault.errno
    assert read(tmp_path).answers == b"{}"


def test_what_was_kept_is_not_graded_as_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: OSError
) -> None:
    (tmp_path / "answers.json").write_bytes(b"{}")
    real = os.open

    def fails(path: Any, *rest: Any, **named: Any) -> int:
        if path == "answers.json":
            raise fault
        return real(path, *rest, **named)

    with monkeypatch.context() as patch:
        patch.setattr(submission.os, "open", fails)
        with pytest.raises(OSError) as found:  # noqa: PT011 - the number is looked at below
            read_submission(tmp_path, "li", "90-sample")
    assert found.value.errno == fault.errno


def test_a_file_that_may_not_be_read_is_still_the_learners_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder(tmp_path)

    def refuses(*_: Any) -> bytes:
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr(inbound.os, "read", refuses)
    with pytest.raises(SubmissionError):
        read(tmp_path)
