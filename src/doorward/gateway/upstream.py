"""The opening of a connection to PostgreSQL as a bound login role: pure.

The peer map lets the gateway's own user in as a member of dw_sessions, so PostgreSQL answers AuthenticationOk
at once; anything else means that the door's way in is not what it must be.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from doorward.errors import UpstreamError
from doorward.pgwire.frames import FrameReader
from doorward.pgwire.limits import MAX_AUTH_FRAME_BYTES
from doorward.pgwire.messages import PROTOCOL_3_0, StartupMessage, format_startup, parse_fields, parse_key


@dataclass(frozen=True, slots=True)
class Connected:
    """An open upstream session: its ParameterStatus frames as they came, and its cancel key."""

    parameters: tuple[bytes, ...]
    key: tuple[int, bytes]


class UpstreamHandshake:
    """One opening; `feed` returns None until PostgreSQL is ready for queries."""

    def __init__(self, login: str, parameters: Mapping[str, str]) -> None:
        self._opening = format_startup(StartupMessage(PROTOCOL_3_0, (("user", login), *parameters.items())))
        self._frames = FrameReader(MAX_AUTH_FRAME_BYTES)
        self._parameters: list[bytes] = []
        self._key = (0, b"")

    def opening(self) -> bytes:
        """Return the startup message."""
        return self._opening

    def feed(self, data: bytes) -> Connected | None:
        """Return the open session once it is ready.

        Raises:
            UpstreamError: PostgreSQL refused, or asked for a password.
        """
        self._frames.feed(data)
        while (frame := self._frames.next_frame()) is not None:
            if frame.kind == ord("R"):
                if frame.payload != bytes(4):
                    raise UpstreamError("the database asked the door for a password; its peer map is missing")
            elif frame.kind == ord("S"):
                self._parameters.append(frame.raw)
            elif frame.kind == ord("K"):
                self._key = parse_key(frame.payload)
            elif frame.kind == ord("E"):
                sqlstate = parse_fields(frame.payload).get("C", b"").decode("ascii", "replace")
                raise UpstreamError(f"the database refused the door's login ({sqlstate})")
            elif frame.kind == ord("Z"):
                return Connected(tuple(self._parameters), self._key)
            elif frame.kind != ord("N"):
                raise UpstreamError("the database answered the opening with something else")
        return None
