"""The report of a period: what a file says, as counts, amounts and words of the order, or why it does not enter. Pure.

One table, one record a row; which columns a record fills is fixed. Nothing of the file outlives this: a report holds
words of the order's lists and numbers, a refusal a place and a kind.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

from doorward.fund.grantee import values
from doorward.fund.grantee.cells import (
    KINDS,
    MAX_ROWS,
    REPORT,
    WORDS,
    Cell,
    Place,
    Refusal,
    Sheet,
    bounded,
    column_name,
)
from doorward.fund.grantee.values import Refused
from doorward.orders.fund_units import CASES, EVENTS, FundUnits

COLUMNS: Final = (
    "record", "agreement", "from", "to", "service", "detained", "stage", "outcome", "opened", "carried", "closed",
    "units", "line", "invoice", "price", "amount", "note",
)  # fmt: skip
REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "period": ("agreement", "from", "to"),
    "service": ("service", "units"),
    "outcome": ("service", "outcome", "units"),
    "cost": ("line", "invoice", "amount"),
}
OPTIONAL: Final[Mapping[str, tuple[str, ...]]] = {
    "period": (),
    "service": ("detained", "stage", "opened", "carried", "closed"),
    "outcome": (),
    "cost": ("service", "units", "price", "note"),
}
MAX_INVOICE: Final = 999
MAX_DAYS: Final = 92  # a quarter
YES_NO: Final = ("yes", "no")
Value = str | int | date | Refused


@dataclass(frozen=True, slots=True)
class Units:
    """Units of one service; ``row`` is where it stands, for findings."""

    row: int
    service: str
    detained: str
    stage: str
    opened: int
    carried: int
    closed: int
    units: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """How cases of a service ended."""

    row: int
    service: str
    outcome: str
    cases: int


@dataclass(frozen=True, slots=True)
class Cost:
    """A line of an invoice, in cents."""

    row: int
    line: str
    invoice: int
    service: str
    units: int | None
    price_cents: int | None
    amount_cents: int
    note: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a grantee reports of a period."""

    agreement: str
    first: date
    last: date
    units: tuple[Units, ...]
    outcomes: tuple[Outcome, ...]
    costs: tuple[Cost, ...]

    def told(self) -> dict[str, Any]:
        """Return it as plain values, in an order of its own: two files that say the same give the same."""
        told = asdict(self) | {"first": self.first.isoformat(), "last": self.last.isoformat()}
        for key in ("units", "outcomes", "costs"):
            rows = [{name: value for name, value in row.items() if name != "row"} for row in told[key]]
            told[key] = sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))
        return told

    @property
    def digest(self) -> str:
        """SHA-256 over `told`, as hexadecimal digits."""
        text = json.dumps(self.told(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode("ascii")).hexdigest()


def read_report(
    sheets: tuple[Sheet, ...], units: FundUnits, agreements: Collection[str]
) -> tuple[Report | None, tuple[Refusal, ...]]:
    """Return the report of these sheets, or None and everything that refuses it.

    Args:
        sheets: As a reader returned them, with no refusal of its own.
        units: The order's words.
        agreements: Numbers of the sender's agreements, in small letters.
    """
    table = next((sheet for sheet in sheets if sheet.name == REPORT), None)
    found = [refusal for sheet in sheets if sheet.name == WORDS for refusal in _check_words(sheet, units)]
    if table is None or not table.rows:
        return None, bounded([*found, Refusal(Place(REPORT), "missing")])
    if len(table.rows) > MAX_ROWS + 1:
        return None, bounded([*found, Refusal(Place(REPORT), "rows")])
    reading = _Reading(units, agreements, found)
    heads = reading.read_heads(*table.rows[0])
    for number, cells in table.rows[1:]:
        reading.read_row(number, cells, heads)
    return reading.close(), bounded(found)


def _readers(units: FundUnits, agreements: Collection[str]) -> dict[str, Callable[[Cell], Value]]:
    return {
        "record": _record,
        "agreement": lambda cell: values.read_agreement(cell, agreements),
        "from": values.read_day,
        "to": values.read_day,
        "service": lambda cell: values.read_word(cell, units.services),
        "detained": lambda cell: values.read_word(cell, YES_NO),
        "stage": lambda cell: values.read_word(cell, units.stages),
        "outcome": lambda cell: values.read_word(cell, units.outcomes),
        "opened": lambda cell: values.read_count(cell, units.max_count),
        "carried": lambda cell: values.read_count(cell, units.max_count),
        "closed": lambda cell: values.read_count(cell, units.max_count),
        "units": lambda cell: values.read_count(cell, units.max_units),
        "line": lambda cell: values.read_word(cell, units.lines),
        "invoice": lambda cell: values.read_count(cell, MAX_INVOICE),
        "price": lambda cell: values.read_cents(cell, units.max_cents),
        "amount": lambda cell: values.read_cents(cell, units.max_cents),
        "note": lambda cell: values.read_note(cell, units.words, units.note_words),
    }


def _record(cell: Cell) -> Value:
    found = values.read_word(cell, REQUIRED)
    return Refused("record") if found == Refused("word") else found


class _Reading:
    """Rows as values; every refusal goes into the list that it was given."""

    def __init__(self, units: FundUnits, agreements: Collection[str], found: list[Refusal]) -> None:
        self._units, self._found = units, found
        self._readers = _readers(units, agreements)
        self._periods: list[tuple[str, date, date]] = []
        self._services: list[Units] = []
        self._outcomes: list[Outcome] = []
        self._costs: list[Cost] = []

    def _refuse(self, kind: str, row: int, column: int | None = None) -> None:
        self._found.append(Refusal(Place(REPORT, row, "" if column is None else column_name(column)), kind))

    def read_heads(self, number: int, cells: Mapping[int, Cell]) -> dict[int, str]:
        heads: dict[int, str] = {}
        for column, cell in cells.items():
            word = values.read_word(cell, COLUMNS)
            if isinstance(word, Refused):
                self._refuse("header" if word.kind == "word" else word.kind, number, column)
            elif word in heads.values():
                self._refuse("twice", number, column)
            else:
                heads[column] = word
        if missing := [name for name in COLUMNS if name not in heads.values()]:
            self._found += [Refusal(Place(REPORT, number), "missing")] * bool(missing)
        return heads

    def read_row(self, number: int, cells: Mapping[int, Cell], heads: Mapping[int, str]) -> None:
        before = len(self._found)
        row: dict[str, Any] = {}
        for column, cell in cells.items():
            if not cell.text.strip(" "):
                continue
            name = heads.get(column)
            value = self._readers[name](cell) if name else Refused(values.kind_of(cell.text, "outside"))
            if isinstance(value, Refused):
                self._refuse(value.kind, number, column)
            elif name:
                row[name] = value
        places = {name: column for column, name in heads.items()}
        record = row.get("record")
        if record is None:
            if len(self._found) == before and row:
                self._refuse("record", number, places.get("record"))
            return
        allowed = {"record", *REQUIRED[record], *OPTIONAL[record], *self._of_service(record, row)}
        for name in row:
            if name not in allowed:
                self._refuse("filled", number, places[name])
        for name in (*REQUIRED[record], *self._of_service(record, row)):
            if name not in row and len(self._found) == before:
                self._refuse("empty", number, places.get(name))
        if len(self._found) == before:
            self._add(record, number, row, places)

    def _of_service(self, record: str, row: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the columns that a service asks for besides."""
        service = self._units.services.get(row.get("service", "")) if record == "service" else None
        if service is None:
            return ()
        counts = ("opened", "carried", "closed") if service.counts == CASES else ()
        return (*counts, *(("detained",) * service.detained), *(("stage",) * service.staged))

    def _add(self, record: str, number: int, row: Mapping[str, Any], places: Mapping[str, int]) -> None:
        if record == "period":
            first, last = row["from"], row["to"]
            if last < first or (last - first).days >= MAX_DAYS or first.year != last.year:
                self._refuse("period", number, places["to"])
            elif self._periods:
                self._refuse("twice", number, places["record"])
            self._periods.append((row["agreement"], first, last))
        elif record == "service":
            service = self._units.services[row["service"]]
            extra = [
                name
                for name, has in (("detained", service.detained), ("stage", service.staged))
                if name in row and not has
            ]
            if service.counts == EVENTS:
                extra += [name for name in ("opened", "carried", "closed") if name in row]
            for name in extra:
                self._refuse("filled", number, places[name])
            counts = [row.get(name, 0) for name in ("opened", "carried", "closed", "units")]
            self._services.append(
                Units(number, row["service"], row.get("detained", ""), row.get("stage", ""), *counts)
            )
        elif record == "outcome":
            if self._units.services[row["service"]].counts == EVENTS:
                self._refuse("filled", number, places["outcome"])
            self._outcomes.append(Outcome(number, row["service"], row["outcome"], row["units"]))
        else:
            optional = {name: row.get(name) for name in ("units", "price")}
            said = (
                row.get("service", ""),
                optional["units"],
                optional["price"],
                row["amount"],
                row.get("note", ""),
            )
            self._costs.append(Cost(number, row["line"], row["invoice"], *said))

    def close(self) -> Report | None:
        if not self._periods and not self._found:
            self._found.append(Refusal(Place(REPORT), "missing"))
        if self._found:
            return None
        agreement, first, last = self._periods[0]
        return Report(
            agreement, first, last, tuple(self._services), tuple(self._outcomes), tuple(self._costs)
        )


def words_rows(units: FundUnits) -> tuple[tuple[str, str, str], ...]:
    """Return the rows of the sheet of words: column, word, what it means."""
    return (
        ("column", "word", "means"),
        *(("record", word, "a row of this record") for word in REQUIRED),
        *(("service", word, one.says) for word, one in units.services.items()),
        *(("detained", word, word) for word in YES_NO),
        *(("stage", word, says) for word, says in units.stages.items()),
        *(("outcome", word, says) for word, says in units.outcomes.items()),
        *(("line", word, one.says) for word, one in units.lines.items() if not one.is_off),
        *(("note", word, word) for word in sorted(units.words)),
    )


def _check_words(sheet: Sheet, units: FundUnits) -> list[Refusal]:
    """Return each cell of the sheet of words that is not as the template wrote it."""
    rows = words_rows(units)
    found = []
    for number, cells in sheet.rows:
        for column, cell in cells.items():
            known = number <= len(rows) and column < 3 and cell.text == rows[number - 1][column]
            if not known:
                kind = values.kind_of(cell.text, "outside")
                assert kind in KINDS
                found.append(Refusal(Place(WORDS, number, column_name(column)), kind))
    return found
