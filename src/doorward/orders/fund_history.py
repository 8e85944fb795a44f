"""fund_history.toml of a pack: what others published of the fund before its ledger was kept here. Pure.

A figure stands as its source has it: value, unit, months, source, evidence. Nothing here adds, averages or fills in;
periods of nine months stay nine months. What no source says is data as well: each measure has in each year a figure or
an `[[unsaid]]`, never both and never neither, so that a gap cannot be overlooked.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from doorward.errors import Finding
from doorward.orders.toml import Toml

HISTORY: Final = "fund_history.toml"
EVIDENCE: Final = ("text", "mirror", "press")
HOW: Final = ("exactly", "more-than", "about", "nearly")
FIRST, WHOLE, UNKNOWN = "first", "whole", "unknown"
DOLLAR: Final = "dollar"
MONTHS: Final = 12
MOST: Final = 10**12
_WORD: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
_SOURCE: Final = re.compile(r"[A-Z][0-9]{1,3}[a-z]?")
_SECTIONS: Final = ("first_year", "last_year", "measure", "source", "figure", "unsaid", "differs")
_FIGURE: Final = (
    "measure", "value", "how", "since", "year", "month", "months", "part", "source", "evidence", "says",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measure:
    """What is measured, and in which unit."""

    code: str
    title: str
    unit: str


@dataclass(frozen=True, slots=True)
class Source:
    """Who published it, and where."""

    id: str
    publisher: str
    title: str
    address: str


@dataclass(frozen=True, slots=True)
class Period:
    """The time that a figure is of.

    Args:
        year: The year, or the last one.
        months: How many months of the year; 12 is all of it.
        part: ``first``, ``whole``, or ``unknown`` where the source does not say which months.
        month: Of something that happened in one month: that month; else 0.
        since: Of a sum over years: the first one; else 0.
    """

    year: int
    months: int
    part: str
    month: int = 0
    since: int = 0

    @property
    def is_of_one_year(self) -> bool:
        """Whether it says something of one year."""
        return not self.since

    def overlaps(self, other: "Period") -> bool:
        """Whether some month may be in both; then the two are never added."""
        first, last = (self.since or self.year), self.year
        begins, ends = (other.since or other.year), other.year
        both_one_month = self.month and other.month and self.is_of_one_year and other.is_of_one_year
        if both_one_month:
            return (self.year, self.month) == (other.year, other.month)
        return first <= ends and begins <= last


@dataclass(frozen=True, slots=True)
class Figure:
    """One published figure.

    Args:
        value: In whole units of its measure.
        how: One of `HOW`; a source that says `more than 750` is not made to say 750.
    """

    measure: str
    value: int
    how: str
    period: Period
    source: str
    evidence: str
    says: str


@dataclass(frozen=True, slots=True)
class Unsaid:
    """What no source says, of these measures from the first to the last year."""

    measures: tuple[str, ...]
    first: int
    last: int
    says: str


@dataclass(frozen=True, slots=True)
class Differs:
    """Sources of which one says something else than the other; both stand."""

    measure: str
    sources: tuple[str, ...]
    says: str


@dataclass(frozen=True, slots=True)
class History:
    """What a pack's fund_history.toml says."""

    first_year: int
    last_year: int
    measures: Mapping[str, Measure]
    sources: Mapping[str, Source]
    figures: tuple[Figure, ...]
    unsaid: tuple[Unsaid, ...]
    differs: tuple[Differs, ...]

    @property
    def years(self) -> range:
        """The years that it covers."""
        return range(self.first_year, self.last_year + 1)

    def figures_of(self, measure: str, year: int) -> tuple[Figure, ...]:
        """Return what is said of one year; sums over years are not of it."""
        return tuple(
            one
            for one in self.figures
            if one.measure == measure and one.period.is_of_one_year and one.period.year == year
        )

    def sums_of(self, measure: str) -> tuple[Figure, ...]:
        """Return what is said of a measure since an earlier year."""
        return tuple(one for one in self.figures if one.measure == measure and not one.period.is_of_one_year)

    def unsaid_of(self, measure: str, year: int) -> str | None:
        """Return why a measure has no figure of a year, or None where it has one."""
        return next(
            (one.says for one in self.unsaid if measure in one.measures and one.first <= year <= one.last),
            None,
        )


def read_fund_history(text: str) -> tuple[History | None, list[Finding]]:
    """Return what the file says, or None and everything that is wrong with it, each with its line and column.

    Args:
        text: Of fund_history.toml.

    Raises:
        PolicyCheckError: The text is no TOML.
    """
    file = Toml(HISTORY, text)
    file.refuse_others(_SECTIONS)
    first, last = (_number(file, file.data, 1900, 2199, key) for key in ("first_year", "last_year"))
    measures = {code: _measure(file, code) for code in file.table("measure")}
    sources = {name: _source(file, name) for name in file.table("source")}
    found = History(
        first,
        last,
        measures,
        sources,
        tuple(_figure(file, path, table) for path, table in _tables(file, "figure")),
        tuple(_unsaid(file, path, table) for path, table in _tables(file, "unsaid")),
        tuple(_differs(file, path, table) for path, table in _tables(file, "differs")),
    )
    _check_names(file, found)
    if not file.findings:
        _check_whole(file, found)
    return (None if file.findings else found), file.findings


Path = tuple[str, ...]


def _tables(file: Toml, section: str) -> Iterable[tuple[Path, Mapping[str, Any]]]:
    held = file.data.get(section, [])
    if not isinstance(held, list) or not all(isinstance(one, dict) for one in held):
        file.note(f"`{section}` must be tables: `[[{section}]]`", section)
        return
    for at, table in enumerate(held):
        yield (section, str(at)), table


def _measure(file: Toml, code: str) -> Measure:
    if not _WORD.fullmatch(code):
        file.note(f"`{code[:60]}` is no word of lower-case letters, digits and `-`", "measure", code)
    file.refuse_others(("title", "unit"), "measure", code)
    title, unit = (file.get(str, "measure", code, key) for key in ("title", "unit"))
    if not _WORD.fullmatch(unit):
        file.note("`unit` must be one word in lower case", "measure", code, "unit")
    return Measure(code, title, unit)


def _source(file: Toml, name: str) -> Source:
    if not _SOURCE.fullmatch(name):
        file.note(f"`{name[:60]}` is no id of a source such as `S114`", "source", name)
    file.refuse_others(("publisher", "title", "address"), "source", name)
    publisher, title, address = (
        file.get(str, "source", name, key) for key in ("publisher", "title", "address")
    )
    if not address.startswith(("https://", "http://")) or not address.isascii() or " " in address:
        file.note("`address` must be a web address", "source", name, "address")
    return Source(name, publisher, title, address)


def _figure(file: Toml, path: Path, table: Mapping[str, Any]) -> Figure:
    _refuse_others(file, path, table, _FIGURE)
    period = _period(file, path, table)
    return Figure(
        _text(file, path, table, "measure"),
        _number(file, table, 0, MOST, "value", path=path),
        _one_of(file, path, table, "how", HOW),
        period,
        _text(file, path, table, "source"),
        _one_of(file, path, table, "evidence", EVIDENCE),
        _text(file, path, table, "says") if "says" in table else "",
    )


def _period(file: Toml, path: Path, table: Mapping[str, Any]) -> Period:
    year = _number(file, table, 1900, 2199, "year", path=path)
    since = _number(file, table, 1900, 2199, "since", path=path) if "since" in table else 0
    if since > year:
        file.note("`since` is after its year", *path, "since")
    if "month" in table:
        if "months" in table or "part" in table:
            file.note("a figure has a `month`, or `months` and a `part`", *path, "month")
        month = _number(file, table, 1, MONTHS, "month", path=path)
        return Period(year, month if since else 1, FIRST if since else UNKNOWN, month, since)
    months = _number(file, table, 1, MONTHS, "months", path=path)
    part = _one_of(file, path, table, "part", (FIRST, WHOLE, UNKNOWN))
    if (part == WHOLE) != (months == MONTHS):
        file.note(f"a whole year has {MONTHS} months, and no part of it has", *path, "part")
    return Period(year, months, part, 0, since)


def _unsaid(file: Toml, path: Path, table: Mapping[str, Any]) -> Unsaid:
    _refuse_others(file, path, table, ("measures", "first", "last", "says"))
    first, last = (_number(file, table, 1900, 2199, key, path=path) for key in ("first", "last"))
    if last < first:
        file.note("`last` is before `first`", *path, "last")
    return Unsaid(_texts(file, path, table, "measures"), first, last, _text(file, path, table, "says"))


def _differs(file: Toml, path: Path, table: Mapping[str, Any]) -> Differs:
    _refuse_others(file, path, table, ("measure", "sources", "says"))
    sources = _texts(file, path, table, "sources")
    if len(sources) == 1:
        file.note("it takes two sources to differ", *path, "sources")
    return Differs(_text(file, path, table, "measure"), sources, _text(file, path, table, "says"))


def _check_names(file: Toml, found: History) -> None:
    if found.last_year < found.first_year:
        file.note("`last_year` is before `first_year`", "last_year")
    used = set()
    for at, figure in enumerate(found.figures):
        path = ("figure", str(at))
        used.add(figure.source)
        if figure.source not in found.sources:
            file.note(f"`{figure.source[:40]}` is no source of this file", *path, "source")
        if figure.measure not in found.measures:
            file.note(f"`{figure.measure[:40]}` is no measure of this file", *path, "measure")
        years = (figure.period.since or figure.period.year, figure.period.year)
        if not all(year in found.years for year in years):
            file.note("the figure is of a year that this file does not cover", *path, "year")
        if figure in found.figures[:at]:
            file.note("this figure stands twice", *path)
    for name in found.sources:
        if name not in used:
            file.note(f"no figure rests on `{name[:40]}`", "source", name)
    for at, unsaid in enumerate(found.unsaid):
        for measure in unsaid.measures:
            if measure not in found.measures:
                file.note(f"`{measure[:40]}` is no measure of this file", "unsaid", str(at), "measures")
    for at, differs in enumerate(found.differs):
        for source in differs.sources:
            if not any(one.source == source and one.measure == differs.measure for one in found.figures):
                file.note(
                    f"`{source[:40]}` has no figure of `{differs.measure[:40]}`",
                    "differs",
                    str(at),
                    "sources",
                )


def _check_whole(file: Toml, found: History) -> None:
    """Each measure and year is said, or said to be unsaid; and not both."""
    for measure in found.measures:
        for year in found.years:
            has = bool(found.figures_of(measure, year))
            told = [
                at
                for at, one in enumerate(found.unsaid)
                if measure in one.measures and one.first <= year <= one.last
            ]
            if has and told:
                file.note(
                    f"`{measure}` of {year} has a figure and is said to have none", "unsaid", str(told[0])
                )
            elif len(told) > 1:
                file.note(f"`{measure}` of {year} is said twice to have no figure", "unsaid", str(told[1]))
            elif not has and not told:
                file.note(
                    f"`{measure}` of {year} has no figure, and is not said to have none",
                    "measure",
                    measure,
                    hint="a figure with its source, or an `[[unsaid]]`",
                )


def _refuse_others(file: Toml, path: Path, table: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    for key in table:
        if key not in allowed:
            file.note(f"unknown key `{key[:40]}`", *path, key, hint=f"one of {', '.join(allowed)}")


def _number(file: Toml, table: Mapping[str, Any], least: int, most: int, key: str, *, path: Path = ()) -> int:
    held = table.get(key)
    if type(held) is int and least <= held <= most:
        return held
    file.note(f"`{key}` must be a whole number from {least:,} to {most:,}", *path, key)
    return least


def _text(file: Toml, path: Path, table: Mapping[str, Any], key: str) -> str:
    held = table.get(key)
    if isinstance(held, str) and held.strip() and held.isprintable():
        return held
    file.note(
        f"`{key}` must be a text; {'it is missing' if held is None else 'it is something else'}", *path, key
    )
    return ""


def _texts(file: Toml, path: Path, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    held = table.get(key)
    if isinstance(held, list) and held and all(isinstance(one, str) and one for one in held):
        return tuple(held)
    file.note(f"`{key}` must be a list of texts", *path, key)
    return ()


def _one_of(file: Toml, path: Path, table: Mapping[str, Any], key: str, allowed: tuple[str, ...]) -> str:
    held = table.get(key)
    if held in allowed:
        return str(held)
    file.note(f"`{key}` must be one of {', '.join(allowed)}", *path, key)
    return allowed[0]
