"""A report as a page shows it: each field of the statute, each line with the rows behind it, what keeps it back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.urls import reverse

from doorward.desk.access import Actor, matters, visits
from doorward.desk.deadlines.periods import Period
from doorward.desk.models import FiledReport
from doorward.desk.reporting.gather import CUSTODY, report_now
from doorward.desk.statutory.report import Report, Table
from doorward.desk.statutory.rows import Gathered


@dataclass(frozen=True, slots=True)
class Behind:
    """A row behind a number.

    Args:
        page: Of the matter or visit, where this person may open it; else empty.
        line: Where the law department says something of it; else empty.
    """

    name: str
    page: str = ""
    line: str = ""


@dataclass(frozen=True, slots=True)
class ShownLine:
    """One line of a table."""

    cells: tuple[str, ...]
    behind: tuple[Behind, ...]


@dataclass(frozen=True, slots=True)
class ShownTable:
    """One table; without lines it certifies that there were none."""

    caption: str
    head: tuple[str, ...]
    lines: tuple[ShownLine, ...]
    none: str


@dataclass(frozen=True, slots=True)
class ShownGap:
    """Something to look at."""

    says: str
    behind: tuple[Behind, ...]
    blocks: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A report before it is made.

    Args:
        left_out: What is in no table, and why.
        hits: Cells that may not leave.
        certifies: What is certified of tables without a row.
    """

    title: str
    to: str
    clauses: tuple[str, ...]
    tables: tuple[ShownTable, ...]
    gaps: tuple[ShownGap, ...]
    left_out: tuple[tuple[Behind, str], ...]
    hits: tuple[str, ...]
    certifies: tuple[str, ...]

    @property
    def is_kept_back(self) -> bool:
        """Whether something keeps it from being made."""
        return bool(self.hits) or any(gap.blocks for gap in self.gaps)


def show(actor: Actor, name: str, period: Period) -> tuple[Shown, Report]:
    """Return a report on a period as it is now, with links that this person may follow.

    Raises:
        ConfigError: The order says too little for reports, or the report is on another kind of period.
    """
    report, gathered = report_now(name, period, actor.now)
    links = _Links(actor, gathered)
    shown = Shown(
        report.title,
        report.to,
        report.clauses,
        tuple(links.table(table) for table in report.tables),
        tuple(ShownGap(gap.says, links.all(gap.behind), gap.blocks) for gap in report.gaps),
        tuple((links.one(one.number), one.why) for one in gathered.left_out_of(period)),
        tuple(str(hit) for hit in report.hits()),
        report.certifies(),
    )
    return shown, report


def changed_since(report: Report, filed: FiledReport) -> tuple[tuple[str, str], ...]:
    """Return how a report would differ from a version: lines that are new, and lines that are gone."""
    now = {(table.id, row.cells[1:], row.behind) for table in report.tables for row in table.rows}
    then = {(table, tuple(cells[1:]), tuple(behind)) for table, cells, behind in filed.lines}
    return tuple(
        (word, ", ".join(cell or "-" for cell in cells))
        for word, lines in (("new", now - then), ("gone", then - now))
        for _, cells, _ in sorted(lines)
    )


class _Links:
    def __init__(self, actor: Actor, gathered: Gathered) -> None:
        self.sources = gathered.sources
        every = {*gathered.sources.values(), *(one.number for one in gathered.left_out)}
        self.pages = _pages(actor, every)

    def table(self, table: Table) -> ShownTable:
        lines = tuple(ShownLine(row.cells, self.all(row.behind)) for row in table.rows)
        return ShownTable(table.caption, table.head, lines, table.none)

    def all(self, names: Sequence[str]) -> tuple[Behind, ...]:
        return tuple(map(self.one, names))

    def one(self, name: str) -> Behind:
        if name.startswith(CUSTODY):
            return Behind(f"custody event {name.removeprefix(CUSTODY)}", reverse("custody"))
        return self.pages.get(self.sources.get(name, name), Behind(name))


def _pages(actor: Actor, numbers: Iterable[str]) -> Mapping[str, Behind]:
    wanted, found = set(numbers), {}
    for page, rows in (("matter", matters(actor)), ("visit", visits(actor))):
        for key, number in rows.filter(number__in=wanted).values_list("pk", "number"):
            line = reverse("report-line", kwargs={"key": key})
            found[number] = Behind(number, reverse(page, kwargs={"key": key}), line)
    return found
