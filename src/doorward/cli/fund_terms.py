"""`doorward fund terms`: what an agreement buys, said by one person and accepted by another; see `fund_filing`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from doorward.cli.fund_files import load_bought
from doorward.cli.fund_filing import files, open_filings
from doorward.cli.fund_link import AsJson, Config, Data, Database, Link, echo, read_clock
from doorward.fund.filings.acts import AcceptTerms, Act

app = typer.Typer(no_args_is_help=True)


@app.callback()
def terms() -> None:
    """Say what an agreement buys: units, prices, budget, and where the ledger is charged."""


@app.command("set")
@files
def set_terms(
    file: Annotated[
        Path, typer.Argument(help="terms as TOML (docs/howto/fund-grantees.md)", show_default=False)
    ],
) -> Act:
    """Set the terms of an agreement; they count once another person accepted them."""
    return load_bought(file)


@app.command()
@files
def accept(number: Annotated[int, typer.Argument(help="of the terms, as `set` said it")]) -> Act:
    """Accept terms that another person set."""
    return AcceptTerms(number)


@app.command()
def show(
    agreement: Annotated[str, typer.Argument(help="the agreement's id")],
    config: Config = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Show every terms of an agreement, and which were accepted."""
    with open_filings(Link(config, data, database), read_clock()) as filings:
        held = filings.on_file(agreement)
    if as_json:
        echo(
            [
                {"number": one.number, "accepted": bool(one.accepted_by), **asdict(one.terms)}
                for one in held.terms
            ]
        )
        return
    for one in held.terms:
        typer.echo(f"terms {one.number}: {'accepted' if one.accepted_by else 'waits for another person'}")
        for bought in one.terms.bought:
            typer.echo(f"  {bought.units} {bought.service} at {bought.price_cents} cents")
