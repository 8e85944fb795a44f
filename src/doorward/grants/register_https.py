"""The register as a service over HTTPS: one POST a question, one small JSON object as answer (docs/howto/registers.md).

1. Nothing personal stands in the address: case number and login are in the body.
2. The server is verified by name against the city's own authority; no other authority of the host is trusted.
3. Redirects are not followed, proxies of the environment not used, compressed answers not asked for.
4. The answer is status 200, `application/json`, of a bounded size: an object with `open`, `assigned`, `kind` and
   nothing else. Anything else is no answer: a register that changed its protocol does not open a case by accident.
5. The whole exchange ends within its time, whatever the peer drips.

Source: RFC 9110; RFC 8259 (names within an object should be unique: here they are).
"""

import json
import os
import socket
import ssl
import stat
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final

from urllib3.connection import HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.response import HTTPResponse
from urllib3.util import parse_url

from doorward.errors import ConfigError, MalformedError, UpstreamError
from doorward.grants.cut_off import CutOff
from doorward.grants.registers import Question

MAX_ANSWER_BYTES: Final = 1024  # the answer has some 60
MAX_TOKEN_BYTES: Final = 8192
OTHERS: Final = 0o077
KEYS: Final = frozenset({"open", "assigned", "kind"})


@dataclass(frozen=True, slots=True)
class HttpsPlace:
    """Where the service answers and how both sides prove themselves.

    Args:
        path: With a leading slash; it holds nothing of a question.
        authority: PEM of who signs the service's certificate.
        certificate: The door's own certificate, or None.
        key: Its key, or None.
        token_file: Holds a bearer token, read anew for each question so that it may be changed; or None.
    """

    host: str
    port: int
    path: str
    authority: Path
    certificate: Path | None = None
    key: Path | None = None
    token_file: Path | None = None


def parse_address(url: str) -> tuple[str, int, str]:
    """Return host, port and path of the service's address.

    Raises:
        ConfigError: It is no plain ``https://host[:port]/path``.
    """
    try:
        parts = parse_url(url)
    except HTTPError as error:
        raise ConfigError("the register's `url` is no address") from error
    if parts.scheme != "https" or not parts.host or parts.auth or parts.query or parts.fragment:
        raise ConfigError(
            "the register's `url` must be `https://`, a host and a path, without a user, `?` or `#`",
            hint="nothing of a question stands in an address; a secret stands in `token_file`",
        )
    return parts.host.strip("[]"), parts.port or 443, parts.path or "/"


def make_client_context(place: HttpsPlace) -> ssl.SSLContext:
    """Return the context that verifies the service by name and shows the door's certificate if it has one.

    Raises:
        ConfigError: A file holds no certificate or key.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_verify_locations(cafile=place.authority)
        if place.certificate is not None:
            context.load_cert_chain(place.certificate, place.key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError("the register's authority, certificate or key cannot be used") from error
    return context


def read_token(file: Path) -> str:
    """Return the bearer token that a file holds.

    Raises:
        ConfigError: It cannot be read, others may read it, or it is no token.
    """
    try:
        with file.open("rb") as stream:
            if stat.S_IMODE(os.fstat(stream.fileno()).st_mode) & OTHERS:
                raise ConfigError(f"`{file.name}` is readable by others than its owner", hint="chmod 600")
            token = stream.read(MAX_TOKEN_BYTES + 1).decode("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"`{file.name}` cannot be read as a token") from error
    if not 0 < len(token) <= MAX_TOKEN_BYTES or not token.isprintable() or " " in token:
        raise ConfigError(f"`{file.name}` holds no token: expected one word")
    return token


def parse_word(raw: bytes, *, criminal: str) -> bool:
    """Return True where the answer says open, assigned and of this kind.

    Args:
        raw: What the service sent; it may be anything.
        criminal: The city's word for a criminal case.

    Raises:
        MalformedError: It is not exactly the object of the protocol.
    """
    try:
        found = json.loads(raw.decode("utf-8"), object_pairs_hook=_only_once)
    except (ValueError, RecursionError) as error:
        raise MalformedError("the register's answer is no JSON object, or names a key twice") from error
    if not isinstance(found, dict) or found.keys() != KEYS:
        raise MalformedError("the register's answer must have `open`, `assigned`, `kind` and nothing else")
    is_open, is_assigned, kind = found["open"], found["assigned"], found["kind"]
    if not (isinstance(is_open, bool) and isinstance(is_assigned, bool) and isinstance(kind, str)):
        raise MalformedError(
            "the register's answer must have true or false for `open` and `assigned`, a text for `kind`"
        )
    return is_open and is_assigned and kind == criminal


class HttpsCaseRegister:
    """The register as a service; a connection of its own for each question.

    Args:
        seconds: For the whole exchange.
        criminal: The city's word for a criminal case.

    Raises:
        ConfigError: A certificate, key or token cannot be used.
    """

    def __init__(self, place: HttpsPlace, *, seconds: float, criminal: str = "criminal") -> None:
        self._place = place
        self._seconds = seconds
        self._criminal = criminal
        self._context = make_client_context(place)
        self._headers()

    def is_open_and_assigned(self, question: Question) -> bool:
        """Return the register's one bit; see the protocol."""
        body = json.dumps({"case": question.case_no, "login": question.login}).encode()
        with CutOff(self._seconds) as cut_off:
            connection = _Watched(self._place, self._context, self._seconds, cut_off)
            try:
                connection.request(
                    "POST",
                    self._place.path,
                    body,
                    self._headers(),
                    preload_content=False,
                    decode_content=False,
                )
                with closing(connection.getresponse()) as response:  # it holds the socket open by itself
                    raw = _body(response)
            except (HTTPError, HTTPException, OSError, ConfigError) as error:
                raise UpstreamError("the register cannot be reached, or is not the one it must be") from error
            finally:
                connection.close()
        return parse_word(raw, criminal=self._criminal)

    def close(self) -> None:
        """Hold nothing: each connection ends with its question."""

    def _headers(self) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "doorward",
            "Connection": "close",
        }
        if self._place.token_file is not None:
            headers["Authorization"] = f"Bearer {read_token(self._place.token_file)}"
        return headers


class _Watched(HTTPSConnection):
    """A connection whose socket is cut off when the time is over, in its handshake already."""

    def __init__(self, place: HttpsPlace, context: ssl.SSLContext, seconds: float, cut_off: CutOff) -> None:
        super().__init__(place.host, place.port, timeout=seconds, ssl_context=context)
        self._cut_off = cut_off

    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        self._cut_off.watch(sock.fileno())
        return sock


def _body(response: HTTPResponse) -> bytes:
    if response.status != 200:
        raise MalformedError("the register answered with another status than 200")
    if response.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
        raise MalformedError("the register's answer is no `application/json`")
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise MalformedError("the register's answer is compressed")
    raw = response.read(MAX_ANSWER_BYTES + 1)
    if len(raw) > MAX_ANSWER_BYTES:
        raise MalformedError(f"the register's answer is larger than {MAX_ANSWER_BYTES} bytes")
    if response.length_remaining:
        raise MalformedError("the register's answer is shorter than it says")
    return raw


def _only_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError
    return found
