"""What the account of a session's replies says, as values: what ended, how, and what to do with a frame.

`replies` makes them; the caller records them before it forwards anything.
"""

from enum import Enum
from typing import NamedTuple


class Outcome(Enum):
    """How a request ended, in the record's words."""

    COMPLETE = "complete"  # one statement of it
    SUSPENDED = "suspended"
    EMPTY = "empty"
    ERROR = "error"
    SKIPPED = "skipped"
    PLAN = "plan withheld"
    REFUSED = "refused"  # by the door, while it ran or before; what had left is counted
    CUT = "cut"
    ENDED = "ended"  # a whole Query, after the endings of its statements


class Ending(NamedTuple):
    """What ended, to be recorded before its frame goes to the client.

    ``rows`` and ``size`` (payload bytes) count what the client was given. ``tag`` is the command's, or the SQLSTATE
    of an error. ``is_last``: nothing more will end for this request.
    """

    request: int
    outcome: Outcome
    rows: int
    size: int
    tag: bytes
    is_last: bool


class LostPortal(NamedTuple):
    """A portal that was suspended and can never be run to its end; rows and bytes of all its Executes."""

    portal: bytes
    request: int
    rows: int
    size: int


class Reply(NamedTuple):
    """What a frame meant.

    ``endings`` are to be recorded first, with ``lost`` portals. Then the client gets one refusal where ``refused``, for
    the reason that `ReplyQueue.withheld_as` says, or where ``function_refused``, then the frame where ``forward``.
    """

    endings: tuple[Ending, ...] = ()
    forward: bool = True
    refused: bool = False
    lost: tuple[LostPortal, ...] = ()
    function_refused: bool = False
