"""The CSV for the finance system read back, and held against the ledger. Pure.

What another program took in and gave out again is compared as rows: a spreadsheet may reorder lines, quote cells or end
lines otherwise, and drops or changes none of them without being told here.
"""

import csv
import io
from collections.abc import Iterable
from typing import Final

from doorward.errors import MalformedError
from doorward.fund.ledger.export import COLUMNS, Written, format_csv

MAX_BYTES: Final = 256 << 20
MAX_FINDINGS: Final = 100
_NUMBERS: Final = ("debit_cents", "credit_cents")
Row = tuple[str, ...]


def parse_journal(raw: bytes) -> tuple[Row, ...]:
    """Return the rows of a CSV of journal lines, in their order.

    Args:
        raw: Of anybody.

    Raises:
        MalformedError: It is no such CSV; the line is named, and nothing that stands on it.
    """
    if len(raw) > MAX_BYTES:
        raise MalformedError(f"a journal has at most {MAX_BYTES} bytes")
    if b"\0" in raw:
        raise MalformedError(f"line {raw[: raw.index(0)].count(10) + 1} has a NUL")
    text = raw.decode("utf-8-sig", errors="surrogateescape")
    if any("\udc80" <= one <= "\udcff" for one in text):
        raise MalformedError("a journal is CSV in UTF-8")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[Row] = []
    try:
        for row in reader:
            if row:
                rows.append(tuple(row))
                if len(row) != len(COLUMNS):
                    raise MalformedError(
                        f"line {reader.line_num}: expected {len(COLUMNS)} cells, got {len(row)}"
                    )
    except csv.Error as error:
        raise MalformedError(f"line {reader.line_num} is no line of a CSV") from error
    if not rows or rows[0] != COLUMNS:
        raise MalformedError("the first line is not the headings of the journal")
    return tuple(rows[1:])


def check_journal(rows: Iterable[Row], written: Iterable[Written]) -> tuple[str, ...]:
    """Return how rows differ from the journal of a ledger, one line each: by transaction and place, and no cell's text.

    Args:
        rows: As `parse_journal` returned them, in any order.
        written: Every transaction of the ledger.
    """
    ours, theirs = _counted(parse_journal(format_csv(written).encode())), _counted(rows)
    wrong = [
        f"transaction {row[0]}: {ours[row] - theirs.get(row, 0)} of its lines are missing or were changed"
        for row in ours
        if theirs.get(row, 0) < ours[row]
    ]
    more = sum(count - ours.get(row, 0) for row, count in theirs.items() if count > ours.get(row, 0))
    if more:
        wrong.append(f"{more} lines are not the ledger's")
    at = [COLUMNS.index(name) for name in _NUMBERS]
    debit, credit = (sum(int(row[place]) * count for row, count in ours.items()) for place in at)
    if debit != credit:
        wrong.append(f"the ledger's own debits are {debit} cents, and its credits {credit}")
    return tuple(wrong[:MAX_FINDINGS])


def _counted(rows: Iterable[Row]) -> dict[Row, int]:
    found: dict[Row, int] = {}
    for row in rows:
        found[row] = found.get(row, 0) + 1
    return found
