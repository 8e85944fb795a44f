"""What a server says, as values and bytes; errors and notices are in `error_fields`.

``parse_x`` takes a frame's payload and is total: a value, or `RemoteProtocolError` and nothing else; bytes behind
the end are refused. Names and values stay bytes. ``format_x`` gives a whole frame, and parsing it gives the value
back. Rows have no parser: they pass by (`frames.FrameHop`).

Source: PostgreSQL 17 documentation, 53.7 "Message Formats".
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from struct import Struct
from typing import Final, NamedTuple

from doorward.errors import LocalProtocolError, RemoteProtocolError
from doorward.pgwire.limits import MAX_CANCEL_KEY_BYTES
from doorward.pgwire.payload import Payload, format_frame, pack_text

AUTHENTICATION_OK: Final = 0
AUTHENTICATION_SASL: Final = 10
AUTHENTICATION_SASL_CONTINUE: Final = 11
AUTHENTICATION_SASL_FINAL: Final = 12
TRANSACTION_STATUSES: Final = frozenset({b"I", b"T", b"E"})  # idle, in a transaction, in a failed one
_UINT16: Final = Struct(">H")
_UINT32: Final = Struct(">I")
_FIELD: Final = Struct(">IhIhih")
# Describe of any EXPLAIN, of any format, gives exactly one column, of this name and of no table. Only the
# beginning is compared, so that nothing behind it can hide a plan.
_PLAN: Final = _UINT16.pack(1) + b"QUERY PLAN\0" + _UINT32.pack(0)
_TAG_ROWS: Final = re.compile(
    rb"(?:SELECT|INSERT \d+|UPDATE|DELETE|MERGE|FETCH|MOVE|COPY) (\d{1,20})", re.ASCII
)


@dataclass(frozen=True, slots=True)
class RowField:
    """One column of a RowDescription; table and column are 0 where it is of no table."""

    name: bytes
    table_oid: int
    column: int = 0
    type_oid: int = 25
    type_size: int = -1
    type_modifier: int = -1
    format: int = 0


@dataclass(frozen=True, slots=True)
class CopyResponse:
    """What CopyInResponse, CopyOutResponse or CopyBothResponse says: the whole's format, and each column's."""

    format: int
    column_formats: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Notification:
    """What another session told with NOTIFY."""

    process_id: int
    channel: bytes
    text: bytes


class Authentication(NamedTuple):
    """An authentication request: which, and the bytes behind its code."""

    code: int
    data: bytes


class ParameterStatus(NamedTuple):
    """A setting that the server reports."""

    name: bytes
    value: bytes


class CancelKey(NamedTuple):
    """What BackendKeyData says: with these a CancelRequest is made."""

    process_id: int
    secret: bytes


def parse_authentication(payload: bytes) -> Authentication:
    """Return an authentication request.

    Raises:
        RemoteProtocolError: It is not whole, or AuthenticationOk has bytes behind it.
    """
    reader = Payload(payload, "an authentication request")
    message = Authentication(reader.uint32(), reader.rest())
    if message.code == AUTHENTICATION_OK:
        Payload(message.data, "an authentication request").end()
    return message


def format_authentication(code: int, data: bytes = b"") -> bytes:
    """Return an authentication request: 0 ok, 10 SASL, 11 continue, 12 final."""
    return format_frame(b"R", _UINT32.pack(code) + data)


def parse_mechanisms(data: bytes) -> tuple[bytes, ...]:
    """Return the mechanisms that an AuthenticationSASL offers.

    Raises:
        RemoteProtocolError: The list is not whole.
    """
    reader = Payload(data, "a list of mechanisms")
    found = tuple(iter(reader.text, b""))
    reader.end()
    return found


def pack_mechanisms(mechanisms: Iterable[bytes]) -> bytes:
    """Return the data of an AuthenticationSASL that offers these, in this order of preference."""
    return b"".join(pack_text(mechanism) for mechanism in mechanisms) + b"\0"


def parse_key(payload: bytes) -> CancelKey:
    """Return the process id and secret of a BackendKeyData.

    Raises:
        RemoteProtocolError: It is not whole, or the secret is of an impossible length.
    """
    reader = Payload(payload, "a cancel key")
    message = CancelKey(reader.uint32(), reader.rest())
    if not 4 <= len(message.secret) <= MAX_CANCEL_KEY_BYTES:
        raise RemoteProtocolError(f"a cancel key of {len(message.secret)} bytes was sent")
    return message


def format_key(process_id: int, secret: bytes) -> bytes:
    """Return a BackendKeyData."""
    return format_frame(b"K", _UINT32.pack(process_id) + secret)


def parse_parameter_status(payload: bytes) -> ParameterStatus:
    """Return the name and value of a ParameterStatus.

    Raises:
        RemoteProtocolError: It is not whole.
    """
    reader = Payload(payload, "a parameter")
    message = ParameterStatus(reader.text(), reader.text())
    reader.end()
    return message


def format_parameter_status(name: bytes, value: bytes) -> bytes:
    """Return a ParameterStatus."""
    return format_frame(b"S", pack_text(name) + pack_text(value))


def parse_ready(payload: bytes) -> bytes:
    """Return the transaction status of a ReadyForQuery: `I`, `T` or `E`.

    Raises:
        RemoteProtocolError: It is none of them.
    """
    if payload not in TRANSACTION_STATUSES:
        raise RemoteProtocolError("the server sent an unknown transaction status")
    return payload


def format_ready(status: bytes) -> bytes:
    """Return a ReadyForQuery.

    Raises:
        LocalProtocolError: The status is none.
    """
    if status not in TRANSACTION_STATUSES:
        raise LocalProtocolError("a transaction status must be `I`, `T` or `E`")
    return format_frame(b"Z", status)


def parse_row_description(payload: bytes) -> tuple[RowField, ...]:
    """Return the columns of a RowDescription, from left to right.

    Raises:
        RemoteProtocolError: It is not whole.
    """
    reader = Payload(payload, "a row description")
    count = reader.uint16()
    fields = tuple(RowField(reader.text(), *_FIELD.unpack(reader.take(_FIELD.size))) for _ in range(count))
    reader.end()
    return fields


def format_row_description(fields: Iterable[RowField]) -> bytes:
    """Return a RowDescription."""
    packed = [
        pack_text(field.name)
        + _FIELD.pack(
            field.table_oid, field.column, field.type_oid, field.type_size, field.type_modifier, field.format
        )
        for field in fields
    ]
    return format_frame(b"T", _UINT16.pack(len(packed)) + b"".join(packed))


def is_plan(payload: bytes) -> bool:
    """Return True for the RowDescription of an EXPLAIN: one column `QUERY PLAN` that is of no table.

    Source: ExplainResultDesc in explain.c; trials on PostgreSQL 17.10, also behind a comment.
    """
    return payload.startswith(_PLAN)


def parse_parameter_description(payload: bytes) -> tuple[int, ...]:
    """Return the parameter type oids of a statement.

    Raises:
        RemoteProtocolError: It is not whole.
    """
    reader = Payload(payload, "a parameter description")
    oids = tuple(oid for (oid,) in _UINT32.iter_unpack(reader.take(4 * reader.uint16())))
    reader.end()
    return oids


def format_parameter_description(oids: tuple[int, ...]) -> bytes:
    """Return a ParameterDescription."""
    return format_frame(b"t", _UINT16.pack(len(oids)) + b"".join(_UINT32.pack(oid) for oid in oids))


def parse_tag(payload: bytes) -> bytes:
    """Return the tag of a CommandComplete.

    Raises:
        RemoteProtocolError: It is not one NUL-terminated text.
    """
    # One comes with every statement: measured, without `Payload` at a quarter of the cost.
    end = payload.find(b"\0")
    if end < 0 or end != len(payload) - 1:
        raise RemoteProtocolError("a command's tag must be one text with an end")
    return payload[:end]


def format_tag(tag: bytes) -> bytes:
    """Return a CommandComplete."""
    return format_frame(b"C", pack_text(tag))


def tag_rows(tag: bytes) -> int | None:
    """Return how many rows a tag says were sent or changed, or None for a command that counts none."""
    found = _TAG_ROWS.fullmatch(tag)
    return int(found[1]) if found else None


def parse_copy_response(payload: bytes) -> CopyResponse:
    """Return what a CopyInResponse, CopyOutResponse or CopyBothResponse says.

    Raises:
        RemoteProtocolError: It is not whole.
    """
    reader = Payload(payload, "a copy response")
    whole = reader.take(1)[0]
    columns = tuple(code for (code,) in _UINT16.iter_unpack(reader.take(2 * reader.uint16())))
    reader.end()
    return CopyResponse(whole, columns)


def format_copy_response(kind: bytes, message: CopyResponse) -> bytes:
    """Return a CopyInResponse (``G``), CopyOutResponse (``H``) or CopyBothResponse (``W``)."""
    columns = b"".join(_UINT16.pack(code) for code in message.column_formats)
    return format_frame(kind, bytes([message.format]) + _UINT16.pack(len(message.column_formats)) + columns)


def parse_notification(payload: bytes) -> Notification:
    """Return a NotificationResponse.

    Raises:
        RemoteProtocolError: It is not whole.
    """
    reader = Payload(payload, "a notification")
    message = Notification(reader.uint32(), reader.text(), reader.text())
    reader.end()
    return message


def format_notification(message: Notification) -> bytes:
    """Return a NotificationResponse."""
    return format_frame(
        b"A", _UINT32.pack(message.process_id) + pack_text(message.channel) + pack_text(message.text)
    )
