"""What the public page of the fund shows, from an edition and the order's history: rows, charts, words. Pure.

Nothing here reaches the ledger or a report: what an edition does not say, the page cannot.
"""

from calendar import month_abbr
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from doorward.desk.transparency.fund_chart import Bar, draw, short
from doorward.fund.ledger.export import LineStatement
from doorward.fund.published.edition import Edition
from doorward.fund.published.history import NOT_SAID, show_period, show_value
from doorward.fund.published.settled import ALL, Count
from doorward.orders.fund import FundWords
from doorward.orders.fund_history import DOLLAR, MONTHS, Figure, History
from doorward.orders.fund_published import PublishedWords

WITHHELD: Final = "withheld"
SHOWN_MONTHS: Final = 24
EVIDENCE: Final = {
    "text": "the source was read",
    "mirror": "a copy that others keep was read",
    "press": "said by the press",
}
MARKS: Final = {"exactly": "", "more-than": ">", "about": "\N{ALMOST EQUAL TO}", "nearly": "<"}
"""How a bar says that its source does not say the number itself."""
SUMS: Final = (
    ("appropriated", "Appropriated"),
    ("encumbered", "Bound by agreements"),
    ("expended", "Spent"),
    ("paid", "Paid out"),
)
COLUMNS: Final = (
    ("appropriated", "Appropriated"), ("carried_in", "Carried in"), ("available", "Available"), ("pending", "Pending"),
    ("encumbered", "Bound"), ("expended", "Spent"), ("lapsed", "Lapsed"), ("carried_out", "Carried on"),
    ("paid", "Paid out"), ("advanced", "Advanced"), ("payable", "Owed"), ("refunded", "Came back late"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawing of the numbers of a table; `svg` is made of escaped text and numbers."""

    title: str
    svg: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table with the drawings of its numbers, or without one."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    drawings: tuple[Drawing, ...] = ()


def dollars(cents: int) -> str:
    """Return cents as dollars, with commas."""
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}${whole:,}.{rest:02d}"


# The history ------------------------------------------------------------------------------------------------------


def history_tables(history: History) -> tuple[Table, ...]:
    """Return a table and a drawing of each measure that has a figure, with what the sources do not say of its years."""
    return tuple(
        _measure(history, code)
        for code in history.measures
        if any(figure.measure == code for figure in history.figures)
    )


def _measure(history: History, code: str) -> Table:
    measure = history.measures[code]
    rows: list[tuple[str, ...]] = []
    bars: list[Bar] = []
    for year in history.years:
        figures = history.figures_of(code, year)
        for figure in figures:
            rows.append(_figure(figure, measure.unit))
            sign = MARKS[figure.how] + ("$" if measure.unit == DOLLAR else "")
            bars.append(Bar(str(year), figure.value, short(figure.value, sign), _months(figure)))
        says = history.unsaid_of(code, year)
        if says is not None:
            rows.append((str(year), NOT_SAID, "", "", says))
            bars.append(Bar(str(year), None, NOT_SAID))
    rows += [_figure(figure, measure.unit) for figure in history.sums_of(code)]
    said = "; ".join(f"{row[0]} {row[1]}" for row in rows)
    description = (
        f"Periods differ in length and overlap, so that bars are not added and years not compared: {said}"
    )
    title = f"{measure.title}, as sources say it"
    drawn = any(bar.value is not None for bar in bars)
    return Table(
        f"{measure.title}, {history.first_year} to {history.last_year}",
        ("Time", "Figure", "Source", "Evidence", "Note"),
        tuple(rows),
        (Drawing(title, draw(f"history-{code}", title, description, bars)),) if drawn else (),
    )


def _figure(figure: Figure, unit: str) -> tuple[str, ...]:
    return (
        show_period(figure.period), show_value(figure, unit), figure.source, EVIDENCE[figure.evidence], figure.says,
    )  # fmt: skip


def _months(figure: Figure) -> str:
    period = figure.period
    if period.month:
        return month_abbr[period.month]
    return "" if period.months == MONTHS else f"{period.months} months"


def gaps(history: History) -> tuple[tuple[str, str, str], ...]:
    """Return what no source says: measures, years, why."""
    return tuple(
        (
            ", ".join(history.measures[code].title for code in one.measures),
            str(one.first) if one.first == one.last else f"{one.first} to {one.last}",
            one.says,
        )
        for one in history.unsaid
    )


def contradictions(history: History) -> tuple[tuple[str, str, str], ...]:
    """Return where sources differ: the measure, the sources, how."""
    return tuple(
        (history.measures[one.measure].title, ", ".join(one.sources), one.says) for one in history.differs
    )


# What was published -----------------------------------------------------------------------------------------------


def money_tables(edition: Edition, fund: FundWords) -> tuple[Table, ...]:
    """Return what was appropriated, bound, spent and paid: by year, and by year and line."""
    years = sorted({line.year for line in edition.lines})
    sums = {(year, name): _sum(edition.lines, year, name) for year in years for name, _ in SUMS}
    drawings = []
    for name, title in SUMS:
        bars = [Bar(str(year), sums[year, name], short(sums[year, name] // 100, "$")) for year in years]
        description = "; ".join(f"{year} {dollars(sums[year, name])}" for year in years) or "no year"
        drawings.append(Drawing(title, draw(f"money-{name}", f"{title}, by fiscal year", description, bars)))
    titles = [title for _, title in SUMS]
    whole = tuple((str(year), *(dollars(sums[year, name]) for name, _ in SUMS)) for year in reversed(years))
    rows = tuple(
        (str(line.year), _line(line.line, fund), *(dollars(getattr(line, name)) for name, _ in SUMS))
        for line in sorted(edition.lines, key=lambda one: (-one.year, one.line))
    )
    return (
        Table("By fiscal year", ("Fiscal year", *titles), whole, tuple(drawings)),
        Table("By fiscal year and line", ("Fiscal year", "Line", *titles), rows),
    )


def _sum(lines: Sequence[LineStatement], year: int, name: str) -> int:
    return sum(int(getattr(line, name)) for line in lines if line.year == year)


def _line(code: str, fund: FundWords) -> str:
    return fund.lines[code].title if code in fund.lines else code


def line_table(edition: Edition, fund: FundWords) -> Table:
    """Return every amount of every line, for the council."""
    rows = tuple(
        (str(line.year), _line(line.line, fund), *(dollars(getattr(line, name)) for name, _ in COLUMNS))
        for line in sorted(edition.lines, key=lambda one: (-one.year, one.line))
    )
    return Table("Every line", ("Fiscal year", "Line", *(title for _, title in COLUMNS)), rows)


def agreement_table(edition: Edition, words: PublishedWords, fund: FundWords) -> Table:
    """Return what each agreement binds and has spent, for the council."""
    rows = tuple(
        (
            str(one.year), words.grantees.get(one.grantee, one.grantee), one.agreement, _line(one.line, fund),
            f"{one.begins} to {one.ends}", dollars(one.encumbered), dollars(one.spent),
        )
        for one in sorted(edition.holdings, key=lambda one: (-one.year, one.grantee, one.agreement, one.line))
    )  # fmt: skip
    head = ("Fiscal year", "Grantee", "Agreement", "Line", "Runs", "Bound", "Spent")
    return Table("Every agreement", head, rows)


def payment_table(edition: Edition, words: PublishedWords) -> Table:
    """Return what each grantee was paid of each fiscal year, less what it gave back."""
    paid: Counter[tuple[str, int]] = Counter()
    for one in edition.payments:
        paid[one.grantee, one.year] += one.paid - one.returned
    years = sorted({one.year for one in edition.payments}, reverse=True)
    grantees = sorted(
        {one.grantee for one in edition.payments},
        key=lambda one: (words.grantees.get(one, one).casefold(), one),
    )
    rows = [
        (words.grantees.get(grantee, grantee), *(dollars(paid[grantee, year]) for year in years))
        for grantee in grantees
    ]
    if rows:
        whole = (dollars(sum(paid[grantee, year] for grantee in grantees)) for year in years)
        rows.append(("All grantees", *whole))
    return Table("Paid to grantees, less what came back", ("Grantee", *map(str, years)), tuple(rows))


def count_tables(counts: Sequence[Count], titles: Mapping[str, str], name: str) -> tuple[Table, ...]:
    """Return a drawing and a table of each word's months and of its years.

    Args:
        titles: Of each word, `all` with them where months have totals.
        name: Of the table: ``served`` or ``outcome``.
    """
    return tuple(
        _counted(f"{name}-{code}", title, [one for one in counts if one.code == code])
        for code, title in titles.items()
    )


def _counted(name: str, title: str, counts: Sequence[Count]) -> Table:
    months = [one for one in counts if "-" in one.period][-SHOWN_MONTHS:]
    years = [one for one in counts if "-" not in one.period]
    bars = [Bar(one.period, one.value, WITHHELD if one.value is None else short(one.value)) for one in months]
    said = "; ".join(f"{one.period} {number(one)}" for one in months)
    rows = (
        *((one.period, number(one)) for one in reversed(years)),
        *((one.period, number(one)) for one in reversed(months)),
    )
    drawn = draw(name, f"{title}, by month", said or "no month", bars)
    return Table(title, ("Year or month", "Count"), rows, (Drawing(f"{title}, by month", drawn),))


def number(count: Count) -> str:
    """Return a count, or that it is withheld."""
    return WITHHELD if count.value is None else f"{count.value:,}"


def served_titles(words: PublishedWords) -> dict[str, str]:
    """Return the titles of what reports count."""
    return {one.code: one.title for one in words.counted}


def outcome_titles(words: PublishedWords) -> dict[str, str]:
    """Return the titles of outcomes, with all of a month."""
    return {**{one.code: one.title for one in words.outcomes.values()}, ALL: "Cases that ended, in all"}


def cost_table(edition: Edition, words: PublishedWords) -> Table:
    """Return what was spent on a service in each closed year, by what was counted."""
    rows = tuple(
        (
            str(one.year),
            words.served[one.code].title if one.code in words.served else one.code,
            dollars(one.spent),
            "not counted" if one.count is None else f"{one.count:,}",
            "" if one.each is None else dollars(one.each),
        )
        for one in sorted(edition.costs, key=lambda one: -one.year)
    )
    return Table(
        "Cost per service, by closed year",
        ("Fiscal year", "Service", "Spent", "Count", "Spent by count"),
        rows,
    )
