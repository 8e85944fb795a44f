"""ErrorResponse and NoticeResponse: an ordered list of fields, each a one-letter code and a text.

A parsed list is a dict in the order sent, so a field is replaced or added by ``fields | {"H": b"..."}``. Values
stay bytes: their encoding is the client's.

Source: PostgreSQL 17 documentation, 53.8 "Error and Notice Message Fields".
"""

from collections.abc import Mapping

from doorward.errors import LocalProtocolError, RemoteProtocolError
from doorward.pgwire.payload import Payload, format_frame, pack_text

_ENDS_SESSION = frozenset({b"FATAL", b"PANIC"})


def parse_fields(payload: bytes) -> dict[str, bytes]:
    """Return the fields of an ErrorResponse or NoticeResponse by their one-letter codes, in the order sent.

    Raises:
        RemoteProtocolError: It is not whole, or a field stands twice.
    """
    reader = Payload(payload, "an error or notice")
    found: dict[str, bytes] = {}
    while field := reader.text():
        code = chr(field[0])
        if code in found:
            raise RemoteProtocolError("an error or notice has a field twice")
        found[code] = field[1:]
    reader.end()
    return found


def format_fields(kind: bytes, fields: Mapping[str, bytes]) -> bytes:
    """Return an ErrorResponse (``E``) or NoticeResponse (``N``) of these fields, in their order.

    Raises:
        LocalProtocolError: A code is not one letter, or a text has a zero byte.
    """
    parts = []
    for code, value in fields.items():
        if len(code) != 1 or not "\0" < code <= "\xff":
            raise LocalProtocolError(f"a field's code must be one letter, not `{code}`")
        parts.append(code.encode("latin-1") + pack_text(value))
    return format_frame(kind, b"".join(parts) + b"\0")


def ends_session(fields: Mapping[str, bytes]) -> bool:
    """Return True for an error after which the server closes the connection."""
    return fields.get("V", fields.get("S")) in _ENDS_SESSION


def format_error(
    severity: str, sqlstate: str, message: str, *, detail: str | None = None, hint: str | None = None
) -> bytes:
    """Return an ErrorResponse; line breaks become spaces, so that a message stays one line."""
    return format_fields(b"E", _fields(severity, sqlstate, message, detail, hint))


def format_notice(message: str) -> bytes:
    """Return a NoticeResponse of severity NOTICE."""
    return format_fields(b"N", _fields("NOTICE", "00000", message, None, None))


def _fields(
    severity: str, sqlstate: str, message: str, detail: str | None, hint: str | None
) -> dict[str, bytes]:
    listed = {"S": severity, "V": severity, "C": sqlstate, "M": message, "D": detail, "H": hint}
    return {
        code: " ".join(text.replace("\0", " ").split()).encode("utf-8", "replace")
        for code, text in listed.items()
        if text is not None
    }
