"""Event logs and hot-list action logs of plate readers as tables that can be read: a column for each label. Pure.

Such a log has one cell of many lines, each `Label: value`; what was changed, by whom and when stands beside it. It
tells of changes to lists, sharing and accounts, and of no search: it is no log of accesses.

Source: header of the export `Timestamp, User, Event Type, Entity Type, Entity Details, Event Id` (LOG-HEADERS.md, 9).
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from doorward.errors import MalformedError
from doorward.lookback.reading.headings import normalise_label

COLUMNS: Final = ("timestamp", "user", "eventtype", "entitytype", "entitydetails", "eventid")
NEEDED: Final = frozenset({"timestamp", "eventtype", "entitydetails"})
MAX_LABEL: Final = (
    60  # characters; `License Plate Number of the vehicle` is one, a sentence with a colon is none
)
MAX_LABELS: Final = 200
_LABEL: Final = re.compile(r"\s*([A-Za-z][\w /#&()'.-]{0,59}?)\s*:(?:\s+|$)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Event:
    """One line of such a log.

    Args:
        row: As a spreadsheet counts; the header is 1.
        details: Label and value; a value may have lines. What stands before the first label is under the empty text.
    """

    row: int
    timestamp: str
    user: str
    event_type: str
    entity_type: str
    event_id: str
    details: Mapping[str, str]


def is_event_log(header: Sequence[str]) -> bool:
    """Return whether a header is that of an event log."""
    return {normalise_label(label) for label in header} >= NEEDED


def parse_details(text: str) -> dict[str, str]:
    """Return the labels of a cell of details with their values; whatever the text.

    A line that begins with no label goes on with the value above. A label that stands twice has both values, a line
    each.
    """
    details: dict[str, str] = {}
    label = ""
    for line in text.splitlines():
        found = _LABEL.fullmatch(line)
        if found and len(details) < MAX_LABELS:
            label, value = found[1], found[2].strip()
            details[label] = f"{details[label]}\n{value}" if label in details else value
        elif line.strip():
            before = details.get(label)
            details[label] = f"{before}\n{line.strip()}" if before else line.strip()
    return details


def format_details(details: Mapping[str, str]) -> str:
    """Return details as an export writes them."""
    return "\n".join(f"{label}: {value}" if label else value for label, value in details.items())


def read_events(header: Sequence[str], rows: Iterable[tuple[int, Sequence[str | None]]]) -> Iterator[Event]:
    """Yield the events of a log.

    Args:
        header: Labels as written.
        rows: The number of each record and its cells.

    Raises:
        MalformedError: The header is none of an event log.
    """
    if not is_event_log(header):
        raise MalformedError("expected Timestamp, Event Type and Entity Details in the header")
    places = {normalise_label(label): number for number, label in enumerate(header)}

    def cell(cells: Sequence[str | None], name: str) -> str:
        place = places.get(name)
        return (cells[place] or "") if place is not None and place < len(cells) else ""

    for number, cells in rows:
        timestamp, user, event, entity, details, ident = (cell(cells, name) for name in COLUMNS)
        yield Event(number, timestamp, user, event, entity, ident, parse_details(details))


def as_table(events: Sequence[Event]) -> tuple[list[str], list[list[str]]]:
    """Return a header and rows with a column for each label, the most frequent first."""
    counts: Counter[str] = Counter(label for event in events for label in event.details)
    labels = sorted(counts, key=lambda label: (-counts[label], label))
    header = [
        "Timestamp",
        "User",
        "Event Type",
        "Entity Type",
        "Event Id",
        *(label or "Details" for label in labels),
    ]
    rows = [
        [
            event.timestamp, event.user, event.event_type, event.entity_type, event.event_id,
            *(event.details.get(label, "") for label in labels),
        ]
        for event in events
    ]  # fmt: skip
    return header, rows
