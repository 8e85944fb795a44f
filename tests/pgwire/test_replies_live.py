"""The account of replies against a real PostgreSQL: random pipelines, every reply answered for, idle at the end."""

import socket
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Self

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from doorward.pgwire.frames import Frame, FrameHop, Rows
from doorward.pgwire.messages import (
    COPY_DONE,
    FLUSH,
    NO_FUNCTION,
    PROTOCOL_3_0,
    SYNC,
    Bind,
    BindValues,
    Execute,
    Parse,
    StartupMessage,
    Target,
    format_bind,
    format_bind_values,
    format_close,
    format_copy_data,
    format_copy_fail,
    format_describe,
    format_describe_statement,
    format_error,
    format_execute,
    format_frame,
    format_parse,
    format_query,
    format_startup,
    parse_key,
    tag_rows,
)
from doorward.pgwire.plans import PlanGuard
from doorward.pgwire.replies import Ending, LostPortal, Outcome, ReplyQueue, Sent

pytestmark = pytest.mark.pg

TIMEOUT_SECONDS = 20
REFUSAL = format_error("ERROR", "42501", "a plan")
NOT_CALLED = format_error("ERROR", "0A000", "a function")
NO_VALUES = format_bind_values(BindValues((), (), ()))
PLAN_WORDS = (b"(cost=", b"Planning Time", b"Function Scan")


@dataclass(frozen=True)
class Op:
    """One message of a client: its bytes, and what the queue is told."""

    raw: bytes
    sent: Sent | None = None
    name: bytes = b""
    portal: bytes = b""
    text: bytes = b""


def query(text: bytes) -> Op:
    return Op(format_query(text), Sent.QUERY, text=text)


def parse(name: bytes, text: bytes) -> Op:
    return Op(format_parse(Parse(name, text)), Sent.PARSE, name, text=text)


def bind(portal: bytes, name: bytes) -> Op:
    return Op(format_bind(Bind(portal, name, NO_VALUES)), Sent.BIND, name, portal)


def execute(portal: bytes, max_rows: int = 0) -> Op:
    return Op(format_execute(Execute(portal, max_rows)), Sent.EXECUTE, portal=portal)


def describe(kind: bytes, name: bytes) -> Op:
    return Op(format_describe(Target(kind, name)), Sent.DESCRIBE, name)


def close(kind: bytes, name: bytes) -> Op:
    return Op(format_close(Target(kind, name)), Sent.CLOSE, kind + name)


SYNC_OP = Op(SYNC, Sent.SYNC)
FLUSH_OP = Op(FLUSH)
FUNCTION_OP = Op(NO_FUNCTION, Sent.FUNCTION_CALL)
COPY_DONE_OP = Op(COPY_DONE, Sent.COPY_END)


def copy_data(data: bytes) -> Op:
    return Op(format_copy_data(data))


def copy_fail(reason: bytes) -> Op:
    return Op(format_copy_fail(reason), Sent.COPY_END)


class Trust(PlanGuard):
    """No guard: the second account believes whatever the first let through."""

    def prepared(self, name: bytes) -> None:
        pass


class Line:
    """One raw connection, its account, and a second account: what the client must believe by what it is sent."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(TIMEOUT_SECONDS)
        self.socket.connect(str(path))
        self.hop = FrameHop()
        self.queue = ReplyQueue()
        self.client = ReplyQueue()
        self.client._plans = Trust()
        self.client_hop = FrameHop()
        self.requests = 0
        self.running: set[int] = set()  # the requests that must end, whatever happens
        self.endings: list[Ending] = []
        self.lost: list[LostPortal] = []
        self.forwarded = b""
        self.process_id = self._start()

    def _start(self) -> int:
        parameters = (("user", "postgres"), ("database", "postgres"))
        self.socket.sendall(format_startup(StartupMessage(PROTOCOL_3_0, parameters)))
        process_id = 0
        while True:
            for item in self.hop.hop(self.socket.recv(65536)):
                assert isinstance(item, Frame)
                if item.kind == ord("K"):
                    process_id = parse_key(item.payload).process_id
                if item.kind == ord("Z"):
                    return process_id

    def push(self, op: Op) -> bytes:
        """Tell both accounts of a message, and return the bytes that go upstream for it."""
        if op.sent is None:
            return op.raw
        recorded = op.sent in {Sent.QUERY, Sent.PARSE, Sent.BIND, Sent.EXECUTE, Sent.FUNCTION_CALL}
        self.requests += recorded
        number = self.requests if recorded else 0
        if op.sent in {Sent.QUERY, Sent.EXECUTE, Sent.FUNCTION_CALL}:
            self.running.add(number)
        self.queue.push(op.sent, number, name=op.name, portal=op.portal)
        self.client.push(op.sent, number, name=op.name, portal=op.portal)
        if op.sent is not Sent.PARSE:
            return op.raw
        self.queue.push(Sent.OWN_DESCRIBE, 0, name=op.name)
        return op.raw + format_describe_statement(op.name)

    def send(self, *ops: Op) -> None:
        self.socket.sendall(b"".join([self.push(op) for op in ops]))
        self.endings += self.queue.skip_sent()
        self.client.skip_sent()

    def run(self, *ops: Op, size: int = 65536) -> bytes:
        """Send, and read until the server owes nothing; return what the client was given."""
        self.send(*ops)
        start = len(self.forwarded)
        while not self.queue.is_idle and not self.queue.is_over:
            self.read(size)
        # Even nothing cannot be sent to a server that ended the session.
        if closes := self.queue.own_closes():
            self.socket.sendall(closes)
        return self.forwarded[start:]

    def read(self, size: int = 65536) -> None:
        data = self.socket.recv(size)
        assert data, "the server closed the connection"
        for item in self.hop.hop(data):
            if isinstance(item, Rows):
                if self.queue.rows(item):
                    self.give(item.data)
                continue
            reply = self.queue.frame(item)
            self.endings += reply.endings
            self.lost += reply.lost
            if reply.refused:
                self.give(REFUSAL)
            elif reply.function_refused:
                self.give(NOT_CALLED)
            elif reply.forward:
                self.give(item.raw)

    def give(self, data: bytes) -> None:
        """Hand bytes to the client, whose own account must take them."""
        self.forwarded += data
        for item in self.client_hop.hop(data):
            if isinstance(item, Rows):
                assert self.client.rows(item)
            else:
                self.client.frame(item)

    def ended(self, request: int) -> list[tuple[Outcome, int, bytes]]:
        return [(item.outcome, item.rows, item.tag) for item in self.endings if item.request == request]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


@pytest.fixture
def line(server_socket: Path) -> Iterator[Line]:
    with Line(server_socket) as found:
        yield found


EXPLAIN = b"explain analyze select g from generate_series(1, 7) g"
NAMES = st.sampled_from([b"", b"a", b"b"])
TEXTS = st.sampled_from(
    [
        b"",
        b"select 1",
        b"select g, repeat('x', 50) from generate_series(1, 20) g",
        b"select 1/(3 - g) from generate_series(1, 5) g",
        b"select 1/0",
        b"no sql",
        b"begin",
        b"commit",
        b"rollback",
        b"savepoint s",
        b"rollback to s",
        b"copy (select g from generate_series(1, 7) g) to stdout",
        b"copy (select 1/(3 - g) from generate_series(1, 5) g) to stdout",
        EXPLAIN,
        b"set application_name = 'x'",
        b"do $$begin raise notice 'n'; end$$",
        b"listen n",
        b"notify n",
        b"declare c cursor for select g from generate_series(1, 9) g",
        b"fetch 2 from c",
        b"fetch all from a",
        b"move all from a",
        b"prepare q as select 5",
        b"execute q",
        b"execute a",
        b"deallocate all",
        b"create temp table t (x int)",
        b"insert into t values (1), (2) returning x",
        b"drop table t",
    ]
)
QUERIES = st.lists(TEXTS, min_size=1, max_size=3).map(b";".join)
OPS = st.one_of(
    st.builds(query, QUERIES),
    st.builds(parse, NAMES, TEXTS),
    st.builds(bind, NAMES, NAMES),
    st.builds(execute, NAMES, st.sampled_from([0, 0, 1, 3])),
    st.builds(describe, st.sampled_from([b"S", b"P"]), NAMES),
    st.builds(close, st.sampled_from([b"S", b"P"]), NAMES),
    st.just(FLUSH_OP),
    st.just(FUNCTION_OP),
    st.just(SYNC_OP),
)
# What clients do most, so that random pipelines run something.
PORTIONS = st.one_of(
    OPS.map(lambda op: [op]),
    st.builds(
        lambda name, text, portal, rows: [parse(name, text), bind(portal, name), execute(portal, rows)],
        NAMES,
        TEXTS,
        NAMES,
        st.sampled_from([0, 1, 3]),
    ),
    st.builds(
        lambda portal, rows: [execute(portal, rows), execute(portal, 0)], NAMES, st.sampled_from([1, 3])
    ),
)
BATCHES: st.SearchStrategy[list[list[Op]]] = st.lists(
    st.lists(PORTIONS, max_size=6).map(lambda found: list(chain.from_iterable(found))), min_size=1, max_size=4
)


def check_account(line: Line) -> None:
    assert line.queue.is_idle
    assert line.client.is_idle
    last: dict[int, int] = {}
    for ending in line.endings:
        assert ending.request > 0
        last[ending.request] = last.get(ending.request, 0) + ending.is_last
    assert set(last.values()) <= {1}, "a request that ended has one last ending"
    assert line.running <= set(last), "a Query or Execute always ends"


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(batches=[[parse(b"a", b"savepoint s"), query(b"execute a"), query(b"select 1")]], size=100)
@example(batches=[[parse(b"", EXPLAIN), FUNCTION_OP]], size=100)
@given(batches=BATCHES, size=st.sampled_from([7, 100, 65536]))
def test_every_reply_of_a_random_pipeline_is_accounted_for(
    server_socket: Path, batches: Sequence[Sequence[Op]], size: int
) -> None:
    check_pipeline(server_socket, batches, size)


@pytest.mark.long
@settings(max_examples=3000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=BATCHES, size=st.sampled_from([7, 100, 65536]))
def test_every_reply_of_many_random_pipelines_is_accounted_for(
    server_socket: Path, batches: Sequence[Sequence[Op]], size: int
) -> None:
    check_pipeline(server_socket, batches, size)


def check_pipeline(server_socket: Path, batches: Sequence[Sequence[Op]], size: int) -> None:
    with Line(server_socket) as line:
        for batch in batches:
            line.run(*batch, SYNC_OP, size=size)
            if line.queue.is_over:
                # PostgreSQL itself gives up on an EXECUTE of a prepared SAVEPOINT outside of a transaction block.
                line.endings += line.queue.cut()
                line.client.cut()
            check_account(line)
            if line.queue.is_over:
                break
    for word in PLAN_WORDS:
        assert word not in line.forwarded
    for ending in line.endings:
        if ending.outcome is Outcome.COMPLETE and ending.tag.startswith((b"SELECT", b"FETCH", b"COPY")):
            assert ending.rows == tag_rows(ending.tag)


def test_a_function_call_is_refused_in_its_turn_and_breaks_a_transaction_as_an_error_does(line: Line) -> None:
    given = line.run(query(b"select 1"), FUNCTION_OP, query(b"select 2"))
    assert given.count(NOT_CALLED) == 1
    assert given.endswith(b"Z\0\0\0\x05I")
    assert line.ended(2) == [(Outcome.ERROR, 0, b"0A000")]
    assert NOT_CALLED + b"Z\0\0\0\x05E" in line.run(query(b"begin"), FUNCTION_OP)
    assert b"25P02" in line.run(FUNCTION_OP)
    assert line.run(query(b"rollback")).endswith(b"Z\0\0\0\x05I")
    assert line.run(parse(b"", b"no sql"), FUNCTION_OP, SYNC_OP).count(NOT_CALLED) == 0
    check_account(line)


def test_a_function_call_behind_a_plan_hears_the_refusal_and_is_ready_as_often_as_the_client_waits(
    line: Line,
) -> None:
    given = line.run(parse(b"", EXPLAIN), FUNCTION_OP, query(b"select 7"), SYNC_OP)
    ready = b"Z\0\0\0\x05I"
    assert given.startswith(b"1\0\0\0\x04" + REFUSAL + ready)
    assert given.count(ready) == 3
    assert given.count(NOT_CALLED) == 0
    assert line.ended(2) == [(Outcome.ERROR, 0, b"0A000")]
    check_account(line)


def withheld(line: Line, sent: Sequence[Op]) -> bytes:
    given = line.run(*sent)
    check_account(line)
    for word in PLAN_WORDS:
        assert word not in given
    return given


def test_a_plan_is_refused_when_it_is_prepared_and_is_gone_from_the_server_afterwards(line: Line) -> None:
    given = withheld(line, [parse(b"a", EXPLAIN), bind(b"", b"a"), execute(b""), SYNC_OP])
    assert given == b"1\0\0\0\x04" + REFUSAL + b"Z\0\0\0\x05I"
    assert line.ended(3) == [(Outcome.PLAN, 0, b"EXPLAIN")]
    given = withheld(line, [bind(b"", b"a"), execute(b""), SYNC_OP])
    assert b'prepared statement "a" does not exist' in given
    given = withheld(line, [parse(b"a", b"select 77"), bind(b"", b"a"), execute(b""), SYNC_OP])
    assert b"77" in given


def test_a_statement_that_was_described_as_another_does_not_run_a_plan(line: Line) -> None:
    line.run(query(b"prepare foo as select 'x'::text"), parse(b"s", b"execute foo"), SYNC_OP)
    line.run(query(b"deallocate foo"))
    given = withheld(line, [parse(b"foo", EXPLAIN), bind(b"", b"s"), execute(b""), SYNC_OP])
    assert REFUSAL in given
    # Pipelined behind the Sync of the refusal, before the statement can be closed.
    line.run(
        query(b"prepare bar as select 'x'::text"),
        parse(b"t", b"execute bar"),
        SYNC_OP,
        query(b"deallocate bar"),
    )
    ops = [parse(b"bar", EXPLAIN), SYNC_OP, bind(b"", b"t"), execute(b""), SYNC_OP, query(b"execute bar")]
    given = withheld(line, ops)
    assert given.count(REFUSAL) == 3


@pytest.mark.parametrize("run", [query(b"move 1 from p"), query(b"fetch 1 from p"), execute(b"p", 1)])
def test_a_portal_that_was_described_as_another_does_not_give_a_plan_later(line: Line, run: Op) -> None:
    prepare = query(b"begin; prepare foo as select 'x'::text")
    line.run(prepare, parse(b"s", b"execute foo"), bind(b"p", b"s"), SYNC_OP)
    # Pipelined, so that the portal runs before the plan can be closed, and keeps its rows.
    withheld(line, [query(b"deallocate foo"), parse(b"foo", EXPLAIN), SYNC_OP, run, SYNC_OP])
    assert REFUSAL in withheld(line, [execute(b"p", 1), SYNC_OP])
    withheld(line, [query(b"fetch all from p")])
    given = withheld(line, [query(b"rollback"), query(b"select 88")])
    assert b"ROLLBACK" in given
    assert b"88" in given


def test_a_plan_by_way_of_a_portals_name_is_not_fetched(line: Line) -> None:
    line.run(
        query(b"begin; declare c cursor for select 'x'::text"), parse(b"s", b"fetch all from c"), SYNC_OP
    )
    line.run(query(b"close c"))
    ops = [parse(b"", EXPLAIN), bind(b"c", b""), SYNC_OP, bind(b"", b"s"), execute(b""), SYNC_OP]
    assert withheld(line, ops).count(REFUSAL) == 2
    withheld(line, [bind(b"", b"s"), execute(b""), SYNC_OP])
    assert REFUSAL in withheld(line, [query(b"fetch all from c")])


def test_a_plan_in_a_simple_query_is_refused_and_what_stands_before_it_is_not(line: Line) -> None:
    given = withheld(line, [query(b"select 55; " + EXPLAIN + b"; select 66")])
    assert b"55" in given
    assert b"66" not in given
    assert given.count(REFUSAL) == 1
    assert [ending[:2] for ending in line.ended(1)] == [
        (Outcome.COMPLETE, 1),
        (Outcome.PLAN, 0),
        (Outcome.PLAN, 0),
        (Outcome.ENDED, 0),
    ]


def test_a_statement_whose_own_describe_fails_is_not_trusted(line: Line) -> None:
    # As by a time limit between Parse and Describe: the description never comes.
    line.send(query(b"prepare foo as select 'x'::text"))
    line.queue.push(Sent.PARSE, 0, name=b"foo2")
    line.client.push(Sent.PARSE, 0, name=b"foo2")
    line.queue.push(Sent.OWN_DESCRIBE, 0, name=b"none")
    line.client.push(Sent.DESCRIBE, 0, name=b"none")
    line.socket.sendall(format_parse(Parse(b"foo2", EXPLAIN)) + format_describe_statement(b"none"))
    given = withheld(line, [SYNC_OP, bind(b"", b"foo2"), execute(b""), SYNC_OP])
    assert b"does not exist" in given
    assert REFUSAL in given
    assert b"99" in withheld(line, [parse(b"", b"select 99"), bind(b"", b""), execute(b""), SYNC_OP])


def test_postgresql_takes_two_long_names_for_one_which_is_why_they_are_refused(line: Line) -> None:
    one, other = b"n" * 63 + b"1", b"n" * 63 + b"2"
    raw = b"".join(
        [
            format_frame(b"P", one + b"\0select 44\0\0\0"),
            format_frame(b"B", b"\0" + other + b"\0" + NO_VALUES),
            format_execute(Execute(b"", 0)),
            SYNC,
        ]
    )
    for sent in (Sent.PARSE, Sent.BIND, Sent.EXECUTE, Sent.SYNC):
        line.queue.push(sent, 1)
        line.client.push(sent, 1)
    line.queue._plans = Trust()
    line.socket.sendall(raw)
    assert b"44" in line.run()


def test_three_statements_with_an_error_in_the_second_end_as_two(line: Line) -> None:
    given = line.run(query(b"select 1; select 1/0; select 3"))
    assert line.ended(1) == [
        (Outcome.COMPLETE, 1, b"SELECT 1"),
        (Outcome.ERROR, 0, b"22012"),
        (Outcome.ENDED, 0, b""),
    ]
    assert given.endswith(b"Z\0\0\0\x05I")
    check_account(line)


def test_what_stands_between_an_error_and_sync_is_skipped_a_simple_query_too(line: Line) -> None:
    line.run(
        parse(b"", b"no sql"), bind(b"", b""), execute(b""), query(b"select 1"), SYNC_OP, query(b"select 2")
    )
    assert line.ended(1) == [(Outcome.ERROR, 0, b"42601")]
    assert [line.ended(number) for number in (2, 3, 4)] == [[(Outcome.SKIPPED, 0, b"")]] * 3
    assert line.ended(5)[0] == (Outcome.COMPLETE, 1, b"SELECT 1")
    check_account(line)


def test_what_is_sent_after_an_error_was_heard_is_skipped_until_sync(line: Line) -> None:
    line.send(parse(b"", b"no sql"), FLUSH_OP)
    while not line.endings:
        line.read()
    line.send(query(b"select 1"), bind(b"", b""))
    assert line.ended(2) == line.ended(3) == [(Outcome.SKIPPED, 0, b"")]
    line.run(SYNC_OP, query(b"select 2"))
    assert line.ended(4)[0] == (Outcome.COMPLETE, 1, b"SELECT 1")
    check_account(line)


NINE_ROWS = b"select g from generate_series(1, 9) g"


def test_a_portal_with_a_row_limit_is_suspended_then_lost_where_it_is_closed(line: Line) -> None:
    line.run(
        query(b"begin"),
        parse(b"", b"select g from generate_series(1, 9) g"),
        bind(b"p", b""),
        execute(b"p", 4),
        SYNC_OP,
    )
    line.run(execute(b"p", 3), SYNC_OP)
    assert line.ended(4) == [(Outcome.SUSPENDED, 4, b"")]
    assert line.ended(5) == [(Outcome.SUSPENDED, 3, b"")]
    assert [(lost.portal, lost.request, lost.rows) for lost in line.queue.suspended] == [(b"p", 5, 7)]
    line.run(close(b"P", b"p"), SYNC_OP)
    assert [(lost.portal, lost.request, lost.rows) for lost in line.lost] == [(b"p", 5, 7)]
    assert line.queue.suspended == ()
    check_account(line)


def test_a_portal_that_is_run_to_its_end_is_not_lost(line: Line) -> None:
    ops = [
        parse(b"", b"select g from generate_series(1, 9) g"),
        bind(b"", b""),
        execute(b"", 4),
        execute(b"", 0),
        SYNC_OP,
    ]
    line.run(*ops)
    assert line.ended(3) == [(Outcome.SUSPENDED, 4, b"")]
    assert line.ended(4) == [(Outcome.COMPLETE, 5, b"SELECT 5")]
    assert line.lost == []


@pytest.mark.parametrize(
    "ops",
    [
        [SYNC_OP],  # the transaction ends
        [query(b"begin"), parse(b"", b"select 1"), bind(b"", b""), SYNC_OP],  # bound anew
        [query(b"begin; select 1")],  # a simple query takes its place
    ],
)
def test_an_unnamed_portal_is_lost_with_what_ends_it(line: Line, ops: list[Op]) -> None:
    line.run(parse(b"", NINE_ROWS), bind(b"", b""), execute(b"", 4), *ops)
    assert [(lost.portal, lost.rows) for lost in line.lost] == [(b"", 4)]
    check_account(line)


def start_copy(line: Line, *ops: Op) -> None:
    line.run(query(b"create temp table t (x int check (x < 100))"))
    line.send(*ops)
    while not line.queue.copying_in:
        line.read()


COPY_IN = b"copy t from stdin"
EXTENDED_COPY = [parse(b"", COPY_IN), bind(b"", b""), describe(b"P", b""), execute(b"")]


def test_a_copy_in_of_a_simple_query_ends_with_its_count(line: Line) -> None:
    start_copy(line, query(COPY_IN + b"; select 1"))
    given = line.run(copy_data(b"1\n2\n"), FLUSH_OP, SYNC_OP, copy_data(b"3\n"), COPY_DONE_OP)
    assert b"COPY 3" in given
    assert [ending[2] for ending in line.ended(2)] == [b"COPY 3", b"SELECT 1", b""]
    check_account(line)
    assert len(line.queue) == 0


@pytest.mark.parametrize("before", [[], [SYNC_OP], [SYNC_OP, FLUSH_OP, SYNC_OP]])
def test_a_copy_in_reads_over_a_sync_that_was_sent_with_it(line: Line, before: list[Op]) -> None:
    start_copy(line, *EXTENDED_COPY, *before)
    given = line.run(copy_data(b"1\n"), COPY_DONE_OP, SYNC_OP, query(b"select 2"))
    assert b"COPY 1" in given
    assert given.count(b"Z\0\0\0\x05I") == 2
    check_account(line)
    assert len(line.queue) == 0


@pytest.mark.parametrize("before", [[], [SYNC_OP], [SYNC_OP, SYNC_OP]])
@pytest.mark.parametrize("data", [b"1\nx\n", b"500\n", b""])
@pytest.mark.parametrize("simple", [True, False])
def test_a_copy_in_that_fails_leaves_nothing_open_however_many_syncs_it_read_over(
    line: Line, before: list[Op], data: bytes, *, simple: bool
) -> None:
    start_copy(line, *([query(COPY_IN)] if simple else EXTENDED_COPY), *before)
    end = COPY_DONE_OP if data else copy_fail(b"no more")
    line.run(copy_data(data), end, SYNC_OP)
    assert line.queue.is_idle
    for number in range(3):
        assert b"SELECT 1" in line.run(query(b"select %d" % number))
        assert b"22012" in line.run(parse(b"", b"select 1/0"), bind(b"", b""), execute(b""), SYNC_OP)
    assert all(
        count <= 1 for count in (sum(e.is_last for e in line.endings if e.request == n) for n in line.running)
    )


def test_a_copy_that_fails_before_it_reads_answers_every_sync(line: Line) -> None:
    copy = [copy_data(b"1\n"), COPY_DONE_OP]
    line.run(parse(b"", b"copy none from stdin"), bind(b"", b""), execute(b""), SYNC_OP, *copy, SYNC_OP)
    check_account(line)
    assert len(line.queue) == 0
    line.run(query(b"copy none from stdin"), *copy, query(b"select 1"))
    check_account(line)
    assert len(line.queue) == 0


def test_a_copy_out_is_counted_row_by_row_and_one_that_breaks_ends_with_its_error(line: Line) -> None:
    line.run(query(b"copy (select g from generate_series(1, 1000) g) to stdout"))
    assert line.ended(1)[0] == (Outcome.COMPLETE, 1000, b"COPY 1000")
    line.run(query(b"copy (select 1/(500 - g) from generate_series(1, 1000) g) to stdout"))
    assert line.ended(2)[0] == (Outcome.ERROR, 499, b"22012")
    check_account(line)


def test_a_session_that_is_terminated_says_so_and_is_over(line: Line, server_socket: Path) -> None:
    with Line(server_socket) as other:
        line.send(
            query(
                b"select g, pg_sleep(case when g = 2000 then 60 else 0 end) from generate_series(1, 3000) g"
            )
        )
        while b"1000" not in line.forwarded:
            line.read()
        other.run(query(b"select pg_terminate_backend(%d)" % line.process_id))
        while not line.queue.is_over:
            line.read()
    assert line.ended(1)[0][0] is Outcome.ERROR
    assert line.ended(1)[0][2] == b"57P01"
    (cut,) = line.queue.cut()
    assert (cut.outcome, cut.is_last) == (Outcome.CUT, True)


def test_an_idle_session_that_is_terminated_hears_why(line: Line, server_socket: Path) -> None:
    with Line(server_socket) as other:
        other.run(query(b"select pg_terminate_backend(%d)" % line.process_id))
        while not line.queue.is_over:
            line.read()
    assert b"57P01" in line.forwarded
    assert line.queue.cut() == ()


def test_other_frames_may_come_at_any_time_and_notifications_stay_here(line: Line) -> None:
    given = line.run(
        query(b"listen n; notify n; set application_name = 'x'; do $$begin raise notice 'hear'; end$$")
    )
    assert b"hear" in given
    assert b"application_name\0x" in given
    assert b"A\0\0\0" not in given
    check_account(line)
