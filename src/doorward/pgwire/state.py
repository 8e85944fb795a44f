"""The protocol's states as tables: what may come next from each side, and nothing else.

Two laws. (1) Every legal step stands in a table of this file; what has no entry is refused and ends the session,
and no other file adds a step. (2) This file does not know what a message says, or what is done about it.

Three tables. `CLIENT` is what a client may say. `SERVER` is what a server may say until it is ready. `ANSWERS` is
what a server may say from then on: always about the first message that it has not answered yet.

Not in any table, so never passed on: the answer to a FunctionCall (``V``), which is asked only in a way that fails,
CopyBothResponse (``W``), which only replication uses, and every type byte that PostgreSQL 17 does not know.

Source: PostgreSQL 17 documentation, 53.2 "Message Flow"; PostgresMain and SocketBackend in postgres.c.
"""

from collections.abc import Mapping
from enum import Enum, IntEnum, auto
from typing import Final, TypeVar

from doorward.errors import RemoteProtocolError

P = TypeVar("P")


class ClientKind(IntEnum):
    """The type byte of what a client says."""

    BIND = ord("B")
    CLOSE = ord("C")
    COPY_DATA = ord("d")
    COPY_DONE = ord("c")
    COPY_FAIL = ord("f")
    DESCRIBE = ord("D")
    EXECUTE = ord("E")
    FLUSH = ord("H")
    FUNCTION_CALL = ord("F")
    PARSE = ord("P")
    PASSWORD = ord("p")  # also SASLInitialResponse and SASLResponse
    QUERY = ord("Q")
    SYNC = ord("S")
    TERMINATE = ord("X")


class ServerKind(IntEnum):
    """The type byte of what a server says."""

    AUTHENTICATION = ord("R")
    BACKEND_KEY = ord("K")
    BIND_COMPLETE = ord("2")
    CLOSE_COMPLETE = ord("3")
    COMMAND_COMPLETE = ord("C")
    COPY_DATA = ord("d")
    COPY_DONE = ord("c")
    COPY_IN = ord("G")
    COPY_OUT = ord("H")
    DATA_ROW = ord("D")
    EMPTY_QUERY = ord("I")
    ERROR = ord("E")
    NEGOTIATE_VERSION = ord("v")
    NO_DATA = ord("n")
    NOTICE = ord("N")
    NOTIFICATION = ord("A")
    PARAMETER_DESCRIPTION = ord("t")
    PARAMETER_STATUS = ord("S")
    PARSE_COMPLETE = ord("1")
    PORTAL_SUSPENDED = ord("s")
    READY = ord("Z")
    ROW_DESCRIPTION = ord("T")


ASYNCHRONOUS: Final = frozenset({ServerKind.NOTICE, ServerKind.PARAMETER_STATUS, ServerKind.NOTIFICATION})


class ClientPhase(Enum):
    """How far a client's side is, by what it said and by what the server's side told it."""

    AUTHENTICATING = auto()  # behind the startup message
    READY = auto()
    EXTENDED = auto()  # in a batch that no Sync has ended
    COPY_IN = auto()  # entered by the server's CopyInResponse, left by CopyDone or CopyFail
    CLOSED = auto()


_c = ClientKind
_EXTENDED: Final[dict[int, ClientPhase]] = dict.fromkeys(
    (_c.PARSE, _c.BIND, _c.DESCRIBE, _c.EXECUTE, _c.CLOSE, _c.FLUSH), ClientPhase.EXTENDED
)
# PostgreSQL drops copy messages outside of COPY: a client may send some before it hears that COPY failed.
_STRAY: Final[tuple[int, ...]] = (_c.COPY_DATA, _c.COPY_DONE, _c.COPY_FAIL)
_ENDS: Final[dict[int, ClientPhase]] = {_c.TERMINATE: ClientPhase.CLOSED}

CLIENT: Final[Mapping[ClientPhase, Mapping[int, ClientPhase]]] = {
    ClientPhase.AUTHENTICATING: {_c.PASSWORD: ClientPhase.AUTHENTICATING, **_ENDS},
    ClientPhase.READY: {
        _c.QUERY: ClientPhase.READY,
        _c.FUNCTION_CALL: ClientPhase.READY,
        _c.SYNC: ClientPhase.READY,
        **_EXTENDED,
        **dict.fromkeys(_STRAY, ClientPhase.READY),
        **_ENDS,
    },
    ClientPhase.EXTENDED: {
        _c.QUERY: ClientPhase.READY,
        _c.FUNCTION_CALL: ClientPhase.READY,
        _c.SYNC: ClientPhase.READY,
        **_EXTENDED,
        **dict.fromkeys(_STRAY, ClientPhase.EXTENDED),
        **_ENDS,
    },
    ClientPhase.COPY_IN: {
        _c.COPY_DATA: ClientPhase.COPY_IN,
        _c.COPY_DONE: ClientPhase.READY,
        _c.COPY_FAIL: ClientPhase.READY,
        _c.FLUSH: ClientPhase.COPY_IN,  # PostgreSQL passes over both within COPY
        _c.SYNC: ClientPhase.COPY_IN,
        **_ENDS,
    },
    ClientPhase.CLOSED: {},
}


class ServerPhase(Enum):
    """How far a server's side is."""

    AUTHENTICATING = auto()
    STARTING = auto()  # entered by AuthenticationOk
    SERVING = auto()  # from here on `ANSWERS` holds
    CLOSED = auto()


_s = ServerKind
_REFUSES: Final[dict[int, ServerPhase]] = {_s.ERROR: ServerPhase.CLOSED}

SERVER: Final[Mapping[ServerPhase, Mapping[int, ServerPhase]]] = {
    ServerPhase.AUTHENTICATING: {
        _s.AUTHENTICATION: ServerPhase.AUTHENTICATING,
        _s.NEGOTIATE_VERSION: ServerPhase.AUTHENTICATING,
        _s.NOTICE: ServerPhase.AUTHENTICATING,
        **_REFUSES,
    },
    ServerPhase.STARTING: {
        _s.BACKEND_KEY: ServerPhase.STARTING,
        _s.PARAMETER_STATUS: ServerPhase.STARTING,
        _s.NOTICE: ServerPhase.STARTING,
        _s.READY: ServerPhase.SERVING,
        **_REFUSES,
    },
    ServerPhase.SERVING: {},
    ServerPhase.CLOSED: {},
}


class Sent(IntEnum):
    """A message sent to a server, by what it will be answered with."""

    QUERY = auto()
    PARSE = auto()
    BIND = auto()
    DESCRIBE = auto()
    OWN_DESCRIBE = auto()  # of a statement, asked by the door itself; the answer is not the client's
    EXECUTE = auto()
    CLOSE = auto()
    OWN_CLOSE = auto()
    SYNC = auto()
    COPY_END = auto()  # CopyDone or CopyFail: has no answer, and marks a place
    FUNCTION_CALL = auto()  # in a form that fails


class Step(IntEnum):
    """How far the answer to one message is."""

    FIRST = auto()  # nothing of it came
    NEXT = auto()  # a statement of a Query ended; another may follow
    ROWS = auto()
    COPY_OUT = auto()
    COPIED = auto()  # the copy's data ended; its completion follows
    COPY_IN = auto()
    DESCRIBED = auto()  # the parameters came; the columns follow
    FAILED = auto()  # an error came; only ReadyForQuery may follow
    DONE = auto()


_STATEMENT: Final[dict[int, Step]] = {
    _s.ROW_DESCRIPTION: Step.ROWS,
    _s.COMMAND_COMPLETE: Step.NEXT,
    _s.EMPTY_QUERY: Step.NEXT,
    _s.COPY_OUT: Step.COPY_OUT,
    _s.COPY_IN: Step.COPY_IN,
    _s.ERROR: Step.FAILED,
}
_QUERY_ENDS: Final[dict[int, Step]] = {_s.COMMAND_COMPLETE: Step.NEXT, _s.ERROR: Step.FAILED}
_ENDS_OR_FAILS: Final[dict[int, Step]] = {_s.COMMAND_COMPLETE: Step.DONE, _s.ERROR: Step.DONE}
_COLUMNS: Final[dict[int, Step]] = {_s.ROW_DESCRIPTION: Step.DONE, _s.NO_DATA: Step.DONE, _s.ERROR: Step.DONE}


def _one(kind: ServerKind) -> Mapping[Step, Mapping[int, Step]]:
    return {Step.FIRST: {kind: Step.DONE, _s.ERROR: Step.DONE}}


ANSWERS: Final[Mapping[Sent, Mapping[Step, Mapping[int, Step]]]] = {
    Sent.QUERY: {
        Step.FIRST: _STATEMENT,
        Step.NEXT: {**_STATEMENT, _s.READY: Step.DONE},
        # Rows of several descriptions under one tag: rules may add queries to a statement.
        Step.ROWS: {_s.DATA_ROW: Step.ROWS, _s.ROW_DESCRIPTION: Step.ROWS, **_QUERY_ENDS},
        Step.COPY_OUT: {_s.COPY_DATA: Step.COPY_OUT, _s.COPY_DONE: Step.COPIED, _s.ERROR: Step.FAILED},
        Step.COPIED: _QUERY_ENDS,
        Step.COPY_IN: _QUERY_ENDS,
        Step.FAILED: {_s.READY: Step.DONE},
    },
    Sent.PARSE: _one(_s.PARSE_COMPLETE),
    Sent.BIND: _one(_s.BIND_COMPLETE),
    Sent.CLOSE: _one(_s.CLOSE_COMPLETE),
    Sent.OWN_CLOSE: _one(_s.CLOSE_COMPLETE),
    # A client's Describe is of a statement or of a portal; the latter has no parameters.
    Sent.DESCRIBE: {
        Step.FIRST: {_s.PARAMETER_DESCRIPTION: Step.DESCRIBED, **_COLUMNS},
        Step.DESCRIBED: _COLUMNS,
    },
    Sent.OWN_DESCRIBE: {
        Step.FIRST: {_s.PARAMETER_DESCRIPTION: Step.DESCRIBED, _s.ERROR: Step.DONE},
        Step.DESCRIBED: _COLUMNS,
    },
    Sent.EXECUTE: {
        Step.FIRST: {
            _s.DATA_ROW: Step.ROWS,
            _s.EMPTY_QUERY: Step.DONE,
            _s.PORTAL_SUSPENDED: Step.DONE,
            _s.COPY_OUT: Step.COPY_OUT,
            _s.COPY_IN: Step.COPY_IN,
            **_ENDS_OR_FAILS,
        },
        Step.ROWS: {_s.DATA_ROW: Step.ROWS, _s.PORTAL_SUSPENDED: Step.DONE, **_ENDS_OR_FAILS},
        Step.COPY_OUT: {_s.COPY_DATA: Step.COPY_OUT, _s.COPY_DONE: Step.COPIED, _s.ERROR: Step.DONE},
        Step.COPIED: _ENDS_OR_FAILS,
        Step.COPY_IN: _ENDS_OR_FAILS,
    },
    # The error of a Sync is that of the commit which it makes.
    Sent.SYNC: {
        Step.FIRST: {_s.READY: Step.DONE, _s.ERROR: Step.FAILED},
        Step.FAILED: {_s.READY: Step.DONE},
    },
    Sent.COPY_END: {Step.FIRST: {}},
    Sent.FUNCTION_CALL: {
        Step.FIRST: {_s.ERROR: Step.FAILED},
        Step.FAILED: {_s.READY: Step.DONE},
    },
}


def next_phase(table: Mapping[P, Mapping[int, P]], phase: P, kind: int) -> P:
    """Return the phase that a message leads to.

    Raises:
        RemoteProtocolError: The table has no such step.
    """
    following = table[phase].get(kind)
    if following is None:
        raise RemoteProtocolError(f"a message of type `{show_kind(kind)}` has no place here")
    return following


def show_kind(kind: int) -> str:
    """Return a type byte as a letter or digit where it is one, else as a number."""
    letter = chr(kind)
    return letter if letter.isascii() and letter.isalnum() else f"0x{kind:02x}"
