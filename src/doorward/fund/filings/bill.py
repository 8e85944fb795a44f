"""An invoice of a report as a claim of the ledger. Pure."""

import uuid
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from doorward.fund.filings.decide import need_report
from doorward.fund.filings.standing import Kept, OnFile
from doorward.fund.ledger.operations import File, Part, Submission
from doorward.fund.ledger.refusal import Refusal, RefusedError, refuse, refused

MAX_TIMES: Final = 99


@dataclass(frozen=True, slots=True)
class Bill:
    """That somebody files an invoice of a report.

    Args:
        key: The same a second time finds what the first did.
        invoice: Its number in the report.
        year: The fiscal year that it is charged to.
        recoup: How many cents of a line and service of the ledger an advance has paid.
    """

    key: uuid.UUID
    by: str
    day: date
    report: int
    invoice: int
    year: int
    recoup: Mapping[tuple[str, str], int] = field(default_factory=dict)


def charge(held: OnFile, kept: Kept, invoice: int) -> dict[tuple[str, str], int]:
    """Return the cents of an invoice by line and service of the ledger, as the terms charge them; none of nought."""
    terms = held.agreed
    words = {one.word: (one.line, one.service) for one in terms.charged} if terms else {}
    sums: Counter[tuple[str, str]] = Counter()
    for cost in kept.report.costs:
        if cost.invoice != invoice or not cost.amount_cents:
            continue
        place = words.get(cost.service) or words.get(cost.line)
        if place is None:
            raise refused(
                "charged", f"the terms do not say where row {cost.row} is charged: they need an amendment"
            )
        sums[place] += cost.amount_cents
    return dict(sorted(sums.items()))


def make_invoice(held: OnFile, bill: Bill, claims: Collection[str]) -> Submission | Refusal:
    """Return the claim to submit, or why there is none.

    Args:
        held: What is on file of the report's agreement.
        bill: From anybody; the login is the caller's to prove.
        claims: Ids of claims that this invoice had before; those that stand the ledger finds by their number.
    """
    try:
        kept = need_report(held, bill.report)
        if kept.open:
            raise refused("finding", "; ".join(str(one) for one in kept.open[:20]))
        if bill.by in held.reviewers:
            raise refused("independent", "who reviewed a report of the agreement does nothing else with it")
        sums = charge(held, kept, bill.invoice)
        if not sums:
            raise refused("invoice", f"the report {bill.report} bills nothing on an invoice {bill.invoice}")
        if set(bill.recoup) - sums.keys():
            raise refused("form", "an advance is recouped on a line and service that the invoice has")
    except RefusedError as error:
        return error.refusal
    base = f"report-{bill.report}-{bill.invoice}"
    names = [base, *(f"{base}-{at}" for at in range(2, MAX_TIMES + 1))]
    free = next((one for one in names if one not in claims), None)
    if free is None:
        return refuse("invoice", "the invoice was filed and withdrawn too often")
    parts = tuple(
        Part(bill.year, line, cents, service, bill.recoup.get((line, service), 0))
        for (line, service), cents in sums.items()
    )
    made = File(
        free,
        kept.report.agreement,
        "invoice",
        str(bill.invoice),
        kept.report.first,
        kept.report.last,
        parts,
    )
    return Submission(bill.key, bill.by, bill.day, made)
