"""What reads a workbook, in the child: every sheet, row by row, as texts.

calamine holds one sheet in memory, each cell with its text (bench/bench_lookback_formats.py has the figures), and
hands out rows. It does not tell a cell with an error from an empty one, so those are looked for in the sheet's XML:
`#N/A` in a cell is no blank.
"""

import csv
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from doorward.errors import ConfigError, MalformedError
from doorward.lookback.reading.archive import check_archive
from doorward.lookback.reading.headings import (
    LOOK_AT,
    find_header,
    has_ids,
    is_header,
    is_pivot,
    is_same_header,
    normalise_label,
)

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

MAX_COLUMNS: Final = 1024
MAX_CELL: Final = 32_767  # characters; the bound of the program that makes these files
MAX_LISTED: Final = 100
MAX_SHEETS: Final = 1_000
MAX_ERRORS: Final = 1_000_000
CHUNK: Final = 1 << 20
TIME_LABELS: Final = frozenset(
    {
        "searchtime",
        "searchdate",
        "searchdatetime",
        "timestamp",
        "eventtimestamp",
        "eventtimestamputc",
        "datetime",
    }
)
SERIALS: Final = (20_000.0, 80_000.0)  # days: 1954 to 2119
_ERROR: Final = re.compile(
    rb"<(?:\w+:)?c\b(?P<a>[^>]*\bt=[\"']e[\"'][^>]*)>(?P<body>.{0,2000}?)</(?:\w+:)?c>", re.DOTALL
)
_PLACE: Final = re.compile(rb"\br=[\"']([A-Z]{1,3})([0-9]{1,7})[\"']")
_VALUE: Final = re.compile(rb"<(?:\w+:)?v>([^<]{1,40})</")
_DIGIT: Final = re.compile(r"[0-9]")  # a record has some, a header none: asked first, because it costs little
_SHEET: Final = re.compile(r"<(?:\w+:)?sheet\b[^>]*>")
_RELATION: Final = re.compile(r"<(?:\w+:)?Relationship\b[^>]*>")
_ATTRIBUTE: Final = re.compile(r"([\w:]+)=[\"']([^\"']*)[\"']")

Row = tuple[int, list[str]]


def run(file: Path, folder: Path, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was found, and write `table-N.csv` for each table: row, then its cells.

    Raises:
        MalformedError: It is no workbook that can be read.
        ConfigError: calamine is not installed.
        OSError: The file cannot be read, or the folder not written.
    """
    try:
        from python_calamine import CalamineError, CalamineWorkbook, PasswordError
    except ImportError as error:
        raise ConfigError(
            "reading a workbook needs python-calamine", hint="pip install 'doorward[lookback]'"
        ) from error
    parts = check_archive(file)
    out = _Output(folder, frozenset(options["known"]))
    try:
        with CalamineWorkbook.from_path(file) as book:
            if len(book.sheets_metadata) > MAX_SHEETS:
                raise MalformedError(f"it has more than {MAX_SHEETS:,} sheets")
            shape = _read_shape(file, parts)
            for meta in book.sheets_metadata:
                kind = str(meta.typ).rpartition(".")[2]
                if kind != "WorkSheet":
                    out.notes.append(f"sheet `{meta.name}` skipped: it holds no cells ({kind})")
                    continue
                hidden = not str(meta.visible).endswith(".Visible")
                if hidden:
                    out.notes.append(f"sheet `{meta.name}` is hidden, and was read")
                _read_sheet(out, book.get_sheet_by_name(meta.name), file, shape)
    except PasswordError as error:
        raise MalformedError("it is encrypted", hint="ask for it without a password") from error
    except CalamineError as error:
        raise MalformedError("it is damaged: a part of it is no sheet") from error
    return {"tables": [table.told() for table in out.tables], "notes": out.notes}


@dataclass(slots=True)
class _Table:
    """One table while it is read."""

    file: Path
    sheet: str
    header: list[str]
    width: int = 0
    blank: int = 0
    repeated: int = 0
    rows: int = 0
    serials: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    rejects: list[tuple[int, str]] = field(default_factory=list)
    used: set[int] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)

    def told(self) -> dict[str, Any]:
        width = max([len(self.header), *(column + 1 for column in self.used)])
        header = self.header + [""] * (width - len(self.header))
        unlabelled = [column + 1 for column, label in enumerate(header) if not label and column in self.used]
        phantom = [label for column, label in enumerate(header) if label and column not in self.used]
        notes = list(self.notes)
        if unlabelled:
            notes.append(f"columns without a label that hold values: {_shown(map(str, unlabelled))}")
        if phantom and self.rows:
            notes.append(f"columns with a label that hold nothing: {_shown(phantom)}")
        if self.serials:
            notes.append(f"{self.serials:,} cells held a day's serial number, and were read as its time")
        return {
            "file": self.file.name, "sheet": self.sheet, "header": header, "rows": self.rows, "blank": self.blank,
            "repeated": self.repeated, "rejected": dict(self.rejected), "rejects": self.rejects, "notes": notes,
        }  # fmt: skip


@dataclass(slots=True)
class _Output:
    folder: Path
    known: frozenset[str]
    tables: list[_Table] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def begin(self, sheet: str, header: Sequence[str]) -> _Table:
        labels = [cell.strip() for cell in header[:MAX_COLUMNS]]
        while labels and not labels[-1]:
            labels.pop()
        table = _Table(self.folder / f"table-{len(self.tables)}.csv", sheet, labels)
        self.tables.append(table)
        return table


@dataclass(frozen=True, slots=True)
class _Shape:
    """What calamine does not say of a workbook."""

    parts: Mapping[str, str]
    is_1904: bool


def _shown(labels: Iterable[str]) -> str:
    found = list(labels)
    more = f" and {len(found) - 10} more" if len(found) > 10 else ""  # enough to find them by
    return ", ".join(f"`{label[:40]}`" for label in found[:10]) + more


def _read_shape(file: Path, parts: Sequence[str]) -> _Shape:
    """Return where each sheet lies in the archive, and which day is 0."""
    with zipfile.ZipFile(file) as archive:

        def text(name: str) -> str:
            if name not in parts:
                return ""
            with archive.open(name) as stream:
                return stream.read(4 * CHUNK).decode("utf-8", "replace")

        try:
            workbook, relations = text("xl/workbook.xml"), text("xl/_rels/workbook.xml.rels")
        except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError) as error:
            raise MalformedError("it is damaged: its list of sheets cannot be unpacked") from error
    targets = {}
    for tag in _RELATION.findall(relations):
        found = dict(_ATTRIBUTE.findall(tag))
        target = found.get("Target", "")
        targets[found.get("Id", "")] = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    places = {}
    for tag in _SHEET.findall(workbook):
        found = dict(_ATTRIBUTE.findall(tag))
        relation = next((value for name, value in found.items() if name.endswith(":id")), "")
        name = found.get("name", "").replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"')
        places[name.replace("&apos;", "'").replace("&amp;", "&")] = targets.get(relation, "")
    return _Shape(places, re.search(r"date1904=[\"'](?:1|true)[\"']", workbook) is not None)


def find_errors(file: Path, part: str) -> tuple[dict[int, dict[int, str]], int]:
    """Return the cells of a sheet that hold an error, by row and column from 0, and how many have no place.

    Raises:
        MalformedError: The part cannot be unpacked.
    """
    found: dict[int, dict[int, str]] = {}
    unplaced = count = 0
    try:
        with zipfile.ZipFile(file) as archive, archive.open(part) as stream:
            carry = b""
            while chunk := stream.read(CHUNK):
                window = carry + chunk
                end = 0
                if b't="e"' in window or b"t='e'" in window:
                    for match in _ERROR.finditer(window):
                        end = match.end()
                        place, value = _PLACE.search(match["a"]), _VALUE.search(match["body"])
                        count += 1
                        if place is None or count > MAX_ERRORS:
                            unplaced += 1
                            continue
                        row, column = int(place[2]) - 1, _column(place[1])
                        found.setdefault(row, {})[column] = value[1].decode() if value else "#ERROR!"
                carry = window[max(end, len(window) - 4096) :]
    except (zipfile.BadZipFile, KeyError, ValueError, NotImplementedError, EOFError, OSError) as error:
        raise MalformedError("it is damaged: a sheet cannot be unpacked") from error
    return found, unplaced


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


def _read_sheet(out: _Output, sheet: "CalamineSheet", file: Path, shape: _Shape) -> None:
    if sheet.start is None:
        out.notes.append(f"sheet `{sheet.name}` is empty")
        return
    part = shape.parts.get(sheet.name, "")
    errors, unplaced = find_errors(file, part) if part else ({}, 0)
    if errors or unplaced:
        count = sum(len(row) for row in errors.values())
        out.notes.append(f"sheet `{sheet.name}`: {count + unplaced:,} cells hold an error of the spreadsheet")
    first_column = sheet.start[1]
    rows = _texts(sheet.iter_rows(), first_column, errors, _down(sheet, out, first_column))
    head: list[tuple[int, list[Any]]] = []
    for row in rows:
        if any(row[1]):
            head.append(row)
        if len(head) == LOOK_AT:
            break
    shown = [[_text(cell) for cell in cells] for _, cells in head]
    at = find_header(shown, out.known)
    if at is None and (is_pivot(shown) or not has_ids(shown)):
        left = len(head) + sum(1 for _, cells in rows if any(cells))
        what = "a pivot table" if is_pivot(shown) else f"no header of a log in its first {LOOK_AT} rows"
        out.notes.append(f"sheet `{sheet.name}` skipped: {what}; {left:,} rows")
        return
    table = out.begin(sheet.name, shown[at] if at is not None else [])
    if at is None:
        table.notes.append("it has no header")
    elif at:
        table.notes.append(f"{at} rows stand above the header, in row {head[at][0]}")
    start = head[at + 1 :] if at is not None else head
    begins = head[at][0] + 1 if at is not None else 1
    _write(out, table, _with_blanks(start, begins, rows), is_1904=shape.is_1904)


def _with_blanks(
    head: Sequence[tuple[int, list[Any]]], begins: int, rows: Iterator[tuple[int, list[Any]]]
) -> Iterator[tuple[int, list[Any]]]:
    """Yield the rows that were looked at, the blank ones between them, and the rest."""
    for number, cells in head:
        yield from ((blank, []) for blank in range(begins, number))
        yield number, cells
        begins = number + 1
    yield from rows


def _texts(
    rows: Iterable[list[Any]],
    first_column: int,
    errors: Mapping[int, Mapping[int, str]],
    down: Mapping[int, list[tuple[int, int]]],
) -> Iterator[tuple[int, list[Any]]]:
    """Yield each row's number from 1 and its cells, with errors put in and merged cells said in each row."""
    held: dict[int, Any] = {}
    before = [""] * min(first_column, MAX_COLUMNS)
    for index, plain in enumerate(rows):
        cells = before + plain if before else plain
        if index in errors:
            for column, text in errors[index].items():
                if column < len(cells):
                    cells[column] = text
        for column, ranges in down.items():
            for begin, end in ranges:
                if begin == index and column < len(cells):
                    held[column] = cells[column]
                elif begin < index <= end and column < len(cells):
                    cells[column] = held.get(column, "")
        yield index + 1, cells


def _down(sheet: "CalamineSheet", out: _Output, first_column: int) -> dict[int, list[tuple[int, int]]]:
    """Return the ranges of one column that are merged downwards, by column."""
    ranges = sheet.merged_cell_ranges or []
    down: dict[int, list[tuple[int, int]]] = {}
    for (top, left), (bottom, right) in ranges:
        if left == right and bottom > top and left >= first_column:
            down.setdefault(left, []).append((top, bottom))
    count = sum(len(found) for found in down.values())
    if count > MAX_LISTED:  # as many are no hand's work; each row would look at all of them
        out.notes.append(f"sheet `{sheet.name}`: {count:,} merged cells, left as they are")
        return {}
    if count:
        out.notes.append(
            f"sheet `{sheet.name}`: {count} cells are merged downwards, said in each of their rows"
        )
    return down


def _write(out: _Output, table: _Table, rows: Iterable[tuple[int, list[Any]]], *, is_1904: bool) -> None:
    """Write the records of a sheet; another header in between begins another table."""
    while table is not None:
        following = None
        unused: list[int] | None = None  # every row of a sheet is as wide as the sheet
        times = {c for c, label in enumerate(table.header) if normalise_label(label) in TIME_LABELS}
        with table.file.open("w", encoding="utf-8", errors="replace", newline="") as stream:
            write = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow
            for number, cells in rows:
                for column in times:
                    if column < len(cells) and isinstance(cells[column], float):
                        table.serials += _as_time(cells, column, is_1904=is_1904)
                texts = [cell if type(cell) is str else _text(cell) for cell in cells]
                whole = "".join(texts)
                if not whole:
                    table.blank += 1
                elif not _DIGIT.search(whole) and is_header(texts, out.known):
                    if is_same_header(texts, table.header):
                        table.repeated += 1
                        continue
                    following = out.begin(table.sheet, texts)
                    following.notes.append(
                        f"another header stands in row {number}: a second export below the first"
                    )
                    break
                elif (len(whole) > MAX_CELL or len(texts) > MAX_COLUMNS) and (reason := _reject(texts)):
                    table.rejected[reason] += 1
                    if len(table.rejects) < MAX_LISTED:
                        table.rejects.append((number, reason))
                else:
                    table.rows += 1
                    unused = list(range(min(len(texts), MAX_COLUMNS))) if unused is None else unused
                    if unused:
                        table.used.update(c for c in unused if c < len(texts) and texts[c])
                        unused = [c for c in unused if c not in table.used]
                    write((number, *texts[:MAX_COLUMNS]))
        if following is None:
            return
        table = following


def _reject(texts: Sequence[str]) -> str:
    if len(texts) > MAX_COLUMNS and any(texts[MAX_COLUMNS:]):
        return f"it has more than {MAX_COLUMNS:,} cells"
    if any(len(text) > MAX_CELL for text in texts):
        return f"a cell has more than {MAX_CELL:,} characters"
    return ""


def _as_time(cells: list[Any], column: int, *, is_1904: bool) -> bool:
    days = cells[column]
    if not SERIALS[0] <= days <= SERIALS[1]:
        return False
    zero = datetime(1904, 1, 1) if is_1904 else datetime(1899, 12, 30)  # noqa: DTZ001  # a cell has no zone
    milliseconds = round(days * 86_400_000)
    cells[column] = zero + timedelta(milliseconds=milliseconds)
    return True


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return (
            str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        )  # exact up to there
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    return str(value)
