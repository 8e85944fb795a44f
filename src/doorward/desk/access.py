"""May this person see or do this? Every view and every action asks here; fetching is authorising.

Nobody gets a matter otherwise than by `matters` or `matter_of`. What somebody may not see does not exist for them:
the answer is the same as for an id that nobody ever gave.

- Whoever filed it sees it, and whoever is of the same tenant and unit as it was filed in.
- The law department sees every matter; other offices those that are sent to them, in their tenant.
- Auditors see every matter; security officers see none: their door is the database.
- Grantees of the fund and its reviewers see none: nothing but their own pages exists for them.
- A sealed matter is seen by its named counsel alone until its date, whatever else somebody is.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from doorward.desk.models import (
    Account,
    Assignment,
    Letter,
    Matter,
    MatterClock,
    Paper,
    RecordsAnswer,
    State,
    Visit,
)
from doorward.desk.roles import OUTSIDERS, POWER, Act, Role, may

OFFICE = {
    Role.LAW: "law",
    Role.SUPERVISOR: "supervisor",
    Role.ADMINISTRATOR: "administrator",
    Role.CERTIFIER: "certifying-official",
    Role.FUND: "fund-manager",
}

# Decided, with a clock that runs: somebody has to act by a date, as on a certification or a court's return date.
WAITS = Q(state=State.WAITING) | Q(
    Exists(MatterClock.objects.filter(matter=OuterRef("pk"), runs=True, letter=None)), state=State.DECIDED
)


@dataclass(frozen=True)
class Actor:
    """Somebody who is signed in, as what they are now.

    Args:
        account: Who.
        assignments: Those that have begun and not ended.
        is_strong: A second factor, or a passkey, was given in this session.
        now: When this was looked at.
    """

    account: Account
    assignments: tuple[Assignment, ...]
    is_strong: bool
    now: datetime

    @property
    def roles(self) -> frozenset[Role]:
        """What they are now; a role with power counts only behind a second factor.

        Who is a grantee or a reviewer of the fund is that and nothing else, whatever else they were given.
        """
        held = {Role(one.role) for one in self.assignments}
        held = next(({role} for role in (Role.GRANTEE, Role.REVIEWER) if role in held), held)
        return frozenset(held if self.is_strong else held - POWER)

    @property
    def lacks_factor(self) -> bool:
        """Whether a role of theirs waits for a second factor."""
        return not self.is_strong and any(Role(one.role) in POWER for one in self.assignments)

    def may(self, act: Act) -> bool:
        """Return whether they may do this at all."""
        return may(self.roles, act)

    def assignment(self, roles: frozenset[Role]) -> Assignment | None:
        """Return by what they act, where one of these roles may."""
        usable = self.roles & roles
        return next((one for one in self.assignments if Role(one.role) in usable), None)


def find_actor(account: Account, *, is_strong: bool, now: datetime) -> Actor:
    """Return who this is now."""
    held = account.assignments.filter(begins__lte=now, until__gt=now).order_by("id")
    return Actor(account, tuple(held), is_strong, now)


def matters(actor: Actor) -> QuerySet[Matter]:
    """Return the matters that somebody may see."""
    if is_outsider(actor):
        return Matter.objects.none()
    seen = Q(filed_by=actor.account)
    for one in actor.assignments:
        role = Role(one.role)
        if role not in actor.roles:
            continue
        if one.unit:
            seen |= Q(tenant=one.tenant, unit=one.unit)
        if role in {Role.LAW, Role.AUDITOR}:
            seen |= Q(pk__isnull=False)
        elif role in OFFICE:
            seen |= Q(tenant=one.tenant, addressee=OFFICE[role])
    sealed = Q(sealed_until__gt=actor.now)
    counsel = Matter.counsel.through.objects.filter(account_id=actor.account.pk).values("matter_id")
    return Matter.objects.filter((seen & ~sealed) | (sealed & Q(pk__in=counsel)))


def matter_of(actor: Actor, key: uuid.UUID) -> Matter | None:
    """Return a matter, or None where there is none for this person."""
    return matters(actor).filter(pk=key).first()


def paper_of(actor: Actor, key: uuid.UUID) -> Paper | None:
    """Return a paper of a matter that somebody may see, or None where there is none for this person."""
    return Paper.objects.filter(pk=key, matter__in=matters(actor)).select_related("matter").first()


def own_matters(actor: Actor) -> QuerySet[Matter]:
    """Return what somebody filed and may see: all that a program ever sees."""
    return matters(actor).filter(filed_by=actor.account)


def waiting_for(actor: Actor) -> QuerySet[Matter]:
    """Return what waits for an office of theirs, the most urgent first; what has no clock that runs is last."""
    offices = [OFFICE[role] for role in actor.roles if role in OFFICE]
    return matters(actor).filter(WAITS, addressee__in=offices).order_by("due", "filed")


def answers(actor: Actor, matter: Matter) -> bool:
    """Whether a matter waits for an office of theirs; nobody answers what they filed themselves."""
    return waits_for(actor, matter) and matter.filed_by_id != actor.account.pk


def waits_for(actor: Actor, matter: Matter) -> bool:
    """Whether an office of theirs has to answer: the order referred it, or decided it and a clock runs."""
    offices = {OFFICE[role] for role in actor.roles if role in OFFICE}
    return matter.addressee in offices and Matter.objects.filter(WAITS, pk=matter.pk).exists()


def letter_of(actor: Actor, matter: Matter, key: uuid.UUID) -> Letter | None:
    """Return a letter of a matter that somebody sees, or None: a draft is seen by those who answer, and by auditors."""
    found = matter.letters.filter(pk=key).first()
    if found is None or found.matter_id != matter.pk or matter_of(actor, matter.pk) is None:
        return None
    is_sent = found.steps.filter(step="sent").exists()
    return found if is_sent or sees_drafts(actor) else None


def sees_drafts(actor: Actor) -> bool:
    """Whether letters that have not been sent are shown."""
    return actor.may(Act.WRITE) or Role.AUDITOR in actor.roles


def visits(actor: Actor) -> QuerySet[Visit]:
    """Return the visits that somebody may see: of their own unit, or all where they oversee the front desks."""
    if is_outsider(actor):
        return Visit.objects.none()
    if actor.roles & {Role.LAW, Role.AUDITOR}:
        return Visit.objects.all()
    seen = Q(pk__isnull=True)
    for one in actor.assignments:
        if Role(one.role) in actor.roles and one.unit:
            seen |= Q(place__tenant=one.tenant, place__unit=one.unit)
    return Visit.objects.filter(seen)


def visit_of(actor: Actor, key: uuid.UUID) -> Visit | None:
    """Return a visit, or None where there is none for this person."""
    return visits(actor).filter(pk=key).select_related("place").first()


def sees_names(actor: Actor) -> bool:
    """Whether fields that name a person are shown: to whoever answers for the visit, and to no auditor."""
    return bool(actor.roles - {Role.AUDITOR})


def reported(now: datetime) -> QuerySet[Matter]:
    """Return the matters that reports and totals are made of: the same for everybody, nothing sealed, and no drill."""
    return Matter.objects.filter(drill=False).exclude(sealed_until__gt=now)


def reported_visits() -> QuerySet[Visit]:
    """Return the visits that reports and totals are made of: no drill."""
    return Visit.objects.filter(drill=False)


def sees_reports(actor: Actor) -> bool:
    """Whether somebody sees the reports, with the rows behind their numbers."""
    return bool(actor.roles & {Role.LAW, Role.AUDITOR})


def sees_custody(actor: Actor) -> bool:
    """Whether somebody sees what was imported from the custody system, and answers to requests for records."""
    return bool(actor.roles & {Role.LAW, Role.CUSTODIAN, Role.AUDITOR})


def records_requests(actor: Actor, kinds: Collection[str]) -> QuerySet[Matter]:
    """Return the requests for public records that somebody may see: custodians those of their tenant too (ADR 54)."""
    seen = Q(pk__in=matters(actor).values("pk"))
    for one in actor.assignments:
        if Role(one.role) == Role.CUSTODIAN and Role.CUSTODIAN in actor.roles:
            seen |= Q(pk__in=reported(actor.now).filter(tenant=one.tenant).values("pk"))
    return Matter.objects.filter(seen, kind__in=kinds) if sees_custody(actor) else Matter.objects.none()


def answers_to_records(actor: Actor, kinds: Collection[str]) -> QuerySet[RecordsAnswer]:
    """Return the answers to requests for records that somebody may see."""
    return RecordsAnswer.objects.filter(matter__in=records_requests(actor, kinds))


def responsive(answer: RecordsAnswer, now: datetime) -> tuple[QuerySet[Matter], QuerySet[Visit]]:
    """Return what may respond to a request: of its tenant, not sealed, no drill; the same for all who see it."""
    tenant = answer.matter.tenant
    return reported(now).filter(tenant=tenant), reported_visits().filter(place__tenant=tenant)


def is_outsider(actor: Actor) -> bool:
    """Whether somebody is a grantee or a reviewer of the fund, for whom nothing else of the desk exists."""
    return any(Role(one.role) in OUTSIDERS for one in actor.assignments)


def is_grantee(actor: Actor) -> bool:
    """Whether somebody files for one grantee of the fund."""
    return grantee_of(actor) is not None


def is_reviewer(actor: Actor) -> bool:
    """Whether somebody reviews reports of grantees."""
    return Role.REVIEWER in actor.roles


def grantee_of(actor: Actor) -> str | None:
    """Return the one grantee that somebody files for, or None; who was given two files for none."""
    if Role.GRANTEE not in actor.roles:
        return None
    units = {one.unit for one in actor.assignments if Role(one.role) is Role.GRANTEE}
    return units.pop() or None if len(units) == 1 else None


def sees_fund(actor: Actor) -> bool:
    """Whether somebody sees the fund's ledger: whoever keeps or approves, and auditors."""
    return bool(actor.roles & {Role.FUND, Role.DIRECTOR, Role.AUDITOR})
