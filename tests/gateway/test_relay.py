"""What is recorded, and before what: the relay's actions for whole conversations, without a socket."""

import itertools
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import RemoteProtocolError
from doorward.gateway.actions import Action, Append, ToClient, ToServer
from doorward.gateway.relay import FUNCTION_REFUSED, UNHEARD, Relay
from doorward.pgwire.messages import format_error, format_fields, format_frame
from doorward.record.entry import Draft, Field, Kind

SESSION = b"s" * 16
READY = format_frame(b"Z", b"I")
READY_T = format_frame(b"Z", b"T")
SYNC = format_frame(b"S")


def query(text: str) -> bytes:
    return format_frame(b"Q", text.encode() + b"\0")


def parse(text: str, name: str = "") -> bytes:
    return format_frame(b"P", name.encode() + b"\0" + text.encode() + b"\0" + pack(">H", 0))


def bind(portal: str = "", name: str = "") -> bytes:
    return format_frame(b"B", portal.encode() + b"\0" + name.encode() + b"\0" + pack(">HHH", 0, 0, 0))


def execute(portal: str = "", rows: int = 0) -> bytes:
    return format_frame(b"E", portal.encode() + b"\0" + pack(">i", rows))


def close_portal(name: str) -> bytes:
    return format_frame(b"C", b"P" + name.encode() + b"\0")


def row(size: int = 3) -> bytes:
    return format_frame(b"D", b"r" * size)


def done(tag: str) -> bytes:
    return format_frame(b"C", tag.encode() + b"\0")


def columns(name: str = "a", table: int = 7) -> bytes:
    return format_frame(b"T", pack(">H", 1) + name.encode() + b"\0" + pack(">IHIhiH", table, 1, 23, 4, -1, 0))


PARSED, BOUND, CLOSED = format_frame(b"1"), format_frame(b"2"), format_frame(b"3")
NO_PARAMETERS, NO_DATA, SUSPENDED = format_frame(b"t", b"\0\0"), format_frame(b"n"), format_frame(b"s")
DESCRIBED = NO_PARAMETERS + columns()
PLAN = NO_PARAMETERS + columns("QUERY PLAN", 0)
ERROR = format_error("ERROR", "22012", "division by zero")


def value(draft: Draft, field: Field) -> bytes | None:
    return dict(draft.fields).get(field)


def drafts(actions: list[Action]) -> list[Draft]:
    return [draft for action in actions if isinstance(action, Append) for draft in action.drafts]


def sent(actions: list[Action], kind: type[ToClient] | type[ToServer]) -> bytes:
    return b"".join(action.data for action in actions if isinstance(action, kind))


def ends(actions: list[Action]) -> list[tuple[int, bytes | None, bytes | None]]:
    return [
        (draft.request, value(draft, Field.OUTCOME), value(draft, Field.ROWS))
        for draft in drafts(actions)
        if draft.kind is Kind.COMPLETION
    ]


def assert_recorded_first(actions: list[Action]) -> None:
    kinds = [type(action) for action in actions]
    assert kinds == sorted(kinds, key=lambda kind: kind is not Append)


def test_a_query_is_recorded_before_it_goes_upstream() -> None:
    actions = Relay(SESSION).from_client(query("SELECT 1"))
    assert isinstance(actions[0], Append)
    assert value(actions[0].drafts[0], Field.TEXT) == b"SELECT 1"
    assert actions[1:] == [ToServer(query("SELECT 1"))]


def test_half_a_query_goes_nowhere() -> None:
    assert Relay(SESSION).from_client(query("SELECT 1")[:-1]) == []


def test_rows_may_stream_and_the_end_is_recorded_before_it_is_told() -> None:
    relay = Relay(SESSION)
    relay.from_client(query("SELECT 1"))
    assert relay.from_server(columns() + row()) == [ToClient(columns() + row())]
    actions = relay.from_server(row() + done("SELECT 2") + READY)
    assert_recorded_first(actions)
    assert ends(actions)[0] == (1, b"complete", b"2")
    assert sent(actions, ToClient) == row() + done("SELECT 2") + READY


def test_three_statements_with_an_error_in_the_second_have_two_ends_and_no_more() -> None:
    relay = Relay(SESSION)
    relay.from_client(query("SELECT 1; SELECT 1/0; SELECT 3"))
    actions = relay.from_server(columns() + row() + done("SELECT 1") + ERROR + READY)
    assert [end[1] for end in ends(actions)[:2]] == [b"complete", b"error"]
    assert [value(draft, Field.SQLSTATE) for draft in drafts(actions)][1] == b"22012"
    assert value(drafts(actions)[-1], Field.LAST) == b"1"


def test_an_empty_query_ends_as_empty() -> None:
    relay = Relay(SESSION)
    relay.from_client(query(""))
    assert ends(relay.from_server(format_frame(b"I") + READY))[0][1] == b"empty"


def test_each_parse_is_followed_by_our_own_describe_and_its_answer_is_swallowed() -> None:
    relay = Relay(SESSION)
    actions = relay.from_client(parse("SELECT 1", "p") + SYNC)
    assert sent(actions, ToServer) == parse("SELECT 1", "p") + format_frame(b"D", b"Sp\0") + SYNC
    assert sent(relay.from_server(PARSED + DESCRIBED + READY), ToClient) == PARSED + READY


def test_a_portal_with_a_row_limit_then_closed_is_recorded_as_cut_with_its_rows() -> None:
    relay = Relay(SESSION)
    relay.from_client(parse("SELECT 1") + bind("c") + execute("c", 2) + SYNC)
    actions = relay.from_server(PARSED + DESCRIBED + BOUND + row() + row() + SUSPENDED + READY_T)
    assert ends(actions) == [(3, b"suspended", b"2")]
    relay.from_client(close_portal("c") + SYNC)
    actions = relay.from_server(CLOSED + READY)
    assert [(draft.kind, value(draft, Field.ROWS)) for draft in drafts(actions)] == [(Kind.CUT, b"2")]
    assert_recorded_first(actions)
    assert sent(actions, ToClient) == CLOSED + READY


def test_after_an_error_in_a_pipeline_the_rest_is_recorded_as_skipped() -> None:
    relay = Relay(SESSION)
    pipeline = parse("SELECT 1/0") + bind() + execute() + parse("SELECT 2") + bind() + execute() + SYNC
    relay.from_client(pipeline)
    actions = relay.from_server(PARSED + DESCRIBED + BOUND + ERROR + READY)
    assert ends(actions) == [(3, b"error", b"0"), *((number, b"skipped", b"0") for number in (4, 5, 6))]


def test_what_is_sent_after_an_error_and_before_sync_is_skipped_at_once() -> None:
    relay = Relay(SESSION)
    relay.from_client(parse("SELECT x"))
    relay.from_server(ERROR)
    assert [end[1] for end in ends(relay.from_client(bind() + execute()))] == [b"skipped", b"skipped"]
    relay.from_client(SYNC)
    assert sent(relay.from_server(READY), ToClient) == READY


def test_a_lost_client_is_recorded_as_cut_with_the_rows_so_far() -> None:
    relay = Relay(SESSION)
    relay.from_client(query("COPY (SELECT 1) TO STDOUT"))
    relay.from_server(format_frame(b"H", b"\0\0\0") + format_frame(b"d", b"1\n") * 5)
    cut = relay.cut("the client is gone")
    assert [(draft.request, value(draft, Field.OUTCOME), value(draft, Field.ROWS)) for draft in cut] == [
        (1, b"cut", b"5")
    ]


def test_copy_out_ends_with_its_command() -> None:
    relay = Relay(SESSION)
    relay.from_client(query("COPY (SELECT 1) TO STDOUT"))
    relay.from_server(format_frame(b"H", b"\0\0\0") + format_frame(b"d", b"1\n") + format_frame(b"c"))
    assert ends(relay.from_server(done("COPY 1") + READY))[0] == (1, b"complete", b"1")


class TestPlans:
    def test_a_plan_in_the_simple_protocol_is_refused_and_its_rows_dropped(self) -> None:
        relay = Relay(SESSION)
        relay.from_client(query("EXPLAIN ANALYZE SELECT 1"))
        actions = relay.from_server(columns("QUERY PLAN", 0) + row() + row() + done("EXPLAIN") + READY)
        out = sent(actions, ToClient)
        assert out.count(b"42501") == 1
        assert row() not in out
        assert out.endswith(READY)
        assert ends(actions)[0][1] == b"plan withheld"

    def test_a_plan_in_the_extended_protocol_is_refused_once_and_the_rest_is_silent(self) -> None:
        relay = Relay(SESSION)
        relay.from_client(
            parse("EXPLAIN SELECT 1") + bind() + execute() + parse("SELECT 2") + bind() + execute() + SYNC
        )
        plan = PARSED + PLAN + BOUND + row() + done("EXPLAIN")
        out = sent(
            relay.from_server(plan + PARSED + DESCRIBED + BOUND + row() + done("SELECT 1") + READY), ToClient
        )
        assert out.count(b"42501") == 1
        assert row() not in out
        assert out.startswith(PARSED)
        assert out.endswith(READY)

    def test_a_plan_that_is_prepared_is_refused_and_closed_on_the_server(self) -> None:
        relay = Relay(SESSION)
        relay.from_client(parse("EXPLAIN SELECT 1", "e") + SYNC)
        actions = relay.from_server(PARSED + PLAN + READY)
        assert b"42501" in sent(actions, ToClient)
        assert sent(actions, ToServer) == format_frame(b"C", b"Se\0")
        relay.from_client(bind("", "e") + execute() + SYNC)
        assert sent(relay.from_server(CLOSED + ERROR + READY), ToClient) == ERROR + READY

    def test_a_name_that_is_prepared_anew_is_judged_anew(self) -> None:
        relay = Relay(SESSION)
        relay.from_client(parse("EXPLAIN SELECT 1") + SYNC)
        relay.from_server(PARSED + PLAN + READY)
        relay.from_client(parse("SELECT 1") + bind() + execute() + SYNC)
        answer = CLOSED + PARSED + DESCRIBED + BOUND + row() + done("SELECT 1") + READY
        assert row() in sent(relay.from_server(answer), ToClient)


def test_the_hint_names_the_copy_that_works() -> None:
    relay = Relay(SESSION)
    relay.from_client(query("COPY persons TO STDOUT"))
    error = format_fields(b"E", {"S": b"ERROR", "C": b"42809", "M": b'cannot copy from view "persons"'})
    assert b"\\copy (SELECT * FROM name)" in sent(relay.from_server(error + READY), ToClient)


@pytest.mark.parametrize(
    ("severity", "seen"), [("NOTICE", True), ("WARNING", True), ("LOG", False), ("DEBUG1", False)]
)
def test_logs_and_debug_prints_of_plans_do_not_reach_the_client(severity: str, seen: bool) -> None:  # noqa: FBT001
    notice = format_fields(
        b"N", {"S": severity.encode(), "V": severity.encode(), "C": b"00000", "M": b"plan:"}
    )
    assert bool(Relay(SESSION).from_server(notice)) is seen


def test_a_notification_is_not_forwarded() -> None:
    assert Relay(SESSION).from_server(format_frame(b"A", pack(">I", 1) + b"c\0x\0")) == []


class TestFunctionCalls:
    """The fast path calls a function by its oid; PostgreSQL is asked for none, and its refusal is put in our words."""

    LO_OPEN = format_frame(b"F", pack(">IHHIiIiH", 952, 0, 2, 4, 1, 4, 2, 0))
    NONE = format_error("ERROR", "42883", "function with OID 0 does not exist")
    ABORTED = format_error("ERROR", "25P02", "current transaction is aborted")

    def test_one_is_recorded_with_what_it_asked_and_asks_postgresql_for_none(self) -> None:
        actions = Relay(SESSION).from_client(self.LO_OPEN)
        (draft,) = drafts(actions)
        assert (value(draft, Field.MESSAGE), value(draft, Field.TEXT)) == (b"FunctionCall", b"function 952")
        assert value(draft, Field.PARAMETERS) == self.LO_OPEN[9:]
        assert sent(actions, ToServer) == format_frame(b"F", bytes(10))
        assert isinstance(actions[0], Append)

    def test_one_is_answered_in_its_turn_with_one_message_and_the_session_goes_on(self) -> None:
        relay = Relay(SESSION)
        relay.from_client(query("SELECT 1") + self.LO_OPEN + query("SELECT 2"))
        relay.from_server(done("SELECT 1") + READY)
        actions = relay.from_server(self.NONE + READY)
        assert_recorded_first(actions)
        assert ends(actions) == [(2, b"error", b"0")]
        assert value(drafts(actions)[0], Field.SQLSTATE) == b"0A000"
        assert value(drafts(actions)[0], Field.LAST) == b"1"
        assert sent(actions, ToClient) == FUNCTION_REFUSED + READY
        assert ends(relay.from_server(done("SELECT 1") + READY))[0][:2] == (3, b"complete")

    def test_in_a_transaction_that_failed_postgresql_says_so_itself(self) -> None:
        relay = Relay(SESSION)
        relay.from_client(self.LO_OPEN)
        assert sent(relay.from_server(self.ABORTED + READY), ToClient) == self.ABORTED + READY

    def test_behind_an_error_one_is_skipped_as_everything_is(self) -> None:
        relay = Relay(SESSION)
        relay.from_client(parse("SELECT x") + self.LO_OPEN + SYNC)
        assert ends(relay.from_server(ERROR))[1] == (2, b"skipped", b"0")
        assert sent(relay.from_server(READY), ToClient) == READY

    def test_behind_a_plan_that_was_refused_it_is_what_the_client_takes_to_be_refused(self) -> None:
        # The client has its ParseComplete, so the error is the call's to it: a ReadyForQuery follows, and one of Sync.
        relay = Relay(SESSION)
        relay.from_client(parse("EXPLAIN SELECT 1") + self.LO_OPEN + SYNC)
        out = sent(relay.from_server(PARSED + PLAN + self.NONE + READY + READY), ToClient)
        assert (out.count(b"42501"), out.count(b"0A000"), out.endswith(READY + READY)) == (1, 0, True)
        assert out.count(READY) == 2

    def test_an_answer_to_one_would_end_the_session(self) -> None:
        relay = Relay(SESSION)
        relay.from_client(self.LO_OPEN)
        assert relay.from_server(format_frame(b"V", pack(">i", -1))) == []
        assert relay.broken is not None

    def test_one_that_names_no_function_ends_the_session(self) -> None:
        relay = Relay(SESSION)
        assert relay.from_client(format_frame(b"F", b"\0\0")) == []
        assert isinstance(relay.broken, RemoteProtocolError)


def test_who_listens_is_told_that_nothing_will_arrive() -> None:
    relay = Relay(SESSION)
    relay.from_client(query("LISTEN c"))
    out = sent(relay.from_server(done("LISTEN") + READY), ToClient)
    assert out == UNHEARD + done("LISTEN") + READY


@pytest.mark.parametrize("kind", [b"V", b"p", b"W", b"\x00", b"Z"])
def test_a_message_that_has_no_row_in_the_table_is_refused(kind: bytes) -> None:
    relay = Relay(SESSION)
    assert relay.from_client(format_frame(kind, b"\0\0\0\0")) == []
    assert isinstance(relay.broken, RemoteProtocolError)


def test_a_length_of_2_gb_is_refused_from_its_head() -> None:
    relay = Relay(SESSION)
    relay.from_client(b"Q" + pack(">I", 0x7FFFFFFF))
    assert isinstance(relay.broken, RemoteProtocolError)


@pytest.mark.parametrize(
    "frame",
    [done("SELECT 1"), row(), READY, PARSED, columns()],
    ids=["done", "row", "ready", "parsed", "columns"],
)
def test_an_answer_to_nothing_is_refused(frame: bytes) -> None:
    relay = Relay(SESSION)
    assert relay.from_server(frame) == []
    assert isinstance(relay.broken, RemoteProtocolError)


def test_what_stood_before_a_fault_of_the_client_is_recorded_and_then_cut_and_not_sent() -> None:
    relay = Relay(SESSION)
    actions = relay.from_client(query("SELECT 1") + format_frame(b"W", b"\0\0\0\0"))
    assert [draft.kind for draft in drafts(actions)] == [Kind.REQUEST]
    assert sent(actions, ToServer) == b""
    assert [draft.request for draft in relay.cut("broken")] == [1]


def test_what_ended_before_a_fault_of_the_server_is_recorded() -> None:
    relay = Relay(SESSION)
    relay.from_client(query("SELECT 1"))
    actions = relay.from_server(done("SELECT 0") + READY + format_frame(b"W", b"\0"))
    assert value(drafts(actions)[-1], Field.LAST) == b"1"
    assert relay.broken is not None
    assert relay.cut("broken") == []


CLIENT = parse("SELECT 1", "p") + bind("c", "p") + execute("c", 1) + SYNC + query("SELECT 1; SELECT 2")
SERVER = (
    PARSED + DESCRIBED + BOUND + row(40) + SUSPENDED + READY + columns() + row(0) + row(300) + done("SELECT 2")
    + columns() + done("SELECT 0") + READY
)  # fmt: skip


@given(st.lists(st.integers(1, max(len(CLIENT), len(SERVER))), max_size=12))
def test_any_chunking_records_and_forwards_the_same(cuts: list[int]) -> None:
    def play(chunks: list[int]) -> tuple[list[tuple[int, bytes | None, bytes | None]], bytes, bytes]:
        relay, all_ends, up, down = Relay(SESSION), [], b"", b""
        for data, feed in ((CLIENT, relay.from_client), (SERVER, relay.from_server)):
            edges = [0, *sorted(set(chunks)), len(data)]
            for start, stop in itertools.pairwise(edges):
                actions = feed(data[start:stop])
                assert_recorded_first(actions)
                all_ends += ends(actions)
                up += sent(actions, ToServer)
                down += sent(actions, ToClient)
        return all_ends, up, down

    assert play(cuts) == play([])


@given(st.lists(st.binary(max_size=100), max_size=6), st.booleans())
def test_whatever_comes_is_actions_or_one_kind_of_error(chunks: list[bytes], from_server: bool) -> None:  # noqa: FBT001
    relay = Relay(SESSION)
    for chunk in chunks:
        (relay.from_server if from_server else relay.from_client)(chunk)
        if relay.broken is not None:
            assert isinstance(relay.broken, RemoteProtocolError)
            break
