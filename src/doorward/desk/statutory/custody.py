"""Custody events from a CSV of the custody system; every row is accounted for. Pure.

Columns, in any order, each once: `event` (its id there), `paper` (the desk's number of the paper), `what`
(`bail-posted`, `released`, `transferred`, `withdrawn`), `at` (with its offset), `agency` (of a transfer, an id of the
order), `corrects` (the id of an earlier event, or empty). A file with another column is refused whole: it may hold what
the desk must not have.

1. A row that is held already, to the letter, is `held`: a second import of a file changes nothing.
2. A row with the id of another event is refused. A correction is a new event that names the one it corrects.
3. A paper has one bail and one end (released or transferred) that stand; a second one is refused until the first is
   corrected.
4. Rows may stand in any order: one that waits for another is tried again behind it.
5. A refused row says which column and why, and never what stood there.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from doorward.desk.deadlines.calendar import is_moment
from doorward.desk.statutory.held import ENDS, CustodyEvent, CustodyWord, Paper, standing_events
from doorward.errors import MalformedError

COLUMNS: Final = ("event", "paper", "what", "at", "agency", "corrects")
MAX_BYTES: Final = 32 * 1024 * 1024
MAX_ROWS: Final = 200_000
MAX_PASSES: Final = 20  # a row that waits for a row that waits, so often; a system's own order needs one
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")


class RowState(StrEnum):
    """What became of a row."""

    NEW = "new"
    HELD = "held"
    CORRECTION = "correction"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class RowResult:
    """One row of a file.

    Args:
        line: Its first line in the file, from 1.
        why: Of a refused row; names the column, quotes nothing.
    """

    line: int
    state: RowState
    why: str = ""


@dataclass(frozen=True, slots=True)
class CustodyImport:
    """What an import makes.

    Args:
        events: Those held before and the new ones, in order.
        rows: One for each row of the file.
    """

    events: tuple[CustodyEvent, ...]
    rows: tuple[RowResult, ...]

    @property
    def account(self) -> Mapping[RowState, int]:
        """How many rows became what; they add up to the rows of the file."""
        counts = Counter(row.state for row in self.rows)
        return {state: counts[state] for state in RowState}


def import_custody(
    text: str, *, held: Iterable[CustodyEvent], papers: Iterable[Paper], agencies: Collection[str]
) -> CustodyImport:
    """Return the events held after a file was read, and what became of each of its rows.

    Args:
        text: Of the file, UTF-8; a byte order mark is passed over.
        held: What was imported before.
        papers: Those that a row may be about.
        agencies: Ids of the order's agencies to which a person may have been transferred.

    Raises:
        MalformedError: It is no such CSV; nothing of it is imported.
    """
    if len(text) > MAX_BYTES:
        raise MalformedError(f"a file of custody events has at most {MAX_BYTES} characters")
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    desk = _Desk({event.id: event for event in held}, {paper.id: paper for paper in papers}, agencies)
    rows: list[tuple[int, CustodyEvent | str]] = []
    try:
        places = _places(next(reader, []))
        line = reader.line_num + 1
        for row in reader:
            if row:
                rows.append((line, _read(row, places)))
            if len(rows) > MAX_ROWS:
                raise MalformedError(f"a file of custody events has at most {MAX_ROWS} rows")
            line = reader.line_num + 1
    except csv.Error as error:
        raise MalformedError(f"the file is no CSV near line {reader.line_num}") from error
    return CustodyImport(*desk.take_all(rows))


def _places(head: list[str]) -> Mapping[str, int]:
    names = [name.strip() for name in head]
    for number, name in enumerate(names, start=1):
        if name not in COLUMNS or names.count(name) > 1:
            raise MalformedError(
                f"column {number} of the file is none of {', '.join(COLUMNS)}, or is there twice",
                hint="export these columns alone; whatever else the custody system knows stays there",
            )
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise MalformedError(f"the file has no column `{missing[0]}`", hint=f"columns: {', '.join(COLUMNS)}")
    return {name: names.index(name) for name in COLUMNS}


class _Desk:
    """The events so far; a row is judged against all before it."""

    def __init__(
        self, events: dict[str, CustodyEvent], papers: Mapping[str, Paper], agencies: Collection[str]
    ) -> None:
        self.events = events
        self.papers = papers
        self.agencies = agencies
        standing = standing_events(tuple(events.values()))
        self.standing: dict[str, dict[str, CustodyEvent]] = {}
        for event in standing:
            self.standing.setdefault(event.paper, {})[event.id] = event

    def take_all(
        self, rows: list[tuple[int, CustodyEvent | str]]
    ) -> tuple[tuple[CustodyEvent, ...], tuple[RowResult, ...]]:
        results: dict[int, RowResult] = {}
        waiting = []
        for line, event in rows:
            if isinstance(event, str):
                results[line] = RowResult(line, RowState.REFUSED, event)
            else:
                waiting.append((line, event))
        for _ in range(MAX_PASSES):
            results |= {line: self._take(event, line) for line, event in waiting}
            refused = [(line, event) for line, event in waiting if results[line].state == RowState.REFUSED]
            # What was refused again behind everything that was taken stays refused, in a second import too.
            if not refused or len(refused) == len(waiting):
                return tuple(self.events.values()), tuple(results[line] for line, _ in rows)
            waiting = refused
        raise MalformedError(
            f"rows of the file wait for each other in more than {MAX_PASSES} steps", hint="sort them by time"
        )

    def _take(self, event: CustodyEvent, line: int) -> RowResult:
        if self.events.get(event.id) == event:
            return RowResult(line, RowState.HELD)
        why = self._why_not(event)
        if why:
            return RowResult(line, RowState.REFUSED, why)
        self.events[event.id] = event
        of_paper = self.standing.setdefault(event.paper, {})
        of_paper.pop(event.corrects, None)
        if event.word != CustodyWord.WITHDRAWN:
            of_paper[event.id] = event
        return RowResult(line, RowState.CORRECTION if event.corrects else RowState.NEW)

    def _why_not(self, event: CustodyEvent) -> str:
        paper = self.papers.get(event.paper)
        if event.id in self.events:
            return "`event`: another event has this id; a correction has an id of its own"
        if paper is None:
            return "`paper`: the desk has no paper of this number"
        if (event.word == CustodyWord.TRANSFERRED) != bool(event.agency):
            return "`agency`: a transfer has one, and nothing else has"
        if event.agency and event.agency not in self.agencies:
            return "`agency`: none of the order's agencies"
        if event.word == CustodyWord.WITHDRAWN and not event.corrects:
            return "`corrects`: what is withdrawn is named"
        standing = self.standing.get(event.paper, {})
        if event.corrects and event.corrects not in standing:
            return "`corrects`: no event of this paper that stands has this id"
        others = [one for one in standing.values() if one.id != event.corrects]
        if event.word in ENDS and any(one.word in ENDS for one in others):
            return "`what`: the paper has an end already; correct that one by its id"
        if event.word == CustodyWord.BAIL and any(one.word == CustodyWord.BAIL for one in others):
            return "`what`: bail was posted already; correct that one by its id"
        if event.at.date() < paper.received and event.word in ENDS:
            return "`at`: before the paper was received"
        return ""


def _read(row: list[str], places: Mapping[str, int]) -> CustodyEvent | str:
    """Return the event of a row, or why it is none."""
    if len(row) != len(COLUMNS):
        return f"the row has {len(row)} cells, not {len(COLUMNS)}"
    cells = {name: row[at].strip() for name, at in places.items()}
    for name in ("event", "paper"):
        if not _ID.fullmatch(cells[name]):
            return f"`{name}`: an id has letters, digits, `.`, `_` and `-`, 40 at most"
    for name in ("agency", "corrects"):
        if cells[name] and not _ID.fullmatch(cells[name]):
            return f"`{name}`: an id has letters, digits, `.`, `_` and `-`, 40 at most"
    words = {word.value: word for word in CustodyWord}
    if cells["what"] not in words:
        return f"`what`: none of {', '.join(words)}"
    try:
        at = datetime.fromisoformat(cells["at"])
    except ValueError:
        return "`at`: no time such as 2026-11-24T10:00:00-06:00"
    if at.tzinfo is None:
        return "`at`: the time has no offset"
    if not is_moment(at):
        return "`at`: no time that a desk can have seen"
    return CustodyEvent(
        cells["event"], cells["paper"], words[cells["what"]], at, cells["agency"], cells["corrects"]
    )
