"""What a client says once its connection is open, as values and bytes.

``parse_x`` takes a frame's payload and is total: a value, or `RemoteProtocolError` and nothing else; bytes behind
the end are refused. SQL text and values stay bytes, because their encoding is the client's affair.
``format_x`` gives a whole frame, and parsing it gives the value back.

Bind, Describe, Execute and Close come with every statement: measured, they are named tuples read without `Payload`,
at half the cost.

Which message may come when is decided in `state`. FunctionCall is read to be recorded: no door
serves it.

Source: PostgreSQL 17 documentation, 53.7 "Message Formats".
"""

from dataclasses import dataclass
from struct import Struct
from struct import error as StructError  # noqa: N812  # the module calls its exception class `error`
from typing import Final, NamedTuple

from doorward.errors import LocalProtocolError, RemoteProtocolError
from doorward.pgwire.payload import Payload, check_name, format_frame, pack_text

_INT16: Final = Struct(">H")
_INT32: Final = Struct(">i")
_UINT32: Final = Struct(">I")
STATEMENT: Final = b"S"
PORTAL: Final = b"P"
_TARGETS: Final = frozenset({STATEMENT, PORTAL})

SYNC: Final = format_frame(b"S")
FLUSH: Final = format_frame(b"H")
TERMINATE: Final = format_frame(b"X")
COPY_DONE: Final = format_frame(b"c")
# Asks for a function that no database has, without values, so that it fails as any FunctionCall may.
NO_FUNCTION: Final = format_frame(b"F", bytes(10))


@dataclass(frozen=True, slots=True)
class Parse:
    """A statement to prepare; ``types`` are parameter type oids, 0 where the server chooses."""

    statement: bytes
    text: bytes
    types: tuple[int, ...] = ()


class Bind(NamedTuple):
    """A portal made of a statement and values; ``values`` is the rest of the message as it came (`BindValues`)."""

    portal: bytes
    statement: bytes
    values: bytes


@dataclass(frozen=True, slots=True)
class BindValues:
    """What stands in `Bind.values`: format codes (0 text, 1 binary), values (None is NULL), formats of results."""

    formats: tuple[int, ...]
    values: tuple[bytes | None, ...]
    result_formats: tuple[int, ...]


class Execute(NamedTuple):
    """A portal to run, for at most ``max_rows`` rows, 0 or less for all."""

    portal: bytes
    max_rows: int


class FunctionCall(NamedTuple):
    """A function to call by its oid; ``values`` is the rest of the message as it came."""

    function: int
    values: bytes


class Target(NamedTuple):
    """What Describe or Close is about: ``S`` a statement, ``P`` a portal."""

    kind: bytes
    name: bytes


class SaslInitialResponse(NamedTuple):
    """The mechanism that a client chose and its first message."""

    mechanism: bytes
    data: bytes


def parse_query(payload: bytes) -> bytes:
    """Return the text of a simple query.

    Raises:
        RemoteProtocolError: It is not one NUL-terminated text.
    """
    return _only_text(payload, "a Query")


def format_query(text: bytes) -> bytes:
    """Return a Query."""
    return format_frame(b"Q", pack_text(text))


def parse_parse(payload: bytes) -> Parse:
    """Return a Parse message.

    Raises:
        RemoteProtocolError: It is not whole, or the name cannot be told apart.
    """
    reader = Payload(payload, "a Parse message")
    statement, text, count = reader.name(), reader.text(), reader.uint16()
    types = tuple(value for (value,) in _UINT32.iter_unpack(reader.take(4 * count)))
    reader.end()
    return Parse(statement, text, types)


def format_parse(message: Parse) -> bytes:
    """Return a Parse."""
    types = b"".join(_UINT32.pack(oid) for oid in message.types)
    head = pack_text(check_name(message.statement)) + pack_text(message.text)
    return format_frame(b"P", head + _INT16.pack(len(message.types)) + types)


def parse_bind(payload: bytes) -> Bind:
    """Return a Bind message, its values as they came; that they are whole is checked, what they mean is not.

    Raises:
        RemoteProtocolError: It is not whole, or a name cannot be told apart.
    """
    middle = payload.find(b"\0")
    end = payload.find(b"\0", middle + 1)
    if middle < 0 or end < 0:
        raise RemoteProtocolError("a Bind message has a text without an end")
    _check_values(payload, end + 1)
    return Bind(check_name(payload[:middle]), check_name(payload[middle + 1 : end]), payload[end + 1 :])


def _check_values(payload: bytes, start: int) -> None:
    number: int
    try:
        (number,) = _INT16.unpack_from(payload, start)
        position = start + 2 + 2 * number
        (number,) = _INT16.unpack_from(payload, position)
        position += 2
        for _ in range(number):
            (length,) = _INT32.unpack_from(payload, position)
            if length < -1:
                raise RemoteProtocolError(f"a Bind message has a value of {length} bytes")
            position += 4 + length if length > 0 else 4
        (number,) = _INT16.unpack_from(payload, position)
    except StructError as error:
        raise RemoteProtocolError("a Bind message ends too soon") from error
    if position + 2 + 2 * number != len(payload):
        raise RemoteProtocolError("a Bind message does not end where its counts say")


def format_bind(message: Bind) -> bytes:
    """Return a Bind."""
    names = pack_text(check_name(message.portal)) + pack_text(check_name(message.statement))
    return format_frame(b"B", names + message.values)


def parse_bind_values(values: bytes) -> BindValues:
    """Return the values of a Bind message one by one.

    Raises:
        RemoteProtocolError: They are not whole.
    """
    reader = Payload(values, "a Bind message")
    formats = _int16s(reader)
    lengths = (reader.int32() for _ in range(reader.uint16()))
    found = tuple(None if length == -1 else reader.take(length) for length in lengths)
    result_formats = _int16s(reader)
    reader.end()
    return BindValues(formats, found, result_formats)


def format_bind_values(message: BindValues) -> bytes:
    """Return the bytes that stand in `Bind.values`."""
    values = b"".join(
        _INT32.pack(-1) if value is None else _INT32.pack(len(value)) + value for value in message.values
    )
    return (
        _pack_int16s(message.formats)
        + _INT16.pack(len(message.values))
        + values
        + _pack_int16s(message.result_formats)
    )


def _int16s(reader: Payload) -> tuple[int, ...]:
    return tuple(value for (value,) in _INT16.iter_unpack(reader.take(2 * reader.uint16())))


def _pack_int16s(values: tuple[int, ...]) -> bytes:
    return b"".join(_INT16.pack(value) for value in (len(values), *values))


def parse_execute(payload: bytes) -> Execute:
    """Return an Execute message.

    Raises:
        RemoteProtocolError: It is not whole, or the name cannot be told apart.
    """
    end = payload.find(b"\0")
    if end < 0 or len(payload) != end + 5:
        raise RemoteProtocolError("an Execute message is a portal's name and a row limit")
    return Execute(check_name(payload[:end]), _INT32.unpack_from(payload, end + 1)[0])


def format_execute(message: Execute) -> bytes:
    """Return an Execute."""
    return format_frame(b"E", pack_text(check_name(message.portal)) + _INT32.pack(message.max_rows))


def parse_function_call(payload: bytes) -> FunctionCall:
    """Return a FunctionCall, its values as they came; that they are whole is checked.

    Raises:
        RemoteProtocolError: It is not whole.
    """
    reader = Payload(payload, "a FunctionCall message")
    function = reader.uint32()
    _int16s(reader)
    for _ in range(reader.uint16()):
        length = reader.int32()
        reader.take(0 if length == -1 else length)
    reader.uint16()  # the format of the result
    reader.end()
    return FunctionCall(function, payload[4:])


def format_function_call(message: FunctionCall) -> bytes:
    """Return a FunctionCall."""
    return format_frame(b"F", _UINT32.pack(message.function) + message.values)


def parse_target(payload: bytes) -> Target:
    """Return what a Describe or Close message is about.

    Raises:
        RemoteProtocolError: It is neither a statement nor a portal, or the name cannot be told apart.
    """
    kind, name = payload[:1], payload[1:-1]
    if kind not in _TARGETS or payload[-1:] != b"\0" or b"\0" in name:
        raise RemoteProtocolError("a Describe or Close message is `S` or `P` and a name")
    return Target(kind, check_name(name))


def format_describe(target: Target) -> bytes:
    """Return a Describe."""
    return format_frame(b"D", _pack_target(target))


def format_describe_statement(name: bytes) -> bytes:
    """Return a Describe of a statement."""
    return format_describe(Target(STATEMENT, name))


def format_close(target: Target) -> bytes:
    """Return a Close."""
    return format_frame(b"C", _pack_target(target))


def _pack_target(target: Target) -> bytes:
    if target.kind not in _TARGETS:
        raise LocalProtocolError("only a statement or a portal can be described or closed")
    return target.kind + pack_text(check_name(target.name))


def parse_empty(payload: bytes) -> None:
    """Check the payload of Sync, Flush, Terminate or CopyDone, which have none.

    Raises:
        RemoteProtocolError: There is one.
    """
    Payload(payload, "a message without a payload").end()


def format_copy_data(data: bytes) -> bytes:
    """Return a CopyData; its payload is the data as it is, so there is nothing to parse."""
    return format_frame(b"d", data)


def parse_copy_fail(payload: bytes) -> bytes:
    """Return the reason in a CopyFail.

    Raises:
        RemoteProtocolError: It is not one NUL-terminated text.
    """
    return _only_text(payload, "a CopyFail")


def format_copy_fail(reason: bytes) -> bytes:
    """Return a CopyFail."""
    return format_frame(b"f", pack_text(reason))


def parse_sasl_initial(payload: bytes) -> SaslInitialResponse:
    """Return the mechanism and the client's first message.

    Raises:
        RemoteProtocolError: It is not whole, or the first message is left out, which no SCRAM client does.
    """
    reader = Payload(payload, "a SASL response")
    message = SaslInitialResponse(reader.text(), reader.take(reader.int32()))
    reader.end()
    return message


def format_sasl_initial(message: SaslInitialResponse) -> bytes:
    """Return a SASLInitialResponse."""
    return format_frame(b"p", pack_text(message.mechanism) + _INT32.pack(len(message.data)) + message.data)


def format_sasl_response(data: bytes) -> bytes:
    """Return a SASLResponse; its payload is the data as it is, so there is nothing to parse."""
    return format_frame(b"p", data)


def _only_text(payload: bytes, what: str) -> bytes:
    reader = Payload(payload, what)
    text = reader.text()
    reader.end()
    return text
