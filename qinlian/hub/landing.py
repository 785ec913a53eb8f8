"""Where people land once they are signed in: learners on 我的学习, instructors on their pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jupyterhub.utils import url_path_join

__all__ = ["landing"]


def landing(instructors: str) -> Callable[[Any], str]:
    """What ``JupyterHub.default_url`` takes; ``instructors`` is the name of their group."""

    def page(handler: Any) -> str:
        user = handler.current_user
        if user is not None and instructors in {group.name for group in user.groups}:
            return str(url_path_join(handler.base_url, "services", "staff/"))
        # Nothing said: JupyterHub sends a learner to their own server, and starts it on the way.
        return ""

    return page
