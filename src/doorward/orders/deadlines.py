"""deadlines.toml of a pack: which days its offices are open, which clocks run, what may pause or extend them. Pure.

A pack without the file has no clocks. What a city would word or count otherwise stands there and not in code: the unit
of a statute's days, the hour at which a day ends, the reasons for a pause, the clause of an extension and how often.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, time, tzinfo
from enum import StrEnum
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from doorward.errors import Finding
from doorward.orders.toml import Toml

E = TypeVar("E", bound=StrEnum)

DEADLINES: Final = "deadlines.toml"
EVIDENCE: Final = ("text", "mirror", "press", "background")
STANDINGS: Final = ("confirmed", "adopted", "needs-counsel")
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
MAX_DAYS: Final = 1_000  # four years of business days: a longer clock is a mistake
MAX_HOURS: Final = 24 * 366
MAX_TIMES: Final = 12  # a pause or an extension that may come more often is no exception any more
_WORD: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_REGION: Final = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,4})?")
_CLOCK_KEYS: Final = (
    "says", "clause", "cite", "evidence", "standing", "unit", "length", "calendar", "day_ends", "received_until",
    "on_closed_day", "pause", "extension",
)  # fmt: skip
_REPORT_KEYS: Final = (
    "says", "clause", "cite", "evidence", "standing", "period", "due_month", "due_day", "due_after_days", "calendar",
    "on_closed_day",
)  # fmt: skip


class Unit(StrEnum):
    """In what a clock counts."""

    BUSINESS_DAYS = "business-days"
    CALENDAR_DAYS = "calendar-days"
    HOURS = "hours"
    MINUTES = "minutes"
    FIXED = "fixed"  # the paper itself says when, as a court's return date does


class OnClosedDay(StrEnum):
    """What becomes of a last day on which the offices are closed."""

    KEEP = "keep"
    NEXT_OPEN = "next-open"
    PREVIOUS_OPEN = "previous-open"


class PeriodKind(StrEnum):
    """What a report is about."""

    YEAR = "year"
    QUARTER = "quarter"


@dataclass(frozen=True, slots=True)
class Basis:
    """What a rule rests on.

    Args:
        clause: A clause id of the order, or empty where the order does not speak of it.
        cite: The statute.
        evidence: ``text``, ``mirror``, ``press`` or ``background``.
        standing: ``confirmed``, ``adopted`` or ``needs-counsel``.
    """

    says: str
    clause: str
    cite: str
    evidence: str
    standing: str

    @property
    def needs_counsel(self) -> bool:
        """True where no office has confirmed or adopted the count."""
        return self.standing == "needs-counsel"


@dataclass(frozen=True, slots=True)
class CalendarRule:
    """When offices are closed.

    Args:
        region: A country and subdivision of the `holidays` library, ``US-IL``, or empty: no holidays.
        open_on: Names of that library's holidays on which the offices work, or which counsel has not settled.
        weekend: Days of the week, Monday is 0.
        closures: Further days, each with why.
    """

    id: str
    region: str
    open_on: tuple[str, ...]
    weekend: tuple[int, ...]
    closures: tuple[tuple[date, str], ...]


@dataclass(frozen=True, slots=True)
class PauseRule:
    """A reason for which a clock may stand still, and how often."""

    reason: str
    says: str
    at_most: int


@dataclass(frozen=True, slots=True)
class ExtensionRule:
    """A lawful extension.

    Args:
        by: The most that it may add, in the clock's unit; 0 of a fixed date, which moves to another one.
        at_most: How often under this clause.
    """

    clause: str
    says: str
    by: int
    at_most: int


@dataclass(frozen=True, slots=True)
class ClockRule:
    """How one kind of deadline is counted.

    Args:
        length: In the unit; 0 of a fixed date.
        calendar: Whose days; empty where hours or minutes count.
        day_ends: The hour at which the last day is over, or None: at midnight.
        received_until: What comes at this hour or later came on the next open day; None: the day has no such hour.
        on_closed_day: Of calendar days; a business day is open.
    """

    id: str
    basis: Basis
    unit: Unit
    length: int
    calendar: str
    day_ends: time | None
    received_until: time | None
    on_closed_day: OnClosedDay
    pauses: tuple[PauseRule, ...] = ()
    extensions: tuple[ExtensionRule, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportRule:
    """When a report on a period is due.

    Args:
        due_month: With `due_day`: that day of the year after the period's end.
        due_after_days: Or: so many days after the period's last day.
    """

    id: str
    basis: Basis
    period: PeriodKind
    due_month: int
    due_day: int
    due_after_days: int
    calendar: str
    on_closed_day: OnClosedDay


@dataclass(frozen=True, slots=True)
class Use:
    """Which clock a request of a kind has, where all of these words are true of it."""

    kind: str
    when: tuple[str, ...]
    clock: str


@dataclass(frozen=True, slots=True)
class Deadlines:
    """What a pack's deadlines.toml says.

    Args:
        zone: The city's.
        uses: In order; the first that fits holds.
    """

    zone: tzinfo
    calendars: Mapping[str, CalendarRule]
    clocks: Mapping[str, ClockRule]
    reports: Mapping[str, ReportRule]
    uses: tuple[Use, ...]

    def choose(self, kind: str, words: Collection[str] = ()) -> ClockRule | None:
        """Return the clock of a request: the first use of its kind whose words are all true, or None."""
        held = frozenset(words)
        for use in self.uses:
            if use.kind == kind and held.issuperset(use.when):
                return self.clocks[use.clock]
        return None


def read_deadlines(text: str, clauses: Collection[str]) -> tuple[Deadlines | None, list[Finding]]:
    """Return what the file says, or None and everything that is wrong with it, each with its line and column.

    Args:
        text: Of deadlines.toml.
        clauses: Clause ids of the order; a rule may name no other.

    Raises:
        PolicyCheckError: The text is no TOML.
    """
    file = Toml(DEADLINES, text)
    reader = _Reader(file, clauses)
    found = reader.read()
    return (None if file.findings else found), file.findings


class _Reader:
    """One pass over the file; faults are noted in it."""

    def __init__(self, file: Toml, clauses: Collection[str]) -> None:
        self.file = file
        self.clauses = clauses
        self.calendars: dict[str, CalendarRule] = {}

    def read(self) -> Deadlines:
        file = self.file
        file.refuse_others(("time_zone", "calendar", "clock", "report", "use"))
        zone = self._zone(file.get(str, "time_zone"))
        self.calendars = {name: self._calendar(name) for name in self._named("calendar")}
        clocks = {name: self._clock(name) for name in self._named("clock")}
        reports = {name: self._report(name) for name in self._named("report")}
        uses = tuple(self._use(at, clocks) for at in self._entries("use"))
        return Deadlines(zone, self.calendars, clocks, reports, uses)

    def _zone(self, name: str) -> tzinfo:
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            self.file.note(f"`{name[:60]}` is no time zone", "time_zone", hint="such as America/Chicago")
            return ZoneInfo("UTC")

    def _calendar(self, name: str) -> CalendarRule:
        file, path = self.file, ("calendar", name)
        file.refuse_others(("says", "holidays", "open_on", "weekend", "closures"), *path)
        region = self._text(*path, "holidays", default="none")
        if region != "none" and not _REGION.fullmatch(region):
            file.note(f"`{region[:60]}` is no region such as US-IL", *path, "holidays")
            region = "none"
        weekend = []
        for day in self._texts(*path, "weekend", default=("saturday", "sunday")):
            if day in WEEKDAYS:
                weekend.append(WEEKDAYS.index(day))
            else:
                file.note(f"`{day[:60]}` is no day of the week", *path, "weekend", hint=", ".join(WEEKDAYS))
        if len(set(weekend)) == len(WEEKDAYS):
            file.note("a calendar needs a day on which the offices are open", *path, "weekend")
        return CalendarRule(
            name,
            "" if region == "none" else region,
            self._texts(*path, "open_on"),
            tuple(sorted(set(weekend))),
            tuple(self._closures(path)),
        )

    def _closures(self, path: tuple[str, ...]) -> list[tuple[date, str]]:
        found: dict[date, str] = {}
        for entry in self.file.get(list, *path, "closures", default=[]):
            held = entry if isinstance(entry, dict) else {}
            on, says = held.get("on"), held.get("says")
            if type(on) is not date or not isinstance(says, str) or set(held) != {"on", "says"}:
                self.file.note('a closure is `{ on = 2026-11-27, says = "why" }`', *path, "closures")
            elif on in found:
                self.file.note(f"{on} is closed twice", *path, "closures")
            else:
                found[on] = says
        return sorted(found.items())

    def _clock(self, name: str) -> ClockRule:
        path = ("clock", name)
        self.file.refuse_others(_CLOCK_KEYS, *path)
        unit = self._choice(Unit, *path, "unit")
        in_days = unit in {Unit.BUSINESS_DAYS, Unit.CALENDAR_DAYS}
        most = {Unit.FIXED: 0, Unit.HOURS: MAX_HOURS, Unit.MINUTES: MAX_HOURS * 60}.get(unit, MAX_DAYS)
        length = self._number(*path, "length", least=0 if unit == Unit.FIXED else 1, most=most, default=0)
        on_closed = self._choice(OnClosedDay, *path, "on_closed_day", default=OnClosedDay.KEEP)
        if on_closed == OnClosedDay.PREVIOUS_OPEN or (on_closed and unit != Unit.CALENDAR_DAYS and
                                                      on_closed != OnClosedDay.KEEP):  # fmt: skip
            self.file.note(
                "`on_closed_day` is `keep` or `next-open`, of calendar days", *path, "on_closed_day"
            )
        for key in ("day_ends", "received_until"):
            if not in_days and key in self.file.data["clock"][name]:
                self.file.note(f"`{key}` is of clocks that count days", *path, key)
        pauses = tuple(self._pause((*path, "pause", at)) for at in self._entries(*path, "pause"))
        if pauses and unit == Unit.FIXED:
            self.file.note("a fixed date is not paused: it moves", *path, "pause")
        return ClockRule(
            name, self._basis(path), unit, length, self._calendar_of(path) if in_days else "",
            self._time(*path, "day_ends"), self._time(*path, "received_until"), on_closed, pauses,
            tuple(self._extension((*path, "extension", at), unit, most) for at in self._entries(*path, "extension")),
        )  # fmt: skip

    def _pause(self, path: tuple[str, ...]) -> PauseRule:
        self._refuse_others_of(path, ("reason", "says", "at_most"))
        return PauseRule(
            self._word_at(path, "reason"),
            self._text_at(path, "says"),
            self._number_at(path, "at_most", 1, MAX_TIMES),
        )

    def _extension(self, path: tuple[str, ...], unit: Unit, most: int) -> ExtensionRule:
        self._refuse_others_of(path, ("clause", "says", "by", "at_most"))
        least = 0 if unit == Unit.FIXED else 1
        return ExtensionRule(
            self._text_at(path, "clause"),
            self._text_at(path, "says"),
            self._number_at(path, "by", least, most, default=0),
            self._number_at(path, "at_most", 1, MAX_TIMES),
        )

    def _report(self, name: str) -> ReportRule:
        path = ("report", name)
        self.file.refuse_others(_REPORT_KEYS, *path)
        month = self._number(*path, "due_month", least=0, most=12, default=0)
        day = self._number(*path, "due_day", least=0, most=31, default=0)
        after = self._number(*path, "due_after_days", least=0, most=366, default=0)
        if bool(month and day) == bool(after) or bool(month) != bool(day):
            self.file.note(
                "a report is due on `due_month` and `due_day`, or `due_after_days` after its period", *path
            )
        elif month and not _is_day(month, day):
            self.file.note(f"month {month} has no day {day} in every year", *path, "due_day")
        return ReportRule(
            name, self._basis(path), self._choice(PeriodKind, *path, "period"), month, day, after,
            self._calendar_of(path), self._choice(OnClosedDay, *path, "on_closed_day", default=OnClosedDay.KEEP),
        )  # fmt: skip

    def _use(self, at: str, clocks: Mapping[str, ClockRule]) -> Use:
        path = ("use", at)
        self._refuse_others_of(path, ("kind", "when", "clock"))
        clock = self._text_at(path, "clock")
        if clock and clock not in clocks:
            self.file.note(f"there is no clock `{clock[:60]}`", *path, "clock", hint=", ".join(clocks))
        words = self._entry(path).get("when", [])
        if not isinstance(words, list) or not all(isinstance(w, str) and _WORD.fullmatch(w) for w in words):
            self.file.note("`when` is a list of words", *path, "when")
            words = []
        return Use(self._word_at(path, "kind"), tuple(words), clock)

    def _basis(self, path: tuple[str, ...]) -> Basis:
        clause = self._text(*path, "clause", default="none")
        if clause not in self.clauses and clause != "none":
            self.file.note(f"`{clause[:60]}` is no clause of the order", *path, "clause")
        evidence, standing = self._text(*path, "evidence"), self._text(*path, "standing")
        for key, value, allowed in (("evidence", evidence, EVIDENCE), ("standing", standing, STANDINGS)):
            if value and value not in allowed:
                self.file.note(f"`{value[:60]}` is none of {', '.join(allowed)}", *path, key)
        if standing == "confirmed" and evidence not in {"text", "mirror"}:
            self.file.note(f"evidence `{evidence[:20]}` confirms nothing", *path, "standing")
        says, cite = self._text(*path, "says"), self._text(*path, "cite")
        return Basis(says, "" if clause == "none" else clause, cite, evidence, standing)

    def _calendar_of(self, path: tuple[str, ...]) -> str:
        name = self._text(*path, "calendar")
        if name and name not in self.calendars:
            self.file.note(f"there is no calendar `{name[:60]}`", *path, "calendar")
        return name

    def _named(self, kind: str) -> list[str]:
        found = []
        for name, held in (
            self.file.table(kind) if kind in self.file.data or kind != "report" else {}
        ).items():
            if isinstance(held, dict) and _WORD.fullmatch(name):
                found.append(name)
            else:
                self.file.note(f"`{kind}.{name[:60]}` must be a table named by a word", kind, name)
        return found

    # --- values, by path; entries of lists of tables are read by hand, as `Toml.get` knows tables alone

    def _entries(self, *path: str) -> list[str]:
        held: Any = self.file.data
        for name in path:
            held = held.get(name, []) if isinstance(held, dict) else []
        if not isinstance(held, list) or not all(isinstance(one, dict) for one in held):
            self.file.note(f"`{'.'.join(path)}` must be a list of tables", *path)
            return []
        return [str(at) for at in range(len(held))]

    def _entry(self, path: tuple[str, ...]) -> dict[str, Any]:
        held: Any = self.file.data
        for name in path:
            held = held[int(name)] if isinstance(held, list) else held[name]
        assert isinstance(held, dict)
        return held

    def _refuse_others_of(self, path: tuple[str, ...], allowed: tuple[str, ...]) -> None:
        for key in self._entry(path):
            if key not in allowed:
                self.file.note(f"unknown key `{key}`", *path, key, hint=f"one of {', '.join(allowed)}")

    def _text(self, *path: str, default: str | None = None) -> str:
        return self.file.get(str, *path, default=default)

    def _text_at(self, path: tuple[str, ...], key: str) -> str:
        value = self._entry(path).get(key)
        if not isinstance(value, str) or not value:
            self.file.note(f"`{key}` must be a text", *path, key)
            return ""
        return value

    def _word_at(self, path: tuple[str, ...], key: str) -> str:
        value = self._text_at(path, key)
        if value and not _WORD.fullmatch(value):
            self.file.note(f"`{key}` is a word of lower-case letters, digits and `-`", *path, key)
        return value

    def _texts(self, *path: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        held = self.file.get(list, *path, default=list(default))
        if not all(isinstance(one, str) for one in held):
            self.file.note(f"`{'.'.join(path)}` must be a list of texts", *path)
            return ()
        return tuple(held)

    def _number(self, *path: str, least: int, most: int, default: int) -> int:
        *tables, key = path
        return self._number_at(tuple(tables), key, least, most, default=default)

    def _number_at(
        self, path: tuple[str, ...], key: str, least: int, most: int, *, default: int | None = None
    ) -> int:  # private
        value = self._entry(path).get(key, default)
        if type(value) is not int or not least <= value <= most:
            self.file.note(f"`{key}` must be a number from {least} to {most}", *path, key)
            return least
        return value

    def _choice(self, kind: type[E], *path: str, default: E | None = None) -> E:
        value = self.file.get(str, *path, default=None if default is None else default.value)
        words: dict[str, E] = {one.value: one for one in kind}
        if value not in words:
            if value:
                self.file.note(f"`{value[:60]}` is none of {', '.join(words)}", *path)
            return next(iter(kind))
        return words[value]

    def _time(self, *path: str) -> time | None:
        *tables, key = path
        value = self._entry(tuple(tables)).get(key)
        if value is None:
            return None
        if type(value) is not time or value.tzinfo is not None:
            self.file.note(f"`{key}` must be an hour such as 17:00:00", *path)
            return None
        return value


def _is_day(month: int, day: int) -> bool:
    try:
        date(2001, month, day)
    except ValueError:
        return False
    return True
