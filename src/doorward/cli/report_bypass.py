"""`doorward report bypass`: who reached the tables behind the door around it, from the server's own audit.

Exit codes: 0 every line was read, whatever it says; 1 lines could not be read; 2 an argument is wrong.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import psycopg
import typer

from doorward.cli.installation import Config, Data, Order, load_installation
from doorward.cli.settings import read_settings
from doorward.cli.site import Site
from doorward.errors import ConfigError
from doorward.lookback.bypass import Bypass, Known, find_bypasses
from doorward.lookback.reading.pgaudit import AuditLine, Read, read_pgaudit

ROLES = "SELECT rolname FROM pg_catalog.pg_roles WHERE rolsuper OR rolbypassrls"
Files = Annotated[list[Path], typer.Argument(help="csvlog files of a server with pgaudit")]
MAX_SHOWN = 20


def bypass(  # noqa: PLR0917  # flags of a command
    files: Files,
    dsn: Annotated[str, typer.Option(help="the server: asks which roles row security does not bind")] = "",
    database: Annotated[str, typer.Option(help="only this database of the log")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,  # noqa: FBT002  # a command-line flag
    order: Order = "chicago",
    config: Config = None,
    data: Data = None,
) -> None:
    """Say which roles reached the tables behind the door without it: administrators, workloads, everybody else."""
    folders, pack = load_installation(config, data, order)
    if pack.model is None:
        raise ConfigError(f"the order {pack.name} stands at no database")
    site = Site(folders, read_settings(config) if config is not None else None, order)
    coverage = site.coverage(today=datetime.now(UTC).date())  # noqa: TID251  # the command line may read the clock
    tables = {table.table for table in pack.model.tables.values()}
    known = Known(tables, site.workloads, _administrators(dsn), database)
    account = Read()
    found = find_bypasses(_read(files, account), known)
    if as_json:
        typer.echo(
            json.dumps(
                {**_as_json(found, account, known), "coverage": coverage}, indent=1, ensure_ascii=False
            )
        )
    else:
        for line in _lines(found, account, known, coverage):
            typer.echo(line)
    if account.rejected:
        raise typer.Exit(1)


def _administrators(dsn: str) -> frozenset[str]:
    if not dsn:
        return frozenset({"postgres"})
    try:
        with psycopg.connect(dsn, connect_timeout=10) as connection:
            return frozenset(str(name) for (name,) in connection.execute(ROLES))
    except psycopg.Error as error:
        raise ConfigError("the server of --dsn does not answer") from error


def _read(files: Iterable[Path], account: Read) -> Iterator[AuditLine]:
    for file in files:
        try:
            with file.open(encoding="utf-8", errors="replace", newline="") as lines:
                yield from read_pgaudit(lines, account)
        except OSError as error:
            raise ConfigError(f"`{file}` cannot be read: {error.strerror}") from error


def _as_json(found: Iterable[Bypass], account: Read, known: Known) -> dict[str, Any]:
    return {
        "lines": account.lines, "audit": account.audit, "other": account.other,
        "rejected": [{"line": one.line, "reason": one.reason} for one in account.rejected],
        "tables": sorted(known.tables), "workloads": dict(known.workloads), "roles": [one.as_json() for one in found],
    }  # fmt: skip


def _lines(found: Iterable[Bypass], account: Read, known: Known, coverage: str) -> Iterator[str]:
    yield "the door does not stand before these: what they read is in the server's audit, and in no record of the door"
    silent: Mapping[str, str] = dict(known.workloads)
    for one in found:
        silent = {role: says for role, says in silent.items() if role != one.role}
        row = one.as_json()
        yield (
            f"{one.way:<18} {one.role:<24} {row['statements']} statements, {row['writes']} of them writing, in "
            f"{row['sessions']} sessions, {row['first'][:16]} to {row['last'][:16]}; {one.says}"
        )
        yield f"{'':<18} {', '.join(f'{table} {count}' for table, count in row['tables'].items())}"
    for role, says in silent.items():
        yield f"{'declared workload':<18} {role:<24} nothing in these files; {says}"
    for rejected in account.rejected[:MAX_SHOWN]:
        yield f"REJECTED line {rejected.line}: {rejected.reason}"
    yield coverage
    yield f"{account.lines} lines: {account.audit} of pgaudit, {account.other} others, {len(account.rejected)} rejected"
