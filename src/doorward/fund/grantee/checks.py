"""What does not fit in a report: against the agreement, the reports before it, and itself. Pure.

A finding names a row and a rule. It stops the report until it is corrected or excused; what stands on a rule that no
office adopted only refers. An excuse is a reason of the order's list, given by one person and accepted by another.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from doorward.fund.grantee.report import Report, Units
from doorward.orders.fund_units import CASES, FundUnits

RULES: Final[Mapping[str, tuple[str, bool]]] = {  # what it says, and whether an excuse may pass it
    "other-agreement": ("the report is for another agreement", False),
    "outside-term": ("the period is not within the agreement", False),
    "overlap": ("the period overlaps one that was reported", True),
    "not-agreed": ("the agreement does not buy this service", False),
    "units-over": ("more units than the agreement has left", True),
    "case-sum": ("units are not opened and carried together", False),
    "closed-over": ("more cases closed than there were", False),
    "carried-other": ("cases carried are not those that the report before left open", True),
    "outcome-sum": ("outcomes of a service are not as many as its cases closed", True),
    "same-units": ("two rows report the same service, detention and stage", False),
    "arithmetic": ("units times price is not the amount", False),
    "unpriced": ("a line at the agreed price needs service, units and price", False),
    "priced": ("this line takes no units and no price", False),
    "units-billed": ("more units billed than reported", False),
    "other-price": ("the price is not the agreed one", True),
    "over-cap": ("the price is above the highest that the order allows", True),
    "cap-not-adopted": ("the price is above a cap that no office adopted", True),
    "duplicate-invoice": ("the number of this invoice was handed in before", False),
    "twice-on-invoice": ("two rows of one invoice bill the same", True),
    "line-off": ("nothing may be charged to this line", False),
    "not-budgeted": ("the agreement has no budget for this line", False),
    "line-over": ("more than the budget of this line has left", True),
    "share-over": ("more than this line's share of the others", True),
    "share-not-adopted": ("more than a share of the others that no office adopted", True),
}
REFERS: Final = frozenset({"cap-not-adopted", "share-not-adopted"})


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a grantee agreed to, and what is used of it.

    Args:
        id: Its number.
        first: Its first day.
        last: Its last day.
        units: How many units of each service it buys.
        prices: In cents, by service.
        budget: In cents, by line.
        used_units: Of the reports before.
        used_budget: Of the invoices before.
        periods: Reported before.
        invoices: Numbers of invoices handed in before.
        left_open: Cases that the report before left open, by service, detention and stage; None for a first report.
    """

    id: str
    first: date
    last: date
    units: Mapping[str, int]
    prices: Mapping[str, int]
    budget: Mapping[str, int]
    used_units: Mapping[str, int]
    used_budget: Mapping[str, int]
    periods: Sequence[tuple[date, date]] = ()
    invoices: frozenset[int] = frozenset()
    left_open: Mapping[tuple[str, str, str], int] | None = None


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """A rule that does not hold.

    Args:
        row: Of the table, or 0 where it is the whole report.
        column: The heading that it is about.
        rule: A key of `RULES`.
    """

    row: int
    column: str
    rule: str

    @property
    def says(self) -> str:
        """The rule in words."""
        return RULES[self.rule][0]

    @property
    def refers(self) -> bool:
        """Whether it goes to the fund manager, and stops nothing by itself."""
        return self.rule in REFERS

    def __str__(self) -> str:
        where = f"Report, row {self.row}, {self.column}" if self.row else f"the report, {self.column}"
        return f"{where}: {self.says}"


@dataclass(frozen=True, slots=True)
class Excuse:
    """Why a finding may stand. ``asked_by`` and ``accepted_by`` are logins, never shown on a public page."""

    finding: Finding
    reason: str
    asked_by: str
    accepted_by: str


def check_report(report: Report, units: FundUnits, agreement: Agreement | None = None) -> tuple[Finding, ...]:
    """Return every finding, in the order of the rows.

    Args:
        report: Read.
        units: The order's words, caps and shares.
        agreement: None checks the report by itself: arithmetic, sums, lines that are off, caps.
    """
    found = [*_check_units(report, units), *_check_outcomes(report, units), *_check_costs(report, units)]
    if agreement is not None:
        found += [*_against(report, agreement), *_costs_against(report, agreement)]
    return tuple(sorted(set(found)))


def open_findings(
    findings: Iterable[Finding], excuses: Iterable[Excuse], units: FundUnits
) -> tuple[Finding, ...]:
    """Return the findings that still stop the report.

    An excuse counts where its rule may be excused, its reason is on the order's list, and two different people gave and
    accepted it; a blank login is nobody. Logins are compared without regard to capitals and blanks around them.
    """
    excused = set()
    for excuse in excuses:
        people = {excuse.asked_by.strip().casefold(), excuse.accepted_by.strip().casefold()}
        if RULES[excuse.finding.rule][1] and excuse.reason in units.reasons and len(people - {""}) == 2:
            excused.add(excuse.finding)
    return tuple(one for one in findings if one not in excused)


def _check_units(report: Report, units: FundUnits) -> Iterator[Finding]:
    seen: set[tuple[str, str, str]] = set()
    for row in report.units:
        if units.services[row.service].counts == CASES:
            if row.opened + row.carried != row.units:
                yield Finding(row.row, "units", "case-sum")
            if row.closed > row.opened + row.carried:
                yield Finding(row.row, "closed", "closed-over")
        if _key(row) in seen:
            yield Finding(row.row, "service", "same-units")
        seen.add(_key(row))


def _key(row: Units) -> tuple[str, str, str]:
    return row.service, row.detained, row.stage


def _check_outcomes(report: Report, units: FundUnits) -> Iterator[Finding]:
    ended = Counter[str]()
    for outcome in report.outcomes:
        ended[outcome.service] += outcome.cases
    for service, one in units.services.items():
        closed = sum(row.closed for row in report.units if row.service == service)
        if one.counts == CASES and closed != ended[service]:
            rows = [row.row for row in report.outcomes if row.service == service]
            rows += [row.row for row in report.units if row.service == service]
            yield Finding(min(rows), "units", "outcome-sum")


def _check_costs(report: Report, units: FundUnits) -> Iterator[Finding]:
    reported, billed = _sums((row.service, row.units) for row in report.units), Counter[str]()
    seen: set[tuple[int, str, str, int | None]] = set()
    for cost in report.costs:
        line = units.lines[cost.line]
        if line.is_off:
            yield Finding(cost.row, "line", "line-off")
        if line.priced:
            if cost.units is None or cost.price_cents is None or not cost.service:
                yield Finding(cost.row, "price", "unpriced")
            else:
                if cost.units * cost.price_cents != cost.amount_cents:
                    yield Finding(cost.row, "amount", "arithmetic")
                billed[cost.service] += cost.units
                if billed[cost.service] > reported[cost.service]:
                    yield Finding(cost.row, "units", "units-billed")
                service = units.services[cost.service]
                if service.cap_cents is not None and cost.price_cents > service.cap_cents:
                    yield Finding(cost.row, "price", "over-cap" if service.cap_decides else "cap-not-adopted")
        elif cost.units is not None or cost.price_cents is not None:
            yield Finding(cost.row, "units", "priced")
        # personnel may stand on one invoice twice with two amounts; a service at the agreed price may not
        key = (cost.invoice, cost.line, cost.service, None if line.priced else cost.amount_cents)
        if key in seen:
            yield Finding(cost.row, "line", "twice-on-invoice")
        seen.add(key)
    total = sum(cost.amount_cents for cost in report.costs)
    for word, line in units.lines.items():
        own = [cost for cost in report.costs if cost.line == word]
        charged = sum(cost.amount_cents for cost in own)
        if line.share_percent is not None and charged * 100 > (total - charged) * line.share_percent:
            yield Finding(own[-1].row, "amount", "share-over" if line.decides else "share-not-adopted")


def _sums(pairs: Iterable[tuple[str, int]]) -> Counter[str]:
    sums = Counter[str]()
    for key, value in pairs:
        sums[key] += value
    return sums


def _against(report: Report, agreement: Agreement) -> Iterator[Finding]:
    if report.agreement != agreement.id:
        yield Finding(0, "agreement", "other-agreement")
    if report.first < agreement.first or report.last > agreement.last:
        yield Finding(0, "from", "outside-term")
    if any(first <= report.last and report.first <= last for first, last in agreement.periods):
        yield Finding(0, "from", "overlap")
    sums = Counter[str]()
    for row in report.units:
        agreed = agreement.units.get(row.service)
        if agreed is None:
            yield Finding(row.row, "service", "not-agreed")
            continue
        # a case that is carried was bought in the period that opened it
        sums[row.service] += row.units - row.carried
        if sums[row.service] + agreement.used_units.get(row.service, 0) > agreed:
            yield Finding(row.row, "units", "units-over")
        if agreement.left_open is not None and row.carried != agreement.left_open.get(_key(row), 0):
            yield Finding(row.row, "carried", "carried-other")
    told = {_key(row) for row in report.units}
    if any(count and key not in told for key, count in (agreement.left_open or {}).items()):
        yield Finding(0, "carried", "carried-other")


def _costs_against(report: Report, agreement: Agreement) -> Iterator[Finding]:
    spent = Counter[str]()
    for cost in report.costs:
        if cost.invoice in agreement.invoices:
            yield Finding(cost.row, "invoice", "duplicate-invoice")
        if cost.price_cents is not None and cost.price_cents != agreement.prices.get(cost.service):
            yield Finding(cost.row, "price", "other-price")
        budget = agreement.budget.get(cost.line)
        if budget is None:
            yield Finding(cost.row, "line", "not-budgeted")
            continue
        spent[cost.line] += cost.amount_cents
        if spent[cost.line] + agreement.used_budget.get(cost.line, 0) > budget:
            yield Finding(cost.row, "amount", "line-over")
