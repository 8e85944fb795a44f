"""The findings of a report as pages show them, with the exceptions that were asked and granted."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from doorward.desk.templatetags.dollars import dollars
from doorward.fund.filings.standing import Exception_, Kept
from doorward.fund.grantee.checks import RULES, Finding


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding on a page.

    Args:
        word: By which a form names it.
        asked: The exceptions that were asked for it, the latest last.
        can_ask: An exception may pass its rule, and none is granted.
        reasons: The order's words of a reason.
    """

    word: str
    finding: Finding
    asked: tuple[Exception_, ...]
    can_ask: bool
    reasons: Mapping[str, str]

    @property
    def where(self) -> str:
        """The place, in words."""
        return f"Row {self.finding.row}, {self.finding.column}" if self.finding.row else "The whole report"

    @property
    def granted(self) -> Exception_ | None:
        """The exception that passes it."""
        return next((one for one in self.asked if one.granted_by), None)

    @property
    def waiting(self) -> Exception_ | None:
        """An exception that waits for another person."""
        return None if self.granted else next((one for one in reversed(self.asked)), None)

    @property
    def reason(self) -> str:
        """The reason of the exception that passes it or waits, in the order's words, or its code where it has none."""
        one = self.granted or self.waiting
        return "" if one is None else self.reasons.get(one.reason, one.reason)


def _word(finding: Finding) -> str:
    return f"{finding.row} {finding.column} {finding.rule}"


def show_findings(kept: Kept, reasons: Mapping[str, str]) -> list[Shown]:
    """Return the findings of a report, in the order of its rows.

    Args:
        kept: The report.
        reasons: The order's words of a reason, by its code.
    """
    found = []
    for one in kept.findings:
        asked = tuple(other for other in kept.exceptions if other.finding == one)
        granted = any(other.granted_by for other in asked)
        can_ask = RULES[one.rule][1] and not one.refers and not granted and kept.stands
        found.append(Shown(_word(one), one, asked, can_ask, reasons))
    return found


def show_counts(kept: Kept) -> dict[str, object]:
    """Return the rows of a report as a page shows them, with amounts in dollars."""
    costs = [
        {
            **asdict(one),
            "amount": f"${dollars(one.amount_cents)}",
            "price": "" if one.price_cents is None else f"${dollars(one.price_cents)}",
        }
        for one in kept.report.costs
    ]
    return {"units": kept.report.units, "outcomes": kept.report.outcomes, "costs": costs}


def finding_of(kept: Kept, word: str) -> Finding | None:
    """Return the finding that a form names, or None."""
    return next((one for one in kept.findings if _word(one) == word), None)
