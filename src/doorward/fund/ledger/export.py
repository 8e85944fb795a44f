"""The ledger for other programs: a Beancount file, a CSV for the finance system, a year's statement. Pure.

Amounts are whole cents turned into dollars with two places by division of integers; no binary fraction stands between.
Beancount checks each transaction by itself, and the `balance` directives at the end assert the ledger's own balances,
which beancount adds up by itself. By default it lets a balance be a cent off, so that each says its own tolerance.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from doorward.fund.ledger.accounts import AUTHORITY, LINE_ACCOUNTS, Account, Posting
from doorward.fund.ledger.operations import NAMES, Submission
from doorward.fund.ledger.state import Place, State

_ROOTS: Final[Mapping[Account, str]] = {
    Account.APPROPRIATED: "Equity:Authority:Appropriated",
    Account.AVAILABLE: "Equity:Authority:Available",
    Account.LAPSED: "Equity:Authority:Lapsed",
    Account.CARRIED: "Equity:Authority:Carried",
    Account.PENDING: "Equity:Authority:Pending",
    Account.ENCUMBERED: "Equity:Authority:Encumbered",
    Account.EXPENDED: "Equity:Authority:Expended",
    Account.EXPENSE: "Expenses:Grants",
    Account.ADVANCE: "Assets:Advances",
    Account.PAYABLE: "Liabilities:Payable",
    Account.REFUND: "Income:Refunds",
    Account.TREASURY: "Assets:Treasury",
    Account.MOVED: "Equity:Moved",
}
COLUMNS: Final = (
    "transaction", "entry", "day", "operation", "fiscal_year", "line", "account", "agreement", "of_year",
    "debit_cents", "credit_cents", "key",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Written:
    """A transaction as it stands in the ledger."""

    number: int
    entry: int
    submission: Submission
    postings: tuple[Posting, ...]


def format_dollars(cents: int) -> str:
    """Return cents as dollars with two places, exactly."""
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{whole}.{rest:02d}"


def account_name(place: Place) -> str:
    """Return the Beancount account of a place; each place has another."""
    account, year, line, agreement = place
    parts = [_ROOTS[account], f"Y{year}", f"L-{line}"]
    return ":".join(parts if account in LINE_ACCOUNTS else [*parts, f"A-{agreement}"])


def format_beancount(written: Sequence[Written], state: State) -> str:
    """Return a Beancount ledger that asserts, behind the last day, every balance that the ledger has.

    Args:
        written: In the order of their numbers; those of one day keep it.
        state: The whole of what the ledger holds, and not what is added up here.
    """
    days = [one.submission.day for one in written]
    first, last = (min(days), max(days)) if days else (date(2000, 1, 1), date(2000, 1, 1))
    places = sorted(
        {posting.place for one in written for posting in one.postings}
        | {place for place, cents in state.balances.items() if cents}
    )
    out = ['option "title" "Legal defense fund"', 'option "operating_currency" "USD"', ""]
    out += [f"{first} open {account_name(place)} USD" for place in places]
    for one in sorted(written, key=lambda one: (one.submission.day, one.number)):
        if not one.postings:
            continue
        out += ["", f'{one.submission.day} * "{NAMES[type(one.submission.operation)]} {one.number}"']
        out += [f'  entry: "{one.entry}"', f'  key: "{one.submission.key}"']
        out += [
            f"  {account_name(posting.place)}  {format_dollars(posting.cents)} USD"
            for posting in one.postings
        ]
    out.append("")
    after = last + timedelta(days=1)
    out += [
        f"{after} balance {account_name(place)}  {format_dollars(state.balances.get(place, 0))} ~ 0.001 USD"
        for place in places
    ]
    return "\n".join(out) + "\n"


def format_csv(written: Iterable[Written]) -> str:
    """Return one row a posting, for the finance system; whole cents, debit and credit apart."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in written:
        for posting in one.postings:
            debit, credit = max(posting.cents, 0), max(-posting.cents, 0)
            writer.writerow(
                [
                    one.number, one.entry, one.submission.day, NAMES[type(one.submission.operation)], posting.year,
                    posting.line, posting.account.value, posting.agreement, posting.origin or "", debit, credit,
                    one.submission.key,
                ]
            )  # fmt: skip
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class LineStatement:
    """A line's year: where its authority came from and went, and what was paid; in cents."""

    year: int
    line: str
    appropriated: int
    carried_in: int
    available: int
    pending: int
    encumbered: int
    expended: int
    lapsed: int
    carried_out: int
    paid: int
    advanced: int
    payable: int
    refunded: int

    @property
    def is_whole(self) -> bool:
        """Whether everything that came in is somewhere."""
        gone = (
            self.available + self.pending + self.encumbered + self.expended + self.lapsed + self.carried_out
        )
        return self.appropriated + self.carried_in == gone


def make_statement(state: State, written: Iterable[Written], year: int) -> tuple[LineStatement, ...]:
    """Return each line of a year, in order.

    Args:
        state: The whole fund.
        written: Every transaction: what was carried in is told from what was carried out by its side.
        year: A fiscal year; one that nobody opened has no line.
    """
    carried: dict[tuple[str, bool], int] = {}
    for one in written:
        for posting in one.postings:
            if posting.account is Account.CARRIED and posting.year == year:
                side = (posting.line, posting.cents > 0)
                carried[side] = carried.get(side, 0) + abs(posting.cents)
    sums: dict[tuple[str, Account], int] = {}
    for (account, at, line, _), cents in state.balances.items():
        if at == year:
            sums[line, account] = sums.get((line, account), 0) + cents

    def at_line(line: str, account: Account) -> int:
        return sums.get((line, account), 0)

    return tuple(
        LineStatement(
            year, line,
            -at_line(line, Account.APPROPRIATED), carried.get((line, False), 0), at_line(line, Account.AVAILABLE),
            at_line(line, Account.PENDING), at_line(line, Account.ENCUMBERED), at_line(line, Account.EXPENDED),
            at_line(line, Account.LAPSED), carried.get((line, True), 0), -at_line(line, Account.TREASURY),
            at_line(line, Account.ADVANCE), -at_line(line, Account.PAYABLE), -at_line(line, Account.REFUND),
        )
        for line in sorted({line for line, _ in sums})
    )  # fmt: skip


assert _ROOTS.keys() == set(Account)
assert {account for account in Account if _ROOTS[account].startswith("Equity:Authority")} == AUTHORITY
