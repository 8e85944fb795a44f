"""Tables as CSV that a spreadsheet cannot run (RFC 4180, UTF-8). Pure."""

import csv
import io
from collections.abc import Iterable
from typing import Final

_RUNS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_BLANKS: Final = " \u00a0\u3000"


def format_csv(head: Iterable[str], rows: Iterable[Iterable[str]]) -> bytes:
    """Return a CSV of text cells; one that a spreadsheet would run gets an apostrophe before it."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(list(map(as_cell, head)))
    writer.writerows([as_cell(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8", errors="backslashreplace")


def as_cell(text: str) -> str:
    """Return a text as a cell that no spreadsheet runs."""
    return "'" + text if text.startswith(_RUNS) or text.lstrip(_BLANKS).startswith(_RUNS) else text
