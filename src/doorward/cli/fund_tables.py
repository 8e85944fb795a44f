"""`doorward fund report deliver|close-quarter|tables`: people in bands, added up; see `fund_filing`."""

from pathlib import Path
from typing import Annotated

import typer

from doorward.cli.fund_booking import By, Key, On, SignWith, Who
from doorward.cli.fund_files import load_raw, load_units_text
from doorward.cli.fund_filing import files, open_filings, say_refused, take
from doorward.cli.fund_link import AsJson, Config, Data, Database, Link, echo, read_clock
from doorward.errors import ConfigError
from doorward.fund.filings.acts import Act, CloseQuarter, DeliverTable, note_refusal
from doorward.fund.filings.confined import read_confined
from doorward.fund.grantee.banded import WAYS
from doorward.fund.ledger.refusal import Refusal

Quarter = Annotated[str, typer.Argument(help="such as 2026-q3")]


def deliver(  # noqa: PLR0913, PLR0917  # flags of a command
    file: Annotated[Path, typer.Argument(help="a table of people in bands, CSV or XLSX", show_default=False)],
    way: Annotated[str, typer.Option(help=f"one of {', '.join(WAYS)}")],
    agreement: Annotated[str, typer.Option(help="the agreement's id")],
    by: By = None,
    sign_with: SignWith = None,
    on: On = None,
    key: Key = None,
    config: Config = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Add a table of people to its quarter; the table itself is not kept."""
    if way not in WAYS:
        raise ConfigError(f"--way must be one of {', '.join(WAYS)}")
    link = Link(config, data, database)
    read = read_confined(
        load_raw(file), load_units_text(link.order), {agreement}, way=way, agreement=agreement
    )
    if read.people is None:
        take(note_refusal(agreement, read.refusals), Who(by, sign_with), on, key, link)
        if as_json:
            echo({"filed": "deliver", "refused": "content", "places": [str(one) for one in read.refusals]})
        else:
            for one in read.refusals:
                typer.echo(f"refused: {one}")
        raise typer.Exit(1)
    answer = take(
        DeliverTable(agreement, way, read.quarter), Who(by, sign_with), on, key, link, people=read.people
    )
    if isinstance(answer, Refusal):
        say_refused("deliver", answer, as_json=as_json)
    if as_json:
        echo({"filed": "deliver", "number": answer.number, "entry": answer.entry, "again": answer.again})
    else:
        typer.echo(f"deliver: number {answer.number}, entry {answer.entry}; {way} of {read.quarter} is added")


@files
def close_quarter(quarter: Quarter) -> Act:
    """Take no more tables of a quarter, and let those that came be read."""
    return CloseQuarter(quarter)


def tables(
    quarter: Quarter,
    config: Config = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Show of a closed quarter how many tables have which band; not for publication."""
    with open_filings(Link(config, data, database), read_clock()) as filings:
        found = filings.banded(quarter)
    if as_json:
        echo({"quarter": quarter, "ways": found})
        return
    for way, categories in found.items():
        for category, bands in categories.items():
            counts = ", ".join(f"{tables} from {band}" for band, tables in bands.items())
            typer.echo(f"{way:9} {category:12} {counts}")
    if not found:
        typer.echo("nothing, or the quarter is not closed")
