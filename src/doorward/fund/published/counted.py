"""Which report counts in which month, and how much: the only way by which a grantee's numbers come here. Pure.

A report counts in the month in which its period ends, or, where it was accepted too late for that, in the first month
that is published after it was accepted. What is late counts late, so that a number that stands never changes (as ADR 46
has it for requests). A day is typed by whoever files, and may be set back; the number of a filing is the database's.
Each published month says the last filing that it knew, and what has a greater number came after it, whatever its day.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import MappingProxyType
from typing import Protocol

from doorward.errors import MalformedError
from doorward.fund.grantee.report import Report
from doorward.fund.published.month import Month, parse_month
from doorward.orders.fund_published import OPENED, PublishedWords


@dataclass(frozen=True, slots=True)
class Accepted:
    """A report that the fund accepted, as it is counted: no stage, detention or amount is in it.

    Args:
        last: The last day of its period.
        accepted: The day in the city on which it was accepted; never set later.
        units: By service of fund_units.toml.
        opened: Cases that were opened, by service.
        outcomes: Cases by outcome of fund_units.toml.
        returned: The day on which it was taken back, or None while it stands.
        of: The agreement and the first day of its period, by which a report is known to replace another; or empty.
        filing: The number of the filing that accepted it: its own, or that of the last exception. 0 where a city keeps
            its reports elsewhere; those are as old as the file says.
        returned_by: The number of the filing that took it back.
    """

    last: date
    accepted: date
    units: Mapping[str, int] = field(default_factory=dict)
    opened: Mapping[str, int] = field(default_factory=dict)
    outcomes: Mapping[str, int] = field(default_factory=dict)
    returned: date | None = None
    of: tuple[str, date] | None = None
    filing: int = 0
    returned_by: int = 0

    def replaces(self, other: "Accepted") -> bool:
        """Whether both are of some same day of one agreement."""
        if self.of is None or other.of is None or self.of[0] != other.of[0]:
            return False
        return self.of[1] <= other.last and other.of[1] <= self.last


class Reports(Protocol):
    """Where accepted reports are kept; the desk's table is one, a list in a test another."""

    def accepted(self) -> Iterable[Accepted]:
        """Return every report that was accepted, in any order, each once."""


def take_report(report: Report, accepted: date, returned: date | None = None) -> Accepted:
    """Return what of a report is counted."""
    units, opened, outcomes = Counter[str](), Counter[str](), Counter[str]()
    for row in report.units:
        units[row.service] += row.units
        opened[row.service] += row.opened
    for outcome in report.outcomes:
        outcomes[outcome.outcome] += outcome.cases
    of = (report.agreement, report.first)
    return Accepted(report.last, accepted, dict(units), dict(opened), dict(outcomes), returned, of)


def publish_on(month: Month, words: PublishedWords) -> date:
    """Return the day on which a month is published."""
    return month.last + timedelta(days=words.delay_days)


def newest_due(words: PublishedWords, today: date) -> Month | None:
    """Return the last month whose day has come, or None where none has."""
    month, found = parse_month(words.first), None
    while publish_on(month, words) <= today:
        month, found = month.after, month
    return found


Known = Mapping[Month, int]
"""The number of the last filing that each published month knew; a month that is not in it knows every filing."""


def month_of(report: Accepted, words: PublishedWords, known: Known = MappingProxyType({})) -> Month:
    """Return the month in which a report counts: that of its last day, or the first that is published after it came."""
    month = max(Month.of(report.last), parse_month(words.first))
    while publish_on(month, words) <= report.accepted or report.filing > known.get(month, report.filing):
        month = month.after
    return month


def that_count(
    reports: Iterable[Accepted], words: PublishedWords, known: Known = MappingProxyType({})
) -> list[tuple[Month, Accepted]]:
    """Return the reports that count, each with its month: those that stood when that month was published.

    One that was taken back before that day never counts. One that was taken back after it stays counted, since what
    was published stands, and the report that replaces it is not counted a second time: what it corrects is told in no
    public number.
    """
    counted: list[tuple[Month, Accepted]] = []
    placed = [(month_of(one, words, known), one) for one in reports]
    for month, report in sorted(placed, key=lambda one: (one[0], one[1].accepted, one[1].last, str(one[1]))):
        taken_back = [other for _, other in counted if _is_back(other, month, known)]
        if _is_back(report, month, known) and (report.returned or date.max) < publish_on(month, words):
            continue
        if not any(report.replaces(other) for other in taken_back):
            counted.append((month, report))
    return counted


def _is_back(report: Accepted, month: Month, known: Known) -> bool:
    """Whether it was taken back as far as a month knew when it was published."""
    return report.returned is not None and report.returned_by <= known.get(month, report.returned_by)


@dataclass(frozen=True, slots=True)
class Counts:
    """All that was reported, by month: of each public service, of each public outcome, and by how many reports."""

    served: Mapping[Month, tuple[int, ...]]
    ended: Mapping[Month, tuple[int, ...]]
    reports: Mapping[Month, int]


def count_reports(
    reports: Iterable[Accepted], words: PublishedWords, known: Known = MappingProxyType({})
) -> Counts:
    """Return the counts of every month that has some.

    Args:
        reports: Each once, those that were taken back too.
        known: Of the months that are published.

    Raises:
        MalformedError: A report has a word that the public tables do not count.
    """
    served: dict[Month, Counter[str]] = {}
    ended: dict[Month, Counter[str]] = {}
    came = Counter[Month]()
    of_service = {one: served.code for served in words.counted for one in served.reported}
    of_outcome = {one: ended.code for ended in words.outcomes.values() for one in ended.reported}
    for month, report in that_count(reports, words, known):
        came[month] += 1
        counts = served.setdefault(month, Counter())
        for held, is_opened in ((report.units, False), (report.opened, True)):
            for service, count in held.items():
                code = _known(of_service, service)
                if (words.served[code].counts == OPENED) == is_opened:
                    counts[code] += count
        ends = ended.setdefault(month, Counter())
        for outcome, count in report.outcomes.items():
            ends[_known(of_outcome, outcome)] += count
    services = [one.code for one in words.counted]
    return Counts(
        {month: tuple(counts[code] for code in services) for month, counts in served.items()},
        {month: tuple(counts[code] for code in words.outcomes) for month, counts in ended.items()},
        came,
    )


def _known(codes: Mapping[str, str], word: str) -> str:
    if word not in codes:
        raise MalformedError(
            f"a report counts `{word[:40]}`, and the public tables do not",
            hint="fund_published.toml names each service and outcome once",
        )
    return codes[word]
