"""Small audits for tests of leads: accesses, phrases and searchers, written as the parts of an audit write them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from doorward.lookback.engine import open_engine
from doorward.lookback.folder import AuditFolder
from doorward.lookback.leads.find_leads import LeadsReport, find_leads
from doorward.lookback.leads.kinds import LeadNumbers
from doorward.lookback.leads.tables import LeadInputs, Source, make_table

ACCESSES = (
    ("file", "INTEGER"), ("sheet", "VARCHAR"), ("row", "BIGINT"), ("id", "VARCHAR"), ("at", "TIMESTAMP"),
    ("phrase", "BIGINT"), ("searcher_no", "INTEGER"), ("decision", "VARCHAR"), ("case_state", "VARCHAR"),
    ("account", "VARCHAR"), ("account_state", "VARCHAR"), ("plate", "VARCHAR"), ("plate_state", "VARCHAR"),
    ("kind", "VARCHAR"), ("networks", "BIGINT"), ("reach_back_days", "BIGINT"), ("local_month", "DATE"),
    ("elsewhere", "BOOLEAN"),
)  # fmt: skip
PHRASES = (
    ("phrase", "BIGINT"), ("reason", "VARCHAR"), ("tier", "VARCHAR"), ("said", "VARCHAR"),
    ("case_in_reason", "VARCHAR"),
)  # fmt: skip
SEARCHERS = (
    ("searcher_no", "INTEGER"), ("searcher", "VARCHAR"), ("searcher_state", "VARCHAR"), ("agency", "VARCHAR"),
    ("ori", "VARCHAR"), ("name", "VARCHAR"), ("state", "VARCHAR"), ("level", "VARCHAR"), ("component", "VARCHAR"),
    ("how", "VARCHAR"), ("score", "DOUBLE"), ("flags", "VARCHAR[]"), ("participating", "BOOLEAN"),
    ("participating_since", "DATE"),
)  # fmt: skip
STATED, VAGUE, BLANK, OPEN, EXPLICIT, CASED = 1, 2, 3, 4, 5, 6
WORDS = (
    (STATED, "stolen vehicle", "other", "stated", None),
    (VAGUE, "investigation", "vague", "vague", None),
    (BLANK, "", "other", "blank", None),
    (OPEN, None, "other", None, None),
    (EXPLICIT, "immigration violation", "explicit", "stated", None),
    (CASED, "theft 26-000123", "other", "stated", "26-000123"),
)


@dataclass
class Log:
    """An audit that is written by hand, row by row; rows count from 2 as in a spreadsheet."""

    searchers: list[dict[str, Any]] = field(default_factory=list)
    accesses: list[dict[str, Any]] = field(default_factory=list)
    sources: list[Source] = field(default_factory=lambda: [Source(0, "Sample City PD", "id")])

    def searcher(self, written: str, **more: Any) -> int:
        """Add a searcher; return its number."""
        number = len(self.searchers)
        self.searchers.append(
            {
                "searcher_no": number,
                "searcher": written,
                "searcher_state": "value",
                "name": written,
                "state": "IL",
            }
            | {"level": "city", "flags": [], "participating": False}
            | more
        )
        return number

    def search(self, searcher: int, at: datetime | str, **more: Any) -> int:
        """Add an access; return its row."""
        moment = datetime.fromisoformat(at) if isinstance(at, str) else at
        row = len(self.accesses) + 2
        made: dict[str, Any] = {
            "file": 0, "sheet": "", "row": row, "at": moment, "searcher_no": searcher, "phrase": STATED,
            "case_state": "blank", "account": None, "plate": None, "kind": "search",
            "elsewhere": False,
        } | more  # fmt: skip
        made["account_state"] = "masked" if made["account"] is None else "value"
        made["plate_state"] = "masked" if made["plate"] is None else "value"
        self.accesses.append(made)
        return row

    def write(self, root: Path) -> AuditFolder:
        """Write the tables of the audit."""
        folder = AuditFolder(root)
        folder.accesses.mkdir(parents=True, exist_ok=True)
        with duckdb.connect() as connection:
            _write(connection, ACCESSES, self.accesses, folder.accesses / "0000.parquet")
            names = [name for name, _ in PHRASES]
            words = [dict(zip(names, row, strict=True)) for row in WORDS]
            _write(connection, PHRASES, words, folder.phrases)
            _write(connection, SEARCHERS, self.searchers, folder.searchers)
        return folder

    def look(self, root: Path, numbers: LeadNumbers | None = None, **inputs: Any) -> LeadsReport:
        """Write it and look for leads."""
        return look(self.write(root), LeadInputs(self.sources, **inputs), numbers)


def look(folder: AuditFolder, inputs: LeadInputs, numbers: LeadNumbers | None = None) -> LeadsReport:
    """Look for leads with an engine of its own."""
    with open_engine(folder.scratch, threads=2) as connection:
        return find_leads(connection, folder, inputs, numbers)


def of_kind(report: LeadsReport, kind: str) -> Mapping[str, Any]:
    """Return the summary of one kind."""
    (found,) = (one for one in report.summary["kinds"] if one["kind"] == kind)
    return dict(found)


def counted(report: LeadsReport, kind: str) -> dict[str, int]:
    """Return how many each unit has of one kind."""
    return {lead.unit: lead.n for lead in report.leads if lead.kind == kind}


def _write(
    connection: duckdb.DuckDBPyConnection,
    columns: tuple[tuple[str, str], ...],
    rows: Iterable[Mapping[str, Any]],
    target: Path,
) -> None:
    quoted = tuple((f'"{name}"', kind) for name, kind in columns)
    make_table(connection, "made", quoted, [tuple(row.get(name) for name, _ in columns) for row in rows])
    escaped = str(target).replace("'", "''")
    connection.execute(f"COPY made TO '{escaped}' (FORMAT parquet)")
