"""A whole audit in one call, and its tables as rows: for tests that look at it from the outside."""

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from doorward.cli.audit_agencies import load_matcher
from doorward.lookback.audit import Audit, Plan, audit
from doorward.lookback.engine import open_engine
from doorward.lookback.folder import AuditFolder
from doorward.lookback.published.rows import COLUMNS, parse_rows
from doorward.lookback.reading.opening import ReadOptions
from doorward.lookback.reading.readers import make_readers
from doorward.orders.load import load_pack
from tests_support.access_logs import write

NO_MATTER = ("handled",)


@dataclass
class Given:
    """What an audit is made with besides its files; each as the command line has it."""

    orders: Sequence[str] = ()
    policies: Path | None = None
    agencies: Path | None = None
    participating: Path | None = None
    declarations: Path | None = None
    owner: str = ""
    memory: str = "1GB"
    threads: int | None = 1
    resume: bool = True
    spark: Any = None
    command: dict[str, Any] = field(default_factory=dict)


_pack = cache(
    load_pack
)  # of the shipped ones; what a test writes itself is named by its folder, each its own


def silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""
    del stage, done, total


def run_audit(out: Path, files: Sequence[Path], given: Given) -> dict[str, Any]:
    """Return the manifest of an audit, whose tables are then in a folder."""
    folder = AuditFolder(out)
    policies = (
        ()
        if given.policies is None
        else parse_rows(given.policies.read_text("utf-8-sig"), file=given.policies.name)
    )
    with open_engine(folder.scratch, memory=given.memory, threads=given.threads) as connection:
        plan = Plan(
            orders=[_pack(name) for name in given.orders],
            policies=policies,
            matcher=load_matcher(given.agencies, None, "", given.participating, None, given.declarations),
            reading=ReadOptions(resume=given.resume),
            readers=make_readers(connection),
            owner=given.owner,
            command=given.command,
        )
        return audit(Audit(connection, folder, plan, silent, given.spark), list(files))


def table(out: Path, path: str, columns: str = "*", after: str = "") -> list[dict[str, Any]]:
    """Return the rows of a table of an audit, each by the name of its columns."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        query = f"SELECT {columns} FROM read_parquet('{out}/{path}') {after}"  # of a test
        found = connection.execute(query)
        names = [column[0] for column in found.description or ()]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def findings(out: Path) -> list[dict[str, Any]]:
    """Return the findings, in their order."""
    return table(out, "findings.parquet", after="ORDER BY finding")


def counts(out: Path) -> list[dict[str, Any]]:
    """Return the counts."""
    return table(out, "data/counts.parquet", after="ORDER BY ALL")


def manifest(out: Path) -> dict[str, Any]:
    """Return what stands in the manifest."""
    found: dict[str, Any] = json.loads((out / "audit.json").read_text("utf-8"))
    return found


def tally(rows: Iterable[dict[str, Any]], *names: str) -> dict[Any, int]:
    """Return how many accesses counts have, by some of their columns; by one alone its value is the key."""
    found: dict[Any, int] = {}
    for row in rows:
        key = row[names[0]] if len(names) == 1 else tuple(row[name] for name in names)
        found[key] = found.get(key, 0) + row["n"]
    return found


def page(agency: str, **words: str) -> list[str]:
    """Return a row of a CSV of published pages."""
    row = dict.fromkeys(COLUMNS, "") | {"agency": agency, "snapshot": "2026-04-30", "sharing_outbound": "[]"}
    assert words.keys() <= row.keys()
    return list((row | words).values())


def write_pages(path: Path, *rows: Sequence[str]) -> Path:
    """Write a CSV of published pages."""
    return write(path, [list(COLUMNS), *rows])


def read_cells(path: Path) -> list[dict[str, str]]:
    """Return the records of a CSV as Python reads them: row 2 of the file is the first."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))
