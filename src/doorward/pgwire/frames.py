r"""Bytes to frames: whole frames from a client, a fast walk over what a server sends.

A frame is a type byte, a 32-bit length that counts itself, and a payload. A client's first packets have no type
byte (`StartupReader`). What a frame means is decided in `messages` and `replies`; here only its length is.

INVARIANT (chunking says nothing): any chunking of the same bytes gives the same frames, the same totals of rows
and the same forwarded bytes.
INVARIANT (once broken, stays broken): after an impossible length nothing more is read from that side.
INVARIANT (rows are not held): a DataRow or CopyData larger than a chunk streams through `FrameHop`; every other
frame of a server is held until it is whole, within `MAX_SERVER_FRAME_BYTES`.

Example:
    >>> reader = FrameReader(max_frame_bytes=100)
    >>> reader.feed(b"Q\x00\x00\x00\x0dSELECT")
    >>> reader.next_frame() is None
    True
    >>> reader.feed(b" 1\x00S\x00\x00\x00\x04")
    >>> reader.next_frame().payload, reader.next_frame().kind
    (b'SELECT 1\x00', 83)

Source: PostgreSQL 17 documentation, 53.7 "Message Formats".
"""

from struct import Struct
from typing import Final, NamedTuple

from doorward.errors import LocalProtocolError, RemoteProtocolError
from doorward.pgwire.limits import (
    MAX_ROW_BYTES,
    MAX_SERVER_FRAME_BYTES,
    MAX_STARTUP_BYTES,
    MAX_UNREAD_BYTES,
)

_HEAD: Final = Struct(">BI")
_LENGTH: Final = Struct(">I")
DATA_ROW: Final = ord("D")
COPY_DATA: Final = ord("d")


class Frame(NamedTuple):
    """One whole message: its type byte, its payload and the bytes as they came.

    A named tuple, as `Rows`: measured, half the cost of a frozen dataclass, for the millions of them.
    """

    kind: int
    payload: bytes
    raw: bytes


class Rows(NamedTuple):
    """A run of row bytes to forward.

    ``ended`` rows end in it, ``size`` payload bytes stand in it; ``kind`` is `DATA_ROW` or `COPY_DATA`, one a run.
    """

    data: bytes
    ended: int
    size: int
    kind: int


# Measured: a named tuple made this way costs 80 ns, by its own constructor 140.
_new: Final = tuple.__new__
_ROW_KINDS: Final = frozenset({DATA_ROW, COPY_DATA})


class _Inbox:
    """Bytes that came and are not read yet; joins pieces once a frame, however small they come."""

    __slots__ = ("_bound", "_more", "_more_bytes", "data", "position")

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self.data = b""
        self.position = 0
        self._more: list[bytes] = []
        self._more_bytes = 0

    def put(self, data: bytes) -> None:
        if len(self.data) - self.position + self._more_bytes + len(data) > self._bound:
            raise LocalProtocolError(f"more than {self._bound} bytes were fed before they were read")
        if self.position == len(self.data):
            self.data, self.position = data, 0
        else:
            self._more.append(data)
            self._more_bytes += len(data)

    def has(self, size: int) -> bool:
        """Return True where this many bytes came; they then stand in ``data`` from ``position`` on."""
        here = len(self.data) - self.position
        if here >= size:
            return True
        if here + self._more_bytes < size:
            return False
        self.data = self.rest()
        self.position = self._more_bytes = 0
        self._more.clear()
        return True

    def rest(self) -> bytes:
        return b"".join((self.data[self.position :], *self._more))


class FrameReader:
    """Whole frames out of whatever chunks a client sends.

    Args:
        max_frame_bytes: The longest payload that is waited for; a longer one is refused from its head alone.
    """

    __slots__ = ("_inbox", "_max_frame_bytes")

    def __init__(self, max_frame_bytes: int) -> None:
        self._max_frame_bytes = max_frame_bytes
        self._inbox = _Inbox(max_frame_bytes + MAX_UNREAD_BYTES)

    @property
    def trailing_data(self) -> bytes:
        """Bytes that came and were not given out as a frame."""
        return self._inbox.rest()

    def feed(self, data: bytes) -> None:
        """Take bytes from the client.

        Raises:
            LocalProtocolError: The caller fed on without reading frames; it should have stopped reading the socket.
        """
        self._inbox.put(data)

    def next_frame(self) -> Frame | None:
        """Return the next whole frame, or None where more bytes are needed.

        Raises:
            RemoteProtocolError: The length is impossible or beyond the bound; every later call raises it again.
        """
        inbox = self._inbox
        if not inbox.has(5):
            return None
        kind, length = _HEAD.unpack_from(inbox.data, inbox.position)
        if not 4 <= length <= self._max_frame_bytes + 4:
            raise RemoteProtocolError(
                f"a message of at most {self._max_frame_bytes} bytes was expected and one of {length - 4} announced"
            )
        start = inbox.position
        end = start + length + 1
        if end > len(inbox.data):
            if not inbox.has(length + 1):
                return None
            start, end = 0, length + 1
        inbox.position = end
        raw = inbox.data[start:end]
        return _new(Frame, (kind, raw[5:], raw))


class StartupReader:
    """The packets without a type byte that open a connection: startup, SSLRequest, GSSENCRequest, cancel."""

    __slots__ = ("_inbox",)

    def __init__(self) -> None:
        self._inbox = _Inbox(MAX_STARTUP_BYTES + MAX_UNREAD_BYTES)

    @property
    def trailing_data(self) -> bytes:
        """Bytes behind the packet that was read; after an SSLRequest there must be none."""
        return self._inbox.rest()

    def feed(self, data: bytes) -> None:
        """Take bytes from the client.

        Raises:
            LocalProtocolError: The caller fed on without reading packets.
        """
        self._inbox.put(data)

    def next_packet(self) -> bytes | None:
        """Return the next packet without its length, or None where more bytes are needed.

        Raises:
            RemoteProtocolError: The length is impossible or beyond PostgreSQL's own bound, as with TLS or HTTP
                sent to this port; every later call raises it again.
        """
        inbox = self._inbox
        if not inbox.has(4):
            return None
        (length,) = _LENGTH.unpack_from(inbox.data, inbox.position)
        if not 8 <= length <= MAX_STARTUP_BYTES + 4:
            raise RemoteProtocolError(
                f"a startup packet of 4 to {MAX_STARTUP_BYTES} bytes was expected and one of {length - 4} announced"
            )
        if not inbox.has(length):
            return None
        start = inbox.position
        inbox.position = end = start + length
        return inbox.data[start + 4 : end]


class FrameHop:
    """A walk over a server's stream: runs of rows as they are, every other frame whole.

    Between chunks it keeps how many bytes of a row are still to pass, or the pieces of a frame that is not whole.
    """

    __slots__ = ("_broken", "_left", "_left_kind", "_missing", "_pieces")

    def __init__(self) -> None:
        self._left = 0  # bytes of a row whose head has passed
        self._left_kind = DATA_ROW
        self._pieces: list[bytes] = []  # of a head or a frame that is not whole
        self._missing = 0  # bytes without which the pieces are not worth joining
        self._broken: str | None = None

    @property
    def left(self) -> int:
        """How many bytes are still to come of the row in which the last chunk ended."""
        return self._left

    @property
    def is_mid_row(self) -> bool:
        """True where the head of a row was given out and its end was not."""
        return self._left > 0

    def hop(self, data: bytes) -> list[Rows | Frame]:
        """Return what stands in this chunk, in order; rows in runs as long as possible.

        Raises:
            RemoteProtocolError: A length is impossible or beyond the bounds; nothing of this chunk is given out,
                and every later call raises it again.
        """
        if self._broken is not None:
            raise RemoteProtocolError(self._broken)
        if self._pieces:
            self._pieces.append(data)
            self._missing -= len(data)
            if self._missing > 0:
                return []
            data = b"".join(self._pieces)
            self._pieces.clear()
        found: list[Rows | Frame] = []
        position = self._pass_row(data, found) if self._left else 0
        last_head = len(data) - 5
        unpack = _HEAD.unpack_from
        while position <= last_head:
            kind, length = unpack(data, position)
            if kind in _ROW_KINDS:
                position = self._walk_rows(data, position, kind, found)
                continue
            if not 4 <= length <= MAX_SERVER_FRAME_BYTES:
                raise self._break(f"a message of {length} bytes was announced by the server")
            following = position + length + 1
            if following > last_head + 5:
                break
            raw = data[position:following]
            found.append(_new(Frame, (kind, raw[5:], raw)))
            position = following
        if position < len(data):
            self._hold(data, position)
        return found

    def _pass_row(self, data: bytes, found: list[Rows | Frame]) -> int:
        taken = min(self._left, len(data))
        self._left -= taken
        if taken:
            found.append(Rows(data[:taken], 0 if self._left else 1, taken, self._left_kind))
        return taken

    def _walk_rows(self, data: bytes, start: int, run: int, found: list[Rows | Frame]) -> int:
        end = len(data)
        last_head = end - 5
        unpack = _HEAD.unpack_from
        position, ended, heads = start, 0, 0
        while position <= last_head:
            kind, length = unpack(data, position)
            if kind != run:
                break
            if not 4 <= length <= MAX_ROW_BYTES:
                raise self._break(f"a row of {length} bytes was announced by the server")
            heads += 1
            position += length + 1
            if position > end:
                self._left, self._left_kind = position - end, run
                position = end
                break
            ended += 1
        found.append(Rows(data[start:position], ended, position - start - 5 * heads, run))
        return position

    def _hold(self, data: bytes, position: int) -> None:
        held = data[position:]
        self._pieces.append(held)
        wanted = 5 if len(held) < 5 else int(_HEAD.unpack_from(held)[1]) + 1
        self._missing = wanted - len(held)

    def _break(self, message: str) -> RemoteProtocolError:
        self._broken = message
        return RemoteProtocolError(message)
