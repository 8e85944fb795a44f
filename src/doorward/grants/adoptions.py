"""Whether a tenant has adopted the rule of a kind of place, and by what act: pure.

A record decides where there is any about this tenant and kind; without one the order's own word does, from its day on.
So a tenant that takes its adoption back is out at once, whatever a signed order says of it.

Source: question 9.9 of the sample order; MCC 2-173-020(c) speaks of the City's own facilities.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from doorward.grants.records import Record, RecordKind, are_about, find_in_force

BY_ORDER = "order"


@dataclass(frozen=True, slots=True)
class OrderAdoption:
    """The order's own word that a tenant adopted a rule.

    Args:
        on: Its day, in the city.
    """

    by: str
    on: date
    act: str


@dataclass(frozen=True, slots=True)
class Adopted:
    """An adoption that is in force.

    Args:
        source: The id of the record, or `BY_ORDER`.
        until: Its end, or None where it has none.
    """

    source: str
    until: datetime | None


def subject(tenant: str, kind: str) -> str:
    """Return what an adoption is about, as a record names it."""
    return f"{tenant}.{kind}"


def find_adoption(
    tenant: str,
    kind: str,
    records: Sequence[Record],
    *,
    by_order: Mapping[tuple[str, str], OrderAdoption],
    moment: datetime,
) -> Adopted | None:
    """Return the adoption that is in force at a moment, or None.

    Args:
        by_order: By tenant and kind of place.
        moment: Aware, on the city's own clock.
    """
    about = subject(tenant, kind)
    if are_about(records, RecordKind.ADOPTION, about):
        found = find_in_force(records, RecordKind.ADOPTION, about, now=moment)
        return None if found is None else Adopted(found.id, found.until)
    word = by_order.get((tenant, kind))
    return Adopted(BY_ORDER, None) if word is not None and word.on <= moment.date() else None
