"""The first bytes of a connection, before it is known whether it is encrypted: pure.

A client may ask for GSSAPI encryption, then for TLS, then speak; or begin TLS at once (``sslnegotiation=direct``), or
cancel another session's statement. The shell reads exactly eight bytes, or looks at one without taking it, so that
nothing which belongs to TLS is ever read as plain text (the class of CVE-2021-23214).

Source: PostgreSQL 17 documentation, 53.2.10 "SSL Session Encryption"; ProcessSSLStartup in backend_startup.c.
"""

from enum import Enum, auto
from typing import Final

from doorward.pgwire.messages import format_error
from doorward.pgwire.opening import CANCEL_REQUEST_CODE, GSSENC_REQUEST_CODE, SSL_REQUEST_CODE
from doorward.pgwire.sqlstate import TOO_MANY_CONNECTIONS

REQUEST_BYTES: Final = 8  # of SSLRequest and GSSENCRequest, and the least that anything else has
TLS_HANDSHAKE: Final = 0x16  # the record type that every TLS connection begins with
MAX_REQUESTS: Final = 2  # libpq asks for GSS once and for TLS once
ALPN: Final = "postgresql"  # what a client that begins TLS at once must name
PLAIN_REFUSED: Final = format_error(
    "FATAL", "28000", "this door is entered with TLS only", hint="connect with sslmode=verify-full"
)
FULL_REFUSED: Final = format_error(
    "FATAL",
    TOO_MANY_CONNECTIONS,
    "this door has no place left for another session",
    hint="connect again later",
)


class Knocked(Enum):
    """What to do with a connection that begins so."""

    ENCRYPT = auto()  # answer S, then TLS
    NOT_THAT = auto()  # answer N, then read on
    OPEN = auto()  # a session, or a cancel request, in plain text
    REFUSE = auto()  # plain text where only TLS is taken


def answer_knock(first: bytes, *, has_tls: bool, takes_plain: bool) -> Knocked:
    """Return what the first eight bytes ask for.

    Args:
        first: Eight bytes; whether they are the head of a packet is for the session to say.
        has_tls: Whether this listener has a certificate.
        takes_plain: Whether it serves sessions without TLS. A cancel request is taken without it, as PostgreSQL does:
            older clients send it so, and its key is its proof.
    """
    length, code = int.from_bytes(first[:4]), int.from_bytes(first[4:8])
    if length == REQUEST_BYTES and code == SSL_REQUEST_CODE:
        return Knocked.ENCRYPT if has_tls else Knocked.NOT_THAT
    if length == REQUEST_BYTES and code == GSSENC_REQUEST_CODE:
        return Knocked.NOT_THAT
    if takes_plain or code == CANCEL_REQUEST_CODE:
        return Knocked.OPEN
    return Knocked.REFUSE
