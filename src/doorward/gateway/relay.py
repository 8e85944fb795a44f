"""A session under way: what may go upstream, what is recorded first, what comes back to the client.

Laws. (a) Record before release: the request of a Query, Parse, Bind or Execute is appended before its bytes go
upstream, and what ended is appended before its frame goes to the client. (b) Order: replies leave in the order
in which they came. (c) Unknown is refused: a message type without a row in `_CLIENT` ends the session. (d) No
reading of SQL is a boundary here; texts are recorded, never judged (law 3).

A statement that a limit refuses goes upstream as a text that PostgreSQL refuses for its form, and the error that comes
back is replaced by ours: order, skipping up to Sync and the state of the transaction are then PostgreSQL's own. One
that runs when its limit is reached is withheld from the next row on, and cancelled.

Pure: bytes in, actions out. Time comes in by `wake`, so it may be a quarter of a second old.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from doorward.errors import RemoteProtocolError, WireError
from doorward.gateway.actions import Action, Append, Close, EndBackend, EndStatement, ToClient, ToServer
from doorward.gateway.exports import Copying, Exporter
from doorward.gateway.limits import Limit, Meter, refuse_limit
from doorward.pgwire.frames import COPY_DATA, Frame, FrameHop, FrameReader, Rows
from doorward.pgwire.limits import MAX_CLIENT_FRAME_BYTES
from doorward.pgwire.messages import (
    NO_FUNCTION,
    Parse,
    format_describe_statement,
    format_error,
    format_fields,
    format_notice,
    format_parse,
    format_query,
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
from doorward.pgwire.replies import SHOWN, Ending, LostPortal, Outcome, Reply, ReplyQueue, Sent
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
EXPORT_REFUSED: Final = format_error("ERROR", "42501", "an export is not permitted in this session")
# No statement of SQL begins so: PostgreSQL's parser refuses it whatever the session and its transaction are in.
REFUSED_TEXT: Final = b"refused: a limit of the door is reached"
REFUSED_QUERY: Final = format_query(REFUSED_TEXT)
REFUSED_PARSE: Final = format_parse(Parse(b"doorward", REFUSED_TEXT, ()))
CANCEL_SECONDS: Final = 5  # within which PostgreSQL answers a cancel, or its backend is terminated


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms rows leave in a session.

    Args:
        meter: What the grant may still take, or None without limits.
        no_export: The ErrorResponse for an export, or None where the order permits one.
        exporter: In whose name an export is recorded and signed.
        now: When the session began to serve.
    """

    meter: Meter | None = None
    no_export: bytes | None = None
    exporter: Exporter | None = None
    now: datetime = datetime(1970, 1, 1, tzinfo=UTC)


class Relay:
    """One session's two directions.

    Args:
        session_id: 16 bytes that stand in every entry of this session.
        terms: On what terms rows leave.
    """

    def __init__(self, session_id: bytes, terms: Terms = Terms()) -> None:  # a value that never changes
        self._session_id = session_id
        self._terms = terms
        self._meter = terms.meter
        self._now = terms.now
        self._refused: dict[int, Limit] = {}  # requests that a limit refused or ended, until they have ended
        self._withheld: Limit | None = None  # by which what runs, or ran last, is withheld
        self._due: Limit | None = None  # the same, to take effect where the row ends that has begun
        self._watched: object | None = None  # what ran at the last `wake`
        self._since = terms.now
        self._stopped: tuple[object, datetime] | None = None  # what was cancelled, and when
        self._statement: tuple[int, bytes] = (0, b"")  # the last Query
        self._counted = 0  # the last Query of which a statement ended
        self._copying: Copying | None = None
        self._is_volume = False  # it is in the record that this session's rows are an export
        self._watches = self._meter is not None or terms.exporter is not None
        self._requests = 0
        self._frames = FrameReader(MAX_CLIENT_FRAME_BYTES)
        self._hop = FrameHop()
        self._queue = ReplyQueue()
        self._queue.may_copy_out = terms.no_export is None
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

    def _query(self, frame: Frame, drafts: list[Draft], upstream: list[bytes]) -> None:
        text = parse_query(frame.payload)
        draft = self._request(b"Query", (Field.TEXT, text))
        self._statement = (self._requests, text)
        if self._meter is not None and self._is_refused():
            upstream[-1] = REFUSED_QUERY
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

    def _execute(self, frame: Frame, drafts: list[Draft], upstream: list[bytes]) -> None:
        execute = parse_execute(frame.payload)
        limit = str(execute.max_rows).encode()
        draft = self._request(b"Execute", (Field.PORTAL, execute.portal), (Field.MAX_ROWS, limit))
        if self._meter is not None and self._is_refused():
            upstream[-1] = REFUSED_PARSE
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
        queue, watches = self._queue, self._watches
        stopped = self._stopped
        try:
            items = self._hop.hop(data)
            for item in items:
                if isinstance(item, Rows):
                    if queue.rows(item):
                        client.append(self._leave(item, items, drafts) if watches else item.data)
                    continue
                reply = queue.frame(item)
                if reply is SHOWN and item.kind != ServerKind.NOTICE:
                    client.append(item.raw)
                else:
                    self._reply(reply, item, drafts, client)
        except WireError as error:
            self.broken = error
        actions: list[Action] = [Append(tuple(drafts))] if drafts else []
        if client:
            actions.append(ToClient(b"".join(client)))
        if self.broken is None and (closes := queue.own_closes()):
            actions.append(ToServer(closes))
        if self._stopped is not stopped and self._stopped is not None and queue.running is self._stopped[0]:
            actions.append(EndStatement())
        return actions

    def _reply(self, reply: Reply, item: Frame, drafts: list[Draft], client: list[bytes]) -> None:
        kind, queue = item.kind, self._queue
        shown = item.raw
        if kind == ServerKind.ERROR:
            refused = self._refused.get(queue.answered) if not queue.is_over else None
            shown = _with_copy_hint(item) if refused is None else self._error_of(refused)
        elif kind == ServerKind.COPY_OUT:
            self._copy_begins(reply, item, drafts)
        elif kind == ServerKind.COMMAND_COMPLETE:
            self._completed(reply, drafts, client)
        drafts += [self._ending(ending) for ending in reply.endings]
        drafts += [self._lost(portal, b"the portal was closed") for portal in reply.lost]
        if reply.refused:
            client.append(
                PLAN_REFUSED if queue.withheld_as is Outcome.PLAN else self._error_of(self._withheld)
            )
        if reply.function_refused:
            client.append(FUNCTION_REFUSED)
        if reply.forward and (kind != ServerKind.NOTICE or _is_for_people(item)):
            if shown == LISTENED:
                client.append(UNHEARD)
            client.append(shown)

    def _lost(self, portal: LostPortal, reason: bytes) -> Draft:
        counted = ((Field.ROWS, b"%d" % portal.rows), (Field.BYTES, b"%d" % portal.size))
        fields = ((Field.PORTAL, portal.portal), *counted, (Field.REASON, reason))
        return Draft(Kind.CUT, self._session_id, portal.request, fields)

    def _ending(self, ending: Ending) -> Draft:
        limit = self._refused.pop(ending.request, None) if self._refused else None
        outcome = ending.outcome if limit is None or ending.outcome is Outcome.CUT else Outcome.REFUSED
        fields = [
            (Field.OUTCOME, outcome.value.encode()),
            (Field.ROWS, b"%d" % ending.rows),
            (Field.BYTES, b"%d" % ending.size),
        ]
        if ending.tag == b"DISCARD ALL":
            self.was_discarded = True
        if limit is not None:
            fields.append((Field.LIMIT, limit.value.encode()))
        elif ending.outcome is Outcome.ERROR:
            fields.append((Field.SQLSTATE, ending.tag))
        elif ending.tag:
            fields.append((Field.TAG, ending.tag))
        if ending.is_last:
            fields.append((Field.LAST, b"1"))
        return Draft(Kind.COMPLETION, self._session_id, ending.request, tuple(fields))

    # Limits and exports.

    def _is_refused(self) -> bool:
        """Count a statement that begins; True, and noted, where a limit refuses it."""
        meter, queue = self._meter, self._queue
        if meter is None or (queue.transaction == b"E" and not len(queue)):
            return False  # in a failed transaction PostgreSQL takes nothing but its end
        limit = meter.begin()
        if limit is not None:
            self._refused[self._requests] = limit
        return limit is not None

    def _leave(self, run: Rows, items: list[Rows | Frame], drafts: list[Draft]) -> bytes:
        """Return as much of a run of rows as may leave now; what is left of it is withheld."""
        meter, kept, limit = self._meter, run, self._due
        if limit is not None:
            # The row that had begun when the limit was reached: it is whole now, or goes on.
            if meter is not None:
                meter.take(run, 0)
            if run.ended:
                self._withhold(limit)
            return run.data
        if meter is not None:
            left = self._hop.left
            kept, limit = meter.take(run, left if left and run is items[-1] else 0)
            exports, begins = meter.limits.export_rows, self._terms.exporter
            if exports and not self._is_volume and begins is not None and meter.total > exports:
                self._is_volume = True
                drafts.append(begins.begins(self._queue.answered, "rows of a day"))
        if limit is not None:
            self._queue.give_back(run.ended - kept.ended, run.size - kept.size)
            self._withhold(limit)
        if self._copying is not None and run.kind == COPY_DATA:
            self._copying.take(kept)
        return kept.data

    def _withhold(self, limit: Limit) -> None:
        running = self._queue.running
        self._due, self._withheld = None, limit
        self._copying = None  # what was cut off is no export that anybody signs
        if request := self._queue.withhold():
            self._refused[request] = limit
        if running is not None and (self._stopped is None or self._stopped[0] is not running):
            self._stopped = (running, self._now)

    def _copy_begins(self, reply: Reply, item: Frame, drafts: list[Draft]) -> None:
        exporter, request = self._terms.exporter, self._queue.answered
        if reply.forward:
            if exporter is not None:
                statement = self._statement[1] if self._statement[0] == request else None
                self._copying = Copying(exporter, request, item.payload, statement)
                drafts.append(exporter.begins(request, "copy"))
        elif reply.refused and self._queue.withheld_as is Outcome.REFUSED:
            self._withhold(Limit.COPY)

    def _completed(self, reply: Reply, drafts: list[Draft], client: list[bytes]) -> None:
        copying, self._copying = self._copying, None
        for ending in reply.endings:
            if copying is not None and copying.request == ending.request:
                draft, note = copying.ends(ending.tag, self._now)
                drafts.append(draft)
                client.append(note)
            if not ending.is_last and self._meter is not None and ending.request != self._counted:
                self._counted = ending.request  # its first statement was counted when it came
            elif not ending.is_last and self._meter is not None and self._queue.running is not None:
                limit = self._meter.count()
                if limit is not None and ending.request not in self._refused:
                    self._withhold(limit)

    def _error_of(self, limit: Limit | None) -> bytes:
        if limit is None or limit in {Limit.EXPORT, Limit.COPY} or self._meter is None:
            return self._terms.no_export or EXPORT_REFUSED
        return refuse_limit(limit, self._meter.limits, self._now)

    def wake(self, now: datetime) -> list[Action]:
        """Return what time leads to: a statement that ran too long is ended, one that a cancel did not end is cut."""
        self._now = now
        running, stopped, meter = self._queue.running, self._stopped, self._meter
        if stopped is not None and stopped[0] is not running:
            self._stopped = stopped = None
        if running is None or running is not self._watched:
            self._watched, self._since = running, now
            return []
        if stopped is not None:
            if (now - stopped[1]).total_seconds() < CANCEL_SECONDS:
                return []
            self._stopped = (running, now)
            return [EndBackend("a limit of this door is reached, and the statement could not be cancelled")]
        seconds = meter.limits.statement_seconds if meter is not None else 0
        if not seconds or (now - self._since).total_seconds() < seconds:
            return []
        if self._hop.left:
            self._due, self._stopped = Limit.TIME, (running, now)
        else:
            self._withhold(Limit.TIME)
        return [EndStatement()]

    @property
    def is_withholding(self) -> bool:
        """True while PostgreSQL still works on what nobody is given any more."""
        return self._stopped is not None and self._queue.running is self._stopped[0]

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
