"""Where nbgrader's exchange is for this learner, found without importing nbgrader.

nbgrader takes seconds and 50 MB to import, which a learner's kernel and server do not have to
spare; its settings are plain traitlets files, and four values of them are all that is needed.
"""

from __future__ import annotations

import os
import pwd
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jupyter_core.paths import jupyter_config_dir, jupyter_config_path, jupyter_data_dir
from traitlets.config.loader import Config, ConfigFileNotFound, JSONFileConfigLoader, PyFileConfigLoader

from qinlian.errors import StoreError

__all__ = ["ExchangeSettings", "learner_name"]

_DEFAULT_ROOT = "/usr/local/share/nbgrader/exchange"
_LETTERBOX = re.compile("[0-9a-f]{40}")


def learner_name(environ: Mapping[str, str] = os.environ) -> str:
    """Who the learner is, as nbgrader's ``get_username`` says it.

    ``QINLIAN_LEARNER`` names the one learner of a local classroom; on a Hub it is not looked at. A pod runs
    each learner under a number that has no name there: the Hub's word is taken, and the grader looks whose
    number a submission has.
    """
    hub_user = environ.get("JUPYTERHUB_USER", "")
    if not hub_user and environ.get("QINLIAN_LEARNER"):
        return environ["QINLIAN_LEARNER"]
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        if hub_user:
            return hub_user
        raise StoreError("这台机器上没有您的账号信息，无法确认您是谁；请联系管理员") from None
    # Images for a Hub run everyone as jovyan.
    return (hub_user or name) if name == "jovyan" else name


def _load(folder: str) -> Config:
    found = Config()
    for loader in (
        JSONFileConfigLoader("nbgrader_config.json", folder),
        PyFileConfigLoader("nbgrader_config.py", folder),
    ):
        try:
            found.merge(loader.load_config())
        except ConfigFileNotFound:
            continue
        except Exception as error:
            # A settings file is a program: anything may go wrong in it.
            raise StoreError(f"{loader.full_filename} 读不出来，无法找到课程；请联系管理员") from error
    return found


def _settings_files() -> Config:
    folders = [jupyter_config_dir(), *jupyter_config_path()]
    merged = Config()
    for folder in reversed(dict.fromkeys(folders)):
        merged.merge(_load(folder))
    merged.merge(_load(str(Path.cwd())))
    return merged


def _text(config: Config, section: str, name: str, default: str) -> str:
    value = config[section].get(name, default) if section in config else default
    return str(value) or default


@dataclass(frozen=True)
class ExchangeSettings:
    """The exchange as one learner sees it.

    ``cache`` is where nbgrader keeps copies of what was submitted; ``with_course`` tells that a
    learner's folders lie under the course's name (``path_includes_course``). ``letterbox`` is the
    name under which the grader writes to this learner, empty where nobody told it; it opens the
    letterbox, so it is kept out of logs.
    """

    root: Path
    course_id: str
    learner: str
    cache: Path
    with_course: bool = False
    letterbox: str = field(default="", repr=False)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> ExchangeSettings:
        """Read nbgrader_config files as nbgrader does; ``QINLIAN_…`` variables stand above them.

        Raises StoreError when no course is named or a settings file cannot be read.
        """
        known = environ.get("QINLIAN_EXCHANGE") and environ.get("QINLIAN_COURSE_ID")
        config = Config() if known else _settings_files()
        letterbox = environ.get("QINLIAN_LETTERBOX", "")
        course_id = environ.get("QINLIAN_COURSE_ID") or _text(config, "CourseDirectory", "course_id", "")
        if not course_id:
            raise StoreError("这里没有设置课程（CourseDirectory.course_id），打不开“我的学习”；请联系管理员")
        exchange = config["Exchange"] if "Exchange" in config else Config()
        return cls(
            root=Path(environ.get("QINLIAN_EXCHANGE") or _text(config, "Exchange", "root", _DEFAULT_ROOT)),
            course_id=course_id,
            learner=learner_name(environ),
            cache=Path(_text(config, "Exchange", "cache", str(Path(jupyter_data_dir()) / "nbgrader_cache"))),
            with_course=bool(exchange.get("path_includes_course", False)),
            letterbox=letterbox if _LETTERBOX.fullmatch(letterbox) else "",
        )
