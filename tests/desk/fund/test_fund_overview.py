"""What the page of the whole says of the fund: what the ledger says, and when it was last held against the record."""

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from desk.fund.test_link import NOW, YEAR, Recording, actor
from doorward.desk.fund.verified import FILE, Verified, say_verified, write_verified

pytestmark = pytest.mark.pg

PART = "of which only what is not published yet was read"


def line(desk: Any, data: Path) -> Any:
    from doorward.desk.overview import look

    seen = look(actor(desk, "fund.counsel.example", "law"), data, time_zone="America/Chicago")
    (found,) = [one for one in seen.doors if one.name == "fund"]
    return found


@pytest.mark.usefixtures("ledger")
def test_it_counts_and_says_when_the_record_was_last_asked(
    desk: Any, recording: Recording, tmp_path: Path
) -> None:
    from doorward.desk.fund.link import submit
    from doorward.desk.roles import Act

    assert recording() is not None
    manager = actor(desk, "fund.manager.example", "fund-manager")
    submit(manager, YEAR, key=uuid.UUID(int=9), act=Act.FUND_BOOK)
    found = line(desk, tmp_path)
    assert found.says.startswith("1 years open, 0 claims wait, 1 transactions; never held against the record")
    assert not found.is_well
    write_verified(tmp_path, Verified((NOW - timedelta(minutes=3)).isoformat(), 1, 0, 0, is_whole=True))
    found = line(desk, tmp_path)
    assert found.says.endswith("; held against the record 3 min ago: no difference")
    assert found.is_well
    (tmp_path / FILE).write_text('{"at": 3}')
    found = line(desk, tmp_path)
    assert found.says == f"cannot be read here: `{FILE}` is none of `doorward fund verify`"
    assert not found.is_well


def test_a_ledger_that_does_not_answer_is_said(desk: Any, tmp_path: Path) -> None:
    import psycopg

    from doorward.desk.fund.link import let_go

    let_go()
    with psycopg.connect(desk.cluster.dsn(user="postgres", dbname="postgres"), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS doorward_fund WITH (FORCE)")
    found = line(desk, tmp_path)
    assert found.says == "cannot be read here: the fund's database does not answer"
    assert not found.is_well


@pytest.mark.parametrize(
    ("hours", "transactions", "wrong", "opened", "is_whole", "says", "is_well"),
    [
        (1, 42, 0, 0, True, "held against the record 60 min ago: no difference", True),
        (3, 40, 0, 0, True, "held against the record 3 h ago, 2 transactions ago: no difference", True),
        (25, 42, 0, 0, True, "held against the record 25 h ago: no difference", False),
        (1, 42, 2, 0, True, "held against the record 60 min ago: 2 differences", False),
        (
            1,
            42,
            0,
            1,
            True,
            "held against the record 60 min ago: no difference, 1 entries without an end",
            False,
        ),
        (1, 43, 0, 0, True, "it had 43 transactions 60 min ago: some are gone", False),
        (-1, 42, 0, 0, True, "held against the record by a clock that is ahead: no difference", False),
        (1, 42, 0, 0, False, f"held against the record 60 min ago, {PART}: no difference", False),
    ],
)
def test_what_is_old_wrong_or_not_whole_is_to_be_looked_at(
    *, hours: int, transactions: int, wrong: int, opened: int, is_whole: bool, says: str, is_well: bool
) -> None:
    at = (NOW - timedelta(hours=hours)).isoformat()
    assert say_verified(Verified(at, transactions, wrong, opened, is_whole), 42, NOW) == (says, is_well)
