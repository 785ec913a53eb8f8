"""What a learner's server on a Hub leaves out of its memory: libraries that are imported there and never used.

Two thirds of what ``jupyterhub-singleuser`` imports serves somebody else: the Hub's database, the checking of
addresses in JSON schemas, the debugger of a gateway. Nothing is patched: a library that others do without when it
is not installed is hidden, and one that they import and never call in a learner's server is stood in for by a
module that holds the few names asked for on import and refuses every other.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

__all__ = ["TESTED", "hide", "stand_in", "stand_in_for_the_hubs_own"]

TESTED = ("6.1.1",)
"""Versions of JupyterHub that the stand-ins were tried with; with another nothing is stood in for."""

_SCHEMA_FORMATS = ("fqdn", "isoduration", "jsonpointer", "rfc3987", "rfc3987_syntax", "uri_template", "webcolors")
_RESOLVERS = ("aiodns",)
_HIDDEN = _SCHEMA_FORMATS + _RESOLVERS


class _StandIn(ModuleType):
    """A module that has the names it was given, and no other."""

    def __init__(self, name: str, names: dict[str, Any]) -> None:
        super().__init__(name, "Left out of a learner's server, see qinlian.portal.left_out.")
        self.__path__: list[str] = []
        vars(self).update(names)


def stand_in(name: str, **names: Any) -> None:
    """Let ``import name`` find a module that holds only ``names``; what is imported already stays."""
    if name in sys.modules:
        return
    module = _StandIn(name, names)
    sys.modules[name] = module
    parent, _, last = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], last, module)


def hide(*names: str) -> None:
    """Let ``import name`` say that it is not installed; what is imported already stays."""
    for name in names:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]


def stand_in_for_the_hubs_own() -> bool:
    """Leave out what only the Hub itself needs; call it before anything of JupyterHub's single-user server.

    Returns False, and leaves everything in, when this version of JupyterHub is not one of ``TESTED``.
    """
    hide(*_HIDDEN)
    from jupyterhub._version import __version__

    if __version__ not in TESTED:
        return False

    def log_request(handler: Any) -> None:
        # Jupyter's own leaves out tokens as the Hub's does.
        from jupyter_server.log import log_request

        log_request(handler, record_prometheus_metrics=False)

    # The Hub's database: scopes.py and utils.py import it for functions that only the Hub calls.
    stand_in("sqlalchemy")
    stand_in("sqlalchemy.exc", SQLAlchemyError=type("SQLAlchemyError", (Exception,), {}))
    stand_in("jupyterhub.orm")
    stand_in("jupyterhub.roles")
    # The Hub's pages, which its log imports to be silent about one of them.
    stand_in("jupyterhub.log", log_request=log_request)
    # For lists of forbidden extensions, and for kernels behind a gateway: a learner's server has neither.
    stand_in("requests")
    stand_in("websocket")
    return True
