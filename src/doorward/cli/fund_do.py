"""`doorward fund …`: years, appropriations and agreements."""

from datetime import datetime
from typing import Annotated

import typer

from doorward.cli.fund_link import (
    AsJson,
    By,
    Config,
    Data,
    Database,
    Key,
    Link,
    On,
    Year,
    day,
    do,
)
from doorward.errors import ConfigError
from doorward.fund.dollars import parse_dollars
from doorward.fund.ledger.operations import (
    Agree,
    Amend,
    Appropriate,
    CloseOut,
    CloseYear,
    Opening,
    OpenYear,
    Part,
    Post,
    Void,
)
from doorward.orders.load import load_fund, load_pack

AgreementName = Annotated[str, typer.Argument(help="the agreement's id")]
Line = Annotated[str, typer.Option(help="a line of the order's fund.toml")]
Amount = Annotated[str, typer.Option(help="dollars, such as 250000 or 12.50; below nought takes back")]
Reference = Annotated[str, typer.Option(help="the number of the act or document")]
Order = Annotated[str | None, typer.Option(help="whose fund.toml; that of `[fund]`, or the sample's")]
Begins = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="the first day")]
Ends = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="the last day")]


def open_year(  # noqa: PLR0913, PLR0917  # flags of a command
    year: Annotated[int, typer.Argument(help="the fiscal year; its days are the order's")],
    by: By,
    order: Order = None,
    on: On = None,
    key: Key = None,
    config: Config = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Open a fiscal year for postings."""
    link = Link(config, data, database)
    begins, ends = load_fund(load_pack(order or link.order)).days_of(year)
    do(OpenYear(year, begins, ends), by, on, key, link, as_json=as_json)


def opening(  # noqa: PLR0913, PLR0917  # flags of a command
    year: Year,
    line: Line,
    amount: Amount,
    reference: Reference,
    by: By,
    agreement: Annotated[str, typer.Option(help="an agreement that runs, or none")] = "",
    grantee: Annotated[str, typer.Option(help="its grantee's id")] = "",
    begins: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="its first day")] = None,
    ends: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="its last day")] = None,
    encumbered: Annotated[str, typer.Option(help="what it has left, in dollars")] = "0",
    expended: Annotated[str, typer.Option(help="what it has spent, in dollars")] = "0",
    on: On = None,
    key: Key = None,
    config: Config = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Take over a line of a fund that ran before, with what an agreement holds of it."""
    taken = Opening(
        year, line, parse_dollars(amount), reference, agreement, grantee,
        begins.date() if begins else None, ends.date() if ends else None,
        parse_dollars(encumbered), parse_dollars(expended),
    )  # fmt: skip
    do(taken, by, on, key, Link(config, data, database), as_json=as_json)


def appropriate(  # noqa: PLR0913, PLR0917  # flags of a command
    year: Year,
    line: Line,
    amount: Amount,
    source: Annotated[str, typer.Option(help="a source of the order's fund.toml")],
    reference: Reference,
    by: By,
    on: On = None,
    key: Key = None,
    config: Config = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Appropriate to a line, or amend that by another appropriation, below nought to take back."""
    given = Appropriate(year, line, parse_dollars(amount), source, reference)
    do(given, by, on, key, Link(config, data, database), as_json=as_json)


def agree(  # noqa: PLR0913, PLR0917  # flags of a command
    agreement: AgreementName,
    grantee: Annotated[str, typer.Option(help="the grantee's id")],
    year: Year,
    begins: Begins,
    ends: Ends,
    part: Annotated[list[str], typer.Option(help="LINE=DOLLARS, once for each line")],
    by: By,
    on: On = None,
    key: Key = None,
    config: Config = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Set money aside for an agreement; it is pending until another person runs `post`."""
    made = Agree(agreement, grantee, day(begins), day(ends), tuple(_part(year, one) for one in part))
    do(made, by, on, key, Link(config, data, database), as_json=as_json)


def _part(year: int, said: str) -> Part:
    line, equals, amount = said.partition("=")
    if not equals:
        raise ConfigError(f"`{said[:60]}` is no part", hint="LINE=DOLLARS, such as legal=250000")
    return Part(year, line, parse_dollars(amount))


def amend(  # noqa: PLR0913, PLR0917  # flags of a command
    agreement: AgreementName,
    year: Year,
    line: Line,
    amount: Amount,
    by: By,
    on: On = None,
    key: Key = None,
    config: Config = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Add to an agreement (pending again), or release from it by an amount below nought."""
    changed = Amend(agreement, year, line, parse_dollars(amount))
    do(changed, by, on, key, Link(config, data, database), as_json=as_json)


def post(  # noqa: PLR0917  # flags of a command
    agreement: AgreementName,
    by: By,
    on: On = None,
    key: Key = None,
    config: Config = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Post what is pending for an agreement: another person than who set it aside."""
    do(Post(agreement), by, on, key, Link(config, data, database), as_json=as_json)


def void(  # noqa: PLR0917  # flags of a command
    agreement: AgreementName,
    by: By,
    on: On = None,
    key: Key = None,
    config: Config = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Take back what an agreement has pending or encumbered and has not spent."""
    do(Void(agreement), by, on, key, Link(config, data, database), as_json=as_json)


def close_out(  # noqa: PLR0917  # flags of a command
    agreement: AgreementName,
    by: By,
    on: On = None,
    key: Key = None,
    config: Config = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """End an agreement, and release what it has not spent."""
    do(CloseOut(agreement), by, on, key, Link(config, data, database), as_json=as_json)


def close_year(  # noqa: PLR0913, PLR0917  # flags of a command
    year: Annotated[int, typer.Argument(help="a fiscal year that is over")],
    by: By,
    carry: Annotated[list[str] | None, typer.Option(help="an agreement that goes on; once for each")] = None,
    on: On = None,
    key: Key = None,
    config: Config = None,
    data: Data = None,
    database: Database = None,
    as_json: AsJson = False,  # noqa: FBT002  # a command-line flag
) -> None:
    """Close a year: nothing is posted into it any more; what is left lapses or is carried."""
    do(CloseYear(year, tuple(carry or ())), by, on, key, Link(config, data, database), as_json=as_json)
