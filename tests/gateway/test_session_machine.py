"""A session between a client that may say anything and a model of PostgreSQL: what holds after every step.

The model answers what reaches it as PostgreSQL's documentation says, in the order asked, and knows which
Describe is the door's own. Bytes pass in pieces of any size.
"""

import itertools
from datetime import UTC, datetime
from struct import pack

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from doorward.gateway.actions import Action, Append, Close, ToClient, ToServer
from doorward.gateway.answer import Answer, GrantBinding
from doorward.gateway.handshake import Credentials
from doorward.gateway.relay import FUNCTION_REFUSED
from doorward.gateway.session import Phase, Session, SessionSetup, Upstream
from doorward.grants.ends import End
from doorward.pgwire.frames import Frame, FrameHop, FrameReader, Rows
from doorward.pgwire.messages import (
    NO_FUNCTION,
    RowField,
    StartupMessage,
    format_error,
    format_frame,
    format_row_description,
    format_startup,
    format_tag,
    parse_bind,
    parse_execute,
    parse_parse,
    parse_query,
    parse_target,
)
from doorward.pgwire.scram import make_verifier
from doorward.policy.scopes import ScopeColumn, ScopeTable, make_scope
from doorward.record.entry import Draft, Field, Kind
from tests_support.scram_client import client_final, client_first

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SCOPE = make_scope(
    [ScopeTable("public.persons", (ScopeColumn("person_id"),), "true", "rows may be withheld")]
)
PERMITTED = Answer("digest", scope=SCOPE, binding=GrantBinding(SCOPE.id, "JH1", "area-1", "", End(NOW)))
DANA = make_verifier("right", salt=b"0123456789abcdef", iterations=16)

LONG = 3_000  # of which pieces stream
MANY = 12  # requests before anything ends a session, so that sessions are worth ending
PLAN_ROW = format_frame(b"D", b"a plan's row")
READY = {status: format_frame(b"Z", status) for status in (b"I", b"T", b"E")}
COLUMNS = format_row_description([RowField(b"a", 7)])
PLAN = format_row_description([RowField(b"QUERY PLAN", 0)])
FAILED = format_error("ERROR", "22012", "division by zero")
NO_SUCH = format_error("ERROR", "26000", "no such statement")
NO_FUNCTION_HERE = format_error("ERROR", "42883", "function with OID 0 does not exist")
MESSAGES = {
    ord("Q"): b"Query",
    ord("P"): b"Parse",
    ord("B"): b"Bind",
    ord("E"): b"Execute",
    ord("F"): b"FunctionCall",
}
ENDS = {ord("C"): b"complete", ord("I"): b"empty", ord("s"): b"suspended"}

# What a statement of the model answers with, but for its tag and its columns.
TEXTS = {
    b"": [],
    b"none": [],
    b"three": [format_frame(b"D", b"x")] * 3,
    b"long": [format_frame(b"D", b"y" * LONG)],
    b"fails": [format_frame(b"D", b"x"), FAILED],
    b"plan": [PLAN_ROW] * 2,
}
NAMES = st.sampled_from([b"", b"a", b"b"])


class Server:
    """The model: client bytes in, `(bytes, is_own)` out."""

    def __init__(self) -> None:
        self.asked: list[int] = []  # the types of the requests that came, in order
        self.said: list[tuple[bytes, bool]] = []
        self._frames = FrameReader(1 << 20)
        self._skips = False
        self._statements: dict[bytes, bytes] = {}
        self._portals: dict[bytes, list[bytes]] = {}
        self._own_describe: bytes | None = None
        self.closed: list[bytes] = []

    def feed(self, data: bytes) -> None:
        self._frames.feed(data)
        while (frame := self._frames.next_frame()) is not None:
            is_own, self._own_describe = self._own_describe == frame.raw, None
            if frame.kind in MESSAGES:
                self.asked.append(frame.kind)
            if frame.kind == ord("P"):
                name = parse_parse(frame.payload).statement
                self._own_describe = format_frame(b"D", b"S" + name + b"\0")
            if frame.kind == ord("S"):
                self._skips = False
                self._portals.clear()
                self.say(READY[b"I"])
            elif not self._skips:
                answer = self.answer(frame)
                self._skips = frame.kind in b"PBDEC" and any(piece in answer for piece in (FAILED, NO_SUCH))
                self.say(b"".join(answer), is_own=is_own or frame.raw in self.closed)

    def say(self, data: bytes, *, is_own: bool = False) -> None:
        self.said.append((data, is_own))

    def answer(self, frame: Frame) -> list[bytes]:
        payload = frame.payload
        match chr(frame.kind):
            case "Q":
                self._portals.clear()
                return [*self.query(parse_query(payload)), READY[b"I"]]
            case "F":
                assert frame.raw == NO_FUNCTION
                return [NO_FUNCTION_HERE, READY[b"I"]]
            case "P":
                parse = parse_parse(payload)
                if parse.text == b"fails":
                    return [FAILED]
                self._statements[parse.statement] = parse.text
                return [format_frame(b"1")]
            case "B":
                bind = parse_bind(payload)
                if bind.statement not in self._statements:
                    return [NO_SUCH]
                text = self._statements[bind.statement]
                self._portals[bind.portal] = [text, *TEXTS[text]]
                return [format_frame(b"2")]
            case "D":
                return self.describe(*parse_target(payload))
            case "E":
                return self.execute(*parse_execute(payload))
            case "C":
                kind, name = parse_target(payload)
                (self._statements if kind == b"S" else self._portals).pop(name, None)
                return [format_frame(b"3")]
        return []  # Flush

    def query(self, texts: bytes) -> list[bytes]:
        if not texts:
            return [format_frame(b"I")]
        answer = []
        for text in texts.split(b";"):
            answer += [*([] if text == b"none" else [PLAN if text == b"plan" else COLUMNS]), *TEXTS[text]]
            if text == b"fails":
                break
            answer.append(format_tag(b"SELECT %d" % len(TEXTS[text])))
        return answer

    def describe(self, kind: bytes, name: bytes) -> list[bytes]:
        text = self._statements.get(name) if kind == b"S" else next(iter(self._portals.get(name, [])), None)
        if text is None:
            return [NO_SUCH]
        columns = {b"none": format_frame(b"n"), b"": format_frame(b"n"), b"plan": PLAN}.get(text, COLUMNS)
        return [*([format_frame(b"t", b"\0\0")] if kind == b"S" else []), columns]

    def execute(self, name: bytes, limit: int) -> list[bytes]:
        if name not in self._portals:
            return [NO_SUCH]
        text, *rows = self._portals[name]
        if text == b"":
            return [format_frame(b"I")]
        if text != b"fails" and 0 < limit <= len(rows):
            self._portals[name] = [text, *rows[limit:]]
            return [*rows[:limit], format_frame(b"s")]
        self._portals[name] = [text]
        return rows if text == b"fails" else [*rows, format_tag(b"SELECT %d" % len(rows))]


class Conversation(RuleBasedStateMachine):
    """One session; the invariants stand below the rules."""

    def __init__(self) -> None:
        super().__init__()
        self.session = Session(
            SessionSetup(
                session_id=b"s" * 16, address="127.0.0.1", nonce="serverserverserver", cancel_key=(7, b"abcd"),
                server_secret=b"s" * 32, database="clear", started=NOW, find_credentials=lambda _: Credentials(DANA),
            )
        )  # fmt: skip
        self.server = Server()
        self.delivered = 0  # bytes of what the server said
        self.drafts: list[Draft] = []
        self.to_client = b""
        self.heard = FrameHop()
        self.ends_heard: list[bytes] = []
        self.plans = False
        self.is_clean = True  # neither side broke the protocol
        self.closed = 0

    @initialize(plans=st.booleans())
    def connect(self, *, plans: bool) -> None:
        self.plans = plans
        parameters = (("user", "dana"), ("database", "clear"), ("options", "-c doorward.purpose=audit"))
        self.session.from_client(format_startup(StartupMessage(3 << 16, parameters)))
        (answer,) = self.session.from_client(client_first())
        assert isinstance(answer, ToClient)
        self.session.from_client(client_final(answer.data[9:], "right"))
        self.session.answered(PERMITTED)
        self.session.connected(Upstream("dw_g_1", ()))
        assert self.session.phase is Phase.RELAY

    def perform(self, actions: list[Action]) -> None:
        for action in actions:
            assert not self.closed, "an action after the close"
            if isinstance(action, Append):
                self.drafts += action.drafts
            elif isinstance(action, ToServer):
                if action.data.startswith(b"C") and not self.is_asking:
                    self.server.closed.append(action.data)
                self.server.feed(action.data)
                self.check_upstream()
            elif isinstance(action, ToClient):
                self.hear(action.data)
            elif isinstance(action, Close):
                self.closed += 1

    is_asking = False

    def check_upstream(self) -> None:
        recorded = [value(draft, Field.MESSAGE) for draft in self.drafts if draft.kind is Kind.REQUEST]
        asked = [MESSAGES[kind] for kind in self.server.asked]
        assert asked == recorded[: len(asked)], "something went upstream before its Append"

    def hear(self, data: bytes) -> None:
        self.to_client += data
        ends = [value(d, Field.OUTCOME) for d in self.drafts if d.kind is Kind.COMPLETION]
        told = [end for end in ends if end in ENDS.values()]
        for item in self.heard.hop(data):
            if isinstance(item, Frame) and item.kind in ENDS:
                self.ends_heard.append(ENDS[item.kind])
                assert self.ends_heard == told[: len(self.ends_heard)], "an end was told before its Append"
            elif isinstance(item, Rows) and self.plans:
                assert PLAN_ROW not in item.data, "a plan was read"

    def say(self, data: bytes, cuts: list[int]) -> None:
        self.is_asking = True
        edges = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
        for start, stop in itertools.pairwise(edges):
            self.perform(self.session.from_client(data[start:stop]))
        self.is_asking = False

    texts = st.sampled_from([text for text in TEXTS if text])
    cuts = st.lists(st.integers(0, 10_000), max_size=3)

    def allowed(self, text: bytes) -> bytes:
        return text if self.plans else text.replace(b"plan", b"three")

    @precondition(lambda self: not self.closed)
    @rule(texts=st.lists(texts, max_size=3), cuts=cuts)
    def query(self, texts: list[bytes], cuts: list[int]) -> None:
        self.say(format_frame(b"Q", self.allowed(b";".join(texts)) + b"\0"), cuts)

    @precondition(lambda self: not self.closed)
    @rule(text=texts, statement=NAMES, portal=NAMES, limit=st.sampled_from([0, 0, 1, 2]), sync=st.booleans(),
          describe=st.sampled_from([b"", b"S", b"P"]), cuts=cuts)  # fmt: skip
    def extended(
        self,
        *,
        text: bytes,
        statement: bytes,
        portal: bytes,
        limit: int,
        sync: bool,
        describe: bytes,
        cuts: list[int],
    ) -> None:
        frames = [
            format_frame(b"P", statement + b"\0" + self.allowed(text) + b"\0\0\0"),
            format_frame(b"B", portal + b"\0" + statement + b"\0" + bytes(6)),
            *(
                [format_frame(b"D", describe + (statement if describe == b"S" else portal) + b"\0")]
                if describe
                else []
            ),
            format_frame(b"E", portal + b"\0" + pack(">i", limit)),
            *([format_frame(b"S")] if sync else []),
        ]
        self.say(b"".join(frames), cuts)

    @precondition(lambda self: not self.closed)
    @rule(
        frame=st.sampled_from(
            [format_frame(b"S"), format_frame(b"H"), format_frame(b"F", b"\0\0\3\xb8" + bytes(6))]
        ),
        cuts=cuts,
    )
    def alone(self, frame: bytes, cuts: list[int]) -> None:
        self.say(frame, cuts)

    @precondition(lambda self: not self.closed)
    @rule(portal=NAMES, limit=st.sampled_from([0, 1]), close=st.booleans(), cuts=cuts)
    def again(self, *, portal: bytes, limit: int, close: bool, cuts: list[int]) -> None:
        again = format_frame(b"E", portal + b"\0" + pack(">i", limit))
        self.say(format_frame(b"C", b"P" + portal + b"\0") if close else again, cuts)

    @rule(size=st.one_of(st.integers(1, 60), st.just(2 * LONG)))
    def answer(self, size: int) -> None:
        said = b"".join(data for data, _ in self.server.said)
        chunk = said[self.delivered : self.delivered + size]
        self.delivered += len(chunk)
        self.perform(self.session.from_server(chunk))

    @precondition(lambda self: not self.closed and len(self.server.asked) > MANY)
    @rule(frame=st.sampled_from([b"V", b"W", b"p", b"\0"]).map(lambda kind: format_frame(kind, b"\0\0\0\0")))
    def break_the_protocol(self, frame: bytes) -> None:
        self.is_clean = False
        self.perform(self.session.from_client(frame))

    @precondition(lambda self: len(self.server.asked) > MANY)
    @rule(how=st.sampled_from(["client_gone", "server_gone", "stop", "wake", "terminate"]))
    def end(self, how: str) -> None:
        self.is_clean = False
        match how:
            case "stop":
                self.perform(self.session.stop("the gateway stops"))
            case "wake":
                self.perform(self.session.wake(NOW))
            case "terminate":
                self.perform(self.session.from_client(format_frame(b"X")))
            case _:
                self.perform(getattr(self.session, how)())

    def teardown(self) -> None:
        """Let PostgreSQL say everything and the client leave, whatever was open."""
        if not self.closed:
            self.answer(size=1 << 30)
            self.nothing_is_lost_or_invented()
            self.end("client_gone")
        self.every_request_of_a_session_that_is_over_has_one_last_end()

    @invariant()
    def nothing_is_lost_or_invented(self) -> None:
        assert not (self.is_clean and self.closed), "a session was ended that nobody had broken"
        if not self.is_clean or self.plans:
            return
        # The refusal of a function call stands where PostgreSQL's own stood; nothing else is changed or left out.
        said = b"".join(data for data, _ in self.server.said)[: self.delivered]
        expected, position = b"", 0
        for data, is_own in self.server.said:
            piece = said[position : position + len(data)]
            expected += b"" if is_own else piece
            position += len(data)
        expected = expected.replace(NO_FUNCTION_HERE, FUNCTION_REFUSED)
        assert expected.startswith(self.to_client)
        if self.delivered == sum(len(data) for data, _ in self.server.said):
            assert expected == self.to_client

    @invariant()
    def little_is_held(self) -> None:
        relay = self.session._relay
        assert len(relay._frames.trailing_data) < 1000
        assert sum(len(piece) for piece in relay._hop._pieces) < 1000

    @invariant()
    def every_request_of_a_session_that_is_over_has_one_last_end(self) -> None:
        if not self.closed:
            return
        assert self.session.phase is Phase.OVER
        requests = {d.request: value(d, Field.MESSAGE) for d in self.drafts if d.kind is Kind.REQUEST}
        last = sorted(d.request for d in self.drafts if d.kind is Kind.COMPLETION and value(d, Field.LAST))
        # A Parse or Bind that went well gives nothing away and has no end of its own.
        quiet = {number for number, message in requests.items() if message in {b"Parse", b"Bind"}}
        assert [number for number in last if number not in quiet] == sorted(requests.keys() - quiet)
        assert len(last) == len(set(last))
        assert [draft.kind for draft in self.drafts].count(Kind.END) == 1
        assert self.session.from_client(b"Q") == self.session.from_server(b"Z") == []
        assert self.session.stop("again") == self.session.client_gone() == self.session.server_gone() == []


def value(draft: Draft, field: Field) -> bytes | None:
    return dict(draft.fields).get(field)


TestConversation = Conversation.TestCase
TestConversation.settings = settings(stateful_step_count=30, deadline=None)
