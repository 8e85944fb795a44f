"""Reports of grantees as the desk reaches them: what somebody may see of them, and what they file.

A grantee reaches its own agreements and nothing else; every fetch goes through `own_agreements` and `own_on_file`.
"""

import uuid
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from django.conf import settings

from doorward.desk.access import Actor, grantee_of, sees_fund
from doorward.desk.fund import link
from doorward.desk.history import NotAllowedError
from doorward.desk.order import fund_units
from doorward.desk.roles import MAY, Act, Role
from doorward.desk.templatetags.dollars import dollars
from doorward.fund.entries import Proof
from doorward.fund.filings import acts, rows
from doorward.fund.filings.bill import Bill, charge
from doorward.fund.filings.standing import Kept, OnFile
from doorward.fund.filings.store import Filed, Filings
from doorward.fund.ledger.refusal import Refusal, RefusedError
from doorward.fund.ledger.state import APPROVED, PAID, WAITING, WITHDRAWN, Agreement, Claim, State
from doorward.fund.store import Receipt

SAYS = {
    WAITING: "filed, waits for approval",
    APPROVED: "approved, due",
    PAID: "paid",
    WITHDRAWN: "withdrawn",
}


def today(actor: Actor) -> date:
    """Return the day in the city."""
    return actor.now.astimezone(ZoneInfo(settings.DESK.time_zone)).date()


def file(
    actor: Actor, act: acts.Act, *, key: uuid.UUID, may: Act, people: rows.People | None = None
) -> Filed | Refusal:
    """Return what was put on file, or why nothing was; raises as `link.submit`.

    Args:
        may: By which they may.
        people: Of a table that is delivered.
    """
    by = actor.assignment(MAY[may])
    if by is None:
        raise NotAllowedError("as what you are signed in, this is not yours to do")
    filing = acts.Filing(key, link.login_of(actor), today(actor), act)
    with link.borrow() as store:
        return Filings(store, fund_units()[0]).file(
            filing, now=actor.now, people=people, proof=Proof(f"desk {by.role}")
        )


def bill(actor: Actor, kept: Kept, invoice: int, *, year: int, key: uuid.UUID) -> Receipt | Refusal:
    """Return the claim of an invoice of a report; raises as `link.submit`."""
    by = actor.assignment(MAY[Act.FUND_REPORT])
    if by is None:
        raise NotAllowedError("as what you are signed in, this is not yours to do")
    asked = Bill(key, link.login_of(actor), today(actor), kept.number, invoice, year)
    with link.borrow() as store:
        return Filings(store, fund_units()[0]).bill(
            asked, now=actor.now, prove=lambda _: Proof(f"desk {by.role}")
        )


def read_on_file(agreement: str) -> OnFile:
    """Return everything on file of an agreement, for whoever may see it; raises as `link.read`."""
    return link.read(lambda connection: rows.read_on_file(connection, agreement))


def own_agreements(actor: Actor, state: State) -> list[Agreement]:
    """Return the agreements of the grantee that somebody files for; of nobody else's there is none."""
    grantee = grantee_of(actor)
    return sorted(
        (one for one in state.agreements.values() if grantee is not None and one.grantee == grantee),
        key=lambda one: (one.begins, one.id),
    )


def own_on_file(actor: Actor, agreement: str) -> OnFile | None:
    """Return what is on file of an agreement of theirs, or None as for an id that nobody ever gave."""
    held = read_on_file(agreement)
    grantee = grantee_of(actor)
    if grantee is None or held.agreement is None or held.agreement.grantee != grantee:
        return None
    return held


def seen_on_file(actor: Actor, *, closed: bool = False) -> list[OnFile]:
    """Return what is on file of every agreement, for who sees the fund or reviews reports of it; else nothing.

    Args:
        closed: Of those that are closed out, in place of those that are not.
    """
    if not (sees_fund(actor) or Role.REVIEWER in actor.roles):
        return []
    return link.read(lambda connection: rows.read_all_on_file(connection, closed=closed))


def seen_report(actor: Actor, number: int) -> tuple[OnFile, Kept] | None:
    """Return a report and all that is on file of its agreement, or None where there is none for this person."""
    if not (sees_fund(actor) or Role.REVIEWER in actor.roles):
        return None
    held = link.read(lambda connection: rows.read_of_report(connection, number))
    return None if held is None else (held, held.reports[number])


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice of a report, and how far it is.

    Args:
        cents: That the report bills.
        claims: Of the ledger, the latest last; withdrawn ones too.
    """

    number: int
    cents: int
    claims: tuple[Claim, ...]
    is_charged: bool

    @property
    def standing(self) -> Claim | None:
        """The claim that is not withdrawn."""
        return next((one for one in self.claims if one.status != WITHDRAWN), None)

    @property
    def dollars(self) -> str:
        """What it bills, in dollars."""
        return f"${dollars(self.cents)}"

    @property
    def says(self) -> str:
        """How far it is, in words."""
        return SAYS[self.standing.status] if self.standing else "not filed"


def invoices_of(held: OnFile, kept: Kept, state: State) -> list[Invoice]:
    """Return the invoices of a report, by their numbers."""
    found = []
    for number in sorted({cost.invoice for cost in kept.report.costs}):
        cents = sum(cost.amount_cents for cost in kept.report.costs if cost.invoice == number)
        name = f"report-{kept.number}-{number}"
        claims = [
            one
            for one in state.claims.values()
            if one.agreement == kept.report.agreement and (one.id == name or one.id.startswith(f"{name}-"))
        ]
        try:
            is_charged = bool(charge(held, kept, number))
        except RefusedError:
            is_charged = False
        found.append(Invoice(number, cents, tuple(claims), is_charged))
    return found


def owed(claim: Claim) -> int:
    """Return the cents of a claim that an advance has not paid."""
    return sum(part.cents - part.recoup for part in claim.parts)


def year_of(state: State, kept: Kept) -> int | None:
    """Return the open fiscal year in which a report's period ends, or None where there is none."""
    days = ((year.year, year.begins, year.ends) for year in state.years.values() if not year.closed)
    return next((year for year, begins, ends in days if begins <= kept.report.last <= ends), None)
