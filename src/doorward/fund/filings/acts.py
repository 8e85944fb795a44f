"""What people do with terms, reports, exceptions and reviews, as values, and their one text. Pure.

As the operations of the ledger, none has a place for words that somebody writes. A report here has been read by
`grantee.report`; what was refused there comes as places alone.
"""

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final, TypeAlias

from doorward.errors import MalformedError
from doorward.fund.grantee.cells import KINDS, MAX_REFUSALS, MAX_ROWS, REPORT, WORDS, Refusal
from doorward.fund.grantee.report import Cost, Outcome, Report, Units

_SHEET: Final = re.compile(rf"{REPORT}|{WORDS}|sheet [0-9]{{1,2}}|")
_COLUMN: Final = re.compile(r"[A-Z]{0,3}")


@dataclass(frozen=True, slots=True)
class Bought:
    """Of an agreement's terms: how many units of a service, each at which price in cents."""

    service: str
    units: int
    price_cents: int


@dataclass(frozen=True, slots=True)
class Budgeted:
    """Of an agreement's terms: cents of a line of the report."""

    line: str
    cents: int


@dataclass(frozen=True, slots=True)
class Charged:
    """Of an agreement's terms: where the ledger has a service, or a line that names no service.

    Args:
        word: A service or a line of the report.
        line: Of the ledger.
        service: Of the ledger.
    """

    word: str
    line: str
    service: str


@dataclass(frozen=True, slots=True)
class SetTerms:
    """Say what an agreement buys; it counts once another person accepted it."""

    agreement: str
    bought: tuple[Bought, ...]
    budget: tuple[Budgeted, ...]
    charged: tuple[Charged, ...]


@dataclass(frozen=True, slots=True)
class AcceptTerms:
    """Accept terms, by the number of their filing."""

    terms: int


@dataclass(frozen=True, slots=True)
class FileReport:
    """File a report; it stands until it is returned."""

    report: Report


@dataclass(frozen=True, slots=True)
class ReturnReport:
    """Take a report back, or send it back: it counts for nothing any more."""

    report: int


@dataclass(frozen=True, slots=True)
class NoteRefusal:
    """Say that a file did not enter: where and which kind, and nothing that stood there."""

    agreement: str
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AskException:
    """Ask that a finding may stand, for a reason of the order's list."""

    report: int
    row: int
    column: str
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class GrantException:
    """Grant what another person asked, by the number of its filing."""

    exception: int


@dataclass(frozen=True, slots=True)
class DrawSample:
    """Draw what the reviewer looks at.

    Args:
        leaf: Of the public log, that holds the report's entry.
        root: Of the log up to that leaf and with it, hexadecimal: nobody chooses it (ADR 71).
        wanted: How many units.
    """

    report: int
    leaf: int
    root: str
    wanted: int


@dataclass(frozen=True, slots=True)
class EnterReview:
    """Say pass or fail of each unit that was drawn, in their order."""

    report: int
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeliverTable:
    """Say that an agreement's table of a quarter came; what it says is no part of this."""

    agreement: str
    way: str
    quarter: str


@dataclass(frozen=True, slots=True)
class CloseQuarter:
    """Take no more tables of a quarter, and let those that came be read, added up."""

    quarter: str


Act: TypeAlias = (
    SetTerms | AcceptTerms | FileReport | ReturnReport | NoteRefusal | AskException | GrantException
    | DrawSample | EnterReview | DeliverTable | CloseQuarter
)  # fmt: skip
NAMES: Final[Mapping[type[Act], str]] = {
    SetTerms: "terms", AcceptTerms: "accept-terms", FileReport: "report", ReturnReport: "return-report",
    NoteRefusal: "refused", AskException: "ask-exception", GrantException: "grant-exception",
    DrawSample: "draw", EnterReview: "review", DeliverTable: "deliver", CloseQuarter: "close-quarter",
}  # fmt: skip
_KINDS: Final = {name: kind for kind, name in NAMES.items()}
_LISTS: Final[Mapping[str, type[Any]]] = {"bought": Bought, "budget": Budgeted, "charged": Charged}
_ROWS: Final[Mapping[str, type[Any]]] = {"units": Units, "outcomes": Outcome, "costs": Cost}


@dataclass(frozen=True, slots=True)
class Filing:
    """An act as somebody brings it.

    Args:
        key: Chosen by whoever files; the same key a second time finds what the first did.
        by: The login of who does it.
        day: The day on which it is filed.
    """

    key: uuid.UUID
    by: str
    day: date
    act: Act


def place_text(refusal: Refusal) -> str:
    """Return a place and a kind as one text, such as ``Report 14 D name``.

    A row beyond those of the template, and a sheet or column that no program writes, are left out: their digits are of
    the file.
    """
    place = refusal.place
    sheet = place.sheet if _SHEET.fullmatch(place.sheet) else ""
    row = place.row if 0 <= place.row <= MAX_ROWS + 1 else 0
    column = place.column if _COLUMN.fullmatch(place.column) else ""
    return f"{sheet or 'file'} {row} {column or '-'} {refusal.kind if refusal.kind in KINDS else 'part'}"


def note_refusal(agreement: str, refusals: tuple[Refusal, ...]) -> NoteRefusal:
    """Return what is kept of a file that did not enter."""
    return NoteRefusal(agreement, tuple(dict.fromkeys(map(place_text, refusals)))[:MAX_REFUSALS])


def format_filing(filing: Filing) -> str:
    """Return the one text of a filing, whose SHA-256 the record holds: JSON, keys sorted, no spaces."""
    document = {
        "key": filing.key.hex,
        "by": filing.by,
        "day": filing.day.isoformat(),
        "act": NAMES[type(filing.act)],
        "with": asdict(filing.act),
    }
    return json.dumps(document, sort_keys=True, separators=(",", ":"), default=date.isoformat)


def parse_filing(text: str) -> Filing:
    """Return what a text of `format_filing` says.

    Raises:
        MalformedError: It is none.
    """
    try:
        document = json.loads(text)
        kind = _KINDS[document["act"]]
        act = kind(**{name: _value(name, value) for name, value in document["with"].items()})
        return Filing(
            uuid.UUID(document["key"]), str(document["by"]), date.fromisoformat(document["day"]), act
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise MalformedError("expected the text of a filing of the fund") from error


def report_document(report: Report) -> dict[str, Any]:
    """Return a report as JSON has it; `parse_report` is its reverse."""
    return asdict(report) | {"first": report.first.isoformat(), "last": report.last.isoformat()}


def parse_report(document: Mapping[str, Any]) -> Report:
    """Return the report that a document says; raises KeyError, TypeError or ValueError where it says none."""
    first, last = (date.fromisoformat(document[of]) for of in ("first", "last"))
    rows = [tuple(kind(**one) for one in document[of]) for of, kind in _ROWS.items()]
    return Report(str(document["agreement"]), first, last, *rows)


def _value(name: str, value: Any) -> Any:  # noqa: ANN401  # a value of JSON
    if name == "report" and isinstance(value, dict):
        return parse_report(value)
    if name in _LISTS:
        return tuple(_LISTS[name](**one) for one in value)
    return tuple(value) if name in {"places", "answers"} else value
