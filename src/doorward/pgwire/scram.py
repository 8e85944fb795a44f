"""SCRAM-SHA-256, both sides, without a socket, a clock or a source of randomness.

An unknown user takes the same steps as a known one with a wrong password: a mock verifier whose salt is the same
each time, derived from a secret of the server. A wrong proof is a value, told only at the end; a message that is
none is a `RemoteProtocolError`.

What libpq does and a strict reader would refuse: it sends an empty user name (``n=,``), because the startup
message named the user. As PostgreSQL does, the name here is not looked at, and an authorization identity
(``a=``) is refused.

Channel binding: with ``binding`` (the data of tls-server-end-point) the server offers SCRAM-SHA-256-PLUS; a client
that says ``y`` (it could, and thinks that we cannot) was lied to by somebody between, and is refused. Without it
``y`` is right and ``p`` is refused.

Source: RFC 5802, RFC 5929, RFC 7677; PostgreSQL's auth-scram.c, also for the verifier's text form.
"""

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Final

from doorward.errors import ConfigError, LocalProtocolError, RemoteProtocolError
from doorward.pgwire.saslprep import prepare_password

MECHANISM: Final = b"SCRAM-SHA-256"
MECHANISM_PLUS: Final = b"SCRAM-SHA-256-PLUS"
BINDING_TYPE: Final = b"tls-server-end-point"
MAX_ITERATIONS: Final = 1_000_000  # about a second; PostgreSQL's default is 4,096
MIN_NONCE: Final = 18  # printable characters of ours; PostgreSQL's own has 24
_KEY_BYTES: Final = 32
_VALUE: Final = rb"[^\0,]*"
_NONCE: Final = rb"[\x21-\x2b\x2d-\x7e]"
_BASE64: Final = rb"[A-Za-z0-9+/]+={0,2}"
_EXTENSIONS: Final = (
    rb"(?:,[A-Za-ln-z]=" + _VALUE + rb")*"
)  # ignored, but `m`, which demands to be understood
_VERIFIER: Final = re.compile(
    r"SCRAM-SHA-256\$([0-9]{1,7}):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]{44}):([A-Za-z0-9+/=]{44})"
)
_CLIENT_FIRST: Final = re.compile(
    rb"([ny]|p=([A-Za-z0-9.-]+)),,(n=" + _VALUE + rb",r=(" + _NONCE + rb"{8,256})" + _EXTENSIONS + rb")"
)
_SERVER_FIRST: Final = re.compile(
    rb"r=(" + _NONCE + rb"{8,512}),s=(" + _BASE64 + rb"),i=([1-9][0-9]{0,6})" + _EXTENSIONS
)
_CLIENT_FINAL: Final = re.compile(
    rb"(c=(" + _BASE64 + rb"),r=(" + _NONCE + rb"{8,512})" + _EXTENSIONS + rb"),p=([A-Za-z0-9+/=]{44})"
)
_SERVER_FINAL: Final = re.compile(rb"v=([A-Za-z0-9+/=]{44})")


@dataclass(frozen=True, slots=True)
class Verifier:
    """What a server keeps of a password: enough to check it, not enough to log in.

    Its representation leaves the keys out, so that no traceback carries them; `str` is PostgreSQL's text form.
    """

    iterations: int
    salt: bytes
    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)

    def __str__(self) -> str:
        return format_verifier(self)


def parse_verifier(text: str) -> Verifier:
    """Return a verifier from its text form.

    Raises:
        ConfigError: It is none; the text is not repeated.
    """
    found = _VERIFIER.fullmatch(text)
    if found is None:
        raise ConfigError("a password verifier is not of the form SCRAM-SHA-256$iterations:salt$key:key")
    try:
        salt, stored, server = (base64.b64decode(found[part], validate=True) for part in (2, 3, 4))
    except binascii.Error as error:
        raise ConfigError("a password verifier is not base64 where it must be") from error
    iterations = int(found[1])
    if len(stored) != _KEY_BYTES or len(server) != _KEY_BYTES or not 1 <= iterations <= MAX_ITERATIONS:
        raise ConfigError("a password verifier has keys of a wrong length or an impossible count")
    return Verifier(iterations, salt, stored, server)


def format_verifier(verifier: Verifier) -> str:
    """Return a verifier's text form, as in pg_authid.rolpassword."""
    salt, stored, server = (
        base64.b64encode(part).decode() for part in (verifier.salt, verifier.stored_key, verifier.server_key)
    )
    return f"SCRAM-SHA-256${verifier.iterations}:{salt}${stored}:{server}"


def make_verifier(password: str, *, salt: bytes, iterations: int) -> Verifier:
    """Return the verifier of a password, prepared as PostgreSQL does.

    Raises:
        ConfigError: The count of iterations is impossible, or the salt is empty.
    """
    if not salt or not 1 <= iterations <= MAX_ITERATIONS:
        raise ConfigError(f"a verifier needs a salt and 1 to {MAX_ITERATIONS} iterations, not {iterations}")
    salted = hashlib.pbkdf2_hmac("sha256", prepare_password(password), salt, iterations)
    return Verifier(iterations, salt, _digest(_mac(salted, b"Client Key")), _mac(salted, b"Server Key"))


def mock_verifier(server_secret: bytes, login: str, *, iterations: int) -> Verifier:
    """Return a verifier that no password meets, with the salt that this unknown login always gets."""
    name = login.encode("utf-8", "surrogatepass")
    parts = (_mac(server_secret, part + name) for part in (b"salt ", b"stored ", b"server "))
    salt, stored, server = parts
    return Verifier(iterations, salt[:16], stored, server)


class ScramServer:
    """One exchange, seen from the server: `first`, then `final`, each once.

    Args:
        verifier: The login's, or a mock one; both take the same steps.
        is_known: Whether the login exists; kept from the client until its proof was compared.
        nonce: At least 18 random printable characters without a comma, used once.
        binding: The data of tls-server-end-point where SCRAM-SHA-256-PLUS is offered, else None.

    Raises:
        LocalProtocolError: The nonce is none.
    """

    def __init__(
        self, verifier: Verifier, *, is_known: bool, nonce: str, binding: bytes | None = None
    ) -> None:
        self._verifier = verifier
        self._is_known = is_known
        self._nonce = _check_nonce(nonce)
        self._binding = binding
        self._bound = b""  # what the client's `c=` must say: the header, and the binding data if bound
        self._client_first = b""
        self._server_first = b""
        self._full_nonce = b""

    def first(self, message: bytes, *, plus: bool = False) -> bytes:
        """Return the server's first message.

        Args:
            plus: Whether the client chose SCRAM-SHA-256-PLUS.

        Raises:
            RemoteProtocolError: The client's message is not one, or its channel binding is not what was offered.
            LocalProtocolError: This exchange is under way.
        """
        if self._server_first:
            raise LocalProtocolError("a SCRAM exchange has one first message")
        found = _CLIENT_FIRST.fullmatch(message)
        if found is None:
            raise RemoteProtocolError("the first SCRAM-SHA-256 message is not one")
        self._bound = message[: found.start(3)] + self._check_binding(found[1], found[2], plus=plus)
        self._client_first = found[3]
        self._full_nonce = found[4] + self._nonce
        salt = base64.b64encode(self._verifier.salt)
        self._server_first = b"r=%b,s=%b,i=%d" % (self._full_nonce, salt, self._verifier.iterations)
        return self._server_first

    def _check_binding(self, flag: bytes, binding_type: bytes | None, *, plus: bool) -> bytes:
        if plus != (binding_type is not None) or (plus and self._binding is None):
            raise RemoteProtocolError("the mechanism and the channel binding of a SCRAM message do not agree")
        if binding_type is not None and binding_type != BINDING_TYPE:
            raise RemoteProtocolError("the one channel binding is tls-server-end-point")
        if flag == b"y" and self._binding is not None:
            raise RemoteProtocolError(
                "channel binding is offered here, and the client was told that it is not"
            )
        return self._binding if plus and self._binding is not None else b""

    def final(self, message: bytes) -> bytes | None:
        """Return the server's last message, or None where the proof does not hold or nobody has this login.

        Raises:
            RemoteProtocolError: The client's message is not one.
            LocalProtocolError: The exchange has not begun, or is over.
        """
        if not self._server_first or not self._full_nonce:
            raise LocalProtocolError("a SCRAM exchange has one last message, behind the first")
        found = _CLIENT_FINAL.fullmatch(message)
        if found is None:
            raise RemoteProtocolError("the last SCRAM-SHA-256 message is not one")
        bound, proof = _base64(found[2]), _base64(found[4])
        full_nonce, self._full_nonce = self._full_nonce, b""
        signed = self._client_first + b"," + self._server_first + b"," + found[1]
        client_key = _xor(proof, _mac(self._verifier.stored_key, signed))
        # All four are computed whatever the others say, so that time does not tell which failed.
        holds = hmac.compare_digest(_digest(client_key), self._verifier.stored_key)
        is_same_nonce = hmac.compare_digest(found[3], full_nonce)
        is_same_binding = hmac.compare_digest(bound, self._bound)
        if not (holds & is_same_nonce & is_same_binding & self._is_known):
            return None
        return b"v=" + base64.b64encode(_mac(self._verifier.server_key, signed))


class ScramClient:
    """One exchange, seen from the client: `first`, `final`, then `verify_server`, each once.

    Args:
        password: As a person typed it.
        nonce: At least 18 random printable characters without a comma, used once.
        binding: The data of tls-server-end-point to bind to, else None.

    Raises:
        LocalProtocolError: The nonce is none.
    """

    def __init__(self, password: str, *, nonce: str, binding: bytes | None = None) -> None:
        self._password = prepare_password(password)
        self._nonce = _check_nonce(nonce)
        self._header = b"n,," if binding is None else b"p=%b,," % BINDING_TYPE
        self._bound = base64.b64encode(self._header + (binding or b""))
        self._server_signature: bytes | None = None

    def first(self) -> bytes:
        """Return the client's first message; the user name is left empty, as by libpq."""
        return self._header + self._bare()

    def _bare(self) -> bytes:
        return b"n=,r=" + self._nonce

    def final(self, message: bytes) -> bytes:
        """Return the client's last message.

        Raises:
            RemoteProtocolError: The server's first message is not one, or is not about ours, or asks for more
                iterations than anybody uses.
        """
        found = _SERVER_FIRST.fullmatch(message)
        if found is None or not found[1].startswith(self._nonce) or len(found[1]) == len(self._nonce):
            raise RemoteProtocolError("the server's first SCRAM message is not one, or answers another's")
        iterations = int(found[3])
        if iterations > MAX_ITERATIONS:
            raise RemoteProtocolError(f"at most {MAX_ITERATIONS} iterations are computed, not {iterations}")
        salted = hashlib.pbkdf2_hmac("sha256", self._password, _base64(found[2]), iterations)
        client_key = _mac(salted, b"Client Key")
        without_proof = b"c=%b,r=%b" % (self._bound, found[1])
        signed = self._bare() + b"," + message + b"," + without_proof
        self._server_signature = _mac(_mac(salted, b"Server Key"), signed)
        proof = _xor(client_key, _mac(_digest(client_key), signed))
        return without_proof + b",p=" + base64.b64encode(proof)

    def verify_server(self, message: bytes) -> None:
        """Check that the server knows the password's verifier.

        Raises:
            RemoteProtocolError: It does not, or its last message is not one.
            LocalProtocolError: The exchange has not come so far.
        """
        if self._server_signature is None:
            raise LocalProtocolError("a SCRAM server is verified after the client's last message")
        found = _SERVER_FINAL.fullmatch(message)
        if found is None or not hmac.compare_digest(_base64(found[1]), self._server_signature):
            raise RemoteProtocolError("the server did not prove that it knows the password's verifier")


def _check_nonce(nonce: str) -> bytes:
    raw = nonce.encode("utf-8", "replace")
    if re.fullmatch(_NONCE + rb"{%d,256}" % MIN_NONCE, raw) is None:
        raise LocalProtocolError(f"a nonce has {MIN_NONCE} to 256 printable characters and no comma")
    return raw


def _base64(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise RemoteProtocolError("a SCRAM message is not base64 where it must be") from error


def _mac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha256")


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(left, right, strict=False))
