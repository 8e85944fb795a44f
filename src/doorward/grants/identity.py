"""Tokens of the city's identity provider, verified with its public keys and without asking it; pure.

A person gives the ID token (or an access token for this audience) in place of a password, on a listener of its own,
over TLS. It says who they are and how they logged in there. What they may do stands in the directory of people.

1. Algorithm and key: one of the provider's published keys, by the token's ``kid``; the key decides the algorithm.
2. The signature holds.
3. ``iss`` is the provider; ``aud`` names this door, and with several audiences ``azp`` does too.
4. It was issued, has begun and has not ended; the person logged in at most `MAX_HOURS` ago where it says when.
5. The claim that names the login is the login that connects.
6. Second factor: ``amr`` or ``acr`` holds a value that the city's settings name.

Source: OpenID Connect Core 1.0, section 3.1.3.7; RFC 7517; RFC 8176 (``amr``); RFC 8725, section 3.1.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from doorward.errors import ConfigError

MAX_TOKEN_BYTES: Final = 32_768  # providers put a person's groups into it
MAX_KEYS: Final = 100
MAX_HOURS: Final = 12  # CJIS Security Policy: reauthentication every 12 hours
MIN_RSA_BITS: Final = 2048  # RFC 7518, section 3.3
SKEW: Final = timedelta(seconds=30)  # between the provider's clock and ours
_ALGORITHMS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("RSA", ""): ("RS256", "PS256"),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("OKP", "Ed25519"): ("EdDSA",),
}


@dataclass(frozen=True, slots=True)
class ProviderKey:
    """One published key, with the algorithms that it may be used with."""

    id: str
    key: Any
    algorithms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """Whom the city trusts to say who somebody is.

    Args:
        issuer: As it stands in its tokens, to the letter.
        audience: As which this door is registered there.
        login_claim: The claim that holds the login.
        second_factor: Values of ``amr`` or ``acr`` that stand for a second factor.
    """

    issuer: str
    audience: str
    keys: tuple[ProviderKey, ...]
    login_claim: str = "preferred_username"
    second_factor: frozenset[str] = frozenset({"mfa"})


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a token says that somebody is."""

    login: str
    has_second_factor: bool
    until: datetime


def parse_provider_keys(text: str) -> tuple[ProviderKey, ...]:
    """Return the keys of a JSON Web Key Set that tokens may be signed with.

    Keys for encryption are passed over; a shared secret refuses the whole set.

    Raises:
        ConfigError: It is no key set, or holds no key of a kind that is taken.
    """
    try:
        rows = json.loads(text)["keys"]
        if not isinstance(rows, list) or len(rows) > MAX_KEYS:
            raise ConfigError(f"expected a key set of at most {MAX_KEYS} keys")
        found = [_read_key(row) for row in rows if row.get("use", "sig") == "sig"]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, jwt.PyJWTError) as error:
        raise ConfigError("expected a JSON Web Key Set, as the provider publishes it") from error
    keys = tuple(key for key in found if key is not None)
    if not keys:
        raise ConfigError("the key set holds no key that is taken", hint="RSA, P-256, P-384 or Ed25519")
    if len({key.id for key in keys}) != len(keys):
        raise ConfigError("two keys of the key set have one `kid`")
    return keys


def check_identity(token: bytes, login: str, provider: IdentityProvider, *, now: datetime) -> Identity | None:
    """Return who a token says that somebody is, or None where it does not say that this is the login.

    Args:
        token: What stood in the place of a password; hostile.
        login: As claimed in the startup message; hostile.
        now: Aware.
    """
    if len(token) > MAX_TOKEN_BYTES:
        return None
    try:
        text = token.decode("ascii")
        key = _find_key(jwt.get_unverified_header(text).get("kid"), provider)
        if key is None:
            return None
        claims = jwt.decode(  # 1, 2, 3; times are compared with `now` below
            text, key.key, algorithms=list(key.algorithms), audience=provider.audience, issuer=provider.issuer,
            options={"require": ["iss", "aud", "exp", "iat"], "verify_exp": False, "verify_iat": False,
                     "verify_nbf": False},
        )  # fmt: skip
        return _read(claims, login, provider, now)
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError, OverflowError):
        return None


def _read(
    claims: Mapping[str, Any], login: str, provider: IdentityProvider, now: datetime
) -> Identity | None:
    audience = claims["aud"]
    if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != provider.audience:  # 3
        return None
    issued, ends = _moment(claims["iat"]), _moment(claims["exp"])
    begins = _moment(claims.get("nbf", claims["iat"]))
    entered = _moment(claims.get("auth_time", claims["iat"]))
    if max(issued, begins, entered) > now + SKEW or ends <= now or ends <= issued:  # 4
        return None
    until = min(ends, entered + timedelta(hours=MAX_HOURS))
    if until <= now or not login or claims.get(provider.login_claim) != login:  # 5
        return None
    methods, level = claims.get("amr", []), claims.get("acr")
    stated = {one for one in (*(methods if isinstance(methods, list) else ()), level) if isinstance(one, str)}
    return Identity(login, bool(stated & provider.second_factor), until)  # 6


def _read_key(row: Mapping[str, Any]) -> ProviderKey | None:
    if row.get("kty") == "oct":
        raise ConfigError("the key set holds a shared secret: whoever verifies with it could sign")
    algorithms = _ALGORITHMS.get((str(row.get("kty")), str(row.get("crv", ""))))
    if algorithms is None:
        return None
    named = row.get("alg")
    if named is not None:
        algorithms = tuple(one for one in algorithms if one == named)
    public = {name: value for name, value in row.items() if name in {"kty", "crv", "n", "e", "x", "y", "kid"}}
    if not algorithms:
        return None
    key = jwt.PyJWK(public, algorithms[0]).key
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < MIN_RSA_BITS:
        return None
    return ProviderKey(str(row.get("kid", "")), key, algorithms)


def _find_key(kid: Any, provider: IdentityProvider) -> ProviderKey | None:  # noqa: ANN401  # from a header that nobody checked
    if kid is None:
        return provider.keys[0] if len(provider.keys) == 1 else None
    return next((key for key in provider.keys if key.id == kid), None)


def _moment(value: Any) -> datetime:  # noqa: ANN401  # from a token
    if type(value) not in {int, float}:
        raise TypeError("a time in a token is a number")
    return datetime.fromtimestamp(value, UTC)
