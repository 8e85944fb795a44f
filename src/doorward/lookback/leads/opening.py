"""One lead of an audit as it lies in its folder: what is public of it, its digest, and its rows in a case.

Whoever opens a lead is written down, on the disk, before the first row is read.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from doorward.errors import ConfigError, StoreError
from doorward.lookback.folder import AuditFolder
from doorward.lookback.leads.cases import VerifiedCase
from doorward.lookback.leads.find_leads import ROWS
from doorward.lookback.leads.tables import quote_path

if TYPE_CHECKING:
    import duckdb

OPENED: Final = "opened.jsonl"
OPENED_COLUMNS: Final = ("file", "sheet", "row", "id", "at", "account", "account_state", "kind")


@dataclass(frozen=True, slots=True)
class KeptLead:
    """A lead as it is kept.

    Args:
        public: Its row of `leads.parquet`, by column; times as text.
        digest: Over that, every row that it has, and the SHA-256 of every file of the audit.
    """

    public: Mapping[str, Any]
    digest: str


def load_lead(connection: "duckdb.DuckDBPyConnection", folder: AuditFolder, number: int) -> KeptLead:
    """Return a lead with its digest.

    Raises:
        ConfigError: There is no such audit or lead, or what is kept of it cannot be read.
    """
    import duckdb

    try:
        found = connection.execute(
            f"SELECT * FROM read_parquet({quote_path(folder.leads)}) WHERE lead = ?",  # noqa: S608  # a quoted path
            [number],
        )
        names = [column[0] for column in found.description or ()]
        rows = found.fetchall()
        cited = connection.execute(
            f'SELECT file, sheet, "row" FROM read_parquet({quote_path(folder.root / ROWS)}) '  # noqa: S608  # as above
            'WHERE lead = ? ORDER BY file, sheet, "row"',
            [number],
        )
        digest = sha256()
        while batch := cited.fetchmany(10_000):
            for row in batch:
                digest.update(json.dumps(row).encode() + b"\n")
    except duckdb.Error as error:
        raise ConfigError(
            f"the leads of `{folder.root}` cannot be read", hint="doorward audit writes them into --out"
        ) from error
    if len(rows) != 1:
        raise ConfigError(
            f"there is no lead {number} in `{folder.root}`", hint="leads.parquet has their numbers"
        )
    public = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in zip(names, rows[0], strict=True)
    }
    for part in (public, _read_hashes(folder.manifest)):
        digest.update(json.dumps(part, sort_keys=True).encode() + b"\n")
    return KeptLead(public, digest.hexdigest())


def _read_hashes(manifest: Path) -> list[tuple[int, str]]:
    """Return the SHA-256 of every file of the audit: row 17 of another file is another row."""
    try:
        files = json.loads(manifest.read_text(encoding="utf-8"))["files"]
        return sorted((int(file["file"]), str(file["sha256"])) for file in files)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"`{manifest.name}` of the audit cannot be read",
            hint="a lead is opened in the folder of a whole audit",
        ) from error


def open_lead(
    connection: "duckdb.DuckDBPyConnection",
    folder: AuditFolder,
    lead: KeptLead,
    case: VerifiedCase,
    *,
    by: str,
    now: datetime,
) -> list[dict[str, Any]]:
    """Return the rows of a lead with their accounts, after it was written down who opened it.

    Args:
        case: Verified for this lead.
        by: The system's user.
        now: Aware.

    Raises:
        StoreError: It cannot be written down; then nothing is read.
        ConfigError: The accesses cannot be read.
    """
    import duckdb

    _write_down(folder.root / OPENED, lead, case, by=by, now=now)
    wanted = ", ".join(f'a."{column}"' for column in OPENED_COLUMNS)
    accesses = ", ".join(quote_path(path) for path in sorted(folder.accesses.glob("*.parquet")))
    try:
        found = connection.execute(
            f"SELECT {wanted} FROM read_parquet([{accesses}], union_by_name = true) a "  # noqa: S608  # quoted paths
            f"JOIN read_parquet({quote_path(folder.root / ROWS)}) r "
            'ON r.file = a.file AND r.sheet = a.sheet AND r."row" = a."row" WHERE r.lead = ? '
            'ORDER BY a."at", a.file, a.sheet, a."row"',
            [lead.public["lead"]],
        ).fetchall()
    except duckdb.Error as error:
        raise ConfigError(f"the accesses of `{folder.root}` cannot be read") from error
    return [dict(zip(OPENED_COLUMNS, row, strict=True)) for row in found]


def _write_down(path: Path, lead: KeptLead, case: VerifiedCase, *, by: str, now: datetime) -> None:
    entry = {
        "at": now.isoformat(), "by": by, "case": case.case.case, "lead": lead.public["lead"],
        "digest": lead.digest, "until": case.case.until.isoformat(), "signed": list(case.keys),
        "reason": case.case.reason, "rows": lead.public["rows_n"],
    }  # fmt: skip
    line = json.dumps(entry, ensure_ascii=False, sort_keys=True).encode() + b"\n"
    try:
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # One write of one line: two who open at once do not mix. A crash here leaves a line too many, never none.
            if os.write(file, line) != len(line):
                raise StoreError(f"`{path.name}` took only a part of a line; nothing was opened")
            os.fsync(file)
        finally:
            os.close(file)
        parent = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(parent)  # the file may be new
        finally:
            os.close(parent)
    except OSError as error:
        raise StoreError(f"`{path.name}` cannot be written: {error.strerror}; nothing was opened") from error
