"""What the fund's pages show, made of one moment of the ledger. Pure but for `look`, which reads that moment.

Cents stay whole; dollars are made of them where they are shown. What was spent is what stands in `expense`, by the
month in which it was booked; what was taken over at the opening of a ledger was spent before and is in no month.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, TypeAlias

import psycopg

from doorward.desk.recorder import place_of
from doorward.fund import rows
from doorward.fund.forecast import Forecast, Month, TooLittle, forecast
from doorward.fund.ledger.accounts import Account
from doorward.fund.ledger.operations import Appropriate, Submission, parse_transaction
from doorward.fund.ledger.state import APPROVED, WAITING, Agreement, Claim, State, Year

NEAR_DAYS: Final = 60
_A = Account
Spent: TypeAlias = Mapping[tuple[int, str], Mapping[Month, int]]


@dataclass(frozen=True, slots=True)
class Done:
    """A transaction, as a page lists it."""

    number: int
    entry: int
    submission: Submission

    @property
    def place(self) -> str:
        """Where its entry stands in the record."""
        return place_of(self.entry)


@dataclass(frozen=True, slots=True)
class Moment:
    """The ledger at one moment.

    Args:
        spent: Cents by month, by the year and the line in which they are booked.
        given: Every appropriation, with its source and its act.
    """

    state: State
    spent: Spent
    given: tuple[Done, ...]


@dataclass(frozen=True, slots=True)
class LineSum:
    """A line in a year, in cents.

    Args:
        carried: From the last year, less what went into the next.
    """

    line: str
    appropriated: int
    carried: int
    available: int
    pending: int
    encumbered: int
    spent: int
    paid: int
    lapsed: int

    @property
    def authority(self) -> int:
        """What may be spent in this year at all."""
        return self.appropriated + self.carried


@dataclass(frozen=True, slots=True)
class Held:
    """What an agreement has in one line of one year, in cents."""

    agreement: str
    year: int
    line: str
    pending: int
    encumbered: int
    advanced: int
    spent: int
    owed: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a year will have spent at its end, or why that is not said; `left` is of its authority."""

    said: Forecast | TooLittle
    spent_before: int
    at_end: int = 0
    left: int = 0

    @property
    def is_said(self) -> bool:
        """Whether there is a forecast."""
        return isinstance(self.said, Forecast)

    @property
    def is_over(self) -> bool:
        """Whether more would be spent than may be, within the worst error that the method has had."""
        return isinstance(self.said, Forecast) and self.left < self.said.worst_error


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is."""

    transactions: int
    open_years: int
    waiting: int


def count(connection: psycopg.Connection[Any]) -> Counts:
    """Return how much there is in the ledger; a claim waits until it is paid or withdrawn, or nothing of it is owed."""
    found = connection.execute(
        "SELECT (SELECT count(*) FROM fund.transaction), (SELECT count(*) FROM fund.year WHERE closed_by IS NULL), "
        "(SELECT count(*) FROM fund.claim c WHERE NOT EXISTS (SELECT FROM fund.transaction t WHERE t.claim = c.id "
        " AND t.operation IN ('pay', 'withdraw')) AND NOT (EXISTS (SELECT FROM fund.transaction t "
        " JOIN fund.posting p ON p.transaction = t.number WHERE t.claim = c.id AND t.operation = 'approve') "
        " AND (SELECT sum(p.cents - p.recoup) FROM fund.claim_part p WHERE p.claim = c.id) = 0))"
    ).fetchone()
    assert found is not None
    return Counts(*found)


def look(connection: psycopg.Connection[Any]) -> Moment:
    """Return this moment of the ledger."""
    spent: dict[tuple[int, str], dict[Month, int]] = {}
    found = connection.execute(
        "SELECT p.year, p.line, extract(year FROM t.day)::int, extract(month FROM t.day)::int, sum(p.cents)::bigint "
        "FROM fund.posting p JOIN fund.transaction t ON t.number = p.transaction "
        "WHERE p.account = 'expense' AND t.operation <> 'opening' GROUP BY 1, 2, 3, 4"
    )
    for of_year, line, year, month, cents in found:
        spent.setdefault((of_year, line), {})[year, month] = cents
    return Moment(rows.read_open(connection), spent, tuple(_done(connection, "t.operation = 'appropriate'")))


def look_at(connection: psycopg.Connection[Any], column: str, value: str) -> tuple[State, tuple[Done, ...]]:
    """Return the fund with all claims of an agreement or with one claim, and every transaction of that, in their order.

    Args:
        column: `agreement` or `claim`.
    """
    assert column in {"agreement", "claim"}
    state = rows.read_open(connection, **{column: value})
    return state, tuple(_done(connection, f"t.{column} = %s", value))


def _done(connection: psycopg.Connection[Any], where: str, *values: str) -> Iterable[Done]:
    found = connection.execute(
        "SELECT t.number, r.entry, t.text FROM fund.transaction t JOIN fund.recorded r ON r.transaction = t.number "  # noqa: S608  # words of ours
        f"WHERE {where} ORDER BY t.number",
        list(values),
    ).fetchall()
    return (Done(number, entry, parse_transaction(text)[0]) for number, entry, text in found)


def line_sums(state: State, year: int) -> list[LineSum]:
    """Return each line of a year that anything stands in, in order."""
    sums: dict[tuple[str, Account], int] = {}
    for (account, at, line, _), cents in state.balances.items():
        if at == year:
            sums[line, account] = sums.get((line, account), 0) + cents

    def of(line: str, account: Account) -> int:
        return sums.get((line, account), 0)

    return [
        LineSum(
            line, -of(line, _A.APPROPRIATED), -of(line, _A.CARRIED), of(line, _A.AVAILABLE), of(line, _A.PENDING),
            of(line, _A.ENCUMBERED), of(line, _A.EXPENDED), -of(line, _A.TREASURY), of(line, _A.LAPSED),
        )
        for line in sorted({line for line, _ in sums})
    ]  # fmt: skip


def total(lines: Iterable[LineSum]) -> LineSum:
    """Return the sum of lines."""
    held = list(lines)

    def of(name: str) -> int:
        return sum(int(getattr(one, name)) for one in held)

    return LineSum(
        "", of("appropriated"), of("carried"), of("available"), of("pending"), of("encumbered"), of("spent"),
        of("paid"), of("lapsed"),
    )  # fmt: skip


def months_of(spent: Spent, *, line: str = "", year: int | None = None) -> dict[Month, int]:
    """Return the cents of each month, of a line or of all, of a fiscal year or of all."""
    found: dict[Month, int] = {}
    for (of_year, of_line), months in spent.items():
        if line in {"", of_line} and year in {None, of_year}:
            for month, cents in months.items():
                found[month] = found.get(month, 0) + cents
    return found


def outlook(sums: LineSum, spent: Spent, year: Year, today: date) -> Outlook:
    """Return what a line, or a whole year where the sums are of no line, will have spent at its end.

    Args:
        spent: Of all years, for the method and its error; of it the year's own part is what is spent already.
    """
    own = months_of(spent, line=sums.line, year=year.year)
    before = sums.spent - own.get((today.year, today.month), 0)
    said: Forecast | TooLittle = TooLittle("the year is closed")
    if not year.closed:
        said = forecast(months_of(spent, line=sums.line), today=today, first=year.begins, last=year.ends)
    if isinstance(said, TooLittle):
        return Outlook(said, before)
    at_end = max(before + said.to_come, sums.spent)
    return Outlook(said, before, at_end, sums.authority - at_end)


def holdings(state: State, agreement: str | None = None, *, year: int | None = None) -> list[Held]:
    """Return what an agreement has, by year and line; or what all have in a year."""
    return [
        Held(
            of, year, line, state.at(_A.PENDING, year, line, of), state.at(_A.ENCUMBERED, year, line, of),
            state.at(_A.ADVANCE, year, line, of), state.at(_A.EXPENSE, year, line, of),
            -state.at(_A.PAYABLE, year, line, of),
        )
        for year, line, of in state.holdings(agreement=agreement, year=year)
    ]  # fmt: skip


def sums_by_agreement(state: State, account: Account) -> dict[str, int]:
    """Return what stands in an account, by agreement."""
    found: dict[str, int] = {}
    for (one, _, _, of), cents in state.balances.items():
        if one is account and of:
            found[of] = found.get(of, 0) + cents
    return found


def near_end(state: State, today: date) -> list[Agreement]:
    """Return the agreements that end within sixty days, or have ended and are not closed out; the soonest first."""
    until = today + timedelta(days=NEAR_DAYS)
    return sorted(
        (one for one in state.agreements.values() if not one.closed and one.ends <= until),
        key=lambda one: (one.ends, one.id),
    )


def open_claims(state: State) -> list[Claim]:
    """Return the claims that wait for approval or for payment, as they were filed."""
    return [one for one in state.claims.values() if one.status in {WAITING, APPROVED}]


def cents_of(claim: Claim) -> tuple[int, int]:
    """Return what a claim asks for, and what of it is to be paid after what is recouped."""
    return sum(part.cents for part in claim.parts), sum(part.cents - part.recoup for part in claim.parts)


def appropriations(moment: Moment, year: int) -> list[tuple[Done, Appropriate]]:
    """Return the appropriations of a year with the acts that made them."""
    return [
        (one, one.submission.operation)
        for one in moment.given
        if isinstance(one.submission.operation, Appropriate) and one.submission.operation.year == year
    ]
