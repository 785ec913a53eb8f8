"""A learner who has signed in and reads: their own server runs, and must outlive the Hub."""

from __future__ import annotations

from tests.e2e.classroom import wait_until
from tests.hub.room import PASSWORD, HubRoom
from tests.hub.small_hub import Visitor

PAGE_TITLE = "我的学习"


class Reader:
    """The first learner of the roster, signed in for the first time, whose server has been started."""

    def __init__(self, room: HubRoom) -> None:
        someone = next(p for p in room.people if p.role == "学员")
        self.account = someone.account
        self._visitor = Visitor(room)
        answer = self._visitor.first_sign_in(someone.number, room.codes()[someone.number], PASSWORD)
        assert answer.status == 302, answer.text
        room.api(f"users/{self.account}/server", "POST")
        wait_until(self.opens, 180, "the learner's page")

    def opens(self) -> bool:
        """Whether 我的学习 opens, with the session from before."""
        try:
            answer = self._visitor.ask(f"/user/{self.account}/qinlian/")
        except OSError:
            return False
        return answer.status == 200 and PAGE_TITLE in answer.text and "/user/" in answer.address
