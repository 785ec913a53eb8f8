"""What a learner's server leaves out of memory: that it is out, and that what remains works as it did."""

from __future__ import annotations

import subprocess
import sys

import jupyterhub
import pytest

from qinlian.portal.left_out import TESTED

pytestmark = pytest.mark.slow

_SCOPES = """
from jupyterhub.scopes import _intersect_expanded_scopes as both
from jupyterhub.services.auth import HubOAuth
mine = {"access:servers!server=a/", "read:users:name!user=a", "access:services"}
for asked in ("access:servers", "access:servers!server=b/", "access:servers!user=a", "access:services!service=x"):
    print(sorted(both(mine, {asked})))
print(HubOAuth().check_scopes({"access:servers!server=a/"}, {"scopes": sorted(mine)}))
print(HubOAuth().check_scopes({"access:servers!server=b/"}, {"scopes": sorted(mine)}))
"""


def run(code: str, *, lean: bool = True) -> str:
    start = "from qinlian.portal.left_out import stand_in_for_the_hubs_own as leave_out\nassert leave_out()\n"
    command = [sys.executable, "-c", (start if lean else "") + code]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_it_was_tried_with_the_jupyterhub_that_is_installed() -> None:
    assert jupyterhub.__version__ in TESTED


def test_the_hubs_database_and_pages_stay_out_of_memory() -> None:
    found = run(
        "import sys\nimport jupyterhub.singleuser.extension, notebook.app\n"
        "print(*sorted(n for n, m in sys.modules.items() if m is not None and getattr(m, '__file__', None)))"
    ).split()
    heads = {name.split(".")[0] for name in found}
    assert not heads & {"sqlalchemy", "alembic", "mako", "requests", "websocket", "aiodns", "rfc3987_syntax", "lark"}
    assert "jupyterhub.handlers" not in found
    assert {"jupyterhub.services.auth", "jupyter_server.serverapp", "notebook.app"} <= set(found)


def test_who_may_come_in_is_decided_as_before() -> None:
    assert run(_SCOPES) == run(_SCOPES, lean=False)


def test_whoever_does_need_what_was_left_out_is_told_so_and_gets_nothing_wrong() -> None:
    code = (
        "import jupyterhub.scopes as scopes\n"
        "for reach in (lambda: scopes.orm.User, lambda: scopes.roles.get_roles_for):\n"
        "    try:\n        reach()\n    except AttributeError as error:\n        print(error)\n"
        "try:\n    import sqlalchemy.orm\nexcept ImportError:\n    print('no module')\n"
    )
    assert run(code).splitlines() == [
        "module 'jupyterhub.orm' has no attribute 'User'",
        "module 'jupyterhub.roles' has no attribute 'get_roles_for'",
        "no module",
    ]


def test_with_an_untried_jupyterhub_everything_stays_in() -> None:
    code = (
        "import sys, jupyterhub._version\njupyterhub._version.__version__ = '99.0'\n"
        "from qinlian.portal.left_out import stand_in_for_the_hubs_own as leave_out\n"
        "print(leave_out())\nimport jupyterhub.scopes\nprint(hasattr(jupyterhub.scopes.orm, 'User'))"
    )
    assert run(code, lean=False).split() == ["False", "True"]


def test_a_request_is_logged_without_its_token() -> None:
    code = (
        "import logging, sys\nlogging.basicConfig(stream=sys.stdout, level=logging.INFO, format='%(message)s')\n"
        "from tornado import httputil, web\nfrom jupyterhub.log import log_request\n"
        "class Connection:\n    no_keep_alive = False\n    set_close_callback = lambda *a: None\n"
        "request = httputil.HTTPServerRequest('GET', '/x?token=geheim&a=1', connection=Connection())\n"
        "handler = web.RequestHandler(web.Application(), request)\nhandler.set_status(404)\nlog_request(handler)\n"
    )
    said = run(code)
    assert "404 GET /x?token=[secret]&a=1" in said
    assert "geheim" not in said
