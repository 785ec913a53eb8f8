"""What the handlers share: who is looking, from the Hub and the roster; how things that go wrong are said."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable
from typing import Any

from jupyterhub.services.auth import HubOAuth, HubOAuthCallbackHandler, HubOAuthenticated, UserNotAllowed
from jupyterhub.utils import url_path_join
from sqlalchemy.exc import DBAPIError
from tornado.web import HTTPError, RequestHandler

from qinlian.errors import QinlianError
from qinlian.staff.office import Office
from qinlian.staff.page import Frame, message_page, render
from qinlian.staff.viewer import Viewer

__all__ = ["Callback", "Missing", "StaffPage", "log"]

log = logging.getLogger("qinlian.staff")
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_SAID = "staff-said"


class _Words(RequestHandler):
    """Errors as pages of ours, whatever raised them; nothing of a cause ever stands in them."""

    hub_auth: HubOAuth
    viewer: Viewer | None = None
    course_title = "勤廉学堂"

    def set_default_headers(self) -> None:
        self.set_header("Content-Security-Policy", _POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "same-origin")
        # What learners have done stands on these pages: a shared browser must not keep them.
        self.set_header("Cache-Control", "no-store")
        # A learner's server may send any page, and without a domain of its own from our very origin. Such a page
        # must not hold a window of ours, whose text and tokens it could read.
        self.set_header("Cross-Origin-Opener-Policy", "noopener-allow-popups")

    def frame(self, **more: Any) -> Frame:
        """What all pages share."""
        hub = self.hub_auth.hub_host + self.hub_auth.hub_prefix
        return Frame(self.hub_auth.base_url, hub, self.course_title, self.viewer, **more)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """What went wrong in a handler, as a page of ours."""
        reason = kwargs.get("exc_info", (None, None, None))[1]
        title, message = "暂时打不开", "程序出了问题；请稍后再试，仍不行请联系管理员"
        button = "再试一次"
        if isinstance(reason, QinlianError):
            message = str(reason)
        elif isinstance(reason, DBAPIError):
            message = "成绩册暂时连不上；请过一会儿再试，仍不行请联系管理员"
        elif status_code in (502, 503, 504):
            message = "登录服务暂时没有响应；请过一分钟再试，仍不行请联系管理员"
        elif status_code == 404:
            title, message, button = "找不到这个页面", "地址可能写错了，或者已经改了", "回到首页"
        elif status_code == 403:
            title, message = "不能这样做", "页面可能开得太久了；请重新打开页面再试"
        elif status_code == 405:
            title, message, button = "不能这样打开", "请从页面上的按钮进来", "回到首页"
        elif status_code < 500:
            title, message = "没有看懂", "请回到页面上再试一次"
        self.finish(message_page(self.frame(), title, message, button=button))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Keep what learners wrote out of the log: of a database's error only its kind."""
        if isinstance(value, DBAPIError):
            log.error("%s %s：成绩册出错（%s）", self.request.method, self.request.path, type(value).__name__)
        elif isinstance(value, QinlianError):
            log.warning("%s %s：%s", self.request.method, self.request.path, value)
        else:
            super().log_exception(typ, value, tb)


class StaffPage(HubOAuthenticated, _Words):  # type: ignore[misc]
    """A page for a 教师 or 管理员. ``viewer`` is who the roster says they are, asked at every request."""

    def initialize(self, office: Office, hub: HubOAuth) -> None:
        """Tornado's: ``office`` is where everything comes from, ``hub`` tells who somebody is."""
        self.office, self.hub_auth = office, hub

    @property
    def me(self) -> Viewer:
        """Who is looking; only asked once they are known."""
        assert self.viewer is not None
        return self.viewer

    async def prepare(self) -> None:
        """Let in who may come in; everybody else gets a page that says why not."""
        if not self._is_visit():
            self.refuse("不能这样打开", "这些页面只能从浏览器的地址栏或页面上的链接打开", button="打开首页")
            return
        self.course_title = (await self.office.plan()).course_title
        model = await self.hub_auth.get_user(self, sync=False)
        if model is None:
            self._sign_in()
            return
        try:
            self.check_hub_user(model)
            # A service of the Hub may carry any name, also a person's.
            allowed = model.get("kind") == "user"
        except UserNotAllowed:
            allowed = False
        self.current_user = model
        self.viewer = await self.office.viewer(str(model["name"])) if allowed else None
        if self.viewer is None:
            self.refuse(
                "这里是教师的页面",
                "您的账号在名单里不是教师或管理员，或者已经停用；学员请回到“我的学习”，弄错了请联系管理员",
                button="回到学习的首页",
                target=self.hub_auth.hub_host + self.hub_auth.hub_prefix,
            )

    def _is_visit(self) -> bool:
        """True when a person goes to the page; False when a script or another page fetches it, where browsers tell."""
        # JupyterHub lets a page of our origin fetch "no-cors", for pictures; it could then read the answer.
        sent = self.request.headers
        return (sent.get("Sec-Fetch-Mode", "navigate"), sent.get("Sec-Fetch-Dest", "document")) == (
            "navigate",
            "document",
        )

    def _sign_in(self) -> None:
        if self.request.method in ("GET", "HEAD"):
            self.redirect(self.get_login_url())
        else:
            self.refuse("登录已经过期", "刚才的操作没有做；请重新打开页面再试", button="重新打开")

    def refuse(self, title: str, message: str, **page: str) -> None:
        """Answer 403 with a page that says why."""
        self.set_status(403)
        self.finish(message_page(self.frame(), title, message, **page))

    def show(self, name: str, title: str, room: str = "", **values: Any) -> None:
        """Answer with a page, and with what the last action has to say."""
        said, failed = self._last_words()
        frame = self.frame(xsrf=self.xsrf_token.decode(), said=said, failed=failed)
        self.finish(render(name, frame, title, room, **values))

    def unknown(self) -> None:
        """The same answer for what does not exist and for what is not theirs to see."""
        self.set_status(404)
        text = "没有这个单位或模块，或者不在您能看的范围里"
        self.finish(message_page(self.frame(), "找不到", text))

    async def act(self, room: str, work: Awaitable[str], again: str = "") -> None:
        """Do something, then show the room with what came of it; where it was not done, ``again`` instead."""
        try:
            said, failed = await work, False
        except QinlianError as error:
            said, failed = str(error), True
        log.info("%s %s：%s", self.me.account, self.request.path, said)
        text = json.dumps([said, failed])
        self.set_secure_cookie(_SAID, text, expires_days=None, path=self.base, httponly=True, samesite="Lax")
        self.redirect(url_path_join(self.base, (again if failed else "") or room))

    def _last_words(self) -> tuple[str, bool]:
        kept = self.get_secure_cookie(_SAID, max_age_days=1)
        if kept is None:
            return "", False
        self.clear_cookie(_SAID, path=self.base)
        said, failed = json.loads(kept)
        return str(said), bool(failed)

    @property
    def base(self) -> str:
        """The address of our pages, ending in a slash."""
        return str(self.hub_auth.base_url)

    def word(self, name: str) -> str:
        """An argument of the address, short: longer than anything that can be asked for, it is nothing."""
        value = str(self.get_query_argument(name, ""))
        return value if len(value) <= 300 and value.isprintable() else ""

    def count(self, name: str) -> int:
        """A number from 1 in the address; 1 when there is none."""
        text = self.word(name)
        return max(1, int(text)) if text.isascii() and text.isdecimal() and len(text) < 8 else 1


class Callback(HubOAuthCallbackHandler, _Words):  # type: ignore[misc]
    """Where the Hub sends somebody who signed in."""

    def initialize(self, hub: HubOAuth) -> None:
        """As above."""
        self.hub_auth = hub

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Most often a page that was open for long, or two tabs that signed in at once."""
        if status_code in (400, 403):
            text = "登录没有接上，可能是页面开得太久了"
            self.finish(message_page(self.frame(), "请再登录一次", text, button="重新打开"))
        else:
            super().write_error(status_code, **kwargs)


class Missing(StaffPage):
    """Any other address."""

    async def get(self) -> None:
        """There is nothing here."""
        raise HTTPError(404)
