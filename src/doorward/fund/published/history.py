"""The fund's published history as rows: one of each figure, and one of each gap. Pure.

The same rows stand on the public page, in the CSV beside it and in `doorward fund history`. Nothing is added up.
"""

import csv
import io
from calendar import month_name
from dataclasses import dataclass
from typing import Final

from doorward.orders.fund_history import DOLLAR, FIRST, MONTHS, WHOLE, Figure, History, Period

HEAD: Final = ("measure", "unit", "period", "how", "value", "source", "evidence", "says")
NOT_SAID: Final = "not said"
_HOW: Final = {"exactly": "", "more-than": "more than ", "about": "about ", "nearly": "nearly "}


@dataclass(frozen=True, slots=True)
class Row:
    """A figure or a gap, in words.

    Args:
        value: Empty where no source says one.
        source: An id; empty of a gap.
    """

    measure: str
    unit: str
    period: str
    how: str
    value: str
    source: str
    evidence: str
    says: str


def show_period(period: Period) -> str:
    """Return a period in words, with its months; months that a source does not name are not named."""
    year = str(period.year)
    if period.since:
        end = month_name[period.month or period.months]
        return (
            f"{period.since} to {end} {year}"
            if period.months != MONTHS or period.month
            else f"{period.since} to {year}"
        )
    if period.month:
        return f"{month_name[period.month]} {year}"
    if period.part == WHOLE:
        return year
    if period.part == FIRST:
        return f"first {period.months} months of {year}"
    return f"some months of {year}, not more than {period.months}"


def show_value(figure: Figure, unit: str) -> str:
    """Return a figure as its source says it: `more than 750` is not made to say 750."""
    shown = f"{figure.value:,}"
    return _HOW[figure.how] + (f"${shown}" if unit == DOLLAR else shown)


def history_rows(history: History) -> tuple[Row, ...]:
    """Return every figure and every gap, by measure and time; figures first where a year has both kinds of months."""
    found = []
    for code, measure in history.measures.items():
        for year in history.years:
            found += [_row(one, measure.title, measure.unit) for one in history.figures_of(code, year)]
            says = history.unsaid_of(code, year)
            if says is not None:
                found.append(Row(measure.title, measure.unit, str(year), NOT_SAID, "", "", "", says))
        found += [_row(figure, measure.title, measure.unit) for figure in history.sums_of(code)]
    return tuple(found)


def _row(figure: Figure, title: str, unit: str) -> Row:
    return Row(
        title, unit, show_period(figure.period), figure.how, str(figure.value), figure.source, figure.evidence,
        figure.says,
    )  # fmt: skip


def format_history(history: History) -> bytes:
    """Return the rows as CSV (RFC 4180, UTF-8); a gap is a row whose `how` is `not said`."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEAD)
    for row in history_rows(history):
        writer.writerow(
            (row.measure, row.unit, row.period, row.how, row.value, row.source, row.evidence, row.says)
        )
    return out.getvalue().encode()
