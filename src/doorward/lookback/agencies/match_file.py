"""matches.csv: what was proposed for each name of an organisation, and what a person has decided. Parsing is pure.

A row that has `decided_by` is a person's: later runs take it first and write it back as it was. Every other row is a
proposal and is made anew. A decided row without ORI and entity says: this name is no agency, do not ask again.

A spreadsheet may open the file: a cell that would begin a formula is written behind an apostrophe, and read without it.
"""

import csv
import io
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from doorward.errors import ConfigError, StoreError

COLUMNS: Final = ("searcher", "ori", "entity", "how", "score", "decided_by", "on", "note")
MAX_BYTES: Final = 64 * 1024 * 1024
ORI: Final = re.compile(r"[A-Z]{2}[A-Z0-9]{7}")
_FORMULA: Final = re.compile(r"'*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]")


@dataclass(frozen=True, slots=True)
class MatchRow:
    """One row; all cells are texts as they stand in the file."""

    searcher: str
    ori: str = ""
    entity: str = ""
    how: str = ""
    score: str = ""
    decided_by: str = ""
    on: str = ""
    note: str = ""

    @property
    def decided(self) -> bool:
        """True where a person has decided."""
        return bool(self.decided_by)


def safe_cell(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula; `raw_cell` gives it back."""
    return f"'{text}" if _FORMULA.match(text) else text


def raw_cell(text: str) -> str:
    """Return the cell as it was before `safe_cell`."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def parse_matches(
    text: str, *, name: str = "matches.csv", entities: Iterable[str] | None = None
) -> list[MatchRow]:
    """Return the rows of a file of matches.

    Args:
        text: All of it, untrusted.
        name: Of the file, for messages.
        entities: Those that the order has; None where no order is given, and none is checked.

    Raises:
        ConfigError: It has other columns, or a decided row that cannot be used; the message names the line.
    """
    known = None if entities is None else frozenset(entities)
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    rows: dict[str, MatchRow] = {}
    try:
        missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
        if missing:
            raise ConfigError(
                f"`{name}` has no column {', '.join(f'`{one}`' for one in missing)}",
                hint=f"its first line is {','.join(COLUMNS)}",
            )
        for cells in reader:
            row = MatchRow(*(raw_cell((cells[column] or "").strip()) for column in COLUMNS))
            where = f"`{name}` line {reader.line_num}"
            if not row.searcher:
                continue
            _check(row, where, known)
            before = rows.get(row.searcher)
            if before is not None and before.decided and row.decided and before != row:
                raise ConfigError(f"{where}: the same searcher is decided twice, and not alike")
            if before is None or row.decided:
                rows[row.searcher] = row
    except csv.Error as error:
        raise ConfigError(f"`{name}` line {reader.line_num} is no CSV") from error
    return list(rows.values())


def _check(row: MatchRow, where: str, known: frozenset[str] | None) -> None:
    if not row.decided:
        return
    if row.ori and not ORI.fullmatch(row.ori):
        raise ConfigError(
            f"{where}: `{row.ori[:20]}` is no ORI", hint="two letters and seven letters or digits"
        )
    if row.entity and known is not None and row.entity not in known:
        raise ConfigError(f"{where}: the order has no agency `{row.entity[:40]}`")
    try:
        date.fromisoformat(row.on)
    except ValueError as error:
        raise ConfigError(f"{where}: a decided row needs the day in `on`", hint="as 2026-11-25") from error


def format_matches(rows: Iterable[MatchRow]) -> str:
    """Return the file, sorted by name, so that two versions of it can be compared line by line."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in sorted(rows, key=lambda one: (one.searcher.casefold(), one.searcher)):
        writer.writerow([safe_cell(getattr(row, column)) for column in COLUMNS])
    return out.getvalue()


def merge_matches(kept: Iterable[MatchRow], proposed: Iterable[MatchRow]) -> list[MatchRow]:
    """Return what the file holds next: decided rows as they were, proposals anew, old proposals of other logs kept."""
    rows: dict[str, MatchRow] = {row.searcher: row for row in kept}
    for row in proposed:
        before = rows.get(row.searcher)
        if before is None or not before.decided:
            rows[row.searcher] = row
    return list(rows.values())


def decided_rows(rows: Iterable[MatchRow]) -> Mapping[str, MatchRow]:
    """Return what people have decided, by the name as written."""
    return {row.searcher: row for row in rows if row.decided}


def load_matches(file: Path, *, entities: Iterable[str] | None = None) -> list[MatchRow]:
    """Return the rows of the file, none where it does not exist yet.

    Raises:
        ConfigError: As `parse_matches`, or it cannot be read or is too large.
    """
    try:
        if not file.exists():
            return []
        if file.stat().st_size > MAX_BYTES:
            raise ConfigError(
                f"`{file.name}` is larger than {MAX_BYTES} bytes, too large for a file of matches"
            )
        with file.open(encoding="utf-8", newline="") as source:
            text = source.read()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"`{file.name}` cannot be read: expected CSV in UTF-8") from error
    return parse_matches(text, name=file.name, entities=entities)


def save_matches(file: Path, rows: Iterable[MatchRow]) -> None:
    """Write the file whole, by rename: a crash leaves the old one.

    Raises:
        StoreError: It cannot be written; the file is as it was.
    """
    partial = file.with_name(f"{file.name}.partial")
    try:
        with partial.open("w", encoding="utf-8", newline="") as sink:
            sink.write(format_matches(rows))
            sink.flush()
            os.fsync(sink.fileno())
        partial.replace(file)
    except OSError as error:
        raise StoreError(f"`{file.name}` cannot be written: {error.strerror}") from error
