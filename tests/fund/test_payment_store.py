"""Payment files on a real PostgreSQL: nothing twice, whoever dies goes on, and the record tells what was changed."""

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest

from doorward.desk.recorder import Recorder
from doorward.errors import StoreError
from doorward.fund.ledger.operations import Pay, Refund
from doorward.fund.ledger.refusal import Refusal
from doorward.fund.ledger.state import PAID
from doorward.fund.payments.lines import PaymentFile, read_payments
from doorward.fund.payments.match import proposals_of
from doorward.fund.payments.store import Held, Payments
from doorward.fund.payments.told import check_payments
from doorward.fund.store import Receipt
from doorward.record.spool import Spool
from fund.conftest import NOW, Fund
from tests_support.fund import submission
from tests_support.payments import FORM, approved, file_of, row

pytestmark = pytest.mark.pg
CLAIMS = {"c-1": ("north", 100_00), "c-2": ("north", 250_00), "d-1": ("south", 100_00)}


def read(*rows: tuple[str, ...]) -> PaymentFile:
    found, refused = read_payments(file_of(*rows), FORM)
    assert found is not None, refused
    return found


def start(fund: Fund, **more: Any) -> Payments:
    store = fund.store(**more)
    for one in approved(CLAIMS):
        assert isinstance(store.submit(one, now=NOW), Receipt)
    return Payments(store)


def paid(held: Held) -> list[str]:
    return sorted(one.id for one in held.ledger.state.claims.values() if one.status == PAID)


def only(held: Held) -> str:
    (name,) = proposals_of(held.standings())
    return name


def test_a_file_twice_and_a_line_in_two_files_are_kept_once_and_posted_once(fund: Fund) -> None:
    payments = start(fund)
    first = read(row("P1", "c-1", "100.00"), row("P2", "x-1", "5.00", vendor="V9"))
    done = payments.keep(first, "clerk", now=NOW)
    assert (done.fresh, done.again) == (1, False)
    assert payments.keep(first, "clerk", now=NOW).again
    second = read(row("P1", "c-1", "100.00"), row("P3", "d-1", "100.00", vendor="V2"))
    assert payments.keep(second, "clerk", now=NOW).fresh == 1
    held = payments.held()
    assert [len(file.lines) for _, file, _ in held.files] == [1, 2]
    assert paid(held) == []
    for name in proposals_of(held.standings()):
        receipts = payments.confirm(name, "manager", now=NOW)
        assert not isinstance(receipts, Refusal)
        assert len(receipts) == 1
        assert payments.confirm(name, "manager", now=NOW) == ()  # a second time nothing is left
    held = payments.held()
    assert paid(held) == ["c-1", "d-1"]
    assert {one.says for one in held.standings()} == {"posted"}
    entries = fund.record.entries
    assert check_payments(held.files, held.matches, entries) == ((), ())
    assert not any(b"x-1" in value for entry in entries for _, value in entry.fields)


def test_what_the_ledger_refuses_is_not_confirmed(fund: Fund) -> None:
    payments = start(fund)
    payments.keep(read(row("P1", "c-1", "100.00")), "clerk", now=NOW)
    answer = payments.confirm(only(payments.held()), "clerk", now=NOW)  # who filed the claim
    assert isinstance(answer, Refusal)
    assert answer.code == "second-person"
    assert payments.held().matches == ()
    unknown = payments.confirm("0" * 32, "manager", now=NOW)
    assert isinstance(unknown, Refusal)
    assert unknown.code == "match"


class Died(BaseException):
    """A process that is no more."""


LONG = {0, 2, 3, 5, 7, 8, 10}


@pytest.mark.parametrize(
    "lives", [pytest.param(at, marks=[pytest.mark.long] * (at in LONG)) for at in range(11)]
)
def test_a_confirmation_that_is_cut_anywhere_goes_on_and_posts_nothing_twice(fund: Fund, lives: int) -> None:
    payments = start(fund)
    payments.keep(read(row("P1", "c-1 c-2", "350.00")), "clerk", now=NOW)
    name = only(payments.held())
    steps = iter(range(100))

    def step(_: str) -> None:
        if next(steps) == lives:
            raise Died

    with pytest.raises(Died):
        Payments(fund.store(step=step), step=step).confirm(name, "manager", now=NOW)
    fund.stores[-1].close()
    if lives < 9:
        assert payments.held().standings()[0].says == "begun"
    answer = payments.confirm(name, "manager", now=NOW)
    assert not isinstance(answer, Refusal)
    held = payments.held()
    assert paid(held) == ["c-1", "c-2"]
    assert held.standings()[0].says == "posted"
    assert len([one for one in held.ledger.paid.values() if one == "P1"]) == 2


@pytest.mark.parametrize("by_hand", [0, 250_00, 1_00])
def test_a_refund_that_is_cut_goes_on_with_what_is_not_posted(fund: Fund, by_hand: int) -> None:
    payments = start(fund)
    payments.keep(read(row("P1", "c-1 c-2", "350.00")), "clerk", now=NOW)
    payments.confirm(only(payments.held()), "manager", now=NOW)
    payments.keep(read(row("R1", "c-1 c-2", "350.00", status="VOID", reverses="P1")), "clerk", now=NOW)
    name = only(payments.held())
    steps = iter(range(100))

    def step(_: str) -> None:
        if next(steps) == 6:
            raise Died

    with pytest.raises(Died):
        Payments(fund.store(step=step), step=step).confirm(name, "manager", now=NOW)
    fund.stores[-1].close()
    assert [one.cents for one in payments.held().ledger.refunds.values()] == [100_00]
    if by_hand:
        hand = submission(Refund("north", 2026, "general", by_hand, 2026, "R1"))
        assert isinstance(fund.store().submit(hand, now=NOW), Receipt)
    answer = payments.confirm(name, "manager", now=NOW)
    posted = sorted(one.cents for one in payments.held().ledger.refunds.values())
    if by_hand == 1_00:
        assert isinstance(answer, Refusal)
        assert answer.says == "refunds of its number by hand come to 100 cents, and 25000 were to come"
        assert posted == [1_00, 100_00]
    else:
        assert not isinstance(answer, Refusal)
        assert posted == [100_00, 250_00]
        assert {one.says for one in payments.held().standings()} == {"posted"}
        assert payments.confirm(name, "manager", now=NOW) == ()


def test_what_cannot_be_recorded_is_not_kept(fund: Fund) -> None:
    class Full:
        def record(self, drafts: Any, *, now: Any) -> int:
            del drafts, now
            raise StoreError("no space left")

    start(fund)
    with pytest.raises(StoreError):
        Payments(fund.store(recorder=Full())).keep(read(row("P1", "c-1", "100.00")), "clerk", now=NOW)
    held = Payments(fund.store()).held()
    assert (held.files, held.lines) == ((), ())


def test_a_claim_paid_by_hand_in_between_is_not_paid_again(fund: Fund) -> None:
    payments = start(fund)
    payments.keep(read(row("P1", "c-1", "100.00")), "clerk", now=NOW)
    name = only(payments.held())
    assert isinstance(fund.store().submit(submission(Pay("c-1", "P1")), now=NOW), Receipt)
    answer = payments.confirm(name, "manager", now=NOW)
    assert isinstance(answer, Refusal)
    assert payments.held().standings()[0].says == "posted"


def test_the_role_changes_and_removes_nothing_and_a_superusers_change_is_found(fund: Fund) -> None:
    payments = start(fund)
    payments.keep(read(row("P1", "c-1", "100.00"), row("P2", "c-2", "250.00")), "clerk", now=NOW)
    names = list(proposals_of(payments.held().standings()))
    payments.confirm(names[0], "manager", now=NOW)
    tables = (
        "payment_line",
        "payment_file",
        "payment_seen",
        "payment_match",
        "payment_match_line",
        "payment_match_claim",
    )
    with fund.connect() as connection:
        for table in tables:
            for said in (f"DELETE FROM fund.{table}", f"TRUNCATE fund.{table} CASCADE"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(said.encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("UPDATE fund.payment_line SET text = text")
    with fund.connect("postgres") as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("UPDATE fund.payment_file SET others = others + 1")
        connection.execute("UPDATE fund.payment_match SET login = 'somebody'")
    held = payments.held()
    wrong, lost = check_payments(held.files, held.matches, fund.record.entries)
    assert (len(wrong), lost) == (2, ())


DIES = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from doorward.desk.recorder import Recorder
from doorward.fund.payments.store import Payments
from doorward.fund.store import Store
from doorward.record.spool import Spool

lives = [int(sys.argv[4])]

def step(name):
    lives[0] -= 1
    if not lives[0]:
        os.kill(os.getpid(), signal.SIGKILL)

now = datetime(2026, 3, 1, 12, tzinfo=UTC)
recorder = Recorder(Spool.open(Path(sys.argv[2]), now=now, worker=14))
print(Payments(Store(sys.argv[1], recorder, step=step), step=step).confirm(sys.argv[3], "manager", now=now))
"""


@pytest.mark.long
@pytest.mark.parametrize("lives", [1, 4, 5, 8, 10])
def test_kill_9_in_the_middle_of_a_confirmation(fund: Fund, tmp_path: Path, lives: int) -> None:
    payments = start(fund)
    payments.keep(read(row("P1", "c-1 c-2", "350.00")), "clerk", now=NOW)
    name = only(payments.held())
    folder = tmp_path / "worker-14"
    died = subprocess.run(
        [sys.executable, "-c", DIES, fund.conninfo(), str(folder), name, str(lives)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert died.returncode == -signal.SIGKILL, died.stderr
    recorder = Recorder(Spool.open(folder, now=NOW, worker=14))
    assert not isinstance(Payments(fund.store(recorder=recorder)).confirm(name, "manager", now=NOW), Refusal)
    recorder.close(now=NOW)
    assert paid(payments.held()) == ["c-1", "c-2"]
