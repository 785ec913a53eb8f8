"""Claims: one grader at a time for each learner and module, whoever dies, sleeps or comes second."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import select, update

from qinlian.database import db_now, writing
from qinlian.errors import ClaimError
from qinlian.grading.claims import CRASHED, Claims, Turn, new_owner
from qinlian.grading.ledger import Ledger
from qinlian.grading.response_tables import ARRIVAL, CLAIM, METADATA
from tests.classroom import postgres
from tests.unit.claims_story import Story


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.slow)])
def story(request: pytest.FixtureRequest, tmp_path: Path) -> Story:
    if request.param == "sqlite":
        return Story.begin(tmp_path)
    made = Story(postgres().create(f"claims_{new_owner('x')[-12:]}"))
    METADATA.create_all(made.engine)
    return made


def settle(story: Story, grader: Claims, turns: list[Turn], **became: object) -> None:
    """These turns are over; by default everything was graded."""
    became = became or {"graded": {folder for turn in turns for folder in turn.folders}}
    Ledger(turns, **became).settle(story.arrivals, grader)  # type: ignore[arg-type]


class TestTaking:
    def test_the_oldest_come_first_and_no_more_than_asked_for(self, story: Story) -> None:
        for learner in ("li", "an", "zhou"):
            story.arrive(learner)
        assert [turn.learner for turn in story.grader().next(2)] == ["li", "an"]

    def test_all_attempts_of_a_learner_at_a_module_go_together_in_order(self, story: Story) -> None:
        first, other, second = story.arrive("li"), story.arrive("li", "02"), story.arrive("li")
        turns = story.grader().next(9)
        assert {turn.pair: turn.folders for turn in turns} == {
            ("li", "01"): (first, second),
            ("li", "02"): (other,),
        }

    def test_what_one_has_nobody_else_gets(self, story: Story) -> None:
        story.arrive("li")
        story.arrive("an")
        one, two = story.grader("one"), story.grader("two")
        assert [turn.learner for turn in one.next(1)] == ["li"]
        assert [turn.learner for turn in two.next(9)] == ["an"]
        assert (story.grader("three").waiting(), story.grader("three").next(9)) == (False, [])

    def test_an_attempt_that_comes_while_others_are_graded_waits_for_whoever_grades_them(self, story: Story) -> None:
        story.arrive("li")
        one, two = story.grader("one"), story.grader("two")
        turns = one.next(9)
        late = story.arrive("li")
        assert two.next(9) == []
        assert two.elsewhere()
        settle(story, one, turns)
        assert [turn.folders for turn in two.next(9)] == [(late,)]

    def test_a_module_or_a_learner_can_be_asked_for(self, story: Story) -> None:
        story.arrive("li")
        story.arrive("li", "02")
        story.arrive("an", "02")
        assert [turn.pair for turn in story.grader("a").next(9, module="02", learner="an")] == [("an", "02")]
        assert [turn.pair for turn in story.grader("b").next(9, module="02")] == [("li", "02")]

    @pytest.mark.slow
    def test_many_that_take_at_once_share_what_there_is(self, story: Story) -> None:
        for number in range(40):
            story.arrive(f"learner{number:02d}")
        taken: list[str] = []

        def work(name: str) -> None:
            grader = story.grader(name)
            while turns := grader.next(3):
                taken.extend(turn.learner for turn in turns)
                settle(story, grader, turns)

        threads = [threading.Thread(target=work, args=(f"g{n}",)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert sorted(taken) == [f"learner{number:02d}" for number in range(40)]


class TestLeases:
    def test_a_claim_that_ran_out_is_taken_over_and_its_first_owner_writes_nothing(self, story: Story) -> None:
        story.arrive("li")
        one, two = story.grader("one"), story.grader("two")
        one.next(1)
        story.write(one, ("li", "01"))
        story.run_out("one")
        assert [turn.learner for turn in two.next(1)] == ["li"]
        with pytest.raises(ClaimError):
            story.write(one, ("li", "01"))
        story.write(two, ("li", "01"))

    def test_who_slept_through_a_lease_writes_nothing_though_nobody_came(self, story: Story) -> None:
        story.arrive("li")
        one = story.grader("one")
        one.next(1)
        story.run_out("one")
        with pytest.raises(ClaimError):
            story.write(one, ("li", "01"))

    def test_one_lost_claim_keeps_the_whole_from_being_written(self, story: Story) -> None:
        for learner in ("li", "an"):
            story.arrive(learner)
        one = story.grader("one")
        one.next(9)
        with story.engine.begin() as connection:
            connection.execute(update(CLAIM).where(CLAIM.c.learner == "an").values(owner="two"))
        with pytest.raises(ClaimError), writing(story.engine) as connection:
            one.renew(connection, [("li", "01"), ("an", "01")])

    def test_writing_renews(self, story: Story) -> None:
        story.arrive("li")
        one = story.grader("one", lease=60)
        one.next(1)
        with story.engine.begin() as connection:
            connection.execute(update(CLAIM).values(until=db_now() + 1))
        story.write(one, ("li", "01"))
        with story.engine.connect() as connection:
            left = connection.execute(select(CLAIM.c.until - db_now())).scalar_one()
        assert 55 < left <= 60

    def test_while_one_writes_nobody_takes_over(self, story: Story) -> None:
        story.arrive("li")
        one, two = story.grader("one", lease=0.5), story.grader("two")
        one.next(1)
        got: list[list[Turn]] = []
        with writing(story.engine) as connection:
            one.renew(connection, [("li", "01")])
            thread = threading.Thread(target=lambda: got.append(two.next(1)))
            thread.start()
            time.sleep(0.3)
            # What is written now is written under a claim that holds, however long it takes from here on.
            connection.execute(update(ARRIVAL).values(state="已评分"))
        thread.join(30)
        assert got == [[]]

    def test_a_claim_made_before_the_clock_was_set_back_holds_nobody_up(self, story: Story) -> None:
        story.arrive("li")
        story.grader("one").next(1)
        with story.engine.begin() as connection:
            connection.execute(update(CLAIM).values(until=db_now() + 86400))
        assert [turn.learner for turn in story.grader("two").next(1)] == ["li"]

    def test_the_clock_of_this_machine_is_not_asked(self, story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
        story.arrive("li")
        story.grader("one").next(1)
        monkeypatch.setattr(time, "time", lambda: 4e9)
        assert story.grader("two").next(1) == []

    @pytest.mark.slow
    def test_long_work_keeps_its_claim_and_only_for_so_long(self, story: Story) -> None:
        story.arrive("li")
        one, two = story.grader("one", lease=0.4), story.grader("two")
        one.next(1)
        ended: list[float] = []
        with one.keeping(1.5, ended.append):
            time.sleep(1.0)
            assert two.next(1) == []
            time.sleep(1.5)
            assert ended == [1.5]
            assert [turn.learner for turn in two.next(1)] == ["li"]

    @pytest.mark.slow
    def test_what_was_given_back_stays_given_back(self, story: Story) -> None:
        story.arrive("li")
        one = story.grader("one", lease=4.0)
        turns = one.next(1)
        assert one.sure([("li", "01")])
        with one.keeping(5):
            settle(story, one, turns)
            time.sleep(1.3)
        assert (one.sure([("li", "01")]), story.owners()) == (False, {})


class TestTries:
    def test_a_try_is_counted_before_it_begins_and_forgotten_when_it_ended(self, story: Story) -> None:
        folder = story.arrive("li")
        grader = story.grader()
        turns = grader.next(1)
        assert story.tries(folder) == 1
        settle(story, grader, turns)
        assert (story.states()[folder], story.tries(folder)) == ("已评分", 0)

    def test_what_was_put_off_or_never_begun_is_no_try(self, story: Story) -> None:
        one, two = story.arrive("li"), story.arrive("an")
        grader = story.grader()
        settle(story, grader, grader.next(9), later={one: 0.0})
        assert (story.tries(one), story.tries(two)) == (0, 0)
        assert len(grader.next(9)) == 2

    def test_it_waits_as_long_as_it_was_put_off(self, story: Story) -> None:
        folder = story.arrive("li")
        grader = story.grader()
        settle(story, grader, grader.next(9), later={folder: 30.0})
        assert (grader.waiting(), grader.next(9)) == (False, [])

    def test_what_ended_its_grader_comes_after_all_others_and_alone(self, story: Story) -> None:
        story.arrive("li")
        story.arrive("an")
        dead = story.grader("dead")
        dead.next(9)
        story.run_out("dead")
        story.arrive("zhou")
        grader = story.grader()
        order = []
        while turns := grader.next(9):
            order.append([turn.learner for turn in turns])
            settle(story, grader, turns)
        assert order == [["zhou"], ["li"], ["an"]]

    def test_of_those_the_one_that_ended_it_most_often_comes_last(self, story: Story) -> None:
        killer, other = story.arrive("li"), story.arrive("an")
        for turn in (2, 1):
            grader = story.grader(f"dead{turn}")
            assert len(grader.next(9)) == turn
            story.run_out(grader.owner)
        # Both were in the first; the second grader died of the killer alone.
        assert (story.tries(killer), story.tries(other)) == (2, 1)
        assert [turn.learner for turn in story.grader().next(9)] == ["an"]

    def test_of_its_learner_later_attempts_wait_so_that_the_order_holds(self, story: Story) -> None:
        first = story.arrive("li")
        story.grader("dead").next(9)
        story.run_out("dead")
        second = story.arrive("li")
        grader = story.grader()
        turns = grader.next(9)
        assert [turn.folders for turn in turns] == [(first,)]
        settle(story, grader, turns)
        assert [turn.folders for turn in grader.next(9)] == [(second,)]

    def test_after_three_tries_that_ended_their_grader_it_is_put_aside(self, story: Story) -> None:
        folder = story.arrive("li")
        for number in range(3):
            assert [turn.folders for turn in story.grader(f"dead{number}").next(9)] == [(folder,)]
            story.run_out(f"dead{number}")
        grader = story.grader()
        assert (grader.waiting(), grader.next(9), story.states()) == (True, [], {folder: "停放"})
        assert [(a.state, a.reason) for a in story.arrivals.untold()] == [("停放", CRASHED)]

    def test_a_restarted_worker_leaves_it_there_and_a_person_gets_it_tried_again(self, story: Story) -> None:
        folder = story.arrive("li", tries=3)
        assert story.grader().next(9) == []
        assert story.arrivals.retry(but=CRASHED) == 0
        assert story.arrivals.retry() == 1
        assert [turn.folders for turn in story.grader().next(9)] == [(folder,)]

    def test_whoever_is_at_its_last_try_is_not_disturbed(self, story: Story) -> None:
        folder = story.arrive("li", tries=2)
        story.grader("one").next(9)
        assert (story.tries(folder), story.grader("two").next(9)) == (3, [])
        assert story.states() == {folder: "已收"}

    def test_a_failure_of_its_own_counts_and_the_third_puts_it_aside(
        self, story: Story, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("qinlian.grading.arrivals._BACK_OFF", (0.0, 0.0))
        folder = story.arrive("li")
        grader = story.grader()
        for _ in range(3):
            assert story.states() == {folder: "已收"}
            settle(story, grader, grader.next(1), failed={folder: "坏了"})
        assert (story.states(), grader.next(1)) == ({folder: "停放"}, [])

    def test_the_database_was_away_meanwhile_and_nobody_came_so_it_is_settled_after_all(self, story: Story) -> None:
        folder = story.arrive("li")
        one = story.grader("one")
        turns = one.next(1)
        story.run_out("one")
        settle(story, one, turns, later={folder: 0.0})
        assert (story.tries(folder), story.owners()) == (0, {})

    def test_what_somebody_else_has_taken_over_is_left_to_them(self, story: Story) -> None:
        folder = story.arrive("li")
        one, two = story.grader("one"), story.grader("two")
        turns = one.next(1)
        story.run_out("one")
        two.next(1)
        settle(story, one, turns, failed={folder: "坏了"})
        assert (story.tries(folder), story.owners()) == (2, {("li", "01"): "two"})


class TestHolding:
    PAIRS = (("li", "01"), ("an", "01"))

    def test_only_what_nobody_else_has(self, story: Story) -> None:
        one, two = story.grader("one"), story.grader("two")
        assert one.hold(self.PAIRS[:1]).mine == {self.PAIRS[0]}
        assert two.hold(self.PAIRS).mine == {self.PAIRS[1]}
        one.release(self.PAIRS[:1])
        assert two.hold(self.PAIRS).mine == set(self.PAIRS)

    def test_a_submission_waits_until_it_is_given_back(self, story: Story) -> None:
        story.arrive("li")
        one, two = story.grader("one"), story.grader("two")
        one.hold(self.PAIRS, "反馈页")
        assert (two.waiting(), two.next(1)) == (False, [])
        one.release(self.PAIRS, "反馈页")
        assert [turn.learner for turn in two.next(1)] == ["li"]

    def test_work_that_ended_its_grader_three_times_is_worn_until_a_person_asks_for_it(self, story: Story) -> None:
        for number in range(3):
            assert story.grader(f"dead{number}").hold(self.PAIRS[:1], "反馈页").mine
            story.run_out(f"dead{number}")
        grader = story.grader()
        held = grader.hold(self.PAIRS, "反馈页")
        assert (held.mine, held.worn) == ({self.PAIRS[1]}, {self.PAIRS[0]})
        assert grader.hold(self.PAIRS[:1], "结果").mine == {self.PAIRS[0]}
        grader.forgive("01")
        assert grader.hold(self.PAIRS, "反馈页").mine == set(self.PAIRS)

    def test_work_that_came_to_an_end_is_not_counted(self, story: Story) -> None:
        grader = story.grader()
        for _ in range(5):
            assert grader.hold(self.PAIRS, "反馈页").mine == set(self.PAIRS)
            grader.release(self.PAIRS, "反馈页")

    def test_nothing_asked_for_is_nothing_held(self, story: Story) -> None:
        assert story.grader().hold([]).mine == set()


def test_no_two_graders_have_one_name() -> None:
    assert len({new_owner() for _ in range(50)} | {new_owner("pod-1") for _ in range(50)}) == 100
    assert new_owner("pod-1").startswith("pod-1-")
    assert len(new_owner("x" * 500)) <= 200
