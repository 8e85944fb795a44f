"""A report as a page shows it: each field of the statute, each line with the rows behind it, what keeps it back."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.urls import reverse

from doorward.desk.access import Actor, matters, visits
from doorward.desk.deadlines.periods import Period
from doorward.desk.models import FiledReport
from doorward.desk.reporting.gather import CUSTODY, report_now
from doorward.desk.statutory.report import Report, Row, Table
from doorward.desk.statutory.rows import Gathered

LINES: Final = 200  # of a table, on a page
FIRST: Final = 50  # of what is behind a gap, of what is in no table, of cells that may not leave


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
    """One table; where it has no line in all it certifies that there were none.

    Args:
        count: Of its lines in all.
        lines: Those of a page.
    """

    caption: str
    head: tuple[str, ...]
    count: int
    lines: tuple[ShownLine, ...]
    none: str


@dataclass(frozen=True, slots=True)
class ShownGap:
    """Something to look at.

    Args:
        count: Of the rows behind it.
        behind: The first of them.
    """

    says: str
    count: int
    behind: tuple[Behind, ...]
    blocks: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """A report before it is made.

    Args:
        left_out: The first of what is in no table, and why.
        left_out_count: How many there are.
        pages: How many pages of lines the longest table has.
        hits: Cells that may not leave.
        certifies: What is certified of tables without a row.
    """

    title: str
    to: str
    clauses: tuple[str, ...]
    tables: tuple[ShownTable, ...]
    gaps: tuple[ShownGap, ...]
    left_out: tuple[tuple[Behind, str], ...]
    left_out_count: int
    pages: int
    hits: tuple[str, ...]
    certifies: tuple[str, ...]

    @property
    def is_kept_back(self) -> bool:
        """Whether something keeps it from being made."""
        return bool(self.hits) or any(gap.blocks for gap in self.gaps)


def show(actor: Actor, name: str, period: Period, page: int = 1) -> tuple[Shown, Report]:
    """Return a report on a period as it is now, with links that this person may follow.

    Args:
        page: Of the lines, from 1; one that is not there has none.

    Raises:
        ConfigError: The order says too little for reports, or the report is on another kind of period.
    """
    report, gathered = report_now(name, period, actor.now)
    left_out = gathered.left_out_of(period)
    rows = {table.id: table.rows[(page - 1) * LINES : page * LINES] for table in report.tables}
    needed = [name for some in rows.values() for row in some for name in row.behind]
    needed += [name for gap in report.gaps for name in gap.behind[:FIRST]]
    needed += [one.number for one in left_out[:FIRST]]
    links = _Links(actor, gathered, needed)
    shown = Shown(
        report.title,
        report.to,
        report.clauses,
        tuple(links.table(table, rows[table.id]) for table in report.tables),
        tuple(
            ShownGap(gap.says, len(gap.behind), links.all(gap.behind[:FIRST]), gap.blocks)
            for gap in report.gaps
        ),
        tuple((links.one(one.number), one.why) for one in left_out[:FIRST]),
        len(left_out),
        max(-(-len(table.rows) // LINES) for table in report.tables),
        tuple(str(hit) for hit in report.hits()[:FIRST]),
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
    def __init__(self, actor: Actor, gathered: Gathered, needed: Iterable[str]) -> None:
        self.sources = gathered.sources
        self.pages = _pages(actor, {self.sources.get(name, name) for name in needed})

    def table(self, table: Table, rows: Sequence[Row]) -> ShownTable:
        lines = tuple(ShownLine(row.cells, self.all(row.behind)) for row in rows)
        return ShownTable(table.caption, table.head, len(table.rows), lines, table.none)

    def all(self, names: Sequence[str]) -> tuple[Behind, ...]:
        return tuple(map(self.one, names))

    def one(self, name: str) -> Behind:
        if name.startswith(CUSTODY):
            return Behind(f"custody event {name.removeprefix(CUSTODY)}", reverse("custody"))
        return self.pages.get(self.sources.get(name, name), Behind(name))


def _pages(actor: Actor, numbers: Collection[str]) -> Mapping[str, Behind]:
    found = {}
    for page, rows in (("matter", matters(actor)), ("visit", visits(actor))):
        for key, number in rows.filter(number__in=numbers).values_list("pk", "number"):
            line = reverse("report-line", kwargs={"key": key})
            found[number] = Behind(number, reverse(page, kwargs={"key": key}), line)
    return found
