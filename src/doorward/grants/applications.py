"""Applications: service accounts that speak for one person at a time, by a signed token; pure.

An application logs in with its certificate and opens nothing by it. In each connection it presents a token that says
for whom, for what purpose, under which case and on whose behalf: signed with the application's key, good for a minute,
used once. The order then decides about the person. A token is a JSON Web Token::

    header   {"alg": "EdDSA" or "ES256", "typ": "doorward+jwt"}
    payload  {"iss": "crime-portal", "aud": "doorward:clear", "sub": "dana.example", "jti": "<random>",
              "iat": 1796000000, "exp": 1796000030,
              "purpose": "criminal-investigation", "case": "JH123456", "for": "CPD"}

1. It has at most `MAX_TOKEN_BYTES`, this type and the algorithm of the registered key, whatever its header asks for.
2. The key's signature holds.
3. `iss` is the application that logged in, `aud` this door and no other.
4. It was issued, has not ended, and was made for at most `MAX_SECONDS`.
5. `jti` is long enough to be random. That it was not used before is for `doorward.grants.used_tokens`.
6. Every claim is known: a token that asks for more than the door gives is no token.

Source: RFC 7519; RFC 7515; RFC 8725, sections 3.1 (algorithms), 3.9 (audience), 3.11 (explicit types).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from doorward.errors import ConfigError

TYPE: Final = "doorward+jwt"
AUDIENCE: Final = "doorward:"
MAX_TOKEN_BYTES: Final = 4096  # a token of ours has about 400; a startup message takes 10,000
MAX_SECONDS: Final = 60
SKEW_SECONDS: Final = 5  # how far the application's clock may be ahead
REQUIRED: Final = ("iss", "aud", "sub", "jti", "iat", "exp", "purpose")
OPTIONAL: Final = ("case", "for")
_ID: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
PublicKey = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey


@dataclass(frozen=True, slots=True)
class Application:
    """A service account.

    Args:
        login: As which it connects.
        certificate: The common name of its certificate; it has no password.
        key: The public half of the key that signs its tokens, as PEM: Ed25519, or P-256.
        agencies: Whose people it may speak for.
        second_factor: Evidence that its people log in to it with a second factor, or empty: they do not.
        active: Whether it may connect.
    """

    login: str
    certificate: str
    key: str
    agencies: tuple[str, ...]
    second_factor: str = ""
    active: bool = True


@dataclass(frozen=True, slots=True)
class Bearer:
    """What a token says, after it was checked.

    Args:
        login: Of the person.
        token: The token's id, unique for its application while it lives.
        options: What the person states, named as a client's startup options are.
        until: When the token ends; aware.
    """

    login: str
    token: str
    options: Mapping[str, str]
    until: datetime


@dataclass(frozen=True, slots=True)
class NoBearer:
    """Why a token is none; for the record and for whoever runs the application."""

    reason: str


def check_application(application: Application) -> Application:
    """Return an application that can be registered.

    Raises:
        ConfigError: Its name, its certificate's name or its key is not what it must be.
    """
    if not _NAME.fullmatch(application.login):
        raise ConfigError(
            f"`{application.login[:40]}` is no name of an application",
            hint="small letters, digits, `.`, `_` and `-`, at most 63",
        )
    if not application.certificate.strip() or not application.agencies:
        raise ConfigError("an application has a certificate's common name and at least one agency")
    find_algorithm(application.key)
    return application


def find_algorithm(key: str) -> tuple[str, PublicKey]:
    """Return the one algorithm that a key's tokens have, and the key.

    Raises:
        ConfigError: It is no public key of a kind that is taken.
    """
    try:
        found = load_pem_public_key(key.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError("expected a public key as PEM", hint="openssl pkey -in app.key -pubout") from error
    if isinstance(found, ed25519.Ed25519PublicKey):
        return "EdDSA", found
    if isinstance(found, ec.EllipticCurvePublicKey) and isinstance(found.curve, ec.SECP256R1):
        return "ES256", found
    raise ConfigError("expected an Ed25519 or a P-256 key", hint="openssl genpkey -algorithm ed25519")


def check_token(token: str, application: Application, *, database: str, now: datetime) -> Bearer | NoBearer:
    """Return what a token says, or why it is none; see the module's numbered rules.

    Args:
        token: As the client sent it; hostile.
        database: The name that clients connect to.
        now: Aware.
    """
    if len(token) > MAX_TOKEN_BYTES or not token.isascii():  # 1
        return NoBearer("the token is no token")
    algorithm, key = find_algorithm(application.key)
    try:
        header = jwt.get_unverified_header(token)
        claims = jwt.decode(  # 1, 2; times are compared with `now` below, and nowhere with a clock
            token, key, algorithms=[algorithm], audience=AUDIENCE + database, issuer=application.login,
            options={"require": list(REQUIRED), "verify_exp": False, "verify_iat": False, "verify_nbf": False},
        )  # fmt: skip
    except jwt.InvalidAudienceError:  # 3
        return NoBearer("the token is for another door")
    except jwt.InvalidIssuerError:
        return NoBearer("the token is another application's")
    except jwt.InvalidSignatureError:
        return NoBearer("the token's signature does not hold")
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
        return NoBearer("the token is no token")
    if header.get("typ") != TYPE or isinstance(claims["aud"], list):
        return NoBearer("the token is of another type")
    return _read(claims, now)


def _read(claims: Mapping[str, Any], now: datetime) -> Bearer | NoBearer:
    strange = sorted(set(claims) - {*REQUIRED, *OPTIONAL})
    if strange:  # 6
        return NoBearer("the token makes a claim that the door does not know")
    issued, ends = claims["iat"], claims["exp"]
    if type(issued) is not int or type(ends) is not int or not 0 < ends < 1 << 40:
        return NoBearer("the token's times are no times")
    moment = now.timestamp()
    if issued > moment + SKEW_SECONDS or ends <= moment:  # 4
        return NoBearer("the token has ended, or the application's clock is ahead")
    if not 0 < ends - issued <= MAX_SECONDS:
        return NoBearer(f"the token was made for more than {MAX_SECONDS} seconds")
    texts = {name: claims[name] for name in ("sub", "jti", "purpose", *OPTIONAL) if name in claims}
    if not all(isinstance(text, str) for text in texts.values()):
        return NoBearer("the token's claims are no texts")
    if not _ID.fullmatch(texts["jti"]):  # 5
        return NoBearer("the token's id is not from 16 to 64 letters, digits, `_` and `-`")
    options = {"doorward.purpose": texts["purpose"]}
    options |= {f"doorward.{name}": texts[name] for name in OPTIONAL if name in texts}
    return Bearer(texts["sub"], texts["jti"], options, datetime.fromtimestamp(ends, UTC))
