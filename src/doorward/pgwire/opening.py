"""The packets that open a connection: startup, SSLRequest, GSSENCRequest, CancelRequest; and version negotiation.

Who may come in is decided elsewhere; here only what was asked, with two named checks: `is_replication`, which
every door refuses, and `negotiate`, the answer to a client that asks for more than protocol 3.0.

Source: PostgreSQL 17 documentation, 53.2.1 "Start-up" and 53.7; ProcessStartupPacket in backend_startup.c.
"""

from dataclasses import dataclass
from struct import Struct
from typing import Final, NamedTuple

from doorward.errors import LocalProtocolError, RemoteProtocolError
from doorward.pgwire.limits import MAX_CANCEL_KEY_BYTES, MAX_STARTUP_BYTES, MAX_STARTUP_PARAMETERS
from doorward.pgwire.payload import Payload, format_frame, pack_text
from doorward.pgwire.sqlstate import FEATURE_NOT_SUPPORTED

PROTOCOL_3_0: Final = 3 << 16
SSL_REQUEST_CODE: Final = 80877103
GSSENC_REQUEST_CODE: Final = 80877104
CANCEL_REQUEST_CODE: Final = 80877102
PROTOCOL_OPTION_PREFIX: Final = "_pq_."
_INT: Final = Struct(">I")


@dataclass(frozen=True, slots=True)
class StartupMessage:
    """The opening of a session: the protocol version, and parameters in the order sent, no name twice."""

    version: int
    parameters: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SSLRequest:
    """The client asks for TLS."""


@dataclass(frozen=True, slots=True)
class GSSENCRequest:
    """The client asks for GSSAPI encryption."""


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """The client asks, on a connection of its own, to cancel what a session runs."""

    process_id: int
    secret: bytes


Opening = StartupMessage | SSLRequest | GSSENCRequest | CancelRequest


class NegotiateProtocolVersion(NamedTuple):
    """The newest protocol version that a server speaks, and the protocol options that it does not know."""

    newest: int
    options: tuple[bytes, ...]


def parse_opening(packet: bytes) -> Opening:
    """Return the message in a packet without a type byte (its length already taken off).

    Raises:
        RemoteProtocolError: It is none of the four, or is not whole.
    """
    reader = Payload(packet, "a startup packet")
    code = reader.uint32()
    if code == SSL_REQUEST_CODE:
        reader.end()
        return SSLRequest()
    if code == GSSENC_REQUEST_CODE:
        reader.end()
        return GSSENCRequest()
    if code == CANCEL_REQUEST_CODE:
        process_id, secret = reader.uint32(), reader.rest()
        if not 4 <= len(secret) <= MAX_CANCEL_KEY_BYTES:
            raise RemoteProtocolError(
                f"a cancel key of 4 to {MAX_CANCEL_KEY_BYTES} bytes was expected and one of {len(secret)} sent"
            )
        return CancelRequest(process_id, secret)
    if code >> 16 != 3:
        raise RemoteProtocolError(
            f"protocol 3 was expected and {code >> 16}.{code & 0xFFFF} asked for",
            sqlstate_hint=FEATURE_NOT_SUPPORTED,
        )
    return StartupMessage(code, _parameters(reader))


def _parameters(reader: Payload) -> tuple[tuple[str, str], ...]:
    found: dict[str, str] = {}
    while name := _utf8(reader.text()):
        if name in found:
            # PostgreSQL lets the last one win; two answers to one question are not guessed at here.
            raise RemoteProtocolError(f"the startup parameter `{name[:60]}` was sent twice")
        if len(found) == MAX_STARTUP_PARAMETERS:
            raise RemoteProtocolError(f"at most {MAX_STARTUP_PARAMETERS} startup parameters are taken")
        found[name] = _utf8(reader.text())
    reader.end()
    return tuple(found.items())


def _utf8(text: bytes) -> str:
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RemoteProtocolError("startup parameters must be UTF-8") from error


def format_opening(message: Opening) -> bytes:
    """Return a packet with its length.

    Raises:
        LocalProtocolError: A parameter has no name of its own or cannot be sent, or the packet is longer than
            servers take.
    """
    match message:
        case StartupMessage(version, parameters):
            body = _INT.pack(version) + _pack_parameters(parameters)
        case CancelRequest(process_id, secret):
            body = _INT.pack(CANCEL_REQUEST_CODE) + _INT.pack(process_id) + secret
        case _:
            body = _INT.pack(SSL_REQUEST_CODE if isinstance(message, SSLRequest) else GSSENC_REQUEST_CODE)
    if len(body) > MAX_STARTUP_BYTES:
        raise LocalProtocolError(f"a startup packet of at most {MAX_STARTUP_BYTES} bytes can be sent")
    return _INT.pack(len(body) + 4) + body


def _pack_parameters(parameters: tuple[tuple[str, str], ...]) -> bytes:
    if not all(name for name, _ in parameters) or len(dict(parameters)) != len(parameters):
        raise LocalProtocolError("a startup parameter needs a name of its own")
    return b"".join(pack_text(_encode(text)) for pair in parameters for text in pair) + b"\0"


def _encode(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise LocalProtocolError("a startup parameter that is no Unicode text cannot be sent") from error


def format_startup(message: StartupMessage) -> bytes:
    """Return a startup packet with its length."""
    return format_opening(message)


def format_cancel(message: CancelRequest) -> bytes:
    """Return a cancel request with its length."""
    return format_opening(message)


def is_replication(message: StartupMessage) -> bool:
    """Return True where a startup message asks for replication in any spelling, or might.

    PostgreSQL takes every boolean it knows and `database`; only the plain spellings of no are a no here.
    """
    value = dict(message.parameters).get("replication", "off")
    return value.lower() not in {"false", "off", "no", "0"}


def negotiate(message: StartupMessage) -> NegotiateProtocolVersion | None:
    """Return what to answer before authentication, or None where 3.0 without protocol options was asked for.

    PostgreSQL answers the same way: the newest version it speaks, and the names of options it does not know.
    """
    options = tuple(
        name.encode() for name, _ in message.parameters if name.startswith(PROTOCOL_OPTION_PREFIX)
    )
    if message.version == PROTOCOL_3_0 and not options:
        return None
    return NegotiateProtocolVersion(PROTOCOL_3_0, options)


def parse_negotiation(payload: bytes) -> NegotiateProtocolVersion:
    """Return a NegotiateProtocolVersion.

    Raises:
        RemoteProtocolError: It is not whole.
    """
    reader = Payload(payload, "a version negotiation")
    newest, count = reader.uint32(), reader.uint32()
    if count > MAX_STARTUP_PARAMETERS:
        raise RemoteProtocolError(
            f"a version negotiation names {count} options, and no client asked for as many"
        )
    options = tuple(reader.text() for _ in range(count))
    reader.end()
    return NegotiateProtocolVersion(newest, options)


def format_negotiation(message: NegotiateProtocolVersion) -> bytes:
    """Return a NegotiateProtocolVersion."""
    options = b"".join(pack_text(name) for name in message.options)
    return format_frame(b"v", _INT.pack(message.newest) + _INT.pack(len(message.options)) + options)
