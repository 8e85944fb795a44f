"""The readers of forms that are no text with a header, by the form's name, as the reading of sources takes them."""

import csv
import gzip
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from doorward.errors import MalformedError
from doorward.lookback.reading.confined import Limits
from doorward.lookback.reading.database_log import Searcher, read_database_log
from doorward.lookback.reading.headings import count_known, find_header
from doorward.lookback.reading.oracle import is_oracle, read_oracle
from doorward.lookback.reading.portable import LIMITS as PDF_LIMITS
from doorward.lookback.reading.portable import read_pdf
from doorward.lookback.reading.raw import RawTable, write_raw
from doorward.lookback.reading.separated import DELIMITERS
from doorward.lookback.reading.spreadsheet import LIMITS as WORKBOOK_LIMITS
from doorward.lookback.reading.spreadsheet import read_workbook

if TYPE_CHECKING:
    import duckdb

Reader = Callable[[Path, Path], Iterable[RawTable]]
GZIP: Final = b"\x1f\x8b"
LOOK_AT: Final = 60
MAX_FIELD_CHARACTERS: Final = 16 << 20


def make_readers(
    connection: "duckdb.DuckDBPyConnection",
    *,
    searcher: Searcher = Searcher.ROLE,
    workbook: Limits = WORKBOOK_LIMITS,
    pdf: Limits = PDF_LIMITS,
) -> Mapping[str, Reader]:
    """Return the readers of `xlsx`, `xls`, `pdf`, `pgaudit` and `oracle`: file and scratch folder to tables.

    Each raises ConfigError, MalformedError or StoreError with one line that does not name the file.

    Args:
        connection: Of the engine.
        searcher: Who counts as the searcher in the log of a PostgreSQL server.
        workbook: What the child that reads a workbook may use.
        pdf: Likewise for a PDF.
    """

    def read_sheets(file: Path, scratch: Path) -> Iterable[RawTable]:
        for number, table in enumerate(read_workbook(connection, file, scratch, limits=workbook)):
            if is_oracle(table.header):
                yield read_oracle(connection, table, scratch / f"oracle-{number}.parquet")
            else:
                yield table

    def read_print(file: Path, scratch: Path) -> Iterable[RawTable]:
        return read_pdf(connection, file, scratch, limits=pdf)

    def read_server_log(file: Path, scratch: Path) -> Iterable[RawTable]:
        with open_text(file) as lines:
            return (read_database_log(connection, lines, scratch / "log.parquet", searcher=searcher),)

    def read_trail(file: Path, scratch: Path) -> Iterable[RawTable]:
        raw = read_separated(connection, file, scratch / "trail.parquet")
        return (read_oracle(connection, raw, scratch / "oracle.parquet"),)

    return {
        "xlsx": read_sheets, "xls": read_sheets, "pdf": read_print, "pgaudit": read_server_log, "oracle": read_trail,
    }  # fmt: skip


def open_text(file: Path) -> io.TextIOBase:
    """Return the text of a file, unpacked where it is gzip; what is no UTF-8 is marked.

    Raises:
        OSError: It cannot be read.
    """
    with file.open("rb") as stream:
        packed = stream.read(2) == GZIP
    if packed:
        return io.TextIOWrapper(gzip.open(file), encoding="utf-8-sig", errors="replace", newline="")
    return file.open(encoding="utf-8-sig", errors="replace", newline="")


def read_separated(connection: "duckdb.DuckDBPyConnection", file: Path, path: Path) -> RawTable:
    """Return a CSV as a table of texts, its header wherever it stands in the first rows.

    Args:
        connection: Of the engine; nothing is left in it.
        file: With commas, semicolons, tabs or bars, plain or gzip.
        path: Of the Parquet file that is written.

    Raises:
        MalformedError: It is no CSV, or has no header of a log.
    """
    before = csv.field_size_limit(MAX_FIELD_CHARACTERS)
    try:
        delimiter = _delimiter(file)
        with open_text(file) as lines:
            reader = csv.reader(lines, strict=True, delimiter=delimiter)
            head = [row for _, row in zip(range(LOOK_AT), reader, strict=False)]
            at = find_header(head)
            if at is None:
                raise MalformedError("it has no header of a log in its first rows")
            counted = {"blank": 0, "wide": 0}
            records = _records(head[at + 1 :], reader, at + 2, len(head[at]), counted)
            write_raw(connection, path, len(head[at]), records)
    except (csv.Error, EOFError, gzip.BadGzipFile) as error:
        raise MalformedError("it is no CSV, or damaged") from error
    finally:
        csv.field_size_limit(before)
    wide = {"more cells than the header": counted["wide"]} if counted["wide"] else {}
    return RawTable(path, tuple(head[at]), "", blank=counted["blank"], rejected_by=wide)


def _delimiter(file: Path) -> str:
    """Return what stands between cells: that under which most labels of a header are known."""
    known: dict[str, int] = {}
    for delimiter in DELIMITERS:
        with open_text(file) as lines:
            rows = [
                row for _, row in zip(range(LOOK_AT), csv.reader(lines, delimiter=delimiter), strict=False)
            ]
        at = find_header(rows)
        known[delimiter] = -1 if at is None else count_known(rows[at])
    return max(DELIMITERS, key=lambda one: known[one])


def _records(
    head: Iterable[list[str]], rest: Iterable[list[str]], first: int, width: int, counted: dict[str, int]
) -> Iterator[tuple[str, int, Sequence[str | None]]]:
    number = first - 1
    for rows in (head, rest):
        for row in rows:
            number += 1
            if not any(row):
                counted["blank"] += 1
            elif len(row) > width:
                counted["wide"] += 1
            else:
                yield "", number, row
