"""What the desk's database has for the statutory reports: matters, visits, custody events, and what was said of them.

The same for everybody and at one moment: what is sealed then is not there, in no row, gap or list, and is there again
from its day. Drills are never there.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache
from typing import Final

from doorward.desk.access import reported, reported_visits
from doorward.desk.deadlines.periods import Period
from doorward.desk.models import CustodyRow, FiledReport, Matter, ReportLine, Visit
from doorward.desk.order import order
from doorward.desk.reporting.brought import read_brought
from doorward.desk.statutory.held import CustodyEvent, CustodyWord, HelpRequest
from doorward.desk.statutory.make import MAKERS, Setting
from doorward.desk.statutory.report import Report, carry_lines
from doorward.desk.statutory.rows import Gathered, make_rows, paper_ids
from doorward.errors import ConfigError
from doorward.orders.deadlines import Deadlines
from doorward.orders.load import load_deadlines, load_statutory
from doorward.orders.statutory import DeskRules, StatutoryWords

CUSTODY: Final = "custody "  # before the id of a custody event: a number of the desk is no such id
REQUEST: Final = "request"


@dataclass(frozen=True, slots=True)
class Rules:
    """What reports are made by, of the order in force."""

    words: StatutoryWords
    desk: DeskRules
    clocks: Deadlines

    def today(self, now: datetime) -> date:
        """Return the day in the city."""
        return now.astimezone(self.clocks.zone).date()


@cache
def rules() -> Rules:
    """Return the rules of the order in force.

    Raises:
        ConfigError: The order has no statutory reports, no clocks, or does not say how a desk's matters become rows.
    """
    pack = order().pack
    words = load_statutory(pack)
    if words.desk is None:
        raise ConfigError(
            f"the order `{pack.name}` does not say how what a desk files becomes rows of a report",
            hint="`[desk]` of statutory.toml",
        )
    return Rules(words, words.desk, load_deadlines(pack))


def gather(now: datetime, period: Period | None = None) -> Gathered:
    """Return what the reports are made of, as it is at a moment.

    Args:
        period: Of the report; without one everything, such as for an import.

    Raises:
        ConfigError: As `rules`.
    """
    by = rules()
    brought = list(read_brought(reported(now), by.desk, by.clocks, period))
    papers = [number for one in brought for number in paper_ids(one, by.desk).values()]
    custody = custody_events(papers if period is not None else None, marked=True)
    return make_rows(brought, custody, by.desk, _visits())


def report_now(name: str, period: Period, now: datetime) -> tuple[Report, Gathered]:
    """Return a report as the desk would make it now, with what it was made of.

    Raises:
        ConfigError: As `rules`, or the report is on another kind of period.
    """
    by = rules()
    gathered = gather(now, period)
    setting = Setting(by.words, order().pack.agencies, by.clocks.zone, by.today(now))
    made = carry_lines(MAKERS[name](gathered.held, period, setting), _sealed_since(name, period, now))
    return replace(made, gaps=(*made.gaps, *gathered.gaps_of(name, period))), gathered


def latest_of(name: str, period: Period) -> FiledReport | None:
    """Return the latest version of a report."""
    return FiledReport.objects.filter(report=name, period=str(period)).order_by("-version").first()


def _sealed_since(
    name: str, period: Period, now: datetime
) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Return the lines of the latest version whose matter is sealed now: they stay as they were reported."""
    latest = latest_of(name, period)
    if latest is None:
        return []
    numbers = {behind[0].partition(".")[0] for _, _, behind in latest.lines}
    sealed = set(
        Matter.objects.filter(number__in=numbers, sealed_until__gt=now).values_list("number", flat=True)
    )
    return [
        (table, tuple(cells), tuple(behind)) for table, cells, behind in latest.lines
        if behind[0].partition(".")[0] in sealed
    ]  # fmt: skip


def custody_events(
    papers: Collection[str] | None = None, *, marked: bool = False
) -> tuple[CustodyEvent, ...]:
    """Return the custody events that were imported.

    Args:
        papers: Numbers of papers; without them all.
        marked: Whether ids are to be told from numbers of the desk.
    """
    mark = CUSTODY if marked else ""
    rows = CustodyRow.objects.all() if papers is None else CustodyRow.objects.filter(paper__in=papers)
    return tuple(
        CustodyEvent(
            f"{mark}{one.event}", one.paper, CustodyWord(one.word), one.at, one.agency,
            f"{mark}{one.corrects}" if one.corrects else "",
        )
        for one in rows.order_by("id").iterator()
    )  # fmt: skip


def said_of(source: Matter | Visit) -> dict[str, str]:
    """Return what was said of a matter or a visit for the reports: the last word on each."""
    found: dict[str, str] = {}
    for line in source.report_lines.all():  # in the order in which they were recorded
        found |= line.says
    return found


def _visits() -> Iterable[HelpRequest]:
    """Return the visits that somebody counts as a request: a phone stands at no police station by itself."""
    zone = rules().clocks.zone
    lines = ReportLine.objects.filter(visit__in=reported_visits()).order_by("entry").select_related("visit")
    said: dict[Visit, dict[str, str]] = {}
    for line in lines:
        assert line.visit is not None
        said.setdefault(line.visit, {}).update(line.says)
    for visit, says in said.items():
        if says.get("counts") == REQUEST:
            yield HelpRequest(
                visit.number, visit.opened.astimezone(zone).date(), says["component"], says["asked"], says["handled"],
                tuple(says.get("documents", "").split()),
            )  # fmt: skip
