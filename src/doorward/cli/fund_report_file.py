"""`doorward fund report file|list|return|invoice`: reports on file, and their invoices as claims; see `fund_filing`."""

from pathlib import Path
from typing import Annotated

import typer

from doorward.cli.fund_booking import By, Key, On, SignWith, Who, login_of, parse_key
from doorward.cli.fund_files import load_raw, load_units_text
from doorward.cli.fund_filing import do_filing, files, open_filings, prove_claim, report_json, say_claim, take
from doorward.cli.fund_link import AsJson, Config, Data, Database, Link, Year, echo, read_clock
from doorward.errors import ConfigError
from doorward.fund.dollars import parse_dollars
from doorward.fund.filings.acts import Act, FileReport, ReturnReport, note_refusal
from doorward.fund.filings.bill import Bill
from doorward.fund.filings.confined import read_confined
from doorward.fund.ledger.refusal import Refusal

Number = Annotated[int, typer.Argument(help="of the report, as `file` said it")]


def file_report(  # noqa: PLR0913, PLR0917  # flags of a command
    file: Annotated[Path, typer.Argument(help="what a grantee hands in, CSV or XLSX", show_default=False)],
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
    """Put a report on file; of one that is refused it is kept where and which kind, and nothing that stood there."""
    link = Link(config, data, database)
    read = read_confined(load_raw(file), load_units_text(link.order), {agreement})
    if read.report is not None:
        do_filing(FileReport(read.report), Who(by, sign_with), on, key, link, as_json=as_json)
        return
    noted = take(note_refusal(agreement, read.refusals), Who(by, sign_with), on, key, link)
    places = [
        {"place": str(one.place), "kind": one.kind, "says": one.says, "hint": one.hint}
        for one in read.refusals
    ]
    if as_json:
        kept = None if isinstance(noted, Refusal) else noted.number
        echo({"filed": "report", "refused": "content", "places": places, "noted": kept})
    else:
        for one in read.refusals:
            typer.echo(f"refused: {one}")
        typer.echo("nothing of the file is kept")
    raise typer.Exit(1)


def list_reports(
    agreement: Annotated[str, typer.Option(help="the agreement's id")],
    config: Config = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """List the reports of an agreement, with what stops each."""
    with open_filings(Link(config, data, database), read_clock()) as filings:
        held = filings.on_file(agreement)
    if as_json:
        echo([report_json(kept) for kept in held.reports.values()])
        return
    for kept in held.reports.values():
        typer.echo(f"report {kept.number}: {kept.report.first} to {kept.report.last}, {kept.status}")
        for one in kept.open:
            typer.echo(f"  stops it: {one} ({one.rule})")


@files
def return_report(report: Number) -> Act:
    """Take a report back, or send it back; an invoice of it is withdrawn first."""
    return ReturnReport(report)


def invoice(  # noqa: PLR0913, PLR0917  # flags of a command
    report: Number,
    invoice: Annotated[int, typer.Argument(help="its number in the report")],
    year: Year,
    by: By = None,
    sign_with: SignWith = None,
    recoup: Annotated[
        list[str] | None, typer.Option(help="LINE:SERVICE=DOLLARS that an advance has paid; once for each")
    ] = None,
    on: On = None,
    key: Key = None,
    config: Config = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """File an invoice of a report as a claim of the ledger; the terms say where it is charged."""
    link, now = Link(config, data, database), read_clock()
    recouped = dict(_recoup(one) for one in recoup or ())
    who = Who(by, sign_with)
    bill = Bill(parse_key(key), login_of(who), link.day(on, now), report, invoice, year, recouped)
    with open_filings(link, now) as filings:
        answer = filings.bill(bill, now=now, prove=lambda one: prove_claim(one, who, link))
    say_claim(answer, as_json=as_json)


def _recoup(said: str) -> tuple[tuple[str, str], int]:
    place, equals, amount = said.partition("=")
    line, colon, service = place.partition(":")
    if not equals or not colon:
        raise ConfigError(
            f"`{said[:60]}` is no part", hint="LINE:SERVICE=DOLLARS, such as legal:screening=900"
        )
    return (line, service), parse_dollars(amount)
