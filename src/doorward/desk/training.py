"""Training: who has worked through which version of what a front desk learns, and who must again.

A person acknowledges by signing in and saying so; a shared phone by a drill that it files, for its place. The version
is of what is learned: a new order with the same steps and words asks nobody again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Q

from doorward.desk.access import Actor
from doorward.desk.csv_text import format_csv
from doorward.desk.front_mount import compiled_for, protocols_tenants, withheld_now
from doorward.desk.history import NotAllowedError
from doorward.desk.models import Assignment, Place, Training
from doorward.desk.recorder import recorder
from doorward.desk.roles import Role
from doorward.record.entry import Field, Kind

ACT: Final = "train"
EVERYWHERE: Final = frozenset({Role.LAW, Role.AUDITOR})
OF_TENANT: Final = frozenset({Role.SUPERVISOR, Role.ADMINISTRATOR})
TRAINED: Final = frozenset({Role.STAFF, Role.SUPERVISOR, Role.ADMINISTRATOR})
"""Who stands at a front desk; those who oversee people do where a phone stands in their own unit."""
CURRENT, AGAIN, NEVER = "has worked through it", "must again: it is a newer version", "has not yet"
HEAD: Final = ("who", "kind", "tenant", "unit", "standing", "version", "when")


@dataclass(frozen=True, slots=True)
class Learns:
    """One who has to know a tenant's protocols: a person by login, or a place of a phone."""

    who: str
    kind: str
    tenant: str
    unit: str
    standing: str
    version: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """What somebody is asked to work through.

    Args:
        done: When they did, or None.
    """

    tenant: str
    name: str
    version: str
    done: datetime | None


def version_of(tenant: str, now: datetime) -> str:
    """Return the version of what a tenant's front desks learn now."""
    return str(compiled_for(tenant, withheld_now(tenant, now))["training"])


def offers(actor: Actor) -> list[Offer]:
    """Return what somebody is asked to work through: of the tenants that they work for."""
    found = []
    for tenant in sorted({one.tenant for one in actor.assignments} & set(protocols_tenants())):
        compiled = compiled_for(tenant, withheld_now(tenant, actor.now))
        version = str(compiled["training"])
        done = Training.objects.filter(account=actor.account, tenant=tenant, version=version).first()
        name = str(compiled["tenant"]["name"])
        found.append(Offer(tenant, name, version, None if done is None else done.at))
    return found


def acknowledge(actor: Actor, tenant: str, version: str) -> Training:
    """Return that somebody has worked through a version; a second time is the first.

    Args:
        version: As the page had it: a newer one meanwhile is not acknowledged by it.

    Raises:
        NotAllowedError: They do not work for that tenant, or it is not the version in force.
        StoreError: It cannot be recorded; nothing was done.
    """
    offer = next((one for one in offers(actor) if one.tenant == tenant), None)
    if offer is None:
        raise NotAllowedError("you work for no front desk of that tenant")
    if offer.version != version:
        raise NotAllowedError("it has changed meanwhile", hint="work through it again")
    with transaction.atomic():
        there = Training.objects.select_for_update().filter(
            account=actor.account, tenant=tenant, version=version
        )
        before = there.first()
        if before is not None:
            return before
        role = next(one.role for one in actor.assignments if one.tenant == tenant)
        fields = {
            Field.LOGIN: actor.account.login, Field.AUTHENTICATION: role, Field.WHAT: tenant, Field.ACT: ACT,
            Field.DIGEST: version,
        }  # fmt: skip
        told = tuple((field, fields[field].encode()) for field in sorted(fields))
        entry = recorder().record([(Kind.ACT, told)], now=actor.now)
        return Training.objects.create(
            tenant=tenant, version=version, account=actor.account, at=actor.now, entry=entry
        )


def tenants_overseen(actor: Actor) -> tuple[str, ...]:
    """Return the tenants whose list somebody may see; none where they oversee nobody."""
    known = protocols_tenants()
    if actor.roles & EVERYWHERE:
        return known
    own = {one.tenant for one in actor.assignments if Role(one.role) in OF_TENANT & actor.roles}
    return tuple(tenant for tenant in known if tenant in own)


def list_learners(actor: Actor) -> list[Learns]:
    """Return who has and who has not, of the tenants that somebody oversees; who must is first."""
    found: list[Learns] = []
    for tenant in tenants_overseen(actor):
        version = version_of(tenant, actor.now)
        found += _people(tenant, version, actor.now)
        found += _places(tenant, version)
    return sorted(found, key=lambda one: (one.standing == CURRENT, one.tenant, one.unit, one.kind, one.who))


def as_csv(rows: Iterable[Learns]) -> bytes:
    """Return the list as CSV."""
    return format_csv(
        HEAD,
        (
            (
                one.who,
                one.kind,
                one.tenant,
                one.unit,
                one.standing,
                one.version,
                one.at.isoformat() if one.at else "",
            )
            for one in rows
        ),
    )


def _people(tenant: str, version: str, now: datetime) -> list[Learns]:
    held = Assignment.objects.filter(
        Q(begins__lte=now, until__gt=now), tenant=tenant, role__in=[role.value for role in TRAINED],
        account__is_active=True,
    ).select_related("account")  # fmt: skip
    desks = set(Place.objects.filter(tenant=tenant).values_list("unit", flat=True))
    units: dict[tuple[int, str], str] = {}
    for one in held.order_by("pk"):
        if Role(one.role) is Role.STAFF or one.unit in desks:
            units.setdefault((one.account_id, one.account.login), one.unit)
    last = {
        one.account_id: one
        for one in Training.objects.filter(tenant=tenant, account__in=[key for key, _ in units])
        if one.account_id is not None
    }
    return [
        _learns(login, "person", tenant, unit, last.get(key), version) for (key, login), unit in units.items()
    ]


def _places(tenant: str, version: str) -> list[Learns]:
    places = Place.objects.filter(tenant=tenant, phones__isnull=False).distinct().order_by("slug")
    last = {one.place_id: one for one in Training.objects.filter(tenant=tenant, place__in=places)}
    return [_learns(one.slug, "place", tenant, one.unit, last.get(one.pk), version) for one in places]


def _learns(  # noqa: PLR0917  # the columns of a row
    who: str, kind: str, tenant: str, unit: str, last: Training | None, version: str
) -> Learns:
    if last is None:
        return Learns(who, kind, tenant, unit, NEVER)
    standing = CURRENT if last.version == version else AGAIN
    return Learns(who, kind, tenant, unit, standing, last.version, last.at)
