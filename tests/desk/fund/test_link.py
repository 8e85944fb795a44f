"""The ledger as the desk reaches it: the signed-in person posts, the desk's record has it, twice is once."""

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from doorward.fund.ledger.operations import OpenYear
from doorward.fund.ledger.refusal import Refusal
from doorward.fund.store import Receipt
from doorward.record.entry import Entry, Field, Kind

if TYPE_CHECKING:
    from doorward.desk.access import Actor

pytestmark = [pytest.mark.pg, pytest.mark.usefixtures("ledger")]
Recording = Callable[[], list[Entry]]
YEAR = OpenYear(2026, date(2026, 1, 1), date(2026, 12, 31))
NOW = datetime.now(UTC)  # noqa: TID251  # assignments end by the real clock


def actor(desk: Any, login: str, role: str, *, is_strong: bool = True) -> "Actor":
    from doorward.desk.access import find_actor
    from doorward.desk.models import Account
    from doorward.desk.roles import Role

    account = Account.objects.filter(login=login).first() or desk.account(login, Role(role))
    return find_actor(account, is_strong=is_strong, now=NOW)


def test_who_is_signed_in_is_who_posts_and_the_desks_record_says_how_it_is_known(
    desk: Any, recording: Recording
) -> None:
    from doorward.desk.fund.link import read_state, submit
    from doorward.desk.roles import Act

    manager, key = actor(desk, "fund.manager.example", "fund-manager"), uuid.UUID(int=1)
    first = submit(manager, YEAR, key=key, act=Act.FUND_BOOK)
    again = submit(manager, YEAR, key=key, act=Act.FUND_BOOK)
    assert isinstance(first, Receipt)
    assert isinstance(again, Receipt)
    assert (again.number, again.again) == (first.number, True)
    assert list(read_state().years) == [2026]
    (entry,) = [one for one in recording() if one.sequence == first.entry]
    assert (entry.kind, entry.get(Field.ACT)) == (Kind.FUND, b"post")
    assert entry.get(Field.LOGIN) == b"fund.manager.example"
    assert entry.get(Field.AUTHENTICATION) == b"desk fund-manager"


def test_a_key_is_of_one_person_and_one_operation(desk: Any, recording: Recording) -> None:
    from doorward.desk.fund.link import submit
    from doorward.desk.roles import Act

    assert recording() is not None
    manager, other = (actor(desk, f"fund.{name}.example", "fund-manager") for name in ("manager", "other"))
    assert isinstance(submit(manager, YEAR, key=uuid.UUID(int=2), act=Act.FUND_BOOK), Receipt)
    for who, operation in ((other, YEAR), (manager, replace(YEAR, year=2027))):
        answer = submit(who, operation, key=uuid.UUID(int=2), act=Act.FUND_BOOK)
        assert isinstance(answer, Refusal)
        assert answer.code == "key"


def test_a_providers_login_is_taken_and_capitals_make_no_second_person(
    desk: Any, recording: Recording
) -> None:
    from doorward.desk.fund.link import submit
    from doorward.desk.history import NotAllowedError
    from doorward.desk.roles import Act

    address = actor(desk, "Jane.Doe+fund@city.example", "fund-manager")
    receipt = submit(address, YEAR, key=uuid.UUID(int=5), act=Act.FUND_BOOK)
    assert isinstance(receipt, Receipt)
    (entry,) = [one for one in recording() if one.sequence == receipt.entry]
    assert entry.get(Field.LOGIN) == b"jane.doe+fund@city.example"
    other = actor(desk, "jane.doe+fund@city.example", "fund-manager")
    for one in (address, other):
        with pytest.raises(NotAllowedError):
            submit(one, YEAR, key=uuid.UUID(int=6), act=Act.FUND_BOOK)


def test_a_login_beyond_ascii_posts_nothing(desk: Any, recording: Recording) -> None:
    from doorward.desk.fund.link import login_of
    from doorward.desk.history import NotAllowedError

    assert recording() is not None
    with pytest.raises(NotAllowedError, match="ASCII"):  # in small letters the sign for kelvin is a k
        login_of(actor(desk, "\u212aim.example", "fund-manager"))


@pytest.mark.parametrize(
    ("role", "is_strong"),
    [("fund-manager", False), ("fund-director", True), ("auditor", True), ("law", True)],
)
def test_who_may_not_books_nothing_and_nothing_is_recorded(
    desk: Any, recording: Recording, *, role: str, is_strong: bool
) -> None:
    from doorward.desk.fund.link import read_state, submit
    from doorward.desk.history import NotAllowedError
    from doorward.desk.roles import Act

    who = actor(desk, f"fund.{role}.{is_strong}".lower(), role, is_strong=is_strong)
    before = len(recording())
    with pytest.raises(NotAllowedError):
        submit(who, YEAR, key=uuid.UUID(int=3), act=Act.FUND_BOOK)
    assert not read_state().years
    assert len(recording()) == before


def test_a_report_is_looked_for_again_where_the_connection_was_lost(desk: Any, recording: Recording) -> None:
    import psycopg

    from doorward.desk.fund.filed import seen_report
    from doorward.desk.fund.link import read_state

    assert recording() is not None
    manager = actor(desk, "fund.manager.example", "fund-manager")
    assert read_state().years == {}  # a connection is idle now
    with psycopg.connect(desk.cluster.dsn(user="postgres", dbname="postgres"), autocommit=True) as dba:
        dba.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'doorward_fund'")
    assert seen_report(manager, 1) is None
