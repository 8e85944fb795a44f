"""Tables of rows made of wordings, as the reader of files would leave them."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from doorward.lookback.cells import CELLS, State
from doorward.lookback.folder import AuditFolder
from doorward.lookback.words.phrase import Phrase, Wording

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

COLUMNS = tuple(Wording.__slots__)


def write_rows(
    connection: "DuckDBPyConnection", folder: AuditFolder, wordings: Iterable[Wording], name: str = "0000"
) -> None:
    """Write wordings as a table of rows."""
    folder.rows.mkdir(parents=True, exist_ok=True)
    listed = list(wordings)
    columns = [[getattr(one, column) for one in listed] for column in COLUMNS]
    chosen = ", ".join(f"unnest(?::VARCHAR[]) AS {column}" for column in COLUMNS)
    path = folder.rows / f"{name}.parquet"
    connection.execute("CREATE OR REPLACE TEMPORARY TABLE given_rows AS SELECT " + chosen, columns)
    connection.execute(f"COPY given_rows TO '{path}' (FORMAT parquet)")
    connection.execute("DROP TABLE given_rows")


def read_phrases(connection: "DuckDBPyConnection", folder: AuditFolder) -> dict[Wording, Phrase]:
    """Return what was written for each wording."""
    names = ", ".join((*COLUMNS, *Phrase.__slots__))
    rows = connection.execute(
        f"SELECT {names} FROM read_parquet('{folder.phrases}') ORDER BY phrase"
    ).fetchall()
    split = len(COLUMNS)
    return {Wording(*row[:split]): Phrase(*map(frozen, row[split:])) for row in rows}


def frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def portal_wordings(file: Path) -> Iterator[Wording]:
    """Yield the wording of each row of a published search audit."""
    with file.open(encoding="utf-8-sig", newline="") as text:
        for row in csv.DictReader(text):
            yield Wording(
                *cell(row, "reason"), *cell(row, "offenseType"), *cell(row, "filters"), *cell(row, "prompt")
            )


def cell(row: dict[str, str], name: str) -> tuple[str | None, State]:
    if name not in row:
        return None, State.NOT_EXPORTED
    value = row[name] or ""
    return (value, State.VALUE) if value.strip() else (None, State.BLANK)


assert {"reason", "offense", "filters", "prompt"} <= {one.name for one in CELLS}
