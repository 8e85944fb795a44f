r"""Which reply answers which request: the exact account of one session's pending messages.

Two laws. (1) The server answers in the order in which it was asked: every frame is about the first pending message,
or is asynchronous (notice, parameter, notification). (2) A frame that `state.ANSWERS` does not list for that
message ends the session; nothing is guessed.

After an ErrorResponse in the extended protocol PostgreSQL discards every message up to the next Sync, simple
queries too (``ignore_till_sync`` in postgres.c): those end as skipped. Flush has no answer and is not pushed.

COPY FROM STDIN reads the messages behind it itself and passes over a Sync, which then gets no answer. Where it ends
well, `Sent.COPY_END` tells exactly which Syncs those were. Where it fails, PostgreSQL does not say how far it had
read: that many Syncs may stay without an answer (``_unsure``).

EXPLAIN: each Parse is followed by a Describe of our own, whose answer is swallowed; see `plans` for the invariant.
INVARIANT (refused once): where a plan is refused the client gets one ErrorResponse, then nothing but asynchronous
frames until the ReadyForQuery that would end any error: the Query's own, or the next Sync's. The same holds for a
statement that the caller withholds, and for a COPY TO STDOUT where none may leave.

Example:
    >>> queue = ReplyQueue()
    >>> queue.push(Sent.QUERY, 7)
    >>> reply = queue.frame(Frame(ord("C"), b"SELECT 3\0", b""))
    >>> reply.endings[0].request, reply.endings[0].tag
    (7, b'SELECT 3')
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from doorward.errors import RemoteProtocolError
from doorward.pgwire.client_messages import PORTAL, STATEMENT, Target, format_close
from doorward.pgwire.endings import Ending, LostPortal, Outcome, Reply
from doorward.pgwire.error_fields import ends_session, parse_fields
from doorward.pgwire.frames import Frame, Rows
from doorward.pgwire.limits import MAX_NAMED, MAX_PENDING
from doorward.pgwire.plans import PlanGuard
from doorward.pgwire.server_messages import is_plan, parse_ready, parse_tag
from doorward.pgwire.sqlstate import FEATURE_NOT_SUPPORTED, UNDEFINED_FUNCTION
from doorward.pgwire.state import ANSWERS, ASYNCHRONOUS, Sent, ServerKind, Step, show_kind

__all__ = ["SHOWN", "Ending", "LostPortal", "Outcome", "Reply", "ReplyQueue", "Sent"]


@dataclass(slots=True)
class _Pending:
    """One message sent and not yet answered; ``row`` is its step's row of the table."""

    sent: Sent
    request: int
    name: bytes
    portal: bytes
    row: Mapping[int, Step]
    step: Step = Step.FIRST
    rows: int = 0
    size: int = 0


# Aliases for what every frame touches: measured, Python 3.11 takes 50 ns to find a member of an enum class.
_DONE: Final = Step.DONE
_IN_COPY: Final = Step.COPY_IN
_QUERY: Final = Sent.QUERY
_EXECUTE: Final = Sent.EXECUTE
_SYNC: Final = Sent.SYNC
_COPY_END: Final = Sent.COPY_END
_FUNCTION: Final = Sent.FUNCTION_CALL
_OWN_DESCRIBE: Final = Sent.OWN_DESCRIBE
_ERROR: Final = int(ServerKind.ERROR)
_COMPLETE: Final = Outcome.COMPLETE
_ENDED: Final = Outcome.ENDED
_FIRST_ROWS: Final = {sent: steps[Step.FIRST] for sent, steps in ANSWERS.items()}
SHOWN: Final = Reply()
_COPY_SHOWN: Final = Reply()  # equal, and another object: a caller that passes over `SHOWN` looks at this one
_HIDDEN: Final = Reply(forward=False)
_RUNS: Final = frozenset({Sent.QUERY, Sent.BIND, Sent.EXECUTE})
_OWN: Final = frozenset({Sent.OWN_DESCRIBE, Sent.OWN_CLOSE})
_NOT_RUN: Final = frozenset({Sent.SYNC, Sent.COPY_END, Sent.OWN_CLOSE})
_UNHEARD: Final = frozenset({Sent.OWN_CLOSE, Sent.COPY_END})  # nobody waits for an answer to these
# An error in these makes PostgreSQL discard nothing.
_UNSKIPPED: Final = frozenset({Sent.QUERY, Sent.SYNC, Sent.FUNCTION_CALL})


class ReplyQueue:
    """The pending messages of one session, in order.

    The caller pushes what it sends upstream, feeds every frame and run of rows that comes back, and acts on the
    replies. After each chunk of the server it sends `own_closes` upstream.

    Attributes:
        transaction: The status of the last ReadyForQuery: `I`, `T` or `E`.
        answered: The request number of the message that the last frame or rows were about, 0 for none.
        withheld_as: Why the client hears nothing, or last heard nothing: `PLAN` or `REFUSED`.
        may_copy_out: Whether a COPY TO STDOUT may leave; the caller sets it.
        is_over: True after an error with which the server ends the connection.
    """

    def __init__(self) -> None:
        self._pending: deque[_Pending] = deque()
        self._skipped: list[Ending] = []
        self._plans = PlanGuard()
        self._suspended: dict[bytes, LostPortal] = {}
        self._is_discarding = False  # an error came and no Sync was sent since
        self._unsure = 0  # Syncs that a failed COPY may have read over
        self._is_muted = False
        self._is_refused = False  # the client was told
        self._muted_until = _SYNC  # whose ReadyForQuery lets the client hear again
        self.transaction = b"I"
        self.answered = 0
        self.withheld_as = Outcome.PLAN
        self.may_copy_out = True
        self.is_over = False

    def __len__(self) -> int:
        return len(self._pending)

    @property
    def is_idle(self) -> bool:
        """True where the client waits for nothing, or may (``_unsure``)."""
        waits = [item for item in self._pending if item.sent not in _UNHEARD]
        return len(waits) <= self._unsure and all(item.sent is _SYNC for item in waits)

    @property
    def copying_in(self) -> bool:
        """True while the server reads the client's copy data."""
        return bool(self._pending) and self._pending[0].step is _IN_COPY

    @property
    def running(self) -> object | None:
        """What the server works on now, to be compared by identity; None where it waits for the client."""
        first = self._pending[0] if self._pending else None
        return None if first is None or first.sent in _NOT_RUN or first.step is _IN_COPY else first

    @property
    def suspended(self) -> tuple[LostPortal, ...]:
        """The portals that are suspended now; what is lost if the session ends."""
        return tuple(self._suspended.values())

    def push(self, sent: Sent, request: int, *, name: bytes = b"", portal: bytes = b"") -> None:
        """Note a message that goes upstream now.

        Args:
            request: The caller's number for it; 0 for a message whose end is not recorded.
            name: The statement's name of Parse, Bind and Describe; what Close is about, `S` or `P` in front.
            portal: The portal's name of Bind and Execute.

        Raises:
            RemoteProtocolError: More is pending than the bound allows.
        """
        if len(self._pending) >= MAX_PENDING:
            raise RemoteProtocolError(f"at most {MAX_PENDING} messages may wait for their answers")
        if self._is_discarding:
            if sent is not _SYNC:
                if request:
                    self._skipped.append(Ending(request, Outcome.SKIPPED, 0, 0, b"", is_last=True))
                return
            self._is_discarding = False
        if sent is not _COPY_END or self._pending:
            self._pending.append(_Pending(sent, request, name, portal, _FIRST_ROWS[sent]))

    def skip_sent(self) -> tuple[Ending, ...]:
        """Return the endings of what was pushed since an error and will be discarded until Sync."""
        endings = tuple(self._skipped)
        self._skipped.clear()
        return endings

    def own_closes(self) -> bytes:
        """Return Close messages for plans that live on the server, to be sent upstream now; mostly nothing.

        Only between batches, so that no pipelined message is hit by it; until then `plans` withholds all rows.
        """
        if self._plans.is_clear or self._pending or self._is_discarding or self.is_over:
            return b""
        names = self._plans.statements
        for name in names:
            self.push(Sent.OWN_CLOSE, 0, name=STATEMENT + name)
        return b"".join(format_close(Target(STATEMENT, name)) for name in names)

    def withhold(self) -> int:
        """Let nothing more of what runs now reach the client but one refusal; the request's number, 0 for none.

        Only between rows: the rest of a row whose head was forwarded belongs to it.
        """
        if not self._pending:
            return 0
        self._mute(self._pending[0], Outcome.REFUSED)
        return self._pending[0].request

    def cut(self) -> tuple[Ending, ...]:
        """Return an ending for every recorded request that will get none, because a side is gone."""
        endings = tuple(
            Ending(item.request, Outcome.CUT, item.rows, item.size, b"", is_last=True)
            for item in self._pending
            if item.request
        )
        self._pending.clear()
        return endings

    def rows(self, run: Rows) -> bool:
        """Count a run of rows for the statement that sends them; False where the client must not see them.

        Raises:
            RemoteProtocolError: No pending statement sends rows, or not of this kind.
        """
        first = self._first(run.kind)
        step = first.row[run.kind]
        if first.step is not step:
            _move(first, step)
        self.answered = first.request
        if not self._plans.is_clear:
            self._plans.ran()
            self._mute(first)
        if self._is_muted:
            return False
        first.rows += run.ended
        first.size += run.size
        return True

    def give_back(self, rows: int, size: int) -> None:
        """Take back from the last run of rows what the caller did not forward after all."""
        self._pending[0].rows -= rows
        self._pending[0].size -= size

    def frame(self, frame: Frame) -> Reply:
        """Account for one frame from the server.

        Raises:
            RemoteProtocolError: It answers nothing that is pending.
        """
        kind = frame.kind
        handler = _HANDLERS.get(kind)
        if handler is None:
            return _beside(kind)
        if kind == _ERROR and not self._pending:
            return self._idle_error(frame)
        first = self._first(kind)
        step, before = first.row[kind], first.step
        self.answered = first.request
        if not self._plans.is_clear and first.sent in _RUNS:
            self._plans.ran()
        if step is _DONE:
            self._pending.popleft()
        elif before is not step:
            _move(first, step)
        if before is _IN_COPY:
            self._pass_over(first, failed=kind == _ERROR)
        reply = handler(self, first, frame)
        if self._pending and self._pending[0].sent is _COPY_END:
            self._drop_marks()
        return reply

    # The queue itself.

    def _first(self, kind: int) -> _Pending:
        pending = self._pending
        while pending and not self.is_over:
            first = pending[0]
            may_be_unanswered = self._unsure and first.sent is _SYNC and len(pending) > 1
            if kind in first.row and not (may_be_unanswered and kind == _ERROR):
                return first
            if not may_be_unanswered:
                break
            pending.popleft()
            self._unsure -= 1
            self._drop_marks()
        raise _unasked(kind)

    def _drop_marks(self) -> None:
        while self._pending and self._pending[0].sent is _COPY_END:
            self._pending.popleft()

    def _pass_over(self, first: _Pending, *, failed: bool) -> None:
        """Take out the Syncs that a COPY FROM STDIN read over, or count those that it may have."""
        behind = list(self._pending)[1 if first.sent is _QUERY else 0 :]
        syncs = next((at for at, item in enumerate(behind) if item.sent is not _SYNC), len(behind))
        if failed:
            self._unsure += syncs
            return
        if syncs == len(behind) or behind[syncs].sent is not _COPY_END:
            raise RemoteProtocolError("the server ended a copy that the client had not ended")
        start = len(self._pending) - len(behind)
        for _ in range(syncs + 1):
            del self._pending[start]

    def _skip(self) -> tuple[Ending, ...]:
        skipped = []
        while self._pending and self._pending[0].sent is not _SYNC:
            item = self._pending.popleft()
            if item.request:
                skipped.append(Ending(item.request, Outcome.SKIPPED, 0, 0, b"", is_last=True))
        self._is_discarding = not self._pending
        return tuple(skipped)

    def _lose(self, portal: bytes) -> tuple[LostPortal, ...]:
        lost = self._suspended.pop(portal, None)
        return (lost,) if lost else ()

    # One method a kind of frame. ``first`` is what it answers; it has left the queue if this was all of it.

    def _passing(self, first: _Pending, _frame: Frame) -> Reply:
        return _HIDDEN if self._is_muted or first.sent in _OWN else SHOWN

    def _parse_complete(self, first: _Pending, frame: Frame) -> Reply:
        self._plans.prepared(first.name)
        return self._passing(first, frame)

    def _bind_complete(self, first: _Pending, frame: Frame) -> Reply:
        if not self._suspended:
            return self._passing(first, frame)
        return Reply(forward=not self._is_muted, lost=self._lose(first.portal))

    def _close_complete(self, first: _Pending, frame: Frame) -> Reply:
        if first.name[:1] == PORTAL:
            return Reply(forward=not self._is_muted, lost=self._lose(first.name[1:]))
        self._plans.cleared(first.name[1:])
        return self._passing(first, frame)

    def _row_description(self, first: _Pending, frame: Frame) -> Reply:
        if first.sent is _OWN_DESCRIBE:
            if is_plan(frame.payload):
                return self._refuse(first)
            self._plans.cleared(first.name)
        elif first.sent is _QUERY and (is_plan(frame.payload) or not self._plans.is_clear):
            return self._refuse(first)
        return self._passing(first, frame)

    def _no_data(self, first: _Pending, frame: Frame) -> Reply:
        if first.sent is _OWN_DESCRIBE:
            self._plans.cleared(first.name)
        return self._passing(first, frame)

    def _copy_out(self, first: _Pending, _frame: Frame) -> Reply:
        if not self.may_copy_out:
            self._mute(first, Outcome.REFUSED)
        return _COPY_SHOWN if self._plans.is_clear and not self._is_muted else self._refuse(first)

    def _copy_in(self, first: _Pending, frame: Frame) -> Reply:
        if self._is_muted:
            # The client, told of an error, will send no data, and the server would wait for it.
            raise RemoteProtocolError("a copy began behind a plan that was refused")
        return self._passing(first, frame)

    def _command_complete(self, first: _Pending, frame: Frame) -> Reply:
        return self._statement_ends(first, _COMPLETE, parse_tag(frame.payload))

    def _empty_query(self, first: _Pending, _frame: Frame) -> Reply:
        return self._statement_ends(first, Outcome.EMPTY, b"")

    def _portal_suspended(self, first: _Pending, _frame: Frame) -> Reply:
        if len(self._suspended) >= MAX_NAMED:
            raise RemoteProtocolError(f"at most {MAX_NAMED} portals may be suspended")
        before = self._suspended.get(first.portal)
        rows, size = (before.rows, before.size) if before else (0, 0)
        lost = LostPortal(first.portal, first.request, rows + first.rows, size + first.size)
        reply = self._statement_ends(first, Outcome.SUSPENDED, b"")
        self._suspended[first.portal] = lost
        return reply

    def _statement_ends(self, first: _Pending, outcome: Outcome, tag: bytes) -> Reply:
        if not self._is_muted:
            return Reply((self._end(first, outcome, tag),))
        return self._refuse(first, (self._end(first, self.withheld_as, tag),))

    def _mute(self, first: _Pending, why: Outcome = Outcome.PLAN) -> None:
        if not self._is_muted:
            self.withheld_as = why
            # What the client will take the refusal for an answer to: our own Describe is not known to it.
            is_own = first.sent is _OWN_DESCRIBE and self._pending
            seen = self._pending[0].sent if is_own else first.sent
            self._is_muted = True
            # A Query and a FunctionCall have a ReadyForQuery of their own; an error in any other is over at the Sync.
            self._muted_until = seen if seen in {_QUERY, _FUNCTION} else _SYNC

    def _refuse(self, first: _Pending, endings: tuple[Ending, ...] = ()) -> Reply:
        self._mute(first)
        reply = Reply(endings, forward=False, refused=not self._is_refused)
        self._is_refused = True
        return reply

    def _end(self, first: _Pending, outcome: Outcome, tag: bytes) -> Ending:
        is_query = first.sent is _QUERY
        ending = Ending(first.request, outcome, first.rows, first.size, tag, is_last=not is_query)
        if is_query:
            first.rows = first.size = 0
        elif first.sent is _EXECUTE:
            self._suspended.pop(first.portal, None)
        elif first.sent is _FUNCTION:
            first.request = 0  # it waits for its ReadyForQuery, and has ended
        return ending

    def _error(self, first: _Pending, frame: Frame) -> Reply:
        fields = parse_fields(frame.payload)
        self.is_over = ends_session(fields)
        endings: tuple[Ending, ...] = ()
        sqlstate = fields.get("C", b"")
        is_refused = first.sent is _FUNCTION and sqlstate == UNDEFINED_FUNCTION.encode()
        if first.request and first.sent is not _SYNC:
            told = FEATURE_NOT_SUPPORTED.encode() if is_refused else sqlstate
            endings = (self._end(first, Outcome.ERROR, told),)
        if first.sent not in _UNSKIPPED and not self.is_over:
            endings += self._skip()
        if self._is_muted and not self.is_over:
            return self._refuse(first, endings)
        return Reply(endings, forward=not is_refused, function_refused=is_refused)

    def _idle_error(self, frame: Frame) -> Reply:
        self.is_over = ends_session(parse_fields(frame.payload))
        if not self.is_over:
            raise RemoteProtocolError("the server sent an error about nothing that was asked")
        return SHOWN

    def _ready(self, first: _Pending, frame: Frame) -> Reply:
        self.transaction = parse_ready(frame.payload)
        untold = False
        if first.sent is self._muted_until:
            # What was withheld ended without rows, as a Parse does: the client has not heard why yet.
            untold = self._is_muted and not self._is_refused
            self._is_muted = self._is_refused = False
        if not self._pending:
            self._unsure = 0
        lost: tuple[LostPortal, ...] = ()
        if self.transaction == b"I":
            self._plans.transaction_over()
            if self._suspended:
                lost = self.suspended
                self._suspended.clear()
        if first.sent is _SYNC:
            return Reply(lost=lost, refused=untold) if lost or untold else SHOWN
        if first.sent is _FUNCTION:
            return Reply(forward=not self._is_muted, refused=untold, lost=lost)
        if self._suspended:
            lost = self._lose(b"")  # a simple query takes the unnamed portal's place
        ended = Ending(first.request, _ENDED, 0, 0, b"", is_last=True)
        return Reply((ended,), forward=not self._is_muted, refused=untold, lost=lost)


def _beside(kind: int) -> Reply:
    """Return what to do with a frame that is about no request."""
    if kind not in ASYNCHRONOUS:
        raise _unasked(kind)
    # Notifications are a channel between sessions that PostgreSQL cannot close; see SECURITY.md.
    return _HIDDEN if kind == ServerKind.NOTIFICATION else SHOWN


def _unasked(kind: int) -> RemoteProtocolError:
    return RemoteProtocolError(f"the server sent `{show_kind(kind)}`, which answers nothing that was asked")


def _move(first: _Pending, step: Step) -> None:
    first.step = step
    first.row = ANSWERS[first.sent][step]


_Handler = Callable[[ReplyQueue, _Pending, Frame], Reply]
_HANDLERS: Final[Mapping[int, _Handler]] = {
    ServerKind.PARSE_COMPLETE: ReplyQueue._parse_complete,
    ServerKind.BIND_COMPLETE: ReplyQueue._bind_complete,
    ServerKind.CLOSE_COMPLETE: ReplyQueue._close_complete,
    ServerKind.PARAMETER_DESCRIPTION: ReplyQueue._passing,
    ServerKind.NO_DATA: ReplyQueue._no_data,
    ServerKind.ROW_DESCRIPTION: ReplyQueue._row_description,
    ServerKind.COMMAND_COMPLETE: ReplyQueue._command_complete,
    ServerKind.EMPTY_QUERY: ReplyQueue._empty_query,
    ServerKind.PORTAL_SUSPENDED: ReplyQueue._portal_suspended,
    ServerKind.ERROR: ReplyQueue._error,
    ServerKind.COPY_OUT: ReplyQueue._copy_out,
    ServerKind.COPY_IN: ReplyQueue._copy_in,
    ServerKind.COPY_DONE: ReplyQueue._passing,
    ServerKind.READY: ReplyQueue._ready,
}
