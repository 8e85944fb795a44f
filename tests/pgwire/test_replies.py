"""The account of replies, step by step: what ends, what the client may see, what is refused; without a server."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doorward.errors import RemoteProtocolError
from doorward.pgwire.frames import Frame, FrameHop, Rows
from doorward.pgwire.limits import MAX_NAMED, MAX_PENDING
from doorward.pgwire.messages import (
    RowField,
    format_error,
    format_frame,
    format_ready,
    format_row_description,
    format_tag,
)
from doorward.pgwire.replies import Ending, LostPortal, Outcome, Reply, ReplyQueue, Sent

ROW = format_frame(b"D", b"1234")
COPY = format_frame(b"d", b"12")
COLUMNS = format_row_description([RowField(b"a", 1)])
PLAN = format_row_description([RowField(b"QUERY PLAN", 0)])
SELECT = format_tag(b"SELECT 1")
ERROR = format_error("ERROR", "22012", "division by zero")
FATAL = format_error("FATAL", "57P01", "terminating connection")
READY, IN_TRANSACTION = format_ready(b"I"), format_ready(b"T")
PARSED, BOUND, CLOSED = format_frame(b"1"), format_frame(b"2"), format_frame(b"3")
PARAMETERS = format_frame(b"t", b"\0\0")
NO_DATA, SUSPENDED, EMPTY = format_frame(b"n"), format_frame(b"s"), format_frame(b"I")
COPY_IN, COPY_OUT, COPY_DONE = (
    format_frame(b"G", b"\0\0\0"),
    format_frame(b"H", b"\0\0\0"),
    format_frame(b"c"),
)
NOTICE, NOTIFICATION = format_frame(b"N", b"\0"), format_frame(b"A", b"\0\0\0\1n\0\0")


def queue_of(*sent: Sent | tuple[Sent, bytes]) -> ReplyQueue:
    """A queue with these messages pending, numbered from 1; a name stands for statement and portal."""
    queue = ReplyQueue()
    push(queue, *sent)
    return queue


def push(queue: ReplyQueue, *sent: Sent | tuple[Sent, bytes]) -> None:
    for number, item in enumerate(sent, start=len(queue) + 1):
        kind, name = item if isinstance(item, tuple) else (item, b"")
        own = kind in {Sent.OWN_DESCRIBE, Sent.SYNC, Sent.DESCRIBE, Sent.CLOSE, Sent.COPY_END}
        queue.push(kind, 0 if own else number, name=name, portal=name)


def feed(queue: ReplyQueue, *frames: bytes) -> list[Reply | bool]:
    items = FrameHop().hop(b"".join(frames))
    return [queue.rows(item) if isinstance(item, Rows) else queue.frame(item) for item in items]


def endings(replies: list[Reply | bool]) -> list[Ending]:
    return [ending for reply in replies if isinstance(reply, Reply) for ending in reply.endings]


def test_a_query_ends_statement_by_statement_and_then_as_a_whole() -> None:
    queue = queue_of(Sent.QUERY)
    assert not queue.is_idle
    replies = feed(queue, COLUMNS, ROW, ROW, SELECT, EMPTY, IN_TRANSACTION)
    assert endings(replies) == [
        Ending(1, Outcome.COMPLETE, 2, 8, b"SELECT 1", is_last=False),
        Ending(1, Outcome.EMPTY, 0, 0, b"", is_last=False),
        Ending(1, Outcome.ENDED, 0, 0, b"", is_last=True),
    ]
    assert all(reply is True or (isinstance(reply, Reply) and reply.forward) for reply in replies)
    assert queue.is_idle
    assert queue.transaction == b"T"


def test_the_last_request_that_was_answered_is_told() -> None:
    queue = queue_of(Sent.PARSE, Sent.OWN_DESCRIBE, Sent.BIND, Sent.EXECUTE, Sent.SYNC)
    seen = []
    for frame in (PARSED, PARAMETERS, NO_DATA, BOUND, ROW, SELECT, READY):
        feed(queue, frame)
        seen.append(queue.answered)
    assert seen == [1, 0, 0, 3, 4, 4, 0]


def test_an_answer_to_our_own_describe_is_swallowed() -> None:
    queue = queue_of(Sent.PARSE, Sent.OWN_DESCRIBE, Sent.DESCRIBE, Sent.SYNC)
    replies = feed(queue, PARSED, PARAMETERS, COLUMNS, PARAMETERS, NO_DATA, READY)
    assert [isinstance(reply, Reply) and reply.forward for reply in replies] == [
        True,
        False,
        False,
        True,
        True,
        True,
    ]


@pytest.mark.parametrize(
    "frames",
    [
        [SELECT],
        [ROW],
        [COPY],
        [READY],
        [PARSED],
        [format_frame(b"W", b"\0\0\0")],
        [format_frame(b"V", b"\0\0\0\0")],
        [format_frame(b"R", b"\0\0\0\0")],
        [format_frame(b"?")],
    ],
)
@pytest.mark.parametrize("sent", [[], [Sent.CLOSE]])
def test_what_answers_nothing_ends_the_session(frames: list[bytes], sent: list[Sent]) -> None:
    with pytest.raises(RemoteProtocolError, match="answers nothing that was asked"):
        feed(queue_of(*sent), *frames)


def test_a_run_of_rows_given_as_a_frame_is_refused() -> None:
    queue = queue_of(Sent.EXECUTE)
    with pytest.raises(RemoteProtocolError, match="`D`, which answers nothing"):
        queue.frame(Frame(ord("D"), b"1234", ROW))


def test_an_unknown_transaction_status_ends_the_session() -> None:
    with pytest.raises(RemoteProtocolError, match="transaction status"):
        feed(queue_of(Sent.SYNC), format_frame(b"Z", b"X"))


def test_notices_pass_at_any_time_and_notifications_never() -> None:
    queue = ReplyQueue()
    assert feed(queue, NOTICE, format_frame(b"S", b"a\0b\0")) == [Reply(), Reply()]
    assert feed(queue, NOTIFICATION) == [Reply(forward=False)]


def test_an_error_ends_its_own_request_and_skips_the_others_up_to_sync() -> None:
    queue = queue_of(
        Sent.PARSE, Sent.OWN_DESCRIBE, Sent.BIND, Sent.EXECUTE, Sent.QUERY, Sent.SYNC, Sent.QUERY
    )
    assert endings(feed(queue, ERROR)) == [
        Ending(1, Outcome.ERROR, 0, 0, b"22012", is_last=True),
        *(Ending(number, Outcome.SKIPPED, 0, 0, b"", is_last=True) for number in (3, 4, 5)),
    ]
    assert len(queue) == 2
    feed(queue, READY, SELECT, READY)
    assert queue.is_idle


def test_an_error_in_a_message_that_is_not_recorded_skips_without_an_ending_of_its_own() -> None:
    queue = queue_of(Sent.DESCRIBE, Sent.EXECUTE, Sent.SYNC)
    assert [ending.outcome for ending in endings(feed(queue, ERROR))] == [Outcome.SKIPPED]


def test_what_is_pushed_between_an_error_and_sync_is_skipped_at_once() -> None:
    queue = queue_of(Sent.PARSE)
    feed(queue, ERROR)
    push(queue, Sent.DESCRIBE)
    queue.push(Sent.QUERY, 9)
    assert queue.skip_sent() == (Ending(9, Outcome.SKIPPED, 0, 0, b"", is_last=True),)
    assert queue.skip_sent() == ()
    push(queue, Sent.SYNC, Sent.QUERY)
    assert queue.skip_sent() == ()
    feed(queue, READY, SELECT, READY)
    assert queue.is_idle


def test_an_error_of_the_commit_that_sync_makes_is_not_a_requests() -> None:
    queue = queue_of(Sent.SYNC)
    assert feed(queue, ERROR) == [Reply()]
    assert feed(queue, READY) == [Reply()]


def test_an_error_before_the_server_closes_ends_the_session_and_cuts_the_rest() -> None:
    queue = queue_of(Sent.EXECUTE, Sent.EXECUTE, Sent.DESCRIBE)
    assert endings(feed(queue, ROW, FATAL)) == [Ending(1, Outcome.ERROR, 1, 4, b"57P01", is_last=True)]
    assert queue.is_over
    with pytest.raises(RemoteProtocolError):
        feed(queue, SELECT)
    assert queue.own_closes() == b""
    assert queue.cut() == (Ending(2, Outcome.CUT, 0, 0, b"", is_last=True),)
    assert len(queue) == 0


def test_an_idle_server_may_say_goodbye_and_nothing_else() -> None:
    queue = ReplyQueue()
    assert feed(queue, FATAL) == [Reply()]
    assert queue.is_over
    with pytest.raises(RemoteProtocolError, match="an error about nothing"):
        feed(ReplyQueue(), ERROR)


def test_a_lost_client_cuts_what_ran_with_the_rows_so_far() -> None:
    queue = queue_of(Sent.QUERY, Sent.QUERY)
    feed(queue, COLUMNS, ROW)
    assert queue.cut() == (
        Ending(1, Outcome.CUT, 1, 4, b"", is_last=True),
        Ending(2, Outcome.CUT, 0, 0, b"", is_last=True),
    )


def test_an_answer_that_breaks_off_in_a_row_counts_the_bytes_and_not_the_row() -> None:
    queue = queue_of(Sent.EXECUTE)
    feed(queue, ROW, ROW[:7])
    assert queue.cut() == (Ending(1, Outcome.CUT, 1, 6, b"", is_last=True),)


def test_more_messages_than_the_bound_do_not_wait() -> None:
    queue = ReplyQueue()
    for _ in range(MAX_PENDING):
        queue.push(Sent.SYNC, 0)
    with pytest.raises(RemoteProtocolError, match="may wait for their answers"):
        queue.push(Sent.SYNC, 0)


# Portals.


def test_a_suspended_portal_is_counted_over_all_its_runs_and_lost_with_its_transaction() -> None:
    queue = queue_of((Sent.EXECUTE, b"p"), (Sent.EXECUTE, b"p"), Sent.SYNC)
    replies = feed(queue, ROW, SUSPENDED, ROW, ROW, SUSPENDED)
    assert [(ending.outcome, ending.rows) for ending in endings(replies)] == [
        (Outcome.SUSPENDED, 1),
        (Outcome.SUSPENDED, 2),
    ]
    lost = LostPortal(b"p", 2, 3, 12)
    assert list(queue.suspended) == [lost]
    assert feed(queue, IN_TRANSACTION) == [Reply()]
    push(queue, Sent.SYNC)
    assert feed(queue, READY) == [Reply(lost=(lost,))]
    assert list(queue.suspended) == []


@pytest.mark.parametrize("end", [SELECT, ERROR, EMPTY])
def test_a_portal_that_ran_to_an_end_is_not_lost(end: bytes) -> None:
    queue = queue_of((Sent.EXECUTE, b"p"), (Sent.EXECUTE, b"p"), Sent.SYNC)
    feed(queue, SUSPENDED, end, READY)
    assert queue.suspended == ()


def test_a_portal_is_lost_where_it_is_closed_bound_anew_or_displaced_by_a_query() -> None:
    for sent, frames in (
        ((Sent.CLOSE, b"P"), [CLOSED]),
        ((Sent.BIND, b""), [BOUND]),
        ((Sent.QUERY, b""), [EMPTY, IN_TRANSACTION]),
    ):
        queue = queue_of((Sent.EXECUTE, b""), sent)
        replies = feed(queue, ROW, SUSPENDED, *frames)
        lost = [item for reply in replies if isinstance(reply, Reply) for item in reply.lost]
        assert lost == [LostPortal(b"", 1, 1, 4)]


def test_a_closed_statement_loses_no_portal() -> None:
    queue = queue_of((Sent.EXECUTE, b"p"), (Sent.CLOSE, b"Sp"))
    assert feed(queue, SUSPENDED, CLOSED)[1] == Reply()
    assert len(queue.suspended) == 1


def test_there_is_a_bound_to_suspended_portals() -> None:
    queue = ReplyQueue()
    for number in range(MAX_NAMED):
        queue.push(Sent.EXECUTE, 1, portal=b"%d" % number)
        feed(queue, SUSPENDED)
    queue.push(Sent.EXECUTE, 1, portal=b"one more")
    with pytest.raises(RemoteProtocolError, match="may be suspended"):
        feed(queue, SUSPENDED)


# Copies.


def test_a_copy_out_counts_its_lines() -> None:
    queue = queue_of(Sent.QUERY)
    replies = feed(queue, COPY_OUT, COPY, COPY, COPY_DONE, format_tag(b"COPY 2"), READY)
    assert endings(replies)[0] == Ending(1, Outcome.COMPLETE, 2, 4, b"COPY 2", is_last=False)


def test_rows_of_the_other_kind_are_refused() -> None:
    with pytest.raises(RemoteProtocolError):
        feed(queue_of(Sent.QUERY), COPY_OUT, ROW)


@pytest.mark.parametrize("sent", [Sent.QUERY, Sent.EXECUTE])
def test_a_copy_in_takes_the_syncs_before_its_end_with_it(sent: Sent) -> None:
    queue = queue_of(sent, Sent.SYNC)
    feed(queue, COPY_IN)
    assert queue.copying_in
    push(queue, Sent.SYNC, Sent.COPY_END, Sent.SYNC)
    feed(queue, format_tag(b"COPY 1"))
    assert not queue.copying_in
    assert len(queue) == (2 if sent is Sent.QUERY else 1)
    feed(queue, *([READY] if sent is Sent.QUERY else []), READY)
    assert len(queue) == 0


@pytest.mark.parametrize("sent", [[], [Sent.SYNC], [Sent.EXECUTE, Sent.COPY_END]])
def test_a_copy_in_that_nobody_ended_does_not_complete(sent: list[Sent]) -> None:
    queue = queue_of(Sent.EXECUTE, *sent)
    with pytest.raises(RemoteProtocolError, match="a copy that the client had not ended"):
        feed(queue, COPY_IN, format_tag(b"COPY 1"))


def test_a_copys_end_outside_of_a_copy_marks_nothing() -> None:
    queue = queue_of(Sent.COPY_END)
    assert len(queue) == 0
    push(queue, Sent.QUERY, Sent.COPY_END, Sent.QUERY)
    feed(queue, ERROR, READY, EMPTY, READY)
    assert len(queue) == 0


@pytest.mark.parametrize("eaten", [0, 1, 2])
def test_a_copy_in_that_failed_may_have_read_over_any_of_the_syncs_before_its_end(eaten: int) -> None:
    queue = queue_of(Sent.EXECUTE, Sent.SYNC, Sent.SYNC, Sent.COPY_END, Sent.SYNC)
    feed(queue, COPY_IN, ERROR)
    assert not queue.is_idle
    for _ in range(3 - eaten):
        feed(queue, READY)
    assert queue.is_idle
    # The next request is found, whatever was left.
    push(queue, Sent.PARSE, Sent.OWN_DESCRIBE, Sent.SYNC)
    assert [ending.outcome for ending in endings(feed(queue, ERROR))] == [Outcome.ERROR]
    feed(queue, READY)
    assert len(queue) == 0


def test_a_sync_that_must_be_answered_is_not_passed_over() -> None:
    queue = queue_of(Sent.EXECUTE, Sent.COPY_END, Sent.SYNC, Sent.QUERY)
    feed(queue, COPY_IN, ERROR)
    with pytest.raises(RemoteProtocolError):
        feed(queue, SELECT)


# Plans.


def test_a_plan_in_a_query_is_refused_once_and_the_rest_is_hidden() -> None:
    queue = queue_of(Sent.QUERY, Sent.QUERY)
    first, rows, second, also, more, done = feed(queue, PLAN, ROW, SELECT, COLUMNS, SELECT, READY)
    assert first == Reply(forward=False, refused=True)
    assert rows is False
    ended = Ending(1, Outcome.PLAN, 0, 0, b"SELECT 1", is_last=False)
    assert second == more == Reply((ended,), forward=False)
    assert also == Reply(forward=False)
    assert isinstance(done, Reply)
    assert done.forward
    assert feed(queue, COLUMNS, ROW)[1] is True


def test_an_error_behind_a_refusal_is_hidden_and_recorded() -> None:
    queue = queue_of(Sent.QUERY)
    replies = feed(queue, PLAN, ERROR, READY)
    assert replies[1] == Reply((Ending(1, Outcome.ERROR, 0, 0, b"22012", is_last=False),), forward=False)


def test_the_end_of_the_session_is_not_hidden_behind_a_refusal() -> None:
    queue = queue_of(Sent.QUERY)
    replies = feed(queue, PLAN, FATAL)
    assert isinstance(replies[1], Reply)
    assert replies[1].forward


def test_a_prepared_plan_is_refused_when_it_is_described_and_closed_when_the_batch_is_over() -> None:
    queue = queue_of((Sent.PARSE, b"s"), (Sent.OWN_DESCRIBE, b"s"), Sent.BIND, Sent.EXECUTE, Sent.SYNC)
    assert queue.own_closes() == b""
    _, _, described, bound, rows, executed, ready = feed(
        queue, PARSED, PARAMETERS, PLAN, BOUND, ROW, SELECT, READY
    )
    assert described == Reply(forward=False, refused=True)
    assert bound == Reply(forward=False)
    assert rows is False
    assert executed == Reply((Ending(4, Outcome.PLAN, 0, 0, b"SELECT 1", is_last=True),), forward=False)
    assert ready == Reply()
    assert queue.own_closes() == b"C\0\0\0\x07Ss\0"
    assert queue.own_closes() == b""
    assert queue.is_idle
    push(queue, Sent.QUERY)
    assert feed(queue, CLOSED) == [Reply(forward=False)]
    assert feed(queue, COLUMNS, ROW)[1] is True


def test_rows_and_copies_are_refused_while_a_plan_lives_and_commands_are_not() -> None:
    queue = queue_of((Sent.PARSE, b"s"), Sent.EXECUTE, Sent.EXECUTE, Sent.SYNC, Sent.QUERY, Sent.QUERY)
    feed(queue, PARSED)
    command, rows, executed, ready, copy, data, _, _, ready_too = feed(
        queue, SELECT, ROW, SELECT, READY, COPY_OUT, COPY, COPY_DONE, SELECT, READY
    )
    assert command == Reply((Ending(2, Outcome.COMPLETE, 0, 0, b"SELECT 1", is_last=True),))
    assert rows is False
    assert executed == Reply(
        (Ending(3, Outcome.PLAN, 0, 0, b"SELECT 1", is_last=True),), forward=False, refused=True
    )
    assert copy == Reply(forward=False, refused=True)
    assert data is False
    assert isinstance(ready, Reply)
    assert isinstance(ready_too, Reply)
    assert feed(queue, COLUMNS) == [Reply(forward=False, refused=True)]


def test_an_error_among_rows_that_are_withheld_is_replaced_by_the_refusal() -> None:
    queue = queue_of((Sent.PARSE, b"s"), Sent.EXECUTE, Sent.SYNC)
    replies = feed(queue, PARSED, ROW, ERROR)
    assert isinstance(replies[2], Reply)
    assert replies[2].refused


def test_a_refusal_that_a_client_takes_for_its_querys_answer_ends_with_that_query() -> None:
    queue = queue_of((Sent.PARSE, b"s"), (Sent.OWN_DESCRIBE, b"s"), Sent.QUERY, Sent.QUERY, Sent.SYNC)
    replies = feed(queue, PARSED, PARAMETERS, PLAN, SELECT, READY, SELECT, READY, READY)
    assert [isinstance(reply, Reply) and reply.forward for reply in replies] == [
        True, False, False, False, True, True, True, True,
    ]  # fmt: skip


def test_a_refusal_that_a_client_takes_for_its_batchs_answer_hides_a_query_in_it_whole() -> None:
    queue = queue_of((Sent.PARSE, b"s"), (Sent.OWN_DESCRIBE, b"s"), Sent.BIND, Sent.QUERY, Sent.SYNC)
    replies = feed(queue, PARSED, PARAMETERS, PLAN, BOUND, SELECT, READY, READY)
    assert [isinstance(reply, Reply) and reply.forward for reply in replies] == [True, *[False] * 5, True]


def test_a_refusal_with_nothing_behind_it_lasts_until_sync() -> None:
    queue = queue_of((Sent.PARSE, b"s"), (Sent.OWN_DESCRIBE, b"s"))
    feed(queue, PARSED, PARAMETERS, PLAN)
    push(queue, Sent.PARSE, Sent.SYNC)
    assert feed(queue, PARSED) == [Reply(forward=False)]
    assert feed(queue, READY) == [Reply()]


def test_a_copy_in_behind_a_refusal_ends_the_session_because_nobody_would_feed_it() -> None:
    queue = queue_of((Sent.PARSE, b"s"), (Sent.OWN_DESCRIBE, b"s"), Sent.EXECUTE)
    with pytest.raises(RemoteProtocolError, match="a copy began behind a plan"):
        feed(queue, PARSED, PARAMETERS, PLAN, COPY_IN)


def test_a_clients_own_describe_of_a_plan_tells_only_that_it_is_one() -> None:
    queue = queue_of(Sent.DESCRIBE)
    assert feed(queue, PARAMETERS, PLAN)[1] == Reply()


ANY_FRAME = st.sampled_from(
    [
        ROW, COPY, COLUMNS, PLAN, SELECT, ERROR, FATAL, READY, IN_TRANSACTION, PARSED, BOUND, CLOSED, PARAMETERS,
        NO_DATA, SUSPENDED, EMPTY, COPY_IN, COPY_OUT, COPY_DONE, NOTICE, NOTIFICATION,
    ]
)  # fmt: skip
ANY_SENT = st.tuples(st.sampled_from(Sent), st.sampled_from([b"", b"a", b"Pa", b"Sa"]))


@given(st.lists(ANY_FRAME | ANY_SENT | st.binary(max_size=8), max_size=30))
def test_whatever_comes_the_account_takes_it_or_ends_the_session(
    steps: list[bytes | tuple[Sent, bytes]],
) -> None:
    queue, hop = ReplyQueue(), FrameHop()
    pushed = 0
    ended: list[Ending] = []
    with contextlib.suppress(RemoteProtocolError):
        for step in steps:
            if isinstance(step, tuple):
                pushed += 1
                queue.push(step[0], pushed, name=step[1], portal=step[1])
                continue
            for item in hop.hop(step):
                if isinstance(item, Rows):
                    queue.rows(item)
                else:
                    ended += queue.frame(item).endings
    ended += [*queue.skip_sent(), *queue.cut()]
    last = [ending.request for ending in ended if ending.is_last]
    assert len(last) == len(set(last))
    assert set(last) <= set(range(1, pushed + 1))
