"""What matters rest on: kept with each decision, found by a record's id, and listed where it stands no longer.

A matter rests on what its last decision read. Where a record ended, was taken back or lost its signer, where a place's
entry has changed, or where a register that could not be read can be read again, the matter is listed, for somebody of
the law department to have the order asked again. Nothing is decided anew by itself: letters may be out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import Exists, OuterRef, Q, QuerySet

from doorward.desk.access import Actor, matters
from doorward.desk.deciding import Decided
from doorward.desk.models import Matter, Reading, State
from doorward.desk.records_on_file import state_of
from doorward.desk.registers_read import read_registers
from doorward.grants.consulting import Consulted, Register, Registers
from doorward.grants.records import Record

GONE: Final = frozenset({"taken back", "signer gone"})
OVER: Final = "over"
UNTRIED: Final = "untried"  # too much to try
MAX_LISTED: Final = 200
PARTS: Final = {
    Register.DECLARATIONS.value: "records", Register.ADOPTIONS.value: "records", Register.CASES.value: "records",
    Register.PEOPLE.value: "people", Register.PLACES.value: "places",
}  # fmt: skip
"""Which part of the registers each reads."""


@dataclass(frozen=True, slots=True)
class Shaken:
    """A matter whose ground has changed, and how."""

    matter: Matter
    why: tuple[str, ...]


def keep_reading(matter: Matter, decided: Decided, *, at: datetime, entry: int) -> Reading:
    """Keep what a decision rests on, within its transaction.

    Args:
        entry: Of the decision in the record.
    """
    found = decided.consulted
    return Reading.objects.create(
        matter=matter, at=at, entry=entry, sources=list(found.sources), **shown_reading(found, decided.may),
        place=next((one.source for one in found.read if one.register is Register.PLACES), ""),
        ends=min((one.until for one in found.read if one.until is not None), default=None),
        unread=any(one.is_unread for one in found.silent),
    )  # fmt: skip


def shown_reading(found: Consulted, may: Sequence[str] | None) -> dict[str, Any]:
    """Return what registers said as it is kept and as a page shows it."""
    return {
        "said": [
            {"register": one.register.value, "source": one.source, "facts": dict(one.facts), "says": one.says,
             "until": one.until.isoformat() if one.until else None}
            for one in found.read
            if not one.is_sealed
        ],
        "silent": [
            {"register": one.register.value, "why": one.why, "facts": list(one.facts), "unread": one.is_unread}
            for one in found.silent
        ],
        "may": [UNTRIED] if may is None else list(may),
    }  # fmt: skip


def last_reading(matter: Matter) -> Reading | None:
    """Return what a matter rests on now, or None where it was decided before readings were kept."""
    return Reading.objects.filter(matter=matter).last()


def latest() -> QuerySet[Reading]:
    """Return the last reading of each matter."""
    later = Reading.objects.filter(matter=OuterRef("matter"), entry__gt=OuterRef("entry"))
    return Reading.objects.filter(~Exists(later))


def rests_on(record_id: str) -> list[Matter]:
    """Return the matters that rest on a record now, closed ones apart, the oldest first.

    It asks no access: for acts of the law department, and for tests. Pages take `list_shaken`.
    """
    found = latest().filter(sources__contains=[record_id]).exclude(matter__state=State.CLOSED)
    return [one.matter for one in found.select_related("matter").order_by("entry")]


def list_shaken(actor: Actor) -> list[Shaken]:
    """Return what somebody may see and whose ground has changed, the oldest first, at most `MAX_LISTED`."""
    registers = read_registers()
    standing = _standing(registers, actor.now)
    gone = [name for name, state in standing.items() if state in GONE]
    over = [name for name, state in standing.items() if state == OVER]
    undone = Q(matter__state__in=[State.WAITING, State.DECIDED])
    changed = (
        Q(sources__overlap=gone)
        | (undone & Q(sources__overlap=over))
        | (undone & Q(place__in=_other_places(registers)))
        | (undone & Q(unread=True))
    )
    seen = matters(actor).exclude(state=State.CLOSED)
    found = latest().filter(changed, matter__in=seen).select_related("matter").order_by("entry")
    shaken = [Shaken(one.matter, _why(one, standing, registers)) for one in found[:MAX_LISTED]]
    return [one for one in shaken if one.why]


def _standing(registers: Registers, now: datetime) -> dict[str, str]:
    kept: Sequence[Record] = registers.records or ()
    return {one.id: state_of(one, kept, now) for one in kept}


def _other_places(registers: Registers) -> list[str]:
    """Return the entries of places that matters rest on and that stand so no more; none where that is not known."""
    if registers.places is None:
        return []
    now = {place.evidence for place in registers.places.values()}
    return [name for name in latest().values_list("place", flat=True).distinct() if name and name not in now]


def _why(reading: Reading, standing: dict[str, str], registers: Registers) -> tuple[str, ...]:
    shown = {one["source"] for one in reading.said}
    why = [
        f"record {source}: {standing[source]}" if source in shown else f"a record: {standing[source]}"
        for source in reading.sources
        if standing.get(source) in {*GONE, OVER}
    ]
    if reading.place and registers.places is not None:
        now = {place.evidence for place in registers.places.values()}
        why += ["the place's entry has changed"] if reading.place not in now else []
    unread = {PARTS[one["register"]] for one in reading.silent if one.get("unread")}
    if unread - registers.why.keys():
        why.append("a register that could not be read then can be read now")
    return tuple(why)
