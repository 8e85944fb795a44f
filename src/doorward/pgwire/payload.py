"""A message's payload read from the front, totally: a value or `RemoteProtocolError`, and nothing else.

Here is how texts and numbers stand in a payload; which of them a message has is decided in `client_messages`,
`server_messages` and `opening`.
"""

from struct import Struct
from typing import Final

from doorward.errors import LocalProtocolError, RemoteProtocolError
from doorward.pgwire.limits import MAX_NAME_BYTES
from doorward.pgwire.sqlstate import INVALID_NAME

_INT32: Final = Struct(">i")
_UINT16: Final = Struct(">H")
_UINT32: Final = Struct(">I")


class Payload:
    """A payload and a position in it.

    Args:
        data: The payload.
        what: What the message is, for errors: `a Bind message`.
    """

    __slots__ = ("_data", "_position", "_what")

    def __init__(self, data: bytes, what: str) -> None:
        self._data = data
        self._position = 0
        self._what = what

    def take(self, size: int) -> bytes:
        """Return the next ``size`` bytes.

        Raises:
            RemoteProtocolError: There are fewer, or the size is negative.
        """
        start = self._position
        end = start + size
        if size < 0 or end > len(self._data):
            raise RemoteProtocolError(f"{self._what} ends too soon")
        self._position = end
        return self._data[start:end]

    def text(self) -> bytes:
        """Return the bytes before the next NUL, and pass it.

        Raises:
            RemoteProtocolError: There is no NUL.
        """
        start = self._position
        end = self._data.find(b"\0", start)
        if end < 0:
            raise RemoteProtocolError(f"{self._what} has a text without an end")
        self._position = end + 1
        return self._data[start:end]

    def name(self) -> bytes:
        """Return the name of a statement or portal.

        Raises:
            RemoteProtocolError: It is no name that can be told apart here and in PostgreSQL.
        """
        return check_name(self.text())

    def uint16(self) -> int:
        """Return an unsigned 16-bit number."""
        return int(_UINT16.unpack(self.take(2))[0])

    def int32(self) -> int:
        """Return a signed 32-bit number."""
        return int(_INT32.unpack(self.take(4))[0])

    def uint32(self) -> int:
        """Return an unsigned 32-bit number."""
        return int(_UINT32.unpack(self.take(4))[0])

    def rest(self) -> bytes:
        """Return everything that is left."""
        return self.take(len(self._data) - self._position)

    def end(self) -> None:
        """Check that nothing is left.

        Raises:
            RemoteProtocolError: Bytes are.
        """
        left = len(self._data) - self._position
        if left:
            raise RemoteProtocolError(f"{self._what} has {left} bytes behind its end")


def check_name(name: bytes) -> bytes:
    """Return the name of a statement or portal, if PostgreSQL tells it apart from every other.

    INVARIANT (one name, one thing): PostgreSQL cuts longer names (`MAX_NAME_BYTES`) and converts other than ASCII
    from the client's encoding, where two spellings may become one. What we know by name would then be wrong.

    Raises:
        RemoteProtocolError: It is longer, or not ASCII.
    """
    if len(name) > MAX_NAME_BYTES or not name.isascii():
        raise RemoteProtocolError(
            f"the name of a statement or portal must be ASCII and at most {MAX_NAME_BYTES} bytes long",
            sqlstate_hint=INVALID_NAME,
        )
    return name


def pack_text(text: bytes) -> bytes:
    """Return a text with the NUL that ends it.

    Raises:
        LocalProtocolError: It has a NUL itself.
    """
    if b"\0" in text:
        raise LocalProtocolError("a text with a zero byte cannot be sent")
    return text + b"\0"


def format_frame(kind: bytes, payload: bytes = b"") -> bytes:
    """Return a frame of this type byte and payload."""
    return kind + _UINT32.pack(len(payload) + 4) + payload
