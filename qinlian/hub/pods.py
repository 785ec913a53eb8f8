"""A learner's server in a pod: whose number it runs under, which folders it sees, what it is told.

``hub.extraConfig`` of the Zero to JupyterHub chart calls ``configure(c)``. Everybody's pod runs under the number that
the roster gave them: it owns their home and what they hand in, so the grader can tell whose a submission is, whatever
a learner's server claims. What is the same for all pods stands in deploy/k8s/values.yaml.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qinlian.authoring.secret import read_secret
from qinlian.core.files import letterbox_name
from qinlian.errors import CourseError, HubError, SignInError
from qinlian.hub.directory import INSTRUCTORS, LEARNERS
from qinlian.hub.landing import landing
from qinlian.hub.learner_server import learner_environment
from qinlian.hub.listed import DatabaseRoster, Listed, RosterLookup
from qinlian.hub.pages import TEMPLATES
from qinlian.hub.settings import GRADER
from qinlian.hub.volumes import PEOPLE
from qinlian.roster.uids import RESERVED_UIDS

__all__ = ["Places", "Pods", "configure"]


class NoPodError(HubError):
    """Somebody gets no pod; JupyterHub shows them the reason."""

    @property
    def jupyterhub_message(self) -> str:
        """What JupyterHub shows of an error of a spawner."""
        return str(self)


@dataclass(frozen=True)
class Places:
    """Where a learner's folders are in every pod, and the names of the volumes in values.yaml that hold them."""

    course_id: str
    state: Path = Path("/srv/qinlian")
    exchange_volume: str = "exchange"
    homes_volume: str = "homes"

    settings: Path = Path("/opt/qinlian/learner")
    """Where the learner's image has the settings of Jupyter (Dockerfile)."""

    @property
    def home(self) -> Path:
        """The learner's home, in every pod at the same place."""
        return self.state / "home"

    @property
    def exchange(self) -> Path:
        """The exchange; of the course's folders only those a learner has business with are there."""
        return self.state / "exchange"

    def mounts(self, account: str) -> list[dict[str, Any]]:
        """The learner's home and the three folders of the exchange.

        What comes out of the exchange cannot be written to at all; into ``inbound`` everybody may put a folder and
        nobody but the grader may look, which its mode sees to (``qinlian.hub.volumes``).
        """
        folders = [
            {
                "name": self.exchange_volume,
                "mountPath": str(self.exchange / self.course_id / folder),
                "subPath": f"{self.course_id}/{folder}",
                "readOnly": folder != "inbound",
            }
            for folder in ("outbound", "inbound", "feedback")
        ]
        return [{"name": self.homes_volume, "mountPath": str(self.home), "subPath": f"{PEOPLE}/{account}"}, *folders]

    def make_home(self, account: str, image: str) -> dict[str, Any]:
        """What runs first in the pod, under the learner's number: it makes the home, which is then their own.

        Only here the folder of all homes is in sight, and nothing of the learner's runs here.
        """
        return {
            "name": "home",
            "image": image,
            "command": ["mkdir", "-p", "-m", "0700", f"/homes/{account}"],
            "securityContext": CLOSED,
            "resources": {
                "requests": {"cpu": "10m", "memory": "16Mi", "ephemeral-storage": "1Mi"},
                "limits": {"cpu": "200m", "memory": "32Mi", "ephemeral-storage": "16Mi"},
            },
            "volumeMounts": [{"name": self.homes_volume, "mountPath": "/homes", "subPath": PEOPLE}],
        }


CLOSED: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}
"""How every container of a learner's runs."""


class Pods:
    """Prepares a learner's pod before KubeSpawner makes it.

    ``secret`` is the course's: from it follows where a learner's letterbox is.
    """

    def __init__(self, roster: RosterLookup, places: Places, secret: bytes) -> None:
        self._roster, self._places, self._secret = roster, places, secret

    async def prepare(self, spawner: Any) -> None:
        """KubeSpawner's ``pre_spawn_hook``. Raises NoPodError, in Chinese, for who is to have no server."""
        try:
            person = await asyncio.to_thread(self._roster.find, spawner.user.name)
        except SignInError as error:
            raise NoPodError("暂时读不到名单；请稍后再试，仍不行请联系管理员") from error
        person = _admitted(person)
        account, uid = person.account, person.uid
        spawner.uid = spawner.gid = uid
        # The number holds for what runs first, too. A group of the pod's own for its volumes (fsGroup) would make
        # Kubernetes hand everybody's homes to it.
        spawner.fs_gid, spawner.supplemental_gids = None, []
        spawner.pod_security_context = {
            "runAsNonRoot": True,
            "runAsUser": uid,
            "runAsGroup": uid,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        spawner.container_security_context = CLOSED
        own = self._places.mounts(account)
        taken = {mount["mountPath"] for mount in own}
        others = [mount for mount in _listed(spawner.volume_mounts) if mount["mountPath"] not in taken]
        spawner.volume_mounts = [*others, *own]
        spawner.init_containers = [self._places.make_home(account, spawner.image)]
        spawner.environment = {**spawner.environment, **self._told(person)}

    def _told(self, person: Listed) -> dict[str, str]:
        told = learner_environment(
            home=self._places.home,
            exchange=self._places.exchange,
            course_id=self._places.course_id,
            track=person.track,
            letterbox=letterbox_name(self._secret, person.account),
            settings=self._places.settings,
            name=person.name,
        )
        # The number has no name in the pod, and some programs ask for one.
        told["USER"] = person.account
        # KubeSpawner fills in what stands in braces, and Kubernetes what stands in $( ).
        return {name: value.replace("{", "{{").replace("}", "}}").replace("$", "$$") for name, value in told.items()}


def _listed(configured: Any) -> list[dict[str, Any]]:
    """Mounts, which KubeSpawner takes as a list or by name."""
    return list(configured.values()) if isinstance(configured, dict) else list(configured)


def _admitted(person: Listed | None) -> Listed:
    if person is None:
        raise NoPodError("名单里没有您的账号；请联系管理员")
    if person.archived:
        raise NoPodError("您已经不在名单上；如有疑问请联系管理员")
    if person.role != "学员":
        raise NoPodError("教师和管理员没有自己的学习空间；请从“教师工作台”进入")
    # The roster hands none of them out; an older one may have done so.
    if person.uid in RESERVED_UIDS:
        raise NoPodError("您的账号的编号与系统保留的编号冲突，暂时打不开课程；请联系管理员更正")
    return person


def configure(c: Any, environ: Mapping[str, str] = os.environ) -> None:
    """Set the chart's Hub up for this classroom; ``c`` is the Hub's configuration.

    How people sign in stands in values.yaml (hub.config); this adds where the roster is. Read from the environment
    (values.yaml, hub.extraEnv): QINLIAN_DATABASE_URL (the roster's), QINLIAN_COURSE_ID, QINLIAN_COURSE_SECRET (the
    folder with the course's secret.txt). Raises HubError when one is missing or cannot be used.
    """
    names = ("QINLIAN_DATABASE_URL", "QINLIAN_COURSE_ID", "QINLIAN_COURSE_SECRET")
    if missing := [name for name in names if not environ.get(name)]:
        raise HubError(f"没有设置 {'、'.join(missing)}；请看 deploy/k8s/values.yaml 的 hub.extraEnv")
    url, course_id, secret_folder = (environ[name] for name in names)
    try:
        secret = read_secret(Path(secret_folder))
    except CourseError as error:
        raise HubError(f"课程的密钥不能用（{error}）；它应与 course/secret.txt 相同") from error
    c.RosterGate.db_url = url
    c.JupyterHub.template_paths = [str(TEMPLATES)]
    learners, instructors = (name.format(course=course_id) for name in (LEARNERS, INSTRUCTORS))
    c.JupyterHub.default_url = landing(instructors)
    # Roles speak of these groups, so they are there from the first start on. formgrader asks as the grader.
    c.JupyterHub.load_groups = {learners: {"users": []}, instructors: {"users": [GRADER]}}
    pods = Pods(DatabaseRoster(url), Places(course_id), secret)

    async def prepare(spawner: Any) -> None:
        await pods.prepare(spawner)

    # Spawners copy their configuration with all that hangs on it. A function is copied as it is; a method would take
    # its object along, whose connections to the database cannot be copied.
    c.KubeSpawner.pre_spawn_hook = prepare
