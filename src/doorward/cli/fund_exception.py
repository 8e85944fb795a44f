"""`doorward fund exception`: a finding may stand, for a listed reason, by two people; see `fund_filing`."""

from typing import Annotated

import typer

from doorward.cli.fund_filing import files, open_filings
from doorward.cli.fund_link import AsJson, Config, Data, Database, Link, echo, read_clock
from doorward.fund.filings.acts import Act, AskException, GrantException

app = typer.Typer(no_args_is_help=True)


@app.callback()
def exception() -> None:
    """Let a finding of a report pass: one person asks, another grants."""


@app.command()
@files
def ask(
    report: Annotated[int, typer.Argument(help="of the report")],
    rule: Annotated[str, typer.Option(help="the word of the rule, as `fund report list` says it")],
    reason: Annotated[str, typer.Option(help="of the order's list (fund_units.toml)")],
    row: Annotated[int, typer.Option(help="the row of the finding; 0 is the whole report")] = 0,
    column: Annotated[str, typer.Option(help="the heading of the finding")] = "from",
) -> Act:
    """Ask that a finding may stand."""
    return AskException(report, row, column, rule, reason)


@app.command()
@files
def grant(number: Annotated[int, typer.Argument(help="of the exception, as `ask` said it")]) -> Act:
    """Grant an exception that another person asked."""
    return GrantException(number)


@app.command("list")
def list_exceptions(
    agreement: Annotated[str, typer.Option(help="the agreement's id")],
    config: Config = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """List the exceptions of an agreement."""
    with open_filings(Link(config, data, database), read_clock()) as filings:
        held = filings.on_file(agreement)
    found = [(kept.number, one) for kept in held.reports.values() for one in kept.exceptions]
    if as_json:
        echo(
            [
                {"exception": one.number, "report": report, "row": one.finding.row, "column": one.finding.column,
                 "rule": one.finding.rule, "reason": one.reason, "asked_by": one.asked_by,
                 "granted_by": one.granted_by or None}
                for report, one in found
            ]
        )  # fmt: skip
        return
    for report, one in found:
        granted = f"granted by {one.granted_by}" if one.granted_by else "waits for another person"
        typer.echo(f"exception {one.number}: report {report}, {one.finding} ({one.reason}); {granted}")
