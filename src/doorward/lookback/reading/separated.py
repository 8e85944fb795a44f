"""CSV, record by record, with an account of every one: the careful reader, and the fast one where both must agree.

The careful reader is Python's `csv`, strictly. What it cannot read costs one line: the line is rejected, and reading
goes on at the next one, so that a stray quote does not swallow what follows. DuckDB reads a file only where a walk over
its bytes found nothing irregular, and only if it then finds as many records as the walk did.
"""

import csv
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Final

from doorward.errors import ConfigError
from doorward.lookback.reading.forms import fits
from doorward.lookback.reading.layouts import DETECT_HINT, SAMPLE, Layout, fold, known_labels
from doorward.lookback.reading.raw import MAX_COLUMNS, MAX_LISTED, RawTable, Reject, write_raw
from doorward.lookback.reading.survey import MAX_LINE

if TYPE_CHECKING:
    import duckdb

DELIMITERS: Final = (",", ";", "\t", "|")
LOOK_AT: Final = 60  # records that are looked at for the header
LEAST_KNOWN: Final = 3
ABOVE: Final = "stands above the header"
TOO_LONG: Final = "longer than 4 MiB"
NO_RECORD: Final = "no CSV: a quote that never closes, or text behind a closing quote"


@dataclass(frozen=True, slots=True)
class Head:
    """How a CSV begins.

    Args:
        first: Whether the header is the very first record and ends on its own line.
    """

    delimiter: str
    header: tuple[str, ...]
    first: bool


def find_head(text: Path, own: Layout | None) -> Head:
    """Return the delimiter and the header of a CSV: the delimiter under which most names are known.

    Raises:
        ConfigError: Among the first records is no header, and no map file names the columns.
    """
    labels = labels_of(own)
    best: tuple[int, int, int, Head] | None = None
    for number, delimiter in enumerate(DELIMITERS):
        for at, record in enumerate(_begin(text, delimiter)):
            known = count_known(record, labels)
            if is_header(record, labels):
                first = at == 0 and not any("\n" in name or "\r" in name for name in record)
                head = Head(delimiter, tuple(record), first)
                if best is None or (known, len(record), -number) > best[:3]:
                    best = (known, len(record), -number, head)
                break
    if best is not None:
        return best[3]
    if own is not None and own.positions:
        return Head(_likely_delimiter(text, len(own.positions)), own.positions, first=False)
    raise ConfigError(
        f"no header was found in the first {LOOK_AT} records",
        hint=f"a map file can name the columns; {DETECT_HINT}",
    )


def guess_head(text: Path) -> Head:
    """Return how a CSV of unknown names seems to begin, to propose a map file: its first record, unless that is data.

    Columns without names are called `column 1`, `column 2` ...

    Raises:
        ConfigError: There is no record of two cells among the first.
    """
    best: tuple[int, int, str, list[str]] | None = None
    for number, delimiter in enumerate(DELIMITERS):
        records = [record for record in _begin(text, delimiter) if any(cell.strip() for cell in record)]
        widths = [len(record) for record in records]
        if not widths or max(widths) < 2:
            continue
        width = max(set(widths), key=lambda one: (one > 1, widths.count(one), one))
        first = next(record for record in records if len(record) == width)
        if best is None or (widths.count(width), -number) > best[:2]:
            best = (widths.count(width), -number, delimiter, first)
    if best is None:
        raise ConfigError("no records of two or more cells were found in it")
    _count, _number, delimiter, first = best
    if any(fits(parser, cell) for cell in first for parser in ("uuid", "time", "count")):
        return Head(delimiter, tuple(f"column {number + 1}" for number in range(len(first))), first=False)
    return Head(delimiter, tuple(first), first=True)


def labels_of(own: Layout | None) -> frozenset[str]:
    """Return the folded names that make a header."""
    return known_labels() if own is None else frozenset(own.columns) | frozenset(map(fold, own.positions))


def count_known(cells: Sequence[str], labels: Collection[str]) -> int:
    """Return how many different known names stand in a record."""
    return len({name for cell in cells if len(cell) <= 64 and (name := fold(cell)) in labels} - {""})


def is_header(cells: Sequence[str], labels: Collection[str]) -> bool:
    """Return whether a record is a header: some known names, and they are half of what stands in it."""
    filled = sum(1 for cell in cells if cell.strip())
    found = count_known(cells, labels)
    return found >= min(LEAST_KNOWN, max(len(labels), 1)) and found * 2 >= filled


def sample_rows(text: Path, head: Head) -> list[list[str | None]]:
    """Return the first records below the header, for the check of types."""
    rows: list[list[str | None]] = []
    below = False
    for _line, record in Records(text, head.delimiter):
        if isinstance(record, str):
            continue
        if not below and tuple(record) == head.header:
            below = True
        elif len(record) == len(head.header) and any(cell.strip() for cell in record):
            rows.append([cell or None for cell in record])
        if len(rows) >= SAMPLE:
            break
    return rows


def _begin(text: Path, delimiter: str) -> Iterator[list[str]]:
    for number, (_line, record) in enumerate(Records(text, delimiter)):
        if number >= LOOK_AT:
            return
        yield [] if isinstance(record, str) else record


def _likely_delimiter(text: Path, width: int) -> str:
    fits = {
        delimiter: sum(1 for record in _begin(text, delimiter) if len(record) == width)
        for delimiter in DELIMITERS
    }
    return max(fits, key=lambda delimiter: fits[delimiter])


class _Lines:
    """Physical lines, bounded, with the lines of the record at hand, which may be put back.

    A line of more than `MAX_LINE` is passed over to its end, and stands as an empty text in `taken`.
    """

    def __init__(self, file: TextIOWrapper) -> None:
        self.file = file
        self.back: list[str] = []
        self.taken: list[str] = []
        self.size = 0
        self.too_long = False

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        if self.size > MAX_LINE:
            raise csv.Error(TOO_LONG)
        line = self.back.pop() if self.back else self.file.readline(MAX_LINE + 1)
        if not line:
            raise StopIteration
        if len(line) > MAX_LINE:
            end = line
            while end and not end.endswith(("\n", "\r")):
                end = self.file.readline(MAX_LINE)
            self.too_long = True
            self.taken.append("")
            raise csv.Error(TOO_LONG)
        if "\0" in line:
            line = line.replace("\0", "\ufffd")
        self.taken.append(line)
        self.size += len(line)
        return line

    def settle(self) -> None:
        """The record at hand is done."""
        self.taken, self.size, self.too_long = [], 0, False

    def put_back(self) -> None:
        """Only the first line of the record at hand is done; the others are read again."""
        self.back.extend(reversed(self.taken[1:]))
        self.settle()


class Records:
    """The records of a file, with their numbers: the cells, or the reason why a line is none.

    `width` is that of the header, once it is known.
    """

    def __init__(self, text: Path, delimiter: str) -> None:
        self.text, self.delimiter, self.width = text, delimiter, 0

    def __iter__(self) -> Iterator[tuple[int, list[str] | str]]:
        before = csv.field_size_limit(MAX_LINE + 1)
        try:
            with self.text.open(encoding="utf-8-sig", errors="replace", newline="") as file:
                yield from self._records(_Lines(file))
        finally:
            csv.field_size_limit(before)

    def _records(self, lines: _Lines) -> Iterator[tuple[int, list[str] | str]]:
        reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
        number = 0
        while True:
            number += 1
            try:
                record = next(reader)
            except StopIteration:
                return
            except csv.Error:
                if not lines.taken:
                    return
                alone = lines.too_long and len(lines.taken) == 1
                if lines.too_long and not alone:
                    lines.taken.pop()  # it is passed over; what stood before it is read again
                lines.put_back()
                yield number, TOO_LONG if alone else NO_RECORD
                continue
            if self.width and len(lines.taken) > 1 and self._has_swallowed(record, lines.taken):
                lines.put_back()
                yield number, NO_RECORD
                continue
            lines.settle()
            yield number, record

    def _has_swallowed(self, record: list[str], taken: list[str]) -> bool:
        """Return whether a record of several lines holds another one whole: a stray quote has opened a cell."""
        for line in taken[1:]:
            if line.count(self.delimiter) < self.width - 1:
                continue
            cells = next(csv.reader([line], delimiter=self.delimiter), [])
            if len(cells) == self.width and (
                len(record) != self.width
                or any(fits(kind, cell) for cell in cells for kind in ("uuid", "time"))
            ):
                return True
        return False


@dataclass
class _Account:
    blank: int = 0
    again: int = 0
    rejects: list[Reject] = field(default_factory=list)
    rejected_by: dict[str, int] = field(default_factory=dict)

    def reject(self, line: int, reason: str) -> None:
        self.rejected_by[reason] = self.rejected_by.get(reason, 0) + 1
        if len(self.rejects) < MAX_LISTED:
            self.rejects.append(Reject("", line, reason))


class _Careful:
    """Splits a file into tables: one, or one for each header that differs from the one before."""

    def __init__(self, text: Path, head: Head, own: Layout | None) -> None:
        self.labels = labels_of(own)
        self.records = Records(text, head.delimiter)
        self.iterator = iter(self.records)
        self.account = _Account()
        self.header: list[str] | None = None
        self.next: list[str] | None = None
        if own is not None and own.positions and head.header == own.positions:
            self.next = list(head.header)

    def find(self) -> bool:
        """Go to the next header."""
        while self.next is None:
            number, record = next(self.iterator, (0, None))
            if record is None:
                return False
            if isinstance(record, str):
                self.account.reject(number, record)
            elif not any(cell.strip() for cell in record):
                self.account.blank += 1
            elif is_header(record, self.labels):
                self.next = record
            else:
                self.account.reject(number, ABOVE)
        self.header, self.next = self.next, None
        self.records.width = len(self.header)
        return True

    def _may_be_header(self, record: Sequence[str]) -> bool:
        """Return whether it is worth a closer look; ids and times are too long for a name of a column."""
        return any(len(cell) <= 30 and fold(cell) in self.labels for cell in record[:3])

    def rows(self) -> Iterator[tuple[str, int, Sequence[str | None]]]:
        """Yield what stands below the header, down to another one."""
        assert self.header is not None
        width, same = len(self.header), [fold(name) for name in self.header]
        for number, record in self.iterator:
            if isinstance(record, str):
                self.account.reject(number, record)
            elif len(record) == width and record[0].strip() and not self._may_be_header(record):
                yield "", number, record
            elif not any(cell.strip() for cell in record):
                self.account.blank += 1
            elif [fold(name) for name in record] == same:
                self.account.again += 1
            elif is_header(record, self.labels):
                self.next = record
                return
            elif len(record) < width or any(cell.strip() for cell in record[width:]):
                self.account.reject(number, f"expected {width} cells, got {len(record)}")
            else:
                yield "", number, record[:width]


def read_carefully(
    connection: "duckdb.DuckDBPyConnection", text: Path, head: Head, scratch: Path, own: Layout | None
) -> list[RawTable]:
    """Return the tables of a CSV, with every record of it in a table or in an account.

    Raises:
        ConfigError: The header has more columns than any log.
    """
    careful = _Careful(text, head, own)
    tables: list[RawTable] = []
    while careful.find():
        assert careful.header is not None
        header = tuple(careful.header)
        if len(header) > MAX_COLUMNS:
            raise ConfigError(f"the header has {len(header)} columns; at most {MAX_COLUMNS} are read")
        path = write_raw(connection, scratch / f"careful{len(tables)}.parquet", len(header), careful.rows())
        account, careful.account = careful.account, _Account()
        notes = ("another export stands below the first, with other columns",) if len(tables) == 1 else ()
        tables.append(
            RawTable(
                path,
                header,
                "",
                "",
                tuple(account.rejects),
                account.rejected_by,
                account.blank,
                account.again,
                notes,
            )
        )  # fmt: skip
    return tables


def write_fast_table(text: Path, head: Head) -> str:
    """Return the SQL of a regular CSV as a table of texts; its rows are numbered by `nth`.

    Args:
        text: A path without quotes or characters of a glob.
        head: Its header is the first record.
    """
    columns = ", ".join(f"'c{number}': 'VARCHAR'" for number in range(len(head.header)))
    delimiter = "chr(9)" if head.delimiter == "\t" else f"'{head.delimiter}'"
    return (
        f"(SELECT *, '' AS sheet FROM read_csv('{text}', header = false, skip = 1, auto_detect = false,"  # noqa: S608  # a path and names of our own
        f" delim = {delimiter}, quote = '\"', escape = '\"', columns = {{{columns}}}, null_padding = false,"
        f" strict_mode = true, max_line_size = {MAX_LINE}))"
    )
