"""A small fund whose months are published: words, reports, a ledger, and an attacker who has all that was published."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np

from doorward.fund.archive import Archive
from doorward.fund.ledger.decide import Posted, decide
from doorward.fund.ledger.export import Written
from doorward.fund.ledger.operations import (
    Appropriate,
    Approve,
    CloseYear,
    Operation,
    Part,
    Pay,
    Post,
)
from doorward.fund.ledger.state import State
from doorward.fund.published.counted import Accepted, Known
from doorward.fund.published.edition import Edition, make_edition
from doorward.fund.published.files import format_files
from doorward.fund.published.month import Month, parse_month
from doorward.fund.rules import make_rules
from doorward.orders.fund import FundWords, read_fund
from doorward.orders.fund_published import PublishedWords, read_fund_published
from doorward.orders.load import SHIPPED
from doorward.record.entry import Fields, Kind
from tests_support.fund import agree, invoice, open_year, submission

THRESHOLD = 10
SERVICES = ("kyr-session", "screening", "brief-advice", "full-representation")
PUBLIC = ("know-your-rights", "screening", "brief-advice", "representation")
OUTCOMES = ("stay-granted", "not-granted", "withdrawn")
ENDED = ("stay", "no-stay", "other")


@cache
def words(*, cases_before: bool = True) -> PublishedWords:
    text = (SHIPPED / "chicago" / "fund_published.toml").read_text(encoding="utf-8")
    found, _ = read_fund_published(text)
    assert found is not None
    return replace(found, cases_before=cases_before, grantees={"grantee-of-north": "North Legal Example"})


@cache
def fund_words() -> FundWords:
    found, _ = read_fund((SHIPPED / "chicago" / "fund.toml").read_text(encoding="utf-8"))
    assert found is not None
    return found


def month_at(at: int) -> Month:
    found = parse_month(words().first)
    for _ in range(at):
        found = found.after
    return found


def report(at: int, units: Sequence[int], ended: Sequence[int] = (), *, late: int = 3) -> Accepted:
    """Return a report of a month, accepted some days after its end; the last of the services counts opened cases."""
    last = month_at(at).last
    *events, cases = units
    return Accepted(
        last, last + timedelta(days=late), dict(zip(SERVICES, events, strict=False)), {SERVICES[-1]: cases},
        dict(zip(OUTCOMES, ended, strict=False)),
    )  # fmt: skip


@dataclass
class Ledger:
    """A ledger in memory."""

    state: State = field(default_factory=lambda: State(make_rules(fund_words())))
    written: list[Written] = field(default_factory=list)

    def do(self, operation: Operation, by: str = "manager", day: date = date(2026, 1, 5)) -> None:
        sent = submission(operation, by, day)
        answer = decide(self.state, sent)
        assert isinstance(answer, Posted), answer
        self.state = answer.state
        number = len(self.written) + 1
        self.written.append(Written(number, number, sent, answer.postings))

    def begin(self, year: int = 2026, *names: str, cents: int = 10_000_000) -> None:
        """Open a year with authority in two lines, and an agreement for each name that is posted."""
        day = date(year, 1, 5)
        self.do(open_year(year), day=day)
        for line in ("legal", "outreach"):
            self.do(Appropriate(year, line, cents, "ordinance", f"SO{year}-1"), day=day)
        share = cents // (2 * max(len(names), 2))
        for name in names:
            parts = (Part(year, "legal", share), Part(year, "outreach", share // 2))
            self.do(agree(name, *parts), day=day)
            self.do(Post(name), "director", day)

    def buy(self, claim: str, of: str, day: date, *parts: tuple[str, str, int]) -> None:
        """File an invoice of parts (line, service, cents), approve it twice and pay it, on one day."""
        made = tuple(Part(day.year, line, cents, service) for line, service, cents in parts)
        self.do(invoice(claim, of, *made), "clerk", day)
        for by in ("manager", "director"):
            self.do(Approve(claim), by, day)
        self.do(Pay(claim, f"PV-{claim}"), "manager", day)

    def close(self, year: int) -> None:
        self.do(CloseYear(year), day=date(year + 1, 1, 20))


def edition(
    at: int,
    reports: Iterable[Accepted] | None = (),
    ledger: Ledger | None = None,
    *,
    cases_before: bool = True,
    known: Known | None = None,
) -> Edition:
    """Return the edition of the month at a place."""
    written = () if ledger is None else tuple(ledger.written)
    known = {month_at(at): 0} if known is None else known
    return make_edition(
        month_at(at), written=written, through=len(written),
        reports=None if reports is None else list(reports), known=known, words=words(cases_before=cases_before),
        fund=fund_words(), threshold=THRESHOLD,
    )  # fmt: skip


def fourteen_months() -> list[Edition]:
    """Fourteen months, with one small month, a payment to two grantees, and 2026 closed."""
    ledger = Ledger()
    ledger.begin(2026, "north", "south")
    ledger.buy(
        "c-1",
        "north",
        date(2026, 1, 28),
        ("legal", "screening", 270_000),
        ("legal", "representation", 400_000),
    )
    ledger.buy("c-2", "south", date(2026, 2, 25), ("outreach", "know-your-rights", 125_000))
    reports = [report(at, [40, 4 if at == 5 else 30, 20, 50], [20, 15, 12]) for at in range(14)]
    found = [edition(at, reports, ledger) for at in range(12)]
    ledger.do(open_year(2027), day=date(2027, 1, 2))
    ledger.close(2026)
    return [*found, *(edition(at, reports, ledger) for at in (12, 13))]


class Silent:
    """A record in which everything has its place."""

    def record(self, drafts: Sequence[tuple[Kind, Fields]], *, now: datetime) -> int:
        del drafts, now
        return 0


def put_months(folder: Path, editions: Iterable[Edition]) -> None:
    """Publish editions into a folder, as `doorward fund publish` does."""
    archive, now = Archive(folder), datetime(2027, 6, 1, tzinfo=UTC)
    for made in editions:

        def make(previous: bytes | None, made: Edition = made) -> dict[str, bytes]:
            return format_files(made, words().grantees, previous)

        archive.publish(made.month, make, Silent(), by="manager", now=now)


@dataclass
class Attacker:
    """Who has everything that was published, and asks a linear program what each number of a month can be.

    Args:
        begins_empty: They know that the fund began without cases, so that no more cases end than were opened.
    """

    truth: Mapping[str, Mapping[tuple[str, str], int]]
    begins_empty: bool = False
    _columns: dict[tuple[str, str, str], int] = field(default_factory=dict)
    _equal: list[tuple[dict[int, float], float]] = field(default_factory=list)
    _less: list[tuple[dict[int, float], float]] = field(default_factory=list)

    def column(self, table: str, month: str, code: str) -> int:
        return self._columns.setdefault((table, month, code), len(self._columns))

    def learn(self, edition: Edition) -> None:
        """Take in all that an edition says."""
        for table, counts, codes in (("served", edition.served, PUBLIC), ("ended", edition.ended, ENDED)):
            for one in counts or ():
                months = (
                    [one.period] if "-" in one.period else [f"{one.period}-{at:02d}" for at in range(1, 13)]
                )
                named = codes if one.code == "all" else (one.code,)
                held = [self.column(table, month, code) for month in months for code in named]
                if one.value is not None:
                    self._know(held, one.value)
        for cost in edition.costs:  # what was spent by what a unit cost is the count
            if cost.each:
                held = [self.column("served", f"{cost.year}-{at:02d}", cost.code) for at in range(1, 13)]
                self._know(held, round(cost.spent / cost.each))
        if self.begins_empty and edition.ended is not None:
            last = str(edition.month)
            row: dict[int, float] = {}
            for (table, month, code), at in self._columns.items():
                if month <= last and table == "ended":
                    row[at] = 1.0
                elif month <= last and (table, code) == ("served", "representation"):
                    row[at] = -1.0
            self._less.append((row, 0.0))

    def _know(self, columns: Sequence[int], value: int) -> None:
        row = dict.fromkeys(columns, 1.0), float(value)
        if row not in self._equal:  # an edition says again what stands
            self._equal.append(row)

    def bounds(self, table: str, month: str, code: str) -> tuple[float, float]:
        """Return the least and the greatest that a number can be."""
        from scipy.optimize import linprog  # half a second, which no other test pays

        aim = np.zeros(len(self._columns))
        for one in ENDED if code == "all" else (code,):
            aim[self.column(table, month, one)] = 1
        found = []
        for sign in (1, -1):
            done = linprog(
                sign * aim, A_eq=self._matrix(self._equal), b_eq=[right for _, right in self._equal] or None,
                A_ub=self._matrix(self._less), b_ub=[right for _, right in self._less] or None, method="highs",
            )  # fmt: skip
            assert done.status in {0, 3}, done.message  # the truth is one solution; 3 is without bound
            found.append(float("inf") if done.status == 3 else sign * done.fun)
        return found[0], found[1]

    def _matrix(self, rows: list[tuple[dict[int, float], float]]) -> np.ndarray | None:
        made = np.zeros((len(rows), len(self._columns)))
        for at, (row, _) in enumerate(rows):
            for column, value in row.items():
                made[at, column] = value
        return made if rows else None

    def pinned(self, most: int = 1_000) -> Iterator[tuple[str, str, str]]:
        """Yield each small number of a month that can be fewer values than the threshold has."""
        for table, numbers in self.truth.items():
            small = [place for place, value in numbers.items() if 0 < value < THRESHOLD]
            for month, code in small[:most]:
                low, high = self.bounds(table, month, code)
                assert low - 1e-6 <= numbers[month, code] <= high + 1e-6
                if high - low < THRESHOLD - 1 - 1e-6:
                    yield table, month, code


def truth(months: Sequence[tuple[Sequence[int], Sequence[int]]]) -> dict[str, dict[tuple[str, str], int]]:
    """Return the true numbers by table, month and public word."""
    served = dict[tuple[str, str], int]()
    ended = dict[tuple[str, str], int]()
    for at, (units, ends) in enumerate(months):
        name = str(month_at(at))
        served |= {(name, code): count for code, count in zip(PUBLIC, units, strict=True)}
        ended |= {(name, code): count for code, count in zip(ENDED, ends, strict=True)}
        ended[name, "all"] = sum(ends)
    return {"served": served, "ended": ended}
