"""`doorward audit draft`: what a draft of an order would have refused in the logs of an audit.

Exit codes: 0 done, 2 there is no audit, no order, or the order cannot be put to its logs.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from doorward.cli.audit_agencies import load_matcher
from doorward.cli.audit_run import told_plainly
from doorward.errors import ConfigError
from doorward.lookback.audit import Plan
from doorward.lookback.draft import Drafted, try_draft
from doorward.lookback.engine import MEMORY, open_engine
from doorward.lookback.folder import AuditFolder
from doorward.orders.load import load_pack


def draft(  # noqa: PLR0913, PLR0917  # options of a command
    out: Annotated[Path, typer.Argument(help="the folder of an audit")],
    order: Annotated[str, typer.Option(help="the draft: a shipped order, or a folder")],
    agencies: Annotated[Path | None, typer.Option(help="a list of agencies with ORI, a CSV")] = None,
    matches: Annotated[
        Path | None, typer.Option(help="reviewed matches, of `doorward audit agencies`")
    ] = None,
    participating: Annotated[Path | None, typer.Option(help="the list of 287(g) agencies, XLSX")] = None,
    pending: Annotated[Path | None, typer.Option(help="the list of pending 287(g) agencies, XLSX")] = None,
    declarations: Annotated[Path | None, typer.Option(help="written declarations on file, a CSV")] = None,
    memory: Annotated[str, typer.Option(help="what the engine may take before it spills to disk")] = MEMORY,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON document")] = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Say what a draft would have refused, by month and clause, and how much of it is refused already."""
    folder = AuditFolder(out)
    plan = Plan(
        orders=[load_pack(order)],
        matcher=load_matcher(agencies, matches, "", participating, pending, declarations),
    )
    if not folder.manifest.exists():
        raise ConfigError(f"no finished audit is in `{out}`", hint="doorward audit FILE… --out it first")
    with told_plainly(out), open_engine(folder.scratch, memory=memory) as connection:
        found = try_draft(connection, folder, plan, lambda _stage, _done, _total: None)
    if as_json:
        typer.echo(json.dumps(asdict(found), sort_keys=True))
        return
    _show(found)


def _show(found: Drafted) -> None:
    said = ", ".join(f"{count:,} {result}" for result, count in found.results.items())
    typer.echo(f"{found.accesses:,} accesses: {said}")
    table = Table("month", "clause", "refused", "of them not yet", "referred")
    for row in found.refused:
        table.add_row(
            row.month, row.clause, *(f"{n:,}" for n in (row.refused, row.newly_refused, row.referred))
        )
    Console().print(table)
    typer.echo(
        "an access counts once under each clause that decides it; at least so many in the logs supplied"
    )
