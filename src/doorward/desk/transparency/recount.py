"""The public table made again from the record's disclosures alone, for the auditor. Pure.

The desk counts when somebody makes a quarter, and records that it did (ADR 46). So the entries are walked in their
order, and at each such entry the quarter is made from what stood in the record before it:

1. A matter counts in the quarter in which it was filed, with what the order answered last. A visit counts with the
   posture of its end. Drills and what is of another tenant do not count.
2. What a seal held on the day of the schedule does not count then; it does in the first quarter whose day comes after.
3. What was counted is never counted again.

Nothing of the desk's tables is read: who changed a row there is seen here.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Final

from doorward.desk.deadlines.periods import Period, parse_period
from doorward.desk.transparency.publication import (
    Happening,
    Publication,
    Scheme,
    make_publications,
    publish_on,
)
from doorward.desk.transparency.release import format_all_totals, format_table
from doorward.errors import ConfigError, MalformedError
from doorward.orders.transparency import Counted
from doorward.record.entry import Entry, Field, Kind

PREVIEW: Final = "preview"
PUBLISH: Final = "publish"
SEAL: Final = "seal"
DRILL: Final = "drill"
NO_POSTURE: Final = "none"
MADE: Final = "totals "
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Recount:
    """A quarter as the record gives it, beside what the desk said when it made it.

    Args:
        events: What is counted in it.
        said_table: SHA-256 of the table, as the entry of its making says it; hexadecimal.
        said_totals: The same of the totals.
    """

    quarter: Period
    publication: Publication
    table: bytes
    totals: bytes
    events: int
    said_table: str
    said_totals: str


@dataclass(slots=True)
class _Counted:
    """One matter or visit, as it stands at a point of the record."""

    at: datetime
    kind: str
    outcome: str
    is_visit: bool
    sealed_until: datetime | None = None
    is_done: bool = False


@dataclass(slots=True)
class _Walk:
    words: Counted
    scheme: Scheme
    zone: tzinfo
    held: dict[str, _Counted] = field(default_factory=dict)
    events: list[Happening] = field(default_factory=list)
    made: list[Recount] = field(default_factory=list)

    def note(self, entry: Entry) -> None:
        about, act = _text(entry, Field.MATTER), _text(entry, Field.ACT)
        if entry.kind in {Kind.MATTER, Kind.VISIT}:
            # An entry of an older version names no tenant; it was written where there was one.
            mine = entry.get(Field.SCOPE) is None or _text(entry, Field.SCOPE) in self.words.tenants
            if mine and _text(entry, Field.MODE) != DRILL:
                at = _EPOCH + timedelta(microseconds=entry.time_us)
                kind, outcome = _text(entry, Field.WHAT), _text(entry, Field.OUTCOME)
                self.held.setdefault(about, _Counted(at, kind, outcome, entry.kind is Kind.VISIT))
        elif act == PUBLISH and _text(entry, Field.WHAT).startswith(MADE):
            self._publish(entry)
        elif about in self.held and act != PREVIEW:
            known = self.held[about]
            if act == SEAL:
                known.sealed_until = _moment(_text(entry, Field.UNTIL))
            known.outcome = _text(entry, Field.OUTCOME) or known.outcome

    def _publish(self, entry: Entry) -> None:
        quarter = parse_period(_text(entry, Field.WHAT).removeprefix(MADE))
        day = publish_on(self.scheme, quarter)
        begins, ends, on = map(self._midnight, (self.scheme.first.first, quarter.after.first, day))
        mine = [
            one
            for one in self.held.values()
            if not one.is_done
            and begins <= one.at < ends
            and (one.sealed_until is None or one.sealed_until <= on)
        ]
        for one in mine:
            one.is_done = True
            self.events.append(Happening(quarter.last, *self._words_of(one)))
        every = make_publications(self.events, self.scheme, day)
        publication = every[-1]
        if publication.quarter != quarter:
            raise MalformedError(f"the record says that {quarter} was made, out of its turn")
        self.made.append(
            Recount(
                quarter, publication, format_table(publication), format_all_totals(every, self.scheme)[-1], len(mine),
                _text(entry, Field.DIGEST), _text(entry, Field.EVIDENCE),
            )
        )  # fmt: skip

    def _words_of(self, one: _Counted) -> tuple[str, str]:
        words = self.words
        if one.is_visit:
            return words.visits, words.postures.get(one.outcome, words.postures[NO_POSTURE])
        if one.outcome not in words.outcomes:
            raise MalformedError("the record has an outcome that the order does not count")
        return words.kind_of(one.kind), words.outcomes[one.outcome]

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone)


def recount(entries: Iterable[Entry], words: Counted, scheme: Scheme, zone: tzinfo) -> tuple[Recount, ...]:
    """Return each quarter that the record says was made, made again.

    Args:
        entries: Of the desk's writer, of the kinds matter, visit and act, in their order.
        words: What the order counts.
        zone: The city's.

    Raises:
        MalformedError: An entry names no quarter, or an outcome that the order does not count.
    """
    walk = _Walk(words, scheme.check(), zone)
    for entry in entries:
        try:
            walk.note(entry)
        except ConfigError as error:
            raise MalformedError(f"entry {entry.sequence}: {error}") from error
    return tuple(walk.made)


def compare(
    mine: Recount, table: bytes, totals: bytes, published: Sequence[tuple[str, str, str, str]]
) -> list[str]:
    """Return what differs between the record and what is to be signed, a line each; none where they agree.

    Args:
        table: The published table; of anybody, so are the totals.
        published: Its rows: period, kind, outcome and count.
    """
    found = []
    if mine.table != table:
        there = {row[:3]: row[3] for row in published}
        for one in mine.publication.figures:
            said = there.pop((one.period, one.kind, one.outcome), "no row")
            own = "withheld" if one.value is None else str(one.value)
            if said != own:
                found.append(f"{one.id}: the record gives {own}, the table says {said}")
        found += [f"{' '.join(key)}: the table has a row that the record does not give" for key in there]
        found = found or ["the table has the same numbers in another form"]
    if mine.totals != totals:
        found.append("the totals are another text than the record gives")
    return found


def _text(entry: Entry, name: Field) -> str:
    return (entry.get(name) or b"").decode("utf-8", errors="replace")


def _moment(text: str) -> datetime | None:
    """Return the end of a seal; one that the record does not tell holds for ever here, and the count shows it."""
    try:
        return datetime.fromisoformat(text) if text else datetime.max.replace(tzinfo=UTC)
    except ValueError as error:
        raise MalformedError("the record has a seal whose end is no time") from error
