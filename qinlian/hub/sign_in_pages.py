"""The pages of signing in and of changing one's password."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from jupyterhub.handlers import BaseHandler
from jupyterhub.handlers.login import LoginHandler
from tornado import web
from tornado.httputil import HTTPServerRequest, url_concat

from qinlian.hub.sessions import end_sessions
from qinlian.hub.sign_in_desk import Refusal, account_typed

__all__ = ["ChangePasswordHandler", "SignInHandler", "visitor_address"]

_DEVICE = "qinlian-device"
_DEVICE_DAYS = 180
_FIELDS = {"number": 64, "password": 1000, "again": 1000, "old": 1000, "code": 64, "step": 16}


def visitor_address(request: HTTPServerRequest, proxies: int) -> str:
    """The address that the outermost of our ``proxies`` saw, an IPv6 network of 64 bits counting as one.

    tornado's own ``remote_ip`` believes an ``X-Real-Ip`` that anybody can send.
    """
    peer = getattr(getattr(request.connection, "context", None), "address", None)
    found = peer[0] if isinstance(peer, tuple) else "127.0.0.1"
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",")]
    if 0 < proxies <= len(hops):
        found = hops[-proxies] or found
    try:
        address = ip_address(found.partition("%")[0])
    except ValueError:
        return "?"
    if isinstance(address, IPv6Address):
        return str(address.ipv4_mapped or ip_network((address, 64), strict=False))
    return str(address)


class _SignInPage:
    """What both pages share, over a handler of JupyterHub's: who is asking, and how a refusal is told."""

    request: HTTPServerRequest
    refusal: Refusal | None = None
    settings: dict[str, Any]

    def set_default_headers(self) -> None:
        super().set_default_headers()  # type: ignore[misc]
        self.set_header("Cache-Control", "no-store")  # type: ignore[attr-defined]

    @property
    def address(self) -> str:
        """Where the request comes from."""
        return visitor_address(self.request, self.authenticator.proxies)  # type: ignore[attr-defined]

    @property
    def device(self) -> str:
        """The mark of this browser, made at the first use of it."""
        if not hasattr(self, "_device"):
            kept = self.get_cookie(_DEVICE, "")  # type: ignore[attr-defined]
            self._device = kept if re.fullmatch("[0-9a-f]{32}", kept) else secrets.token_hex(16)
        return self._device

    def know_device(self) -> None:
        """Let the browser keep its mark."""
        self._set_cookie(  # type: ignore[attr-defined]
            _DEVICE,
            self.device,
            encrypted=False,
            path=self.hub.base_url,  # type: ignore[attr-defined]
            expires_days=_DEVICE_DAYS,
            samesite="Lax",
        )

    def fields(self) -> dict[str, str]:
        """What the form sent, each field once and no longer than it can be."""
        found = {}
        for name, most in _FIELDS.items():
            value = self.get_body_argument(name, "", strip=name == "number")  # type: ignore[attr-defined]
            found[name] = value[:most]
        return found

    def told(self) -> dict[str, Any]:
        """The refusal, as the templates take it; sets the answer's status."""
        refusal = self.refusal or Refusal("没有登录成功，请再试一次")
        self.set_status(refusal.status)  # type: ignore[attr-defined]
        said: dict[str, Any] = {"login_error": refusal.text, "wait": refusal.wait}
        if refusal.wait:
            self.set_header("Retry-After", str(refusal.wait))  # type: ignore[attr-defined]
            said["retry_at"] = (datetime.now(UTC) + timedelta(seconds=refusal.wait)).isoformat()
        return said

    @property
    def form_targets(self) -> str:
        """Where the answer to a form may send the browser besides this host: servers with hosts of their own."""
        parts = urlsplit(self.settings.get("subdomain_host") or "")
        return f" {parts.scheme}://{parts.netloc} {parts.scheme}://*.{parts.netloc}" if parts.netloc else ""


class SignInHandler(_SignInPage, LoginHandler):  # type: ignore[misc]
    """工号 and password, or a one-time code and a first password."""

    def check_xsrf_cookie(self) -> None:
        """As JupyterHub's, told in Chinese."""
        try:
            BaseHandler.check_xsrf_cookie(self)
        except web.HTTPError as error:
            self.log.warning("Sign-in without a valid xsrf token: %s", error)
            raise web.HTTPError(403, "登录页放得太久了，请再填一次") from error

    def append_query_parameters(self, url: str, exclude: list[str] | None = None) -> str:
        """Nothing: what this page was asked for is no concern of the page after it."""
        return url

    def _validate_next_url(self, next_url: str) -> str:
        # Browsers leave control characters out of an address, so that one may turn into another.
        if re.search(r"[\x00-\x20\x7f\\]", next_url):
            return ""
        return str(super()._validate_next_url(next_url))

    def _render(self, login_error: str | None = None, username: str | None = None, **kwargs: Any) -> Any:
        first = kwargs.pop("first", None)
        if first is None:
            first = self.get_argument("first", "") == "1" or self.get_body_argument("step", "") == "first"
        other = {"next": self.get_argument("next", "")} | ({} if first else {"first": "1"})
        kwargs |= {
            "first": first,
            "other_url": url_concat(self.settings["login_url"], {k: v for k, v in other.items() if v}),
            "form_targets": self.form_targets,
        }
        return super()._render(login_error=login_error, username=(username or "")[: _FIELDS["number"]], **kwargs)

    async def post(self) -> None:
        """Sign in and go on to where the visitor was going, or say why not."""
        fields = self.fields()
        # JupyterHub logs the user name of a failed sign-in, and people type passwords where a number is asked for.
        user = await self.login_user({**fields, "username": account_typed(fields["number"]) or "what is no number"})
        if user:
            self.know_device()
            self._jupyterhub_user = user
            self.redirect(self.get_next_url(user))
            return
        said = self.told()
        self.finish(await self._render(username=fields["number"], first=fields["step"] == "first", **said))


class ChangePasswordHandler(_SignInPage, BaseHandler):  # type: ignore[misc]
    """A new password in the place of the old one, which ends what is open elsewhere."""

    @web.authenticated
    async def get(self) -> None:
        """The form."""
        await self._show()

    @web.authenticated
    async def post(self) -> None:
        """Change it, or say why not."""
        fields, user, authenticator = self.fields(), self.current_user, self.authenticator
        typed = fields["old"], fields["password"], fields["again"]
        try:
            await authenticator.aside(lambda: authenticator.desk.change(user.name, *typed, self.address, self.device))
        except Refusal as refusal:
            self.refusal = refusal
            authenticator.note(user.name, refusal)
            await self._show(**self.told())
            return
        end_sessions(self.db, user.orm_user, keep=self.get_session_cookie() or "")
        self.set_hub_cookie(user)
        self.know_device()
        await self._show(done=True)

    async def _show(self, **said: Any) -> None:
        number = self.current_user.name.removeprefix("ql")
        page = await self.render_template("change-password.html", number=number, form_targets=self.form_targets, **said)
        self.finish(page)
