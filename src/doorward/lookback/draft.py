"""What a draft of an order would have refused in the logs of an audit, by clause and month."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from shutil import rmtree
from typing import TYPE_CHECKING, Any

from doorward.errors import ConfigError
from doorward.lookback.audit import Audit, Plan
from doorward.lookback.decide import Progress
from doorward.lookback.folder import AuditFolder
from doorward.lookback.queries import quote_text, read_query
from doorward.lookback.reading.accounting import SourceReport, parse_report
from doorward.lookback.reading.duplicates import find_duplicates
from doorward.lookback.rules import choose_rules

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True, slots=True)
class Refused:
    """What a draft says of one clause in one month.

    Args:
        month: `2026-04`; empty where the log has no time.
        refused: Inconsistent with the draft on their face.
        newly_refused: Of those, the ones that the orders of the audit do not refuse.
        referred: Closed until somebody decides.
    """

    month: str
    clause: str
    refused: int
    newly_refused: int
    referred: int


@dataclass(frozen=True, slots=True)
class Drafted:
    """What a draft says of an audit.

    Args:
        accesses: How many it was put to.
        results: How many of each result.
        refused: By month and clause.
    """

    accesses: int
    results: Mapping[str, int]
    refused: tuple[Refused, ...]


def try_draft(
    connection: "duckdb.DuckDBPyConnection", folder: AuditFolder, plan: Plan, progress: Progress
) -> Drafted:
    """Return what the one order of a plan says of the accesses that an audit has read; the audit stays as it is.

    Args:
        connection: Of `open_engine`.
        folder: Of a finished audit.
        plan: With the draft as its only order, and whatever the audit was made with besides.
        progress: Told how far it is.

    Raises:
        ConfigError: No audit is there, or the draft says nothing of any of its logs.
        PolicyCheckError: The draft has no lexicon, or one with a fault.
    """
    reports = load_reports(folder)
    (draft,) = plan.orders
    beside = AuditFolder(folder.root / "data/.draft")
    rmtree(beside.root, ignore_errors=True)
    beside.rows.parent.mkdir(parents=True)
    try:
        beside.rows.symlink_to(folder.rows.resolve(), target_is_directory=True)
        chosen = choose_rules([draft], (), reports)
        if not chosen.rules[0].logs:
            raise ConfigError(f"the order {draft.name} says nothing of any log of this audit")
        running = Audit(connection, beside, plan, progress, reports=reports)
        running.find_searchers()
        running.duplicates = find_duplicates(connection, beside, reports)
        running.decide(chosen)
        return _drafted(connection, folder, beside)
    finally:
        rmtree(beside.root, ignore_errors=True)


def load_reports(folder: AuditFolder) -> list[SourceReport]:
    """Return the accounts of the sources that an audit has read.

    Raises:
        ConfigError: None is there, or one cannot be read.
    """
    files = sorted(folder.rows.glob("*.json"), key=lambda file: int(file.stem))
    owners = _load_owners(folder)
    if len(files) != len(owners) or not folder.findings.exists():
        raise ConfigError(
            f"no finished audit is in `{folder.root}`", hint="doorward audit FILE… --out it first"
        )
    found = []
    for file, owner in zip(files, owners, strict=True):
        report = parse_report(file.read_text(encoding="utf-8"), "")
        if report is None:
            raise ConfigError(f"`{file.name}` is no account of this version", hint="audit the files again")
        report.owner = owner
        found.append(report)
    return found


def _load_owners(folder: AuditFolder) -> list[str]:
    """Return whose log each file is, as the audit has settled it: `--owner`, a map or a name stand behind it."""
    try:
        manifest = json.loads(folder.manifest.read_text(encoding="utf-8"))
        return [str(file["owner"]) for file in manifest["files"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"no finished audit is in `{folder.root}`", hint="doorward audit FILE… --out it first"
        ) from error


def _drafted(connection: "duckdb.DuckDBPyConnection", folder: AuditFolder, beside: AuditFolder) -> Drafted:
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW draft AS SELECT * FROM read_parquet({quote_text(beside.findings)})"  # noqa: S608  # quoted
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE refused AS SELECT DISTINCT file, sheet, row "  # noqa: S608  # as above
        f"FROM read_parquet({quote_text(folder.findings)}) WHERE result = 'inconsistent'"
    )
    rows: Sequence[tuple[Any, ...]] = connection.execute(read_query("draft")).fetchall()
    results = dict(
        connection.execute(
            "SELECT result, CAST(sum(n) AS BIGINT) "  # noqa: S608  # as above
            f"FROM read_parquet({quote_text(beside.counts)}) GROUP BY ALL ORDER BY ALL"
        ).fetchall()
    )
    return Drafted(
        sum(results.values()), results, tuple(Refused(month or "", *rest) for month, *rest in rows)
    )
