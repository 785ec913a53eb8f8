"""What an OpenID provider says of itself and of a person, believed only as far as its signature reaches."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import jwt

__all__ = ["Provider", "UnverifiedError", "nonce_of", "safe_address", "verified"]

# None with a shared secret, and above all not "none".
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
_LEEWAY = 60


class UnverifiedError(Exception):
    """A statement that cannot be believed; the text is for the log."""


@dataclass(frozen=True)
class Provider:
    """What discovery gives: the issuer and its addresses."""

    issuer: str
    authorize_url: str
    token_url: str
    userdata_url: str
    keys_url: str

    @classmethod
    def read(cls, said: Any, issuer: str) -> Provider:
        """From the discovery document of ``issuer``. Raises UnverifiedError for one that is not about it."""
        if not isinstance(said, dict) or said.get("issuer") != issuer:
            raise UnverifiedError(f"the discovery document is not that of {issuer}")
        names = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
        found = [str(said.get(name) or "") for name in names]
        for name, address in zip(names, found, strict=True):
            if not safe_address(address) and (address or name != "userinfo_endpoint"):
                raise UnverifiedError(f"{name} of {issuer} is missing or not https")
        return cls(issuer, *found)


def safe_address(address: str) -> bool:
    """Whether what is sent there can be read by nobody else: https, or this machine itself."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost"))


def nonce_of(code_verifier: str) -> str:
    """The nonce that belongs to a PKCE verifier: whoever has the verifier's cookie, and nobody else, knows it."""
    digest = hashlib.sha256(b"qinlian-nonce\0" + code_verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def verified(
    id_token: str, keys: Sequence[Mapping[str, Any]], issuer: str, client_id: str, nonce: str
) -> dict[str, Any]:
    """The claims of an id_token, as OpenID Connect Core 3.1.3.7 asks; ``keys`` are the provider's own.

    Raises UnverifiedError."""
    try:
        header = jwt.get_unverified_header(id_token)
        key = _key(keys, header.get("kid"), str(header.get("alg")))
        claims: dict[str, Any] = jwt.decode(
            id_token,
            key,
            algorithms=[key.algorithm_name],
            audience=client_id,
            issuer=issuer,
            leeway=_LEEWAY,
            options={"require": ["iss", "sub", "aud", "exp", "iat", "nonce"]},
        )
    except jwt.PyJWTError as error:
        raise UnverifiedError(f"id_token: {error}") from error
    if not hmac.compare_digest(str(claims["nonce"]).encode(), nonce.encode()):
        raise UnverifiedError("id_token: the nonce is not ours")
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else client_id) != client_id:
        raise UnverifiedError("id_token: made for another application")
    return claims


def _key(keys: Sequence[Mapping[str, Any]], kid: str | None, algorithm: str) -> jwt.PyJWK:
    if algorithm not in _ALGORITHMS:
        raise UnverifiedError(f"id_token: signed with {algorithm}")
    for key in keys:
        # A token that names no key is served by the only one.
        named = key.get("kid") == kid if kid is not None else len(keys) == 1
        if named and key.get("use", "sig") == "sig" and key.get("alg", algorithm) == algorithm:
            return jwt.PyJWK(dict(key), algorithm=algorithm)
    raise UnverifiedError("id_token: signed with a key that the provider does not publish")
