"""Which rows say again what another says, beside a count in Python over the same rows: each owner, file and kind."""

import random
import unicodedata
from pathlib import Path
from typing import Any

import duckdb
import pytest

from doorward.lookback.folder import AuditFolder
from doorward.lookback.reading.duplicates import duplicates_path, find_duplicates
from doorward.lookback.reading.raw import quote_path
from tests_support.access_logs import PORTAL, portal_row, uuid, write

SPACES = ("", "", "", " ", "  ", "\u00a0", "\u2003", "\u3000")  # those that are trimmed from an id
Row = tuple[int, str, int, str | None, str | None, Any]


def _text(row: Row) -> object:
    """Return what a row says: its id without spaces around it and in small letters, or its second and reason."""
    _file, _sheet, _row, own, reason, at = row
    if own is not None:
        first = next((n for n, sign in enumerate(own) if unicodedata.category(sign) != "Zs"), len(own))
        last = next((n for n, sign in enumerate(reversed(own)) if unicodedata.category(sign) != "Zs"), 0)
        return ("id", own[first : len(own) - last].lower())
    return None if at is None else ("text", at.replace(microsecond=0), reason)


def _naive(rows: list[Row], owners: dict[int, str]) -> list[tuple[Any, ...]]:
    seen: dict[object, list[Row]] = {}
    found = []
    for row in rows:
        said = _text(row)
        before = seen.setdefault(said, [])
        if said is not None and before:
            kind = "another owner"
            if any(owners[one[0]] == owners[row[0]] for one in before):
                kind = "same owner"
            if any(one[0] == row[0] for one in before):
                kind = "same file"
            found.append((*row[:3], kind, *before[0][:3]))
        before.append(row)
    return found


@pytest.mark.parametrize(
    "without", [(), (1,), (0, 1, 2, 3)], ids=["ids everywhere", "one mixed", "all mixed"]
)
def test_duplicates_are_those_that_a_look_at_each_row_finds(
    without: tuple[int, ...],
    tmp_path: Path,
    read: Any,
    engine: duckdb.DuckDBPyConnection,
    folder: AuditFolder,
) -> None:
    chance = random.Random(11)  # noqa: S311  # the same logs in every run
    names = []
    for number in range(4):
        made = []
        for _ in range(300):
            own = uuid(chance.randrange(400, 700))
            own = chance.choice(SPACES) + chance.choice((own, own.upper())) + chance.choice(SPACES)
            row = portal_row(
                chance.randrange(90),
                reason=chance.choice(("stop", "theft")),
                at="" if chance.random() < 0.9 else "***",
            )
            made.append([own if number not in without or chance.random() < 0.5 else "", *row[1:]])
        names.append(write(tmp_path / f"{number}.csv", [PORTAL, *made]))
    told = {"0.csv": "a", "1.csv": "b", "2.csv": "a", "3.csv": "b"}
    reports = read(*names, owners=told)
    counts = find_duplicates(engine, folder, reports)
    rows = engine.execute(
        f"SELECT file, sheet, row, id, reason, \"at\" FROM '{quote_path(folder.rows / '*.parquet')}' ORDER BY 1, 2, 3"
    ).fetchall()
    expected = _naive(rows, {report.file: report.owner for report in reports})
    assert len(expected) > 300
    assert engine.execute(f"SELECT * FROM '{quote_path(duplicates_path(folder))}'").fetchall() == expected
    assert sum(sum(kinds.values()) for kinds in counts.values()) == len(expected)
