"""The form for a report as the cells of a report's table: a form and a file are read by one reader. Pure.

A cell that is refused is shown empty again: nothing that was refused is sent back.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from doorward.fund.grantee.cells import REPORT, Cell, Place, Refusal, Sheet, cell_of, column_name
from doorward.fund.grantee.report import COLUMNS, YES_NO
from doorward.orders.fund_units import FundUnits

SECTIONS: Final[Mapping[str, tuple[str, int, tuple[str, ...]]]] = {
    "period": ("Period", 1, ("from", "to")),
    "service": ("Services", 8, ("service", "detained", "stage", "opened", "carried", "closed", "units")),
    "outcome": ("Outcomes", 4, ("service", "outcome", "units")),
    "cost": ("Costs", 6, ("line", "invoice", "service", "units", "price", "amount")),
}
TITLES: Final = {
    "from": "From", "to": "To", "service": "Type of service", "detained": "Detained",
    "stage": "Stage of the court", "opened": "Opened", "carried": "Carried", "closed": "Closed", "units": "Units",
    "outcome": "How cases ended", "line": "Line of the budget", "invoice": "Invoice", "price": "Price, $",
    "amount": "Amount, $",
}  # fmt: skip
_LONGEST: Final = 40


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the form: its name, its label, what is chosen from, and what stands in it."""

    name: str
    label: str
    options: tuple[tuple[str, str], ...] = ()
    value: str = ""
    is_wrong: bool = False
    kind: str = "text"


@dataclass(frozen=True, slots=True)
class Section:
    """A table of the form: a heading for each column, and rows of fields."""

    record: str
    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Field, ...], ...]


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody typed, as a report's table.

    Args:
        places: Record and row of the form, by the row of the table.
    """

    sheet: Sheet
    places: Mapping[int, tuple[str, int]] = field(default_factory=dict)


def read_form(sent: Mapping[str, str], agreement: str) -> Typed:
    """Return the table of a form that was sent.

    Args:
        sent: Of a stranger.
        agreement: Of the address, which access has looked at.
    """
    places: dict[int, tuple[str, int]] = {}
    rows = [(1, {at: Cell(name) for at, name in enumerate(COLUMNS)})]
    for record, (_, many, names) in SECTIONS.items():
        for at in range(many):
            typed = {name: sent.get(f"{record}-{at}-{name}", "") for name in names}
            if not any(text.strip() for text in typed.values()):
                continue
            if record == "period":
                typed["agreement"] = agreement
            number = len(rows) + 1
            places[number] = (record, at)
            held = {"record": record, **typed}
            rows.append(
                (number, {at: cell_of(held[name]) for at, name in enumerate(COLUMNS) if held.get(name)})
            )
    return Typed(Sheet(REPORT, tuple(rows)), places)


def field_of(typed: Typed, place: Place) -> str:
    """Return the name of the field of a place of the table, or empty where it is the whole."""
    found = typed.places.get(place.row)
    name = next((name for at, name in enumerate(COLUMNS) if column_name(at) == place.column), "")
    if found is None:
        return ""
    record, at = found
    names = SECTIONS[record][2]
    return f"{record}-{at}-{name if name in names else names[0]}"


def where(typed: Typed, row: int, column: str) -> str:
    """Return a place in words of the form, such as ``Services, row 3, Units``."""
    found = typed.places.get(row)
    if found is None:
        return "The report"
    record, at = found
    title = SECTIONS[record][0]
    head = TITLES.get(column, "")
    return ", ".join(
        part for part in (title, f"row {at + 1}" if SECTIONS[record][1] > 1 else "", head) if part
    )


def column_of(place: Place) -> str:
    """Return the heading of a place of the table."""
    return next((name for at, name in enumerate(COLUMNS) if column_name(at) == place.column), "")


def show_form(
    units: FundUnits, sent: Mapping[str, str], wrong: Iterable[Refusal], typed: Typed | None
) -> list[Section]:
    """Return the form's tables, with what was sent but for what was refused."""
    names = {field_of(typed, one.place) for one in wrong} if typed else set()
    return [
        Section(
            record, title, tuple(TITLES[one] for one in columns),
            tuple(tuple(_fields(record, title, at, units, sent, names)) for at in range(many)),
        )
        for record, (title, many, columns) in SECTIONS.items()
    ]  # fmt: skip


def _fields(  # noqa: PLR0917  # what a field is made of
    record: str, title: str, at: int, units: FundUnits, sent: Mapping[str, str], wrong: set[str]
) -> Iterator[Field]:
    for column in SECTIONS[record][2]:
        name = f"{record}-{at}-{column}"
        is_wrong = name in wrong
        value = "" if is_wrong else sent.get(name, "")[:_LONGEST]
        row = f", row {at + 1}" if SECTIONS[record][1] > 1 else ""
        label = f"{title}{row}: {TITLES[column]}"
        options = _options(column, record, units)
        if options and value not in dict(options):
            value = ""
        kind = "date" if record == "period" else "text"
        yield Field(name, label, options, value, is_wrong, kind)


def _options(column: str, record: str, units: FundUnits) -> tuple[tuple[str, str], ...]:
    if column == "service":
        words = {
            word: one.says
            for word, one in units.services.items()
            if record != "outcome" or one.counts == "cases"
        }
    elif column == "line":
        words = {word: one.says for word, one in units.lines.items() if not one.is_off}
    elif column == "stage":
        words = dict(units.stages)
    elif column == "outcome":
        words = dict(units.outcomes)
    elif column == "detained":
        words = {word: word for word in YES_NO}
    else:
        return ()
    return (("", ""), *words.items())
