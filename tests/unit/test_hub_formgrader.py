"""What of nbgrader's formgrader no instructor of the Hub is given."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from nbgrader.server_extensions.formgrader import apihandlers, handlers
from tornado import web

from qinlian.hub.formgrader import ELSEWHERE, leave_out


@pytest.fixture(autouse=True)
def left_out() -> Iterator[None]:
    before = list(handlers.default_handlers), list(apihandlers.default_handlers)
    leave_out()
    yield
    handlers.default_handlers[:], apihandlers.default_handlers[:] = before


def the_handler(path: str) -> Any:
    (found,) = [entry[1] for entry in apihandlers.default_handlers if entry[0] == path]
    return found


def test_no_file_below_the_course_is_served() -> None:
    served = [entry[1] for entry in handlers.default_handlers if issubclass(entry[1], web.StaticFileHandler)]
    assert served, "the scripts of its own pages are files as well"
    assert handlers.SubmissionFilesHandler not in served
    folders = [entry[2]["path"] for entry in handlers.default_handlers if entry[1] is web.StaticFileHandler]
    assert len(folders) == len(served)
    assert all("nbgrader" in folder for folder in folders)


@pytest.mark.parametrize(
    ("path", "method"),
    [
        (r"/formgrader/api/assignment/([^/]+)/assign", "post"),
        (r"/formgrader/api/assignment/([^/]+)/release", "post"),
        (r"/formgrader/api/assignment/([^/]+)/unrelease", "post"),
        (r"/formgrader/api/assignment/([^/]+)", "put"),
        (r"/formgrader/api/student/([^/]+)", "put"),
    ],
)
def test_what_the_instructors_pages_decide_is_refused(path: str, method: str) -> None:
    class Asked:
        current_user = "somebody"

    with pytest.raises(web.HTTPError) as refused:
        getattr(the_handler(path), method)(Asked(), "02-gifts")
    assert (refused.value.status_code, refused.value.log_message) == (403, ELSEWHERE)


def test_marks_comments_and_what_is_looked_at_stay_nbgraders_own() -> None:
    assert the_handler(r"/formgrader/api/grade/([^/]+)") is apihandlers.GradeHandler
    assert the_handler(r"/formgrader/api/comment/([^/]+)") is apihandlers.CommentHandler
    assert the_handler(r"/formgrader/api/assignment/([^/]+)").get is apihandlers.AssignmentHandler.get
