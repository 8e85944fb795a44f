"""What a reader of one form of file hands to the mapping: a table of texts, its header, and what it left out.

A reader (CSV, XLSX, PDF, pgaudit) knows cells and records; it knows no layout. The table is Parquet of VARCHAR columns
`c0` ... `cN`, one for each name of the header, plus `sheet VARCHAR` and `row BIGINT`: the number of the record in its
sheet as a spreadsheet counts, the header being 1. An empty cell is NULL. Nothing is trimmed, parsed or repaired.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import duckdb

MAX_COLUMNS: Final = 1024  # the widest export seen has 31; a header of more is no log
MAX_LISTED: Final = 100  # rejects that are named with their place; all are counted


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that was left out: where it stands and why, never what stands in it.

    Args:
        line: The number of the record, as `row` counts.
    """

    sheet: str
    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class RawTable:
    """One table of texts of one sheet (or page, or part) of a file.

    `len(rows of path) + sum(rejected_by) + sum(other_by) + blank + repeated_headers` is every record below the header.

    Args:
        path: The Parquet file, in the reader's scratch folder.
        header: The names as written, one for each of `c0` ... `cN`; an unlabelled column is the empty text.
        sheet: Its name, or empty.
        layout: The name of the layout in `layouts.toml`, where the form of the file leaves no choice (pgaudit).
        rejects: At most `MAX_LISTED` records that the reader left out.
        rejected_by: How many it left out, by reason; the whole number.
        blank: Records with nothing in them, left out.
        repeated_headers: Records that say the header again, left out. (The mapping also finds those left in.)
        notes: What the reader noticed, in words.
        other_by: How many records are in order and tell of no access, by what they are.
    """

    path: Path
    header: tuple[str, ...]
    sheet: str
    layout: str = ""
    rejects: tuple[Reject, ...] = ()
    rejected_by: Mapping[str, int] = field(default_factory=dict)
    blank: int = 0
    repeated_headers: int = 0
    notes: tuple[str, ...] = ()
    other_by: Mapping[str, int] = field(default_factory=dict)


def write_raw(
    connection: "duckdb.DuckDBPyConnection",
    path: Path,
    columns: int,
    records: Iterable[tuple[str, int, Sequence[str | None]]],
) -> Path:
    """Write records to the Parquet file of a `RawTable`, in their order, and return its path.

    Args:
        connection: Any connection; nothing of it is changed.
        path: What is written; a file of the same name with `.csv` behind stands beside it meanwhile.
        columns: How many cells a record has.
        records: Sheet, row, and the cells of each record; missing cells at the end are NULL.

    Raises:
        ValueError: A record has more cells than `columns`.
    """
    between = path.with_name(path.name + ".csv")
    with between.open("w", encoding="utf-8", errors="replace", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
        for sheet, row, cells in records:
            if len(cells) > columns:
                raise ValueError(f"{len(cells)} cells for {columns} columns")
            padded = [*cells, *[None] * (columns - len(cells))] if len(cells) < columns else cells
            writer.writerow((sheet, row, *padded))
    names = ["sheet", "row", *(f"c{number}" for number in range(columns))]
    described = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
    cells = ", ".join(f"nullif(c{number}, '') AS c{number}" for number in range(columns))
    connection.execute(
        f"COPY (SELECT {cells}, sheet, row::BIGINT AS row FROM read_csv($1, header = false, auto_detect = false,"  # noqa: S608  # names of our own
        f" delim = ',', quote = '\"', escape = '\"', new_line = '\\n', columns = {{{described}}}, nullstr = '\\0',"
        f" max_line_size = 33554432)) TO '{quote_path(path)}' (FORMAT parquet, COMPRESSION zstd)",
        [str(between)],
    )
    between.unlink()
    return path


def quote_path(path: Path) -> str:
    """Return a path as it stands between the quotes of a text of SQL, where a parameter is not allowed."""
    return str(path).replace("'", "''")
