"""What the record says of observed clauses: what they would have refused, to whom, how often, since when. Pure.

Read once, entry by entry in their order. What is kept grows with the number of clauses, agencies, roles and units, and
not with that of decisions; a connection waits for its decision in a bounded table.

Agency, role and unit are those of today's list of people: the record holds logins. A clause that is observed and would
have refused nothing has a line of its own, with zeros: that nobody would notice is an answer.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from doorward.errors import MalformedError
from doorward.grants.people import Person
from doorward.orders.observed import Mode, Would, parse_mode
from doorward.record.entry import NO_SESSION, Entry, Field, Kind

MAX_WAITING: Final = 100_000  # connections whose decision has not come yet
UNKNOWN: Final = "not on the list of people"
_LET_IN: Final = "let in"
_CLOSED: Final = "closed anyway"
_WITHHELD: Final = "shown more"
WHAT: Final = (_LET_IN, _WITHHELD, _CLOSED)


@dataclass(frozen=True, slots=True, order=True)
class Group:
    """Whom a line is about; the login is empty unless people are asked for."""

    clause: str
    agency: str = ""
    role: str = ""
    unit: str = ""
    login: str = ""


@dataclass(slots=True)
class Line:
    """How often one clause would have closed something for one group.

    Attributes:
        counts: By `let in` (refused when enforced), `shown more` (rows or columns withheld when enforced) and `closed
            anyway` (refused as well without the clause).
        first: In microseconds since 1970.
        last: In the same.
    """

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(WHAT, 0))
    first: int = 0
    last: int = 0

    def note(self, what: str, time_us: int) -> None:
        """Count one decision."""
        self.counts[what] += 1
        self.first = self.first or time_us
        self.last = time_us


@dataclass(slots=True)
class Period:
    """One observation as the record has it."""

    mode: Mode
    begins_us: int
    until: str
    signers: str
    reason: str
    over_us: int | None = None


@dataclass(slots=True)
class ObservedReport:
    """What was counted.

    Attributes:
        periods: The observations that the record names, by id and beginning.
        clauses: A line a clause that was observed, in all.
        groups: A line for each group.
        decisions: How many decisions there were in the time asked for.
        under_observation: How many of them were made while clauses were observed.
        unreadable: Entries whose mode this version does not know.
    """

    periods: list[Period] = field(default_factory=list)
    clauses: dict[str, Line] = field(default_factory=dict)
    groups: dict[Group, Line] = field(default_factory=dict)
    totals: dict[str, int] = field(default_factory=lambda: dict.fromkeys(WHAT, 0))
    decisions: int = 0
    under_observation: int = 0
    unreadable: int = 0


def read_observed(
    entries: Iterable[Entry],
    people: Mapping[str, Person],
    *,
    begins_us: int,
    ends_us: int,
    with_logins: bool = False,
) -> ObservedReport:
    """Return what entries of the record say of what is observed.

    Args:
        entries: In their order; what is no connection and no decision is passed over. They may begin before the time
            asked for, so that an observation that began earlier is known.
        people: By login, as they are today.
        begins_us: Decisions from this time on count.
        ends_us: And before this one.
        with_logins: Also tell logins apart.
    """
    reader = _Reader(people, begins_us, ends_us, with_logins)
    for entry in entries:
        if entry.time_us >= ends_us:
            continue
        if entry.kind is Kind.CONNECT:
            reader.connect(entry)
        elif entry.kind is Kind.DECISION:
            reader.decide(entry)
    return reader.report


@dataclass(slots=True)
class _Reader:
    people: Mapping[str, Person]
    begins_us: int
    ends_us: int
    with_logins: bool
    report: ObservedReport = field(default_factory=ObservedReport)
    waiting: OrderedDict[bytes, str] = field(default_factory=OrderedDict)

    def connect(self, entry: Entry) -> None:
        if entry.get(Field.OUTCOME) != b"authenticated":
            return
        self.waiting[entry.session] = _text(entry, Field.LOGIN)
        if len(self.waiting) > MAX_WAITING:  # of processes that died between the two
            self.waiting.popitem(last=False)

    def decide(self, entry: Entry) -> None:
        raw = entry.get(Field.MODE)
        try:
            mode = parse_mode(raw) if raw is not None else None
        except MalformedError:
            self.report.unreadable += 1
            return
        if entry.session == NO_SESSION:
            if mode is not None:
                self._observe(entry, mode)
            return
        # An application's session has the person in its decision, and the application in its connection.
        connected = self.waiting.pop(entry.session, "")
        login = _text(entry, Field.LOGIN) or connected
        if entry.time_us < self.begins_us or entry.get(Field.OUTCOME) == b"not decided":
            return
        self.report.decisions += 1
        if mode is None:
            return
        self.report.under_observation += 1
        if mode.would is not Would.SAME:
            self._count(entry, mode, login)

    def _observe(self, entry: Entry, mode: Mode) -> None:
        if mode.would is Would.OVER:
            for period in self.report.periods:
                if period.mode.observation == mode.observation and period.over_us is None:
                    period.over_us = entry.time_us
            self._forget_earlier()
            return
        until, signers, reason = (_text(entry, f) for f in (Field.UNTIL, Field.LOGIN, Field.REASON))
        known = [p for p in self.report.periods if p.mode.observation == mode.observation]
        if (
            not known or known[-1].over_us is not None
        ):  # a gateway that starts again goes on with the same note
            self.report.periods.append(Period(mode, entry.time_us, until, signers, reason))
        self._forget_earlier()

    def _forget_earlier(self) -> None:
        # What was over before the time asked for is none of this report.
        self.report.periods = [p for p in self.report.periods if _end_of(p) >= self.begins_us]

    def _count(self, entry: Entry, mode: Mode, login: str) -> None:
        report = self.report
        closed = _LET_IN if entry.get(Field.SCOPE) else _CLOSED
        what = _WITHHELD if mode.would is Would.WITHHOLD else closed
        report.totals[what] += 1
        person = self.people.get(login)
        agency, role, unit = (person.agency, person.role, person.unit) if person else (UNKNOWN, "", "")
        for clause in mode.clauses:
            group = Group(clause, agency, role, unit, login if self.with_logins else "")
            report.clauses.setdefault(clause, Line()).note(what, entry.time_us)
            report.groups.setdefault(group, Line()).note(what, entry.time_us)


def _end_of(period: Period) -> int:
    """Return when an observation was over at the latest, in microseconds."""
    try:
        until = int(datetime.fromisoformat(period.until).timestamp() * 1_000_000)
    except ValueError:
        until = 2**63  # an entry that another version wrote: it is named rather than left out
    return until if period.over_us is None else min(until, period.over_us)


def show_end(period: Period) -> str:
    """Return the end that an observation's note has, for a person."""
    try:
        return f"{datetime.fromisoformat(period.until).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        return "an end that cannot be read"


def clause_lines(report: ObservedReport) -> dict[str, Line]:
    """Return a line for every clause that was observed, those that would have closed nothing too."""
    observed = {clause: Line() for period in report.periods for clause in period.mode.clauses}
    return observed | report.clauses


def headline(report: ObservedReport) -> Iterator[str]:
    """Yield what a report begins with: what was enforced and what was only observed."""
    if not report.periods:
        yield "in the time asked for, the record names no clause that was observed: every clause was enforced"
        return
    yield "enforced: every clause of the order but those that are named here, for as long as they are"
    for period in report.periods:
        over = f", over since {show_time(period.over_us)}" if period.over_us is not None else ""
        yield (
            f"observed and NOT ENFORCED: {', '.join(period.mode.clauses)}, from {show_time(period.begins_us)} until "
            f"{show_end(period)}{over}; note {period.mode.observation} of {period.signers}: {period.reason}"
        )


def as_rows(report: ObservedReport) -> Iterator[dict[str, Any]]:
    """Yield a row for each group, and one with zeros for each clause that would have closed nothing."""
    for clause, line in sorted(clause_lines(report).items()):
        if not any(line.counts.values()):
            yield _row(Group(clause), line)
    for group, line in sorted(report.groups.items(), key=lambda pair: pair[0]):
        yield _row(group, line)


def _row(group: Group, line: Line) -> dict[str, Any]:
    return {
        "clause": group.clause, "agency": group.agency, "role": group.role, "unit": group.unit, "login": group.login,
        **{what.replace(" ", "_"): line.counts[what] for what in WHAT},
        "first": show_time(line.first) if line.first else "", "last": show_time(line.last) if line.last else "",
    }  # fmt: skip


def show_time(time_us: int) -> str:
    """Return a time of the record for a person, to the minute, in UTC."""
    return f"{datetime.fromtimestamp(time_us / 1_000_000, UTC):%Y-%m-%d %H:%M}"


def _text(entry: Entry, name: Field) -> str:
    return (entry.get(name) or b"").decode("utf-8", errors="replace")
