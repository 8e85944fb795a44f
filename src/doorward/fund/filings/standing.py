"""What is on file of an agreement, as values. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from doorward.fund.filings.acts import SetTerms
from doorward.fund.grantee import checks
from doorward.fund.grantee.checks import Excuse, Finding
from doorward.fund.grantee.report import Report
from doorward.fund.ledger.state import Agreement, Rules


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms of an agreement, by the number of their filing; nobody accepted them where ``accepted_by`` is empty."""

    number: int
    by: str
    terms: SetTerms
    accepted_by: str = ""


@dataclass(frozen=True, slots=True)
class Exception_:  # noqa: N801  # `Exception` is Python's; the word is the order's
    """An exception that was asked, and granted where ``granted_by`` is not empty."""

    number: int
    finding: Finding
    reason: str
    asked_by: str
    granted_by: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """What was drawn of a report."""

    number: int
    leaf: int
    root: str
    wanted: int


@dataclass(frozen=True, slots=True)
class Review:
    """What the reviewer found; answers in the order of what was drawn."""

    number: int
    by: str
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """A report on file.

    Args:
        number: Of its filing.
        day: On which it was filed.
        entry: Sequence of its entry in the record.
        returned_by: Empty while it stands.
    """

    number: int
    by: str
    day: date
    entry: int
    report: Report
    findings: tuple[Finding, ...]
    exceptions: tuple[Exception_, ...] = ()
    returned_by: str = ""
    sample: Sample | None = None
    review: Review | None = None

    @property
    def stands(self) -> bool:
        """Whether it was not returned."""
        return not self.returned_by

    @property
    def open(self) -> tuple[Finding, ...]:
        """The findings that stop it; what only refers is not among them."""
        granted = {one.finding for one in self.exceptions if one.granted_by}
        return tuple(one for one in self.findings if not one.refers and one not in granted)

    @property
    def status(self) -> str:
        """One word: ``returned``, ``stopped`` by a finding, or ``clear``."""
        if not self.stands:
            return "returned"
        return "stopped" if self.open else "clear"

    def excuses(self) -> tuple[Excuse, ...]:
        """Return the granted exceptions as the checks take them."""
        return tuple(
            Excuse(one.finding, one.reason, one.asked_by, one.granted_by)
            for one in self.exceptions
            if one.granted_by
        )


@dataclass(frozen=True, slots=True)
class OnFile:
    """Everything that is on file of one agreement.

    Args:
        parties: Logins that did anything with the agreement but draw and review.
        waiting: Reports with a claim that is not withdrawn.
        delivered: Way and quarter of each table that came.
        closed: Quarters that take no more tables.
    """

    rules: Rules
    agreement: Agreement | None
    terms: tuple[Terms, ...] = ()
    reports: Mapping[int, Kept] = field(default_factory=dict)
    parties: frozenset[str] = frozenset()
    waiting: frozenset[int] = frozenset()
    delivered: frozenset[tuple[str, str]] = frozenset()
    closed: frozenset[str] = frozenset()

    @property
    def standing(self) -> list[Kept]:
        """The reports that were not returned, by their period."""
        return sorted(
            (one for one in self.reports.values() if one.stands),
            key=lambda one: (one.report.last, one.number),
        )

    @property
    def reviewers(self) -> frozenset[str]:
        """Logins that reviewed a report of the agreement."""
        return frozenset(one.review.by for one in self.reports.values() if one.review)

    @property
    def agreed(self) -> SetTerms | None:
        """The terms that count: the last that were accepted."""
        accepted = [one for one in self.terms if one.accepted_by]
        return accepted[-1].terms if accepted else None

    def terms_for_checks(self, begins: date) -> checks.Agreement | None:
        """Return the agreement as the checks take it, with what standing reports used; None without terms.

        Args:
            begins: Of the report that is checked: the cases that it carries are those of the last one before it.
        """
        terms, agreement = self.agreed, self.agreement
        if terms is None or agreement is None:
            return None
        standing = self.standing
        before = [one for one in standing if one.report.last < begins]
        used_units, used_budget = Counter[str](), Counter[str]()
        for kept in standing:
            for row in kept.report.units:
                used_units[row.service] += row.units - row.carried
            for cost in kept.report.costs:
                used_budget[cost.line] += cost.amount_cents
        return checks.Agreement(
            id=agreement.id,
            first=agreement.begins,
            last=agreement.ends,
            units={one.service: one.units for one in terms.bought},
            prices={one.service: one.price_cents for one in terms.bought},
            budget={one.line: one.cents for one in terms.budget},
            used_units=used_units,
            used_budget=used_budget,
            periods=[(one.report.first, one.report.last) for one in standing],
            invoices=frozenset(cost.invoice for one in standing for cost in one.report.costs),
            left_open=_left_open(before[-1].report) if before else None,
        )

    def with_report(self, kept: Kept) -> "OnFile":
        """Return it with a report put in or changed."""
        return replace(self, reports={**self.reports, kept.number: kept})


def _left_open(report: Report) -> dict[tuple[str, str, str], int]:
    """Return the cases that a report leaves open, by service, detention and stage."""
    left: Counter[tuple[str, str, str]] = Counter()
    for row in report.units:
        left[row.service, row.detained, row.stage] += row.opened + row.carried - row.closed
    return {key: count for key, count in left.items() if count > 0}
