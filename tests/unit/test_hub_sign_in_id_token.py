"""What is believed of an OpenID provider: what it signed, for us, now, in answer to our own question."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from qinlian.hub.id_token import Provider, UnverifiedError, nonce_of, safe_address, verified

ISSUER, CLIENT, VERIFIER = "https://sso.example.test", "qinlian", "v" * 43
RSA, STRANGER, CURVE = (
    rsa.generate_private_key(public_exponent=65537, key_size=2048),
    rsa.generate_private_key(public_exponent=65537, key_size=2048),
    ec.generate_private_key(ec.SECP256R1()),
)


def jwk(key: Any, kid: str, **more: str) -> dict[str, Any]:
    kind = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    return {**json.loads(kind.to_jwk(key.public_key())), "kid": kid, **more}


KEYS = [jwk(RSA, "rsa", alg="RS256", use="sig"), jwk(CURVE, "curve")]


def claims(**changed: Any) -> dict[str, Any]:
    now = int(time.time())
    said = {"iss": ISSUER, "sub": "s-1", "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce_of(VERIFIER)}
    return {name: value for name, value in {**said, **changed}.items() if value is not None}


def token(key: Any = RSA, algorithm: str = "RS256", kid: str | None = "rsa", **changed: Any) -> str:
    return jwt.encode(claims(**changed), key, algorithm=algorithm, headers={"kid": kid} if kid else {})


def check(text: str, keys: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return verified(text, KEYS if keys is None else keys, ISSUER, CLIENT, nonce_of(VERIFIER))


def test_a_token_as_it_should_be_is_believed():
    assert check(token())["sub"] == "s-1"
    assert check(token(CURVE, "ES256", "curve"))["sub"] == "s-1"
    assert check(token(aud=[CLIENT, "another"], azp=CLIENT))["sub"] == "s-1"


def test_a_token_that_names_no_key_is_served_by_the_only_one():
    assert check(token(kid=None), KEYS[:1])["sub"] == "s-1"
    with pytest.raises(UnverifiedError):
        check(token(kid=None))


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://sso.example.test.evil"},
        {"iss": None},
        {"aud": "another"},
        {"aud": None},
        {"aud": [CLIENT, "another"]},
        {"aud": [CLIENT, "another"], "azp": "another"},
        {"azp": "another"},
        {"exp": int(time.time()) - 120},
        {"exp": None},
        {"iat": None},
        {"iat": int(time.time()) + 3600},
        {"nbf": int(time.time()) + 3600},
        {"sub": None},
        {"nonce": "another"},
        {"nonce": None},
        {"nonce": nonce_of("w" * 43)},
    ],
    ids=",".join,
)
def test_a_token_of_somebody_else_for_somebody_else_or_of_another_time_is_refused(changed: dict[str, Any]):
    with pytest.raises(UnverifiedError):
        check(token(**changed))


def test_a_token_that_another_key_signed_is_refused():
    with pytest.raises(UnverifiedError, match="Signature"):
        check(token(STRANGER))
    with pytest.raises(UnverifiedError, match="does not publish"):
        check(token(kid="unknown"))


def test_a_token_without_a_signature_or_signed_with_a_public_key_as_secret_is_refused():
    with pytest.raises(UnverifiedError, match="signed with none"):
        check(jwt.encode(claims(), None, algorithm="none", headers={"kid": "rsa"}))
    # PyJWT refuses to make such a token, so it is made by hand.
    body = token().split(".")[1]
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"rsa"}').decode().rstrip("=")
    secret = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    mark = base64.urlsafe_b64encode(hmac.digest(secret, f"{head}.{body}".encode(), "sha256")).decode().rstrip("=")
    with pytest.raises(UnverifiedError, match="signed with HS256"):
        check(f"{head}.{body}.{mark}")


def test_a_key_signs_with_its_own_algorithm_alone():
    with pytest.raises(UnverifiedError):
        check(token(algorithm="RS512"))
    with pytest.raises(UnverifiedError):
        check(token(), [jwk(RSA, "rsa", use="enc")])
    with pytest.raises(UnverifiedError):
        check(token(), [{"kid": "rsa", "kty": "EC", "crv": "P-256"}])


@pytest.mark.parametrize("text", ["", "a.b.c", "no token", "e30.e30.", "🎋"])
def test_what_is_no_token_is_refused(text: str):
    with pytest.raises(UnverifiedError):
        check(text)


def test_the_nonce_belongs_to_the_verifier_and_does_not_give_it_away():
    assert nonce_of("a" * 43) != nonce_of("b" * 43)
    assert VERIFIER not in nonce_of(VERIFIER)
    assert len(nonce_of(VERIFIER)) == 43


DISCOVERY = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/auth",
    "token_endpoint": f"{ISSUER}/token",
    "userinfo_endpoint": f"{ISSUER}/me",
    "jwks_uri": f"{ISSUER}/jwks",
}


def test_discovery_gives_the_addresses():
    assert Provider.read(DISCOVERY, ISSUER).token_url == f"{ISSUER}/token"
    without = {name: value for name, value in DISCOVERY.items() if name != "userinfo_endpoint"}
    assert Provider.read(without, ISSUER).userdata_url == ""


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://evil.test"},
        {"issuer": f"{ISSUER}/"},
        {"token_endpoint": "http://sso.example.test/token"},
        {"jwks_uri": ""},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
    ids=str,
)
def test_discovery_of_another_issuer_or_in_the_clear_is_refused(changed: dict[str, str]):
    with pytest.raises(UnverifiedError):
        Provider.read({**DISCOVERY, **changed}, ISSUER)
    for nonsense in (None, [], "text"):
        with pytest.raises(UnverifiedError):
            Provider.read(nonsense, ISSUER)


def test_addresses_in_the_clear_are_for_this_machine_alone():
    assert safe_address("https://sso.example.test")
    assert safe_address("http://127.0.0.1:9000/x")
    assert not safe_address("http://sso.example.test")
    assert not safe_address("http://127.0.0.1.evil.test")
    assert not safe_address("")
