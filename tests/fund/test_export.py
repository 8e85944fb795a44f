"""What leaves for other programs: beancount reads it, adds it up by itself, and comes to the same balances."""

import csv
import io
import json
import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doorward.fund.ledger.accounts import Account
from doorward.fund.ledger.decide import Posted, decide
from doorward.fund.ledger.export import (
    Written,
    account_name,
    format_beancount,
    format_csv,
    format_dollars,
    make_statement,
)
from doorward.fund.ledger.operations import Submission
from doorward.fund.ledger.state import State
from tests_support.fund import DAYS, OPERATIONS, PEOPLE, RULES, submission

ENGINES = Path(__file__).resolve().parents[2] / ".engines" / "bin"
ADD_UP = """
import json, sys
from beancount import loader
from beancount.core import data
entries, errors, _ = loader.load_file(sys.argv[1])
sums = {}
for entry in data.filter_txns(entries):
    for posting in entry.postings:
        cents = posting.units.number * 100
        assert cents == int(cents) and posting.units.currency == "USD"
        sums[posting.account] = sums.get(posting.account, 0) + int(cents)
print(json.dumps([len(errors), sums]))
"""


@pytest.fixture(scope="session")
def beancount() -> Path:
    """The folder of beancount's own programs; GPL, so that it is no part of doorward and nothing here imports it."""
    if not ENGINES.exists():
        pytest.skip("there is no .engines; `make engines` brings beancount")
    if not (ENGINES / "bean-check").exists():
        if os.environ.get("CI"):
            pytest.fail(".engines is there without bean-check, and CI must have it")
        pytest.skip(".engines has no bean-check")
    return ENGINES


def write(submissions: Iterable[Submission]) -> tuple[State, list[Written]]:
    state, written = State(RULES), list[Written]()
    for one in submissions:
        answer = decide(state, one)
        if isinstance(answer, Posted):
            state = answer.state
            written.append(Written(len(written) + 1, len(written) * 2, one, answer.postings))
    return state, written


SUBMISSIONS = st.lists(st.builds(submission, OPERATIONS, PEOPLE, DAYS), min_size=30, max_size=120)


def check_with_beancount(beancount: Path, folder: Path, submissions: list[Submission]) -> None:
    state, written = write(submissions)
    file = folder / "fund.beancount"
    file.write_text(format_beancount(written, state), encoding="utf-8")
    run = subprocess.run([beancount / "bean-check", file], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")
    added = subprocess.run(
        [beancount / "python", "-c", ADD_UP, file], capture_output=True, text=True, check=True
    )
    errors, sums = json.loads(added.stdout)
    assert errors == 0
    ours = {account_name(place): cents for place, cents in state.balances.items() if cents}
    assert {account: cents for account, cents in sums.items() if cents} == ours


@settings(max_examples=5, deadline=None)
@given(SUBMISSIONS)
def test_beancount_comes_to_the_same_balances(
    beancount: Path, tmp_path_factory: pytest.TempPathFactory, submissions: list[Submission]
) -> None:
    check_with_beancount(beancount, tmp_path_factory.mktemp("beans"), submissions)


@pytest.mark.long
@settings(max_examples=120, deadline=None)
@given(SUBMISSIONS)
def test_beancount_comes_to_the_same_balances_of_many_sequences(
    beancount: Path, tmp_path_factory: pytest.TempPathFactory, submissions: list[Submission]
) -> None:
    check_with_beancount(beancount, tmp_path_factory.mktemp("beans"), submissions)


def test_bean_check_refuses_a_balance_that_is_not_the_ledgers(beancount: Path, tmp_path: Path) -> None:
    state, written = write(whole_life())
    file = tmp_path / "fund.beancount"
    false = State(state.rules, balances={place: cents + 1 for place, cents in state.balances.items()})
    file.write_text(format_beancount(written, false), encoding="utf-8")
    run = subprocess.run([beancount / "bean-check", file], capture_output=True, text=True, check=False)
    assert run.returncode != 0
    assert "Balance failed" in run.stderr


def whole_life() -> list[Submission]:
    from datetime import date

    from doorward.fund.ledger.operations import Appropriate, Approve, CloseYear, Part, Pay, Post
    from tests_support.fund import agree, invoice, open_year

    parts = (Part(2026, "general", 500_05, "screening"), Part(2026, "courtroom", 1, "representation"))
    return [
        submission(open_year(2026)),
        submission(open_year(2027)),
        submission(Appropriate(2026, "general", 1_000_00, "ordinance", "SO-1")),
        submission(Appropriate(2026, "courtroom", 300, "ordinance", "SO-1")),
        submission(agree("north", Part(2026, "general", 600_00), Part(2026, "courtroom", 200))),
        submission(Post("north"), "director"),
        submission(invoice("first", "north", *parts), "clerk"),
        submission(Approve("first")),
        submission(Approve("first"), "director"),
        submission(Pay("first", "PV-1")),
        submission(CloseYear(2026, ("north",)), "manager", date(2027, 1, 31)),
    ]


def test_the_statement_of_a_closed_year_is_hand_counted() -> None:
    state, written = write(whole_life())
    courtroom, general = make_statement(state, written, 2026)
    assert (general.appropriated, general.expended, general.lapsed) == (1_000_00, 500_05, 400_00)
    assert (general.carried_out, general.paid, general.available) == (99_95, 500_05, 0)
    assert (courtroom.carried_out, courtroom.lapsed) == (299, 0)
    assert general.is_whole
    assert courtroom.is_whole
    after = make_statement(state, written, 2027)
    assert [(line.line, line.carried_in, line.is_whole) for line in after] == [
        ("courtroom", 299, True), ("general", 99_95, True),
    ]  # fmt: skip
    assert make_statement(state, written, 2030) == ()


def test_the_csv_adds_up_to_nothing_and_to_the_balances() -> None:
    state, written = write(whole_life())
    rows = list(csv.DictReader(io.StringIO(format_csv(written))))
    assert sum(int(row["debit_cents"]) - int(row["credit_cents"]) for row in rows) == 0
    paid = [row for row in rows if row["account"] == "treasury"]
    assert sum(int(row["credit_cents"]) for row in paid) == 500_06
    assert sum(cents for place, cents in state.balances.items() if place[0] is Account.TREASURY) == -500_06


def test_an_empty_fund_can_be_exported(beancount: Path, tmp_path: Path) -> None:
    file = tmp_path / "fund.beancount"
    file.write_text(format_beancount([], State(RULES)), encoding="utf-8")
    subprocess.run([beancount / "bean-check", file], check=True)
    assert format_csv([]).count("\n") == 1


@given(st.integers(-(10**16), 10**16))
def test_dollars_are_exact(cents: int) -> None:
    said = format_dollars(cents)
    assert int(said.replace(".", "")) == cents
    assert said[-3] == "."
