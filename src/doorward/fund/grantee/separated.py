"""A CSV file as cells, or why it is none. Pure.

RFC 4180 with a comma or a semicolon, in UTF-8, with or without its mark. A line break in a cell, a NUL, another
encoding and a quotation mark that does not close refuse the file: two programs would not read the same cells.
"""

import re
from typing import Final

from doorward.fund.grantee.cells import (
    MAX_BYTES,
    MAX_ROWS,
    REPORT,
    Place,
    Refusal,
    Row,
    Sheet,
    cell_of,
    column_name,
)

_CONTROL: Final = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)


def read_separated(raw: bytes) -> tuple[tuple[Sheet, ...], tuple[Refusal, ...]]:
    """Return the one sheet of a CSV file and what refuses it.

    Args:
        raw: The whole file, of a stranger.
    """
    if len(raw) > MAX_BYTES:
        return (), (Refusal(Place(""), "size"),)
    text = _decode(raw)
    if text is None:
        return (), (Refusal(Place(""), "bytes"),)
    lines = re.split(r"\r\n|\n|\r", text)
    head = lines[0]
    mark = ";" if head.count(";") > head.count(",") else ","
    rows: list[Row] = []
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        if len(rows) > MAX_ROWS:
            return (), (Refusal(Place(REPORT), "rows"),)
        cells = _split(line, mark)
        if cells is None:
            return (), (Refusal(Place(REPORT, number), "quotes"),)
        held = {column: cell_of(cell) for column, cell in enumerate(cells) if cell}
        for column, cell in held.items():
            if _CONTROL.search(cell.text):
                return (), (Refusal(Place(REPORT, number, column_name(column)), "control"),)
        if held:
            rows.append((number, held))
    return (Sheet(REPORT, tuple(rows)),), ()


def _decode(raw: bytes) -> str | None:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        pass
    return None  # outside of `except`: the error holds the bytes


def _split(line: str, mark: str) -> list[str] | None:
    """Return the cells of a line, or None where a quotation mark stands in the midst of one or does not close."""
    if '"' not in line:
        return line.split(mark)
    cells: list[str] = []
    at = 0
    while True:
        if at < len(line) and line[at] == '"':
            end = at + 1
            while (end := line.find('"', end)) >= 0 and line[end + 1 : end + 2] == '"':
                end += 2
            if end < 0:
                return None
            cells.append(line[at + 1 : end].replace('""', '"'))
            at = end + 1
        else:
            end = line.find(mark, at)
            end = len(line) if end < 0 else end
            if '"' in line[at:end]:
                return None
            cells.append(line[at:end])
            at = end
        if at == len(line):
            return cells
        if line[at] != mark:
            return None
        at += 1
