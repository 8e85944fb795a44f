"""Workbooks (XLSX) as tables of texts: every sheet, each header found where it stands.

The reading is done in a child of its own bounds (`confined`, `workbook_job`); here its answer becomes tables.
"""

import csv
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from doorward.errors import MalformedError
from doorward.lookback.reading.confined import MIB, Limits, run_confined
from doorward.lookback.reading.headings import KNOWN
from doorward.lookback.reading.raw import MAX_LISTED, RawTable, Reject, write_raw

if TYPE_CHECKING:
    import duckdb

LIMITS: Final = Limits(memory_bytes=3072 * MIB, cpu_seconds=900, output_bytes=8192 * MIB)


def read_workbook(
    connection: "duckdb.DuckDBPyConnection",
    file: Path,
    scratch: Path,
    *,
    limits: Limits = LIMITS,
    known: Collection[str] = KNOWN,
) -> tuple[RawTable, ...]:
    """Return a table for each header of each sheet of a workbook.

    Dates and times stand in it as ISO 8601 without a zone, which a spreadsheet does not have; numbers without a
    fraction as integers; TRUE and FALSE; an error as its text (`#N/A`). A formula is its last computed value.

    Args:
        connection: Of the engine; nothing is left in it.
        file: Whatever its bytes.
        scratch: A folder of this call's own; the tables stay there.
        known: Labels that make a header, as `normalise_label` writes them.

    Raises:
        ConfigError: python-calamine is not installed.
        MalformedError: It is broken, encrypted, a zip bomb, needs more than the limits, or holds no log.
        StoreError: It cannot be read, or the folder is full.
    """
    answer = run_confined("workbook", file, scratch, limits, {"known": sorted(known)})
    try:
        notes = [str(note) for note in answer["notes"]]
        tables = [_as_table(connection, scratch, told) for told in answer["tables"]]
    except (
        LookupError,
        TypeError,
        ValueError,
        csv.Error,
    ) as error:  # only a child that was taken over tells such
        raise MalformedError(
            "the reader of the sheets gave no account of them: the file is hostile"
        ) from error
    if not tables:
        raise MalformedError(
            "it holds no log: no sheet has a header of one",
            hint="; ".join(notes)[:400] or "every sheet is empty",
        )
    first = tables[0]
    return (_with_notes(first, (*first.notes, *notes)), *tables[1:])


def _as_table(connection: "duckdb.DuckDBPyConnection", scratch: Path, told: dict[str, Any]) -> RawTable:
    between = scratch / Path(told["file"]).name
    header = tuple(str(label) for label in told["header"])
    sheet = str(told["sheet"])
    path = between.with_suffix(".parquet")
    write_raw(connection, path, len(header), _records(between, sheet, len(header)))
    between.unlink()
    return RawTable(
        path=path,
        header=header,
        sheet=sheet,
        rejects=tuple(Reject(sheet, int(line), str(why)) for line, why in told["rejects"])[:MAX_LISTED],
        rejected_by={str(why): int(count) for why, count in told["rejected"].items()},
        blank=int(told["blank"]),
        repeated_headers=int(told["repeated"]),
        notes=tuple(told["notes"]),
    )


def _records(between: Path, sheet: str, width: int) -> Iterator[tuple[str, int, Sequence[str | None]]]:
    with between.open(encoding="utf-8", newline="") as stream:
        for row, *cells in csv.reader(stream, strict=True):
            yield sheet, int(row), cells[:width]


def _with_notes(table: RawTable, notes: Sequence[str]) -> RawTable:
    from dataclasses import replace

    return replace(table, notes=tuple(notes))
