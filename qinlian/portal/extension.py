"""我的学习 in a Jupyter server: pages and endpoints below ``<base url>/qinlian/``.

Nothing here imports nbgrader: its own assignment list costs a learner's server 50 MB.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import FileFindHandler, JupyterHandler
from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import url_path_join
from tornado import web

from qinlian.errors import QinlianError
from qinlian.portal.desk import Desk
from qinlian.portal.page import CLOCK, STATIC, error_page, overview_data, overview_page
from qinlian.portal.port import Portal

__all__ = ["LAST_OPENED", "add_pages"]

LAST_OPENED = "qinlian_last_activity"
"""The web application's setting that says when somebody last opened a page of ours or a lesson."""

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)


class _Page(JupyterHandler):
    """What all our pages share. ``portal`` is where they get everything from."""

    def initialize(self, portal: Portal) -> None:
        self.portal = portal

    @property
    def base(self) -> str:
        return url_path_join(self.base_url, "qinlian/")

    def set_default_headers(self) -> None:
        super().set_default_headers()
        # What a learner has done stands on these pages: a shared browser must not keep them.
        self.set_header("Cache-Control", "no-store")

    @property
    def content_security_policy(self) -> str:
        return _POLICY

    def get_login_url(self) -> str:
        """Where to sign in. Raises HTTPError where there is no password to ask for: the address carries the token."""
        # Only Jupyter's own sign-in knows passwords; a Hub's sends the learner to the Hub.
        if getattr(self.identity_provider, "hashed_password", None) == "":
            raise web.HTTPError(403)
        return super().get_login_url()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """What goes wrong in a handler, as a page of ours."""
        if status_code == 403:
            self.finish(error_page("请用 ./run 打印的学员地址打开", self.base, title="还没有登录", button=""))
        elif status_code == 404:
            self.finish(error_page("地址可能写错了，或者已经改了", self.base, title="找不到这个页面"))
        else:
            self.finish(error_page("程序出了问题；请稍后再试，仍不行请联系老师", self.base))

    def opened(self) -> None:
        """Remember that somebody is here; what a page asks by itself is not counted."""
        self.settings[LAST_OPENED] = datetime.now(UTC)

    def say(self, error: QinlianError, **page: str) -> None:
        """Answer with a page that says what is wrong; ``page`` as for ``error_page``."""
        self.log.warning("我的学习：%s", error)
        self.set_status(503)
        self.finish(error_page(str(error), self.base, **page))


class _Home(_Page):
    @web.authenticated
    def get(self) -> None:
        self.opened()
        if self.get_query_argument("token", ""):
            # This answer carries the sign-in cookie: the password need not stay in the address bar and the history.
            self.redirect(self.base)
            return
        try:
            self.finish(overview_page(self.portal.overview(), self.base, xsrf=self.xsrf_token.decode()))
        except QinlianError as error:
            self.say(error, button="再试一次")


class _Modules(_Page):
    @web.authenticated
    def get(self) -> None:
        try:
            self.finish(overview_data(self.portal.overview()))
        except QinlianError as error:
            self.set_status(503)
            self.finish({"message": str(error)})


class _Open(_Page):
    @web.authenticated
    def get(self, module: str) -> None:
        self.opened()
        try:
            path = self.portal.open(module)
        except QinlianError as error:
            self.say(error)
            return
        view = "lab/tree" if self.get_query_argument("lab", "") else "notebooks"
        self.redirect(url_path_join(self.base_url, view, quote(path)))


class _Track(_Page):
    @web.authenticated
    def post(self) -> None:
        try:
            self.portal.choose_track(self.get_body_argument("track", ""))
        except QinlianError as error:
            self.say(error)
            return
        self.redirect(self.base)


class _Missing(_Page):
    @web.authenticated
    def get(self) -> None:
        raise web.HTTPError(404)


class _Health(JupyterHandler):
    @allow_unauthenticated
    def get(self) -> None:
        self.finish({"ok": True})


class _Static(FileFindHandler):
    @allow_unauthenticated
    async def get(self, path: str, include_body: bool = True) -> None:
        await super().get(path, include_body)


def add_pages(server: ServerApp) -> None:
    """Add 我的学习 to a running server; ``server.root_dir`` is the learner's home."""
    portal: dict[str, Any] = {"portal": Desk(Path(server.root_dir))}
    here = url_path_join(server.web_app.settings["base_url"], "qinlian")
    server.web_app.add_handlers(  # type: ignore[no-untyped-call]
        ".*$",
        [
            (here, web.RedirectHandler, {"url": f"{here}/"}),
            (f"{here}/", _Home, portal),
            (f"{here}/health", _Health),
            (f"{here}/api/modules", _Modules, portal),
            (f"{here}/track", _Track, portal),
            # Not below api/: for a server that has ended a Hub answers there with data, not with a way back in.
            (rf"{here}/open/([A-Za-z0-9_][A-Za-z0-9._-]*)", _Open, portal),
            (rf"{here}/static/(clock\.js)", _Static, {"path": [str(CLOCK.parent)], "no_cache_paths": ["/"]}),
            (rf"{here}/static/(.*)", _Static, {"path": [str(STATIC)], "no_cache_paths": ["/"]}),
            (f"{here}/.*", _Missing, portal),
        ],
    )
