"""Tokens of an identity provider: whose they are is said by the token, and believed only as the rules have it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import ConfigError
from doorward.grants.identity import IdentityProvider, check_identity, parse_provider_keys

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
AT = int(NOW.timestamp())
RSA = rsa.generate_private_key(65537, 2048)
WEAK = rsa.generate_private_key(65537, 1024)  # noqa: S505  # to be refused
CURVE = ec.generate_private_key(ec.SECP384R1())


def row(key: Any, kid: str, **more: Any) -> dict[str, Any]:
    algorithm = (
        jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else jwt.algorithms.ECAlgorithm
    )
    return dict(json.loads(algorithm.to_jwk(key.public_key()))) | {"kid": kid, "use": "sig"} | more


SET = json.dumps({"keys": [row(RSA, "r1"), row(CURVE, "c1", alg="ES384"), row(RSA, "enc", use="enc")]})
PROVIDER = IdentityProvider("https://login.city.example", "doorward", parse_provider_keys(SET))
CLAIMS: dict[str, Any] = {
    "iss": PROVIDER.issuer, "aud": "doorward", "iat": AT - 10, "exp": AT + 3600, "sub": "8f1",
    "preferred_username": "dana.example", "amr": ["pwd", "mfa"], "groups": ["x"] * 50,
}  # fmt: skip


def token(key: Any = RSA, kid: str | None = "r1", algorithm: str = "RS256", **changed: Any) -> bytes:
    claims = {name: value for name, value in (CLAIMS | changed).items() if value is not None}
    return jwt.encode(claims, key, algorithm, headers={"kid": kid} if kid else {}).encode()


def read(given_: bytes, login: str = "dana.example") -> Any:
    return check_identity(given_, login, PROVIDER, now=NOW)


def test_a_token_names_its_person_and_the_second_factor() -> None:
    found = read(token())
    assert (found.login, found.has_second_factor) == ("dana.example", True)
    assert found.until == datetime.fromtimestamp(AT + 3600, UTC)
    assert read(token(CURVE, "c1", "ES384")).login == "dana.example"
    assert read(token(RSA, "r1", "PS256")).login == "dana.example"


@pytest.mark.parametrize(
    ("changed", "has"),
    [
        ({"amr": ["pwd"]}, False), ({"amr": None}, False), ({"amr": "mfa"}, False), ({"amr": [["mfa"]]}, False),
        ({"amr": None, "acr": "mfa"}, True), ({"amr": {"mfa": 1}}, False),
    ],
)  # fmt: skip
def test_a_second_factor_is_there_where_the_provider_says_so(changed: dict[str, Any], has: bool) -> None:  # noqa: FBT001  # a case's answer
    assert read(token(**changed)).has_second_factor is has


def test_a_login_lasts_no_longer_than_the_provider_and_the_policy_have_it() -> None:
    entered = AT - 11 * 3600
    assert read(token(auth_time=entered)).until == NOW + timedelta(hours=1)
    assert read(token(auth_time=AT - 12 * 3600)) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://login.city.example/"}, {"aud": "another"}, {"aud": ["doorward", "another"]}, {"aud": None},
        {"aud": ["doorward", "another"], "azp": "another"}, {"exp": AT}, {"exp": None}, {"iat": AT + 60},
        {"nbf": AT + 60}, {"iat": None}, {"preferred_username": "erin.example"}, {"preferred_username": None},
        {"preferred_username": ["dana.example"]}, {"exp": "tomorrow"}, {"exp": 1e300}, {"exp": True},
    ],
)  # fmt: skip
def test_everything_else_says_nothing(changed: dict[str, Any]) -> None:
    assert read(token(**changed)) is None


def test_several_audiences_are_taken_where_this_door_is_the_party() -> None:
    assert read(token(aud=["doorward", "another"], azp="doorward")) is not None


def test_the_key_set_decides_the_key_and_its_algorithm() -> None:
    stranger = rsa.generate_private_key(65537, 2048)
    assert read(token(stranger)) is None
    assert read(token(kid="c1")) is None
    assert read(token(kid="enc")) is None
    assert read(token(kid=None)) is None
    assert read(token(RSA, "r1", "RS512")) is None
    assert read(jwt.encode(CLAIMS, "", "none", headers={"kid": "r1"}).encode()) is None
    assert read(jwt.encode(CLAIMS, "k" * 32, "HS256", headers={"kid": "r1"}).encode()) is None
    alone = IdentityProvider(PROVIDER.issuer, "doorward", PROVIDER.keys[:1])
    assert check_identity(token(kid=None), "dana.example", alone, now=NOW) is not None


def test_nobody_is_the_empty_login() -> None:
    assert read(token(preferred_username=""), "") is None


@given(st.binary(max_size=300))
def test_any_bytes_say_nothing(data: bytes) -> None:
    assert read(data) is None


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", '{"keys": 3}', '{"keys": [1]}', '{"keys": []}', '{"keys": [{"kty": "OKP", "crv": "X25519"}]}',
        json.dumps({"keys": [row(RSA, "a"), {"kty": "oct", "k": "c2VjcmV0", "kid": "b"}]}),
        json.dumps({"keys": [row(RSA, "a"), row(CURVE, "a")]}),
        json.dumps({"keys": [row(RSA, "a", alg="HS256")]}),
        json.dumps({"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "a"}]}),
        json.dumps({"keys": [row(WEAK, "a")]}),
    ],
)  # fmt: skip
def test_a_key_set_that_is_none_is_told(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_provider_keys(text)
