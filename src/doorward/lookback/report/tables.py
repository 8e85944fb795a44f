"""The tables beside the pages: CSV that a spreadsheet cannot run, and JSON. Same content, same bytes."""

import csv
import json
from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Final

from doorward.lookback.report.numbers import Number
from doorward.lookback.report.source import Source

_RUNS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_FINDINGS: Final = (
    "finding", "rules", "file", "sheet", '"row"', "id", '"at"', "owner", "searcher", "agency", "ori", "result",
    "outcome", "possible", "clauses", "clauses_certain", "clauses_perhaps", "policies", "tier", "patterns",
    "evidence", "reason", "reason_state", "offense", "case_no", "case_state", "kind", "reach_back_days", "path",
)  # fmt: skip
_BATCH: Final = 10_000


def as_cell(value: Any) -> str:  # noqa: ANN401  # a value of a table
    """Return a value as a cell of CSV: a text that a spreadsheet would run gets an apostrophe before it."""
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        value = "; ".join(str(one) for one in value)
    text = str(value)
    return "'" + text if isinstance(value, str) and text.startswith(_RUNS) else text


def save_csv(file: Path, head: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Write a table as RFC 4180 and UTF-8."""
    with file.open("w", encoding="utf-8", errors="backslashreplace", newline="") as out:
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow(head)
        writer.writerows([as_cell(value) for value in row] for row in rows)


def save_findings(source: Source, file: Path) -> None:
    """Write every finding as CSV, in the order of their numbers."""
    columns = ", ".join(_FINDINGS)
    cursor = source.connection.execute(
        f"SELECT {columns} FROM read_parquet(?) ORDER BY finding",  # noqa: S608  # names of this module
        [str(source.folder.findings)],
    )

    def rows() -> Iterable[Iterable[Any]]:
        while batch := cursor.fetchmany(_BATCH):
            yield from batch

    save_csv(file, (name.strip('"') for name in _FINDINGS), rows())


def as_json(value: Any) -> Any:  # noqa: ANN401  # JSON
    """Return the content of a report as JSON: a number is its id and value."""
    if isinstance(value, Number):
        return {"id": value.id, "value": value.value}
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: as_json(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, dict):
        return {str(key): as_json(one) for key, one in value.items()}
    return [as_json(one) for one in value] if isinstance(value, list | tuple) else value


def save_json(file: Path, value: Any) -> None:  # noqa: ANN401  # JSON
    """Write a JSON document, keys sorted."""
    text = json.dumps(as_json(value), indent=1, sort_keys=True, ensure_ascii=True)
    file.write_text(text + "\n", encoding="utf-8")
