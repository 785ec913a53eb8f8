"""Signing in with the institution's own account, by OpenID Connect.

GenericOAuthenticator protects the way with ``state`` and PKCE and asks the provider over TLS who somebody is; it
neither sends a nonce nor looks at the id_token. ``QinlianSingleSignOn`` does: it finds the provider's addresses and
keys by discovery, checks signature, issuer, audience, time and nonce of the id_token, and that what the provider
says of the person is said of the same person. One claim of it is the 工号; the roster decides from there.
"""

from __future__ import annotations

import time
from typing import Any

from jupyterhub.handlers import BaseHandler
from oauthenticator.generic import GenericOAuthenticator
from oauthenticator.oauth2 import OAuthCallbackHandler, OAuthLoginHandler
from tornado import web
from tornado.httpclient import HTTPClientError
from traitlets import Bool, Unicode, default, validate

from qinlian.hub.gate import RosterGate
from qinlian.hub.id_token import Provider, UnverifiedError, nonce_of, safe_address, verified
from qinlian.hub.pages import page_handlers
from qinlian.hub.sign_in_desk import account_typed

__all__ = ["QinlianSingleSignOn"]

_AGAIN = "单位统一登录没有完成，请重新登录；仍不行请联系管理员"
_CANCELLED = "您在单位的登录页上取消了登录，需要时请重新登录"
_UNREACHABLE = "单位的统一登录暂时连不上，请过几分钟再试；仍不行请联系管理员"
_NO_NUMBER = "单位账号里没有可用的工号，不能登录。请联系管理员核对统一登录的设置"
_CLAIMS = "qinlian_claims"
_KEYS_KEPT = 3600.0
_KEYS_LEAST = 30.0


class _LoginHandler(OAuthLoginHandler):  # type: ignore[misc]
    """Sends the browser to the provider, with a nonce that belongs to its PKCE verifier."""

    _nonce = ""

    def _generate_pkce_params(self) -> tuple[str, str]:
        verifier, challenge = super()._generate_pkce_params()
        self._nonce = nonce_of(verifier)
        return verifier, challenge

    def _get_next_url(self) -> str | None:
        return BaseHandler._validate_next_url(self, self.get_argument("next", "")) or None

    def authorize_redirect(self, *args: Any, **kwargs: Any) -> None:
        kwargs["extra_params"]["nonce"] = self._nonce
        super().authorize_redirect(*args, **kwargs)

    async def get(self) -> None:
        """Find the provider, then go there."""
        try:
            await self.authenticator.discover()
        except (HTTPClientError, OSError, ValueError, UnverifiedError) as error:
            self.log.error("Single sign-on: the provider cannot be found: %s", error)
            raise web.HTTPError(503, _UNREACHABLE) from error
        super().get()


class _CallbackHandler(OAuthCallbackHandler):  # type: ignore[misc]
    """Where the provider sends the browser back; whatever goes wrong is told in Chinese, and nobody is let in."""

    async def get(self) -> None:
        """Check everything and sign in."""
        if self.get_argument("error", "") == "access_denied":
            raise web.HTTPError(403, _CANCELLED)
        try:
            await super().get()
        except web.HTTPError as error:
            if error.status_code < 500 and error.log_message and "一" <= error.log_message[0] <= "鿿":
                raise
            self.log.warning("Single sign-on refused: %s", error)
            raise web.HTTPError(error.status_code if error.status_code == 503 else 403, _said(error)) from error
        except HTTPClientError as error:
            self.log.warning("Single sign-on: the provider answered %s", error)
            refused = 400 <= error.code < 500
            raise web.HTTPError(403 if refused else 503, _AGAIN if refused else _UNREACHABLE) from error
        except OSError as error:
            self.log.error("Single sign-on: the provider cannot be reached: %s", error)
            raise web.HTTPError(503, _UNREACHABLE) from error
        except (AttributeError, KeyError, TypeError, ValueError, UnverifiedError) as error:
            # A state that is no state, an answer that is no answer.
            self.log.warning("Single sign-on refused: %s: %s", type(error).__name__, error)
            raise web.HTTPError(403, _AGAIN) from error


def _said(error: web.HTTPError) -> str:
    text = error.log_message or ""
    return text if "一" <= text[:1] <= "鿿" else _AGAIN


class QinlianSingleSignOn(RosterGate, GenericOAuthenticator):  # type: ignore[misc]
    """People of the roster, by the institution's OpenID provider.

    ``username_claim`` names the claim that holds the 工号.
    """

    issuer = Unicode(config=True, help="The provider's issuer, an https address exactly as the provider gives it")
    enable_pkce = Bool(True, help="Always on: the nonce hangs on it")

    login_handler = _LoginHandler
    callback_handler = _CallbackHandler

    @default("login_service")
    def _login_service(self) -> str:
        return "用单位账号登录"

    @default("username_claim")
    def _username_claim(self) -> str:
        return "preferred_username"

    @default("scope")
    def _scope(self) -> list[str]:
        return ["openid", "profile"]

    @default("custom_403_message")
    def _custom_403_message(self) -> str:
        return _AGAIN

    @validate("issuer")
    def _issuer(self, proposal: Any) -> str:
        if not safe_address(proposal.value):
            raise ValueError("QinlianSingleSignOn.issuer 必须是 https 开头的地址")
        return str(proposal.value)

    @validate("scope")
    def _with_openid(self, proposal: Any) -> list[str]:
        return list(dict.fromkeys(["openid", *proposal.value]))

    _provider: Provider | None = None
    _keys: tuple[dict[str, Any], ...] = ()
    _keys_at = float("-inf")

    async def discover(self) -> Provider:
        """The provider's addresses, asked for once. Raises UnverifiedError, OSError or HTTPClientError."""
        if self._provider is None:
            where = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
            provider = Provider.read(await self._get(where), self.issuer)
            self.authorize_url, self.token_url = provider.authorize_url, provider.token_url
            self.userdata_url = provider.userdata_url
            self._provider = provider
        return self._provider

    async def get_token_info(self, handler: Any, params: dict[str, Any]) -> dict[str, Any]:
        """Exchange the code for tokens, and believe the id_token only when it is verified."""
        provider = await self.discover()
        tokens: dict[str, Any] = await super().get_token_info(handler, params)
        id_token, nonce = str(tokens.get("id_token") or ""), nonce_of(str(params["code_verifier"]))
        try:
            claims = verified(id_token, await self._signing_keys(provider), self.issuer, self.client_id, nonce)
        except UnverifiedError:
            # The provider may have changed its keys a moment ago.
            keys = await self._signing_keys(provider, fresh=True)
            claims = verified(id_token, keys, self.issuer, self.client_id, nonce)
        return {**tokens, _CLAIMS: claims}

    async def token_to_user(self, token_info: dict[str, Any]) -> dict[str, Any]:
        """What the id_token and the provider's userinfo say of one and the same person."""
        claims: dict[str, Any] = token_info[_CLAIMS]
        if not self.userdata_url:
            return claims
        said = await super().token_to_user(token_info)
        if not isinstance(said, dict) or said.get("sub") != claims["sub"]:
            raise UnverifiedError("userinfo is not about the person of the id_token")
        return {**claims, **said}

    def user_info_to_username(self, user_info: dict[str, Any]) -> str:
        """The account of the 工号 in the claim. Raises HTTPError when there is none."""
        claim = self.username_claim
        number = claim(user_info) if callable(claim) else user_info.get(claim)
        account = account_typed(str(number)) if isinstance(number, str | int) else None
        if account is None:
            self.log.error("Single sign-on: the claim %s holds no number", claim)
            raise web.HTTPError(403, _NO_NUMBER)
        return account

    def get_handlers(self, app: Any) -> list[tuple[Any, ...]]:
        """Those of OAuthenticator, and the pages' files."""
        return [*super().get_handlers(app), *page_handlers()]

    async def _signing_keys(self, provider: Provider, fresh: bool = False) -> tuple[dict[str, Any], ...]:
        age = time.monotonic() - self._keys_at
        if age > (_KEYS_LEAST if fresh else _KEYS_KEPT):
            said = await self._get(provider.keys_url)
            found = said.get("keys") if isinstance(said, dict) else None
            self._keys = tuple(key for key in found or () if isinstance(key, dict))
            self._keys_at = time.monotonic()
        return self._keys

    async def _get(self, address: str) -> Any:
        return await self.httpfetch(
            address, "single sign-on", method="GET", validate_cert=self.validate_server_cert, request_timeout=10
        )
