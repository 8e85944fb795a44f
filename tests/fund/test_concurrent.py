"""Several processes post at once on a real PostgreSQL, each with a record of its own: nothing is lost, nothing doubled.

Every process brings operations of its own and, between them, the same shared ones under the same keys: splits over
lines, advances and their recoupment, refunds within a year and across years, voided encumbrances, close-outs.
"""

import json
import random
import subprocess
import sys
import uuid
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from doorward.fund import rows
from doorward.fund.compare import Told, compare
from doorward.fund.ledger.accounts import Account
from doorward.fund.ledger.export import Written, account_name, format_beancount
from doorward.fund.ledger.operations import (
    NAMES,
    Amend,
    Appropriate,
    Approve,
    CloseOut,
    CloseYear,
    Operation,
    Part,
    Pay,
    Post,
    Refund,
    Submission,
    Void,
    Withdraw,
    parse_transaction,
)
from doorward.fund.ledger.state import APPROVED, WAITING
from doorward.fund.store import Receipt, Store
from doorward.fund.totals import differences, recompute
from doorward.record.entry import Entry
from doorward.record.replay import Block
from doorward.record.segments import SpoolReader
from fund.conftest import NOW, Fund
from fund.test_export import ADD_UP, ENGINES
from tests_support.fund import agree, check_whole, invoice, open_year, submission

pytestmark = pytest.mark.pg
AGREEMENTS = ("north", "south", "west")
MANY = 200
PEOPLE = ("anna", "bert", "cleo", "dora")
CHILD = """
import json, sys
from datetime import UTC, datetime
from pathlib import Path
from doorward.desk.recorder import Recorder
from doorward.fund.store import Receipt, Store
from doorward.record.spool import Spool
from fund.test_concurrent import bring

conninfo, folder, worker, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
now = datetime(2026, 3, 1, 12, tzinfo=UTC)
recorder = Recorder(Spool.open(folder / f"worker-{worker}", now=now, worker=worker))
store = Store(conninfo, recorder)
print("ready", flush=True)
sys.stdin.readline()
found = []
for one in bring(worker, count):
    answer = store.submit(one, now=now)
    is_posted = isinstance(answer, Receipt)
    found.append([str(one.key), answer.number if is_posted else answer.code, is_posted and answer.again])
store.close()
recorder.close(now=now)
print(json.dumps(found))
"""


def any_operation(chance: random.Random, at: int) -> Operation:
    """Return an operation; those of one time are of few claims and agreements, so that many of them meet."""
    line = chance.choice(("general", "general", "courtroom"))
    service = "representation" if line == "courtroom" else "screening"
    agreement, claim = chance.choice(AGREEMENTS), f"c{at // 12}-{chance.randrange(2)}"
    year, cents = chance.choice((2026, 2026, 2027)), chance.choice((1, 7, 250, 1_000))
    parts = tuple(
        Part(year, line, cents + more, service, chance.choice((0, 0, cents)))
        for more in range(chance.randint(1, 3))
    )
    advance, small = Part(year, line, cents), f"{agreement}-{at // 25}"
    choices: list[Operation] = [
        Appropriate(year, line, chance.choice((500, 5_000, -40)), "ordinance", "SO-1"),
        agree(small, Part(year, line, cents), Part(year, "general", 5)),
        Amend(agreement, year, line, chance.choice((300, -50))),
        Post(chance.choice((agreement, small))),
        invoice(claim, agreement, *parts, number=f"INV-{claim}"),
        invoice(claim, agreement, *parts, number=f"INV-{claim}"),
        invoice(claim, agreement, advance, kind="advance", number=f"ADV-{claim}"),
        *[Approve(claim)] * 4,
        *[Pay(claim, "PV-1")] * 3,
        Withdraw(claim),
        Void(small if chance.random() < 0.9 else agreement),
        Refund(agreement, year, line, chance.choice((1, 5)), year, "RF-1", advance=chance.random() < 0.3),
        Refund(agreement, 2026, line, 1, 2025, "RF-2"),
        CloseOut(small),
    ]
    return chance.choice(choices)


def bring(worker: int, count: int) -> list[Submission]:
    """Return what a process brings; every third is one that all the others bring too, under the same key."""
    shared, own = random.Random(7), random.Random(worker)  # noqa: S311  # not for secrets
    found = []
    for at in range(count):
        chance, group = (shared, 0) if at % 3 == 0 else (own, worker)
        key = uuid.UUID(int=(group << 64) + at + 1)
        day = chance.choice((date(2026, 3, 1), date(2027, 2, 1)))
        found.append(Submission(key, chance.choice(PEOPLE), day, any_operation(chance, at)))
    return found


def start(store: Store) -> None:
    steps: list[tuple[Operation, str, date]] = [
        (open_year(year), "manager", date(2026, 3, 1)) for year in (2025, 2026, 2027)
    ]
    for year in (2025, 2026, 2027):
        steps += [
            (Appropriate(year, line, 40_000, "ordinance", "SO-1"), "manager", date(year, 3, 1))
            for line in ("general", "courtroom")
        ]
    for name in AGREEMENTS:
        parts = [Part(year, line, 5_000) for year in (2025, 2026, 2027) for line in ("general", "courtroom")]
        steps += [
            (agree(name, *parts), "manager", date(2027, 3, 1)),
            (Post(name), "director", date(2027, 3, 1)),
        ]
    steps.append(
        (invoice("old", "north", Part(2025, "general", 3_000, "screening")), "clerk", date(2026, 1, 2))
    )
    steps += [(Approve("old"), by, date(2026, 1, 2)) for by in ("manager", "director")]
    steps += [
        (Pay("old", "PV-0"), "manager", date(2026, 1, 3)),
        (CloseYear(2025), "manager", date(2026, 1, 31)),
    ]
    for operation, by, day in steps:
        answer = store.submit(submission(operation, by, day), now=NOW)
        assert isinstance(answer, Receipt), answer


def run_together(fund: Fund, folder: Path, processes: int, count: int) -> list[list[list[object]]]:
    running = [
        subprocess.Popen(
            [sys.executable, "-c", CHILD, fund.conninfo(), str(folder), str(worker), str(count)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for worker in range(1, processes + 1)
    ]  # fmt: skip
    for one in running:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in running:  # at once
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    answers = []
    for one in running:
        out, _ = one.communicate(timeout=300)
        assert one.returncode == 0
        answers.append(json.loads(out))
    return answers


def entries_of(fund: Fund, folder: Path) -> list[Entry]:
    found = list(fund.record.entries)
    for one in sorted(folder.glob("worker-*")):
        for block in SpoolReader(one).read():
            if isinstance(block, Block):
                found += block.entries
    return found


def check_together(fund: Fund, folder: Path, processes: int, count: int) -> None:
    start(fund.store())
    before = len(fund.record.entries) // 2
    answers = run_together(fund, folder, processes, count)
    fresh = [
        (key, number) for of in answers for key, number, again in of if isinstance(number, int) and not again
    ]
    assert len({key for key, _ in fresh}) == len(fresh) == len({number for _, number in fresh})
    again = [(key, number) for of in answers for key, number, again in of if again]
    assert again, "the shared keys met"
    assert set(again) <= set(fresh)  # whoever came second found what the first had posted
    with fund.store().reading() as connection:
        state, kept, postings = (
            rows.read_state(connection),
            rows.read_kept(connection),
            rows.read_postings(connection),
        )
    assert len(kept) == before + len(fresh)
    done = Counter(NAMES[type(parse_transaction(one.text)[0].operation)] for one in kept[before:])
    assert {"appropriate", "amend", "file"} <= done.keys(), done
    assert (
        count < MANY or {"pay", "refund", "void", "agree", "post", "withdraw", "close-out"} <= done.keys()
    ), done
    check_whole(state)
    entries = entries_of(fund, folder)
    told = [Told(one.number, one.entry, one.text, postings.get(one.number, ())) for one in kept]
    found = compare(told, entries, state.balances, state.returned)
    assert (found.wrong, found.open) == ((), ())
    record = recompute(entries)
    assert record.wrong == differences(record, state.balances, "the ledger") == ()
    written = [
        Written(one.number, one.entry, parse_transaction(one.text)[0], postings.get(one.number, ()))
        for one in kept
    ]
    if (ENGINES / "bean-check").exists():
        file = folder / "fund.beancount"
        file.write_text(format_beancount(written, state), encoding="utf-8")
        added = subprocess.run(
            [ENGINES / "python", "-c", ADD_UP, file], capture_output=True, text=True, check=True
        )
        ours = {account_name(place): cents for place, cents in state.balances.items() if cents}
        errors, sums = json.loads(added.stdout)
        assert (errors, {name: cents for name, cents in sums.items() if cents}) == (0, ours)
    close_to_nothing(fund)


def close_to_nothing(fund: Fund) -> None:
    store, day = fund.store(), date(2029, 1, 10)

    def do(operation: Operation) -> None:
        answer = store.submit(submission(operation, "closer", day), now=NOW)
        assert isinstance(answer, Receipt), answer

    for claim in store.state().claims.values():
        if claim.status == WAITING:
            do(Withdraw(claim.id))
        elif claim.status == APPROVED:
            do(Pay(claim.id, "PV-9"))
    state = store.state()
    for year, line, of in state.holdings():
        if state.at(Account.ADVANCE, year, line, of):
            do(Refund(of, year, line, state.at(Account.ADVANCE, year, line, of), year, "RF-9", advance=True))
    for made in state.agreements.values():
        if any(state.at(Account.PENDING, *place) for place in state.holdings(agreement=made.id)):
            do(Void(made.id))
        if not made.closed:
            do(CloseOut(made.id))
    do(open_year(2028))
    for year in (2026, 2027):
        do(CloseYear(year))
    state = store.state()
    check_whole(state)
    given = -sum(cents for place, cents in state.balances.items() if place[0] is Account.APPROPRIATED)
    kept = (Account.EXPENDED, Account.LAPSED, Account.AVAILABLE)
    assert given == sum(cents for place, cents in state.balances.items() if place[0] in kept)


def test_processes_that_post_at_once_lose_and_double_nothing(fund: Fund, tmp_path: Path) -> None:
    check_together(fund, tmp_path, 2, 40)


@pytest.mark.long
def test_many_processes_that_post_at_once_lose_and_double_nothing(fund: Fund, tmp_path: Path) -> None:
    check_together(fund, tmp_path, 4, 400)
