"""What a relay does with a statement that a limit refuses or ends, and with a COPY: without a socket."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import pairwise
from struct import pack
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.gateway.actions import Action, Append, EndBackend, EndStatement, ToClient, ToServer
from doorward.gateway.exports import Exporter, parse_export
from doorward.gateway.limits import Columns, Limits, Meter
from doorward.gateway.relay import CANCEL_SECONDS, REFUSED_PARSE, REFUSED_QUERY, Relay, Terms
from doorward.notes.note import Signer, parse_note, sign_note, verify_note
from doorward.pgwire.frames import FrameReader
from doorward.pgwire.messages import format_error, format_frame, parse_fields
from doorward.record.entry import Draft, Field, Kind

SESSION = b"s" * 16
NOW = datetime(2026, 3, 4, 12, 0, 0, tzinfo=UTC)
READY, SYNC = format_frame(b"Z", b"I"), format_frame(b"S")
FAILED = format_error("ERROR", "42601", "syntax error")
CANCELLED = format_error("ERROR", "57014", "canceling statement due to user request")
NO_EXPORT = format_error("ERROR", "42501", "an export is referred")
COLUMNS = format_frame(b"T", pack(">H", 1) + b"a\0" + pack(">IHIhiH", 7, 1, 23, 4, -1, 0))
COPY_OUT = format_frame(b"H", b"\0" + pack(">HHH", 2, 0, 0))
COPY_DONE = format_frame(b"c")
SIGNER = Signer.make("door.example/export", b"k" * 32)


def query(text: str) -> bytes:
    return format_frame(b"Q", text.encode() + b"\0")


def execute(portal: str = "") -> bytes:
    return format_frame(b"E", portal.encode() + b"\0" + pack(">i", 0))


def row(size: int = 3) -> bytes:
    return format_frame(b"D", b"r" * size)


def line(text: bytes) -> bytes:
    return format_frame(b"d", text)


def done(tag: str) -> bytes:
    return format_frame(b"C", tag.encode() + b"\0")


def exporter() -> Exporter:
    return Exporter(
        SESSION, ("dana", "audit", "JH1", "CPD"), "digest", "scope", ("rows may be withheld (B4)",),
        ("permit", ("B1",), ("own",)), lambda text: sign_note(text, SIGNER),
    )  # fmt: skip


def limited(*, terms: dict[str, Any] | None = None, **given_limits: int) -> Relay:
    limits = Limits(**(dict.fromkeys(Limits.__dataclass_fields__, 0) | given_limits))
    meter = Meter(limits, Columns([0], [0], [0], [0]), own=0, minute=1)
    named: dict[str, Any] = {"meter": meter, "now": NOW, **(terms or {})}
    return Relay(SESSION, Terms(**named))


def sent(actions: list[Action], kind: type[ToClient] | type[ToServer]) -> bytes:
    return b"".join(action.data for action in actions if isinstance(action, kind))


def drafts(actions: list[Action]) -> list[Draft]:
    return [draft for action in actions if isinstance(action, Append) for draft in action.drafts]


def value(draft: Draft, field: Field) -> bytes | None:
    return dict(draft.fields).get(field)


def kinds_of(data: bytes) -> str:
    reader, found = FrameReader(1 << 20), ""
    reader.feed(data)
    while (frame := reader.next_frame()) is not None:
        found += chr(frame.kind)
    assert not reader.trailing_data
    return found


def code_of(data: bytes) -> bytes:
    """The SQLSTATE of the one error in what a client got."""
    reader, codes = FrameReader(1 << 20), []
    reader.feed(data)
    while (frame := reader.next_frame()) is not None:
        if frame.kind == ord("E"):
            codes.append(parse_fields(frame.payload)["C"])
    (code,) = codes
    return code


@given(st.integers(0, 40), st.integers(1, 30), st.lists(st.integers(0, 600), max_size=10))
def test_in_any_chunking_the_client_gets_the_allowed_rows_and_one_error(
    count: int, allowed: int, cuts: list[int]
) -> None:
    relay = limited(rows=allowed)
    relay.from_client(query("SELECT"))
    stream = COLUMNS + row() * count + done(f"SELECT {count}") + READY
    edges = sorted({0, len(stream), *(cut % len(stream) for cut in cuts)})
    client, recorded, cancels = b"", [], 0
    for start, end in pairwise(edges):
        actions = relay.from_server(stream[start:end])
        client += sent(actions, ToClient)
        recorded += drafts(actions)
        cancels += sum(isinstance(action, EndStatement) for action in actions)
    over = count > allowed
    assert kinds_of(client) == "T" + "D" * min(count, allowed) + ("E" if over else "C") + "Z"
    ending = recorded[0]
    assert value(ending, Field.ROWS) == str(min(count, allowed)).encode()
    assert (value(ending, Field.LIMIT), value(ending, Field.OUTCOME)) == (
        (b"rows of a day", b"refused") if over else (None, b"complete")
    )
    assert cancels <= 1


def test_what_runs_on_is_cancelled_and_the_error_of_the_cancel_is_ours() -> None:
    relay = limited(rows=2)
    relay.from_client(query("SELECT"))
    actions = relay.from_server(COLUMNS + row() * 5)
    assert isinstance(actions[-1], EndStatement)
    assert relay.is_withholding
    assert not any(isinstance(action, EndStatement) for action in relay.from_server(row() * 5))
    actions = relay.from_server(CANCELLED + READY)
    assert kinds_of(sent(actions, ToClient)) == "EZ"
    assert code_of(sent(actions, ToClient)) == b"53400"
    assert not relay.is_withholding


def test_a_statement_that_may_not_begin_goes_upstream_as_one_that_fails() -> None:
    relay = limited(statements_a_minute=1)
    relay.from_client(query("SELECT 1"))
    relay.from_server(COLUMNS + row() + done("SELECT 1") + READY)
    actions = relay.from_client(query("SELECT 2"))
    assert sent(actions, ToServer) == REFUSED_QUERY
    assert value(drafts(actions)[0], Field.TEXT) == b"SELECT 2"  # what was asked is in the record
    actions = relay.from_server(FAILED + READY)
    assert code_of(sent(actions, ToClient)) == b"53400"
    assert value(drafts(actions)[0], Field.LIMIT) == b"statements of a minute"


def test_an_execute_that_may_not_begin_skips_to_sync_as_any_error_does() -> None:
    relay = limited(statements_a_minute=1)
    bind = format_frame(b"B", b"\0\0" + pack(">HHH", 0, 0, 0))
    actions = relay.from_client(bind + execute() + bind + execute() + SYNC)
    assert sent(actions, ToServer) == bind + execute() + bind + REFUSED_PARSE + SYNC
    bound = format_frame(b"2")
    actions = relay.from_server(bound + row() + done("SELECT 1") + bound + FAILED + READY)
    assert kinds_of(sent(actions, ToClient)) == "2DC2EZ"
    assert code_of(sent(actions, ToClient)) == b"53400"


def test_in_a_failed_transaction_its_end_passes() -> None:
    relay = limited(statements_a_minute=1)
    relay.from_client(query("SELECT 1/0"))
    relay.from_server(FAILED + format_frame(b"Z", b"E"))
    assert sent(relay.from_client(query("ROLLBACK")), ToServer) == query("ROLLBACK")


def test_an_error_of_another_request_is_left_as_it_is() -> None:
    relay = limited(statements_a_minute=1)
    actions = relay.from_client(query("SELECT 1/0") + query("SELECT 2"))
    assert sent(actions, ToServer) == query("SELECT 1/0") + REFUSED_QUERY
    actions = relay.from_server(FAILED + READY)
    assert code_of(sent(actions, ToClient)) == b"42601"
    assert code_of(sent(relay.from_server(FAILED + READY), ToClient)) == b"53400"


class TestTheGatewaysClock:
    def test_a_statement_that_runs_too_long_is_withheld_cancelled_and_at_last_terminated(self) -> None:
        relay = limited(statement_seconds=2)
        relay.from_client(query("SELECT pg_sleep(9)"))
        assert [relay.wake(NOW + timedelta(seconds=at)) for at in (0, 1)] == [[], []]
        assert relay.wake(NOW + timedelta(seconds=2)) == [EndStatement()]
        assert relay.wake(NOW + timedelta(seconds=3)) == []
        (last,) = relay.wake(NOW + timedelta(seconds=2 + CANCEL_SECONDS))
        assert isinstance(last, EndBackend)

    def test_time_between_statements_does_not_count(self) -> None:
        relay = limited(statement_seconds=2)
        relay.from_client(query("SELECT 1"))
        relay.wake(NOW)
        relay.from_server(COLUMNS + done("SELECT 0") + READY)
        assert relay.wake(NOW + timedelta(seconds=60)) == []
        relay.from_client(query("SELECT 1"))
        assert relay.wake(NOW + timedelta(seconds=61)) == []

    def test_a_row_that_has_begun_is_given_whole_before_the_error(self) -> None:
        relay = limited(statement_seconds=1)
        relay.from_client(query("SELECT"))
        got = sent(relay.from_server(COLUMNS + row(50)[:20]), ToClient)
        relay.wake(NOW)
        assert relay.wake(NOW + timedelta(seconds=1)) == [EndStatement()]
        got += sent(relay.from_server(row(50)[20:30]), ToClient)
        got += sent(relay.from_server(row(50)[30:] + row() * 3), ToClient)
        got += sent(relay.from_server(CANCELLED + READY), ToClient)
        assert kinds_of(got) == "TDEZ"

    def test_a_batch_that_ends_without_a_statement_is_told_all_the_same(self) -> None:
        relay = limited(statement_seconds=1)
        parse = format_frame(b"P", b"\0SELECT 1\0" + pack(">H", 0))
        relay.from_client(parse + SYNC)
        relay.wake(NOW)
        assert relay.wake(NOW + timedelta(seconds=1)) == [EndStatement()]
        described = format_frame(b"t", b"\0\0") + COLUMNS
        got = sent(relay.from_server(format_frame(b"1") + described + READY), ToClient)
        assert kinds_of(got) == "EZ"
        assert code_of(got) == b"53400"


class TestCopy:
    def copy_of(self, relay: Relay, data: list[bytes], split: Callable[[bytes], list[bytes]]) -> list[Action]:
        relay.from_client(query("COPY (SELECT 1) TO STDOUT"))
        stream = (
            COPY_OUT + b"".join(line(one) for one in data) + COPY_DONE + done(f"COPY {len(data)}") + READY
        )
        return [action for chunk in split(stream) for action in relay.from_server(chunk)]

    @pytest.mark.parametrize("size", [1, 7, 10_000])
    def test_where_the_order_permits_it_the_note_is_over_the_bytes_of_the_file(self, size: int) -> None:
        relay = limited(terms={"exporter": exporter()})
        data = [b"1\tone\n", b"2\ttwo\n", b""]
        actions = self.copy_of(relay, data, lambda s: [s[at : at + size] for at in range(0, len(s), size)])
        assert kinds_of(sent(actions, ToClient)) == "HdddcSCZ"
        begun, ended = [draft for draft in drafts(actions) if draft.kind is Kind.EXPORT]
        assert (value(begun, Field.OUTCOME), value(begun, Field.CLAUSES)) == (b"permit", b"B1")
        status = sent(actions, ToClient).partition(b"doorward_export\0")[2].partition(b"\0")[0]
        facts = parse_export(verify_note(parse_note(status), [SIGNER.verifier]))
        assert (facts["rows"], facts["bytes"], facts["columns"]) == (3, 12, 2)
        assert facts["sha256"] == sha256(b"".join(data)).hexdigest()
        assert facts["statement_sha256"] == sha256(b"COPY (SELECT 1) TO STDOUT").hexdigest()
        assert facts["withheld"] == ["rows may be withheld (B4)"]
        digest = sha256(verify_note(parse_note(status), [SIGNER.verifier])).hexdigest().encode()
        assert value(ended, Field.MANIFEST) == digest

    def test_where_it_does_not_the_client_gets_the_orders_error_and_no_byte(self) -> None:
        relay = limited(terms={"no_export": NO_EXPORT})
        actions = self.copy_of(relay, [b"1\n"], lambda s: [s[: len(COPY_OUT)], s[len(COPY_OUT) :]])
        assert kinds_of(sent(actions, ToClient)) == "EZ"
        assert code_of(sent(actions, ToClient)) == b"42501"
        assert any(isinstance(action, EndStatement) for action in actions)
        (ending, last) = drafts(actions)
        assert value(ending, Field.LIMIT) == b"copy without export"
        assert (value(ending, Field.ROWS), value(last, Field.LAST)) == (b"0", b"1")

    def test_a_copy_that_a_limit_ends_is_not_signed(self) -> None:
        relay = limited(rows=1, terms={"exporter": exporter()})
        actions = self.copy_of(relay, [b"1\n", b"2\n"], lambda s: [s])
        assert kinds_of(sent(actions, ToClient)) == "HdEZ"
        assert [value(d, Field.OUTCOME) for d in drafts(actions) if d.kind is Kind.EXPORT] == [b"permit"]

    def test_rows_beyond_the_threshold_are_an_export_in_the_record_once(self) -> None:
        relay = limited(export_rows=3, terms={"exporter": exporter()})
        relay.from_client(query("SELECT"))
        actions = relay.from_server(COLUMNS + row() * 3) + relay.from_server(row()) + relay.from_server(row())
        (export,) = [draft for draft in drafts(actions) if draft.kind is Kind.EXPORT]
        assert value(export, Field.REASON) == b"rows of a day"
        assert kinds_of(sent(actions, ToClient)) == "TDDDDD"
