"""Where everything of one Hub lies and listens: ``<state>/hub/settings.json``, root's alone.

Written by ``./run --hub`` and read by the Hub's configuration and by the commands that administer it.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from qinlian.atomic import replace_file
from qinlian.errors import ClassroomError

__all__ = ["GRADER", "STATE", "STATE_VARIABLE", "HubSettings", "state_folder"]

GRADER = "qinlian-grader"
"""The unix user that grades, and runs formgrader and the staff pages."""
STATE = Path("/srv/qinlian")
STATE_VARIABLE = "QINLIAN_STATE"


def state_folder(given: Path | None = None) -> Path:
    """The Hub's state folder: the one given, else $QINLIAN_STATE, else /srv/qinlian."""
    return given if given is not None else Path(os.environ.get(STATE_VARIABLE) or STATE)


def _token() -> str:
    return secrets.token_hex(32)


class Ports(BaseModel):
    """What listens on this machine besides the public port, all on 127.0.0.1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    proxy_api: int
    hub: int
    formgrader: int
    staff: int


class HubSettings(BaseModel):
    """One Hub. Tokens and the database's address are secrets: print none of this.

    ``known_as`` is the address people type where it is not the one it listens on. ``database_url`` is empty for
    the embedded SQLite gradebook. ``certificate`` and ``key`` are files for HTTPS; without them a front server is
    expected to do it. ``domain`` gives every server a host name of its own below it, so that nothing a learner's
    server sends can act in an instructor's name. ``contact`` is whom people ask for help, as the pages say it.
    ``single_sign_on`` is what the institution's sign-on is set up with, empty for passwords. ``admins`` are the
    accounts that see the Hub's own administration.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    state: Path
    course_id: str
    host: str = "127.0.0.1"
    port: int = 8000
    known_as: str = ""
    domain: str = ""
    contact: str = ""
    database_url: str = Field(default="", repr=False)
    certificate: str = ""
    key: str = ""
    ports: Ports
    admins: tuple[str, ...] = ()
    single_sign_on: dict[str, Any] = Field(default_factory=dict, repr=False)
    roster_token: str = Field(default_factory=_token, repr=False)
    proxy_token: str = Field(default_factory=_token, repr=False)

    @classmethod
    def load(cls, state: Path) -> HubSettings:
        """Read the settings of the Hub whose state lies in ``state``. Raises ClassroomError."""
        path = state / "hub" / "settings.json"
        try:
            return cls.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            raise ClassroomError(f"{state} 里没有 Hub 课堂；请先运行 ./run --hub，或用 --state 指明位置") from None
        except PermissionError:
            raise ClassroomError("只有管理员（root）能管理 Hub 课堂；请用 sudo 再运行一次") from None
        except (OSError, ValidationError) as error:
            raise ClassroomError(f"{path} 读不出来；请从备份恢复它，或删除后重新运行 ./run --hub") from error

    def save(self) -> None:
        """Write the settings, whole, readable by root alone."""
        self.private.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.private / "settings.json"
        replace_file(path, (self.model_dump_json(indent=1) + "\n").encode(), mode=0o600)

    @property
    def url(self) -> str:
        """What people type, without a slash at its end."""
        if self.known_as:
            return self.known_as.rstrip("/")
        host = "127.0.0.1" if self.host in ("", "0.0.0.0") else self.host
        return f"{'https' if self.certificate else 'http'}://{host}:{self.port}"

    @property
    def private(self) -> Path:
        """The Hub's own folder, root's alone: database, cookie secret, passwords, logs."""
        return self.state / "hub"

    @property
    def environment_folder(self) -> Path:
        """The Python environment that everybody's programs run in."""
        return self.state / "venv"

    @property
    def program(self) -> Path:
        """Where the environment's programs lie."""
        return self.environment_folder / "bin"

    @property
    def course_root(self) -> Path:
        """The grader's copy of the course, key included."""
        return self.state / "course"

    @property
    def classroom(self) -> Path:
        """Gradebook, kept submissions, graded notebooks: the grader's."""
        return self.state / "classroom"

    @property
    def learners(self) -> Path:
        """What learners can write to; may be a disk of its own, so that filling it fills nothing else."""
        return self.state / "learners"

    @property
    def exchange(self) -> Path:
        """nbgrader's exchange."""
        return self.learners / "exchange"

    @property
    def homes(self) -> Path:
        """Learners' homes, one an account."""
        return self.learners / "homes"

    @property
    def db_url(self) -> str:
        """The gradebook's address."""
        return self.database_url or f"sqlite:///{self.classroom / 'gradebook.db'}"

    @property
    def hub_api_url(self) -> str:
        """The Hub's REST API, from this machine."""
        return f"http://127.0.0.1:{self.ports.hub}/hub/api"

    def grader_environment(self) -> dict[str, str]:
        """What nbgrader_config.py and our own programs need to find this classroom."""
        return {
            "QINLIAN_CLASSROOM": str(self.classroom),
            "QINLIAN_EXCHANGE": str(self.exchange),
            "QINLIAN_DATABASE_URL": self.db_url,
            "PYTHONUTF8": "1",
        }
