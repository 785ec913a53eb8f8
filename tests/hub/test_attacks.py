"""A learner with a unix account, a notebook and the REST API against the classroom. docs/security.md lists these."""

from __future__ import annotations

import json
import os
import pwd
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from qinlian.authoring.reader import load_course
from qinlian.authoring.secret import read_secret
from tests.e2e.classroom import wait_until
from tests.hub.attacker import ask, inbound, own_token, rows
from tests.hub.learner import Learner, blank, edition, full_marks
from tests.hub.room import ROOT, HubRoom
from tests.security.canaries import canaries

pytestmark = [pytest.mark.hub, pytest.mark.accounts]

MODULE = "02-gifts"


@pytest.fixture(scope="module")
def mallory(room: HubRoom) -> Iterator[Learner]:
    """The attacker, whose server runs: that is when most is within reach."""
    learner = Learner(room, "qlt906")
    room.api("users/qlt906/server", "POST")
    wait_until(lambda: room.api("users/qlt906")["servers"].get("", {}).get("ready"), 120, "a server")
    learner.fetch(MODULE)
    yield learner
    room.api("users/qlt906/server", "DELETE")


@pytest.fixture(scope="module")
def alice(room: HubRoom) -> Learner:
    """Somebody who works honestly."""
    learner = Learner(room, "qlt905")
    learner.fetch(MODULE)
    return learner


def graded(learner: Learner, module: str = MODULE) -> dict[str, Any]:
    """The result of the newest submission, once it is there."""
    found: dict[str, Any] = wait_until(lambda: learner.result(module), 60, "a result")
    return found


class TestReading:
    def test_no_file_that_a_learner_can_read_holds_a_key(self, room: HubRoom, mallory: Learner) -> None:
        words = canaries(load_course(ROOT / "course"), read_secret(ROOT / "course"))
        listing = room.folder / "words"
        listing.write_text("\n".join(sorted(w for w in words if "\n" not in w)), "utf-8")
        listing.chmod(0o644)
        assert len(words) > 200
        # Everything below the rooms' folder, whatever its place: what find cannot enter it passes over.
        found = mallory.shell(f"find {room.folder} -type f -readable ! -path {listing} -print0 2>/dev/null | "
                              f"xargs -0 grep -lFf {listing} 2>/dev/null")  # fmt: skip
        assert found.stdout.decode().split() == []
        # And the search does find a key where there is one.
        planted = mallory.home / "planted"
        planted.write_text(f"…{max(words, key=len)}…", "utf-8")
        again = mallory.shell(f"grep -lFf {listing} {planted}")
        assert again.stdout.decode().split() == [str(planted)]
        planted.unlink()

    @pytest.mark.parametrize(
        "place",
        [
            "course",
            "course/course/secret.txt",
            "classroom",
            "classroom/gradebook.db",
            "classroom/submitted",
            "hub",
            "hub/sign-in.sqlite",
            "hub/settings.json",
            "hub/cookie_secret",
            "learners/homes",
            "learners/homes/qlt905",
            "learners/exchange/qinlian/inbound",
            "learners/exchange/qinlian/feedback",
        ],
    )
    def test_these_places_are_closed(self, room: HubRoom, mallory: Learner, place: str) -> None:
        path = room.state / place
        assert path.exists()
        done = mallory.shell(f"ls {path}/ || cat {path}")
        assert done.returncode != 0
        assert done.stdout == b""

    def test_other_peoples_processes_keep_their_environment(self, room: HubRoom, mallory: Learner) -> None:
        done = mallory.shell("cat /proc/[0-9]*/environ 2>/dev/null")
        said = done.stdout.decode("utf-8", "replace")
        assert "QINLIAN_DATABASE_URL" not in said
        for secret in (room.settings()["roster_token"], room.settings()["proxy_token"]):
            assert secret not in said
        lines = mallory.shell("cat /proc/[0-9]*/cmdline 2>/dev/null").stdout.decode("utf-8", "replace")
        assert "token" not in lines.replace("--token", "")

    def test_the_program_that_learners_have_cannot_grade(self, room: HubRoom, mallory: Learner) -> None:
        for words in (["qinlian", "grade"], ["qinlian", "build"], ["qinlian", "export", "--xlsx", "a.xlsx"]):
            assert mallory.run(*words).returncode != 0
        done = mallory.run("qinlian", "roster", "list", "--state", str(room.state))
        assert done.returncode != 0
        assert "周晓岚" not in done.stdout.decode()


class TestWriting:
    @pytest.mark.parametrize(
        "place",
        [
            "learners/exchange/qinlian/outbound",
            "learners/exchange/qinlian/outbound/02-gifts",
            "learners/exchange/qinlian/feedback",
            "learners/exchange/qinlian",
            "learners/exchange",
            "learners",
            "learners/homes",
            "learner",
            "formgrader",
            "venv/bin",
            "venv/etc",
            "venv/share/jupyter",
        ],
    )
    def test_nothing_can_be_put_here(self, room: HubRoom, mallory: Learner, place: str) -> None:
        folder = room.state / place
        assert folder.is_dir()
        assert mallory.shell(f"touch {folder}/planted").returncode != 0
        assert mallory.shell(f"mv {folder} {folder}.gone").returncode != 0

    def test_a_submission_in_the_exchange_is_its_senders_alone(
        self, room: HubRoom, mallory: Learner, alice: Learner
    ) -> None:
        alice.submit(MODULE, full_marks(room, alice.account, MODULE))
        assert graded(alice)["state"] in ("已评分", "待评阅")
        (folder,) = [p for p in inbound(room).iterdir() if p.name.startswith(f"{alice.account}+{MODULE}+")]
        # Even who knows the name: the folder is not theirs to move or to remove.
        assert mallory.run("mv", str(folder), f"{folder}x").returncode != 0
        assert mallory.run("rm", "-rf", str(folder)).returncode != 0
        assert (folder / "answers.json").exists()

    def test_writing_into_a_folder_that_was_taken_in_changes_no_grade(self, room: HubRoom, alice: Learner) -> None:
        before = rows(room, "SELECT counted FROM qinlian_quiz q JOIN qinlian_attempt a ON a.identity = q.attempt "
                            "WHERE a.learner = :who ORDER BY q.quiz", who=alice.account)  # fmt: skip
        (folder,) = [p for p in inbound(room).iterdir() if p.name.startswith(f"{alice.account}+{MODULE}+")]
        (folder / "answers.json").write_bytes(blank(room, MODULE).model_dump_json(by_alias=True).encode())
        # The grader grades everything again from what it kept.
        done = room.as_grader("grade", MODULE, "--force")
        assert done.returncode == 0, done.stdout + done.stderr
        after = rows(room, "SELECT counted FROM qinlian_quiz q JOIN qinlian_attempt a ON a.identity = q.attempt "
                           "WHERE a.learner = :who ORDER BY q.quiz", who=alice.account)  # fmt: skip
        assert before == after != []


class TestForging:
    def put(self, room: HubRoom, mallory: Learner, name: str, answers: bytes, **files: str) -> str:
        """A folder of Mallory's own making in the exchange, complete by all that can be seen."""
        code = """
import json, os, sys
from pathlib import Path
name, files = sys.argv[1], json.loads(sys.argv[2])
folder = Path(os.environ["QINLIAN_EXCHANGE"]) / "qinlian" / "inbound" / name
folder.mkdir()
(folder / "answers.json").write_bytes(sys.stdin.buffer.read())
for file, text in files.items():
    (folder / file).write_text(text)
for file in folder.iterdir():
    file.chmod(0o644)
folder.chmod(0o777)
"""
        stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f UTC")
        given = {"timestamp.txt": stamp, "submission_secret.txt": os.urandom(32).hex(), **files}
        mallory.python(code, name, json.dumps(given), given=answers)
        return name

    def arrival(self, room: HubRoom, name: str) -> Any:
        """What became of a folder, once something did."""

        def found() -> Any:
            hits = rows(room, "SELECT * FROM qinlian_arrival WHERE folder = :name", name=name)
            return hits[0] if hits and hits[0].state != "等待" and hits[0].state != "已收" else None

        return wait_until(found, 60, f"the end of {name}")

    def test_a_submission_in_somebody_elses_name_is_refused(
        self, room: HubRoom, mallory: Learner, alice: Learner
    ) -> None:
        count = len(rows(room, "SELECT 1 FROM qinlian_attempt WHERE learner = :who", who=alice.account))
        stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f UTC")
        body = blank(room, MODULE).model_dump_json(by_alias=True).encode()
        name = self.put(room, mallory, f"{alice.account}+{MODULE}+{stamp}+forged", body)
        assert self.arrival(room, name).state == "拒收"
        assert len(rows(room, "SELECT 1 FROM qinlian_attempt WHERE learner = :who", who=alice.account)) == count

    def test_a_submission_in_the_past_counts_from_when_it_came(self, room: HubRoom, mallory: Learner) -> None:
        old = (datetime.now(UTC) - timedelta(days=30)).strftime("%Y-%m-%d %H:%M:%S.%f UTC")
        body = full_marks(room, mallory.account, MODULE).model_dump_json(by_alias=True).encode()
        name = self.put(room, mallory, f"{mallory.account}+{MODULE}+{old}+past", body, **{"timestamp.txt": old})
        arrival = self.arrival(room, name)
        assert arrival.state == "已评分"
        when = datetime.fromisoformat(str(arrival.submitted_at)).replace(tzinfo=UTC)
        assert abs(when - datetime.now(UTC)) < timedelta(minutes=3)
        assert "按系统收到的时间记" in arrival.notes

    def test_the_secret_of_another_submission_opens_nothing_twice(self, room: HubRoom, mallory: Learner) -> None:
        secret = os.urandom(32).hex()
        stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f UTC")
        body = blank(room, MODULE).model_dump_json(by_alias=True).encode()
        first = self.put(
            room, mallory, f"{mallory.account}+{MODULE}+{stamp}+one", body, **{"submission_secret.txt": secret}
        )
        assert self.arrival(room, first).state == "已评分"
        second = self.put(
            room, mallory, f"{mallory.account}+{MODULE}+{stamp}+two", body, **{"submission_secret.txt": secret}
        )
        assert self.arrival(room, second).state == "拒收"

    def test_links_publish_nothing_of_the_graders(self, room: HubRoom, mallory: Learner) -> None:
        secret = room.state / "course" / "course" / "secret.txt"
        stamp = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f UTC")
        code = """
import os, sys
from pathlib import Path
name, target = sys.argv[1:]
folder = Path(os.environ["QINLIAN_EXCHANGE"]) / "qinlian" / "inbound" / name
folder.mkdir()
for file in ("answers.json", "02-gifts.ipynb", "extra.html"):
    (folder / file).symlink_to(target)
(folder / "timestamp.txt").write_text(name.split("+")[2])
(folder / "submission_secret.txt").write_text(os.urandom(32).hex())
folder.chmod(0o777)
"""
        name = f"{mallory.account}+{MODULE}+{stamp}+links"
        mallory.python(code, name, str(secret))
        assert self.arrival(room, name).state == "已评分"
        for place in ("classroom/submitted", "classroom/autograded", "learners/exchange/qinlian/feedback"):
            for path in (room.state / place).rglob("*"):
                assert not path.is_symlink()
                if path.is_file():
                    assert secret.read_bytes().strip() not in path.read_bytes()

    def test_questions_and_code_of_the_learners_making_change_nothing(self, room: HubRoom, alice: Learner) -> None:
        flag = alice.home / "ran"
        folder = alice.home / MODULE
        lesson = json.loads((folder / "lesson.json").read_text("utf-8"))
        for item in lesson["items"].values():
            item["points"] = 1000
        (folder / "lesson.json").write_text(json.dumps(lesson), "utf-8")
        notebook = json.loads((folder / f"{MODULE}.ipynb").read_text("utf-8"))
        cell = {"cell_type": "code", "id": "evil", "metadata": {}, "outputs": [], "execution_count": None}
        notebook["cells"].insert(0, {**cell, "source": f"import os; os.system('touch {flag}')"})
        (folder / f"{MODULE}.ipynb").write_text(json.dumps(notebook), "utf-8")
        for path in (folder / "lesson.json", folder / f"{MODULE}.ipynb"):
            os.chown(path, pwd.getpwnam(alice.account).pw_uid, -1)
        alice.submit(MODULE, full_marks(room, alice.account, MODULE, attempt=2))
        done = graded(alice)
        assert 0 <= done["score"] <= done["max_score"]
        assert not flag.exists()
        kept = room.state / "classroom" / "autograded" / alice.account / MODULE
        assert "os.system" not in (kept / f"{MODULE}.ipynb").read_text("utf-8")
        assert json.loads((kept / "lesson.json").read_text("utf-8"))["edition"] == edition(room, MODULE).edition


class TestReachingServices:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "users"),
            ("GET", "users/qlt905"),
            ("POST", "users/qlt905/server"),
            ("POST", "users/qlt905/tokens"),
            ("GET", "groups"),
            ("POST", "groups/formgrade-qinlian/users"),
            ("GET", "services"),
            ("GET", "proxy"),
            ("POST", "shutdown"),
        ],
    )
    def test_the_hub_lets_a_learner_do_nothing_of_that(
        self, room: HubRoom, mallory: Learner, method: str, path: str
    ) -> None:
        token = own_token(room, mallory.account)
        body = json.dumps({"users": [mallory.account]}).encode() if method == "POST" else None
        status, said = ask(f"{room.url}/hub/api/{path}", token, method, body)
        # JupyterHub answers a list with what one may see of it: nobody.
        assert status in (403, 404) or said.strip() in ("[]", "{}"), (status, said)

    @pytest.mark.parametrize("service", ["formgrader", "staff"])
    def test_the_services_are_closed_also_behind_the_proxys_back(
        self, room: HubRoom, mallory: Learner, service: str
    ) -> None:
        token, port = own_token(room, mallory.account), room.settings()["ports"][service]
        paths = {
            "formgrader": [
                "formgrader",
                "formgrader/gradebook",
                "formgrader/api/gradebook",
                "api/contents",
                "api/kernels",
            ],
            "staff": ["", "report", "report.xlsx", "release"],
        }
        for base in (room.url, f"http://127.0.0.1:{port}"):
            for path in paths[service]:
                for given in ("", token):
                    status, said = ask(f"{base}/services/{service}/{path}", given)
                    assert status in (302, 303, 401, 403, 404), (base, path, status)
                    assert "周晓岚" not in said
        done = mallory.shell(f"curl -s -o /dev/null -w '%{{http_code}}' http://127.0.0.1:{port}/services/{service}/")
        assert done.stdout.decode() in ("302", "303", "401", "403", "404", "000", "")

    def test_the_proxy_takes_no_orders_from_a_learner(self, room: HubRoom, mallory: Learner) -> None:
        port = room.settings()["ports"]["proxy_api"]
        assert ask(f"http://127.0.0.1:{port}/api/routes")[0] == 403
        assert ask(f"http://127.0.0.1:{port}/api/routes", own_token(room, mallory.account))[0] == 403

    def test_the_worker_cannot_be_stopped(self, room: HubRoom, mallory: Learner) -> None:
        workers = room.processes("qinlian-grader", "qinlian.grading.worker")
        assert workers
        assert mallory.shell(f"kill -9 {workers[0]}").returncode != 0
        assert room.processes("qinlian-grader", "qinlian.grading.worker") == workers


class TestExhausting:
    @pytest.mark.parametrize("way", ["by the Hub", "by itself"])
    def test_a_server_that_ends_leaves_nothing_running(self, room: HubRoom, mallory: Learner, way: str) -> None:
        from tests.hub.kernel import run_in_kernel

        # The last kernel and all it started are gone before the next begins.
        wait_until(lambda: len(room.processes(mallory.account)) < 3, 60, "the end of the other processes")
        token = own_token(room, mallory.account)
        code = "import os\nprint('left', os.system('setsid -f nohup sleep 4000 >/dev/null 2>&1'))"
        assert run_in_kernel(f"{room.url}/user/{mallory.account}", token, code).startswith("left 0")
        wait_until(lambda: room.processes(mallory.account, "sleep 4000"), 10, "a process left behind")
        if way == "by the Hub":
            room.api(f"users/{mallory.account}/server", "DELETE")
        else:
            for process in room.processes(mallory.account, "hub_server"):
                os.kill(process, signal.SIGKILL)
        # The Hub looks after its servers twice a minute.
        wait_until(lambda: not room.processes(mallory.account), 90, "the end of everything")
        room.api(f"users/{mallory.account}/server", "POST")
        wait_until(lambda: room.api(f"users/{mallory.account}")["servers"].get("", {}).get("ready"), 120, "a server")

    def test_processes_run_out_for_the_learner_alone(self, room: HubRoom, mallory: Learner, alice: Learner) -> None:
        """Through the learner's own server, which has the limits, and a kernel of theirs: as ``os.system`` would."""
        from tests.hub.kernel import run_in_kernel

        token = own_token(room, mallory.account)
        said = run_in_kernel(
            f"{room.url}/user/{mallory.account}",
            token,
            "import subprocess\nmade = []\ntry:\n"
            "    for _ in range(2000):\n        made.append(subprocess.Popen(['sleep', '30']))\n"
            "except OSError as error:\n    print('stopped at', len(made), error.errno)\n"
            "for each in made:\n    each.kill()\n    each.wait()\n",
        )
        assert "stopped at" in said
        assert int(said.split()[2]) < 100
        assert alice.shell("echo fine").stdout == b"fine\n"

    def test_a_learner_who_fills_the_disk_stops_no_result(
        self, room: HubRoom, mallory: Learner, alice: Learner
    ) -> None:
        if not os.path.ismount(room.state / "learners"):
            raise AssertionError("this machine gave learners no disk of their own")
        seen = (alice.result(MODULE) or {})["quizzes"]
        for size in ("60000000", "1000000", "65536", "4096"):
            mallory.shell(f"i=0; while head -c {size} /dev/zero > filler{size}-$i 2>/dev/null; do i=$((i+1)); done")
        try:
            assert mallory.shell("echo more > filler").returncode != 0
            # The gradebook lies elsewhere, and results have room kept for them.
            known = edition(room, MODULE)
            data = full_marks(room, alice.account, MODULE, attempt=3, seen=tuple(next(iter(seen.values()))["seen"]))
            assert known.edition == data.edition
            free = os.statvfs(room.state / "learners")
            assert free.f_bfree > free.f_bavail == 0
            done = room.as_someone("qinlian-grader", "dd", "if=/dev/zero", "bs=1M", "count=1",
                                   f"of={room.state}/learners/exchange/qinlian/feedback/room")  # fmt: skip
            assert done.returncode == 0, done.stderr
            (room.state / "learners/exchange/qinlian/feedback/room").unlink()
        finally:
            mallory.shell("rm -f filler*")
        alice.submit(MODULE, full_marks(room, alice.account, MODULE, attempt=3))
        assert graded(alice)["score"] >= 0
