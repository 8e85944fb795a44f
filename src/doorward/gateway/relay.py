"""A session under way: what may go upstream, what is recorded first, what comes back to the client.

Laws. (a) Record before release: the request of a Query, Parse, Bind or Execute is appended before its bytes go
upstream, and what ended is appended before its frame goes to the client. (b) Order: replies leave in the order
in which they came. (c) Unknown is refused: a message type without a row in `_CLIENT` ends the session. (d) No
reading of SQL is a boundary here; texts are recorded, never judged (law 3).

Pure: bytes in, actions out.
"""

from collections.abc import Callable
from typing import Final

from doorward.errors import RemoteProtocolError, WireError
from doorward.gateway.actions import Action, Append, Close, ToClient, ToServer
from doorward.pgwire.frames import Frame, FrameHop, FrameReader, Rows
from doorward.pgwire.limits import MAX_CLIENT_FRAME_BYTES
from doorward.pgwire.messages import (
    NO_FUNCTION,
    format_describe_statement,
    format_error,
    format_fields,
    format_notice,
    format_tag,
    parse_bind,
    parse_empty,
    parse_execute,
    parse_fields,
    parse_function_call,
    parse_parse,
    parse_query,
    parse_target,
)
from doorward.pgwire.replies import Ending, LostPortal, Outcome, ReplyQueue, Sent
from doorward.pgwire.state import ClientKind, ServerKind, show_kind
from doorward.record.entry import Draft, Field, Kind

PLAN_REFUSED: Final = format_error(
    "ERROR",
    "42501",
    "a plan is not answered at this door, because its counts tell withheld rows",
    hint="ask the question without EXPLAIN",
)
FUNCTION_REFUSED: Final = format_error(
    "ERROR",
    "0A000",
    "functions are not called by number at this door, large objects neither",
    hint="call the function in a query: SELECT name(...)",
)
LISTENED: Final = format_tag(b"LISTEN")
UNHEARD: Final = format_notice("notifications do not pass this door: none will arrive here")
COPY_HINT: Final = (
    b"A view is copied by its query: COPY (SELECT * FROM name) TO STDOUT,"
    b" or in psql \\copy (SELECT * FROM name) TO 'file'."
)


class Relay:
    """One session's two directions.

    Args:
        session_id: 16 bytes that stand in every entry of this session.
    """

    def __init__(self, session_id: bytes) -> None:
        self._session_id = session_id
        self._requests = 0
        self._frames = FrameReader(MAX_CLIENT_FRAME_BYTES)
        self._hop = FrameHop()
        self._queue = ReplyQueue()
        self.is_over = False
        self.broken: WireError | None = None
        self.was_discarded = False  # PostgreSQL has carried out DISCARD ALL
        self.heard = 0  # chunks of the client, to tell an idle one

    @property
    def is_answering(self) -> bool:
        """Whether PostgreSQL still owes an answer."""
        return not self._queue.is_idle

    # From the client.

    def from_client(self, data: bytes) -> list[Action]:
        """Return what a chunk of the client leads to; where it broke the protocol, `broken` says how.

        What stood in the chunk before the fault is recorded, because it is in the account of replies and will be
        ended there, and is not sent.
        """
        self.heard += 1
        drafts: list[Draft] = []
        upstream: list[bytes] = []
        try:
            self._frames.feed(data)
            while not self.is_over and (frame := self._frames.next_frame()) is not None:
                handler = _CLIENT.get(frame.kind)
                if handler is None:
                    raise RemoteProtocolError(
                        f"a message of type `{show_kind(frame.kind)}` is not served at this door"
                    )
                upstream.append(frame.raw)
                handler(self, frame, drafts, upstream)
        except WireError as error:
            self.broken = error
            upstream.clear()
        drafts += [self._ending(ending) for ending in self._queue.skip_sent()]
        actions: list[Action] = [Append(tuple(drafts))] if drafts else []
        if upstream:
            actions.append(ToServer(b"".join(upstream)))
        if self.is_over:
            actions.append(Close("the client ended the session"))
        return actions

    def _request(self, message: bytes, *fields: tuple[Field, bytes]) -> Draft:
        self._requests += 1
        return Draft(Kind.REQUEST, self._session_id, self._requests, ((Field.MESSAGE, message), *fields))

    def _query(self, frame: Frame, drafts: list[Draft], _upstream: list[bytes]) -> None:
        text = parse_query(frame.payload)
        draft = self._request(b"Query", (Field.TEXT, text))
        self._queue.push(Sent.QUERY, self._requests)
        drafts.append(draft)

    def _parse(self, frame: Frame, drafts: list[Draft], upstream: list[bytes]) -> None:
        parse = parse_parse(frame.payload)
        draft = self._request(b"Parse", (Field.STATEMENT, parse.statement), (Field.TEXT, parse.text))
        self._queue.push(Sent.PARSE, self._requests, name=parse.statement)
        drafts.append(draft)
        # Our own question what this statement answers with: an EXPLAIN is known by PostgreSQL's own word.
        upstream.append(format_describe_statement(parse.statement))
        self._queue.push(Sent.OWN_DESCRIBE, 0, name=parse.statement)

    def _bind(self, frame: Frame, drafts: list[Draft], _upstream: list[bytes]) -> None:
        bind = parse_bind(frame.payload)
        named = (
            (Field.STATEMENT, bind.statement),
            (Field.PORTAL, bind.portal),
            (Field.PARAMETERS, bind.values),
        )
        draft = self._request(b"Bind", *named)
        self._queue.push(Sent.BIND, self._requests, name=bind.statement, portal=bind.portal)
        drafts.append(draft)

    def _execute(self, frame: Frame, drafts: list[Draft], _upstream: list[bytes]) -> None:
        execute = parse_execute(frame.payload)
        limit = str(execute.max_rows).encode()
        draft = self._request(b"Execute", (Field.PORTAL, execute.portal), (Field.MAX_ROWS, limit))
        self._queue.push(Sent.EXECUTE, self._requests, portal=execute.portal)
        drafts.append(draft)

    def _describe(self, frame: Frame, _drafts: list[Draft], _upstream: list[bytes]) -> None:
        self._queue.push(Sent.DESCRIBE, 0, name=parse_target(frame.payload).name)

    def _close(self, frame: Frame, _drafts: list[Draft], _upstream: list[bytes]) -> None:
        target = parse_target(frame.payload)
        self._queue.push(Sent.CLOSE, 0, name=target.kind + target.name)

    def _sync(self, frame: Frame, _drafts: list[Draft], _upstream: list[bytes]) -> None:
        parse_empty(frame.payload)
        self._queue.push(Sent.SYNC, 0)

    def _flush(self, frame: Frame, _drafts: list[Draft], _upstream: list[bytes]) -> None:
        parse_empty(frame.payload)  # has no answer of its own

    def _function(self, frame: Frame, drafts: list[Draft], upstream: list[bytes]) -> None:
        # PostgreSQL is asked for a function that it has not, so that the refusal comes in its turn and the state of
        # the transaction is PostgreSQL's own.
        call = parse_function_call(frame.payload)
        named = ((Field.TEXT, b"function %d" % call.function), (Field.PARAMETERS, call.values))
        draft = self._request(b"FunctionCall", *named)
        upstream[-1] = NO_FUNCTION
        self._queue.push(Sent.FUNCTION_CALL, self._requests)
        drafts.append(draft)

    def _copy(self, frame: Frame, _drafts: list[Draft], upstream: list[bytes]) -> None:
        # PostgreSQL drops copy messages that come outside of COPY; so do we, without sending them on.
        if not self._queue.copying_in:
            upstream.pop()
        elif frame.kind != ClientKind.COPY_DATA:
            self._queue.push(Sent.COPY_END, 0)

    def _terminate(self, frame: Frame, _drafts: list[Draft], _upstream: list[bytes]) -> None:
        parse_empty(frame.payload)
        self.is_over = True

    # From PostgreSQL.

    @property
    def is_mid_row(self) -> bool:
        """True where the client has the head of a row and not its end: any other frame would be read as that end."""
        return self._hop.is_mid_row

    def from_server(self, data: bytes) -> list[Action]:
        """Return what a chunk of the server leads to; everything that ended in it is recorded first.

        Where the server answered what was not asked, `broken` says so; what came before is recorded and sent.
        """
        drafts: list[Draft] = []
        client: list[bytes] = []
        queue = self._queue
        try:
            for item in self._hop.hop(data):
                if isinstance(item, Rows):
                    if queue.rows(item):
                        client.append(item.data)
                    continue
                reply = queue.frame(item)
                drafts += [self._ending(ending) for ending in reply.endings]
                drafts += [self._lost(portal, b"the portal was closed") for portal in reply.lost]
                if reply.plan_refused:
                    client.append(PLAN_REFUSED)
                elif reply.function_refused:
                    client.append(FUNCTION_REFUSED)
                elif item.raw == LISTENED and reply.forward:
                    client += (UNHEARD, item.raw)
                elif reply.forward and (item.kind != ServerKind.NOTICE or _is_for_people(item)):
                    client.append(_with_copy_hint(item) if item.kind == ServerKind.ERROR else item.raw)
        except WireError as error:
            self.broken = error
        actions: list[Action] = [Append(tuple(drafts))] if drafts else []
        if client:
            actions.append(ToClient(b"".join(client)))
        if self.broken is None and (closes := queue.own_closes()):
            actions.append(ToServer(closes))
        return actions

    def _lost(self, portal: LostPortal, reason: bytes) -> Draft:
        counted = ((Field.ROWS, b"%d" % portal.rows), (Field.BYTES, b"%d" % portal.size))
        fields = ((Field.PORTAL, portal.portal), *counted, (Field.REASON, reason))
        return Draft(Kind.CUT, self._session_id, portal.request, fields)

    def _ending(self, ending: Ending) -> Draft:
        fields = [
            (Field.OUTCOME, ending.outcome.value.encode()),
            (Field.ROWS, b"%d" % ending.rows),
            (Field.BYTES, b"%d" % ending.size),
        ]
        if ending.tag == b"DISCARD ALL":
            self.was_discarded = True
        if ending.outcome is Outcome.ERROR:
            fields.append((Field.SQLSTATE, ending.tag))
        elif ending.tag:
            fields.append((Field.TAG, ending.tag))
        if ending.is_last:
            fields.append((Field.LAST, b"1"))
        return Draft(Kind.COMPLETION, self._session_id, ending.request, tuple(fields))

    def cut(self, reason: str) -> list[Draft]:
        """Return the entries for everything that will get no end any more, because a side is gone."""
        drafts = [self._ending(ending) for ending in self._queue.cut()]
        drafts += [self._lost(portal, reason.encode()) for portal in self._queue.suspended]
        return drafts


def _is_for_people(frame: Frame) -> bool:
    # LOG and DEBUG reach a client that asks for them (client_min_messages) and print plans with their estimates
    # (debug_print_plan), which tell of withheld rows.
    return not parse_fields(frame.payload).get("V", b"LOG").startswith((b"LOG", b"DEBUG"))


def _with_copy_hint(frame: Frame) -> bytes:
    fields = parse_fields(frame.payload)
    if (
        fields.get("C") != b"42809"
        or b"copy" not in fields.get("R", b"").lower() + fields.get("M", b"").lower()
    ):
        return frame.raw
    return format_fields(b"E", fields | {"H": COPY_HINT})


_Handler = Callable[[Relay, Frame, list[Draft], list[bytes]], None]
_CLIENT: Final[dict[int, _Handler]] = {
    ClientKind.QUERY: Relay._query,
    ClientKind.PARSE: Relay._parse,
    ClientKind.BIND: Relay._bind,
    ClientKind.EXECUTE: Relay._execute,
    ClientKind.DESCRIBE: Relay._describe,
    ClientKind.CLOSE: Relay._close,
    ClientKind.SYNC: Relay._sync,
    ClientKind.FLUSH: Relay._flush,
    ClientKind.COPY_DATA: Relay._copy,
    ClientKind.COPY_DONE: Relay._copy,
    ClientKind.COPY_FAIL: Relay._copy,
    ClientKind.FUNCTION_CALL: Relay._function,
    ClientKind.TERMINATE: Relay._terminate,
}
