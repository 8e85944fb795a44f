from collections.abc import Sequence

import pytest

from doorward.record.account import Account
from doorward.record.entry import Draft, Entry, Field, Kind
from doorward.record.report import Report
from record.samples import completion, connect, conversation, cut, end, parse, query, session_id

ONE, TWO = session_id(1), session_id(2)


def account_of(drafts: Sequence[Draft], *, is_whole: bool = True) -> tuple[list[str], Account]:
    report = Report()
    account = Account(report, is_whole=is_whole)
    for sequence, draft in enumerate(drafts):
        account.note(Entry(draft.kind, sequence, 0, draft.session, draft.request, bytes(16), draft.fields))
    return [str(finding) for finding in report.findings], account


def test_whole_sessions_balance() -> None:
    found, account = account_of([*conversation(ONE, 4), *conversation(TWO, 2)])
    assert found == []
    assert (account.open_sessions, account.open_requests) == (0, 0)


def test_requests_that_ended_in_nobody_knows_are_counted() -> None:
    report = Report()
    account = Account(report, is_whole=True)
    fields = ((Field.OUTCOME, b"unknown"), (Field.LAST, b"1"))
    for sequence, draft in enumerate([query(ONE, 1), Draft(Kind.COMPLETION, ONE, 1, fields)]):
        account.note(Entry(draft.kind, sequence, 0, draft.session, draft.request, bytes(16), draft.fields))
    assert report.counts["requests that ended in nobody knows"] == 1


def test_what_is_open_at_the_end_is_counted_and_no_fault() -> None:
    found, account = account_of([connect(ONE), query(ONE, 1), completion(ONE, 1, last=False)])
    assert found == []
    assert (account.open_sessions, account.open_requests) == (1, 1)


def test_a_parse_needs_no_completion() -> None:
    found, _ = account_of([connect(ONE), parse(ONE, 1), end(ONE)])
    assert found == []


def test_a_request_without_a_completion_when_its_session_ends_is_named() -> None:
    found, account = account_of([connect(ONE), query(ONE, 1), query(ONE, 2), completion(ONE, 1), end(ONE)])
    assert found == ["entry 4: the session ends and its request 2 has no completion"]
    assert account.open_requests == 0


def test_a_request_whose_number_does_not_ascend_is_named() -> None:
    found, _ = account_of([query(ONE, 1), query(ONE, 1)])
    assert found == ["entry 1: its request's number does not ascend: expected 2, got 1"]


@pytest.mark.parametrize("ending", [completion(ONE, 2), cut(ONE, 2)])
def test_an_ending_of_what_was_not_recorded_is_named(ending: Draft) -> None:
    found, _ = account_of([query(ONE, 1), ending])
    assert found == ["entry 1: it ends a request that was not recorded: expected at most 1, got 2"]
    found, _ = account_of([ending])
    assert len(found) == 1


def test_in_a_part_of_a_record_sessions_that_began_before_are_unknown() -> None:
    found, account = account_of([completion(ONE, 9), query(TWO, 1), completion(TWO, 1)], is_whole=False)
    assert found == []
    account.take_over([ONE], [(ONE, 10)])
    assert (account.open_sessions, account.open_requests) == (1, 1)
