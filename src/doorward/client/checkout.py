"""A connection for one person, purpose and case: opened with a token of its own, closed when the turn is over.

The identity of a connection is its token's, from its first byte to its last. It stands in no setting, no role and no
transaction of the session, so nothing that a pool resets, or forgets to reset, moves it to the next person. What a
connection must never be is kept: this module closes it, and the door ends it where the application does not.

Example:
    >>> portal = Application("crime-portal", key=Path("portal.key"), conninfo=CONNINFO)  # doctest: +SKIP
    >>> with portal.checkout("dana.example", purpose="criminal-investigation", case="JH123456",
    ...                      for_agency="CPD") as connection:  # doctest: +SKIP
    ...     connection.execute("SELECT last_name FROM persons").fetchall()

``conninfo`` is libpq's: host, port, dbname, and ``sslcert`` and ``sslkey`` of the application's certificate.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import jwt
import psycopg
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from psycopg.conninfo import conninfo_to_dict

from doorward.errors import ConfigError

TYPE: Final = "doorward+jwt"
SECONDS: Final = 30  # from the making of a token to its use; the door takes at most 60
ID_BYTES: Final = 24
_REFUSED: Final = re.compile(r"FATAL:\s+((?:refused|referred)[^\n]*)")


class OverError(RuntimeError):
    """A turn that is over was asked for more."""


class Application:
    """A service account, and the key that its tokens are signed with.

    Args:
        name: As it is registered at the door.
        key: A file with the private key as PEM, Ed25519 or P-256, or its text.
        conninfo: How the door is reached, with the application's certificate; no user, no options.

    Raises:
        ConfigError: The key is none of these, or the conninfo names what is the token's to say.
    """

    def __init__(self, name: str, *, key: Path | str, conninfo: str) -> None:
        self.name = name
        self._conninfo = conninfo
        parts = conninfo_to_dict(conninfo)
        taken = sorted({"user", "options", "password"} & set(parts))
        if taken or not parts.get("dbname"):
            raise ConfigError(
                "expected a conninfo with dbname and without user, password and options",
                hint="the application logs in with sslcert and sslkey",
            )
        self._database = str(parts["dbname"])
        self._algorithm, self._key = _load(key)

    def __repr__(self) -> str:
        """Return the name, and nothing of the key."""
        return f"Application({self.name!r})"

    def token(self, person: str, *, purpose: str, case: str = "", for_agency: str = "") -> str:
        """Return a token for one connection of one person, good for half a minute.

        Args:
            person: A login that the door knows.
            purpose: A word of the order.
            case: The case number, where the work has one.
            for_agency: On whose behalf, an agency of the order; not stated it is unknown, and opens nothing.
        """
        now = int(datetime.now(UTC).timestamp())  # noqa: TID251  # the library's caller has no clock to pass
        stated = {"case": case, "for": for_agency}
        claims = {
            "iss": self.name, "aud": f"doorward:{self._database}", "sub": person, "iat": now, "exp": now + SECONDS,
            "jti": secrets.token_urlsafe(ID_BYTES), "purpose": purpose,
            **{name: value for name, value in stated.items() if value},
        }  # fmt: skip
        return jwt.encode(claims, self._key, self._algorithm, headers={"typ": TYPE})

    def parameters(
        self, person: str, *, purpose: str, case: str = "", for_agency: str = ""
    ) -> dict[str, Any]:
        """Return libpq's parameters of one connection of one person; used once, they are worth nothing."""
        token = self.token(person, purpose=purpose, case=case, for_agency=for_agency)
        return {
            **conninfo_to_dict(self._conninfo),
            "user": self.name,
            "options": f"-c doorward.token={token}",
        }

    @contextmanager
    def checkout(
        self,
        person: str,
        *,
        purpose: str,
        case: str = "",
        for_agency: str = "",
        **more: Any,  # noqa: ANN401  # psycopg's own
    ) -> Iterator["Turn"]:
        """Yield a connection that is this person's until the block ends, and nobody's after.

        Args:
            person: As in `token`, as are purpose, case and for_agency.
            more: For `psycopg.connect`.

        Raises:
            psycopg.OperationalError: The door refused; its text says why and may be shown to the person.
        """
        parameters = self.parameters(person, purpose=purpose, case=case, for_agency=for_agency)
        with psycopg.connect(**parameters, autocommit=True, **more) as connection:
            turn = Turn(connection, person)
            try:
                yield turn
            finally:
                turn.end()


class Turn:
    """One person's turn on a connection: what is left of the connection when a handle outlives its block."""

    def __init__(self, connection: psycopg.Connection[Any], person: str) -> None:
        self._connection: psycopg.Connection[Any] | None = connection
        self.person = person

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """The connection.

        Raises:
            OverError: The turn is over.
        """
        if self._connection is None:
            raise OverError(f"the turn of `{self.person}` is over; check out again")
        return self._connection

    def execute(self, query: Any, parameters: Any = None, **more: Any) -> psycopg.Cursor[Any]:  # noqa: ANN401  # psycopg's own
        """Return the cursor of a statement.

        Raises:
            OverError: The turn is over.
        """
        return self.connection.execute(query, parameters, **more)

    def end(self) -> None:
        """Close the connection; a second call does nothing."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


def find_refusal(error: BaseException) -> str | None:
    """Return the door's own sentence in a failure to connect, for the person who asks, or None where there is none.

    libpq gives no fields of a refused connection, only its text.
    """
    found = _REFUSED.search(str(error))
    return found[1] if found else None


def _load(key: Path | str) -> tuple[str, ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey]:
    try:
        text = key.read_bytes() if isinstance(key, Path) else key.encode()
        found = load_pem_private_key(text, None)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(
            "the application's key cannot be read", hint="a PEM file without a passphrase"
        ) from error
    if isinstance(found, ed25519.Ed25519PrivateKey):
        return "EdDSA", found
    if isinstance(found, ec.EllipticCurvePrivateKey) and isinstance(found.curve, ec.SECP256R1):
        return "ES256", found
    raise ConfigError("expected an Ed25519 or a P-256 key", hint="openssl genpkey -algorithm ed25519")
