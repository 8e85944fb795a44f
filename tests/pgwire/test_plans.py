"""When rows may be a plan's: from a Parse until PostgreSQL says otherwise, and what a portal may keep."""

import pytest

from doorward.errors import RemoteProtocolError
from doorward.pgwire.limits import MAX_NAMED
from doorward.pgwire.plans import PlanGuard


def test_a_statement_is_a_plan_until_it_is_described_as_something_else() -> None:
    guard = PlanGuard()
    assert guard.is_clear
    guard.prepared(b"a")
    assert not guard.is_clear
    guard.cleared(b"a")
    assert guard.is_clear


def test_what_ran_while_a_plan_lived_may_hold_it_until_the_transaction_is_over() -> None:
    guard = PlanGuard()
    guard.ran()
    guard.prepared(b"a")
    guard.prepared(b"")
    assert list(guard.statements) == [b"", b"a"]
    guard.ran()
    guard.cleared(b"a")
    guard.cleared(b"")
    assert not guard.is_clear
    assert list(guard.statements) == []
    guard.transaction_over()
    assert guard.is_clear


def test_a_plan_that_nothing_ran_beside_is_over_when_it_is_closed() -> None:
    guard = PlanGuard()
    guard.prepared(b"a")
    guard.transaction_over()
    assert not guard.is_clear
    guard.cleared(b"a")
    assert guard.is_clear


def test_there_is_a_bound_to_statements_that_wait_for_a_description() -> None:
    guard = PlanGuard()
    for number in range(MAX_NAMED):
        guard.prepared(b"%d" % number)
    with pytest.raises(RemoteProtocolError):
        guard.prepared(b"one more")
