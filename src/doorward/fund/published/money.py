"""The fund's money as everybody may see it, at the end of a month, from the ledger's transactions. Pure.

Counted are the transactions up to a number, booked until the last day of the month: what is booked back into a
published month shows in the next one. The amounts are public and never withheld; who was paid is named. Money is split
by service only in `make_costs`, and only where that gives no count away.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from doorward.errors import MalformedError
from doorward.fund.ledger.accounts import Account
from doorward.fund.ledger.export import LineStatement, Written, make_statement
from doorward.fund.ledger.operations import Agree, Approve, CloseYear, File, Opening, OpenYear
from doorward.fund.ledger.state import Place, Rules, State
from doorward.orders.fund_published import PublishedWords

NOTHING: Final = Rules({}, frozenset())


@dataclass(frozen=True, slots=True)
class Payment:
    """What a grantee was paid of a fiscal year, and gave back of it; in cents."""

    year: int
    grantee: str
    paid: int
    returned: int


@dataclass(frozen=True, slots=True)
class Holding:
    """What an agreement holds of a line in a fiscal year; in cents."""

    year: int
    line: str
    agreement: str
    grantee: str
    begins: date
    ends: date
    encumbered: int
    spent: int


@dataclass(frozen=True, slots=True)
class Money:
    """The fund's money at the end of a month.

    Args:
        through: The number of the last transaction that is counted; 0 where there is none.
        closed: Fiscal years that are closed.
        bought: What was approved for a service of a line in a year, before refunds; not published as it is.
    """

    through: int
    lines: tuple[LineStatement, ...]
    payments: tuple[Payment, ...]
    holdings: tuple[Holding, ...]
    closed: frozenset[int]
    bought: Mapping[tuple[int, str, str], int]


@dataclass(frozen=True, slots=True)
class Cost:
    """What one unit of a service cost in a closed year: what was spent on it by the count that stands; in cents.

    Args:
        count: None where nothing counts the service; then there is no cost.
        each: Half a cent goes to the even one.
    """

    year: int
    code: str
    spent: int
    count: int | None
    each: int | None


def take_money(written: Sequence[Written], last: date, through: int) -> Money:
    """Return the money at the end of a month.

    Args:
        written: The ledger, in the order of its numbers.
        last: The last day of the month.
        through: The number of the last transaction to count.
    """
    known = [one for one in written if one.number <= through]
    found = [one for one in known if one.submission.day <= last]
    balances: dict[Place, int] = {}
    for one in found:
        for posting in one.postings:
            balances[posting.place] = balances.get(posting.place, 0) + posting.cents
    state = State(NOTHING, balances=balances)
    years = sorted(
        {one.submission.operation.year for one in found if isinstance(one.submission.operation, OpenYear)}
    )
    closed = {
        one.submission.operation.year for one in found if isinstance(one.submission.operation, CloseYear)
    }
    agreements: dict[str, Agree | Opening] = {}
    for one in known:  # a payment may be booked before the day of its agreement
        operation = one.submission.operation
        if isinstance(operation, (Agree, Opening)) and operation.agreement:
            agreements.setdefault(
                operation.agreement, operation
            )  # a later opening need not describe it again
    files = {
        one.submission.operation.claim: one.submission.operation
        for one in known
        if isinstance(one.submission.operation, File)
    }
    return Money(
        max((one.number for one in found), default=0),
        tuple(line for year in years for line in make_statement(state, found, year)),
        _payments(found, agreements),
        _holdings(balances, agreements),
        frozenset(closed),
        _bought(found, files),
    )


def _payments(found: Iterable[Written], agreements: Mapping[str, Agree | Opening]) -> tuple[Payment, ...]:
    """Return what left the treasury for each grantee; a transaction that pays is of one agreement."""
    paid, returned = Counter[tuple[int, str]](), Counter[tuple[int, str]]()
    for one in found:
        named = {posting.agreement for posting in one.postings if posting.agreement}
        for posting in one.postings:
            if posting.account is Account.TREASURY:
                (agreement,) = named
                place = posting.year, agreements[agreement].grantee
                paid[place] += max(-posting.cents, 0)
                returned[place] += max(posting.cents, 0)
    return tuple(
        Payment(*place, paid[place], returned[place]) for place in sorted(paid.keys() | returned.keys())
    )


def _holdings(
    balances: Mapping[Place, int], agreements: Mapping[str, Agree | Opening]
) -> tuple[Holding, ...]:
    """Return what each agreement holds that was posted; what is pending is of nobody yet."""
    places = {
        place[1:]
        for place, cents in balances.items()
        if place[0] in {Account.ENCUMBERED, Account.EXPENDED} and cents
    }
    found = []
    for year, line, agreement in sorted(places):
        made = agreements[agreement]
        assert made.begins is not None
        assert made.ends is not None
        found.append(
            Holding(
                year, line, agreement, made.grantee, made.begins, made.ends,
                balances.get((Account.ENCUMBERED, year, line, agreement), 0),
                balances.get((Account.EXPENDED, year, line, agreement), 0),
            )
        )  # fmt: skip
    return tuple(found)


def _bought(found: Iterable[Written], files: Mapping[str, File]) -> dict[tuple[int, str, str], int]:
    bought = Counter[tuple[int, str, str]]()
    for one in found:
        operation = one.submission.operation
        if isinstance(operation, Approve) and any(
            posting.account is Account.EXPENDED for posting in one.postings
        ):
            for part in files[operation.claim].parts:
                bought[part.year, part.line, part.service] += part.cents
    return dict(bought)


def make_costs(
    money: Money, counts: Mapping[tuple[int, str], int | None], words: PublishedWords
) -> tuple[Cost, ...]:
    """Return what a unit cost in each closed year whose counts all stand.

    The lines of the fund are public, so that what is spent on a service whose count is withheld must not be what is
    left of a line when the others are taken away: the services that share a line are shown together or not at all.
    Where they are shown, each of their counts stands already, so that cost times count says nothing new.

    Args:
        counts: Of a whole fiscal year, by public service; None where it is withheld, missing where the year has not
            twelve published months.

    Raises:
        MalformedError: The ledger bought what the public tables do not name.
    """
    spent: dict[int, Counter[str]] = {}
    together: dict[int, list[set[str]]] = {}
    of_line: dict[tuple[int, str], set[str]] = {}
    for (year, line, service), cents in money.bought.items():
        if year in money.closed:
            code = _code_of(service, words)
            spent.setdefault(year, Counter())[code] += cents
            of_line.setdefault((year, line), set()).add(code)
    for (year, _), codes in sorted(of_line.items()):
        groups = together.setdefault(year, [])
        joined = [one for one in groups if one & codes]
        together[year] = [one for one in groups if one not in joined] + [codes.union(*joined)]
    found = [
        _cost(year, code, spent[year][code], counts.get((year, code)))
        for year, groups in together.items()
        for codes in groups
        if all(counts.get((year, code)) is not None for code in codes if words.served[code].reported)
        for code in codes
    ]
    order = list(words.served)
    return tuple(sorted(found, key=lambda one: (one.year, order.index(one.code))))


def _code_of(service: str, words: PublishedWords) -> str:
    for one in words.served.values():
        if service in one.bought:
            return one.code
    raise MalformedError(
        f"the ledger bought `{service[:40]}`, and the public tables do not name it",
        hint="fund_published.toml names each service of fund.toml once",
    )


def _cost(year: int, code: str, spent: int, count: int | None) -> Cost:
    if not count:
        return Cost(year, code, spent, count, None)
    whole, rest = divmod(spent, count)
    up = 2 * rest > count or (2 * rest == count and whole % 2 == 1)
    return Cost(year, code, spent, count, whole + up)
