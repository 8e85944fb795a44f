"""A source of an audit that is no file: what doorward's own record tells. Its digest is over what it holds."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from doorward.lookback.reading.raw import RawTable, quote_path

if TYPE_CHECKING:
    import duckdb

BATCH: Final = 20_000


@dataclass(frozen=True, slots=True)
class Supplied:
    """A source that is made when it is read.

    Args:
        name: As a report calls it.
        form: What it is: `record`.
        make: Writes the table into a folder of its own.
    """

    name: str
    form: str
    make: Callable[[Path], RawTable]


def digest_table(connection: "duckdb.DuckDBPyConnection", table: RawTable) -> tuple[str, int]:
    """Return the SHA-256 over the rows of a table, a JSON line each in their order, and how many bytes those are."""
    columns = ", ".join(["sheet", "row", *(f"c{number}" for number in range(len(table.header)))])
    found = connection.cursor().execute(
        f"SELECT {columns} FROM read_parquet('{quote_path(table.path)}')"  # noqa: S608  # names of our own, quoted
    )
    digest = hashlib.sha256(json.dumps(table.header).encode() + b"\n")
    size = 0
    while rows := found.fetchmany(BATCH):
        text = "".join(json.dumps(row) + "\n" for row in rows).encode()
        digest.update(text)
        size += len(text)
    return digest.hexdigest(), size
