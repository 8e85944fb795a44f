"""`doorward fund …`: install, balances, a year's statement, exports, and the ledger held against the record."""

import getpass
from contextlib import closing
from dataclasses import asdict
from typing import Annotated

import psycopg
import typer
from psycopg.conninfo import make_conninfo

from doorward.cli.fund_against import hold_against, read_ledger, read_record
from doorward.cli.fund_link import (
    AsJson,
    Config,
    Data,
    Database,
    Link,
    Silent,
    draw_key,
    echo,
    read_clock,
)
from doorward.cli.fund_record import fund_recorder
from doorward.cli.report_observe import SPOOL_ALONE
from doorward.desk.fund.verified import Verified, write_verified
from doorward.errors import ConfigError, UpstreamError
from doorward.fund import rows
from doorward.fund.database import Installer, make_database
from doorward.fund.database import install as install_tables
from doorward.fund.filings import rows as filing_rows
from doorward.fund.filings.compare import Compared, compare_filings
from doorward.fund.ledger.export import Written, format_beancount, format_csv, format_dollars
from doorward.fund.ledger.operations import parse_transaction
from doorward.fund.place import DATABASE
from doorward.fund.published.counted import Accepted
from doorward.fund.reported import read_accepted, read_last_filing
from doorward.fund.rules import make_rules
from doorward.fund.store import Store
from doorward.grants.cut_files import load_officers
from doorward.orders.load import load_fund, load_fund_units, load_pack
from doorward.record.entry import Entry


def read_holdings(link: Link) -> tuple[list[Written], list[Accepted] | None, int]:
    """Return the ledger's transactions in order, the accepted reports and the last filing's number, at one moment.

    Raises:
        UpstreamError: The fund's database did not answer.
    """
    with closing(Store(link.conninfo(), Silent())) as store, store.reading() as connection:
        kept, postings = rows.read_kept(connection), rows.read_postings(connection)
        written = [
            Written(one.number, one.entry, parse_transaction(one.text)[0], postings.get(one.number, ()))
            for one in kept
        ]
        accepted = read_accepted(connection)
        return written, accepted, 0 if accepted is None else read_last_filing(connection)


def install(
    order: Annotated[
        str | None, typer.Option(help="whose fund.toml; that of section `fund`, or the sample's")
    ] = None,
    superuser: Annotated[
        str | None, typer.Option(help="a superuser's conninfo to the fund's server, which a city gives")
    ] = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Make the fund's database, and put the lines and rules of an order in; again after each change of them."""
    link = Link(config, data, None)
    pack = load_pack(order or link.order)
    rules, reasons = make_rules(load_fund(pack)), load_fund_units(pack).reasons
    if superuser is None and config is not None:
        raise ConfigError(
            "a city's fund is installed with `--superuser`", hint="its conninfo, once; it is not kept"
        )
    where = superuser or make_conninfo(link.conninfo("postgres"), dbname="postgres")
    now = read_clock()
    try:
        make_database(where)
        with (
            fund_recorder(link.folders, now=now) as recorder,
            psycopg.connect(make_conninfo(where, dbname=DATABASE), autocommit=True) as connection,
        ):
            installer = Installer(draw_key(), recorder, getpass.getuser(), "operating system", now)
            done = install_tables(connection, rules, installer, reasons=reasons)
    except psycopg.Error as error:
        said = error.diag.message_primary or "it does not answer"
        raise UpstreamError(f"the fund's server refused: {said}") from error
    is_new = (
        "; the order's rules are in, and recorded" if done.changed else "; the order's rules were in already"
    )
    typer.echo(("the fund's tables were made" if done.made else "the fund's tables were there") + is_new)
    for line in rules.lines.values():
        typer.echo(
            f"  line {line.code}: {'on' if line.enabled else 'off'}; buys {', '.join(sorted(line.services))}"
        )


def balance(
    config: Config = None, data: Data = None, database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:  # fmt: skip
    """Show every account that is not nought, by year, line and agreement."""
    state = read_ledger(Link(config, data, database)).state
    held = sorted((place[1:], place[0], cents) for place, cents in state.balances.items() if cents)
    if as_json:
        echo(
            [
                {"year": year, "line": line, "agreement": of, "account": account.value, "cents": cents}
                for (year, line, of), account, cents in held
            ]
        )
        return
    for (year, line, of), account, cents in held:
        closed = " closed" if state.years[year].closed else ""
        typer.echo(f"{year}{closed} {line:12} {of:20} {account.value:12} {format_dollars(cents):>16}")


def export(
    form: Annotated[str, typer.Argument(help="beancount or csv")],
    config: Config = None,
    data: Data = None,
    database: Database = None,
) -> None:
    """Write the ledger to standard output, for Beancount or for the finance system."""
    if form not in {"beancount", "csv"}:
        raise ConfigError(f"`{form[:40]}` is no form", hint="beancount or csv")
    ledger = read_ledger(Link(config, data, database))
    written = ledger.written()
    typer.echo(
        format_beancount(written, ledger.state) if form == "beancount" else format_csv(written), nl=False
    )


def verify(
    config: Config = None, data: Data = None, database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:  # fmt: skip
    """Hold the ledger and what grantees filed against the record; `log verify` proves the record.

    The desk's page of the whole says when this was done, and what came of it.
    """
    link = Link(config, data, database)
    ledger = read_ledger(link)
    entries, whole = read_record(link)
    found = hold_against(ledger, entries, link)
    filed = _compare_filings(link, entries)
    wrong, open_ = (*found.wrong, *filed.wrong), (*found.open, *filed.open)
    write_verified(
        link.folders.data,
        Verified(read_clock().isoformat(), found.transactions, len(wrong), len(open_), whole),
    )
    if as_json:
        both = {**asdict(found), "filings": filed.filings, "wrong": wrong, "open": open_}
        echo({**both, "disclosures": whole})
    else:
        for line in (*wrong, *(f"perhaps a crash: {one}" for one in open_)):
            typer.echo(line)
        counted = f"{found.transactions} transactions, {filed.filings} filings"
        typer.echo(f"{counted}, {len(wrong)} differences from the record")
        if not whole:
            typer.echo(SPOOL_ALONE)
    if wrong:
        raise typer.Exit(1)


def _compare_filings(link: Link, entries: list[Entry]) -> Compared:
    with closing(Store(link.conninfo(), Silent())) as store, store.reading() as connection:
        told = [(one.number, one.entry, one.text) for one in filing_rows.read_filings(connection)]
        return compare_filings(
            told, filing_rows.read_reports(connection), entries, load_officers(link.folders.officials)
        )
