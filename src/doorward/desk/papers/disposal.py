"""Whether a paper may be erased: schedule item, certificate, age, two people, no hold. Pure.

Everything that keeps a paper is said at once; a paper goes only where nothing does. It is asked twice: when somebody
proposes it and when somebody else does it, with what is true then.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from doorward.orders.retention import Item

_CERTIFICATE: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z ./:-]{2,39}")


@dataclass(frozen=True, slots=True)
class Case:
    """A paper that somebody wants to be erased.

    Args:
        kind: Of the matter.
        since: The day from which the item counts, or None: what it counts from has not happened.
        is_evidence: False for drills, retakes and scratch copies, which have a way of their own.
        is_erased: Its key is gone already.
        holds: How many legal holds are over it.
        awaits_hold: The order asked for a legal hold of the matter, and nobody has placed one yet.
    """

    kind: str
    since: date | None
    is_evidence: bool
    is_erased: bool
    holds: int
    awaits_hold: bool


def find_reasons(case: Case, item: Item | None, certificate: str, *, today: date) -> tuple[str, ...]:
    """Return every reason for which a paper stays; none where it may go.

    Args:
        item: Of the order's retention schedule, or None: there is none of that name.
        certificate: As somebody typed it.
        today: In the city.
    """
    found = []
    if case.is_erased:
        found.append("it is erased already")
    if not case.is_evidence:
        found.append("it is no evidence: whoever added it deletes it")
    if case.holds:
        found.append(f"{case.holds} legal hold{'s' if case.holds > 1 else ''} on it")
    if case.awaits_hold:
        found.append(
            "the order asks for a legal hold of its matter, and the law department has not placed one"
        )
    if not _CERTIFICATE.fullmatch(certificate):
        found.append("the number of a disposal certificate is missing, or is none")
    found += _of_schedule(case, item, today)
    return tuple(found)


def _of_schedule(case: Case, item: Item | None, today: date) -> list[str]:
    if item is None:
        return ["the order's retention schedule has no such item"]
    if not item.covers_paper(case.kind):
        return [f"item `{item.id}` does not cover papers of this kind of request"]
    if item.needs_counsel:
        return [f"item `{item.id}` is adopted by no office: it needs counsel"]
    if item.permanent or item.years is None:
        return [f"item `{item.id}` keeps it for ever"]
    if case.since is None:
        return [f"what item `{item.id}` counts from ({item.counts_from}) has not happened"]
    due = item.due_on(case.since)
    assert due is not None
    return [] if due <= today else [f"item `{item.id}` keeps it until {due}"]
