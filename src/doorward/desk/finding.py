"""Which matters somebody asks for, among those that they may see: by number, kind, state, office and days.

What is asked for narrows what `access` gives, and never widens it. No text that somebody typed about a matter is
searched: what is in an address stands in histories and logs of browsers, and may name nobody.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from doorward.desk.models import Matter, State

KEYS: Final = ("number", "kind", "state", "office", "since", "until")
MAX_CHARACTERS: Final = 64
_FIRST, _LAST = date(2000, 1, 1), date(9998, 12, 31)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks for; an empty word asks for nothing.

    Args:
        number: Of a matter, or how it begins.
        since: The first day of filing, in the city.
        until: The last.
        faults: What of it cannot be read, a line each; it narrows nothing.
    """

    number: str = ""
    kind: str = ""
    state: str = ""
    office: str = ""
    since: date | None = None
    until: date | None = None
    faults: tuple[str, ...] = ()

    @property
    def is_all(self) -> bool:
        """Whether it narrows nothing."""
        return not self.query

    @property
    def query(self) -> str:
        """It as an address says it, without what could not be read."""
        said = {key: str(getattr(self, key) or "") for key in KEYS}
        return urlencode({key: value for key, value in said.items() if value})


def read_wanted(sent: Mapping[str, str]) -> Wanted:
    """Return what an address asks for.

    Args:
        sent: Untrusted.
    """
    given = ((key, sent.get(key, "").strip()[:MAX_CHARACTERS]) for key in KEYS)
    text = {key: "".join(sign if sign.isprintable() else "?" for sign in said) for key, said in given}
    faults = []
    if text["state"] and text["state"] not in State.values:
        faults.append(f"there is no state `{text['state']}`")
        text["state"] = ""
    days: dict[str, date | None] = {}
    for key in ("since", "until"):
        days[key] = _day(text[key])
        if text[key] and days[key] is None:
            faults.append(f"expected a day such as 2026-11-26, got `{text[key]}`")
    return Wanted(
        text["number"],
        text["kind"],
        text["state"],
        text["office"],
        days["since"],
        days["until"],
        tuple(faults),
    )


def find(seen: QuerySet[Matter], wanted: Wanted, *, zone: ZoneInfo) -> QuerySet[Matter]:
    """Return the matters that are asked for, the latest first.

    Args:
        seen: What this person may see, of `access.matters`.
        zone: Of the city, in which its days begin.
    """
    found = seen
    if wanted.number:
        found = found.filter(number__startswith=wanted.number)
    same = {"kind": wanted.kind, "state": wanted.state, "addressee": wanted.office}
    found = found.filter(**{key: value for key, value in same.items() if value})
    if wanted.since is not None:
        found = found.filter(filed__gte=_begins(wanted.since, zone))
    if wanted.until is not None:
        found = found.filter(filed__lt=_begins(wanted.until + timedelta(days=1), zone))
    return found.order_by("-filed", "-entry")


def _begins(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if _FIRST <= found <= _LAST else None
